using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Plimsoll.Oci;

/// <summary>A content address: algorithm and hash, written <c>sha256:9f86d0…</c>.</summary>
/// <remarks>Source: OCI image specification 1.1, descriptor.md, "Digests". Only sha256, sha384 and sha512 are known.</remarks>
public sealed record Digest
{
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    private Digest(string algorithm, string hex) => (Algorithm, Hex) = (algorithm, hex);

    /// <summary><c>sha256</c>, <c>sha384</c> or <c>sha512</c>.</summary>
    public string Algorithm { get; }

    /// <summary>The hash in lower-case hex: 64, 96 or 128 characters.</summary>
    public string Hex { get; }

    /// <summary>Reads a digest as the OCI image specification writes it.</summary>
    /// <returns>False for an unknown algorithm, a wrong length, or a capital letter in the hex part.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out Digest? digest)
    {
        digest = null;
        int colon = text?.IndexOf(':', StringComparison.Ordinal) ?? -1;
        if (text is null || colon < 0)
            return false;
        string algorithm = text[..colon], hex = text[(colon + 1)..];
        int length = algorithm switch { "sha256" => 64, "sha384" => 96, "sha512" => 128, _ => -1 };
        if (hex.Length != length || hex.AsSpan().ContainsAnyExcept(HexDigits))
            return false;
        digest = new Digest(algorithm, hex);
        return true;
    }

    /// <exception cref="FormatException">The text is no digest (see <see cref="TryParse"/>).</exception>
    public static Digest Parse(string text) => TryParse(text, out Digest? digest)
        ? digest
        : throw new FormatException($"not a digest: {Texts.Escape.Quote(text)}; wanted sha256:<64 lower-case hex digits>");

    /// <summary>The SHA-256 digest whose 32 hash bytes are given.</summary>
    public static Digest FromSha256(ReadOnlySpan<byte> hash) => hash.Length == SHA256.HashSizeInBytes
        ? new Digest("sha256", Convert.ToHexStringLower(hash))
        : throw new ArgumentException("a SHA-256 hash has 32 bytes", nameof(hash));

    /// <summary>The SHA-384 digest whose 48 hash bytes are given.</summary>
    public static Digest FromSha384(ReadOnlySpan<byte> hash) => hash.Length == SHA384.HashSizeInBytes
        ? new Digest("sha384", Convert.ToHexStringLower(hash))
        : throw new ArgumentException("a SHA-384 hash has 48 bytes", nameof(hash));

    /// <summary>The SHA-256 digest of these bytes.</summary>
    public static Digest Of(ReadOnlySpan<byte> data)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(data, hash);
        return FromSha256(hash);
    }

    /// <summary>A short form for people: the first 12 hex digits.</summary>
    public string Short => Hex[..12];

    public override string ToString() => $"{Algorithm}:{Hex}";
}
