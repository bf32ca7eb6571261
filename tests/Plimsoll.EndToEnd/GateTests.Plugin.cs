using System.Net.Sockets;
using System.Text;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

public sealed partial class GateTests
{
    /// <summary>Options of <c>docker run</c> that must not pass, and the component that says so; each beside the same call without.</summary>
    public static TheoryData<string, string> Options { get; } = new()
    {
        { "--privileged", "process/" },
        { "--cap-add SYS_ADMIN", "process/" },
        { "--security-opt seccomp=unconfined", "process/" },
        { "--pid host", "namespaces/" },
        { "--ipc host", "namespaces/" },
        { "--network host", "n" },
        { "-v /:/host", "mounts/" },
        { "-v /var/run/docker.sock:/s", "mounts/" },
        { "-v /srv/../etc:/x", "mounts/" },
        { "--mount type=volume,dst=/x,volume-driver=local,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/etc", "mounts/" },
        { "--device /dev/null:/dev/x", "devices/" },
        { "--sysctl kernel.msgmax=65536", "sysctl" },
        { "-e LD_PRELOAD=/srv/x.so", "process/" },
        { "--entrypoint /bin/ls", "process/" },
        { "--cgroup-parent /evil", "cgroup" },
        { "--log-driver syslog --log-opt syslog-address=udp://192.0.2.1:514", "logging/" },
        { "--runtime runc", "foreign-runtime" },
        { "--runtime io.containerd.runc.v2", "foreign-runtime" },
        { "--memory 0", "resources/" },
    };

    [Theory]
    [MemberData(nameof(Options))]
    public void Run_OptionThatPolicyForbids_IsRefusedByComponent(string options, string component)
    {
        SavedImage image = OptionsImage();
        Runs(Host.Start(image));

        Refused(Host.Start(image, options.Split(' ')), "plimsoll: ", component);
    }

    private static readonly Lock OptionsGate = new();
    private static SavedImage? _options;

    private SavedImage OptionsImage()
    {
        lock (OptionsGate)
            return _options ??= Host.Signed("options");
    }

    [Theory]
    [InlineData("tag")]
    [InlineData("id")]
    [InlineData("short")]
    [InlineData("bare-id")]
    public void Run_UnsignedImageByEachOfItsNames_IsRefused(string form)
    {
        SavedImage image = Host.Image($"names-{form}"), twin = Host.Signed($"names-{form}-twin");
        Host.Daemon.Load(image.Build());
        string Name(SavedImage i) => form switch { "tag" => i.Tag, "id" => i.Id.ToString(), "short" => i.Id.Hex[..12], _ => i.Id.Hex };

        Runs(Host.Docker(["run", "--rm", .. GatedHost.Limits, Name(twin)]));
        Refused(Host.Docker(["run", "--rm", .. GatedHost.Limits, Name(image)]), "signature/unsigned");
    }

    /// <summary>Requests that no docker client sends.</summary>
    [Theory]
    [InlineData("POST", "/%63ontainers/%63reate", true, "plimsoll: ")]
    [InlineData("POST", "/v1.23/containers/create", true, "api-version")]
    [InlineData("POST", "/v1.99/containers/create", true, "api-version")]
    [InlineData("POST", "/v1.41/containers//create", true, "301 Moved")]
    [InlineData("POST", "/v1.41/containers/create?name=a&name=b", true, "plimsoll: ")]
    [InlineData("POST", "/v1.41/build", false, "plimsoll: ")]
    [InlineData("POST", "/v1.41/commit?container=x", true, "plimsoll: ")]
    [InlineData("POST", "/v1.41/swarm/init", true, "plimsoll: ")]
    [InlineData("POST", "/v1.41/plugins/pull?remote=x", true, "plimsoll: ")]
    [InlineData("POST", "/v1.41/nothing/known", true, "404 Not Found")]
    [InlineData("POST", "/grpc", false, "plimsoll: ")]
    [InlineData("POST", "/session", false, "plimsoll: ")]
    public void Request_OfAnOddForm_IsRefused(string method, string path, bool body, string reason)
    {
        string answer = Send($"{method} {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n{(body ? "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" : "Content-Length: 0\r\n\r\n")}");

        // What the daemon has no handler for, or sends elsewhere, never comes to the plugin.
        Assert.StartsWith(char.IsAsciiDigit(reason[0]) ? $"HTTP/1.1 {reason}" : "HTTP/1.1 403 ", answer, StringComparison.Ordinal);
        if (!char.IsAsciiDigit(reason[0]))
            Assert.Contains(reason, answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("twin", "201 Created")]
    [InlineData("lower-case", "403 Forbidden")]
    [InlineData("duplicate", "duplicate-key")]
    [InlineData("large", "body-absent")]
    [InlineData("chunked-without-body", "403 Forbidden")]
    [InlineData("charset", "403 Forbidden")]
    [InlineData("plain-text", "403 Forbidden")]
    public void Create_BodyThatHidesWhatItAsksFor_IsRefused(string form, string expected)
    {
        SavedImage image = OptionsImage();
        string host = "\"NetworkMode\":\"none\",\"Memory\":67108864,\"NanoCpus\":500000000,\"PidsLimit\":64";
        string body = form switch
        {
            "lower-case" => $$$"""{"image":"{{{image.Tag}}}","hostconfig":{{{{host}}},"privileged":true}}""",
            "duplicate" => $$$"""{"Image":"{{{image.Tag}}}","HostConfig":{{{{host}}}},"hostConfig":{"Privileged":true}}""",
            "large" => $$$"""{"Image":"{{{image.Tag}}}","HostConfig":{{{{host}}},"Privileged":true},"Labels":{"a":"{{{new string('x', 1 << 20)}}}"}}""",
            "charset" or "plain-text" => $$$"""{"Image":"{{{image.Tag}}}","HostConfig":{{{{host}}},"Privileged":true}}""",
            _ => $$$"""{"Image":"{{{image.Tag}}}","HostConfig":{{{{host}}}}}""",
        };
        string type = form switch { "charset" => "application/json; charset=utf-8", "plain-text" => "text/plain", _ => "application/json" };
        string head = $"POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Type: {type}\r\n";

        string answer = Send(form == "chunked-without-body" ? $"{head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" : $"{head}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

        Assert.True(answer.Contains(expected, StringComparison.Ordinal), answer);
    }

    [Fact]
    public void Start_WithAHostConfigOfOldClients_IsRefused()
    {
        string container = Create(OptionsImage());
        const string body = """{"Privileged":true}""";

        string answer = Send($"POST /v1.23/containers/{container}/start HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        string newer = Send($"POST /v1.41/containers/{container}/start HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}");

        Assert.StartsWith("HTTP/1.1 403 ", answer, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 403 ", newer, StringComparison.Ordinal);
        Host.Docker("start", container).Expect(0);
    }

    [Fact]
    public void Callback_HeaderThatIsForged_IsRefused()
    {
        string twin = Send("GET /v1.41/containers/json HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
        string forged = Send($"GET /v1.41/containers/json HTTP/1.1\r\nHost: d\r\nConnection: close\r\nX-Plimsoll-Callback: {new string('0', 64)}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 ", twin, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 403 ", forged, StringComparison.Ordinal);
        Assert.Contains("forged-callback", forged, StringComparison.Ordinal);
    }

    [Fact]
    public void Exec_PrivilegedOrLimitsLifted_IsRefusedWhileTheOrdinaryWorks()
    {
        SavedImage image = Host.Signed("exec", """{"Cmd":["/bin/sleep","100"],"Env":["PATH=/bin"]}""");
        string container = Host.Docker(["run", "-d", .. GatedHost.Limits, image.Tag]).Expect(0).Out.Trim();
        try
        {
            Assert.Equal("hello\n", Host.Docker("exec", container, "/bin/echo", "hello").Expect(0).Out);
            Refused(Host.Docker("exec", "--privileged", container, "/bin/echo", "hello"), "plimsoll: ");
            Host.Docker("update", "--pids-limit", "32", container).Expect(0);
            Refused(Host.Docker("update", "--pids-limit", "-1", container), "resources/");
            Assert.Contains("plimsoll: ", Host.Docker("cp", "/etc/hostname", $"{container}:/srv/x").Error, StringComparison.Ordinal);
            Host.Docker("logs", container).Expect(0);
            Host.Docker("cp", $"{container}:/etc/passwd", "-").Expect(0);
        }
        finally
        {
            Host.Docker("rm", "-f", container).Expect(0);
        }
    }

    /// <summary>Sends bytes to the daemon and reads until it closes.</summary>
    private string Send(string request)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 30_000, SendTimeout = 30_000 };
        socket.Connect(new UnixDomainSocketEndPoint(Host.Daemon.Socket));
        // Written beside: who is refused may get the answer before everything was taken.
        byte[] bytes = Encoding.UTF8.GetBytes(request);
        Thread writer = new(() =>
        {
            try
            {
                for (int sent = 0; sent < bytes.Length;)
                    sent += socket.Send(bytes, sent, Math.Min(64 * 1024, bytes.Length - sent), SocketFlags.None);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // As above.
            }
        });
        writer.Start();
        StringBuilder answer = new();
        byte[] buffer = new byte[64 * 1024];
        try
        {
            for (int got; (got = socket.Receive(buffer)) > 0;)
                answer.Append(Encoding.UTF8.GetString(buffer, 0, got));
        }
        catch (SocketException) when (answer.Length > 0)
        {
            // The daemon closes on what it did not read; its answer is here.
        }
        return answer.ToString();
    }
}
