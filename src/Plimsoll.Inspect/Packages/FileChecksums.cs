using System.Security.Cryptography;
using System.Text;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Packages;

/// <summary>Checksums of a file as the lists of dpkg (MD5), apk (SHA-1) and rpm (SHA-256) hold them.</summary>
static class FileChecksums
{
    private const int WindowBytes = 4 << 20;

    /// <summary>MD5, SHA-1 and SHA-256 in hex; empty where no distribution puts files, since nobody will ask.</summary>
    public static IReadOnlyList<string> Of(string path, ReadOnlyMemory<byte> content)
    {
        return Ownership.IsSystemPath(Encoding.UTF8.GetBytes(path)) ? OfContent(content) : [];
    }

    /// <summary>As <see cref="Of"/>, wherever the file lies.</summary>
    public static IReadOnlyList<string> OfContent(ReadOnlyMemory<byte> content)
    {
        using IncrementalHash md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5), sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1), sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int at = 0; at < content.Length; at += WindowBytes)
        {
            ReadOnlyMemory<byte> window = content.Slice(at, Math.Min(WindowBytes, content.Length - at));
            md5.AppendData(window.Span);
            sha1.AppendData(window.Span);
            sha256.AppendData(window.Span);
            ContentBuffer.Forget(window);
        }
        return [Hex(md5), Hex(sha1), Hex(sha256)];
    }

    private static string Hex(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetHashAndReset());
}
