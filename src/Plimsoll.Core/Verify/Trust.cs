using Plimsoll.ContentTrust;

namespace Plimsoll.Verify;

/// <summary>Whose word counts for which images, and what must have been said of them. A policy without it trusts nobody.</summary>
public sealed record TrustRules
{
    /// <summary>In ordinal order of their names. One key may have several names; it is still one signer.</summary>
    public IReadOnlyList<TrustKey> Keys { get; init; } = [];

    /// <summary>Roots of Docker Content Trust, in ordinal order of their names.</summary>
    public IReadOnlyList<TrustRoot> Roots { get; init; } = [];

    /// <summary>In the order of the file: the first whose names cover an image decides, and no other is asked.</summary>
    public IReadOnlyList<ImageTrust> Images { get; init; } = [];

    /// <summary>The place of the rule for a repository; -1 when no rule covers it.</summary>
    /// <param name="repository"><c>registry.example/team/app</c>; empty for an image without a name.</param>
    public int Find(string repository)
    {
        for (int i = 0; i < Images.Count; i++)
            foreach (string name in Images[i].Names)
                if (Glob.Matches(name, repository))
                    return i;
        return -1;
    }
}

/// <summary>Who signs: one name and the versions of the key, of which any will do.</summary>
/// <param name="Versions">At least one, each once, in the order of the file.</param>
public sealed record TrustKey(string Name, IReadOnlyList<TrustedHalf> Versions);

/// <param name="Id">As <see cref="Keys.PublicKey.Id"/>.</param>
/// <param name="Pem">Public key, in the one form that <see cref="Keys.PublicKey.ToPem"/> writes.</param>
public sealed record TrustedHalf(string Id, string Pem)
{
    /// <summary>Ids of the two parts of a hybrid key, of which both must have signed; of others none.</summary>
    public IReadOnlyList<string> Parts { get; init; } = [];

    /// <summary>Its id and those of its parts.</summary>
    internal IEnumerable<string> Ids => [Id, .. Parts];
}

/// <summary>Who counts as one signer: names that share a version of a key, or a part of one, are one, however many names and versions it has.</summary>
internal sealed class Signers
{
    private readonly Dictionary<string, string> _nameOfId = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _nameOf = new(StringComparer.Ordinal);

    public Signers(IEnumerable<TrustKey> keys)
    {
        foreach (TrustKey key in keys)
        {
            // The first name of whoever holds one of the versions already; what was two names is one from now on.
            List<string> known = [];
            foreach (TrustedHalf version in key.Versions)
                foreach (string id in version.Ids)
                    if (_nameOfId.TryGetValue(id, out string? holder) && !known.Contains(holder))
                        known.Add(holder);
            string name = known.Count > 0 ? known[0] : key.Name;
            _nameOf.Add(key.Name, name);
            if (known.Count > 0)
                Join(known, name);
            foreach (TrustedHalf version in key.Versions)
                foreach (string id in version.Ids)
                    _nameOfId[id] = name;
        }
    }

    private void Join(List<string> known, string name)
    {
        foreach (string other in _nameOf.Where(n => known.Contains(n.Value, StringComparer.Ordinal)).Select(n => n.Key).ToArray())
            _nameOf[other] = name;
        foreach (string id in _nameOfId.Where(n => known.Contains(n.Value, StringComparer.Ordinal)).Select(n => n.Key).ToArray())
            _nameOfId[id] = name;
    }

    /// <summary>The name that a signer is counted by, from any of its names.</summary>
    public string Of(string name) => _nameOf[name];

    public int Count(IReadOnlyList<string> names)
    {
        HashSet<string> different = new(StringComparer.Ordinal);
        foreach (string name in names)
            different.Add(Of(name));
        return different.Count;
    }
}

/// <summary>A root of Docker Content Trust by a name of the policy's own.</summary>
public sealed record TrustRoot(string Name, RootPin Pin);

/// <summary>What of a target in a collection of Docker Content Trust must be the image's.</summary>
public enum TargetMatch
{
    /// <summary>The target that is named as the image's tag; an image without a tag has none.</summary>
    Tag = 0,

    /// <summary>Any target of the collection.</summary>
    Any,
}

/// <summary>The image's repository must be a collection of Docker Content Trust that names it.</summary>
/// <param name="Roots">Names of <see cref="TrustRules.Roots"/>; the collection must begin with any of them.</param>
/// <param name="Server">Address of the notary server; null: only metadata that was given beforehand counts.</param>
/// <param name="Roles"><see cref="Glob"/>s of roles whose word counts, in order: with a threshold of 1 the first that names the tag decides, as for Docker.</param>
/// <param name="Threshold">How many roles with different keys must name the image.</param>
public sealed record ContentTrustRule(IReadOnlyList<string> Roots, string? Server, IReadOnlyList<string> Roles, int Threshold, TargetMatch Match)
{
    /// <summary>Where Docker looks.</summary>
    public static IReadOnlyList<string> DefaultRoles { get; } = [TufRole.Releases, TufRole.Targets];
}

/// <summary>How many of which keys must have signed.</summary>
/// <param name="Keys">Names of keys, in ordinal order.</param>
/// <param name="Threshold">1 and up; at most as many as there are different keys.</param>
public sealed record KeyQuorum(IReadOnlyList<string> Keys, int Threshold);

/// <summary>Which manifests of an image for several platforms must be signed.</summary>
public enum SignedPlatforms
{
    /// <summary>The index, and each platform's manifest by itself.</summary>
    Each = 0,

    /// <summary>The index, which names the others by digest.</summary>
    Index,
}

/// <summary>What of the name in a signature must be the image's.</summary>
public enum SignedName
{
    /// <summary>The repository; a tag that the signature states is not looked at. cosign states none.</summary>
    Repository = 0,

    /// <summary>Repository and tag: the signature must state the tag that the image is called by.</summary>
    Exact,

    /// <summary>Nothing: signatures for any name count, and statements that state none.</summary>
    Any,
}

/// <summary>What must be true of the images that have one of these names.</summary>
public sealed record ImageTrust
{
    /// <summary><see cref="Glob"/>s of repositories, <c>registry.example/team/*</c>.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>
    /// <c>signed: none</c>: nothing that somebody signed is asked for, and nothing else of this rule but <see cref="Revocations"/> and the day it was made. Such an image starts under
    /// the runtimes of <see cref="Start.StartRules.SecureRuntimes"/> alone.
    /// </summary>
    public bool Untrusted { get; init; }

    /// <summary>Globs of repositories that a signature may have been made for; empty: the image's own only.</summary>
    public IReadOnlyList<string> Repositories { get; init; } = [];

    /// <summary>Signatures over the manifest; null: none are asked for.</summary>
    public KeyQuorum? Signatures { get; init; }
    public SignedName Match { get; init; }

    /// <summary>Docker Content Trust; null: it is not asked for.</summary>
    public ContentTrustRule? ContentTrust { get; init; }
    public SignedPlatforms Platforms { get; init; }

    /// <summary>Statements that there must be, in the order of the file.</summary>
    public IReadOnlyList<AttestationTrust> Attestations { get; init; } = [];

    /// <summary>Inspections, which this policy judges again; null: none are asked for.</summary>
    public KeyQuorum? Inspection { get; init; }

    /// <summary>The least counter of the advisory database that inspections were made with.</summary>
    public long DatabaseCounter { get; init; }

    /// <summary>Measurements, compared with the image's; null: none are asked for.</summary>
    public KeyQuorum? Measurement { get; init; }

    /// <summary>Null: revocations are not asked for, and none count.</summary>
    public RevocationTrust? Revocations { get; init; }
    public ImageMinimum Minimum { get; init; } = new();

    /// <summary>What comes of statements and signatures for an image that had failed a policy and was signed all the same.</summary>
    public PolicyAction Overridden { get; init; } = PolicyAction.Fail;

    /// <summary>What comes of evidence that could not be read.</summary>
    public PolicyAction Unreadable { get; init; } = PolicyAction.Undecided;
}

/// <summary>A statement that there must be.</summary>
public sealed record AttestationTrust
{
    /// <summary>A word of <see cref="PredicateTypes"/> or a predicate type.</summary>
    public required string Type { get; init; }
    public required KeyQuorum Quorum { get; init; }

    /// <summary>Days, by the time that the signed predicate states; null for any age.</summary>
    public int? MaxAgeDays { get; init; }

    /// <summary>Provenance: a glob of the builder's id; null for any.</summary>
    public string? Builder { get; init; }

    /// <summary>Provenance: a glob that one material must be; null: not asked.</summary>
    public string? Source { get; init; }

    /// <summary>Provenance: globs that cover every material; empty: not asked.</summary>
    public IReadOnlyList<string> Materials { get; init; } = [];
}

/// <summary>Which revocation list must be there.</summary>
/// <param name="Keys">Names of keys, one of which signed it.</param>
/// <param name="MaxAgeDays">Null for any age.</param>
/// <param name="Counter">The least that it may have.</param>
public sealed record RevocationTrust(IReadOnlyList<string> Keys, int? MaxAgeDays, long Counter);

/// <summary>What keeps an image that was good once from coming back under a tag.</summary>
/// <param name="CreatedAfter">First day (UTC) on which the image may have been made, as its config says; null for any.</param>
/// <param name="NotBefore">First day (UTC) that a signature or statement may state as its time; null for any.</param>
/// <param name="Counter">The least <c>counter</c> that a signature states; 0 for any.</param>
public sealed record ImageMinimum(DateOnly? CreatedAfter = null, DateOnly? NotBefore = null, long Counter = 0);

/// <summary>Predicate types by the words that people use.</summary>
public static class PredicateTypes
{
    private static readonly (string Word, string[] Types)[] All =
    [
        ("slsa-provenance", ["https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"]),
        ("cyclonedx", ["https://cyclonedx.org/bom"]),
        ("spdx", ["https://spdx.dev/Document"]),
        ("openvex", ["https://openvex.dev/ns"]),
        ("vulnerabilities", ["https://cosign.sigstore.dev/attestation/vuln/v1"]),
        ("inspection", [InspectionPredicate.Type]),
        ("measurement", [MeasurementPredicate.Type]),
    ];

    public static IEnumerable<string> Words => All.Select(a => a.Word);

    /// <summary>Whether a predicate is of the type that a word or a type names. A type also stands for its versions: <c>https://openvex.dev/ns/v0.2.0</c>.</summary>
    public static bool Covers(string wanted, string type)
    {
        ArgumentNullException.ThrowIfNull(type);
        foreach ((string word, string[] types) in All)
            if (word == wanted)
                return types.Any(t => Is(t, type));
        return Is(wanted, type);
    }

    public static bool IsProvenance(string wanted) => wanted == "slsa-provenance" || wanted.StartsWith("https://slsa.dev/provenance/", StringComparison.Ordinal);

    private static bool Is(string wanted, string type) =>
        type.StartsWith(wanted, StringComparison.Ordinal) && (type.Length == wanted.Length || (type.AsSpan(wanted.Length).StartsWith("/v") && type.AsSpan(wanted.Length + 1).IndexOf('/') < 0));
}
