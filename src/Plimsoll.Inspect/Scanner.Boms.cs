using System.Diagnostics;
using System.Globalization;
using System.Runtime;
using Plimsoll.Inspect.Boms;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect;

/// <content>Bills of materials: in as the thing that is scanned, out without any advisory.</content>
public static partial class Scanner
{
    /// <summary>Before a path: a bill of materials instead of an image.</summary>
    public const string BomPrefix = "sbom:";

    private static readonly DatabaseInfo NoDatabase = new() { IsDatabase = false };

    /// <summary>What is in an image or a bill of materials, without asking for advisories; <see cref="Report.Matched"/> is false.</summary>
    /// <exception cref="ImageException">The image cannot be read or is not what it states to be.</exception>
    public static Report List(string image, ScanOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(options);
        return BomPath(image) is { } path ? ScanBom(image, path, null, options, cancellationToken) : ScanImage(image, null, options, cancellationToken);
    }

    private static string? BomPath(string image)
    {
        if (!image.StartsWith(BomPrefix, StringComparison.Ordinal))
            return null;
        string path = image[BomPrefix.Length..];
        return path.Length > 0 ? path : throw new ImageException(ImageError.Malformed, $"{Escape.Quote(image)}: nothing follows {BomPrefix}");
    }

    private static Report ScanBom(string image, string path, IAdvisoryStore? store, ScanOptions options, CancellationToken cancellationToken)
    {
        options.Progress?.Report(new ScanProgress("open", 0, 0, 0, -1));
        long start = Stopwatch.GetTimestamp();
        byte[] content = BomLimits.Read(path);
        Bom bom = Posix.Unprivileged.Run(() => BomReader.Read(content, path));
        TimeSpan readTime = Stopwatch.GetElapsedTime(start);
        cancellationToken.ThrowIfCancellationRequested();
        options.Progress?.Report(new ScanProgress("match", 0, 0, 0, -1));
        Report listed = new()
        {
            Image = image,
            ManifestDigest = bom.Digest,
            Tags = bom.Subject is { } subject ? [subject] : [],
            // What a bill of materials lists was checked against nothing.
            Verified = false,
            Time = options.Time.GetUtcNow(),
            ToolVersion = options.ToolVersion,
            Database = store?.Info ?? NoDatabase,
            Distribution = bom.Inventory.Distribution,
            Packages = bom.Inventory.Packages,
            Notes = NotesOn(bom, path, options.Vex),
            Gaps = bom.Inventory.Gaps,
            Bom = bom.Format,
        };
        Report report = Judged(listed, bom.Inventory, null, store, [.. options.Vex.Select(v => IsFrom(path, v) ? OfSubject(v, bom) : v)], options);
        options.Trace?.Invoke(FormattableString.Invariant(
            $"{content.Length} bytes, {report.Packages.Count} packages; read {readTime.TotalMilliseconds:f0} ms, all {Stopwatch.GetElapsedTime(start).TotalMilliseconds:f0} ms, {JitInfo.GetCompiledMethodCount()} methods compiled in {JitInfo.GetCompilationTime().TotalMilliseconds:f0} ms, {Environment.CpuUsage.TotalTime.TotalMilliseconds:f0} ms of processor so far"));
        return report;
    }

    /// <summary>
    /// Who writes a bill of materials does not clear it: what it says of its own flaws counts only when the user names the same file
    /// with --vex. That there is something to name is said.
    /// </summary>
    private static Note[] NotesOn(Bom bom, string path, IReadOnlyList<VexStatement> vex)
    {
        Note from = new("from-bom", false, [bom.Format]);
        int cleared = bom.Vex.Count(v => v.Status is VexWords.NotAffected or VexWords.Fixed);
        return cleared == 0 || vex.Any(v => IsFrom(path, v)) ? [from] : [from, new Note("vex-in-bom", false, [cleared.ToString(CultureInfo.InvariantCulture), path])];
    }

    private static bool IsFrom(string path, VexStatement statement) => Path.GetFullPath(VexApplier.FileOf(statement.Source)) == Path.GetFullPath(path);

    /// <summary>What a document says of what it describes is said of the whole of it, whatever name that has.</summary>
    private static VexStatement OfSubject(VexStatement statement, Bom bom) => statement with
    {
        Products = [.. statement.Products.Select(p => p.Names.Contains(BomReader.Subject) && bom.Digest is { } digest ? p with { Names = [.. p.Names, digest] } : p)],
    };

    private static Report Judged(Report listed, Inventory inventory, KnownImage? known, IAdvisoryStore? store, IReadOnlyList<VexStatement> vex, ScanOptions options)
    {
        if (store is null)
            return listed with { Matched = false };
        MatchResult matched = known?.Match(inventory, store, listed.Time) ?? Matcher.Match(inventory, store, listed.Time);
        SuppressionResult byFile = Suppressor.Apply(matched.Findings, options.Suppressions, listed.Time);
        SuppressionResult byVex = VexApplier.Apply(listed, byFile.Findings, vex);
        return listed with
        {
            Findings = byVex.Findings,
            Notes = [.. matched.Notes, .. byFile.Notes, .. byVex.Notes, .. listed.Notes],
            Gaps = [.. inventory.Gaps, .. matched.Gaps],
        };
    }
}
