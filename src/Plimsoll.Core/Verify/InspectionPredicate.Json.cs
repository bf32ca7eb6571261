using System.Globalization;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Verify;

/// <content>The canonical JSON, written and read.</content>
public sealed partial record InspectionPredicate
{
    /// <summary>Canonical JSON: members in the order of docs/formats/inspection.md, those without a value left out.</summary>
    public byte[] ToJson()
    {
        Inspection i = Inspection;
        CanonicalJson json = new();
        json.BeginObject().Number("inspection", Version).Text("time", Time(i.Time)).Text("tool", i.Tool).Texts("names", i.Names).Optional("platform", i.Platform)
            .Flag("verified", i.Verified);
        if (i.Created is { } created)
            json.Text("created", Time(created));
        json.BeginObject("database").Flag("present", i.Database.Present).Number("counter", i.Database.Counter).Text("created", Time(i.Database.Created))
            .Optional("digest", i.Database.Digest).Optional("knownExploited", i.Database.KnownExploited).Optional("epss", i.Database.Epss).EndObject();
        if (i.Distribution is { } distribution)
        {
            json.BeginObject("distribution").Text("id", distribution.Id).Optional("version", distribution.Version);
            if (distribution.EndOfLife is { } last)
                json.Text("endOfLife", Day(last));
            json.EndObject();
        }
        json.Texts("checks", i.Checks).BeginArray("engines");
        foreach (InspectedEngine engine in i.Engines)
            json.BeginObject().Text("name", engine.Name).Optional("version", engine.Version).Optional("failure", engine.Failure).EndObject();
        json.EndArray().BeginObject("undecided").Number("beyond", i.UndecidedBeyond).BeginArray("listed");
        foreach (Unseen unseen in i.Undecided)
            json.BeginObject().Text("code", unseen.Code).Optional("where", unseen.Where).EndObject();
        json.EndArray().EndObject().BeginObject("findings").BeginArray("beyond");
        foreach (FindingCount count in i.FindingsBeyond)
            json.BeginObject().Text("kind", count.Kind.Word()).Text("severity", count.Severity.Word()).Number("count", count.Count).EndObject();
        json.EndArray().BeginArray("listed");
        foreach (InspectedFinding finding in i.Findings)
            Write(json, finding);
        json.EndArray().EndObject().BeginObject("licences").Number("beyond", i.LicencesBeyond).BeginArray("listed");
        foreach (InspectedLicence licence in i.Licences)
            json.BeginObject().Texts("terms", licence.Terms).Number("packages", licence.Packages).Texts("examples", licence.Examples).EndObject();
        json.EndArray().BeginObject("categories");
        foreach ((string id, string category) in i.LicenceCategories.OrderBy(c => c.Key, StringComparer.Ordinal))
            json.Text(id, category);
        json.EndObject().EndObject().Optional("packagesOfPolicy", i.PackagesOfPolicy);
        if (Verdict is { } verdict)
            Write(json, verdict);
        return json.Optional("override", Override).EndObject().ToBytes();
    }

    private static void Write(CanonicalJson json, InspectedFinding finding)
    {
        json.BeginObject().Text("kind", finding.Kind.Word()).Text("id", finding.Id);
        if (finding.Aliases.Count > 0)
            json.Texts("aliases", finding.Aliases);
        json.Optional("fingerprint", finding.Fingerprint).Text("severity", finding.Severity.Word());
        Set(json, "fixable", finding.Fixable);
        json.Optional("status", finding.Status);
        if (finding.Published is { } published)
            json.Text("published", Day(published));
        Set(json, "knownExploited", finding.KnownExploited);
        if (finding.Epss is { } epss)
            json.Number("epss", epss);
        Set(json, "malicious", finding.Malicious);
        json.Optional("package", finding.Package).Optional("source", finding.SourcePackage).Optional("version", finding.Version).Optional("path", finding.Path);
        Set(json, "removed", finding.Removed);
        Set(json, "suspected", finding.Suspected);
        if (finding.Entry is { } entry)
            json.Number("entry", entry);
        json.Optional("suppressedBy", finding.SuppressedBy?.Word()).EndObject();
    }

    private static void Write(CanonicalJson json, Verdict verdict)
    {
        json.BeginObject("verdict").Text("outcome", verdict.Outcome.Word()).Text("policy", verdict.Policy).Text("policyDigest", verdict.PolicyDigest).BeginArray("reasons");
        foreach (Reason reason in verdict.Reasons)
            json.BeginObject().Text("code", reason.Code).Text("outcome", reason.Outcome.Word()).Optional("rule", reason.Rule).Number("count", reason.Count)
                .Texts("examples", reason.Examples.Where(e => e.Length > 0).Distinct(StringComparer.Ordinal)).Text("message", reason.Message).EndObject();
        json.EndArray().EndObject();
    }

    private static void Set(CanonicalJson json, string name, bool value)
    {
        if (value)
            json.Flag(name, true);
    }

    /// <summary>Reads what <see cref="ToJson"/> writes, byte by byte, within its bounds.</summary>
    /// <param name="name">What it is called in errors.</param>
    /// <exception cref="DocumentException">An unknown member or version, a wrong value, more than a bound, another order.</exception>
    public static InspectionPredicate Parse(ReadOnlyMemory<byte> json, string name)
    {
        if (json.Length > Statement.MaxBytes)
            throw new DocumentException(name, $"longer than {Statement.MaxBytes} bytes (MaxBytes)");
        InspectionPredicate predicate = Read(new MapReader(DocumentJson.Read(json, name), "the predicate"));
        return json.Span.SequenceEqual(predicate.ToJson()) ? predicate : throw new DocumentException(name, "the predicate is not in its canonical form");
    }

    private static InspectionPredicate Read(MapReader map)
    {
        if (map.GetText("inspection") is var version && version != $"{Version}")
            throw new DocumentException(map.Get("inspection").Where, $"this is version {Escape.Quote(version)} of the form; this Plimsoll knows version {Version}");
        MapReader database = new(map.Get("database"), "database");
        MapReader undecided = new(map.Get("undecided"), "undecided"), findings = new(map.Get("findings"), "findings"), licences = new(map.Get("licences"), "licences");
        MapReader? distribution = map.FindMap("distribution"), verdict = map.FindMap("verdict");
        InspectionPredicate read = new(new Inspection
        {
            Time = TimeOf(map.Get("time")),
            Tool = Short(map, "tool"),
            Names = ShortTexts(map, "names", MaxNames),
            Platform = map.FindText("platform", MaxCharacters),
            Verified = MapReader.FlagOf(map.Get("verified")),
            Created = map.Find("created") is { } created ? TimeOf(created) : null,
            Database = new InspectedDatabase(MapReader.FlagOf(database.Get("present")), NumberOf(database.Get("counter"), long.MaxValue), TimeOf(database.Get("created")),
                database.FindText("digest", MaxCharacters) ?? "", database.FindText("knownExploited", MaxCharacters), database.FindText("epss", MaxCharacters)),
            Distribution = distribution is null ? null : new InspectedDistribution(Short(distribution, "id"), distribution.FindText("version", MaxCharacters) ?? "",
                distribution.Find("endOfLife") is { } last ? DayOf(last) : null),
            Checks = [.. map.FindTexts("checks").Select(c => PolicyWords.Checks.Contains(c, StringComparer.Ordinal) ? c : throw new DocumentException(map.Get("checks").Where, $"unknown check {Escape.Quote(c)}"))],
            Engines = [.. Items(map, "engines", MaxEngines).Select(EngineOf)],
            Undecided = [.. Items(undecided, "listed", MaxUndecided).Select(UnseenOf)],
            UndecidedBeyond = (int)NumberOf(undecided.Get("beyond"), int.MaxValue),
            Findings = [.. Items(findings, "listed", MaxFindings).Select(FindingOf)],
            FindingsBeyond = [.. Items(findings, "beyond", PolicyWords.Kinds.Count * PolicyWords.Levels.Count).Select(CountOf)],
            Licences = [.. Items(licences, "listed", MaxLicences).Select(LicenceOf)],
            LicencesBeyond = (int)NumberOf(licences.Get("beyond"), int.MaxValue),
            LicenceCategories = CategoriesOf(licences.Get("categories")),
            PackagesOfPolicy = map.FindText("packagesOfPolicy", MaxCharacters),
        }, verdict is null ? null : VerdictOf(verdict))
        { Override = map.FindText("override", MaxCharacters) };
        database.Done();
        undecided.Done();
        findings.Done();
        licences.Done();
        distribution?.Done();
        map.Done();
        for (int n = 1; n < read.Inspection.Findings.Count; n++)
            if (InspectedFinding.Compare(read.Inspection.Findings[n - 1], read.Inspection.Findings[n]) > 0)
                throw new DocumentException(map.Where, $"finding {n} of the list stands out of order");
        return read;
    }

    private static InspectedEngine EngineOf(DocumentNode node)
    {
        MapReader map = new(node, "engines");
        InspectedEngine engine = new(Short(map, "name"), map.FindText("version", MaxCharacters), map.FindText("failure", MaxCharacters));
        map.Done();
        return engine;
    }

    private static Unseen UnseenOf(DocumentNode node)
    {
        MapReader map = new(node, "undecided");
        Unseen unseen = new(Short(map, "code"), map.FindText("where", MaxCharacters) ?? "");
        map.Done();
        return unseen;
    }

    private static FindingCount CountOf(DocumentNode node)
    {
        MapReader map = new(node, "findings.beyond");
        FindingCount count = new(KindOf(map.Get("kind")), LevelOf(map.Get("severity")), (int)NumberOf(map.Get("count"), int.MaxValue));
        map.Done();
        return count;
    }

    private static InspectedFinding FindingOf(DocumentNode node)
    {
        MapReader map = new(node, "findings.listed");
        InspectedFinding finding = new()
        {
            Kind = KindOf(map.Get("kind")),
            Id = Short(map, "id"),
            Aliases = ShortTexts(map, "aliases", MaxAliases),
            Fingerprint = map.FindText("fingerprint", MaxCharacters) ?? "",
            Severity = LevelOf(map.Get("severity")),
            Fixable = map.Find("fixable") is { } fixable && MapReader.FlagOf(fixable),
            Status = map.Find("status") is { } status ? MapReader.WordOf(status, s => s, ["fixed", "affected", "will-not-fix", "end-of-life"]) : "",
            Published = map.Find("published") is { } published ? DayOf(published) : null,
            KnownExploited = map.Find("knownExploited") is { } kev && MapReader.FlagOf(kev),
            Epss = map.Find("epss") is { } epss ? ProbabilityOf(epss) : null,
            Malicious = map.Find("malicious") is { } malicious && MapReader.FlagOf(malicious),
            Package = map.FindText("package", MaxCharacters) ?? "",
            SourcePackage = map.FindText("source", MaxCharacters) ?? "",
            Version = map.FindText("version", MaxCharacters) ?? "",
            Path = map.FindText("path", MaxCharacters) ?? "",
            Removed = map.Find("removed") is { } removed && MapReader.FlagOf(removed),
            Suspected = map.Find("suspected") is { } suspected && MapReader.FlagOf(suspected),
            Entry = map.Find("entry") is { } entry ? (int)NumberOf(entry, DocumentLimits.MaxListed) : null,
            SuppressedBy = map.Find("suppressedBy") is { } by ? MapReader.WordOf(by, PolicyWords.Word, PolicyWords.Sources) : null,
        };
        map.Done();
        return finding;
    }

    private static InspectedLicence LicenceOf(DocumentNode node)
    {
        MapReader map = new(node, "licences.listed");
        InspectedLicence licence = new(ShortTexts(map, "terms", MaxLicences), (int)NumberOf(map.Get("packages"), int.MaxValue), ShortTexts(map, "examples", 3));
        map.Done();
        return licence;
    }

    private static SortedDictionary<string, string> CategoriesOf(DocumentNode node)
    {
        _ = new MapReader(node, "licences.categories");
        SortedDictionary<string, string> categories = new(StringComparer.Ordinal);
        foreach (DocumentMember member in node.Members!)
            categories.Add(member.Name, MapReader.TextOf(member.Value, "licences.categories", MaxCharacters));
        return categories;
    }

    private static Verdict VerdictOf(MapReader map)
    {
        Verdict verdict = new()
        {
            Outcome = MapReader.WordOf(map.Get("outcome"), PolicyWords.Word, Enum.GetValues<Outcome>()),
            Policy = Short(map, "policy"),
            PolicyDigest = Short(map, "policyDigest"),
            Reasons = [.. Items(map, "reasons", MaxReasons).Select(ReasonOf)],
        };
        map.Done();
        return verdict;
    }

    private static Reason ReasonOf(DocumentNode node)
    {
        MapReader map = new(node, "verdict.reasons");
        Reason reason = new()
        {
            Code = Short(map, "code"),
            Outcome = MapReader.WordOf(map.Get("outcome"), PolicyWords.Word, Enum.GetValues<Outcome>()),
            Rule = map.FindText("rule", MaxCharacters),
            Count = (int)NumberOf(map.Get("count"), int.MaxValue),
            Examples = ShortTexts(map, "examples", 10),
            Message = Short(map, "message"),
        };
        map.Done();
        return reason;
    }

    private static IReadOnlyList<DocumentNode> Items(MapReader map, string name, int most)
    {
        IReadOnlyList<DocumentNode> items = map.FindItems(name);
        return items.Count <= most ? items : throw new DocumentException(map.Get(name).Where, $"{items.Count} entries, at most {most}");
    }

    private static string Short(MapReader map, string name) => map.GetText(name, MaxCharacters);

    private static List<string> ShortTexts(MapReader map, string name, int most)
    {
        List<string> texts = [.. Items(map, name, most).Select(i => MapReader.TextOf(i, map.Inner(name), MaxCharacters))];
        return texts;
    }

    private static FindingKind KindOf(DocumentNode node) => MapReader.WordOf(node, PolicyWords.Word, PolicyWords.Kinds);

    private static Level LevelOf(DocumentNode node) => MapReader.WordOf(node, PolicyWords.Word, PolicyWords.Levels);

    private static long NumberOf(DocumentNode node, long most) =>
        long.TryParse(node.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= most ? number : throw MapReader.Wrong(node, $"a number from 0 to {most}");

    private static decimal ProbabilityOf(DocumentNode node) =>
        decimal.TryParse(node.Text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value) && value is >= 0 and <= 1 && value.Scale <= 6 ? value
        : throw MapReader.Wrong(node, "a probability from 0 to 1");

    private static DateTimeOffset TimeOf(DocumentNode node) =>
        DateTimeOffset.TryParseExact(node.Text, TimeForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset time)
            ? time : throw MapReader.Wrong(node, "a time such as 2026-11-21T08:00:00Z");

    private static DateOnly DayOf(DocumentNode node) =>
        DateOnly.TryParseExact(node.Text, DayForm, CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day) ? day : throw MapReader.Wrong(node, "a day such as 2026-11-21");

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString(TimeForm, CultureInfo.InvariantCulture);

    private static string Day(DateOnly day) => day.ToString(DayForm, CultureInfo.InvariantCulture);
}
