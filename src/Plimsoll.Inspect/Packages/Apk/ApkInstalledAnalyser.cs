using System.Text;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages.Apk;

/// <summary>Alpine's package database: <c>lib/apk/db/installed</c>, under usr/ where that is merged.</summary>
/// <remarks>
/// Source: apk-tools, apk-installed(5): one letter, a colon and the value on each line, an empty line after each package.
/// Read are P name, V version, A architecture, o origin (the source package), L licence, m maintainer; and of the files
/// F folder, R name within it, Z checksum (<c>Q1</c> and the base64 of a SHA-1).
/// </remarks>
public sealed class ApkInstalledAnalyser : IAnalyser
{
    private const string Corrupt = "package-database-corrupt";

    public string Id => "apk-installed";

    public int Version => 2;

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
        List<OwnedFile> owned = [];
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
                record.Take(line, number, owned, gaps);
        }
        if (!ended)
            Finish(ref record, packages, gaps);
        IReadOnlyList<Gap> found = gaps.ToList();
        return packages.Count == 0 && found.Count == 0 ? null : new FileFacts { Path = path, Analyser = Id, Packages = packages, Owned = owned, Gaps = found };
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

        private string? _folder;
        private string? _file;

        public void Take(ReadOnlySpan<byte> line, long number, List<OwnedFile> owned, GapList gaps)
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
                case (byte)'F': (_folder, _file) = (value.Length <= Fields.MaxNameLength ? Encoding.UTF8.GetString(value) : null, null); break;
                case (byte)'R': _file = FileOf(value); break;
                case (byte)'Z': Own(value, owned); break;
                default: return;
            }
            if (twice)
                gaps.Add(Corrupt, $"line {number}: field {(char)line[0]} stands twice in one package");
        }

        /// <summary>The file's path, where it is one that somebody may ask for.</summary>
        private readonly string? FileOf(ReadOnlySpan<byte> name)
        {
            if (_folder is null || name.Length > Fields.MaxNameLength)
                return null;
            Span<byte> path = stackalloc byte[4 * Fields.MaxNameLength];
            int length = Encoding.UTF8.TryGetBytes(_folder, path[..^(Fields.MaxNameLength + 1)], out int written) ? written : 0;
            if (length > 0)
                path[length++] = (byte)'/';
            name.CopyTo(path[length..]);
            path = path[..(length + name.Length)];
            return Ownership.MayMatter(path) ? Encoding.UTF8.GetString(path) : null;
        }

        private void Own(ReadOnlySpan<byte> checksum, List<OwnedFile> owned)
        {
            Span<byte> hash = stackalloc byte[32];
            if (Name is not null && _file is { } file && checksum is [(byte)'Q', (byte)'1' or (byte)'2', ..] && checksum.Length <= 46
                && System.Buffers.Text.Base64.DecodeFromUtf8(checksum[2..], hash, out _, out int written) == System.Buffers.OperationStatus.Done && written is 20 or 32)
                owned.Add(new OwnedFile(file, Convert.ToHexStringLower(hash[..written]), Name));
            _file = null;
        }
    }
}
