using System.Buffers;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages;

/// <summary>What the file lists in sight claim, and whether a claim on a file holds.</summary>
internal sealed class OwnedFiles
{
    public static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdefABCDEF"u8);

    private readonly Dictionary<string, List<(string Checksum, string Owner)>> _byPath = new(StringComparer.Ordinal);
    private readonly bool _merged;

    /// <param name="visible">Facts of the composed image.</param>
    /// <param name="known">Type and name of the packages in the image's databases.</param>
    /// <param name="merged">Whether lib, bin and sbin are links to those below usr.</param>
    public OwnedFiles(IEnumerable<FileFacts> visible, IReadOnlySet<(string Type, string Name)> known, bool merged)
    {
        _merged = merged;
        foreach (FileFacts facts in visible)
        {
            if (facts.Owned.Count == 0)
                continue;
            // apk's and rpm's databases list the files beside the packages; dpkg's lists are files of their own.
            string type = facts.Packages.Count > 0 ? facts.Packages[0].Type : "deb";
            foreach (OwnedFile file in facts.Owned)
            {
                if (!known.Contains((type, file.Package)))
                    continue;
                string path = Canonical(file.Path);
                if (!_byPath.TryGetValue(path, out List<(string, string)>? claims))
                    _byPath[path] = claims = [];
                claims.Add((file.Checksum, $"{type}/{file.Package}"));
            }
        }
    }

    /// <returns>The owner as <c>deb/NAME</c>, the first in ordinal order; null when no claim holds.</returns>
    public string? OwnerOf(FileFacts facts) =>
        facts.Checksums.Count > 0 && _byPath.TryGetValue(Canonical(facts.Path), out List<(string Checksum, string Owner)>? claims)
            ? claims.Where(c => facts.Checksums.Contains(c.Checksum)).Select(c => c.Owner).Min(StringComparer.Ordinal)
            : null;

    private string Canonical(string path) =>
        _merged && (path.StartsWith("lib", StringComparison.Ordinal) || path.StartsWith("bin/", StringComparison.Ordinal) || path.StartsWith("sbin/", StringComparison.Ordinal)) ? $"usr/{path}" : path;
}
