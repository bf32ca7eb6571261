using System.Security.Cryptography;

namespace Plimsoll.Keys;

/// <summary>A class, as lists of value tuples are compiled at each start.</summary>
internal sealed record PemBlock(string Label, byte[] Der);

/// <summary>The blocks of a PEM file. Source: RFC 7468.</summary>
internal static class PemBlocks
{
    /// <summary>Blocks of one file: <see cref="KeyFile.MaxKeys"/> and what may stand beside them.</summary>
    private const int MaxBlocks = 2 * KeyFile.MaxKeys;

    /// <summary>Label and bytes of each block, in the file's order; text around them is passed over.</summary>
    /// <exception cref="KeyException">Too long, no block at all, too many, or one in the encrypted form of old OpenSSL.</exception>
    public static List<PemBlock> Of(string pem, string name)
    {
        ArgumentNullException.ThrowIfNull(pem);
        if (pem.Length > PublicKey.MaxPemBytes)
            throw new KeyException($"{name} has more than {PublicKey.MaxPemBytes} characters (MaxPemBytes); it is no key");
        // Its key derivation is one round of MD5; the headers also make it no PEM by RFC 7468.
        if (pem.Contains("\nProc-Type:", StringComparison.Ordinal))
            throw new KeyException($"{name} is encrypted as OpenSSL did before PKCS#8, which is not used here", "rewrite it: openssl pkcs8 -topk8 -in OLD.pem -out NEW.pem");
        if (AsWritten(pem) is { } one)
            return [one];
        List<PemBlock> blocks = [];
        ReadOnlySpan<char> rest = pem;
        while (PemEncoding.TryFind(rest, out PemFields fields))
        {
            byte[] der = new byte[fields.DecodedDataLength];
            if (blocks.Count == MaxBlocks || !Convert.TryFromBase64Chars(rest[fields.Base64Data], der, out int written))
                throw new KeyException($"{name} holds more than {MaxBlocks} blocks");
            blocks.Add(new PemBlock(rest[fields.Label].ToString(), der[..written]));
            rest = rest[fields.Location.End..];
        }
        return blocks.Count > 0 ? blocks : throw new KeyException($"{name} is no PEM file");
    }

    /// <summary>One block and nothing else, as every writer makes it. PemEncoding's search is compiled at each start; all but this form is left to it.</summary>
    private static PemBlock? AsWritten(string pem)
    {
        const string begin = "-----BEGIN ", dashes = "-----\n";
        int labelEnd = pem.IndexOf(dashes, StringComparison.Ordinal);
        if (!pem.StartsWith(begin, StringComparison.Ordinal) || labelEnd < begin.Length)
            return null;
        string label = pem[begin.Length..labelEnd], end = $"\n-----END {label}{dashes}";
        int start = labelEnd + dashes.Length;
        if (pem.Length < start + end.Length || !pem.EndsWith(end, StringComparison.Ordinal))
            return null;
        ReadOnlySpan<char> content = pem.AsSpan(start, pem.Length - start - end.Length);
        byte[] der = new byte[content.Length];
        return label.AsSpan().ContainsAnyExceptInRange(' ', 'Z') || label.Contains('-', StringComparison.Ordinal) || !Convert.TryFromBase64Chars(content, der, out int written)
            ? null : new PemBlock(label, der[..written]);
    }
}
