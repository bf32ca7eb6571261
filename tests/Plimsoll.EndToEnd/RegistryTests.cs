using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>Images in real registries: Debian's docker-registry with each way in that it has, filled by skopeo.</summary>
[Trait("needs", "host")]
public sealed class RegistryTests : IDisposable
{
    private const string Name = "team/app", Service = "test registry";

    private readonly SmallDatabase _database;
    private readonly TempFolder _folder = new();
    private readonly TestAuthority _authority = new();
    private readonly IReadOnlyDictionary<string, long> _blobs;
    private readonly long _bytes;

    public RegistryTests(SmallDatabase database)
    {
        _database = database;
        Dictionary<string, byte[]> files = SmallDatabase.Image().LayoutFiles("v1");
        ImageBuilder.Write(files, _folder["layout"]);
        using TestRegistry registry = new(Storage);
        Tool.Run("skopeo", ["copy", "--quiet", "--dest-tls-verify=false", $"oci:{_folder["layout"]}:v1", $"docker://{registry.Host}/{Name}:v1"]);
        JsonNode manifest = JsonNode.Parse(files[$"blobs/sha256/{((string)JsonNode.Parse(files["index.json"])!["manifests"]![0]!["digest"]!)[7..]}"])!;
        _blobs = manifest["layers"]!.AsArray().ToDictionary(l => (string)l!["digest"]!, l => (long)l!["size"]!);
        _bytes = _blobs.Values.Sum() + (long)manifest["config"]!["size"]!;
    }

    public void Dispose()
    {
        _folder.Dispose();
        _authority.Dispose();
    }

    private string Storage => _folder["storage"];

    private Call Scan(TestRegistry registry, params string[] more) => _database.Call(_folder, ["scan", "--json", $"registry:{registry.Host}/{Name}:v1", .. more])
        .With("DOCKER_CONFIG", _folder["docker"]);

    private static void Vulnerable(Call call)
    {
        JsonNode report = call.Run().Expect(0).Report;
        Assert.Equal([SmallDatabase.Flaw], report.Flaws());
        Assert.True((bool)report["verified"]!);
    }

    [Fact]
    public void Scan_PlainRegistry_FetchesEachBlobOnceAndNoLayerTheSecondTime()
    {
        using TestRegistry registry = new(Storage);

        Assert.Contains("--registry-http", Scan(registry).Run().Expect(3).ExpectNoCleanBill().Error, StringComparison.Ordinal);
        Assert.Empty(registry.Served);
        Vulnerable(Scan(registry, "--registry-http", registry.Host));
        Assert.Equal(_bytes, registry.Served.Where(s => s.Path.Contains("/blobs/", StringComparison.Ordinal)).Sum(s => s.Bytes));
        Assert.All(_blobs, blob => Assert.Equal(blob.Value, Assert.Single(registry.Served, s => s.Path.EndsWith(blob.Key, StringComparison.Ordinal)).Bytes));

        registry.Forget();
        Vulnerable(Scan(registry, "--registry-http", registry.Host));
        Assert.DoesNotContain(registry.Served, s => _blobs.Keys.Any(digest => s.Path.EndsWith(digest, StringComparison.Ordinal)));
        Assert.Equal(2, registry.Served.Count);

        // A warm scan of the same image under a name with its digest, and by the environment's setting.
        string digest = (string)Scan(registry, "--registry-http", registry.Host).Run().Report["manifestDigest"]!;
        Vulnerable(_database.Call(_folder, "scan", "--json", $"{registry.Host}/{Name}@{digest}").With("PLIMSOLL_SCAN_REGISTRY_HTTP", $"example.org, {registry.Host}").With("DOCKER_HOST", $"unix://{_folder["no.sock"]}"));
    }

    [Fact]
    public void Scan_OneByteOfAStoredBlobChanged_IsRefused()
    {
        string digest = _blobs.Keys.Last();
        string path = Path.Combine(Storage, "docker/registry/v2/blobs/sha256", digest[7..9], digest[7..], "data");
        byte[] blob = File.ReadAllBytes(path);
        blob[blob.Length / 2] ^= 1;
        File.WriteAllBytes(path, blob);
        using TestRegistry registry = new(Storage);

        Outcome outcome = Scan(registry, "--registry-http", registry.Host).Run().Expect(3).ExpectNoCleanBill();

        outcome.ExpectError(digest, $"sha256:{ImageBuilder.Hex(blob)}");
        Assert.Equal("digest-mismatch", (string)outcome.Report["error"]!["code"]!);
    }

    [Fact]
    public void Scan_TlsWithOwnAuthorityAndPassword_NeedsBoth()
    {
        string user = Tool.Run("htpasswd", ["-nbB", "alice", "s3cret"]).Trim();
        _folder.Write("htpasswd", Encoding.ASCII.GetBytes(user + "\n"));
        using TestRegistry registry = new(Storage, Tls(), $"  htpasswd: {{ realm: test, path: {_folder["htpasswd"]} }}\n");

        Assert.Contains("certs.d", Scan(registry).Run().Expect(3).Error, StringComparison.Ordinal);
        Trust(registry);
        Assert.Contains("docker login", Scan(registry).Run().Expect(3).ExpectNoCleanBill().Error, StringComparison.Ordinal);
        Login(registry, "wrong");
        Outcome refused = Scan(registry).Run().Expect(3);
        refused.ExpectError("alice");
        Assert.DoesNotContain("wrong", refused.Error, StringComparison.Ordinal);
        Login(registry, "s3cret");
        Vulnerable(Scan(registry));
        // As an option, and with a credential helper in place of the file.
        Directory.Delete(_folder["config/certs.d"], recursive: true);
        File.WriteAllText(_folder["docker/config.json"], """{"credsStore":"test"}""");
        string helper = _folder.Write("docker-credential-test", "#!/bin/sh\necho '{\"Username\":\"alice\",\"Secret\":\"s3cret\"}'\n"u8.ToArray());
        File.SetUnixFileMode(helper, (UnixFileMode)0b111_101_101);
        Vulnerable(Scan(registry, "--no-cache", "--registry-ca", _folder["ca.pem"]).With("PATH", $"{_folder.Path}:/usr/bin:/bin"));
    }

    [Fact]
    public void Scan_MutualTls_ShowsTheCertificateOfTheFolder()
    {
        using TestRegistry registry = new(Storage, Tls($"    clientcas: [ {_folder["ca.pem"]} ]\n"));
        Trust(registry);
        Scan(registry).Run().Expect(3).ExpectNoCleanBill();

        using X509Certificate2 client = _authority.Issue("CN=client");
        File.WriteAllText(_folder[$"config/certs.d/{registry.Host}/client.cert"], client.ExportCertificatePem());
        File.WriteAllText(_folder[$"config/certs.d/{registry.Host}/client.key"], TestAuthority.KeyPem(client));
        Vulnerable(Scan(registry));
    }

    [Fact]
    public void Scan_TokenServer_IsAskedOnlyWhereItMayBe()
    {
        List<string> asked = [];
        using FakeRegistry tokens = new(async (request, stream, stop) =>
        {
            asked.Add(request.Target);
            bool known = request.Header("authorization") == "Basic " + Convert.ToBase64String("alice:s3cret"u8);
            await stream.WriteAsync(known ? FakeRegistry.Answer(200, new JsonObject { ["token"] = Token() }.ToJsonString()) : FakeRegistry.Answer(401), stop);
        });
        File.WriteAllText(_folder["ca.pem"], _authority.Pem);
        using TestRegistry registry = new(Storage, auth: $"  token: {{ realm: \"http://{tokens.Host}/token\", service: \"{Service}\", issuer: test, rootcertbundle: {_folder["ca.pem"]} }}\n");
        Login(registry, "s3cret");
        string[] plain = ["--registry-http", registry.Host];

        Outcome elsewhere = Scan(registry, plain).Run().Expect(3).ExpectNoCleanBill();
        Assert.Contains($"--registry-realm {registry.Host}={tokens.Host}", elsewhere.Error, StringComparison.Ordinal);
        Assert.Empty(asked);
        string[] told = [.. plain, "--registry-realm", $"{registry.Host}={tokens.Host}"];
        Vulnerable(Scan(registry, told));
        Assert.Equal($"/token?service={Uri.EscapeDataString(Service)}&scope={Uri.EscapeDataString($"repository:{Name}:pull")}&account=alice", Assert.Single(asked));
        Login(registry, "wrong");
        Scan(registry, told).Run().Expect(3).ExpectError("alice");
    }

    [Fact]
    public void Scan_MirrorOfARegistryThatIsGone_IsEnough()
    {
        using TestRegistry mirror = new(Storage);

        Vulnerable(_database.Call(_folder, "scan", "--json", $"registry:registry.invalid/{Name}:v1", "--registry-mirror", $"registry.invalid={mirror.Host}", "--registry-http", mirror.Host).With("DOCKER_CONFIG", _folder["docker"]));
    }

    private string Tls(string more = "")
    {
        using X509Certificate2 server = _authority.Issue("CN=server");
        File.WriteAllText(_folder["server.pem"], server.ExportCertificatePem());
        File.WriteAllText(_folder["server.key"], TestAuthority.KeyPem(server));
        File.WriteAllText(_folder["ca.pem"], _authority.Pem);
        return $"  tls:\n    certificate: {_folder["server.pem"]}\n    key: {_folder["server.key"]}\n{more}";
    }

    private void Trust(TestRegistry registry)
    {
        Directory.CreateDirectory(_folder[$"config/certs.d/{registry.Host}"]);
        File.WriteAllText(_folder[$"config/certs.d/{registry.Host}/ca.crt"], _authority.Pem);
    }

    private void Login(TestRegistry registry, string password)
    {
        Directory.CreateDirectory(_folder["docker"]);
        File.WriteAllText(_folder["docker/config.json"], new JsonObject
        {
            ["auths"] = new JsonObject { [registry.Host] = new JsonObject { ["auth"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"alice:{password}")) } },
        }.ToJsonString());
    }

    /// <summary>A JSON web token as the registry verifies it: its certificate comes along and leads to the bundle.</summary>
    private string Token()
    {
        using X509Certificate2 signer = _authority.Issue("CN=token server");
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        JsonObject header = new() { ["typ"] = "JWT", ["alg"] = "RS256", ["x5c"] = new JsonArray(Convert.ToBase64String(signer.RawData)) };
        JsonObject claims = new()
        {
            ["iss"] = "test",
            ["sub"] = "alice",
            ["aud"] = Service,
            ["exp"] = now + 300,
            ["nbf"] = now - 10,
            ["iat"] = now,
            ["jti"] = "1",
            ["access"] = new JsonArray(new JsonObject { ["type"] = "repository", ["name"] = Name, ["actions"] = new JsonArray("pull") }),
        };
        string signed = $"{Url(Encoding.UTF8.GetBytes(header.ToJsonString()))}.{Url(Encoding.UTF8.GetBytes(claims.ToJsonString()))}";
        return $"{signed}.{Url(signer.GetRSAPrivateKey()!.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }

    private static string Url(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
