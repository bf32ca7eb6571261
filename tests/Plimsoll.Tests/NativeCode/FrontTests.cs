using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.NativeCode;

/// <summary>What the front answers dockerd, whatever the agent does.</summary>
[Trait("needs", "host")]
[Collection(nameof(NativeCollection))]
public sealed class FrontTests(NativePrograms programs)
{
    private const string NotReady = "plimsoll: agent-not-ready: ";

    [Fact]
    public void Activate_WithoutAgent_NamesWhatItIs()
    {
        using FrontHost front = new(programs);

        Assert.Equal("{\"Implements\":[\"authz\"]}", front.Ask(FrontHost.Activate, ""));
    }

    [Fact]
    public void AuthZRes_WithoutAgent_Allows()
    {
        using FrontHost front = new(programs);

        Assert.Equal(FrontHost.Allow, front.Ask(FrontHost.Response, new string('x', 100_000)));
    }

    [Fact]
    public void AuthZReq_AgentAnswers_BothBodiesPassUnchanged()
    {
        byte[]? seen = null;
        (string First, Dictionary<string, string> Headers, byte[] Body)? question = null;
        const string Said = "{\"Allow\":false,\"Msg\":\"plimsoll: not-signed: \\\"web\\\" 未签名\",\"Err\":\"\"}";
        using FrontHost front = new(programs, serve: (_, stream) =>
        {
            question = PlainHttp.Read(stream);
            seen = question?.Body;
            stream.Write(PlainHttp.Answer(Said));
        });
        string body = "{\"RequestUri\":\"/v1.41/containers/create\",\"x\":\"" + new string('\u00e4', 60_000) + "\\u0000\"}";

        Assert.Equal(Said, front.Ask(FrontHost.Request, body));

        Assert.Equal("POST /AuthZPlugin.AuthZReq HTTP/1.1", question?.First);
        Assert.Equal(body, Encoding.UTF8.GetString(seen!));
    }

    [Fact]
    public void AuthZReq_AgentAnswersInChunks_IsPassedOnWhole()
    {
        using FrontHost front = new(programs, serve: FrontHost.Answering(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"Allow\":\r\n5\r\ntrue}\r\n0\r\n\r\n"u8.ToArray()));

        Assert.Equal(FrontHost.Allow, front.Ask());
    }

    [Fact]
    public void AuthZReq_AnswerOf65535Bytes_IsPassedOnAndOneMoreByteIsNot()
    {
        string longest = "{\"Allow\":true,\"Msg\":\"" + new string('x', 65_512) + "\"}";
        using FrontHost front = new(programs, serve: FrontHost.Answering(PlainHttp.Answer(longest)));

        Assert.Equal(65_535, longest.Length);
        Assert.Equal(longest, front.Ask());
        front.Serve(FrontHost.Answering(PlainHttp.Answer(longest[..^2] + "x\"}")));
        Assert.Equal(NotReady + "the agent's answer is longer than 64 KiB", FrontHost.Denial(front.Ask()));
    }

    [Theory]
    [InlineData("garbage\r\n\r\n")]
    [InlineData("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 14\r\n\r\n{\"Allow\":true}")]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 2000 OK\r\nContent-Length: 14\r\n\r\n{\"Allow\":true}")]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 14\r\n\r\n{\"Allow\":true}")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"Allow\":true}")]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 14\n\n{\"Allow\":true}")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n{\"Allow\":true}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"Allow\":")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"Allow\":true}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"allow\":true}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n[{\"Allow\":true}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"Allow\":true}{\"Allow\":true}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 14\r\nContent-Length: 14\r\n\r\n{\"Allow\":true}")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 14\r\nTransfer-Encoding: chunked\r\n\r\n{\"Allow\":true}")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{\"Allow\":true}")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne;x\r\n{\"Allow\":true}\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{\"Allow\":true}\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-e\r\n{\"Allow\":true}\r\n0\r\n\r\n")]
    public void AuthZReq_AgentAnswersWrongly_IsDenied(string answer)
    {
        using FrontHost front = new(programs, serve: FrontHost.Answering(Encoding.ASCII.GetBytes(answer)));

        Assert.Equal(NotReady + "the agent answered something else than HTTP 200 and Allow", FrontHost.Denial(front.Ask()));

        front.Serve(FrontHost.Answering(PlainHttp.Answer(FrontHost.Allow)));
        Assert.Null(FrontHost.Denial(front.Ask()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nConte")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"Allow\":true")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n{\"Allow\":true}\r\n")]
    public void AuthZReq_AgentDiesInItsAnswer_IsDenied(string answer)
    {
        using FrontHost front = new(programs, serve: (_, stream) =>
        {
            PlainHttp.Read(stream);
            stream.Write(Encoding.ASCII.GetBytes(answer));
        });

        Assert.Equal(NotReady + "the agent hung up without a whole answer", FrontHost.Denial(front.Ask()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"Allow\":true")]
    public void AuthZReq_AgentFrozen_IsDeniedAtTheDeadline(string before)
    {
        using FrontHost front = new(programs, serve: (_, stream) =>
        {
            PlainHttp.Read(stream);
            stream.Write(Encoding.ASCII.GetBytes(before));
            stream.ReadByte();
        });
        long start = Stopwatch.GetTimestamp();

        Assert.Equal(NotReady + "no answer from the agent within 1000 ms", FrontHost.Denial(front.Ask()));

        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 990, 1900);
    }

    [Fact]
    public void AuthZReq_AgentTakesNoConnectionsOrReadsNothing_IsDeniedAtTheDeadline()
    {
        using FrontHost front = new(programs);
        using Socket frozen = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        frozen.Bind(new UnixDomainSocketEndPoint(front.AgentSocket));
        frozen.Listen(1);
        List<Socket> queue = [];
        long start = Stopwatch.GetTimestamp();

        // The kernel takes the connection, and part of a body that is larger than what it holds for a socket.
        Assert.Equal(NotReady + "no answer from the agent within 1000 ms", FrontHost.Denial(front.Ask(FrontHost.Request, new string('x', 4 << 20))));
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 990, 1900);
        for (bool full = false; !full;)
        {
            Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
            queue.Add(client);
            try
            {
                client.Connect(new UnixDomainSocketEndPoint(front.AgentSocket));
            }
            catch (SocketException)
            {
                full = true;
            }
        }
        start = Stopwatch.GetTimestamp();
        Assert.Equal(NotReady + "cannot connect to the agent: it takes no connections", FrontHost.Denial(front.Ask()));
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 990, 1900);
        queue.ForEach(client => client.Dispose());
    }

    [Fact]
    public void AuthZReq_AgentFrozenAndThawed_FurtherQuestionsAreDeniedSoonerUntilOneIsAnswered()
    {
        using ManualResetEventSlim thawed = new();
        using FrontHost front = new(programs, deadline: 2000, serve: (_, stream) =>
        {
            while (PlainHttp.Read(stream) is not null)
            {
                thawed.Wait();
                stream.Write(PlainHttp.Answer(FrontHost.Allow));
            }
        });
        Assert.EndsWith("within 2000 ms", FrontHost.Denial(front.Ask()), StringComparison.Ordinal);
        long late = Stopwatch.GetTimestamp();
        for (int i = 0; i < 6; i++)
            Assert.EndsWith("the agent let a question run out just now", FrontHost.Denial(front.Ask()), StringComparison.Ordinal);
        string? denial = null;
        while ((denial = FrontHost.Denial(front.Ask())) is not null && denial.EndsWith("just now", StringComparison.Ordinal))
            Assert.True(Stopwatch.GetElapsedTime(late) < TimeSpan.FromSeconds(1.9), denial);
        Assert.EndsWith("within 200 ms", denial, StringComparison.Ordinal);

        thawed.Set();
        while ((denial = FrontHost.Denial(front.Ask())) is not null)
            Assert.True(Stopwatch.GetElapsedTime(late) < TimeSpan.FromSeconds(10), denial);

        thawed.Reset();
        Assert.EndsWith("within 2000 ms", FrontHost.Denial(front.Ask()), StringComparison.Ordinal);
        thawed.Set();
    }

    [Fact]
    public async Task AuthZReq_AskedWhileTheAgentIsSilent_WaitsFromWhenItFellSilent()
    {
        using FrontHost front = new(programs, deadline: 2000, serve: (_, stream) => stream.CopyTo(Stream.Null));
        long start = Stopwatch.GetTimestamp();
        Task<string> first = Task.Run(() => front.Ask(), TestContext.Current.CancellationToken);
        await Task.Delay(1000, TestContext.Current.CancellationToken);

        string second = front.Ask();

        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 1990, 2900);
        Assert.NotNull(FrontHost.Denial(second));
        Assert.NotNull(FrontHost.Denial(await first));
    }

    [Fact]
    public void AuthZReq_NoAgent_IsDeniedAtOnceAndAllowedWhenOneComes()
    {
        using FrontHost front = new(programs);
        Assert.StartsWith(NotReady + "cannot connect to the agent: No such file", FrontHost.Denial(front.Ask()), StringComparison.Ordinal);

        front.Serve(FrontHost.Answering(PlainHttp.Answer(FrontHost.Allow)));
        Assert.Null(FrontHost.Denial(front.Ask()));

        front.StopAgent();
        Assert.StartsWith(NotReady, FrontHost.Denial(front.Ask()), StringComparison.Ordinal);
        FakeServer.LeaveBehind(front.AgentSocket);
        Assert.Contains("Connection refused", FrontHost.Denial(front.Ask()), StringComparison.Ordinal);
    }

    [Fact]
    public void AuthZReq_ManyOnOneConnection_UseOneConnectionToTheAgent()
    {
        using FrontHost front = new(programs, serve: FrontHost.Answering(PlainHttp.Answer(FrontHost.Allow), PlainHttp.Answer("{\"Allow\":false}")));
        using NetworkStream stream = front.Connect();

        Assert.Equal("{\"Implements\":[\"authz\"]}", FrontHost.Ask(stream, FrontHost.Activate));
        Assert.Equal(FrontHost.Allow, FrontHost.Ask(stream));
        Assert.Equal("{\"Allow\":false}", FrontHost.Ask(stream));
        Assert.Equal(FrontHost.Allow, FrontHost.Ask(stream, FrontHost.Response));
        Assert.Equal("{\"Allow\":false}", FrontHost.Ask(stream));
        Assert.Equal(1, front.AgentConnections);
    }

    [Fact]
    public void AuthZReq_AgentClosedAKeptConnection_IsAskedOnceMoreOnAFreshOne()
    {
        // Each connection of the agent gives one answer and then hangs up: at once, or when it has read the next question.
        using FrontHost front = new(programs, serve: (number, stream) =>
        {
            PlainHttp.Read(stream);
            stream.Write(PlainHttp.Answer(FrontHost.Allow));
            if (number % 2 == 1)
                PlainHttp.Read(stream);
        });

        for (int i = 0; i < 6; i++)
            Assert.Null(FrontHost.Denial(front.Ask()));

        Assert.Equal(6, front.AgentConnections);
    }

    [Fact]
    public void AuthZReq_KeptConnectionDiesWithinAnAnswer_IsNotAskedAgain()
    {
        int questions = 0;
        using FrontHost front = new(programs, serve: (_, stream) =>
        {
            while (PlainHttp.Read(stream) is not null)
            {
                if (Interlocked.Increment(ref questions) == 2)
                {
                    stream.Write("H"u8);
                    return;
                }
                stream.Write(PlainHttp.Answer(FrontHost.Allow));
            }
        });
        Assert.Null(FrontHost.Denial(front.Ask()));

        Assert.Equal(NotReady + "the agent hung up without a whole answer", FrontHost.Denial(front.Ask()));

        Assert.Equal(2, questions);
    }

    [Fact]
    public void AuthZReq_AgentSaysConnectionClose_ConnectionIsNotKept()
    {
        using FrontHost front = new(programs, serve: FrontHost.Answering("HTTP/1.1 200 OK\r\nconnection: Close\r\nContent-Length: 14\r\n\r\n{\"Allow\":true}"u8.ToArray()));

        for (int i = 0; i < 3; i++)
            Assert.Null(FrontHost.Denial(front.Ask()));

        Assert.Equal(3, front.AgentConnections);
    }

    [Fact]
    public async Task AuthZReq_HundredAtOnce_EachGetsItsOwnAnswer()
    {
        using FrontHost front = new(programs, deadline: 5000, serve: (_, stream) =>
        {
            while (PlainHttp.Read(stream) is { } question)
                stream.Write(PlainHttp.Answer($"{{\"Allow\":true,\"Msg\":\"{Encoding.ASCII.GetString(question.Body)}\"}}"));
        });

        await Parallel.ForAsync(0, 1000, new ParallelOptions { MaxDegreeOfParallelism = 100, CancellationToken = TestContext.Current.CancellationToken }, (i, _) =>
        {
            Assert.Equal($"{{\"Allow\":true,\"Msg\":\"number {i}\"}}", front.Ask(FrontHost.Request, $"number {i}"));
            return ValueTask.CompletedTask;
        });

        Assert.InRange(front.SettledMemory(2048), 100, 2048);
    }

    [Fact]
    public void Start_SocketLeftBehind_IsReplacedAndALiveOneIsAnError()
    {
        using FrontHost front = new(programs, start: false);
        FakeServer.LeaveBehind(front.ListenSocket);

        front.Start();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(front.ListenSocket));
        Ended another = front.RunAnother();
        Assert.Equal((3, $"plimsoll-front: error: {front.ListenSocket}: another process listens there\n"), (another.Code, another.Errors));
        Assert.Equal("{\"Implements\":[\"authz\"]}", front.Ask(FrontHost.Activate));
    }

    [Fact]
    public void Start_AFileStandsThere_IsAnErrorAndTheFileStays()
    {
        using FrontHost front = new(programs, start: false);
        File.WriteAllText(front.ListenSocket, "mine");

        Assert.Equal(3, front.RunAnother().Code);

        Assert.Equal("mine", File.ReadAllText(front.ListenSocket));
    }

    [Theory]
    [InlineData("")]
    [InlineData("--listen /a")]
    [InlineData("--listen a --agent /b")]
    [InlineData("--listen /a --agent /b --deadline 9")]
    [InlineData("--listen /a --agent /b --deadline 60001")]
    [InlineData("--listen /a --agent /b --deadline")]
    [InlineData("--listen /a --agent /b --other 1")]
    public void Start_WrongUsage_Ends(string arguments)
    {
        Ended ended = Ended.Of(new ProcessStartInfo(programs.Front, arguments));

        Assert.Equal(2, ended.Code);
        Assert.StartsWith("plimsoll-front: error: ", ended.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public void Signal_ToEnd_RemovesTheSocket(string signal)
    {
        using FrontHost front = new(programs);
        using NetworkStream open = front.Connect();

        Tool.Run("kill", ["-" + signal, $"{front.Process!.Id}"]);

        Assert.True(front.Process.WaitForExit(TimeSpan.FromSeconds(10)));
        Assert.Equal(0, front.Process.ExitCode);
        Assert.False(Path.Exists(front.ListenSocket));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Start_UnderSystemd_SaysWhenItIsReady(bool isAbstract)
    {
        using FrontHost front = new(programs, start: false);
        string name = isAbstract ? "@" + front["notify"] : front["notify"];
        using Socket notify = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };
        notify.Bind(new UnixDomainSocketEndPoint(isAbstract ? "\0" + name[1..] : name));
        ProcessStartInfo start = new(programs.Front, ["--listen", front.ListenSocket, "--agent", front.AgentSocket]) { UseShellExecute = false };
        start.Environment["NOTIFY_SOCKET"] = name;
        using Process process = Process.Start(start)!;
        byte[] datagram = new byte[64];

        int length = notify.Receive(datagram);

        Assert.Equal("READY=1", Encoding.ASCII.GetString(datagram, 0, length));
        Assert.Equal("{\"Implements\":[\"authz\"]}", front.Ask(FrontHost.Activate));
        process.Kill();
        process.WaitForExit();
    }
}
