using System.Security.Cryptography;
using Plimsoll.Tpm;

namespace Plimsoll.Tests.Tpm;

/// <summary>Evidence as a TPM would give it, made with keys in memory, so that each part can be another than it should be.</summary>
internal sealed class QuoteBuilder : IDisposable
{
    public static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    private const TpmObjectAttributes Proper = TpmObjectAttributes.FixedTpm | TpmObjectAttributes.FixedParent | TpmObjectAttributes.SensitiveDataOrigin | TpmObjectAttributes.UserWithAuth
        | TpmObjectAttributes.Restricted | TpmObjectAttributes.Sign;

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public byte[] Nonce { get; set; } = [1, 2, 3, 4];

    public uint Magic { get; set; } = 0xFF544347;

    public uint ResetCount { get; set; } = 7;

    public ulong Clock { get; set; } = 1000;

    public TpmObjectAttributes Attributes { get; set; } = Proper;

    public PcrSelection Selection { get; set; } = PcrSelection.Parse("sha256:0-7,10");

    public PcrValues Values { get; } = new();

    public byte[]? Boot { get; set; }

    public byte[]? Ima { get; set; }

    public TpmPublic Key
    {
        get
        {
            ECPoint point = _key.ExportParameters(false).Q;
            return TpmPublic.Parse(new TpmWriter().U16(TpmAlgorithm.Ecc).U16(TpmAlgorithm.Sha256).U32((uint)Attributes).Sized([]).U16(TpmAlgorithm.Null)
                .U16(TpmAlgorithm.EcDsa).U16(TpmAlgorithm.Sha256).U16(3).U16(TpmAlgorithm.Null).Sized(point.X).Sized(point.Y).Span);
        }
    }

    public QuoteBuilder With(PcrValues values)
    {
        foreach ((TpmAlgorithm bank, int index, ReadOnlyMemory<byte> value) in values.All)
            Values.Set(bank, index, value.Span);
        return this;
    }

    public byte[] Attest(byte[] digest)
    {
        TpmWriter writer = new TpmWriter().U32(Magic).U16(0x8018).Sized(Key.Name).Sized(Nonce).U64(Clock).U32(ResetCount).U32(0).U8(1).U64(0x20191023);
        Selection.Write(writer);
        return writer.Sized(digest).ToArray();
    }

    public byte[] Sign(byte[] attest)
    {
        byte[] both = _key.SignData(attest, HashAlgorithmName.SHA256);
        return new TpmWriter().U16(TpmAlgorithm.EcDsa).U16(TpmAlgorithm.Sha256).Sized(both.AsSpan(0, 32)).Sized(both.AsSpan(32)).ToArray();
    }

    public const NvAttributes ExtendIndex = NvAttributes.Extend | NvAttributes.OwnerWrite | NvAttributes.AuthWrite | NvAttributes.OwnerRead | NvAttributes.AuthRead | NvAttributes.NoDictionaryAttack | NvAttributes.Written;

    /// <summary>A list, and this TPM's word for what its index holds.</summary>
    public MeasuredEvidence Certified(MeasuredList list, byte[] contents, NvAttributes attributes = ExtendIndex)
    {
        byte[] area = new NvPublic(list.Target.Number, TpmAlgorithm.Sha384, attributes, default, contents.Length, default).ToBytes();
        byte[] attest = new TpmWriter().U32(Magic).U16(0x8014).Sized(Key.Name).Sized(Nonce).U64(Clock).U32(ResetCount).U32(0).U8(1).U64(0x20191023)
            .Sized(NvPublic.Parse(area).Name.Span).U16(0).Sized(contents).ToArray();
        return new MeasuredEvidence(list, area, attest, Sign(attest));
    }

    public QuoteFile Build(params IReadOnlyList<MeasuredEvidence> measured)
    {
        foreach ((TpmAlgorithm bank, int index) in Selection.Pcrs())
            if (Values.Find(bank, index) is null)
                Values.Set(bank, index, new byte[bank.Size()]);
        byte[] attest = Attest(Values.Digest(Selection, TpmAlgorithm.Sha256)!);
        QuoteFile file = new() { Made = Now, AttestationKey = Key, Attest = attest, Signature = Sign(attest), Pcrs = Values, BootLog = Memory(Boot), ImaLog = Memory(Ima), Measured = measured };
        // What is judged is what a file holds.
        return QuoteFile.Parse(file.ToJson(), "q");
    }

    private static ReadOnlyMemory<byte>? Memory(byte[]? bytes) => bytes is null ? default(ReadOnlyMemory<byte>?) : bytes;

    /// <summary>What this evidence is good for: its nonce, by a key that is known.</summary>
    public QuoteDemand Demand => new() { Nonce = new byte[] { 1, 2, 3, 4 }, KnownKeys = [Key] };

    public void Dispose() => _key.Dispose();
}
