using System.Buffers.Binary;

namespace Plimsoll.Docker;

/// <summary>CRC-64 with the ISO 3309 polynomial, as Go's hash/crc64 computes it and tar-split stores it.</summary>
/// <remarks>No defence against anybody; it only helps to say which file of a layer changed.</remarks>
internal static class Crc64
{
    private const ulong Polynomial = 0xD800000000000000;

    /// <summary>Eight tables of 256: eight bytes a step.</summary>
    private static readonly ulong[] Tables = MakeTables();

    /// <param name="crc">0 at the start, then what the last call returned.</param>
    public static ulong Update(ulong crc, ReadOnlySpan<byte> data)
    {
        ulong[] tables = Tables;
        crc = ~crc;
        for (; data.Length >= 8; data = data[8..])
        {
            crc ^= BinaryPrimitives.ReadUInt64LittleEndian(data);
            crc = tables[0x700 + (int)(crc & 0xff)] ^ tables[0x600 + (int)(crc >> 8 & 0xff)]
                ^ tables[0x500 + (int)(crc >> 16 & 0xff)] ^ tables[0x400 + (int)(crc >> 24 & 0xff)]
                ^ tables[0x300 + (int)(crc >> 32 & 0xff)] ^ tables[0x200 + (int)(crc >> 40 & 0xff)]
                ^ tables[0x100 + (int)(crc >> 48 & 0xff)] ^ tables[(int)(crc >> 56)];
        }
        foreach (byte b in data)
            crc = tables[(byte)crc ^ b] ^ crc >> 8;
        return ~crc;
    }

    private static ulong[] MakeTables()
    {
        ulong[] tables = new ulong[8 * 256];
        for (int i = 0; i < 256; i++)
        {
            ulong crc = (ulong)i;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? crc >> 1 ^ Polynomial : crc >> 1;
            tables[i] = crc;
        }
        for (int i = 256; i < tables.Length; i++)
            tables[i] = tables[(byte)tables[i - 256]] ^ tables[i - 256] >> 8;
        return tables;
    }
}
