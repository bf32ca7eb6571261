using System.Security.Cryptography;

namespace Plimsoll.Hsm;

/// <summary>A PIN in memory that does not move, overwritten when it goes.</summary>
public sealed class HsmPin : IDisposable
{
    private readonly byte[] _bytes;

    /// <param name="pin">UTF-8, as the token wants it. Copied.</param>
    public HsmPin(ReadOnlySpan<byte> pin)
    {
        _bytes = GC.AllocateArray<byte>(pin.Length, pinned: true);
        pin.CopyTo(_bytes);
    }

    public ReadOnlySpan<byte> Bytes => _bytes;

    public void Dispose() => CryptographicOperations.ZeroMemory(_bytes);
}
