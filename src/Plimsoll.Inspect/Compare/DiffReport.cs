using System.Text.Json;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Compare;

/// <summary>Writes a <see cref="ReportDiff"/> for people and for programs; docs/formats/diff.md describes the latter.</summary>
public static class DiffReport
{
    public const int SchemaVersion = 1;

    /// <summary>One UTF-8 object with a line feed at the end.</summary>
    public static void WriteJson(Stream output, ReportDiff diff, string toolVersion)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(diff);
        using (Utf8JsonWriter json = new(output, ReportJson.Options))
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion", SchemaVersion);
            json.WriteStartObject("tool");
            json.WriteString("name", "plimsoll");
            json.WriteString("version", toolVersion);
            json.WriteEndObject();
            Side(json, "before", diff.Before);
            Side(json, "after", diff.After);
            json.WriteBoolean("complete", diff.Complete);
            json.WriteBoolean("sameDatabase", diff.SameDatabase);
            json.WriteStartObject("packages");
            Packages(json, "added", diff.Added);
            Packages(json, "removed", diff.Removed);
            json.WriteStartArray("changed");
            foreach (PackageChange change in diff.Changed)
            {
                json.WriteStartObject();
                Package(json, change.After);
                json.WriteString("before", change.Before.Package.Version);
                json.WriteString("change", WordOf(change));
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteStartObject("findings");
            Findings(json, "new", diff.New);
            Findings(json, "fixed", diff.Fixed);
            Findings(json, "suppressed", diff.Suppressed);
            Findings(json, "unchanged", diff.Unchanged);
            json.WriteEndObject();
            WriteProblems(json, diff.Problems);
            json.WriteEndObject();
        }
        output.WriteByte((byte)'\n');
    }

    private static string WordOf(PackageChange change) => change.Order switch { > 0 => "upgrade", < 0 => "downgrade", _ => "other" };

    private static void Side(Utf8JsonWriter json, string name, Report report)
    {
        json.WriteStartObject(name);
        json.WriteString("image", report.Image);
        json.WriteOptional("manifestDigest", report.ManifestDigest);
        json.WriteOptional("configDigest", report.ConfigDigest);
        json.WriteBoolean("complete", report.Complete);
        json.WriteBoolean("matched", report.Matched);
        json.WriteNumber("databaseCounter", report.Database.Counter);
        json.WriteEndObject();
    }

    private static void Packages(Utf8JsonWriter json, string name, IReadOnlyList<InstalledPackage> packages)
    {
        json.WriteStartArray(name);
        foreach (InstalledPackage package in packages)
        {
            json.WriteStartObject();
            Package(json, package);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Package(Utf8JsonWriter json, InstalledPackage package)
    {
        json.WriteString("type", package.Package.Type);
        json.WriteString("name", package.Package.Name);
        json.WriteString("version", package.Package.Version);
        json.WriteOptional("architecture", package.Package.Architecture);
        json.WriteOptional("purl", package.Purl);
        json.WriteString("path", Words.PlaceOf(package));
    }

    private static void Findings(Utf8JsonWriter json, string name, IReadOnlyList<Finding> findings)
    {
        json.WriteStartArray(name);
        foreach (Finding finding in findings)
        {
            json.WriteStartObject();
            json.WriteString("id", finding.Id);
            json.WriteString("fingerprint", finding.Fingerprint);
            json.WriteString("severity", finding.Severity.Word());
            json.WriteOptional("fixedVersion", finding.FixedVersion);
            json.WriteOptional("knownExploited", finding.KnownExploited);
            json.WriteStartObject("package");
            Package(json, finding.Package);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteProblems(Utf8JsonWriter json, ProblemDiff diff)
    {
        json.WriteStartObject("problems");
        json.WriteList("compared", diff.Compared.Select(k => k.Word()));
        json.WriteList("oneSided", diff.OneSided.Select(k => k.Word()));
        foreach ((string name, IReadOnlyList<Problem> problems) in ((string, IReadOnlyList<Problem>)[])
            [("new", diff.New), ("fixed", diff.Fixed), ("suppressed", diff.Suppressed), ("unchanged", diff.Unchanged)])
        {
            json.WriteStartArray(name);
            foreach (Problem problem in problems)
            {
                json.WriteStartObject();
                json.WriteString("kind", problem.Kind.Word());
                json.WriteString("rule", problem.Rule);
                json.WriteString("fingerprint", problem.Fingerprint);
                json.WriteString("severity", problem.Severity.Word());
                json.WriteString("title", problem.Title.English);
                json.WriteOptional("path", problem.Path);
                json.WriteOptional("place", problem.Place);
                json.WriteOptional("package", problem.Package);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    /// <summary>Lines for people, escaped for a terminal, none wider than the terminal where it has a decent width.</summary>
    public static void WriteTable(TextWriter output, ReportDiff diff, TableOptions options)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(diff);
        ArgumentNullException.ThrowIfNull(options);
        new Table(output, options, new Ansi(options.Colour)).Write(diff);
    }

    private sealed class Table(TextWriter output, TableOptions options, Ansi ansi)
    {
        private readonly int _columns = Math.Max(options.Columns, TableOptions.LeastColumns);

        private Language Language => options.Language;

        public void Write(ReportDiff diff)
        {
            Line($"A {diff.Before.Image}", ansi.Bold);
            Line($"B {diff.After.Image}", ansi.Bold);
            Heading(Catalogue.DiffPackages.In(Language, diff.Added.Count, diff.Removed.Count, diff.Changed.Count));
            foreach (PackageChange change in diff.Changed)
                Line($"  {Arrow(change)} {change.After.Package.Name} {change.Before.Package.Version} -> {change.After.Package.Version}{Place(change.After)}", change.Order < 0 ? ansi.Warning : null);
            foreach (InstalledPackage package in diff.Added)
                Line($"  + {package.Package.Name} {package.Package.Version}{Place(package)}", null);
            foreach (InstalledPackage package in diff.Removed)
                Line($"  - {package.Package.Name} {package.Package.Version}{Place(package)}", ansi.Dim);
            Section(Catalogue.DiffNew, diff.New, "+");
            Section(Catalogue.DiffFixed, diff.Fixed, "-");
            Section(Catalogue.DiffSuppressed, diff.Suppressed, "~");
            Heading(Catalogue.DiffUnchanged.In(Language, diff.Unchanged.Count));
            if (diff.Problems.Compared.Count > 0)
            {
                Section(Catalogue.DiffNewProblems, diff.Problems.New, "+");
                Section(Catalogue.DiffGoneProblems, diff.Problems.Fixed, "-");
                Section(Catalogue.DiffSuppressedProblems, diff.Problems.Suppressed, "~");
                Heading(Catalogue.DiffUnchangedProblems.In(Language, diff.Problems.Unchanged.Count));
            }
            if (diff.Problems.OneSided.Count > 0)
                Paragraph(Catalogue.DiffOtherChecks.In(Language, string.Join(", ", diff.Problems.OneSided.Select(k => Catalogue.KindOf(k.Word()).In(Language)))));
            if (!diff.SameDatabase && diff.Before.Matched && diff.After.Matched)
                Paragraph(Catalogue.DiffOtherDatabase.In(Language));
            if (!diff.Before.Matched || !diff.After.Matched)
                Paragraph(Catalogue.DiffNotMatched.In(Language));
            else if (!diff.Complete)
                Paragraph(Catalogue.DiffIncomplete.In(Language));
        }

        // Three signs, so that the lists stand in one column without colours too.
        private static string Arrow(PackageChange change) => change.Order switch { > 0 => "^", < 0 => "v", _ => "~" };

        private static string Place(InstalledPackage package) => package.Package.IsOfDistribution || package.Path.Length == 0 ? "" : $"  {Words.PlaceOf(package)}";

        private void Section(Text title, IReadOnlyList<Finding> findings, string sign)
        {
            Heading(title.In(Language, findings.Count));
            int severity = findings.Count == 0 ? 0 : findings.Max(f => DisplayWidth.Of(f.Severity.Text().In(Language)));
            foreach (Finding finding in findings)
            {
                string word = DisplayWidth.Fit(finding.Severity.Text().In(Language), severity);
                string fix = finding.FixedVersion is { } version ? $"  {Catalogue.ColumnFixed.In(Language).ToLowerInvariant()} {version}" : "";
                string rest = $"  {finding.Id}{(finding.KnownExploited is null ? "" : "  KEV")}  {finding.Package.Package.Name} {finding.Package.Package.Version}{fix}";
                output.WriteLine($"  {sign} {ansi.Of(finding.Severity, word)}{Shown(rest, _columns - 4 - severity)}");
            }
        }

        private void Section(Text title, IReadOnlyList<Problem> problems, string sign)
        {
            Heading(title.In(Language, problems.Count));
            int severity = problems.Count == 0 ? 0 : problems.Max(p => DisplayWidth.Of(p.Severity.Text().In(Language)));
            foreach (Problem problem in problems)
            {
                string word = DisplayWidth.Fit(problem.Severity.Text().In(Language), severity), place = ProblemGroup.PlaceOf(problem);
                string rest = $"  {problem.Rule}  {place}{(place.Length > 0 ? "  " : "")}{problem.Title.In(Language)}";
                output.WriteLine($"  {sign} {ansi.Of(problem.Severity, word)}{Shown(rest, _columns - 4 - severity)}");
            }
        }

        private void Heading(string text)
        {
            output.WriteLine();
            Line(text, ansi.Bold);
        }

        private void Line(string text, Func<string, string>? style)
        {
            string shown = Shown(text, _columns);
            output.WriteLine(style is null ? shown : style(shown));
        }

        private void Paragraph(string text)
        {
            foreach (string line in DisplayWidth.Wrap(text, _columns))
                output.WriteLine(ansi.Warning(line));
        }

        private static string Shown(string text, int columns) => DisplayWidth.Cut(Escape.ForTerminal(text), columns);
    }
}
