using System.Buffers;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages;

/// <summary>What the file lists in sight claim, and whether a claim on a file holds.</summary>
internal sealed class OwnedFiles
{
    public static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdefABCDEF"u8);

    private readonly Dictionary<string, List<Claim>> _byPath = new(StringComparer.Ordinal);
    private readonly bool _merged;

    private sealed record Claim(string Checksum, string Owner);

    /// <param name="visible">Facts of the composed image.</param>
    /// <param name="known">Type and name of the packages in the image's databases: <c>deb/bash</c>.</param>
    /// <param name="merged">Whether lib, bin and sbin are links to those below usr.</param>
    public OwnedFiles(IReadOnlyList<FileFacts> visible, IReadOnlySet<string> known, bool merged)
    {
        _merged = merged;
        // Lists claim very many files; only those count of which anyone took the checksums.
        foreach (FileFacts facts in visible)
            if (facts.Checksums.Count > 0)
                _byPath.TryAdd(Canonical(facts.Path), []);
        if (_byPath.Count == 0)
            return;
        foreach (FileFacts facts in visible)
        {
            if (facts.Owned.Count == 0)
                continue;
            // apk's and rpm's databases list the files beside the packages; dpkg's lists are files of their own.
            string type = facts.Packages.Count > 0 ? facts.Packages[0].Type : "deb";
            foreach (OwnedFile file in facts.Owned)
            {
                if (!_byPath.TryGetValue(Canonical(file.Path), out List<Claim>? claims))
                    continue;
                string owner = $"{type}/{file.Package}";
                if (known.Contains(owner))
                    claims.Add(new Claim(file.Checksum, owner));
            }
        }
    }

    /// <returns>The owner as <c>deb/NAME</c>, the first in ordinal order; null when no claim holds.</returns>
    public string? OwnerOf(FileFacts facts) =>
        facts.Checksums.Count > 0 && _byPath.TryGetValue(Canonical(facts.Path), out List<Claim>? claims)
            ? claims.Where(c => facts.Checksums.Contains(c.Checksum)).Select(c => c.Owner).Min(StringComparer.Ordinal)
            : null;

    private string Canonical(string path) =>
        _merged && (path.StartsWith("lib", StringComparison.Ordinal) || path.StartsWith("bin/", StringComparison.Ordinal) || path.StartsWith("sbin/", StringComparison.Ordinal)) ? $"usr/{path}" : path;
}
