using System.Buffers;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;

namespace Plimsoll.Docker;

/// <summary>A layer that lies unpacked beside tar-split's record of it.</summary>
/// <param name="open">Opens the record and the folder anew.</param>
/// <param name="folder">Disposed with this.</param>
internal sealed class TarSplitLayer(Func<(Stream Split, SafeFileHandle Unpacked)> open, SafeFileHandle folder, string where, IdShift ids, OciLimits limits) : IUnpackedLayer
{
    public string Where => where;

    public SafeFileHandle Folder => folder;

    public IdShift Ids => ids;

    public EntryReader ReadHeaders()
    {
        (Stream split, SafeFileHandle unpacked) = open();
        unpacked.Dispose();
        return new TarReader(new ChunkFeed(new TarSplitStream(split, where, limits), hash: null, ahead: false), limits);
    }

    public IEnumerable<ChangedContent> FindChanged(CancellationToken cancellationToken)
    {
        (Stream split, SafeFileHandle unpacked) = open();
        using TarSplitReader entries = new(split, where, limits);
        using SafeFileHandle below = unpacked;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(256 * 1024);
        try
        {
            while (entries.MoveNext())
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (entries.IsFile && Compare(entries, below, buffer, cancellationToken) is { } changed)
                    yield return changed;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static ChangedContent? Compare(TarSplitReader entry, SafeFileHandle below, byte[] buffer, CancellationToken cancellationToken)
    {
        int file = Native.Open((int)below.DangerousGetHandle(), entry.NameWithZero, Native.ReadOnly | Native.NonBlock | Native.NoFollow | Native.NoCtty, Native.ResolveInRoot | Native.ResolveNoMagicLinks | Native.ResolveNoXdev);
        if (file < 0)
            return null;
        using SafeFileHandle owned = Native.Own(file);
        if (Native.GetStat(file, out Stat stat) < 0 || !stat.IsFile)
            return null;
        if (stat.Size != entry.Size)
            return new ChangedContent(entry.Name, $"{stat.Size} bytes", $"{entry.Size} bytes", IsSize: true);
        if (entry.Crc is not { } wanted)
            return null;
        ulong seen = ChangedFile.CrcOf(file, entry.Size, buffer, cancellationToken);
        return seen == wanted ? null : new ChangedContent(entry.Name, $"crc64:{seen:x16}", $"crc64:{wanted:x16}", IsSize: false);
    }

    public void Dispose() => folder.Dispose();
}
