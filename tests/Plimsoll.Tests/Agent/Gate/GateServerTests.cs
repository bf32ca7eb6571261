using System.Net.Sockets;
using System.Text;
using Plimsoll.Agent;
using Plimsoll.Agent.Gate;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Agent.Gate;

public sealed class GateServerTests : IDisposable
{
    private const string Question = "plimsoll-gate 1\ncreate\nplimsoll\nabc\n/bundle\n\n";
    private const int Patience = 60_000;

    private readonly TempFolder _folder = new();
    private readonly List<GateRequest> _asked = [];
    private readonly List<string> _troubles = [];

    public void Dispose() => _folder.Dispose();

    private string Path => _folder["gate.sock"];

    private GateServer Serve(Func<Answer> decide) => new(Path, (request, _) =>
    {
        lock (_asked)
            _asked.Add(request);
        return decide();
    }, text =>
    {
        lock (_troubles)
            _troubles.Add(text);
    });

    private Socket Connect()
    {
        Socket client = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = Patience };
        client.Connect(new UnixDomainSocketEndPoint(Path));
        return client;
    }

    private static string ReadToEnd(Socket client)
    {
        using NetworkStream stream = new(client);
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }

    private string Ask(string question)
    {
        using Socket client = Connect();
        client.Send(Encoding.UTF8.GetBytes(question));
        return ReadToEnd(client).Replace("wait\n", "", StringComparison.Ordinal);
    }

    [Fact]
    public void Question_OfALauncher_IsHandedOverWithItsProcess()
    {
        using GateServer server = Serve(() => Answer.Allow);
        Assert.Equal("allow\n", Ask(Question));
        Assert.Equal([new GateRequest("create", "plimsoll", "abc", "/bundle", Environment.ProcessId)], _asked);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
    }

    /// <summary>Whoever got at the socket all the same.</summary>
    [Theory]
    [InlineData("65534", "")]
    [InlineData("0", "allow\n")]
    [Trait("needs", "host")]
    public void Question_OfAnotherUser_IsClosedWithoutAnAnswer(string user, string wanted)
    {
        const string ask = """
            import socket, sys
            client = socket.socket(socket.AF_UNIX)
            client.connect(sys.argv[1])
            said = b''
            try:
                client.sendall(sys.argv[2].encode())
                while part := client.recv(1000):
                    said += part
            except OSError:
                pass
            sys.stdout.write('connected ' + said.decode().replace('wait\n', ''))
            """;
        using GateServer server = Serve(() => Answer.Allow);
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(Path, (UnixFileMode)0b110_110_110);

        Assert.Equal($"connected {wanted}", Tool.Run("setpriv", [$"--reuid={user}", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", ask, Path, Question]));

        Assert.Equal(wanted.Length > 0 ? 1 : 0, _asked.Count);
    }

    [Theory]
    [InlineData("plimsoll-gate 2\ncreate\nplimsoll\nabc\n/bundle\n\n")]
    [InlineData("plimsoll-gate 1\ncreate\nplimsoll\nabc\nbundle\n\n")]
    [InlineData("plimsoll-gate 1\ncreate\nplimsoll\nabc\n/bundle\nmore\n\n")]
    [InlineData("plimsoll-gate 1\ncreate\nplimsoll\n/bundle\n\n")]
    [InlineData("\n\n")]
    public void Question_OfAnotherForm_IsDeniedByName(string question)
    {
        using GateServer server = Serve(() => Answer.Allow);
        Assert.StartsWith("deny plimsoll: protocol: ", Ask(question), StringComparison.Ordinal);
        Assert.Empty(_asked);
    }

    [Fact]
    public void Question_LongerThanItMayBe_IsDeniedByName()
    {
        // One byte more is never read, and the connection is closed under it.
        const string begin = "plimsoll-gate 1\ncreate\nplimsoll\nabc\n/", end = "\n\n";
        const int most = 16 * 1024;
        using GateServer server = Serve(() => Answer.Allow);
        Assert.Equal("allow\n", Ask(begin + new string('b', most - begin.Length - end.Length) + end));
        Assert.StartsWith("deny plimsoll: protocol: ", Ask(begin + new string('b', most - begin.Length)), StringComparison.Ordinal);
    }

    [Fact]
    public void Question_ThatTakesLong_IsToldToWait()
    {
        using ManualResetEventSlim heard = new();
        using GateServer server = Serve(() => heard.Wait(Patience) ? Answer.Allow : Answer.Deny("late", "nobody waited"));
        using Socket client = Connect();
        client.Send(Encoding.UTF8.GetBytes(Question));
        byte[] said = new byte[5];
        Assert.Equal(said.Length, client.Receive(said));
        Assert.Equal("wait\n", Encoding.UTF8.GetString(said));
        heard.Set();
        Assert.EndsWith("allow\n", ReadToEnd(client), StringComparison.Ordinal);
    }

    [Fact]
    public void Decision_ThatFails_IsARefusalAndTheNextIsAnswered()
    {
        bool fails = true;
        using GateServer server = Serve(() => fails ? throw new InvalidOperationException("broken\nin two lines") : Answer.Allow);
        Assert.Matches(@"^deny plimsoll: agent-failed: [^\n]+\n$", Ask(Question));
        Assert.Contains("InvalidOperationException", Assert.Single(_troubles), StringComparison.Ordinal);
        fails = false;
        Assert.Equal("allow\n", Ask(Question));
    }

    [Fact]
    public void Denial_OfManyLinesAndLong_IsOneLineThatALauncherTakes()
    {
        using GateServer server = Serve(() => Answer.Deny("own-layer", $"one\nallow\n{new string('é', 2000)}"));
        string said = Ask(Question);
        Assert.StartsWith("deny plimsoll: own-layer: one allow éé", said, StringComparison.Ordinal);
        Assert.EndsWith("é…\n", said, StringComparison.Ordinal);
        Assert.Equal(said.Length - 1, said.IndexOf('\n', StringComparison.Ordinal));
        Assert.InRange(Encoding.UTF8.GetByteCount(said), 990, "deny \n".Length + 1000);
    }

    [Fact]
    public void Client_ThatHangsUpOrSaysNothing_CostsOthersNothing()
    {
        using GateServer server = Serve(() => Answer.Allow);
        using Socket silent = Connect();
        using (Socket half = Connect())
            half.Send("plimsoll-gate 1\n"u8);
        Assert.Equal("allow\n", Ask(Question));
    }
}
