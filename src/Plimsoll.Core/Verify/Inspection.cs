namespace Plimsoll.Verify;

/// <summary>
/// What a policy judges of one image, free of everything else that a report holds. A scan makes it from its report, a host reads it
/// from a signed predicate; both give it to <see cref="Judge"/>, so that they cannot disagree.
/// </summary>
public sealed record Inspection
{
    /// <summary>Names of the image: as it was asked for, then those its source gives it. Claims; untrusted text.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];
    public string? IndexDigest { get; init; }
    public string? ManifestDigest { get; init; }
    public string? ConfigDigest { get; init; }
    public string? Platform { get; init; }

    /// <summary>Whether every digest was checked.</summary>
    public required bool Verified { get; init; }

    /// <summary>When the inspection ended.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Version of the program, <c>0.1.0+commit</c>.</summary>
    public required string Tool { get; init; }

    /// <summary>When the image was made, as its config says; null when it does not.</summary>
    public DateTimeOffset? Created { get; init; }
    public required InspectedDatabase Database { get; init; }
    public InspectedDistribution? Distribution { get; init; }

    /// <summary>Checks that ran to their end, of <see cref="PolicyWords.Checks"/>.</summary>
    public IReadOnlyList<string> Checks { get; init; } = [];
    public IReadOnlyList<InspectedEngine> Engines { get; init; } = [];

    /// <summary>What was not or not wholly looked at.</summary>
    public IReadOnlyList<Unseen> Undecided { get; init; } = [];

    /// <summary>How many more of these there are.</summary>
    public int UndecidedBeyond { get; init; }

    /// <summary>In the order of <see cref="InspectedFinding.Compare"/>; suppressed ones too.</summary>
    public IReadOnlyList<InspectedFinding> Findings { get; init; } = [];

    /// <summary>Findings that are not listed.</summary>
    public IReadOnlyList<FindingCount> FindingsBeyond { get; init; } = [];

    /// <summary>Licences as packages declare them; what one package declares is wanted together. Ordinal order.</summary>
    public IReadOnlyList<InspectedLicence> Licences { get; init; } = [];

    /// <summary>Packages whose licences are not listed.</summary>
    public int LicencesBeyond { get; init; }

    /// <summary>Category of a licence id, as far as the inspection knows one.</summary>
    public IReadOnlyDictionary<string, string> LicenceCategories { get; init; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Digest of the policy whose denied packages are among the findings; null when none was asked.</summary>
    public string? PackagesOfPolicy { get; init; }
}

/// <param name="Present">False for the built-in starter set, which is no database.</param>
/// <param name="KnownExploited">Version of CISA's catalogue; null when it has none.</param>
/// <param name="Epss">Date of FIRST's table; null when it has none.</param>
public sealed record InspectedDatabase(bool Present, long Counter, DateTimeOffset Created, string Digest = "", string? KnownExploited = null, string? Epss = null);

/// <param name="EndOfLife">Last day of security support; null when not known.</param>
public sealed record InspectedDistribution(string Id, string Version, DateOnly? EndOfLife);

/// <param name="Version">Null when it was not there.</param>
/// <param name="Failure">Why it did not, or not wholly, answer; null when it did.</param>
public sealed record InspectedEngine(string Name, string? Version, string? Failure);

/// <summary>Something that was not seen.</summary>
/// <param name="Code"><c>gap/CODE</c> or <c>note/CODE</c>; see docs/formats/report.md.</param>
/// <param name="Where">The place, or what the note names first; untrusted text.</param>
public sealed record Unseen(string Code, string Where);

/// <param name="Count">Of this kind and severity that are not listed.</param>
public sealed record FindingCount(FindingKind Kind, Level Severity, int Count);

/// <param name="Terms">SPDX expressions or names, all of which hold; empty for packages that declare none.</param>
/// <param name="Packages">How many packages declare exactly this.</param>
/// <param name="Examples">The first of them by name, at most three.</param>
public sealed record InspectedLicence(IReadOnlyList<string> Terms, int Packages, IReadOnlyList<string> Examples);

/// <summary>One finding as a policy sees it.</summary>
public sealed record InspectedFinding
{
    public required FindingKind Kind { get; init; }

    /// <summary>A vulnerability's id, or the rule's.</summary>
    public required string Id { get; init; }

    /// <summary>Other ids of the flaw.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Equal over rebuilds; empty where there is none.</summary>
    public string Fingerprint { get; init; } = "";
    public Level Severity { get; init; }

    /// <summary>Vulnerabilities: whether a fixed version exists.</summary>
    public bool Fixable { get; init; }

    /// <summary>Vulnerabilities: <c>fixed</c>, <c>affected</c>, <c>will-not-fix</c>, <c>end-of-life</c>; else empty.</summary>
    public string Status { get; init; } = "";

    /// <summary>Day on which the advisory was published.</summary>
    public DateOnly? Published { get; init; }

    /// <summary>In CISA's catalogue.</summary>
    public bool KnownExploited { get; init; }

    /// <summary>Probability of exploitation within 30 days, 0 to 1, six digits.</summary>
    public decimal? Epss { get; init; }

    /// <summary>The package itself is malicious.</summary>
    public bool Malicious { get; init; }

    /// <summary>Name of the package, and of the source package where it has another name.</summary>
    public string Package { get; init; } = "";
    public string SourcePackage { get; init; } = "";
    public string Version { get; init; } = "";

    /// <summary>The file, or the place in the image's config.</summary>
    public string Path { get; init; } = "";

    /// <summary>A later layer took it out of sight.</summary>
    public bool Removed { get; init; }

    /// <summary>Malware: one engine alone says so.</summary>
    public bool Suspected { get; init; }

    /// <summary>Denied packages: which entry of the policy, from 0.</summary>
    public int? Entry { get; init; }
    public SuppressionSource? SuppressedBy { get; init; }

    /// <summary>For people: id and package or path.</summary>
    public string Name => Package.Length > 0 ? $"{Id} {Package}" : Path.Length > 0 ? $"{Id} {Path}" : Id;

    /// <summary>
    /// The order in which findings are judged and listed: open ones first, of these what a policy is strictest about, then by severity,
    /// so that what falls beyond a bound matters least.
    /// </summary>
    public static int Compare(InspectedFinding a, InspectedFinding b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        int order = Rank(a) - Rank(b);
        if (order == 0)
            order = (int)b.Severity - (int)a.Severity;
        if (order == 0)
            order = (int)a.Kind - (int)b.Kind;
        if (order == 0)
            order = b.Fixable.CompareTo(a.Fixable);
        if (order == 0)
            order = string.CompareOrdinal(a.Id, b.Id);
        if (order == 0)
            order = string.CompareOrdinal(a.Package, b.Package);
        if (order == 0)
            order = string.CompareOrdinal(a.Path, b.Path);
        if (order == 0)
            order = string.CompareOrdinal(a.Version, b.Version);
        return order != 0 ? order : string.CompareOrdinal(a.Fingerprint, b.Fingerprint);
    }

    private static int Rank(InspectedFinding f) => f.SuppressedBy is not null ? 2 : f.Malicious || f.KnownExploited || f.Kind is FindingKind.Malware or FindingKind.Package ? 0 : 1;
}
