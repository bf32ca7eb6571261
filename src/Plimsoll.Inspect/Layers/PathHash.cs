using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Plimsoll.Inspect.Layers;

/// <summary>The first 16 bytes of the SHA-256 of a path, so that a layer of millions of files is remembered in little room.</summary>
/// <remarks>
/// A cryptographic hash, because an image's maker chooses the paths and could otherwise make two collide. No UInt128:
/// code that passes one cannot be compiled ahead of time, and a warm scan would compile it at every start.
/// </remarks>
public readonly record struct PathHash(ulong High, ulong Low) : IComparable<PathHash>
{
    public static PathHash Of(ReadOnlySpan<byte> path)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(path, hash);
        return OfHash(hash);
    }

    /// <summary>Of a SHA-256 that was taken already.</summary>
    internal static PathHash OfHash(ReadOnlySpan<byte> hash) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(hash), BinaryPrimitives.ReadUInt64BigEndian(hash[8..]));

    public static PathHash Of(string path) => Of(Encoding.UTF8.GetBytes(path));

    public int CompareTo(PathHash other) => High != other.High ? High.CompareTo(other.High) : Low.CompareTo(other.Low);
}
