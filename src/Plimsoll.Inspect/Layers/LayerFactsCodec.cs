using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Layers;

/// <summary>The bytes in which the cache keeps the facts of a layer.</summary>
/// <remarks>
/// The form of <see cref="FactWriter"/>, and the path hashes in host order at its end, those of no folders first.
/// </remarks>
internal static class LayerFactsCodec
{
    private static ReadOnlySpan<byte> Magic => "PLF4"u8;

    public static byte[] Encode(LayerFacts facts)
    {
        FactWriter writer = new();
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
        return writer.ToArray(Magic, [.. MemoryMarshal.AsBytes(facts.NonFolders.Span), .. MemoryMarshal.AsBytes(facts.Folders.Span)]);
    }

    /// <returns>Null when the bytes are no whole file of this form.</returns>
    public static LayerFacts? Decode(ReadOnlySpan<byte> whole)
    {
        if (!FactReader.TryOpen(whole, Magic, out ReadOnlySpan<byte> facts))
            return null;
        try
        {
            FactReader reader = new(facts);
            LayerFacts layer = new()
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
            return layer with { NonFolders = hashes[..nonFolders], Folders = hashes[nonFolders..] };
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    private static void Write(FactWriter writer, FileFacts file)
    {
        writer.Text(file.Path);
        writer.Text(file.Analyser);
        writer.List(file.Packages, Write);
        Write(writer, file.Distribution);
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

    private static FileFacts ReadFile(ref FactReader reader) => new()
    {
        Path = reader.Must(),
        Analyser = reader.Must(),
        Packages = reader.List(ReadPackage),
        Distribution = ReadDistribution(ref reader),
        LicencesOf = ReadLicences(ref reader),
        Owned = reader.List(ReadOwned),
        Checksums = reader.Texts(),
        Hits = reader.List(ReadHit),
        Gaps = reader.List(ReadGap),
    };

    internal static void Write(FactWriter writer, Distribution? distribution)
    {
        writer.Number(distribution is null ? 0 : 1);
        if (distribution is null)
            return;
        writer.Text(distribution.Id);
        writer.Text(distribution.Version);
        writer.Text(distribution.PrettyName);
        writer.Texts(distribution.Like);
        writer.Text(distribution.Source);
    }

    internal static Distribution? ReadDistribution(ref FactReader reader) => reader.Number() == 0 ? null : new Distribution
    {
        Id = reader.Must(),
        Version = reader.Must(),
        PrettyName = reader.Text(),
        Like = reader.Texts(),
        Source = reader.Must(),
    };

    internal static void Write(FactWriter writer, Package package)
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

    internal static Package ReadPackage(ref FactReader reader) => new()
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

    private static void Write(FactWriter writer, OwnedFile file)
    {
        writer.Text(file.Path);
        writer.Text(file.Checksum);
        writer.Text(file.Package);
    }

    private static OwnedFile ReadOwned(ref FactReader reader) => new(reader.Must(), reader.Must(), reader.Must());

    internal static void Write(FactWriter writer, Hit hit)
    {
        writer.Text(hit.Rule);
        writer.Number(hit.Line);
        writer.Text(hit.Evidence);
        writer.Text(hit.Detail);
    }

    internal static Hit ReadHit(ref FactReader reader) => new(reader.Must(), (int)reader.Number(), reader.Must(), reader.Must());

    internal static void Write(FactWriter writer, Gap gap)
    {
        writer.Text(gap.Code);
        writer.Text(gap.Where);
        writer.Text(gap.Detail);
    }

    internal static Gap ReadGap(ref FactReader reader) => new(reader.Must(), reader.Must(), reader.Must());

    private static SortedDictionary<string, string?> ReadAnchors(ref FactReader reader)
    {
        SortedDictionary<string, string?> anchors = new(StringComparer.Ordinal);
        for (long left = reader.Count(); left > 0; left--)
            anchors.Add(reader.Must(), reader.Text());
        return anchors;
    }

    private static Dictionary<string, IReadOnlyList<string>>? ReadLicences(ref FactReader reader)
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
}
