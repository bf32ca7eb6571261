using Plimsoll.ContentTrust;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Sign;

namespace Plimsoll.Verify;

/// <summary>What an image is called: repository with host, and tag.</summary>
/// <param name="Repository"><c>registry.example/team/app</c>; empty for an image without a name.</param>
/// <param name="Tag">Null when none is stated.</param>
public sealed record ImageName(string Repository, string? Tag)
{
    public static ImageName None { get; } = new("", null);

    /// <summary>Reads a name as Docker does: without a host it is Docker Hub's; a digest behind it is left out. Any text gives a name.</summary>
    /// <remarks>Source: distribution/reference, normalize.go. Names are only compared here, never asked for.</remarks>
    public static ImageName Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string rest = text.IndexOf('@', StringComparison.Ordinal) is >= 0 and var at ? text[..at] : text;
        int slash = rest.IndexOf('/', StringComparison.Ordinal), colon = rest.LastIndexOf(':');
        string? tag = colon > rest.LastIndexOf('/') ? rest[(colon + 1)..] : null;
        if (tag is not null)
            rest = rest[..colon];
        if (rest.Length == 0)
            return new ImageName("", tag);
        bool hasHost = slash > 0 && (rest.AsSpan(0, slash).ContainsAny('.', ':') || rest.AsSpan(0, slash) is "localhost");
        string host = hasHost ? rest[..slash].ToLowerInvariant() : "docker.io", path = hasHost ? rest[(slash + 1)..] : rest;
        if (host is "index.docker.io" or "registry-1.docker.io")
            host = "docker.io";
        return new ImageName(host == "docker.io" && !path.Contains('/', StringComparison.Ordinal) ? $"{host}/library/{path}" : $"{host}/{path}", tag);
    }

    public override string ToString() => Tag is null ? Repository : $"{Repository}:{Tag}";
}

/// <summary>One image that an index lists.</summary>
/// <param name="Platform"><c>linux/amd64</c>; untrusted text.</param>
public sealed record JudgedPlatform(Digest Manifest, string Platform);

/// <summary>A manifest whose bytes name an image's config.</summary>
/// <param name="Indexes">Those whose bytes list it, innermost first.</param>
public sealed record LinkedManifest(Digest Manifest, IReadOnlyList<Digest> Indexes);

/// <summary>The image that is to be trusted, as the bytes say that are there: every digest was checked.</summary>
public sealed record JudgedImage
{
    /// <summary>Every name that it goes by; each must satisfy its rule. Empty: it has none.</summary>
    public IReadOnlyList<ImageName> Names { get; init; } = [];

    /// <summary>The index that the platform was chosen from; null when there was none.</summary>
    public Digest? Index { get; init; }

    /// <summary>Null where the source has no manifest: archives and the store of a Docker host.</summary>
    public Digest? Manifest { get; init; }
    public required Digest Config { get; init; }

    /// <summary>Where the source has no manifest: those that are proved to be of this config by their own bytes, whoever had them.</summary>
    public IReadOnlyList<LinkedManifest> Linked { get; init; } = [];

    /// <summary>Every image of the index, whatever platform it is for.</summary>
    public IReadOnlyList<JudgedPlatform> Platforms { get; init; } = [];

    /// <summary>The index, or the manifest where there is no index, byte for byte as its digest says; null when nobody read it.</summary>
    public ReadOnlyMemory<byte>? RootManifest { get; init; }

    /// <summary>When it was made, as the config says.</summary>
    public DateTimeOffset? Created { get; init; }

    internal IEnumerable<Digest> Digests => ((Digest?[])[Index, Manifest, Config, .. Linked.Select(l => l.Manifest), .. Linked.SelectMany(l => l.Indexes)]).OfType<Digest>();
}

/// <summary>An image and all that is there to judge it by.</summary>
public sealed record TrustCase
{
    public required JudgedImage Image { get; init; }
    public Evidence Evidence { get; init; } = new();

    /// <summary>What the image's bytes measure to here; null when nobody measured.</summary>
    public Measurement? Measured { get; init; }

    /// <summary>What in the image's bytes is not as its config says, found while it was measured; then it has no measurement.</summary>
    public IReadOnlyList<string> Differences { get; init; } = [];

    /// <summary>How many more there are than <see cref="Differences"/> lists.</summary>
    public int DifferencesBeyond { get; init; }

    /// <summary>A host's image was measured as its engine hands it out, and the unpacked files were not looked at: what was planted there was not seen.</summary>
    public bool OnlyExported { get; init; }

    /// <summary>
    /// Opens the metadata of a collection of Docker Content Trust: its name, and the server that the rule names or null. The caller disposes
    /// it; null when nothing was given to open.
    /// </summary>
    /// <remarks>It may throw <see cref="ContentTrustException"/>.</remarks>
    public Func<string, string?, IMetadataSource?>? ContentTrust { get; init; }

    /// <summary>Versions of such metadata that were seen here. Null: nobody remembers.</summary>
    public IContentTrustMemory? ContentTrustMemory { get; init; }

    /// <summary>The signed revocation list, as its file is; null when there is none.</summary>
    public ReadOnlyMemory<byte>? Revocations { get; init; }

    /// <summary>The highest counter of a revocation list that was ever seen here of a key, by its id; 0 for none. Null: nobody remembers.</summary>
    public Func<string, long>? SeenRevocations { get; init; }

    /// <summary>
    /// Told of the newest signed inspection that is there of a key, by its id and the time that the inspection states, or null where there is none; answers the newest that was ever seen of that
    /// key for this image. Null: nobody remembers.
    /// </summary>
    public Func<string, DateTimeOffset?, DateTimeOffset>? SeenInspections { get; init; }

    /// <summary>Told of a list that is right and as new as it must be, to remember it; false when another list of the same counter was seen.</summary>
    /// <remarks>The second argument holds the ids of the versions of the key that signed it.</remarks>
    public Func<RevocationList, IReadOnlyList<string>, bool>? AcceptedRevocations { get; init; }
}
