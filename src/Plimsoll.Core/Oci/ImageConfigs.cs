using System.Text.Json;
using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>Steps that every source of images takes: parse, choose a platform, read the diffIDs.</summary>
internal static class ImageConfigs
{
    /// <exception cref="ImageException">Malformed, with the place in the text; also what <see cref="StrictJson"/> refuses.</exception>
    public static T Parse<T>(ReadOnlySpan<byte> json, string where, ReadJson<T?> read) where T : class
    {
        try
        {
            StrictJson.Check(json, where, typeof(T) == typeof(IReadOnlyList<ArchiveManifest>));
            return ManifestJson.Parse(json, read);
        }
        catch (JsonException e)
        {
            throw new ImageException(ImageError.Malformed,
                $"{where}: no valid JSON of the expected form at line {e.LineNumber + 1}, byte {e.BytePositionInLine}", inner: e);
        }
    }

    /// <summary>The diffIDs of the config, base layer first.</summary>
    public static IReadOnlyList<Digest> DiffIds(ImageConfig config, string where, OciLimits limits)
    {
        IReadOnlyList<string> texts = config.Rootfs?.DiffIds ?? [];
        if (texts.Count > limits.MaxLayers)
            throw new ImageException(ImageError.LimitExceeded, $"{where}: {texts.Count} layers, at most {limits.MaxLayers} (MaxLayers) are read");
        return [.. texts.Select(text => Digest.TryParse(text, out Digest? digest) && digest.Algorithm == "sha256"
            ? digest
            : throw new ImageException(ImageError.Malformed, $"{where}: the config's diffID {Escape.Quote(text)} is no sha256 digest"))];
    }

    /// <summary>
    /// A layer that is listed twice is read once, so both places must state the same diffID: else the second layer of the
    /// config would never be looked at and the image still pass for whole.
    /// </summary>
    public static IReadOnlyList<ImageLayer> CheckRepeated(IReadOnlyList<ImageLayer> layers, string where)
    {
        Dictionary<string, Digest?> stated = [];
        foreach (ImageLayer layer in layers)
            if (!stated.TryAdd(layer.Key, layer.DiffId) && stated[layer.Key] != layer.DiffId)
                throw new ImageException(ImageError.DiffIdMismatch,
                    $"{where}: layer {Escape.Quote(layer.Key)} is listed twice; the config states diffID {stated[layer.Key]} for it and {layer.DiffId}");
        return layers;
    }

    /// <summary>What an index lists.</summary>
    /// <exception cref="ImageException">Malformed: a null stands in the list.</exception>
    public static IReadOnlyList<Descriptor> Manifests(ImageIndex index, string where) => NoNulls(index.Manifests, where, "manifests");

    public static IReadOnlyList<T> NoNulls<T>(IReadOnlyList<T>? list, string where, string name) where T : class =>
        list?.Any(item => item is null) == true ? throw new ImageException(ImageError.Malformed, $"{where}: a null stands among its {name}") : list ?? [];

    /// <summary>The manifest for a platform: the one asked for, else this host's, else the only one.</summary>
    /// <exception cref="ImageException">NoSuchPlatform, with those that there are.</exception>
    public static Descriptor ChoosePlatform(IReadOnlyList<Descriptor> manifests, Platform? wanted, string where)
    {
        // BuildKit lists its attestations beside the images, for a platform called unknown.
        List<Descriptor> images = [.. manifests.Where(m => m.Platform is not { Os: "unknown" } && m.ArtifactType is null)];
        Descriptor? found = images.Find(m => PlatformOf(m)?.Satisfies(wanted ?? Platform.Host) == true)
            ?? (images.Count == 1 && (wanted is null || images[0].Platform is null) ? images[0] : null);
        return found ?? throw new ImageException(ImageError.NoSuchPlatform,
            $"{where}: no image for {wanted ?? Platform.Host}; there are: {string.Join(", ", images.Take(20).Select(m => Escape.Quote(PlatformOf(m)?.ToString())))}",
            "choose one with --platform os/arch[/variant]");
    }

    private static Platform? PlatformOf(Descriptor manifest) =>
        manifest.Platform is { Os: { } os, Architecture: { } architecture } ? new Platform(os, architecture, manifest.Platform.Variant) : null;
}
