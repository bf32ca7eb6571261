using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>Refuses an archive whose manifest.json and index.json describe different images.</summary>
/// <remarks>
/// docker save writes both since version 25. Docker's own stores load one of them, containerd's the other: an archive in which
/// they differ would be another image to each.
/// </remarks>
internal static class OneMeaning
{
    /// <summary>Images of one archive that are compared; docker save of a whole host has some hundreds.</summary>
    private const int MaxImages = 10_000;

    /// <param name="store">The archive's content; stays open.</param>
    /// <param name="image">As manifest.json describes it.</param>
    /// <exception cref="ImageException">Ambiguous: index.json gives another config; or what is wrong with index.json.</exception>
    public static void Check(ContentStore store, Image image, Platform? platform, OciLimits limits, TimeProvider time)
    {
        ImageIndex index = ImageConfigs.Parse(store.ReadJson("index.json", null, -1, limits, image.Verification), $"{store.Path}: index.json", ManifestJson.Index);
        IReadOnlyList<Descriptor> all = ImageConfigs.Manifests(index, $"{store.Path}: index.json");
        if (all.Count > MaxImages)
            throw new ImageException(ImageError.LimitExceeded, $"{store.Path}: index.json lists {all.Count} images, at most {MaxImages} are compared with manifest.json");
        HashSet<string> names = [.. image.Tags.Select(FullName)];
        List<Descriptor> named = [.. all.Where(m => m.Annotations?.GetValueOrDefault("io.containerd.image.name") is { } name && names.Contains(FullName(name)))];
        // Under its name the index must mean the same image; without a name, the image must at least be one of those listed.
        List<Digest> others = [.. (named.Count > 0 ? named : all).Select(ConfigOf).OfType<Digest>().Distinct()];
        if (named.Count > 0 ? others.TrueForAll(o => o == image.ConfigDigest) : others.Count == 0 || others.Contains(image.ConfigDigest!))
            return;
        throw new ImageException(ImageError.Ambiguous,
            $"{Escape.Quote(store.Path)} describes two images: manifest.json has config {image.ConfigDigest}, index.json {string.Join(", ", others.Take(5))}",
            $"say docker-archive:{store.Path} or oci-archive:{store.Path}");

        // Null where the index has nothing for this platform, or the choice depends on who chooses.
        Digest? ConfigOf(Descriptor descriptor)
        {
            try
            {
                using LayoutImage layout = new(new Borrowed(store, time), descriptor.Digest, platform, image.Verification, limits) { Name = image.Name };
                return layout.ConfigDigest;
            }
            catch (ImageException e) when (e.Error is ImageError.Ambiguous or ImageError.NotFound or ImageError.NoSuchPlatform)
            {
                return null;
            }
        }
    }

    /// <summary>As Docker completes a name: <c>docker.io/library/alpine:3</c>.</summary>
    private static string FullName(string name)
    {
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        bool host = slash > 0 && (name.AsSpan(0, slash).ContainsAny(".:") || name.AsSpan(0, slash) is "localhost");
        string full = host ? name : slash > 0 ? $"docker.io/{name}" : $"docker.io/library/{name}";
        return full.IndexOf(':', full.LastIndexOf('/')) < 0 ? $"{full}:latest" : full;
    }

    /// <summary>A store that stays open when an image on it is disposed.</summary>
    private sealed class Borrowed(ContentStore store, TimeProvider time) : ContentStore(store.Path, time)
    {
        public override ContentFile? Find(string name) => store.Find(name);
    }
}
