using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Plimsoll.Hsm;

/// <summary>A list of attributes in memory that does not move; overwritten when it goes, since it may hold a key.</summary>
internal sealed unsafe class Template : IDisposable
{
    private const int MaxAttributes = 24, ValuesAt = 1024, Bytes = 4096;

    private byte* _block = (byte*)NativeMemory.AllocZeroed(Bytes);
    private int _end = ValuesAt;

    public ulong Count { get; private set; }

    public CkAttribute* Attributes => _block is not null ? (CkAttribute*)_block : throw new ObjectDisposedException(nameof(Template));

    public Template Add(ulong type, bool value) => Add(type, [value ? (byte)1 : (byte)0]);

    public Template Add(ulong type, ulong value) => Add(type, MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value)));

    public Template Add(ulong type, ReadOnlySpan<byte> value)
    {
        // Numbers are read where they lie, so that each value begins at a multiple of eight.
        int at = (_end + 7) & ~7;
        if (Count == MaxAttributes || value.Length > Bytes - at)
            throw new ArgumentException($"a template of {Count + 1} attributes and {at + value.Length} bytes", nameof(value));
        value.CopyTo(new Span<byte>(_block + at, Bytes - at));
        Attributes[Count++] = new CkAttribute { Type = type, Value = _block + at, Length = (ulong)value.Length };
        _end = at + value.Length;
        return this;
    }

    public void Dispose()
    {
        if (_block is null)
            return;
        CryptographicOperations.ZeroMemory(new Span<byte>(_block, Bytes));
        NativeMemory.Free(_block);
        _block = null;
    }
}
