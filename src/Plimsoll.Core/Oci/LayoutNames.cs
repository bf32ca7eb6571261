namespace Plimsoll.Oci;

/// <summary>What the entries of a layout's index.json are called, and which of them are images.</summary>
internal static class LayoutNames
{
    public const string RefName = "org.opencontainers.image.ref.name";

    /// <summary>How <c>cosign save</c> marks an entry: <c>dev.cosignproject.cosign/image</c>, <c>/imageIndex</c>, <c>/sigs</c>, <c>/atts</c>, <c>/sboms</c>.</summary>
    /// <remarks>Source: sigstore/cosign, pkg/oci/layout.</remarks>
    private const string KindName = "kind", KindPrefix = "dev.cosignproject.cosign/";

    public static string? NameOf(Descriptor entry) => entry.Annotations?.GetValueOrDefault(RefName);

    /// <summary><c>image</c>, <c>imageIndex</c>, <c>sigs</c>, <c>atts</c>, <c>sboms</c>; null for an entry that cosign did not mark.</summary>
    public static string? KindOf(Descriptor entry) =>
        entry.Annotations?.GetValueOrDefault(KindName) is { } kind && kind.StartsWith(KindPrefix, StringComparison.Ordinal) ? kind[KindPrefix.Length..] : null;

    /// <summary>The suffix of cosign's tag for what an entry is marked as; null for images.</summary>
    public static string? SuffixOf(Descriptor entry) => KindOf(entry) switch
    {
        "sigs" => ArtifactTags.Signature,
        "atts" => ArtifactTags.Attestation,
        "sboms" => ArtifactTags.Bom,
        _ => null,
    };

    /// <summary>Whether the entry alone says that it is attached to something else.</summary>
    public static bool IsAttached(Descriptor entry) =>
        entry.ArtifactType is not null || SuffixOf(entry) is not null || ArtifactTags.TryParse(NameOf(entry), out _, out _);

    /// <summary>
    /// The entries that are images: what is attached to another entry and what another index lists is left out. Looks into manifests
    /// only when the entries alone leave a choice.
    /// </summary>
    /// <param name="read">The links of an entry's manifest, or null when it cannot be told.</param>
    public static IReadOnlyList<Descriptor> Images(IReadOnlyList<Descriptor> entries, Func<Descriptor, ManifestLinks?> read)
    {
        List<Descriptor> images = [.. entries.Where(e => !IsAttached(e))];
        if (images.Select(e => e.Digest).Distinct(StringComparer.Ordinal).Count() <= 1)
            return images;
        HashSet<string?> others = new(StringComparer.Ordinal);
        foreach (Descriptor entry in images.DistinctBy(e => e.Digest, StringComparer.Ordinal))
            if (read(entry) is { } links)
            {
                if (links.Subject is not null)
                    others.Add(entry.Digest);
                // An entry that has a name of its own is meant, whatever else lists it.
                others.UnionWith(links.Manifests.Select(m => m.Digest).Where(d => images.TrueForAll(i => i.Digest != d || NameOf(i) is null)));
            }
        return [.. images.Where(e => !others.Contains(e.Digest))];
    }
}
