namespace Plimsoll.Tpm;

/// <content>Start, capabilities, random bytes and PCRs.</content>
public sealed partial class TpmClient
{
    /// <summary>Digests of one TPM2_PCR_Read. Source: Part 2, TPML_DIGEST.</summary>
    private const int MaxDigests = 8;

    private const int MaxReads = 8, MaxProperties = 128;

    private const uint PropertyManufacturer = 0x105, PropertyNvBuffer = 0x12C, CapabilityPcrs = 5, CapabilityProperties = 6;

    /// <summary>TPM2_Startup(CLEAR): firmware does it on a host, and a simulator wants it unless it was told to do so itself.</summary>
    /// <returns>False when it was started before.</returns>
    public bool Startup(CancellationToken cancellationToken)
    {
        try
        {
            Execute(TpmCommand.Startup, new TpmWriter().U16(0), cancellationToken);
            return true;
        }
        catch (TpmException e) when (e.Code == TpmResponses.Initialize)
        {
            return false;
        }
    }

    /// <summary>TPM2_Shutdown(CLEAR), so that the next start is an orderly one.</summary>
    public void Shutdown(CancellationToken cancellationToken) => Execute(TpmCommand.Shutdown, new TpmWriter().U16(0), cancellationToken);

    /// <summary>A fixed or variable property (TPM_PT), or null where the TPM has none of that number.</summary>
    public uint? FindProperty(uint property, CancellationToken cancellationToken)
    {
        TpmReader reader = new(Execute(TpmCommand.GetCapability, new TpmWriter().U32(CapabilityProperties).U32(property).U32(1), cancellationToken), "TPM2_GetCapability");
        reader.U8();
        if (reader.U32() != CapabilityProperties)
            throw TpmException.Malformed("TPM2_GetCapability: another capability than was asked for");
        uint? found = null;
        for (int left = reader.Count(MaxProperties); left > 0; left--)
        {
            uint number = reader.U32(), value = reader.U32();
            if (number == property)
                found = value;
        }
        reader.End();
        return found;
    }

    /// <summary>The four letters of the maker: <c>INTC</c>, <c>IBM</c>.</summary>
    public string Manufacturer(CancellationToken cancellationToken)
    {
        uint id = FindProperty(PropertyManufacturer, cancellationToken) ?? 0;
        return string.Concat(Enumerable.Range(0, 4).Select(i => (char)(byte)(id >> (24 - (8 * i)))).Where(c => c is > ' ' and < '\x7f'));
    }

    /// <summary>The banks that have PCRs, and which.</summary>
    public PcrSelection Banks(CancellationToken cancellationToken)
    {
        TpmReader reader = new(Execute(TpmCommand.GetCapability, new TpmWriter().U32(CapabilityPcrs).U32(0).U32(1), cancellationToken), "TPM2_GetCapability");
        reader.U8();
        if (reader.U32() != CapabilityPcrs)
            throw TpmException.Malformed("TPM2_GetCapability: another capability than was asked for");
        PcrSelection banks = PcrSelection.Read(ref reader);
        reader.End();
        return PcrSelection.Of([.. banks.Banks.Where(b => b.Mask != 0)]);
    }

    /// <param name="count">At most 48: what one hash of the TPM gives.</param>
    public byte[] GetRandom(int count, CancellationToken cancellationToken)
    {
        using MemoryStream bytes = new();
        while (bytes.Length < count)
        {
            TpmReader reader = new(Execute(TpmCommand.GetRandom, new TpmWriter().U16(Math.Min(32, count - (int)bytes.Length)), cancellationToken), "TPM2_GetRandom");
            ReadOnlySpan<byte> some = reader.Sized(count - (int)bytes.Length);
            reader.End();
            if (some.IsEmpty)
                throw TpmException.Malformed("TPM2_GetRandom: no bytes");
            bytes.Write(some);
        }
        return bytes.ToArray();
    }

    /// <summary>Reads all selected PCRs, in as many commands as that takes, of one moment: when one is extended meanwhile it starts again.</summary>
    /// <exception cref="TpmException">Unsupported: a selected PCR or bank is not there; Timeout: they never stood still.</exception>
    public PcrValues ReadPcrs(PcrSelection selection, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(selection);
        for (int attempt = 0; attempt < MaxReads; attempt++)
            if (TryReadPcrs(selection, cancellationToken) is { } values)
                return values;
        throw new TpmException(TpmError.Timeout, $"the PCRs changed during each of {MaxReads} attempts to read them");
    }

    private PcrValues? TryReadPcrs(PcrSelection selection, CancellationToken cancellationToken)
    {
        PcrValues values = new();
        uint? counter = null;
        PcrSelection left = selection;
        while (left.Count > 0)
        {
            TpmWriter parameters = new();
            left.Write(parameters);
            TpmReader reader = new(Execute(TpmCommand.PcrRead, parameters, cancellationToken), "TPM2_PCR_Read");
            uint updates = reader.U32();
            PcrSelection got = PcrSelection.Read(ref reader);
            int count = reader.Count(MaxDigests);
            if (got.Count == 0 || count != got.Count)
                throw new TpmException(TpmError.Unsupported, $"the TPM has no PCRs {left}", "plimsoll quote --pcrs names those to take");
            foreach ((TpmAlgorithm bank, int index) in got.Pcrs())
            {
                ReadOnlySpan<byte> value = reader.Sized(64);
                if (!left.Contains(bank, index) || value.Length != bank.Size())
                    throw TpmException.Malformed($"TPM2_PCR_Read: {value.Length} bytes for {bank.Word()} PCR {index}");
                values.Set(bank, index, value);
            }
            reader.End();
            if ((counter ??= updates) != updates)
                return null;
            left = PcrSelection.Of([.. left.Banks.Select(b => (b.Bank, b.Mask & ~got.Banks.Where(g => g.Bank == b.Bank).Aggregate(0u, (m, g) => m | g.Mask)))]);
        }
        return values;
    }

    /// <summary>Extends one PCR in each bank given: <c>new = H(old ‖ digest)</c>. Order matters and there is no undo.</summary>
    /// <param name="digests">The digests themselves, not the data they were taken over; each as long as its bank's hash.</param>
    /// <remarks>Source: TPM 2.0 Library, Part 3, TPM2_PCR_Extend.</remarks>
    public void ExtendPcr(int index, IReadOnlyList<(TpmAlgorithm Bank, ReadOnlyMemory<byte> Digest)> digests, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(digests);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, PcrSelection.PcrCount);
        TpmWriter parameters = new TpmWriter().U32((uint)digests.Count);
        foreach ((TpmAlgorithm bank, ReadOnlyMemory<byte> digest) in digests)
        {
            if (digest.Length != bank.Size())
                throw new ArgumentException($"{digest.Length} bytes for bank {bank.Word()}", nameof(digests));
            parameters.U16(bank).Bytes(digest.Span);
        }
        Execute(TpmCommand.PcrExtend, [TpmEntity.Of((uint)index)], [TpmAuth.Empty], parameters, hasHandle: false, cancellationToken);
    }

    /// <summary>Sets a PCR back, where the TPM lets this locality do so: 16 and 23.</summary>
    internal void ResetPcr(int index, CancellationToken cancellationToken) =>
        Execute(TpmCommand.PcrReset, [TpmEntity.Of((uint)index)], [TpmAuth.Empty], new TpmWriter(), hasHandle: false, cancellationToken);
}
