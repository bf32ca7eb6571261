using Plimsoll.Inspect;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.TestKit;

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

    private static MemoryAdvisoryStore Store(string digest = "sha256:1") => new MemoryAdvisoryStore { Digest = digest }.Add(Record).AddKnownExploited("CVE-2024-1", "2024-02-02").AddEpss("CVE-2024-1", 0.5, 0.25);

    private sealed class Later(int days = 0) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddMinutes(1).AddDays(days);
    }

    private Report Scan(string path, MemoryAdvisoryStore store, int days = 0, IReadOnlyList<Suppression>? suppressions = null) => Scanner.Scan(path, store, new ScanOptions
    {
        CacheFolder = _folder["cache"],
        ToolVersion = "test",
        Time = new Later(days),
        Suppressions = suppressions ?? [],
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
        string cold = Json(Scan(path, Store()));
        string[] files = Directory.GetFiles(_folder["cache/images"]);
        Assert.Equal(2, files.Length);
        byte[] first = File.ReadAllBytes(files[0]), second = File.ReadAllBytes(files[1]);

        foreach (byte[] wrong in (byte[][])[[], first[..^1], second, [.. first[..100], .. second[100..]]])
        {
            File.WriteAllBytes(files[0], wrong);
            Assert.Equal(cold, Json(Scan(path, Store())));
            File.WriteAllBytes(files[0], first);
            File.WriteAllBytes(files[1], first);
            Assert.Equal(cold, Json(Scan(path, Store())));
            File.WriteAllBytes(files[1], second);
        }
    }
}
