using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Agent;
using Plimsoll.Agent.Plugin;
using Plimsoll.TestKit;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Agent.Plugin;

/// <summary>Docker's plugin protocol over the socket.</summary>
public sealed class PluginServerTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private readonly Gated _gated = new();
    private readonly List<PluginRecord> _records = [];
    private Action<PluginRecord> _record;
    private PluginServer _server = null!;
    private HttpClient _client = null!;

    public PluginServerTests() => _record = r =>
    {
        lock (_records)
            _records.Add(r);
    };

    private AgentPaths Paths => new(_folder["state"], _folder.Path, _folder["docker"], _gated.Dockerd.SocketPath);

    public ValueTask InitializeAsync()
    {
        // What a process that was killed left behind.
        using (Socket left = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            left.Bind(new UnixDomainSocketEndPoint(Paths.PluginSocket));
        _server = Start(new PluginOptions());
        _client = ClientOf(Paths.PluginSocket);
        return ValueTask.CompletedTask;
    }

    private PluginServer Start(PluginOptions options) => PluginServer.Start(Paths, _gated, _gated.Daemon, TimeProvider.System, r => _record(r), options);

    private static HttpClient ClientOf(string path) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, stop) =>
        {
            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = new Uri("http://plugin") };

    private async Task<JsonNode> AskAsync(byte[] message, string call = "/AuthZPlugin.AuthZReq")
    {
        using ByteArrayContent content = new(message);
        using HttpResponseMessage response = await _client.PostAsync(new Uri(call, UriKind.Relative), content, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
    }

    [Fact]
    public void Socket_OfTheServer_IsItsOwnersAlone()
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Paths.PluginSocket));

        _server.Dispose();
        Assert.False(File.Exists(Paths.PluginSocket));
    }

    [Fact]
    public void Start_WhereSomebodysFileStands_LeavesItAlone()
    {
        AgentPaths elsewhere = Paths with { Run = Directory.CreateDirectory(_folder["run"]).FullName };
        File.WriteAllText(elsewhere.PluginSocket, "notes");

        Assert.ThrowsAny<IOException>(() => PluginServer.Start(elsewhere, _gated, _gated.Daemon, TimeProvider.System, _record, new PluginOptions()));

        Assert.Equal("notes", File.ReadAllText(elsewhere.PluginSocket));
    }

    [Fact]
    public async Task Calls_OfTheProtocol_AreAnswered()
    {
        Assert.Equal("authz", (string?)(await AskAsync("{}"u8.ToArray(), "/Plugin.Activate"))["Implements"]![0]);
        Assert.True((bool)(await AskAsync(new byte[1 << 20], "/AuthZPlugin.AuthZRes"))["Allow"]!);

        JsonNode allowed = await AskAsync(DockerdMessage.Get("/v1.41/info").ToBytes());
        Assert.Equal((true, "", ""), ((bool)allowed["Allow"]!, (string)allowed["Msg"]!, (string)allowed["Err"]!));
        JsonNode denied = await AskAsync((DockerdMessage.Post("/v1.41/build") with { User = "dev\"\n\u202e" }).ToBytes());
        Assert.False((bool)denied["Allow"]!);
        Assert.Equal("plimsoll: operation: a build runs its steps where no gate sees them, and policy edge neither allows it nor names client \"dev\"\\x0a\\u202e\" (start.engine.builders)", (string)denied["Msg"]!);

        using HttpResponseMessage unknown = await _client.PostAsync(new Uri("/VolumeDriver.Create", UriKind.Relative), null, TestContext.Current.CancellationToken);
        using HttpResponseMessage got = await _client.GetAsync(new Uri("/AuthZPlugin.AuthZReq", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed), (unknown.StatusCode, got.StatusCode));
    }

    [Fact]
    public async Task Decisions_AllowedAndDenied_AreRecorded()
    {
        await AskAsync((DockerdMessage.Post("/v1.41/containers/create?name=a", Gated.Body(_ => { }).ToJsonString()) with { User = "ops" }).ToBytes());
        await AskAsync(DockerdMessage.Post("/v1.41/containers/web/exec", """{"Privileged":true}""").ToBytes());
        await AskAsync("nonsense"u8.ToArray());

        Assert.Collection(_records,
            r => Assert.Equal((true, "allowed", "POST /containers/create", Gated.Signed, "ops"), (r.Allowed, r.Code, r.Endpoint, r.Image!, r.Client.User)),
            r => Assert.Equal((false, "operation-exec-privileged", "POST /containers/{name}/exec", "web", "/v1.41/containers/web/exec"), (r.Allowed, r.Code, r.Endpoint, r.Subject, r.Uri)),
            r => Assert.Equal((false, "unreadable-message", "", ""), (r.Allowed, r.Code, r.Endpoint, r.Uri)));
    }

    [Fact]
    public async Task Decision_ThatCannotBeRecorded_IsADenial()
    {
        byte[] message = DockerdMessage.Get("/info").ToBytes();
        Assert.True((bool)(await AskAsync(message))["Allow"]!);
        _record = _ => throw new IOException("no space left");

        JsonNode answer = await AskAsync(message);

        Assert.False((bool)answer["Allow"]!);
        Assert.StartsWith("plimsoll: no-evidence: ", (string)answer["Msg"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_ThatIsAllowedAndRecorded_IsToldByTheContainersWholeId()
    {
        List<string> started = [];
        using PluginServer server = PluginServer.Start(Paths with { Run = Directory.CreateDirectory(_folder["told"]).FullName }, _gated, _gated.Daemon, TimeProvider.System, r => _record(r), new PluginOptions { Started = started.Add });
        _client.Dispose();
        _client = ClientOf(_folder["told/plugin.sock"]);
        byte[] start = DockerdMessage.Post("/v1.41/containers/web/start").ToBytes();

        Assert.True((bool)(await AskAsync(start))["Allow"]!);
        Assert.Equal([new string('a', 64)], started);
        await AskAsync(DockerdMessage.Post("/v1.41/containers/create?name=a", Gated.Body(_ => { }).ToJsonString()).ToBytes());
        await AskAsync(DockerdMessage.Post("/v1.41/containers/web/update", "{}").ToBytes());
        _record = _ => throw new IOException("no space left");
        Assert.False((bool)(await AskAsync(start))["Allow"]!);
        Assert.Single(started);
    }

    [Fact]
    public async Task Message_OneByteOverTheLimit_IsDenied()
    {
        byte[] message = DockerdMessage.Get("/info").ToBytes();
        byte[] longest = [.. message, .. Enumerable.Repeat((byte)' ', PluginApplication.MaxMessageBytes - message.Length)];

        Assert.True((bool)(await AskAsync(longest))["Allow"]!);
        JsonNode answer = await AskAsync([.. longest, (byte)' ']);

        Assert.False((bool)answer["Allow"]!);
        Assert.Contains("longer than 8388608 bytes", (string)answer["Msg"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Decision_ThatTakesTooLong_IsADenialInTime()
    {
        _server.Dispose();
        _server = Start(new PluginOptions { Deadline = TimeSpan.FromMilliseconds(100) });
        _gated.Dockerd.Delay = TimeSpan.FromSeconds(30);

        JsonNode answer = await AskAsync(DockerdMessage.Post("/containers/web/start").ToBytes());

        Assert.False((bool)answer["Allow"]!);
    }

    [Fact]
    public async Task Decision_ThatIsNotReachedInTime_IsADenialByName()
    {
        _server.Dispose();
        _server = Start(new PluginOptions { Deadline = TimeSpan.FromMilliseconds(100) });
        _gated.Judging = stop =>
        {
            stop.WaitHandle.WaitOne(TimeSpan.FromSeconds(30));
            stop.ThrowIfCancellationRequested();
        };

        await IsDeniedAsync("decision-timeout");
    }

    [Fact]
    public async Task Decision_ThatFails_IsADenialByNameAndTheNextIsMade()
    {
        _gated.Judging = _ => throw new InvalidOperationException("broken");
        await IsDeniedAsync("internal-error");
        _gated.Judging = _ => { };
        Assert.True((bool)(await AskAsync(Create))["Allow"]!);
    }

    private static byte[] Create => DockerdMessage.Post("/v1.41/containers/create", Gated.Body(_ => { }).ToJsonString()).ToBytes();

    private async Task IsDeniedAsync(string code)
    {
        JsonNode answer = await AskAsync(Create);
        Assert.False((bool)answer["Allow"]!);
        Assert.StartsWith($"plimsoll: {code}: ", (string)answer["Msg"]!, StringComparison.Ordinal);
        Assert.Equal((false, code), (_records[^1].Allowed, _records[^1].Code));
    }

    [Fact]
    public async Task Start_WhenDockerdAsksThePluginAboutTheCallback_DoesNotDeadlock()
    {
        _gated.Dockerd.Plugin = async message => (bool)(await AskAsync(message.ToBytes()))["Allow"]!;

        Task<JsonNode>[] all = [.. Enumerable.Range(0, 50).Select(_ => AskAsync(DockerdMessage.Post("/v1.41/containers/web/start").ToBytes()))];

        foreach (JsonNode answer in await Task.WhenAll(all))
            Assert.True((bool)answer["Allow"]!, (string)answer["Msg"]!);
        // What is named by less than its id is looked up again.
        Assert.Equal(100, _records.Count(r => r.Code == "call-back"));
    }

    [Fact]
    public async Task Answers_OfAWarmServer_ComeInTime()
    {
        byte[] read = DockerdMessage.Get("/v1.41/containers/json").ToBytes(), start = DockerdMessage.Post("/v1.41/containers/web/start").ToBytes(),
            create = DockerdMessage.Post("/v1.41/containers/create", Gated.Body(_ => { }).ToJsonString()).ToBytes();
        _gated.Dockerd.Plugin = async message => (bool)(await AskAsync(message.ToBytes()))["Allow"]!;

        TimeSpan without = await MedianAsync(read), judged = await MedianAsync(create), with = await MedianAsync(start);

        TestContext.Current.TestOutputHelper!.WriteLine($"plugin over its socket, median of 1000: read {without.TotalMilliseconds:0.000} ms, create {judged.TotalMilliseconds:0.000} ms, start with a call-back that is asked about too {with.TotalMilliseconds:0.000} ms");
        // Five times what is promised: other tests run beside this one.
        Assert.True(without < TimeSpan.FromMilliseconds(5), $"{without.TotalMilliseconds} ms");
        Assert.True(with < TimeSpan.FromMilliseconds(50), $"{with.TotalMilliseconds} ms");
    }

    private async Task<TimeSpan> MedianAsync(byte[] message)
    {
        List<TimeSpan> took = [];
        for (int i = 0; i < 1200; i++)
        {
            long began = Stopwatch.GetTimestamp();
            Assert.True((bool)(await AskAsync(message))["Allow"]!);
            if (i >= 200)
                took.Add(Stopwatch.GetElapsedTime(began));
        }
        took.Sort();
        return took[took.Count / 2];
    }

    /// <summary>What the server writes to a client that says this and waits, until it closes.</summary>
    /// <param name="hangsUp">The client says nothing more: what it said last is a question that nobody waits for.</param>
    private string Say(string text, bool hangsUp = false)
    {
        using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };
        client.Connect(new UnixDomainSocketEndPoint(Paths.PluginSocket));
        StringBuilder said = new();
        try
        {
            client.Send(Encoding.Latin1.GetBytes(text));
            if (hangsUp)
                client.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // It has answered and closed already.
        }
        try
        {
            byte[] buffer = new byte[4096];
            for (int got; (got = client.Receive(buffer)) > 0;)
                said.Append(Encoding.Latin1.GetString(buffer, 0, got));
        }
        catch (SocketException)
        {
            // It closed with bytes unread.
        }
        return said.ToString();
    }

    /// <summary>No question, so that the server closes behind what it answered.</summary>
    private const string End = "end\r\n\r\n";

    [Fact]
    public void Questions_OnOneConnection_AreAnsweredInTheirOrder()
    {
        string read = Encoding.UTF8.GetString(DockerdMessage.Get("/v1.41/info").ToBytes()), build = Encoding.UTF8.GetString(DockerdMessage.Post("/v1.41/build").ToBytes());

        string said = Say(Question(read) + Question(build) + Question(read) + End);

        Assert.Equal(["true", "false", "true"], said.Split("{\"Allow\":")[1..].Select(a => a[..a.IndexOf(',', StringComparison.Ordinal)]));
        Assert.Equal(3, said.Split("HTTP/1.1 200 OK\r\n").Length - 1);

        static string Question(string body) => $"POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nHost: plimsoll\r\ncontent-length:  {body.Length} \r\n\r\n{body}";
    }

    [Theory]
    [InlineData("GET /AuthZPlugin.AuthZReq HTTP/1.0\r\n\r\n")]
    [InlineData("POST AuthZPlugin.AuthZReq HTTP/1.1\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq  HTTP/1.1\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length : 2\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nX: 1\r\n Content-Length: 2\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding : chunked\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: 67108865\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: +2\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: -2\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nno colon\r\n\r\n")]
    [InlineData("\r\n\r\n")]
    public void Question_ThatIsNoHttpOfTheFronts_EndsTheConnection(string text)
    {
        string said = Say(text + "POST /Plugin.Activate HTTP/1.1\r\nContent-Length: 0\r\n\r\n");

        Assert.Equal("HTTP/1.1 400 Bad Request", said.Split("\r\n")[0]);
        Assert.DoesNotContain("authz", said, StringComparison.Ordinal);
        Assert.Empty(_records);
    }

    [Fact]
    public void Question_WithAHeadThatIsTooLong_EndsTheConnection()
    {
        string Filled(int bytes) => "POST /Plugin.Activate HTTP/1.1\r\nContent-Length: 0\r\nX: ".PadRight(bytes - 4, 'x') + "\r\n\r\n" + End;

        Assert.StartsWith("HTTP/1.1 200 OK", Say(Filled(PluginConnection.MaxHeadBytes)), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400 ", Say(Filled(PluginConnection.MaxHeadBytes + 1)), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400 ", Say(new string('x', 1 << 20)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: 20\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: 20")]
    public void Question_ThatEndsEarly_GetsNoAnswer(string text)
    {
        Assert.Equal("", Say(text, hangsUp: true));
        Assert.Empty(_records);
    }

    [Fact]
    public void Question_ThatNobodyWaitsFor_IsNotDecided()
    {
        string question = $"POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: {Create.Length}\r\n\r\n{Encoding.UTF8.GetString(Create)}";
        Assert.Contains("\"Allow\":true", Say(question + End), StringComparison.Ordinal);
        Assert.Single(_records);

        Assert.Equal("", Say(question, hangsUp: true));

        Assert.Single(_records);
    }

    [Fact]
    public void Decision_ThatNobodyWaitedFor_IsRecordedAsADenial()
    {
        using Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(Paths.PluginSocket));
        _gated.Judging = _ => client.Dispose();

        client.Send(Encoding.Latin1.GetBytes($"POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: {Create.Length}\r\n\r\n{Encoding.UTF8.GetString(Create)}"));

        Assert.True(SpinWait.SpinUntil(() => _records.Count > 0, TimeSpan.FromSeconds(30)));
        Assert.Equal((false, "decision-timeout"), (_records[0].Allowed, _records[0].Code));
    }

    [Fact]
    public async Task Dispose_WhileAQuestionIsDecided_AnswersIt()
    {
        using ManualResetEventSlim begun = new(), decide = new();
        _gated.Judging = _ =>
        {
            begun.Set();
            decide.Wait(CancellationToken.None);
        };
        Task<JsonNode> answer = AskAsync(Create);
        begun.Wait(TestContext.Current.CancellationToken);

        Task ended = Task.Run(_server.Dispose, TestContext.Current.CancellationToken);
        Assert.NotSame(ended, await Task.WhenAny(ended, Task.Delay(200, TestContext.Current.CancellationToken)));
        decide.Set();

        Assert.True((bool)(await answer)["Allow"]!);
        await ended;
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        _server.Dispose();
        _gated.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
