using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.Sign;

namespace Plimsoll.Tpm;

/// <summary>
/// A signing key outside of its TPM: what the TPM wrapped, and the PCRs that it signs by. Only that TPM can load it, and only while the PCRs
/// are these it signs. Its page: docs/formats/keys.md.
/// </summary>
/// <param name="Parent">Name of the storage key that it is below.</param>
/// <param name="Values">Of the PCRs when it was made.</param>
public sealed record TpmKeyFile(DateTimeOffset Created, ReadOnlyMemory<byte> Parent, PcrSelection Selection, PcrValues Values, TpmBlob Blob)
{
    public const string Type = "application/vnd.plimsoll.tpm-key.v1+json";

    public const int MaxBytes = 32 * 1024;

    private const int MaxPrivateBytes = 2048;

    public TpmPublic Area => TpmPublic.Parse(Blob.Public.Span);

    /// <summary>Its public half, to be disposed of.</summary>
    /// <exception cref="KeyException">It is none.</exception>
    public PublicKey ToPublicKey(string name) => KeyFile.ReadSpki(Area.ToSpki(), name);

    /// <summary>Makes a key in a TPM.</summary>
    /// <param name="selection">PCRs that software cannot set back.</param>
    public static TpmKeyFile Generate(TpmClient tpm, PcrSelection selection, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tpm);
        ArgumentNullException.ThrowIfNull(selection);
        PcrValues values = tpm.ReadPcrs(selection, cancellationToken);
        using TpmObject root = tpm.OpenStorageRoot(null, cancellationToken);
        return new TpmKeyFile(now, root.Public.Name, selection, values, tpm.CreateSigningKey(root, selection, values, cancellationToken));
    }

    public byte[] ToJson()
    {
        CanonicalJson json = QuoteJson.Begin(Type).Time("created", Created).Hex("parent", Parent).Bytes("public", Blob.Public).Bytes("private", Blob.Private).Text("selection", Selection.ToString()).BeginArray("pcrs");
        foreach ((TpmAlgorithm bank, int index, ReadOnlyMemory<byte> value) in Values.All)
            json.BeginObject().Text("bank", bank.Word()).Number("index", index).Hex("value", value).EndObject();
        return json.EndArray().EndObject().ToBytes();
    }

    /// <exception cref="TpmException">It is none, or the key in it could do other things than sign by these PCRs.</exception>
    public static TpmKeyFile Parse(ReadOnlyMemory<byte> json, string name) => QuoteJson.Parse(json, name, Type, MaxBytes, root =>
    {
        PcrValues values = QuoteJson.Pcrs(root);
        PcrSelection selection = PcrSelection.Parse(root.GetProperty("selection").GetString() ?? "");
        TpmKeyFile read = new(root.Time("created"), root.Hex("parent", 66), selection, values, new TpmBlob(root.Bytes("private", MaxPrivateBytes), root.Bytes("public", TpmPublic.MaxBytes)));
        TpmPublic area = read.Area;
        if (area is not { Type: TpmAlgorithm.Ecc, CurveId: 3, NameAlgorithm: TpmAlgorithm.Sha256, Scheme: TpmAlgorithm.EcDsa, SchemeHash: TpmAlgorithm.Sha256 } || area.Attributes != TpmTemplates.SigningAttributes)
            throw new FormatException("the key is none that signs with ECDSA over P-256 under a policy alone");
        if (selection.Resettable().Any())
            throw new FormatException($"PCR {selection.Resettable().First().Index} can be set back by software: a resettable PCR is no evidence");
        if (!area.Policy.Span.SequenceEqual(TpmClient.PcrPolicy(selection, values)))
            throw new FormatException("the PCRs beside the key are not those of its policy");
        return read;
    });
}
