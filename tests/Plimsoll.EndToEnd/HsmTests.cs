using System.Text.Json.Nodes;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>Keys in tokens as a user has them: made, used to sign, verified without the token; and what happens when something is wrong with it.</summary>
[Trait("needs", "host")]
public sealed class HsmTests : IDisposable
{
    private const string Key = "pkcs11:token=ops;object=release";
    private readonly SmallDatabase _database;
    private readonly TempFolder _folder = new();
    private readonly TestSoftHsm _soft = new();
    private readonly string _token;

    public HsmTests(SmallDatabase database)
    {
        _database = database;
        _token = _soft.Add("ops");
        ImageBuilder.Write(SmallDatabase.Image().LayoutFiles("v1"), _folder["layout"]);
        // What is judged here is the signature.
        File.WriteAllText(_folder["open.yaml"], "policy: 1\nname: open\ninspection: {missing: ignore, incomplete: ignore, old: ignore}\ndatabase: {missing: ignore, old: ignore}\nvulnerabilities: {severity: {critical: ignore, high: ignore, unknown: ignore}, end-of-life: ignore, known-exploited: ignore}\n");
        File.WriteAllText(_folder["trust.yaml"], "policy: 1\nname: e2e\ntrust:\n  keys: {release: {file: release.pub}}\n  images:\n  - names: [\"registry.example/**\"]\n    signatures: {keys: [release]}\n");
        File.WriteAllText(_folder["pin"], TestSoftHsm.Pin + "\n");
    }

    public void Dispose()
    {
        _soft.Dispose();
        _folder.Dispose();
    }

    private Outcome Run(params string[] arguments) => Call(TestSoftHsm.Pin, arguments).Run();

    private Call Call(string? pin, params string[] arguments) => new Call(_folder["home"], arguments) { Folder = _folder.Path }
        .With("PLIMSOLL_SCAN_DB", _database.Path).With("SOFTHSM2_CONF", _soft.Configuration).With("PLIMSOLL_PKCS11_MODULE", TestSoftHsm.Module).With("PLIMSOLL_PIN", pin);

    private string[] Sign(string key, string output) => ["sign", "oci:layout:v1", "--key", key, "--output", output, "--policy", "open.yaml", "--db", _database.Path, "--identity", "registry.example/app"];

    private Outcome Verify(string bundle) => new Call(_folder["home"], "verify", "oci:layout:v1", "--as", "registry.example/app:v1", "--policy", "trust.yaml", "--bundle", bundle, "--json") { Folder = _folder.Path }.Run();

    [Theory]
    [InlineData("ecdsa-p256")]
    [InlineData("ecdsa-p384")]
    [InlineData("rsa")]
    public void GenerateSignVerify_OneImage_IsTrustedByThePublicHalfAlone(string algorithm)
    {
        Assert.Contains($": {algorithm}, id ", Run("key", "generate", Key, "--algorithm", algorithm).Expect(0).Out, StringComparison.Ordinal);
        Call(null, "key", "export", Key, "--public", "--output", "release.pub").Run().Expect(0);
        string id = (string)JsonNode.Parse(Run("key", "show", "release.pub", "--json").Expect(0).Out)!["id"]!;
        JsonNode shown = Assert.Single(JsonNode.Parse(Run("key", "show", Key, "--json").Expect(0).Out)!["keys"]!.AsArray())!;
        Assert.Equal((id, "ready", "no", "yes"), ((string)shown["id"]!, (string)shown["state"]!, (string)shown["extractable"]!, (string)shown["madeInToken"]!));

        Assert.Contains(id[..16], Run(Sign(Key, "good.tar")).Expect(0).Out, StringComparison.Ordinal);
        Verify("good.tar").Expect(0);

        // The attack's twin: the same label in another token is another key.
        TestSoftHsm.Remove(_token);
        Run(Sign(Key, "none.tar")).Expect(2).ExpectError("no such token");
        _soft.Add("ops");
        Run(Sign(Key, "none.tar")).Expect(2).ExpectError("no such key");
        Run("key", "generate", Key, "--algorithm", algorithm).Expect(0);
        Run(Sign(Key, "other.tar")).Expect(0);
        Verify("other.tar").Expect(1);
        Verify("good.tar").Expect(0);
    }

    [Fact]
    public void Sign_WithAKeyOfPkcs11ToolAndAPinInAFile_IsVerified()
    {
        _soft.Tool("ops", "--login", "--pin", TestSoftHsm.Pin, "--keypairgen", "--key-type", "EC:prime256v1", "--label", "theirs", "--id", "0a0b");
        string uri = $"pkcs11:id=%0a%0B?module-path={TestSoftHsm.Module}&pin-source=file:{_folder["pin"]}";
        Call With(params string[] arguments) => Call(null, arguments).With("PLIMSOLL_PKCS11_MODULE", "/nowhere.so");

        With("key", "export", uri, "--public", "--output", "release.pub").Run().Expect(0);
        With(Sign(uri, "good.tar")).Run().Expect(0);

        Verify("good.tar").Expect(0);
        Assert.Contains("theirs", With("key", "list", $"pkcs11:token=ops?module-path={TestSoftHsm.Module}").Run().Expect(0).Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ecdsa-p256")]
    [InlineData("ecdsa-p384")]
    [InlineData("rsa")]
    public void Sign_IntoARegistry_CosignVerifiesWithThePublicHalf(string algorithm)
    {
        using TestRegistry registry = new(_folder["storage"]);
        Tool.Run("skopeo", ["copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false", $"oci:{_folder["layout"]}:v1", $"docker://{registry.Host}/app:v1"]);
        string image = $"{registry.Host}/app:v1";
        Run("key", "generate", Key, "--algorithm", algorithm).Expect(0);
        Run("key", "export", Key, "--public", "--output", "release.pub").Expect(0);
        PeerResult Verified() => Peers.Run(_folder.Path, "cosign", ["verify", "--key", "release.pub", "--private-infrastructure", image]);
        Assert.NotEqual(0, Verified().ExitCode);

        Run("sign", image, "--key", Key, "--policy", "open.yaml", "--db", _database.Path, "--registry-http", registry.Host).Expect(0);

        PeerResult verified = Verified();
        Assert.True(verified.ExitCode == 0, verified.Error);
    }

    [Fact]
    public void List_ThroughTheProxyOfP11Kit_IsTheSameToken()
    {
        Run("key", "generate", Key).Expect(0);
        string proxy = Directory.EnumerateDirectories("/usr/lib", "*-linux-gnu").Select(f => Path.Combine(f, "libp11-kit.so.0")).First(File.Exists);

        Assert.Contains("object=release", Run("key", "list", $"pkcs11:token=ops?module-path={proxy}").Expect(0).Out, StringComparison.Ordinal);
        Run(Sign($"{Key}?module-path={proxy}", "good.tar")).Expect(0);
    }

    [Fact]
    public void Sign_PolicyListAndRevocationByAToken_AreReadWithItsPublicHalf()
    {
        Run("key", "generate", Key).Expect(0);
        Run("policy", "sign", "open.yaml", "--key", Key, "--output", "signed.json").Expect(0);
        Call(null, "policy", "verify", "signed.json", "--key", Key).Run().Expect(0);
        Run("key", "generate", "pkcs11:token=ops;object=old").Expect(0);
        Run("key", "revoke", "pkcs11:token=ops;object=old", "--list", "revoked.json", "--key", Key, "--reason", "drill").Expect(0);
        Run("key", "revoke", Key, "--list", "revoked.json", "--key", Key).Expect(2).ExpectError("cannot sign the list");
        Run("policy", "verify", "signed.json", "--key", "pkcs11:token=ops;object=old").Expect(1);
    }

    [Fact]
    public void Measure_SealedByAToken_IsHeldByItAndByNothingElse()
    {
        Run("key", "generate", Key).Expect(0);
        string[] measure = ["measure", "oci:layout:v1"];
        Run([.. measure, "--seal-key", Key]).Expect(0);
        Assert.False(File.Exists(_folder["home/data/host/key.pem"]));
        // A check needs the public half and no PIN.
        Call(null, [.. measure, "--check", "--seal-key", Key]).Run().Expect(0);
        Run([.. measure, "--check"]).Expect(1);
        Run("key", "generate", "pkcs11:token=ops;object=other").Expect(0);
        Run([.. measure, "--check", "--seal-key", "pkcs11:token=ops;object=other"]).Expect(1);
    }

    [Fact]
    public void Pin_WrongThreeTimes_IsNamedEachTimeInBothLanguages()
    {
        Run("key", "generate", Key).Expect(0);
        for (int i = 0; i < 3; i++)
            Call("4321", Sign(Key, "none.tar")).Run().Expect(2).ExpectError("wrong PIN", "CKR_PIN_INCORRECT");
        Outcome chinese = Call("4321", [.. Sign(Key, "none.tar"), "--lang", "zh"]).Run().Expect(2);
        chinese.ExpectError("PIN 错误");
        Assert.Contains("此前输入过错误的 PIN", chinese.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("4321", chinese.Error, StringComparison.Ordinal);
        Call(null, Sign(Key, "none.tar")).Run().Expect(2).ExpectError("PIN wanted");
        Assert.False(File.Exists(_folder["none.tar"]));
        Run(Sign(Key, "good.tar")).Expect(0);
    }

    [Fact]
    public void Verbs_ThatNeedThePrivateHalf_RefuseByNameAndAskNobody()
    {
        Run("key", "generate", Key).Expect(0);
        (string[] Arguments, string Why)[] refused =
        [
            (["key", "export", Key, "--pkcs8"], "never leaves the device"),
            (["key", "export", Key, "--cosign"], "never leaves the device"),
            (["key", "rotate", Key], "no versions to rotate"),
            (["key", "split", Key, "--shares", "3", "--threshold", "2", "--output", "shares"], "nothing to split"),
            (["key", "import", Key, "--name", "k"], "not imported"),
            (["key", "generate", Key], "the key exists"),
            (["key", "generate", "pkcs11:token=ops;object=e", "--algorithm", "ed25519"], "ed25519 keys are not made in tokens"),
            (["key", "generate", "pkcs11:token=ops;object=e", "--rotate-after", "9"], "keeps no age"),
            (["key", "generate", "pkcs11:token=ops"], "what the new key is to be called"),
            (["key", "list", "pkcs11:token=nobody"], "no such token"),
            (["key", "list", "ops"], "names no device"),
            (["key", "show", "pkcs11:token=ops;object=none"], "no such key"),
            (["key", "show", "pkcs11:token=ops;object=release?pin-value=1234"], "pin-value is not taken"),
            (["key", "show", "pkcs11:token=ops;object=release?module-path=lib.so"], "no absolute path"),
            (["key", "show", $"pkcs11:token=ops;object=release?module-path={_folder["pin"]}"], "does not load"),
        ];

        foreach ((string[] arguments, string why) in refused)
            Run(arguments).Expect(2).ExpectError(why);
        Assert.Single(JsonNode.Parse(Run("key", "list", "pkcs11:token=ops", "--json").Expect(0).Out)!["keys"]!.AsArray());
    }

    [Fact]
    public void Module_ThatOthersCanWrite_IsNotLoaded()
    {
        File.Copy(TestSoftHsm.Module, _folder["m.so"]);
        Run("key", "list", $"pkcs11:?module-path={_folder["m.so"]}").Expect(0);

        File.SetUnixFileMode(_folder["m.so"], (UnixFileMode)0b110_100_110);

        Run("key", "list", $"pkcs11:?module-path={_folder["m.so"]}").Expect(1).ExpectError("PKCS#11 module not trusted", "others than root and you can write");
    }
}
