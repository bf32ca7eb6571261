using System.Text;
using Plimsoll.Inspect.Policies;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.TestKit;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Verify.Start;

/// <summary>Tokens that override a refusal: each field forged, beside the token that counts.</summary>
public sealed class BreakGlassTests : IDisposable
{
    private static readonly DateTimeOffset Now = StartKit.Now;
    private static readonly string Host = new('a', 64), Container = new('c', 64);
    private static readonly Digest Image = Digest.Of("image"u8), Other = Digest.Of("other"u8);

    private static readonly ISigner Alice = KeyFile.Generate(KeyAlgorithm.EcdsaP256), Bob = KeyFile.Generate(KeyAlgorithm.Ed25519), Carol = KeyFile.Generate(KeyAlgorithm.EcdsaP384), Stranger = KeyFile.Generate(KeyAlgorithm.EcdsaP256);

    private readonly TempFolder _folder = new();
    private readonly BreakGlassLedger _ledger;

    public BreakGlassTests() => _ledger = new BreakGlassLedger(_folder["uses"]);

    public void Dispose() => _folder.Dispose();

    private static string Keys => string.Concat(((string, ISigner)[])[("alice", Alice), ("also-alice", Alice), ("bob", Bob), ("carol", Carol)] is var all
        ? all.Select(k => $"    {k.Item1}: {{pem: \"{k.Item2.PublicKey.ToPem().Replace("\n", "\\n", StringComparison.Ordinal)}\"}}\n") : []);

    private static Policy Held(string glass = "{keys: [alice, also-alice, bob, carol], threshold: 2}") => PolicyFile.Parse(Encoding.UTF8.GetBytes($"""
        policy: 1
        name: host
        trust:
          keys:
        {Keys}  images: [{"{"}names: ["**"], signatures: {"{"}keys: [alice], match: any{"}"}{"}"}]
        start: {"{"}break-glass: {glass}{"}"}
        """), "p.yaml");

    private static BreakGlassToken Token(BreakGlassScope? scope = null) => new(Host, new string('b', 32), Now, Now.AddHours(4), 2, "the signing service is down", scope ?? new([Image], [], []));

    private static DsseEnvelope Signed(BreakGlassToken token, params ISigner[] by)
    {
        byte[] file = token.ToFile();
        foreach (ISigner signer in by)
            file = BreakGlassToken.AddSignature(BreakGlassToken.Read(file, "t").Envelope, signer);
        return BreakGlassToken.Read(file, "t").Envelope;
    }

    private static string? Check(BreakGlassToken token, DsseEnvelope envelope, Policy? policy = null, string? host = null) => token.Check(envelope, policy ?? Held(), host ?? Host)?.Code;

    [Fact]
    public void Check_EnoughDifferentSigners_Counts()
    {
        BreakGlassToken token = Token();
        Assert.Null(Check(token, Signed(token, Alice, Bob)));
        Assert.Null(Check(token, Signed(token, Carol, Bob, Alice)));
        Assert.Equal(["alice", "bob"], BreakGlassToken.SignersOf(Signed(token, Bob, Alice, Stranger), Held()));
        (BreakGlassToken read, _) = BreakGlassToken.Read(token.ToFile(), "t");
        Assert.Equal(token.ToPayload(), read.ToPayload());
    }

    [Fact]
    public void Check_TooFewOrTheSameSignerTwice_DoesNot()
    {
        BreakGlassToken token = Token();
        Assert.Equal("signatures", Check(token, Signed(token)));
        Assert.Equal("signatures", Check(token, Signed(token, Alice)));
        Assert.Equal("signatures", Check(token, Signed(token, Alice, Stranger)));
        // One signature doubled, with other key ids, and one key that the policy calls by two names.
        DsseEnvelope once = Signed(token, Alice), again = Signed(token, Alice);
        Assert.Equal("signatures", Check(token, once with { Signatures = [once.Signatures[0], once.Signatures[0] with { KeyId = Bob.PublicKey.Id }, again.Signatures[0] with { KeyId = "" }] }));
        // Signing again replaces.
        Assert.Single(BreakGlassToken.Read(BreakGlassToken.AddSignature(once, Alice), "t").Envelope.Signatures);
    }

    [Fact]
    public void Check_PolicyThatAsksForMoreOrKnowsNoBreakGlass_Decides()
    {
        BreakGlassToken token = Token();
        DsseEnvelope two = Signed(token, Alice, Bob);
        Assert.Equal("signatures", Check(token, two, Held("{keys: [alice, bob, carol], threshold: 3}")));
        Assert.Equal("signatures", Check(token, two, Held("{keys: [bob, carol], threshold: 2}")));
        Assert.Null(Check(token, two, Held("{keys: [bob], threshold: 1}")));
        Assert.Equal("not-allowed", Check(token, two, Held("none")));
        Assert.Equal("too-long", Check(token, two, Held("{keys: [alice, bob], threshold: 2, max-hours: 3}")));
    }

    [Fact]
    public void Check_AnotherHost_DoesNotCount()
    {
        BreakGlassToken token = Token();
        Assert.Equal("host", Check(token, Signed(token, Alice, Bob), host: new string('d', 64)));
    }

    public static TheoryData<string, string> Forgeries { get; } = new()
    {
        { $"\"host\":\"{new string('a', 64)}\"", $"\"host\":\"{new string('d', 64)}\"" },
        { $"\"nonce\":\"{new string('b', 32)}\"", $"\"nonce\":\"{new string('e', 32)}\"" },
        { "\"uses\":2", "\"uses\":9" },
        { "14:30:00Z", "20:30:00Z" },
        { "\"issued\":\"2026-03-02T10:30:00Z\"", "\"issued\":\"2026-03-02T10:30:01Z\"" },
        { "the signing service is down", "the signing service is up" },
        { $"\"images\":[\"{Digest.Of("image"u8)}\"]", "\"images\":[]" },
        { "\"containers\":[]", $"\"containers\":[\"{new string('c', 64)}\"]" },
        { "\"codes\":[]", "\"codes\":[\"host-changed\"]" },
    };

    /// <summary>Each field changed after it was signed: well formed, and nobody's word.</summary>
    [Theory]
    [MemberData(nameof(Forgeries))]
    public void Check_FieldForgedAfterSigning_DoesNotCount(string part, string instead)
    {
        BreakGlassToken token = Token();
        DsseEnvelope good = Signed(token, Alice, Bob);
        string payload = Encoding.UTF8.GetString(good.Payload.Span), changed = payload.Replace(part, instead, StringComparison.Ordinal);
        Assert.NotEqual(payload, changed);
        (BreakGlassToken forged, DsseEnvelope envelope) = BreakGlassToken.Read((good with { Payload = Encoding.UTF8.GetBytes(changed) }).ToJson(), "t");
        Assert.Equal("signatures", Check(forged, envelope, host: forged.Host));
        Assert.Null(Check(token, good));
        // Signatures of one token say nothing of another.
        Assert.Equal("malformed", Check(forged, good, host: forged.Host));
    }

    [Theory]
    [InlineData("\"uses\":2", "\"uses\":0")]
    [InlineData("\"uses\":2", "\"uses\":1001")]
    [InlineData("\"uses\":2", "\"uses\":2,\"uses\":2")]
    [InlineData("\"uses\":2", "\"uses\": 2")]
    [InlineData("\"uses\":2", "\"uses\":2,\"more\":1")]
    [InlineData("14:30:00Z", "10:30:00Z")]
    [InlineData("14:30:00Z", "14:30:00+00:00")]
    [InlineData("\"codes\":[]", "\"codes\":[\"*\"]")]
    [InlineData("\"codes\":[]", "\"codes\":[\"Not-Intact\"]")]
    [InlineData("\"codes\":[]", "\"codes\":\"not-intact\"")]
    [InlineData("\"containers\":[]", "\"containers\":[\"abc\"]")]
    [InlineData("\"images\":[\"sha256", "\"images\":[\"registry.example/app\",\"sha256")]
    [InlineData("the signing", "\\u0007the signing")]
    [InlineData(",\"scope\":{", ",\"scope\":{\"extra\":[],")]
    public void Read_WhatIsNoToken_IsRefused(string part, string instead)
    {
        string payload = Encoding.UTF8.GetString(Token().ToPayload()), changed = payload.Replace(part, instead, StringComparison.Ordinal);
        Assert.NotEqual(payload, changed);
        Assert.Throws<DocumentException>(() => BreakGlassToken.Read(DsseSigning.Sign(BreakGlassToken.PayloadType, Encoding.UTF8.GetBytes(changed), Alice).ToJson(), "t"));
    }

    [Fact]
    public void Read_OtherEnvelopesAndTooMuch_AreRefused()
    {
        BreakGlassToken token = Token();
        Assert.Throws<DocumentException>(() => BreakGlassToken.Read(DsseSigning.Sign("application/json", token.ToPayload(), Alice).ToJson(), "t"));
        Assert.Throws<DocumentException>(() => BreakGlassToken.Read("{}"u8.ToArray(), "t"));
        DsseEnvelope envelope = Signed(token, Alice);
        DsseEnvelope Many(int count) => envelope with { Signatures = [.. Enumerable.Repeat(envelope.Signatures[0], count)] };
        BreakGlassToken.Read(Many(BreakGlassToken.MaxSignatures).ToJson(), "t");
        Assert.Throws<DocumentException>(() => BreakGlassToken.Read(Many(BreakGlassToken.MaxSignatures + 1).ToJson(), "t"));
        byte[] file = token.ToFile();
        BreakGlassToken.Read((byte[])[.. file, .. Enumerable.Repeat((byte)' ', BreakGlassToken.MaxBytes - file.Length)], "t");
        Assert.Throws<DocumentException>(() => BreakGlassToken.Read((byte[])[.. file, .. Enumerable.Repeat((byte)' ', BreakGlassToken.MaxBytes - file.Length + 1)], "t"));
    }

    [Fact]
    public void CheckTime_BeforeWithinAndAfter_IsSaid()
    {
        BreakGlassToken token = Token();
        Assert.Null(token.CheckTime(Now, Now));
        Assert.Null(token.CheckTime(Now.AddHours(4), Now));
        Assert.Equal("expired", token.CheckTime(Now.AddHours(4).AddSeconds(1), Now)?.Code);
        Assert.Null(token.CheckTime(Now.AddMinutes(-5), Now));
        Assert.Equal("not-yet", token.CheckTime(Now.AddMinutes(-6), Now)?.Code);
    }

    [Fact]
    public void CheckTime_ClockSetBackAfterTheEnd_StaysExpired()
    {
        BreakGlassToken token = Token();
        Assert.Null(token.CheckTime(Now.AddHours(1), Now.AddHours(4)));
        BreakGlassRefusal? refusal = token.CheckTime(Now.AddHours(1), Now.AddHours(5));
        Assert.Equal("expired", refusal?.Code);
        Assert.Contains("clock was set back", refusal?.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Ledger_UsesOfANonce_EndAndStayUsedUp()
    {
        BreakGlassToken token = Token();
        Assert.Equal([1, 2, null, null], Enumerable.Range(0, 4).Select(_ => _ledger.TryUse(token)));
        BreakGlassLedger after = new(_folder["uses"]);
        Assert.Equal((2, (int?)null), (after.UsesOf(token.Nonce), after.TryUse(token)));
        // Signed anew with more uses, the nonce has those that are left; another nonce has all.
        Assert.Equal(3, after.TryUse(token with { Uses = 3 }));
        Assert.Equal(1, after.TryUse(token with { Nonce = new string('f', 32) }));
    }

    [Fact]
    public void Ledger_DamagedOrUnwritable_GivesNoUse()
    {
        BreakGlassToken token = Token();
        Assert.Equal(1, _ledger.TryUse(token));
        File.WriteAllText(_folder[$"uses/{token.Nonce}"], "");
        Assert.Null(_ledger.TryUse(token));
        File.Delete(_folder[$"uses/{token.Nonce}"]);
        Directory.CreateDirectory(_folder[$"uses/{token.Nonce}"]);
        Assert.Null(_ledger.TryUse(token));
        File.WriteAllText(_folder["file"], "");
        Assert.ThrowsAny<IOException>(() => new BreakGlassLedger(_folder["file"]).TryUse(token));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder["uses/" + Use()]));

        string Use()
        {
            string nonce = new('0', 32);
            _ledger.TryUse(token with { Nonce = nonce });
            return nonce;
        }
    }

    [Fact]
    public void Ledger_ManyAtOnce_GiveEachUseOnce()
    {
        BreakGlassToken token = Token() with { Uses = 20 };
        int?[] uses = new int?[50];
        Parallel.For(0, uses.Length, i => uses[i] = _ledger.TryUse(token));
        Assert.Equal(Enumerable.Range(1, 20), uses.OfType<int>().Order());
    }

    [Theory]
    [InlineData("", "", "", "not-intact", true)]
    [InlineData("", "", "", "signature/none process/privileged", true)]
    [InlineData("", "", "", "host-changed", false)]
    [InlineData("", "", "", "signature/none host-changed", false)]
    [InlineData("", "", "", "tpm-unavailable", false)]
    [InlineData("", "", "tpm-unavailable", "tpm-unavailable", true)]
    [InlineData("", "", "", "tpm-unmeasured", true)]
    [InlineData("", "", "host-changed", "host-changed", true)]
    [InlineData("", "", "host-changed", "not-intact", false)]
    [InlineData("", "", "signature/*", "signature/none signature/threshold", true)]
    [InlineData("", "", "signature/*", "signature/none process/privileged", false)]
    [InlineData("", "", "signature/*", "signatures/none", false)]
    [InlineData("", "", "not-intact", "not-intact", true)]
    [InlineData("", "", "not-intact", "not-intactx", false)]
    [InlineData("image", "", "", "not-intact", true)]
    [InlineData("other", "", "", "not-intact", false)]
    [InlineData("other image", "", "", "not-intact", true)]
    [InlineData("image", "c", "", "not-intact", true)]
    [InlineData("image", "d", "", "not-intact", false)]
    public void Scope_OfEachKind_CoversThatAndNoMore(string images, string containers, string codes, string refusals, bool covers)
    {
        BreakGlassScope scope = new([.. Words(images).Select(i => i == "image" ? Image : Other)], [.. Words(containers).Select(c => new string(c[0], 64))], Words(codes));
        Assert.Equal(covers, scope.Covers(Image, Container, Words(refusals)));
        // What is not known is covered by what is for any.
        Assert.Equal(covers && images.Length == 0 && containers.Length == 0, scope.Covers(null, null, Words(refusals)));

        static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    [Theory]
    [InlineData("{keys: [alice, nobody], threshold: 1}", "known keys: ")]
    [InlineData("{keys: [], threshold: 1}", "names no keys")]
    [InlineData("{keys: [alice], threshold: 2}", "from 1 to 1")]
    [InlineData("{keys: [alice, also-alice], threshold: 2}", "from 1 to 1")]
    [InlineData("{keys: [alice, bob], threshold: 0}", "from 1 to 2")]
    [InlineData("{keys: [alice, bob]}", "threshold is missing")]
    [InlineData("{keys: [alice, bob], threshold: 2, max-hours: 721}", "from 1 to 720")]
    [InlineData("{keys: [alice, bob], threshold: 2, surprise: 1}", "unknown key")]
    [InlineData("yes", "")]
    public void Policy_SectionThatCannotHold_IsRefused(string glass, string reason) => Assert.Contains(reason, Assert.Throws<DocumentException>(() => Held(glass)).Message, StringComparison.Ordinal);

    [Fact]
    public void Policy_Section_KeepsItsMeaningSignedAndIsLeftOutWhereThereIsNone()
    {
        Policy held = Held();
        SignedPolicy signed = SignedPolicy.Open(SignedPolicy.Sign(held, 1, Now, Carol), "p", Carol.PublicKey, "k");
        Assert.Equal((4, 2, 24), (signed.Policy.Start!.BreakGlass!.Keys.Count, signed.Policy.Start.BreakGlass.Threshold, signed.Policy.Start.BreakGlass.MaxHours));
        Assert.Contains("\"break-glass\":{\"keys\":[\"alice\",\"also-alice\",\"bob\",\"carol\"],\"threshold\":2,\"max-hours\":24}", Encoding.UTF8.GetString(PolicyJson.Write(held)), StringComparison.Ordinal);
        Assert.DoesNotContain("break-glass", Encoding.UTF8.GetString(PolicyJson.Write(Held("none"))), StringComparison.Ordinal);
        Assert.Contains("no trust.keys", Assert.Throws<DocumentException>(() => StartKit.PolicyOf("start: {break-glass: {keys: [alice], threshold: 1}}\n")).Message, StringComparison.Ordinal);
    }
}
