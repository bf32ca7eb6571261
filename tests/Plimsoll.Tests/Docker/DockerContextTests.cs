using System.Security.Cryptography;
using System.Text;
using Plimsoll.Docker;
using Plimsoll.Oci;

namespace Plimsoll.Tests.Docker;

public sealed class DockerContextTests : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("plimsoll-context-").FullName;
    private readonly Dictionary<string, string> _environment = [];

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Fact]
    public void Resolve_NothingSet_IsTheLocalSocket() => Assert.Equal("unix:///var/run/docker.sock", Resolve().ToString());

    [Fact]
    public void Resolve_DockerHostUnix_IsThatSocket()
    {
        _environment["DOCKER_HOST"] = "unix:///run/user/1000/docker.sock";
        _environment["DOCKER_CONTEXT"] = "absent";

        Assert.Equal("/run/user/1000/docker.sock", Resolve().SocketPath);
    }

    [Fact]
    public void Resolve_DockerHostTcp_HasTlsOnlyWhenVerified()
    {
        _environment["DOCKER_HOST"] = "tcp://build.example:2375";
        Assert.Null(Resolve().Tls);

        _environment["DOCKER_TLS_VERIFY"] = "1";
        _environment["DOCKER_CERT_PATH"] = _home;
        File.WriteAllText(Path.Combine(_home, "ca.pem"), "");
        DockerEndpoint endpoint = Resolve();

        Assert.Equal("tcp://build.example:2375", endpoint.ToString());
        Assert.Equal(new DockerTls(Path.Combine(_home, "ca.pem"), null, null), endpoint.Tls);
    }

    [Theory]
    [InlineData("tcp://h", "tcp://h:2375")]
    [InlineData("tcp://10.1.2.3:99", "tcp://10.1.2.3:99")]
    public void Resolve_DockerHostWithoutPort_TakesDockersPort(string host, string wanted)
    {
        _environment["DOCKER_HOST"] = host;

        Assert.Equal(wanted, Resolve().ToString());
    }

    [Theory]
    [InlineData("ssh://me@host", ImageError.Unsupported)]
    [InlineData("npipe:////./pipe/docker", ImageError.Unsupported)]
    [InlineData("fd://", ImageError.Unsupported)]
    [InlineData("tcp://", ImageError.Malformed)]
    [InlineData("tcp://h/path", ImageError.Malformed)]
    public void Resolve_OtherAddress_IsNamedInTheError(string host, ImageError error)
    {
        _environment["DOCKER_HOST"] = host;

        ImageException e = Assert.Throws<ImageException>(Resolve);

        Assert.Equal(error, e.Error);
        Assert.Contains("DOCKER_HOST", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_CurrentContextOfTheConfig_IsRead()
    {
        Context("far", """{"Name":"far","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://far.example:2376","SkipTLSVerify":false}}}""", tls: true);
        Config("""{"auths":{},"currentContext":"far"}""");

        DockerEndpoint endpoint = Resolve();

        Assert.Equal("tcp://far.example:2376", endpoint.ToString());
        Assert.EndsWith("ca.pem", endpoint.Tls!.Ca, StringComparison.Ordinal);
        Assert.EndsWith("key.pem", endpoint.Tls.Key, StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_DockerContextVariable_WinsOverTheConfig()
    {
        Config("""{"currentContext":"far"}""");
        _environment["DOCKER_CONTEXT"] = "default";

        Assert.Equal(DockerContext.DefaultSocket, Resolve().SocketPath);
    }

    [Fact]
    public void Resolve_ContextOnASocket_IsThatSocket()
    {
        Context("rootless", """{"Name":"rootless","Endpoints":{"docker":{"Host":"unix:///run/user/1000/docker.sock"}}}""", tls: false);
        _environment["DOCKER_CONTEXT"] = "rootless";

        Assert.Equal("/run/user/1000/docker.sock", Resolve().SocketPath);
    }

    [Theory]
    [InlineData("""{"Endpoints":{"docker":{"Host":"tcp://far.example:2375"}}}""", ImageError.Unsupported)]
    [InlineData("""{"Endpoints":{"docker":{"Host":"tcp://far.example:2376","SkipTLSVerify":true}}}""", ImageError.Unsupported)]
    [InlineData("""{"Endpoints":{"kubernetes":{}}}""", ImageError.Malformed)]
    [InlineData("""{"Endpoints":{"docker":null}}""", ImageError.Malformed)]
    [InlineData("""{"Endpoints":[]}""", ImageError.Malformed)]
    [InlineData("not JSON", ImageError.Malformed)]
    public void Resolve_ContextThatWillNotDo_IsAnError(string meta, ImageError error)
    {
        Context("far", meta, tls: false);
        _environment["DOCKER_CONTEXT"] = "far";

        Assert.Equal(error, Assert.Throws<ImageException>(Resolve).Error);
    }

    [Theory]
    [InlineData("absent")]
    [InlineData("../../../etc")]
    public void Resolve_NoSuchContext_IsNotFound(string name)
    {
        _environment["DOCKER_CONTEXT"] = name;

        Assert.Equal(ImageError.NotFound, Assert.Throws<ImageException>(Resolve).Error);
    }

    private DockerEndpoint Resolve() => DockerContext.Resolve(_environment.GetValueOrDefault, _home);

    private void Config(string json)
    {
        Directory.CreateDirectory(Path.Combine(_home, ".docker"));
        File.WriteAllText(Path.Combine(_home, ".docker", "config.json"), json);
    }

    private void Context(string name, string meta, bool tls)
    {
        string id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
        string folder = Directory.CreateDirectory(Path.Combine(_home, ".docker", "contexts", "meta", id)).FullName;
        File.WriteAllText(Path.Combine(folder, "meta.json"), meta);
        if (!tls)
            return;
        string tlsFolder = Directory.CreateDirectory(Path.Combine(_home, ".docker", "contexts", "tls", id, "docker")).FullName;
        foreach (string file in (string[])["ca.pem", "cert.pem", "key.pem"])
            File.WriteAllText(Path.Combine(tlsFolder, file), "");
    }
}
