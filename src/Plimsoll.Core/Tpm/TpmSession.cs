using System.Security.Cryptography;

namespace Plimsoll.Tpm;

/// <summary>What a session is for.</summary>
internal enum TpmSessionType
{
    Hmac = 0,
    Policy = 1,
    Trial = 3,
}

/// <summary>
/// A session: it proves that each response is the TPM's own, hides a command's or response's first parameter from who reads the bus, and
/// carries the policies that were checked. Ending it frees its place in the TPM.
/// </summary>
/// <remarks>Source: TPM 2.0 Library, Part 1, 19 "Authorizations and Acknowledgments" and 21 "Session-based encryption".</remarks>
internal sealed class TpmSession(TpmClient tpm, uint handle, TpmSessionType type, TpmAlgorithm hash, byte[] key, byte[] nonceTpm) : IDisposable
{
    public const int KeyBits = 128;
    public const byte Continue = 0x01, Decrypt = 0x20, Encrypt = 0x40;

    public uint Handle => handle;

    public TpmAlgorithm Hash => hash;

    public byte[] NonceTpm { get; private set; } = nonceTpm;

    public byte[] NonceCaller { get; private set; } = [];

    /// <summary>Without a salt and without an authorisation there is nothing that an HMAC could be made with.</summary>
    public bool IsOpen => key.Length == 0;

    public bool IsPolicy => type != TpmSessionType.Hmac;

    public void NewNonce() => NonceCaller = RandomNumberGenerator.GetBytes(hash.Size());

    public void Answered(ReadOnlySpan<byte> nonceTpm) => NonceTpm = nonceTpm.ToArray();

    /// <summary>A policy session proves no authorisation value, unless the policy asks for one, which ours do not.</summary>
    public byte[] Mac(ReadOnlySpan<byte> auth, params ReadOnlySpan<byte[]> parts)
    {
        using IncrementalHash mac = IncrementalHash.CreateHMAC(hash.Name(), IsPolicy ? key : [.. key, .. auth]);
        foreach (byte[] part in parts)
            mac.AppendData(part);
        return mac.GetHashAndReset();
    }

    /// <summary>Encrypts or decrypts a parameter.</summary>
    public byte[] Cipher(ReadOnlySpan<byte> auth, byte[] newer, byte[] older, ReadOnlySpan<byte> data, bool encrypt)
    {
        byte[] derived = TpmSecrets.KdfA(hash, [.. key, .. auth], "CFB", newer, older, KeyBits + 128);
        try
        {
            return TpmSecrets.Cfb(derived[..(KeyBits / 8)], derived.AsSpan(KeyBits / 8), data, encrypt);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(derived);
        }
    }

    public void Dispose()
    {
        tpm.FlushQuietly(handle);
        CryptographicOperations.ZeroMemory(key);
    }
}

/// <summary>How one handle of a command is authorised, or a session that only encrypts.</summary>
/// <param name="Session">Null for the plain authorisation value.</param>
internal readonly record struct TpmAuth(TpmSession? Session, byte[] Value, byte Attributes)
{
    public static TpmAuth Password(byte[] value) => new(null, value, TpmSession.Continue);

    public static TpmAuth Empty { get; } = Password([]);
}

/// <summary>A handle with the name that sessions sign: of objects and NV indexes their Name, of everything else the handle.</summary>
internal readonly record struct TpmEntity(uint Handle, byte[] Name)
{
    public static TpmEntity Of(uint handle) => new(handle, new TpmWriter().U32(handle).ToArray());
}

/// <summary>An object that is loaded; ending it takes it out of the TPM.</summary>
public sealed class TpmObject : IDisposable
{
    private readonly TpmClient? _owner;

    /// <param name="owner">Null for a persistent object, which stays.</param>
    internal TpmObject(TpmClient? owner, uint handle, TpmPublic area)
    {
        (_owner, Handle, Public) = (owner, handle, area);
        Entity = new TpmEntity(handle, area.Name);
    }

    public uint Handle { get; }

    public TpmPublic Public { get; }

    internal TpmEntity Entity { get; }

    public void Dispose() => _owner?.FlushQuietly(Handle);
}
