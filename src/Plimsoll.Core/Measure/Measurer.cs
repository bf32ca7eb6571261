using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Plimsoll.Oci;
using Plimsoll.Posix;

namespace Plimsoll.Measure;

/// <summary>What is to be measured of an image.</summary>
public sealed record MeasureOptions
{
    /// <summary>Layers at once.</summary>
    public int Parallelism { get; init; } = Environment.ProcessorCount;

    /// <summary>Hash every file as well, for <see cref="MeasureResult.Files"/>.</summary>
    public bool Files { get; init; }

    /// <summary>Compare the unpacked files of a host's store with what the layers say of them.</summary>
    public bool CompareUnpacked { get; init; } = true;

    /// <summary>The image's files as they are known from elsewhere: names a file that was changed together with tar-split's record of it.</summary>
    public FileList? Known { get; init; }

    /// <summary>As <see cref="Known"/>, for one layer by its diffID, and asked only when that layer is wrong; null where it has no list either.</summary>
    public Func<Digest, LayerFiles?>? FindKnown { get; init; }

    /// <summary>Layers that were measured in place so short a time ago that they need not be read again; null for one that must be. Asked once for each layer.</summary>
    public Func<ImageLayer, LayerMeasurement?>? Fresh { get; init; }
}

/// <summary>What came out.</summary>
/// <param name="Measurement">Null when a layer is not the one that the config states: then <see cref="Differences"/> says in what.</param>
/// <param name="Files">Null unless asked for and measured.</param>
/// <param name="Differences">By layer, path and kind.</param>
/// <param name="LeftOut">Differences that are not listed, for want of room.</param>
/// <param name="ComparedUnpacked">The files that containers run from were compared; false where an image came from elsewhere.</param>
public sealed record MeasureResult(Measurement? Measurement, FileList? Files, IReadOnlyList<Difference> Differences, int LeftOut, bool ComparedUnpacked)
{
    /// <summary>Everything is as the image's config says.</summary>
    public bool Intact => Measurement is not null && Differences.Count == 0;
}

/// <summary>Measures images: which bytes they are, and on a host whether the unpacked files are these bytes.</summary>
public static class Measurer
{
    /// <summary>Reads every layer once; SHA-256 against the diffID and SHA-384 in the same pass.</summary>
    /// <exception cref="ImageException">
    /// The image could not be read, is no image with layers, or its source is not what it states. Of a host's store, layers that
    /// differ are <see cref="MeasureResult.Differences"/>.
    /// </exception>
    public static MeasureResult Measure(Image image, MeasureOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(options);
        if (image.Verification != Verification.Full)
            throw new ImageException(ImageError.Unsupported, $"{image.Name}: what is not verified cannot be measured");
        // The kernel shows overlayfs's own attributes to root alone; without them every opaque folder would look like an attack.
        IUnpackedImage? unpacked = options.CompareUnpacked && Environment.IsPrivilegedProcess ? image as IUnpackedImage : null;
        // Who takes a note of the store away must not get the export in place of a look at the files: the engine goes on without it.
        if (options.CompareUnpacked && Environment.IsPrivilegedProcess && image.Unlooked is { } lacks)
            throw new ImageException(lacks.Error, lacks.Message, lacks.Hint, lacks);
        DifferenceLog log = new();
        if (unpacked is null)
        {
            LayerPass plain = new(options.Files, keep: false, null);
            image.ReadLayers(plain, options.Parallelism, cancellationToken);
            return Result(image, plain, options, log, compared: false);
        }
        foreach (ChangedNote note in unpacked.FindRestacked())
            log.Add(new Difference(DifferenceKind.Stack, note.Layer, image.Layers[note.Layer - 1].DiffId, note.Place, note.Seen, note.Wanted));
        using Comparisons comparisons = new(image, unpacked, log, options.Parallelism, cancellationToken);
        LayerPass pass = new(options.Files, keep: true, comparisons.Add, options.Fresh);
        ImageException mismatch;
        try
        {
            image.ReadLayers(pass, options.Parallelism, cancellationToken);
            comparisons.Finish();
            return Result(image, pass, options, log, compared: true);
        }
        catch (ImageException e) when (IsOfTheStore(e))
        {
            mismatch = e;
        }
        comparisons.Finish();
        if (!Examine(image, unpacked, pass, options, log, cancellationToken))
            // It was right the second time: somebody is writing to the store, or its disk is failing.
            throw new ImageException(mismatch.Error, $"{mismatch.Message}; a second look found nothing wrong, so the store changes while it is read", "measure it again", mismatch);
        return Result(image, pass, options, log, compared: true);
    }

    /// <summary>Whether the stored bytes are at fault, so that a look at the files can say more.</summary>
    private static bool IsOfTheStore(ImageException e) =>
        e.Error is ImageError.DiffIdMismatch or ImageError.SizeMismatch or ImageError.BlobMissing or ImageError.Malformed or ImageError.Truncated or ImageError.NotFound;

    /// <summary>Looks at each layer by itself, since the pass over all of them ended at the first that is wrong.</summary>
    /// <returns>Whether a layer is wrong.</returns>
    private static bool Examine(Image image, IUnpackedImage unpacked, LayerPass pass, MeasureOptions options, DifferenceLog log, CancellationToken cancellationToken)
    {
        bool any = false;
        HashSet<string> examined = new(StringComparer.Ordinal);
        for (int i = 0; i < image.Layers.Count; i++)
        {
            ImageLayer layer = image.Layers[i];
            if (pass.Has(layer) || !examined.Add(layer.Key))
                continue;
            try
            {
                image.ReadLayers(new OneLayer(layer, pass), Math.Max(options.Parallelism, 2), cancellationToken);
                LayerContents? sound = pass.ContentsOf(layer);
                using IUnpackedLayer opened = unpacked.OpenUnpacked(layer);
                if (sound is not null)
                    new UnpackedComparer(opened, sound, i + 1, layer.DiffId, log).Compare(cancellationToken);
            }
            catch (ImageException e) when (IsOfTheStore(e))
            {
                any = true;
                Explain(unpacked, layer, i + 1, KnownOf(layer, options), e, log, cancellationToken);
            }
        }
        return any;
    }

    private static LayerFiles? KnownOf(ImageLayer layer, MeasureOptions options) =>
        options.Known?.Layers.FirstOrDefault(l => l.DiffId == layer.DiffId) ?? (layer.DiffId is { } diffId ? options.FindKnown?.Invoke(diffId) : null);

    /// <summary>Names the files that make a layer's bytes wrong.</summary>
    private static void Explain(IUnpackedImage unpacked, ImageLayer layer, int number, LayerFiles? known, ImageException mismatch, DifferenceLog log, CancellationToken cancellationToken)
    {
        int before = log.CountOf(number);
        string? why = null;
        try
        {
            using IUnpackedLayer opened = unpacked.OpenUnpacked(layer);
            if (known is { } list)
            {
                // What the engine noted may have been edited together with the files; the list was made when the layer was right.
                UnpackedComparer comparer = new(opened, LayerContents.Of(list.Entries), number, layer.DiffId, log);
                comparer.Compare(cancellationToken);
                comparer.CompareContents(cancellationToken);
            }
            else
            {
                // These bytes are proved by nothing, and may be anything.
                LayerContents stated = Unprivileged.Run(() =>
                {
                    using EntryReader headers = opened.ReadHeaders();
                    return LayerContents.Read(headers, hashContents: false, cancellationToken);
                });
                new UnpackedComparer(opened, stated, number, layer.DiffId, log).Compare(cancellationToken);
                Unprivileged.Run(() =>
                {
                    foreach (ChangedContent changed in opened.FindChanged(cancellationToken))
                        // A size that differs was seen by the comparison already.
                        if (!changed.IsSize)
                            log.Add(new Difference(DifferenceKind.Changed, number, layer.DiffId, changed.Path, changed.Seen, changed.Wanted));
                });
            }
        }
        catch (ImageException e) when (IsOfTheStore(e))
        {
            why = e.Message;
        }
        catch (InvalidDataException e)
        {
            why = e.Message;
        }
        if (log.CountOf(number) == before)
            log.Add(new Difference(DifferenceKind.Layer, number, layer.DiffId, "", why ?? mismatch.Message, layer.DiffId?.ToString() ?? ""));
    }

    private static MeasureResult Result(Image image, LayerPass pass, MeasureOptions options, DifferenceLog log, bool compared)
    {
        if (image.ConfigDigest is not { } config)
            throw new ImageException(ImageError.Unsupported, $"{image.Name}: it has no config", "measure an image");
        Measurement? measurement = null;
        FileList? files = null;
        if (image.Layers.All(pass.Has))
        {
            Digest[] diffIds = [.. image.Layers.Select(l => l.DiffId!)];
            IReadOnlyList<Digest> chain = ChainId.Of(diffIds);
            measurement = new Measurement(config, [.. image.Layers.Select((l, i) =>
                new LayerMeasurement(chain[i], diffIds[i], i == 0 ? null : chain[i - 1], pass[l].TarBytes, pass[l].Content))]);
            if (options.Files)
                files = FileList.Of(config, [.. image.Layers.Select((l, i) => (diffIds[i], pass.ContentsOf(l)!))]);
        }
        return new MeasureResult(measurement, files, log.Sorted(), log.LeftOut, compared);
    }

    /// <summary>What one pass over the layers found; by key, since an image may hold a layer twice.</summary>
    /// <param name="keep">Whether entries are kept for comparing, contents hashed or not.</param>
    /// <param name="accepted">Told of each layer whose digests agreed.</param>
    /// <param name="fresh">As <see cref="MeasureOptions.Fresh"/>.</param>
    private sealed class LayerPass(bool hashFiles, bool keep, Action<ImageLayer, LayerContents>? accepted, Func<ImageLayer, LayerMeasurement?>? fresh = null) : ILayerVisitor
    {
        private static readonly object Nothing = new();
        private readonly ListBudget _budget = new();
        private readonly ConcurrentDictionary<string, (long TarBytes, Digest Content, LayerContents? Contents)> _done = new(StringComparer.Ordinal);

        public bool WantsSha384 => true;

        public (long TarBytes, Digest Content) this[ImageLayer layer] => (_done[layer.Key].TarBytes, _done[layer.Key].Content);

        public bool Has(ImageLayer layer) => _done.ContainsKey(layer.Key);

        public LayerContents? ContentsOf(ImageLayer layer) => _done[layer.Key].Contents;

        public bool Skip(ImageLayer layer, bool proven)
        {
            // A list of files needs the layer itself.
            if (hashFiles || fresh?.Invoke(layer) is not { } known || known.DiffId != layer.DiffId)
                return false;
            _done[layer.Key] = (known.TarBytes, known.Content, null);
            return true;
        }

        public object Visit(ImageLayer layer, EntryReader entries, CancellationToken cancellationToken) =>
            hashFiles || keep ? LayerContents.Read(entries, hashFiles, cancellationToken, _budget) : Nothing;

        public void Accept(ImageLayer layer, Digest? diffId, long tarBytes, object visited) => throw NoLayers();

        public void Accept(ImageLayer layer, Digest? diffId, long tarBytes, Digest? sha384, object visited)
        {
            AcceptQuietly(layer, diffId, tarBytes, sha384, visited);
            if (visited is LayerContents contents)
                accepted?.Invoke(layer, contents);
        }

        private static ImageException NoLayers() =>
            new(ImageError.Unsupported, "a folder has no layers, no config and no digests: there is nothing that its measurement could be held to", "measure an image");

        /// <summary>Tells nobody.</summary>
        public void AcceptQuietly(ImageLayer layer, Digest? diffId, long tarBytes, Digest? sha384, object visited)
        {
            if (diffId is null || sha384 is null)
                throw NoLayers();
            _done[layer.Key] = (tarBytes, sha384, visited as LayerContents);
        }
    }

    /// <summary>Reads one layer for a pass.</summary>
    private sealed class OneLayer(ImageLayer wanted, LayerPass pass) : ILayerVisitor
    {
        public bool WantsSha384 => true;

        public bool Skip(ImageLayer layer, bool proven) => layer.Key != wanted.Key;

        public object Visit(ImageLayer layer, EntryReader entries, CancellationToken cancellationToken) => pass.Visit(layer, entries, cancellationToken);

        public void Accept(ImageLayer layer, Digest? diffId, long tarBytes, object visited) => pass.Accept(layer, diffId, tarBytes, visited);

        public void Accept(ImageLayer layer, Digest? diffId, long tarBytes, Digest? sha384, object visited) => pass.AcceptQuietly(layer, diffId, tarBytes, sha384, visited);
    }

    /// <summary>Compares unpacked layers as they come, beside the threads that read and hash them, which have not root's rights.</summary>
    private sealed class Comparisons : IDisposable
    {
        private readonly BlockingCollection<(ImageLayer Layer, LayerContents Contents)> _layers = [];
        private readonly Thread[] _threads;
        private ExceptionDispatchInfo? _failure;

        public Comparisons(Image image, IUnpackedImage unpacked, DifferenceLog log, int parallelism, CancellationToken cancellationToken)
        {
            _threads = new Thread[Math.Max(1, parallelism)];
            for (int i = 0; i < _threads.Length; i++)
            {
                _threads[i] = new Thread(Work) { IsBackground = true, Name = "layer comparison" };
                _threads[i].Start();
            }

            void Work()
            {
                foreach ((ImageLayer layer, LayerContents contents) in _layers.GetConsumingEnumerable(CancellationToken.None))
                    try
                    {
                        cancellationToken.ThrowIfCancellationRequested();
                        using IUnpackedLayer opened = unpacked.OpenUnpacked(layer);
                        int number = 0;
                        while (image.Layers[number].Key != layer.Key)
                            number++;
                        new UnpackedComparer(opened, contents, number + 1, layer.DiffId, log).Compare(cancellationToken);
                    }
                    catch (Exception e)
                    {
                        // Thrown again by the thread that waits for the comparisons.
                        Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
                    }
            }
        }

        public void Add(ImageLayer layer, LayerContents contents) => _layers.Add((layer, contents));

        /// <summary>Waits for all of them.</summary>
        public void Finish()
        {
            Stop();
            _failure?.Throw();
        }

        private void Stop()
        {
            if (!_layers.IsAddingCompleted)
                _layers.CompleteAdding();
            foreach (Thread thread in _threads)
                thread.Join();
        }

        public void Dispose()
        {
            Stop();
            _layers.Dispose();
        }
    }
}
