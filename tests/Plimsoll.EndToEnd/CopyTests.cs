using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary><c>plimsoll copy</c> between Debian's docker-registry, layouts and archives; skopeo says whether the bytes are the same.</summary>
[Trait("needs", "host")]
public sealed class CopyTests : IDisposable
{
    private const string Name = "team/app";

    private readonly TempFolder _folder = new();
    private readonly TestAuthority _authority = new();
    private readonly string _digest;

    /// <summary>Every manifest of the signed image, by digest.</summary>
    private readonly Dictionary<string, byte[]> _manifests = new(StringComparer.Ordinal);

    /// <summary>A layout with an image of two layers, cosign's signature of it, and a bundle that refers to it.</summary>
    public CopyTests()
    {
        ImageBuilder image = new ImageBuilder().Layer(t => t.Folder("etc").File("etc/motd", "hello")).Layer(t => t.File("large", Noise(40_000_000)));
        Dictionary<string, byte[]> files = image.Stored(tar => tar).LayoutFiles("v1", manifest =>
        {
            foreach (JsonNode? layer in manifest["layers"]!.AsArray())
                layer!["mediaType"] = "application/vnd.oci.image.layer.v1.tar";
        });
        JsonArray index = JsonNode.Parse(files["index.json"])!["manifests"]!.AsArray();
        _digest = (string)index[0]!["digest"]!;
        byte[] empty = "{}"u8.ToArray(), payload = "a signature's payload"u8.ToArray(), bundle = "a bundle"u8.ToArray();
        byte[] signature = ArtifactBuilder.CosignImage(empty, "application/vnd.dev.cosign.simplesigning.v1+json", payload);
        byte[] referrer = ArtifactBuilder.Referrer(_digest, files[$"blobs/sha256/{_digest[7..]}"].Length, bundle);
        foreach (byte[] blob in (byte[][])[empty, payload, bundle])
            ImageBuilder.Add(files, "", blob);
        index.Add(Named(ImageBuilder.Add(files, FakeRepository.OciManifest, signature), $"{_digest.Replace(':', '-')}.sig"));
        index.Add(ImageBuilder.Add(files, FakeRepository.OciManifest, referrer));
        files["index.json"] = Encoding.UTF8.GetBytes(new JsonObject { ["schemaVersion"] = 2, ["manifests"] = index.DeepClone() }.ToJsonString());
        ImageBuilder.Write(files, _folder["made"]);
        foreach (byte[] manifest in (byte[][])[files[$"blobs/sha256/{_digest[7..]}"], signature, referrer])
            _manifests[$"sha256:{ImageBuilder.Hex(manifest)}"] = manifest;

        static JsonObject Named(JsonObject entry, string name)
        {
            entry["annotations"] = new JsonObject { ["org.opencontainers.image.ref.name"] = name };
            return entry;
        }
    }

    public void Dispose()
    {
        _folder.Dispose();
        _authority.Dispose();
    }

    private static byte[] Noise(int length)
    {
        byte[] noise = new byte[length];
        new Random(1).NextBytes(noise);
        return noise;
    }

    private Call Copy(string from, string to, params string[] more) => new Call(_folder["home"], ["copy", from, to, "--json", .. more]).With("DOCKER_CONFIG", _folder["docker"]);

    private static JsonNode Copied(Call call)
    {
        JsonNode result = call.Run().Expect(0).Document;
        Assert.Equal((1, 1), ((int)result["signatures"]!, (int)result["attestations"]!));
        return result;
    }

    [Fact]
    public void Copy_ThroughRegistriesLayoutAndArchive_KeepsEveryManifestsBytes()
    {
        using X509Certificate2 certificate = _authority.Issue("CN=server");
        File.WriteAllText(_folder["server.pem"], certificate.ExportCertificatePem());
        File.WriteAllText(_folder["server.key"], TestAuthority.KeyPem(certificate));
        File.WriteAllText(_folder["ca.pem"], _authority.Pem);
        _folder.Write("htpasswd", Encoding.ASCII.GetBytes(Tool.Run("htpasswd", ["-nbB", "alice", "s3cret"]).Trim() + "\n"));
        using TestRegistry first = new(_folder["storage1"], $"  tls:\n    certificate: {_folder["server.pem"]}\n    key: {_folder["server.key"]}\n", $"  htpasswd: {{ realm: test, path: {_folder["htpasswd"]} }}\n");
        using TestRegistry second = new(_folder["storage2"]);
        string tls = $"registry:{first.Host}/{Name}:v1", plain = $"registry:{second.Host}/other/name:v2";

        // Without a login nothing arrives, and no password is shown.
        Assert.Contains("docker login", Copy($"oci:{_folder["made"]}", tls, "--registry-ca", _folder["ca.pem"]).Run().Expect(3).Error, StringComparison.Ordinal);
        Directory.CreateDirectory(_folder["docker"]);
        File.WriteAllText(_folder["docker/config.json"], $$"""{"auths":{"{{first.Host}}":{"auth":"{{Convert.ToBase64String("alice:s3cret"u8)}}"} } }""");
        Copied(Copy($"oci:{_folder["made"]}", tls, "--registry-ca", _folder["ca.pem"]));
        Copied(Copy(tls, $"oci:{_folder["layout"]}", "--registry-ca", _folder["ca.pem"]));
        Copied(Copy($"oci:{_folder["layout"]}", $"oci-archive:{_folder["image.tar"]}"));
        Copied(Copy($"oci-archive:{_folder["image.tar"]}", plain, "--registry-http", second.Host));
        // A second time everything is there.
        Assert.Equal(0, (int)Copied(Copy($"oci-archive:{_folder["image.tar"]}", plain, "--registry-http", second.Host))["blobs"]!["copied"]!);
        // The registry has no list of referrers; the one under the tag is found again.
        Copied(Copy(plain, $"oci:{_folder["back"]}", "--registry-http", second.Host));
        JsonNode inside = Copied(Copy(plain, $"registry:{second.Host}/third:v2", "--registry-http", second.Host));
        Assert.Equal((0, true), ((int)inside["blobs"]!["copied"]!, (int)inside["blobs"]!["mounted"]! > 0));

        foreach ((string digest, byte[] bytes) in _manifests)
        {
            Assert.Equal(Encoding.UTF8.GetString(bytes), Raw($"docker://{first.Host}/{Name}@{digest}", "--cert-dir", CertDir(), "--creds", "alice:s3cret"));
            Assert.Equal(Encoding.UTF8.GetString(bytes), Raw($"docker://{second.Host}/other/name@{digest}", "--tls-verify=false"));
            Assert.Equal(bytes, File.ReadAllBytes(_folder[$"back/blobs/sha256/{digest[7..]}"]));
        }
        Assert.Equal(Encoding.UTF8.GetString(_manifests[_digest]), Raw($"oci-archive:{_folder["image.tar"]}:v1"));
        Assert.Equal(Encoding.UTF8.GetString(_manifests[_digest]), Raw($"oci:{_folder["layout"]}:v1"));
        Tool.Run("skopeo", ["copy", "--quiet", $"oci-archive:{_folder["image.tar"]}:v1", $"dir:{_folder["unpacked"]}"]);
    }

    [Fact]
    public void Copy_OneByteOfAStoredBlobChanged_LeavesNoTag()
    {
        string path = Directory.GetFiles(_folder["made/blobs/sha256"]).MaxBy(f => new FileInfo(f).Length)!;
        byte[] blob = File.ReadAllBytes(path);
        blob[^1] ^= 1;
        File.WriteAllBytes(path, blob);
        using TestRegistry registry = new(_folder["storage"]);

        Copy($"oci:{_folder["made"]}", $"{registry.Host}/{Name}:v1", "--registry-http", registry.Host).Run().Expect(3).ExpectError("digest of its bytes");
        Assert.False(Directory.Exists(_folder[$"storage/docker/registry/v2/repositories/{Name}/_manifests/tags"]));
        Copy($"oci:{_folder["made"]}", $"oci-archive:{_folder["o.tar"]}").Run().Expect(3);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path, "*o.tar*"));
    }

    [Fact]
    public async Task Copy_Interrupted_EndsAtOnceWithoutATag()
    {
        TaskCompletionSource uploading = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using FakeRegistry registry = new(async (request, stream, stop) =>
        {
            if (request.Method is "PUT" or "PATCH")
            {
                uploading.TrySetResult();
                await Task.Delay(Timeout.Infinite, stop);
            }
            await stream.WriteAsync(request.Method == "HEAD" ? "HTTP/1.1 404 X\r\nConnection: close\r\n\r\n"u8.ToArray() : FakeRegistry.Answer(202, "", "Location: /v2/u"), stop);
        });
        using Running running = Copy($"oci:{_folder["made"]}", $"{registry.Host}/{Name}:v1", "--registry-http", registry.Host).Start();
        await uploading.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        running.Interrupt();

        Outcome outcome = running.End();
        Assert.Equal(130, outcome.Code);
        Assert.DoesNotContain(registry.Requests, r => r.Method == "PUT" && r.Path.Contains("/manifests/", StringComparison.Ordinal));
    }

    private string CertDir()
    {
        Directory.CreateDirectory(_folder["certs"]);
        File.WriteAllText(_folder["certs/ca.crt"], _authority.Pem);
        return _folder["certs"];
    }

    private static string Raw(string image, params string[] more) => Tool.Run("skopeo", ["inspect", "--raw", .. more, image]);
}
