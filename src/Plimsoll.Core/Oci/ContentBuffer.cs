using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Posix;

namespace Plimsoll.Oci;

/// <summary>Room for one file's content after the other, so that large ones cost neither garbage nor resident memory.</summary>
/// <remarks>
/// Up to <see cref="BigBytes"/> they lie in pooled arrays. A larger one goes to a file without a name, of which
/// only what is looked at is in memory; of those there is one at a time in the process. Who holds it waits for nobody, so nobody waits for ever.
/// Not thread safe; the content is valid until <see cref="Release"/>.
/// </remarks>
public sealed class ContentBuffer : IDisposable
{
    /// <summary>16 MiB: nearly every program and archive is smaller, and two threads hold 32 MiB at most.</summary>
    public const int BigBytes = 16 << 20;

    private const int MinBytes = 16 << 10;

    private static readonly SemaphoreSlim OneBig = new(1, 1);
    private readonly bool _waits;
    private byte[] _array = [];
    private int _length;
    private SpillFile? _spill;
    private bool _holdsGate;

    /// <param name="nested">What comes out of another content that is held already: it must not wait for that to be released.</param>
    public ContentBuffer(bool nested = false) => _waits = !nested;

    /// <summary>Why the content could not be kept, or null.</summary>
    public string? Failure { get; private set; }

    /// <summary>Starts a content; what was there before is released.</summary>
    /// <param name="length">What it is stated to have; fewer or more may come.</param>
    public void Begin(long length)
    {
        Release();
        Failure = null;
        if (length > BigBytes)
        {
            Spill();
            return;
        }
        // Not cleared, so that a length which is only claimed costs address space and nothing else.
        _array = ArrayPool<byte>.Shared.Rent((int)Math.Max(length, MinBytes));
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (Failure is not null)
            return;
        if (_spill is null && _length + bytes.Length > BigBytes)
        {
            Spill();
            Failure ??= _spill?.Append(_array.AsSpan(0, _length));
        }
        if (_spill is not null || Failure is not null)
        {
            Failure ??= _spill?.Append(bytes);
            return;
        }
        if (_array.Length < _length + bytes.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_length + bytes.Length, Math.Min(BigBytes, _array.Length * 2)));
            _array.AsSpan(0, _length).CopyTo(larger);
            ReturnArray();
            _array = larger;
        }
        bytes.CopyTo(_array.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>The whole content; false when it could not be kept, which <see cref="Failure"/> explains.</summary>
    public bool TryEnd(out ReadOnlyMemory<byte> content)
    {
        content = default;
        if (Failure is null && _spill is not null)
            Failure = _spill.Map();
        if (Failure is not null)
            return false;
        content = _spill is null ? _array.AsMemory(0, _length) : _spill.Memory;
        return true;
    }

    /// <summary>Gives up the content; the memory and the disk of a large one are free at once.</summary>
    public void Release()
    {
        (_spill as IDisposable)?.Dispose();
        _spill = null;
        ReturnArray();
        _length = 0;
        if (_holdsGate)
            OneBig.Release();
        _holdsGate = false;
    }

    /// <summary>Says that a part which was looked at need not stay in memory; it may be looked at again.</summary>
    public static void Forget(ReadOnlyMemory<byte> part)
    {
        if (MemoryMarshal.TryGetMemoryManager(part, out SpillFile? spill, out int start, out int length))
            spill.Forget(start, length);
    }

    /// <summary>A descriptor that reads the file in which a large content lies; to be disposed by the caller.</summary>
    /// <returns>Null of a content that lies in memory, of a part of one, and where there is no /proc.</returns>
    /// <remarks>
    /// The file has no name, nobody but its buffer could write to it, and that one writes no more once the content is whole: whoever
    /// reads it reads what was hashed.
    /// </remarks>
    public static SafeFileHandle? Share(ReadOnlyMemory<byte> content) =>
        MemoryMarshal.TryGetMemoryManager(content, out SpillFile? spill, out int start, out int length) && start == 0 ? spill.Share(length) : null;

    private void ReturnArray()
    {
        if (_array.Length > 0)
            ArrayPool<byte>.Shared.Return(_array);
        _array = [];
    }

    private void Spill()
    {
        if (_waits)
        {
            OneBig.Wait();
            _holdsGate = true;
        }
        _spill = SpillFile.Create(out string? failure);
        Failure = failure;
    }

    public void Dispose() => Release();

    /// <summary>A content in a file without a name, shown as memory.</summary>
    private sealed unsafe class SpillFile : MemoryManager<byte>
    {
        private const int PageBytes = 4096;
        private readonly SafeFileHandle _file;
        private long _length;
        private nint _address;

        private SpillFile(SafeFileHandle file) => _file = file;

        public static SpillFile? Create(out string? failure)
        {
            int file = Native.CreateUnnamed(Encoding.UTF8.GetBytes(Path.GetTempPath() + '\0'));
            failure = file < 0 ? $"no temporary file: {Errno.Describe(-file)}" : null;
            return file < 0 ? null : new SpillFile(Native.Own(file));
        }

        /// <returns>Why it failed, or null.</returns>
        public string? Append(ReadOnlySpan<byte> bytes)
        {
            try
            {
                RandomAccess.Write(_file, bytes, _length);
                _length += bytes.Length;
                return null;
            }
            catch (IOException e)
            {
                return $"no room for a temporary file: {e.Message}";
            }
        }

        public string? Map()
        {
            if (_length is 0 or > int.MaxValue)
                return "the content is empty or too long";
            _address = Native.Map((int)_file.DangerousGetHandle(), _length);
            return _address == 0 ? "the temporary file cannot be mapped" : null;
        }

        public void Forget(int start, int length)
        {
            long first = (start + PageBytes - 1L) / PageBytes * PageBytes, end = (start + (long)length) / PageBytes * PageBytes;
            if (_address != 0 && end > first)
                Native.Forget(_address + (nint)first, end - first);
        }

        public SafeFileHandle? Share(int length) => length == _length ? HandedFile.OpenForReading(_file) : null;

        public override Span<byte> GetSpan() => _address == 0 ? default : new Span<byte>((void*)_address, (int)_length);

        public override MemoryHandle Pin(int elementIndex = 0) => new((byte*)_address + elementIndex);

        public override void Unpin()
        {
            // The mapping does not move.
        }

        protected override void Dispose(bool disposing)
        {
            if (_address != 0)
                Native.Unmap(_address, _length);
            _address = 0;
            _file.Dispose();
        }
    }
}
