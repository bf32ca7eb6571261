using System.Security.Cryptography;
using System.Text;
using Plimsoll.Keys;
using Plimsoll.Measure;
using Plimsoll.TestKit;
using Plimsoll.Tpm;

namespace Plimsoll.Tests.Tpm;

/// <summary>What changes a TPM for good: extended measurements, keys under PCRs, counters, passwords. A TPM for each test.</summary>
[Trait("needs", "host")]
public sealed class SwtpmMeasuredTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly TestTpm _tpm = new();

    public void Dispose()
    {
        _tpm.Dispose();
        _folder.Dispose();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private TpmClient Open() => Open(new TpmPasswords());

    private TpmClient Open(TpmPasswords passwords) => TpmClient.Open(_tpm.Address, new TpmOptions { Patience = TimeSpan.FromSeconds(30), Passwords = passwords }, Token);

    private MeasuredStore Store => new(_folder["measured"]);

    private static readonly ExtendTarget Pcr14 = ExtendTarget.Parse("pcr:14");

    private Extension Extend(Measurement measurement, ExtendTarget? target = null)
    {
        using TpmClient tpm = Open();
        return Store.Extend(tpm, target ?? ExtendTarget.Default, measurement, Token);
    }

    private QuoteVerdict QuoteAndJudge(params Measurement[] known)
    {
        using TpmClient tpm = Open();
        byte[] nonce = RandomNumberGenerator.GetBytes(16);
        QuoteFile file = Quoter.Quote(tpm, AttestationAlgorithm.EcdsaP256, null, [], PcrSelection.Parse("sha256:0-15"), nonce, null, () => (null, null), Store, QuoteBuilder.Now, Token);
        file = QuoteFile.Parse(file.ToJson(), "q");
        return QuoteCheck.Judge(file, new QuoteDemand { Nonce = nonce, KnownKeys = [file.AttestationKey], Measurements = known }, QuoteBuilder.Now);
    }

    [Fact]
    public void Extend_TwoImagesIntoIndexAndPcr_AreInTheQuoteAndTwiceIsOnce()
    {
        Assert.Equal((3, 3), Of(Extend(MeasuredListTests.One)));
        Assert.Equal((1, 4), Of(Extend(MeasuredListTests.Two)));
        Assert.Equal((0, 4), Of(Extend(MeasuredListTests.One)));
        Assert.Equal((1, 1), Of(Extend(MeasuredListTests.Two, Pcr14)));

        QuoteVerdict verdict = QuoteAndJudge(MeasuredListTests.One, MeasuredListTests.Two);
        Assert.Empty(verdict.Faults);
        Assert.Equal([4, 1], verdict.Measured.Select(m => m.Entries.Count));
        // An image that nobody signed shows, though the host's list be all right.
        Assert.All(QuoteAndJudge(MeasuredListTests.One).Faults, f => Assert.Equal(QuoteReason.ImageUnknown, f.Reason));

        // Another program reads what our list leads to.
        _tpm.Tool("tpm2_nvread", "0x01805001", "-o", "index");
        Assert.Equal(Store.Read(ExtendTarget.Default).Replay(TpmAlgorithm.Sha384).Value, File.ReadAllBytes(_tpm["index"]));

        // Every bank: what the other banks hold is what the list leads to as well.
        MeasuredList list = Store.Read(Pcr14);
        using TpmClient tpm = Open();
        PcrValues values = tpm.ReadPcrs(PcrSelection.Parse("sha256:14+sha384:14"), Token);
        foreach (TpmAlgorithm bank in (TpmAlgorithm[])[TpmAlgorithm.Sha256, TpmAlgorithm.Sha384])
            Assert.Equal(values.Find(bank, 14), list.Replay(bank).Value);

        static (int, int) Of(Extension extension) => (extension.Extended, extension.Entries);
    }

    [Fact]
    public void Extend_AfterABoot_IndexGoesOnAndPcrStartsAnew()
    {
        Extend(MeasuredListTests.One);
        Extend(MeasuredListTests.One, Pcr14);
        _tpm.Kill();
        _tpm.Start();

        Assert.Empty(QuoteAndJudge(MeasuredListTests.One).Faults);
        Assert.Equal(0, Extend(MeasuredListTests.One).Extended);
        Assert.Equal((1, 1), (Extend(MeasuredListTests.Two, Pcr14).Extended, Store.Read(Pcr14).Entries.Count));
        Assert.Empty(QuoteAndJudge(MeasuredListTests.One, MeasuredListTests.Two).Faults);
    }

    [Fact]
    public void Extend_EntryWrittenAndNotExtended_IsTakenBack()
    {
        Extend(MeasuredListTests.One);
        string path = _folder["measured/nv-01805001.list"];
        byte[] before = File.ReadAllBytes(path);
        MeasuredList more = MeasuredListTests.ListOf(ExtendTarget.Default, TpmAlgorithm.Sha384, MeasuredListTests.One, MeasuredListTests.Two);
        File.WriteAllBytes(path, more.ToBytes());
        Assert.Empty(QuoteAndJudge(MeasuredListTests.One).Faults);
        Assert.Equal(1, Extend(MeasuredListTests.Two).Extended);
        Assert.Equal(more.ToBytes(), File.ReadAllBytes(path));

        // And a line that was cut short.
        File.WriteAllBytes(path, [.. more.ToBytes(), .. "{\"image\":\"sha2"u8]);
        Measurement third = Plimsoll.Tests.Measure.MeasurementTests.Of("{\"three\":3}", new byte[3072]);
        Assert.Equal((1, 5), (Extend(third).Extended, Store.Read(ExtendTarget.Default).Entries.Count));
        Assert.Equal(3, Encoding.UTF8.GetString(before).Count(c => c == '\n') - 1);
    }

    [Fact]
    public void Extend_ListThatTheTpmDoesNotBear_IsRefused()
    {
        Extend(MeasuredListTests.One);
        string path = _folder["measured/nv-01805001.list"];
        byte[] right = File.ReadAllBytes(path);

        File.WriteAllText(path, File.ReadAllText(path).Replace("\"layer\":2", "\"layer\":1", StringComparison.Ordinal));
        Refused("does not hold what the list");
        File.Delete(path);
        Refused("does not hold what the list");
        File.WriteAllBytes(path, right);
        Assert.Equal(1, Extend(MeasuredListTests.Two).Extended);

        using (TpmClient tpm = Open())
            tpm.UndefineNv(tpm.FindNv(ExtendTarget.Default.Number, Token)!, Token);
        Refused("the index was removed");
        Assert.Contains("was removed", Assert.Throws<TpmException>(() => QuoteAndJudge()).Message, StringComparison.Ordinal);

        void Refused(string says)
        {
            TpmException e = Assert.Throws<TpmException>(() => Extend(MeasuredListTests.Two));
            Assert.Equal(TpmError.Malformed, e.Error);
            Assert.Contains(says, e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Extend_IndexThatCanBeWritten_IsRefused()
    {
        using (TpmClient tpm = Open())
            tpm.DefineNv(ExtendTarget.Default.Number, TpmAlgorithm.Sha256, NvAttributes.OwnerWrite | NvAttributes.AuthWrite | NvAttributes.OwnerRead | NvAttributes.AuthRead | NvAttributes.NoDictionaryAttack, 32, Token);
        Assert.Contains("not of type extend", Assert.Throws<TpmException>(() => Extend(MeasuredListTests.One)).Message, StringComparison.Ordinal);
        Assert.Equal(3, Extend(MeasuredListTests.One, ExtendTarget.Parse("nv:0x01805002")).Extended);
    }

    private TpmKeyFile Key(string pcrs)
    {
        using TpmClient tpm = Open();
        return TpmKeyFile.Parse(TpmKeyFile.Generate(tpm, PcrSelection.Parse(pcrs), QuoteBuilder.Now, Token).ToJson(), "k");
    }

    private void Change(int pcr)
    {
        using TpmClient tpm = Open();
        tpm.ExtendPcr(pcr, [(TpmAlgorithm.Sha256, SHA256.HashData("other"u8)), (TpmAlgorithm.Sha384, SHA384.HashData("other"u8))], Token);
    }

    [Fact]
    public void Sign_WhilePcrsAreTheSame_SignsAndAfterwardsIsRefusedByName()
    {
        TpmKeyFile file = Key("sha256:7,11");
        using TpmSigner signer = new(file, "tpm:k", Open);
        byte[] signature = signer.Sign("data"u8);
        Assert.True(signer.PublicKey.Verify("data"u8, signature));
        Assert.False(signer.PublicKey.Verify("date"u8, signature));

        Change(12);
        Assert.True(signer.PublicKey.Verify("data"u8, signer.Sign("data"u8)));
        Change(11);
        Assert.Contains("PCRs changed since the key was made: sha256 PCR 11", Assert.Throws<KeyException>(() => signer.Sign("data"u8)).Message, StringComparison.Ordinal);

        // The TPM itself refuses: values beside the key that fit the PCRs of now are not those of its policy, and no file can say so.
        PcrValues now;
        using (TpmClient tpm = Open())
            now = tpm.ReadPcrs(file.Selection, Token);
        using TpmSigner forged = new(file with { Values = now }, "tpm:k", Open);
        KeyException refused = Assert.Throws<KeyException>(() => forged.Sign("data"u8));
        Assert.Contains("PCRs changed since the key was made: TPM2_Sign", refused.Message, StringComparison.Ordinal);
        Assert.Contains("not those of its policy", Assert.Throws<TpmException>(() => TpmKeyFile.Parse((file with { Values = now }).ToJson(), "k")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sign_KeyOfAnotherTpm_IsRefused()
    {
        TpmKeyFile file = Key("sha256:7");
        using TestTpm other = new();
        using TpmSigner elsewhere = new(file, "tpm:k", () => TpmClient.Open(other.Address, null, Token)), here = new(file, "tpm:k", Open);
        Assert.Contains("another TPM, or it was cleared", Assert.Throws<KeyException>(() => elsewhere.Sign("data"u8)).Message, StringComparison.Ordinal);
        Assert.NotEmpty(here.Sign("data"u8));
    }

    [Fact]
    public void Generate_StorageKeyThatIsPersistent_IsUsedWithoutTheOwnersPassword()
    {
        _tpm.Tool("tpm2_createprimary", "-C", "o", "-G", "ecc", "-c", "srk.ctx", "-a", "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt");
        _tpm.Tool("tpm2_evictcontrol", "-C", "o", "-c", "srk.ctx", "0x81000001");
        _tpm.Tool("tpm2_changeauth", "-c", "owner", "secret");
        using TpmSigner signer = new(Key("sha256:7"), "tpm:k", Open);
        Assert.True(signer.PublicKey.Verify("data"u8, signer.Sign("data"u8)));
    }

    private BaselineStore Baselines(TpmKeyFile key) => new(_folder["baselines"], _folder["host"], TimeProvider.System, new TpmHostSeal(key, "tpm:k", Open));

    private void Copy(string from, string to)
    {
        foreach (string name in (string[])["baselines", "host"])
        {
            if (Directory.Exists(_folder[to + name]))
                Directory.Delete(_folder[to + name], recursive: true);
            if (Directory.Exists(_folder[from + name]))
                Tool.Run("cp", ["-a", _folder[from + name], _folder[to + name]]);
        }
    }

    [Fact]
    public void Find_AllSealedFilesOfEarlierPutBack_IsRolledBackAndTheLatestIsSound()
    {
        TpmKeyFile key = Key("sha256:7");
        Measurement one = MeasuredListTests.One, two = MeasuredListTests.Two;
        Baselines(key).Save(one, ["one:1"], BaselineOrigin.FirstUse, null);
        Assert.Equal(one, Baselines(key).Find(one.Config).Baseline?.Measurement);
        Directory.CreateDirectory(_folder["old"]);
        Directory.CreateDirectory(_folder["new"]);
        Copy("", "old/");
        Baselines(key).Save(two, ["two:1"], BaselineOrigin.FirstUse, null);
        Copy("", "new/");

        Copy("old/", "");
        BaselineAnswer answer = Baselines(key).Find(one.Config);
        Assert.Equal(BaselineFault.RolledBack, answer.Fault);
        Assert.Contains("an old copy of the files was put back", answer.Detail, StringComparison.Ordinal);
        Assert.Throws<BaselineException>(() => Baselines(key).Save(two, ["two:1"], BaselineOrigin.FirstUse, null));

        Copy("new/", "");
        Assert.Equal(one, Baselines(key).Find(one.Config).Baseline?.Measurement);
        Assert.Equal(two, Baselines(key).Find(two.Config).Baseline?.Measurement);

        // Nothing at all is an old copy too.
        Copy("none/", "");
        Assert.Equal(BaselineFault.SealMissing, Baselines(key).Find(one.Config).Fault);
        Copy("new/", "");
        Baselines(key).Remove(two.Config);
        Assert.Null(Baselines(key).Find(two.Config).Baseline);
        Copy("new/", "");
        Assert.Equal(BaselineFault.RolledBack, Baselines(key).Find(two.Config).Fault);
    }

    [Fact]
    public void Find_CounterRemovedOrMadeAnew_IsNoticed()
    {
        TpmKeyFile key = Key("sha256:7");
        Measurement one = MeasuredListTests.One;
        Baselines(key).Save(one, ["one:1"], BaselineOrigin.FirstUse, null);
        TpmHostSeal seal = new(key, "tpm:k", Open);
        using (TpmClient tpm = Open())
            tpm.UndefineNv(tpm.FindNv(seal.CounterIndex, Token)!, Token);
        Assert.Equal(BaselineFault.SealMissing, Baselines(key).Find(one.Config).Fault);
        // A counter that is made anew starts above all that ever were.
        seal.Increment();
        Assert.Equal(BaselineFault.RolledBack, Baselines(key).Find(one.Config).Fault);
    }

    [Fact]
    public void Save_PcrsChanged_IsRefusedAndReadingGoesOn()
    {
        TpmKeyFile key = Key("sha256:7");
        Baselines(key).Save(MeasuredListTests.One, ["one:1"], BaselineOrigin.FirstUse, null);
        Change(7);
        Assert.Contains("PCRs changed", Assert.Throws<KeyException>(() => Baselines(key).Save(MeasuredListTests.Two, ["two:1"], BaselineOrigin.FirstUse, null)).Message, StringComparison.Ordinal);
        Assert.NotNull(Baselines(key).Find(MeasuredListTests.One.Config).Baseline);
    }

    [Fact]
    public void Execute_LockedTpm_IsUnlockedOnceByWhoHasThePassword()
    {
        _tpm.Tool("tpm2_dictionarylockout", "-s", "-n", "1", "-t", "1000", "-l", "1000");
        _tpm.Tool("tpm2_changeauth", "-c", "lockout", "lock");
        _tpm.Tool("tpm2_nvdefine", "0x01800010", "-C", "o", "-s", "8", "-a", "authread|authwrite", "-p", "password");
        Assert.Contains("wrong authorisation", Read(new TpmPasswords()), StringComparison.Ordinal);
        Assert.Contains("locked after too many wrong authorisations", Read(new TpmPasswords()), StringComparison.Ordinal);
        Assert.Contains("wrong authorisation", Read(TpmPasswords.Parse("lockout=lock"u8)), StringComparison.Ordinal);

        string Read(TpmPasswords passwords)
        {
            using TpmClient tpm = Open(passwords);
            return Assert.Throws<TpmException>(() => tpm.ReadNv(tpm.FindNv(0x01800010, Token)!, Token)).Message;
        }
    }

    [Fact]
    public void Passwords_OfHierarchies_OpenAndWrongOnesDoNot()
    {
        TpmPublic before;
        using (TpmClient tpm = Open())
        using (TpmObject key = tpm.CreateAttestationKey(AttestationAlgorithm.EcdsaP256, Token))
            before = key.Public;
        _tpm.Tool("tpm2_changeauth", "-c", "owner", "own");
        _tpm.Tool("tpm2_changeauth", "-c", "endorsement", "end");
        _tpm.Tool("tpm2_changeauth", "-c", "lockout", "lock");
        TpmPasswords right = TpmPasswords.Parse("owner=own\nendorsement=end\nlockout=lock\n"u8);

        using (TpmClient none = Open())
            Assert.Contains("wrong authorisation", Assert.Throws<TpmException>(() => none.CreateAttestationKey(AttestationAlgorithm.EcdsaP256, Token)).Message, StringComparison.Ordinal);
        using (TpmClient wrong = Open(TpmPasswords.Parse("owner=end\nendorsement=own\n"u8)))
            for (int i = 0; i < 5; i++)
                Assert.Equal(TpmError.Refused, Assert.Throws<TpmException>(() => wrong.CreateAttestationKey(AttestationAlgorithm.EcdsaP256, Token)).Error);
        using TpmClient client = Open(right);
        client.ResetLockout(Token);
        using (TpmObject key = client.CreateAttestationKey(AttestationAlgorithm.EcdsaP256, Token))
            Assert.Equal(before.Name, key.Public.Name);
        NvPublic index = client.DefineNv(0x01800009, TpmAlgorithm.Sha256, QuoteBuilder.ExtendIndex & ~(NvAttributes.Written | NvAttributes.AuthRead | NvAttributes.AuthWrite), 32, Token);
        client.ExtendNv(index, "x"u8, Token);
        index = client.FindNv(index.Index, Token)!;
        Assert.Equal(SHA256.HashData([.. new byte[32], .. "x"u8]), client.ReadNv(index, Token));
        client.UndefineNv(index, Token);
        // The credential's policy asks for the endorsement hierarchy's password.
        QuoteIdentity identity = Quoter.Identify(client, AttestationAlgorithm.EcdsaP256, EndorsementTemplate.Find("rsa-2048"), [], Token);
        QuoteChallenge challenge = Quoter.Challenge(identity, DateTimeOffset.UtcNow);
        Assert.NotNull(Quoter.Quote(client, AttestationAlgorithm.EcdsaP256, EndorsementTemplate.Find("rsa-2048"), [], PcrSelection.Parse("0"), default, challenge, () => (null, null), null, DateTimeOffset.UtcNow, Token).Answer);
    }
}
