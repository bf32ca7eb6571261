using Plimsoll.Verify.Start;

namespace Plimsoll.Verify;

/// <summary>
/// What an image must be like to be trusted. Every value that a file leaves out is the one that stands here, which is the one of
/// the default policy: a policy that says little is strict. docs/formats/policy.md describes each key.
/// </summary>
public sealed record Policy
{
    /// <summary>The version of the form, <c>policy: 1</c>.</summary>
    public const int Version = 1;

    /// <summary>What it calls itself: letters, digits, <c>.</c>, <c>_</c> and <c>-</c>; counters of signed policies are kept by it.</summary>
    public required string Name { get; init; }
    public string Description { get; init; } = "";
    public InspectionRules Inspection { get; init; } = new();
    public DatabaseRules Database { get; init; } = new();
    public ImageRules Image { get; init; } = new();
    public VulnerabilityRules Vulnerabilities { get; init; } = new();
    public MalwareRules Malware { get; init; } = new();
    public ProblemRules Secrets { get; init; } = new() { Severity = new(PolicyAction.Fail, PolicyAction.Fail, PolicyAction.Warn, PolicyAction.Ignore, PolicyAction.Ignore, PolicyAction.Warn) };
    public ProblemRules History { get; init; } = new();
    public ProblemRules Configuration { get; init; } = new();
    public LicenceRules Licences { get; init; } = new();

    /// <summary>Packages that must not be there.</summary>
    public IReadOnlyList<DeniedPackage> Packages { get; init; } = [];

    /// <summary>Whose word counts that a finding does not; all others' is passed over.</summary>
    public IReadOnlyList<SuppressionSource> Suppressions { get; init; } = PolicyWords.Sources;

    /// <summary>In the order of the file; of several that match a finding the first counts.</summary>
    public IReadOnlyList<Exemption> Exceptions { get; init; } = [];

    /// <summary>Whose signatures count for which images; null: nobody's for none.</summary>
    public TrustRules? Trust { get; init; }

    /// <summary>Who may start what, and how; null: nobody anything.</summary>
    public StartRules? Start { get; init; }
}

/// <summary>One value for each level of severity.</summary>
public sealed record ByLevel<T>(T Critical, T High, T Medium, T Low, T Negligible, T Unknown)
{
    public T Of(Level level) => level switch
    {
        Level.Critical => Critical,
        Level.High => High,
        Level.Medium => Medium,
        Level.Low => Low,
        Level.Negligible => Negligible,
        _ => Unknown,
    };
}

/// <summary>What the inspection itself must be like.</summary>
public sealed record InspectionRules
{
    /// <summary>Checks that must have run, beside those that the other sections ask for.</summary>
    public IReadOnlyList<string> Checks { get; init; } = [];

    /// <summary>Outside engines that must have answered.</summary>
    public IReadOnlyList<string> Engines { get; init; } = [];

    /// <summary>When one of both did not.</summary>
    public PolicyAction Missing { get; init; } = PolicyAction.Undecided;

    /// <summary>When something was not or not wholly looked at.</summary>
    public PolicyAction Incomplete { get; init; } = PolicyAction.Undecided;

    /// <summary>When no digest was checked.</summary>
    public PolicyAction Unverified { get; init; } = PolicyAction.Fail;

    /// <summary>Days after which an inspection is called old; null for never. Matters to hosts and to stored reports.</summary>
    public int? MaxAgeDays { get; init; } = 30;
    public PolicyAction Old { get; init; } = PolicyAction.Undecided;
}

/// <summary>What the advisory database must be like; not asked when vulnerabilities are ignored.</summary>
public sealed record DatabaseRules
{
    /// <summary>When there was none, which the built-in starter set is too, or one without what the policy asks it for.</summary>
    public PolicyAction Missing { get; init; } = PolicyAction.Undecided;
    public int? MaxAgeDays { get; init; } = 14;
    public PolicyAction Old { get; init; } = PolicyAction.Undecided;
}

/// <summary>What the image as a whole must be like.</summary>
public sealed record ImageRules
{
    /// <summary>When the distribution's release gets no security fixes any more.</summary>
    public PolicyAction EndOfLife { get; init; } = PolicyAction.Warn;

    /// <summary>Days since the image was made, as its config says; null for any.</summary>
    public int? MaxAgeDays { get; init; }
    public PolicyAction Old { get; init; } = PolicyAction.Warn;
}

/// <summary>Known vulnerabilities of packages. Of all rules that speak of one the strictest counts.</summary>
public sealed record VulnerabilityRules
{
    public ByLevel<PolicyAction> Severity { get; init; } = new(PolicyAction.Fail, PolicyAction.Fail, PolicyAction.Warn, PolicyAction.Ignore, PolicyAction.Ignore, PolicyAction.Warn);

    /// <summary>The most that comes of a severity where no fixed version exists.</summary>
    public PolicyAction Unfixed { get; init; } = PolicyAction.Warn;

    /// <summary>The same where the distribution says that it will not fix it.</summary>
    public PolicyAction WillNotFix { get; init; } = PolicyAction.Warn;

    /// <summary>The same where the package itself is past its end of life.</summary>
    public PolicyAction EndOfLife { get; init; } = PolicyAction.Fail;

    /// <summary>Days from publication within which a severity only warns.</summary>
    public ByLevel<int> GraceDays { get; init; } = new(0, 0, 0, 0, 0, 0);

    /// <summary>Those in CISA's catalogue, whatever their severity and fix.</summary>
    public PolicyAction KnownExploited { get; init; } = PolicyAction.Fail;

    /// <summary>Probability of exploitation within 30 days, 0 to 1, from which <see cref="Epss"/> holds; null: it is not asked.</summary>
    public decimal? EpssAtLeast { get; init; }
    public PolicyAction Epss { get; init; } = PolicyAction.Fail;

    /// <summary>Packages that are malicious themselves.</summary>
    public PolicyAction Malicious { get; init; } = PolicyAction.Fail;

    public static VulnerabilityRules Nothing { get; } = new()
    {
        Severity = ProblemRules.All(PolicyAction.Ignore),
        Unfixed = PolicyAction.Ignore,
        WillNotFix = PolicyAction.Ignore,
        EndOfLife = PolicyAction.Ignore,
        KnownExploited = PolicyAction.Ignore,
        Epss = PolicyAction.Ignore,
        Malicious = PolicyAction.Ignore,
    };

    internal bool Asks => Severity != ProblemRules.All(PolicyAction.Ignore) || KnownExploited != PolicyAction.Ignore || Malicious != PolicyAction.Ignore || AsksEpss;
    internal bool AsksEpss => EpssAtLeast is not null && Epss != PolicyAction.Ignore;
}

/// <summary>Files that are malicious.</summary>
public sealed record MalwareRules
{
    /// <summary>Engines agree.</summary>
    public PolicyAction Confirmed { get; init; } = PolicyAction.Fail;

    /// <summary>One engine alone says so.</summary>
    public PolicyAction Suspected { get; init; } = PolicyAction.Warn;

    /// <summary>The most that comes of a file that a later layer removed: it is still in the image, but not in the container.</summary>
    public PolicyAction Removed { get; init; } = PolicyAction.Fail;

    /// <summary>By rule, in place of both; see <see cref="RuleActions"/>.</summary>
    public RuleActions Rules { get; init; } = RuleActions.None;

    public static MalwareRules Nothing { get; } = new() { Confirmed = PolicyAction.Ignore, Suspected = PolicyAction.Ignore, Removed = PolicyAction.Ignore };

    internal bool Asks => Confirmed != PolicyAction.Ignore || Suspected != PolicyAction.Ignore || Rules.Asks;
}

/// <summary>Secrets, history and configuration: what comes of a severity, unless a rule is named.</summary>
public sealed record ProblemRules
{
    public ByLevel<PolicyAction> Severity { get; init; } = new(PolicyAction.Fail, PolicyAction.Warn, PolicyAction.Warn, PolicyAction.Ignore, PolicyAction.Ignore, PolicyAction.Warn);

    /// <summary>The most that comes of what a later layer removed: who has the image can still read it.</summary>
    public PolicyAction Removed { get; init; } = PolicyAction.Fail;
    public RuleActions Rules { get; init; } = RuleActions.None;

    public static ProblemRules Nothing { get; } = new() { Severity = All(PolicyAction.Ignore), Removed = PolicyAction.Ignore };

    internal bool Asks => Severity != All(PolicyAction.Ignore) || Rules.Asks;

    internal static ByLevel<PolicyAction> All(PolicyAction action) => new(action, action, action, action, action, action);
}

/// <summary>Actions by rule id. An id may end in <c>*</c>; the whole id wins over a beginning, the longest beginning over shorter ones.</summary>
public sealed class RuleActions : IEquatable<RuleActions>
{
    private readonly SortedDictionary<string, PolicyAction> _byRule = new(StringComparer.Ordinal);

    public static RuleActions None { get; } = new();

    private RuleActions()
    {
    }

    public RuleActions(IEnumerable<KeyValuePair<string, PolicyAction>> rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        foreach ((string rule, PolicyAction action) in rules)
            _byRule.Add(rule, action);
    }

    /// <summary>Ordinal order of ids.</summary>
    public IReadOnlyDictionary<string, PolicyAction> All => _byRule;

    internal bool IsEmpty => _byRule.Count == 0;

    internal bool Asks => _byRule.Values.Any(a => a != PolicyAction.Ignore);

    /// <summary>What is said of a rule, and the id or beginning that says it.</summary>
    public (PolicyAction Action, string Said)? Find(string rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (_byRule.Count == 0)
            return null;
        if (_byRule.TryGetValue(rule, out PolicyAction exact))
            return (exact, rule);
        for (int length = rule.Length; length >= 0; length--)
        {
            string beginning = rule[..length] + "*";
            if (_byRule.TryGetValue(beginning, out PolicyAction action))
                return (action, beginning);
        }
        return null;
    }

    public bool Equals(RuleActions? other) => other is not null && _byRule.SequenceEqual(other._byRule);

    public override bool Equals(object? obj) => Equals(obj as RuleActions);

    public override int GetHashCode() => _byRule.Count;
}

/// <summary>Licences of packages, as the packages declare them.</summary>
public sealed record LicenceRules
{
    /// <summary>SPDX ids (<c>MIT</c>), beginnings (<c>GPL-*</c>) or categories (<c>category:permissive</c>); empty: every licence that is not denied.</summary>
    public IReadOnlyList<string> Allow { get; init; } = [];
    public IReadOnlyList<string> Deny { get; init; } = [];

    /// <summary>When a package cannot be had without a denied licence.</summary>
    public PolicyAction Denied { get; init; } = PolicyAction.Fail;

    /// <summary>When there is a list of allowed ones and it is not among them.</summary>
    public PolicyAction Unlisted { get; init; } = PolicyAction.Fail;

    /// <summary>When a package names no licence.</summary>
    public PolicyAction Undeclared { get; init; } = PolicyAction.Ignore;

    /// <summary>What the licence check finds by itself.</summary>
    public ByLevel<PolicyAction> Severity { get; init; } = ProblemRules.All(PolicyAction.Ignore);
    public RuleActions Rules { get; init; } = RuleActions.None;

    public static LicenceRules Nothing { get; } = new() { Denied = PolicyAction.Ignore, Unlisted = PolicyAction.Ignore };

    /// <summary>Whether the licences of packages are judged.</summary>
    internal bool AsksPackages => (Deny.Count > 0 && Denied != PolicyAction.Ignore) || (Allow.Count > 0 && Unlisted != PolicyAction.Ignore) || Undeclared != PolicyAction.Ignore;

    /// <summary>Whether the licence check must have run.</summary>
    internal bool AsksCheck => Severity != ProblemRules.All(PolicyAction.Ignore) || Rules.Asks;
}

/// <summary>A package that must not be in an image.</summary>
public sealed record DeniedPackage
{
    /// <summary>Name of the binary or source package, a glob.</summary>
    public required string Name { get; init; }

    /// <summary>purl type, <c>npm</c>; null for any.</summary>
    public string? Type { get; init; }

    /// <summary>Globs of versions; empty for any.</summary>
    public IReadOnlyList<string> Versions { get; init; } = [];

    /// <summary>Only versions before this one, in the order of the package's type; null for any.</summary>
    public string? Below { get; init; }
    public required string Reason { get; init; }
    public PolicyAction Action { get; init; } = PolicyAction.Fail;
}

/// <summary>A finding, or something unseen, that a policy accepts for a time. Who, why and until when must be said.</summary>
public sealed record Exemption
{
    /// <summary>
    /// Id or alias of a finding in any case, its rule, or its fingerprint; <c>gap/CODE</c> and <c>note/CODE</c> for what was not seen;
    /// <c>end-of-life</c> and <c>image-old</c> for what is said of the whole image.
    /// </summary>
    public required string Id { get; init; }

    /// <summary>Name of the binary or source package; null for any.</summary>
    public string? Package { get; init; }

    /// <summary>A <see cref="Glob"/> of the file; null for any.</summary>
    public string? Path { get; init; }

    /// <summary>A <see cref="Glob"/> of the image's name, or one of its digests; null for any image.</summary>
    public string? Image { get; init; }
    public required string Reason { get; init; }
    public required string Owner { get; init; }

    /// <summary>Last day (UTC) on which it holds.</summary>
    public required DateOnly Expires { get; init; }

    /// <summary>Where it stands, for messages; no part of the policy's digest.</summary>
    public string Source { get; init; } = "";
}
