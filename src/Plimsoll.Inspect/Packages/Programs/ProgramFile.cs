using System.Buffers.Binary;

namespace Plimsoll.Inspect.Packages.Programs;

/// <summary>A part of a program's file and where it lies when the program runs.</summary>
/// <param name="Name">Of a section; empty for a segment.</param>
/// <param name="Offset">In the file; with <paramref name="Length"/> always within it.</param>
readonly record struct ProgramPart(string Name, ulong Address, int Offset, int Length, bool Writable)
{
    public ReadOnlyMemory<byte> Of(ReadOnlyMemory<byte> file) => file.Slice(Offset, Length);
}

/// <summary>What the headers of a program or shared library state of its parts: ELF, PE and 64-bit Mach-O.</summary>
/// <remarks>
/// Headers are hostile: a part that does not lie within the file is left out, tables are read up to a limit, and a name that runs out of its table is
/// no name. Source: System V ABI, gABI 4.1, "Object Files"; Microsoft PE Format; Apple mach-o/loader.h.
/// </remarks>
sealed class ProgramFile
{
    private const int MaxSegments = 1024, MaxSections = 65_536;

    private static ReadOnlySpan<byte> ElfMagic => [0x7f, (byte)'E', (byte)'L', (byte)'F'];

    private readonly List<ProgramPart> _segments = [];
    private readonly List<ProgramPart> _sections = [];

    private ProgramFile()
    {
    }

    /// <summary>What is mapped when the program runs.</summary>
    public IReadOnlyList<ProgramPart> Segments => _segments;

    /// <summary>The sections that this reader was asked for.</summary>
    public IReadOnlyList<ProgramPart> Sections => _sections;
    public bool IsBigEndian { get; private set; }

    /// <summary>
    /// As <see cref="MayBe(ReadOnlySpan{byte})"/>, without shared libraries that may not be executed: compilers set that right on what they make, and
    /// distributions take it from the libraries of C, which are half of all programs' bytes.
    /// </summary>
    public static bool MayBe(ReadOnlySpan<byte> path, int mode, ReadOnlySpan<byte> start)
    {
        if ((mode & 0b001_001_001) == 0 && path[(path.LastIndexOf((byte)'/') + 1)..].IndexOf(".so"u8) >= 0)
            return false;
        return MayBe(start);
    }

    /// <summary>Whether a file may be a program or shared library whose compiler left something in it.</summary>
    /// <param name="start">Up to 512 bytes.</param>
    public static bool MayBe(ReadOnlySpan<byte> start)
    {
        if (start.Length < 64)
            return false;
        if (start.StartsWith(ElfMagic))
            return (start[5] == 2 ? BinaryPrimitives.ReadUInt16BigEndian(start[16..]) : BinaryPrimitives.ReadUInt16LittleEndian(start[16..])) is 2 or 3;
        if (BinaryPrimitives.ReadUInt32LittleEndian(start) == 0xfeedfacf)
            return true;
        if (!start.StartsWith("MZ"u8))
            return false;
        long at = BinaryPrimitives.ReadUInt32LittleEndian(start[60..]);
        // Libraries and what runs on .NET are most of the PE files of an image; neither was made by the compilers that we know.
        if (at + 24 + 240 > start.Length || !start[(int)at..].StartsWith("PE\0\0"u8))
            return at + 24 + 240 > start.Length && at < 1 << 20;
        ReadOnlySpan<byte> header = start[(int)at..];
        bool isLibrary = (BinaryPrimitives.ReadUInt16LittleEndian(header[22..]) & 0x2000) != 0;
        int directories = BinaryPrimitives.ReadUInt16LittleEndian(header[24..]) == 0x20b ? 24 + 112 : 24 + 96;
        bool isManaged = BinaryPrimitives.ReadUInt32LittleEndian(header[(directories + (14 * 8))..]) != 0;
        return !isLibrary && !isManaged;
    }

    /// <returns>Null when the file is none of the three forms.</returns>
    public static ProgramFile? Read(ReadOnlySpan<byte> file)
    {
        ProgramFile program = new();
        bool known = file.Length >= 64 && (file.StartsWith(ElfMagic) ? program.ReadElf(file)
            : file.StartsWith("MZ"u8) ? program.ReadPe(file)
            : BinaryPrimitives.ReadUInt32LittleEndian(file) == 0xfeedfacf && program.ReadMachO(file));
        return known ? program : null;
    }

    public ProgramPart? Section(string name)
    {
        foreach (ProgramPart section in _sections)
            if (section.Name == name)
                return section;
        return null;
    }

    /// <summary>The bytes that lie at an address when the program runs, to the end of their segment.</summary>
    public ReadOnlySpan<byte> At(ReadOnlySpan<byte> file, ulong address)
    {
        foreach (ProgramPart segment in _segments)
            if (address >= segment.Address && address - segment.Address < (ulong)segment.Length)
                return file.Slice(segment.Offset, segment.Length)[(int)(address - segment.Address)..];
        return default;
    }

    private void AddSegment(ReadOnlySpan<byte> file, ulong address, ulong offset, ulong length, bool writable)
    {
        if (_segments.Count < MaxSegments && offset < (ulong)file.Length && length > 0)
            _segments.Add(new ProgramPart("", address, (int)offset, (int)Math.Min(length, (ulong)file.Length - offset), writable));
    }

    private void AddSection(ReadOnlySpan<byte> file, ReadOnlySpan<byte> name, ulong address, ulong offset, ulong length)
    {
        // Those that anyone asks for; a hostile table of 65 536 names makes no list.
        string? known = name.SequenceEqual(".go.buildinfo"u8) || name.SequenceEqual("__go_buildinfo"u8) ? ".go.buildinfo" : name.SequenceEqual(".dep-v0"u8) ? ".dep-v0" : null;
        if (known is not null && _sections.Count < 16 && offset < (ulong)file.Length && length <= (ulong)file.Length - offset)
            _sections.Add(new ProgramPart(known, address, (int)offset, (int)length, false));
    }

    private bool ReadElf(ReadOnlySpan<byte> file)
    {
        bool is64 = file[4] == 2;
        IsBigEndian = file[5] == 2;
        if (file[4] is not (1 or 2) || file[5] is not (1 or 2))
            return false;
        int word = is64 ? 8 : 4;
        ulong segments = Word(file, 24 + word), sections = Word(file, 24 + (2 * word));
        int counts = is64 ? 54 : 42;
        int segmentBytes = Half(file, counts), segmentCount = Half(file, counts + 2), sectionBytes = Half(file, counts + 4), sectionCount = Half(file, counts + 6), names = Half(file, counts + 8);
        if (segmentBytes >= (is64 ? 56 : 32))
            for (int i = 0; i < Math.Min(segmentCount, MaxSegments); i++)
            {
                if (Row(file, segments, segmentBytes, i) is not { IsEmpty: false } row)
                    break;
                // PT_LOAD; the flags stand second in the 64-bit form and second to last in the other.
                if (Int(row, 0) == 1)
                    AddSegment(file, Word(row, is64 ? 16 : 8), Word(row, is64 ? 8 : 4), Word(row, is64 ? 32 : 16), (Int(row, is64 ? 4 : 24) & 2) != 0);
            }
        if (sectionBytes < (is64 ? 64 : 40) || sectionCount > MaxSections)
            return true;
        ReadOnlySpan<byte> nameRow = Row(file, sections, sectionBytes, names);
        ulong namesAt = nameRow.IsEmpty ? ulong.MaxValue : Word(nameRow, is64 ? 24 : 16), namesLength = nameRow.IsEmpty ? 0 : Word(nameRow, is64 ? 32 : 20);
        if (namesAt >= (ulong)file.Length)
            return true;
        ReadOnlySpan<byte> table = file.Slice((int)namesAt, (int)Math.Min(namesLength, (ulong)file.Length - namesAt));
        for (int i = 0; i < sectionCount; i++)
        {
            if (Row(file, sections, sectionBytes, i) is not { IsEmpty: false } row)
                break;
            uint name = Int(row, 0);
            // SHT_NOBITS (8) has no bytes in the file.
            if (name < table.Length && Int(row, 4) != 8)
                AddSection(file, Text(table[(int)name..]), Word(row, is64 ? 16 : 12), Word(row, is64 ? 24 : 16), Word(row, is64 ? 32 : 20));
        }
        return true;

        ulong Word(ReadOnlySpan<byte> from, int at) => is64 ? IsBigEndian ? BinaryPrimitives.ReadUInt64BigEndian(from[at..]) : BinaryPrimitives.ReadUInt64LittleEndian(from[at..]) : Int(from, at);
        uint Int(ReadOnlySpan<byte> from, int at) => IsBigEndian ? BinaryPrimitives.ReadUInt32BigEndian(from[at..]) : BinaryPrimitives.ReadUInt32LittleEndian(from[at..]);
        int Half(ReadOnlySpan<byte> from, int at) => IsBigEndian ? BinaryPrimitives.ReadUInt16BigEndian(from[at..]) : BinaryPrimitives.ReadUInt16LittleEndian(from[at..]);
    }

    private bool ReadPe(ReadOnlySpan<byte> file)
    {
        uint at = BinaryPrimitives.ReadUInt32LittleEndian(file[60..]);
        if (at > file.Length - 264L || !file[(int)at..].StartsWith("PE\0\0"u8))
            return false;
        ReadOnlySpan<byte> header = file[(int)at..];
        int count = BinaryPrimitives.ReadUInt16LittleEndian(header[6..]), optional = BinaryPrimitives.ReadUInt16LittleEndian(header[20..]);
        bool is64 = BinaryPrimitives.ReadUInt16LittleEndian(header[24..]) == 0x20b;
        ulong image = is64 ? BinaryPrimitives.ReadUInt64LittleEndian(header[48..]) : BinaryPrimitives.ReadUInt32LittleEndian(header[52..]);
        for (int i = 0; i < Math.Min(count, MaxSegments); i++)
        {
            if (Row(header, 24UL + (ulong)optional, 40, i) is not { IsEmpty: false } row)
                break;
            ulong address = image + BinaryPrimitives.ReadUInt32LittleEndian(row[12..]), offset = BinaryPrimitives.ReadUInt32LittleEndian(row[20..]), length = BinaryPrimitives.ReadUInt32LittleEndian(row[16..]);
            AddSegment(file, address, offset, length, (BinaryPrimitives.ReadUInt32LittleEndian(row[36..]) & 0x8000_0000) != 0);
            AddSection(file, Text(row[..8]), address, offset, length);
        }
        return true;
    }

    private bool ReadMachO(ReadOnlySpan<byte> file)
    {
        uint commands = BinaryPrimitives.ReadUInt32LittleEndian(file[16..]);
        int at = 32;
        for (uint i = 0; i < Math.Min(commands, MaxSegments) && at <= file.Length - 8; i++)
        {
            ReadOnlySpan<byte> command = file[at..];
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(command[4..]);
            if (length < 8 || length > command.Length)
                break;
            // LC_SEGMENT_64 (0x19): name 16, address, size, file offset, file size, protections, count of sections.
            if (BinaryPrimitives.ReadUInt32LittleEndian(command) == 0x19 && length >= 72)
            {
                AddSegment(file, BinaryPrimitives.ReadUInt64LittleEndian(command[24..]), BinaryPrimitives.ReadUInt64LittleEndian(command[40..]), BinaryPrimitives.ReadUInt64LittleEndian(command[48..]),
                    (BinaryPrimitives.ReadUInt32LittleEndian(command[60..]) & 2) != 0);
                uint sections = BinaryPrimitives.ReadUInt32LittleEndian(command[64..]);
                for (int s = 0; s < Math.Min(sections, MaxSegments); s++)
                {
                    if (Row(command[..(int)length], 72, 80, s) is not { IsEmpty: false } row)
                        break;
                    AddSection(file, Text(row[..16]), BinaryPrimitives.ReadUInt64LittleEndian(row[32..]), BinaryPrimitives.ReadUInt32LittleEndian(row[48..]), BinaryPrimitives.ReadUInt64LittleEndian(row[40..]));
                }
            }
            at += (int)length;
        }
        return true;
    }

    /// <summary>Row i of a table; empty when it does not lie within the file.</summary>
    private static ReadOnlySpan<byte> Row(ReadOnlySpan<byte> file, ulong table, int rowBytes, int i)
    {
        ulong at = table + ((ulong)i * (ulong)rowBytes);
        return at < table || rowBytes == 0 || at > (ulong)file.Length || (ulong)rowBytes > (ulong)file.Length - at ? default : file.Slice((int)at, rowBytes);
    }

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> field)
    {
        int zero = field[..Math.Min(field.Length, 64)].IndexOf((byte)0);
        return zero < 0 ? field[..Math.Min(field.Length, 64)] : field[..zero];
    }
}
