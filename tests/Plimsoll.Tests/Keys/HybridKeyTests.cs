using System.Formats.Asn1;
using System.Security.Cryptography;
using Plimsoll.Keys;

namespace Plimsoll.Tests.Keys;

/// <summary>Keys of two parts, on hosts whose OpenSSL has ML-DSA and on those where it has not.</summary>
public sealed class HybridKeyTests
{
    private static readonly byte[] Data = "what is signed"u8.ToArray();

    public static TheoryData<KeyAlgorithm> Kinds => [.. KeyAlgorithms.All.Where(a => a.Classical() is not null)];

    private static string Refused(string pem) => Assert.Throws<KeyException>(() => KeyFile.ReadPublicKeys(pem, "k.pem")).Message;

    private static string Pem(byte[] spki) => PemEncoding.WriteString("PUBLIC KEY", spki) + "\n";

    private static byte[] Spki(string oid, int bytes, bool parameters = false)
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(oid);
                if (parameters)
                    writer.WriteNull();
            }
            writer.WriteBitString(new byte[bytes]);
        }
        return writer.Encode();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Generate_OfEachKind_IsAKeyOfTwoPartsOrSaysWhatIsMissing(KeyAlgorithm kind)
    {
        if (!Hybrids.Supported)
        {
            string why = Assert.Throws<KeyUnsupportedException>(() => KeyFile.Generate(kind)).Message;
            Assert.Matches(@"^this platform's OpenSSL \(3\.[0-4]\.\d+\) has no ML-DSA-65; needs 3\.5$", why);
            Assert.Equal(why, kind.UnsupportedHere());
            return;
        }
        using ISigner signer = KeyFile.Generate(kind);

        Assert.Null(kind.UnsupportedHere());
        Assert.Equal(kind, signer.PublicKey.Algorithm);
        Assert.Equal([kind.Classical()!.Value, KeyAlgorithm.MlDsa65], signer.PublicKey.Parts.Select(p => p.Algorithm));
        byte[] both = signer.Sign(Data);
        IReadOnlyList<ReadOnlyMemory<byte>> each = signer.PublicKey.Split(both);
        Assert.Equal(MlDsa65.SignatureBytes, each[1].Length);
        Assert.Equal(Proof.Full, signer.PublicKey.Prove(Data, each));
        Assert.Equal(Proof.Full, signer.PublicKey.Prove(Data, [each[1], each[0]]));
        using ISigner read = KeyFile.ReadPkcs8(KeyFile.ExportPkcs8(signer), "k");
        Assert.Equal(signer.PublicKey.Id, read.PublicKey.Id);
        Assert.Equal(Proof.Full, read.PublicKey.Prove(Data, each));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ReadPublic_TwoBlocks_AreOneKeyOnEveryPlatform(KeyAlgorithm kind)
    {
        (ISigner classical, PublicKey both) = Hybrids.Half(kind.Classical()!.Value);
        using (classical)
        using (both)
        {
            string pem = both.ToPem();

            using PublicKey read = KeyFile.ReadPublic(pem, "k");

            Assert.Equal(both.Parts[0].ToPem() + both.Parts[1].ToPem(), pem);
            Assert.Equal((kind, both.Id, pem), (read.Algorithm, read.Id, read.ToPem()));
            Assert.Equal(read.Id, Convert.ToHexStringLower(SHA256.HashData([.. both.Parts[0].Spki.Span, .. both.Parts[1].Spki.Span])));
            Assert.Equal([read.Id, classical.PublicKey.Id, both.Parts[1].Id], read.Ids);
            Assert.Equal(read.Id, KeyFile.ReadSpki(read.Spki, "k").Id);
            Assert.Equal(Hybrids.Supported, read.Unsupported is null);
            Assert.True(KeyAlgorithms.TryParse(kind.Word(), out KeyAlgorithm again) && again == kind);
            Assert.False(KeyAlgorithms.TryParse("ml-dsa-65", out _));
        }
    }

    [Fact]
    public void ReadPublicKeys_SeveralVersions_KeepTheirOrder()
    {
        (ISigner classical, PublicKey first) = Hybrids.Half();
        using ISigner plain = KeyFile.Generate(KeyAlgorithm.EcdsaP256), other = KeyFile.Generate(KeyAlgorithm.Ed25519);
        using PublicKey second = new HybridPublicKey(KeyFile.ReadSpki(other.PublicKey.Spki, "k"), Hybrids.SomeMlDsa(2));
        using (classical)
        using (first)
            Assert.Equal([first.Id, plain.PublicKey.Id, second.Id], KeyFile.ReadPublicKeys(first.ToPem() + plain.PublicKey.ToPem() + second.ToPem(), "k").Select(k => k.Id));
    }

    [Fact]
    public void ReadPublicKeys_WhatIsNoHybridKey_IsRefused()
    {
        (ISigner classical, PublicKey both) = Hybrids.Half();
        using (classical)
        using (both)
        {
            string first = both.Parts[0].ToPem(), second = both.Parts[1].ToPem();
            Assert.Contains("ml-dsa-65 key is not used by itself", Refused(second), StringComparison.Ordinal);
            Assert.Contains("ml-dsa-65 key is not used by itself", Refused(second + first), StringComparison.Ordinal);
            Assert.Contains("ml-dsa-65 key is not used by itself", Refused(first + second + second), StringComparison.Ordinal);
            // Whoever trusts such a file would take the classical signature alone.
            Assert.Contains("the classical part of a hybrid key by itself", Refused(first + second + first), StringComparison.Ordinal);
            Assert.Contains("the classical part of a hybrid key by itself", Refused(first + first + second), StringComparison.Ordinal);
            Assert.Contains("no public key of a kind", Refused(first + Pem(Spki("2.16.840.1.101.3.4.3.17", 1312))), StringComparison.Ordinal);
            Assert.Contains("no public key of a kind", Refused(first + Pem(Spki(MlDsa65.Oid, MlDsa65.PublicBytes - 1))), StringComparison.Ordinal);
            Assert.Contains("no public key of a kind", Refused(first + Pem(Spki(MlDsa65.Oid, MlDsa65.PublicBytes + 1))), StringComparison.Ordinal);
            Assert.Contains("no public key of a kind", Refused(first + Pem(Spki(MlDsa65.Oid, MlDsa65.PublicBytes, parameters: true))), StringComparison.Ordinal);
            Assert.Equal(both.Parts[0].Id, KeyFile.ReadPublicKeys(first + Pem(Spki(MlDsa65.Oid, MlDsa65.PublicBytes)), "k")[0].Parts[0].Id);
        }
    }

    [Fact]
    public void Prove_OneSignatureMissingChangedOrAnothers_IsIncompleteOrNothing()
    {
        using ISigner signer = Hybrids.StandIn(), other = Hybrids.StandIn();
        IReadOnlyList<ReadOnlyMemory<byte>> own = signer.PublicKey.Split(signer.Sign(Data)), foreign = other.PublicKey.Split(other.Sign(Data));
        PublicKey key = signer.PublicKey;
        foreach (int part in (int[])[0, 1])
        {
            byte[] changed = own[part].ToArray();
            changed[^1] ^= 1;
            Assert.Equal(Proof.Incomplete, key.Prove(Data, [own[part]]));
            Assert.Equal(Proof.Incomplete, key.Prove(Data, [own[1 - part], changed]));
            Assert.Equal(Proof.Incomplete, key.Prove(Data, [own[1 - part], foreign[part]]));
            Assert.Equal(Proof.Incomplete, key.Prove(Data, [own[part], own[part]]));
        }

        Assert.Equal(Proof.Full, key.Prove(Data, own));
        Assert.Equal(Proof.Full, key.Prove(Data, [foreign[0], own[1], foreign[1], own[0]]));
        Assert.Equal(Proof.None, key.Prove(Data, foreign));
        Assert.Equal(Proof.None, key.Prove(Data, []));
        Assert.Equal(Proof.None, key.Prove(Data.AsSpan(1), own));
        byte[] joined = signer.Sign(Data);
        Assert.True(key.Verify(Data, joined));
        foreach (byte[] wrong in (byte[][])[[], [0], [0, 0], [255, 255], joined[..^1], [.. joined, 0], [.. own[0].Span], [0, (byte)own[0].Length, .. own[0].Span], [0, 0, .. own[1].Span]])
            Assert.False(key.Verify(Data, wrong));
    }

    [Fact]
    public void Prove_ClassicalPartOfAKeyWhoseOtherIsOutOfReach_IsNeverFull()
    {
        (ISigner classical, PublicKey both) = Hybrids.Half();
        using (classical)
        using (both)
        {
            byte[] signature = classical.Sign(Data), none = new byte[MlDsa65.SignatureBytes];
            Assert.Equal(Hybrids.Supported ? Proof.Incomplete : Proof.Unsupported, both.Prove(Data, [signature, none]));
            Assert.Equal(Proof.Incomplete, both.Prove(Data, [signature]));
            Assert.Equal(Proof.Incomplete, both.Prove(Data, [signature, none.AsMemory(1)]));
            Assert.Equal(Proof.None, both.Prove(Data.AsSpan(1), [signature, none]));
            Assert.Equal(Proof.None, both.Prove(Data, [none]));
            byte[] joined = [0, (byte)signature.Length, .. signature, .. none];
            if (Hybrids.Supported)
                Assert.False(both.Verify(Data, joined));
            else
                Assert.Throws<KeyUnsupportedException>(() => both.Verify(Data, joined));
        }
    }

    [Fact]
    public void ReadPrivate_TwoBlocks_AreOneKeyBehindOnePassphrase()
    {
        if (!Hybrids.Supported)
        {
            // A key that somebody made elsewhere: its seed alone, which is a form that RFC 9881 has.
            using ISigner ec = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
            AsnWriter writer = new(AsnEncodingRules.DER);
            using (writer.PushSequence())
            {
                writer.WriteInteger(0);
                using (writer.PushSequence())
                    writer.WriteObjectIdentifier(MlDsa65.Oid);
                writer.WriteOctetString([0x80, 32, .. new byte[32]]);
            }
            string pem = PemEncoding.WriteString("PRIVATE KEY", KeyFile.ExportPkcs8(ec)) + "\n" + PemEncoding.WriteString("PRIVATE KEY", writer.Encode());
            Assert.Contains("has no ML-DSA-65; needs 3.5", Assert.Throws<KeyUnsupportedException>(() => KeyFile.ReadPrivate(pem, "k", null)).Message, StringComparison.Ordinal);
            return;
        }
        using ISigner signer = KeyFile.Generate(KeyAlgorithm.EcdsaP256MlDsa65), plain = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
        string written = KeyFile.WritePrivate(signer, "p");
        int asked = 0;

        using ISigner read = KeyFile.ReadPrivate(written, "k", () => asked++ == 0 ? "p" : throw new InvalidOperationException("asked twice"));

        Assert.Equal((signer.PublicKey.Id, 1), (read.PublicKey.Id, asked));
        Assert.Equal(2, written.Split("-----BEGIN ENCRYPTED PRIVATE KEY-----").Length - 1);
        string[] blocks = [.. written.Split("-----END ENCRYPTED PRIVATE KEY-----\n").Take(2).Select(b => b + "-----END ENCRYPTED PRIVATE KEY-----\n")];
        Assert.Equal(signer.PublicKey.Parts[0].Id, KeyFile.ReadPrivate(blocks[0], "k", () => "p").PublicKey.Id);
        foreach ((string pem, string why) in ((string, string)[])[
            (blocks[1], "not used by itself"), (blocks[1] + blocks[0], "not used by itself"), (blocks[0] + blocks[0], "more than one key"), (written + blocks[1], "more than one key"),
            (written + KeyFile.WritePrivate(plain, "p"), "more than one key")])
            Assert.Contains(why, Assert.Throws<KeyException>(() => KeyFile.ReadPrivate(pem, "k", () => "p")).Message, StringComparison.Ordinal);
        IReadOnlyList<KeyShare> shares = KeyShare.Split(signer, "k", 3, 2);
        using ISigner combined = KeyShare.Combine([("a", KeyShare.Parse(shares[2].ToText(), "a")), ("b", KeyShare.Parse(shares[0].ToText(), "b"))], out _);
        Assert.Equal(signer.PublicKey.Id, combined.PublicKey.Id);
    }
}
