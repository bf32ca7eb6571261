using System.Text.Json;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>Which description of an archive is read; one that has both must mean the same with both.</summary>
internal enum ArchiveForm : byte
{
    Either = 0,
    /// <summary>manifest.json alone (<c>docker-archive:</c>).</summary>
    Docker,
    /// <summary>index.json alone (<c>oci-archive:</c>).</summary>
    Layout,
}

/// <summary>An image read from an archive that can only be read forward: standard input, a compressed archive, a daemon's export.</summary>
/// <remarks>
/// Nothing is spooled: each layer is walked as it passes, before the manifest that names it is known. What was seen is
/// handed on only after the whole archive was read and every digest agrees with the config.
/// </remarks>
internal sealed class StreamImage : Image
{
    /// <summary>Bytes of all the small files that are kept while the archive passes.</summary>
    private const long MaxKeptBytes = 64L * 1024 * 1024;

    private readonly Func<CancellationToken, Stream> _open;
    private readonly string? _tag;
    private readonly Platform? _platform;
    private readonly Digest? _expectedConfig;
    private readonly OciLimits _limits;
    private bool _reopened;

    /// <param name="open">The archive from its start; called again when layers must be read again.</param>
    /// <param name="tag">Which image, when the archive holds several.</param>
    /// <param name="expectedConfig">Digest that the image's config must have, where it is known from elsewhere.</param>
    public StreamImage(Func<CancellationToken, Stream> open, string? tag, Platform? platform, Digest? expectedConfig, OciLimits limits)
    {
        (_open, _tag, _platform, _expectedConfig, _limits) = (open, tag, platform, expectedConfig, limits);
    }

    public ArchiveForm Form { get; init; }

    /// <summary>The archive comes once and cannot be opened again.</summary>
    public bool ComesOnce { get; init; }

    public override bool CanReadAgain => !ComesOnce;

    /// <summary>Disposed with the image: what <c>open</c> reads from, or null.</summary>
    public IDisposable? Source { get; init; }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Source?.Dispose();
        base.Dispose(disposing);
    }

    public override void ReadLayers(ILayerVisitor visitor, int parallelism, CancellationToken cancellationToken)
    {
        Dictionary<string, ImageLayer> known = Layers.DistinctBy(l => l.Key).ToDictionary(l => l.Key);
        if (_reopened && known.Values.All(l => visitor.Skip(l, proven: false)))
            return;
        Pass pass = new(this, visitor, known);
        using (Stream archive = _open(cancellationToken))
            Unprivileged.Run(() => pass.Read(archive, cancellationToken));
        if (!_reopened)
            pass.Describe();
        _reopened = true;
        foreach (ImageLayer layer in Layers.DistinctBy(l => l.Key))
            pass.Settle(layer);
    }

    private sealed record Seen(object Visited, Digest? DiffId, long TarBytes, Digest? Sha384, long StoredBytes);

    /// <summary>One way through the archive.</summary>
    private sealed class Pass(StreamImage image, ILayerVisitor visitor, Dictionary<string, ImageLayer> known)
    {
        private readonly Dictionary<string, byte[]> _kept = [];
        private readonly Dictionary<string, Seen> _seen = [];
        private readonly Dictionary<string, string> _links = [];
        private readonly ArchiveNames _names = new();
        private long _keptBytes;

        public void Read(Stream archive, CancellationToken cancellationToken)
        {
            byte[] magic = new byte[6];
            int got = archive.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
            Compression form = Compressions.Of(magic.AsSpan(0, got));
            HashingStream whole = new(new LayerReader.Rejoined(magic.AsMemory(0, got), archive), null);
            Stream plain = new LayerReader.InflateGuard(Compressions.Inflate(form, whole), whole, image._limits);
            using TarReader tar = new(new ChunkFeed(plain, null, ahead: true), image._limits with { MaxEntries = Math.Min(image._limits.MaxEntries, TarStore.MaxArchiveEntries) });
            try
            {
                while (tar.MoveNext(cancellationToken))
                    ReadEntry(tar, cancellationToken);
                ArchiveNames.CheckEnd(tar);
            }
            catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
            {
                throw new ImageException(ImageError.Truncated, $"{image.Name}: the archive is damaged: {LayerReader.InWords(e)}", inner: e);
            }
            catch (ImageException e) when (!e.Message.StartsWith(image.Name, StringComparison.Ordinal))
            {
                throw new ImageException(e.Error, $"{image.Name}: {e.Message}", e.Hint, e);
            }
        }

        private void ReadEntry(TarReader tar, CancellationToken cancellationToken)
        {
            string name = tar.Path;
            _names.Check(tar);
            // The last of two equal names counts; names cost memory too.
            _kept.Remove(name);
            _seen.Remove(name);
            _links.Remove(name);
            if ((_keptBytes += 2 * name.Length) > MaxKeptBytes)
                throw new ImageException(ImageError.LimitExceeded, $"the archive's names and small files come to more than {MaxKeptBytes} bytes");
            if (tar.Type is EntryType.Symlink or EntryType.HardLink)
                _links[name] = tar.Type == EntryType.HardLink ? EntryPath.Decode(tar.LinkTarget) : TarStore.Resolve(name, EntryPath.Decode(tar.LinkTarget));
            if (tar.Type != EntryType.File)
                return;
            using EntryStream content = new(tar, cancellationToken);
            if (LooksLikeLayer(name, content.Peek(TarReader.BlockBytes)))
            {
                if (!known.TryGetValue(name, out ImageLayer? layer))
                    layer = new ImageLayer(name, null, null, tar.StoredBytes);
                else if (visitor.Skip(layer, proven: false))
                    return;
                // Its own hash is compared once the manifest has come.
                ImageLayer unstated = layer with { BlobDigest = ArchiveImage.BlobDigest(name), DiffId = null, StoredBytes = -1 };
                using LayerReader reader = new(content, unstated, image, image._limits, ahead: false, sha384: visitor.WantsSha384, hasIdle: static () => true);
                object visited = visitor.Visit(layer, reader, cancellationToken);
                (Digest? diffId, long tarBytes) = reader.Complete(cancellationToken);
                _seen[name] = new Seen(visited, diffId, tarBytes, reader.Sha384, tar.StoredBytes);
            }
            else if (tar.StoredBytes <= image._limits.MaxJsonBytes && (_keptBytes += tar.StoredBytes) <= MaxKeptBytes)
            {
                byte[] bytes = new byte[tar.StoredBytes];
                content.ReadExactly(bytes);
                _kept[name] = bytes;
            }
        }

        /// <summary>Archives keep layers as <c>ID/layer.tar</c> or as blobs among other blobs, which are JSON.</summary>
        private static bool LooksLikeLayer(string name, ReadOnlySpan<byte> start)
        {
            if (name.EndsWith(".tar", StringComparison.Ordinal) || name.EndsWith(".tar.gz", StringComparison.Ordinal))
                return true;
            // Docker before version 25 writes a file VERSION and a file json beside each layer.tar.
            if (name.EndsWith(".json", StringComparison.Ordinal) || name.EndsWith("/VERSION", StringComparison.Ordinal) || name is "oci-layout" or "repositories")
                return false;
            int first = start.IndexOfAnyExcept(" \t\r\n"u8);
            return first < 0 ? name.StartsWith("blobs/", StringComparison.Ordinal) : start[first] is not ((byte)'{' or (byte)'[') || start.Length == TarReader.BlockBytes && start.Slice(257, 5).SequenceEqual("ustar"u8);
        }

        /// <summary>Finds the image among what has passed and checks what describes it.</summary>
        public void Describe()
        {
            bool archive = image.Form != ArchiveForm.Layout && _kept.ContainsKey("manifest.json");
            bool layout = image.Form != ArchiveForm.Docker && _kept.ContainsKey("index.json");
            if (archive)
                DescribeArchive();
            else if (layout)
                DescribeLayout();
            else
                throw new ImageException(ImageError.Malformed, image.Form switch
                {
                    ArchiveForm.Docker => $"{image.Name}: no manifest.json is in the archive",
                    ArchiveForm.Layout => $"{image.Name}: no index.json is in the archive",
                    _ => $"{image.Name}: neither manifest.json nor index.json is in the archive",
                });
            if (archive && layout)
            {
                using KeptStore store = new(image.Name, _kept);
                OneMeaning.Check(store, image, image._platform, image._limits, TimeProvider.System);
            }
            if (image._expectedConfig is { } expected && image.ConfigDigest != expected && image.Verification == Verification.Full)
                throw new ImageException(ImageError.DigestMismatch, $"{image.Name}: the config's digest is {image.ConfigDigest}, wanted {expected}");
        }

        private void DescribeArchive()
        {
            IReadOnlyList<ArchiveManifest> manifests = ImageConfigs.Parse(_kept["manifest.json"], $"{image.Name}: manifest.json", ManifestJson.Archive);
            ArchiveManifest manifest = ArchiveImage.Choose(manifests, image._tag, image.Name);
            image.Tags = [.. manifest.RepoTags?.OfType<string>() ?? []];
            string configName = ArchiveImage.EntryName(manifest.Config, image.Name);
            Digest? stated = ArchiveImage.StatedDigest(configName);
            SetConfig(configName, stated, -1);
            ArchiveImage.CheckPlatform(image.Config!, image._platform, image.Name);
            image.Layers = ArchiveImage.LayersOf(manifest, image.Config!, image.Name, image._limits, name => SeenOf(name).StoredBytes);
        }

        private void DescribeLayout()
        {
            using KeptStore store = new(image.Name, _kept);
            using LayoutImage layout = new(store, image._tag, image._platform, image.Verification, image._limits) { Name = image.Name };
            image.IndexDigest = layout.IndexDigest;
            image.ManifestDigest = layout.ManifestDigest;
            image.ConfigDigest = layout.ConfigDigest;
            image.ConfigBytes = layout.ConfigBytes;
            image.Config = layout.Config;
            image.Tags = layout.Tags;
            image.Layers = layout.Layers;
        }

        private void SetConfig(string name, Digest? stated, long size)
        {
            if (!_kept.TryGetValue(name, out byte[]? bytes))
                throw new ImageException(ImageError.BlobMissing, $"{image.Name}: the config {Escape.Quote(name)} is not in the archive");
            if (image.Verification == Verification.Full)
                ContentStore.CheckJson($"{image.Name}: {Escape.Quote(name)}", bytes, stated, size);
            image.ConfigBytes = bytes;
            image.ConfigDigest = stated ?? Digest.Of(bytes);
            image.Config = ImageConfigs.Parse(bytes, $"{image.Name}: {name}", ManifestJson.Config);
        }

        /// <summary>Compares one layer with what the manifest and the config state of it, and hands on what was seen.</summary>
        public void Settle(ImageLayer layer)
        {
            if (known.Count > 0 && !_seen.ContainsKey(Target(layer.Key)))
                return;
            Seen seen = SeenOf(layer.Key);
            if (image.Verification == Verification.Full)
            {
                if (seen.DiffId != layer.DiffId)
                    throw new ImageException(ImageError.DiffIdMismatch, $"{image.Name}: layer {Escape.Quote(layer.Key)}: the diffID of its bytes is {seen.DiffId}, the image config states {layer.DiffId}");
                if (layer.StoredBytes >= 0 && layer.StoredBytes != seen.StoredBytes)
                    throw new ImageException(ImageError.SizeMismatch, $"{image.Name}: layer {Escape.Quote(layer.Key)}: {seen.StoredBytes} bytes, the descriptor states {layer.StoredBytes}");
            }
            visitor.Accept(layer, seen.DiffId ?? layer.DiffId, seen.TarBytes, seen.Sha384, seen.Visited);
        }

        private Seen SeenOf(string name) => _seen.TryGetValue(Target(name), out Seen? seen)
            ? seen
            : throw new ImageException(ImageError.BlobMissing, $"{image.Name}: layer {Escape.Quote(name)} is not in the archive");

        private string Target(string name)
        {
            for (int hops = 0; hops < TarStore.MaxLinkHops && _links.TryGetValue(name, out string? target); hops++)
                name = target;
            return name;
        }
    }

    /// <summary>The small files that were kept, as a layout's store.</summary>
    private sealed class KeptStore(string path, Dictionary<string, byte[]> kept) : ContentStore(path, TimeProvider.System)
    {
        public override ContentFile? Find(string name) => kept.TryGetValue(name, out byte[]? bytes) ? new ContentFile(bytes) : null;
    }

    /// <summary>The content of the current entry of an outer tar.</summary>
    private sealed class EntryStream(TarReader tar, CancellationToken cancellationToken) : ReadOnlyStream
    {
        private byte[] _peeked = [];

        /// <summary>The first bytes, which are read again later.</summary>
        public ReadOnlySpan<byte> Peek(int count)
        {
            byte[] start = new byte[count];
            int got = this.ReadAtLeast(start, count, throwOnEndOfStream: false);
            return _peeked = start[..got];
        }

        public override int Read(Span<byte> buffer)
        {
            if (_peeked.Length > 0)
            {
                int take = Math.Min(buffer.Length, _peeked.Length);
                _peeked.AsSpan(0, take).CopyTo(buffer);
                _peeked = _peeked[take..];
                return take;
            }
            ReadOnlySpan<byte> bytes = tar.NextContent(buffer.Length, cancellationToken);
            bytes.CopyTo(buffer);
            return bytes.Length;
        }
    }
}
