using System.Text.Json.Nodes;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>Real Debian images through every form of source, against a second opinion that shares no code with ours.</summary>
[Trait("needs", "host")]
[Trait("needs", "shared")]
public sealed class SourceTests(DebianDatabase database, BullseyeImage image, SharedDocker docker) : IDisposable
{
    private static readonly Lazy<string[]> Expected = new(() =>
        Tool.Run("python3", [Repository.At("tests", "oracle", "debian-expected"), BullseyeImage.Root, SharedData.At("osv", "Debian", "all.zip")])
            .Split('\n', StringSplitOptions.RemoveEmptyEntries));

    private static readonly Lazy<string[]> ExpectedPackages = new(() =>
        Tool.Run("dpkg-query", [$"--admindir={BullseyeImage.Root}/var/lib/dpkg", "-W", "-f", "${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n"])
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal).ToArray());

    private readonly TempFolder _home = new();

    private TestRegistry? _registry;

    public void Dispose()
    {
        _registry?.Dispose();
        _home.Dispose();
    }

    private string Push()
    {
        _registry = new TestRegistry(_home["registry"]);
        Tool.Run("skopeo", ["copy", "--quiet", "--dest-tls-verify=false", $"oci:{image.Layout}:bullseye", $"docker://{_registry.Host}/plimsoll/bullseye:1"]);
        return _registry.Host;
    }

    private string Store()
    {
        Tool.Run("skopeo", ["copy", "--quiet", $"oci:{image.Layout}:bullseye", $"containers-storage:[vfs@{_home["store"]}+{_home["run"]}]example.org/bullseye:1"]);
        return _home["store"];
    }

    [Theory]
    [InlineData("dir")]
    [InlineData("docker-archive")]
    [InlineData("docker-archive gzip")]
    [InlineData("docker-archive on standard input")]
    [InlineData("gzip on standard input")]
    [InlineData("oci")]
    [InlineData("oci by path")]
    [InlineData("oci by tag")]
    [InlineData("oci zstd")]
    [InlineData("oci-archive")]
    [InlineData("docker")]
    [InlineData("docker by bare name")]
    [InlineData("docker as another user")]
    [InlineData("registry")]
    [InlineData("containers-storage")]
    public void Scan_RealImage_FindsExactlyWhatTheOracleFinds(string form)
    {
        (string name, string? input) = form switch
        {
            "dir" => ($"dir:{BullseyeImage.Root}", null),
            "docker-archive" => ($"docker-archive:{image.Archive}", null),
            "docker-archive gzip" => (image.Gzip, null),
            "docker-archive on standard input" => ("-", image.Archive),
            "gzip on standard input" => ("-", image.Gzip),
            "oci" => ($"oci:{image.Layout}", null),
            "oci by path" => (image.Layout, null),
            "oci by tag" => ($"oci:{image.Layout}:bullseye", null),
            "oci zstd" => ($"oci:{image.Zstd}", null),
            "oci-archive" => (image.OciArchive, null),
            "docker" => ($"docker:{BullseyeImage.Tag}", null),
            "docker by bare name" => (BullseyeImage.Tag, null),
            "docker as another user" => ($"docker:{BullseyeImage.Tag}", (string?)null),
            "registry" => ($"registry:{Push()}/plimsoll/bullseye:1", null),
            "containers-storage" => ($"containers-storage:[vfs@{Store()}]example.org/bullseye:1", null),
            _ => throw new ArgumentOutOfRangeException(nameof(form)),
        };
        Call call = new(_home.Path, "scan", "--json", name) { Input = input };
        call.With("PLIMSOLL_SCAN_DB", database.Path);
        call.With("PLIMSOLL_SCAN_REGISTRY_HTTP", _registry?.Host);
        if (form.StartsWith("docker ", StringComparison.Ordinal) || form == "docker")
        {
            docker.Load(image.Archive);
            call.With("DOCKER_HOST", docker.Host);
        }

        Outcome outcome = form == "docker as another user" ? AsNobody(name) : call.Run();

        JsonNode report = outcome.Expect(0).Report;
        Assert.Equal(Expected.Value, report.Flaws());
        Assert.Equal(ExpectedPackages.Value, report.Packages());
        // A bare Debian has nothing else: what the analysers of programs find is its own.
        Assert.All(report["packages"]!.AsArray().Where(p => (string)p!["type"]! != "deb"), p => Assert.StartsWith("deb/", (string?)p!["ownedBy"] ?? p.ToJsonString(), StringComparison.Ordinal));
        Assert.True(Expected.Value.Length > 50, $"the oracle finds {Expected.Value.Length}; this root is not the vulnerable one");
        Assert.True((bool)report["complete"]!);
        Assert.True((bool)report["verified"]!);
        Assert.Empty(report["gaps"]!.AsArray());
        if (form != "dir")
        {
            Assert.Equal(["ADD bullseye", "COPY motd"], report["layers"]!.AsArray().Select(l => (string)l!["createdBy"]!));
            Assert.All(report["findings"]!.AsArray(), f => Assert.Equal(0, (int)f!["package"]!["origin"]!["layer"]!));
        }
    }

    [Theory]
    [InlineData("bookworm")]
    [InlineData("trixie")]
    public void Scan_CleanDebian_IsCleanByOurWordAndTheOracles(string suite)
    {
        string root = DebianRoots.Get(suite);
        Assert.Empty(Tool.Run("python3", [Repository.At("tests", "oracle", "debian-expected"), root, SharedData.At("osv", "Debian", "all.zip")]));

        Outcome table = database.Call(_home, "scan", $"dir:{root}", "--checks", "vulnerability", "--fail-on", "any").Run().Expect(0);
        JsonNode report = database.Call(_home, "scan", $"dir:{root}", "--json").Run().Expect(0).Report;

        Assert.Contains("No known vulnerabilities", table.Out, StringComparison.Ordinal);
        Assert.Empty(report.Flaws());
        Assert.True((bool)report["complete"]!);
        Assert.True(report["packages"]!.AsArray().Count > 70, "a minbase has some eighty packages");
    }

    /// <summary>Someone in the docker group, who cannot read the daemon's store: the Engine API's export is read instead.</summary>
    private Outcome AsNobody(string name)
    {
        using Nobody nobody = new();
        string readable = nobody.Copy(database.Path);
        File.SetUnixFileMode(docker.Docker.Folder, (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(docker.Docker.Socket, (UnixFileMode)0b110_110_110);
        return nobody.Call("scan", "--json", name).With("DOCKER_HOST", docker.Host).With("PLIMSOLL_SCAN_DB", readable).Run();
    }
}
