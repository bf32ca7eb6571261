using System.Text;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages.Gentoo;

/// <summary>Gentoo's packages: <c>var/db/pkg/CATEGORY/NAME-VERSION/</c>, named by the folder; <c>PF</c> shows that it is one.</summary>
/// <remarks>
/// Source: Package Manager Specification, "Names and Versions": a version starts behind the last hyphen that a digit follows, and
/// <c>-r1</c> behind it is its revision. LICENSE gives the licences. No advisories are matched: this is inventory.
/// </remarks>
public sealed class PortageAnalyser : IAnalyser
{
    private const string Folder = "var/db/pkg/";

    public string Id => "portage";

    public int Version => 1;

    /// <summary>64 KiB; real ones have one line.</summary>
    public long MaxFileBytes => 64L << 10;

    public IReadOnlyList<string> Anchors => ["var/db/pkg"];

    public bool Wants(ReadOnlySpan<byte> path)
    {
        if (!path.StartsWith("var/db/pkg/"u8))
            return false;
        path = path["var/db/pkg/"u8.Length..];
        int category = path.IndexOf((byte)'/'), file = path.LastIndexOf((byte)'/');
        return category > 0 && file > category + 1 && path[(category + 1)..file].IndexOf((byte)'/') < 0
            && (path[(file + 1)..].SequenceEqual("PF"u8) || path[(file + 1)..].SequenceEqual("LICENSE"u8));
    }

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        string[] parts = path[Folder.Length..].Split('/');
        // The folder decides, as it does for portage; a file that says something else is a fault and not another package.
        (string Name, string Version)? package = NameOf(parts[0], parts[1]);
        if (package is not { } found)
            return new FileFacts { Path = path, Analyser = Id, Gaps = [Corrupt(path, $"{Texts.Escape.Quote(parts[1])} is no name with a version")] };
        ReadOnlySpan<byte> rest = content.Span;
        ReadOnlySpan<byte> line = Fields.NextLine(ref rest);
        if (parts[2] == "LICENSE")
            return line.IsEmpty ? null : new FileFacts
            {
                Path = path,
                Analyser = Id,
                LicencesOf = new Dictionary<string, IReadOnlyList<string>> { [found.Name] = [Fields.Shown(line)] },
            };
        return new FileFacts
        {
            Path = path,
            Analyser = Id,
            Packages = [new Package { Type = "ebuild", Name = found.Name, Version = found.Version, SourceName = found.Name, SourceVersion = found.Version }],
            Gaps = Encoding.UTF8.GetBytes(parts[1]).AsSpan().SequenceEqual(Fields.Trim(line)) ? []
                : [Corrupt(path, $"it says {Fields.Quote(line)} in a folder {Texts.Escape.Quote(parts[1])}")],
        };
    }

    private static (string Name, string Version)? NameOf(string category, string folder)
    {
        int hyphen = -1;
        for (int i = 1; i + 1 < folder.Length; i++)
            if (folder[i] == '-' && char.IsAsciiDigit(folder[i + 1]))
                hyphen = i;
        if (hyphen < 0)
            return null;
        string name = $"{category}/{folder[..hyphen]}", version = folder[(hyphen + 1)..];
        return Fields.Word(Encoding.UTF8.GetBytes(name)) is { } word && word == name && Fields.Word(Encoding.UTF8.GetBytes(version)) == version
            ? (name, version)
            : null;
    }

    private static Gap Corrupt(string path, string detail) => new("package-database-corrupt", path, detail);
}
