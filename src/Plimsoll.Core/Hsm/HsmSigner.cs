using System.Security.Cryptography;
using Plimsoll.Keys;

namespace Plimsoll.Hsm;

/// <summary>Signs with a key that stays in its token. What the token answers is verified before anybody sees it.</summary>
public sealed unsafe class HsmSigner : ISigner
{
    /// <summary>A DigestInfo of SHA-256 up to the hash. Source: RFC 8017, 9.2, note 1.</summary>
    private static ReadOnlySpan<byte> Sha256Head => [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

    private readonly HsmToken _token;
    private readonly string _name;
    private readonly ulong _key, _mechanism;
    private readonly int _signatureBytes;
    private readonly HsmPin? _pin;

    private HsmSigner(HsmToken token, string name, ulong key, PublicKey publicKey, ulong mechanism, int signatureBytes, HsmPin? pin) =>
        (_token, _name, _key, PublicKey, _mechanism, _signatureBytes, _pin) = (token, name, key, publicKey, mechanism, signatureBytes, pin);

    public PublicKey PublicKey { get; }

    /// <param name="token">Logged in; the signer's from now on, also when this fails.</param>
    /// <param name="pin">Kept only for a key that wants it before every signature.</param>
    /// <exception cref="KeyException">There is no such key, it does not sign, or it is of a kind that is not used here.</exception>
    public static HsmSigner Open(HsmToken token, Pkcs11Uri uri, ReadOnlySpan<byte> pin)
    {
        ArgumentNullException.ThrowIfNull(token);
        ArgumentNullException.ThrowIfNull(uri);
        PublicKey? half = null;
        try
        {
            if (uri.Type is "public" or "secret-key")
                throw new HsmException(HsmError.Unsupported, $"{uri.Shown} is a {uri.Type} key; a private one signs");
            using HsmSessions.Lease lease = token.Sessions.Rent();
            ulong key = token.FindKey(lease.Session, uri, Ck.CKO_PRIVATE_KEY);
            half = token.PublicOf(lease.Session, key, uri.Shown);
            if (token.Flag(lease.Session, key, Ck.CKA_SIGN) == false)
                throw new HsmException(HsmError.Unsupported, $"{uri.Shown}: the token does not let this key sign (CKA_SIGN)");
            bool always = token.Flag(lease.Session, key, Ck.CKA_ALWAYS_AUTHENTICATE) == true;
            ulong mechanism = MechanismOf(token, half.Algorithm, uri.Shown);
            int bytes = half.Algorithm switch { KeyAlgorithm.EcdsaP256 => 64, KeyAlgorithm.EcdsaP384 => 96, _ => RsaBytes(half) };
            lease.Done();
            return new HsmSigner(token, uri.Shown, key, half, mechanism, bytes, always ? new HsmPin(pin) : null);
        }
        catch
        {
            half?.Dispose();
            token.Dispose();
            throw;
        }
    }

    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        byte[] answer = new byte[_signatureBytes];
        ulong length = (ulong)answer.Length;
        byte[] input = _mechanism switch
        {
            Ck.CKM_ECDSA => SHA256.HashData(data),
            Ck.CKM_RSA_PKCS => [.. Sha256Head, .. SHA256.HashData(data)],
            // The token hashes itself.
            _ => data.ToArray(),
        };
        using (HsmSessions.Lease lease = _token.Sessions.Rent())
        {
            CkMechanism mechanism = new() { Type = _mechanism };
            _token.Check(_token.Module.SignInit(lease.Session, &mechanism, _key), "C_SignInit");
            if (_pin is not null)
                _token.LoginForKey(lease.Session, _pin.Bytes);
            fixed (byte* from = input, to = answer)
                _token.Check(_token.Module.Sign(lease.Session, from, (ulong)input.Length, to, &length), "C_Sign");
            lease.Done();
        }
        if (length != (ulong)answer.Length)
            throw HsmException.Malformed($"{_name}: a signature of {length} bytes; wanted {answer.Length}");
        byte[] signature = PublicKey.Algorithm == KeyAlgorithm.Rsa ? answer : HsmPublicKey.ToDer(answer);
        // A faulty signature may tell of the key, and one of another key than was asked for is nothing to hand out.
        return PublicKey.Verify(data, signature) ? signature
            : throw new HsmException(HsmError.HalvesDiffer, $"{_name}: what the token signed does not verify with the public half beside it", "is the public key in the token the one of this private key?");
    }

    public void Dispose()
    {
        PublicKey.Dispose();
        _pin?.Dispose();
        _token.Dispose();
    }

    private static int RsaBytes(PublicKey key)
    {
        using RSA rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(key.Spki.Span, out _);
        return (rsa.KeySize + 7) / 8;
    }

    /// <summary>Hashed outside wherever the token takes a hash: it sees less, and less goes to it.</summary>
    private static ulong MechanismOf(HsmToken token, KeyAlgorithm algorithm, string name)
    {
        ulong[] mechanisms = algorithm switch
        {
            KeyAlgorithm.EcdsaP256 or KeyAlgorithm.EcdsaP384 => [Ck.CKM_ECDSA, Ck.CKM_ECDSA_SHA256],
            KeyAlgorithm.Rsa => [Ck.CKM_RSA_PKCS, Ck.CKM_SHA256_RSA_PKCS],
            _ => throw new HsmException(HsmError.Unsupported, $"{name} is {algorithm.Word()}, which tokens are not used for here"),
        };
        foreach (ulong one in mechanisms)
            if ((token.Mechanism(one) & Ck.CKF_SIGN) != 0)
                return one;
        throw new HsmException(HsmError.Unsupported, $"{token.Info.Shown} does not sign with {algorithm.Word()} keys");
    }
}
