using Plimsoll.Posix;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Posix;

public sealed class KeptFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    private KeptFile Open() => new(_folder["file"], 16);

    private static string Text(byte[]? bytes) => System.Text.Encoding.ASCII.GetString(bytes!);

    /// <summary>As long as a change must be old, and a little more.</summary>
    private static Task SettleAsync() => Task.Delay(TimeSpan.FromSeconds(4.1), TestContext.Current.CancellationToken);

    [Fact]
    public async Task Read_OfAFileThatIsOld_ReadsItOnce()
    {
        KeptFile file = Open();
        long begun;
        bool same;
        // Unless this machine stands still for seconds in between.
        do
        {
            begun = Environment.TickCount64;
            File.WriteAllText(_folder["file"], "one");
            same = ReferenceEquals(file.Read(), file.Read());
        } while (Environment.TickCount64 - begun > 1000);
        Assert.False(same);
        await SettleAsync();

        byte[]? first = file.Read();

        Assert.Equal("one", Text(first));
        Assert.Same(first, file.Read());
    }

    [Theory]
    [InlineData("written")]
    [InlineData("replaced")]
    [InlineData("replaced-by-an-old-one")]
    [InlineData("longer")]
    public async Task Read_OfAnotherContent_SeesIt(string how)
    {
        File.WriteAllText(_folder["file"], "one");
        File.WriteAllText(_folder["other"], "two");
        DateTime before = File.GetLastWriteTimeUtc(_folder["file"]);
        await SettleAsync();
        KeptFile file = Open();
        Assert.Equal("one", Text(file.Read()));

        if (how == "written")
        {
            using (FileStream open = new(_folder["file"], FileMode.Open, FileAccess.Write))
                open.Write("two"u8);
            File.SetLastWriteTimeUtc(_folder["file"], before);
        }
        else if (how == "longer")
            File.AppendAllText(_folder["file"], "two");
        else
        {
            if (how == "replaced")
                File.WriteAllText(_folder["other"], "two");
            File.Move(_folder["other"], _folder["file"], overwrite: true);
        }

        Assert.Equal(how == "longer" ? "onetwo" : "two", Text(file.Read()));
    }

    [Fact]
    public async Task Read_OfWhatIsGoneOrNoFile_SaysSo()
    {
        File.WriteAllText(_folder["file"], "one");
        await SettleAsync();
        KeptFile file = Open();
        file.Read();

        File.Delete(_folder["file"]);
        Assert.ThrowsAny<IOException>(file.Read);
        Directory.CreateDirectory(_folder["file"]);
        Assert.Null(file.Read());
        Directory.Delete(_folder["file"]);
        File.WriteAllText(_folder["file"], new string('x', 17));
        Assert.Null(file.Read());
        File.WriteAllText(_folder["file"], new string('x', 16));
        Assert.Equal(16, file.Read()!.Length);
    }

    public void Dispose() => _folder.Dispose();
}
