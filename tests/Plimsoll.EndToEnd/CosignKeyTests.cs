using System.Text;
using Plimsoll.Cli;
using Plimsoll.Keys;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>Keys that cosign 2.5 and we hand to each other, and signatures over plain bytes of both.</summary>
[Trait("needs", "host")]
public sealed class CosignKeyTests : IDisposable
{
    private const string Password = "geheim ü";
    private static readonly byte[] Blob = "what is signed"u8.ToArray();
    private readonly TempFolder _folder = new();

    public CosignKeyTests() => _folder.Write("blob", Blob);

    public void Dispose() => _folder.Dispose();

    private Outcome Key(params string[] arguments) =>
        new Call(_folder["home"], ["key", .. arguments]) { Folder = _folder.Path }.With("PLIMSOLL_PASSPHRASE", "ours").With("COSIGN_PASSWORD", Password).Run();

    private string Cosign(params string[] arguments) => Peers.Cosign(_folder.Path, Password, arguments);

    private PeerResult Verify(string signature, string blob) => Peers.Run(_folder.Path, "cosign", ["verify-blob", "--key", "our.pub", "--signature", signature, "--private-infrastructure", blob]);

    [Theory]
    [InlineData("ecdsa-p256")]
    [InlineData("ecdsa-p384")]
    [InlineData("ed25519")]
    [InlineData("rsa")]
    public void Export_KeyOfEachAlgorithm_SignsAndVerifiesInCosignAsHere(string algorithm)
    {
        Key("generate", "ops", "--algorithm", algorithm).Expect(0);
        Key("export", "ops", "--cosign", "--output", "our.key").Expect(0);
        Key("export", "ops", "--public", "--output", "our.pub").Expect(0);
        using ISigner signer = CosignKeyFile.Read(File.ReadAllText(_folder["our.key"]), "our.key", () => Password);
        using PublicKey key = KeyFile.ReadPublic(File.ReadAllText(_folder["our.pub"]), "our.pub");

        Assert.Equal(File.ReadAllText(_folder["our.pub"]), Cosign("public-key", "--key", "our.key"));

        byte[] signature = Convert.FromBase64String(Cosign("sign-blob", "--key", "our.key", "--tlog-upload=false", "--yes", "blob").Trim());
        Assert.True(key.Verify(Blob, signature));
        Assert.False(key.Verify([.. Blob, 0], signature));

        _folder.Write("our.sig", Encoding.ASCII.GetBytes(Convert.ToBase64String(signer.Sign(Blob))));
        _folder.Write("other", [.. Blob, 0]);
        PeerResult verified = Verify("our.sig", "blob");
        Assert.True(verified.ExitCode == 0, verified.Error);
        Assert.Contains("Verified OK", verified.Error, StringComparison.Ordinal);
        PeerResult refused = Verify("our.sig", "other");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.DoesNotContain("Verified OK", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_KeyPairOfCosign_IsStoredAndGoesBack()
    {
        Cosign("generate-key-pair");
        string known = File.ReadAllText(_folder["cosign.pub"]);

        Key("import", "cosign.key", "--name", "theirs").Expect(0);

        Assert.Equal(known, Key("export", "theirs", "--public").Expect(0).Out);
        new Call(_folder["home"], "key", "show", "cosign.key") { Folder = _folder.Path }.With("COSIGN_PASSWORD", "wrong").Run().Expect(2).ExpectError("cosign.key: the passphrase is not right");
        // It stays behind the passphrase it came with.
        new Call(_folder["home"], "key", "export", "theirs", "--cosign", "--output", "again.key") { Folder = _folder.Path }.With("PLIMSOLL_PASSPHRASE", Password).With("COSIGN_PASSWORD", "new").Run().Expect(0);
        Assert.Equal(known, Peers.Cosign(_folder.Path, "new", "public-key", "--key", "again.key"));
        Assert.NotEqual(0, Peers.Run(_folder.Path, "cosign", ["public-key", "--key", "again.key"], [new("COSIGN_PASSWORD", Password)]).ExitCode);
    }

    /// <summary>Debian's cosign imports Ed25519 only: its build refuses EC and RSA keys as of an unsupported type.</summary>
    [Fact]
    public void Import_KeyThatCosignImportedFromOpenssl_IsTheSameKey()
    {
        Tool.Run("openssl", ["genpkey", "-algorithm", "ed25519", "-out", _folder["openssl.pem"]]);
        Cosign("import-key-pair", "--key", "openssl.pem", "--yes");

        Key("import", "import-cosign.key", "--name", "theirs").Expect(0);

        Assert.Equal(Tool.Run("openssl", ["pkey", "-in", _folder["openssl.pem"], "-pubout"]), Key("export", "theirs", "--public").Expect(0).Out);
    }
}
