using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Plimsoll.Oci;
using Plimsoll.TestKit;
using static Plimsoll.Tests.Registry.RegistryFixture;

namespace Plimsoll.Tests.Registry;

/// <summary>Authorities of one's own, certificates of both sides, and what is never done without TLS.</summary>
public sealed class RegistryTlsTests : IDisposable
{
    private readonly FakeRepository _repository = new(RegistryFixture.Image);
    private readonly TempFolder _folder = new();
    private readonly TestAuthority _authority = new();
    private readonly X509Certificate2 _server;
    private readonly string _caFile;

    public RegistryTlsTests()
    {
        _server = _authority.Issue("CN=server");
        _caFile = _folder.Write("ca.pem", System.Text.Encoding.ASCII.GetBytes(_authority.Pem));
    }

    public void Dispose()
    {
        _folder.Dispose();
        _authority.Dispose();
        _server.Dispose();
    }

    private FakeRegistry Serve(X509Certificate2? client = null, Func<FakeRequest, byte[]?>? first = null) => new(_repository, first, new SslServerAuthenticationOptions
    {
        ServerCertificate = _server,
        ClientCertificateRequired = client is not null,
        RemoteCertificateValidationCallback = (_, shown, _, _) => client is null || shown?.GetCertHashString() == client.GetCertHashString(),
    });

    private ImageOptions Folders(Action<string>? fill = null, FakeRegistry? registry = null)
    {
        if (fill is not null)
        {
            Directory.CreateDirectory(Path.Combine(_folder["certs.d"], registry!.Host));
            fill(Path.Combine(_folder["certs.d"], registry.Host));
        }
        return new ImageOptions { Environment = Nothing, Registry = new RegistryOptions { Limits = Quick, CertificateFolders = [_folder["nothing"], _folder["certs.d"]] } };
    }

    [Fact]
    public void OwnAuthority_InFolderOrFile_IsBelieved()
    {
        using FakeRegistry registry = Serve();

        Assert.Equal(2, Read(registry, Folders(f => File.Copy(_caFile, Path.Combine(f, "ca.crt")), registry)).Layers.Count);
        ImageOptions file = Options();
        Assert.Equal(2, Read(registry, file with { Registry = file.Registry with { CaFile = _caFile } }).Layers.Count);
    }

    [Fact]
    public void UnknownAuthority_OrNoTls_IsRefusedWithTheWayOn()
    {
        using FakeRegistry registry = Serve();
        ImageException e = Fails(registry, Folders());
        Assert.Equal(ImageError.PeerFailed, e.Error);
        Assert.Contains($"/etc/docker/certs.d/{registry.Host}/ca.crt", e.Hint, StringComparison.Ordinal);
        Assert.Empty(registry.Requests);

        // The loopback address is no exception.
        using FakeRegistry plain = new(_repository);
        Assert.Contains($"--registry-http {plain.Host}", Fails(plain, Folders()).Hint, StringComparison.Ordinal);
        Assert.Empty(plain.Requests);
    }

    [Fact]
    public void OtherAuthorityOfTheFolder_IsTheOnlyOneBelieved()
    {
        using FakeRegistry registry = Serve();
        using TestAuthority other = new("CN=other");
        ImageOptions options = Folders(f => File.WriteAllText(Path.Combine(f, "ca.crt"), other.Pem), registry);

        Assert.Equal(ImageError.PeerFailed, Fails(registry, options with { Registry = options.Registry with { CaFile = _caFile } }).Error);
    }

    [Fact]
    public void CertificateOfAnotherHost_IsRefused()
    {
        using X509Certificate2 wrong = _authority.Issue("CN=server", "127.0.0.2");
        using FakeRegistry registry = new(_repository, null, new SslServerAuthenticationOptions { ServerCertificate = wrong });

        Assert.Equal(ImageError.PeerFailed, Fails(registry, Folders(f => File.Copy(_caFile, Path.Combine(f, "ca.crt")), registry)).Error);
        Assert.Empty(registry.Requests);
    }

    [Fact]
    public void ClientCertificate_OfTheFolder_IsShownToThatRegistryOnly()
    {
        using X509Certificate2 client = _authority.Issue("CN=client");
        using FakeRegistry registry = Serve(client);
        using FakeRegistry other = Serve(client);
        ImageOptions options = Folders(f =>
        {
            File.Copy(_caFile, Path.Combine(f, "ca.crt"));
            File.WriteAllText(Path.Combine(f, "client.cert"), client.ExportCertificatePem());
            File.WriteAllText(Path.Combine(f, "client.key"), TestAuthority.KeyPem(client));
        }, registry);

        Assert.Equal(2, Read(registry, options).Layers.Count);
        Assert.True(Fails(other, options with { Registry = options.Registry with { CaFile = _caFile } }).Error is ImageError.PeerFailed or ImageError.Truncated);
        Assert.Empty(other.Requests);
    }

    [Theory]
    [InlineData("ca.crt", "no certificate")]
    [InlineData("client.cert", "client.key")]
    public void BrokenFiles_AreNamed(string file, string named)
    {
        using FakeRegistry registry = Serve();

        ImageException e = Fails(registry, Folders(f => File.WriteAllText(Path.Combine(f, file), "junk"), registry));

        Assert.Equal(ImageError.Malformed, e.Error);
        Assert.Contains(named, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Redirect_FromTlsToNone_IsRefused()
    {
        using FakeRegistry plain = new(_repository);
        using FakeRegistry registry = Serve(first: r => FakeRegistry.Answer(302, "", $"Location: http://{plain.Host}{r.Target}"));
        ImageOptions options = Folders(f => File.Copy(_caFile, Path.Combine(f, "ca.crt")), registry);

        Assert.Contains("no TLS", Fails(registry, options).Message, StringComparison.Ordinal);
        Assert.Empty(plain.Requests);
    }

    [Fact]
    public void Proxy_TunnelsTls_AndEachSideSeesItsOwnCredentialsOnly()
    {
        using X509Certificate2 server = _authority.Issue("CN=registry.test", "registry.test");
        string login = "Basic " + Convert.ToBase64String("alice:s3cret"u8);
        using FakeRegistry registry = new(_repository, r => r.Header("authorization") == login ? null : FakeRegistry.Answer(401, "", "WWW-Authenticate: Basic realm=\"x\""),
            new SslServerAuthenticationOptions { ServerCertificate = server });
        using FakeRegistry proxy = new(async (request, stream, stop) =>
        {
            if (request.Header("proxy-authorization") is null)
            {
                await stream.WriteAsync(FakeRegistry.Answer(407, "", "Proxy-Authenticate: Basic realm=\"p\""), stop);
                return;
            }
            using System.Net.Sockets.TcpClient onward = new();
            await onward.ConnectAsync(System.Net.IPEndPoint.Parse(registry.Host), stop);
            await stream.WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray(), stop);
            Task there = stream.CopyToAsync(onward.GetStream(), stop);
            await onward.GetStream().CopyToAsync(stream, stop);
            await Task.WhenAny(there, Task.Delay(100, stop));
        });
        ImageOptions options = Options() with { Environment = v => v switch { "HTTPS_PROXY" => $"http://u:pw@{proxy.Host}", "DOCKER_AUTH_CONFIG" => Login("registry.test"), _ => Nothing(v) } };
        options = options with { Registry = options.Registry with { CaFile = _caFile } };
        using Image image = Plimsoll.Sources.ImageSource.Open("registry:registry.test/a/b:1", options, TestContext.Current.CancellationToken);
        RecordingVisitor visitor = new();
        image.ReadLayers(visitor, 1, TestContext.Current.CancellationToken);

        Assert.Equal(2, visitor.Layers.Count);
        Assert.All(registry.Requests, r => Assert.Null(r.Header("proxy-authorization")));
        Assert.All(proxy.Requests, r => Assert.Equal("CONNECT registry.test:443", $"{r.Method} {r.Target}"));
        Assert.All(proxy.Requests, r => Assert.Null(r.Header("authorization")));
    }
}
