using System.Buffers.Binary;
using System.Text;

namespace Plimsoll.Posix;

/// <summary>Reads the records that <c>getdents64</c> fills a buffer with.</summary>
internal static class FolderRecords
{
    private const int HeadBytes = 19;

    /// <summary>Names but <c>.</c> and <c>..</c>, in the kernel's order; one that is no UTF-8 has U+FFFD in it.</summary>
    public static List<string> NamesIn(ReadOnlySpan<byte> listing)
    {
        List<string> names = [];
        // struct linux_dirent64: inode 8, offset 8, record length 2, kind 1, name with a zero byte.
        for (int at = 0; at + HeadBytes <= listing.Length;)
        {
            int record = BinaryPrimitives.ReadUInt16LittleEndian(listing[(at + 16)..]);
            ReadOnlySpan<byte> name = listing[(at + HeadBytes)..(at + record)];
            name = name[..name.IndexOf((byte)0)];
            at += record;
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                names.Add(Encoding.UTF8.GetString(name));
        }
        return names;
    }
}
