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

    private IReadOnlyList<(string Path, string Target)> Follow(params (string Path, string Target)[] links) => Follow([], [], links);

    private IReadOnlyList<(string Path, string Target)> Follow(string[] imageLinks, string[] mounts, params (string Path, string Target)[] links)
    {
        foreach ((string path, string target) in links)
            Link(path, target);
        return Follow(imageLinks, mounts, [.. links.Select(l => l.Path)], [Plugin], TestContext.Current.CancellationToken);
    }

    private IReadOnlyList<(string Path, string Target)> Follow(string[] imageLinks, string[] mounts, string[] links, string[] files, CancellationToken cancellationToken) =>
        OwnLinks.Follow(_folder["root"], links, imageLinks, mounts, files, cancellationToken);

    private void Link(string path, string target)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[$"root/{path}"])!);
        File.CreateSymbolicLink(_folder[$"root/{path}"], target);
    }

    [Theory]
    [InlineData("lib/l", "/app/plugin.so", "/lib/l")]
    [InlineData("lib/l", "../app/plugin.so", "/lib/l")]
    [InlineData("lib/l", "../../../../app/./plugin.so", "/lib/l")]
    [InlineData("lib/l", "/image/plugin.so", "/lib/l")]
    [InlineData("lib/l", "/app", "/lib/l/plugin.so")]
    [InlineData("lib/l", "/image", "/lib/l/plugin.so")]
    [InlineData("lib/l", "/lib/../app/", "/lib/l/plugin.so")]
    [InlineData("lib/l", "/lib/../../app/none/../plugin.so", "")]
    [InlineData("l", "app/plugin.so", "/l")]
    public void Follow_LinkThatReachesAFile_IsAFurtherPathOfIt(string link, string target, string path) => Assert.Equal(path.Length > 0 ? [(path, Plugin)] : [], Follow((link, target)));

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
    [InlineData("/proc/../app/plugin.so")]
    public void Follow_LinkIntoWhatIsMountedLater_IsToldAsItStands(string target) => Assert.Equal([("/lib/l", target)], Follow(("lib/l", target)));

    [Fact]
    public void Follow_LinksToLinks_AreEachToldOf() =>
        Assert.Equal([("/a", Plugin), ("/b/plugin.so", Plugin), ("/c", Plugin)], Follow(("a", "/b/plugin.so"), ("b", "/app"), ("c", "a")));

    /// <summary>A list that lets <c>/app/**</c> through must not let through what links elsewhere make of it.</summary>
    [Fact]
    public void Follow_FolderWithLinksInIt_HasTheirPathsToo() =>
        Assert.Equal([("/app/d/e/run", Plugin), ("/app/d/run", Plugin), ("/etc/init/d/e/run", Plugin), ("/etc/init/d/run", Plugin), ("/etc/init/plugin.so", Plugin)],
            Follow(("app/d/run", "/app/plugin.so"), ("app/d/e/run", "../run"), ("etc/init", "/app")));

    [Fact]
    public void Follow_LinkToALinkNobodyCanFollow_IsToldAsItStands() =>
        Assert.Equal([("/app/l", "/proc/self/root/app/plugin.so"), ("/bin/x", "/app/l"), ("/etc/init/l", "/proc/self/root/app/plugin.so"), ("/etc/init/plugin.so", Plugin)],
            Follow(("app/l", "/proc/self/root/app/plugin.so"), ("bin/x", "/app/l"), ("etc/init", "/app")));

    [Theory]
    [InlineData("/srv", "/srv/l", "/l", "/srv/l")]
    [InlineData("/srv", "/srv", "/l", "/srv")]
    [InlineData("/srv/data", "/srv", "/l/data", "/srv/data")]
    [InlineData("/srv/new/deep", "/srv/new/../../app/none", "/l", "/srv/new/../../app/none")]
    [InlineData("/srv/new/deep", "/srv", "/l/new/deep", "/srv/new/deep")]
    [InlineData("/image/sub/", "/app/sub/x", "/l", "/app/sub/x")]
    [InlineData("/", "/srv/data", "/l", "/srv/data")]
    public void Follow_LinkIntoOrAroundAMount_IsTold(string mount, string target, string path, string told) => Assert.Equal([(path, told)], Follow([], [mount], ("l", target)));

    /// <summary>What the image's links add to its own folders is the image's doing, but not what they add behind a link of the container's own.</summary>
    [Fact]
    public void Follow_LinksOfTheImage_CountBehindThoseOfTheContainer()
    {
        Link("usr/share/run", "/image/plugin.so");
        Link("usr/share/self", ".");
        Link("usr/share/led", "/app/l");
        string[] image = ["image", "usr/share/run", "usr/share/self", "usr/share/led", "usr/share/gone"];
        Assert.Empty(Follow(image, []));
        Assert.Equal(["/app/l", "/etc/init/led", "/etc/init/run", "/etc/init/self/led", "/etc/init/self/run"], Follow(image, [], ("etc/init", "/usr/share"), ("app/l", "/dev/fd/3")).Select(f => f.Path));
    }

    [Fact]
    public void Follow_LinksInACircleAroundNothing_ReachNothing() => Assert.Empty(Follow(("a", "b"), ("b", "a"), ("srv/here", "."), ("srv/up", "../srv")));

    [Theory]
    [InlineData("l", "/")]
    [InlineData("app/l", ".")]
    public void Follow_LinksInACircleAroundAFile_AreRefused(string link, string target) =>
        Assert.Contains("leads in a circle around /", Assert.Throws<ImageException>(() => Follow((link, target))).Message, StringComparison.Ordinal);

    [Fact]
    public void Follow_NameThatIsNoText_IsTold() => Assert.Equal([("/a\0ff", "where nobody can tell")], Follow([], [], ["a\0ff"], [Plugin], TestContext.Current.CancellationToken));

    [Fact]
    public void Follow_MorePathsThanTheBound_IsRefused()
    {
        string[] files = [.. Enumerable.Range(0, OwnLinks.MaxPaths + 1).Select(i => $"/app/{i}")];
        File.CreateSymbolicLink(_folder["root/l"], "/app");
        Assert.Equal(ImageError.LimitExceeded, Assert.Throws<ImageException>(() => Follow([], [], ["l"], files, TestContext.Current.CancellationToken)).Error);
        Assert.Equal(OwnLinks.MaxPaths, Follow([], [], ["l"], files[1..], TestContext.Current.CancellationToken).Count);
    }

    [Fact]
    public void Follow_MoreStepsThanTheBound_IsRefusedAndSoIsWhatNobodyWaitsFor()
    {
        string target = string.Concat(Enumerable.Repeat("app/../", 580));
        string[] links = [.. Enumerable.Range(0, 2500).Select(i => $"l{i}")];
        foreach (string link in links)
            Link(link, target + "none");
        Assert.Contains("(MaxSteps)", Assert.Throws<ImageException>(() => Follow([], [], links, [Plugin], TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
        Assert.Empty(Follow([], [], links[..5], [Plugin], TestContext.Current.CancellationToken));
        Assert.Throws<OperationCanceledException>(() => Follow([], [], links[..5], [Plugin], new CancellationToken(canceled: true)));
    }

    /// <summary>By a link of either name every process would load what policy lets be there for one.</summary>
    [Fact]
    public void Look_WhatTellsTheLoaderOfLibraries_IsForeignOrToBeListed()
    {
        Link("etc/ld.so.preload", "/app/list");
        _folder.Write("root/etc/ld.so.cache", "libc.so"u8.ToArray());
        _folder.Write("root/etc/ld-musl-x86_64.path", []);
        Link("etc/ld-musl-arm.path", "/app/list");
        _folder.Write("root/etc/ld.so.conf", "/app"u8.ToArray());
        OwnContents own = Look();
        Assert.Equal("/etc/ld.so.preload (a library for every process)", Assert.Single(own.Foreign).ToString());
        Assert.Equal([("etc/ld-musl-arm.path", 0), ("etc/ld-musl-x86_64.path", 48), ("etc/ld.so.cache", 48)], own.LoaderFiles.OrderBy(f => f.Path, StringComparer.Ordinal).Select(f => (f.Path, f.Content.Length)));
        Assert.Empty(own.Executables);

        File.Delete(_folder["root/etc/ld.so.preload"]);
        _folder.Write("root/etc/ld.so.preload", []);
        Assert.Empty(Look().Foreign);
        Directory.Delete(_folder["root/etc"], recursive: true);
        Link("etc", "/app");
        Assert.Equal("/etc (a link in the place of the folder)", Assert.Single(Look().Foreign).ToString());
    }

    private OwnContents Look()
    {
        using SafeFileHandle root = Folder();
        return ContainerFolder.Look(root, "own", listFolders: false, TestContext.Current.CancellationToken);
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
