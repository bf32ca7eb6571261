using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Plimsoll.Keys;

/// <summary>A classical key and an ML-DSA-65 one that sign together: both must verify, so that it holds while either of the two does.</summary>
/// <remarks>
/// Files carry one signature of each part, so that tools which know the classical part alone can check that one. In memory both are one byte
/// string, which is never written: two bytes with the length of the first, big endian, the first, the second. Source: docs/formats/keys.md.
/// </remarks>
internal sealed class HybridPublicKey : PublicKey
{
    private readonly PublicKey _classical, _second;

    /// <summary>Takes both over.</summary>
    /// <param name="second">An ML-DSA-65 key.</param>
    public HybridPublicKey(PublicKey classical, PublicKey second)
        : base(classical.Algorithm.Hybrid(), (byte[])[.. classical.Spki.Span, .. second.Spki.Span]) => (_classical, _second, Parts) = (classical, second, [classical, second]);

    public override IReadOnlyList<PublicKey> Parts { get; }

    public override string? Unsupported => _classical.Unsupported ?? _second.Unsupported;

    /// <exception cref="KeyUnsupportedException">The platform lacks one of the algorithms.</exception>
    public override bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (signature.Length < sizeof(ushort) || BinaryPrimitives.ReadUInt16BigEndian(signature) is var length && length > signature.Length - sizeof(ushort))
            return false;
        ReadOnlySpan<byte> both = signature[sizeof(ushort)..];
        return _classical.Verify(data, both[..length]) && _second.Verify(data, both[length..]);
    }

    public override IReadOnlyList<ReadOnlyMemory<byte>> Split(ReadOnlyMemory<byte> signature)
    {
        int length = BinaryPrimitives.ReadUInt16BigEndian(signature.Span);
        ReadOnlyMemory<byte> both = signature[sizeof(ushort)..];
        return [both[..length], both[length..]];
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _classical.Dispose();
            _second.Dispose();
        }
        base.Dispose(disposing);
    }
}

/// <param name="classical">Taken over, as is <paramref name="second"/>.</param>
internal sealed class HybridSigner(ISigner classical, ISigner second) : ISigner, IExportable
{
    /// <summary>The two parts, the classical one first.</summary>
    public IReadOnlyList<ISigner> Parts { get; } = [classical, second];

    public PublicKey PublicKey { get; } = new HybridPublicKey(classical.PublicKey, second.PublicKey);

    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        byte[] first = classical.Sign(data), other = second.Sign(data);
        byte[] both = new byte[sizeof(ushort) + first.Length + other.Length];
        BinaryPrimitives.WriteUInt16BigEndian(both, checked((ushort)first.Length));
        first.CopyTo(both, sizeof(ushort));
        other.CopyTo(both, sizeof(ushort) + first.Length);
        return both;
    }

    /// <summary>PrivateKeyInfo of both parts, one after the other.</summary>
    public byte[] ExportPkcs8()
    {
        byte[] first = KeyFile.ExportPkcs8(classical), other = [];
        try
        {
            other = KeyFile.ExportPkcs8(second);
            return [.. first, .. other];
        }
        finally
        {
            CryptographicOperations.ZeroMemory(first);
            CryptographicOperations.ZeroMemory(other);
        }
    }

    public void Dispose()
    {
        classical.Dispose();
        second.Dispose();
    }
}
