using System.Globalization;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages.Rpm;

/// <summary>The list of packages that Azure Linux (CBL-Mariner) leaves in its images without a package manager.</summary>
/// <remarks>
/// <c>var/lib/rpmmanifest/container-manifest-2</c>: a line for each package, its columns parted by tabs: name, version-release,
/// install time, build time, vendor, (none), size, architecture, epoch, source package. <c>(none)</c> stands for nothing.
/// </remarks>
public sealed class RpmManifestAnalyser : IAnalyser
{
    private const int Columns = 10;

    public string Id => "rpm-manifest";

    public int Version => 1;

    /// <summary>16 MiB; a line has some 200 bytes.</summary>
    public long MaxFileBytes => 16L << 20;

    public IReadOnlyList<string> Anchors => ["var/lib/rpmmanifest/container-manifest-2"];

    public bool Wants(ReadOnlySpan<byte> path) => path.SequenceEqual("var/lib/rpmmanifest/container-manifest-2"u8);

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        ReadOnlySpan<byte> rest = content.Span;
        List<Package> packages = [];
        GapList gaps = new(path);
        for (long number = 1; rest.Length > 0; number++)
        {
            ReadOnlySpan<byte> line = Fields.NextLine(ref rest);
            if (line.IsEmpty || line.StartsWith("gpg-pubkey\t"u8))
                continue;
            if (packages.Count == Fields.MaxPackages)
            {
                gaps.Add("too-many-packages", $"more than {Fields.MaxPackages} packages; the rest was not read");
                break;
            }
            if (Read(line) is { } package)
                packages.Add(package);
            else
                gaps.Add(RpmDatabaseAnalyser.Corrupt, $"line {number} is no package: {Fields.Quote(line)}");
        }
        IReadOnlyList<Gap> found = gaps.ToList();
        return packages.Count == 0 && found.Count == 0 ? null : new FileFacts { Path = path, Analyser = Id, Packages = packages, Gaps = found };
    }

    private static Package? Read(ReadOnlySpan<byte> line)
    {
        Span<Range> at = stackalloc Range[Columns];
        int count = 0, start = 0;
        for (int i = 0; i <= line.Length; i++)
            if (i == line.Length || line[i] == (byte)'\t')
            {
                if (count == Columns)
                    return null;
                at[count++] = start..i;
                start = i + 1;
            }
        if (count != Columns)
            return null;
        string? name = Fields.Word(line[at[0]]), version = Fields.Word(line[at[1]]), source = Fields.Word(line[at[9]]);
        if (name is null || version is null || !version.Contains('-', StringComparison.Ordinal))
            return null;
        string? vendor = Fields.Shown(line[at[4]]), architecture = Fields.Word(line[at[7]]), epochText = Fields.Word(line[at[8]]);
        uint epoch = 0;
        if (epochText is not null and not "(none)" && !uint.TryParse(epochText, NumberStyles.None, CultureInfo.InvariantCulture, out epoch))
            return null;
        return RpmPackage.Of(name, version, epoch, architecture is "(none)" ? null : architecture, source, vendor is "(none)" or "" ? null : vendor, null, null);
    }
}
