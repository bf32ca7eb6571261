using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>
/// Files of Debian that language advisories speak of: Debian patches them without changing the language's version, so they count
/// only where Debian's own advisories do not. Real packages of this machine, with the checksum lists that dpkg installed; and
/// images that claim such ownership for what is theirs.
/// </summary>
[Trait("needs", "host"), Trait("needs", "shared")]
public sealed class OwnershipTests(OwnershipTests.Databases databases) : IClassFixture<OwnershipTests.Databases>, IDisposable
{
    private const string EggInfo = "usr/lib/python3/dist-packages/urllib3-1.26.12.egg-info/PKG-INFO";

    private readonly TempFolder _home = new();

    /// <summary>Debian and languages, from the shared records.</summary>
    public sealed class Databases : IDisposable
    {
        private readonly TempFolder _home = new();

        public Databases() =>
            new Call(_home.Path, "db", "update", "--source", SharedData.At("osv"), "--ecosystem", "Debian", "--ecosystem", "PyPI", "--ecosystem", "Go", "--ecosystem", "npm", "--ecosystem", "NuGet").Run().Expect(0);

        public string Path => _home["data/advisories.db"];

        public void Dispose() => _home.Dispose();
    }

    public void Dispose() => _home.Dispose();

    private static string Release(string version) => $"ID=debian\nVERSION_ID=\"{version}\"\nPRETTY_NAME=\"Debian GNU/Linux {version}\"\n";

    /// <summary>What dpkg says of an installed package, and its list of checksums.</summary>
    private static (string Status, string Sums) Installed(string package) =>
        (Tool.Run("dpkg-query", ["-s", package]) + "\n", File.ReadAllText($"/var/lib/dpkg/info/{package}.md5sums"));

    [SuppressMessage("Security", "CA5351", Justification = "dpkg's file lists hold MD5.")]
    private static string Md5(byte[] content) => Convert.ToHexStringLower(MD5.HashData(content));

    private JsonNode Scan(int code, params Action<TarBuilder>[] layers) => Run(layers).Expect(code).Report;

    private Outcome Run(params Action<TarBuilder>[] layers)
    {
        ImageBuilder image = new();
        foreach (Action<TarBuilder> layer in layers)
            image.Layer(layer);
        return new Call(_home.Path, "scan", "--json", _home.Write("image.tar", ImageBuilder.Tar(image.ArchiveFiles()))).With("PLIMSOLL_SCAN_DB", databases.Path).Run();
    }

    /// <summary>One line for each finding of a kind of package: path, flaw, owner, what suppressed it.</summary>
    private static (string Path, string Flaw, string? Owner, string? By)[] Of(JsonNode report, string type) =>
    [
        .. report["findings"]!.AsArray().Where(f => (string)f!["package"]!["type"]! == type)
            .Select(f => ((string)f!["package"]!["path"]!, (string)f["id"]!, (string?)f["package"]!["ownedBy"], (string?)f["suppressed"]?["source"])),
    ];

    private static Action<TarBuilder> Debian(string release, string package, string file, byte[]? content = null)
    {
        (string status, string sums) = Installed(package);
        return tar => tar.File("etc/os-release", Release(release)).File("var/lib/dpkg/status", status).File($"var/lib/dpkg/info/{package}.md5sums", sums)
            .File(file, content ?? File.ReadAllBytes("/" + file), mode: 0b111_101_101);
    }

    [Fact]
    public void Scan_PythonOfDebian_CountsOnlyWhereDebianHasNoAdvisories()
    {
        (string Path, string Flaw, string? Owner, string? By)[] covered = Of(Scan(0, Debian("12", "python3-urllib3", EggInfo)), "pypi");
        JsonNode report = Scan(3, Debian("99", "python3-urllib3", EggInfo));
        (string Path, string Flaw, string? Owner, string? By)[] uncovered = Of(report, "pypi");

        // Fixed by Debian in 1.26.12-1+deb12u1; the egg says 1.26.12 as before.
        Assert.Contains(covered, f => f.Flaw == "CVE-2023-43804");
        Assert.All(covered, f => Assert.Equal((EggInfo, "deb/python3-urllib3", "distribution"), (f.Path, f.Owner, f.By)));
        Assert.Equal(covered.Select(f => f.Flaw), uncovered.Select(f => f.Flaw));
        Assert.All(uncovered, f => Assert.Equal(("deb/python3-urllib3", null), (f.Owner, f.By)));
        Assert.Contains("no-advisories-for-release", report.Notes());
    }

    [Theory]
    [InlineData("one byte changed")]
    [InlineData("of pip, beside it")]
    [InlineData("no such package")]
    [InlineData("package removed")]
    public void Scan_PythonThatIsNotDebians_Counts(string form)
    {
        byte[] content = File.ReadAllBytes("/" + EggInfo);
        Action<TarBuilder> layer = form switch
        {
            "one byte changed" => Debian("12", "python3-urllib3", EggInfo, [.. content, (byte)'\n']),
            "of pip, beside it" => Debian("12", "python3-urllib3", "usr/local/lib/python3.11/dist-packages/urllib3-1.26.12.dist-info/METADATA", content),
            "no such package" => tar => tar.File("etc/os-release", Release("12")).File("var/lib/dpkg/status", SmallDatabase.Status())
                .File("var/lib/dpkg/info/python3-urllib3.md5sums", Installed("python3-urllib3").Sums).File(EggInfo, content),
            _ => tar => tar.File("etc/os-release", Release("12")).File("var/lib/dpkg/info/python3-urllib3.md5sums", Installed("python3-urllib3").Sums).File(EggInfo, content)
                .File("var/lib/dpkg/status", SmallDatabase.Status() + Installed("python3-urllib3").Status.Replace("install ok installed", "deinstall ok config-files", StringComparison.Ordinal)),
        };

        (string Path, string Flaw, string? Owner, string? By)[] findings = Of(Scan(0, layer), "pypi");

        Assert.Contains(findings, f => f.Flaw == "CVE-2023-43804");
        Assert.All(findings, f => Assert.Equal((null, null), (f.Owner, f.By)));
    }

    [Fact]
    public void Scan_GoProgramOfDebian_CountsOnlyWhereDebianHasNoAdvisories()
    {
        const string file = "usr/bin/skopeo";
        (string Path, string Flaw, string? Owner, string? By)[] covered = Of(Scan(0, Debian("12", "skopeo", file)), "golang");
        (string Path, string Flaw, string? Owner, string? By)[] uncovered = Of(Scan(3, Debian("99", "skopeo", file)), "golang");
        (string Path, string Flaw, string? Owner, string? By)[] other = Of(Scan(0, Debian("12", "skopeo", file, [.. File.ReadAllBytes("/" + file), 0])), "golang");
        (string Path, string Flaw, string? Owner, string? By)[] elsewhere = Of(Scan(0, Debian("12", "skopeo", "usr/local/bin/skopeo", File.ReadAllBytes("/" + file))), "golang");

        Assert.True(covered.Length > 10, $"{covered.Length} findings: an old Go has dozens in its standard library");
        Assert.All(covered, f => Assert.Equal((file, "deb/skopeo", "distribution"), (f.Path, f.Owner, f.By)));
        Assert.All((IEnumerable<(string, string Flaw, string? Owner, string? By)[]>)[uncovered, other, elsewhere], findings =>
        {
            Assert.Equal(covered.Select(f => f.Flaw), findings.Select(f => f.Flaw));
            Assert.All(findings, f => Assert.Null(f.By));
        });
    }

    /// <summary>An image's maker can write any list, with right checksums; it is believed only where distributions alone put files.</summary>
    [Theory]
    [InlineData("app/node_modules/minimist/package.json")]
    [InlineData("srv/app/node_modules/minimist/package.json")]
    [InlineData("usr/local/lib/node_modules/minimist/package.json")]
    [InlineData("opt/app/node_modules/minimist/package.json")]
    [InlineData("home/node/node_modules/minimist/package.json")]
    [InlineData("app/usr/share/nodejs/node_modules/minimist/package.json")]
    public void Scan_ListThatClaimsTheApplicationsFiles_IsNotBelieved(string path)
    {
        byte[] json = """{"name":"minimist","version":"1.2.0"}"""u8.ToArray();

        (string Path, string Flaw, string? Owner, string? By)[] findings = Of(Scan(0, tar => tar.File("etc/os-release", Release("12")).File("var/lib/dpkg/status", SmallDatabase.Status("3.0.11-1"))
            .File("var/lib/dpkg/info/libssl1.1.md5sums", $"{Md5(json)}  {path}\n").File("var/lib/dpkg/info/libssl1.1.list", $"/{path}\n").File(path, json)), "npm");

        Assert.Equal([(path, "CVE-2020-7598", null, null), (path, "CVE-2021-44906", null, null)], findings.OrderBy(f => f.Flaw, StringComparer.Ordinal));
    }

    /// <summary>
    /// urllib3 1.26.5 below, 1.26.18 above, in every pair of forms. pip removes what it replaces; where a layer only adds, the older
    /// metadata is in sight and Python may use either, so that both are listed.
    /// </summary>
    [Theory]
    [InlineData("dist-info/METADATA", "dist-info/METADATA", true)]
    [InlineData("egg-info/PKG-INFO", "dist-info/METADATA", true)]
    [InlineData("dist-info/METADATA", "egg-info/PKG-INFO", true)]
    [InlineData("egg-info", "dist-info/METADATA", true)]
    [InlineData("dist-info/METADATA", "dist-info/METADATA", false)]
    [InlineData("egg-info/PKG-INFO", "dist-info/METADATA", false)]
    public void Scan_WheelOrEggOverAnOlderOne_HasWhatIsInSight(string below, string above, bool removed)
    {
        const string site = "usr/local/lib/python3.11/site-packages";
        static byte[] Metadata(string version) => Encoding.UTF8.GetBytes($"Metadata-Version: 2.1\nName: urllib3\nVersion: {version}\n");

        JsonNode report = Scan(0,
            tar => tar.File("etc/os-release", Release("12")).File("var/lib/dpkg/status", SmallDatabase.Status("3.0.11-1")).File($"{site}/urllib3-1.26.5.{below}", Metadata("1.26.5")),
            tar =>
            {
                if (removed)
                    tar.Whiteout($"{site}/urllib3-1.26.5.{below.Split('/')[0]}");
                tar.File($"{site}/urllib3-1.26.18.{above}", Metadata("1.26.18"));
            });

        Assert.Equal(removed ? ["1.26.18"] : ["1.26.18", "1.26.5"], report["packages"]!.AsArray().Where(p => (string)p!["type"]! == "pypi").Select(p => (string)p!["version"]!));
        Assert.Equal(removed ? 0 : 1, Of(report, "pypi").Count(f => f.Flaw == "CVE-2023-43804"));
    }

    [Fact]
    public void Scan_SamePackageInTwoSitePackages_IsTwo()
    {
        static byte[] Metadata(string version) => Encoding.UTF8.GetBytes($"Metadata-Version: 2.1\nName: urllib3\nVersion: {version}\n");

        JsonNode report = Scan(0,
            tar => tar.File("etc/os-release", Release("12")).File("var/lib/dpkg/status", SmallDatabase.Status("3.0.11-1")).File("opt/a/lib/python3.11/site-packages/urllib3-1.26.5.dist-info/METADATA", Metadata("1.26.5")),
            tar => tar.File("opt/b/lib/python3.11/site-packages/urllib3-1.26.18.dist-info/METADATA", Metadata("1.26.18")));

        Assert.Equal(["1.26.18", "1.26.5"], report["packages"]!.AsArray().Where(p => (string)p!["type"]! == "pypi").Select(p => (string)p!["version"]!).Order(StringComparer.Ordinal));
        Assert.Contains(Of(report, "pypi"), f => f.Flaw == "CVE-2023-43804" && f.Path.StartsWith("opt/a/", StringComparison.Ordinal));
    }

    /// <summary>Microsoft's own record and GitHub's, on one flaw of one package.</summary>
    [Fact]
    public void Scan_TwoRecordsOnOneFlaw_AreOneFinding()
    {
        const string deps = """{"runtimeTarget":{"name":".NETCoreApp,Version=v8.0"},"targets":{".NETCoreApp,Version=v8.0":{}},"libraries":{"System.Data.SqlClient/4.8.5":{"type":"package","serviceable":true,"sha512":"sha512-x"}}}""";

        // Not by Expect, which takes the record's own title, on System.Data.SqlClient, for a trace of the runtime.
        Outcome outcome = Run(tar => tar.File("etc/os-release", Release("12")).File("var/lib/dpkg/status", SmallDatabase.Status("3.0.11-1")).File("app/web.deps.json", deps));
        Assert.Equal(0, outcome.Code);
        JsonNode report = outcome.Report;

        JsonNode finding = Assert.Single(report["findings"]!.AsArray(), f => (string)f!["package"]!["type"]! == "nuget" && ((string)f["id"]! == "CVE-2024-0056" || f["aliases"]!.AsArray().Any(a => (string)a! == "CVE-2024-0056")))!;
        Assert.Equal("CVE-2024-0056", (string)finding["id"]!);
        Assert.Equal(["CVE-2024-0056", "GHSA-98g6-xh36-x2p7"], finding["matches"]!.AsArray().Select(m => (string)m!["advisory"]!).Distinct());
        Assert.Contains("GHSA-98g6-xh36-x2p7", finding["aliases"]!.AsArray().Select(a => (string)a!));
        Assert.Equal("4.8.6", (string)finding["fixedVersion"]!);
    }
}
