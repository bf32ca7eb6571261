using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages.Apk;

/// <summary>Alpine's package database: <c>lib/apk/db/installed</c>, under usr/ where that is merged.</summary>
/// <remarks>
/// Source: apk-tools, apk-installed(5): one letter, a colon and the value on each line, an empty line after each package.
/// Read are P name, V version, A architecture, o origin (the source package), L licence, m maintainer.
/// </remarks>
public sealed class ApkInstalledAnalyser : IAnalyser
{
    private const string Corrupt = "package-database-corrupt";

    public string Id => "apk-installed";

    public int Version => 1;

    /// <summary>256 MiB; the database lists every file, and 50 MB is a large desktop.</summary>
    public long MaxFileBytes => 256L << 20;

    public IReadOnlyList<string> Anchors => ["lib/apk/db/installed", "usr/lib/apk/db/installed"];

    public bool Wants(ReadOnlySpan<byte> path) =>
        path.SequenceEqual("lib/apk/db/installed"u8) || path.SequenceEqual("usr/lib/apk/db/installed"u8);

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        ReadOnlySpan<byte> rest = content.Span;
        List<Package> packages = [];
        GapList gaps = new(path);
        if (rest.Length > 0 && rest[^1] != (byte)'\n')
            gaps.Add(Corrupt, "the file ends within a line");
        Record record = default;
        long number = 0;
        bool ended = false;
        while (rest.Length > 0 && !ended)
        {
            number++;
            ReadOnlySpan<byte> line = Fields.NextLine(ref rest);
            if (line.IsEmpty)
                ended = Finish(ref record, packages, gaps);
            else
                record.Take(line, number, gaps);
        }
        if (!ended)
            Finish(ref record, packages, gaps);
        IReadOnlyList<Gap> found = gaps.ToList();
        return packages.Count == 0 && found.Count == 0 ? null : new FileFacts { Path = path, Analyser = Id, Packages = packages, Gaps = found };
    }

    /// <returns>True when there are too many to go on.</returns>
    private static bool Finish(ref Record read, List<Package> packages, GapList gaps)
    {
        Record record = read;
        read = default;
        if (record.Line == 0)
            return false;
        if (record.Name is null || record.Version is null)
        {
            string what = record.Name is null ? "P (name)" : "V (version)";
            gaps.Add(Corrupt, $"the package at line {record.Line}{(record.Name is null ? "" : $" ({record.Name})")} has no usable {what}");
            return false;
        }
        if (packages.Count == Fields.MaxPackages)
        {
            gaps.Add("too-many-packages", $"more than {Fields.MaxPackages} packages; the rest was not read");
            return true;
        }
        packages.Add(new Package
        {
            Type = "apk",
            Name = record.Name,
            Version = record.Version,
            Architecture = record.Architecture ?? "",
            SourceName = record.Origin ?? record.Name,
            // All packages of one origin are built together and share its version.
            SourceVersion = record.Version,
            Maintainer = record.Maintainer,
            Licences = record.Licence is { Length: > 0 } licence ? [licence] : [],
        });
        return false;
    }

    private struct Record
    {
        public long Line { get; private set; }
        public string? Name { get; private set; }
        public string? Version { get; private set; }
        public string? Architecture { get; private set; }
        public string? Origin { get; private set; }
        public string? Licence { get; private set; }
        public string? Maintainer { get; private set; }

        public void Take(ReadOnlySpan<byte> line, long number, GapList gaps)
        {
            if (Line == 0)
                Line = number;
            if (line.Length < 2 || line[1] != (byte)':' || !char.IsAsciiLetter((char)line[0]))
            {
                gaps.Add(Corrupt, $"line {number} is no field: {Fields.Quote(line)}");
                return;
            }
            ReadOnlySpan<byte> value = line[2..];
            bool twice = false;
            switch (line[0])
            {
                case (byte)'P': twice = Name is not null; Name ??= Fields.Word(value); break;
                case (byte)'V': twice = Version is not null; Version ??= Fields.Word(value); break;
                case (byte)'A': Architecture ??= Fields.Word(value); break;
                case (byte)'o': twice = Origin is not null; Origin ??= Fields.Word(value); break;
                case (byte)'L': Licence ??= Fields.Shown(value); break;
                case (byte)'m': Maintainer ??= Fields.Shown(value); break;
                default: return;
            }
            if (twice)
                gaps.Add(Corrupt, $"line {number}: field {(char)line[0]} stands twice in one package");
        }
    }
}
