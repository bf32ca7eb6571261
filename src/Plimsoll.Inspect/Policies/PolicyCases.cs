using System.Globalization;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Policies;

/// <summary>One case of a policy's tests: what was found, and the verdict that must come of it.</summary>
/// <param name="Where">File and line.</param>
/// <param name="Outcome">What is expected.</param>
/// <param name="Reasons">Codes that must be among the reasons.</param>
/// <param name="Now">The moment of the judgement; null: the time of the run.</param>
public sealed record PolicyCase(string Name, string Where, Outcome Outcome, IReadOnlyList<string> Reasons, DateTimeOffset? Now, Func<Policy, DateTimeOffset, Inspection> Inspect)
{
    /// <summary>The name whose rule of trust is expected, with the rule's place, or -1 for none; null when a case expects no rule.</summary>
    public (string Image, int Place)? Trust { get; init; }

    /// <summary>Judges a start in place of an inspection; null: the case is about an inspection.</summary>
    public Func<Policy, DateTimeOffset, Verdict>? Start { get; init; }
}

/// <param name="Verdict">What came of it.</param>
/// <param name="Failure">English: what was expected and what came; null when both agree.</param>
public sealed record PolicyCaseResult(PolicyCase Case, Verdict Verdict, string? Failure);

/// <summary>Tests of policies, as people write them. The form is docs/verbs/policy.md, "test".</summary>
public static class PolicyCases
{
    public const int Version = 1;
    public const int MaxBytes = 4 * 1024 * 1024;
    public const int MaxCases = 10_000;

    /// <exception cref="DocumentException">Not of the form, with its line.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public static IReadOnlyList<PolicyCase> Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] bytes = SmallFile.Read(path, MaxBytes) ?? throw new DocumentException(path, $"longer than {MaxBytes} bytes (MaxBytes)");
        return Parse(bytes, path, Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/");
    }

    /// <param name="folder">Where reports that a case names are looked for.</param>
    /// <exception cref="DocumentException">Not of the form, with its line.</exception>
    public static IReadOnlyList<PolicyCase> Parse(ReadOnlySpan<byte> utf8, string name, string folder)
    {
        MapReader map = new(YamlDocument.Parse(utf8, name), "the tests");
        if (map.GetText("tests") is var version && version != $"{Version}")
            throw new DocumentException(map.Get("tests").Where, $"this is version {Escape.Quote(version)} of the form; this Plimsoll knows version {Version}");
        List<PolicyCase> cases = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (DocumentNode node in map.FindItems("cases"))
        {
            if (cases.Count == MaxCases)
                throw new DocumentException(node.Where, $"more than {MaxCases} cases (MaxCases)");
            PolicyCase made = CaseOf(new MapReader(node, "cases"), folder);
            if (!names.Add(made.Name))
                throw new DocumentException(node.Where, $"a case {Escape.Quote(made.Name)} stands there already");
            cases.Add(made);
        }
        if (cases.Count == 0)
            throw new DocumentException(map.Where, "there are no cases");
        map.Done();
        return cases;
    }

    /// <summary>Judges one case.</summary>
    /// <exception cref="DocumentException">The report that it names cannot be used.</exception>
    public static PolicyCaseResult Run(PolicyCase policyCase, Policy policy, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(policyCase);
        DateTimeOffset time = policyCase.Now ?? now;
        Verdict verdict = policyCase.Start is { } start ? start(policy, time) : Verify.Judge.Of(policy, policyCase.Inspect(policy, time), time);
        string[] missing = [.. policyCase.Reasons.Where(code => !verdict.Reasons.Any(r => r.Code == code))];
        string? failure = verdict.Outcome != policyCase.Outcome ? $"expected {policyCase.Outcome.Word()}, got {verdict.Outcome.Word()}"
            : missing.Length > 0 ? $"expected the reason {string.Join(", ", missing)}, got {(verdict.Reasons.Count == 0 ? "none" : string.Join(", ", verdict.Reasons.Select(r => r.Code).Distinct(StringComparer.Ordinal)))}"
            : policyCase.Trust is var (image, place) && (policy.Trust?.Find(ImageName.Parse(image).Repository) ?? -1) is var found && found != place
                ? $"expected {RuleName(place)} for {Escape.Quote(image)}, got {RuleName(found)}"
            : null;
        return new PolicyCaseResult(policyCase, verdict, failure);
    }

    private static string RuleName(int place) => place < 0 ? "no rule of trust" : $"trust.images[{place.ToString(CultureInfo.InvariantCulture)}]";

    private static PolicyCase CaseOf(MapReader map, string folder)
    {
        string name = map.GetText("name"), where = map.Where;
        MapReader expect = new(map.Get("expect"), "cases.expect");
        Outcome outcome = MapReader.WordOf(expect.Get("outcome"), PolicyWords.Word, Enum.GetValues<Outcome>());
        IReadOnlyList<string> reasons = expect.FindTexts("reasons");
        foreach (string reason in reasons)
            if (Catalogue.FindReason(reason) is null)
                throw new DocumentException(expect.Find("reasons")!.Where, $"no verdict has the reason {Escape.Quote(reason)}");
        (string, int)? trust = expect.Find("rule") is { } rule ? (map.GetText("image"), PlaceOf(rule)) : null;
        expect.Done();
        DateTimeOffset? now = map.Find("now") is { } moment ? MomentOf(moment) : null;
        if (map.FindMap("start") is { } start)
        {
            StartCase started = StartCase.Read(start, folder);
            map.Done();
            return new PolicyCase(name, where, outcome, reasons, now, (_, _) => throw new InvalidOperationException("a case about a start has no inspection")) { Trust = trust, Start = started.Judge };
        }
        Func<Policy, DateTimeOffset, Inspection> inspect = map.FindText("report") is { } report
            ? (policy, _) => PolicyJudge.InspectionOf(ReportOf(Path.Combine(folder, report), where), policy)
            : Synthetic(map);
        map.Done();
        return new PolicyCase(name, where, outcome, reasons, now, inspect) { Trust = trust };
    }

    private static Report ReportOf(string path, string where)
    {
        try
        {
            return ReportReader.Read(SmallFile.Read(path, ReportReader.MaxBytes) ?? throw new DocumentException(where, $"{Escape.Quote(path)} is longer than {ReportReader.MaxBytes} bytes"), path);
        }
        catch (Exception e) when (e is ImageException or IOException or UnauthorizedAccessException)
        {
            throw new DocumentException(where, Escape.ForTerminal(e.Message), e);
        }
    }

    /// <summary>What a case does not say is as good as it can be: every check ran, every engine answered, the database is of today.</summary>
    private static Func<Policy, DateTimeOffset, Inspection> Synthetic(MapReader map)
    {
        IReadOnlyList<string> images = map.FindText("image") is { } image ? [image] : [];
        MapReader? own = map.FindMap("inspection"), database = map.FindMap("database"), distribution = map.FindMap("distribution");
        bool verified = own?.Find("verified") is not { } v || MapReader.FlagOf(v);
        IReadOnlyList<string>? checks = own?.Find("checks") is null ? null : own.FindTexts("checks");
        IReadOnlyList<string>? engines = own?.Find("engines") is null ? null : own.FindTexts("engines");
        int age = AgeOf(own, "age"), imageAge = AgeOf(own, "image-age");
        List<Unseen> undecided = [.. (own?.FindTexts("undecided") ?? []).Select(UnseenOf)];
        bool present = database?.Find("present") is not { } p || MapReader.FlagOf(p), catalogues = database?.Find("catalogues") is not { } c || MapReader.FlagOf(c);
        int databaseAge = AgeOf(database, "age");
        InspectedDistribution? release = distribution is null ? null : new(distribution.GetText("id"), distribution.FindText("version") ?? "", distribution.Find("end-of-life") is { } last ? DayOf(last) : null);
        List<InspectedFinding> findings = [.. map.FindItems("findings").Select(FindingOf)];
        List<InstalledPackage> packages = [.. map.FindItems("packages").Select(PackageOf)];
        own?.Done();
        database?.Done();
        distribution?.Done();
        return (policy, now) =>
        {
            Inspection listed = PolicyJudge.InspectionOf(new Report
            {
                Image = images.Count > 0 ? images[0] : "case",
                Time = now,
                ToolVersion = "case",
                Database = new DatabaseInfo { IsDatabase = true },
                Packages = packages,
            }, policy);
            List<InspectedFinding> all = [.. findings, .. listed.Findings];
            all.Sort(InspectedFinding.Compare);
            return listed with
            {
                Names = images,
                Verified = verified,
                Time = now.AddDays(-age),
                Created = now.AddDays(-imageAge),
                Checks = checks ?? PolicyWords.Checks,
                Engines = [.. (engines ?? policy.Inspection.Engines).Select(e => new InspectedEngine(e, "1", null))],
                Undecided = undecided,
                Database = new InspectedDatabase(present, 1, now.AddDays(-databaseAge), "", catalogues ? "1" : null, catalogues ? "1" : null),
                Distribution = release,
                Findings = all,
            };
        };
    }

    private static Unseen UnseenOf(string text) => text.IndexOf(' ', StringComparison.Ordinal) is > 0 and var space ? new(text[..space], text[(space + 1)..]) : new(text, "");

    private static InspectedFinding FindingOf(DocumentNode node)
    {
        MapReader map = new(node, "cases.findings");
        InspectedFinding finding = new()
        {
            Kind = map.Find("kind") is { } kind ? MapReader.WordOf(kind, PolicyWords.Word, [.. PolicyWords.Kinds.Where(k => k != FindingKind.Package)]) : FindingKind.Vulnerability,
            Id = map.GetText("id"),
            Aliases = map.FindTexts("aliases"),
            Fingerprint = map.FindText("fingerprint") ?? "",
            Severity = map.Find("severity") is { } severity ? MapReader.WordOf(severity, PolicyWords.Word, PolicyWords.Levels) : Level.Unknown,
            Fixable = map.Find("fixable") is { } fixable && MapReader.FlagOf(fixable),
            Status = map.Find("status") is { } status ? MapReader.WordOf(status, s => s, ["fixed", "affected", "will-not-fix", "end-of-life"]) : "",
            Published = map.Find("published") is { } published ? DayOf(published) : null,
            KnownExploited = map.Find("known-exploited") is { } exploited && MapReader.FlagOf(exploited),
            Epss = map.Find("epss") is { } epss ? ProbabilityOf(epss) : null,
            Malicious = map.Find("malicious") is { } malicious && MapReader.FlagOf(malicious),
            Package = map.FindText("package") ?? "",
            SourcePackage = map.FindText("source") ?? "",
            Version = map.FindText("version") ?? "",
            Path = map.FindText("path") ?? "",
            Removed = map.Find("removed") is { } removed && MapReader.FlagOf(removed),
            Suspected = map.Find("suspected") is { } suspected && MapReader.FlagOf(suspected),
            SuppressedBy = map.Find("suppressed-by") is { } by ? MapReader.WordOf(by, PolicyWords.Word, PolicyWords.Sources) : null,
        };
        map.Done();
        return finding;
    }

    private static InstalledPackage PackageOf(DocumentNode node)
    {
        MapReader map = new(node, "cases.packages");
        string name = map.GetText("name"), version = map.FindText("version") ?? "1";
        InstalledPackage package = new()
        {
            Package = new Package
            {
                Type = map.FindText("type") ?? "generic",
                Name = name,
                Version = version,
                SourceName = map.FindText("source") ?? name,
                SourceVersion = version,
                Licences = map.FindTexts("licences"),
            },
            Path = map.FindText("path") ?? "",
            Analyser = "case",
            Origin = new Origin(0, null, null),
            Purl = "",
        };
        map.Done();
        return package;
    }

    private static int PlaceOf(DocumentNode node) =>
        node.Text == "none" ? -1 : int.TryParse(node.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int place) && place < DocumentLimits.MaxListed ? place
        : throw MapReader.Wrong(node, "the place of a rule in trust.images, from 0, or none");

    private static int AgeOf(MapReader? map, string name) =>
        map?.Find(name) is not { } node ? 0
        : node.Text is { } text && text.EndsWith('d') && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out int days) && days <= 36500 ? days
        : throw MapReader.Wrong(node, "days such as 14d");

    private static decimal ProbabilityOf(DocumentNode node) =>
        decimal.TryParse(node.Text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value) && value is >= 0 and <= 1 ? value
        : throw MapReader.Wrong(node, "a probability from 0 to 1");

    /// <summary>A day, at noon; or a minute of it. Both UTC.</summary>
    private static DateTimeOffset MomentOf(DocumentNode node) =>
        DateTimeOffset.TryParseExact(node.Text, "yyyy-MM-dd'T'HH:mm'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset minute) ? minute
        : DateOnly.TryParseExact(node.Text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day) ? new DateTimeOffset(day, new TimeOnly(12, 0), TimeSpan.Zero)
        : throw MapReader.Wrong(node, "a day such as 2026-11-21, or a minute (UTC) such as 2026-11-21T08:30Z");

    private static DateOnly DayOf(DocumentNode node) =>
        DateOnly.TryParseExact(node.Text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day) ? day : throw MapReader.Wrong(node, "a day such as 2026-11-21");
}
