using System.Security.Cryptography;
using Plimsoll.Keys;

namespace Plimsoll.Hsm;

/// <summary>
/// Wraps data keys with a key that never leaves its token. With an RSA pair the token is needed for unwrapping only, by OAEP without a label, as
/// ocicrypt has it; with an AES key it is needed for both, by RFC 3394's key wrap.
/// </summary>
/// <remarks>
/// softhsm 2.6 knows OAEP with SHA-1 only, which is no weakness of OAEP; other tokens know SHA-256. CKM_AES_KEY_WRAP_PAD is not used: what it pads differs
/// between modules (RFC 5649 or PKCS#7), and data keys need none. Source: PKCS#11 v2.40, 2.1.8 (OAEP), 2.14 (AES key wrap).
/// </remarks>
public sealed unsafe class HsmKeyWrapper : IKeyWrapper
{
    public const string OaepSha256 = "rsa-oaep-sha256", OaepSha1 = "rsa-oaep-sha1", AesKeyWrap = "aes-key-wrap";

    /// <summary>The check value that RFC 3394 puts before the key.</summary>
    private const int CheckBytes = 8;

    private readonly HsmToken _token;
    private readonly string _name;
    private readonly ulong _key;
    private readonly RSA? _public;

    private HsmKeyWrapper(HsmToken token, string name, ulong key, RSA? open, string method) => (_token, _name, _key, _public, Method) = (token, name, key, open, method);

    public string Method { get; }

    /// <param name="token">Logged in; the wrapper's from now on, also when this fails.</param>
    /// <param name="uri"><c>type=secret-key</c> for an AES key; else an RSA pair.</param>
    /// <param name="method">What a file says it was wrapped with; null finds the best one that the token can undo.</param>
    /// <exception cref="KeyException">There is no such key, or neither it nor the token does this.</exception>
    public static HsmKeyWrapper Open(HsmToken token, Pkcs11Uri uri, string? method)
    {
        ArgumentNullException.ThrowIfNull(token);
        ArgumentNullException.ThrowIfNull(uri);
        RSA? open = null;
        try
        {
            if (method is not (null or OaepSha256 or OaepSha1 or AesKeyWrap))
                throw new HsmException(HsmError.Unsupported, $"{Texts.Escape.Quote(method)} is no way of wrapping that is known; wanted {OaepSha256}, {OaepSha1} or {AesKeyWrap}");
            bool aes = uri.Type == "secret-key";
            if (method is not null && aes != (method == AesKeyWrap))
                throw new HsmException(HsmError.Unsupported, $"{uri.Shown} does not do {method}", $"{AesKeyWrap} is for type=secret-key, the others for RSA pairs");
            ulong key = aes ? FindAes(token, uri) : FindRsa(token, uri, out open);
            HsmKeyWrapper wrapper = new(token, uri.Shown, key, open, method ?? (aes ? AesKeyWrap : OaepSha256));
            return aes || method is not null || wrapper.CanUnwrap() ? wrapper : new HsmKeyWrapper(token, uri.Shown, key, open, OaepSha1);
        }
        catch
        {
            open?.Dispose();
            token.Dispose();
            throw;
        }
    }

    private static ulong FindAes(HsmToken token, Pkcs11Uri uri)
    {
        using HsmSessions.Lease lease = token.Sessions.Rent();
        ulong key = token.FindKey(lease.Session, uri, Ck.CKO_SECRET_KEY);
        const ulong both = Ck.CKF_WRAP | Ck.CKF_UNWRAP;
        if (token.Number(lease.Session, key, Ck.CKA_KEY_TYPE) != Ck.CKK_AES || (token.Mechanism(Ck.CKM_AES_KEY_WRAP) & both) != both)
            throw new HsmException(HsmError.Unsupported, $"{uri.Shown} is no AES key, or its token has no CKM_AES_KEY_WRAP");
        if (token.Flag(lease.Session, key, Ck.CKA_WRAP) != true || token.Flag(lease.Session, key, Ck.CKA_UNWRAP) != true)
            throw new HsmException(HsmError.Unsupported, $"{uri.Shown}: the token does not let this key wrap and unwrap (CKA_WRAP, CKA_UNWRAP)");
        lease.Done();
        return key;
    }

    private static ulong FindRsa(HsmToken token, Pkcs11Uri uri, out RSA open)
    {
        using HsmSessions.Lease lease = token.Sessions.Rent();
        ulong key = token.FindKey(lease.Session, uri, Ck.CKO_PRIVATE_KEY);
        using PublicKey half = token.PublicOf(lease.Session, key, uri.Shown);
        if (half.Algorithm != KeyAlgorithm.Rsa || (token.Mechanism(Ck.CKM_RSA_PKCS_OAEP) & Ck.CKF_DECRYPT) == 0)
            throw new HsmException(HsmError.Unsupported, $"{uri.Shown} is {half.Algorithm.Word()}, or its token has no CKM_RSA_PKCS_OAEP; only RSA keys unwrap");
        if (token.Flag(lease.Session, key, Ck.CKA_DECRYPT) != true)
            throw new HsmException(HsmError.Unsupported, $"{uri.Shown}: the token does not let this key decrypt (CKA_DECRYPT)");
        lease.Done();
        open = RSA.Create();
        open.ImportSubjectPublicKeyInfo(half.Spki.Span, out _);
        return key;
    }

    public byte[] Wrap(ReadOnlySpan<byte> dataKey)
    {
        if (dataKey.Length is not (16 or 24 or 32))
            throw new ArgumentException($"a data key of {dataKey.Length} bytes; wanted 16, 24 or 32", nameof(dataKey));
        return _public is not null ? _public.Encrypt(dataKey, Padding) : WrapInToken(dataKey);
    }

    public byte[] Unwrap(ReadOnlySpan<byte> wrapped)
    {
        byte[] key = _public is not null ? Decrypt(wrapped) : UnwrapInToken(wrapped);
        if (key.Length is 16 or 24 or 32)
            return key;
        CryptographicOperations.ZeroMemory(key);
        throw new HsmException(HsmError.NotWrapped, $"{_name}: what was unwrapped is no key of 16, 24 or 32 bytes");
    }

    private RSAEncryptionPadding Padding => Method == OaepSha1 ? RSAEncryptionPadding.OaepSHA1 : RSAEncryptionPadding.OaepSHA256;

    /// <summary>No token says which hashes its OAEP takes; one key that nobody uses tells.</summary>
    private bool CanUnwrap()
    {
        try
        {
            CryptographicOperations.ZeroMemory(Unwrap(Wrap(RandomNumberGenerator.GetBytes(32))));
            return true;
        }
        catch (HsmException e) when (e.Error is HsmError.Unsupported or HsmError.Refused or HsmError.NotWrapped)
        {
            return false;
        }
    }

    private byte[] Decrypt(ReadOnlySpan<byte> wrapped)
    {
        if (wrapped.Length != (_public!.KeySize + 7) / 8)
            throw new HsmException(HsmError.NotWrapped, $"{_name}: {wrapped.Length} bytes; wanted {(_public.KeySize + 7) / 8}");
        byte[] answer = GC.AllocateArray<byte>(wrapped.Length, pinned: true);
        try
        {
            ulong length = (ulong)answer.Length;
            CkOaep oaep = Method == OaepSha1 ? new() { Hash = Ck.CKM_SHA_1, Mask = Ck.CKG_MGF1_SHA1, Source = Ck.CKZ_DATA_SPECIFIED }
                : new() { Hash = Ck.CKM_SHA256, Mask = Ck.CKG_MGF1_SHA256, Source = Ck.CKZ_DATA_SPECIFIED };
            CkMechanism mechanism = new() { Type = Ck.CKM_RSA_PKCS_OAEP, Parameter = &oaep, ParameterLength = (ulong)sizeof(CkOaep) };
            using HsmSessions.Lease lease = _token.Sessions.Rent();
            _token.Check(_token.Module.DecryptInit(lease.Session, &mechanism, _key), "C_DecryptInit");
            ulong code;
            fixed (byte* from = wrapped, to = answer)
                code = _token.Module.Decrypt(lease.Session, from, (ulong)wrapped.Length, to, &length);
            CheckUnwrapped(code, "C_Decrypt");
            if (length > (ulong)answer.Length)
                throw HsmException.Malformed($"{_name}: {length} bytes unwrapped from {answer.Length}");
            lease.Done();
            byte[] key = GC.AllocateArray<byte>((int)length, pinned: true);
            answer.AsSpan(0, key.Length).CopyTo(key);
            return key;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(answer);
        }
    }

    private byte[] WrapInToken(ReadOnlySpan<byte> dataKey)
    {
        byte[] wrapped = new byte[dataKey.Length + CheckBytes];
        using HsmSessions.Lease lease = _token.Sessions.Rent();
        // An object of this session alone, which goes with it.
        using Template template = DataKey().Add(Ck.CKA_VALUE, dataKey);
        ulong key = 0, length = (ulong)wrapped.Length;
        _token.Check(_token.Module.CreateObject(lease.Session, template.Attributes, template.Count, &key), "C_CreateObject");
        CkMechanism mechanism = new() { Type = Ck.CKM_AES_KEY_WRAP };
        fixed (byte* to = wrapped)
            _token.Check(_token.Module.WrapKey(lease.Session, &mechanism, _key, key, to, &length), "C_WrapKey");
        _token.Check(_token.Module.DestroyObject(lease.Session, key), "C_DestroyObject");
        lease.Done();
        return length == (ulong)wrapped.Length ? wrapped : throw HsmException.Malformed($"{_name}: {dataKey.Length} bytes wrapped into {length}; wanted {wrapped.Length}");
    }

    private byte[] UnwrapInToken(ReadOnlySpan<byte> wrapped)
    {
        if (wrapped.Length - CheckBytes is not (16 or 24 or 32))
            throw new HsmException(HsmError.NotWrapped, $"{_name}: {wrapped.Length} bytes; wanted 24, 32 or 40");
        using HsmSessions.Lease lease = _token.Sessions.Rent();
        using Template template = DataKey();
        CkMechanism mechanism = new() { Type = Ck.CKM_AES_KEY_WRAP };
        ulong key = 0, code;
        fixed (byte* from = wrapped)
            code = _token.Module.UnwrapKey(lease.Session, &mechanism, _key, from, (ulong)wrapped.Length, template.Attributes, template.Count, &key);
        CheckUnwrapped(code, "C_UnwrapKey");
        byte[] value = _token.Attribute(lease.Session, key, Ck.CKA_VALUE)
            ?? throw new HsmException(HsmError.Unsupported, $"{_name}: the token keeps what it unwrapped to itself", "wrap with an RSA key: it is decrypted, and no object is made of it");
        _token.Check(_token.Module.DestroyObject(lease.Session, key), "C_DestroyObject");
        lease.Done();
        return value;
    }

    /// <summary>A key for the time of one call, which may be read: it is used outside.</summary>
    private static Template DataKey() => new Template().Add(Ck.CKA_CLASS, Ck.CKO_SECRET_KEY).Add(Ck.CKA_KEY_TYPE, Ck.CKK_GENERIC_SECRET).Add(Ck.CKA_TOKEN, false)
        .Add(Ck.CKA_SENSITIVE, false).Add(Ck.CKA_EXTRACTABLE, true);

    /// <summary>Tokens differ in what they call bytes that were not wrapped with this key; all of it is one answer, which tells whoever sends such bytes nothing.</summary>
    private void CheckUnwrapped(ulong code, string call)
    {
        if (code is Ck.ENCRYPTED_DATA_INVALID or Ck.ENCRYPTED_DATA_LEN_RANGE or Ck.WRAPPED_KEY_INVALID or Ck.WRAPPED_KEY_LEN_RANGE or Ck.DATA_INVALID or Ck.GENERAL_ERROR or Ck.FUNCTION_FAILED)
            throw new HsmException(HsmError.NotWrapped, $"{_name}: this was not wrapped with this key");
        _token.Check(code, call);
    }

    public void Dispose()
    {
        _public?.Dispose();
        _token.Dispose();
    }
}
