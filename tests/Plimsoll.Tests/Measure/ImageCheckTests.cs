using System.Text;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Measure;

public sealed class ImageCheckTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private CheckedImage Run(string file, BaselineUse use)
    {
        using Image image = ImageSource.Open(file, new ImageOptions(), TestContext.Current.CancellationToken);
        return ImageCheck.Run(image, new BaselineStore(_folder["b"], _folder["h"], TimeProvider.System), use, new MeasureOptions(), TestContext.Current.CancellationToken);
    }

    private string Archive(string content) =>
        _folder.Write($"{content}.tar", ImageBuilder.Tar(new ImageBuilder().Layer(t => t.File("etc/motd", Encoding.UTF8.GetBytes(content))).ArchiveFiles("team/app:1")));

    [Fact]
    public void Run_OlderImageUnderTheNameAgain_IsDifferentAlthoughItHasABaseline()
    {
        string older = Archive("older"), newer = Archive("newer");
        Assert.Equal(BaselineState.Stored, Run(older, BaselineUse.Keep).State);
        Assert.Equal(BaselineState.Same, Run(older, BaselineUse.Check).State);
        Assert.Equal(BaselineState.Stored, Run(newer, BaselineUse.Keep).State);
        Assert.Equal(BaselineState.Same, Run(newer, BaselineUse.Check).State);

        CheckedImage seen = Run(older, BaselineUse.Check);

        Assert.Equal(BaselineState.Different, seen.State);
        Difference moved = Assert.Single(seen.Differences);
        Assert.Equal(DifferenceKind.Config, moved.Kind);
        Assert.Equal("team/app:1", moved.Path);
        Assert.Equal(Run(newer, BaselineUse.Check).Config.ToString(), moved.Wanted);
        // On purpose it is one call without --check.
        Assert.Equal(BaselineState.Same, Run(older, BaselineUse.Keep).State);
        Assert.Equal(BaselineState.Same, Run(older, BaselineUse.Check).State);
    }
}
