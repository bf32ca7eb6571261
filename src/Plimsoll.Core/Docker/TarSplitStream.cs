using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;

namespace Plimsoll.Docker;

/// <summary>The exact tar that a layer was made of, put together again from tar-split's pieces and the unpacked files.</summary>
/// <remarks>
/// Only its digest proves anything, beside which file each content came from: who can edit the store can edit tar-split's record as well. Names are resolved with
/// the layer's folder as root, so a link in the store leads nowhere else; nothing but a regular file is read.
/// </remarks>
internal sealed class TarSplitStream : ReadOnlyStream, IRebuiltLayer
{
    private readonly ConcurrentQueue<FileContent> _contents = new();
    private readonly TarSplitReader _entries;
    private readonly LayerFiles? _files;
    private readonly string _where;
    private readonly long _maxBytes;
    private byte[] _spill = [];
    private int _spillAt, _spillEnd;
    private int _file = -1;
    private long _fileLeft;
    private long _written;
    private ImageException? _failure;

    /// <param name="tarSplit">tar-split.json.gz; disposed with this.</param>
    /// <param name="unpacked">The layer's <c>diff</c> folder; disposed with this.</param>
    /// <param name="where">Which layer this is, for messages.</param>
    public TarSplitStream(Stream tarSplit, SafeFileHandle unpacked, string where, OciLimits limits)
    {
        _entries = new TarSplitReader(tarSplit, where, limits);
        _files = new LayerFiles(unpacked, where);
        (_where, _maxBytes) = (where, limits.MaxLayerBytes);
    }

    /// <summary>The tar with zeros for every file's content: no file is looked at.</summary>
    public TarSplitStream(Stream tarSplit, string where, OciLimits limits)
    {
        _entries = new TarSplitReader(tarSplit, where, limits);
        (_where, _maxBytes) = (where, limits.MaxLayerBytes);
    }

    public override int Read(Span<byte> buffer)
    {
        // Who caught an error and reads on gets the same error, never the bytes behind a gap.
        if (_failure is not null)
            throw new ImageException(_failure.Error, _failure.Message, _failure.Hint, _failure);
        try
        {
            int filled = Fill(buffer);
            _written += filled;
            if (_written > _maxBytes)
                throw new ImageException(ImageError.LimitExceeded, $"{_where}: the tar is longer than {_maxBytes} bytes (MaxLayerBytes)");
            return filled;
        }
        catch (ImageException e)
        {
            _failure = e;
            throw;
        }
        catch (InvalidDataException e)
        {
            _failure = new ImageException(ImageError.Malformed, $"{_where}: tar-split.json.gz is broken: {e.Message}", inner: e);
            throw _failure;
        }
    }

    private int Fill(Span<byte> buffer)
    {
        int filled = 0;
        while (filled < buffer.Length)
        {
            Span<byte> rest = buffer[filled..];
            if (_spillAt < _spillEnd)
            {
                int take = Math.Min(rest.Length, _spillEnd - _spillAt);
                _spill.AsSpan(_spillAt, take).CopyTo(rest);
                _spillAt += take;
                filled += take;
            }
            else if (_file >= 0)
            {
                filled += ReadFile(rest);
            }
            else if (_fileLeft > 0)
            {
                int take = (int)Math.Min(rest.Length, _fileLeft);
                rest[..take].Clear();
                _fileLeft -= take;
                filled += take;
            }
            else if (!_entries.MoveNext())
            {
                break;
            }
            else if (_entries.IsFile)
            {
                (_file, _fileLeft) = (_files?.Open(_entries.NameWithZero, _entries.Size) ?? -1, _entries.Size);
                if (_files is not null)
                    _contents.Enqueue(new FileContent(_written + filled, _entries.Size, _entries.NameWithZero[..^1].ToArray()));
            }
            else if (_entries.MaxPieceBytes <= rest.Length)
            {
                filled += _entries.DecodePiece(rest);
            }
            else
            {
                if (_spill.Length < _entries.MaxPieceBytes)
                    _spill = new byte[Math.Max(_entries.MaxPieceBytes, 16 * 1024)];
                (_spillAt, _spillEnd) = (0, _entries.DecodePiece(_spill));
            }
        }
        return filled;
    }

    public bool TryPeek(out FileContent content) => _contents.TryPeek(out content);

    public void Take() => _contents.TryDequeue(out _);

    private int ReadFile(Span<byte> to)
    {
        int got = Native.ReadFile(_file, to[..(int)Math.Min(to.Length, _fileLeft)]);
        if (got < 0)
            throw FileError.Of(-got, $"{_where}: cannot read the file {Texts.Escape.Quote(_entries.Name)} in the store");
        if (got == 0)
            throw new ImageException(ImageError.SizeMismatch,
                $"{_where}: the file {Texts.Escape.Quote(_entries.Name)} in the store has {_entries.Size - _fileLeft} bytes, tar-split states {_entries.Size} (it became shorter while it was read)");
        _fileLeft -= got;
        if (_fileLeft == 0)
        {
            Native.CloseFile(_file);
            _file = -1;
        }
        return got;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _entries.Dispose();
            _files?.Dispose();
        }
        if (_file >= 0)
            Native.CloseFile(_file);
        _file = -1;
        base.Dispose(disposing);
    }
}

/// <summary>Opens the unpacked files of one layer, each only when it is what tar-split says of it.</summary>
internal sealed class LayerFiles(SafeFileHandle folder, string where) : IDisposable
{
    private readonly int _folder = (int)folder.DangerousGetHandle();
    private ulong _noAtime = Native.NoAtime;

    /// <summary>Containers do not see what is mounted into a layer's folder, so it is no part of the layer.</summary>
    private const ulong Resolve = Native.ResolveInRoot | Native.ResolveNoMagicLinks | Native.ResolveNoXdev;

    /// <param name="name">Normal form, with a zero byte at its end.</param>
    /// <returns>A descriptor that the caller closes: a regular file of <paramref name="size"/> bytes when it was opened.</returns>
    public int Open(ReadOnlySpan<byte> name, long size)
    {
        // O_NONBLOCK: opening a FIFO that somebody put there must not wait for its writer.
        ulong flags = Native.ReadOnly | Native.NonBlock | Native.NoFollow | Native.NoCtty;
        int file = Native.Open(_folder, name, flags | _noAtime, Resolve);
        if (file == -Errno.EPERM && _noAtime != 0)
        {
            // Only a file's owner may leave its access time alone.
            _noAtime = 0;
            file = Native.Open(_folder, name, flags, Resolve);
        }
        if (file < 0)
            throw CannotOpen(-file, name, size);
        int error = Native.GetStat(file, out Stat stat);
        if (error == 0 && stat.IsFile && stat.Size == size)
            return file;
        Native.CloseFile(file);
        throw error != 0 ? FileError.Of(-error, $"{where}: cannot stat the file {Quote(name)} in the store")
            : !stat.IsFile ? new ImageException(ImageError.Malformed, $"{where}: {Quote(name)} in the store is {KindOf(stat)}, tar-split states a regular file of {size} bytes")
            : new ImageException(ImageError.SizeMismatch, $"{where}: the file {Quote(name)} in the store has {stat.Size} bytes, tar-split states {size}");
    }

    private ImageException CannotOpen(int errno, ReadOnlySpan<byte> name, long size) => errno switch
    {
        Errno.ENOENT or Errno.ENOTDIR => new ImageException(ImageError.BlobMissing, $"{where}: the file {Quote(name)} ({size} bytes) is not in the store: {Errno.Describe(errno)}"),
        Errno.ELOOP => new ImageException(ImageError.Malformed, $"{where}: {Quote(name)} in the store is a symbolic link, tar-split states a regular file of {size} bytes"),
        Errno.ENXIO or Errno.ENODEV => new ImageException(ImageError.Malformed, $"{where}: {Quote(name)} in the store is a socket or device, tar-split states a regular file of {size} bytes"),
        _ => FileError.Of(errno, $"{where}: cannot open the file {Quote(name)} in the store"),
    };

    private static string Quote(ReadOnlySpan<byte> name) => Texts.Escape.Quote(EntryPath.Decode(name[..^1]));

    private static string KindOf(in Stat stat) => stat.Kind switch
    {
        1 => "a FIFO",
        2 => "a character device",
        4 => "a folder",
        6 => "a block device",
        10 => "a symbolic link",
        12 => "a socket",
        _ => "no regular file",
    };

    public void Dispose() => folder.Dispose();
}

/// <summary>Finds the file that makes a layer's digest wrong.</summary>
internal static class ChangedFile
{
    /// <summary>Compares every file's CRC-64 with the one that tar-split kept; slow, for after a mismatch.</summary>
    /// <param name="tarSplit">tar-split.json.gz; disposed.</param>
    /// <param name="unpacked">The layer's <c>diff</c> folder; disposed.</param>
    /// <returns>A sentence that names the first file that differs with both values, or says that none does.</returns>
    public static string Describe(Stream tarSplit, SafeFileHandle unpacked, string where, OciLimits limits, CancellationToken cancellationToken)
    {
        using TarSplitReader entries = new(tarSplit, where, limits);
        using LayerFiles files = new(unpacked, where);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(256 * 1024);
        try
        {
            while (entries.MoveNext())
            {
                if (!entries.IsFile || entries.Crc is not { } wanted)
                    continue;
                cancellationToken.ThrowIfCancellationRequested();
                using SafeFileHandle file = Native.Own(files.Open(entries.NameWithZero, entries.Size));
                ulong seen = CrcOf((int)file.DangerousGetHandle(), entries.Size, buffer, cancellationToken);
                if (seen != wanted)
                    return $"the file {Texts.Escape.Quote(entries.Name)} in the store was changed: its CRC-64 is {seen:x16}, tar-split states {wanted:x16}";
            }
            return "no file's CRC-64 differs from tar-split's, so a tar header in tar-split.json.gz was changed";
        }
        catch (Exception e) when (e is ImageException or InvalidDataException)
        {
            return e.Message;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    internal static ulong CrcOf(int file, long size, byte[] buffer, CancellationToken cancellationToken)
    {
        ulong crc = 0;
        int got;
        for (long left = size; left > 0 && (got = Native.ReadFile(file, buffer.AsSpan(0, (int)Math.Min(buffer.Length, left)))) > 0; left -= got)
        {
            cancellationToken.ThrowIfCancellationRequested();
            crc = Crc64.Update(crc, buffer.AsSpan(0, got));
        }
        return crc;
    }
}
