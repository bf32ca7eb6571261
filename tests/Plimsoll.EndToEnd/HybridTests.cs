using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>
/// Hybrid keys where OpenSSL has ML-DSA: the program runs in the Debian 13 root, and on this host, which is to say what it lacks. Each attack has a
/// twin that differs in nothing else and passes.
/// </summary>
[Trait("needs", "host")]
public sealed class HybridTests : IDisposable
{
    private const string Kind = "ecdsa-p256+ml-dsa-65", Name = "registry.example/team/app";

    private readonly TempFolder _folder = new();

    public HybridTests(SmallDatabase database)
    {
        ImageBuilder.Write(SmallDatabase.Image().LayoutFiles("v1"), _folder["layout"]);
        File.Copy(database.Path, _folder["db"]);
        // What is judged here is the signature.
        _folder.Write("open.yaml", "policy: 1\nname: open\ninspection: {missing: ignore, incomplete: ignore, old: ignore}\ndatabase: {missing: ignore, old: ignore}\nvulnerabilities: {severity: {critical: ignore, high: ignore, unknown: ignore}, end-of-life: ignore, known-exploited: ignore}\n"u8.ToArray());
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>The program in the Debian 13 root.</summary>
    private Outcome There(params string[] arguments)
    {
        PeerResult result = Peers.RunBuilt(_folder.Path, Call.Executable, arguments, [new("PLIMSOLL_HOME", "/mnt/home"), new("PLIMSOLL_PASSPHRASE", "ours"), new("DOCKER_CONFIG", "/mnt/docker")]);
        return new Outcome(result.ExitCode, result.Out, result.Error, TimeSpan.Zero);
    }

    /// <summary>The same program with the same files on this host.</summary>
    private Outcome Here(params string[] arguments) => new Call(_folder["home"], arguments) { Folder = _folder.Path }.With("PLIMSOLL_PASSPHRASE", "ours").Run();

    private string Openssl(params string[] arguments) => Peers.Run(_folder.Path, "openssl", arguments) is { ExitCode: 0 } result ? result.Out : throw new InvalidOperationException($"openssl {arguments[0]} failed");

    private void Make(string name, string kind = Kind)
    {
        There("key", "generate", name, "--algorithm", kind).Expect(0);
        There("key", "export", name, "--public", "--output", name + ".pub").Expect(0);
    }

    private Outcome Sign(string key, string layout = "layout") => There("sign", $"oci:{layout}:v1", "--key", key, "--policy", "open.yaml", "--db", "db", "--identity", Name).Expect(0);

    private void Policy(string key, string more = "") => File.WriteAllText(_folder["policy.yaml"],
        $"policy: 1\nname: hybrid\ntrust:\n  keys: {{k: {{file: {key}}}{(more.Length > 0 ? ", ops: {file: ops.pub}" : "")}}}\n  images:\n  - {{names: [\"**\"], signatures: {{keys: [k]}}, measurement: {{keys: [k]}}{more}}}\n");

    private static string[] Verify(string layout) => ["verify", $"oci:{layout}:v1", "--as", Name + ":v1", "--policy", "policy.yaml", "--json"];

    private static string[] Codes(Outcome outcome) =>
        [.. outcome.Document["images"]![0]!["reasons"]!.AsArray().Where(r => (string)r!["outcome"]! != "passed").Select(r => $"{r!["component"]}/{r["code"]}").Order(StringComparer.Ordinal)];

    /// <summary>The two signatures over the image's manifest, and what they are over.</summary>
    private (byte[] Payload, byte[] Classical, byte[] MlDsa) Read(string layout)
    {
        foreach (JsonNode manifest in Manifests(layout))
            if (manifest["layers"]![0] is { } layer && (string)layer["mediaType"]! == SimpleSigning.MediaType)
                return (File.ReadAllBytes(BlobOf(layout, (string)layer["digest"]!)), Convert.FromBase64String((string)layer["annotations"]![SimpleSigning.SignatureAnnotation]!),
                    Convert.FromBase64String((string)layer["annotations"]![SimpleSigning.MlDsaAnnotation]!));
        throw new InvalidOperationException($"no signature in {layout}");
    }

    private string BlobOf(string layout, string digest) => _folder[$"{layout}/blobs/{digest.Replace(':', '/')}"];

    private IEnumerable<JsonNode> Manifests(string layout) =>
        JsonNode.Parse(File.ReadAllText(_folder[$"{layout}/index.json"]))!["manifests"]!.AsArray().Select(m => JsonNode.Parse(File.ReadAllText(BlobOf(layout, (string)m!["digest"]!)))!);

    private string Put(string layout, byte[] content)
    {
        Digest digest = Digest.Of(content);
        File.WriteAllBytes(BlobOf(layout, digest.ToString()), content);
        return digest.ToString();
    }

    /// <summary>A copy of the layout in which both signatures of everything are what this makes of them; null takes one away.</summary>
    private string Forge(string to, Func<(byte[] Classical, byte[] MlDsa), (byte[]? Classical, byte[]? MlDsa)> change)
    {
        Tool.Run("cp", ["-r", _folder["layout"], _folder[to]]);
        string path = _folder[$"{to}/index.json"];
        JsonNode index = JsonNode.Parse(File.ReadAllText(path))!;
        int changed = 0;
        foreach (JsonNode? entry in index["manifests"]!.AsArray())
        {
            JsonNode manifest = JsonNode.Parse(File.ReadAllText(BlobOf(to, (string)entry!["digest"]!)))!;
            if (manifest["layers"]?.AsArray().FirstOrDefault() is not { } layer || layer["annotations"]?[SimpleSigning.MlDsaAnnotation] is not { } second)
                continue;
            JsonObject annotations = layer["annotations"]!.AsObject();
            JsonNode? bundle = SigstoreBundle.IsMediaType((string)layer["mediaType"]!) ? JsonNode.Parse(File.ReadAllText(BlobOf(to, (string)layer["digest"]!))) : null;
            JsonArray? inner = bundle?["dsseEnvelope"]!["signatures"]!.AsArray();
            string first = (string)(inner is null ? annotations[SimpleSigning.SignatureAnnotation] : inner[0]!["sig"])!;
            (byte[]? classical, byte[]? mlDsa) = change((Convert.FromBase64String(first), Convert.FromBase64String((string)second!)));
            annotations.Remove(SimpleSigning.MlDsaAnnotation);
            if (mlDsa is not null)
                annotations[SimpleSigning.MlDsaAnnotation] = Convert.ToBase64String(mlDsa);
            if (inner is null)
            {
                annotations.Remove(SimpleSigning.SignatureAnnotation);
                if (classical is not null)
                    annotations[SimpleSigning.SignatureAnnotation] = Convert.ToBase64String(classical);
            }
            else
            {
                inner.Clear();
                if (classical is not null)
                    inner.Add(new JsonObject { ["sig"] = Convert.ToBase64String(classical) });
                byte[] content = Encoding.UTF8.GetBytes(bundle!.ToJsonString());
                (layer["digest"], layer["size"]) = (Put(to, content), content.Length);
            }
            byte[] bytes = Encoding.UTF8.GetBytes(manifest.ToJsonString());
            (entry["digest"], entry["size"]) = (Put(to, bytes), bytes.Length);
            changed++;
        }
        Assert.True(changed >= 3, $"{changed} signatures were there to change");
        File.WriteAllText(path, index.ToJsonString());
        return to;
    }

    private static byte[] Flip(byte[] signature) => [.. signature[..^1], (byte)(signature[^1] ^ 1)];

    [Fact]
    public void Verify_AHybridKey_TakesBothSignaturesAndNothingLess()
    {
        Make("both");
        Make("other");
        Sign("both");
        Policy("both.pub");
        Tool.Run("cp", ["-r", _folder["layout"], _folder["again"]]);
        Sign("other", "again");
        byte[] payload = Read("layout").Payload;
        (byte[] theirs, byte[] foreign) = OtherOf(payload);

        Assert.Empty(Codes(There(Verify("layout")).Expect(0)));
        Assert.Empty(Codes(There(Verify("again")).Expect(0)));
        Assert.Empty(Codes(There(Verify(Forge("same", s => (s.Classical, s.MlDsa)))).Expect(0)));
        Dictionary<string, Func<(byte[] Classical, byte[] MlDsa), (byte[]?, byte[]?)>> attacks = new(StringComparer.Ordinal)
        {
            ["ml-dsa-removed"] = s => (s.Classical, null),
            ["ml-dsa-in-place-of-classical"] = s => (s.MlDsa, null),
            ["ml-dsa-twice"] = s => (s.MlDsa, s.MlDsa),
            ["classical-twice"] = s => (s.Classical, s.Classical),
            ["classical-changed"] = s => (Flip(s.Classical), s.MlDsa),
            ["ml-dsa-changed"] = s => (s.Classical, Flip(s.MlDsa)),
            ["ml-dsa-short"] = s => (s.Classical, s.MlDsa[..^1]),
            ["ml-dsa-of-another-key"] = s => (s.Classical, foreign),
            ["classical-of-another-key"] = s => (theirs, s.MlDsa),
        };
        foreach ((string attack, Func<(byte[], byte[]), (byte[]?, byte[]?)> change) in attacks)
            Assert.Equal((attack, "measurement/hybrid-incomplete, measurement/statement-missing, signature/hybrid-incomplete, signature/unsigned"),
                (attack, string.Join(", ", Codes(There(Verify(Forge(attack, change))).Expect(1)))));
        // Without the annotation that cosign looks for there is no signature at all.
        Assert.Equal(["evidence/evidence-gap", "measurement/hybrid-incomplete", "measurement/statement-missing", "signature/unsigned"],
            Codes(There(Verify(Forge("classical-removed", s => (null, s.MlDsa)))).Expect(1)));
        // Whoever pins the classical part by itself asks for no more than that.
        File.WriteAllText(_folder["classical.pub"], Blocks("both.pub")[0]);
        Policy("classical.pub");
        Assert.Empty(Codes(There(Verify("ml-dsa-removed")).Expect(0)));

        // Of a key that signed the very same bytes.
        (byte[], byte[]) OtherOf(byte[] over)
        {
            ImageBuilder.Write(SmallDatabase.Image().LayoutFiles("v1"), _folder["foreign"]);
            Sign("other", "foreign");
            (byte[] same, byte[] classical, byte[] second) = Read("foreign");
            Assert.Equal(over, same);
            return (classical, second);
        }
    }

    private string[] Blocks(string file) => [.. File.ReadAllText(_folder[file]).Split("-----END PUBLIC KEY-----\n", StringSplitOptions.RemoveEmptyEntries).Select(b => b + "-----END PUBLIC KEY-----\n")];

    [Fact]
    public void EveryVerb_WithoutMlDsa_SaysSoAndTakesNothing()
    {
        Make("both");
        There("key", "generate", "ops").Expect(0);
        There("key", "export", "ops", "--public", "--output", "ops.pub").Expect(0);
        Sign("both");
        Policy("both.pub");
        There("policy", "sign", "policy.yaml", "--key", "both", "--output", "signed.json").Expect(0);
        There("key", "revoke", "--list", "revoked.json", "--key", "both").Expect(0);
        There("policy", "verify", "signed.json", "--key", "both.pub").Expect(0);
        There("measure", "oci:layout:v1", "--seal-key", "both").Expect(0);
        File.Copy(_folder["db"], _folder["home/data/advisories.db"]);
        There("db", "export", "database", "--key", "both").Expect(0);
        if (MLDsa.IsSupported)
        {
            Here(Verify("layout")).Expect(0);
            return;
        }
        const string lacks = "has no ML-DSA-65; needs 3.5";

        Assert.Equal(["measurement/hybrid-unsupported", "measurement/statement-missing", "signature/hybrid-unsupported", "signature/unsigned"], Codes(Here(Verify("layout")).Expect(1)));
        Assert.Contains(lacks, Here(["verify", "oci:layout:v1", "--as", Name + ":v1", "--policy", "policy.yaml"]).Expect(1).Out, StringComparison.Ordinal);
        Assert.Contains("不支持 ML-DSA-65", Here(["verify", "oci:layout:v1", "--as", Name + ":v1", "--policy", "policy.yaml", "--lang", "zh"]).Expect(1).Out, StringComparison.Ordinal);
        // The classical signature by itself would do, for whoever asks for no more.
        File.WriteAllText(_folder["classical.pub"], Blocks("both.pub")[0]);
        Policy("classical.pub");
        Here(Verify("layout")).Expect(0);
        Policy("ops.pub", ", revocations: {keys: [k2], max-age: none}");
        File.WriteAllText(_folder["policy.yaml"], File.ReadAllText(_folder["policy.yaml"]).Replace("keys: {k:", "keys: {k2: {file: both.pub}, k:", StringComparison.Ordinal));
        Assert.Contains("revocations/revocations-unsupported", Codes(Here([.. Verify("layout"), "--revocations", "revoked.json"]).Expect(1)));
        Here("policy", "verify", "signed.json", "--key", "both.pub").Expect(3).ExpectError(lacks);
        Here("verify", "oci:layout:v1", "--policy", "signed.json", "--policy-key", "both.pub").Expect(3).ExpectError(lacks);
        Here("db", "import", "database", "--key", "both.pub").Expect(3).ExpectError(lacks);
        Here("measure", "oci:layout:v1", "--check", "--seal-key", "both").Expect(3).ExpectError(lacks);
        Here("key", "generate", "mine", "--algorithm", Kind).Expect(3).ExpectError(Kind, lacks);
        Here("key", "rotate", "ops", "--algorithm", "ed25519+ml-dsa-65").Expect(3).ExpectError(lacks);
        Here("key", "rotate", "both").Expect(3).ExpectError(lacks);
        Here("sign", "oci:layout:v1", "--key", "both", "--policy", "open.yaml", "--db", "db", "--identity", Name).Expect(3).ExpectError(lacks);
        Here("policy", "sign", "open.yaml", "--key", "both", "--output", "mine.json").Expect(3).ExpectError(lacks);
        Here("key", "split", "both", "--shares", "3", "--threshold", "2", "--output", "shares").Expect(3).ExpectError(lacks);
        Assert.False(File.Exists(_folder["mine.json"]) || Directory.Exists(_folder["shares"]) || Directory.Exists(_folder["home/data/keys/mine"]));
        // What needs no signature works: its files, its ids, and revoking it.
        Assert.Contains("needs OpenSSL 3.5", Here("key", "list").Expect(0).Out, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllText(_folder["both.pub"]), Here("key", "export", "both", "--public").Expect(0).Out);
        Assert.Equal(There("key", "show", "both.pub", "--json").Expect(0).Out, Here("key", "show", "both.pub", "--json").Expect(0).Out);
        Here("key", "revoke", "both", "--list", "mine.list", "--key", "ops", "--reason", "lost").Expect(0);
        Assert.Contains("3 keys", Here("key", "revoke", "--list", "mine.list", "--key", "ops").Expect(0).Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Key_Hybrid_RotatesIsRevokedSplitAndSignsPoliciesAndLists()
    {
        Make("both");
        There("key", "generate", "ops").Expect(0);
        There("key", "export", "ops", "--public", "--output", "ops.pub").Expect(0);
        Sign("both");
        There("policy", "sign", "open.yaml", "--key", "both", "--output", "signed.json").Expect(0);
        There("policy", "verify", "signed.json", "--key", "both.pub").Expect(0);
        JsonNode envelope = JsonNode.Parse(File.ReadAllText(_folder["signed.json"]))!;
        JsonNode shown = There("key", "show", "both", "--json").Expect(0).Document["keys"]![0]!["versions"]![0]!;
        Assert.Equal(shown["parts"]!.AsArray().Select(p => (string)p!["id"]!), envelope["signatures"]!.AsArray().Select(s => (string)s!["keyid"]!));
        foreach (int part in (int[])[0, 1])
        {
            JsonNode stripped = envelope.DeepClone();
            stripped["signatures"]!.AsArray().RemoveAt(part);
            File.WriteAllText(_folder["stripped.json"], stripped.ToJsonString() + "\n");
            There("policy", "verify", "stripped.json", "--key", "both.pub").Expect(1).ExpectError("one part of the hybrid key", "and both must");
        }
        There("measure", "oci:layout:v1", "--seal-key", "both").Expect(0);
        There("measure", "oci:layout:v1", "--check", "--seal-key", "both").Expect(0);
        string seal = Directory.EnumerateFiles(_folder["home"], "*.json", SearchOption.AllDirectories).Single(f => f.EndsWith("baselines/index.json", StringComparison.Ordinal));
        JsonNode record = JsonNode.Parse(File.ReadAllText(seal))!;
        record["signatures"]!.AsArray().RemoveAt(1);
        string whole = File.ReadAllText(seal);
        File.WriteAllText(seal, record.ToJsonString());
        There("measure", "oci:layout:v1", "--check", "--seal-key", "both").Expect(1);
        File.WriteAllText(seal, whole);
        File.Copy(_folder["db"], _folder["home/data/advisories.db"]);
        There("db", "export", "database", "--key", "both").Expect(0);
        File.Delete(_folder["home/data/advisories.db"]);
        There("db", "import", "database", "--key", "ops.pub").Expect(1);
        There("db", "import", "database", "--key", "both.pub").Expect(0);
        There("key", "split", "both", "--shares", "3", "--threshold", "2", "--output", "shares").Expect(0);
        There("key", "combine", "shares/share-3-of-3.txt", "shares/share-1-of-3.txt", "--name", "restored").Expect(0);
        Assert.Equal(File.ReadAllText(_folder["both.pub"]), There("key", "export", "restored", "--public").Expect(0).Out);
        There("key", "export", "both", "--cosign").Expect(2).ExpectError($"cosign has no {Kind} keys");
        There("key", "export", "both", "--pkcs8", "--output", "both.pem").Expect(0);
        There("key", "import", "both.pem", "--name", "again").Expect(0);
        Assert.Equal(File.ReadAllText(_folder["both.pub"]), There("key", "export", "again", "--public").Expect(0).Out);

        Assert.Contains($"both@v2: {Kind}", There("key", "rotate", "both").Expect(0).Out, StringComparison.Ordinal);
        There("key", "export", "both", "--public", "--output", "versions.pub").Expect(0);
        Assert.Equal(4, Blocks("versions.pub").Length);
        Policy("versions.pub", ", revocations: {keys: [ops], max-age: none}");
        There("key", "revoke", "--list", "revoked.json", "--key", "ops").Expect(0);
        Assert.Empty(Codes(There([.. Verify("layout"), "--revocations", "revoked.json"]).Expect(0)));

        There("key", "revoke", "both@v1", "--list", "revoked.json", "--key", "ops").Expect(0);
        Assert.Equal(["measurement/key-revoked", "measurement/statement-missing", "signature/key-revoked", "signature/unsigned"], Codes(There([.. Verify("layout"), "--revocations", "revoked.json"]).Expect(1)));
        There("sign", "oci:layout:v1", "--key", "both@v1", "--policy", "open.yaml", "--db", "db").Expect(1).ExpectError("was revoked");
        // Its classical part by itself is revoked with it.
        File.WriteAllText(_folder["classical.pub"], Blocks("both.pub")[0]);
        Policy("classical.pub", ", revocations: {keys: [ops], max-age: none}");
        Assert.Contains("signature/key-revoked", Codes(There([.. Verify("layout"), "--revocations", "revoked.json"]).Expect(1)));
    }

    [Theory]
    [InlineData("EC", "ec_paramgen_curve:P-256", "ecdsa-p256+ml-dsa-65")]
    [InlineData("ED25519", null, "ed25519+ml-dsa-65")]
    [InlineData("RSA", "rsa_keygen_bits:2048", "rsa+ml-dsa-65")]
    public void Openssl_AndWe_CheckEachOthersSignaturesAndReadEachOthersKeys(string algorithm, string? option, string kind)
    {
        Openssl(["genpkey", "-algorithm", algorithm, .. option is null ? Array.Empty<string>() : ["-pkeyopt", option], "-out", "first.pem"]);
        Openssl("genpkey", "-algorithm", "ML-DSA-65", "-out", "second.pem");
        File.WriteAllText(_folder["made.pem"], File.ReadAllText(_folder["first.pem"]) + File.ReadAllText(_folder["second.pem"]));
        Assert.Contains(kind, There("key", "import", "made.pem", "--name", "made").Expect(0).Out, StringComparison.Ordinal);
        There("key", "export", "made", "--public", "--output", "made.pub").Expect(0);
        Assert.Equal((string[])[Openssl("pkey", "-in", "first.pem", "-pubout"), Openssl("pkey", "-in", "second.pem", "-pubout")], Blocks("made.pub"));
        File.WriteAllText(_folder["second.pub"], Blocks("made.pub")[1]);
        Sign("made");
        (byte[] payload, _, byte[] ours) = Read("layout");
        File.WriteAllBytes(_folder["payload"], payload);
        File.WriteAllBytes(_folder["ours"], ours);

        Assert.Contains("Verified Successfully", Openssl("pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "second.pub", "-in", "payload", "-sigfile", "ours"), StringComparison.Ordinal);
        File.WriteAllBytes(_folder["changed"], Flip(ours));
        Assert.NotEqual(0, Peers.Run(_folder.Path, "openssl", ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "second.pub", "-in", "payload", "-sigfile", "changed"]).ExitCode);

        File.WriteAllText(_folder["policy.yaml"], "policy: 1\nname: hybrid\ntrust:\n  keys: {k: {file: made.pub}}\n  images:\n  - {names: [\"**\"], signatures: {keys: [k]}}\n");
        Openssl("pkeyutl", "-sign", "-rawin", "-inkey", "second.pem", "-in", "payload", "-out", "theirs");
        byte[] theirs = File.ReadAllBytes(_folder["theirs"]);
        Assert.NotEqual(ours, theirs);
        Assert.Empty(Codes(There(Verify(Forge("swapped", s => (s.Classical, s.MlDsa.AsSpan().SequenceEqual(ours) ? theirs : s.MlDsa)))).Expect(0)));
        Openssl("genpkey", "-algorithm", "ML-DSA-65", "-out", "stranger.pem");
        Openssl("pkeyutl", "-sign", "-rawin", "-inkey", "stranger.pem", "-in", "payload", "-out", "wrong");
        byte[] wrong = File.ReadAllBytes(_folder["wrong"]);
        Assert.Contains("signature/hybrid-incomplete", Codes(There(Verify(Forge("wrongly", s => (s.Classical, s.MlDsa.AsSpan().SequenceEqual(ours) ? wrong : s.MlDsa)))).Expect(1)));
        // What we keep, openssl opens: the first block as it is, the second by itself.
        There("key", "export", "made", "--pkcs8", "--output", "kept.pem").Expect(0);
        string[] blocks = File.ReadAllText(_folder["kept.pem"]).Split("-----END ENCRYPTED PRIVATE KEY-----\n");
        File.WriteAllText(_folder["kept2.pem"], blocks[1] + "-----END ENCRYPTED PRIVATE KEY-----\n");
        Assert.Equal(Blocks("made.pub"), (string[])[Openssl("pkey", "-in", "kept.pem", "-passin", "pass:ours", "-pubout"), Openssl("pkey", "-in", "kept2.pem", "-passin", "pass:ours", "-pubout")]);
    }

    [Fact]
    public void Cosign_WithTheHybridKeysFile_VerifiesTheClassicalPart()
    {
        using TestRegistry registry = new(_folder["storage"]);
        string image = $"{registry.Host}/team/app";
        Tool.Run("skopeo", ["copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false", $"oci:{_folder["layout"]}:v1", $"docker://{image}:v1"]);
        _folder.Write("root.json", """{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[],"certificateAuthorities":[],"ctlogs":[],"timestampAuthorities":[]}"""u8.ToArray());
        Make("both");
        Make("other");
        There("sign", $"{image}:v1", "--key", "both", "--policy", "open.yaml", "--db", "db", "--registry-http", registry.Host).Expect(0);
        Policy("both.pub");

        There("verify", $"{image}:v1", "--policy", "policy.yaml", "--registry-http", registry.Host).Expect(0);
        foreach ((string key, int code) in ((string, int)[])[("both.pub", 0), ("other.pub", 1)])
        {
            PeerResult signature = Peers.Run(_folder.Path, "cosign", ["verify", "--key", key, "--private-infrastructure", $"{image}:v1"]);
            Assert.True(signature.ExitCode == 0 == (code == 0), signature.Error);
            PeerResult statement = Peers.Run(_folder.Path, "cosign",
                ["verify-attestation", "--new-bundle-format", "--insecure-ignore-tlog=true", "--trusted-root", "root.json", "--key", key, "--type", "urn:plimsoll:measurement:1", $"{image}:v1"]);
            Assert.True(statement.ExitCode == 0 == (code == 0), statement.Error);
        }
        There("copy", $"{image}:v1", "oci:copied:v1", "--registry-http", registry.Host).Expect(0);
        Assert.Empty(Codes(There(["verify", "oci:copied:v1", "--as", $"{image}:v1", "--policy", "policy.yaml", "--json"]).Expect(0)));
    }

    /// <summary>The tests of keys, envelopes and verdicts again, where none of them can take the way out that there is no ML-DSA.</summary>
    [Fact]
    public void UnitTests_OfHybridKeys_PassWithMlDsa()
    {
        string program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../Plimsoll.Tests/release/Plimsoll.Tests"));
        Assert.True(File.Exists(program), $"{program}: build the whole solution");
        string[] classes = ["Keys.HybridKeyTests", "Keys.KeyFileTests", "Sign.HybridEvidenceTests", "Verify.HybridTrustTests", "Verify.TrustJudgeTests"];

        PeerResult result = Peers.RunBuilt(_folder.Path, program, ["-noLogo", "-noColor", .. classes.SelectMany(c => (string[])["-class", "Plimsoll.Tests." + c])], [new("PLIMSOLL_TEST_ML_DSA", "1")]);

        Assert.True(result.ExitCode == 0, result.Out + result.Error);
        Assert.Matches(@"Total: [1-9]\d+, Errors: 0, Failed: 0, Skipped: 0", result.Out);
    }
}
