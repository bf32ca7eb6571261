using System.Buffers.Binary;
using System.Text;
using Plimsoll.Inspect.Packages.Programs;

namespace Plimsoll.Inspect.Packages.Go;

/// <summary>What Go's linker wrote into a program: the compiler's version and the modules.</summary>
/// <remarks>
/// Since Go 1.18 both texts stand behind the mark; before, the mark is followed by the addresses of two string headers. The mark lies in the section
/// <c>.go.buildinfo</c>, or where headers of sections are missing in a writable segment, at a multiple of 16.
/// Source: Go, debug/buildinfo/buildinfo.go; runtime/debug/mod.go.
/// </remarks>
sealed record GoBuildInfo(string Version, string Modules)
{
    private const int HeaderBytes = 32, Alignment = 16, MaxVersionBytes = 256;

    /// <summary>4 MiB; Kubernetes' largest programs have 40 KB.</summary>
    private const int MaxModuleBytes = 4 << 20;

    private static ReadOnlySpan<byte> Mark => [0xff, (byte)' ', (byte)'G', (byte)'o', (byte)' ', (byte)'b', (byte)'u', (byte)'i', (byte)'l', (byte)'d', (byte)'i', (byte)'n', (byte)'f', (byte)':'];

    /// <returns>Null when the program was not made by Go; the fault when it was and its information cannot be read.</returns>
    public static GoBuildInfo? Read(ProgramFile program, ReadOnlySpan<byte> file, out string? fault)
    {
        fault = null;
        if (program.Section(".go.buildinfo") is { } section && Find(file.Slice(section.Offset, section.Length)) is >= 0 and int within)
            return ReadAt(program, file, section.Offset + within, out fault);
        foreach (ProgramPart segment in program.Segments)
            if (segment.Writable && Find(file.Slice(segment.Offset, segment.Length)) is >= 0 and int at)
                return ReadAt(program, file, segment.Offset + at, out fault);
        return null;
    }

    private static int Find(ReadOnlySpan<byte> part)
    {
        for (int at = 0; at <= part.Length - HeaderBytes;)
        {
            int next = part[at..].IndexOf(Mark);
            if (next < 0 || at + next > part.Length - HeaderBytes)
                return -1;
            at += next;
            if (at % Alignment == 0)
                return at;
            at++;
        }
        return -1;
    }

    private static GoBuildInfo? ReadAt(ProgramFile program, ReadOnlySpan<byte> file, int at, out string? fault)
    {
        int pointerBytes = file[at + 14];
        bool inline = (file[at + 15] & 2) != 0, bigEndian = (file[at + 15] & 1) != 0;
        ReadOnlySpan<byte> version, modules;
        if (inline)
        {
            int first = TextLength(file, at + HeaderBytes, MaxVersionBytes, out int versionAt);
            int second = first < 0 ? -1 : TextLength(file, versionAt + first, MaxModuleBytes, out _);
            if (second < 0)
            {
                fault = "a length in Go's build information leads out of the file or is too large";
                return null;
            }
            version = file.Slice(versionAt, first);
            TextLength(file, versionAt + first, MaxModuleBytes, out int modulesAt);
            modules = file.Slice(modulesAt, second);
        }
        else if (pointerBytes is not (4 or 8))
        {
            fault = $"Go's build information speaks of addresses of {pointerBytes} bytes";
            return null;
        }
        else
        {
            version = StringAt(Pointer(file[(at + 16)..]), file, MaxVersionBytes);
            modules = StringAt(Pointer(file[(at + 16 + pointerBytes)..]), file, MaxModuleBytes);
        }
        fault = version.IsEmpty ? "Go's build information has no version, or one that lies outside of the file" : null;
        // The text stands between two marks of 16 bytes, which only the runtime looks at.
        if (modules.Length >= 33 && modules[^17] == (byte)'\n')
            modules = modules[16..^16];
        else
            modules = default;
        return fault is null ? new GoBuildInfo(Fields.Shown(version), Encoding.UTF8.GetString(modules)) : null;

        ulong Pointer(ReadOnlySpan<byte> from) => pointerBytes == 8
            ? bigEndian ? BinaryPrimitives.ReadUInt64BigEndian(from) : BinaryPrimitives.ReadUInt64LittleEndian(from)
            : bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(from) : BinaryPrimitives.ReadUInt32LittleEndian(from);

        ReadOnlySpan<byte> StringAt(ulong header, ReadOnlySpan<byte> whole, int maxBytes)
        {
            ReadOnlySpan<byte> text = program.At(whole, header);
            if (text.Length < 2 * pointerBytes)
                return default;
            ulong length = Pointer(text[pointerBytes..]);
            ReadOnlySpan<byte> bytes = program.At(whole, Pointer(text));
            return length > (ulong)maxBytes || length > (ulong)bytes.Length ? default : bytes[..(int)length];
        }
    }

    /// <summary>Reads a length of seven bits a byte, lowest first, before a text.</summary>
    /// <returns>The length, or -1 when the text would be too long or lead out of the file.</returns>
    private static int TextLength(ReadOnlySpan<byte> file, int at, int maxBytes, out int text)
    {
        long length = 0;
        text = at;
        for (int i = 0; i < 5 && text < file.Length; i++)
        {
            byte part = file[text++];
            length |= (long)(part & 0x7f) << (7 * i);
            if (part < 0x80)
                return length <= maxBytes && length <= file.Length - text ? (int)length : -1;
        }
        return -1;
    }
}
