using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Programs;

namespace Plimsoll.Inspect.Packages.Rust;

/// <summary>The crates that <c>cargo auditable</c> wrote into a program: zlib-compressed JSON in the section <c>.dep-v0</c>.</summary>
/// <remarks>
/// Crates of kind <c>build</c> ran while the program was made and are marked so. Source: rust-secure-code/cargo-auditable, PARSING.md and
/// cargo-auditable.schema.json.
/// </remarks>
public sealed class RustAuditAnalyser : ProgramAnalyser
{
    private const string Corrupt = "program-metadata-corrupt";

    /// <summary>8 MiB of JSON, the limit that the format's own reader has.</summary>
    private const int MaxJsonBytes = 8 << 20;

    public override string Id => "rust-audit";

    public override int Version => 1;

    public override FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (ProgramFile.Read(content.Span)?.Section(".dep-v0") is not { } section)
            return null;
        GapList gaps = new(path);
        List<Package> packages = [];
        if (Inflate(section.Of(content), out string? fault) is { } json)
            try
            {
                Read(json, packages, gaps);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                fault = $"the list of crates is no JSON of the known form: {e.Message}";
            }
        if (fault is not null)
            gaps.Add(Corrupt, fault);
        return new FileFacts { Path = path, Analyser = Id, Packages = packages, Gaps = gaps.ToList(), Checksums = packages.Count == 0 ? [] : FileChecksums.Of(path, content) };
    }

    private static byte[]? Inflate(ReadOnlyMemory<byte> section, out string? fault)
    {
        byte[] json = new byte[Math.Min(MaxJsonBytes, Math.Max(4096, section.Length * 8L))];
        int filled = 0;
        fault = null;
        try
        {
            using PinnedStream packed = new(section);
            using ZLibStream inflater = new(packed, CompressionMode.Decompress);
            while (true)
            {
                int got = inflater.Read(json.AsSpan(filled));
                filled += got;
                if (got == 0 && filled < json.Length)
                    return json[..filled];
                if (filled < json.Length)
                    continue;
                if (json.Length == MaxJsonBytes)
                    break;
                Array.Resize(ref json, (int)Math.Min(MaxJsonBytes, json.Length * 4L));
            }
            fault = $"the list of crates inflates to more than {MaxJsonBytes} bytes";
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            fault = $"the list of crates is no zlib data: {e.Message}";
        }
        return null;
    }

    private static void Read(byte[] json, List<Package> packages, GapList gaps)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        if (!document.RootElement.TryGetProperty("packages", out JsonElement list))
            throw new JsonException("it has no packages");
        foreach (JsonElement crate in list.EnumerateArray())
        {
            if (packages.Count == Fields.MaxPackages)
            {
                gaps.Add("too-many-packages", $"more than {Fields.MaxPackages} crates; the rest was not read");
                return;
            }
            if (Word(crate, "name") is not { } name || Word(crate, "version") is not { } version)
            {
                gaps.Add(Corrupt, "a crate has no usable name or version");
                continue;
            }
            packages.Add(new Package
            {
                Type = "cargo",
                Name = name,
                Version = version,
                SourceName = name,
                SourceVersion = version,
                Evidence = PackageEvidence.Program,
                Development = crate.TryGetProperty("kind", out JsonElement kind) && kind.ValueKind == JsonValueKind.String && kind.ValueEquals("build"u8),
            });
        }
    }

    private static string? Word(JsonElement crate, string key) =>
        crate.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String ? Fields.Word(Encoding.UTF8.GetBytes(value.GetString()!)) : null;
}
