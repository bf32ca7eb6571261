using System.Buffers.Binary;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Secrets;

/// <summary>Binary files that hold private keys: PKCS #12, Java key stores, KeePass, Kerberos key tables, bare DER.</summary>
/// <remarks>
/// A store of certificates alone is no secret: entries are looked at as far as they stand outside what is encrypted. Sources: RFC 7292;
/// sun.security.provider.JavaKeyStore; MIT Kerberos, "Keytab file format"; KeePass 2 file format.
/// </remarks>
internal static class KeyStores
{
    private const int MaxEntries = 10_000;

    /// <summary>OID 1.2.840.113549.1.12.10.1 as DER has it; the next byte is 1 for a bare key, 2 for one under a password.</summary>
    private static ReadOnlySpan<byte> Pkcs12Bag => [0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x0A, 0x01];

    private static ReadOnlySpan<byte> KeePass => [0x03, 0xD9, 0xA2, 0x9A];

    /// <summary>Whether the first bytes may be those of one of these. No allocation.</summary>
    public static bool MayBe(ReadOnlySpan<byte> path, ReadOnlySpan<byte> start)
    {
        if (start.Length < 8)
            return false;
        return start[0] switch
        {
            0x30 => IsPkcs12(start) || PrivateKeys.IsDerStart(start),
            0xFE or 0xCE => Magic(start) is 0xFEEDFEED or 0xCECECECE,
            0x03 => start.StartsWith(KeePass),
            0x05 => start[1] is 1 or 2 && path.EndsWith("keytab"u8),
            _ => false,
        };
    }

    public static SecretMatch? Judge(ReadOnlySpan<byte> content)
    {
        if (content.Length < 8)
            return null;
        return content[0] switch
        {
            0x30 when IsPkcs12(content) => Pkcs12(content),
            0x30 when PrivateKeys.IsDerStart(content) => new SecretMatch(PrivateKeys.Plain, Severity.High, 0, 0, [new("form", "DER")]),
            0xFE or 0xCE => HasJavaKey(content) ? Store("Java key store", Severity.Medium) : null,
            0x03 => Store("KeePass", Severity.Medium),
            0x05 => content.Length > 20 ? Store("Kerberos keytab", Severity.High) : null,
            _ => null,
        };
    }

    private static SecretMatch Store(string form, Severity severity) => new("key-store", severity, 0, 0, [new("form", form)]);

    private static uint Magic(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32BigEndian(bytes);

    /// <summary>SEQUENCE { INTEGER 3, SEQUENCE …</summary>
    private static bool IsPkcs12(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> inner = bytes[1] switch { 0x80 or < 0x80 => bytes[2..], 0x81 => bytes[3..], 0x82 => bytes[4..], 0x83 => bytes[5..], _ => default };
        return inner.StartsWith((ReadOnlySpan<byte>)[0x02, 0x01, 0x03, 0x30]);
    }

    private static SecretMatch? Pkcs12(ReadOnlySpan<byte> content)
    {
        // Which kind a bag is stands outside of its encryption, in the part of a store that keys are put into.
        int at = content.IndexOf(Pkcs12Bag);
        while (at >= 0 && at + Pkcs12Bag.Length < content.Length)
        {
            byte kind = content[at + Pkcs12Bag.Length];
            if (kind is 1 or 2)
                return Store("PKCS #12", kind == 1 ? Severity.High : Severity.Medium);
            int next = content[(at + 1)..].IndexOf(Pkcs12Bag);
            at = next < 0 ? -1 : at + 1 + next;
        }
        return null;
    }

    private static bool HasJavaKey(ReadOnlySpan<byte> content)
    {
        if (content.Length < 12)
            return false;
        uint version = Magic(content[4..]), count = Magic(content[8..]);
        ReadOnlySpan<byte> rest = content[12..];
        for (int i = 0; i < Math.Min(count, MaxEntries); i++)
        {
            if (rest.Length < 6)
                return false;
            // 1 private key, 2 certificate, 3 sealed secret key.
            if (Magic(rest) != 2)
                return Magic(rest) is 1 or 3;
            int skip = 6 + BinaryPrimitives.ReadUInt16BigEndian(rest[4..]) + 8;
            if (version == 2 && rest.Length > skip + 2)
                skip += 2 + BinaryPrimitives.ReadUInt16BigEndian(rest[skip..]);
            if (rest.Length < skip + 4 || Magic(rest[skip..]) is > int.MaxValue / 2 and var length && length > 0 || rest.Length < skip + 4 + (int)Magic(rest[skip..]))
                return false;
            rest = rest[(skip + 4 + (int)Magic(rest[skip..]))..];
        }
        return false;
    }
}
