using System.Text.Json;
using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>Refuses JSON that describes one image to us and another to Docker and containerd.</summary>
/// <remarks>
/// Go's encoding/json takes a member under any casing of its name, and of several the last one. An index, manifest or config
/// with <c>layers</c> and <c>Layers</c> therefore has one digest and two meanings. Nobody writes such a thing by accident.
/// </remarks>
internal static class StrictJson
{
    private const int MaxDepth = 32;

    /// <summary>Every member that is read here or decides elsewhere which bytes are the image's, or how it runs.</summary>
    private static readonly string[] Members =
    [
        "schemaVersion", "mediaType", "artifactType", "manifests", "config", "layers", "digest", "size", "urls", "data", "platform", "subject",
        "os", "os.version", "architecture", "variant", "rootfs", "type", "diff_ids", "history", "created", "created_by", "empty_layer", "author", "comment",
        "User", "Env", "Entrypoint", "Cmd", "WorkingDir", "Labels", "ExposedPorts", "Volumes", "Healthcheck", "Test", "StopSignal", "OnBuild", "Shell", "ArgsEscaped",
    ];

    private static readonly string[] ArchiveMembers = ["Config", "RepoTags", "Layers", "Parent", "LayerSources"];

    /// <summary>Members whose value is a structure of the same kind, or a list of such; all others are maps or values of no meaning here.</summary>
    private static readonly string[] Structures = ["manifests", "config", "layers", "platform", "subject", "rootfs", "history", "diff_ids", "RepoTags", "Layers", "Healthcheck"];

    /// <exception cref="ImageException">Malformed: a member stands twice, or under another casing, or a list holds null.</exception>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static void Check(ReadOnlySpan<byte> json, string where, bool isArchive)
    {
        Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        if (reader.Read())
            CheckValue(ref reader, where, isArchive ? ArchiveMembers : Members);
    }

    private static void CheckValue(ref Utf8JsonReader reader, string where, string[] members)
    {
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                if (reader.TokenType == JsonTokenType.Null)
                    throw new ImageException(ImageError.Malformed, $"{where}: a list holds null at byte {reader.TokenStartIndex}");
                else
                    CheckValue(ref reader, where, members);
        }
        else if (reader.TokenType == JsonTokenType.StartObject)
            CheckObject(ref reader, where, members);
    }

    private static void CheckObject(ref Utf8JsonReader reader, string where, string[] members)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = NameOf(ref reader, where);
            if (!seen.Add(name))
                throw new ImageException(ImageError.Malformed, $"{where}: the member {Escape.Quote(name)} stands twice in one object");
            // Nearly every name is one of those that are known, as they are written.
            if (!members.Contains(name) && Fold(name) is var folded && Array.Find(members, m => Fold(m) == folded) is { } known)
                throw new ImageException(ImageError.Malformed, $"{where}: the member {Escape.Quote(name)} is {known} to Docker, which reads names in any casing, and nothing here");
            reader.Read();
            if (Structures.Contains(name) && reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                CheckValue(ref reader, where, members);
            else
                reader.Skip();
        }
    }

    private static string NameOf(ref Utf8JsonReader reader, string where)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new ImageException(ImageError.Malformed, $"{where}: the name of a member at byte {reader.TokenStartIndex} is no Unicode text", inner: e);
        }
    }

    /// <summary>As Go folds: ASCII letters, and the two others that fold to one (U+017F to s, U+212A to k).</summary>
    private static string Fold(string name) =>
        string.Create(name.Length, name, (folded, text) =>
        {
            for (int i = 0; i < text.Length; i++)
                folded[i] = text[i] switch { '\u017f' => 's', '\u212a' => 'k', var c => char.IsAsciiLetterUpper(c) ? (char)(c | 0x20) : c };
        });
}
