using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Sign;
using Plimsoll.Verify;

namespace Plimsoll.Sources;

/// <summary>
/// What a host fetched of registries: for each image and repository one file, <c>IMAGE.SOURCE.json</c>, and each content that statements name as
/// <c>IMAGE.DIGEST.content</c>; in <c>IMAGE.seen</c> how new the inspections were that counted. Any of it may be removed at any time. Of several processes one writes.
/// </summary>
public sealed class FetchedFolder(string folder)
{
    /// <summary>Files of all images.</summary>
    public const int MaxFiles = 2000;

    /// <summary>Bytes of all files.</summary>
    public const long MaxBytes = 256L << 20;

    /// <summary>Bytes of one file; <see cref="FetchLimits"/> in base64.</summary>
    private const int MaxFileBytes = 48 << 20;

    /// <summary>Images whose evidence is held in memory.</summary>
    private const int MaxKept = 256;

    private const string EvidenceSuffix = ".json", ContentSuffix = ".content", SeenSuffix = ".seen";

    private readonly Lock _gate = new(), _writing = new();
    private readonly Dictionary<Digest, (string Stamp, IReadOnlyList<FetchedEvidence> Found)> _kept = [];

    /// <summary>By image and key; in <see cref="_writing"/>.</summary>
    private readonly Dictionary<Digest, Dictionary<string, DateTimeOffset>> _seen = [];

    /// <summary>Changes whenever something of this image is another file than before; empty when there is nothing.</summary>
    public string Stamp(Digest image) =>
        string.Join('\n', FilesOf(image, EvidenceSuffix).Select(p => $"{p} {OwnFiles.StateOfRegular(p)}"));

    /// <summary>All that was fetched for an image. What is damaged is as if it were not there.</summary>
    public IReadOnlyList<FetchedEvidence> Find(Digest image, string stamp)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(stamp);
        if (stamp.Length == 0)
            return [];
        lock (_gate)
            if (_kept.TryGetValue(image, out (string Stamp, IReadOnlyList<FetchedEvidence> Found) kept) && kept.Stamp == stamp)
                return kept.Found;
        IReadOnlyList<FetchedEvidence> found = Unprivileged.Run(() => FilesOf(image, EvidenceSuffix).Select(Read).OfType<FetchedEvidence>().Where(f => f.Config == image).ToList());
        lock (_gate)
        {
            if (_kept.Count >= MaxKept)
                _kept.Clear();
            _kept[image] = (stamp, found);
        }
        return found;
    }

    public bool HasContent(Digest image, Digest content) => File.Exists(PathOfContent(image, content));

    /// <summary>A content that a statement names; null when it was not fetched whole.</summary>
    public byte[]? FindContent(Digest image, MeasuredContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        try
        {
            return SmallFile.ReadRegular(PathOfContent(image, content.Digest), MaxFileBytes) is { } bytes && bytes.Length == content.Size && Digest.Of(bytes) == content.Digest ? bytes : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Keeps what was fetched in the place of what was fetched before of the same repository.</summary>
    /// <returns>False when the same is there already.</returns>
    /// <exception cref="IOException">It cannot be written, or the folder is full.</exception>
    public bool Put(FetchedEvidence found, IReadOnlyList<SideContent> contents)
    {
        ArgumentNullException.ThrowIfNull(found);
        ArgumentNullException.ThrowIfNull(contents);
        string path = PathOf(found.Config, found.Source, found.Root);
        byte[] json = found.ToJson();
        lock (_writing)
        {
            foreach (SideContent content in contents)
                Write(PathOfContent(found.Config, content.Digest), content.Bytes.Span);
            if (File.Exists(path) && SmallFile.ReadRegular(path, MaxFileBytes) is { } before && before.AsSpan().SequenceEqual(json))
                return false;
            Write(path, json);
            return true;
        }
    }

    /// <summary>The newest time of an image's inspections by a key, so that an older one does not count again when a registry holds the newer one back.</summary>
    /// <param name="time">Of one that is there now; null to ask.</param>
    /// <returns>The newest that was ever told, this one included; the beginning of all times when none was.</returns>
    public DateTimeOffset SeenInspection(Digest image, string keyId, DateTimeOffset? time)
    {
        ArgumentNullException.ThrowIfNull(image);
        lock (_writing)
        {
            if (!_seen.TryGetValue(image, out Dictionary<string, DateTimeOffset>? known))
            {
                if (_seen.Count >= MaxKept)
                    _seen.Clear();
                _seen[image] = known = ReadSeen(image);
            }
            DateTimeOffset before = known.GetValueOrDefault(keyId, DateTimeOffset.MinValue);
            if (time is not { } newer || newer <= before)
                return before;
            known[keyId] = newer;
            try
            {
                // Beside the limits: what a registry fills the folder with must not make it forget.
                DurableFile.Write(PathOfSeen(image), Encoding.UTF8.GetBytes(string.Concat(known.Select(k => string.Create(CultureInfo.InvariantCulture, $"{k.Key} {k.Value.UtcTicks}\n")))), DurableFile.OwnerOnly);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It counts as long as this is kept in memory.
            }
            return newer;
        }
    }

    private Dictionary<string, DateTimeOffset> ReadSeen(Digest image)
    {
        Dictionary<string, DateTimeOffset> seen = new(StringComparer.Ordinal);
        try
        {
            if (File.Exists(PathOfSeen(image)) && SmallFile.ReadRegular(PathOfSeen(image), MaxFileBytes) is { } bytes)
                foreach (string line in Encoding.UTF8.GetString(bytes).Split('\n'))
                    if (line.Split(' ') is [var key, var ticks] && long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out long at) && at <= DateTimeOffset.MaxValue.UtcTicks)
                        seen[key] = new DateTimeOffset(at, TimeSpan.Zero);
        }
        catch (IOException)
        {
            // As if it were not there.
        }
        return seen;
    }

    /// <summary>Images of which there is something.</summary>
    public IReadOnlyList<Digest> Images() => [.. Files().Select(ImageOf).OfType<Digest>().Distinct()];

    /// <summary>Forgets images that are not there any more, and what an interrupted write left.</summary>
    public void Sweep(IReadOnlySet<Digest> images)
    {
        ArgumentNullException.ThrowIfNull(images);
        lock (_writing)
        {
            foreach (string path in Files())
                if (ImageOf(path) is not { } image || !images.Contains(image))
                    File.Delete(path);
            foreach (Digest gone in _seen.Keys.Where(i => !images.Contains(i)).ToList())
                _seen.Remove(gone);
        }
    }

    private void Write(string path, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxFileBytes)
            throw new IOException($"{bytes.Length} bytes, at most {MaxFileBytes} (MaxFileBytes) are kept in one file");
        string[] files = Files();
        long others = files.Where(f => f != path).Sum(LengthOf);
        if (files.Length >= MaxFiles && !File.Exists(path) || others + bytes.Length > MaxBytes)
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"{folder} is full: {files.Length} files of {others} bytes; at most {MaxFiles} (MaxFiles) and {MaxBytes} (MaxBytes) are kept"));
        DurableFile.Write(path, bytes, DurableFile.OwnerOnly);
    }

    private static long LengthOf(string path)
    {
        FileInfo file = new(path);
        return file.Exists ? file.Length : 0;
    }

    private FetchedEvidence? Read(string path)
    {
        try
        {
            return SmallFile.ReadRegular(path, MaxFileBytes) is { } bytes ? FetchedEvidence.Parse(bytes, Path.GetFileName(path)) : null;
        }
        catch (Exception e) when (e is IOException or FormatException)
        {
            return null;
        }
    }

    private string PathOf(Digest image, string source, Digest root) =>
        Path.Combine(folder, $"{image.Hex}.{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{source}@{root}")))[..16]}{EvidenceSuffix}");

    private string PathOfSeen(Digest image) => Path.Combine(folder, image.Hex + SeenSuffix);

    private string PathOfContent(Digest image, Digest content) => Path.Combine(folder, $"{image.Hex}.{content.Hex}{ContentSuffix}");

    private string[] FilesOf(Digest image, string suffix) => [.. Files($"{image.Hex}.*{suffix}").Order(StringComparer.Ordinal)];

    private string[] Files(string pattern = "*")
    {
        try
        {
            return Directory.GetFiles(folder, pattern, new EnumerationOptions { AttributesToSkip = FileAttributes.None });
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    private static Digest? ImageOf(string path) => Digest.TryParse($"sha256:{Path.GetFileName(path).Split('.')[0]}", out Digest? image) ? image : null;
}
