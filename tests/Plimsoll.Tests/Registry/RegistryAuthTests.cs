using System.Text;
using Plimsoll.Oci;
using Plimsoll.Registry;
using Plimsoll.TestKit;
using static Plimsoll.Tests.Registry.RegistryFixture;

namespace Plimsoll.Tests.Registry;

/// <summary>Who gets credentials, and above all who does not.</summary>
public sealed class RegistryAuthTests
{
    private const string Secret = "s3cret";
    private readonly FakeRepository _repository = new(RegistryFixture.Image);

    private static string Basic(string user = "alice", string password = Secret) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));

    [Fact]
    public void Basic_Login_IsSentOnceAskedFor()
    {
        using FakeRegistry registry = new(_repository, r => r.Header("authorization") == Basic() ? null : FakeRegistry.Answer(401, "", "WWW-Authenticate: Basic realm=\"x\""));

        Assert.Equal(2, Read(registry, For(registry).WithLogin(Login(registry.Host))).Layers.Count);
        Assert.Null(registry.Requests[0].Header("authorization"));
        Assert.Equal(5, registry.Requests.Count);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("wrong")]
    public void Basic_NoOrWrongLogin_IsAccessDeniedAndShowsNoPassword(string? password)
    {
        using FakeRegistry registry = new(_repository, r => r.Header("authorization") == Basic() ? null : FakeRegistry.Answer(401, "", "WWW-Authenticate: Basic realm=\"x\""));
        ImageOptions options = For(registry);

        ImageException e = Fails(registry, password is null ? options : options.WithLogin(Login(registry.Host, password: "wrong")));

        Assert.Equal(ImageError.AccessDenied, e.Error);
        Assert.Contains("docker login", e.Hint, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong", e.ToString(), StringComparison.Ordinal);
        Assert.True(registry.Requests.Count <= 2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Bearer_TokenOfTheSameHost_IsFetchedOnceAndUsed(bool login)
    {
        FakeRegistry? self = null;
        using FakeRegistry registry = new(_repository, r => r.Path == "/token" ? FakeRegistry.Answer(200, """{"token":"T0KEN","expires_in":60}""")
            : r.Header("authorization") == "Bearer T0KEN" ? null
            : FakeRegistry.Answer(401, "", $"WWW-Authenticate: Bearer realm=\"http://{self!.Host}/token?x=1\",service=\"a \\\"service\\\"\",scope=\"repository:other/secret:pull,push\""));
        self = registry;

        Assert.Equal(2, Read(registry, login ? For(registry).WithLogin(Login(registry.Host)) : null).Layers.Count);

        FakeRequest asked = Assert.Single(registry.Of("/token"));
        Assert.Equal(login ? Basic() : null, asked.Header("authorization"));
        Assert.Contains("x=1&service=a%20%22service%22&scope=repository%3Aa%2Fb%3Apull", asked.Target, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", asked.Target, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Bearer_RealmElsewhere_GetsNothingUnlessConfigured(bool configured)
    {
        using FakeRegistry elsewhere = new(_repository, _ => FakeRegistry.Answer(200, """{"access_token":"T0KEN"}"""));
        using FakeRegistry registry = new(_repository, r => r.Header("authorization") == "Bearer T0KEN" ? null : FakeRegistry.Answer(401, "", $"WWW-Authenticate: Bearer realm=\"http://{elsewhere.Host}/token\",service=\"s\""));
        ImageOptions options = For(registry).WithLogin(Login(registry.Host));

        if (configured)
        {
            Read(registry, options with { Registry = options.Registry with { TokenRealms = [new RegistryPair(registry.Host, elsewhere.Host)] } });
            Assert.Equal(Basic(), Assert.Single(elsewhere.Requests).Header("authorization"));
            return;
        }
        ImageException e = Fails(registry, options);
        Assert.Equal(ImageError.AccessDenied, e.Error);
        Assert.Contains($"--registry-realm {registry.Host}={elsewhere.Host}", e.Hint, StringComparison.Ordinal);
        Assert.Empty(elsewhere.Requests);
    }

    [Theory]
    [InlineData("docker.io", "https://auth.docker.io/token", true)]
    [InlineData("docker.io", "https://auth.docker.io:444/token", false)]
    [InlineData("docker.io", "https://auth.docker.io.evil.example/token", false)]
    [InlineData("ghcr.io", "https://auth.docker.io/token", false)]
    [InlineData("r.example", "http://r.example/token", false)]
    [InlineData("r.example", "https://user@r.example/token", false)]
    [InlineData("r.example", "https://r.example:5000/token", false)]
    [InlineData("r.example", "ftp://r.example/token", false)]
    [InlineData("r.example", "/token", false)]
    public void Renew_Realm_IsTheRegistrysOwnOrAWellKnownPair(string host, string realm, bool allowed)
    {
        // A proxy that nobody listens at: what is allowed fails there, and nothing leaves this machine.
        using Plimsoll.Posix.OwnRights rights = new();
        RegistryOptions options = new() { Limits = Quick, CertificateFolders = [] };
        using RegistryTransport transport = new(options, v => v == "HTTPS_PROXY" ? "http://127.0.0.1:9" : null, rights);
        RegistryAuth auth = new(host, "a/b", transport, () => null, options, TimeProvider.System);
        using HttpResponseMessage refused = new(System.Net.HttpStatusCode.Unauthorized);
        refused.Headers.TryAddWithoutValidation("WWW-Authenticate", $"Bearer realm=\"{realm}\"");

        Exception e = Assert.ThrowsAny<Exception>(() => auth.Renew(refused, new Uri(host == "docker.io" ? "https://registry-1.docker.io/" : $"https://{host}/"), null, TestContext.Current.CancellationToken));

        Assert.Equal(allowed, e is TransientException or ImageException { Error: ImageError.PeerFailed });
        Assert.Equal(!allowed, e is ImageException { Error: ImageError.AccessDenied });
    }

    [Fact]
    public void Bearer_TokenAlwaysRefused_EndsAfterTwo()
    {
        FakeRegistry? self = null;
        int tokens = 0;
        using FakeRegistry registry = new(_repository, r => r.Path == "/token" ? FakeRegistry.Answer(200, $$"""{"token":"T{{tokens++}}"}""")
            : FakeRegistry.Answer(401, "", $"WWW-Authenticate: Bearer realm=\"http://{self!.Host}/token\""));
        self = registry;

        Assert.Equal(ImageError.AccessDenied, Fails(registry).Error);
        Assert.InRange(registry.Requests.Count, 3, 6);
    }

    [Fact]
    public void Bearer_TokenExpiresBetweenLayers_IsRenewed()
    {
        FakeRegistry? self = null;
        int tokens = 0, uses = 0;
        using FakeRegistry registry = new(_repository, r =>
        {
            if (r.Path == "/token")
                return FakeRegistry.Answer(200, $$"""{"token":"T{{++tokens}}"}""");
            // Each token is good for two answers.
            if (r.Header("authorization") == $"Bearer T{tokens}" && ++uses % 3 != 0)
                return null;
            return FakeRegistry.Answer(401, "", $"WWW-Authenticate: Bearer realm=\"http://{self!.Host}/token\"");
        });
        self = registry;
        RecordingVisitor visitor = new();
        using Image image = Open(registry, For(registry));
        image.ReadLayers(visitor, 1, TestContext.Current.CancellationToken);

        Assert.Equal(2, visitor.Layers.Count);
        Assert.Equal(2, tokens);
    }

    [Fact]
    public void Bearer_IdentityToken_IsPostedAndNeverInAnAddress()
    {
        FakeRegistry? self = null;
        using FakeRegistry registry = new(_repository, r => r.Path == "/token" ? FakeRegistry.Answer(200, """{"access_token":"T0KEN"}""")
            : r.Header("authorization") == "Bearer T0KEN" ? null
            : FakeRegistry.Answer(401, "", $"WWW-Authenticate: Bearer realm=\"http://{self!.Host}/token\",service=\"s\""));
        self = registry;

        Read(registry, For(registry).WithLogin($$"""{"auths":{"{{registry.Host}}":{"identitytoken":"refresh/me"} } }"""));

        FakeRequest asked = Assert.Single(registry.Of("/token"));
        Assert.Equal("POST", asked.Method);
        Assert.Contains("grant_type=refresh_token", asked.Body, StringComparison.Ordinal);
        Assert.Contains("refresh_token=refresh%2Fme", asked.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("refresh", asked.Target, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("401", "", ImageError.AccessDenied)]
    [InlineData("302", "", ImageError.PeerFailed)]
    [InlineData("200", "{}", ImageError.PeerFailed)]
    [InlineData("200", "{\"token\":\"a\\r\\nX: y\"}", ImageError.PeerFailed)]
    [InlineData("200", "[", ImageError.PeerFailed)]
    [InlineData("200", "long", ImageError.LimitExceeded)]
    public void Bearer_TokenServerAnswersWrongly_IsANamedError(string status, string body, ImageError error)
    {
        FakeRegistry? self = null;
        using FakeRegistry registry = new(_repository, r => r.Path == "/token"
            ? FakeRegistry.Answer(int.Parse(status), body == "long" ? $$"""{"token":"{{new string('t', Quick.MaxTokenBytes)}}"}""" : body, "Location: http://127.0.0.1:9/")
            : FakeRegistry.Answer(401, "", $"WWW-Authenticate: Bearer realm=\"http://{self!.Host}/token\""));
        self = registry;

        Assert.Equal(error, Fails(registry).Error);
    }

    [Fact]
    public void Redirect_ToAnotherHost_LosesCredentials()
    {
        using FakeRegistry store = new(_repository);
        using FakeRegistry registry = new(_repository, r => r.Header("authorization") != Basic() ? FakeRegistry.Answer(401, "", "WWW-Authenticate: Basic realm=\"x\"")
            : r.Target.Contains("/blobs/", StringComparison.Ordinal) ? FakeRegistry.Answer(307, "", $"Location: http://{store.Host}{r.Target}?signed=1") : null);

        Assert.Equal(2, Read(registry, For(registry).WithLogin(Login(registry.Host))).Layers.Count);
        Assert.Equal(3, store.Requests.Count);
        Assert.All(store.Requests, r => Assert.Null(r.Header("authorization")));
    }

    [Fact]
    public void Redirect_AwayAndBack_BringsNoCredentialsBack()
    {
        FakeRegistry? self = null;
        using FakeRegistry elsewhere = new(_repository, r => FakeRegistry.Answer(302, "", $"Location: http://{self!.Host}{r.Target}?back=1"));
        using FakeRegistry registry = new(_repository, r => r.Target.Contains("back", StringComparison.Ordinal) ? null
            : r.Header("authorization") != Basic() ? FakeRegistry.Answer(401, "", "WWW-Authenticate: Basic realm=\"x\"")
            : r.Target.Contains("/blobs/", StringComparison.Ordinal) ? FakeRegistry.Answer(302, "", $"Location: http://{elsewhere.Host}{r.Target}") : null);
        self = registry;

        Read(registry, For(registry).WithLogin(Login(registry.Host)));
        Assert.All(registry.Of("back=1"), r => Assert.Null(r.Header("authorization")));
    }

    [Fact]
    public void Redirect_ToAHostThatAsksForCredentials_GetsNone()
    {
        using FakeRegistry elsewhere = new(_repository, _ => FakeRegistry.Answer(401, "", "WWW-Authenticate: Basic realm=\"x\""));
        using FakeRegistry registry = new(_repository, r => FakeRegistry.Answer(302, "", $"Location: http://{elsewhere.Host}{r.Target}"));

        Assert.Equal(ImageError.AccessDenied, Fails(registry, For(registry).WithLogin(Login(elsewhere.Host))).Error);
        Assert.All(elsewhere.Requests, r => Assert.Null(r.Header("authorization")));
    }

    [Theory]
    [InlineData("http://SELF/again", 6)]
    [InlineData("ftp://127.0.0.1/", 1)]
    [InlineData("http://u:p@127.0.0.1/", 1)]
    [InlineData("", 1)]
    [InlineData("http://[", 1)]
    public void Redirect_LoopOrNoAddress_IsANamedError(string location, int requests)
    {
        FakeRegistry? self = null;
        using FakeRegistry registry = new(_repository, _ => FakeRegistry.Answer(301, "", $"Location: {location.Replace("SELF", self!.Host, StringComparison.Ordinal)}"));
        self = registry;

        ImageException e = Fails(registry);

        Assert.Equal(ImageError.PeerFailed, e.Error);
        Assert.Equal(requests, registry.Requests.Count);
    }
}
