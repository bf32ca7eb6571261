using System.Text;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages;

/// <summary>The packages and faults of one file while it is read. Of one name and version there is one.</summary>
internal sealed class PackageList(string path)
{
    private readonly Dictionary<(string Type, string Name, string Version, string Architecture), int> _known = [];
    private readonly List<Package> _packages = [];
    private readonly GapList _gaps = new(path);
    private bool _full;

    public int Count => _packages.Count;

    public void Malformed(string detail) => _gaps.Add(LanguageAnalyser.Malformed, Texts.Escape.ForTerminal(detail));

    public void Gap(string code, string detail) => _gaps.Add(code, detail);

    /// <summary>Adds a package; a name or version that is no printable word becomes a gap.</summary>
    /// <param name="name">As advisories write it.</param>
    /// <param name="development">Of several places in a lock file one that is not for development decides.</param>
    public void Add(string type, string? name, string? version, PackageEvidence evidence, bool development = false, IReadOnlyList<string>? licences = null, string? architecture = null)
    {
        if (_full)
            return;
        string? goodName = Word(name), goodVersion = Word(version);
        if (goodName is null || goodVersion is null)
        {
            Malformed($"a package with the name {Texts.Escape.Quote(name)} and the version {Texts.Escape.Quote(version)}");
            return;
        }
        if (_packages.Count == Fields.MaxPackages)
        {
            _gaps.Add("too-many-packages", $"more than {Fields.MaxPackages} packages; the rest was not read");
            _full = true;
            return;
        }
        Package package = new()
        {
            Type = type,
            Name = goodName,
            Version = goodVersion,
            SourceName = goodName,
            SourceVersion = goodVersion,
            Architecture = Word(architecture) ?? "",
            Evidence = evidence,
            Development = development,
            Licences = licences is null ? [] : [.. licences.Where(l => !string.IsNullOrWhiteSpace(l)).Take(MaxLicences).Select(Shown)],
        };
        if (_known.TryAdd((type, goodName, goodVersion, package.Architecture), _packages.Count))
            _packages.Add(package);
        else if (!development)
        {
            int at = _known[(type, goodName, goodVersion, package.Architecture)];
            _packages[at] = _packages[at] with { Development = false };
        }
    }

    /// <summary>Licences kept of one package; real ones state up to a handful.</summary>
    private const int MaxLicences = 16;

    /// <returns>Null when the file told nothing.</returns>
    public FileFacts? ToFacts(string analyser, ReadOnlyMemory<byte> content)
    {
        IReadOnlyList<Gap> gaps = _gaps.ToList();
        return _packages.Count == 0 && gaps.Count == 0 ? null : new FileFacts
        {
            Path = path,
            Analyser = analyser,
            Packages = _packages,
            Gaps = gaps,
            Checksums = _packages.Count == 0 ? [] : FileChecksums.Of(path, content),
        };
    }

    private static string? Word(string? text)
    {
        if (text is null || text.Length > 4 * Fields.MaxNameLength)
            return null;
        return Fields.Word(Encoding.UTF8.GetBytes(text));
    }

    private static string Shown(string text) => Fields.Shown(Encoding.UTF8.GetBytes(text.Length > Fields.MaxShownLength ? text[..Fields.MaxShownLength] : text));
}
