using Plimsoll.ContentTrust;
using Plimsoll.Oci;
using Plimsoll.TestKit;
using static Plimsoll.Tests.ContentTrust.CollectionBuilder;

namespace Plimsoll.Tests.ContentTrust;

public sealed class NotaryServerTests
{
    private static readonly RootPin Pin = RootPin.OfKeys([RootKey.Id], "pin");

    private static FakeRegistry Serve(MemoryMetadata metadata, bool token = false) => new(async (request, stream, stop) =>
    {
        string prefix = $"/v2/{Gun}/_trust/tuf/";
        byte[] answer = request.Path == "/token" ? FakeRegistry.Answer(200, """{"token":"t1"}""")
            : token && request.Header("authorization") != "Bearer t1" ? FakeRegistry.Answer(401, "", $"WWW-Authenticate: Bearer realm=\"http://{request.Header("host")}/token\",service=\"notary\"")
            : request.Path.StartsWith(prefix, StringComparison.Ordinal) && metadata.Files.TryGetValue(request.Path[prefix.Length..], out byte[]? file) ? FakeRegistry.Answer(200, file)
            : FakeRegistry.Answer(404, """{"errors":[{"code":"METADATA_NOT_FOUND"}]}""");
        await stream.WriteAsync(answer, stop);
    });

    private static TrustedCollection Read(FakeRegistry server, ContentTrustLimits? limits = null) => Read(server.Host, limits);

    private static TrustedCollection Read(string host, ContentTrustLimits? limits = null)
    {
        using NotaryServer source = new($"http://{host}", Gun, RegistryOptions.Default, _ => null, TimeProvider.System);
        return CollectionReader.Read(source, Gun, [Pin], null, Now, limits, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Read_FromAServer_AsksForFilesByTheirHash(bool token)
    {
        MemoryMetadata metadata = new CollectionBuilder().Delegate("targets/releases", Alice, null, null, ("1.5", CollectionBuilder.Image)).Build();
        foreach (string role in (string[])["snapshot", "targets", "targets/releases"])
        {
            byte[] file = metadata.Files[$"{role}.json"];
            metadata.Files.Remove($"{role}.json");
            metadata.Files[$"{role}.{Digest.Of(file).Hex}.json"] = file;
        }
        using FakeRegistry server = Serve(metadata, token);

        Assert.Equal(2, Read(server).Targets.Count);
        Assert.Equal(token ? 1 : 0, server.Of("/token").Count);
        if (token)
            Assert.Contains($"scope={Uri.EscapeDataString($"repository:{Gun}:pull")}", server.Of("/token")[0].Target, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_RotatedRoot_AsksForTheVersionsBetween()
    {
        using FakeRegistry server = Serve(new CollectionBuilder().Rotate().With(b => b.Roots.Add(new RootSpec(3, [NextRoot], [NextRoot]))).Build());

        Assert.Equal(3, Read(server).Roles[0].Version);
        Assert.NotEmpty(server.Of("2.root.json"));
    }

    [Fact]
    public void Read_NoSuchCollection_IsRefusedAndNoServerUndecided()
    {
        using FakeRegistry server = Serve(new MemoryMetadata());
        Assert.Equal(ContentTrustError.Missing, Assert.Throws<ContentTrustException>(() => Read(server)).Error);
        FakeRegistry gone = Serve(new MemoryMetadata());
        string host = gone.Host;
        gone.Dispose();
        Assert.Equal(ContentTrustError.Unreachable, Assert.Throws<ContentTrustException>(() => Read(host)).Error);
    }

    [Fact]
    public void Read_FileLongerThanItsLimit_IsRefused()
    {
        MemoryMetadata metadata = new CollectionBuilder().Build();
        using FakeRegistry server = Serve(metadata);

        Assert.NotEmpty(Read(server, new() { MaxTimestampBytes = metadata.Files["timestamp.json"].Length }).Targets);
        Assert.Equal(ContentTrustError.Malformed, Assert.Throws<ContentTrustException>(() => Read(server, new() { MaxTimestampBytes = metadata.Files["timestamp.json"].Length - 1 })).Error);
    }

    [Theory]
    [InlineData("https://notary.example:4443", true)]
    [InlineData("http://127.0.0.1:4443/", true)]
    [InlineData("notary.example", false)]
    [InlineData("ftp://notary.example", false)]
    [InlineData("https://user:secret@notary.example", false)]
    [InlineData("https://notary.example/path", false)]
    [InlineData("https://notary.example/?q", false)]
    public void Parse_Address_TakesAHostOnly(string text, bool good)
    {
        if (good)
            Assert.NotNull(NotaryServer.Parse(text));
        else
            Assert.Throws<ContentTrustException>(() => NotaryServer.Parse(text));
    }

    [Theory]
    [InlineData("docker.io/library/alpine", "https://notary.docker.io")]
    [InlineData("registry.example:5000/a", "https://registry.example:5000")]
    public void DefaultFor_ACollection_IsDockersChoice(string gun, string server) => Assert.Equal(server, NotaryServer.DefaultFor(gun));
}
