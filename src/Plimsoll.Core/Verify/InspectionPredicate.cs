using System.Globalization;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Verify;

/// <summary>
/// What a host must know of an inspection, to be signed: docs/formats/inspection.md. A host reads it without any parser of images
/// and gives <see cref="Inspection"/> to <see cref="Judge"/> with its own policy.
/// </summary>
/// <param name="Verdict">Of the policy of the inspection; null when there was none.</param>
public sealed partial record InspectionPredicate(Inspection Inspection, Verdict? Verdict)
{
    /// <summary>A name; nothing is fetched from it.</summary>
    public const string Type = "urn:plimsoll:inspection:1";
    public const int Version = 1;

    /// <summary>Findings that are listed; the rest is counted. An image of a whole distribution has some 5000.</summary>
    public const int MaxFindings = 4000;

    /// <summary>Things not seen that are listed; the rest is counted.</summary>
    public const int MaxUndecided = 200;

    /// <summary>Sets of licences that are listed; the packages of the rest are counted.</summary>
    public const int MaxLicences = 1000;
    public const int MaxNames = 32;
    public const int MaxEngines = 32;
    public const int MaxReasons = 200;
    public const int MaxAliases = 8;

    /// <summary>Characters of one text; what is longer is cut and ends in an ellipsis.</summary>
    public const int MaxCharacters = 500;

    /// <summary>Why the image was signed although <see cref="Verdict"/> refuses it; null when nothing was overridden. Whoever knows no overrides refuses the predicate.</summary>
    public string? Override { get; init; }

    private const string TimeForm = "yyyy-MM-dd'T'HH:mm:ss'Z'";
    private const string DayForm = "yyyy-MM-dd";

    /// <summary>The inspection cut to what a predicate may hold. What is cut is counted, and judged as the worst that it could be.</summary>
    public static InspectionPredicate Of(Inspection inspection, Verdict? verdict, int maxFindings = MaxFindings)
    {
        ArgumentNullException.ThrowIfNull(inspection);
        List<InspectedFinding> ordered = [.. inspection.Findings.Select(Cut)];
        ordered.Sort(InspectedFinding.Compare);
        IEnumerable<FindingCount> beyond = ordered.Skip(maxFindings).Select(f => new FindingCount(f.Kind, f.Severity, 1)).Concat(inspection.FindingsBeyond)
            .GroupBy(c => (c.Kind, c.Severity)).OrderBy(g => g.Key.Kind).ThenByDescending(g => g.Key.Severity).Select(g => new FindingCount(g.Key.Kind, g.Key.Severity, g.Sum(c => c.Count)));
        return new InspectionPredicate(inspection with
        {
            Names = [.. inspection.Names.Select(Cut).Where(n => n.Length > 0).Distinct(StringComparer.Ordinal).Take(MaxNames)],
            Time = Seconds(inspection.Time),
            Created = inspection.Created is { } created ? Seconds(created) : null,
            Tool = Cut(inspection.Tool),
            Platform = inspection.Platform is { } platform ? Cut(platform) : null,
            Database = inspection.Database with
            {
                Created = Seconds(inspection.Database.Created),
                Digest = Cut(inspection.Database.Digest),
                KnownExploited = inspection.Database.KnownExploited is { } kev ? Cut(kev) : null,
                Epss = inspection.Database.Epss is { } epss ? Cut(epss) : null,
            },
            Distribution = inspection.Distribution is { } d ? d with { Id = Cut(d.Id), Version = Cut(d.Version) } : null,
            Engines = [.. inspection.Engines.Take(MaxEngines).Select(e => new InspectedEngine(Cut(e.Name), e.Version is { } v ? Cut(v) : null, e.Failure is { } f ? Cut(f) : null))],
            Undecided = [.. inspection.Undecided.Take(MaxUndecided).Select(u => new Unseen(Cut(u.Code), Cut(u.Where)))],
            UndecidedBeyond = inspection.UndecidedBeyond + Math.Max(0, inspection.Undecided.Count - MaxUndecided),
            Findings = [.. ordered.Take(maxFindings)],
            FindingsBeyond = [.. beyond],
            Licences = [.. inspection.Licences.Take(MaxLicences).Select(l => new InspectedLicence([.. l.Terms.Select(Cut).Where(t => t.Length > 0)], l.Packages, [.. l.Examples.Take(3).Select(Cut).Where(e => e.Length > 0)]))],
            LicencesBeyond = inspection.LicencesBeyond + inspection.Licences.Skip(MaxLicences).Sum(l => l.Packages),
            LicenceCategories = new SortedDictionary<string, string>(inspection.LicenceCategories.Where(c => Cut(c.Key) == c.Key).ToDictionary(c => c.Key, c => c.Value), StringComparer.Ordinal),
        }, verdict is null ? null : verdict with
        {
            Reasons = [.. verdict.Reasons.Take(MaxReasons).Select(r => r with { Rule = r.Rule is { } rule ? Cut(rule) : null, Message = Cut(r.Message), Examples = [.. r.Examples.Select(Cut)], Arguments = [] })],
        });
    }

    /// <summary>The statement over this predicate: about the manifest, the config, and the index where there is one.</summary>
    /// <exception cref="InvalidOperationException">The image has no digest, as a folder has none.</exception>
    public Statement ToStatement()
    {
        List<Subject> subjects = [];
        foreach ((string name, string? text) in (ReadOnlySpan<(string, string?)>)[("manifest", Inspection.ManifestDigest), ("config", Inspection.ConfigDigest), ("index", Inspection.IndexDigest)])
            if (Digest.TryParse(text, out Digest? digest))
                subjects.Add(new Subject(name, digest));
        return subjects.Count > 0 ? new Statement(subjects, Type, ToJson()) : throw new InvalidOperationException("the inspected image has no digest");
    }

    /// <summary>The predicate of a statement whose type and subjects fit it.</summary>
    /// <exception cref="DocumentException">Another type, another form, or not about the image of its subjects.</exception>
    public static InspectionPredicate From(Statement statement, string name)
    {
        ArgumentNullException.ThrowIfNull(statement);
        if (statement.PredicateType != Type)
            throw new DocumentException(name, $"the predicate is of type {Escape.Quote(statement.PredicateType)}; wanted {Type}");
        string? Of(string part) => statement.Subjects.SingleOrDefault(s => s.Name == part)?.Digest.ToString();
        if (statement.Subjects.Any(s => s.Name is not ("manifest" or "config" or "index")) || statement.Subjects.DistinctBy(s => s.Name).Count() != statement.Subjects.Count)
            throw new DocumentException(name, "the subjects are not one manifest, config and index at most");
        InspectionPredicate predicate = Parse(statement.Predicate, name);
        return predicate with { Inspection = predicate.Inspection with { ManifestDigest = Of("manifest"), ConfigDigest = Of("config"), IndexDigest = Of("index") } };
    }

    private static InspectedFinding Cut(InspectedFinding f) => f with
    {
        Id = Cut(f.Id),
        Aliases = [.. f.Aliases.Select(Cut).Where(a => a.Length > 0).Take(MaxAliases)],
        Fingerprint = Cut(f.Fingerprint),
        Package = Cut(f.Package),
        SourcePackage = Cut(f.SourcePackage),
        Version = Cut(f.Version),
        Path = Cut(f.Path),
    };

    private static string Cut(string text)
    {
        // Trimmed and without broken units, so that what is written is what is read.
        string clean = string.Concat(text.EnumerateRunes().Select(r => r.ToString())).Trim();
        return clean.Length <= MaxCharacters ? clean : clean[..(char.IsHighSurrogate(clean[MaxCharacters - 2]) ? MaxCharacters - 2 : MaxCharacters - 1)].TrimEnd() + "…";
    }

    private static DateTimeOffset Seconds(DateTimeOffset time) => new(time.UtcTicks - time.UtcTicks % TimeSpan.TicksPerSecond, TimeSpan.Zero);
}
