using System.Buffers.Binary;

namespace Plimsoll.Inspect.Packages.Rpm;

/// <summary>The headers in a file of rpm's own database form: <c>Packages.db</c>.</summary>
/// <remarks>
/// <para>Source: rpm's lib/backend/ndb/rpmpkg.cc. A header of 32 bytes, slots of 16 bytes that name each blob's place in blocks of 16
/// bytes, and blobs with a head, a tail and an Adler-32 over head, content and padding. All numbers are little-endian.</para>
/// <para>A blob with a wrong checksum is a fault, and its package still counts: hiding one must not be as easy as one flipped bit.</para>
/// </remarks>
static class NdbFile
{
    private const uint FileMagic = 0x506d7052, SlotMagic = 0x746f6c53, HeadMagic = 0x53626c42, TailMagic = 0x45626c42;

    private const int SlotBytes = 16, FirstSlot = 2, BlockBytes = 16, PageBytes = 4096, HeadBytes = 16, TailBytes = 12;

    public static void Read(ReadOnlyMemory<byte> file, RpmPackages packages)
    {
        ReadOnlySpan<byte> bytes = file.Span;
        if (bytes.Length < FirstSlot * SlotBytes || Number(bytes, 0) != FileMagic || Number(bytes, 4) != 0)
        {
            packages.Fault($"{bytes.Length} bytes that are no ndb database of version 0");
            return;
        }
        long slotBytes = (long)Number(bytes, 12) * PageBytes;
        if (slotBytes == 0 || slotBytes > bytes.Length)
        {
            packages.Fault($"the header states {slotBytes} bytes of slots; the file has {bytes.Length}");
            slotBytes = Math.Min(bytes.Length, Math.Max(slotBytes, PageBytes));
        }
        HashSet<uint> seen = [];
        for (int at = FirstSlot * SlotBytes; at + SlotBytes <= slotBytes && !packages.IsFull; at += SlotBytes)
        {
            uint index = Number(bytes, at + 4), block = Number(bytes, at + 8), blocks = Number(bytes, at + 12);
            if (Number(bytes, at) != SlotMagic)
                packages.Fault($"what lies at {at} is no slot");
            else if (block == 0)
                continue;
            else if (index == 0 || !seen.Add(index))
                packages.Fault($"the slot at {at} is of package {index}, which is none or was there before");
            else
                ReadBlob(file, index, block, blocks, slotBytes, packages);
        }
    }

    private static void ReadBlob(ReadOnlyMemory<byte> file, uint index, uint block, uint blocks, long slotBytes, RpmPackages packages)
    {
        long start = (long)block * BlockBytes, length = (long)blocks * BlockBytes;
        if (start < slotBytes || length < HeadBytes + TailBytes || start + length > file.Length)
        {
            packages.Fault($"package {index} lies at {start} with {length} bytes; the file has {file.Length}");
            return;
        }
        if (!packages.Take(length))
            return;
        ReadOnlyMemory<byte> blob = file.Slice((int)start, (int)length);
        ReadOnlySpan<byte> bytes = blob.Span;
        uint content = Number(bytes, 12);
        if (Number(bytes, 0) != HeadMagic || Number(bytes, 4) != index || content > length - HeadBytes - TailBytes)
        {
            packages.Fault($"package {index}: what lies at {start} is no blob of it");
            return;
        }
        int tail = bytes.Length - TailBytes;
        if (Number(bytes, tail + 8) != TailMagic || Number(bytes, tail + 4) != content || Number(bytes, tail) != Adler32(bytes[..tail]))
            packages.Fault($"package {index}: its checksum or its end differs from what was written");
        packages.Add(blob.Slice(HeadBytes, (int)content), $"package {index}");
    }

    private static uint Number(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static uint Adler32(ReadOnlySpan<byte> bytes)
    {
        const int most = 5552;
        uint a = 1, b = 0;
        while (bytes.Length > 0)
        {
            // So many sums fit into 32 bits before the remainder must be taken.
            int part = Math.Min(bytes.Length, most);
            foreach (byte value in bytes[..part])
                b += a += value;
            a %= 65521;
            b %= 65521;
            bytes = bytes[part..];
        }
        return b << 16 | a;
    }
}
