using System.Runtime.InteropServices;

namespace Plimsoll.Oci;

/// <summary>Inflates zstd frames with the system's libzstd; skippable frames (zstd:chunked) are passed over.</summary>
internal sealed partial class ZstdStream : ReadOnlyStream
{
    private const string Library = "libzstd.so.1";
    private readonly Stream _source;
    private readonly byte[] _input = new byte[128 * 1024];
    private readonly ContextHandle _context;
    private int _inputLength, _inputAt;
    private bool _frameOpen, _inputEverRead, _sourceEnded;

    public ZstdStream(Stream source)
    {
        _source = source;
        try
        {
            _context = ZSTD_createDStream();
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            throw new ImageException(ImageError.Unsupported, $"a zstd-compressed layer needs {Library}, which is not installed",
                "install the package libzstd1", e);
        }
        if (_context.IsInvalid)
            throw new ImageException(ImageError.LimitExceeded, "libzstd could not allocate its state");
    }

    public override unsafe int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        while (true)
        {
            if (_inputAt == _inputLength && !_sourceEnded)
            {
                _inputLength = _source.Read(_input);
                _inputAt = 0;
                _sourceEnded = _inputLength == 0;
            }
            nuint result;
            int written;
            fixed (byte* input = _input, output = buffer)
            {
                InBuffer from = new() { Source = input, Size = (nuint)_inputLength, Position = (nuint)_inputAt };
                OutBuffer to = new() { Target = output, Size = (nuint)buffer.Length };
                result = ZSTD_decompressStream(_context, &to, &from);
                if (ZSTD_isError(result) != 0)
                    throw new InvalidDataException("zstd: " + Marshal.PtrToStringUTF8(ZSTD_getErrorName(result)));
                _inputAt = (int)from.Position;
                written = (int)to.Position;
            }
            // Zero says that a frame is complete and all of it handed out; at the source's end that is the only good end.
            if (result == 0)
                _frameOpen = false;
            else if (written > 0 || _inputLength > 0)
                _frameOpen = true;
            if (written > 0)
                return written;
            if (_sourceEnded)
                return _frameOpen && _inputEverRead ? throw new InvalidDataException("zstd: the data ends inside a frame") : 0;
            _inputEverRead |= _inputLength > 0;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _source.Dispose();
            _context.Dispose();
        }
        base.Dispose(disposing);
    }

    private sealed class ContextHandle() : SafeHandle(IntPtr.Zero, ownsHandle: true)
    {
        public override bool IsInvalid => handle == IntPtr.Zero;

        protected override bool ReleaseHandle()
        {
            _ = ZSTD_freeDStream(handle);
            return true;
        }
    }

    private unsafe struct InBuffer
    {
        public byte* Source;
        public nuint Size, Position;
    }

    private unsafe struct OutBuffer
    {
        public byte* Target;
        public nuint Size, Position;
    }

    [LibraryImport(Library)] private static partial ContextHandle ZSTD_createDStream();
    [LibraryImport(Library)] private static partial nuint ZSTD_freeDStream(IntPtr context);
    [LibraryImport(Library)] private static unsafe partial nuint ZSTD_decompressStream(ContextHandle context, OutBuffer* output, InBuffer* input);
    [LibraryImport(Library)] private static partial uint ZSTD_isError(nuint code);
    [LibraryImport(Library)] private static partial IntPtr ZSTD_getErrorName(nuint code);
}
