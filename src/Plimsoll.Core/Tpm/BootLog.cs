using System.Buffers.Binary;
using System.Text;

namespace Plimsoll.Tpm;

/// <summary>One event of a boot log.</summary>
/// <param name="Number">Counted from 1.</param>
/// <param name="Digests">By bank.</param>
/// <param name="Data">What the firmware says it was; only where <see cref="BootLog.DataDecides"/> is it proved by a digest.</param>
public sealed record BootEvent(int Number, int Pcr, uint Type, IReadOnlyList<(TpmAlgorithm Bank, ReadOnlyMemory<byte> Digest)> Digests, ReadOnlyMemory<byte> Data)
{
    public string TypeName => Type switch
    {
        0x1 => "EV_POST_CODE",
        0x3 => "EV_NO_ACTION",
        0x4 => "EV_SEPARATOR",
        0x5 => "EV_ACTION",
        0x6 => "EV_EVENT_TAG",
        0x7 => "EV_S_CRTM_CONTENTS",
        0x8 => "EV_S_CRTM_VERSION",
        0x9 => "EV_CPU_MICROCODE",
        0xA => "EV_PLATFORM_CONFIG_FLAGS",
        0xB => "EV_TABLE_OF_DEVICES",
        0xC => "EV_COMPACT_HASH",
        0xD => "EV_IPL",
        0xE => "EV_IPL_PARTITION_DATA",
        0xF => "EV_NONHOST_CODE",
        0x10 => "EV_NONHOST_CONFIG",
        0x11 => "EV_NONHOST_INFO",
        0x12 => "EV_OMIT_BOOT_DEVICE_EVENTS",
        0x80000001 => "EV_EFI_VARIABLE_DRIVER_CONFIG",
        0x80000002 => "EV_EFI_VARIABLE_BOOT",
        0x80000003 => "EV_EFI_BOOT_SERVICES_APPLICATION",
        0x80000004 => "EV_EFI_BOOT_SERVICES_DRIVER",
        0x80000005 => "EV_EFI_RUNTIME_SERVICES_DRIVER",
        0x80000006 => "EV_EFI_GPT_EVENT",
        0x80000007 => "EV_EFI_ACTION",
        0x80000008 => "EV_EFI_PLATFORM_FIRMWARE_BLOB",
        0x80000009 => "EV_EFI_HANDOFF_TABLES",
        0x8000000A => "EV_EFI_PLATFORM_FIRMWARE_BLOB2",
        0x8000000B => "EV_EFI_HANDOFF_TABLES2",
        0x8000000C => "EV_EFI_VARIABLE_BOOT2",
        0x80000010 => "EV_EFI_HCRTM_EVENT",
        0x800000E0 => "EV_EFI_VARIABLE_AUTHORITY",
        0x800000E1 => "EV_EFI_SPDM_FIRMWARE_BLOB",
        0x800000E2 => "EV_EFI_SPDM_FIRMWARE_CONFIG",
        _ => $"0x{Type:x8}",
    };
}

/// <summary>
/// What a machine's firmware says it measured, in order: the TCG event log, in its crypto-agile form with digests of several banks or in the
/// older one of SHA-1. It proves nothing by itself; replayed, it explains PCRs that a quote proves.
/// </summary>
/// <remarks>Source: TCG PC Client Platform Firmware Profile 1.06, 10 "Event logging".</remarks>
public sealed class BootLog
{
    /// <summary>Bytes of a log; those of servers with many devices have some 200 000.</summary>
    public const int MaxBytes = 4 << 20;

    public const int MaxEvents = 32_768, MaxEventBytes = 1 << 20, MaxAlgorithms = 8;

    private const uint NoAction = 3;

    private static ReadOnlySpan<byte> AgileSignature => "Spec ID Event03\0"u8;

    private static ReadOnlySpan<byte> LocalitySignature => "StartupLocality\0"u8;

    private BootLog(IReadOnlyList<TpmAlgorithm> banks, IReadOnlyList<BootEvent> events, int locality) => (Banks, Events, StartupLocality) = (banks, events, locality);

    /// <summary>Banks that each event has a digest of; hashes that are not known here are left out.</summary>
    public IReadOnlyList<TpmAlgorithm> Banks { get; }

    public IReadOnlyList<BootEvent> Events { get; }

    /// <summary>From where the TPM was started: 0, 3 or 4. PCR 0 starts with this number.</summary>
    public int StartupLocality { get; }

    /// <exception cref="TpmException">Malformed, or beyond a limit.</exception>
    public static BootLog Parse(ReadOnlySpan<byte> log)
    {
        if (log.Length > MaxBytes)
            throw TpmException.Malformed($"boot log: {log.Length} bytes; at most {MaxBytes} are allowed");
        LogReader reader = new(log);
        List<BootEvent> events = [];
        BootEvent first = ReadOld(ref reader, 1);
        List<(TpmAlgorithm Bank, int Size)> algorithms = first.Type == NoAction && first.Data.Span.StartsWith(AgileSignature) ? ReadAlgorithms(first.Data.Span) : [];
        bool agile = algorithms.Count > 0;
        int locality = 0;
        // The header itself is never extended.
        if (!agile)
            events.Add(first);
        while (!reader.AtEnd)
        {
            if (events.Count >= MaxEvents)
                throw TpmException.Malformed($"boot log: more than {MaxEvents} events (MaxEvents)");
            int number = events.Count + 1;
            BootEvent next = agile ? ReadAgile(ref reader, number, algorithms) : ReadOld(ref reader, number);
            if (next.Type == NoAction && next.Pcr == 0 && next.Data.Length == LocalitySignature.Length + 1 && next.Data.Span.StartsWith(LocalitySignature))
            {
                // Said once, and before PCR 0 is extended: later it could make another start of what came before.
                if (locality != 0 || events.Exists(e => e.Pcr == 0 && e.Type != NoAction))
                    throw TpmException.Malformed($"boot log: event {number} sets the startup locality a second time, or after PCR 0 was extended");
                locality = next.Data.Span[^1];
                if (locality is not (0 or 3 or 4))
                    throw TpmException.Malformed($"boot log: startup locality {locality}; wanted 0, 3 or 4");
            }
            events.Add(next);
        }
        return new BootLog(agile ? [.. algorithms.Select(a => a.Bank).Where(b => b.Size() > 0)] : [TpmAlgorithm.Sha1], events, locality);
    }

    private static List<(TpmAlgorithm Bank, int Size)> ReadAlgorithms(ReadOnlySpan<byte> data)
    {
        LogReader reader = new(data);
        // Signature, platform class, versions, size of an integer.
        reader.Bytes(AgileSignature.Length + 8);
        uint count = reader.U32();
        if (count is 0 or > MaxAlgorithms)
            throw TpmException.Malformed($"boot log: {count} hash algorithms; wanted 1 to {MaxAlgorithms}");
        List<(TpmAlgorithm Bank, int Size)> algorithms = [];
        for (uint i = 0; i < count; i++)
        {
            TpmAlgorithm bank = (TpmAlgorithm)reader.U16();
            int size = reader.U16();
            if (size is 0 or > 64 || (bank.Size() != 0 && bank.Size() != size) || algorithms.Exists(a => a.Bank == bank))
                throw TpmException.Malformed($"boot log: hash {bank.Word()} with {size} bytes, or twice");
            algorithms.Add((bank, size));
        }
        return algorithms;
    }

    private static BootEvent ReadOld(ref LogReader reader, int number)
    {
        int pcr = PcrOf(reader.U32(), number);
        uint type = reader.U32();
        byte[] digest = reader.Bytes(20).ToArray();
        return new BootEvent(number, pcr, type, [(TpmAlgorithm.Sha1, digest)], reader.Data(number));
    }

    private static BootEvent ReadAgile(ref LogReader reader, int number, List<(TpmAlgorithm Bank, int Size)> algorithms)
    {
        int pcr = PcrOf(reader.U32(), number);
        uint type = reader.U32(), count = reader.U32();
        if (count != algorithms.Count)
            throw TpmException.Malformed($"boot log: event {number} has {count} digests; the header announces {algorithms.Count}");
        List<(TpmAlgorithm, ReadOnlyMemory<byte>)> digests = [];
        for (uint i = 0; i < count; i++)
        {
            TpmAlgorithm bank = (TpmAlgorithm)reader.U16();
            int size = algorithms.Find(a => a.Bank == bank).Size;
            if (size == 0 || digests.Exists(d => d.Item1 == bank))
                throw TpmException.Malformed($"boot log: event {number} has a digest of {bank.Word()} that the header does not announce, or two");
            digests.Add((bank, reader.Bytes(size).ToArray()));
        }
        return new BootEvent(number, pcr, type, digests, reader.Data(number));
    }

    private static int PcrOf(uint pcr, int number) => pcr < PcrSelection.PcrCount ? (int)pcr
        // Firmware writes -1 for events that concern no PCR.
        : pcr == uint.MaxValue ? -1
        : throw TpmException.Malformed($"boot log: event {number} is of PCR {pcr}; there are {PcrSelection.PcrCount}");

    /// <summary>Types whose digest is over the event's own data, so that the data is proved where they agree.</summary>
    public static bool DataDecides(uint type) => type is 0x4 or 0x5 or 0x8 or 0x80000001 or 0x80000006 or 0x80000007 or 0x8000000C or 0x800000E0;

    /// <summary>What the PCRs of a bank hold after these events and nothing else; PCRs without an event are not in it.</summary>
    public PcrValues Replay(TpmAlgorithm bank)
    {
        Dictionary<int, byte[]> pcrs = [];
        foreach (BootEvent one in Events)
        {
            if (one.Type == NoAction || one.Pcr < 0)
                continue;
            ReadOnlyMemory<byte>? digest = null;
            foreach ((TpmAlgorithm of, ReadOnlyMemory<byte> value) in one.Digests)
                if (of == bank)
                    digest = value;
            if (digest is not { } extended)
                throw new TpmException(TpmError.Unsupported, $"boot log: no digests of {bank.Word()}; it has {string.Join(", ", Banks.Select(b => b.Word()))}");
            if (!pcrs.TryGetValue(one.Pcr, out byte[]? pcr))
            {
                // PCRs of a dynamic launch start with all bits set.
                pcrs[one.Pcr] = pcr = new byte[bank.Size()];
                if (one.Pcr is >= 17 and <= 22)
                    Array.Fill(pcr, (byte)0xFF);
                if (one.Pcr == 0)
                    pcr[^1] = (byte)StartupLocality;
            }
            bank.Extend(pcr, extended.Span);
        }
        PcrValues values = new();
        foreach ((int index, byte[] value) in pcrs)
            values.Set(bank, index, value);
        return values;
    }

    /// <summary>Little-endian, unlike everything else of the TCG.</summary>
    private ref struct LogReader(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        public readonly bool AtEnd => _rest.IsEmpty;

        public ushort U16() => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2));

        public uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

        public ReadOnlySpan<byte> Bytes(int count)
        {
            if (count > _rest.Length)
                throw TpmException.Malformed($"boot log: {count} bytes are wanted and {_rest.Length} are left");
            ReadOnlySpan<byte> taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }

        public byte[] Data(int number)
        {
            uint length = U32();
            return length <= MaxEventBytes ? Bytes((int)length).ToArray() : throw TpmException.Malformed($"boot log: event {number} has {length} bytes; at most {MaxEventBytes} are allowed");
        }
    }
}
