using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>
/// <c>plimsoll verify docker:NAME --bundle FILE</c> on a dockerd of the tests' own. The daemon knows an image's config and layers, while
/// signatures are over the manifest that the registry has: what binds the two is a signed statement that names both.
/// </summary>
[Trait("needs", "host")]
public sealed class DockerVerifyTests : IDisposable
{
    private readonly SmallDatabase _database;
    private readonly SharedDocker _docker;
    private readonly TempFolder _folder = new();
    private readonly TestRegistry _registry;
    private readonly string _repository;

    public DockerVerifyTests(SmallDatabase database, SharedDocker docker)
    {
        (_database, _docker) = (database, docker);
        _registry = new TestRegistry(_folder["storage"]);
        _repository = $"{_registry.Host}/team/app";
        new Call(_folder.Path, "key", "generate", "release").With("PLIMSOLL_PASSPHRASE", "ours").Run().Expect(0);
        new Call(_folder.Path, "key", "export", "release", "--public", "--output", _folder["release.pub"]).Run().Expect(0);
        _folder.Write("open.yaml", "policy: 1\nname: open\ninspection: {missing: ignore, incomplete: ignore, old: ignore}\ndatabase: {missing: ignore, old: ignore}\nvulnerabilities: {severity: {critical: ignore, high: ignore, unknown: ignore}, end-of-life: ignore, known-exploited: ignore}\n"u8.ToArray());
        File.WriteAllText(_folder["policy.yaml"], $"policy: 1\nname: docker\ntrust:\n  keys: {{release: {{file: release.pub}}}}\n  images:\n  - names: [\"{_registry.Host}/**\"]\n    signatures: {{keys: [release]}}\n    measurement: required\n");
    }

    public void Dispose()
    {
        foreach (string tag in (string[])["v1", "v2", "v3", "v4"])
            _docker.Docker.Remove($"{_repository}:{tag}");
        _registry.Dispose();
        _folder.Dispose();
    }

    /// <summary>Two layers that no other image here shares, large enough that each level of compression gives other bytes.</summary>
    private ImageBuilder Image(string content = "hello") => new ImageBuilder()
        .Layer(tar => tar.Folder("etc").File("etc/motd", $"{content} {_registry.Host}").File("etc/words", Words()))
        .Layer(tar => tar.Folder("srv").File("srv/data", $"data of {content} {_registry.Host}"));

    private static string Words() => string.Join(' ', Enumerable.Range(0, 5000).Select(i => $"word{i * i % 7919}"));

    private static byte[] Smallest(byte[] tar)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.SmallestSize, leaveOpen: true))
            gzip.Write(tar);
        return packed.ToArray();
    }

    private Digest Push(ImageBuilder image, string tag)
    {
        using OpenedTarget target = ArtifactStores.OpenTarget($"registry:{_repository}", new ImageOptions { Registry = RegistryOptions.Default with { PlainHttp = [_registry.Host] }, Environment = _ => null }, CancellationToken.None);
        return ImagePusher.Push(target.Store, image, tag).Digest;
    }

    private void Pull(string tag) => Tool.Run("docker", ["-H", _docker.Host, "pull", "-q", $"{_repository}:{tag}"]);

    private string ConfigOf(string tag) => Tool.Run("docker", ["-H", _docker.Host, "image", "inspect", "--format", "{{.Id}}", $"{_repository}:{tag}"]).Trim();

    private void Sign(string tag) =>
        _database.Call(_folder, "sign", $"{_repository}:{tag}", "--key", "release", "--output", _folder["bundle.tar"], "--policy", _folder["open.yaml"], "--db", _database.Path, "--registry-http", _registry.Host)
            .With("PLIMSOLL_PASSPHRASE", "ours").With("DOCKER_CONFIG", _folder["docker"]).Run().Expect(0);

    private Call Call(string image, params string[] more) =>
        new Call(_folder.Path, ["verify", image, "--policy", _folder["policy.yaml"], "--registry-http", _registry.Host, .. more]).With("DOCKER_HOST", _docker.Host).With("DOCKER_CONFIG", _folder["docker"]);

    private Outcome Verify(string tag, params string[] more) => Call($"docker:{_repository}:{tag}", ["--bundle", _folder["bundle.tar"], "--json", .. more]).Run();

    private static JsonNode[] Reasons(Outcome outcome) => [.. outcome.Document["images"]![0]!["reasons"]!.AsArray().Where(r => (string)r!["outcome"]! != "passed").Select(r => r!)];

    private static string[] Codes(Outcome outcome) => [.. Reasons(outcome).Select(r => $"{r["component"]}/{r["code"]}").Order(StringComparer.Ordinal)];

    /// <summary>A file of an unpacked layer.</summary>
    private string Unpacked(ImageBuilder image, int layer, string path)
    {
        Digest chain = ChainId.Of([.. image.Tars.Select(t => Digest.Of(t))])[layer];
        string cache = File.ReadAllText(Path.Combine(_docker.Docker.DataRoot, "image/overlay2/layerdb/sha256", chain.Hex, "cache-id")).Trim();
        return Path.Combine(_docker.Docker.DataRoot, "overlay2", cache, "diff", path);
    }

    private static void Flip(string file)
    {
        using FileStream stream = new(file, FileMode.Open);
        int value = stream.ReadByte();
        stream.Position = 0;
        stream.WriteByte((byte)(value ^ 1));
    }

    [Fact]
    public void Verify_OneByteOfAnUnpackedFileChanged_IsRefusedByLayerAndFile()
    {
        ImageBuilder image = Image();
        Push(image, "v1");
        Sign("v1");
        Pull("v1");
        Assert.Empty(Codes(Verify("v1").Expect(0)));
        string file = Unpacked(image, 1, "srv/data"), planted = Path.Combine(Path.GetDirectoryName(file)!, "planted");

        Flip(file);
        Outcome refused = Verify("v1").Expect(1);
        Assert.Equal(["measurement/not-intact"], Codes(refused));
        Assert.Equal(["layer 2: srv/data (changed)"], Assert.Single(Reasons(refused))["examples"]!.AsArray().Select(e => (string)e!));
        Assert.Contains("layer 2: srv/data (changed)", Call($"docker:{_repository}:v1", "--bundle", _folder["bundle.tar"]).Run().Expect(1).Out, StringComparison.Ordinal);

        Flip(file);
        Assert.Empty(Codes(Verify("v1").Expect(0)));
        File.WriteAllText(planted, "x");
        Assert.Equal(["layer 2: srv/planted (planted)"], Assert.Single(Reasons(Verify("v1").Expect(1)))["examples"]!.AsArray().Select(e => (string)e!));

        // Who may not look at the unpacked files gets the daemon's copy, in which the planted file is not: he is told so.
        Tool.Run("chmod", ["666", _docker.Docker.Socket]);
        Tool.Run("chmod", ["755", _docker.Docker.Folder, _folder.Path]);
        Outcome other = new Call(null, "verify", $"docker:{_repository}:v1", "--bundle", _folder["bundle.tar"], "--policy", _folder["policy.yaml"], "--json")
        { Through = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] }.With("DOCKER_HOST", _docker.Host).Run().Expect(0);
        Assert.Equal(["measurement/unpacked-not-compared"], Codes(other));
        File.Delete(planted);
        Assert.Empty(Codes(Verify("v1").Expect(0)));
    }

    [Fact]
    public void Verify_ManifestIsAnotherAndConfigTheSame_IsBoundByTheSignedStatement()
    {
        Digest signed = Push(Image(), "v1"), recompressed = Push(Image().Stored(Smallest), "v2");
        Assert.NotEqual(signed, recompressed);
        Sign("v1");
        Pull("v2");

        // The daemon's image is the signed one, byte for byte, however its layers were packed on the way.
        Assert.Equal($"sha256:{ImageBuilder.Hex(Image().Config())}", ConfigOf("v2"));
        Assert.Empty(Codes(Verify("v2").Expect(0)));
        // The registry's is a manifest that nobody signed; the measurement of its bytes is about this one config.
        Assert.Equal(["signature/unsigned"], Codes(Call($"registry:{_repository}:v2", "--bundle", _folder["bundle.tar"], "--json").Run().Expect(1)).Where(c => c.StartsWith("signature/", StringComparison.Ordinal)));
        // So is what skopeo makes of the daemon's image: the same config under a manifest of its own.
        Tool.Run("skopeo", ["copy", "--quiet", "--dest-tls-verify=false", "--src-daemon-host", _docker.Host, $"docker-daemon:{_repository}:v2", $"docker://{_repository}:v3"]);
        Assert.Contains("signature/unsigned", Codes(Call($"registry:{_repository}:v3", "--bundle", _folder["bundle.tar"], "--json").Run().Expect(1)));
        Pull("v3");
        Assert.Equal(ConfigOf("v2"), ConfigOf("v3"));
        Assert.Empty(Codes(Verify("v3").Expect(0)));
        // Converted to OCI's form the config is another, and nobody spoke of it, though the layers are the same.
        Tool.Run("skopeo", ["copy", "--quiet", "--format", "oci", "--dest-tls-verify=false", "--src-daemon-host", _docker.Host, $"docker-daemon:{_repository}:v2", $"docker://{_repository}:v4"]);
        Pull("v4");
        Assert.NotEqual(ConfigOf("v2"), ConfigOf("v4"));
        string[] codes = Codes(Verify("v4").Expect(1));
        Assert.Contains("signature/no-manifest", codes);
        Assert.Contains("measurement/statement-missing", codes);
    }

    [Fact]
    public void Verify_SignedBundleIsOfAnotherImage_IsRefused()
    {
        Push(Image(), "v1");
        Push(Image("other"), "v2");
        Sign("v1");
        Pull("v1");
        Pull("v2");

        Assert.Empty(Codes(Verify("v1").Expect(0)));
        string[] codes = Codes(Verify("v2").Expect(1));
        Assert.Contains("signature/no-manifest", codes);
        Assert.Contains("measurement/statement-missing", codes);
        // The name moved to the other image, as a daemon allows anybody who may speak to it.
        _docker.Docker.Tag($"{_repository}:v2", _repository, "v1");
        Assert.Equal(codes, Codes(Verify("v1").Expect(1)));
    }
}
