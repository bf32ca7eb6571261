using Plimsoll.Oci;
using Plimsoll.Registry;
using Plimsoll.TestKit;
using static Plimsoll.Tests.Registry.RegistryFixture;

namespace Plimsoll.Tests.Registry;

/// <summary>Names, challenges, proxies.</summary>
public sealed class RegistryPartsTests
{
    private const string Hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("nginx", "docker.io/library/nginx:latest")]
    [InlineData("nginx:1.27", "docker.io/library/nginx:1.27")]
    [InlineData("a/b", "docker.io/a/b:latest")]
    [InlineData("index.docker.io/nginx", "docker.io/library/nginx:latest")]
    [InlineData("GHCR.io/a/b:X_1.0", "ghcr.io/a/b:X_1.0")]
    [InlineData("localhost/a", "localhost/a:latest")]
    [InlineData("localhost:5000/a", "localhost:5000/a:latest")]
    [InlineData("[::1]:5000/a/b-c__d.e:1", "[::1]:5000/a/b-c__d.e:1")]
    [InlineData("r.io/a@sha256:" + Hex, "r.io/a@sha256:" + Hex)]
    [InlineData("r.io/a:t@sha256:" + Hex, "r.io/a:t@sha256:" + Hex)]
    public void Parse_Name_IsReadAsDockerReadsIt(string text, string whole) => Assert.Equal(whole, RegistryName.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("A")]
    [InlineData("r.io/")]
    [InlineData("r.io/../x")]
    [InlineData("r.io/a//b")]
    [InlineData("r.io/a b")]
    [InlineData("r.io/a:")]
    [InlineData("r.io/a:-x")]
    [InlineData("r.io/a?x")]
    [InlineData("r.io/a%2e")]
    [InlineData("r.io:0/a")]
    [InlineData("r.io:99999/a")]
    [InlineData("-r.io/a")]
    [InlineData("u@r.io/a")]
    [InlineData("https://r.io/a")]
    [InlineData("r.io/a@sha256:abc")]
    [InlineData("r.io/a_-b")]
    [InlineData("r.io/.a")]
    public void Parse_NoName_IsMalformed(string text) => Assert.Equal(ImageError.Malformed, Assert.Throws<ImageException>(() => RegistryName.Parse(text)).Error);

    [Fact]
    public void Parse_OneCharacterOverTheLimits_IsMalformed()
    {
        RegistryName.Parse("r.io/" + new string('a', 250));
        Assert.Throws<ImageException>(() => RegistryName.Parse("r.io/" + new string('a', 251)));
        RegistryName.Parse("r.io/a:" + new string('t', 128));
        Assert.Throws<ImageException>(() => RegistryName.Parse("r.io/a:" + new string('t', 129)));
    }

    [Theory]
    [InlineData("Bearer realm=\"https://a/t\",service=\"s\"", "bearer(realm=https://a/t service=s)")]
    [InlineData("Basic realm=\"a \\\"b\\\", c\"", "basic(realm=a \"b\", c)")]
    [InlineData("Negotiate, Basic realm=x, Bearer REALM = \"y\" , realm=z", "negotiate() basic(realm=x) bearer(realm=y)")]
    [InlineData("Bearer realm=\"never ends", "bearer(realm=)")]
    [InlineData("", "")]
    [InlineData(",,, ,", "")]
    [InlineData("\"\"", "")]
    public void Challenge_Header_IsReadByItsParts(string header, string parts) =>
        Assert.Equal(parts, string.Join(' ', Challenge.Parse([header]).Select(c => $"{c.Scheme}({string.Join(' ', c.Parameters.Select(p => $"{p.Key}={p.Value}"))})")));

    [Fact]
    public void Challenge_BeyondItsLimits_IsCutOff()
    {
        Assert.Equal(Challenge.MaxChallenges, Challenge.Parse([string.Join(", ", Enumerable.Range(0, 100).Select(i => $"S{i} a=b"))]).Count);
        Assert.Equal(Challenge.MaxParameters, Challenge.Parse(["Bearer " + string.Join(", ", Enumerable.Range(0, 100).Select(i => $"p{i}=b"))])[0].Parameters.Count);
        Assert.Empty(Challenge.Parse([new string('x', Challenge.MaxChars + 1)]));
    }

    [Theory]
    [InlineData("https://r.io/", "HTTPS_PROXY=http://p:1", "p:1")]
    [InlineData("https://r.io/", "https_proxy=p:1", "p:1")]
    [InlineData("https://r.io/", "ALL_PROXY=http://p:1", "p:1")]
    [InlineData("https://r.io/", "HTTP_PROXY=http://p:1", null)]
    [InlineData("http://r.io/", "HTTP_PROXY=http://p:1", "p:1")]
    [InlineData("http://r.io/", "HTTP_PROXY=http://p:1 REQUEST_METHOD=GET", null)]
    [InlineData("https://r.io/", "HTTPS_PROXY=http://p:1 NO_PROXY=x,r.io", null)]
    [InlineData("https://sub.r.io/", "HTTPS_PROXY=http://p:1 NO_PROXY=r.io", null)]
    [InlineData("https://sub.r.io/", "HTTPS_PROXY=http://p:1 NO_PROXY=.r.io", null)]
    [InlineData("https://notr.io/", "HTTPS_PROXY=http://p:1 NO_PROXY=r.io", "p:1")]
    [InlineData("https://r.io:5000/", "HTTPS_PROXY=http://p:1 NO_PROXY=r.io:5001", "p:1")]
    [InlineData("https://r.io:5000/", "HTTPS_PROXY=http://p:1 no_proxy=r.io:5000", null)]
    [InlineData("https://10.1.2.3/", "HTTPS_PROXY=http://p:1 NO_PROXY=10.0.0.0/8", null)]
    [InlineData("https://11.1.2.3/", "HTTPS_PROXY=http://p:1 NO_PROXY=10.0.0.0/8", "p:1")]
    [InlineData("https://r.io/", "HTTPS_PROXY=http://p:1 NO_PROXY=*", null)]
    [InlineData("https://localhost:5000/", "HTTPS_PROXY=http://p:1", null)]
    [InlineData("https://127.0.0.1/", "HTTPS_PROXY=http://p:1", null)]
    public void Proxy_Environment_IsReadAsCurlDoes(string address, string variables, string? proxy)
    {
        Dictionary<string, string> environment = variables.Split(' ').Select(v => v.Split('=', 2)).ToDictionary(v => v[0], v => v[1]);
        EnvironmentProxy read = new(environment.GetValueOrDefault);
        Uri uri = new(address);

        Assert.Equal(proxy, read.IsBypassed(uri) ? null : read.GetProxy(uri)!.Authority);
    }

    [Fact]
    public void Proxy_NoAddress_IsMalformedAndNotShown() =>
        Assert.DoesNotContain("pa55", Assert.Throws<ImageException>(() => new EnvironmentProxy(v => v == "HTTPS_PROXY" ? "gopher://u:pa55@x" : null)).ToString(), StringComparison.Ordinal);

    [Fact]
    public void Proxy_WithALogin_CarriesTheRequests()
    {
        FakeRepository repository = new(RegistryFixture.Image);
        using FakeRegistry proxy = new(repository, r => r.Header("proxy-authorization") is null ? FakeRegistry.Answer(407, "", "Proxy-Authenticate: Basic realm=\"p\"") : null);
        ImageOptions options = Options(null, "registry.test") with { Environment = v => v == "http_proxy" ? $"http://u:p%40ss@{proxy.Host}" : Nothing(v) };
        using Image image = Plimsoll.Sources.ImageSource.Open("registry:registry.test/a/b:1", options, TestContext.Current.CancellationToken);
        RecordingVisitor visitor = new();
        image.ReadLayers(visitor, 1, TestContext.Current.CancellationToken);

        Assert.Equal(2, visitor.Layers.Count);
        Assert.Contains(proxy.Requests, r => r.Target.StartsWith("http://registry.test/v2/", StringComparison.Ordinal)
            && r.Header("proxy-authorization") == "Basic " + Convert.ToBase64String("u:p@ss"u8));
    }
}
