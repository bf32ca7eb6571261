using System.Buffers.Binary;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Programs;

namespace Plimsoll.Inspect.Packages.DotNet;

/// <summary>A .NET program published as a single file: its deps.json lies within the executable.</summary>
/// <remarks>
/// The host carries a mark of 32 bytes with the offset of the bundle's header before it; zero in a host that carries no bundle.
/// Source: dotnet/runtime, src/native/corehost/bundle (bundle_marker.cpp, header.h, file_entry.h).
/// </remarks>
public sealed class DotNetBundleAnalyser : ProgramAnalyser
{
    private const string Corrupt = "program-metadata-corrupt";
    private const int MaxDepsBytes = 32 << 20, MaxFiles = 100_000;
    private const byte DepsJsonType = 3;

    /// <summary>SHA-256 of ".net core bundle\n".</summary>
    private static ReadOnlySpan<byte> Mark =>
    [
        0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32,
        0x13, 0xf5, 0xb9, 0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
    ];

    public override string Id => "dotnet-bundle";

    public override int Version => 1;

    public override FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (ProgramFile.Read(content.Span) is not { } program || HeaderOffset(program, content.Span) is not (> 0 and long header))
            return null;
        GapList gaps = new(path);
        IReadOnlyList<Package> packages = [];
        if (FindDeps(content, header, out string? fault) is { } deps)
            packages = DepsJson.Read(deps, "the bundle's deps.json", gaps);
        if (fault is not null)
            gaps.Add(Corrupt, fault);
        IReadOnlyList<Gap> found = gaps.ToList();
        return packages.Count == 0 && found.Count == 0 ? null
            : new FileFacts { Path = path, Analyser = Id, Packages = packages, Gaps = found, Checksums = packages.Count == 0 ? [] : FileChecksums.Of(path, content) };
    }

    /// <returns>0 or less when the program carries no bundle.</returns>
    private static long HeaderOffset(ProgramFile program, ReadOnlySpan<byte> file)
    {
        foreach (ProgramPart segment in program.Segments)
        {
            if (!segment.Writable)
                continue;
            int at = file.Slice(segment.Offset, segment.Length).IndexOf(Mark);
            if (at >= 8)
                return BinaryPrimitives.ReadInt64LittleEndian(file[(segment.Offset + at - 8)..]);
        }
        return 0;
    }

    /// <returns>Null when the bundle has none, or <paramref name="fault"/> says why it cannot be read.</returns>
    private static ReadOnlyMemory<byte>? FindDeps(ReadOnlyMemory<byte> file, long header, out string? fault)
    {
        fault = null;
        Reader reader = new(file.Span, header);
        uint major = (uint)reader.Number(4);
        _ = reader.Number(4);
        long files = reader.Number(4);
        reader.Text();
        long offset, length;
        if (reader.Failed || major is 0 or > 255)
        {
            fault = $"the header of its bundle, at byte {header}, cannot be read";
            return null;
        }
        if (major >= 2)
            (offset, length) = (reader.Number(8), reader.Number(8));
        else
        {
            (offset, length) = (0, 0);
            for (long i = 0; i < Math.Min(files, MaxFiles) && !reader.Failed; i++)
            {
                long at = reader.Number(8), size = reader.Number(8);
                byte type = (byte)reader.Number(1);
                reader.Text();
                if (type == DepsJsonType)
                    (offset, length) = (at, size);
            }
        }
        if (!reader.Failed && length == 0)
            return null;
        if (!reader.Failed && offset > 0 && length is > 0 and <= MaxDepsBytes && offset <= file.Length - length)
            return file.Slice((int)offset, (int)length);
        fault = $"its bundle states a deps.json of {length} bytes at {offset}, in a file of {file.Length}";
        return null;
    }

    private ref struct Reader(ReadOnlySpan<byte> file, long start)
    {
        private readonly ReadOnlySpan<byte> _file = file;
        private long _at = start;

        public bool Failed { get; private set; }

        public long Number(int bytes)
        {
            if (Failed || _at < 0 || _at > _file.Length - bytes)
            {
                Failed = true;
                return 0;
            }
            ReadOnlySpan<byte> number = _file.Slice((int)_at, bytes);
            _at += bytes;
            return bytes switch
            {
                1 => number[0],
                4 => BinaryPrimitives.ReadUInt32LittleEndian(number),
                _ => BinaryPrimitives.ReadInt64LittleEndian(number),
            };
        }

        /// <summary>A text behind its length, which has one or two bytes.</summary>
        public void Text()
        {
            long length = Number(1);
            if (length >= 0x80)
                length = (length & 0x7f) | (Number(1) << 7);
            _at += length;
            Failed |= _at > _file.Length;
        }
    }
}
