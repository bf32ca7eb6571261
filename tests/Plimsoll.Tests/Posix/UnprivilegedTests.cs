using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Posix;

/// <summary>Root's rights on the threads that parse hostile bytes, and on those that do not.</summary>
[Trait("needs", "host")]
public sealed class UnprivilegedTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private bool CanWrite(string name)
    {
        try
        {
            File.WriteAllText(_folder[name], "x");
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    [Fact]
    public void Run_AsRoot_CannotWriteWhereRootCan()
    {
        Assert.True(Environment.IsPrivilegedProcess);
        bool inside = true, inThreadOfIt = true;

        Unprivileged.Run(() =>
        {
            inside = CanWrite("inside");
            Thread child = new(() => inThreadOfIt = CanWrite("child"));
            child.Start();
            child.Join();
        });

        Assert.False(inside);
        Assert.False(inThreadOfIt);
        Assert.True(CanWrite("outside"));
    }

    [Fact]
    public void Run_AsRoot_StillReadsWhatOnlyRootMayRead()
    {
        string secret = _folder.Write("secret", [1, 2, 3]);
        File.SetUnixFileMode(secret, UnixFileMode.None);

        Assert.Equal(3, Unprivileged.Run(() => File.ReadAllBytes(secret).Length));
    }

    [Fact]
    public void Run_ActionThrows_TheCallerSeesIt() =>
        Assert.Throws<FormatException>(() => Unprivileged.Run(() => throw new FormatException("seen")));

    /// <summary>Tries to write from inside a layer's walk, as a parser with a hole would.</summary>
    private sealed class Writing(UnprivilegedTests test) : ILayerVisitor
    {
        public bool? Wrote { get; private set; }

        public bool Skip(ImageLayer layer, bool proven) => false;

        public object Visit(ImageLayer layer, EntryReader entries, CancellationToken cancellationToken)
        {
            Wrote = test.CanWrite("from-a-parser");
            return layer;
        }

        public void Accept(ImageLayer layer, Digest? diffId, long tarBytes, object visited)
        {
        }
    }

    [Theory]
    [InlineData("archive")]
    [InlineData("stream")]
    [InlineData("layout")]
    [InlineData("dir")]
    public void ReadLayers_EverySource_WalksWithoutRootsRights(string form)
    {
        ImageBuilder builder = new ImageBuilder().Layer(t => t.File("a", "1"));
        ImageBuilder.Write(builder.LayoutFiles(), _folder["layout"]);
        string name = form switch
        {
            "archive" => _folder.Write("image.tar", ImageBuilder.Tar(builder.ArchiveFiles())),
            "stream" => _folder.Write("image.tgz", ImageBuilder.Gzip(ImageBuilder.Tar(builder.ArchiveFiles()))),
            "layout" => $"oci:{_folder["layout"]}",
            _ => $"dir:{_folder["layout"]}",
        };
        Writing visitor = new(this);

        using Image image = ImageSource.Open(name, new ImageOptions(), TestContext.Current.CancellationToken);
        image.ReadLayers(visitor, 2, TestContext.Current.CancellationToken);

        Assert.False(visitor.Wrote);
    }
}
