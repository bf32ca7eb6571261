using System.Globalization;
using Plimsoll.Texts;

namespace Plimsoll.Tpm;

/// <summary>Where measurements of images are extended into: an NV index of type extend, or a PCR.</summary>
/// <param name="IsNv">False for a PCR.</param>
/// <param name="Number">An NV index, or a PCR.</param>
public sealed record ExtendTarget(bool IsNv, uint Number)
{
    /// <summary>NV indexes that a TPM's owner may make. Source: TCG Registry of Reserved TPM 2.0 Handles, 2.2.</summary>
    public const uint FirstIndex = 0x01800000, LastIndex = 0x01BFFFFF;

    /// <summary>PCRs 0 to 7 are the firmware's and 10 is the kernel's: what is extended there besides breaks their logs.</summary>
    private const uint TakenMask = 0x4FF;

    /// <summary>An index of our own, which keeps its value over boots.</summary>
    public static ExtendTarget Default { get; } = new(true, 0x01805001);

    /// <summary>Reads <c>nv:0x01805001</c> or <c>pcr:14</c>.</summary>
    /// <exception cref="FormatException">It is none, or nothing that is extended there would be evidence.</exception>
    public static ExtendTarget Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.StartsWith("nv:", StringComparison.Ordinal) ? OfIndex(text[3..])
            : text.StartsWith("pcr:", StringComparison.Ordinal) ? OfPcr(text[4..])
            : throw new FormatException($"{Escape.Quote(text)} is neither an NV index (nv:0x01805001) nor a PCR (pcr:14)");
    }

    /// <param name="text"><c>0x01805001</c>.</param>
    /// <exception cref="FormatException">It is no index of the owner's.</exception>
    public static ExtendTarget OfIndex(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.StartsWith("0x", StringComparison.Ordinal) && uint.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint index) && index is >= FirstIndex and <= LastIndex
            ? new ExtendTarget(true, index)
            : throw new FormatException($"{Escape.Quote(text)} is no NV index of the owner's; wanted 0x{FirstIndex:x8} to 0x{LastIndex:x8}");
    }

    /// <exception cref="FormatException">It is no PCR, one that can be reset, or one that is another's.</exception>
    public static ExtendTarget OfPcr(string text)
    {
        if (!uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint pcr) || pcr >= PcrSelection.PcrCount)
            throw new FormatException($"{Escape.Quote(text ?? "")} is no PCR; PCRs are 0 to {PcrSelection.PcrCount - 1}");
        if ((PcrSelection.ResettableMask >> (int)pcr & 1) == 1)
            throw new FormatException($"PCR {pcr} can be set back by software{(pcr is 16 or 23 ? "" : " of a higher locality")}: a resettable PCR is no evidence; PCRs 11 to 15 are");
        if ((TakenMask >> (int)pcr & 1) == 1)
            throw new FormatException($"PCR {pcr} is the {(pcr == 10 ? "kernel's, and its list of measured files" : "firmware's, and the boot log")} would no longer lead to it; PCRs 11 to 15 are free");
        return new ExtendTarget(false, pcr);
    }

    /// <summary>Name of the file that holds its list.</summary>
    internal string FileName => IsNv ? $"nv-{Number:x8}.list" : $"pcr-{Number.ToString(CultureInfo.InvariantCulture)}.list";

    public override string ToString() => IsNv ? $"nv:0x{Number:x8}" : $"pcr:{Number.ToString(CultureInfo.InvariantCulture)}";
}
