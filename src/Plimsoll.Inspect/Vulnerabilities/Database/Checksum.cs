using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Checksums against accidents; signatures and SHA-256 stand against people.</summary>
internal static class Checksum
{
    private static readonly uint[] ZipTables = MakeZipTables();

    /// <summary>CRC-32C (Castagnoli), as iSCSI and ext4 use it: 0xe3069283 over "123456789".</summary>
    public static uint Crc32C(ReadOnlySpan<byte> data, uint seed = 0)
    {
        uint crc = ~seed;
        while (data.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[8..];
        }
        foreach (byte b in data)
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }

    /// <summary>CRC-32 as zip has it (APPNOTE 4.4.7): 0xcbf43926 over "123456789". Eight bytes a step.</summary>
    public static uint Crc32(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        ref uint t = ref MemoryMarshal.GetArrayDataReference(ZipTables);
        while (data.Length >= 8)
        {
            uint low = BinaryPrimitives.ReadUInt32LittleEndian(data) ^ crc, high = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            crc = At(ref t, 7, low) ^ At(ref t, 6, low >> 8) ^ At(ref t, 5, low >> 16) ^ At(ref t, 4, low >> 24)
                ^ At(ref t, 3, high) ^ At(ref t, 2, high >> 8) ^ At(ref t, 1, high >> 16) ^ At(ref t, 0, high >> 24);
            data = data[8..];
        }
        foreach (byte b in data)
            crc = At(ref t, 0, crc ^ b) ^ (crc >> 8);
        return ~crc;
    }

    private static uint At(ref uint tables, int table, uint value) =>
        System.Runtime.CompilerServices.Unsafe.Add(ref tables, (table << 8) + (int)(value & 0xff));

    private static uint[] MakeZipTables()
    {
        uint[] tables = new uint[8 * 256];
        for (uint i = 0; i < 256; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++)
                value = (value >> 1) ^ (0xedb88320u & (uint)-(int)(value & 1));
            tables[i] = value;
        }
        for (int i = 256; i < tables.Length; i++)
            tables[i] = tables[tables[i - 256] & 0xff] ^ (tables[i - 256] >> 8);
        return tables;
    }
}
