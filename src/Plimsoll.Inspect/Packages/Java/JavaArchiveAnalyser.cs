using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Programs;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Packages.Java;

/// <summary>Java archives (jar, war, ear, hpi and others), those inside them, and those under other names.</summary>
/// <remarks>
/// Each <c>pom.properties</c> of an archive is a package, since a jar that swallowed others keeps theirs. When one of them is the archive's own,
/// manifest and name add nothing; otherwise these tell what the archive is. An archive that says nothing of itself gives no package.
/// </remarks>
public sealed class JavaArchiveAnalyser : IAnalyser
{
    private const string Corrupt = "archive-corrupt", Limit = "archive-limit";

    /// <summary>Archives inside archives: an ear holds a war holds a jar that holds others; real ones end at 4.</summary>
    internal const int MaxDepth = 8;

    /// <summary>Archives in one file, all levels together.</summary>
    internal const int MaxArchives = 20_000;

    /// <summary>Bytes that may come out of one file: 64 MiB and 20 times its size, at most 2 GiB. Archives in archives hardly shrink.</summary>
    internal const long MaxInflatedBytes = 2L << 30, FreeInflatedBytes = 64L << 20, MaxInflatedRatio = 20;

    /// <summary>Of a pom.properties and a manifest; manifests list a digest for each signed file and can be long.</summary>
    private const int MaxPomBytes = 64 << 10, MaxManifestBytes = 8 << 20;

    public string Id => "java-archive";

    public int Version => 1;

    /// <summary>1 GiB.</summary>
    public long MaxFileBytes => 1L << 30;

    public bool LooksAtContent => true;

    public bool Wants(ReadOnlySpan<byte> path) => IsArchiveName(path);

    public bool WantsContent(ReadOnlySpan<byte> path, int mode, ReadOnlySpan<byte> start) => start.StartsWith("PK\x03\x04"u8);

    /// <summary>By the ending, in capital letters too.</summary>
    private static bool IsArchiveName(ReadOnlySpan<byte> path)
    {
        int dot = path.LastIndexOf((byte)'.');
        ReadOnlySpan<byte> ending = dot < 0 ? default : path[(dot + 1)..];
        if (ending.Length is < 3 or > 4)
            return false;
        uint packed = 0;
        foreach (byte b in ending)
            packed = (packed << 8) | (uint)(b | 0x20);
        return packed is 0x6a6172 or 0x776172 or 0x656172 or 0x706172 or 0x736172 or 0x6b6172 or 0x686172 or 0x687069 or 0x6a7069 or 0x616172 or 0x6c706b67;
    }

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        Walk walk = new(path, Math.Min(MaxInflatedBytes, FreeInflatedBytes + (MaxInflatedRatio * content.Length)));
        walk.Archive(content, path, "", 1, IsArchiveName(Encoding.UTF8.GetBytes(path)));
        IReadOnlyList<Gap> gaps = walk.Gaps.ToList();
        return walk.Packages.Count == 0 && gaps.Count == 0 ? null
            : new FileFacts { Path = path, Analyser = Id, Packages = walk.Packages, Gaps = gaps, Checksums = walk.Packages.Count == 0 ? [] : FileChecksums.Of(path, content) };
    }

    /// <summary>One file with all that it holds.</summary>
    private sealed class Walk(string path, long mayInflate)
    {
        private readonly HashSet<(string Name, string Version, string Inner)> _seen = [];
        private long _inflated;
        private int _archives;
        private bool _stopped;

        public List<Package> Packages { get; } = [];
        public GapList Gaps { get; } = new(path);

        /// <param name="name">File name or entry name.</param>
        /// <param name="inner">Path within the file, parts joined by <c>!/</c>; empty for the file itself.</param>
        /// <param name="isNamed">Whether it is called an archive of Java; any other zip counts only when it holds a manifest.</param>
        public void Archive(ReadOnlyMemory<byte> content, string name, string inner, int depth, bool isNamed)
        {
            if (++_archives > MaxArchives)
            {
                Stop($"it holds more than {MaxArchives} archives");
                return;
            }
            ZipDirectory? zip = ZipDirectory.Open(content, out string? fault);
            List<ZipEntry> entries = zip is null ? [] : zip.List(IsWanted, out _, out fault);
            bool isJava = entries.Exists(e => IsManifest(zip!.Name(e)));
            if (!isNamed && !isJava)
                return;
            if (fault is not null)
                Gaps.Add(Corrupt, Say(inner, fault));
            if (zip is null)
                return;
            using ContentBuffer buffer = new(nested: true);
            List<MavenArtifact> poms = [];
            JarManifest? manifest = null;
            foreach (ZipEntry entry in entries)
            {
                ReadOnlySpan<byte> entryName = zip.Name(entry);
                if (_stopped || IsArchiveName(entryName))
                    continue;
                if (IsManifest(entryName))
                    manifest ??= Read(zip, entry, MaxManifestBytes, buffer, inner, out ReadOnlyMemory<byte> text) ? JarManifest.Read(text.Span) : null;
                else if (Read(zip, entry, MaxPomBytes, buffer, inner, out ReadOnlyMemory<byte> pom))
                {
                    if (JarIdentity.OfPomProperties(zip.Name(entry), pom.Span) is { } artifact)
                        poms.Add(artifact);
                    else
                        Gaps.Add("package-list-corrupt", Say(inner, $"{Fields.Quote(entryName)} has no usable groupId, artifactId and version"));
                }
            }
            Identify(poms, manifest, isNamed ? name : "", inner);
            foreach (ZipEntry entry in entries)
                if (!_stopped && IsArchiveName(zip.Name(entry)))
                    Nested(zip, entry, buffer, inner, depth);
        }

        private void Nested(ZipDirectory zip, ZipEntry entry, ContentBuffer buffer, string inner, int depth)
        {
            string entryName = Fields.Shown(zip.Name(entry));
            string place = inner.Length == 0 ? entryName : $"{inner}!/{entryName}";
            if (depth == MaxDepth)
                Gaps.Add(Limit, $"{Texts.Escape.Quote(place)} lies {depth} archives deep; at most {MaxDepth - 1} are opened");
            else if (Read(zip, entry, int.MaxValue, buffer, inner, out ReadOnlyMemory<byte> content) && !content.IsEmpty)
                Archive(content, entryName, place, depth + 1, isNamed: true);
        }

        private void Identify(List<MavenArtifact> poms, JarManifest? manifest, string name, string inner)
        {
            (string named, string namedVersion) = JarIdentity.OfName(name);
            // An archive with one pom.properties is that artifact, whatever it is called now.
            bool knowsItself = poms.Count == 1 || poms.Exists(p => p.Artifact == named || namedVersion.Length == 0 && p.Artifact == manifest?["Implementation-Title"] || IsOf(manifest, p));
            foreach (MavenArtifact pom in poms)
                Add(pom, inner);
            if (!knowsItself && JarIdentity.OfManifest(manifest, name) is { } itself && !poms.Exists(p => p.Artifact == itself.Artifact && p.Version == itself.Version))
                Add(itself, inner);
        }

        /// <summary>Whether a manifest speaks of the same artifact: its group and its version, or its very name.</summary>
        private static bool IsOf(JarManifest? manifest, MavenArtifact pom)
        {
            string? symbolic = manifest?["Bundle-SymbolicName"]?.Split(';')[0];
            if (symbolic is not null && (symbolic == pom.Artifact || symbolic.EndsWith("." + pom.Artifact, StringComparison.Ordinal)))
                return true;
            return (manifest?["Implementation-Version"] ?? manifest?["Bundle-Version"]) == pom.Version
                && (manifest?["Implementation-Vendor-Id"] == pom.Group || symbolic is not null && symbolic.StartsWith(pom.Group + ".", StringComparison.Ordinal));
        }

        private void Add(MavenArtifact artifact, string inner)
        {
            if (!_seen.Add((artifact.Name, artifact.Version, inner)))
                return;
            if (Packages.Count == Fields.MaxPackages)
            {
                Stop($"it holds more than {Fields.MaxPackages} packages");
                return;
            }
            Packages.Add(new Package { Type = "maven", Name = artifact.Name, Version = artifact.Version, SourceName = artifact.Name, SourceVersion = artifact.Version, Inner = inner.Length == 0 ? null : inner });
        }

        private bool Read(ZipDirectory zip, ZipEntry entry, long maxBytes, ContentBuffer buffer, string inner, out ReadOnlyMemory<byte> content)
        {
            string? fault = zip.Read(entry, Math.Min(maxBytes, mayInflate - _inflated), buffer, out content, out long inflated);
            _inflated += inflated;
            if (fault is null)
                return true;
            if (entry.Unpacked <= maxBytes && entry.Unpacked > mayInflate - _inflated)
                Stop($"what it holds comes to more than {mayInflate} bytes");
            else
                Gaps.Add(Corrupt, Say(inner, $"{Fields.Quote(zip.Name(entry))}: {fault}"));
            return false;
        }

        private void Stop(string why)
        {
            if (!_stopped)
                Gaps.Add(Limit, $"{why}; the rest was not read");
            _stopped = true;
        }

        private static string Say(string inner, string what) => inner.Length == 0 ? what : $"{Texts.Escape.Quote(inner)}: {what}";

        private static bool IsWanted(ReadOnlySpan<byte> name) =>
            IsArchiveName(name) || IsManifest(name) || name.StartsWith("META-INF/maven/"u8) && name.EndsWith("/pom.properties"u8);

        private static bool IsManifest(ReadOnlySpan<byte> name) => name.SequenceEqual("META-INF/MANIFEST.MF"u8);
    }
}
