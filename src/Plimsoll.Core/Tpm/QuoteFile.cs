using System.Text.Json;
using Plimsoll.Sign;

namespace Plimsoll.Tpm;

/// <summary>The key that a TPM was delivered with, and what its maker says of it.</summary>
/// <param name="Certificates">DER: the key's own first, then those of authorities in any order.</param>
public sealed record Endorsement(TpmPublic Key, IReadOnlyList<ReadOnlyMemory<byte>> Certificates)
{
    public const int MaxCertificates = 8, MaxCertificateBytes = 16 * 1024;

    internal void Write(CanonicalJson json)
    {
        json.BeginObject("endorsement").Bytes("key", Key.Bytes).BeginArray("certificates");
        foreach (ReadOnlyMemory<byte> certificate in Certificates)
            json.Raw(null, JsonSerializer.SerializeToUtf8Bytes(Convert.ToBase64String(certificate.Span), StringJson.Default.String));
        json.EndArray().EndObject();
    }

    internal static Endorsement? Read(JsonElement root)
    {
        if (!root.TryGetProperty("endorsement", out JsonElement element))
            return null;
        List<ReadOnlyMemory<byte>> certificates = [];
        foreach (JsonElement one in element.GetProperty("certificates").EnumerateArray())
        {
            byte[] der = one.GetBytesFromBase64();
            if (certificates.Count >= MaxCertificates || der.Length > MaxCertificateBytes)
                throw new FormatException($"more than {MaxCertificates} certificates, or one above {MaxCertificateBytes} bytes");
            certificates.Add(der);
        }
        return new Endorsement(TpmPublic.Parse(element.Bytes("key", TpmPublic.MaxBytes)), certificates);
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(string))]
internal sealed partial class StringJson : System.Text.Json.Serialization.JsonSerializerContext;

/// <summary>Who a host's TPM is: what a verifier wants before it sends a challenge, and what it keeps to know the host by.</summary>
/// <param name="Endorsement">Null where only the attestation key is known.</param>
public sealed record QuoteIdentity(TpmPublic AttestationKey, Endorsement? Endorsement)
{
    public const string Type = "application/vnd.plimsoll.quote-identity.v1+json";

    public const int MaxBytes = 512 * 1024;

    public byte[] ToJson()
    {
        CanonicalJson json = QuoteJson.Begin(Type).Bytes("attestationKey", AttestationKey.Bytes);
        Endorsement?.Write(json);
        return json.EndObject().ToBytes();
    }

    /// <exception cref="TpmException">It is none.</exception>
    public static QuoteIdentity Parse(ReadOnlyMemory<byte> json, string name) => QuoteJson.Parse(json, name, Type, MaxBytes,
        root => new QuoteIdentity(TpmPublic.Parse(root.Bytes("attestationKey", TpmPublic.MaxBytes)), Endorsement.Read(root)));
}

/// <summary>What a verifier asks a host: a nonce, and a secret that only a TPM with these two keys can read.</summary>
/// <param name="KeyName">Name of the attestation key that it was made for.</param>
/// <param name="EndorsementName">
/// Name of the endorsement key that it was made for: the secret says nothing of another one, whatever certificate comes with it.
/// </param>
/// <param name="Secret">Null in what the host gets; the verifier keeps it.</param>
public sealed record QuoteChallenge(DateTimeOffset Issued, ReadOnlyMemory<byte> Nonce, ReadOnlyMemory<byte> KeyName, ReadOnlyMemory<byte> EndorsementName, ReadOnlyMemory<byte> Credential, ReadOnlyMemory<byte> Encrypted, ReadOnlyMemory<byte>? Secret)
{
    public const string Type = "application/vnd.plimsoll.quote-challenge.v1+json";

    public const int MaxBytes = 16 * 1024, NonceBytes = 32, SecretBytes = 32;

    public byte[] ToJson(bool withSecret)
    {
        CanonicalJson json = QuoteJson.Begin(Type).Time("issued", Issued).Hex("nonce", Nonce).Hex("attestationKeyName", KeyName).Hex("endorsementKeyName", EndorsementName).Bytes("credential", Credential).Bytes("encrypted", Encrypted);
        if (withSecret && Secret is { } secret)
            json.Bytes("secret", secret);
        return json.EndObject().ToBytes();
    }

    /// <exception cref="TpmException">It is none.</exception>
    public static QuoteChallenge Parse(ReadOnlyMemory<byte> json, string name) => QuoteJson.Parse(json, name, Type, MaxBytes, root =>
    {
        byte[] nonce = root.Hex("nonce", NonceBytes);
        if (nonce.Length != NonceBytes)
            throw new FormatException($"a nonce of {nonce.Length} bytes; wanted {NonceBytes}");
        ReadOnlyMemory<byte>? secret = root.OptionalBytes("secret", SecretBytes);
        if (secret is { } known && known.Length != SecretBytes)
            throw new FormatException($"a secret of {known.Length} bytes; wanted {SecretBytes}");
        return new QuoteChallenge(root.Time("issued"), nonce, root.Hex("attestationKeyName", 66), root.Hex("endorsementKeyName", 66), root.Bytes("credential", 512), root.Bytes("encrypted", 1024), secret);
    });
}

/// <summary>Evidence of what a machine runs, in one file: a quote and all that is needed to check it elsewhere.</summary>
public sealed record QuoteFile
{
    public const string Type = "application/vnd.plimsoll.quote.v1+json";

    /// <summary>Bytes of a file; lists make nearly all of it.</summary>
    public const int MaxBytes = 64 << 20;

    /// <summary>Bytes of a list of measured files inside of the file.</summary>
    public const int MaxImaBytes = 24 << 20;

    public const int MaxNonceBytes = 64;

    /// <summary>By the host's clock, which proves nothing.</summary>
    public required DateTimeOffset Made { get; init; }

    public required TpmPublic AttestationKey { get; init; }

    /// <summary>A TPMS_ATTEST, which holds the nonce.</summary>
    public required ReadOnlyMemory<byte> Attest { get; init; }

    /// <summary>A TPMT_SIGNATURE.</summary>
    public required ReadOnlyMemory<byte> Signature { get; init; }

    public required PcrValues Pcrs { get; init; }

    public Endorsement? Endorsement { get; init; }

    /// <summary><c>HMAC-SHA256(secret of the challenge, Attest)</c>.</summary>
    public ReadOnlyMemory<byte>? Answer { get; init; }

    public ReadOnlyMemory<byte>? BootLog { get; init; }

    public ReadOnlyMemory<byte>? ImaLog { get; init; }

    /// <summary>Images that were measured into NV indexes and PCRs.</summary>
    public IReadOnlyList<MeasuredEvidence> Measured { get; init; } = [];

    public byte[] ToJson()
    {
        CanonicalJson json = QuoteJson.Begin(Type).Time("made", Made).Bytes("attestationKey", AttestationKey.Bytes);
        Endorsement?.Write(json);
        json.Bytes("attest", Attest).Bytes("signature", Signature).BeginArray("pcrs");
        foreach ((TpmAlgorithm bank, int index, ReadOnlyMemory<byte> value) in Pcrs.All)
            json.BeginObject().Text("bank", bank.Word()).Number("index", index).Hex("value", value).EndObject();
        json.EndArray();
        if (Answer is { } answer)
            json.Bytes("answer", answer);
        if (BootLog is { } boot)
            json.Bytes("bootLog", boot);
        if (ImaLog is { } ima)
            json.Bytes("imaLog", ima);
        if (Measured.Count > 0)
        {
            json.BeginArray("measured");
            foreach (MeasuredEvidence one in Measured)
                one.Write(json);
            json.EndArray();
        }
        return json.EndObject().ToBytes();
    }

    /// <exception cref="TpmException">It is none.</exception>
    public static QuoteFile Parse(ReadOnlyMemory<byte> json, string name) => QuoteJson.Parse(json, name, Type, MaxBytes, root =>
    {
        PcrValues pcrs = QuoteJson.Pcrs(root);
        return new QuoteFile
        {
            Made = root.Time("made"),
            AttestationKey = TpmPublic.Parse(root.Bytes("attestationKey", TpmPublic.MaxBytes)),
            Endorsement = Endorsement.Read(root),
            Attest = root.Bytes("attest", Attestation.MaxBytes),
            Signature = root.Bytes("signature", TpmSignature.MaxBytes),
            Pcrs = pcrs,
            Answer = root.OptionalBytes("answer", 32),
            BootLog = root.OptionalBytes("bootLog", Tpm.BootLog.MaxBytes),
            ImaLog = root.OptionalBytes("imaLog", MaxImaBytes),
            Measured = MeasuredEvidence.Read(root),
        };
    });
}
