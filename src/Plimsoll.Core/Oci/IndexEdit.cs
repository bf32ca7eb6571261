using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Plimsoll.Oci;

/// <summary>Changes the list of an index and leaves everything else in it as it is, members of later specifications included.</summary>
internal static class IndexEdit
{
    private static readonly JsonWriterOptions Form = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The index with an entry at the end and without those that it takes the place of.</summary>
    /// <param name="index">Null: a new one.</param>
    /// <param name="drop">True for entries that go.</param>
    /// <exception cref="ImageException">Malformed.</exception>
    public static byte[] Add(byte[]? index, Descriptor? entry, Func<Descriptor, bool> drop, string where)
    {
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter json = new(bytes, Form))
        {
            json.WriteStartObject();
            if (index is null)
            {
                json.WriteNumber("schemaVersion"u8, 2);
                json.WriteString("mediaType"u8, MediaTypes.OciIndex);
                WriteList(json, null, [], entry, drop);
            }
            else
                Copy(json, index, entry, drop, where);
            json.WriteEndObject();
        }
        return bytes.WrittenSpan.ToArray();
    }

    private static void Copy(Utf8JsonWriter json, byte[] index, Descriptor? entry, Func<Descriptor, bool> drop, string where)
    {
        IReadOnlyList<Descriptor> known = ImageConfigs.Manifests(ImageConfigs.Parse(index, where, ManifestJson.Index), where);
        using JsonDocument document = JsonDocument.Parse(index, new JsonDocumentOptions { MaxDepth = ManifestJson.MaxDepth });
        bool listed = false;
        foreach (JsonProperty member in document.RootElement.EnumerateObject())
            if (member.NameEquals("manifests"u8))
            {
                WriteList(json, member.Value, known, entry, drop);
                listed = true;
            }
            else
            {
                json.WritePropertyName(member.Name);
                Raw(json, member.Value);
            }
        if (!listed)
            WriteList(json, null, [], entry, drop);
    }

    private static void WriteList(Utf8JsonWriter json, JsonElement? list, IReadOnlyList<Descriptor> known, Descriptor? entry, Func<Descriptor, bool> drop)
    {
        json.WriteStartArray("manifests"u8);
        for (int i = 0; i < known.Count; i++)
            if (!drop(known[i]))
                Raw(json, list!.Value[i]);
        if (entry is not null)
            Write(json, entry);
        json.WriteEndArray();
    }

    /// <summary>The very bytes: what stands in a member that nobody reads may be no Unicode text.</summary>
    private static void Raw(Utf8JsonWriter json, JsonElement value) => json.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);

    private static void Write(Utf8JsonWriter json, Descriptor entry)
    {
        json.WriteStartObject();
        json.WriteString("mediaType"u8, entry.MediaType);
        json.WriteString("digest"u8, entry.Digest);
        json.WriteNumber("size"u8, entry.Size);
        if (entry.ArtifactType is not null)
            json.WriteString("artifactType"u8, entry.ArtifactType);
        if (entry.Platform is { } platform)
        {
            json.WriteStartObject("platform"u8);
            if (platform.Architecture is not null)
                json.WriteString("architecture"u8, platform.Architecture);
            if (platform.Os is not null)
                json.WriteString("os"u8, platform.Os);
            if (platform.Variant is not null)
                json.WriteString("variant"u8, platform.Variant);
            json.WriteEndObject();
        }
        if (entry.Annotations is { Count: > 0 } annotations)
        {
            json.WriteStartObject("annotations"u8);
            foreach ((string name, string value) in annotations.OrderBy(a => a.Key, StringComparer.Ordinal))
                json.WriteString(name, value);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }
}
