using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plimsoll.Cli;
using Plimsoll.Cli.Commands;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.TestKit;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Fuzz;

/// <content>Files that users write, our own cache, and texts that go out.</content>
internal static partial class FuzzTargets
{
    private static readonly string[] YamlWords = ["- id: ", "\n  reason: ", "expires: 2027-01-31", "&a ", "*a", "!!str ", "|\n ", ">-\n ", "? ", "---\n", "...\n", "%YAML 1.2\n", "<<: *a", "\"\\ud800\"", "\"\\x00\"", "{a: [b, ", "scan:", "fail-on: high", "\t"];

    private static FuzzTarget SuppressionYaml
    {
        get
        {
            InputFile file = new("suppressions.yaml");
            return new FuzzTarget
            {
                Name = "suppression-yaml",
                Seeds = () => Utf8("# why\n- id: CVE-2024-1\n  package: bash\n  reason: \"not used \\u00e9\"\n  owner: ops\n  expires: 2027-01-31\n- {id: DSA-1, reason: 'it''s fine'}\n", "- id: X\n  reason: |\n    two\n    lines\n", "", "---\n[]\n"),
                Words = YamlWords,
                Refusal = e => e is SuppressionException,
                Run = bytes =>
                {
                    foreach (Suppression entry in SuppressionFile.Read(file.Write(bytes)))
                        WrongAnswerException.Unless(entry.Id.Length > 0 && entry.Reason.Trim().Length > 0, "a suppression without id or reason");
                },
            };
        }
    }

    private static FuzzTarget ConfigYaml
    {
        get
        {
            InputFile file = new("config.yaml");
            return new FuzzTarget
            {
                Name = "config-yaml",
                Seeds = () => Utf8("scan:\n  fail-on: high\n  output: [table, \"json=x.json\"]\n  only-fixed: true\n", "# nothing\n", "scan: {}\n"),
                Words = YamlWords,
                Refusal = e => e is CommandException,
                Run = bytes =>
                {
                    string[] known = ["fail-on", "output", "only-fixed", "severity"];
                    foreach ((string key, Setting setting) in ConfigFile.Read(file.Write(bytes), "scan", known))
                        WrongAnswerException.Unless(known.Contains(key) && setting.Values.All(v => v is not null), $"a setting {key}");
                },
            };
        }
    }

    private static FuzzTarget LayerCacheFile => new()
    {
        Name = "layer-cache",
        Seeds = () =>
        [
            LayerFactsCodec.Encode(new LayerFacts
            {
                Files = [new DpkgFacts().Facts], Whiteouts = ["a/b"], OpaqueFolders = ["c"], NonFolders = new[] { PathHash.Of("1"), PathHash.Of("2") }, Folders = new[] { PathHash.Of("3") }, Displaced = ["d"], Gaps = [new Gap("a", "b", "c")], TarBytes = 10, Entries = 3,
            }),
            LayerFactsCodec.Encode(new LayerFacts()),
        ],
        Words = ["\"Files\":null", "\"Packages\":[null]", "\"Gaps\":", "\"Distribution\":", "\"LicencesOf\":{\"a\":null}", "\"Path\":"],
        Refusal = e => e is FormatException { Message: "no file of the cache" },
        // Sealed anew in half the cases, or the hash would keep everything out.
        Make = (mutator, seeds, target) =>
        {
            byte[] changed = mutator.Mutate(seeds, target.Words);
            if (mutator.OneIn(2) && changed.Length > 40)
                SHA256.HashData(changed.AsSpan(..^32)).CopyTo(changed.AsSpan(changed.Length - 32));
            return changed;
        },
        Run = bytes => _ = LayerFactsCodec.Decode(bytes) ?? throw new FormatException("no file of the cache"),
    };

    private sealed class DpkgFacts
    {
        public FileFacts Facts { get; } = new Inspect.Packages.Dpkg.DpkgStatusAnalyser().Analyse("var/lib/dpkg/status", Encoding.UTF8.GetBytes(DpkgText))!;
    }

    private static FuzzTarget Reports => new()
    {
        Name = "reports",
        Seeds = () => Utf8("app.tar\nbash\n5.1-2\nCVE-2024-1\nA flaw in bash that lets\nhttps://example.org\nMIT\nRUN apt-get\nsha256:00\nend-of-life\ncorrupt", "漏洞\n\U0001f600\n1\nDSA-1\n\u202e\nx\nGPL-2+ or MIT\n\u001b[2J\n"),
        Words = ["(MIT OR Apache-2.0)", "AND", "WITH", "https://", "{0}", "{9}", "%", "<b>", "no-database", "\u200b", "é", "\U000e0041"],
        Refusal = Never,
        // One text fills a hundred fields of eight outputs, each character up to ten when escaped: some 140 kB for a byte, and linear.
        MaxAllocatedBytes = 1L << 30,
        Run = WriteReports,
    };

    private static FuzzTarget HtmlPage => new()
    {
        Name = "html",
        Seeds = () => [.. Plimsoll.Tests.Reports.Html.Samples.HostileTexts.Select(Encoding.UTF8.GetBytes)],
        Words = ["<script>", "</script>", "<!--", "-->", "\"", "'", "`", "&", "&lt;", "&#0;", "<svg/onload=", "]]>", "\u2028", "\u202e", "\0", "\r", "\ufffe", "\U0001ffff", "https://", "javascript:", "//", "data:text/html,"],
        Refusal = Never,
        // A text stands in some three hundred places of two pages; half of it may be signs that become six characters each.
        MaxAllocatedBytes = 1L << 30,
        Run = bytes =>
        {
            string[] texts = OddText(bytes).Split('\n');
            ScanResult[] results = Plimsoll.Tests.Reports.Html.Samples.OfTexts(i => texts[i % texts.Length]);
            foreach (Language language in (Language[])[Language.English, Language.Chinese])
                try
                {
                    _ = Plimsoll.Tests.Reports.Html.PageRules.Check(Plimsoll.Tests.Reports.Html.HtmlReportTests.Page(language, results));
                }
                catch (StrictHtmlException e)
                {
                    throw new WrongAnswerException(e.Message);
                }
        },
    };

    private static FuzzTarget Terminal => new()
    {
        Name = "terminal",
        Seeds = () => Utf8("hello", "漏洞报告，好。 and more words to wrap at some place", "a\u0301\u0302 e\u200d\u202e \U0001f600 \u001b[31mred", "\U000e0041\U000f0000\ue000\u0085\u2028"),
        Words = ["\u001b]0;x\u0007", "\u009b2J", "\u061c", "\u2066", "\ufff9", "\U0001bca0", "\U000f0000", "\U000e007f", "\r", "\u0008"],
        Refusal = Never,
        Run = bytes =>
        {
            string text = OddText(bytes);
            string shown = Escape.ForTerminal(text);
            CheckShown(shown);
            CheckShown(Escape.Quote(text));
            WrongAnswerException.Unless(Escape.Quote(text).Length <= (Escape.MaxShown * 10) + 40, "a quotation has no bound");
            foreach (int columns in (int[])[0, 1, 2, 7, 40])
            {
                WrongAnswerException.Unless(DisplayWidth.Of(DisplayWidth.Cut(shown, columns)) <= Math.Max(columns, 0), $"cut to {columns} columns it has more");
                WrongAnswerException.Unless(DisplayWidth.Of(DisplayWidth.Fit(shown, columns)) == columns, $"fitted into {columns} columns it has others");
                List<string> lines = [.. DisplayWidth.Wrap(shown, columns)];
                WrongAnswerException.Unless(lines.TrueForAll(l => DisplayWidth.Of(l) <= Math.Max(columns, 2)), $"wrapped at {columns} columns a line is longer");
                WrongAnswerException.Unless(string.Concat(lines).Replace(" ", "", StringComparison.Ordinal) == shown.Replace(" ", "", StringComparison.Ordinal), $"wrapped at {columns} columns text is lost");
            }
        },
    };

    private static FuzzTarget Arguments => new()
    {
        Name = "arguments",
        Seeds = () => Utf8("linux/amd64", "linux/arm64/v8", "90s", "1h30m", $"sha256:{new string('0', 64)}", "high", "zh"),
        Words = ["/", "linux", "ms", "999999999999d", "sha512:"],
        Refusal = Never,
        Run = bytes =>
        {
            string text = Encoding.UTF8.GetString(bytes);
            if (Platform.TryParse(text, out Platform? platform))
                WrongAnswerException.Unless(platform!.Os.Length > 0 && platform.Architecture.Length > 0, "a platform without name");
            if (Duration.TryParse(text, out TimeSpan time))
                WrongAnswerException.Unless(time > TimeSpan.Zero && time <= Duration.Longest, $"a time of {time}");
            if (Digest.TryParse(text, out Digest? digest))
                WrongAnswerException.Unless(digest.ToString() == text, "a digest that reads back differently");
            if (Languages.TryParse(text, out Language language))
                WrongAnswerException.Unless(Enum.IsDefined(language), "a language that does not exist");
            if (SeverityWords.TryParse(text, out Severity severity))
                WrongAnswerException.Unless(Enum.IsDefined(severity), "a severity that does not exist");
        },
    };

    private static void WriteReports(byte[] bytes)
    {
        string[] texts = OddText(bytes).Split('\n');
        int at = 0;
        string Next() => texts[at++ % texts.Length];
        ReportBuilder builder = new();
        for (int i = 0; i < 3; i++)
        {
            InstalledPackage package = ReportBuilder.Package("p", "1");
            package = package with
            {
                Package = package.Package with { Name = Next(), Version = Next(), Architecture = Next(), SourceName = Next(), SourceVersion = Next(), Maintainer = Next(), Licences = [Next(), Next()] },
                Path = Next(),
                Purl = $"pkg:deb/{i}",
                Origin = new Origin(i % 2, Next(), Next()),
            };
            Suppression? suppressed = i < 2 ? null : new Suppression { Id = Next(), Reason = Next(), Owner = Next(), Source = Next() };
            builder.With(package, $"{i}{Next()}", (Severity)(i + 2), i == 1 ? null : Next(), Next(), kev: i == 0, suppressed: suppressed, status: i == 1 ? Next() : "");
        }
        for (int i = 0; i < 3; i++)
            builder.With(ReportBuilder.Problem((ProblemKind)(i * 2), Next(), (Severity)(i + 2), Next(), Next()) with
            {
                Advice = new Text(Next(), Next()),
                Evidence = Next(),
                Place = Next(),
                Package = Next(),
                Details = new SortedDictionary<string, string>(StringComparer.Ordinal) { [Next()] = Next() },
                RemovedBy = i == 1 ? new Origin(2, Next(), Next()) : null,
                References = [Next()],
                Fingerprint = Next(),
                Suppressed = i < 2 ? null : new Suppression { Id = Next(), Reason = Next(), Source = Next() },
            });
        builder.With(new Engine(Next(), null, Next())).With(ReportBuilder.Refusal with { Policy = Next(), Reasons = [new Reason { Code = Next(), Outcome = Outcome.Refused, Message = Next() }] });
        builder.WithNote(Next(), true, Next(), Next()).WithNote("end-of-life", false, Next(), Next(), Next()).WithGap(Next(), Next(), Next()).WithGap("file-too-large", Next(), Next());
        Report report = builder.Build();
        report = report with
        {
            Image = Next(),
            Tags = [Next()],
            Platform = Next(),
            ToolVersion = Next(),
            Distribution = new Distribution { Id = Next(), Version = Next(), PrettyName = Next(), Source = Next() },
            Layers = [.. report.Layers.Select(l => l with { CreatedBy = Next(), DiffId = Next() })],
            Findings = [.. report.Findings.Select(f => f with { References = [Next()], Aliases = [Next()], SeverityFrom = Next(), Published = Next(), KnownExploited = f.KnownExploited is null ? null : Next() })],
        };
        ScanResult[] results = [ScanResult.Of(Next(), report, ReportFilter.None), new ScanResult { Image = Next(), Failure = new ScanFailure(Next(), Escape.ForTerminal(Next()), Escape.ForTerminal(Next())) }];
        CheckJson(stream => JsonReport.Write(stream, results, ReportFilter.None, Next()));
        CheckJson(stream => CycloneDxReport.Write(stream, report, ReportFilter.None));
        CheckJson(stream => SarifReport.Write(stream, results, "0"));
        CheckJson(stream => SpdxJsonReport.Write(stream, report));
        CheckJson(stream => GitLabReport.Write(stream, report));
        CheckJson(stream => OpenVexReport.Write(stream, report));
        using (MemoryStream junit = new())
        {
            JunitReport.Write(junit, results);
            _ = System.Xml.Linq.XDocument.Parse(Encoding.UTF8.GetString(junit.ToArray()));
        }
        using (MemoryStream tags = new())
        {
            SpdxTagReport.Write(tags, report);
            foreach (string line in Encoding.UTF8.GetString(tags.ToArray()).Split('\n'))
                CheckShown(line);
        }
        foreach (Language language in (Language[])[Language.English, Language.Chinese])
            foreach (int columns in (int[])[1, 60, 120])
            {
                using StringWriter table = new();
                TableReport.Write(table, results, new TableOptions { Now = ReportBuilder.Now, Columns = columns, Language = language, GroupByLayer = columns == 60, AllRows = columns == 120 });
                foreach (string line in table.ToString().Split('\n'))
                    CheckShown(line);
            }
    }

    private static void CheckJson(Action<Stream> write)
    {
        using MemoryStream stream = new();
        write(stream);
        byte[] json = stream.ToArray();
        JsonDocument.Parse(json).Dispose();
        foreach (string line in new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(json).Split('\n'))
            CheckShown(line);
    }

    /// <summary>Nothing that a terminal obeys or hides, by whole characters.</summary>
    private static void CheckShown(string text)
    {
        foreach (Rune rune in text.EnumerateRunes())
            WrongAnswerException.Unless(Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse),
                $"U+{rune.Value:X4} would reach a terminal");
    }
}
