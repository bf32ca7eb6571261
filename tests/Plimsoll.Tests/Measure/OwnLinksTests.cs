using Microsoft.Win32.SafeHandles;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Measure;

/// <summary>Where links of a container's own layer lead, and which of its files may be its own.</summary>
public sealed class OwnLinksTests : IDisposable
{
    private const string Plugin = "/app/plugin.so";

    private readonly TempFolder _folder = new();

    public OwnLinksTests()
    {
        _folder.Write("root/app/plugin.so", "x"u8.ToArray());
        _folder.Write("root/srv/data", "x"u8.ToArray());
        foreach (string mounted in (ReadOnlySpan<string>)["proc", "dev", "sys"])
            Directory.CreateDirectory(_folder[$"root/{mounted}"]);
        Directory.CreateSymbolicLink(_folder["root/image"], "/app");
    }

    public void Dispose() => _folder.Dispose();

    private IReadOnlyList<(string Path, string Target)> Follow(params (string Path, string Target)[] links)
    {
        foreach ((string path, string target) in links)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder[$"root/{path}"])!);
            File.CreateSymbolicLink(_folder[$"root/{path}"], target);
        }
        return OwnLinks.Follow(_folder["root"], [.. links.Select(l => l.Path)], [Plugin]);
    }

    [Theory]
    [InlineData("lib/l", "/app/plugin.so", "/lib/l")]
    [InlineData("lib/l", "../app/plugin.so", "/lib/l")]
    [InlineData("lib/l", "../../../../app/./plugin.so", "/lib/l")]
    [InlineData("lib/l", "/image/plugin.so", "/lib/l")]
    [InlineData("lib/l", "/app", "/lib/l/plugin.so")]
    [InlineData("lib/l", "/image", "/lib/l/plugin.so")]
    [InlineData("lib/l", "/", "/lib/l/app/plugin.so")]
    [InlineData("l", "app/plugin.so", "/l")]
    public void Follow_LinkThatReachesAFile_IsAFurtherPathOfIt(string link, string target, string path) => Assert.Equal([(path, Plugin)], Follow((link, target)));

    [Theory]
    [InlineData("/srv/data")]
    [InlineData("/srv")]
    [InlineData("/nowhere/plugin.so")]
    [InlineData("/app/plugin.so.1")]
    [InlineData("127.0.0.1:+123")]
    public void Follow_LinkThatReachesNone_IsNothing(string target) => Assert.Empty(Follow(("lib/l", target)));

    [Theory]
    [InlineData("/proc/self/root/app/plugin.so")]
    [InlineData("../proc/self/root/app/plugin.so")]
    [InlineData("/dev/fd/3")]
    [InlineData("/image/../proc/1/root/app/plugin.so")]
    public void Follow_LinkIntoWhatIsMountedLater_IsToldAsItStands(string target) => Assert.Equal([("/lib/l", target)], Follow(("lib/l", target)));

    [Fact]
    public void Follow_LinksToLinks_AreEachToldOf() =>
        Assert.Equal([("/a", Plugin), ("/b/plugin.so", Plugin), ("/c", Plugin)], Follow(("a", "/b/plugin.so"), ("b", "/app"), ("c", "a")));

    [Fact]
    public void Follow_LinksInACircle_ReachNothing() => Assert.Empty(Follow(("a", "b"), ("b", "a")));

    [Fact]
    public void Follow_NameThatIsNoText_IsTold() => Assert.Equal([("/a\0ff", "where nobody can tell")], OwnLinks.Follow(_folder["root"], ["a\0ff"], [Plugin]));

    [Fact]
    public void Follow_MorePathsThanTheBound_IsRefused()
    {
        string[] files = [.. Enumerable.Range(0, OwnLinks.MaxPaths + 1).Select(i => $"/app/{i}")];
        File.CreateSymbolicLink(_folder["root/l"], "/app");
        Assert.Equal(ImageError.LimitExceeded, Assert.Throws<ImageException>(() => OwnLinks.Follow(_folder["root"], ["l"], files)).Error);
        Assert.Equal(OwnLinks.MaxPaths, OwnLinks.Follow(_folder["root"], ["l"], files[1..]).Count);
    }

    [Fact]
    public void OpenPlain_LinksFoldersAndFilesWithRights_AreNone()
    {
        using SafeFileHandle folder = File.OpenHandle("/dev/null");
        Assert.Null(ContainerFolder.OpenPlain(folder, "app/plugin.so"));
        using SafeFileHandle root = Folder();
        File.CreateSymbolicLink(_folder["root/app/link"], "plugin.so");
        using (SafeFileHandle? file = ContainerFolder.OpenPlain(root, Plugin))
            Assert.NotNull(file);
        foreach (string none in (ReadOnlySpan<string>)["/app/link", "/image/plugin.so", "/app", "/app/none", "/../root/app/plugin.so"])
            Assert.Null(ContainerFolder.OpenPlain(root, none));
        File.SetUnixFileMode(_folder["root/app/plugin.so"], UnixFileMode.UserRead | UnixFileMode.SetGroup);
        Assert.Null(ContainerFolder.OpenPlain(root, Plugin));
    }

    private SafeFileHandle Folder()
    {
        int opened = Plimsoll.Posix.Native.Open(Plimsoll.Posix.Native.AtFdCwd, System.Text.Encoding.UTF8.GetBytes(_folder["root"] + '\0'), Plimsoll.Posix.Native.PathOnly | Plimsoll.Posix.Native.DirectoryOnly, 0);
        return Plimsoll.Posix.Native.Own(opened);
    }
}
