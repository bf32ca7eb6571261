using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>Attacks on the evidence in a real registry, each with a twin that differs only in the attack and passes.</summary>
[Trait("needs", "host")]
public sealed class VerifyTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly TestRegistry _registry;
    private readonly ISigner _release = KeyFile.Generate(KeyAlgorithm.EcdsaP256);

    public VerifyTests()
    {
        _registry = new TestRegistry(_folder["storage"]);
        File.WriteAllText(_folder["release.pub"], _release.PublicKey.ToPem());
        Policy("signatures: {keys: [release]}");
    }

    public void Dispose()
    {
        _registry.Dispose();
        _release.Dispose();
        _folder.Dispose();
    }

    private string App => $"{_registry.Host}/team/app";

    private void Policy(string rule) => File.WriteAllText(_folder["policy.yaml"],
        $"policy: 1\nname: e2e\ntrust:\n  keys: {{release: {{file: release.pub}}}}\n  images:\n  - names: [\"{_registry.Host}/**\"]\n    {rule}\n");

    private static ImageBuilder Image(string content) => new ImageBuilder().Layer(tar => tar.File("etc/motd", Encoding.UTF8.GetBytes(content)));

    private T At<T>(string repository, Func<IArtifactTarget, T> put)
    {
        using OpenedTarget target = ArtifactStores.OpenTarget($"registry:{repository}", new ImageOptions { Registry = RegistryOptions.Default with { PlainHttp = [_registry.Host] } }, CancellationToken.None);
        return put(target.Store);
    }

    private PushedImage Push(string repository, string content, string tag) => At(repository, target => ImagePusher.Push(target, Image(content), tag));

    private void Sign(string repository, PushedImage image, string? identity = null) => At(repository, target =>
    {
        ImagePusher.Sign(target, image, identity ?? repository, _release);
        return true;
    });

    private Outcome Verify(string image, params string[] more) =>
        new Call(_folder["home"], ["verify", $"registry:{image}", "--policy", _folder["policy.yaml"], "--registry-http", _registry.Host, "--json", .. more]).With("DOCKER_CONFIG", _folder["docker"]).Run();

    private static string[] Codes(Outcome outcome) => [.. JsonNode.Parse(outcome.Out)!["images"]![0]!["reasons"]!.AsArray().Where(r => (string)r!["outcome"]! != "passed").Select(r => $"{r!["component"]}/{r["code"]}")];

    [Fact]
    public void Verify_ImageOfWhichNothingSignedIsAsked_IsNeverCalledSigned()
    {
        PushedImage image = Push(App, "good", "v1");
        Sign(App, image);
        Assert.Empty(Codes(Verify($"{App}:v1").Expect(0)));

        Policy("signed: none\nstart: {untrusted: {runtimes: [plimsoll-runsc]}}");
        Outcome verified = Verify($"{App}:v1").Expect(3);

        JsonNode json = JsonNode.Parse(verified.Out)!["images"]![0]!;
        Assert.Equal(["rule/untrusted"], Codes(verified));
        Assert.Equal(("undecided", "rule"), ((string)json["outcome"]!, (string)Assert.Single(json["components"]!.AsArray())!["component"]!));
        Call table = new(_folder["home"], ["verify", $"registry:{App}:v1", "--policy", _folder["policy.yaml"], "--registry-http", _registry.Host]);
        string said = table.With("DOCKER_CONFIG", _folder["docker"]).Run().Expect(3).Out;
        Assert.Contains("? rule           nothing signed is asked for:", said, StringComparison.Ordinal);
        Assert.DoesNotContain("✓", said, StringComparison.Ordinal);
        Assert.DoesNotContain("signed by", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_TagThatMovedToAnotherDigest_IsRefused()
    {
        Sign(App, Push(App, "good", "v1"));
        Assert.Empty(Codes(Verify($"{App}:v1").Expect(0)));

        Push(App, "bad", "v1");

        Assert.Equal(["signature/unsigned"], Codes(Verify($"{App}:v1").Expect(1)));
    }

    [Fact]
    public void Verify_SignatureTagMovedToAnotherImage_IsRefused()
    {
        PushedImage good = Push(App, "good", "v1"), bad = Push(App, "bad", "v2");
        Sign(App, good);
        Verify($"{App}:v1").Expect(0);

        At(App, target =>
        {
            target.PutManifest(target.FindManifest($"sha256-{good.Digest.Hex}.sig", CancellationToken.None)!, $"sha256-{bad.Digest.Hex}.sig", CancellationToken.None);
            return true;
        });

        Assert.Equal(["signature/signature-digest", "signature/unsigned"], Codes(Verify($"{App}:v2").Expect(1)));
        Sign(App, bad);
        Verify($"{App}:v2").Expect(0);
    }

    [Fact]
    public void Verify_SignatureOfAnotherRepository_IsRefusedUnlessAllowed()
    {
        PushedImage image = Push(App, "good", "v1");
        Sign(App, image, $"{_registry.Host}/team/test");

        Assert.Equal(["signature/signature-repository", "signature/unsigned"], Codes(Verify($"{App}:v1").Expect(1)));
        Policy($"signatures: {{keys: [release]}}\n    repositories: [\"{_registry.Host}/team/test\"]");
        Verify($"{App}:v1").Expect(0);
        Policy("signatures: {keys: [release]}");
        Sign(App, image);
        Verify($"{App}:v1").Expect(0);
    }

    [Fact]
    public void Verify_IndexWithOneUnsignedPlatform_IsRefused()
    {
        PushedImage index = At(App, target => ImagePusher.PushIndex(target, "v1", ("amd64", Image("amd")), ("arm64", Image("arm"))));
        Sign(App, index with { Platforms = [index.Platforms[0]] });

        Outcome refused = Verify($"{App}:v1", "--platform", "linux/amd64").Expect(1);

        Assert.Equal(["platforms/platform-unsigned"], Codes(refused));
        Assert.Contains(index.Platforms[1].Digest.ToString(), refused.Out, StringComparison.Ordinal);
        Sign(App, index.Platforms[1]);
        Assert.Empty(Codes(Verify($"{App}:v1", "--platform", "linux/amd64").Expect(0)));
    }

    [Fact]
    public void Verify_ArchiveAndBundleFile_NeedNoNetwork()
    {
        PushedImage image = Push(App, "good", "v1");
        string bundle = _folder["evidence.tar"], archive = _folder.Write("image.tar", ImageBuilder.Tar(Image("good").LayoutFiles("v1")));
        using (OpenedTarget target = ArtifactStores.OpenTarget($"oci-archive:{bundle}", new ImageOptions(), CancellationToken.None))
            ImagePusher.Sign(target.Store, image, App, _release);
        Call Offline(params string[] more) => new(_folder["home"], ["verify", archive, "--as", $"{App}:v1", "--policy", _folder["policy.yaml"], "--json", .. more]) { Through = ["unshare", "-n"] };

        Offline("--bundle", bundle).Run().Expect(0);
        Assert.Equal(["signature/unsigned"], Codes(Offline().Run().Expect(1)));
        byte[] whole = File.ReadAllBytes(bundle);
        File.WriteAllBytes(bundle, whole[..(whole.Length / 3)]);
        Assert.Equal(["evidence/evidence-gap", "signature/unsigned"], Codes(Offline("--bundle", bundle).Run().Expect(1)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Verify_ManySignatures_EndSoonAndAreNamed()
    {
        PushedImage image = Push(App, "good", "v1");
        using ISigner stranger = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
        At(App, target =>
        {
            byte[] payload = new SimpleSigning { Reference = App, Manifest = image.Digest }.ToJson();
            target.PutBlob(Digest.Of(payload), payload.Length, new MemoryStream(payload), CancellationToken.None);
            byte[] config = "{}"u8.ToArray();
            target.PutBlob(Digest.Of(config), config.Length, new MemoryStream(config), CancellationToken.None);
            string signature = Convert.ToBase64String(stranger.Sign(payload));
            byte[] manifest = Encoding.UTF8.GetBytes(new JsonObject
            {
                ["schemaVersion"] = 2,
                ["mediaType"] = MediaTypes.OciManifest,
                ["config"] = new JsonObject { ["mediaType"] = MediaTypes.OciConfig, ["digest"] = Digest.Of(config).ToString(), ["size"] = config.Length },
                // As many as our own writer puts into one manifest; four times what is read.
                ["layers"] = new JsonArray([.. Enumerable.Range(0, 1000).Select(_ => (JsonNode)new JsonObject
                {
                    ["mediaType"] = SimpleSigning.MediaType,
                    ["digest"] = Digest.Of(payload).ToString(),
                    ["size"] = payload.Length,
                    ["annotations"] = new JsonObject { [SimpleSigning.SignatureAnnotation] = signature },
                })]),
            }.ToJsonString());
            target.PutManifest(new StoredManifest(Digest.Of(manifest), MediaTypes.OciManifest, manifest), $"sha256-{image.Digest.Hex}.sig", CancellationToken.None);
            return true;
        });

        Outcome refused = Verify($"{App}:v1").Expect(1);

        Assert.Contains("signature/no-key-matches", Codes(refused));
        Assert.Contains("too-many-signatures", refused.Out, StringComparison.Ordinal);
    }
}
