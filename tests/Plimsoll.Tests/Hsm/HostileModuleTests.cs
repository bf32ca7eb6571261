using System.Security.Cryptography;
using Plimsoll.Cli;
using Plimsoll.Hsm;
using Plimsoll.Keys;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Hsm;

/// <summary>Modules that lie, tokens that refuse, and PINs that are nearly used up. Each attack has its twin: the same module, sound.</summary>
[Collection("hsm")]
public sealed class HostileModuleTests : IDisposable
{
    private static readonly Pkcs11Uri Ops = Pkcs11Uri.Parse("pkcs11:token=fake;object=ops");
    private readonly FakeModule _fake = new();
    private readonly StringWriter _error = new();
    private readonly Dictionary<string, string> _environment = [];

    public void Dispose() => _fake.Dispose();

    private HsmToken Open()
    {
        using HsmModule module = _fake.Open();
        return HsmToken.One(Ops, HsmToken.OpenAll(Ops, module));
    }

    private HsmSigner Signer()
    {
        HsmToken token = Open();
        token.Login("1234"u8);
        return HsmSigner.Open(token, Ops, "1234"u8);
    }

    private static HsmException Fails(HsmError error, Action action)
    {
        HsmException e = Assert.Throws<HsmException>(action);
        Assert.Equal(error, e.Error);
        return e;
    }

    [Fact]
    public void Sign_WithASoundModule_VerifiesAndGivesEverythingBack()
    {
        byte[] signature;
        using (HsmSigner signer = Signer())
        {
            signature = signer.Sign("data"u8);
            signer.Sign("data"u8);
            Assert.True(signer.PublicKey.Verify("data"u8, signature));
            Assert.Equal(32UL, _fake.LastInputLength);
        }

        // One that stays for the login, and one that worked again and again.
        Assert.Equal((2, 2, 1), (_fake.Opened, _fake.Closed, _fake.Finished));
        Assert.True(_fake.Key.VerifyData("data"u8, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }

    [Fact]
    public void Sign_TokenThatHashesItself_GetsTheData()
    {
        _fake.Mechanisms.Clear();
        _fake.Mechanisms[Ck.CKM_ECDSA_SHA256] = Ck.CKF_SIGN;
        using HsmSigner signer = Signer();

        signer.Sign("four"u8);

        Assert.Equal((Ck.CKM_ECDSA_SHA256, 4UL), (_fake.LastMechanism, _fake.LastInputLength));
    }

    [Fact]
    public void Sign_TokenWithoutAMechanism_IsUnsupported()
    {
        _fake.Mechanisms.Clear();
        Fails(HsmError.Unsupported, () => Signer());
    }

    [Fact]
    public void Sign_WithTheKeyOfSomebodyElse_HandsNothingOut()
    {
        using HsmSigner signer = Signer();
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _fake.SigningKey = other;

        Fails(HsmError.HalvesDiffer, () => signer.Sign("data"u8));

        _fake.SigningKey = null;
        signer.Sign("data"u8);
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(63UL)]
    [InlineData(65UL)]
    [InlineData(ulong.MaxValue)]
    public void Sign_LengthThatIsNoSignatures_IsMalformed(ulong length)
    {
        using HsmSigner signer = Signer();
        _fake.SignatureLength = length;

        Fails(HsmError.Malformed, () => signer.Sign("data"u8));
    }

    [Theory]
    [InlineData(Ck.DEVICE_REMOVED, HsmError.TokenRemoved)]
    [InlineData(Ck.TOKEN_NOT_PRESENT, HsmError.TokenRemoved)]
    [InlineData(Ck.SESSION_HANDLE_INVALID, HsmError.TokenRemoved)]
    [InlineData(Ck.SESSION_CLOSED, HsmError.TokenRemoved)]
    [InlineData(Ck.KEY_HANDLE_INVALID, HsmError.ObjectGone)]
    [InlineData(Ck.USER_NOT_LOGGED_IN, HsmError.PinNeeded)]
    [InlineData(Ck.KEY_FUNCTION_NOT_PERMITTED, HsmError.Unsupported)]
    [InlineData(Ck.DEVICE_ERROR, HsmError.Refused)]
    [InlineData(0x80000001UL, HsmError.Refused)]
    public void Sign_TokenThatSaysNo_IsNamed(ulong code, HsmError error)
    {
        using HsmSigner signer = Signer();
        int closed = _fake.Closed;
        _fake.Answers["C_SignInit"] = code;

        Assert.Equal(code, Fails(error, () => signer.Sign("data"u8)).Code);
        // The session goes, and the next one is a new one.
        Assert.Equal(closed + 1, _fake.Closed);
        _fake.Answers.Clear();
        signer.Sign("data"u8);
    }

    [Theory]
    [InlineData(Ck.GENERAL_ERROR)]
    [InlineData(Ck.DEVICE_ERROR)]
    [InlineData(Ck.KEY_HANDLE_INVALID)]
    public void Sign_UnclearAnswerOfATokenThatWentAway_IsRemoved(ulong code)
    {
        using HsmSigner signer = Signer();
        _fake.Answers["C_SignInit"] = code;
        Assert.NotEqual(HsmError.TokenRemoved, Assert.Throws<HsmException>(() => signer.Sign("data"u8)).Error);

        _fake.Answers["C_GetTokenInfo"] = Ck.GENERAL_ERROR;
        Fails(HsmError.TokenRemoved, () => signer.Sign("data"u8));

        _fake.Answers.Remove("C_GetTokenInfo");
        _fake.Serial = "0002";
        Fails(HsmError.TokenRemoved, () => signer.Sign("data"u8));
    }

    [Fact]
    public void Sign_KeyThatWantsThePinEveryTime_GetsItEveryTime()
    {
        _fake.Attributes[(2, Ck.CKA_ALWAYS_AUTHENTICATE)] = [1];
        using HsmSigner signer = Signer();

        signer.Sign("data"u8);
        signer.Sign("data"u8);

        Assert.Equal(["1234", "again 1234", "again 1234"], _fake.Pins);
    }

    [Theory]
    [InlineData(Ck.CKA_EC_POINT, 65UL << 20, 67UL)]
    [InlineData(Ck.CKA_EC_POINT, ulong.MaxValue - 1, 67UL)]
    [InlineData(Ck.CKA_EC_POINT, 67UL, 1000UL)]
    [InlineData(Ck.CKA_EC_POINT, 67UL, 66UL)]
    [InlineData(Ck.CKA_KEY_TYPE, 4UL, 4UL)]
    public void ReadPublic_LengthsThatLie_AreMalformed(ulong type, ulong first, ulong second)
    {
        using HsmToken token = Open();
        token.ReadPublic(Ops).Dispose();
        _fake.Lengths[(1, type)] = (first, second);

        Assert.Contains($"attribute 0x{type:x}", Fails(HsmError.Malformed, () => token.ReadPublic(Ops).Dispose()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_SlotCountsThatLie_AreMalformed()
    {
        using HsmModule module = _fake.Open();
        _fake.Slots = (ulong)HsmToken.MaxSlots + 1;
        Fails(HsmError.Malformed, () => HsmToken.OpenAll(Ops, module));
        _fake.Slots = 1;
        _fake.SlotsAtSecondCall = 1UL << 40;
        Fails(HsmError.Malformed, () => HsmToken.OpenAll(Ops, module));
        _fake.SlotsAtSecondCall = null;
        Assert.Single(HsmToken.OpenAll(Ops, module)).Dispose();
    }

    [Fact]
    public void Find_ObjectsWithoutEndOrMoreThanAsked_AreBounded()
    {
        using HsmToken token = Open();
        _fake.FoundCount = 65;
        Fails(HsmError.Malformed, () => token.ReadPublic(Ops));
        _fake.FoundCount = null;
        _fake.EndlessObjects = true;
        Fails(HsmError.Unsupported, () => token.ReadPublic(Ops));
    }

    [Fact]
    public void Open_ModulesThatAreNone_AreNamed()
    {
        _fake.WithVersion(1);
        Fails(HsmError.Malformed, () => _fake.Open());
        _fake.WithVersion(2);
        _fake.Answers["C_Initialize"] = Ck.GENERAL_ERROR;
        Fails(HsmError.Refused, () => _fake.Open());
        _fake.Answers.Clear();
        _fake.Without(4);
        using HsmModule module = _fake.Open();
        Fails(HsmError.Unsupported, () => HsmToken.OpenAll(Ops, module));
    }

    [Fact]
    public void Open_InitialisedBySomebodyElse_IsUsedAndLeftAsItIs()
    {
        _fake.Answers["C_Initialize"] = Ck.CRYPTOKI_ALREADY_INITIALIZED;
        Signer().Dispose();
        Assert.Equal(0, _fake.Finished);
    }

    [Fact]
    public void Open_TwoTokensOfOneLabel_AreToldBySerialOnly()
    {
        _fake.Slots = 2;
        HsmException e = Fails(HsmError.AmbiguousToken, () => Open());
        Assert.Contains("serial 0001", e.Message, StringComparison.Ordinal);
        _fake.Slots = 1;
        Open().Dispose();
    }

    [Fact]
    public void Login_TokenThatWasExchanged_GetsNoPin()
    {
        using HsmToken token = Open();
        _fake.Serial = "0002";

        Fails(HsmError.TokenRemoved, () => token.Login("1234"u8));

        Assert.Empty(_fake.Pins);
    }

    [Fact]
    public void Login_OfALockedToken_IsNotTried()
    {
        using HsmToken token = Open();
        _fake.Flags |= Ck.CKF_USER_PIN_LOCKED;

        Fails(HsmError.PinLocked, () => token.Login("1234"u8));

        Assert.Empty(_fake.Pins);
    }

    [Theory]
    [InlineData(Ck.PIN_INCORRECT, HsmError.WrongPin)]
    [InlineData(Ck.PIN_LEN_RANGE, HsmError.WrongPin)]
    [InlineData(Ck.PIN_LOCKED, HsmError.PinLocked)]
    [InlineData(Ck.PIN_EXPIRED, HsmError.PinNotSet)]
    public void Login_ThatFails_IsNamedAndTriedOnce(ulong code, HsmError error)
    {
        using HsmToken token = Open();
        _fake.Answers["C_Login"] = code;

        HsmException e = Fails(error, () => token.Login("98765"u8));

        Assert.Single(_fake.Pins);
        Assert.DoesNotContain("98765", e.Message + e.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rent_MoreThanTheTokenHas_WaitsAndNeverOpensMore()
    {
        _fake.MaxSessions = 3;
        using HsmSigner signer = Signer();

        await Parallel.ForAsync(0, 32, (_, _) =>
        {
            signer.Sign("data"u8);
            return ValueTask.CompletedTask;
        });

        Assert.InRange(_fake.Opened, 2, 3);
    }

    // As a user meets them.

    private HsmKeys Keys(Func<string, string>? terminal = null, string uri = "pkcs11:token=fake;object=ops", Language language = Language.English) => new(uri, new CliContext
    {
        Out = TextWriter.Null,
        Error = _error,
        Language = language,
        Environment = name => _environment.GetValueOrDefault(name),
        ReadSecret = terminal is null ? null : (question, _) => terminal(question),
    }, found =>
    {
        using HsmModule module = _fake.Open();
        return HsmToken.OpenAll(found, module);
    });

    private ISigner SignerOf(HsmKeys keys)
    {
        CliContext context = new() { Out = TextWriter.Null, Error = _error, Environment = name => _environment.GetValueOrDefault(name) };
        return keys.OpenSigner(new PassphraseSource(context, null), CancellationToken.None);
    }

    [Fact]
    public void OpenSigner_LastTry_WarnsAndTakesATypedPinOnly()
    {
        _fake.Flags |= Ck.CKF_USER_PIN_FINAL_TRY | Ck.CKF_USER_PIN_COUNT_LOW;
        _environment["PLIMSOLL_PIN"] = "1234";

        CommandException e = Assert.Throws<CommandException>(() => SignerOf(Keys()));

        Assert.Contains("last try of the PIN", e.Message, StringComparison.Ordinal);
        Assert.Contains("this is the last try", _error.ToString(), StringComparison.Ordinal);
        Assert.Empty(_fake.Pins);
        _environment.Clear();
        string asked = "";
        SignerOf(Keys(question =>
        {
            asked = question;
            return "1234";
        })).Dispose();
        Assert.Equal("PIN of token \"fake\" (serial 0001)", asked);
        Assert.Equal(["1234"], _fake.Pins);
    }

    [Fact]
    public void OpenSigner_FewTriesLeft_WarnsInBothLanguagesAndGoesOn()
    {
        _fake.Flags |= Ck.CKF_USER_PIN_COUNT_LOW;
        _environment["PLIMSOLL_PIN"] = "1234";

        SignerOf(Keys()).Dispose();
        SignerOf(Keys(language: Language.Chinese)).Dispose();

        Assert.Contains("a wrong PIN was given before", _error.ToString(), StringComparison.Ordinal);
        Assert.Contains("再错几次将被锁定", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void OpenSigner_WrongPinThenLocked_AreToldApartAndNeverTriedAgain()
    {
        _environment["PLIMSOLL_PIN"] = "9";
        for (int i = 0; i < 3; i++)
            Assert.StartsWith("wrong PIN: ", Assert.Throws<CommandException>(() => SignerOf(Keys())).Message, StringComparison.Ordinal);
        Assert.Equal(["9", "9", "9"], _fake.Pins);
        _fake.Answers["C_Login"] = Ck.PIN_LOCKED;
        Assert.StartsWith("PIN locked: ", Assert.Throws<CommandException>(() => SignerOf(Keys())).Message, StringComparison.Ordinal);
        Assert.StartsWith("PIN 已锁定", Assert.Throws<CommandException>(() => SignerOf(Keys(language: Language.Chinese))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OpenSigner_WithoutAPinAndATerminal_SaysWhereItMayCome()
    {
        CommandException e = Assert.Throws<CommandException>(() => SignerOf(Keys()));

        Assert.Equal(ExitCode.Usage, e.ExitCode);
        Assert.Contains("PLIMSOLL_PIN", e.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1234", true)]
    [InlineData("1234\n", true)]
    [InlineData("1234\r\n", true)]
    [InlineData("1234\n1234\n", false)]
    [InlineData("\n", false)]
    [InlineData("", false)]
    public void OpenSigner_PinSource_IsOneLine(string content, bool good)
    {
        using TempFolder folder = new();
        File.WriteAllText(folder["pin"], content);
        // What the URI names counts before the environment.
        _environment["PLIMSOLL_PIN"] = "wrong";
        HsmKeys keys = Keys(uri: $"pkcs11:token=fake;object=ops?pin-source={folder["pin"]}");

        if (good)
            SignerOf(keys).Dispose();
        else
            Assert.Throws<CommandException>(() => SignerOf(keys));

        Assert.Equal(good ? ["1234"] : Array.Empty<string>(), _fake.Pins);
    }

    [Fact]
    public void Sign_TokenRemovedMidWay_IsSaidInTheUsersWords()
    {
        _environment["PLIMSOLL_PIN"] = "1234";
        using ISigner signer = SignerOf(Keys(language: Language.Chinese));
        signer.Sign("data"u8);
        _fake.Answers["C_SignInit"] = Ck.DEVICE_REMOVED;

        CommandException e = Assert.Throws<CommandException>(() => signer.Sign("data"u8));

        Assert.Equal(ExitCode.Undecided, e.ExitCode);
        Assert.StartsWith("令牌已移除", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void List_TwoTokens_GivesNeitherThePin()
    {
        _environment["PLIMSOLL_PIN"] = "1234";
        CliContext context = new() { Out = TextWriter.Null, Error = _error, Environment = name => _environment.GetValueOrDefault(name) };
        _fake.Slots = 2;
        Assert.All(Keys(uri: "pkcs11:").List(new PassphraseSource(context, null), CancellationToken.None), k => Assert.Equal("public-only", k.StateWord));
        Assert.Empty(_fake.Pins);
        _fake.Slots = 1;
        Assert.Equal("ready", Assert.Single(Keys(uri: "pkcs11:").List(new PassphraseSource(context, null), CancellationToken.None)).StateWord);
        _fake.Attributes[(2, Ck.CKA_EXTRACTABLE)] = [1];
        Assert.Equal("extractable", Assert.Single(Keys(uri: "pkcs11:").List(new PassphraseSource(context, null), CancellationToken.None)).StateWord);
    }
}
