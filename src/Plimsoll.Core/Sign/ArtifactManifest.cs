using System.Runtime.InteropServices;
using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Sign;

/// <param name="Digest">Of the blob.</param>
/// <param name="Size">Bytes of the blob, 0 and up.</param>
/// <param name="Json">The descriptor as it stands.</param>
internal sealed record ArtifactLayer(string MediaType, Digest Digest, long Size, IReadOnlyDictionary<string, string> Annotations, ReadOnlyMemory<byte> Json);

/// <summary>A manifest that is about another: what it carries, and what it is about.</summary>
/// <remarks>Source: OCI image specification 1.1, manifest.md, "Guidelines for Artifact Usage".</remarks>
internal sealed record ArtifactManifest
{
    private const int MaxDepth = 16, MaxCharacters = 1024, MaxAnnotations = 64;

    /// <summary>Digest of what it refers to; null where it does not say.</summary>
    public Digest? Subject { get; init; }

    /// <summary>The first of them, in its order.</summary>
    public IReadOnlyList<ArtifactLayer> Layers { get; init; } = [];

    /// <summary>How many more there are.</summary>
    public int LayersBeyond { get; init; }

    /// <summary>Its own annotations as they stand; empty where there are none.</summary>
    public ReadOnlyMemory<byte> Annotations { get; init; }

    /// <summary>An index has no layers of its own.</summary>
    public bool IsIndex { get; init; }

    /// <param name="maxLayers">How many layers are looked at.</param>
    /// <param name="name">What it is called in errors.</param>
    /// <exception cref="FormatException">It is none.</exception>
    public static ArtifactManifest Parse(ReadOnlyMemory<byte> json, int maxLayers, string name)
    {
        try
        {
            // What is one thing here and another to clients that read names in any casing.
            StrictJson.Check(json.Span, name, isArchive: false);
        }
        catch (Exception e) when (e is ImageException or JsonException)
        {
            throw new FormatException(Escape.ForTerminal(e.Message), e);
        }
        return ForeignJson.Read(json, OciLimits.Default.MaxJsonBytes, MaxDepth, name, root => Read(root, maxLayers));
    }

    private static ArtifactManifest Read(JsonElement root, int maxLayers)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new ForeignJsonException("the manifest is no object");
        JsonElement? layers = ForeignJson.Find(root, "layers");
        if (layers is { ValueKind: not JsonValueKind.Array })
            throw new ForeignJsonException("layers is no list");
        Digest? subject = null;
        if (ForeignJson.Find(root, "subject") is { } about)
        {
            string text = ForeignJson.Text(ForeignJson.Get(about, "digest", "the subject"), "the subject's digest", MaxCharacters);
            if (!Digest.TryParse(text, out subject))
                throw new ForeignJsonException($"the subject's digest is {Escape.Quote(text)}");
        }
        return new ArtifactManifest
        {
            Subject = subject,
            Layers = layers is { } list ? LayersOf(list, maxLayers) : [],
            LayersBeyond = layers is { } all ? Math.Max(0, all.GetArrayLength() - maxLayers) : 0,
            Annotations = ForeignJson.Find(root, "annotations") is { } annotations ? JsonMarshal.GetRawUtf8Value(annotations).ToArray() : default,
            IsIndex = ForeignJson.Find(root, "manifests") is not null,
        };
    }

    private static List<ArtifactLayer> LayersOf(JsonElement list, int most)
    {
        List<ArtifactLayer> layers = [];
        foreach (JsonElement layer in list.EnumerateArray())
        {
            if (layers.Count == most)
                break;
            layers.Add(LayerOf(layer));
        }
        return layers;
    }

    private static ArtifactLayer LayerOf(JsonElement layer)
    {
        if (layer.ValueKind != JsonValueKind.Object)
            throw new ForeignJsonException("a layer is no object");
        string text = ForeignJson.Text(ForeignJson.Get(layer, "digest", "a layer"), "a layer's digest", MaxCharacters);
        if (!Digest.TryParse(text, out Digest? digest))
            throw new ForeignJsonException($"a layer's digest is {Escape.Quote(text)}");
        if (!ForeignJson.Get(layer, "size", "a layer").TryGetInt64(out long size) || size < 0)
            throw new ForeignJsonException($"the size of {digest} is no number from 0");
        Dictionary<string, string> annotations = new(StringComparer.Ordinal);
        if (ForeignJson.Find(layer, "annotations") is { } found)
        {
            if (found.ValueKind != JsonValueKind.Object || found.GetPropertyCount() > MaxAnnotations)
                throw new ForeignJsonException($"the annotations of {digest} are no object of at most {MaxAnnotations} members");
            foreach (JsonProperty annotation in found.EnumerateObject())
                annotations.Add(annotation.Name, annotation.Value.ValueKind == JsonValueKind.String ? annotation.Value.GetString()! : throw new ForeignJsonException($"an annotation of {digest} is no text"));
        }
        return new ArtifactLayer(ForeignJson.Find(layer, "mediaType") is { } type ? ForeignJson.Text(type, "a media type", MaxCharacters) : "",
            digest, size, annotations, JsonMarshal.GetRawUtf8Value(layer).ToArray());
    }
}
