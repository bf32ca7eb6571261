using Plimsoll.Inspect;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Layers;

/// <summary>Scans of an image that was scanned before: the same answer without composing and matching, and never for other bytes, rules or databases.</summary>
public sealed class KnownImageTests : IDisposable
{
    private const string Record = """{"id":"CVE-2024-1","modified":"2024-01-01T00:00:00Z","summary":"bad","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"references":[{"type":"WEB","url":"https://example.org/1"}],"affected":[{"package":{"ecosystem":"Debian:11","name":"zlib"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.0-1"}]}]}]}""";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string Stanza(string name, string version) => $"Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: amd64\nSource: zlib\n\n";

    private string Image(string version = "1.0-1")
    {
        ImageBuilder builder = new();
        builder.Layer(t => t.File("etc/os-release", "ID=debian\nVERSION_ID=11\n").File("var/lib/dpkg/status", Stanza("zlib1g", version) + Stanza("zlib1g-dev", version) + Stanza("old", "1-1")), "base");
        builder.Layer(t => t.File("var/lib/dpkg/status", Stanza("zlib1g", version) + Stanza("zlib1g-dev", version)), "RUN apt-get remove old");
        string path = _folder.Write("image.tar", ImageBuilder.Tar(builder.ArchiveFiles()));
        File.SetLastWriteTimeUtc(path, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        return path;
    }

    /// <summary>All checks, with no engine but our own.</summary>
    private static IReadOnlyList<ICheck> Checks() => CheckList.Create(new CheckOptions { Kinds = new HashSet<ProblemKind>(ProblemKinds.All), Clamd = "none" });

    private static MemoryAdvisoryStore Store(string digest = "sha256:1") => new MemoryAdvisoryStore { Digest = digest }.Add(Record).AddKnownExploited("CVE-2024-1", "2024-02-02").AddEpss("CVE-2024-1", 0.5, 0.25);

    private sealed class Later(int days = 0) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddMinutes(1).AddDays(days);
    }

    private Report Scan(string path, MemoryAdvisoryStore store, int days = 0, IReadOnlyList<Suppression>? suppressions = null, IReadOnlyList<ICheck>? checks = null) => Scanner.Scan(path, store, new ScanOptions
    {
        CacheFolder = _folder["cache"],
        ToolVersion = "test",
        Time = new Later(days),
        Suppressions = suppressions ?? [],
        Checks = checks ?? [],
    }, TestContext.Current.CancellationToken);

    private static string Json(Report report)
    {
        using MemoryStream bytes = new();
        JsonReport.Write(bytes, [new ScanResult { Image = "i", Report = report with { Time = default } }], ReportFilter.None, "test");
        return System.Text.Encoding.UTF8.GetString(bytes.ToArray());
    }

    [Fact]
    public void Scan_OfAKnownImage_AnswersTheSameWithoutAskingTheDatabase()
    {
        string path = Image();
        Report cold = Scan(path, Store());
        MemoryAdvisoryStore again = Store();
        Report warm = Scan(path, again);

        Assert.Equal(2, cold.Findings.Count);
        Assert.Equal(Json(cold), Json(warm));
        Assert.Equal("old", warm.Removed.Single().Package.Name);
        Assert.Equal(0.5, warm.Findings[0].Epss!.Value.Probability);
        Assert.Equal(0, again.Asked);
        Assert.All(warm.Layers, l => Assert.True(l.FromCache));
        Assert.Same(warm.Packages.Single(p => p.Package.Name == "zlib1g"), warm.Findings.Single(f => f.Package.Package.Name == "zlib1g").Package);
    }

    [Fact]
    public void Scan_WithAnotherDatabaseOrOnAnotherDay_IsMatchedAnew()
    {
        string path = Image();
        Scan(path, Store());
        MemoryAdvisoryStore moved = Store("sha256:2"), tomorrow = Store(), unnamed = Store("");
        Scan(path, moved);
        Scan(path, tomorrow, days: 1);
        Scan(path, unnamed);

        Assert.All([moved, tomorrow, unnamed], s => Assert.True(s.Asked > 0));
    }

    [Fact]
    public void Scan_SuppressionsOfThisCall_CountThoughTheMatchIsKept()
    {
        string path = Image();
        Scan(path, Store());
        Report seen = Scan(path, Store(), suppressions: [new Suppression { Id = "CVE-2024-1", Reason = "r", Source = "s:1" }]);

        Assert.All(seen.Findings, f => Assert.Equal("r", f.Suppressed?.Reason));
        Assert.All(Scan(path, Store()).Findings, f => Assert.Null(f.Suppressed));
    }

    [Fact]
    public void Scan_OfAnImageWithOtherPackages_IsNotTheKnownOne()
    {
        Scan(Image(), Store());

        Assert.Empty(Scan(Image("2.0-1"), Store()).Findings);
    }

    [Fact]
    public void Scan_OfAKnownImageWhoseBytesChanged_IsRefused()
    {
        string path = Image();
        Scan(path, Store());
        byte[] bytes = File.ReadAllBytes(path);
        bytes[bytes.AsSpan().IndexOf("zlib1g"u8)] ^= 1;
        File.WriteAllBytes(path, bytes);

        Assert.Equal(ImageError.DiffIdMismatch, Assert.Throws<ImageException>(() => Scan(path, Store())).Error);
    }

    [Fact]
    public void Scan_WithDamagedOrExchangedFilesInTheCache_AnswersTheSame()
    {
        string path = Image();
        string cold = Json(Scan(path, Store(), checks: Checks()));
        string[] files = [.. Directory.GetFiles(_folder["cache/images"]).Order(StringComparer.Ordinal)];
        // What is in it, what the database says of that, and each of five checks.
        Assert.Equal(7, files.Length);
        byte[][] contents = [.. files.Select(File.ReadAllBytes)];

        for (int i = 0; i < files.Length; i++)
        {
            byte[] own = contents[i], other = contents[(i + 1) % files.Length];
            foreach (byte[] wrong in (byte[][])[[], own[..^1], other, [.. own[..40], .. other[40..]]])
            {
                File.WriteAllBytes(files[i], wrong);
                Assert.Equal(cold, Json(Scan(path, Store(), checks: Checks())));
            }
            File.WriteAllBytes(files[i], own);
        }
        foreach (byte[] one in contents)
        {
            foreach (string file in files)
                File.WriteAllBytes(file, one);
            Assert.Equal(cold, Json(Scan(path, Store(), checks: Checks())));
        }
    }

    [Fact]
    public void Scan_OfAKnownImage_RemembersWhatItsChecksSaid()
    {
        string path = Image();
        Report cold = Scan(path, Store(), checks: [new Counting("one")]);
        Counting again = new("one"), other = new("two"), outside = new(null), tomorrow = new("one");
        Report warm = Scan(path, Store(), checks: [again]);
        Scan(path, Store(), checks: [other]);
        Scan(path, Store(), checks: [outside]);
        Scan(path, Store(), checks: [outside]);
        Scan(path, Store(), days: 1, checks: [tomorrow]);

        Assert.Equal(Json(cold), Json(warm));
        Assert.Equal("1", Assert.Single(warm.Problems).Evidence);
        Assert.Equal((0, 1, 2, 1), (again.Judged, other.Judged, outside.Judged, tomorrow.Judged));
    }

    [Fact]
    public void Scan_WhoseCheckFoundASecretInTheHistory_IsJudgedAnew()
    {
        string path = Image();
        Counting first = new("one") { Secret = "hunter2hunter2" }, second = new("one") { Secret = "hunter2hunter2" };
        Scan(path, Store(), checks: [first]);
        Scan(path, Store(), checks: [second]);

        Assert.Equal((1, 1), (first.Judged, second.Judged));
        Assert.DoesNotContain(Directory.GetFiles(_folder["cache"], "*", SearchOption.AllDirectories), f => File.ReadAllBytes(f).AsSpan().IndexOf("hunter2hunter2"u8) >= 0);
    }

    /// <summary>A check that counts how often it is asked and says what it counted.</summary>
    private sealed class Counting(string? judgement) : ICheck
    {
        public int Judged { get; private set; }
        public string? Secret { get; init; }
        public ProblemKind Kind => ProblemKind.Configuration;
        public IReadOnlyList<IAnalyser> Analysers => [];
        public string Rules => "";
        public string? Judgement => judgement;

        public CheckResult Judge(CheckInput input, CancellationToken cancellationToken)
        {
            Judged++;
            Problem problem = new()
            {
                Kind = Kind,
                Rule = "counted",
                Severity = Severity.Medium,
                Title = new Text("counted", "已计数"),
                Advice = new Text("count on", "继续计数"),
                Line = 3,
                Place = "history 1",
                Evidence = Judged.ToString(System.Globalization.CultureInfo.InvariantCulture),
                Origin = new Origin(0, input.Inventory.Layers[0].DiffId, input.Inventory.Layers[0].CreatedBy),
                Details = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["a"] = "b" },
                References = ["https://example.org/"],
                Fingerprint = "f",
            };
            return new CheckResult
            {
                Problems = [problem],
                Notes = [new Note("malware-no-virus-engine", false, "x")],
                Gaps = [new Gap("history-cut-short", "history", "y")],
                Engines = [new Engine("e", "1", null)],
                Dockerfile = [new Inspect.History.DockerfileLine(1, "FROM scratch", null, 0)],
                Secrets = Secret is null ? [] : [Secret],
            };
        }

        public void Dispose()
        {
        }
    }
}
