using System.Globalization;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Configuration;

/// <summary>What an entry's header said, as it travels in <see cref="Layers.Hit.Detail"/>.</summary>
/// <param name="Type">A hard link is its file.</param>
/// <param name="Mode">Permission bits including setuid, setgid and sticky.</param>
/// <param name="Capability">Hex of the attribute's value; empty for none.</param>
/// <param name="OfBusybox">A link whose target is busybox: one of its many names.</param>
internal sealed record EntryFact(EntryType Type, int Mode, long Uid, long Gid, string Capability, long Major, long Minor, bool OfBusybox)
{
    public const int Setuid = 0x800, Setgid = 0x400, Sticky = 0x200, WritableByAll = 2, AnyExecute = 0b001_001_001;

    public bool IsFile => Type == EntryType.File;

    public bool IsPrivileged => IsFile && (Mode & AnyExecute) != 0 && (Mode & (Setuid | Setgid)) != 0;

    public bool IsWritableByAll => (Mode & WritableByAll) != 0 && (IsFile || Type == EntryType.Directory && (Mode & Sticky) == 0);

    public string OctalMode => Convert.ToString(Mode, 8).PadLeft(4, '0');

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(int)Type} {OctalMode} {Uid} {Gid} {(Capability.Length == 0 ? "-" : Capability)} {Major} {Minor} {(OfBusybox ? 1 : 0)}");

    /// <exception cref="FormatException">The text is none that <see cref="ToString"/> wrote.</exception>
    public static EntryFact Parse(string detail)
    {
        string[] parts = detail.Split(' ');
        if (parts.Length != 8)
            throw new FormatException($"{parts.Length} parts where 8 are expected");
        return new EntryFact((EntryType)Number(0), Convert.ToInt32(parts[1], 8), Number(2), Number(3), parts[4] == "-" ? "" : parts[4], Number(5), Number(6), Number(7) != 0);

        long Number(int part) => long.Parse(parts[part], CultureInfo.InvariantCulture);
    }
}
