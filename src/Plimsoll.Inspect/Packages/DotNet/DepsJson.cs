using System.Text;
using System.Text.Json;

namespace Plimsoll.Inspect.Packages.DotNet;

/// <summary>The NuGet packages that a <c>deps.json</c> lists among the libraries of a .NET program.</summary>
/// <remarks>
/// Libraries of type <c>package</c> count, and the shared framework that a self-contained program carries (type <c>runtimepack</c>, which is the
/// package of that name). Those of type <c>project</c> and <c>reference</c> are the maker's own. Source: dotnet/sdk, documentation/specs/runtime-configuration-file.md.
/// </remarks>
static class DepsJson
{
    public const string Corrupt = "package-list-corrupt";
    private const string RuntimePackPrefix = "runtimepack.";

    /// <param name="what">For messages: which deps.json this is.</param>
    public static IReadOnlyList<Package> Read(ReadOnlyMemory<byte> json, string what, GapList gaps)
    {
        // Keyed so that one package named twice, in other letters, is one.
        SortedDictionary<string, Package> packages = new(StringComparer.OrdinalIgnoreCase);
        try
        {
            if (json.Span.StartsWith("\ufeff"u8))
                json = json[3..];
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("libraries", out JsonElement libraries))
                return [];
            foreach (JsonProperty library in libraries.EnumerateObject())
            {
                string? type = library.Value.TryGetProperty("type", out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
                string key = library.Name;
                if (type == "runtimepack" && key.StartsWith(RuntimePackPrefix, StringComparison.Ordinal))
                    key = key[RuntimePackPrefix.Length..];
                else if (!string.Equals(type, "package", StringComparison.OrdinalIgnoreCase))
                    continue;
                int slash = key.IndexOf('/', StringComparison.Ordinal);
                if (slash < 0 || Fields.Word(Encoding.UTF8.GetBytes(key[..slash])) is not { } name || Fields.Word(Encoding.UTF8.GetBytes(key[(slash + 1)..])) is not { } version)
                {
                    gaps.Add(Corrupt, $"{what}: a library has no usable name and version: {Texts.Escape.Quote(library.Name)}");
                    continue;
                }
                if (packages.Count == Fields.MaxPackages)
                {
                    gaps.Add("too-many-packages", $"{what}: more than {Fields.MaxPackages} libraries; the rest was not read");
                    break;
                }
                packages.TryAdd(key, new Package { Type = "nuget", Name = name, Version = version, SourceName = name, SourceVersion = version, Evidence = PackageEvidence.Program });
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            gaps.Add(Corrupt, $"{what} is no JSON of the known form: {e.Message}");
        }
        return [.. packages.Values];
    }
}
