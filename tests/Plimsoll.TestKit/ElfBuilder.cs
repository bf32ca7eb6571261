using System.Buffers.Binary;
using System.Text;

namespace Plimsoll.TestKit;

/// <summary>Makes small 64-bit little-endian ELF executables: one readable and one writable segment, and named sections.</summary>
public sealed class ElfBuilder
{
    /// <summary>Where the file's first byte lies when it runs.</summary>
    public const ulong Base = 0x400000;

    private const int HeaderBytes = 64, SegmentBytes = 56, SectionBytes = 64, Start = 512;
    private readonly List<byte> _body = [];
    private readonly List<(string Name, int Offset, int Length)> _sections = [];
    private int _writableFrom = int.MaxValue;

    /// <summary>Offset in the file of what is added next.</summary>
    public int Next => Start + _body.Count;

    public ElfBuilder Align(int bytes)
    {
        while (Next % bytes != 0)
            _body.Add(0);
        return this;
    }

    public ElfBuilder Add(ReadOnlySpan<byte> bytes)
    {
        _body.AddRange(bytes);
        return this;
    }

    public ElfBuilder Add(string text) => Add(Encoding.Latin1.GetBytes(text));

    public ElfBuilder Word(ulong value)
    {
        byte[] word = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(word, value);
        return Add(word);
    }

    /// <summary>All that follows lies in the writable segment.</summary>
    public ElfBuilder Writable()
    {
        Align(16);
        _writableFrom = Next;
        return this;
    }

    public ElfBuilder Section(string name, byte[] content)
    {
        Align(16);
        _sections.Add((name, Next, content.Length));
        return Add(content);
    }

    public byte[] Build(bool withSections = true)
    {
        int bodyEnd = Next, writable = Math.Min(_writableFrom, bodyEnd);
        byte[] names = Encoding.ASCII.GetBytes("\0.shstrtab\0" + string.Concat(_sections.Select(s => s.Name + "\0")));
        int count = withSections ? _sections.Count + 2 : 0, table = bodyEnd + names.Length;
        byte[] file = new byte[withSections ? table + (count * SectionBytes) : bodyEnd];
        "\x7f"u8.CopyTo(file);
        "ELF"u8.CopyTo(file.AsSpan(1));
        (file[4], file[5], file[6]) = (2, 1, 1);
        Half(16, 2);
        Half(18, 62);
        Long(32, HeaderBytes);
        Long(40, withSections ? table : 0);
        Half(52, HeaderBytes);
        Half(54, SegmentBytes);
        Half(56, 2);
        Half(58, SectionBytes);
        Half(60, count);
        Half(62, withSections ? 1 : 0);
        Segment(HeaderBytes, 5, 0, writable);
        Segment(HeaderBytes + SegmentBytes, 6, writable, bodyEnd - writable);
        _body.CopyTo(0, file, Start, _body.Count);
        if (!withSections)
            return file;
        names.CopyTo(file, bodyEnd);
        Row(1, 1, bodyEnd, names.Length);
        int name = 11;
        for (int i = 0; i < _sections.Count; i++)
        {
            Row(i + 2, name, _sections[i].Offset, _sections[i].Length);
            name += _sections[i].Name.Length + 1;
        }
        return file;

        void Half(int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), (ushort)value);
        void Int(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
        void Long(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(at), value);

        void Segment(int at, int flags, int offset, int length)
        {
            Int(at, 1);
            Int(at + 4, flags);
            Long(at + 8, offset);
            Long(at + 16, (long)Base + offset);
            Long(at + 32, length);
            Long(at + 40, length);
        }

        void Row(int index, int nameAt, int offset, int length)
        {
            int at = table + (index * SectionBytes);
            Int(at, nameAt);
            Int(at + 4, 1);
            Long(at + 16, (long)Base + offset);
            Long(at + 24, offset);
            Long(at + 32, length);
        }
    }
}
