using System.Net;
using System.Net.Sockets;
using System.Text;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Vulnerabilities.Database;

public sealed class DownloadTests : IDisposable
{
    private readonly OsvSource _source = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public DownloadTests() => _listener.Start();

    public void Dispose()
    {
        _listener.Dispose();
        _source.Dispose();
    }

    /// <summary>Answers each request by path with raw bytes; what the handler leaves out, the client misses.</summary>
    private async Task ServeAsync(Func<string, (byte[] Answer, bool KeepOpen)> answer)
    {
        List<TcpClient> open = [];
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(Token);
                open.Add(client);
                StreamReader reader = new(client.GetStream());
                string path = (await reader.ReadLineAsync(Token))?.Split(' ')[1] ?? "";
                while (await reader.ReadLineAsync(Token) is { Length: > 0 })
                {
                }
                (byte[] bytes, bool keep) = answer(path);
                await client.GetStream().WriteAsync(bytes, Token);
                if (!keep)
                    client.Dispose();
            }
        }
        // The test stops the listener at any moment, also between two calls of accept, and a client may hang up before its answer.
        catch (Exception e) when (e is SocketException or IOException or InvalidOperationException or OperationCanceledException)
        {
            open.ForEach(c => c.Dispose());
        }
    }

    private static byte[] Answer(string status, byte[] body, string headers = "", int? length = null) =>
        [.. Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: {length ?? body.Length}\r\nConnection: close\r\n{headers}\r\n"), .. body];

    private UpdateOptions Options => new()
    {
        DatabasePath = _source.Database,
        Source = $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/osv/",
        StallTimeout = TimeSpan.FromSeconds(2),
    };

    private async Task<AdvisoryError> RefusedAsync(Func<string, (byte[], bool)> answer, UpdateOptions? options = null)
    {
        Task server = ServeAsync(answer);
        AdvisoryException e = await Assert.ThrowsAsync<AdvisoryException>(() => DatabaseUpdate.RunAsync(options ?? Options, null, Token));
        _listener.Stop();
        await server;
        Assert.False(File.Exists(_source.Database));
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(_source.Database)!, "*.tmp-*"));
        return e.Error;
    }

    private byte[] Zip()
    {
        _source.With("Debian", "DSA-1", "bash", "1").Build();
        return File.ReadAllBytes(_source.Zip("Debian"));
    }

    [Fact]
    public async Task Run_ServerLaidOutLikeTheBucket_IsRead()
    {
        byte[] zip = Zip();
        Task server = ServeAsync(path => path switch
        {
            "/osv/ecosystems.txt" => (Answer("200 OK", "Debian\nDebian:11\nGitHub Actions\n"u8.ToArray()), false),
            "/osv/Debian/all.zip" => (Answer("302 Found", [], "Location: /moved.zip\r\n"), false),
            "/moved.zip" => (Answer("200 OK", zip), false),
            _ => (Answer("404 Not Found", []), false),
        });
        UpdateResult result = await DatabaseUpdate.RunAsync(Options, null, Token);
        Assert.Equal(1, result.Info.Records);
        Assert.Contains("Alpine", Assert.Single(result.Notes).Detail, StringComparison.Ordinal);
        _listener.Stop();
        await server;
    }

    [Fact]
    public async Task Run_404_IsNotFound() => Assert.Equal(AdvisoryError.NotFound, await RefusedAsync(_ => (Answer("404 Not Found", []), false)));

    [Fact]
    public async Task Run_500_IsPeerFailed() => Assert.Equal(AdvisoryError.PeerFailed, await RefusedAsync(_ => (Answer("500 Oh", []), false)));

    [Fact]
    public async Task Run_EarlyClose_IsTruncated()
    {
        byte[] zip = Zip();
        Assert.Equal(AdvisoryError.Truncated, await RefusedAsync(path => path.EndsWith(".txt", StringComparison.Ordinal)
            ? (Answer("200 OK", "Debian"u8.ToArray()), false)
            : (Answer("200 OK", zip[..(zip.Length / 2)], length: zip.Length), false)));
    }

    [Fact]
    public async Task Run_Stall_IsPeerFailedInBoundedTime() =>
        Assert.Equal(AdvisoryError.PeerFailed, await RefusedAsync(_ => (Answer("200 OK", "Deb"u8.ToArray(), length: 100), true), Options with { StallTimeout = TimeSpan.FromMilliseconds(300) }));

    [Fact]
    public async Task Run_TooLong_IsLimitExceeded() =>
        Assert.Equal(AdvisoryError.LimitExceeded, await RefusedAsync(path => path.EndsWith(".txt", StringComparison.Ordinal)
            ? (Answer("200 OK", "Debian"u8.ToArray()), false)
            : (Answer("200 OK", new byte[101]), false), Options with { Limits = new OsvLimits { MaxZipBytes = 100 } }));

    [Fact]
    public async Task Run_RedirectsForEver_IsPeerFailed() =>
        Assert.Equal(AdvisoryError.PeerFailed, await RefusedAsync(_ => (Answer("302 Found", [], "Location: /again\r\n"), false)));

    [Theory]
    [InlineData("https://a/x", "http://a/y", false)]
    [InlineData("https://a/x", "file:///etc/passwd", false)]
    [InlineData("http://a/x", "ftp://a/y", false)]
    [InlineData("https://a/x", "https://b/y", true)]
    [InlineData("http://a/x", "https://a/y", true)]
    [InlineData("http://a/x", "http://a/y", true)]
    public void Follow_Redirect_NeverLeavesHttps(string from, string to, bool allowed)
    {
        if (allowed)
            Assert.Equal(new Uri(to), Download.Follow(new Uri(from), new Uri(to)));
        else
            Assert.Throws<AdvisoryException>(() => Download.Follow(new Uri(from), new Uri(to)));
    }
}
