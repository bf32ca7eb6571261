using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Measure;

public sealed class MountPlacesTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public MountPlacesTests()
    {
        foreach (string below in (ReadOnlySpan<string>)["root/usr/lib", "root/run", "root/data", "volume/plain", "volume/file-in"])
            Directory.CreateDirectory(_folder[below]);
        _folder.Write("volume/file-in/file", "x"u8.ToArray());
        foreach ((string link, string target) in (ReadOnlySpan<(string, string)>)[("root/a", "/usr"), ("root/data/up", "../usr/lib"), ("root/run2", "run"), ("root/gone", "/nowhere/x"), ("root/round", "round"), ("root/dotted", "/gone-too/../usr"),
            ("volume/link", "../usr")])
            File.CreateSymbolicLink(_folder[link], target);
    }

    public void Dispose() => _folder.Dispose();

    private IReadOnlyList<string?> Follow(params (string Target, string? Source)[] mounts) => MountPlaces.Follow(_folder["root"], mounts, TestContext.Current.CancellationToken);

    [Theory]
    [InlineData("/data", "/data")]
    [InlineData("/data/new/deeper", "/data/new/deeper")]
    [InlineData("/new", "/new")]
    [InlineData("/", "/")]
    [InlineData("/a", "/usr")]
    [InlineData("/a/lib", "/usr/lib")]
    [InlineData("/a/new", "/usr/new")]
    [InlineData("/data/up", "/usr/lib")]
    [InlineData("/data/up/x", "/usr/lib/x")]
    [InlineData("/gone", "/nowhere/x")]
    [InlineData("/gone/y", "/nowhere/x/y")]
    [InlineData("/round", null)]
    [InlineData("/dotted", null)]
    public void Follow_OneMount_LiesWhereItsLinksLead(string target, string? place) => Assert.Equal([place], Follow((target, _folder["volume"])));

    [Fact]
    public void Follow_MountInAnother_LiesWhereThatHasNoLink()
    {
        string volume = _folder["volume"];

        Assert.Equal(["/data", "/data/plain/x"], Follow(("/data", volume), ("/data/plain/x", null)));
        Assert.Equal(["/data", "/data/new"], Follow(("/data", volume), ("/data/new", null)));
        Assert.Equal(["/data", null], Follow(("/data", volume), ("/data/link", null)));
        Assert.Equal(["/data", null], Follow(("/data", volume), ("/data/link/lib", volume)));
        // What the root has there is hidden.
        Assert.Equal(["/data", "/data/up/x"], Follow(("/data", volume), ("/data/up/x", volume)));
        Assert.Equal(["/data", "/data/up"], Follow(("/data", null), ("/data/up", volume)));
        // By another name of the same place, and of the last that lies there.
        Assert.Equal(["/run", "/run/link"], Follow(("/run", null), ("/run2/link", volume)));
        Assert.Equal(["/run", null], Follow(("/run", volume), ("/run2/link", volume)));
        Assert.Equal(["/run", "/run", "/run/link"], Follow(("/run", volume), ("/run", null), ("/run/link", volume)));
        Assert.Equal(["/data", null], Follow(("/data", _folder["none"]), ("/data/x", null)));
        // One that is not below, and the root itself.
        Assert.Equal(["/data", "/data2"], Follow(("/data", volume), ("/data2", null)));
    }

    [Fact]
    public void Follow_NoRoot_IsAnError() => Assert.Equal(ImageError.NotFound, Assert.Throws<ImageException>(() => MountPlaces.Follow(_folder["none"], [], TestContext.Current.CancellationToken)).Error);
}
