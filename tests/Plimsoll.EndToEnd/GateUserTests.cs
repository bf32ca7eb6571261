using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>A gated dockerd that listens on a port of this machine with <c>--tlsverify</c>, and clients whose certificates give them names.</summary>
public sealed class NamedClientsHost : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly TestAuthority _authority = new();

    public NamedClientsHost()
    {
        using (TcpListener listener = new(IPAddress.Loopback, 0))
        {
            listener.Start();
            Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }
        string server = Certificate("CN=dockerd");
        Host = GatedHost.Listening("-H", $"tcp://127.0.0.1:{Port}", "--tlsverify", "--tlscacert", $"{server}/ca.pem", "--tlscert", $"{server}/cert.pem", "--tlskey", $"{server}/key.pem");
        Host.Policy("""
            policy: 1
            name: host
            trust:
              keys: {release: {file: policy.pub}}
              images:
              - {names: ["registry.example/prod/**"], signatures: {keys: [release], match: any}, inspection: none, measurement: required}
            start:
              engine:
                allow: [attach, exec, load, manage, network, read, remove, tag]
                builders: ["deploy*"]
              rules:
              - names: ["registry.example/prod/users-*"]
                users: ["deploy*"]
                process: {capabilities: [SYS_TIME]}
              - names: ["registry.example/prod/users-everybody"]
            """);
    }

    public GatedHost Host { get; }

    public int Port { get; }

    /// <summary>A folder with a certificate of this subject, its key, and the daemon's authority.</summary>
    /// <param name="issuer">The daemon's own where none is given.</param>
    public string Certificate(string subject, TestAuthority? issuer = null)
    {
        string folder = _folder[Guid.NewGuid().ToString("N")];
        Directory.CreateDirectory(folder);
        using X509Certificate2 certificate = (issuer ?? _authority).Issue(subject);
        File.WriteAllText(Path.Combine(folder, "ca.pem"), _authority.Pem);
        File.WriteAllText(Path.Combine(folder, "cert.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, "key.pem"), TestAuthority.KeyPem(certificate));
        return folder;
    }

    /// <param name="certificate">Of <see cref="Certificate"/>.</param>
    internal Outcome Docker(string certificate, params string[] arguments) =>
        new Call(null, ["-H", $"tcp://127.0.0.1:{Port}", "--tlsverify", "--tlscacert", $"{certificate}/ca.pem", "--tlscert", $"{certificate}/cert.pem", "--tlskey", $"{certificate}/key.pem", .. arguments]) { Program = "docker" }
            .With("HOME", _folder[""]).With("DOCKER_BUILDKIT", "0").Run();

    public void Dispose()
    {
        Host.Dispose();
        _authority.Dispose();
        _folder.Dispose();
    }
}

/// <summary>What policy lets one client do, another may not, and nobody may by saying that he is the one.</summary>
[Trait("needs", "host")]
public sealed class GateUserTests(NamedClientsHost named) : IClassFixture<NamedClientsHost>
{
    private GatedHost Host => named.Host;

    private static void Refused(Outcome outcome, params string[] parts)
    {
        Assert.True(outcome.Code != 0, $"it was done: {outcome.Out}");
        foreach (string part in parts)
            Assert.True(outcome.Error.Contains(part, StringComparison.Ordinal), $"wanted {part} in: {outcome.Error}");
    }

    private static string[] Run(SavedImage image) => ["run", "--rm", .. GatedHost.Limits, "--cap-add", "SYS_TIME", image.Tag];

    private static void Runs(Outcome outcome) => Assert.Equal("it runs\n", outcome.Expect(0).Out);

    private string[] Users(string kind, string endpoint) =>
        [.. Host.Log(kind).Where(l => GatedHost.Field(l, "uri").Contains(endpoint, StringComparison.Ordinal)).Select(l => GatedHost.Field(l, "user")).Distinct()];

    /// <summary>Names that are not the one, however alike.</summary>
    [Theory]
    [InlineData("CN=reader")]
    [InlineData("CN=Deploy-1")]
    [InlineData("CN=x-deploy-1")]
    [InlineData("OU=deploy-1, CN=reader")]
    [InlineData("OU=deploy-1")]
    public void Run_AsAClientOfAnotherName_IsRefused(string subject)
    {
        SavedImage everybody = Host.Signed("users-everybody"), only = Host.Signed("users-only");
        string deploy = named.Certificate("CN=deploy-1"), other = named.Certificate(subject);

        Runs(named.Docker(deploy, Run(everybody)));
        Runs(named.Docker(deploy, Run(only)));
        Assert.Contains("deploy-1", Users("request-allowed", "/containers/create"));

        Refused(named.Docker(other, Run(everybody)), "process/capability-added", "rules[1]");
        Refused(named.Docker(other, Run(only)), "rule/no-start-rule");
        // What everybody may, this client may too.
        Runs(named.Docker(other, ["run", "--rm", .. GatedHost.Limits, everybody.Tag]));
    }

    [Fact]
    public void Run_OverTheUnixSocket_HasNoName()
    {
        SavedImage everybody = Host.Signed("users-everybody"), only = Host.Signed("users-only");
        string deploy = named.Certificate("CN=deploy-1");

        Refused(Host.Docker(Run(everybody)), "process/capability-added");
        Refused(Host.Docker(Run(only)), "rule/no-start-rule");
        Assert.Contains("", Users("request-refused", "/containers/create"));
        Runs(named.Docker(deploy, Run(only)));
    }

    [Fact]
    public void Start_OfWhatAnotherClientMade_IsJudgedByWhoStarts()
    {
        SavedImage only = Host.Signed("users-only");
        string deploy = named.Certificate("CN=deploy-1"), reader = named.Certificate("CN=reader");
        string made = named.Docker(deploy, ["create", .. GatedHost.Limits, "--cap-add", "SYS_TIME", only.Tag]).Expect(0).Out.Trim();

        Refused(named.Docker(reader, "start", "-a", made), "rule/no-start-rule");
        Refused(Host.Docker("start", "-a", made), "rule/no-start-rule");
        Runs(named.Docker(deploy, "start", "-a", made));
        Host.Docker("rm", made).Expect(0);
    }

    [Fact]
    public void Build_AsAClientOfAnotherName_IsRefused()
    {
        using TempFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nCOPY page /page\n"u8.ToArray());
        context.Write("page", "built"u8.ToArray());
        string deploy = named.Certificate("CN=deploy-1"), reader = named.Certificate("CN=reader");

        Refused(named.Docker(reader, "build", context[""]), "plimsoll: operation:", "\"reader\"", "start.engine.builders");
        Refused(new Call(null, "-H", $"unix://{Host.Daemon.Socket}", "build", context[""]) { Program = "docker" }.With("DOCKER_BUILDKIT", "0").With("HOME", context[""]).Run(), "plimsoll: operation:", "start.engine.builders");
        Assert.Contains("Successfully built", named.Docker(deploy, "build", context[""]).Expect(0).Out, StringComparison.Ordinal);
        Assert.Equal(["reader", ""], Users("request-refused", "/build"));
        Assert.Equal(["deploy-1"], Users("request-allowed", "/build"));
    }

    [Fact]
    public void Build_Image_IsMeasuredBeforeAnybodyStartsIt()
    {
        using TempFolder context = new();
        context.Write("Dockerfile", "FROM scratch\nCOPY page /page\n"u8.ToArray());
        context.Write("page", "measured when it was built"u8.ToArray());
        Host.StopAgent();
        Host.StartAgentAgain("--measure-every", "3600");
        try
        {
            Assert.Equal(0, Host.LayersRead);
            named.Docker(named.Certificate("CN=deploy-1"), "build", context[""]).Expect(0);
            GatedHost.Await(() => Host.LayersRead == 1, () => $"{Host.LayersRead} layers were read");
        }
        finally
        {
            Host.StopAgent();
            Host.StartAgentAgain();
        }
    }

    [Fact]
    public void Certificate_OfAnotherAuthorityWithTheName_IsNoClient()
    {
        using TestAuthority other = new("CN=another authority");
        SavedImage only = Host.Signed("users-only");

        Refused(named.Docker(named.Certificate("CN=deploy-1", other), Run(only)), "tls: ");
        Runs(named.Docker(named.Certificate("CN=deploy-1"), Run(only)));
    }

    /// <summary>Headers in which proxies and others carry names.</summary>
    [Theory]
    [InlineData("User: deploy-1")]
    [InlineData("RequestUser: deploy-1\r\nUserAuthNMethod: TLS")]
    [InlineData("X-Forwarded-User: deploy-1\r\nX-Remote-User: deploy-1")]
    [InlineData("X-SSL-Client-CN: deploy-1\r\nX-Forwarded-Client-Cert: Subject=\"CN=deploy-1\"")]
    [InlineData("Authorization: Basic ZGVwbG95LTE6eA==")]
    [InlineData("From: deploy-1\r\nX-Registry-Auth: eyJ1c2VybmFtZSI6ImRlcGxveS0xIn0=")]
    public void Create_WithANameInAHeader_IsRefused(string header)
    {
        SavedImage only = Host.Signed("users-only");
        string body = $$$"""{"Image":"{{{only.Tag}}}","HostConfig":{"NetworkMode":"none","Memory":67108864,"NanoCpus":500000000,"PidsLimit":64,"CapAdd":["SYS_TIME"]}}""";
        string Asked(string more) => $"POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Type: application/json\r\n{more}Content-Length: {body.Length}\r\n\r\n{body}";

        foreach (string answer in (string[])[Send(Asked($"{header}\r\n"), null), Send(Asked($"{header}\r\n"), named.Certificate("CN=reader"))])
        {
            Assert.StartsWith("HTTP/1.1 403 ", answer, StringComparison.Ordinal);
            Assert.Contains("plimsoll: rule/no-start-rule: ", answer, StringComparison.Ordinal);
        }
        Assert.StartsWith("HTTP/1.1 201 ", Send(Asked(""), named.Certificate("CN=deploy-1")), StringComparison.Ordinal);
    }

    /// <summary>Sends bytes to the daemon and reads until it closes.</summary>
    /// <param name="certificate">Null for the unix socket.</param>
    private string Send(string request, string? certificate)
    {
        using Socket socket = certificate is null ? new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) : new(SocketType.Stream, ProtocolType.Tcp);
        if (certificate is null)
            socket.Connect(new UnixDomainSocketEndPoint(Host.Daemon.Socket));
        else
            socket.Connect(IPAddress.Loopback, named.Port);
        using Stream stream = certificate is null ? new NetworkStream(socket) : Tls(new NetworkStream(socket), certificate);
        stream.ReadTimeout = 30_000;
        stream.Write(Encoding.UTF8.GetBytes(request));
        using MemoryStream answer = new();
        stream.CopyTo(answer);
        return Encoding.UTF8.GetString(answer.ToArray());
    }

    private static SslStream Tls(NetworkStream stream, string certificate)
    {
        using X509Certificate2 own = X509Certificate2.CreateFromPemFile($"{certificate}/cert.pem", $"{certificate}/key.pem");
        X509ChainPolicy believed = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        believed.CustomTrustStore.ImportFromPemFile($"{certificate}/ca.pem");
        SslStream tls = new(stream);
        tls.AuthenticateAsClient(new SslClientAuthenticationOptions { TargetHost = "127.0.0.1", CertificateChainPolicy = believed, ClientCertificateContext = SslStreamCertificateContext.Create(own, null) });
        return tls;
    }
}
