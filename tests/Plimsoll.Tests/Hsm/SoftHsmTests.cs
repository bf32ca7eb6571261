using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Plimsoll.Hsm;
using Plimsoll.Keys;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Hsm;

/// <summary>Everything that reads the environment of the whole process, or the one fake module: not beside other tests.</summary>
[CollectionDefinition("hsm", DisableParallelization = true)]
public sealed class HsmCollection;

/// <summary>Our binding on a real module, and pkcs11-tool on the same tokens, both ways.</summary>
[Collection("hsm")]
[Trait("needs", "host")]
public sealed partial class SoftHsmTests : IDisposable
{
    private static readonly byte[] Data = "bytes to sign"u8.ToArray();
    private readonly TestSoftHsm _soft = new();
    private readonly string _folder;

    public SoftHsmTests()
    {
        // The module reads the environment that the process has, not the runtime's copy of it.
        Assert.Equal(0, SetEnvironment("SOFTHSM2_CONF", _soft.Configuration, 1));
        _folder = _soft.Add("ops");
    }

    public void Dispose() => _soft.Dispose();

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    private static Pkcs11Uri Uri(string text) => Pkcs11Uri.Parse($"pkcs11:token=ops;{text}");

    private static HsmToken Open(Pkcs11Uri uri, bool login = true)
    {
        HsmToken token = HsmToken.Open(uri, TestSoftHsm.Module);
        if (login && token.WantsPin)
            token.Login("1234"u8);
        return token;
    }

    private static Pkcs11Uri Generate(string name, KeyAlgorithm algorithm)
    {
        using HsmToken token = Open(Uri($"object={name}"));
        return token.Generate(Uri($"object={name}"), algorithm);
    }

    private static HsmSigner Signer(Pkcs11Uri uri) => HsmSigner.Open(Open(uri), uri, "1234"u8);

    private static HsmError Fails(Action action) => Assert.Throws<HsmException>(action).Error;

    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP256, "--mechanism ECDSA --signature-format openssl --input-file hash")]
    [InlineData(KeyAlgorithm.EcdsaP384, "--mechanism ECDSA --signature-format openssl --input-file hash")]
    [InlineData(KeyAlgorithm.Rsa, "--mechanism SHA256-RSA-PKCS --input-file data")]
    public void Generate_EachKind_StaysInsideSignsAndIsVerifiedByPkcs11Tool(KeyAlgorithm algorithm, string options)
    {
        Pkcs11Uri made = Generate("k", algorithm);
        using (HsmSigner signer = Signer(made))
        {
            Assert.Equal(algorithm, signer.PublicKey.Algorithm);
            File.WriteAllBytes(_soft["sig"], signer.Sign(Data));
            File.WriteAllBytes(_soft["data"], Data);
            File.WriteAllBytes(_soft["hash"], SHA256.HashData(Data));
            File.WriteAllText(_soft["pub.pem"], signer.PublicKey.ToPem());
        }

        Assert.Contains("Verified OK", Tool.Run("openssl", ["dgst", "-sha256", "-verify", _soft["pub.pem"], "-signature", _soft["sig"], _soft["data"]]), StringComparison.Ordinal);
        Assert.Contains("Signature is valid", _soft.Tool("ops", ["--verify", "--label", "k", .. options.Split(' '), "--signature-file", "sig"]), StringComparison.Ordinal);
        string[] objects = _soft.Tool("ops", "--login", "--pin", TestSoftHsm.Pin, "-O", "--type", "privkey").Split('\n');
        Assert.Contains(objects, l => l.Contains("sensitive, always sensitive, never extractable, local", StringComparison.Ordinal));
        Assert.Contains(objects, l => l.Contains("Usage:", StringComparison.Ordinal) && l.Trim().EndsWith(" sign", StringComparison.Ordinal));
        Assert.ThrowsAny<KeyException>(() => KeyFile.ExportPkcs8(Disposed(Signer(made))));
    }

    private static ISigner Disposed(HsmSigner signer)
    {
        signer.Dispose();
        return signer;
    }

    [Theory]
    [InlineData("EC:prime256v1", KeyAlgorithm.EcdsaP256)]
    [InlineData("EC:secp384r1", KeyAlgorithm.EcdsaP384)]
    [InlineData("rsa:2048", KeyAlgorithm.Rsa)]
    public void Sign_KeysThatPkcs11ToolMade_Verify(string type, KeyAlgorithm algorithm)
    {
        _soft.Tool("ops", "--login", "--pin", TestSoftHsm.Pin, "--keypairgen", "--key-type", type, "--label", "theirs", "--id", "a1b2");

        using HsmSigner byLabel = Signer(Uri("object=theirs")), byId = Signer(Uri("id=%A1%B2;type=private"));

        Assert.Equal(algorithm, byLabel.PublicKey.Algorithm);
        Assert.Equal(byLabel.PublicKey.Id, byId.PublicKey.Id);
        Assert.True(byLabel.PublicKey.Verify(Data, byId.Sign(Data)));
        if (algorithm == KeyAlgorithm.Rsa)
        {
            _soft.Tool("ops", "--read-object", "--type", "pubkey", "--label", "theirs", "-o", "pub.der");
            using PublicKey theirs = KeyFile.ReadSpki(File.ReadAllBytes(_soft["pub.der"]), "pub");
            Assert.Equal(theirs.Id, byId.PublicKey.Id);
        }
        else
            // Debian 12's pkcs11-tool writes no P-384 key to a file; it shows the point.
            Assert.Contains(Convert.ToHexStringLower(byId.PublicKey.Spki.Span[^(algorithm == KeyAlgorithm.EcdsaP256 ? 65 : 97)..]), _soft.Tool("ops", "-O", "--type", "pubkey"), StringComparison.Ordinal);
    }

    [Fact]
    public void Generate_NameOrIdThatIsThere_ChangesNothing()
    {
        Generate("k", KeyAlgorithm.EcdsaP256);
        using HsmToken token = Open(Uri("object=k"));
        string id = token.ReadPublic(Uri("object=k")).Id;

        Assert.Equal(HsmError.Exists, Fails(() => token.Generate(Uri("object=k"), KeyAlgorithm.EcdsaP256)));
        Assert.Equal(HsmError.Exists, Fails(() => token.Generate(Uri("object=other;id=" + string.Concat(token.List(Uri("object=k"))[0].KeyId.ToArray().Select(b => $"%{b:X2}"))), KeyAlgorithm.EcdsaP256)));
        Assert.Equal(HsmError.Unsupported, Fails(() => token.Generate(Uri("object=e"), KeyAlgorithm.Ed25519)));
        Assert.Equal(HsmError.BadUri, Fails(() => token.Generate(Uri("id=%01"), KeyAlgorithm.EcdsaP256)));

        Assert.Equal(id, Assert.Single(token.List(Uri("object=k"))).Id);
    }

    [Fact]
    public void Generate_WithoutALogin_IsRefusedByName()
    {
        using HsmToken token = Open(Uri("object=k"), login: false);
        Assert.Equal(HsmError.PinNeeded, Fails(() => token.Generate(Uri("object=k"), KeyAlgorithm.EcdsaP256)));
    }

    [Fact]
    public void Login_WrongPinThreeTimes_IsWrongEachTimeAndWarnedOf()
    {
        using HsmToken token = Open(Uri("object=k"), login: false);
        Assert.False(token.Refresh().PinCountLow);
        for (int i = 0; i < 3; i++)
            Assert.Equal(HsmError.WrongPin, Fails(() => token.Login("4321"u8)));
        Assert.True(token.Refresh().PinCountLow);
        Assert.Equal(HsmError.WrongPin, Fails(() => token.Login("1"u8)));
        Assert.True(token.WantsPin);
        token.Login("1234"u8);
        Assert.False(token.WantsPin);
        Assert.False(token.Refresh().PinCountLow);
    }

    [Fact]
    public void ReadPublic_WithoutALogin_IsTheSignersKey()
    {
        Pkcs11Uri made = Generate("k", KeyAlgorithm.EcdsaP384);
        using HsmSigner signer = Signer(made);
        using HsmToken token = Open(made, login: false);
        using PublicKey key = token.ReadPublic(Uri("object=k"));

        Assert.Equal(signer.PublicKey.Id, key.Id);
    }

    [Fact]
    public void Open_AnotherTokenOfTheSameLabel_IsNeverTakenForIt()
    {
        Pkcs11Uri made = Generate("k", KeyAlgorithm.EcdsaP256);
        // The attacker's token: the same label, PIN and object, another key and serial.
        string theirs = _soft.Add("ops");
        Assert.Equal(HsmError.AmbiguousToken, Fails(() => Open(Uri("object=k")).Dispose()));
        using (HsmSigner ours = Signer(made))
            ours.Sign(Data);
        string own;
        using (HsmToken token = Open(made))
            own = token.ReadPublic(made).Id;
        TestSoftHsm.Remove(_folder);

        Assert.Equal(HsmError.NoToken, Fails(() => Open(made).Dispose()));
        // The label alone finds the wrong one, which has no such key; with one, it is another key.
        using (HsmToken wrong = Open(Uri("object=k")))
        {
            Assert.Equal(HsmError.NoObject, Fails(() => wrong.ReadPublic(Uri("object=k"))));
            wrong.Generate(Uri("object=k"), KeyAlgorithm.EcdsaP256);
            Assert.NotEqual(own, wrong.ReadPublic(Uri("object=k")).Id);
        }
        Assert.True(Directory.Exists(theirs));
    }

    [Fact]
    public void Sign_ObjectOfAnotherId_IsNotTakenForIt()
    {
        _soft.Tool("ops", "--login", "--pin", TestSoftHsm.Pin, "--keypairgen", "--key-type", "EC:prime256v1", "--label", "k", "--id", "01");
        _soft.Tool("ops", "--login", "--pin", TestSoftHsm.Pin, "--keypairgen", "--key-type", "EC:prime256v1", "--label", "k", "--id", "02");

        Assert.Equal(HsmError.AmbiguousObject, Fails(() => Signer(Uri("object=k"))));
        Assert.Equal(HsmError.NoObject, Fails(() => Signer(Uri("object=k;id=%03"))));
        Assert.Equal(HsmError.NoObject, Fails(() => Signer(Uri("object=other;id=%01"))));
        using HsmSigner one = Signer(Uri("object=k;id=%01")), two = Signer(Uri("object=k;id=%02"));
        Assert.False(one.PublicKey.Verify(Data, two.Sign(Data)));
        Assert.True(two.PublicKey.Verify(Data, two.Sign(Data)));
    }

    [Fact]
    public void Sign_PublicHalfOfSomebodyElseBesideIt_HandsNothingOut()
    {
        Pkcs11Uri made = Generate("k", KeyAlgorithm.EcdsaP256);
        using (HsmSigner signer = Signer(made))
            signer.Sign(Data);
        // The public object is exchanged for another one under the same label and id.
        _soft.Tool("ops", "--login", "--pin", TestSoftHsm.Pin, "--delete-object", "--type", "pubkey", "--label", "k");
        using (ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP256))
            File.WriteAllBytes(_soft["other.der"], other.ExportSubjectPublicKeyInfo());
        _soft.Tool("ops", "--login", "--pin", TestSoftHsm.Pin, "--write-object", "other.der", "--type", "pubkey", "--label", "k", "--id", Convert.ToHexString(made.Id!.Value.Span));

        using HsmSigner wrong = Signer(made);

        Assert.Equal(HsmError.HalvesDiffer, Fails(() => wrong.Sign(Data)));
    }

    [Fact]
    public void Sign_PrivateKeyAlone_IsUsedForRsaAndRefusedForEc()
    {
        Pkcs11Uri rsa = Generate("r", KeyAlgorithm.Rsa), ec = Generate("e", KeyAlgorithm.EcdsaP256);
        foreach (string label in (string[])["r", "e"])
            _soft.Tool("ops", "--login", "--pin", TestSoftHsm.Pin, "--delete-object", "--type", "pubkey", "--label", label);

        using HsmSigner signer = Signer(rsa);
        Assert.True(signer.PublicKey.Verify(Data, signer.Sign(Data)));
        Assert.Equal(HsmError.NoObject, Fails(() => Signer(ec)));
    }

    [Fact]
    public void Sign_TokenThatIsTakenAwayMidWay_FailsByNameAndSignsNothing()
    {
        Pkcs11Uri made = Generate("k", KeyAlgorithm.EcdsaP256);
        using HsmSigner signer = Signer(made);
        signer.Sign(Data);
        TestSoftHsm.Remove(_folder);

        Assert.Equal(HsmError.TokenRemoved, Fails(() => signer.Sign(Data)));
        Assert.Equal(HsmError.NoToken, Fails(() => Open(made).Dispose()));
    }

    [Fact]
    public async Task Sign_FromManyThreads_UsesFewSessions()
    {
        using HsmSigner signer = Signer(Generate("k", KeyAlgorithm.EcdsaP256));

        await Parallel.ForAsync(0, 64, (_, _) =>
        {
            Assert.True(signer.PublicKey.Verify(Data, signer.Sign(Data)));
            return ValueTask.CompletedTask;
        });
    }

    [Theory]
    [InlineData(false, HsmKeyWrapper.OaepSha1)]
    [InlineData(true, HsmKeyWrapper.AesKeyWrap)]
    public void Wrap_DataKeys_ComeBackFromTheTokenOnly(bool aes, string method)
    {
        using HsmToken token = Open(Uri("object=w"));
        Pkcs11Uri made = token.GenerateWrapping(Uri("object=w"), aes), other = token.GenerateWrapping(Uri("object=o"), aes);
        using HsmKeyWrapper wrapper = HsmKeyWrapper.Open(Open(made), made, null), wrong = HsmKeyWrapper.Open(Open(other), other, method);
        Assert.Equal(method, wrapper.Method);
        foreach (int length in (int[])[16, 24, 32])
        {
            byte[] key = RandomNumberGenerator.GetBytes(length), wrapped = wrapper.Wrap(key);
            Assert.Equal(-1, wrapped.AsSpan().IndexOf(key));
            Assert.Equal(key, wrapper.Unwrap(wrapped));

            Assert.Equal(HsmError.NotWrapped, Fails(() => wrong.Unwrap(wrapped)));
            byte[] changed = [.. wrapped];
            changed[^1] ^= 1;
            Assert.Equal(HsmError.NotWrapped, Fails(() => wrapper.Unwrap(changed)));
            Assert.Equal(HsmError.NotWrapped, Fails(() => wrapper.Unwrap(wrapped.AsSpan(1))));
            Assert.Equal(HsmError.NotWrapped, Fails(() => wrapper.Unwrap([])));
        }
        Assert.Throws<ArgumentException>(() => wrapper.Wrap(new byte[17]));
        // What wraps does not sign, and what signs does not unwrap.
        Pkcs11Uri signs = token.Generate(Uri("object=s"), KeyAlgorithm.Rsa);
        Assert.Equal(HsmError.Unsupported, Fails(() => HsmKeyWrapper.Open(Open(signs), signs, null)));
        Assert.Equal(HsmError.Unsupported, Fails(() => Signer(made)));
        Assert.Equal(HsmError.Unsupported, Fails(() => HsmKeyWrapper.Open(Open(made), made, aes ? HsmKeyWrapper.OaepSha1 : HsmKeyWrapper.AesKeyWrap)));
        Assert.Equal(HsmError.Unsupported, Fails(() => HsmKeyWrapper.Open(Open(made), made, "rot13")));
        // No object of a data key stays behind.
        Assert.Equal(3, token.List(Uri("object=w")).Count + token.List(Uri("object=o")).Count + token.List(Uri("object=s")).Count);
        Assert.Equal(3, token.List(Pkcs11Uri.Parse("pkcs11:token=ops")).Count);
    }
}
