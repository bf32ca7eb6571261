using System.Text;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages.Dpkg;

/// <summary>dpkg's lists of checksums: <c>var/lib/dpkg/info/PACKAGE.md5sums</c> and <c>status.d/PACKAGE.md5sums</c>.</summary>
/// <remarks>
/// Source: deb-md5sums(5): 32 hex digits, two blanks, the path without a leading slash. What says nothing usable is no gap: a
/// file that no list claims is looked up as any other.
/// </remarks>
public sealed class DpkgOwnedAnalyser : IAnalyser
{
    private const int Md5Digits = 32;

    public string Id => "dpkg-owned";

    public int Version => 1;

    /// <summary>32 MiB; the longest of Debian, of a package with 100 000 files, has about 10.</summary>
    public long MaxFileBytes => 32L << 20;

    public bool Wants(ReadOnlySpan<byte> path)
    {
        if (path is not [.., (byte)'s'] || !path.EndsWith(".md5sums"u8))
            return false;
        int start = path.StartsWith("var/lib/dpkg/info/"u8) ? "var/lib/dpkg/info/"u8.Length : path.StartsWith("var/lib/dpkg/status.d/"u8) ? "var/lib/dpkg/status.d/"u8.Length : -1;
        return start > 0 && path.Length > start + ".md5sums"u8.Length && path[start..].IndexOf((byte)'/') < 0;
    }

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        string package = path[(path.LastIndexOf('/') + 1)..^".md5sums".Length];
        int architecture = package.IndexOf(':', StringComparison.Ordinal);
        if (architecture > 0)
            package = package[..architecture];
        List<OwnedFile> owned = [];
        ReadOnlySpan<byte> rest = content.Span;
        while (rest.Length > 0)
        {
            ReadOnlySpan<byte> line = Fields.NextLine(ref rest);
            if (line.Length <= Md5Digits + 2 || line.Length > Fields.MaxNameLength + Md5Digits + 2 || line[Md5Digits] != (byte)' ' || line[Md5Digits + 1] is not ((byte)' ' or (byte)'*'))
                continue;
            ReadOnlySpan<byte> file = line[(Md5Digits + 2)..];
            if (Ownership.MayMatter(file) && !line[..Md5Digits].ContainsAnyExcept(OwnedFiles.HexDigits))
                owned.Add(new OwnedFile(Encoding.UTF8.GetString(file), Encoding.ASCII.GetString(line[..Md5Digits]).ToLowerInvariant(), package));
        }
        return owned.Count == 0 ? null : new FileFacts { Path = path, Analyser = Id, Owned = owned };
    }
}
