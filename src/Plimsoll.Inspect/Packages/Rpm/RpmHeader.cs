using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Plimsoll.Inspect.Packages.Rpm;

/// <summary>One package's header as the database holds it: an index of tags and the data that it points into.</summary>
/// <remarks>
/// Layout: number of index entries and length of the data (32 bits each), the entries (tag, type, offset, count), the data; all
/// big-endian on every machine. Source: rpm's docs/manual/hregions.md and format_header.md; limits as in header.cc.
/// </remarks>
sealed class RpmHeader
{
    /// <summary>Index entries; rpm itself refuses more.</summary>
    public const int MaxEntries = 0xffff;

    /// <summary>Bytes of data; rpm itself refuses more.</summary>
    public const int MaxDataBytes = 0x0fffffff;

    private const int EntryBytes = 16;

    private readonly ReadOnlyMemory<byte> _data;
    private readonly Dictionary<RpmTag, (RpmType Type, int Offset, int Count)> _tags = [];

    private RpmHeader(ReadOnlyMemory<byte> data) => _data = data;

    /// <summary>A tag of interest that stands twice (the later one is taken, as rpm does), or null.</summary>
    public RpmTag? TwiceTag { get; private set; }

    public static bool TryOpen(ReadOnlyMemory<byte> blob, [NotNullWhen(true)] out RpmHeader? header, [NotNullWhen(false)] out string? fault)
    {
        header = null;
        ReadOnlySpan<byte> bytes = blob.Span;
        if (bytes.Length < 8)
        {
            fault = $"a header of {bytes.Length} bytes; wanted at least 8";
            return false;
        }
        uint entries = BinaryPrimitives.ReadUInt32BigEndian(bytes), dataBytes = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        if (entries is 0 or > MaxEntries || dataBytes > MaxDataBytes || 8 + (long)entries * EntryBytes + dataBytes > bytes.Length)
        {
            fault = $"a header of {bytes.Length} bytes states {entries} entries and {dataBytes} bytes of data";
            return false;
        }
        RpmHeader read = new(blob.Slice(8 + (int)entries * EntryBytes, (int)dataBytes));
        for (int i = 0; i < entries; i++)
        {
            ReadOnlySpan<byte> entry = bytes.Slice(8 + i * EntryBytes, EntryBytes);
            RpmTag tag = (RpmTag)BinaryPrimitives.ReadInt32BigEndian(entry);
            if (!Enum.IsDefined(tag))
                continue;
            uint offset = BinaryPrimitives.ReadUInt32BigEndian(entry[8..]), count = BinaryPrimitives.ReadUInt32BigEndian(entry[12..]);
            // Each element takes at least a byte, so a count beyond the data is false whatever the type.
            if (offset >= dataBytes || count == 0 || count > dataBytes - offset)
            {
                fault = $"tag {tag} points at {count} elements from {offset} on in {dataBytes} bytes of data";
                return false;
            }
            if (!read._tags.TryAdd(tag, default))
                read.TwiceTag = tag;
            read._tags[tag] = ((RpmType)BinaryPrimitives.ReadInt32BigEndian(entry[4..]), (int)offset, (int)count);
        }
        (header, fault) = (read, null);
        return true;
    }

    /// <summary>A text that takes part in matching; null when absent or unusable.</summary>
    public string? Word(RpmTag tag) => TryText(tag, out ReadOnlySpan<byte> text) ? Fields.Word(text) : null;

    /// <summary>A text that is only shown; null when absent.</summary>
    public string? Shown(RpmTag tag) => TryText(tag, out ReadOnlySpan<byte> text) && !text.IsEmpty ? Fields.Shown(text) : null;

    public uint? Number(RpmTag tag) =>
        _tags.TryGetValue(tag, out (RpmType Type, int Offset, int Count) at) && at.Type == RpmType.Int32 && _data.Length - at.Offset >= 4
            ? BinaryPrimitives.ReadUInt32BigEndian(_data.Span[at.Offset..])
            : null;

    /// <summary>The data of a tag from its first element to the end of all data, so that its reader must count.</summary>
    /// <returns>False when the tag is absent or of another type.</returns>
    public bool TryArray(RpmTag tag, RpmType type, out ReadOnlyMemory<byte> data, out int count)
    {
        bool found = _tags.TryGetValue(tag, out (RpmType Type, int Offset, int Count) at) && at.Type == type;
        data = found ? _data[at.Offset..] : default;
        count = found ? at.Count : 0;
        return found;
    }

    private bool TryText(RpmTag tag, out ReadOnlySpan<byte> text)
    {
        text = default;
        if (!_tags.TryGetValue(tag, out (RpmType Type, int Offset, int Count) at) || at.Type is not (RpmType.String or RpmType.I18nString or RpmType.StringArray))
            return false;
        ReadOnlySpan<byte> rest = _data.Span[at.Offset..];
        int end = rest.IndexOf((byte)0);
        if (end < 0)
            return false;
        text = rest[..end];
        return true;
    }
}
