using System.Text;
using System.Text.RegularExpressions;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Programs;

namespace Plimsoll.Inspect.Packages.Go;

/// <summary>The modules that a program made by Go consists of, and the standard library as <c>stdlib</c>.</summary>
/// <remarks>
/// A replaced module is the one that took its place. The main module's version is <c>(devel)</c> when it was built from a working copy;
/// then a version that its makers gave the linker (<c>-ldflags -X main.version=1.2.3</c>) counts, else it stays <c>(devel)</c>, which no range holds.
/// Source: Go, runtime/debug/mod.go, "ParseBuildInfo"; golang.org/x/vuln, internal/semver, "GoTagToSemver".
/// </remarks>
public sealed partial class GoBinaryAnalyser : ProgramAnalyser
{
    private const string Corrupt = "program-metadata-corrupt";

    /// <summary>What the go command writes for the version of a working copy.</summary>
    public const string UnknownVersion = "(devel)";

    public override string Id => "go-binary";

    public override int Version => 1;

    public override FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (ProgramFile.Read(content.Span) is not { } program)
            return null;
        GapList gaps = new(path);
        List<Package> packages = [];
        if (GoBuildInfo.Read(program, content.Span, out string? fault) is { } info)
            ReadInfo(info, packages, gaps);
        else if (fault is not null)
            gaps.Add(Corrupt, fault);
        IReadOnlyList<Gap> found = gaps.ToList();
        return packages.Count == 0 && found.Count == 0 ? null
            : new FileFacts { Path = path, Analyser = Id, Packages = packages, Gaps = found, Checksums = packages.Count == 0 ? [] : FileChecksums.Of(path, content) };
    }

    private static void ReadInfo(GoBuildInfo info, List<Package> packages, GapList gaps)
    {
        if (StandardLibraryVersion(info.Version) is { } standard)
            packages.Add(Made("stdlib", standard));
        string? mainPath = null, mainVersion = null, linked = null, path = null, version = null;
        bool isMain = false;
        foreach (ReadOnlySpan<char> line in info.Modules.AsSpan().EnumerateLines())
        {
            int tab = line.IndexOf('\t');
            if (tab < 0)
                continue;
            ReadOnlySpan<char> key = line[..tab], rest = line[(tab + 1)..];
            if (key is "=>")
            {
                (string other, string otherVersion) = Module(rest);
                // A folder on the maker's machine has no name and no version: what it took the place of is the best that is known.
                if (otherVersion is not ("" or UnknownVersion) && other.Length > 0 && other[0] is not ('.' or '/'))
                    (path, version) = (other, otherVersion);
                continue;
            }
            Add();
            if (key is "mod" or "dep")
            {
                (path, version) = Module(rest);
                isMain = key is "mod";
            }
            else if (key is "build" && rest.StartsWith("-ldflags="))
                linked = rest.ToString();
        }
        Add();
        if (mainPath is not null)
        {
            if (mainVersion is null or "" or UnknownVersion)
                mainVersion = LinkedVersion(linked, mainPath) ?? UnknownVersion;
            Take(mainPath, mainVersion);
        }

        void Add()
        {
            if (path is not null && isMain)
                (mainPath, mainVersion) = (path, version);
            else if (path is not null)
                Take(path, version is { Length: > 0 } ? version : UnknownVersion);
            path = null;
        }

        void Take(string name, string itsVersion)
        {
            if (packages.Count == Fields.MaxPackages)
                gaps.Add("too-many-packages", $"more than {Fields.MaxPackages} modules; the rest was not read");
            else if (Fields.Word(Encoding.UTF8.GetBytes(name)) is not { } word || Fields.Word(Encoding.UTF8.GetBytes(itsVersion)) is not { } versionWord)
                gaps.Add(Corrupt, $"a module has no usable name or version: {Texts.Escape.Quote(name)} {Texts.Escape.Quote(itsVersion)}");
            else
                packages.Add(Made(word, versionWord));
        }
    }

    private static Package Made(string name, string version) =>
        new() { Type = "golang", Name = name, Version = version, SourceName = name, SourceVersion = version, Evidence = PackageEvidence.Program };

    /// <summary>Path, version, checksum.</summary>
    private static (string Path, string Version) Module(ReadOnlySpan<char> rest)
    {
        int tab = rest.IndexOf('\t');
        if (tab < 0)
            return (rest.ToString(), "");
        ReadOnlySpan<char> version = rest[(tab + 1)..];
        int end = version.IndexOf('\t');
        return (rest[..tab].ToString(), (end < 0 ? version : version[..end]).ToString());
    }

    /// <summary><c>go1.21.5</c> is 1.21.5, <c>go1.21</c> is 1.21.0, <c>go1.22rc1</c> is 1.22.0-rc.1, so that versions compare as semantic ones.</summary>
    /// <returns>Null for a compiler between versions that names none.</returns>
    internal static string? StandardLibraryVersion(string text)
    {
        Match match = GoVersion().Match(text);
        if (!match.Success)
            return null;
        string patch = match.Groups["patch"].Success ? match.Groups["patch"].Value : "0";
        string number = $"{match.Groups["major"].Value}.{match.Groups["minor"].Value}.{patch}";
        return match.Groups["kind"].Success ? $"{number}-{match.Groups["kind"].Value}.{match.Groups["number"].Value}" : number;
    }

    /// <summary>A version that the linker was told to put into a variable of the main program or of its own module.</summary>
    private static string? LinkedVersion(string? flags, string mainPath)
    {
        if (flags is null || flags.Length > 64 * 1024)
            return null;
        foreach (Match match in LinkedVariable().Matches(flags))
        {
            string package = match.Groups["package"].Value;
            if (package == "main" || package == mainPath || package.StartsWith(mainPath + "/", StringComparison.Ordinal))
                return "v" + match.Groups["version"].Value;
        }
        return null;
    }

    [GeneratedRegex(@"\A(devel )?go(?<major>[0-9]{1,4})\.(?<minor>[0-9]{1,4})(\.(?<patch>[0-9]{1,6}))?((?<kind>rc|beta)(?<number>[0-9]{1,4}))?(?=\z|[^0-9.A-Za-z])", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex GoVersion();

    [GeneratedRegex(@"-X[ =]['""]?(?<package>[A-Za-z0-9./_~-]{1,200})\.[A-Za-z]{0,40}[vV]ersion=v?(?<version>[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}(-[0-9A-Za-z.-]{1,40})?)(?=['"" ]|\z)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex LinkedVariable();
}
