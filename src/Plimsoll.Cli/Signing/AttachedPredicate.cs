using System.Text.Json;
using Plimsoll.Posix;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>A predicate that a user attaches with <c>--attest FILE --type TYPE</c>.</summary>
/// <param name="Type">A URI.</param>
/// <param name="Json">As it stands in the file.</param>
internal sealed record AttachedPredicate(string Type, ReadOnlyMemory<byte> Json)
{
    /// <summary>Bytes of a predicate; a statement holds it.</summary>
    public const int MaxBytes = Statement.MaxBytes - 64 * 1024;
    private const int MaxTypeCharacters = 1024;

    /// <summary>cosign's words for types, and the types.</summary>
    /// <remarks>Source: sigstore/cosign, cmd/cosign/cli/options/predicate.go.</remarks>
    private static readonly (string Word, string Type)[] Known =
    [
        ("slsaprovenance", "https://slsa.dev/provenance/v0.2"), ("slsaprovenance02", "https://slsa.dev/provenance/v0.2"), ("slsaprovenance1", "https://slsa.dev/provenance/v1"),
        ("cyclonedx", "https://cyclonedx.org/bom"), ("spdxjson", "https://spdx.dev/Document"), ("openvex", "https://openvex.dev/ns"), ("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"),
    ];

    public static IReadOnlyList<string> Words { get; } = [.. Known.Select(k => k.Word)];

    /// <exception cref="CommandException">The type is not known, or the file is no predicate.</exception>
    public static AttachedPredicate Read(string file, string type)
    {
        string uri = Array.Find(Known, k => k.Word == type).Type
            ?? (type.Length <= MaxTypeCharacters && Uri.TryCreate(type, UriKind.Absolute, out _) && type.Contains(':', StringComparison.Ordinal) && !type.StartsWith('/') ? type
                : throw CommandException.Usage($"--type: {Escape.Quote(type)} is not understood; wanted {string.Join(", ", Words)}, or a URI"));
        if (uri.StartsWith("urn:plimsoll:", StringComparison.Ordinal) || uri == ImageSigner.SignedPredicate)
            throw CommandException.Usage($"--type: {uri} is what plimsoll sign says itself");
        byte[] json;
        try
        {
            json = SmallFile.Read(file, MaxBytes) ?? throw CommandException.Usage($"--attest: {Escape.Quote(file)} has more than {MaxBytes} bytes (MaxBytes)");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"--attest: cannot read {Escape.Quote(file)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}");
        }
        if (json.AsSpan().StartsWith("\uFEFF"u8))
            json = json[3..];
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = Statement.MaxForeignDepth - 2, AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw CommandException.Usage($"--attest: {Escape.Quote(file)} is no JSON object");
            if (document.RootElement.TryGetProperty("_type", out _) && document.RootElement.TryGetProperty("predicateType", out _))
                throw CommandException.Usage($"--attest: {Escape.Quote(file)} is a whole statement; the predicate alone is wanted", "its subjects are made from the image: jq .predicate FILE > predicate.json");
            // As it stands, but for the white space around it.
            return new AttachedPredicate(uri, json.AsMemory().Trim(" \t\r\n"u8));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw CommandException.Usage($"--attest: {Escape.Quote(file)} is no JSON that can be signed: {Escape.ForTerminal(e.Message)}");
        }
    }
}
