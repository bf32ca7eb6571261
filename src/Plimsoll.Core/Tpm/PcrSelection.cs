using System.Globalization;
using System.Numerics;
using Plimsoll.Texts;

namespace Plimsoll.Tpm;

/// <summary>Which PCRs of which banks, as a TPML_PCR_SELECTION. Its order is part of what a quote signs.</summary>
public sealed record PcrSelection
{
    /// <summary>PCRs of the PC Client profile.</summary>
    public const int PcrCount = 24;

    /// <summary>Banks of one list. Source: Part 2, HASH_COUNT; no TPM implements more hashes.</summary>
    public const int MaxBanks = 16;

    /// <summary>
    /// PCRs that software can set back, at once (16, 23) or from a higher locality (17 to 22): what they hold does not stand for all that ran.
    /// Source: TCG PC Client Platform TPM Profile, 4.6 "PCR attributes".
    /// </summary>
    public const uint ResettableMask = 0xFF0000;

    /// <summary>A bit per PCR.</summary>
    public IReadOnlyList<(TpmAlgorithm Bank, uint Mask)> Banks { get; private init; } = [];

    public static PcrSelection Of(params IReadOnlyList<(TpmAlgorithm Bank, uint Mask)> banks) => new() { Banks = [.. banks] };

    /// <summary>Reads <c>sha256:0-7,10+sha384:0-7</c>, as tpm2-tools write it, with ranges besides. A list without a bank is of sha256.</summary>
    /// <exception cref="FormatException">It is none; the message says where.</exception>
    public static PcrSelection Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<(TpmAlgorithm, uint)> banks = [];
        foreach (string part in text.Split('+'))
        {
            int colon = part.IndexOf(':', StringComparison.Ordinal);
            TpmAlgorithm bank = TpmAlgorithm.Sha256;
            if (colon >= 0 && !TpmHashes.TryParse(part[..colon], out bank))
                throw new FormatException($"unknown bank {Escape.Quote(part[..colon])}; known banks: sha1, sha256, sha384, sha512");
            uint mask = 0;
            foreach (string item in part[(colon + 1)..].Split(','))
            {
                string[] ends = item.Split('-');
                if (ends.Length > 2 || !TryIndex(ends[0], out int first) || !TryIndex(ends[^1], out int last) || last < first)
                    throw new FormatException($"{Escape.Quote(item)} is no PCR and no range of PCRs; PCRs are 0 to {PcrCount - 1}");
                for (int i = first; i <= last; i++)
                    mask |= 1u << i;
            }
            if (banks.Exists(b => b.Item1 == bank))
                throw new FormatException($"bank {bank.Word()} stands twice");
            banks.Add((bank, mask));
        }
        return Of(banks);
    }

    private static bool TryIndex(string text, out int index) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out index) && index < PcrCount;

    public bool Contains(TpmAlgorithm bank, int index) => Banks.Any(b => b.Bank == bank && (b.Mask >> index & 1) == 1);

    public int Count => Banks.Sum(b => BitOperations.PopCount(b.Mask));

    /// <summary>Every PCR in the order in which its value is hashed: bank by bank as listed, ascending in each.</summary>
    public IEnumerable<(TpmAlgorithm Bank, int Index)> Pcrs()
    {
        foreach ((TpmAlgorithm bank, uint mask) in Banks)
            for (int i = 0; i < 32; i++)
                if ((mask >> i & 1) == 1)
                    yield return (bank, i);
    }

    /// <summary>The resettable ones among them.</summary>
    public IEnumerable<(TpmAlgorithm Bank, int Index)> Resettable() => Pcrs().Where(p => (ResettableMask >> p.Index & 1) == 1);

    public override string ToString() => string.Join('+', Banks.Select(b =>
        $"{b.Bank.Word()}:{string.Join(',', Enumerable.Range(0, 32).Where(i => (b.Mask >> i & 1) == 1))}"));

    internal void Write(TpmWriter writer)
    {
        writer.U32((uint)Banks.Count);
        foreach ((TpmAlgorithm bank, uint mask) in Banks)
            writer.U16(bank).U8(3).U8((byte)mask).U8((byte)(mask >> 8)).U8((byte)(mask >> 16));
    }

    internal static PcrSelection Read(ref TpmReader reader)
    {
        int count = reader.Count(MaxBanks);
        List<(TpmAlgorithm, uint)> banks = [];
        for (int i = 0; i < count; i++)
        {
            TpmAlgorithm bank = reader.Algorithm();
            int size = reader.U8();
            if (size is < 1 or > 4)
                throw TpmException.Malformed($"{reader.What}: a selection of {size} bytes; wanted 1 to 4");
            uint mask = 0;
            for (int j = 0; j < size; j++)
                mask |= (uint)reader.U8() << (8 * j);
            banks.Add((bank, mask));
        }
        return Of(banks);
    }

    public bool Equals(PcrSelection? other) => other is not null && Banks.SequenceEqual(other.Banks);

    public override int GetHashCode() => Banks.Aggregate(0, (hash, bank) => HashCode.Combine(hash, bank));
}

/// <summary>Values of PCRs, by bank and index.</summary>
public sealed class PcrValues
{
    private readonly SortedDictionary<(TpmAlgorithm Bank, int Index), byte[]> _values = [];

    public int Count => _values.Count;

    public IEnumerable<(TpmAlgorithm Bank, int Index, ReadOnlyMemory<byte> Value)> All => _values.Select(v => (v.Key.Bank, v.Key.Index, (ReadOnlyMemory<byte>)v.Value));

    /// <param name="value">As long as the bank's hash.</param>
    /// <exception cref="ArgumentException">It is not.</exception>
    public void Set(TpmAlgorithm bank, int index, ReadOnlySpan<byte> value)
    {
        if (value.Length != bank.Size() || index is < 0 or >= PcrSelection.PcrCount)
            throw new ArgumentException($"{bank.Word()} PCR {index} cannot be {value.Length} bytes", nameof(value));
        _values[(bank, index)] = value.ToArray();
    }

    public byte[]? Find(TpmAlgorithm bank, int index) => _values.GetValueOrDefault((bank, index));

    /// <summary>What a quote signs and PolicyPCR compares: the hash over the values, one after another in the selection's order.</summary>
    /// <returns>Null when a selected value is not here.</returns>
    public byte[]? Digest(PcrSelection selection, TpmAlgorithm hash)
    {
        ArgumentNullException.ThrowIfNull(selection);
        using MemoryStream all = new();
        foreach ((TpmAlgorithm bank, int index) in selection.Pcrs())
            if (Find(bank, index) is { } value)
                all.Write(value);
            else
                return null;
        return hash.Of(all.ToArray());
    }
}
