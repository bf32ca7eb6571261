using System.Diagnostics;
using System.Runtime;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.Texts;

namespace Plimsoll.Inspect;

/// <summary>How an image is to be inspected.</summary>
public sealed record ScanOptions
{
    public Platform? Platform { get; init; }
    public Verification Verification { get; init; }
    public IReadOnlyList<Suppression> Suppressions { get; init; } = [];

    /// <summary>What VEX documents say; see <see cref="VexApplier"/>.</summary>
    public IReadOnlyList<VexStatement> Vex { get; init; } = [];

    /// <summary>False: no advisory is asked, and <see cref="Report.Matched"/> says so.</summary>
    public bool Vulnerabilities { get; init; } = true;

    /// <summary>Checks beside the known vulnerabilities of packages; they stay open for the next image.</summary>
    public IReadOnlyList<ICheck> Checks { get; init; } = [];

    /// <summary>
    /// Whether a line of the image's history is shown to anybody. False: the report of a scan without checks holds none, which spares looking for
    /// secrets in it; it is not left out by mistake.
    /// </summary>
    public bool ShowsHistory { get; init; } = true;

    /// <summary>Images that may be the base of the scanned one, or that it could be built on instead.</summary>
    public IReadOnlyList<string> Bases { get; init; } = [];

    /// <summary>Folder of the layer cache; null: nothing is looked up or stored.</summary>
    public string? CacheFolder { get; init; }
    public TimeProvider Time { get; init; } = TimeProvider.System;
    public IProgress<ScanProgress>? Progress { get; init; }
    public required string ToolVersion { get; init; }

    /// <summary>Told what took how long, in English; for <c>PLIMSOLL_TRACE</c> and benchmarks.</summary>
    public Action<string>? Trace { get; init; }

    /// <summary>Layers read at once; 0 means one for each core.</summary>
    public int Parallelism { get; init; }

    /// <summary>How registries are reached.</summary>
    public RegistryOptions Registry { get; init; } = RegistryOptions.Default;

    /// <summary>Environment variables, for daemons, proxies and credentials.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;
}

/// <param name="Phase"><c>open</c>, <c>layers</c> or <c>match</c>.</param>
/// <param name="BytesTotal">Stored bytes of all layers; -1 when not known.</param>
public sealed record ScanProgress(string Phase, int LayersDone, int LayersTotal, long BytesDone, long BytesTotal);

/// <summary>Inspects one image: opens it, reads its layers, composes what it holds and looks it up.</summary>
public static partial class Scanner
{
    /// <param name="image">As a user writes it; see <see cref="ImageReference"/>.</param>
    /// <exception cref="ImageException">The image cannot be read or is not what it states to be.</exception>
    public static Report Scan(string image, IAdvisoryStore store, ScanOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(options);
        if (BomPath(image) is { } path)
            return ScanBom(image, path, store, options, cancellationToken);
        Report report = ScanImage(image, store, options, cancellationToken);
        // A base is scanned with the same options, but it has no base of its own here.
        return BaseFinder.Compare(report, [.. options.Bases.Select(b => Scan(b, store, options with { Bases = [] }, cancellationToken))]);
    }

    private static Report ScanImage(string image, IAdvisoryStore? store, ScanOptions options, CancellationToken cancellationToken)
    {
        options.Progress?.Report(new ScanProgress("open", 0, 0, 0, -1));
        long start = Stopwatch.GetTimestamp();
        LayerCache? cache = options.CacheFolder is null ? null : new LayerCache(options.CacheFolder, options.Time);
        ImageOptions open = new()
        {
            Platform = options.Platform,
            Verification = options.Verification,
            Proofs = cache,
            Registry = options.Registry,
            Environment = options.Environment,
            Time = options.Time,
        };
        using Image opened = ImageSource.Open(image, open, cancellationToken);
        TimeSpan openTime = Stopwatch.GetElapsedTime(start);
        IReadOnlyList<FactGroup> groups = [Analysers.Group, .. options.Checks.Where(c => c.Analysers.Count > 0).Select(GroupOf)];
        KnownImage? known = KnownImage.Of(opened, groups, cache);
        Inventory inventory = known?.FindInventory(opened, cancellationToken) ?? Read(opened, groups, cache, known, options, cancellationToken);
        TimeSpan layersTime = Stopwatch.GetElapsedTime(start);
        options.Progress?.Report(new ScanProgress("match", opened.Layers.Count, opened.Layers.Count, 0, -1));
        Report report = Judge(opened, inventory, known, store, options, cancellationToken);
        cache?.CleanAfterWriting();
        options.Trace?.Invoke(FormattableString.Invariant(
            $"hashed {report.BytesHashed} bytes, {report.Layers.Count(l => l.FromCache)} of {report.Layers.Count} layers known; open {openTime.TotalMilliseconds:f0} ms, layers {(layersTime - openTime).TotalMilliseconds:f0} ms, match {(Stopwatch.GetElapsedTime(start) - layersTime).TotalMilliseconds:f0} ms, {JitInfo.GetCompiledMethodCount()} methods compiled in {JitInfo.GetCompilationTime().TotalMilliseconds:f0} ms, {Environment.CpuUsage.TotalTime.TotalMilliseconds:f0} ms of processor so far"));
        return report;
    }

    private static Inventory Read(Image opened, IReadOnlyList<FactGroup> groups, LayerCache? cache, KnownImage? known, ScanOptions options, CancellationToken cancellationToken)
    {
        LayerScanner scanner = new(groups, cache, options.Verification, ProgressOf(opened, options.Progress));
        (IReadOnlyDictionary<string, LayerFacts> facts, IReadOnlySet<string> fromCache) =
            scanner.Read(opened, options.Parallelism > 0 ? options.Parallelism : Environment.ProcessorCount, cancellationToken);
        Inventory inventory = Composer.Compose(opened, facts, fromCache);
        known?.Add(inventory);
        return inventory;
    }

    private static FactGroup GroupOf(ICheck check) => new(check.Kind.Word(), check.Rules, check.Analysers) { MayKeep = () => check.MayKeepFacts };

    private static Report Judge(Image image, Inventory inventory, KnownImage? known, IAdvisoryStore? store, ScanOptions options, CancellationToken cancellationToken)
    {
        Report listed = new()
        {
            Image = image.Name,
            IndexDigest = image.IndexDigest?.ToString(),
            ManifestDigest = image.ManifestDigest?.ToString(),
            ConfigDigest = image.ConfigDigest?.ToString(),
            Tags = image.Tags,
            Platform = image.Config is { Os: { } os, Architecture: { } architecture } ? new Platform(os, architecture, image.Config.Variant).ToString() : null,
            Created = CreatedOf(image.Config),
            Verified = image.Verification == Verification.Full,
            Time = options.Time.GetUtcNow(),
            ToolVersion = options.ToolVersion,
            Database = store?.Info ?? NoDatabase,
            Distribution = inventory.Distribution,
            Layers = inventory.Layers,
            Packages = inventory.Packages,
            Removed = inventory.Removed,
            Notes = image.Verification == Verification.None ? [new Note("unverified", false)] : [],
            Gaps = inventory.Gaps,
            BytesHashed = image.BytesHashed,
            Base = BaseFinder.Find(image.Config, inventory.Layers),
        };
        Report judged = Judged(listed, inventory, known, options.Vulnerabilities ? store : null, options.Vex, options);
        return options.Checks.Count == 0 ? Concealed(judged, image, inventory, known, options) : Checked(judged, image, inventory, known, options, cancellationToken);
    }

    private static DateTimeOffset? CreatedOf(ImageConfig? config) =>
        Rfc3339.TryParse(config?.Created, out DateTimeOffset time) ? time.ToUniversalTime() : null;

    private static Action<ImageLayer>? ProgressOf(Image image, IProgress<ScanProgress>? progress)
    {
        if (progress is null)
            return null;
        long done = 0, total = image.Layers.Count == 0 ? -1 : image.Layers.Sum(l => Math.Max(l.StoredBytes, 0));
        int layers = 0;
        return layer => progress.Report(new ScanProgress("layers", Interlocked.Increment(ref layers), image.Layers.Count,
            Interlocked.Add(ref done, Math.Max(layer.StoredBytes, 0)), total));
    }
}
