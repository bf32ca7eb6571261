using System.CommandLine;
using System.Globalization;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll explain CVE [IMAGE]</c>: what the database knows, and how an image comes by it.</summary>
internal static class ExplainCommand
{
    private const int MostReferences = 5;

    /// <summary>Lines of affected ranges for each record, and packages in each: an update of a whole module names hundreds.</summary>
    private const int MostRanges = 20, MostPackages = 12;

    public static Command Create(CliContext context, ScanServices services)
    {
        Language language = context.Language;
        Argument<string> flaw = new("ID") { Description = Catalogue.HelpFlaw.In(language) };
        Argument<string?> subject = new("IMAGE") { Description = Catalogue.HelpSubject.In(language), Arity = ArgumentArity.ZeroOrOne };
        Option<string?> platform = new("--platform") { HelpName = "PLATFORM", Description = Catalogue.HelpPlatform.In(language) };
        Option<string?> database = new("--db") { HelpName = "FILE", Description = Catalogue.HelpDb.In(language) };
        Option<string?> lang = new("--lang") { HelpName = "LANG", Description = Catalogue.HelpLang.In(language) };
        Command command = new("explain", Catalogue.ExplainSummary.In(language)) { flaw, subject, platform, database, lang };
        command.SetAction((line, cancellationToken) => Task.Run(() =>
        {
            using IAdvisoryStore store = Subject.OpenStore(context, services, line.GetValue(database));
            string asked = line.GetRequiredValue(flaw);
            Report? report = line.GetValue(subject) is { } name ? ReportOn(name, asked, store, context, services, Subject.PlatformOf(line.GetValue(platform)), cancellationToken) : null;
            return report is not null && ProblemExplanation.Find(report, asked) is { Count: > 0 } problems
                ? new ProblemExplanation(context).Write(report, problems) : new Explanation(context, store).Write(asked, report);
        }, cancellationToken));
        return command;
    }

    /// <summary>The checks run only for what may be theirs: an advisory's id is explained as quickly as without them.</summary>
    private static Report ReportOn(string subject, string asked, IAdvisoryStore store, CliContext context, ScanServices services, Platform? platform, CancellationToken cancellationToken)
    {
        if (Subject.ReadReport(subject) is { } report)
            return report;
        bool advisory = asked.StartsWith("CVE-", StringComparison.OrdinalIgnoreCase) || asked.StartsWith("GHSA-", StringComparison.OrdinalIgnoreCase) || store.FindById(asked).Count > 0;
        using CheckSet checks = Subject.Checks(context, advisory || Subject.IsBom(subject) ? new HashSet<ProblemKind>() : ProblemExplanation.KindsOf(asked));
        return Subject.Scan(subject, store, checks, context, services, platform, cancellationToken);
    }

    private sealed class Explanation(CliContext context, IAdvisoryStore store)
    {
        private Language Language => context.Language;

        public int Write(string asked, Report? report)
        {
            string id = Spelling(asked);
            List<Advisory> records = [.. store.FindById(id).OrderBy(a => a.Id, StringComparer.Ordinal)];
            List<Finding> findings = [.. (report?.Findings ?? []).Where(f => f.Aliases.Prepend(f.Id).Any(a => a.Equals(id, StringComparison.OrdinalIgnoreCase))
                || f.Fingerprint.Equals(asked, StringComparison.OrdinalIgnoreCase) || f.Matches.Any(m => m.AdvisoryId.Equals(id, StringComparison.OrdinalIgnoreCase)))];
            context.Out.WriteLine(Shown(id));
            WriteExploited(id, records, findings);
            WriteRecords(id, records);
            context.Out.WriteLine();
            if (report is null)
            {
                if (records.Count == 0)
                    Paragraph(Catalogue.ExplainRuleNeedsImage.In(Language, Shown(id)), "");
                context.Out.WriteLine(ReportTexts.Of(store.Info, context.Time.GetUtcNow(), Language));
                return records.Count > 0 || findings.Count > 0 ? ExitCode.Done : ExitCode.Undecided;
            }
            if (findings.Count == 0)
            {
                Paragraph(Catalogue.ExplainNotIn.In(Language, Shown(id), Shown(report.Image)), "");
                WriteNear(report, records);
                // Only what was looked for is known to be absent; an advisory's id is no check's.
                if (records.Count == 0 && report.Checks.Count > 0 && ProblemKinds.All.Where(k => !report.Checks.Contains(k)).ToList() is { Count: > 0 } missing)
                    Paragraph(Catalogue.ExplainNotLooked.In(Language, Shown(report.Image), string.Join(", ", missing.Select(k => Catalogue.KindOf(k.Word()).In(Language)))), "");
                if (!report.Complete)
                    Paragraph(Catalogue.ExplainNotInIncomplete.In(Language), "");
            }
            else
            {
                context.Out.WriteLine(Catalogue.ExplainIn.In(Language, Shown(report.Image)) + ":");
                foreach (Finding finding in findings)
                    WriteFinding(finding);
            }
            return report.Complete ? ExitCode.Done : ExitCode.Undecided;
        }

        /// <summary>Ids are written in capitals by habit, but GHSA's are not.</summary>
        private string Spelling(string asked)
        {
            if (store.FindById(asked).Count > 0)
                return asked;
            string upper = asked.ToUpperInvariant();
            return upper.StartsWith("CVE-", StringComparison.Ordinal) || upper.StartsWith("DSA-", StringComparison.Ordinal) || store.FindById(upper).Count > 0 ? upper
                : upper.StartsWith("GHSA-", StringComparison.Ordinal) ? "GHSA" + asked[4..].ToLowerInvariant() : asked;
        }

        private void WriteExploited(string id, List<Advisory> records, List<Finding> findings)
        {
            string? day = records.SelectMany(r => r.Aliases.Concat(r.Upstream)).Where(a => records.Count == 1 && a.StartsWith("CVE-", StringComparison.Ordinal)).Prepend(id)
                .Select(store.FindKnownExploited).FirstOrDefault(d => d is not null) ?? findings.Select(f => f.KnownExploited).FirstOrDefault(d => d is not null);
            context.Out.WriteLine(day is null ? Catalogue.ExplainNotKnown.In(Language) : Catalogue.ExplainKnown.In(Language, Shown(day)));
            if ((store.FindEpss(id) ?? findings.Select(f => f.Epss).FirstOrDefault(e => e is not null)) is { } epss)
                context.Out.WriteLine(Catalogue.ExplainEpss.In(Language, Percent(epss.Probability), Percent(epss.Percentile)));
        }

        private static string Percent(double share) => (share * 100).ToString("0.0", CultureInfo.InvariantCulture) + "%";

        private void WriteRecords(string id, List<Advisory> records)
        {
            context.Out.WriteLine();
            if (records.Count == 0)
            {
                Paragraph(Catalogue.ExplainUnknown.In(Language, Shown(id)), "");
                return;
            }
            context.Out.WriteLine(Catalogue.ExplainRecords.In(Language) + ":");
            foreach (Advisory record in records)
            {
                Paragraph($"{Shown(record.Id)} ({Shown(record.Source)}) {Shown(record.Summary)}", "  ");
                if (record.Aliases.Concat(record.Upstream).Any())
                    Field(Catalogue.ExplainAliases, string.Join(", ", record.Aliases.Concat(record.Upstream).Distinct(StringComparer.Ordinal)));
                if (record.Published.Length > 0)
                    Field(Catalogue.ExplainPublished, record.Published);
                foreach ((string type, string vector) in record.Cvss)
                    Field(Catalogue.ExplainSeverity, (Cvss.ScoreV4(vector) ?? Cvss.ScoreV3(vector) ?? (type == "CVSS_V2" ? Cvss.ScoreV2(vector) : null)) is { } score
                        ? $"{score.ToString("0.0", CultureInfo.InvariantCulture)} {vector}" : vector);
                if (record.SeverityWord is { } word)
                    Field(Catalogue.ExplainSeverity, word);
                WriteAffected(record);
                foreach (string url in record.References.Take(MostReferences))
                    Paragraph(Shown(url), "    ");
            }
        }

        /// <summary>Which versions of which packages: one line for each ecosystem and range, with the packages that share it.</summary>
        private void WriteAffected(Advisory record)
        {
            var groups = store.FindAffected(record).GroupBy(a => (a.Ecosystem, Range: RangesOf(a))).ToList();
            foreach (var group in groups.Take(MostRanges))
            {
                string[] names = [.. group.Select(a => a.Package).Distinct(StringComparer.Ordinal)];
                Field(Catalogue.ExplainAffects, $"{group.Key.Ecosystem} {string.Join(", ", names.Take(MostPackages))}"
                    + (names.Length > MostPackages ? $" {Catalogue.ExplainMore.In(Language, names.Length - MostPackages)}" : "")
                    + (group.Key.Range.Length > 0 ? $": {group.Key.Range}" : ""));
            }
            if (groups.Count > MostRanges)
                Field(Catalogue.ExplainAffects, Catalogue.ExplainMore.In(Language, groups.Count - MostRanges));
        }

        private void WriteFinding(Finding finding)
        {
            InstalledPackageLine(finding);
            Field(Catalogue.ExplainLayer, finding.Package.Origin is { DiffId: null, CreatedBy: null } ? "-"
                : $"{Catalogue.Layer.In(Language, finding.Package.Origin.Layer)} {finding.Package.Origin.DiffId} {finding.Package.Origin.CreatedBy}".TrimEnd());
            Field(Catalogue.ExplainSeverity, $"{finding.Severity.Text().In(Language)}{(finding.SeverityFrom is { } from ? $" ({from})" : "")}");
            foreach (Match match in finding.Matches)
                Field(Catalogue.ExplainWhy, Catalogue.ExplainMatch.In(Language, match.AdvisoryId, match.Package, match.Ecosystem, match.Range, match.Version));
            Field(Catalogue.ExplainFix, finding.FixedVersion is { } fix ? Catalogue.ExplainUpgrade.In(Language, fix) : Catalogue.NoFix.In(Language));
            if (finding.Suppressed is { } suppressed)
                Field(Catalogue.ExplainSuppressed, $"{suppressed.Reason} ({string.Join("; ", new[] { suppressed.Owner, suppressed.Expires?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), suppressed.Source }.OfType<string>())})");
        }

        /// <summary>Packages of the image that the records do speak of, for another version: why it is not among the findings.</summary>
        private void WriteNear(Report report, List<Advisory> records)
        {
            if (report.Distribution is not { } distribution || Release.Of(distribution).Ecosystem is not { } ecosystem)
                return;
            HashSet<string> ids = [.. records.Select(r => r.Id)];
            foreach (IGrouping<(string SourceName, string SourceVersion), InstalledPackage> source in report.Packages.Where(p => p.Package.IsOfDistribution)
                .GroupBy(p => (p.Package.SourceName, p.Package.SourceVersion)))
                foreach (Affected record in store.Find(ecosystem, source.Key.SourceName).Where(a => ids.Contains(a.Advisory.Id)))
                    Paragraph(Catalogue.ExplainNear.In(Language, Shown(source.Key.SourceName), Shown(source.Key.SourceVersion), Shown(record.Advisory.Id), Shown(RangesOf(record))), "  ");
        }

        private static string RangesOf(Affected record) => string.Join("; ",
            record.Ranges.Take(MostReferences).Select(r => string.Join(", ", r.Events.Take(12).Select(e => $"{e.Kind.Replace('_', ' ')} {e.Version}")))
                .Concat(record.Versions.Count > 0 ? [string.Join(", ", record.Versions.Take(12)) + (record.Versions.Count > 12 ? $", … ({record.Versions.Count})" : "")] : []));

        private void InstalledPackageLine(Finding finding) =>
            Paragraph($"{Shown(finding.Id)}  {Catalogue.ExplainPackage.In(Language)} {Shown(finding.Package.Package.Name)} {Shown(finding.Package.Package.Version)}  {Shown(Words.PlaceOf(finding.Package))}", "  ");

        private void Field(Text name, string value) => Paragraph($"{name.In(Language)}{(Language == Language.Chinese ? "：" : ": ")}{Shown(value)}", "    ");

        private void Paragraph(string text, string margin)
        {
            foreach (string line in DisplayWidth.Wrap(text, Math.Max(context.Columns, TableOptions.LeastColumns) - margin.Length))
                context.Out.WriteLine(margin + line);
        }

        private static string Shown(string text) => Escape.ForTerminal(text.Length > 2000 ? text[..2000] + "…" : text);
    }
}
