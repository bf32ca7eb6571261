using System.Security.Cryptography;
using System.Text;
using Plimsoll.Keys;
using Plimsoll.Texts;
using X509Certificate2 = System.Security.Cryptography.X509Certificates.X509Certificate2;
using X509CertificateLoader = System.Security.Cryptography.X509Certificates.X509CertificateLoader;

namespace Plimsoll.Hsm;

/// <summary>A key that a token shows. A pair is one key.</summary>
/// <param name="Label">CKA_LABEL, as the token has it: escape it before people see it.</param>
/// <param name="KeyId">CKA_ID.</param>
/// <param name="Algorithm">What it is: a word of <see cref="KeyAlgorithms"/>, <c>aes</c>, or a word for what is not used here.</param>
/// <param name="Id">See <see cref="PublicKey.Id"/>; null for secret keys and for what is not used here.</param>
/// <param name="HasPrivate">Whether the private or secret half shows; before a login it mostly does not.</param>
/// <param name="Sensitive">CKA_SENSITIVE: the token gives no byte of it away; null when it does not say.</param>
/// <param name="Extractable">CKA_EXTRACTABLE: it may be wrapped and taken away.</param>
/// <param name="Local">CKA_LOCAL: it was made in the token.</param>
public sealed record HsmKeyInfo(string Label, ReadOnlyMemory<byte> KeyId, string Algorithm, string? Id, bool HasPublic, bool HasPrivate, bool? Sensitive, bool? Extractable, bool? Local);

/// <content>Objects: found by label and id, and read.</content>
public sealed unsafe partial class HsmToken
{
    /// <summary>Objects of one class in one token.</summary>
    public const int MaxObjects = 1000;

    /// <summary>Bytes of one attribute; a certificate of a token has a few thousand.</summary>
    public const int MaxAttributeBytes = 64 * 1024;

    /// <summary>The public key that a URI names, of a pair or alone.</summary>
    /// <exception cref="KeyException">There is none, more than one, or it is of a kind that is not used here.</exception>
    public PublicKey ReadPublic(Pkcs11Uri uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        NeedsObject(uri);
        using HsmSessions.Lease lease = Sessions.Rent();
        ulong[] handles = Find(lease.Session, Ck.CKO_PUBLIC_KEY, uri.Object, uri.Id);
        PublicKey key = handles.Length > 0 ? ReadPublic(lease.Session, One(lease.Session, handles, uri), uri.Shown)
            : Find(lease.Session, Ck.CKO_PRIVATE_KEY, uri.Object, uri.Id) is { Length: > 0 } secrets ? PublicOf(lease.Session, One(lease.Session, secrets, uri), uri.Shown)
            : Find(lease.Session, Ck.CKO_CERTIFICATE, uri.Object, uri.Id) is { Length: > 0 } certificates ? OfCertificate(lease.Session, One(lease.Session, certificates, uri), uri.Shown)
            : throw NoObject(uri, "public key");
        lease.Done();
        return key;
    }

    /// <summary>Keys that are as the URI says, by label and id, at most <see cref="MaxObjects"/>.</summary>
    public IReadOnlyList<HsmKeyInfo> List(Pkcs11Uri uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        using HsmSessions.Lease lease = Sessions.Rent();
        Dictionary<(string Label, string Id), HsmKeyInfo> keys = [];
        (ulong Class, string Type)[] classes = [(Ck.CKO_PUBLIC_KEY, "public"), (Ck.CKO_PRIVATE_KEY, "private"), (Ck.CKO_SECRET_KEY, "secret-key")];
        foreach ((ulong @class, string type) in classes)
            if (uri.Type is null || uri.Type == type || uri.Type == "private" && @class == Ck.CKO_PUBLIC_KEY)
                foreach (ulong handle in Find(lease.Session, @class, uri.Object, uri.Id))
                    Add(keys, Describe(lease.Session, handle, @class));
        lease.Done();
        return [.. keys.Values.Where(k => uri.Type != "private" || k.HasPrivate).OrderBy(k => k.Label, StringComparer.Ordinal).ThenBy(k => Convert.ToHexString(k.KeyId.Span), StringComparer.Ordinal)];
    }

    /// <summary>Halves are one key when label and id are the same; where both claim a public key, it has to be the same one.</summary>
    private static void Add(Dictionary<(string, string), HsmKeyInfo> keys, HsmKeyInfo key)
    {
        (string, string) name = (key.Label, Convert.ToHexString(key.KeyId.Span));
        if (!keys.TryGetValue(name, out HsmKeyInfo? other))
            keys[name] = key;
        else if (!other.HasPrivate && key.HasPrivate && (key.Id is null || key.Id == other.Id))
            keys[name] = key with { Id = other.Id, HasPublic = true };
        else
            // A second object of the same name must not hide behind the first.
            keys[(key.Label, $"{name.Item2}/{keys.Count}")] = key;
    }

    private HsmKeyInfo Describe(ulong session, ulong handle, ulong @class)
    {
        string label = LabelOf(session, handle);
        byte[] id = Attribute(session, handle, Ck.CKA_ID) ?? [];
        ulong? kind = Number(session, handle, Ck.CKA_KEY_TYPE);
        string algorithm = kind switch { Ck.CKK_RSA => "rsa", Ck.CKK_EC => "ec", Ck.CKK_AES => "aes", Ck.CKK_GENERIC_SECRET => "secret", null => "unknown", _ => $"kind 0x{kind:x}" };
        string? keyId = null;
        if (@class != Ck.CKO_SECRET_KEY && kind is Ck.CKK_RSA or Ck.CKK_EC)
            try
            {
                using PublicKey key = @class == Ck.CKO_PUBLIC_KEY ? ReadPublic(session, handle, "key") : PublicOf(session, handle, "key");
                (algorithm, keyId) = (key.Algorithm.Word(), key.Id);
            }
            catch (KeyException e) when (e is not HsmException { Error: HsmError.TokenRemoved })
            {
                // Of a kind that is not used here: it is listed as what it is, without an id.
            }
        bool hidden = @class != Ck.CKO_PUBLIC_KEY;
        return new HsmKeyInfo(label, id, algorithm, keyId, !hidden, hidden, hidden ? Flag(session, handle, Ck.CKA_SENSITIVE) : null, hidden ? Flag(session, handle, Ck.CKA_EXTRACTABLE) : null,
            Flag(session, handle, Ck.CKA_LOCAL));
    }

    /// <summary>The handles of what has this class and, where they are given, this label and id.</summary>
    internal ulong[] Find(ulong session, ulong @class, string? label, ReadOnlyMemory<byte>? id)
    {
        const int atOnce = 64;
        using Template template = new Template().Add(Ck.CKA_CLASS, @class);
        if (label is not null)
            template.Add(Ck.CKA_LABEL, Encoding.UTF8.GetBytes(label));
        if (id is { } bytes)
            template.Add(Ck.CKA_ID, bytes.Span);
        Check(_module.FindObjectsInit(session, template.Attributes, template.Count), "C_FindObjectsInit");
        List<ulong> found = [];
        ulong* handles = stackalloc ulong[atOnce];
        while (true)
        {
            ulong count = 0;
            Check(_module.FindObjects(session, handles, atOnce, &count), "C_FindObjects");
            if (count > atOnce)
                throw HsmException.Malformed($"{Info.Shown}: {count} objects where {atOnce} were asked for");
            if (count == 0)
                break;
            found.AddRange(new ReadOnlySpan<ulong>(handles, (int)count));
            if (found.Count > MaxObjects)
                throw new HsmException(HsmError.Unsupported, $"{Info.Shown} holds more than {MaxObjects} objects (MaxObjects)");
        }
        Check(_module.FindObjectsFinal(session), "C_FindObjectsFinal");
        return [.. found];
    }

    /// <summary>The one private or secret key that a URI names.</summary>
    internal ulong FindKey(ulong session, Pkcs11Uri uri, ulong @class)
    {
        NeedsObject(uri);
        ulong[] handles = Find(session, @class, uri.Object, uri.Id);
        return handles.Length > 0 ? One(session, handles, uri) : throw NoObject(uri, @class == Ck.CKO_SECRET_KEY ? "secret key" : "private key");
    }

    /// <summary>The public half of a private key: the object beside it, else what the private one says of it, else its certificate's.</summary>
    internal PublicKey PublicOf(ulong session, ulong handle, string name)
    {
        byte[] id = Attribute(session, handle, Ck.CKA_ID) ?? [];
        string label = LabelOf(session, handle);
        ulong[] beside = id.Length > 0 ? Find(session, Ck.CKO_PUBLIC_KEY, null, id) : label.Length > 0 ? Find(session, Ck.CKO_PUBLIC_KEY, label, null) : [];
        if (beside.Length > 1 && label.Length > 0 && id.Length > 0 && Find(session, Ck.CKO_PUBLIC_KEY, label, id) is { Length: 1 } same)
            beside = same;
        if (beside.Length > 1)
            throw new HsmException(HsmError.AmbiguousObject, $"{name}: {beside.Length} public keys have the id of this private key");
        if (beside.Length == 1)
            return ReadPublic(session, beside[0], name);
        if (Attribute(session, handle, Ck.CKA_PUBLIC_KEY_INFO) is { Length: > 0 } info)
            return KeyFile.ReadSpki(info, name);
        if (Number(session, handle, Ck.CKA_KEY_TYPE) == Ck.CKK_RSA && Attribute(session, handle, Ck.CKA_MODULUS) is { } modulus && Attribute(session, handle, Ck.CKA_PUBLIC_EXPONENT) is { } exponent)
            return HsmPublicKey.OfRsa(modulus, exponent, name);
        if (id.Length > 0 && Find(session, Ck.CKO_CERTIFICATE, null, id) is [var certificate])
            return OfCertificate(session, certificate, name);
        throw new HsmException(HsmError.NoObject, $"{name}: the token holds no public half of this key", "put it beside the private one, under the same id: pkcs11-tool --write-object");
    }

    private PublicKey ReadPublic(ulong session, ulong handle, string name)
    {
        return Number(session, handle, Ck.CKA_KEY_TYPE) switch
        {
            Ck.CKK_RSA => HsmPublicKey.OfRsa(Wanted(Ck.CKA_MODULUS), Wanted(Ck.CKA_PUBLIC_EXPONENT), name),
            Ck.CKK_EC => HsmPublicKey.OfEc(Wanted(Ck.CKA_EC_PARAMS), Wanted(Ck.CKA_EC_POINT), name),
            var kind => throw new HsmException(HsmError.Unsupported, $"{name} is of kind {(kind is null ? "unknown" : $"0x{kind:x}")}; wanted RSA or EC"),
        };

        byte[] Wanted(ulong type) => Attribute(session, handle, type) ?? throw HsmException.Malformed($"{name}: the token does not show attribute 0x{type:x} of a public key");
    }

    private PublicKey OfCertificate(ulong session, ulong handle, string name)
    {
        byte[] content = Attribute(session, handle, Ck.CKA_VALUE) ?? [];
        try
        {
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(content);
            return KeyFile.ReadSpki(certificate.PublicKey.ExportSubjectPublicKeyInfo(), name);
        }
        catch (CryptographicException e)
        {
            throw new HsmException(HsmError.Malformed, $"{name}: the token's certificate cannot be read", inner: e);
        }
    }

    /// <summary>Null when the object has no such attribute, or does not give it away.</summary>
    internal byte[]? Attribute(ulong session, ulong handle, ulong type)
    {
        CkAttribute attribute = new() { Type = type };
        if (!Answered(_module.GetAttributeValue(session, handle, &attribute, 1)) || attribute.Length == Ck.Unavailable)
            return null;
        if (attribute.Length > MaxAttributeBytes)
            throw HsmException.Malformed($"{Info.Shown}: attribute 0x{type:x} has {attribute.Length} bytes; wanted at most {MaxAttributeBytes} (MaxAttributeBytes)");
        // It may be a key: it does not move, so that overwriting it leaves no copy.
        byte[] value = GC.AllocateArray<byte>((int)attribute.Length, pinned: true);
        if (value.Length == 0)
            return value;
        fixed (byte* to = value)
        {
            attribute.Value = to;
            if (!Answered(_module.GetAttributeValue(session, handle, &attribute, 1)) || attribute.Length == Ck.Unavailable)
                return null;
        }
        return attribute.Length == (ulong)value.Length ? value
            : throw HsmException.Malformed($"{Info.Shown}: attribute 0x{type:x} had {value.Length} bytes, and then {attribute.Length}");

        bool Answered(ulong answer)
        {
            if (answer is Ck.ATTRIBUTE_TYPE_INVALID or Ck.ATTRIBUTE_SENSITIVE)
                return false;
            Check(answer, "C_GetAttributeValue");
            return true;
        }
    }

    internal ulong? Number(ulong session, ulong handle, ulong type) => Attribute(session, handle, type) switch
    {
        null => null,
        { Length: sizeof(ulong) } value => BitConverter.ToUInt64(value),
        var value => throw HsmException.Malformed($"{Info.Shown}: attribute 0x{type:x} is a number of {value.Length} bytes"),
    };

    internal bool? Flag(ulong session, ulong handle, ulong type) => Attribute(session, handle, type) switch
    {
        null => null,
        [var value] => value != 0,
        var value => throw HsmException.Malformed($"{Info.Shown}: attribute 0x{type:x} is a flag of {value.Length} bytes"),
    };

    private string LabelOf(ulong session, ulong handle) => Encoding.UTF8.GetString(Attribute(session, handle, Ck.CKA_LABEL) ?? []);

    private ulong One(ulong session, ulong[] handles, Pkcs11Uri uri)
    {
        if (handles.Length == 1)
            return handles[0];
        string[] ids = [.. handles.Take(5).Select(h => $"{Escape.Quote(LabelOf(session, h))} id {Convert.ToHexStringLower(Attribute(session, h, Ck.CKA_ID) ?? [])}")];
        throw new HsmException(HsmError.AmbiguousObject, $"{handles.Length} objects are as {uri.Shown} says: {string.Join(", ", ids)}", "name one of them by id=%…");
    }

    private static void NeedsObject(Pkcs11Uri uri)
    {
        if (!uri.NamesObject)
            throw new HsmException(HsmError.BadUri, $"{uri.Shown} names no key", "name one: ;object=LABEL or ;id=%…");
    }

    private HsmException NoObject(Pkcs11Uri uri, string what) =>
        new(HsmError.NoObject, $"{Info.Shown} shows no {what} that is as {uri.Shown} says", $"plimsoll key list '{uri.Of(Info, null, default, null).Shown}' shows what is there");
}
