using Microsoft.Win32.SafeHandles;

namespace Plimsoll.Oci;

/// <summary>What a forward-only reading stream need not say again.</summary>
internal abstract class ReadOnlyStream : Stream
{
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    public abstract override int Read(Span<byte> buffer);
    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

/// <summary>Part of a file; several can read the same handle at once. The handle stays the caller's.</summary>
internal sealed class FileRegion(SafeFileHandle file, long offset, long length) : ReadOnlyStream
{
    private long _at;

    public override int Read(Span<byte> buffer)
    {
        int want = (int)Math.Min(buffer.Length, length - _at);
        if (want == 0)
            return 0;
        int got = RandomAccess.Read(file, buffer[..want], offset + _at);
        _at += got;
        return got;
    }
}

/// <summary>Counts and hashes what is read through it.</summary>
internal sealed class HashingStream(Stream source, System.Security.Cryptography.IncrementalHash? hash) : ReadOnlyStream
{
    public long BytesRead { get; private set; }

    public override int Read(Span<byte> buffer)
    {
        int got = source.Read(buffer);
        hash?.AppendData(buffer[..got]);
        BytesRead += got;
        return got;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            source.Dispose();
        base.Dispose(disposing);
    }
}
