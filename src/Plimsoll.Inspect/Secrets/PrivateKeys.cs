using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Secrets;

/// <summary>Private keys as text and as bytes, those protected by a passphrase told apart.</summary>
/// <remarks>
/// A heading alone is no key: what stands below it must decode to one. Sources: RFC 7468 (PEM), RFC 1421 (Proc-Type), OpenSSH's PROTOCOL.key, RFC 9580
/// (OpenPGP), PuTTY's documentation, appendix C. Text inside JSON, YAML or source, with <c>\n</c> for line ends, is read as well.
/// </remarks>
internal static class PrivateKeys
{
    public const string Plain = "private-key", Encrypted = "private-key-encrypted", Host = "ssh-host-key";

    private static readonly SearchValues<char> LabelChars = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -");

    private const int MaxLabelBytes = 64, MaxBodyBytes = 64 << 10, MinKeyBytes = 32;

    /// <param name="at">Of the keyword: <c>private key</c>, <c>putty-user-key-file-</c>, <c>openvpn static key</c> or base64 of <c>-----BEGIN</c>.</param>
    public static SecretMatch? At(ReadOnlySpan<byte> text, int at, FileClass of)
    {
        _ = of;
        ReadOnlySpan<byte> here = text[at..];
        if (here.StartsWith("PuTTY-User-Key-File-"u8))
            return Putty(text, at);
        if (here.StartsWith("LS0tLS1CRUdJTi"u8))
            return InBase64(text, at);
        return Pem(text, at);
    }

    private static SecretMatch? Pem(ReadOnlySpan<byte> text, int at)
    {
        int from = Math.Max(0, at - MaxLabelBytes);
        int begin = text[from..at].LastIndexOf("-----BEGIN "u8);
        if (begin < 0)
            return null;
        begin += from;
        ReadOnlySpan<byte> rest = text[(begin + 11)..Math.Min(text.Length, begin + 11 + MaxBodyBytes)];
        int labelEnd = rest[..Math.Min(rest.Length, MaxLabelBytes)].IndexOf("-----"u8);
        if (labelEnd <= 0 || labelEnd + 11 + begin < at)
            return null;
        string label = Encoding.Latin1.GetString(rest[..labelEnd]);
        if (label.AsSpan().ContainsAnyExcept(LabelChars))
            return null;
        ReadOnlySpan<byte> body = rest[(labelEnd + 5)..];
        int end = body.IndexOf("-----END"u8);
        // A key whose end is missing was cut off, and its beginning holds what matters.
        ReadOnlySpan<byte> inside = end < 0 ? body[..Math.Min(body.Length, 8192)] : body[..end];
        bool procType = inside.IndexOf("Proc-Type: 4,ENCRYPTED"u8) >= 0;
        if (label.StartsWith("OpenVPN Static key", StringComparison.OrdinalIgnoreCase))
            return IsHex(inside) ? Found(text, begin, body.Length, end, false, label, null) : null;
        byte[] decoded = Decode(procType ? BehindHeaders(inside) : inside, end < 0);
        bool encrypted;
        string? cipher = null;
        if (label == "OPENSSH PRIVATE KEY")
        {
            if (!TryOpenSsh(decoded, out cipher))
                return null;
            encrypted = cipher != "none";
        }
        else if (label == "PGP PRIVATE KEY BLOCK")
        {
            if (!TryPgp(decoded, out encrypted))
                return null;
        }
        else if (procType)
        {
            int info = inside.IndexOf("DEK-Info: "u8);
            int comma = info < 0 ? -1 : inside[info..].IndexOf((byte)',');
            cipher = comma is > 10 and < 40 ? Encoding.Latin1.GetString(inside[(info + 10)..(info + comma)]) : null;
            encrypted = true;
            if (decoded.Length < MinKeyBytes)
                return null;
        }
        else
        {
            encrypted = label.Contains("ENCRYPTED", StringComparison.Ordinal);
            if (!IsDer(decoded, cutShort: end < 0))
                return null;
        }
        return Found(text, begin, body.Length, end, encrypted, label, cipher);
    }

    /// <summary>What stands behind the blank line that ends RFC 1421's headers.</summary>
    private static ReadOnlySpan<byte> BehindHeaders(ReadOnlySpan<byte> inside)
    {
        foreach (string blank in (ReadOnlySpan<string>)["\n\n", "\r\n\r\n", "\\n\\n"])
            if (inside.IndexOf(Encoding.ASCII.GetBytes(blank)) is >= 0 and int at)
                return inside[(at + blank.Length)..];
        return inside;
    }

    private static SecretMatch Found(ReadOnlySpan<byte> text, int begin, int bodyLength, int end, bool encrypted, string label, string? cipher)
    {
        int length = end < 0 ? Math.Min(bodyLength, 256) : text[begin..].IndexOf("-----END"u8);
        List<KeyValuePair<string, string>> details = [new("form", label)];
        if (cipher is not null)
            details.Add(new("cipher", cipher));
        return new SecretMatch(encrypted ? Encrypted : Plain, encrypted ? Severity.Low : Severity.High, begin, Math.Max(1, length), details)
        {
            Shown = $"-----BEGIN {label}-----",
            Rank = 3,
        };
    }

    /// <summary>The base64 of a PEM body: line ends in any writing, headers, quotation marks and the marks that join texts in source are passed over.</summary>
    private static byte[] Decode(ReadOnlySpan<byte> body, bool cutShort)
    {
        byte[] kept = ArrayPool<byte>.Shared.Rent(body.Length + 4);
        try
        {
            int length = 0;
            for (int i = 0; i < body.Length; i++)
            {
                byte b = body[i];
                if (b == (byte)'\\')
                {
                    // \n, \r and \\n of texts within texts.
                    while (i + 1 < body.Length && body[i + 1] == (byte)'\\')
                        i++;
                    if (i + 1 < body.Length && body[i + 1] is (byte)'n' or (byte)'r' or (byte)'\n' or (byte)'\r')
                        i++;
                    continue;
                }
                if (b == (byte)'+' && i > 0 && body[i - 1] is (byte)' ' or (byte)'"' or (byte)'\'' or (byte)'\n')
                {
                    if (i + 1 < body.Length && body[i + 1] is (byte)' ' or (byte)'\n' or (byte)'\r')
                        continue;
                }
                if (b is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or (byte)'"' or (byte)'\'' or (byte)',' or (byte)'`' or (byte)'|')
                    continue;
                if (b == (byte)':' && length > 0)
                {
                    // A header: what was taken of its line goes, and so does the rest of the line.
                    int back = i;
                    while (back > 0 && body[back - 1] != (byte)'\n' && i - back < 80)
                    {
                        back--;
                        if (IsBase64(body[back]) && length > 0)
                            length--;
                    }
                    int lineEnd = body[i..].IndexOf((byte)'\n');
                    if (lineEnd < 0)
                        break;
                    i += lineEnd;
                    continue;
                }
                if (b == (byte)'=')
                {
                    // The padding ends the data; behind it stands OpenPGP's checksum.
                    break;
                }
                if (!IsBase64(b))
                    return cutShort ? Whole(kept, length) : [];
                kept[length++] = b;
            }
            return Whole(kept, length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(kept, clearArray: true);
        }
    }

    private static byte[] Whole(byte[] base64, int length)
    {
        if (length % 4 == 1)
            length--;
        int padded = length;
        while (padded % 4 != 0 && padded < base64.Length)
            base64[padded++] = (byte)'=';
        byte[] bytes = new byte[padded / 4 * 3];
        return System.Buffers.Text.Base64.DecodeFromUtf8(base64.AsSpan(0, padded), bytes, out _, out int written) == OperationStatus.Done ? bytes[..written] : [];
    }

    private static bool IsBase64(byte b) => char.IsAsciiLetterOrDigit((char)b) || b is (byte)'+' or (byte)'/';

    private static bool IsHex(ReadOnlySpan<byte> body)
    {
        int digits = 0;
        foreach (byte b in body)
            digits += char.IsAsciiHexDigit((char)b) ? 1 : 0;
        return digits is >= 400 and <= 600;
    }

    /// <summary>A sequence that is about as long as it says, and not a line of zeros.</summary>
    private static bool IsDer(ReadOnlySpan<byte> bytes, bool cutShort)
    {
        if (bytes.Length < MinKeyBytes || bytes[0] != 0x30)
            return false;
        int header = 2;
        long stated = bytes[1];
        if (stated == 0x81)
            (stated, header) = (bytes[2], 3);
        else if (stated == 0x82)
            (stated, header) = (BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]), 4);
        else if (stated > 0x82)
            return false;
        return cutShort ? stated + header >= bytes.Length && bytes.Length >= 200 : stated + header <= bytes.Length && stated + header + 3 >= bytes.Length;
    }

    private static bool TryOpenSsh(ReadOnlySpan<byte> bytes, out string cipher)
    {
        cipher = "none";
        if (!bytes.StartsWith("openssh-key-v1\0"u8) || bytes.Length < 60)
            return false;
        uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes[15..]);
        if (length is 0 or > 40)
            return false;
        cipher = Encoding.Latin1.GetString(bytes.Slice(19, (int)length));
        return true;
    }

    /// <summary>The first packet: a secret key, of version 4 or later, whose octet behind the public part says whether it is protected.</summary>
    private static bool TryPgp(ReadOnlySpan<byte> bytes, out bool encrypted)
    {
        encrypted = true;
        if (bytes.Length < 60 || (bytes[0] & 0x80) == 0)
            return false;
        bool isNew = (bytes[0] & 0x40) != 0;
        int tag = isNew ? bytes[0] & 0x3F : (bytes[0] >> 2) & 0x0F;
        if (tag is not (5 or 7))
            return false;
        int header = isNew ? (bytes[1] < 192 ? 2 : bytes[1] == 255 ? 6 : 3) : (bytes[0] & 3) switch { 0 => 2, 1 => 3, 2 => 5, _ => 1 };
        int at = header;
        if (bytes.Length <= at + 6 || bytes[at] != 4)
            return true;
        int algorithm = bytes[at + 5];
        at += 6;
        if (algorithm is 18 or 19 or 22)
        {
            at += 1 + bytes[at];
            if (!SkipNumbers(bytes, ref at, 1))
                return true;
            if (algorithm == 18)
                at += at < bytes.Length ? 1 + bytes[at] : 0;
        }
        else if (!SkipNumbers(bytes, ref at, algorithm switch { 1 or 2 or 3 => 2, 16 => 3, 17 => 4, _ => 0 }))
            return true;
        encrypted = at >= bytes.Length || bytes[at] != 0;
        return true;
    }

    private static bool SkipNumbers(ReadOnlySpan<byte> bytes, ref int at, int count)
    {
        for (; count > 0; count--)
        {
            if (at + 2 > bytes.Length)
                return false;
            at += 2 + (BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]) + 7) / 8;
        }
        return at < bytes.Length;
    }

    private static SecretMatch? Putty(ReadOnlySpan<byte> text, int at)
    {
        ReadOnlySpan<byte> file = text[at..Math.Min(text.Length, at + MaxBodyBytes)];
        int encryption = file.IndexOf("Encryption: "u8), lines = file.IndexOf("Private-Lines: "u8);
        if (encryption < 0 || lines < encryption)
            return null;
        ReadOnlySpan<byte> cipher = file[(encryption + 12)..];
        cipher = cipher[..Math.Max(0, cipher[..Math.Min(cipher.Length, 40)].IndexOfAny((byte)'\r', (byte)'\n'))];
        bool encrypted = !cipher.SequenceEqual("none"u8);
        return new SecretMatch(encrypted ? Encrypted : Plain, encrypted ? Severity.Low : Severity.High, at, file.Length, [new("form", "PuTTY"), new("cipher", Encoding.Latin1.GetString(cipher))])
        {
            Shown = Encoding.Latin1.GetString(file[..Math.Min(21, file.Length)]),
            Rank = 3,
        };
    }

    /// <summary>A key in PEM that was encoded once more, as in Kubernetes' secrets and client configurations.</summary>
    private static SecretMatch? InBase64(ReadOnlySpan<byte> text, int at)
    {
        int length = 0;
        ReadOnlySpan<byte> rest = text[at..Math.Min(text.Length, at + MaxBodyBytes)];
        while (length < rest.Length && IsBase64(rest[length]))
            length++;
        byte[] copy = new byte[length + 4];
        rest[..length].CopyTo(copy);
        byte[] pem = Whole(copy, length);
        int keyword = pem.AsSpan().IndexOf("PRIVATE KEY"u8);
        if (keyword < 0 || Pem(pem, keyword) is not { } inner)
            return null;
        return inner with { Start = at, Length = length };
    }

    /// <summary>A private key in DER, by its first bytes: PKCS #8, PKCS #1 or SEC 1.</summary>
    public static bool IsDerStart(ReadOnlySpan<byte> start)
    {
        if (start.Length < 32 || start[0] != 0x30)
            return false;
        ReadOnlySpan<byte> inner = start[1] switch { < 0x80 => start[2..], 0x81 => start[3..], 0x82 => start[4..], _ => default };
        if (inner.StartsWith((ReadOnlySpan<byte>)[0x02, 0x01, 0x00, 0x30]))
            return inner[5] == 0x06;
        return inner.StartsWith((ReadOnlySpan<byte>)[0x02, 0x01, 0x00, 0x02, 0x82]) || inner.StartsWith((ReadOnlySpan<byte>)[0x02, 0x01, 0x00, 0x02, 0x81]) || inner.StartsWith((ReadOnlySpan<byte>)[0x02, 0x01, 0x01, 0x04]);
    }
}
