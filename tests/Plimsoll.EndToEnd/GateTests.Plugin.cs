using System.Net.Sockets;
using System.Text;
using Plimsoll.Keys;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

public sealed partial class GateTests
{
    /// <summary>Options of <c>docker run</c> that must not pass, each with the code that says so and beside what comes nearest to it and passes.</summary>
    [Theory]
    [InlineData("--privileged", "process/privileged", "--privileged=false")]
    [InlineData("--cap-add SYS_ADMIN", "process/capability-added", "--cap-add NET_BIND_SERVICE")]
    [InlineData("--security-opt seccomp=unconfined", "process/seccomp-unconfined", "--security-opt no-new-privileges")]
    [InlineData("--pid host", "namespaces/pid-host", "")]
    [InlineData("--ipc host", "namespaces/ipc-host", "--ipc private")]
    [InlineData("--network host", "network/network-host", "--network none")]
    [InlineData("-v /:/host", "mounts/engine-socket", "-v named:/host")]
    [InlineData("-v /var/run/docker.sock:/s", "mounts/engine-socket", "--tmpfs /s")]
    [InlineData("-v /etc:/x", "mounts/sensitive-path", "-v named:/x")]
    [InlineData("--mount type=volume,dst=/x,volume-driver=local,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/etc", "mounts/sensitive-path", "--mount type=volume,dst=/x,volume-driver=local,volume-opt=type=tmpfs,volume-opt=device=tmpfs")]
    [InlineData("--device /dev/null:/dev/x", "devices/device", "")]
    [InlineData("--sysctl kernel.msgmax=65536", "sysctls/sysctl", "--sysctl kernel.shm_rmid_forced=1")]
    [InlineData("-e LD_PRELOAD=/srv/x.so", "process/environment-dangerous", "-e NOTE=/srv/x.so")]
    [InlineData("--entrypoint /bin/ls", "process/entrypoint-changed", "")]
    [InlineData("--cgroup-parent /evil", "cgroup/cgroup-parent", "")]
    [InlineData("--log-driver syslog --log-opt syslog-address=udp://192.0.2.1:514", "logging/log-driver", "--log-driver json-file --log-opt max-size=1m")]
    [InlineData("--runtime runc", "foreign-runtime", "--runtime plimsoll")]
    [InlineData("--runtime io.containerd.runc.v2", "foreign-runtime", "--runtime plimsoll")]
    [InlineData("--memory 0", "resources/no-memory-limit", "--memory 32m")]
    public void Run_OptionThatPolicyForbids_IsRefusedByName(string options, string code, string twin)
    {
        Runs(With(twin));

        Refused(With(options), code);

        // Of two networks the first would be refused or passed.
        Outcome With(string more) => Host.Docker(["run", "--rm", .. more.StartsWith("--network", StringComparison.Ordinal) ? GatedHost.Limits[2..] : GatedHost.Limits, .. more.Split(' ', StringSplitOptions.RemoveEmptyEntries), OptionsImage().Tag]);
    }

    [Fact]
    public void Run_BindThatLeadsOutOfAnAllowedFolder_IsRefused()
    {
        using TempFolder folder = new(), elsewhere = new();
        string data = Directory.CreateDirectory(folder["data"]).FullName, turning = folder["turning"];
        File.CreateSymbolicLink(folder["link"], "/etc");
        File.CreateSymbolicLink(folder["out"], elsewhere.Path);
        File.CreateSymbolicLink(turning, data);
        string up = string.Concat(Enumerable.Repeat("/..", data.Count(c => c == '/')));
        Under(WithStart($$"""
            start:
              rules:
              - names: ["**"]
                mounts: {binds: ["{{folder.Path}}"]}
            """), () =>
        {
            Runs(Host.Start(OptionsImage(), "-v", $"{data}:/x"));
            Refused(Host.Start(OptionsImage(), "-v", $"{folder["link"]}:/x"), "mounts/sensitive-path", $"{folder["link"]} -> /etc");
            Refused(Host.Start(OptionsImage(), "-v", $"{data}{up}/etc:/x"), "mounts/sensitive-path", "-> /etc");
            Refused(Host.Start(OptionsImage(), "-v", $"{folder["out"]}:/x"), "mounts/bind-not-allowed", elsewhere.Path);

            // Turned to somewhere else after the container was created, and back.
            string container = Create(OptionsImage(), "-v", $"{turning}:/x");
            Turn("/etc");
            Refused(Host.Docker("start", "-a", container), "mounts/sensitive-path", $"{turning} -> /etc");
            Turn(data);
            Runs(Host.Docker("start", "-a", container));
        });

        void Turn(string target)
        {
            File.Delete(turning);
            File.CreateSymbolicLink(turning, target);
        }
    }

    [Fact]
    public void Run_RuleForALabel_CoversTheSignedConfigsLabelsAlone()
    {
        SavedImage web = Host.Signed("label-web", Labelled("web-1")), other = Host.Signed("label-db", Labelled("db"));
        Under(WithStart("""
            start:
              rules:
              - labels: {tier: "web*"}
            """), () =>
        {
            Runs(Host.Start(web));
            Refused(Host.Start(other), "rule/no-start-rule");
            Refused(Host.Start(other, "--label", "tier=web-1"), "rule/no-start-rule");
            // Nor does a label of the container take it out of the rule.
            Runs(Host.Start(web, "--label", "tier=db"));
        });

        static string Labelled(string tier) => $$$"""{"Cmd":["/bin/sh","-c","echo it runs"],"Env":["PATH=/bin"],"Labels":{"tier":"{{{tier}}}"}}""";
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
        SavedImage image = Host.Image($"names-{form}");
        Host.Daemon.Load(image.Build());
        string name = form switch { "tag" => image.Tag, "id" => image.Id.ToString(), "short" => image.Id.Hex[..12], _ => image.Id.Hex };

        Refused(Host.Docker(["run", "--rm", .. GatedHost.Limits, name]), "signature/unsigned", image.Id.ToString());
        Host.Sign(image, $"names-{form}");
        Runs(Host.Docker(["run", "--rm", .. GatedHost.Limits, name]));
    }

    /// <summary>Requests that no docker client sends: the same one at the ordinary place makes a container.</summary>
    [Theory]
    [InlineData("/v1.23/containers/create", "api-version")]
    [InlineData("/v1.99/containers/create", "api-version")]
    [InlineData("/v1.41/containers/create?name=a&name=b", "bad-query")]
    [InlineData("/v1.41/containers/create?name=a;name=b", "bad-query")]
    [InlineData("/v1.41/containers//create", "301 Moved")]
    [InlineData("/v1.41/nothing/known", "404 Not Found")]
    public void Create_AtAnOddPlace_IsRefused(string path, string expected)
    {
        string odd = Post(path, Ordinary);

        // What the daemon has no handler for, or sends elsewhere, never comes to the plugin.
        if (char.IsAsciiDigit(expected[0]))
            Assert.StartsWith($"HTTP/1.1 {expected}", odd, StringComparison.Ordinal);
        else
            Forbidden(odd, expected);
        Created(Post("/v1.41/containers/create", Ordinary));
    }

    [Fact]
    public void Create_AtAnEscapedPlace_IsReadAsTheDaemonReadsIt()
    {
        Forbidden(Post("/%63ontainers/%63reate", Ordinary.Replace("\"NetworkMode\"", "\"Privileged\":true,\"NetworkMode\"", StringComparison.Ordinal)), "process/privileged");
        Runs(Host.Docker("start", "-a", Created(Post("/%63ontainers/%63reate", Ordinary))));
    }

    [Theory]
    [InlineData("/v1.41/build", "", "build")]
    [InlineData("/session", "", "build")]
    [InlineData("/grpc", "", "build")]
    [InlineData("/v1.41/commit?container=x", "{}", "commit")]
    [InlineData("/v1.41/swarm/init", "{}", "swarm")]
    [InlineData("/v1.41/plugins/pull?remote=x", "{}", "plugin")]
    public void Request_ForAnOperation_IsTheDaemonsToAnswerOnlyWherePolicyAllowsIt(string path, string body, string operation)
    {
        Forbidden(Post(path, body), "operation", operation == "build" ? "a build runs its steps where no gate sees them" : $"{operation} is not among");

        Under(Allowing(operation), () =>
        {
            string answer = Post(path, body);
            Assert.StartsWith("HTTP/1.1 ", answer, StringComparison.Ordinal);
            Assert.DoesNotContain("HTTP/1.1 403 ", answer, StringComparison.Ordinal);
            Assert.DoesNotContain("plimsoll: ", answer, StringComparison.Ordinal);
        });
    }

    /// <summary>A body that hides what it asks for, beside one of the same form that asks for nothing.</summary>
    [Theory]
    [InlineData("lower-case", "process/privileged")]
    [InlineData("duplicate", "request/duplicate-key")]
    [InlineData("one-byte-less", "process/privileged")]
    [InlineData("large", "body-absent")]
    [InlineData("chunked-without-body", "body-absent")]
    [InlineData("charset", "process/privileged")]
    [InlineData("plain-text", "body-absent")]
    public void Create_BodyThatHidesWhatItAsksFor_IsRefused(string form, string code)
    {
        const string limits = "\"NetworkMode\":\"none\",\"Memory\":67108864,\"NanoCpus\":500000000,\"PidsLimit\":64";
        const int shown = 1 << 20;
        string tag = OptionsImage().Tag, charset = form == "charset" ? "application/json; charset=utf-8" : "application/json";

        Forbidden(form == "chunked-without-body" ? Send("POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            : Post("/v1.41/containers/create", Body(asks: true), form == "plain-text" ? "text/plain" : charset), code);
        Runs(Host.Docker("start", "-a", Created(Post("/v1.41/containers/create", Body(asks: false), charset))));

        string Body(bool asks)
        {
            string asked = $"\"Privileged\":{(asks ? "true" : "false")}";
            return form switch
            {
                "lower-case" => $$$"""{"image":"{{{tag}}}","hostconfig":{{{{limits}}},{{{asked.ToLowerInvariant()}}}}}""",
                "duplicate" => $$$"""{"Image":"{{{tag}}}","HostConfig":{{{{limits}}}}{{{(asks ? ",\"hostConfig\":{\"Privileged\":true}" : "")}}}}""",
                "large" => Filled(asked, asks ? shown : shown - 1),
                "one-byte-less" => Filled(asked, shown - 1),
                _ => $$$"""{"Image":"{{{tag}}}","HostConfig":{{{{limits}}},{{{asked}}}}}""",
            };
        }

        string Filled(string asked, int bytes)
        {
            string body = $$$"""{"Image":"{{{tag}}}","HostConfig":{{{{limits}}},{{{asked}}}},"Labels":{"a":""}}""";
            return body.Insert(body.Length - 3, new string('x', bytes - body.Length));
        }
    }

    private string Ordinary => $$$"""{"Image":"{{{OptionsImage().Tag}}}","HostConfig":{"NetworkMode":"none","Memory":67108864,"NanoCpus":500000000,"PidsLimit":64}}""";

    private static void Forbidden(string answer, string code, params string[] parts)
    {
        Assert.StartsWith("HTTP/1.1 403 ", answer, StringComparison.Ordinal);
        Refused(answer, code, parts);
    }

    /// <summary>The id of the container that was made.</summary>
    private static string Created(string answer)
    {
        Assert.StartsWith("HTTP/1.1 201 ", answer, StringComparison.Ordinal);
        return answer.Split("\"Id\":\"")[1][..64];
    }

    [Fact]
    public void Start_WithAHostConfigOfOldClients_IsRefused()
    {
        string container = Create(OptionsImage());
        const string body = """{"Privileged":true}""";

        Forbidden(Post($"/v1.23/containers/{container}/start", body), "api-version");
        Forbidden(Post($"/v1.41/containers/{container}/start", body), "start-body");
        Runs(Host.Docker("start", "-a", container));
    }

    [Fact]
    public void Callback_HeaderThatIsForged_IsRefused()
    {
        string twin = Send("GET /v1.41/containers/json HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
        string forged = Send($"GET /v1.41/containers/json HTTP/1.1\r\nHost: d\r\nConnection: close\r\nX-Plimsoll-Callback: {new string('0', 64)}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 ", twin, StringComparison.Ordinal);
        Forbidden(forged, "forged-callback");
    }

    [Fact]
    public void Exec_PrivilegedOrLimitsLifted_IsRefusedWhileTheOrdinaryWorks()
    {
        SavedImage image = Host.Signed("exec", """{"Cmd":["/bin/sleep","100"],"Env":["PATH=/bin"]}""");
        string container = Host.Docker(["run", "-d", .. GatedHost.Limits, image.Tag]).Expect(0).Out.Trim();
        try
        {
            Assert.Equal("hello\n", Host.Docker("exec", container, "/bin/echo", "hello").Expect(0).Out);
            Refused(Host.Docker("exec", "--privileged", container, "/bin/echo", "hello"), "operation", "exec-privileged is not among");
            Host.Docker("update", "--pids-limit", "32", container).Expect(0);
            Refused(Host.Docker("update", "--pids-limit", "-1", container), "resources/no-pids-limit");
            Refused(Host.Docker("cp", "/etc/hostname", $"{container}:/srv/x"), "operation", "copy-in is not among");
            Under(Allowing("exec-privileged", "copy-in"), () =>
            {
                // The tests' own host may lack what a privileged process would be given; that it is made is the daemon's answer.
                Created(Post($"/v1.41/containers/{container}/exec", """{"Cmd":["/bin/echo"],"Privileged":true}"""));
                Host.Docker("cp", "/etc/hostname", $"{container}:/srv/x").Expect(0);
            });
            Host.Docker("logs", container).Expect(0);
            Host.Docker("cp", $"{container}:/etc/passwd", "-").Expect(0);
        }
        finally
        {
            Host.Docker("rm", "-f", container).Expect(0);
        }
    }

    private string Post(string path, string body, string type = "application/json") =>
        Send($"POST {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n{(body.Length > 0 ? $"Content-Type: {type}\r\n" : "")}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

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

    [Fact]
    public void Run_ImageTrustedInASandboxAlone_RunsThereAndNowhereElse()
    {
        // Nobody vouches for it; a visitor's measurement says which bytes it is.
        SavedImage image = Host.Image("untrusted", """{"Cmd":["/bin/sh","-c","/bin/busybox dmesg"],"Env":["PATH=/bin"]}"""), other = Host.Image("not-untrusted");
        using ISigner visitor = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
        File.WriteAllText(Path.Combine(Host.State, "visitor.pub"), visitor.PublicKey.ToPem());
        foreach (SavedImage loaded in (ReadOnlySpan<SavedImage>)[image, other])
        {
            Host.Daemon.Load(loaded.Build());
            Host.Sign(loaded, loaded == image ? "untrusted" : "not-untrusted", visitor);
        }
        Under("""
            policy: 1
            name: host
            trust:
              keys: {release: {file: policy.pub}, visitor: {file: visitor.pub}}
              images:
              - {names: ["registry.example/prod/untrusted"], signatures: none, inspection: none, measurement: {keys: [visitor]}}
              - {names: ["registry.example/prod/**"], signatures: {keys: [release], match: any}, inspection: none, measurement: required}
            start:
              rules:
              - names: ["registry.example/prod/untrusted"]
                runtime: {names: [plimsoll-runsc]}
              - names: ["**"]
                runtime: {names: [default, plimsoll, plimsoll-runsc]}
            """, () =>
        {
            Refused(Host.Start(image), "runtime/runtime-not-allowed");
            Assert.Contains("Starting gVisor", Host.Start(image, "--runtime", "plimsoll-runsc").Expect(0).Out, StringComparison.Ordinal);
            // The sandbox makes up for a signature where policy says so, and there alone.
            Refused(Host.Start(other, "--runtime", "plimsoll-runsc"), "signature/unknown-key");
        });
    }
}
