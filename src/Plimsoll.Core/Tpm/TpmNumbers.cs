using System.Security.Cryptography;

namespace Plimsoll.Tpm;

/// <summary>TPM_ALG_ID. Source: TCG Algorithm Registry, table 3.</summary>
public enum TpmAlgorithm : ushort
{
    Error = 0,
    Rsa = 0x0001,
    Sha1 = 0x0004,
    Hmac = 0x0005,
    Aes = 0x0006,
    KeyedHash = 0x0008,
    Xor = 0x000A,
    Sha256 = 0x000B,
    Sha384 = 0x000C,
    Sha512 = 0x000D,
    Null = 0x0010,
    RsaSsa = 0x0014,
    RsaEs = 0x0015,
    RsaPss = 0x0016,
    Oaep = 0x0017,
    EcDsa = 0x0018,
    Ecc = 0x0023,
    SymCipher = 0x0025,
    Cfb = 0x0043,
}

/// <summary>TPM_CC of the commands used here. Source: TPM 2.0 Library, Part 2, table "TPM_CC".</summary>
internal enum TpmCommand : uint
{
    NvUndefineSpace = 0x122,
    NvDefineSpace = 0x12A,
    CreatePrimary = 0x131,
    NvIncrement = 0x134,
    NvExtend = 0x136,
    NvWrite = 0x137,
    DictionaryAttackLockReset = 0x139,
    PcrReset = 0x13D,
    SelfTest = 0x143,
    Startup = 0x144,
    Shutdown = 0x145,
    ActivateCredential = 0x147,
    NvRead = 0x14E,
    PolicySecret = 0x151,
    Create = 0x153,
    Load = 0x157,
    Quote = 0x158,
    Sign = 0x15D,
    Unseal = 0x15E,
    ContextLoad = 0x161,
    FlushContext = 0x165,
    NvReadPublic = 0x169,
    PolicyCommandCode = 0x16C,
    ReadPublic = 0x173,
    StartAuthSession = 0x176,
    GetCapability = 0x17A,
    GetRandom = 0x17B,
    PcrRead = 0x17E,
    PolicyPcr = 0x17F,
    PcrExtend = 0x182,
    NvCertify = 0x184,
    PolicyGetDigest = 0x189,
}

/// <summary>Handles that every TPM has. Source: TPM 2.0 Library, Part 2, table "TPM_RH".</summary>
public static class TpmHandles
{
    public const uint Owner = 0x40000001, Null = 0x40000007, Password = 0x40000009, Lockout = 0x4000000A, Endorsement = 0x4000000B, Platform = 0x4000000C;

    /// <summary>Where administrators keep a persistent storage key. Source: TCG TPM v2.0 Provisioning Guidance, 7.8.</summary>
    public const uint StorageRoot = 0x81000001;

    internal const uint NvFirst = 0x01000000, NvLast = 0x01FFFFFF, TransientFirst = 0x80000000;
}

/// <summary>What a key may do. Source: TPM 2.0 Library, Part 2, "TPMA_OBJECT".</summary>
[Flags]
public enum TpmObjectAttributes : uint
{
    None = 0,
    FixedTpm = 1 << 1,
    StClear = 1 << 2,
    FixedParent = 1 << 4,
    SensitiveDataOrigin = 1 << 5,
    UserWithAuth = 1 << 6,
    AdminWithPolicy = 1 << 7,
    NoDictionaryAttack = 1 << 10,
    Restricted = 1 << 16,
    Decrypt = 1 << 17,
    Sign = 1 << 18,
}

/// <summary>What hashes are called and how long they are.</summary>
public static class TpmHashes
{
    /// <summary>Bytes; 0 for what is no hash that is known here.</summary>
    public static int Size(this TpmAlgorithm hash) => hash switch
    {
        TpmAlgorithm.Sha1 => SHA1.HashSizeInBytes,
        TpmAlgorithm.Sha256 => SHA256.HashSizeInBytes,
        TpmAlgorithm.Sha384 => SHA384.HashSizeInBytes,
        TpmAlgorithm.Sha512 => SHA512.HashSizeInBytes,
        _ => 0,
    };

    /// <summary><c>sha1</c>, <c>sha256</c>, <c>sha384</c>, <c>sha512</c>; a number for anything else.</summary>
    public static string Word(this TpmAlgorithm hash) => hash switch
    {
        TpmAlgorithm.Sha1 => "sha1",
        TpmAlgorithm.Sha256 => "sha256",
        TpmAlgorithm.Sha384 => "sha384",
        TpmAlgorithm.Sha512 => "sha512",
        _ => $"0x{(int)hash:x4}",
    };

    public static bool TryParse(string? word, out TpmAlgorithm hash)
    {
        hash = word switch
        {
            "sha1" => TpmAlgorithm.Sha1,
            "sha256" => TpmAlgorithm.Sha256,
            "sha384" => TpmAlgorithm.Sha384,
            "sha512" => TpmAlgorithm.Sha512,
            _ => TpmAlgorithm.Null,
        };
        return hash != TpmAlgorithm.Null;
    }

    /// <exception cref="TpmException">Unsupported: it is no hash that is known here.</exception>
    internal static HashAlgorithmName Name(this TpmAlgorithm hash) => hash switch
    {
        TpmAlgorithm.Sha1 => HashAlgorithmName.SHA1,
        TpmAlgorithm.Sha256 => HashAlgorithmName.SHA256,
        TpmAlgorithm.Sha384 => HashAlgorithmName.SHA384,
        TpmAlgorithm.Sha512 => HashAlgorithmName.SHA512,
        _ => throw new TpmException(TpmError.Unsupported, $"hash {hash.Word()} is not known; wanted sha1, sha256, sha384 or sha512"),
    };

    internal static byte[] Of(this TpmAlgorithm hash, ReadOnlySpan<byte> data) => CryptographicOperations.HashData(hash.Name(), data);

    /// <summary>The same into a buffer; the shortest way to each hash, for logs of many lines.</summary>
    internal static void Of(this TpmAlgorithm hash, ReadOnlySpan<byte> data, Span<byte> to)
    {
        if (hash == TpmAlgorithm.Sha256)
            SHA256.HashData(data, to);
        else if (hash == TpmAlgorithm.Sha1)
#pragma warning disable CA5350 // What kernels and firmware wrote is read with the hash that they took; no signature rests on it.
            SHA1.HashData(data, to);
#pragma warning restore CA5350
        else
            CryptographicOperations.HashData(hash.Name(), data, to);
    }

    /// <summary>A TPM's own way of folding: <c>new = H(old ‖ value)</c>, written over the old value.</summary>
    internal static void Extend(this TpmAlgorithm hash, Span<byte> pcr, ReadOnlySpan<byte> value)
    {
        Span<byte> both = stackalloc byte[2 * SHA512.HashSizeInBytes];
        pcr.CopyTo(both);
        value.CopyTo(both[pcr.Length..]);
        hash.Of(both[..(pcr.Length + value.Length)], pcr);
    }
}
