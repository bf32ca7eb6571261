using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Plimsoll.Inspect.Packages.Rpm;

/// <summary>The files that a header claims and that an analyser may want, one after the other.</summary>
/// <remarks>
/// A path is its folder (DIRNAMES at DIRINDEXES) and its name (BASENAMES). FILESTATES says which were really installed: 0 is
/// normal, 1 replaced by another package's, 2 not installed. Source: rpm's docs/manual/tags.md and rpmfiles.h.
/// </remarks>
sealed class RpmFiles
{
    /// <summary>Linux's own limit on a path.</summary>
    public const int MaxPathBytes = 4096;

    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdefABCDEF"u8);

    private readonly ReadOnlyMemory<byte> _folderData, _indexes, _states;
    private readonly int[] _folders = [];
    private readonly int _count, _stateCount, _digestCount;
    private ReadOnlyMemory<byte> _names, _digests;
    private int _at;

    public RpmFiles(RpmHeader header)
    {
        if (!header.TryArray(RpmTag.BaseNames, RpmType.StringArray, out _names, out _count))
            return;
        if (!header.TryArray(RpmTag.DirIndexes, RpmType.Int32, out _indexes, out int indexes) || indexes != _count || _indexes.Length < 4L * _count
            || !header.TryArray(RpmTag.DirNames, RpmType.StringArray, out _folderData, out int folders))
        {
            Stop("BASENAMES without as many DIRINDEXES, or without DIRNAMES");
            return;
        }
        if (!header.TryArray(RpmTag.FileDigests, RpmType.StringArray, out _digests, out _digestCount) || _digestCount != _count)
            _digestCount = 0;
        if (!header.TryArray(RpmTag.FileStates, RpmType.Char, out _states, out _stateCount) || _stateCount != _count)
            _stateCount = 0;
        List<int> starts = [];
        int start = 0;
        for (int i = 0; i < folders; i++)
        {
            int end = _folderData.Span[start..].IndexOf((byte)0);
            if (end < 0)
            {
                Stop($"DIRNAMES ends within name {i} of {folders}");
                return;
            }
            starts.Add(start);
            start += end + 1;
        }
        _folders = [.. starts];
    }

    /// <summary>What ended the list before its time, or null.</summary>
    public string? Fault { get; private set; }

    /// <param name="path">At least <see cref="MaxPathBytes"/> long; receives the path without a leading slash.</param>
    /// <param name="length">Bytes of the path that were put together.</param>
    /// <param name="checksum">Hex; null for a file that nobody wants, that was not installed, or that has no checksum.</param>
    /// <returns>False at the end.</returns>
    public bool MoveNext(Span<byte> path, out int length, out string? checksum)
    {
        length = 0;
        checksum = null;
        if (Fault is not null || _at >= _count)
            return false;
        int index = _at++;
        if (!TryNext(ref _names, out ReadOnlySpan<byte> name))
            return Stop($"BASENAMES ends within name {index} of {_count}");
        ReadOnlySpan<byte> digest = default;
        if (_digestCount > 0 && !TryNext(ref _digests, out digest))
            return Stop($"FILEDIGESTS ends within checksum {index} of {_count}");
        uint folder = BinaryPrimitives.ReadUInt32BigEndian(_indexes.Span[(4 * index)..]);
        if (folder >= _folders.Length)
            return Stop($"DIRINDEXES names folder {folder} of {_folders.Length}");
        ReadOnlySpan<byte> parent = _folderData.Span[_folders[folder]..];
        int end = parent[..Math.Min(parent.Length, MaxPathBytes)].IndexOf((byte)0);
        if (end < 0 || end + name.Length > MaxPathBytes || digest.IsEmpty || _stateCount > 0 && _states.Span[index] != 0)
            return true;
        parent = parent[..end].TrimStart((byte)'/');
        parent.CopyTo(path);
        name.CopyTo(path[parent.Length..]);
        length = parent.Length + name.Length;
        if (Ownership.MayMatter(path[..length]))
            checksum = Hex(digest);
        return true;
    }

    private bool Stop(string fault)
    {
        Fault = fault;
        return false;
    }

    private static bool TryNext(ref ReadOnlyMemory<byte> rest, out ReadOnlySpan<byte> text)
    {
        int end = rest.Span.IndexOf((byte)0);
        text = end < 0 ? default : rest.Span[..end];
        if (end >= 0)
            rest = rest[(end + 1)..];
        return end >= 0;
    }

    /// <summary>MD5, SHA-1, SHA-224, SHA-256, SHA-384 or SHA-512, which their lengths tell apart; null for what is none.</summary>
    private static string? Hex(ReadOnlySpan<byte> digest) =>
        digest.Length is 32 or 40 or 56 or 64 or 96 or 128 && !digest.ContainsAnyExcept(HexDigits)
            ? Encoding.ASCII.GetString(digest).ToLowerInvariant()
            : null;
}
