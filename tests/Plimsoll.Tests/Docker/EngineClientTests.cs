using System.Diagnostics;
using System.Text;
using Plimsoll.Docker;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Docker;

public sealed class EngineClientTests
{
    private static readonly EngineOptions Bounded = new() { MaxAnswerBytes = 4096, MaxExportBytes = 1024 * 1024 };

    /// <summary>Long enough for the answers that do come, on a busy machine too.</summary>
    private static readonly EngineOptions Impatient = Bounded with { StallTimeout = TimeSpan.FromSeconds(3) };

    private const string Id = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Inspect_Image_AsksInTheVersionBothKnow()
    {
        using FakeDaemon daemon = Answering(FakeDaemon.Answer(200, $$"""{"Id":"{{Id}}","RepoTags":["a/b:1"]}"""));
        using EngineClient client = Client(daemon);

        ImageInspect image = client.Inspect("a/b:1", Token);

        Assert.Equal(Id, image.Id);
        Assert.Equal(["/_ping", "/v1.41/images/a/b:1/json"], daemon.Requests);
    }

    [Fact]
    public void Inspect_NewerDaemon_AsksInOurNewestVersion()
    {
        using FakeDaemon daemon = new(async (path, stream, stop) =>
            await stream.WriteAsync(path == "/_ping" ? FakeDaemon.Answer(200, "OK", "Api-Version: 1.99") : FakeDaemon.Answer(200, "{}"), stop));
        using EngineClient client = Client(daemon);

        client.Inspect("a", Token);

        Assert.Equal("/v1.47/images/a/json", daemon.Requests[1]);
    }

    [Fact]
    public void Inspect_UnknownImage_IsNotFoundWithAHint()
    {
        using FakeDaemon daemon = Answering(FakeDaemon.Answer(404, """{"message":"no such image"}"""));
        using EngineClient client = Client(daemon);

        ImageException e = Assert.Throws<ImageException>(() => client.Inspect("absent:1", Token));

        Assert.Equal(ImageError.NotFound, e.Error);
        Assert.Contains("docker pull absent:1", e.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(500, """{"message":"driver on fire"}""", "status 500: \"driver on fire\"", ImageError.PeerFailed)]
    [InlineData(500, "<html>", "<html>", ImageError.PeerFailed)]
    [InlineData(302, "", "status 302", ImageError.PeerFailed)]
    [InlineData(403, """{"message":"plugin says no"}""", "plugin says no", ImageError.AccessDenied)]
    [InlineData(200, "<html>not the daemon</html>", "not the JSON", ImageError.PeerFailed)]
    [InlineData(200, "null", "not the JSON", ImageError.PeerFailed)]
    [InlineData(200, """{"Id":[]}""", "not the JSON", ImageError.PeerFailed)]
    [InlineData(200, "", "not the JSON", ImageError.PeerFailed)]
    public void Inspect_WrongAnswer_IsNamed(int status, string body, string seen, ImageError error)
    {
        using FakeDaemon daemon = Answering(FakeDaemon.Answer(status, body));
        using EngineClient client = Client(daemon);

        ImageException e = Assert.Throws<ImageException>(() => client.Inspect("a", Token));

        Assert.Equal(error, e.Error);
        Assert.Contains(seen, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Api-Version: 1.12", ImageError.Unsupported)]
    [InlineData("Api-Version: latest", ImageError.PeerFailed)]
    [InlineData("X: y", ImageError.PeerFailed)]
    public void Inspect_PeerIsNoDockerWeKnow_IsNamed(string header, ImageError error)
    {
        using FakeDaemon daemon = new(async (_, stream, stop) => await stream.WriteAsync(FakeDaemon.Answer(200, "OK", header), stop));
        using EngineClient client = Client(daemon);

        Assert.Equal(error, Assert.Throws<ImageException>(() => client.Inspect("a", Token)).Error);
    }

    [Fact]
    public void Inspect_DaemonThatNeverAnswers_FailsAfterTheTimeout()
    {
        using FakeDaemon daemon = new((_, _, stop) => Task.Delay(Timeout.Infinite, stop));
        using EngineClient client = Client(daemon, Impatient);
        Stopwatch waited = Stopwatch.StartNew();

        ImageException e = Assert.Throws<ImageException>(() => client.Inspect("a", Token));

        Assert.Equal(ImageError.PeerFailed, e.Error);
        Assert.Contains("within 3 s", e.Message, StringComparison.Ordinal);
        Assert.InRange(waited.Elapsed, TimeSpan.FromSeconds(2.9), TimeSpan.FromSeconds(60));
    }

    [Fact]
    public void Inspect_DaemonThatStallsInTheBody_FailsAfterTheTimeout()
    {
        using FakeDaemon daemon = new(async (path, stream, stop) =>
        {
            await stream.WriteAsync(path == "/_ping" ? FakeDaemon.Ping : FakeDaemon.Answer(200, new string(' ', 100))[..^50], stop);
            if (path != "/_ping")
                await Task.Delay(Timeout.Infinite, stop);
        });
        using EngineClient client = Client(daemon, Impatient);

        ImageException e = Assert.Throws<ImageException>(() => client.Inspect("a", Token));

        Assert.Equal(ImageError.PeerFailed, e.Error);
        Assert.Contains("sent nothing for 3 s after 50 bytes", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Inspect_DaemonThatHangsUp_IsTruncated()
    {
        using FakeDaemon daemon = new((_, _, _) => Task.CompletedTask);
        using EngineClient client = Client(daemon);

        Assert.Equal(ImageError.Truncated, Assert.Throws<ImageException>(() => client.Inspect("a", Token)).Error);
    }

    [Fact]
    public void Inspect_AnswerOneByteTooLong_IsRefused()
    {
        using FakeDaemon fits = Answering(FakeDaemon.Answer(200, "{}".PadRight(4096)));
        using FakeDaemon longer = Answering(FakeDaemon.Answer(200, "{}".PadRight(4097)));
        using EngineClient fitting = Client(fits), refusing = Client(longer);

        fitting.Inspect("a", Token);
        ImageException e = Assert.Throws<ImageException>(() => refusing.Inspect("a", Token));

        Assert.Equal(ImageError.LimitExceeded, e.Error);
    }

    [Fact]
    public void Inspect_EndlessHeaders_Fails()
    {
        using FakeDaemon daemon = new(async (_, stream, stop) =>
        {
            await stream.WriteAsync("HTTP/1.1 200 OK\r\n"u8.ToArray(), stop);
            while (true)
                await stream.WriteAsync("X-Header: and on it goes\r\n"u8.ToArray(), stop);
        });
        using EngineClient client = Client(daemon);

        Assert.Equal(ImageError.PeerFailed, Assert.Throws<ImageException>(() => client.Inspect("a", Token)).Error);
    }

    [Fact]
    public void Export_EndlessAnswer_IsRefused()
    {
        using FakeDaemon daemon = new(async (path, stream, stop) =>
        {
            if (path == "/_ping")
            {
                await stream.WriteAsync(FakeDaemon.Ping, stop);
                return;
            }
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray(), stop);
            byte[] chunk = Encoding.ASCII.GetBytes("1000\r\n" + new string('x', 4096) + "\r\n");
            while (true)
                await stream.WriteAsync(chunk, stop);
        });
        using EngineClient client = Client(daemon);
        using Stream export = client.Export("a:1", Token);

        ImageException e = Assert.Throws<ImageException>(() => export.CopyTo(Stream.Null));

        Assert.Equal(ImageError.LimitExceeded, e.Error);
    }

    [Fact]
    public void Export_ClosedInTheMiddle_IsTruncated()
    {
        using FakeDaemon daemon = new(async (path, stream, stop) => await stream.WriteAsync(
            path == "/_ping" ? FakeDaemon.Ping : "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"u8.ToArray(), stop));
        using EngineClient client = Client(daemon);
        using Stream export = client.Export("a:1", Token);

        ImageException e = Assert.Throws<ImageException>(() => export.CopyTo(Stream.Null));

        Assert.Equal(ImageError.Truncated, e.Error);
        Assert.Contains("after 5 bytes", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_Cancelled_EndsTheRead()
    {
        using FakeDaemon daemon = new(async (path, stream, stop) =>
        {
            await stream.WriteAsync(path == "/_ping" ? FakeDaemon.Ping : "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray(), stop);
            if (path != "/_ping")
                await Task.Delay(Timeout.Infinite, stop);
        });
        using EngineClient client = new(DockerEndpoint.Unix(daemon.SocketPath), EngineOptions.Default);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        using Stream export = client.Export("a:1", stop.Token);
        Task reading = Task.Run(() => export.CopyTo(Stream.Null), Token);

        stop.CancelAfter(100);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(TimeSpan.FromSeconds(20), Token));
    }

    [Theory]
    [InlineData("")]
    [InlineData("../containers/json?x=")]
    [InlineData("a/../../info")]
    [InlineData("a//b")]
    [InlineData("a?all=1")]
    [InlineData("a b")]
    [InlineData("a%2fb")]
    [InlineData("a\r\nX: y")]
    public void Inspect_NameThatIsNone_IsNotSent(string name)
    {
        using FakeDaemon daemon = Answering(FakeDaemon.Answer(200, "{}"));
        using EngineClient client = Client(daemon);

        Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => client.Inspect(name, Token)).Error);
        Assert.Empty(daemon.Requests);
    }

    [Fact]
    public void Inspect_NoSocket_IsNotFoundWithAHint()
    {
        using EngineClient client = new(DockerEndpoint.Unix("/nonexistent/docker.sock"), Bounded);

        ImageException e = Assert.Throws<ImageException>(() => client.Inspect("a", Token));

        Assert.Equal(ImageError.NotFound, e.Error);
        Assert.Contains("DOCKER_HOST", e.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Inspect_SocketNobodyListensOn_IsPeerFailed()
    {
        string path;
        using (FakeDaemon daemon = new((_, _, _) => Task.CompletedTask))
            path = daemon.SocketPath;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            File.WriteAllText(path, "");
            using EngineClient client = new(DockerEndpoint.Unix(path), Bounded);

            Assert.Equal(ImageError.PeerFailed, Assert.Throws<ImageException>(() => client.Inspect("a", Token)).Error);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    [Fact]
    public void Open_IdOfAnotherImage_IsADigestMismatch()
    {
        using FakeDaemon daemon = Answering(FakeDaemon.Answer(200, $$"""{"Id":"{{Id}}"}"""));
        string wanted = Id.Replace('9', '8');

        ImageException e = Assert.Throws<ImageException>(() => DockerImage.Open(wanted, $"docker:{wanted}", DockerEndpoint.Unix(daemon.SocketPath), Bounded, new ImageOptions(), Token));

        Assert.Equal(ImageError.DigestMismatch, e.Error);
        Assert.Contains(Id, e.Message, StringComparison.Ordinal);
        Assert.Contains(wanted, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadLayers_ExportOfAnotherImage_IsADigestMismatch()
    {
        SavedImage saved = new SavedImage().WithLayer(("etc/motd", "hello"));
        byte[] archive = saved.Build();
        using FakeDaemon daemon = new(async (path, stream, stop) =>
        {
            if (path.EndsWith("/get", StringComparison.Ordinal))
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {archive.Length}\r\n\r\n"), stop);
                await stream.WriteAsync(archive, stop);
                return;
            }
            await stream.WriteAsync(path == "/_ping" ? FakeDaemon.Ping : FakeDaemon.Answer(200, path.EndsWith("/info", StringComparison.Ordinal) ? """{"Driver":"vfs"}""" : $$"""{"Id":"{{Id}}"}"""), stop);
        });
        using Image image = DockerImage.Open("a", "docker:a", DockerEndpoint.Unix(daemon.SocketPath), EngineOptions.Default, new ImageOptions(), Token);
        EntryRecorder seen = new();

        ImageException e = Assert.Throws<ImageException>(() => image.ReadLayers(seen, 2, Token));

        Assert.Equal(ImageError.DigestMismatch, e.Error);
        Assert.Empty(seen.Accepted);
    }

    private static EngineClient Client(FakeDaemon daemon, EngineOptions? options = null) => new(DockerEndpoint.Unix(daemon.SocketPath), options ?? Bounded);

    private static FakeDaemon Answering(byte[] answer) => new(async (path, stream, stop) => await stream.WriteAsync(path == "/_ping" ? FakeDaemon.Ping : answer, stop));
}
