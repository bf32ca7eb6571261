using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages.Arch;

/// <summary>Arch Linux's packages: <c>var/lib/pacman/local/NAME-VERSION/desc</c>.</summary>
/// <remarks>
/// Source: pacman's be_local.c: <c>%FIELD%</c> on a line, its values on the lines after it, an empty line. Read are NAME, VERSION,
/// BASE (the source package), ARCH, LICENSE, PACKAGER. No advisories are matched: this is inventory.
/// </remarks>
public sealed class PacmanAnalyser : IAnalyser
{
    public string Id => "pacman-local";

    public int Version => 1;

    /// <summary>1 MiB; real ones have about 1 kB.</summary>
    public long MaxFileBytes => 1L << 20;

    public IReadOnlyList<string> Anchors => ["var/lib/pacman/local"];

    public bool Wants(ReadOnlySpan<byte> path)
    {
        if (!path.StartsWith("var/lib/pacman/local/"u8))
            return false;
        path = path["var/lib/pacman/local/"u8.Length..];
        int slash = path.IndexOf((byte)'/');
        return slash > 0 && path[slash..].SequenceEqual("/desc"u8);
    }

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        string? name = null, version = null, source = null, architecture = null, packager = null, field = null;
        List<string> licences = [];
        ReadOnlySpan<byte> rest = content.Span;
        while (rest.Length > 0)
        {
            ReadOnlySpan<byte> line = Fields.NextLine(ref rest);
            if (line.IsEmpty)
                field = null;
            else if (field is null && line.Length > 2 && line[0] == (byte)'%' && line[^1] == (byte)'%')
                field = Fields.Shown(line[1..^1]);
            else
                switch (field)
                {
                    case "NAME": name ??= Fields.Word(line); break;
                    case "VERSION": version ??= Fields.Word(line); break;
                    case "BASE": source ??= Fields.Word(line); break;
                    case "ARCH": architecture ??= Fields.Word(line); break;
                    case "PACKAGER": packager ??= Fields.Shown(line); break;
                    case "LICENSE" when licences.Count < 64: licences.Add(Fields.Shown(line)); break;
                    default: break;
                }
        }
        if (name is null || version is null)
            return new FileFacts
            {
                Path = path,
                Analyser = Id,
                Gaps = [new Gap("package-database-corrupt", path, $"the package has no usable {(name is null ? "NAME" : "VERSION")}")],
            };
        return new FileFacts
        {
            Path = path,
            Analyser = Id,
            Packages =
            [
                new Package
                {
                    Type = "alpm",
                    Name = name,
                    Version = version,
                    Architecture = architecture ?? "",
                    SourceName = source ?? name,
                    SourceVersion = version,
                    Maintainer = packager,
                    Licences = licences,
                },
            ],
        };
    }
}
