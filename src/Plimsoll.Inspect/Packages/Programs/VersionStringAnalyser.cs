using System.Text;
using System.Text.RegularExpressions;
using Plimsoll.Inspect.Layers;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Packages.Programs;

/// <summary>Well-known programs that say their version in a text, for those that no package manager put there.</summary>
/// <remarks>
/// A file is searched for the one program that its name stands for, so that few files are searched at all. What is found is evidence of the weakest
/// kind and marked so. docs/checks/programs.md has the table. The idea and most texts are those of anchore/syft, pkg/cataloger/binary/classifiers.go,
/// each held against a real program where one was at hand.
/// </remarks>
public sealed class VersionStringAnalyser : IAnalyser
{
    private const int WindowBytes = 8 << 20, MaxHits = 10_000, After = 96;

    public string Id => "version-string";

    public int Version => 1;

    /// <summary>1 GiB.</summary>
    public long MaxFileBytes => 1L << 30;

    public bool LooksAtContent => true;

    public bool Wants(ReadOnlySpan<byte> path) => false;

    public bool WantsContent(ReadOnlySpan<byte> path, int mode, ReadOnlySpan<byte> start) =>
        ProgramFile.MayBe(start) && KnownPrograms.MayBe(path[(path.LastIndexOf((byte)'/') + 1)..]);

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        string name = path[(path.LastIndexOf('/') + 1)..];
        List<Package> packages = [];
        foreach (KnownProgram known in KnownPrograms.Of(name))
            if (packages.Count == 0 && Find(known, name, content) is { } version)
                packages.Add(new Package { Type = "generic", Name = known.Name, Version = version, SourceName = known.Name, SourceVersion = version, Evidence = PackageEvidence.VersionString });
        return packages.Count == 0 ? null : new FileFacts { Path = path, Analyser = Id, Packages = packages, Checksums = FileChecksums.Of(path, content) };
    }

    private static string? Find(KnownProgram known, string name, ReadOnlyMemory<byte> content)
    {
        byte[] anchor = known.AnchorOf(name);
        int hits = 0;
        for (int at = 0; at < content.Length; at += WindowBytes)
        {
            // Windows overlap by the anchor's length, so that none is cut in two.
            ReadOnlyMemory<byte> window = content.Slice(at, Math.Min(WindowBytes + anchor.Length - 1, content.Length - at));
            string? version = FindWithin(known, name, content, at, window.Length, anchor, ref hits);
            ContentBuffer.Forget(window);
            if (version is not null || hits >= MaxHits)
                return version;
        }
        return null;
    }

    private static string? FindWithin(KnownProgram known, string name, ReadOnlyMemory<byte> content, int start, int length, byte[] anchor, ref int hits)
    {
        ReadOnlySpan<byte> all = content.Span;
        int end = start + length;
        for (int at = start; hits < MaxHits; at++)
        {
            int next = all[at..end].IndexOf(anchor);
            if (next < 0)
                return null;
            at += next;
            hits++;
            int from = Math.Max(0, at - known.Before), to = Math.Min(all.Length, at + anchor.Length + After);
            string text = Encoding.Latin1.GetString(all[from..to]);
            Match match = known.Pattern.Match(text);
            if (match.Success && known.Confirm(match, name, all) is { } version)
                return version;
        }
        return null;
    }
}
