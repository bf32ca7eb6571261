using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;

namespace Plimsoll.Docker;

/// <summary>An image whose layers are rebuilt from unpacked files and what tar-split noted of their headers.</summary>
/// <remarks>
/// No layer counts as proven by an earlier read: who owns the store can edit an unpacked file at any time, and no engine
/// looks again. So every layer that is asked for is rebuilt and hashed.
/// </remarks>
internal abstract class TarSplitImage : RandomAccessImage
{
    /// <summary>The folder of the store, as errors name it.</summary>
    protected abstract string Root { get; }

    /// <summary>What to do about a file that was edited.</summary>
    protected abstract string Remedy { get; }

    protected abstract (Stream Split, SafeFileHandle Unpacked) OpenStored(ImageLayer layer);

    protected sealed override Stream OpenLayer(ImageLayer layer)
    {
        (Stream split, SafeFileHandle unpacked) = OpenStored(layer);
        return new TarSplitStream(split, unpacked, Where(layer), Limits);
    }

    public sealed override void ReadLayers(ILayerVisitor visitor, int parallelism, CancellationToken cancellationToken)
    {
        try
        {
            base.ReadLayers(visitor, parallelism, cancellationToken);
        }
        catch (ImageException e) when (e.Error == ImageError.DiffIdMismatch)
        {
            // The digest says that a layer changed; its checksums say which file, at the price of reading the layer again.
            if (Layers.FirstOrDefault(l => e.Message.Contains(l.Key, StringComparison.Ordinal)) is not { } layer)
                throw;
            (Stream split, SafeFileHandle unpacked) = OpenStored(layer);
            throw new ImageException(e.Error, $"{Root}: {e.Message}; {ChangedFile.Describe(split, unpacked, Where(layer), Limits, cancellationToken)}", Remedy, e);
        }
    }

    /// <summary>For stores whose layer folders hold nothing but the layer.</summary>
    public IUnpackedLayer OpenUnpacked(ImageLayer layer)
    {
        (Stream split, SafeFileHandle unpacked) = OpenStored(layer);
        split.Dispose();
        return new TarSplitLayer(() => OpenStored(layer), unpacked, Where(layer), Ids, Limits);
    }

    /// <summary>How the engine shifts the owners of unpacked files.</summary>
    protected virtual IdShift Ids => IdShift.None;

    private string Where(ImageLayer layer) => $"layer {Root}/{layer.Key}";
}
