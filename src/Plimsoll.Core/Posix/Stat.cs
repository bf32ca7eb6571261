using System.Runtime.InteropServices;

namespace Plimsoll.Posix;

/// <summary>What <c>statx</c> says of a file. One layout on every processor.</summary>
/// <remarks>Source: Linux, include/uapi/linux/stat.h.</remarks>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct Stat
{
    /// <summary>STATX_BASIC_STATS and STATX_MNT_ID.</summary>
    public const uint Mask = 0x7ff | HasMountId;

    private const uint HasMountId = 0x1000;

    [FieldOffset(0x00)] private readonly uint _mask;
    [FieldOffset(0x14)] public readonly uint Uid;
    [FieldOffset(0x18)] public readonly uint Gid;
    [FieldOffset(0x1c)] private readonly ushort _mode;
    [FieldOffset(0x20)] public readonly ulong Inode;
    [FieldOffset(0x28)] public readonly long Size;
    [FieldOffset(0x60)] public readonly long ChangeSeconds;
    [FieldOffset(0x68)] public readonly uint ChangeNanoseconds;
    [FieldOffset(0x70)] public readonly long ModifySeconds;
    [FieldOffset(0x78)] public readonly uint ModifyNanoseconds;
    [FieldOffset(0x80)] public readonly uint NodeMajor;
    [FieldOffset(0x84)] public readonly uint NodeMinor;
    [FieldOffset(0x88)] private readonly uint _deviceMajor;
    [FieldOffset(0x8c)] private readonly uint _deviceMinor;
    [FieldOffset(0x90)] private readonly ulong _mountId;

    public readonly ulong Device => (ulong)_deviceMajor << 32 | _deviceMinor;

    /// <summary>Differs between mounts; kernels before 5.8 do not tell it, so the device stands in there.</summary>
    public readonly ulong Mount => (_mask & HasMountId) != 0 ? _mountId : Device;

    /// <summary>Permission bits including setuid, setgid and sticky.</summary>
    public readonly int Permissions => _mode & 0xfff;

    public readonly bool IsFile => Kind == 8;
    public readonly bool IsFolder => Kind == 4;

    /// <summary>The kind of file in the numbers that getdents64 uses too (DT_REG is 8 …).</summary>
    public readonly int Kind => _mode >> 12;
}
