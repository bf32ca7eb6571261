using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Plimsoll.TestKit;
using Plimsoll.Tpm;

namespace Plimsoll.Tests.Tpm;

/// <summary>A TPM of the tests' own, with its maker's certificates; one for the class, because making it takes seconds.</summary>
public sealed class SwtpmFixture : IDisposable
{
    public TestTpm Tpm { get; } = new();

    public void Dispose() => Tpm.Dispose();
}

/// <summary>Our commands and checks against a real implementation, and against tpm2-tools both ways.</summary>
[Trait("needs", "host")]
public sealed class SwtpmTests(SwtpmFixture fixture) : IClassFixture<SwtpmFixture>
{
    private static readonly byte[] Nonce = Convert.FromHexString("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private TpmClient Open() => TpmClient.Open(fixture.Tpm.Address, new TpmOptions { Patience = TimeSpan.FromSeconds(30) }, Token);

    private string InFolder(string name, byte[] content)
    {
        File.WriteAllBytes(fixture.Tpm[name], content);
        return name;
    }

    [Fact]
    public void ReadPcrs_AllOfTwoBanks_AreThoseThatTpm2ToolsRead()
    {
        PcrValues values;
        using (TpmClient tpm = Open())
        {
            Assert.False(tpm.Startup(Token));
            Assert.Equal("IBM", tpm.Manufacturer(Token));
            Assert.Equal(48, tpm.GetRandom(48, Token).Distinct().Count() is > 20 ? 48 : 0);
            PcrSelection banks = tpm.Banks(Token);
            Assert.Equal("sha256 sha384", string.Join(' ', banks.Banks.Select(b => b.Bank.Word())));
            tpm.ExtendPcr(5, [(TpmAlgorithm.Sha256, SHA256.HashData("a"u8)), (TpmAlgorithm.Sha384, SHA384.HashData("a"u8))], Token);
            values = tpm.ReadPcrs(banks, Token);
        }
        Assert.Equal(48, values.Count);
        fixture.Tpm.Tool("tpm2_pcrread", "-o", "pcrs.bin", "sha256:all+sha384:all");
        byte[] theirs = File.ReadAllBytes(fixture.Tpm["pcrs.bin"]);
        Assert.Equal(Convert.ToHexString([.. values.All.SelectMany(v => v.Value.ToArray())]), Convert.ToHexString(theirs));
    }

    [Fact]
    public void ReadPcrs_OfABankThatIsNotThere_SaysSo()
    {
        using TpmClient tpm = Open();
        Assert.Equal(TpmError.Unsupported, Assert.Throws<TpmException>(() => tpm.ReadPcrs(PcrSelection.Parse("sha512:0"), Token)).Error);
    }

    [Theory]
    [InlineData(AttestationAlgorithm.EcdsaP256, "sha256")]
    [InlineData(AttestationAlgorithm.EcdsaP384, "sha384")]
    [InlineData(AttestationAlgorithm.RsaSsa, "sha256")]
    public void Quote_OfOurs_PassesTpm2Checkquote(AttestationAlgorithm algorithm, string hash)
    {
        PcrSelection selection = PcrSelection.Parse("sha256:0-7,10");
        string name = algorithm.ToString();
        using (TpmClient tpm = Open())
        using (TpmObject key = tpm.CreateAttestationKey(algorithm, Token))
        {
            PcrValues values = tpm.ReadPcrs(selection, Token);
            (byte[] attest, byte[] signature) = tpm.Quote(key, Nonce, selection, Token);
            Attestation statement = Attestation.Parse(attest);
            Assert.True(TpmSignature.Parse(signature).Verify(key.Public, attest));
            Assert.Equal(Nonce, statement.ExtraData.ToArray());
            Assert.Equal(values.Digest(selection, TpmSignature.Parse(signature).Hash), statement.PcrDigest.ToArray());
            InFolder(name + ".msg", attest);
            InFolder(name + ".sig", signature);
            File.WriteAllText(fixture.Tpm[name + ".pem"], PemEncoding.WriteString("PUBLIC KEY", key.Public.ToSpki()) + "\n");
        }
        fixture.Tpm.Tool("tpm2_checkquote", "-u", name + ".pem", "-m", name + ".msg", "-s", name + ".sig", "-q", Convert.ToHexStringLower(Nonce), "-g", hash);
        Assert.ThrowsAny<InvalidOperationException>(() => fixture.Tpm.Tool("tpm2_checkquote", "-u", name + ".pem", "-m", name + ".msg", "-s", name + ".sig", "-q", "00", "-g", hash));
    }

    [Theory]
    [InlineData("rsa", "rsassa", "sha256")]
    [InlineData("rsa", "rsapss", "sha256")]
    [InlineData("ecc", "ecdsa", "sha384")]
    public void Quote_OfTpm2Tools_PassesOurCheck(string type, string scheme, string hash)
    {
        TestTpm tpm = fixture.Tpm;
        string n = type + scheme;
        tpm.Tool("tpm2_createek", "-c", n + "ek.ctx", "-G", "rsa", "-u", n + "ek.pub");
        tpm.Tool("tpm2_createak", "-C", n + "ek.ctx", "-c", n + "ak.ctx", "-G", type, "-s", scheme, "-g", hash, "-u", n + "ak.pub", "-n", n + "ak.name");
        tpm.Tool("tpm2_quote", "-c", n + "ak.ctx", "-l", "sha256:0,1,2,3,4,5,6,7,8,9+sha384:0", "-q", Convert.ToHexStringLower(Nonce), "-m", n + ".msg", "-s", n + ".sig", "-g", hash, "--scheme", scheme);
        TpmPublic key = TpmPublic.Parse(File.ReadAllBytes(tpm[n + "ak.pub"]).AsSpan(2));
        Assert.Equal(File.ReadAllBytes(tpm[n + "ak.name"]), key.Name);
        PcrValues values;
        using (TpmClient client = Open())
            values = client.ReadPcrs(PcrSelection.Parse("sha256:0-9+sha384:0"), Token);
        QuoteFile file = new() { Made = QuoteBuilder.Now, AttestationKey = key, Attest = File.ReadAllBytes(tpm[n + ".msg"]), Signature = File.ReadAllBytes(tpm[n + ".sig"]), Pcrs = values };
        QuoteDemand demand = new() { Nonce = Nonce, KnownKeys = [key] };

        Assert.Empty(QuoteCheck.Judge(file, demand, QuoteBuilder.Now).Faults);
        Assert.Equal(QuoteReason.WrongNonce, Assert.Single(QuoteCheck.Judge(file, demand with { Nonce = new byte[32] }, QuoteBuilder.Now).Faults).Reason);
    }

    [Theory]
    [InlineData("rsa-2048")]
    [InlineData("ecc-p384")]
    public void Challenge_OfAKeyWithACertificate_IsAnsweredAndBindsTheKey(string template)
    {
        EndorsementTemplate used = EndorsementTemplate.Find(template)!;
        QuoteFile file;
        QuoteChallenge challenge;
        using (TpmClient tpm = Open())
        {
            QuoteIdentity identity = QuoteIdentity.Parse(Quoter.Identify(tpm, AttestationAlgorithm.EcdsaP256, used, [], Token).ToJson(), "i");
            challenge = Quoter.Challenge(identity, QuoteBuilder.Now);
            QuoteChallenge sent = QuoteChallenge.Parse(challenge.ToJson(withSecret: false), "c");
            Assert.Null(sent.Secret);
            file = Quoter.Quote(tpm, AttestationAlgorithm.EcdsaP256, used, [], PcrSelection.Parse("0-7"), default, sent, () => (null, null), null, QuoteBuilder.Now, Token);
        }
        file = QuoteFile.Parse(file.ToJson(), "q");
        QuoteDemand demand = new() { Challenge = QuoteChallenge.Parse(challenge.ToJson(withSecret: true), "c"), Roots = Roots(fixture.Tpm.RootPem, fixture.Tpm.IssuerPem) };
        DateTimeOffset now = DateTimeOffset.UtcNow;
        demand = demand with { Challenge = demand.Challenge with { Issued = now } };
        QuoteVerdict good = QuoteCheck.Judge(file, demand, now);
        Assert.Empty(good.Faults);

        Has(QuoteReason.UntrustedMaker, file, demand with { Roots = OtherMaker() });
        Has(QuoteReason.NotBound, file with { Answer = new byte[32] }, demand);
        Has(QuoteReason.NotBound, file with { Answer = null }, demand);
        Has(QuoteReason.NotBound, file with { Endorsement = null }, demand);
        Has(QuoteReason.Expired, file, demand with { Challenge = demand.Challenge with { Issued = now.AddHours(-1) } });
        Has(QuoteReason.Undecided, file, demand with { Roots = [] });

        void Has(QuoteReason reason, QuoteFile changed, QuoteDemand asked) => Assert.Contains(reason, QuoteCheck.Judge(changed, asked, now).Faults.Select(f => f.Reason));
    }

    /// <summary>The secret was made for one endorsement key; another's certificate beside the answer proves nothing.</summary>
    [Fact]
    public void Judge_CertificateOfAnotherKeyThanTheChallenged_IsNotBound()
    {
        using TpmClient tpm = Open();
        QuoteIdentity rsa = Quoter.Identify(tpm, AttestationAlgorithm.EcdsaP256, EndorsementTemplate.Find("rsa-2048"), [], Token);
        QuoteIdentity ecc = Quoter.Identify(tpm, AttestationAlgorithm.EcdsaP256, EndorsementTemplate.Find("ecc-p384"), [], Token);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        QuoteChallenge challenge = Quoter.Challenge(rsa, now);
        QuoteFile file = Quoter.Quote(tpm, AttestationAlgorithm.EcdsaP256, EndorsementTemplate.Find("rsa-2048"), [], PcrSelection.Parse("0"), default, challenge, () => (null, null), null, now, Token);
        QuoteDemand demand = new() { Challenge = challenge, Roots = Roots(fixture.Tpm.RootPem, fixture.Tpm.IssuerPem) };

        Assert.Empty(QuoteCheck.Judge(file, demand, now).Faults);
        Assert.Equal(QuoteReason.NotBound, Assert.Single(QuoteCheck.Judge(file with { Endorsement = ecc.Endorsement }, demand, now).Faults).Reason);
    }

    [Fact]
    public void ActivateCredential_MadeForAnotherKeysName_IsRefusedByTheTpm()
    {
        using TpmClient tpm = Open();
        using TpmObject key = tpm.CreateAttestationKey(AttestationAlgorithm.EcdsaP256, Token), ek = tpm.CreateEndorsementKey(EndorsementTemplate.Find("ecc-p256")!, Token);
        (byte[] credential, byte[] encrypted) = TpmSecrets.MakeCredential(ek.Public, key.Public.Name, "secret"u8);
        Assert.Equal("secret"u8.ToArray(), tpm.ActivateCredential(key, ek, credential, encrypted, Token));

        byte[] other = key.Public.Name;
        other[^1] ^= 1;
        (credential, encrypted) = TpmSecrets.MakeCredential(ek.Public, other, "secret"u8);
        Assert.Equal(TpmError.Refused, Assert.Throws<TpmException>(() => tpm.ActivateCredential(key, ek, credential, encrypted, Token)).Error);
    }

    [Fact]
    public void Unseal_WhilePcrsAreTheSame_GivesTheDataAndAfterwardsNot()
    {
        PcrSelection selection = PcrSelection.Parse("sha256:11+sha384:12");
        using TpmClient tpm = Open();
        using TpmObject root = tpm.CreateStorageRoot(Token);
        byte[] data = RandomNumberGenerator.GetBytes(TpmClient.MaxSealedBytes);
        TpmBlob blob = tpm.Seal(root, data, selection, tpm.ReadPcrs(selection, Token), Token);
        Assert.Equal(data, tpm.Unseal(root, blob, selection, Token));

        byte[] wrong = blob.Private.ToArray();
        wrong[^1] ^= 1;
        Assert.Equal(TpmError.Refused, Assert.Throws<TpmException>(() => tpm.Unseal(root, blob with { Private = wrong }, selection, Token)).Error);
        tpm.ExtendPcr(12, [(TpmAlgorithm.Sha384, SHA384.HashData("other"u8))], Token);
        Assert.Contains("policy", Assert.Throws<TpmException>(() => tpm.Unseal(root, blob, selection, Token)).Message, StringComparison.Ordinal);
        // Nothing is left behind: were objects or sessions not flushed, the TPM would be full after three.
        for (int i = 0; i < 10; i++)
            Assert.Throws<TpmException>(() => tpm.Unseal(root, blob, selection, Token));
    }

    [Fact]
    public void PcrPolicy_ComputedHere_IsTheTpmsOwn()
    {
        PcrSelection selection = PcrSelection.Parse("sha256:0,1+sha384:3");
        using TpmClient tpm = Open();
        using TpmSession trial = tpm.StartSession(TpmSessionType.Trial, null, Token);
        tpm.PolicyPcr(trial, selection, Token);

        Assert.Equal(tpm.PolicyDigest(trial, Token), TpmClient.PcrPolicy(selection, tpm.ReadPcrs(selection, Token)));
    }

    [Fact]
    public void Nv_CounterAndExtendIndex_OnlyGoOn()
    {
        const NvAttributes Access = NvAttributes.OwnerWrite | NvAttributes.OwnerRead | NvAttributes.AuthRead | NvAttributes.AuthWrite | NvAttributes.NoDictionaryAttack;
        using TpmClient tpm = Open();
        NvPublic counter = tpm.DefineNv(0x01800001, TpmAlgorithm.Sha256, Access | NvAttributes.Counter, 8, Token);
        tpm.IncrementNv(counter, Token);
        counter = tpm.FindNv(counter.Index, Token)!;
        byte[] first = tpm.ReadNv(counter, Token);
        tpm.IncrementNv(counter, Token);
        Assert.True(tpm.ReadNv(counter, Token).AsSpan().SequenceCompareTo(first) > 0);
        Assert.Equal(TpmError.Refused, Assert.Throws<TpmException>(() => tpm.WriteNv(counter, new byte[8], 0, Token)).Error);

        NvPublic extended = tpm.DefineNv(0x01800002, TpmAlgorithm.Sha384, Access | NvAttributes.Extend, 48, Token);
        tpm.ExtendNv(extended, "layer 1"u8, Token);
        extended = tpm.FindNv(extended.Index, Token)!;
        tpm.ExtendNv(extended, "layer 2"u8, Token);
        byte[] one = SHA384.HashData([.. new byte[48], .. "layer 1"u8]), two = SHA384.HashData([.. one, .. "layer 2"u8]);
        Assert.Equal(two, tpm.ReadNv(extended, Token));
        using TpmObject key = tpm.CreateAttestationKey(AttestationAlgorithm.EcdsaP256, Token);
        (byte[] attest, byte[] signature) = tpm.CertifyNv(key, extended, Nonce, Token);
        Attestation statement = Attestation.Parse(attest);
        Assert.True(TpmSignature.Parse(signature).Verify(key.Public, attest));
        Assert.Equal((AttestationKind.Nv, Convert.ToHexString(two), Convert.ToHexString(extended.Name.Span)), (statement.Kind, Convert.ToHexString(statement.NvContents.Span), Convert.ToHexString(statement.NvName.Span)));
        tpm.UndefineNv(extended, Token);
        tpm.UndefineNv(counter, Token);
        Assert.Null(tpm.FindNv(extended.Index, Token));
    }

    [Fact]
    public void Open_WhileAnotherClientHasIt_TimesOut()
    {
        using TpmClient first = Open();
        first.GetRandom(1, Token);
        TpmException e = Assert.Throws<TpmException>(() =>
        {
            using TpmClient second = TpmClient.Open(fixture.Tpm.Address, new TpmOptions { Patience = TimeSpan.FromMilliseconds(500) }, Token);
            second.GetRandom(1, Token);
        });
        Assert.True(e.Error is TpmError.Timeout or TpmError.Unreachable, e.Message);
        first.GetRandom(1, Token);
    }

    internal static X509Certificate2Collection Roots(params ReadOnlySpan<string> files)
    {
        X509Certificate2Collection roots = [];
        foreach (string file in files)
            roots.ImportFromPemFile(file);
        return roots;
    }

    internal static X509Certificate2Collection OtherMaker()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=another maker", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return [request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1))];
    }
}
