using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>A daemon that is reached over TLS and asks for a certificate itself, as <c>dockerd --tlsverify</c> does.</summary>
[Trait("needs", "host")]
public sealed class DockerTlsTests(TlsDocker docker, SmallDatabase database) : IClassFixture<TlsDocker>, IDisposable
{
    private readonly TempFolder _home = new();

    public void Dispose() => _home.Dispose();

    private Call Scan(string host, string? certificates) =>
        database.Call(_home, "scan", "--json", $"docker:{TlsDocker.Tag}").With("DOCKER_HOST", $"tcp://{host}:{docker.Port}").With("DOCKER_TLS_VERIFY", certificates is null ? null : "1").With("DOCKER_CERT_PATH", certificates);

    [Fact]
    public void Scan_BothSidesBelieveEachOther_IsThatOfTheImage()
    {
        Outcome outcome = Scan("127.0.0.1", docker.Certificates()).Run().Expect(0);

        Assert.Equal([SmallDatabase.Flaw], outcome.Report.Flaws());
        Assert.True((bool)outcome.Report["verified"]!);
        Assert.Empty(outcome.Report["gaps"]!.AsArray());
    }

    [Fact]
    public void Scan_CertificateOfAnotherAuthority_IsANamedError()
    {
        using TestAuthority other = new("CN=another authority");

        Refused(Scan("127.0.0.1", docker.Certificates(ca: other)), "no TLS connection", "certificate");
    }

    [Fact]
    public void Scan_AddressThatTheCertificateDoesNotName_IsANamedError() =>
        Refused(Scan("localhost", docker.Certificates()), "no TLS connection", "RemoteCertificateNameMismatch");

    [Fact]
    public void Scan_WithoutAClientCertificate_IsANamedError() =>
        Refused(Scan("127.0.0.1", docker.Certificates(withClient: false)), "no TLS connection", "certificate");

    [Fact]
    public void Scan_ClientCertificateOfAnotherAuthority_IsANamedError()
    {
        using TestAuthority other = new("CN=another authority");

        Refused(Scan("127.0.0.1", docker.Certificates(client: other)), "no TLS connection", "certificate");
    }

    [Fact]
    public void Scan_KeyThatIsNotTheCertificates_IsANamedError()
    {
        string folder = docker.Certificates();
        File.WriteAllText(Path.Combine(folder, "key.pem"), "no key");

        Refused(Scan("127.0.0.1", folder), "TLS material");
    }

    [Fact]
    public void Scan_WithoutTls_IsANamedError() => Refused(Scan("127.0.0.1", null), "HTTPS");

    private static void Refused(Call call, params string[] parts)
    {
        Outcome outcome = call.Run().Expect(3);
        outcome.ExpectError(parts);
        outcome.ExpectNoCleanBill();
    }
}

/// <summary>A Docker daemon that listens on a port of this machine with <c>--tlsverify</c>.</summary>
public sealed class TlsDocker : IDisposable
{
    public const string Tag = "plimsoll/tls:1";

    private readonly TempFolder _folder = new();
    private readonly TestAuthority _authority = new();
    private readonly TestDocker _docker;
    private int _folders;

    public TlsDocker()
    {
        using (TcpListener listener = new(IPAddress.Loopback, 0))
        {
            listener.Start();
            Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }
        string server = Write("server", _authority.Pem, _authority);
        _docker = TestDocker.In(TestDocker.NewFolder(), "-H", $"tcp://127.0.0.1:{Port}", "--tlsverify", "--tlscacert", Path.Combine(server, "ca.pem"), "--tlscert", Path.Combine(server, "cert.pem"), "--tlskey", Path.Combine(server, "key.pem"));
        _docker.Load(ImageBuilder.Tar(SmallDatabase.Image().ArchiveFiles(Tag)));
    }

    public int Port { get; }

    /// <summary>A folder for DOCKER_CERT_PATH; the daemon's own authority stands for what is not given.</summary>
    /// <param name="ca">Whom the client believes.</param>
    /// <param name="client">Who vouches for the client.</param>
    public string Certificates(TestAuthority? ca = null, TestAuthority? client = null, bool withClient = true) =>
        Write($"client{Interlocked.Increment(ref _folders)}", (ca ?? _authority).Pem, withClient ? client ?? _authority : null);

    private string Write(string name, string ca, TestAuthority? issuer)
    {
        string folder = Directory.CreateDirectory(_folder[name]).FullName;
        File.WriteAllText(Path.Combine(folder, "ca.pem"), ca);
        if (issuer is not null)
        {
            using X509Certificate2 certificate = issuer.Issue($"CN={name}");
            File.WriteAllText(Path.Combine(folder, "cert.pem"), certificate.ExportCertificatePem());
            File.WriteAllText(Path.Combine(folder, "key.pem"), TestAuthority.KeyPem(certificate));
        }
        return folder;
    }

    public void Dispose()
    {
        _docker.Dispose();
        _authority.Dispose();
        _folder.Dispose();
    }
}
