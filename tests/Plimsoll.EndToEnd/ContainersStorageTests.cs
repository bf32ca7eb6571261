using System.Diagnostics;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>The stores of podman, buildah and CRI-O, filled by skopeo, and podman's own service over one.</summary>
[Trait("needs", "host")]
public sealed class ContainersStorageTests(SmallDatabase database) : IDisposable
{
    private const string Name = "registry.example/team/app:v1";

    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        // The overlay driver may leave a mount on its own folder.
        foreach (string mount in File.ReadLines("/proc/self/mounts").Select(l => l.Split(' ')[1]).Where(m => m.StartsWith(_folder.Path, StringComparison.Ordinal)).Reverse())
            Tool.Run("umount", [mount]);
        _folder.Dispose();
    }

    private string Root(string driver) => _folder[$"root-{driver}"];

    private string Fill(string driver)
    {
        ImageBuilder.Write(SmallDatabase.Image().LayoutFiles("v1"), _folder["layout"]);
        Tool.Run("skopeo", ["copy", "--quiet", $"oci:{_folder["layout"]}:v1", $"containers-storage:[{driver}@{Root(driver)}+{_folder["run"]}]{Name}"]);
        return $"containers-storage:[{driver}@{Root(driver)}]{Name}";
    }

    private Call Scan(string image) => database.Call(_folder, "scan", "--json", image);

    [Theory]
    [InlineData("overlay")]
    [InlineData("vfs")]
    public void Scan_Store_IsReadInPlaceAndProved(string driver)
    {
        string image = Fill(driver);

        Outcome outcome = Scan(image).Run().Expect(0);

        Assert.Equal([SmallDatabase.Flaw], outcome.Report.Flaws());
        Assert.True((bool)outcome.Report["verified"]!);
        string id = ((string)outcome.Report["configDigest"]!)[7..];
        Assert.Equal([SmallDatabase.Flaw], Scan($"containers-storage:[{Root(driver)}]{id[..12]}").Run().Expect(0).Report.Flaws());
        Scan($"containers-storage:[{Root(driver)}]{Name}x").Run().Expect(3).ExpectNoCleanBill().ExpectError("has no image");
    }

    [Theory]
    [InlineData("overlay")]
    [InlineData("vfs")]
    public void Scan_FileInTheStoreForged_IsRefusedByItsName(string driver)
    {
        string image = Fill(driver);
        // Every copy: vfs has the lower layers' files in the upper folders as well. Links in overlay/l lead to the same files again.
        EnumerationOptions all = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (string status in Directory.GetFiles(Root(driver), "status", all).Where(f => f.EndsWith("/dpkg/status", StringComparison.Ordinal)))
            File.WriteAllBytes(status, SmallDatabase.Forge(File.ReadAllBytes(status)));

        Outcome outcome = Scan(image).Run().Expect(3).ExpectNoCleanBill();

        outcome.ExpectError("var/lib/dpkg/status", "CRC-64");
        Assert.Equal("diff-id-mismatch", (string)outcome.Report["error"]!["code"]!);
    }

    [Fact]
    public void Scan_ConfigInTheStoreChanged_IsRefused()
    {
        string image = Fill("vfs");
        string config = Directory.EnumerateFiles(Path.Combine(Root("vfs"), "vfs-images"), "=*", SearchOption.AllDirectories).Single(f => File.ReadAllText(f).Contains("rootfs", StringComparison.Ordinal));
        File.WriteAllText(config, File.ReadAllText(config).Replace("RUN apt-get", "RUN apt-gut", StringComparison.Ordinal));

        Assert.Equal("digest-mismatch", (string)Scan(image).Run().Expect(3).ExpectNoCleanBill().Report["error"]!["code"]!);
    }

    [Fact]
    public void Scan_PodmansService_AnswersAsDockerDoes()
    {
        Fill("vfs");
        string socket = _folder["podman.sock"];
        using Process service = Process.Start(new ProcessStartInfo("podman",
            ["--root", Root("vfs"), "--runroot", _folder["run"], "--storage-driver", "vfs", "system", "service", "--time", "300", $"unix://{socket}"])
        { UseShellExecute = false, RedirectStandardError = true })!;
        try
        {
            long start = Stopwatch.GetTimestamp();
            while (!File.Exists(socket) && !service.HasExited && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60))
                Thread.Yield();
            Outcome outcome = Scan($"podman:{Name}").With("CONTAINER_HOST", $"unix://{socket}").Run().Expect(0);

            Assert.Equal([SmallDatabase.Flaw], outcome.Report.Flaws());
            Assert.True((bool)outcome.Report["verified"]!);
            Outcome absent = Scan("podman:registry.example/none:1").With("CONTAINER_HOST", $"unix://{socket}").Run().Expect(3);
            Assert.Contains("podman pull", absent.Error, StringComparison.Ordinal);
        }
        finally
        {
            service.Kill(entireProcessTree: true);
            service.WaitForExit();
        }
    }

    [Fact]
    public void Scan_NoServiceNoStoreOrContainerd_SaysHowToGoOn()
    {
        Assert.Contains("containers-storage:NAME", Scan("podman:x").With("CONTAINER_HOST", $"unix://{_folder["none.sock"]}").Run().Expect(3).Error, StringComparison.Ordinal);
        Assert.Contains("graphRoot", Scan($"containers-storage:[{_folder["none"]}]x").Run().Expect(3).Error, StringComparison.Ordinal);
        Assert.Contains("oci-archive:FILE", Scan("containerd:docker.io/library/nginx:latest").Run().Expect(3).Error, StringComparison.Ordinal);
    }
}
