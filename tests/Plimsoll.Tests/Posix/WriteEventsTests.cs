using System.Buffers.Binary;
using Plimsoll.Posix;

namespace Plimsoll.Tests.Posix;

public sealed class WriteEventsTests
{
    private static readonly byte[] Handle = [1, 2, 3, 4, 5, 6, 7, 8];

    /// <summary>A record as Linux writes it: the event, and the file that it is of.</summary>
    private static byte[] Event(byte[] handle, int kind = 1, ulong mask = 2, byte info = 1)
    {
        byte[] record = new byte[24 + 20 + handle.Length];
        BinaryPrimitives.WriteInt32LittleEndian(record, record.Length);
        record[4] = 3;
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(6), 24);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(8), mask);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(16), -1);
        record[24] = info;
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(26), (ushort)(20 + handle.Length));
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(36), handle.Length);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(40), kind);
        handle.CopyTo(record, 44);
        return record;
    }

    /// <summary>What the kernel says when it had to throw events away: no file.</summary>
    private static byte[] Overflow()
    {
        byte[] record = Event([], mask: 0x4000)[..24];
        BinaryPrimitives.WriteInt32LittleEndian(record, 24);
        return record;
    }

    private static (int Count, bool Lost, List<ulong> Seen) Parse(params byte[][] records)
    {
        List<ulong> seen = [];
        int count = WriteEvents.Parse(records.SelectMany(r => r).ToArray(), seen.Add, out bool lost);
        return (count, lost, seen);
    }

    [Fact]
    public void Parse_SeveralEvents_SeesEachFile()
    {
        byte[] other = [9, 2, 3, 4, 5, 6, 7, 8, 9];

        (int count, bool lost, List<ulong> seen) = Parse(Event(Handle), Event(other), Event(Handle, mask: 0x40000100));

        Assert.Equal(3, count);
        Assert.False(lost);
        Assert.Equal([WriteEvents.KeyOf(1, Handle), WriteEvents.KeyOf(1, other), WriteEvents.KeyOf(1, Handle)], seen);
    }

    [Fact]
    public void Parse_Overflow_IsLost()
    {
        (int count, bool lost, List<ulong> seen) = Parse(Event(Handle), Overflow(), Event(Handle));

        Assert.Equal(3, count);
        Assert.True(lost);
        Assert.Equal(2, seen.Count);
    }

    [Theory]
    [InlineData("version")]
    [InlineData("other-info")]
    [InlineData("no-handle")]
    [InlineData("handle-too-long")]
    [InlineData("cut")]
    [InlineData("length-zero")]
    public void Parse_NotUnderstood_IsLost(string what)
    {
        byte[] record = Event(Handle);
        switch (what)
        {
            case "version":
                record[4] = 9;
                break;
            case "other-info":
                record = Event(Handle, info: 7);
                break;
            case "no-handle":
                record = Event([]);
                break;
            case "handle-too-long":
                record[36] = 9;
                break;
            case "cut":
                record = record[..^1];
                break;
            case "length-zero":
                record[0] = 0;
                break;
        }

        Assert.True(Parse(Event(Handle), record).Lost);
        Assert.False(Parse(Event(Handle), Event(Handle)).Lost);
    }

    [Fact]
    public void KeyOf_EveryByteAndTheKind_Count()
    {
        HashSet<ulong> keys = [WriteEvents.KeyOf(1, Handle), WriteEvents.KeyOf(2, Handle), WriteEvents.KeyOf(1, Handle.AsSpan(0, 7))];
        for (int i = 0; i < Handle.Length; i++)
        {
            byte[] other = [.. Handle];
            other[i] ^= 1;
            keys.Add(WriteEvents.KeyOf(1, other));
        }

        Assert.Equal(3 + Handle.Length, keys.Count);
        Assert.Equal(WriteEvents.KeyOf(1, Handle), WriteEvents.KeyOf(1, [.. Handle]));
    }
}
