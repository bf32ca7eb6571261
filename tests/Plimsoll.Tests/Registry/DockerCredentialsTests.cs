using System.Diagnostics;
using System.Text;
using Plimsoll.Oci;
using Plimsoll.Registry;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Registry;

/// <summary>Where logins are looked for, and programs that keep them.</summary>
public sealed class DockerCredentialsTests : IDisposable
{
    private static readonly string Auth = Convert.ToBase64String("alice:pa:ss"u8);
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private RegistryCredential? Find(string json, string host = "r.io", string repository = "a/b", RegistryLimits? limits = null)
    {
        _folder.Write("docker/config.json", Encoding.UTF8.GetBytes(json));
        return new DockerCredentials(v => v switch { "DOCKER_CONFIG" => _folder["docker"], "PATH" => _folder.Path, _ => null }, limits ?? RegistryLimits.Default).Find(host, repository);
    }

    private void Helper(string name, string script)
    {
        string path = _folder.Write($"docker-credential-{name}", Encoding.UTF8.GetBytes("#!/bin/sh\n" + script + "\n"));
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)0b111_101_101);
    }

    [Theory]
    [InlineData("r.io")]
    [InlineData("https://r.io")]
    [InlineData("https://r.io/v1/")]
    [InlineData("http://R.io/v2/")]
    [InlineData("r.io/a/b")]
    [InlineData("r.io/a")]
    public void Find_Key_IsThatRegistry(string key)
    {
        RegistryCredential found = Find($$"""{"auths":{"other.io":{"auth":"eDp5"},"{{key}}":{"auth":"{{Auth}}"} } }""")!;

        Assert.Equal(("alice", "pa:ss"), (found.User, found.Secret));
        Assert.DoesNotContain("pa:ss", found.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("r.io.evil.example")]
    [InlineData("sub.r.io")]
    [InlineData("r.io:5000")]
    [InlineData("r.io/a/c")]
    [InlineData("io")]
    public void Find_KeyOfAnother_IsNothing(string key) => Assert.Null(Find($$"""{"auths":{"{{key}}":{"auth":"{{Auth}}"} } }"""));

    [Fact]
    public void Find_DockerHub_HasDockersOwnKey() => Assert.Equal("alice", Find($$"""{"auths":{"https://index.docker.io/v1/":{"auth":"{{Auth}}"} } }""", "docker.io")!.User);

    [Fact]
    public void Find_LongestPartOfTheName_Counts() =>
        Assert.Equal("b", Find("""{"auths":{"r.io":{"username":"a","password":"1"},"r.io/a":{"username":"b","password":"2"}}}""")!.User);

    [Theory]
    [InlineData("{")]
    [InlineData("""{"auths":{"r.io":{"auth":"no base64!"}}}""")]
    [InlineData("""{"auths":{"r.io":{"auth":"bm9jb2xvbg=="}}}""")]
    [InlineData("""{"credsStore":"../../bin/sh"}""")]
    public void Find_BrokenFile_IsMalformed(string json) => Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => Find(json)).Error);

    [Theory]
    [InlineData("""{"auths":null,"credHelpers":null}""")]
    [InlineData("""{"auths":{"r.io":null}}""")]
    [InlineData("""{"auths":{"r.io":{}}}""")]
    [InlineData("null")]
    public void Find_NothingInIt_IsNothing(string json) => Assert.Null(Find(json));

    [Theory]
    [InlineData("""{"credsStore":"test"}""")]
    [InlineData("""{"credsStore":"absent","credHelpers":{"r.io":"test"}}""")]
    public void Find_Helper_IsAskedOnItsStandardInput(string json)
    {
        Helper("test", "read server; [ \"$1\" = get ] && echo \"{\\\"ServerURL\\\":\\\"$server\\\",\\\"Username\\\":\\\"$server\\\",\\\"Secret\\\":\\\"x\\\"}\"");

        Assert.Equal("r.io", Find(json)!.User);
        Assert.Equal("https://index.docker.io/v1/", Find("""{"credsStore":"test"}""", "docker.io")!.User);
    }

    [Fact]
    public void Find_HelperWithAnIdentityToken_IsTold()
    {
        Helper("test", "echo '{\"Username\":\"<token>\",\"Secret\":\"refresh\"}'");

        Assert.True(Find("""{"credsStore":"test"}""")!.IsIdentityToken);
    }

    [Fact]
    public void Find_HelperKnowsNone_TheFileIsAsked()
    {
        Helper("test", "echo 'credentials not found in native keychain'; exit 1");

        Assert.Equal("alice", Find($$"""{"credsStore":"test","auths":{"r.io":{"auth":"{{Auth}}"} } }""")!.User);
        Assert.Null(Find("""{"credsStore":"test"}"""));
    }

    [Theory]
    [InlineData("exit 3", "exit code 3")]
    [InlineData("echo junk", "no Username and Secret")]
    [InlineData("echo '{}'", "no Username and Secret")]
    [InlineData("head -c 2000000 /dev/zero | tr '\\0' x", "no Username and Secret")]
    public void Find_HelperFails_IsANamedError(string script, string named)
    {
        Helper("test", $"PATH=/usr/bin:/bin; {script}");

        Assert.Contains(named, Assert.Throws<ImageException>(() => Find("""{"credsStore":"test"}""")).Message, StringComparison.Ordinal);
        Assert.Contains("not in PATH", Assert.Throws<ImageException>(() => Find("""{"credsStore":"absent"}""")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_HelperHangs_IsEnded()
    {
        Helper("test", "PATH=/usr/bin:/bin; sleep 600");
        long start = Stopwatch.GetTimestamp();

        ImageException e = Assert.Throws<ImageException>(() => Find("""{"credsStore":"test"}""", limits: RegistryLimits.Default with { HelperTimeout = TimeSpan.FromSeconds(1) }));

        Assert.Contains("1 s", e.Message, StringComparison.Ordinal);
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void Find_NamedFileAbsent_IsNotFoundAndPodmansComesLast()
    {
        Assert.Equal(ImageError.NotFound, Assert.Throws<ImageException>(() => new DockerCredentials(v => v == "REGISTRY_AUTH_FILE" ? "/nonexistent" : null, RegistryLimits.Default).Find("r.io", "a")).Error);
        _folder.Write("containers/auth.json", Encoding.UTF8.GetBytes($$"""{"auths":{"r.io":{"auth":"{{Auth}}"} } }"""));
        Assert.Equal("alice", new DockerCredentials(v => v switch { "XDG_RUNTIME_DIR" => _folder.Path, "HOME" => "/nonexistent", _ => null }, RegistryLimits.Default).Find("r.io", "a")!.User);
    }
}
