using System.Collections.Concurrent;
using System.Text;
using Plimsoll.Docker;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Measure;

/// <summary>Against a daemon that says what the test wants; a real one is followed in the end-to-end tests.</summary>
public sealed class WatcherTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TempFolder _folder = new();
    private readonly BlockingCollection<string> _events = [];
    private readonly ConcurrentQueue<WatchEvent> _told = new();
    private volatile string _images = "[]";

    public void Dispose()
    {
        _folder.Dispose();
        _events.Dispose();
    }

    private async Task AnswerAsync(string path, Stream stream, CancellationToken stop)
    {
        if (path == "/_ping")
            await stream.WriteAsync(FakeDaemon.Ping, stop);
        else if (path.EndsWith("/images/json", StringComparison.Ordinal))
            await stream.WriteAsync(FakeDaemon.Answer(200, _images), stop);
        else if (path.Contains("/events?", StringComparison.Ordinal))
        {
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"u8.ToArray(), stop);
            // "" closes the stream, as a daemon that ends does.
            while (await Task.Run(() => _events.Take(stop), stop) is { Length: > 0 } line)
                await stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"), stop);
        }
        else
            await stream.WriteAsync(FakeDaemon.Answer(404, """{"message":"no such image"}"""), stop);
    }

    private WatchEvent WaitFor(Func<WatchEvent, bool> wanted)
    {
        Assert.True(SpinWait.SpinUntil(() => _told.Any(wanted), Patience), string.Join('\n', _told));
        return _told.First(wanted);
    }

    private bool Watch(Action during, WatchOptions? options = null)
    {
        using FakeDaemon daemon = new(AnswerAsync);
        using Watcher watcher = new(DockerEndpoint.Unix(daemon.SocketPath), new BaselineStore(_folder["b"], _folder["h"], TimeProvider.System),
            (options ?? new WatchOptions()) with { Images = new ImageOptions { Environment = _ => null } }, _told.Enqueue);
        using CancellationTokenSource stop = new();
        Task<bool> running = Task.Run(() => watcher.Run(stop.Token));
        try
        {
            during();
        }
        finally
        {
            stop.Cancel();
        }
        return running.GetAwaiter().GetResult();
    }

    [Fact]
    public void Run_EventsOfEachKind_AreActedOn()
    {
        bool intact = Watch(() =>
        {
            WaitFor(e => e.Kind == WatchKind.Started);
            _events.Add("""{"Type":"image","Action":"pull","Actor":{"ID":"a/pulled:1","Attributes":{"name":"x"}}}""");
            _events.Add("""{"Type":"image","Action":"load","Actor":{"ID":"sha256:loaded"}}""");
            _events.Add("""{"Type":"image","Action":"tag","Actor":{"ID":"sha256:loaded"}}""");
            _events.Add("""{"Type":"image","Action":"delete","Actor":{"ID":"sha256:removed"}}""");
            _events.Add("""{"Type":"image","Action":"untag","Actor":{"ID":"sha256:untagged"}}""");
            _events.Add("""{"Type":"container","Action":"start","Actor":{"ID":"c"}}""");
            Assert.Equal(WatchKind.Failed, WaitFor(e => e.Cause == "pull").Kind);
            Assert.Equal("sha256:loaded", WaitFor(e => e.Cause == "load").Image);
            Assert.Equal(WatchKind.Removed, WaitFor(e => e.Cause == "delete").Kind);
        });

        Assert.Single(_told, e => e.Image == "sha256:loaded");
        Assert.DoesNotContain(_told, e => e.Image is "sha256:untagged" or "c");
        Assert.Equal(WatchKind.Stopped, _told.Last().Kind);
        Assert.True(intact);
    }

    [Fact]
    public void Run_EventsWithoutEnd_PutNothingOff()
    {
        _images = """[{"Id":"sha256:there","RepoTags":["a/there:1"]}]""";
        using CancellationTokenSource enough = new();
        Watch(() =>
        {
            WaitFor(e => e.Kind == WatchKind.Started);
            // Who may tag can tag without end.
            Task storm = Task.Run(async () =>
            {
                while (!enough.IsCancellationRequested)
                {
                    for (int i = 0; i < 200; i++)
                        _events.Add("""{"Type":"image","Action":"tag","Actor":{"ID":"sha256:tagged"}}""");
                    await Task.Delay(10);
                }
            });
            try
            {
                Assert.Equal("sha256:tagged", WaitFor(e => e.Cause == "tag").Image);
                Assert.Equal("a/there:1", WaitFor(e => e.Cause == "interval").Image);
            }
            finally
            {
                enough.Cancel();
                storm.Wait(TestContext.Current.CancellationToken);
            }
        }, new WatchOptions { Interval = TimeSpan.FromSeconds(3) });
    }

    [Fact]
    public void Run_DaemonRestarts_ConnectsAgainAndMeasuresAll()
    {
        Watch(() =>
        {
            _events.Add("""{"Type":"image","Action":"pull","Actor":{"ID":"a/before:1"}}""");
            WaitFor(e => e.Image == "a/before:1");
            _images = """[{"Id":"sha256:there","RepoTags":["a/there:1"]}]""";
            _events.Add("");
            WaitFor(e => e.Kind == WatchKind.Lost);
            WaitFor(e => e.Kind == WatchKind.Back);
            Assert.Equal("a/there:1", WaitFor(e => e.Cause == "restart").Image);
            _events.Add("""{"Type":"image","Action":"pull","Actor":{"ID":"a/after:1"}}""");
            WaitFor(e => e.Image == "a/after:1");
        });

        Assert.Single(_told, e => e.Kind == WatchKind.Lost);
    }

    [Fact]
    public async Task Run_NoDaemon_SaysSoOnceAndStops()
    {
        using Watcher watcher = new(DockerEndpoint.Unix(_folder["nobody"]), new BaselineStore(_folder["b"], _folder["h"], TimeProvider.System), new WatchOptions(), _told.Enqueue);
        using CancellationTokenSource stop = new();
        Task<bool> running = Task.Run(() => watcher.Run(stop.Token), TestContext.Current.CancellationToken);
        Assert.Contains("nobody", WaitFor(e => e.Kind == WatchKind.Lost).Detail, StringComparison.Ordinal);
        Assert.False(SpinWait.SpinUntil(() => _told.Count(e => e.Kind == WatchKind.Lost) > 1, TimeSpan.FromSeconds(2)));
        await stop.CancelAsync();

        Assert.True(await running);
    }

    [Fact]
    public void Run_ImageWithoutAnEvent_IsFoundByTheList()
    {
        Watch(() =>
        {
            WaitFor(e => e.Kind == WatchKind.Started);
            _images = """[{"Id":"sha256:built","RepoTags":["<none>:<none>"]},{"Id":null,"RepoTags":null}]""";
            Assert.Equal("sha256:built", WaitFor(e => e.Cause is "build" or "start" && e.Image.Length > 0 && e.Kind == WatchKind.Failed).Image);
        }, new WatchOptions { ListInterval = TimeSpan.FromMilliseconds(200) });
    }

    [Fact]
    public void Run_IntervalPassed_MeasuresAgain()
    {
        _images = """[{"Id":"sha256:there","RepoTags":["a/there:1"]}]""";

        Watch(() => WaitFor(e => e.Cause == "interval"), new WatchOptions { Interval = TimeSpan.FromMilliseconds(300) });
    }

    [Fact]
    public void Run_NamesGiven_OthersAreLeftAlone()
    {
        _images = """[{"Id":"sha256:one","RepoTags":["a/one:1"]},{"Id":"sha256:two","RepoTags":["a/two:latest"]}]""";

        Watch(() => WaitFor(e => e.Image == "a/two:latest"), new WatchOptions { Names = ["a/two"] });

        Assert.DoesNotContain(_told, e => e.Image == "a/one:1");
    }

    [Fact]
    public void Next_EventsInPieces_AreWhole()
    {
        byte[] lines = Encoding.UTF8.GetBytes("{\"Action\":\"a\"}\n\r\n{\"Action\":\"" + new string('b', 100_000) + "\"}\n{\"Action\":\"c\"}\nnothing whole");
        using EventStream events = new(new Dripping(lines));

        Assert.Equal("a", events.Next()!.Action);
        Assert.Equal(100_000, events.Next()!.Action!.Length);
        Assert.Equal("c", events.Next()!.Action);
        Assert.Null(events.Next());
    }

    [Fact]
    public void Next_OneByteTooLong_IsRefused()
    {
        using EventStream fits = new(new MemoryStream([.. Encoding.UTF8.GetBytes("{\"Action\":\"x\"}".PadRight(EventStream.MaxEventBytes)), (byte)'\n']));
        using EventStream longer = new(new MemoryStream(Encoding.UTF8.GetBytes("{\"Action\":\"x\"}".PadRight(EventStream.MaxEventBytes + 17 * 1024))));

        Assert.Equal("x", fits.Next()!.Action);
        Assert.Equal(ImageError.LimitExceeded, Assert.Throws<ImageException>(longer.Next).Error);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"Actor\":7}")]
    [InlineData("HTTP/1.1 500")]
    public void Next_NoEvent_IsRefused(string line)
    {
        using EventStream events = new(new MemoryStream(Encoding.UTF8.GetBytes(line + "\n")));

        Assert.Equal(ImageError.PeerFailed, Assert.Throws<ImageException>(events.Next).Error);
    }

    /// <summary>Gives seven bytes at a time.</summary>
    private sealed class Dripping(byte[] bytes) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, 7));
    }
}
