using System.Diagnostics;
using System.Text;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Oci;

public sealed class FolderReaderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("plimsoll-folder-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        // Directory.Delete does not find names that are no UTF-8.
        Shell("chmod -R u+rwx . && rm -rf \"$PWD\"");
    }

    [Fact]
    public void ReadLayers_Tree_GivesFoldersFirstAndNamesInOrdinalOrder()
    {
        Shell("mkdir -p b/c Z; echo hi > b/c/file; chmod 4755 b/c/file; echo x > b/a; ln b/a b/hard; ln -s ../x a; mkfifo p; printf y > 'b/ä'; chmod 644 b/a b/ä; chmod 755 b b/c Z; chmod 600 p");

        EntryRecorder seen = Read();

        Assert.Equal(
        [
            "Directory Z 0 755  -", "Symlink a 0 777 ../x -", "Directory b 0 755  -", $"File b/a 2 644  {Digest.Of("x\n"u8).Short}", "Directory b/c 0 755  -",
            $"File b/c/file 3 4755  {Digest.Of("hi\n"u8).Short}", $"File b/hard 2 644  {Digest.Of("x\n"u8).Short}", $"File b/ä 1 644  {Digest.Of("y"u8).Short}", "Fifo p 0 600  -",
        ], Assert.Single(seen.Accepted).Value);
        Assert.Empty(seen.Oddities);
    }

    [Fact]
    public void ReadLayers_LinksInCircleAndOut_AreNotFollowed()
    {
        Shell("mkdir a; ln -s . a/self; ln -s ../.. a/up; ln -s / a/root; ln -s /etc/passwd a/passwd; ln -s loop loop");

        IReadOnlyList<string> lines = Assert.Single(Read().Accepted).Value;

        Assert.Equal(["Directory", "Symlink", "Symlink", "Symlink", "Symlink", "Symlink"], lines.Select(l => l.Split(' ')[0]));
    }

    [Fact]
    public void MoveNext_NameThatIsNoUtf8_StaysDistinct()
    {
        Shell("printf 1 > \"$(printf 'a\\377')\"; printf 2 > \"$(printf 'a\\376')\"");

        IReadOnlyList<string> lines = Assert.Single(Read().Accepted).Value;

        Assert.Equal(["a\0fe", "a\0ff"], lines.Select(l => l.Split(' ')[1]));
        Assert.EndsWith(Digest.Of("2"u8).Short, lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void ReadLayers_FolderTooDeep_IsAnOddityAndTheRestIsRead()
    {
        StringBuilder script = new("p=$PWD; ");
        for (int i = 0; i < FolderReader.MaxDepth + 5; i++)
            script.Append("mkdir d; cd d; ");
        Shell(script + "cd $p; echo 1 > last");

        EntryRecorder seen = Read();

        Assert.Equal("folder-too-deep", Assert.Single(seen.Oddities).Code);
        Assert.Contains("File last 2", Assert.Single(seen.Accepted).Value[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void ReadLayers_OneEntryTooMany_IsRefused()
    {
        Shell("mkdir a; touch a/1 a/2 b");

        Read(OciLimits.Default with { MaxEntries = 4 });
        ImageException e = Assert.Throws<ImageException>(() => Read(OciLimits.Default with { MaxEntries = 3 }));

        Assert.Equal(ImageError.LimitExceeded, e.Error);
    }

    [Fact]
    public void ReadLayers_PathOneByteTooLong_IsAnOddity()
    {
        Shell("mkdir abc; touch abc/de abc/def");

        EntryRecorder seen = Read(OciLimits.Default with { MaxPathBytes = 6 });

        Assert.Equal("path-too-long", Assert.Single(seen.Oddities).Code);
        Assert.Equal(2, Assert.Single(seen.Accepted).Value.Count);
    }

    [Fact]
    public void TryReadContent_FileReplacedAfterListing_IsAnOddityAndNoHang()
    {
        // The reader's thread has no rights of root, and this visitor runs on it.
        Shell("chmod 777 .; echo 1 > a; echo 1 > b; echo 1 > c");
        ReplacingVisitor visitor = new(() => Shell("rm a b c; mkfifo a; ln -s /etc/passwd b; mkdir c"));
        using FolderImage image = FolderImage.Open(_root, "dir:x", OciLimits.Default);

        image.ReadLayers(visitor, 1, Token);

        Assert.Equal(0, visitor.Contents);
        Assert.Equal(["changed-while-read", "changed-while-read", "changed-while-read"], visitor.Oddities.Select(o => o.Code));
    }

    [Theory]
    [InlineData(3, true)]
    [InlineData(2, false)]
    public void TryReadContent_Limit_IsExact(long maxBytes, bool read)
    {
        Shell("printf abc > file");
        LimitVisitor visitor = new(maxBytes);
        using FolderImage image = FolderImage.Open(_root, "dir:x", OciLimits.Default);

        image.ReadLayers(visitor, 1, Token);

        Assert.Equal(read, visitor.Content == "abc");
    }

    [Fact]
    public void Open_WrongPlace_IsNamed()
    {
        Shell("echo 1 > file");

        Assert.Equal(ImageError.NotFound, OpenError("absent"));
        Assert.Equal(ImageError.Malformed, OpenError("file"));
        Assert.Equal(ImageError.Unsupported, Assert.Throws<ImageException>(() => FolderImage.Open("/proc", "dir:/proc", OciLimits.Default)).Error);
    }

    [Fact]
    public void ReadLayers_Host_ReadsTheRootAndNoPseudoFileSystem()
    {
        using FolderImage host = FolderImage.OpenHost("host:", OciLimits.Default);
        TopVisitor visitor = new();

        host.ReadLayers(visitor, 1, Token);

        Assert.Contains("etc/os-release", visitor.Seen);
        Assert.Contains("proc", visitor.Seen);
        Assert.DoesNotContain("proc/self", visitor.Seen);
        Assert.DoesNotContain("sys/kernel", visitor.Seen);
    }

    [Theory]
    [Trait("needs", "host")]
    [InlineData(FolderScope.Host, "again; again/file; disk; disk/file; proc; root; self; self/file; tmpfs")]
    [InlineData(FolderScope.Folder, "again; again/file; disk; disk/file; proc; root; root/again; root/disk; root/disk/file; root/proc; root/root; root/self; root/self/file; root/tmpfs; self; self/file; tmpfs; tmpfs/file")]
    public void MoveNext_Mounts_EntersThoseOfItsScope(FolderScope scope, string wanted)
    {
        Shell("mkdir again disk proc root self tmpfs; echo 1 > self/file; echo 1 > disk/file");
        Shell("mount --bind self self; mount --bind disk again; mount --bind disk disk; mount -t proc proc proc; mount -t tmpfs tmpfs tmpfs; echo 1 > tmpfs/file; mount --bind . root");
        try
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle root = Plimsoll.Posix.Native.Own(Plimsoll.Posix.Native.Open(
                Plimsoll.Posix.Native.AtFdCwd, Encoding.UTF8.GetBytes(_root + '\0'), Plimsoll.Posix.Native.DirectoryOnly, 0));
            using FolderReader reader = new(root, scope, OciLimits.Default);
            List<string> seen = [];
            while (reader.MoveNext(Token))
                seen.Add(reader.Path);

            Assert.Equal(wanted, string.Join("; ", seen));
            Assert.Empty(reader.Oddities);
        }
        finally
        {
            Shell("umount root tmpfs proc disk again self");
        }
    }

    private ImageError OpenError(string name) => Assert.Throws<ImageException>(() => FolderImage.Open(Path.Combine(_root, name), name, OciLimits.Default)).Error;

    private EntryRecorder Read(OciLimits? limits = null)
    {
        EntryRecorder seen = new();
        using FolderImage image = FolderImage.Open(_root, "dir:x", limits ?? OciLimits.Default);
        image.ReadLayers(seen, 1, Token);
        return seen;
    }

    private void Shell(string script)
    {
        using Process process = Process.Start(new ProcessStartInfo("/bin/sh", ["-ec", "umask 022; " + script]) { WorkingDirectory = _root })!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private sealed class ReplacingVisitor(Action replace) : ILayerVisitor
    {
        public int Contents { get; private set; }
        public IReadOnlyList<Oddity> Oddities { get; private set; } = [];

        public bool Skip(ImageLayer layer, bool proven) => false;

        public object Visit(ImageLayer layer, EntryReader entries, CancellationToken cancellationToken)
        {
            bool replaced = false;
            while (entries.MoveNext(cancellationToken))
            {
                if (!replaced)
                    replace();
                replaced = true;
                Contents += entries.Type == EntryType.File && entries.TryReadContent(1000, out _) ? 1 : 0;
            }
            return entries.Oddities.ToList();
        }

        public void Accept(ImageLayer layer, Digest? diffId, long tarBytes, object visited) => Oddities = (List<Oddity>)visited;
    }

    private sealed class LimitVisitor(long maxBytes) : ILayerVisitor
    {
        public string? Content { get; private set; }

        public bool Skip(ImageLayer layer, bool proven) => false;

        public object Visit(ImageLayer layer, EntryReader entries, CancellationToken cancellationToken)
        {
            while (entries.MoveNext(cancellationToken))
                if (entries.TryReadContent(maxBytes, out byte[] content))
                    Content = Encoding.ASCII.GetString(content);
            return this;
        }

        public void Accept(ImageLayer layer, Digest? diffId, long tarBytes, object visited) => Assert.Null(diffId);
    }

    /// <summary>Keeps paths of at most two parts, and stops where the host's own tests would take long.</summary>
    private sealed class TopVisitor : ILayerVisitor
    {
        public HashSet<string> Seen { get; } = [];

        public bool Skip(ImageLayer layer, bool proven) => false;

        public object Visit(ImageLayer layer, EntryReader entries, CancellationToken cancellationToken)
        {
            while (entries.MoveNext(cancellationToken))
                if (entries.PathBytes.Count((byte)'/') < 2)
                    Seen.Add(entries.Path);
            return this;
        }

        public void Accept(ImageLayer layer, Digest? diffId, long tarBytes, object visited)
        {
        }
    }
}
