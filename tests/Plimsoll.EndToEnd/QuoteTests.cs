using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>A host with a TPM, and a verifier without one, over files alone.</summary>
[Trait("needs", "host")]
public sealed class QuoteTests(QuoteTests.Machine machine) : IClassFixture<QuoteTests.Machine>, IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>One TPM for the class: making it takes seconds.</summary>
    public sealed class Machine : IDisposable
    {
        public TestTpm Tpm { get; } = new();

        public void Dispose() => Tpm.Dispose();
    }

    private Outcome OnHost(params string[] arguments) => new Call(_folder.Path, ["quote", .. arguments]).With("PLIMSOLL_TPM", machine.Tpm.Address).Run();

    /// <summary>Whatever it does, it does without a TPM.</summary>
    private Outcome Verify(params string[] arguments) => new Call(_folder.Path, ["quote", "verify", .. arguments]).With("PLIMSOLL_TPM", "swtpm:port=1").Run();

    private void Enrol()
    {
        OnHost("identity", "--ek-chain", machine.Tpm.IssuerPem, "-o", _folder["host.json"]).Expect(0);
        new Call(_folder.Path, "quote", "challenge", _folder["host.json"], "-o", _folder["challenge.json"], "--keep", _folder["kept.json"]).Run().Expect(0);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder["kept.json"]));
        Assert.DoesNotContain("secret", File.ReadAllText(_folder["challenge.json"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Quote_AnswerToAChallenge_IsGoodElsewhereAndEachAttackIsNot()
    {
        Enrol();
        OnHost("--challenge", _folder["challenge.json"], "--ek-chain", machine.Tpm.IssuerPem, "--boot-log", "none", "--ima-log", "none", "--pcrs", "sha256:0-7+sha384:0-7", "-o", _folder["quote.json"]).Expect(0);
        string[] right = ["--challenge", _folder["kept.json"], "--ca", machine.Tpm.RootPem];

        Outcome good = Verify([_folder["quote.json"], .. right]).Expect(0);
        Assert.Contains("Good:", good.Out, StringComparison.Ordinal);
        Assert.Equal(16, Verify([_folder["quote.json"], "--json", .. right]).Expect(0).Document["pcrs"]!.AsArray().Count);

        // A second challenge: the same quote is an old one.
        File.Copy(_folder["kept.json"], _folder["kept1.json"]);
        new Call(_folder.Path, "quote", "challenge", _folder["host.json"], "-o", _folder["challenge.json"], "--keep", _folder["kept.json"]).Run().Expect(0);
        Reasons(["wrong-nonce", "not-bound"], [_folder["quote.json"], .. right]);
        right[1] = _folder["kept1.json"];
        Reasons(["untrusted-maker"], [_folder["quote.json"], right[0], right[1], "--ca", OtherMaker()]);
        Reasons(["boot-log-differs"], [_folder["quote.json"], .. right, "--need-boot-log"]);
        Reasons(["pcr-refused"], [_folder["quote.json"], .. right, "--pcr", $"sha256:7={new string('1', 64)}"]);
        Reasons(["resettable-pcr"], [_folder["quote.json"], .. right, "--pcr", $"sha256:23={new string('0', 64)}"]);

        string text = File.ReadAllText(_folder["quote.json"]);
        JsonNode changed = JsonNode.Parse(text)!;
        changed["pcrs"]![0]!["value"] = new string('2', 64);
        File.WriteAllText(_folder["changed.json"], changed.ToJsonString());
        Reasons(["pcrs-differ"], [_folder["changed.json"], .. right]);
        File.WriteAllText(_folder["cut.json"], text[..^40]);
        Verify([_folder["cut.json"], .. right]).Expect(1).ExpectError("cut.json");
    }

    [Fact]
    public void Quote_KnownKeyAndNonce_IsGoodAndTwiceIsNot()
    {
        Enrol();
        string nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        OnHost("--nonce", nonce, "--boot-log", "none", "--ima-log", "none", "-o", _folder["first.json"]).Expect(0);
        OnHost("--nonce", nonce, "--boot-log", "none", "--ima-log", "none", "-o", _folder["second.json"]).Expect(0);

        Verify(_folder["second.json"], "--nonce", nonce, "--known", _folder["host.json"], "--previous", _folder["first.json"]).Expect(0);
        Reasons(["rolled-back"], [_folder["first.json"], "--nonce", nonce, "--known", _folder["host.json"], "--previous", _folder["second.json"]]);
        Reasons(["wrong-nonce"], [_folder["first.json"], "--nonce", new string('0', 64), "--known", _folder["host.json"]]);
        Assert.Contains("not-bound", Verify(_folder["first.json"], "--nonce", nonce, "--ca", machine.Tpm.RootPem, "--json").Expect(1).Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Quote_WrongUsageOrNoTpm_IsSaid()
    {
        OnHost("-o", _folder["q"]).Expect(2).ExpectError("--nonce and --challenge");
        OnHost("--nonce", "00", "-o", _folder["q"]).Expect(2).ExpectError("--nonce");
        OnHost("--nonce", new string('0', 32), "--pcrs", "sha256:0,16", "-o", _folder["q"]).Expect(2).ExpectError("PCR 16", "no evidence");
        OnHost("--nonce", new string('0', 32), "--pcrs", "sha512:0", "-o", _folder["q"]).Expect(3).ExpectError("no PCRs sha512:0");
        OnHost("--nonce", new string('0', 32), "--tpm", "/dev/no-such-tpm", "-o", _folder["q"]).Expect(3).ExpectError("/dev/no-such-tpm");
        Assert.False(File.Exists(_folder["q"]));
    }

    private void Reasons(string[] reasons, string[] arguments)
    {
        Outcome outcome = Verify([.. arguments, "--json"]).Expect(1);
        Assert.False((bool)outcome.Document["good"]!);
        Assert.Equal(reasons, outcome.Document["faults"]!.AsArray().Select(f => (string)f!["reason"]!).Distinct());
    }

    private string OtherMaker()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        System.Security.Cryptography.X509Certificates.CertificateRequest request = new("CN=another maker", key, HashAlgorithmName.SHA256);
        using System.Security.Cryptography.X509Certificates.X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(_folder["other.pem"], made.ExportCertificatePem());
        return _folder["other.pem"];
    }
}
