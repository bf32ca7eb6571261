using System.Net;
using System.Net.Sockets;
using Plimsoll.Agent;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Agent;

public sealed class MetricsServerTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Metrics _metrics = new();

    public void Dispose() => _folder.Dispose();

    private string Socket => _folder["metrics.sock"];

    private HttpClient Client() => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, stop) =>
        {
            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), stop);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = new Uri("http://agent") };

    private Task<MetricsServer> StartAsync(IPEndPoint? address = null) => MetricsServer.StartAsync(Socket, address, _metrics, TestContext.Current.CancellationToken);

    [Fact]
    public async Task Get_Metrics_AnswersWhatIsCountedNow()
    {
        Metrics.Counter starts = _metrics.AddCounter("starts_total", "Starts.", "answer");
        await using MetricsServer server = await StartAsync();
        using HttpClient client = Client();
        starts.Add("allow \"x\"\\\n");

        using HttpResponseMessage answer = await client.GetAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken);
        string text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
        Assert.Equal(1, PrometheusText.Read(text)["""starts_total{answer="allow \"x\"\\\n"}"""]);
        starts.Add("allow \"x\"\\\n");
        Assert.Equal(2, PrometheusText.Read(await client.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken)).Values.Single());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Socket));
    }

    [Theory]
    [InlineData("GET", "/", HttpStatusCode.NotFound)]
    [InlineData("GET", "/AuthZPlugin.AuthZReq", HttpStatusCode.NotFound)]
    [InlineData("POST", "/metrics", HttpStatusCode.MethodNotAllowed)]
    [InlineData("HEAD", "/metrics", HttpStatusCode.OK)]
    public async Task Request_OtherThanAScrape_IsAnsweredAsHttpHasIt(string method, string path, HttpStatusCode wanted)
    {
        await using MetricsServer server = await StartAsync();
        using HttpClient client = Client();
        using HttpRequestMessage request = new(new HttpMethod(method), path);
        using HttpResponseMessage answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(wanted, answer.StatusCode);
    }

    [Fact]
    public async Task Start_AddressAskedFor_ServesThereToo()
    {
        IPEndPoint address = Free();
        await using MetricsServer server = await StartAsync(address);
        using HttpClient client = new();
        Assert.Equal("", await client.GetStringAsync(new Uri($"http://{address}/metrics"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Start_AddressTakenOrAFileInTheWay_IsAnErrorThatNamesIt()
    {
        using TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        IPEndPoint address = (IPEndPoint)taken.LocalEndpoint;
        Assert.Contains($"{address.Port}", (await Assert.ThrowsAnyAsync<IOException>(() => StartAsync(address))).Message, StringComparison.Ordinal);
        File.Delete(Socket);
        File.WriteAllText(Socket, "somebody's");
        Assert.Contains(Socket, (await Assert.ThrowsAnyAsync<IOException>(() => StartAsync())).Message, StringComparison.Ordinal);
        Assert.Equal("somebody's", File.ReadAllText(Socket));
    }

    private static IPEndPoint Free()
    {
        using TcpListener free = new(IPAddress.Loopback, 0);
        free.Start();
        return (IPEndPoint)free.LocalEndpoint;
    }

    [Theory]
    [InlineData("127.0.0.1:9464", "127.0.0.1:9464")]
    [InlineData("127.8.9.10:1", "127.8.9.10:1")]
    [InlineData("[::1]:9464", "[::1]:9464")]
    public void Options_LoopbackAddress_IsTaken(string text, string wanted) => Assert.Equal(wanted, AgentOptions.Parse(["--metrics", text]).Metrics?.ToString());

    [Theory]
    [InlineData("0.0.0.0:9464", "other machines")]
    [InlineData("192.168.1.2:9464", "other machines")]
    [InlineData("[::]:9464", "other machines")]
    [InlineData("[::ffff:10.0.0.1]:9464", "other machines")]
    [InlineData("127.0.0.1", "no address with a port")]
    [InlineData("localhost:9464", "no address with a port")]
    [InlineData("127.0.0.1:0", "no address with a port")]
    [InlineData("127.0.0.1:99999", "no address with a port")]
    public void Options_AddressOthersReachOrNone_IsRefused(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<OptionException>(() => AgentOptions.Parse(["--metrics", text])).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a 1")]
    [InlineData("# TYPE a counter\nb 1\n")]
    [InlineData("# TYPE a counter\na 1\na 1\n")]
    [InlineData("# TYPE a counter\na -1\n")]
    [InlineData("# TYPE a gauge\na{x=\"\n\"} 1\n")]
    [InlineData("# TYPE a gauge\na{x=\"\\t\"} 1\n")]
    [InlineData("# TYPE a gauge\na one\n")]
    [InlineData("# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\n")]
    public void PrometheusText_WhatIsNoExposition_IsRefused(string text) => Assert.Throws<FormatException>(() => PrometheusText.Read(text));
}
