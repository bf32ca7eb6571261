using System.Security.Cryptography;
using System.Text;
using Plimsoll.Keys;

namespace Plimsoll.Hsm;

/// <content>Keys made in the token, which never leave it.</content>
public sealed unsafe partial class HsmToken
{
    /// <summary>Bits of RSA keys that are made.</summary>
    public const int RsaBits = 3072;

    private const int NewIdBytes = 16, AesBytes = 32;

    /// <summary>Makes a pair that signs. Needs a login.</summary>
    /// <param name="uri">Its <c>object</c> becomes the label; its <c>id</c> counts, else one of 16 random bytes is made.</param>
    /// <returns>The URI of what was made; the key is in the token.</returns>
    /// <exception cref="KeyException">A key of this name is there, or the token refuses.</exception>
    public Pkcs11Uri Generate(Pkcs11Uri uri, KeyAlgorithm algorithm) => algorithm is KeyAlgorithm.EcdsaP256 or KeyAlgorithm.EcdsaP384 or KeyAlgorithm.Rsa
        ? GeneratePair(uri, algorithm, wraps: false)
        : throw new HsmException(HsmError.Unsupported, $"{algorithm.Word()} keys are not made in tokens", "ecdsa-p256, ecdsa-p384 and rsa are");

    /// <summary>Makes a key that hides data keys and signs nothing: an RSA pair for OAEP, or an AES key of 256 bits. Needs a login.</summary>
    /// <exception cref="KeyException">As <see cref="Generate"/>.</exception>
    public Pkcs11Uri GenerateWrapping(Pkcs11Uri uri, bool aes)
    {
        if (!aes)
            return GeneratePair(uri, KeyAlgorithm.Rsa, wraps: true);
        (string label, byte[] id) = Named(uri);
        using HsmSessions.Lease lease = Sessions.OpenForWriting();
        MustBeNew(lease.Session, uri, label, id);
        using Template template = new Template().Add(Ck.CKA_CLASS, Ck.CKO_SECRET_KEY).Add(Ck.CKA_KEY_TYPE, Ck.CKK_AES).Add(Ck.CKA_VALUE_LEN, (ulong)AesBytes)
            .Add(Ck.CKA_TOKEN, true).Add(Ck.CKA_PRIVATE, true).Add(Ck.CKA_SENSITIVE, true).Add(Ck.CKA_EXTRACTABLE, false).Add(Ck.CKA_WRAP, true).Add(Ck.CKA_UNWRAP, true)
            .Add(Ck.CKA_ENCRYPT, false).Add(Ck.CKA_DECRYPT, false).Add(Ck.CKA_LABEL, Encoding.UTF8.GetBytes(label)).Add(Ck.CKA_ID, id);
        CkMechanism mechanism = new() { Type = Ck.CKM_AES_KEY_GEN };
        ulong key = 0;
        Check(_module.GenerateKey(lease.Session, &mechanism, template.Attributes, template.Count, &key), "C_GenerateKey");
        MustStay(lease.Session, [key], key);
        return uri.Of(Info, label, id, "secret-key");
    }

    private Pkcs11Uri GeneratePair(Pkcs11Uri uri, KeyAlgorithm algorithm, bool wraps)
    {
        (string label, byte[] id) = Named(uri);
        byte[] name = Encoding.UTF8.GetBytes(label);
        using HsmSessions.Lease lease = Sessions.OpenForWriting();
        MustBeNew(lease.Session, uri, label, id);
        using Template open = new Template().Add(Ck.CKA_TOKEN, true).Add(Ck.CKA_PRIVATE, false).Add(Ck.CKA_VERIFY, !wraps).Add(Ck.CKA_LABEL, name).Add(Ck.CKA_ID, id);
        using Template secret = new Template().Add(Ck.CKA_TOKEN, true).Add(Ck.CKA_PRIVATE, true).Add(Ck.CKA_SENSITIVE, true).Add(Ck.CKA_EXTRACTABLE, false)
            .Add(Ck.CKA_SIGN, !wraps).Add(Ck.CKA_LABEL, name).Add(Ck.CKA_ID, id);
        // One key, one use: what signs must not be made to decrypt.
        open.Add(Ck.CKA_ENCRYPT, wraps).Add(Ck.CKA_WRAP, false);
        secret.Add(Ck.CKA_DECRYPT, wraps).Add(Ck.CKA_UNWRAP, false);
        if (algorithm == KeyAlgorithm.Rsa)
            open.Add(Ck.CKA_MODULUS_BITS, (ulong)RsaBits).Add(Ck.CKA_PUBLIC_EXPONENT, [1, 0, 1]);
        else
            open.Add(Ck.CKA_EC_PARAMS, HsmPublicKey.CurveOf(algorithm));
        CkMechanism mechanism = new() { Type = algorithm == KeyAlgorithm.Rsa ? Ck.CKM_RSA_PKCS_KEY_PAIR_GEN : Ck.CKM_EC_KEY_PAIR_GEN };
        ulong openKey = 0, secretKey = 0;
        Check(_module.GenerateKeyPair(lease.Session, &mechanism, open.Attributes, open.Count, secret.Attributes, secret.Count, &openKey, &secretKey), "C_GenerateKeyPair");
        MustStay(lease.Session, [openKey, secretKey], secretKey);
        return uri.Of(Info, label, id, "private");
    }

    /// <summary>Some tokens pass over what they are asked for. A key that could leave is taken away again.</summary>
    private void MustStay(ulong session, ulong[] made, ulong key)
    {
        if (Flag(session, key, Ck.CKA_SENSITIVE) == true && Flag(session, key, Ck.CKA_EXTRACTABLE) == false)
            return;
        foreach (ulong handle in made)
            _ = _module.DestroyObject(session, handle);
        throw new HsmException(HsmError.Refused, $"{Info.Shown} made a key that could leave it, although it was told not to; it was removed again");
    }

    private static (string Label, byte[] Id) Named(Pkcs11Uri uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        return (uri.Object ?? throw new HsmException(HsmError.BadUri, $"{uri.Shown} does not say what the new key is to be called", "name it: ;object=LABEL"),
            uri.Id?.ToArray() ?? RandomNumberGenerator.GetBytes(NewIdBytes));
    }

    /// <summary>Neither the label nor the id may be another key's: whoever names it would get either.</summary>
    private void MustBeNew(ulong session, Pkcs11Uri uri, string label, byte[] id)
    {
        foreach (ulong @class in (ulong[])[Ck.CKO_PUBLIC_KEY, Ck.CKO_PRIVATE_KEY, Ck.CKO_SECRET_KEY])
            if (Find(session, @class, label, null).Length > 0 || Find(session, @class, null, id).Length > 0)
                throw new HsmException(HsmError.Exists, $"{Info.Shown} holds a key with the label or the id of {uri.Shown} already", "name another: ;object=LABEL");
    }
}
