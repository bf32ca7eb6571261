using System.Text;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Verify;

public sealed class RevocationListTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 8, 0, 0, TimeSpan.Zero);
    private static readonly Digest Image = Digest.Of("image"u8);
    private readonly ISigner _signer = KeyFile.Generate(KeyAlgorithm.Ed25519), _other = KeyFile.Generate(KeyAlgorithm.Ed25519);

    public void Dispose()
    {
        _signer.Dispose();
        _other.Dispose();
    }

    private static string Id(char digit) => new(digit, 64);

    private static RevocationList List(long counter = 1, params RevokedKey[] keys) => new(counter, Now, keys, [new RevokedImage(Image, Now, "bad build")]);

    private RevocationList Open(byte[] content, params PublicKey[] keys) => RevocationList.Open(content, "r.json", keys.Length == 0 ? [_signer.PublicKey] : keys, "ops");

    private RevocationListException Refused(byte[] content, params PublicKey[] keys) => Assert.Throws<RevocationListException>(() => Open(content, keys));

    private byte[] Payload(string json) => DsseSigning.Sign(RevocationList.PayloadType, Encoding.UTF8.GetBytes(json), _signer).ToJson();

    [Fact]
    public void Open_WhatWasSigned_FindsWhatIsRevokedAndNothingElse()
    {
        byte[] content = List(7, new RevokedKey(Id('b'), Now, "stolen \"laptop\" ü"), new RevokedKey(Id('a'), Now, "")).Sign(_signer);

        RevocationList list = Open(content, _other.PublicKey, _signer.PublicKey);

        Assert.Equal((7, Now, _signer.PublicKey.Id), (list.Counter, list.Signed, list.KeyId));
        Assert.Equal([Id('a'), Id('b')], list.Keys.Select(k => k.Id));
        Assert.Equal("stolen \"laptop\" ü", list.FindKey(Id('b'))?.Reason);
        Assert.Null(list.FindKey(Id('c')));
        Assert.Null(list.FindKey(""));
        Assert.Equal("bad build", list.FindImage(Image)?.Reason);
        Assert.Null(list.FindImage(Digest.Of("other"u8)));
        Assert.Equal(content, (list with { KeyId = "" }).Sign(_signer));
    }

    /// <summary>The bytes that docs/formats/revocations.md shows.</summary>
    [Fact]
    public void Sign_Payload_IsCanonical()
    {
        byte[] content = new RevocationList(2, Now, [new RevokedKey(Id('a'), Now.AddDays(-1), "lost")], [new RevokedImage(Image, Now, "")]).Sign(_signer);

        Assert.True(DsseEnvelope.TryParse(content.AsMemory()[..^1], out DsseEnvelope? envelope));
        Assert.Equal($$"""{"counter":2,"signed":"2026-11-21T08:00:00Z","keys":[{"id":"{{Id('a')}}","since":"2026-11-20T08:00:00Z","reason":"lost"}],"images":[{"digest":"{{Image}}","since":"2026-11-21T08:00:00Z","reason":""}]}""",
            Encoding.UTF8.GetString(envelope.Payload.Span));
    }

    [Fact]
    public void Open_AnyByteChanged_IsRefused()
    {
        byte[] content = List(1, new RevokedKey(Id('a'), Now, "x")).Sign(_signer);
        for (int at = 0; at < content.Length; at++)
        {
            byte[] changed = [.. content];
            changed[at] ^= 1;
            Refused(changed);
            Refused(content[..Math.Max(0, at - 1)]);
        }
    }

    [Fact]
    public void Open_OtherKeyTypeOrForm_IsRefusedByName()
    {
        Assert.Equal(RevocationListError.BadSignature, Refused(List().Sign(_signer), _other.PublicKey).Error);
        Assert.Contains("wanted application/vnd.plimsoll.revocations.v1+json", Refused(DsseSigning.Sign("text/plain", "{}"u8.ToArray(), _signer).ToJson()).Message, StringComparison.Ordinal);
        DsseEnvelope envelope = DsseSigning.Sign(RevocationList.PayloadType, "{}"u8.ToArray(), _signer);
        Assert.Contains("has 2 signatures", Refused((envelope with { Signatures = [.. envelope.Signatures, .. envelope.Signatures] }).ToJson()).Message, StringComparison.Ordinal);
        const string times = "\"signed\":\"2026-11-21T08:00:00Z\"";
        Assert.Contains("counter is 0", Refused(Payload($$"""{"counter":0,{{times}},"keys":[],"images":[]}""")).Message, StringComparison.Ordinal);
        Assert.Contains("canonical", Refused(Payload($$"""{"counter":1,{{times}},"keys":[],"images":[],"more":1}""")).Message, StringComparison.Ordinal);
        Assert.Contains("canonical", Refused(Payload($$"""{"counter":1, {{times}},"keys":[],"images":[]}""")).Message, StringComparison.Ordinal);
        string a = $$"""{"id":"{{Id('a')}}","since":"2026-11-21T08:00:00Z","reason":""}""", b = a.Replace(Id('a'), Id('b'), StringComparison.Ordinal);
        Open(Payload($$"""{"counter":1,{{times}},"keys":[{{a}},{{b}}],"images":[]}"""));
        Assert.Contains("canonical", Refused(Payload($$"""{"counter":1,{{times}},"keys":[{{b}},{{a}}],"images":[]}""")).Message, StringComparison.Ordinal);
        Assert.Contains("canonical", Refused(Payload($$"""{"counter":1,{{times}},"keys":[{{a}},{{a}}],"images":[]}""")).Message, StringComparison.Ordinal);
        Assert.Contains("is no key id", Refused(Payload($$"""{"counter":1,{{times}},"keys":[{{a.Replace(Id('a'), "ops", StringComparison.Ordinal)}}],"images":[]}""")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sign_OneEntryOrCharacterOverTheLimit_IsRefusedByName()
    {
        RevokedKey[] keys = [.. Enumerable.Range(0, RevocationList.MaxEntries).Select(i => new RevokedKey($"{i:x64}", Now, ""))];
        RevocationList full = new(1, Now, keys, []);

        Assert.Equal(RevocationList.MaxEntries, Open(full.Sign(_signer)).Keys.Count);
        Assert.Contains("MaxEntries", Assert.Throws<RevocationListException>(() => List(1, keys).Sign(_signer)).Message, StringComparison.Ordinal);
        List(1, new RevokedKey(Id('a'), Now, new string('x', RevocationList.MaxReasonLength))).Sign(_signer);
        Assert.Contains("MaxReasonLength", Assert.Throws<RevocationListException>(() => List(1, new RevokedKey(Id('a'), Now, new string('x', RevocationList.MaxReasonLength + 1))).Sign(_signer)).Message, StringComparison.Ordinal);
        Assert.Contains("MaxBytes", Refused(new byte[RevocationList.MaxBytes + 1]).Message, StringComparison.Ordinal);
        // More entries than the writer would put in.
        string many = string.Join(',', Enumerable.Repeat("1", RevocationList.MaxEntries + 1));
        Assert.Contains("MaxEntries", Refused(Payload($$"""{"counter":1,"signed":"2026-11-21T08:00:00Z","keys":[{{many}}],"images":[]}""")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_SameKeyTwice_KeepsTheEarliest()
    {
        RevocationList list = List(1, new RevokedKey(Id('a'), Now, "later"), new RevokedKey(Id('a'), Now.AddDays(-3), "first"));

        Assert.Equal("first", Assert.Single(list.Keys).Reason);
        Assert.Equal("first", Assert.Single((list with { Keys = [.. list.Keys, new RevokedKey(Id('a'), Now, "again")] }).Keys).Reason);
    }
}
