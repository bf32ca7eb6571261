using System.Buffers.Binary;

namespace Plimsoll.Posix;

/// <summary>The records that <see cref="Native.ReadFolder"/> fills a buffer with, in the kernel's order and without <c>.</c> and <c>..</c>: <c>struct linux_dirent64</c>.</summary>
internal ref struct FolderRecords(ReadOnlySpan<byte> listing)
{
    // Inode 8, offset 8, record length 2, kind 1, name with a zero byte.
    private const int LengthAt = 16, KindAt = 18, HeadBytes = 19;

    private ReadOnlySpan<byte> _rest = listing;

    /// <summary>With the zero byte at its end.</summary>
    public ReadOnlySpan<byte> NameWithZero { get; private set; }

    public readonly ReadOnlySpan<byte> Name => NameWithZero[..^1];

    /// <summary>As <see cref="Stat.Kind"/>; 0 where the file system does not say.</summary>
    public byte Kind { get; private set; }

    public bool MoveNext()
    {
        while (_rest.Length >= HeadBytes)
        {
            int record = BinaryPrimitives.ReadUInt16LittleEndian(_rest[LengthAt..]);
            ReadOnlySpan<byte> name = _rest[HeadBytes..record];
            NameWithZero = name[..(name.IndexOf((byte)0) + 1)];
            Kind = _rest[KindAt];
            _rest = _rest[record..];
            if (NameWithZero is not ([(byte)'.', 0] or [(byte)'.', (byte)'.', 0]))
                return true;
        }
        return false;
    }
}
