using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Oci;
using Plimsoll.Registry;
using Plimsoll.TestKit;
using static Plimsoll.Tests.Registry.RegistryFixture;

namespace Plimsoll.Tests.Registry;

/// <summary>Tags, referrers and mirrors.</summary>
public sealed class RegistryListsTests
{
    private readonly FakeRepository _repository = new(RegistryFixture.Image);

    private static RegistryClient Client(FakeRegistry registry, RegistryLimits? limits = null) =>
        new(RegistryName.Parse($"{registry.Host}/a/b:1"), For(registry, limits).Registry, Nothing, TimeProvider.System);

    private static byte[] Index(int count, string type = "application/vnd.example") => Encoding.UTF8.GetBytes(new JsonObject
    {
        ["schemaVersion"] = 2,
        ["mediaType"] = FakeRepository.OciIndex,
        ["manifests"] = new JsonArray([.. Enumerable.Range(0, count).Select(i => (JsonNode)new JsonObject
        {
            ["mediaType"] = FakeRepository.OciManifest,
            ["digest"] = $"sha256:{i:x64}",
            ["size"] = 100,
            ["artifactType"] = type,
        })]),
    }.ToJsonString());

    [Fact]
    public void ListTags_SeveralPages_AreOneList()
    {
        using FakeRegistry registry = new(_repository, r => r.Target.Contains("last=b", StringComparison.Ordinal)
            ? FakeRegistry.Answer(200, """{"name":"a/b","tags":["c"]}""")
            : FakeRegistry.Answer(200, """{"name":"a/b","tags":["a","b","no tag!"]}""", "Link: </v2/a/b/tags/list?last=b&n=2>; rel=\"next\""));
        using RegistryClient client = Client(registry);

        Assert.Equal(["a", "b", "c"], client.ListTags(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("endless", "MaxPages")]
    [InlineData("circle", "read before")]
    [InlineData("elsewhere", "not on the same server")]
    [InlineData("many", "MaxTags")]
    [InlineData("junk", "no JSON")]
    public void ListTags_WrongPages_AreANamedError(string how, string named)
    {
        int page = 0;
        using FakeRegistry registry = new(_repository, _ => how switch
        {
            "endless" => FakeRegistry.Answer(200, "{\"tags\":[\"a\"]}", $"Link: <?p={page++}>; rel=\"next\""),
            "circle" => FakeRegistry.Answer(200, "{\"tags\":[\"a\"]}", "Link: </v2/a/b/tags/list?p=1>; rel=\"next\""),
            "elsewhere" => FakeRegistry.Answer(200, "{\"tags\":[\"a\"]}", "Link: <http://127.0.0.1:9/x>; rel=\"next\""),
            "many" => FakeRegistry.Answer(200, $"{{\"tags\":[{string.Join(',', Enumerable.Repeat("\"a\"", 11))}]}}"),
            _ => FakeRegistry.Answer(200, "[[["),
        });
        using RegistryClient client = Client(registry, Quick with { MaxPages = 5, MaxTags = 10 });

        ImageException e = Assert.Throws<ImageException>(() => client.ListTags(TestContext.Current.CancellationToken));
        Assert.Contains(named, e.Message, StringComparison.Ordinal);
        Assert.True(registry.Requests.Count <= 5);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ListReferrers_ApiOrTag_AreFound(bool api)
    {
        if (!api)
            _repository.Put(Index(3), FakeRepository.OciIndex, _repository.ManifestDigest.Replace(':', '-'));
        using FakeRegistry registry = new(_repository, r => api && r.Path.Contains("/referrers/", StringComparison.Ordinal) ? FakeRegistry.Answer(200, Index(3), $"Content-Type: {FakeRepository.OciIndex}") : null);
        using RegistryClient client = Client(registry);
        Digest subject = Digest.Parse(_repository.ManifestDigest);

        Assert.Equal(3, client.ListReferrers(subject, null, TestContext.Current.CancellationToken).Count);
        Assert.Equal(3, client.ListReferrers(subject, "application/vnd.example", TestContext.Current.CancellationToken).Count);
        Assert.Empty(client.ListReferrers(subject, "another", TestContext.Current.CancellationToken));
        Assert.Equal(api ? 0 : 3, registry.Of("/manifests/sha256-").Count);
    }

    [Fact]
    public void ListReferrers_None_IsEmptyAndTooManyAreAnError()
    {
        using FakeRegistry none = new(_repository);
        using RegistryClient client = Client(none);
        Assert.Empty(client.ListReferrers(Digest.Parse(_repository.ManifestDigest), null, TestContext.Current.CancellationToken));

        using FakeRegistry many = new(_repository, _ => FakeRegistry.Answer(200, Index(4)));
        using RegistryClient bounded = Client(many, Quick with { MaxReferrers = 3 });
        Assert.Contains("MaxReferrers", Assert.Throws<ImageException>(() => bounded.ListReferrers(Digest.Parse(_repository.ManifestDigest), null, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    private ImageOptions Mirrored(FakeRegistry origin, FakeRegistry mirror, string prefix = "", RegistryLimits? limits = null) =>
        Options(limits, origin.Host, mirror.Host) is var options
            ? options with { Registry = options.Registry with { Mirrors = [new RegistryPair(origin.Host, mirror.Host + prefix)] } } : throw new InvalidOperationException();

    [Fact]
    public void Mirror_ThatHasTheImage_IsAskedAlone()
    {
        using FakeRegistry origin = new(_repository), mirror = new(_repository, r => r.Target.StartsWith("/v2/proxy/hub/", StringComparison.Ordinal)
            ? _repository.Answer(r with { Target = r.Target.Replace("proxy/hub/", "", StringComparison.Ordinal) }) : FakeRegistry.Answer(404));

        Assert.Equal(2, Read(origin, Mirrored(origin, mirror, "/proxy/hub")).Layers.Count);
        Assert.Empty(origin.Requests);
        Assert.Equal(4, mirror.Requests.Count);
    }

    [Theory]
    [InlineData("absent")]
    [InlineData("gone")]
    [InlineData("another manifest")]
    [InlineData("asks for a login")]
    [InlineData("overloaded")]
    [InlineData("breaks in the middle of a layer")]
    [InlineData("a layer of another length")]
    public void Mirror_ThatFails_IsReplacedByTheRegistry(string how)
    {
        string noisy = _repository.Layers[1];
        using FakeRegistry origin = new(_repository);
        using FakeRegistry mirror = new(_repository, r => how switch
        {
            "absent" => FakeRegistry.Answer(404),
            "another manifest" => r.Target.Contains("/manifests/", StringComparison.Ordinal) ? FakeRegistry.Answer(200, "{}") : null,
            "asks for a login" => FakeRegistry.Answer(401, "", "WWW-Authenticate: Basic realm=\"x\""),
            "overloaded" => FakeRegistry.Answer(503),
            "breaks in the middle of a layer" => r.Target.EndsWith(noisy, StringComparison.Ordinal) ? r.From == 0 ? _repository.Answer(r)[..90_000] : FakeRegistry.Answer(404) : null,
            "a layer of another length" => r.Target.EndsWith(noisy, StringComparison.Ordinal) ? FakeRegistry.Answer(200, "short") : null,
            _ => null,
        });
        ImageOptions options = Mirrored(origin, mirror).WithLogin(Login(origin.Host));
        if (how == "gone")
            mirror.Dispose();

        Assert.Equal(2, Read(origin, options, $"@{_repository.ManifestDigest}").Layers.Count);
        Assert.NotEmpty(origin.Requests);
        Assert.All(mirror.Requests, r => Assert.Null(r.Header("authorization")));
        if (how.StartsWith("breaks", StringComparison.Ordinal))
            Assert.True(Assert.Single(origin.Of(noisy)).From > 80_000);
    }
}
