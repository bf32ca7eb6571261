using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.NativeCode;

/// <summary>Whatever bytes a client of the front sends, and however slowly.</summary>
[Trait("needs", "host")]
[Collection(nameof(NativeCollection))]
public sealed class FrontClientTests(NativePrograms programs)
{
    private const int Longest = 8 << 20;

    private static FrontHost Echo(NativePrograms programs) => new(programs, deadline: 5000, serve: (_, stream) =>
    {
        while (PlainHttp.Read(stream) is { } question)
            stream.Write(PlainHttp.Answer($"{{\"Allow\":true,\"Msg\":\"{question.Body.Length} {question.Body.FirstOrDefault()}\"}}"));
    });

    private static void Send(NetworkStream stream, string text) => stream.Write(Encoding.Latin1.GetBytes(text));

    [Fact]
    public void Request_InChunks_ReachesTheAgentWhole()
    {
        using FrontHost front = Echo(programs);
        using NetworkStream stream = front.Connect();

        Send(stream, $"POST {FrontHost.Request} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0000A\r\n0123456789\r\n0\r\n\r\n");
        Assert.Equal("{\"Allow\":true,\"Msg\":\"13 97\"}", FrontHost.Answer(stream));
        Assert.Equal("{\"Allow\":true,\"Msg\":\"2 123\"}", FrontHost.Ask(stream));
    }

    [Fact]
    public void Requests_InOnePacket_AreAnsweredInOrder()
    {
        using FrontHost front = Echo(programs);
        using NetworkStream stream = front.Connect();

        stream.Write([.. PlainHttp.Request(FrontHost.Request, "a"u8), .. PlainHttp.Request(FrontHost.Activate, ""u8), .. PlainHttp.Request(FrontHost.Request, "bcd"u8)]);

        Assert.Equal("{\"Allow\":true,\"Msg\":\"1 97\"}", FrontHost.Answer(stream));
        Assert.Equal("{\"Implements\":[\"authz\"]}", FrontHost.Answer(stream));
        Assert.Equal("{\"Allow\":true,\"Msg\":\"3 98\"}", FrontHost.Answer(stream));
    }

    [Fact]
    public void Request_ByteByByte_IsUnderstood()
    {
        using FrontHost front = Echo(programs);
        using NetworkStream stream = front.Connect();

        foreach (byte one in PlainHttp.Request(FrontHost.Request, "abc"u8))
            stream.WriteByte(one);

        Assert.Equal("{\"Allow\":true,\"Msg\":\"3 97\"}", FrontHost.Answer(stream));
    }

    [Fact]
    public void Request_OfEightMebibytes_PassesAndMemoryIsGivenBack()
    {
        using FrontHost front = Echo(programs);
        using NetworkStream stream = front.Connect();

        for (int i = 0; i < 10; i++)
        {
            stream.Write(PlainHttp.Request(FrontHost.Request, new byte[Longest]));
            Assert.Equal($"{{\"Allow\":true,\"Msg\":\"{Longest} 0\"}}", FrontHost.Answer(stream));
        }

        Assert.InRange(front.SettledMemory(2048), 100, 2048);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Request_OfOneByteMore_IsDeniedAndTheAgentNotAsked(bool chunked)
    {
        using FrontHost front = Echo(programs);
        using NetworkStream stream = front.Connect();
        byte[] body = new byte[Longest + 1];

        if (chunked)
        {
            Send(stream, $"POST {FrontHost.Request} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (int at = 0; at < body.Length; at += 1 << 20)
            {
                int length = Math.Min(1 << 20, body.Length - at);
                Send(stream, length.ToString("x", CultureInfo.InvariantCulture) + "\r\n");
                stream.Write(body, at, length);
                Send(stream, "\r\n");
            }
            Send(stream, "0\r\n\r\n");
        }
        else
            stream.Write(PlainHttp.Request(FrontHost.Request, body));

        Assert.Equal("plimsoll: request-too-long: the request's body is longer than 8 MiB", FrontHost.Denial(FrontHost.Answer(stream)));
        Assert.Equal(0, front.AgentConnections);
        Assert.Equal("{\"Allow\":true,\"Msg\":\"2 123\"}", front.Ask());
    }

    [Fact]
    public void Request_AnnouncesMoreThanEver_IsDeniedBeforeItsBody()
    {
        using FrontHost front = Echo(programs);
        using NetworkStream stream = front.Connect();

        Send(stream, $"POST {FrontHost.Request} HTTP/1.1\r\nContent-Length: 999999999999999\r\n\r\n");

        Assert.Contains("request-too-long", FrontHost.Denial(FrontHost.Answer(stream)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\n\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nA: b\rc\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nA: \0\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nA: \u00e4\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nno colon\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\n: x\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length : 2\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\n Content-Length: 2\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: \r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: +2\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: 0x2\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: 2, 2\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: 9999999999999999\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n000000002\r\n{}\r\n0\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nTrailer: x\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\n")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}")]
    public void Request_ThatIsNoCleanHttp_EndsTheConnectionUnasked(string request)
    {
        using FrontHost front = Echo(programs);
        using NetworkStream stream = front.Connect();

        Send(stream, request);

        var answer = PlainHttp.Read(stream);
        Assert.Equal("HTTP/1.1 400 Bad Request", answer?.First);
        Assert.DoesNotContain("Allow", Encoding.UTF8.GetString(answer!.Value.Body), StringComparison.Ordinal);
        Assert.Throws<IOException>(() => Enumerable.Range(0, 3).Select(_ => stream.ReadByte() < 0 ? throw new IOException("end") : 0).Sum());
        Assert.Equal(0, front.AgentConnections);
    }

    [Fact]
    public void Request_HeadTooLongOrOfTooManyLines_EndsTheConnection()
    {
        using FrontHost front = Echo(programs);
        string[] heads =
        [
            $"POST /{new string('x', 2048)} HTTP/1.1\r\n\r\n",
            $"POST {FrontHost.Request} HTTP/1.1\r\nA: {new string('x', 2048)}\r\n\r\n",
            $"POST {FrontHost.Request} HTTP/1.1\r\n{string.Concat(Enumerable.Repeat("A: b\r\n", 65))}\r\n",
        ];
        foreach (string head in heads)
        {
            using NetworkStream stream = front.Connect();
            Send(stream, head);
            Assert.Equal("HTTP/1.1 400 Bad Request", PlainHttp.Read(stream)?.First);
        }
        using NetworkStream fine = front.Connect();
        Send(fine, $"POST {FrontHost.Request} HTTP/1.1\r\n{string.Concat(Enumerable.Repeat("A: b\r\n", 64))}\r\n");
        Assert.Equal("{\"Allow\":true,\"Msg\":\"0 0\"}", FrontHost.Answer(fine));
    }

    [Theory]
    [InlineData("POST /AuthZPlugin.AuthZReq/ HTTP/1.1")]
    [InlineData("POST /authzplugin.authzreq HTTP/1.1")]
    [InlineData("GET /AuthZPlugin.AuthZReq HTTP/1.1")]
    [InlineData("POST /AuthZPlugin.AuthZReq HTTP/1.0")]
    [InlineData("POST  /AuthZPlugin.AuthZReq HTTP/1.1")]
    [InlineData("POST /AuthZPlugin.AuthZReq?x HTTP/1.1")]
    [InlineData("x")]
    public void Request_ToAnotherEndpoint_IsNotFound(string first)
    {
        using FrontHost front = Echo(programs);
        using NetworkStream stream = front.Connect();

        Send(stream, first + "\r\nContent-Length: 2\r\n\r\n{}");

        Assert.Equal("HTTP/1.1 404 Not Found", PlainHttp.Read(stream)?.First);
        Assert.Equal("{\"Allow\":true,\"Msg\":\"2 123\"}", FrontHost.Ask(stream));
    }

    [Fact]
    public void Request_WithConnectionClose_IsTheLast()
    {
        using FrontHost front = Echo(programs);
        using NetworkStream stream = front.Connect();

        stream.Write(PlainHttp.Request(FrontHost.Request, "a"u8, "Connection: close\r\n"));

        Assert.Equal("{\"Allow\":true,\"Msg\":\"1 97\"}", FrontHost.Answer(stream));
        Assert.Equal(-1, stream.ReadByte());
    }

    [Fact]
    public void Request_NeverWhole_IsDeniedAfterTenSecondsWhileOthersAreServed()
    {
        using FrontHost front = Echo(programs);
        using NetworkStream slow = front.Connect();
        using NetworkStream dead = front.Connect();
        Send(slow, $"POST {FrontHost.Request} HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc");
        long start = Stopwatch.GetTimestamp();

        Assert.Equal("{\"Allow\":true,\"Msg\":\"2 123\"}", front.Ask());
        Assert.Equal("plimsoll: request-slow: the request was not whole within 10 s", FrontHost.Denial(FrontHost.Answer(slow)));

        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 9.9, 19);
        Assert.Equal(-1, slow.ReadByte());
    }

    [Fact]
    public void Connections_MoreThan256_AreDeniedUntilOthersEnd()
    {
        using FrontHost front = Echo(programs);
        List<NetworkStream> open = [];
        for (int i = 0; i < 256; i++)
        {
            open.Add(front.Connect());
            Assert.Equal("{\"Implements\":[\"authz\"]}", FrontHost.Ask(open[^1], FrontHost.Activate));
        }

        Assert.Equal("plimsoll: agent-not-ready: more than 256 connections are open", FrontHost.Denial(front.Ask()));
        Assert.Equal("{\"Allow\":true,\"Msg\":\"2 123\"}", FrontHost.Ask(open[255]));
        long memory = front.Status("VmRSS");
        for (int i = 256; i < 400; i++)
            open.Add(front.Connect());
        open.ForEach(stream => stream.Dispose());

        long start = Stopwatch.GetTimestamp();
        while (FrontHost.Denial(front.Ask()) is not null)
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10), "still crowded");
        Assert.InRange(memory, 100, 16 << 10);
    }

    [Fact]
    public void Connections_OfRandomBytes_LeaveItServing()
    {
        using FrontHost front = Echo(programs);
        byte[] clean = [.. PlainHttp.Request(FrontHost.Request, "abc"u8), .. Encoding.ASCII.GetBytes($"POST {FrontHost.Request} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")];
        Random random = new(7);
        for (int i = 0; i < 500; i++)
        {
            byte[] bytes = [.. clean];
            for (int n = random.Next(1, 6); n > 0; n--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            using NetworkStream stream = front.Connect();
            stream.Write(bytes, 0, random.Next(1, bytes.Length));
        }

        Assert.Equal("{\"Allow\":true,\"Msg\":\"2 123\"}", front.Ask());
        Assert.False(front.Process!.HasExited);
    }
}
