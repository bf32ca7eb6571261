using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Measure;

/// <summary>A folder put together by hand, compared with a tar; needs root for owners, devices and trusted attributes.</summary>
[Trait("needs", "host")]
public sealed class UnpackedComparerTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public UnpackedComparerTests()
    {
        Directory.CreateDirectory(_folder["l"]);
        Shell("umask 022; cd l; mkdir etc etc/d; printf hello >etc/f; ln -s f etc/s; ln etc/f etc/h; mknod etc/gone c 0 0; mknod etc/tty c 5 0; mkfifo etc/pipe; chmod 644 etc/tty etc/pipe; mkdir -p implied/by; touch implied/by/this");
        Attribute("etc/d", "trusted.overlay.opaque", "y");
        Attribute("etc/f", "user.note", "kept");
    }

    public void Dispose() => _folder.Dispose();

    private static TarBuilder Tar() => new TarBuilder()
        .Entry("etc/", '5', [], mode: 0b111_101_101).Pax(("SCHILY.xattr.user.note", "kept")).File("etc/f", "hello").Symlink("etc/s", "f").HardLink("etc/h", "etc/f")
        .Entry("etc/d/", '5', [], mode: 0b111_101_101).Opaque("etc/d").Whiteout("etc/gone")
        .Entry("etc/tty", '3', [], edit: h => TarBuilder.Ascii(h, 329, "0000005")).Entry("etc/pipe", '6', []).File("implied/by/this", "");

    private void Shell(string script) => Tool.Run("/bin/bash", ["-ec", $"cd {_folder.Path}; {script}"]);

    private void Attribute(string path, string name, string value) => Tool.Run("python3", ["-c", "import os,sys;os.setxattr(sys.argv[1],sys.argv[2],sys.argv[3].encode('latin1'),follow_symlinks=False)", Path.Combine(_folder["l"], path), name, value]);

    private string[] Compare(TarBuilder? tar = null, IdShift? ids = null)
    {
        using EntryReader entries = new TarReader(new ChunkFeed(new MemoryStream((tar ?? Tar()).Build()), null, ahead: false), OciLimits.Default);
        LayerContents contents = LayerContents.Read(entries, hashContents: false, CancellationToken.None);
        DifferenceLog log = new();
        using Unpacked unpacked = new(_folder["l"], ids ?? IdShift.None);
        new UnpackedComparer(unpacked, contents, 3, Digest.Of("x"u8), log).Compare(CancellationToken.None);
        Assert.All(log.Sorted(), d => Assert.Equal(3, d.Layer));
        return [.. log.Sorted().Select(d => $"{d.KindName} {d.Path}: {d.Seen} -> {d.Wanted}")];
    }

    [Fact]
    public void Compare_AsUnpacked_NothingDiffers() => Assert.Empty(Compare());

    [Theory]
    [InlineData("printf x >l/etc/new", "planted etc/new: a file of 1 bytes, mode 0644 -> ")]
    [InlineData("mkdir l/etc/new", "planted etc/new: a folder -> ")]
    [InlineData("rm l/etc/s", "missing etc/s:  -> a symbolic link to f")]
    [InlineData("chmod u+s l/etc/f", "mode etc/f: 4644 -> 0644", "mode etc/h: 4644 -> 0644")]
    [InlineData("chmod 777 l/etc", "mode etc: 0777 -> 0755")]
    [InlineData("chmod 777 l/implied", "mode implied: 0777 -> 0755")]
    [InlineData("chmod 777 l", "mode : 0777 -> 0755")]
    [InlineData("chown 7:8 l/etc/pipe", "owner etc/pipe: 7:8 -> 0:0")]
    [InlineData("chown -h 7 l/etc/s", "owner etc/s: 7:0 -> 0:0")]
    [InlineData("chown 9 l/implied", "owner implied: 9:0 -> 0:0")]
    [InlineData("ln -sfn /etc/shadow l/etc/s", "link etc/s: /etc/shadow -> f")]
    [InlineData("rm l/etc/h; printf hello >l/etc/h; python3 -c 'import os;os.setxattr(\"l/etc/h\",\"user.note\",b\"kept\")'", "link etc/h: a file of its own -> a hard link to etc/f")]
    [InlineData("rm l/etc/tty; mknod l/etc/tty c 1 3; chmod 644 l/etc/tty", "device etc/tty: 1:3 -> 5:0")]
    [InlineData("rm l/etc/tty; mknod l/etc/tty b 5 0; chmod 644 l/etc/tty", "changed etc/tty: a block device -> a character device")]
    [InlineData("rm l/etc/gone", "whiteout etc/gone:  -> a whiteout")]
    [InlineData("rm l/etc/gone; printf x >l/etc/gone", "whiteout etc/gone: a file of 1 bytes, mode 0644 -> a whiteout")]
    [InlineData("mknod l/etc/passwd c 0 0", "whiteout etc/passwd: a whiteout -> ")]
    [InlineData("rm l/etc/s; mknod l/etc/s c 0 0", "whiteout etc/s: a whiteout -> a symbolic link to f")]
    [InlineData("printf longer >l/etc/f", "changed etc/f: 6 bytes -> 5 bytes", "changed etc/h: 6 bytes -> 5 bytes")]
    [InlineData("rm l/etc/pipe; mkdir l/etc/pipe", "changed etc/pipe: a folder -> a FIFO")]
    public void Compare_OneThingChanged_IsNamed(string script, params string[] wanted)
    {
        Assert.Empty(Compare());
        Shell(script);

        Assert.Equal(wanted, Compare());
    }

    [Theory]
    [InlineData("etc/f", "user.note", "other", "xattr etc/f: user.note: other -> user.note: kept", "xattr etc/h: user.note: other -> user.note: kept")]
    [InlineData("etc/pipe", "trusted.x", "1", "xattr etc/pipe: trusted.x: 1 -> ")]
    [InlineData("etc/s", "trusted.x", "1", "xattr etc/s: trusted.x: 1 -> ")]
    [InlineData("implied", "trusted.x", "1", "xattr implied: trusted.x: 1 -> ")]
    [InlineData("etc", "trusted.overlay.redirect", "/elsewhere", "xattr etc: trusted.overlay.redirect: /elsewhere -> ")]
    [InlineData("etc/pipe", "trusted.overlay.metacopy", "", "xattr etc/pipe: trusted.overlay.metacopy:  -> ")]
    [InlineData("etc", "trusted.overlay.opaque", "y", "whiteout etc: an opaque folder -> a folder")]
    [InlineData("etc", "trusted.overlay.opaque", "x", "xattr etc: trusted.overlay.opaque: x -> ")]
    [InlineData("etc", "trusted.overlay.origin", "z")]
    [InlineData("etc/f", "security.capability", "\u0001\u0000\u0000\u0002\u0000\u0020\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000",
        "xattr etc/f: security.capability: cap_net_raw=ep -> ", "xattr etc/h: security.capability: cap_net_raw=ep -> ")]
    public void Compare_AttributeChanged_IsNamed(string path, string name, string value, params string[] wanted)
    {
        Tool.Run("python3", ["-c", "import os,sys,codecs;os.setxattr(sys.argv[1],sys.argv[2],bytes.fromhex(sys.argv[3]),follow_symlinks=False)", Path.Combine(_folder["l"], path), name, Convert.ToHexString(Encoding.Latin1.GetBytes(value))]);

        Assert.Equal(wanted, Compare());
    }

    /// <summary>Nothing in the layer says what such a name holds, whatever it is a link to here.</summary>
    [Fact]
    public void Compare_HardLinkToWhatTheLayerLacksOrHasAnew_IsNamed()
    {
        Shell("cd l; ln -s etc way; ln etc/f linked; printf hello >a; cp a b");

        Assert.Equal(["link b: a file of its own -> a hard link to a", "link linked: a file of 5 bytes, mode 0644 -> a hard link to way/f, which the layer does not have"],
            Compare(Tar().Symlink("way", "etc").HardLink("linked", "way/f").File("a", "hello").HardLink("b", "a").File("a", "hello")));
    }

    [Fact]
    public void Compare_AttributeGone_IsNamed()
    {
        Tool.Run("python3", ["-c", "import os,sys;os.removexattr(sys.argv[1],'trusted.overlay.opaque')", _folder["l/etc/d"]]);

        Assert.Equal(["whiteout etc/d: a folder -> an opaque folder"], Compare().Distinct());
    }

    [Fact]
    public void Compare_MoreAttributesThanUsual_AreAllNamed()
    {
        string[] names = [.. Enumerable.Range(0, 8).Select(i => $"user.{i}{new string('n', 200)}")];
        foreach (string name in names)
            Attribute("etc/d", name, "v");

        Assert.Equal(names.Select(n => $"xattr etc/d: {n}: v -> "), Compare());
    }

    [Fact]
    public void Compare_ShiftedOwners_AreShiftedBack()
    {
        Shell("chown -hR 100000:200000 l; chown -h 100007 l/etc/s");
        IdShift shift = new(100000, 200000, 65536);

        Assert.Equal(["owner etc/s: 7:0 -> 0:0"], Compare(ids: shift));
        Shell("chown -h 7 l/etc/s");
        Assert.Equal(["owner etc/s: 7 (not shifted):0 -> 0:0"], Compare(ids: shift));
    }

    [Fact]
    public void Compare_MountInTheFolder_IsNamedAndNotEntered()
    {
        Shell("mount -t tmpfs none l/etc/d");
        try
        {
            Assert.Contains("changed etc/d: a mount -> a folder", Compare());
        }
        finally
        {
            Shell("umount l/etc/d");
        }
    }

    [Fact]
    public void Compare_OpaqueForMountsOfAUserNamespaceAlone_IsNamed()
    {
        Assert.Empty(Compare());
        Shell("python3 -c 'import os;os.removexattr(\"l/etc/d\",\"trusted.overlay.opaque\")'");
        Attribute("etc/d", "user.overlay.opaque", "y");

        // The daemon's mounts do not read that one: layers below show through.
        Assert.Equal(["xattr etc/d: user.overlay.opaque: y -> ", "whiteout etc/d: a folder -> an opaque folder"], Compare());
    }

    [Fact]
    public void Compare_MountOverAFolderThatIsOpaqueAndNothingElse_IsNamed()
    {
        static TarBuilder Opaque() => Tar().Opaque("cleared");
        Shell("mkdir l/cleared");
        Attribute("cleared", "trusted.overlay.opaque", "y");
        Assert.Empty(Compare(Opaque()));
        // Containers see what lies below the mount.
        Shell("printf x >l/cleared/planted; mount -t tmpfs -o mode=755 none l/cleared");
        try
        {
            Attribute("cleared", "trusted.overlay.opaque", "y");
            Assert.Contains("planted cleared: a mount -> ", Compare(Opaque()));
        }
        finally
        {
            Shell("umount l/cleared");
        }
    }

    [Fact]
    public void Compare_NamesThatAreNoText_AreKeptApart()
    {
        Shell("printf x >$'l/etc/\\xff'; printf x >$'l/etc/\\xfe'");

        Assert.Equal(["planted etc/\0fe: a file of 1 bytes, mode 0644 -> ", "planted etc/\0ff: a file of 1 bytes, mode 0644 -> "], Compare());
        Assert.Equal([(byte)'a', 0xfe, (byte)'b', 0], EntryPath.Encode("a\0feb"));
    }

    [Fact]
    public void Compare_FoldersTooDeep_IsRefused()
    {
        Shell($"cd l; python3 - <<'END'\nimport os\nfor i in range({UnpackedTree.MaxDepth + 2}):\n    os.mkdir('x'); os.chdir('x')\nEND");

        Assert.Contains("MaxDepth", Assert.Throws<ImageException>(() => Compare()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compare_MoreDifferencesThanAreKept_AreCounted()
    {
        DifferenceLog log = new();
        for (int i = 0; i < DifferenceLog.MaxPerLayer + 5; i++)
            log.Add(new Difference(DifferenceKind.Planted, 1, null, $"{i}", "", ""));
        log.Add(new Difference(DifferenceKind.Planted, 2, null, "x", "", ""));

        Assert.Equal(DifferenceLog.MaxPerLayer + 1, log.Sorted().Length);
        Assert.Equal(5, log.LeftOut);
    }

    private sealed class Unpacked(string path, IdShift ids) : IUnpackedLayer
    {
        public string Where => "the test's layer";
        public SafeFileHandle Folder { get; } = Native.Own(Native.Open(Native.AtFdCwd, Encoding.UTF8.GetBytes(path + "\0"), Native.PathOnly | Native.DirectoryOnly, 0));
        public IdShift Ids => ids;
        public EntryReader ReadHeaders() => throw new NotSupportedException();
        public IEnumerable<ChangedContent> FindChanged(CancellationToken cancellationToken) => throw new NotSupportedException();
        public void Dispose() => Folder.Dispose();
    }
}
