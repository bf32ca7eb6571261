using System.Globalization;
using System.Text;
using System.Text.Json;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Tpm;

/// <summary>One extension: a layer of an image that was measured.</summary>
/// <param name="Image">Digest of the image's config.</param>
/// <param name="Layer">From 1, base layer first.</param>
/// <param name="Layers">Of the image.</param>
/// <param name="DiffId">Of the layer.</param>
/// <param name="Value">M(L), <c>sha384:…</c>; see docs/formats/measurement.md.</param>
/// <param name="After">What the index or PCR held afterwards, by hash. It proves nothing; it tells which entry was changed.</param>
public sealed record MeasuredEntry(Digest Image, int Layer, int Layers, Digest DiffId, Digest Value, IReadOnlyList<(TpmAlgorithm Hash, ReadOnlyMemory<byte> Value)> After)
{
    /// <summary>What is hashed and extended, ASCII: five lines, each with a line feed.</summary>
    public byte[] Template() => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
        $"plimsoll-extend-v1\nimage {Image}\nlayer {Layer}/{Layers}\ndiff {DiffId}\nvalue {Value}\n"));

    internal ReadOnlyMemory<byte>? FindAfter(TpmAlgorithm hash)
    {
        foreach ((TpmAlgorithm of, ReadOnlyMemory<byte> value) in After)
            if (of == hash)
                return value;
        return null;
    }

    /// <summary>As one of a list is named in errors.</summary>
    internal string Words(int number) => $"entry {number} (layer {Layer} of {Layers} of image {Image.Algorithm}:{Image.Short})";
}

/// <summary>An image as a list has it.</summary>
/// <param name="First">Number of its first entry, from 1.</param>
/// <param name="Layers">Values of the layers that were extended, base layer first.</param>
/// <param name="Value">The image's measurement; null where not all layers follow each other in the list.</param>
public sealed record MeasuredImage(Digest Config, int First, IReadOnlyList<MeasuredEntry> Layers, Digest? Value);

/// <summary>
/// What was extended into an NV index or PCR, in order. Like every log it proves nothing by itself; replayed, it explains a value that a TPM
/// signs. Its page: docs/formats/quote.md.
/// </summary>
public sealed record MeasuredList(ExtendTarget Target, IReadOnlyList<MeasuredEntry> Entries)
{
    public const string Type = "application/vnd.plimsoll.measured-list.v1+json";

    /// <summary>Bytes of a list; an entry has some 450.</summary>
    public const int MaxBytes = 8 << 20;

    public const int MaxEntries = 16_000, MaxLineBytes = 2048;

    /// <summary>The first line, then a line for each entry.</summary>
    public byte[] ToBytes()
    {
        using MemoryStream bytes = new();
        bytes.Write(Header(Target));
        foreach (MeasuredEntry entry in Entries)
            bytes.Write(Line(entry));
        return bytes.ToArray();
    }

    internal static byte[] Header(ExtendTarget target) => [.. QuoteJson.Begin(Type).Text("target", target.ToString()).EndObject().ToBytes(), (byte)'\n'];

    internal static byte[] Line(MeasuredEntry entry)
    {
        CanonicalJson json = new CanonicalJson().BeginObject().Text("image", entry.Image.ToString()).Number("layer", entry.Layer).Number("layers", entry.Layers)
            .Text("diffId", entry.DiffId.ToString()).Text("value", entry.Value.ToString()).BeginObject("after");
        foreach ((TpmAlgorithm hash, ReadOnlyMemory<byte> value) in entry.After)
            json.Hex(hash.Word(), value);
        return [.. json.EndObject().EndObject().ToBytes(), (byte)'\n'];
    }

    /// <exception cref="TpmException">Malformed, with the entry.</exception>
    public static MeasuredList Parse(ReadOnlyMemory<byte> text, string name)
    {
        if (text.Length > MaxBytes)
            throw TpmException.Malformed($"{name}: {text.Length} bytes; at most {MaxBytes} are allowed");
        ExtendTarget target = QuoteJson.Parse(NextLine(ref text, name), name, Type, MaxLineBytes, root => ExtendTarget.Parse(root.GetProperty("target").GetString() ?? ""));
        List<MeasuredEntry> entries = [];
        while (!text.IsEmpty)
        {
            if (entries.Count >= MaxEntries)
                throw TpmException.Malformed($"{name}: more than {MaxEntries} entries (MaxEntries)");
            string where = $"{name}: entry {entries.Count + 1}";
            entries.Add(QuoteJson.Parse(NextLine(ref text, where), where, null, MaxLineBytes, Entry));
        }
        return new MeasuredList(target, entries);
    }

    private static ReadOnlyMemory<byte> NextLine(ref ReadOnlyMemory<byte> text, string name)
    {
        int end = text.Span.IndexOf((byte)'\n');
        if (end is < 0 or > MaxLineBytes)
            throw TpmException.Malformed($"{name}: no line of at most {MaxLineBytes} bytes with a line feed at its end");
        ReadOnlyMemory<byte> line = text[..end];
        text = text[(end + 1)..];
        return line;
    }

    private static MeasuredEntry Entry(JsonElement json)
    {
        List<(TpmAlgorithm, ReadOnlyMemory<byte>)> after = [];
        foreach (JsonProperty one in json.GetProperty("after").EnumerateObject())
        {
            if (!TpmHashes.TryParse(one.Name, out TpmAlgorithm hash) || one.Value.GetString() is not { } hex || hex.Length != 2 * hash.Size())
                throw new FormatException($"{Escape.Quote(one.Name)} is no hash, or its value has another length");
            after.Add((hash, Convert.FromHexString(hex)));
        }
        int layer = json.GetProperty("layer").GetInt32(), layers = json.GetProperty("layers").GetInt32();
        if (layer < 1 || layer > layers || layers > OciLimits.Default.MaxLayers)
            throw new FormatException($"layer {layer} of {layers}; an image has 1 to {OciLimits.Default.MaxLayers}");
        return new MeasuredEntry(Of("image", "sha256"), layer, layers, Of("diffId", "sha256"), Of("value", "sha384"), after);

        Digest Of(string member, string algorithm) => Digest.Parse(json.GetProperty(member).GetString() ?? "") is { } digest && digest.Algorithm == algorithm ? digest
            : throw new FormatException($"{member}: no digest of {algorithm}");
    }

    /// <summary>What the index or PCR holds after these entries and nothing else.</summary>
    /// <param name="hash">Of the index, or of the PCR's bank.</param>
    /// <returns>The value, and the first entry after which it is not what the entry states; 0 for none.</returns>
    public (byte[] Value, int Wrong) Replay(TpmAlgorithm hash)
    {
        byte[] value = new byte[hash.Size()];
        int wrong = 0, number = 0;
        foreach (MeasuredEntry entry in Entries)
        {
            number++;
            Extend(hash, value, entry);
            // One that states nothing, or another value, was changed; all that follows then differs as well.
            if (wrong == 0 && !(entry.FindAfter(hash) is { } stated && stated.Span.SequenceEqual(value)))
                wrong = number;
        }
        return (value, wrong);
    }

    /// <summary><c>new = H(old ‖ H(template))</c>, over the old value.</summary>
    internal static void Extend(TpmAlgorithm hash, Span<byte> value, MeasuredEntry entry) => hash.Extend(value, hash.Of(entry.Template()));

    /// <summary>The images in it, in order. One whose layers do not follow each other, as when a host lost power, has no value.</summary>
    public IReadOnlyList<MeasuredImage> Images()
    {
        List<MeasuredImage> images = [];
        for (int at = 0; at < Entries.Count;)
        {
            int first = at;
            MeasuredEntry start = Entries[at++];
            while (at < Entries.Count && Entries[at].Image == start.Image && Entries[at].Layers == start.Layers && Entries[at].Layer == Entries[at - 1].Layer + 1)
                at++;
            MeasuredEntry[] layers = [.. Entries.Skip(first).Take(at - first)];
            images.Add(new MeasuredImage(start.Image, first + 1, layers, start.Layer == 1 && layers.Length == start.Layers ? ValueOf(start.Image, layers) : null));
        }
        return images;
    }

    /// <summary>Source: docs/formats/measurement.md, "An image".</summary>
    private static Digest ValueOf(Digest image, MeasuredEntry[] layers) =>
        Digest.FromSha384(System.Security.Cryptography.SHA384.HashData([.. layers.SelectMany(l => Convert.FromHexString(l.Value.Hex)), .. Encoding.ASCII.GetBytes(image.ToString())]));

    /// <summary>Whether all layers of an image stand in it, with these values and in their order.</summary>
    public bool Has(Measurement measurement)
    {
        ArgumentNullException.ThrowIfNull(measurement);
        return Images().Any(i => i.Config == measurement.Config && i.Value == measurement.Value);
    }

    /// <summary>As many entries from its start as lead to a value; null when none do.</summary>
    public MeasuredList? UpTo(TpmAlgorithm hash, ReadOnlySpan<byte> wanted)
    {
        byte[] value = new byte[hash.Size()];
        if (wanted.SequenceEqual(value))
            return this with { Entries = [] };
        for (int i = 0; i < Entries.Count; i++)
        {
            Extend(hash, value, Entries[i]);
            if (wanted.SequenceEqual(value))
                return this with { Entries = [.. Entries.Take(i + 1)] };
        }
        return null;
    }
}
