using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Plimsoll.Inspect.Layers;

/// <summary>Short names for paths, 16 bytes each, so that a layer of millions of files is remembered in little room.</summary>
/// <remarks>A cryptographic hash, because an image's maker chooses the paths and could otherwise make two collide.</remarks>
internal static class PathHash
{
    public static UInt128 Of(ReadOnlySpan<byte> path)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(path, hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    public static UInt128 Of(string path) => Of(Encoding.UTF8.GetBytes(path));
}
