using System.Buffers;

namespace Plimsoll.Inspect.Packages.Programs;

/// <summary>Reads memory of any kind as a stream, without a copy.</summary>
sealed unsafe class PinnedStream : UnmanagedMemoryStream
{
    private MemoryHandle _pin;

    public PinnedStream(ReadOnlyMemory<byte> memory)
    {
        _pin = memory.Pin();
        // An empty memory has no address, and a stream wants one.
        Initialize(_pin.Pointer is null ? (byte*)1 : (byte*)_pin.Pointer, memory.Length, memory.Length, FileAccess.Read);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _pin.Dispose();
    }
}
