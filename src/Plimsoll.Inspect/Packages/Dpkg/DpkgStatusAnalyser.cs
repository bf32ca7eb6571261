using System.Text;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages.Dpkg;

/// <summary>Debian's package database: <c>var/lib/dpkg/status</c>, and <c>status.d/*</c> as distroless images have it.</summary>
/// <remarks>
/// <para><c>updates/NUMBER</c> is dpkg's journal: what a run that was cut off installed and did not yet write to status.</para>
/// <para>Source: deb822(5), dpkg(1) "Package states". A package counts while its files may be on the disk: every state but
/// <c>not-installed</c> and <c>config-files</c>, so half-installed ones too. Files of status.d carry no Status and count.</para>
/// <para>Whatever dpkg could not have written (no name or version, a line that is no field, a field given twice, an unknown
/// state, a last line cut off) is a gap <c>package-database-corrupt</c>; the other stanzas are read all the same.</para>
/// </remarks>
public sealed class DpkgStatusAnalyser : IAnalyser
{
    private const string Corrupt = "package-database-corrupt";

    public string Id => "dpkg-status";

    public int Version => 2;

    /// <summary>64 MiB; all of Debian installed at once would come to about that.</summary>
    public long MaxFileBytes => 64L << 20;

    public IReadOnlyList<string> Anchors => ["var/lib/dpkg/status", "var/lib/dpkg/status.d", "var/lib/dpkg/updates"];

    public bool Wants(ReadOnlySpan<byte> path)
    {
        if (path.StartsWith("var/lib/dpkg/updates/"u8))
            return path.Length > "var/lib/dpkg/updates/"u8.Length && !path["var/lib/dpkg/updates/"u8.Length..].ContainsAnyExceptInRange((byte)'0', (byte)'9');
        if (!path.StartsWith("var/lib/dpkg/status"u8))
            return false;
        path = path["var/lib/dpkg/status"u8.Length..];
        return path.IsEmpty
            || (path.StartsWith(".d/"u8) && path.Length > 3 && path[3..].IndexOf((byte)'/') < 0 && !path.EndsWith(".md5sums"u8));
    }

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        bool isMain = !path.StartsWith("var/lib/dpkg/status.d/", StringComparison.Ordinal);
        ReadOnlySpan<byte> rest = content.Span;
        List<Package> packages = [];
        GapList gaps = new(path);
        if (isMain && rest.Length > 0 && rest[^1] != (byte)'\n')
            gaps.Add(Corrupt, "the file ends within a line");
        Stanza stanza = default;
        long number = 0;
        bool ended = false;
        while (rest.Length > 0 && !ended)
        {
            number++;
            ReadOnlySpan<byte> line = Fields.NextLine(ref rest);
            if (line.IsEmpty || Fields.Trim(line).IsEmpty)
                ended = Finish(ref stanza, isMain, packages, gaps);
            else if (line[0] is (byte)' ' or (byte)'\t')
            {
                if (!stanza.Any)
                    gaps.Add(Corrupt, $"line {number} continues a field, but none stands before it");
            }
            else
                stanza.Take(line, number, gaps);
        }
        if (!ended)
            Finish(ref stanza, isMain, packages, gaps);
        IReadOnlyList<Gap> found = gaps.ToList();
        return packages.Count == 0 && found.Count == 0 ? null : new FileFacts { Path = path, Analyser = Id, Packages = packages, Gaps = found };
    }

    /// <summary>Turns a stanza into a package.</summary>
    /// <returns>True when there are too many to go on.</returns>
    private static bool Finish(ref Stanza read, bool isMain, List<Package> packages, GapList gaps)
    {
        Stanza stanza = read;
        read = default;
        if (!stanza.Any || !stanza.IsOnDisk(isMain, gaps))
            return false;
        if (stanza.Name is null || stanza.Version is null)
        {
            string what = stanza.Name is null ? "Package" : "Version";
            gaps.Add(Corrupt, $"the stanza at line {stanza.Line}{(stanza.Name is null ? "" : $" ({stanza.Name})")} has no usable {what}");
            return false;
        }
        if (packages.Count == Fields.MaxPackages)
        {
            gaps.Add("too-many-packages", $"more than {Fields.MaxPackages} packages; the rest was not read");
            return true;
        }
        packages.Add(new Package
        {
            Type = "deb",
            Name = stanza.Name,
            Version = stanza.Version,
            Architecture = stanza.Architecture ?? "",
            SourceName = stanza.SourceName ?? stanza.Name,
            SourceVersion = stanza.SourceVersion ?? stanza.Version,
            Maintainer = stanza.Maintainer,
        });
        return false;
    }

    /// <summary>The fields of interest of one stanza.</summary>
    private struct Stanza
    {
        private Field _seen;

        public bool Any { get; private set; }
        public long Line { get; private set; }
        public string? Name { get; private set; }
        public string? Version { get; private set; }
        public string? Architecture { get; private set; }
        public string? SourceName { get; private set; }
        public string? SourceVersion { get; private set; }
        public string? Maintainer { get; private set; }
        private string? Status { get; set; }

        public void Take(ReadOnlySpan<byte> line, long number, GapList gaps)
        {
            if (!Any)
                (Any, Line) = (true, number);
            int colon = line.IndexOf((byte)':');
            if (colon <= 0 || line[..colon].ContainsAnyExceptInRange((byte)'!', (byte)'~'))
            {
                gaps.Add(Corrupt, $"line {number} is no field: {Fields.Quote(line)}");
                return;
            }
            Field field = FieldOf(line[..colon]);
            if (field == Field.Other)
                return;
            if (_seen.HasFlag(field))
            {
                // Which of two values dpkg would have meant cannot be known, so a second one must not hide the first.
                gaps.Add(Corrupt, $"line {number}: field {field} stands twice in one stanza");
                return;
            }
            _seen |= field;
            ReadOnlySpan<byte> value = Fields.Trim(line[(colon + 1)..]);
            switch (field)
            {
                case Field.Package: Name = Fields.Word(value); break;
                case Field.Version: Version = Fields.Word(value); break;
                case Field.Architecture: Architecture = Fields.Word(value); break;
                case Field.Maintainer: Maintainer = Fields.Shown(value); break;
                case Field.Status: Status = StateOf(value); break;
                default: TakeSource(value, number, gaps); break;
            }
        }

        public readonly bool IsOnDisk(bool isMain, GapList gaps)
        {
            switch (Status)
            {
                case "not-installed" or "config-files":
                    return false;
                case "installed" or "half-installed" or "unpacked" or "half-configured" or "triggers-awaited" or "triggers-pending":
                    return true;
                case null when !isMain && !_seen.HasFlag(Field.Status):
                    return true;
                default:
                    // Counted: a package that is perhaps there is worth more than one that is perhaps missed.
                    gaps.Add(Corrupt, $"the stanza at line {Line} has no known Status; the package is counted as installed");
                    return true;
            }
        }

        /// <summary>The third word of <c>want flag status</c>.</summary>
        private static string? StateOf(ReadOnlySpan<byte> value)
        {
            int last = value.LastIndexOfAny(" \t"u8);
            return last < 0 ? "" : Fields.Word(value[last..]) ?? "";
        }

        /// <summary><c>name</c> or <c>name (version)</c>.</summary>
        private void TakeSource(ReadOnlySpan<byte> value, long number, GapList gaps)
        {
            int open = value.IndexOf((byte)'(');
            SourceName = Fields.Word(open < 0 ? value : value[..open]);
            if (open >= 0 && value[^1] == (byte)')')
                SourceVersion = Fields.Word(value[(open + 1)..^1]);
            if (SourceName is null || (open >= 0 && SourceVersion is null))
                gaps.Add(Corrupt, $"line {number}: not a source package: {Fields.Quote(value)}");
        }

        private static Field FieldOf(ReadOnlySpan<byte> name) => name.Length switch
        {
            6 when Is(name, "Status"u8) => Field.Status,
            6 when Is(name, "Source"u8) => Field.Source,
            7 when Is(name, "Package"u8) => Field.Package,
            7 when Is(name, "Version"u8) => Field.Version,
            10 when Is(name, "Maintainer"u8) => Field.Maintainer,
            12 when Is(name, "Architecture"u8) => Field.Architecture,
            _ => Field.Other,
        };

        private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> field) => Ascii.EqualsIgnoreCase(name, field);
    }

    [Flags]
    private enum Field
    {
        Other = 0,
        Package = 1,
        Status = 2,
        Version = 4,
        Source = 8,
        Architecture = 16,
        Maintainer = 32,
    }
}
