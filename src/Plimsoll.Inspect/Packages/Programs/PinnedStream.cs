using System.Buffers;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Packages.Programs;

/// <summary>Reads memory of any kind as a stream, without a copy; what was read need not stay in memory.</summary>
sealed unsafe class PinnedStream : UnmanagedMemoryStream
{
    private const int WindowBytes = 4 << 20;
    private readonly ReadOnlyMemory<byte> _memory;
    private MemoryHandle _pin;
    private int _forgotten;

    public PinnedStream(ReadOnlyMemory<byte> memory)
    {
        _memory = memory;
        _pin = memory.Pin();
        // An empty memory has no address, and a stream wants one.
        Initialize(_pin.Pointer is null ? (byte*)1 : (byte*)_pin.Pointer, memory.Length, memory.Length, FileAccess.Read);
    }

    public override int Read(Span<byte> buffer)
    {
        int got = base.Read(buffer);
        Forget(WindowBytes);
        return got;
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        int got = base.Read(buffer, offset, count);
        Forget(WindowBytes);
        return got;
    }

    private void Forget(int atLeast)
    {
        int at = (int)Math.Min(Position, _memory.Length);
        if (at - _forgotten < atLeast)
            return;
        ContentBuffer.Forget(_memory[_forgotten..at]);
        _forgotten = at;
    }

    protected override void Dispose(bool disposing)
    {
        // Closed twice by those who take a stream over and those who made it.
        if (disposing && CanRead)
            Forget(1);
        base.Dispose(disposing);
        _pin.Dispose();
    }
}
