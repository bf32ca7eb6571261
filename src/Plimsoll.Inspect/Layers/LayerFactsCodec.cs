using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Layers;

/// <summary>The bytes in which the cache keeps the facts of a layer.</summary>
/// <remarks>
/// Magic; number of texts and each as length and UTF-8; the facts, in which a text is its number in that table; the path hashes,
/// those of no folders first, in host order; SHA-256 of all before it. Numbers are 7 bits a byte, low first. By hand, because a warm scan does little
/// else than read these: a serialiser's machinery for it took longer than the work.
/// </remarks>
internal static class LayerFactsCodec
{
    /// <summary>More entries than bytes cannot be: what a count may claim at most.</summary>
    private const int MaxCount = 1 << 28;

    private static ReadOnlySpan<byte> Magic => "PLF4"u8;

    public static byte[] Encode(LayerFacts facts)
    {
        Writer writer = new();
        writer.List(facts.Files, Write);
        writer.Texts(facts.Whiteouts);
        writer.Texts(facts.OpaqueFolders);
        writer.Texts(facts.Displaced);
        writer.Number(facts.Anchors.Count);
        foreach ((string path, string? target) in facts.Anchors)
        {
            writer.Text(path);
            writer.Text(target);
        }
        writer.List(facts.Gaps, Write);
        writer.Number(facts.TarBytes + 1);
        writer.Number(facts.Entries);
        writer.Number(facts.NonFolders.Length);
        return writer.ToArray(Magic, MemoryMarshal.AsBytes(facts.NonFolders.Span), MemoryMarshal.AsBytes(facts.Folders.Span));
    }

    /// <returns>Null when the bytes are no whole file of this form.</returns>
    public static LayerFacts? Decode(ReadOnlySpan<byte> whole)
    {
        if (whole.Length < Magic.Length + SHA256.HashSizeInBytes || !whole.StartsWith(Magic))
            return null;
        ReadOnlySpan<byte> body = whole[..^SHA256.HashSizeInBytes];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(body, hash);
        if (!hash.SequenceEqual(whole[body.Length..]))
            return null;
        try
        {
            Reader reader = new(body[Magic.Length..]);
            LayerFacts facts = new()
            {
                Files = reader.List(ReadFile),
                Whiteouts = reader.Texts(),
                OpaqueFolders = reader.Texts(),
                Displaced = reader.Texts(),
                Anchors = ReadAnchors(ref reader),
                Gaps = reader.List(ReadGap),
                TarBytes = reader.Number() - 1,
                Entries = reader.Number(),
            };
            int nonFolders = reader.Count();
            ReadOnlyMemory<PathHash> hashes = ReadHashes(reader.Rest);
            return facts with { NonFolders = hashes[..nonFolders], Folders = hashes[nonFolders..] };
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    private static void Write(Writer writer, FileFacts file)
    {
        writer.Text(file.Path);
        writer.Text(file.Analyser);
        writer.List(file.Packages, Write);
        writer.Number(file.Distribution is null ? 0 : 1);
        if (file.Distribution is { } distribution)
        {
            writer.Text(distribution.Id);
            writer.Text(distribution.Version);
            writer.Text(distribution.PrettyName);
            writer.Texts(distribution.Like);
            writer.Text(distribution.Source);
        }
        writer.Number(file.LicencesOf?.Count + 1 ?? 0);
        if (file.LicencesOf is { } licencesOf)
            foreach ((string package, IReadOnlyList<string> licences) in licencesOf)
            {
                writer.Text(package);
                writer.Texts(licences);
            }
        writer.List(file.Owned, Write);
        writer.Texts(file.Checksums);
        writer.List(file.Hits, Write);
        writer.List(file.Gaps, Write);
    }

    private static FileFacts ReadFile(ref Reader reader) => new()
    {
        Path = reader.Must(),
        Analyser = reader.Must(),
        Packages = reader.List(ReadPackage),
        Distribution = reader.Number() == 0 ? null : new Distribution
        {
            Id = reader.Must(),
            Version = reader.Must(),
            PrettyName = reader.Text(),
            Like = reader.Texts(),
            Source = reader.Must(),
        },
        LicencesOf = ReadLicences(ref reader),
        Owned = reader.List(ReadOwned),
        Checksums = reader.Texts(),
        Hits = reader.List(ReadHit),
        Gaps = reader.List(ReadGap),
    };

    private static void Write(Writer writer, Package package)
    {
        writer.Text(package.Type);
        writer.Text(package.Name);
        writer.Text(package.Version);
        writer.Text(package.Architecture);
        writer.Text(package.SourceName);
        writer.Text(package.SourceVersion);
        writer.Text(package.Maintainer);
        writer.Texts(package.Licences);
        writer.Number((int)package.Evidence);
        writer.Text(package.Inner);
        writer.Number(package.Development ? 1 : 0);
        writer.Text(package.Module);
    }

    private static Package ReadPackage(ref Reader reader) => new()
    {
        Type = reader.Must(),
        Name = reader.Must(),
        Version = reader.Must(),
        Architecture = reader.Must(),
        SourceName = reader.Must(),
        SourceVersion = reader.Must(),
        Maintainer = reader.Text(),
        Licences = reader.Texts(),
        Evidence = (PackageEvidence)reader.Number(),
        Inner = reader.Text(),
        Development = reader.Number() != 0,
        Module = reader.Text(),
    };

    private static void Write(Writer writer, OwnedFile file)
    {
        writer.Text(file.Path);
        writer.Text(file.Checksum);
        writer.Text(file.Package);
    }

    private static OwnedFile ReadOwned(ref Reader reader) => new(reader.Must(), reader.Must(), reader.Must());

    private static void Write(Writer writer, Hit hit)
    {
        writer.Text(hit.Rule);
        writer.Number(hit.Line);
        writer.Text(hit.Evidence);
        writer.Text(hit.Detail);
    }

    private static Hit ReadHit(ref Reader reader) => new(reader.Must(), (int)reader.Number(), reader.Must(), reader.Must());

    private static void Write(Writer writer, Gap gap)
    {
        writer.Text(gap.Code);
        writer.Text(gap.Where);
        writer.Text(gap.Detail);
    }

    private static Gap ReadGap(ref Reader reader) => new(reader.Must(), reader.Must(), reader.Must());

    private static SortedDictionary<string, string?> ReadAnchors(ref Reader reader)
    {
        SortedDictionary<string, string?> anchors = new(StringComparer.Ordinal);
        for (long left = reader.Count(); left > 0; left--)
            anchors.Add(reader.Must(), reader.Text());
        return anchors;
    }

    private static Dictionary<string, IReadOnlyList<string>>? ReadLicences(ref Reader reader)
    {
        long count = reader.Number();
        if (count == 0)
            return null;
        Dictionary<string, IReadOnlyList<string>> licences = new(StringComparer.Ordinal);
        while (--count > 0)
            licences.Add(reader.Must(), reader.Texts());
        return licences;
    }

    private static PathHash[] ReadHashes(ReadOnlySpan<byte> bytes) => bytes.Length % 16 == 0
        ? MemoryMarshal.Cast<byte, PathHash>(bytes).ToArray()
        : throw new InvalidDataException();

    private sealed class Writer
    {
        private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
        private readonly List<string> _texts = [];
        private byte[] _bytes = new byte[4096];
        private int _length;

        public void Number(long value)
        {
            if (_bytes.Length - _length < 10)
                Array.Resize(ref _bytes, _bytes.Length * 2);
            ulong rest = (ulong)value;
            for (; rest >= 0x80; rest >>= 7)
                _bytes[_length++] = (byte)(rest | 0x80);
            _bytes[_length++] = (byte)rest;
        }

        /// <summary>0 is null.</summary>
        public void Text(string? text)
        {
            if (text is null)
            {
                Number(0);
                return;
            }
            if (!_numbers.TryGetValue(text, out int number))
            {
                _texts.Add(text);
                _numbers.Add(text, number = _texts.Count);
            }
            Number(number);
        }

        public void Texts(IReadOnlyList<string> texts)
        {
            Number(texts.Count);
            foreach (string text in texts)
                Text(text);
        }

        public void List<T>(IReadOnlyList<T> list, Action<Writer, T> write) where T : class
        {
            Number(list.Count);
            foreach (T item in list)
                write(this, item);
        }

        public byte[] ToArray(ReadOnlySpan<byte> magic, ReadOnlySpan<byte> tail, ReadOnlySpan<byte> last)
        {
            Writer table = new();
            table.Number(_texts.Count);
            foreach (string text in _texts)
            {
                int length = Encoding.UTF8.GetByteCount(text);
                table.Number(length);
                if (table._bytes.Length - table._length < length)
                    Array.Resize(ref table._bytes, Math.Max(table._bytes.Length * 2, table._length + length));
                table._length += Encoding.UTF8.GetBytes(text, table._bytes.AsSpan(table._length));
            }
            byte[] whole = new byte[magic.Length + table._length + _length + tail.Length + last.Length + SHA256.HashSizeInBytes];
            Span<byte> rest = whole;
            Put(ref rest, magic);
            Put(ref rest, table._bytes.AsSpan(0, table._length));
            Put(ref rest, _bytes.AsSpan(0, _length));
            Put(ref rest, tail);
            Put(ref rest, last);
            SHA256.HashData(whole.AsSpan(..^SHA256.HashSizeInBytes), rest);
            return whole;
        }

        private static void Put(ref Span<byte> rest, ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(rest);
            rest = rest[bytes.Length..];
        }
    }

    private delegate T ReadItem<out T>(ref Reader reader);

    private ref struct Reader
    {
        private readonly string[] _texts;

        public Reader(ReadOnlySpan<byte> bytes)
        {
            Rest = bytes;
            _texts = new string[Count()];
            for (int i = 0; i < _texts.Length; i++)
            {
                int length = Count();
                _texts[i] = Encoding.UTF8.GetString(Rest[..length]);
                Rest = Rest[length..];
            }
        }

        public ReadOnlySpan<byte> Rest { get; private set; }

        public long Number()
        {
            ulong value = 0;
            for (int shift = 0; shift < 64; shift += 7)
            {
                byte next = Rest[0];
                Rest = Rest[1..];
                value |= (ulong)(next & 0x7f) << shift;
                if (next < 0x80)
                    return (long)value;
            }
            throw new InvalidDataException();
        }

        /// <summary>A number of things of at least one byte each, so that no count makes room for more than there can be.</summary>
        public int Count() => Number() is >= 0 and < MaxCount and var count && count <= Rest.Length ? (int)count : throw new InvalidDataException();

        public string? Text() => Number() is not 0 and var number ? _texts[number - 1] : null;

        public string Must() => Text() ?? throw new InvalidDataException();

        public IReadOnlyList<string> Texts()
        {
            int count = Count();
            if (count == 0)
                return [];
            string[] texts = new string[count];
            for (int i = 0; i < count; i++)
                texts[i] = Must();
            return texts;
        }

        public IReadOnlyList<T> List<T>(ReadItem<T> read) where T : class
        {
            int count = Count();
            if (count == 0)
                return [];
            T[] items = new T[count];
            for (int i = 0; i < count; i++)
                items[i] = read(ref this);
            return items;
        }
    }
}
