using System.Formats.Asn1;
using System.Security.Cryptography;
using Plimsoll.Hsm;
using Plimsoll.Keys;

namespace Plimsoll.Tests.Hsm;

/// <summary>Public keys in the forms that tokens have.</summary>
public sealed class HsmPublicKeyTests
{
    internal static (byte[] Parameters, byte[] Raw, byte[] Wrapped) Forms(ECDsa key)
    {
        ECParameters parameters = key.ExportParameters(false);
        AsnWriter oid = new(AsnEncodingRules.DER), point = new(AsnEncodingRules.DER);
        oid.WriteObjectIdentifier(parameters.Curve.Oid.Value!);
        byte[] raw = [4, .. parameters.Q.X!, .. parameters.Q.Y!];
        point.WriteOctetString(raw);
        return (oid.Encode(), raw, point.Encode());
    }

    [Theory]
    [InlineData("nistP256")]
    [InlineData("nistP384")]
    public void OfEc_PlainAndWrappedPoint_AreTheSameKey(string curve)
    {
        using ECDsa key = ECDsa.Create(ECCurve.CreateFromFriendlyName(curve));
        (byte[] parameters, byte[] raw, byte[] wrapped) = Forms(key);

        using PublicKey one = HsmPublicKey.OfEc(parameters, raw, "k"), two = HsmPublicKey.OfEc(parameters, wrapped, "k");

        Assert.Equal(key.ExportSubjectPublicKeyInfo(), one.Spki.ToArray());
        Assert.Equal(one.Id, two.Id);
    }

    [Fact]
    public void OfEc_WhatIsNoPointOfItsCurve_IsRefused()
    {
        using ECDsa small = ECDsa.Create(ECCurve.NamedCurves.nistP256), large = ECDsa.Create(ECCurve.NamedCurves.nistP384), other = ECDsa.Create(ECCurve.NamedCurves.nistP521);
        (byte[] parameters, byte[] raw, byte[] wrapped) = Forms(small);
        byte[] offCurve = [.. raw], compressed = [(byte)(2 + (raw[^1] & 1)), .. raw[1..33]];
        offCurve[40] ^= 1;
        (byte[], byte[])[] wrong =
        [
            (parameters, offCurve), (parameters, compressed), (parameters, []), (parameters, raw[1..]), (parameters, [.. wrapped, 0]), (parameters, [3, .. raw[1..]]),
            (Forms(large).Parameters, raw), (parameters, Forms(large).Raw), (parameters, new byte[65]), (Forms(other).Parameters, Forms(other).Raw),
            ([], raw), ([5, 0], raw), ([.. parameters, 0], raw), ("secp256r1"u8.ToArray(), raw),
        ];

        Assert.All(wrong, w => Assert.ThrowsAny<KeyException>(() => HsmPublicKey.OfEc(w.Item1, w.Item2, "k")));
        // The twin.
        HsmPublicKey.OfEc(parameters, raw, "k").Dispose();
    }

    [Fact]
    public void OfRsa_WithAndWithoutLeadingZeros_IsTheSameKey()
    {
        using RSA key = RSA.Create(2048), small = RSA.Create(1024);
        RSAParameters parameters = key.ExportParameters(false);

        using PublicKey one = HsmPublicKey.OfRsa(parameters.Modulus, parameters.Exponent, "k"), two = HsmPublicKey.OfRsa([0, .. parameters.Modulus!], [0, .. parameters.Exponent!], "k");

        Assert.Equal(key.ExportSubjectPublicKeyInfo(), one.Spki.ToArray());
        Assert.Equal(one.Id, two.Id);
        Assert.ThrowsAny<KeyException>(() => HsmPublicKey.OfRsa(small.ExportParameters(false).Modulus, parameters.Exponent, "k"));
        Assert.ThrowsAny<KeyException>(() => HsmPublicKey.OfRsa([], parameters.Exponent, "k"));
        Assert.ThrowsAny<KeyException>(() => HsmPublicKey.OfRsa(parameters.Modulus, [0, 0], "k"));
        Assert.ThrowsAny<KeyException>(() => HsmPublicKey.OfRsa(new byte[10_000], parameters.Exponent, "k"));
    }

    [Fact]
    public void ToDer_NumbersWithZerosBeforeThem_AreShortest()
    {
        byte[] signature = new byte[64];
        signature[31] = 0x7f;
        signature[32] = 0x80;

        Assert.StartsWith("302602017F022100800000", Convert.ToHexString(HsmPublicKey.ToDer(signature)), StringComparison.Ordinal);
        Assert.Throws<HsmException>(() => HsmPublicKey.ToDer(new byte[64]));
        Assert.Throws<HsmException>(() => HsmPublicKey.ToDer([1, 2, 3]));
        Assert.Throws<HsmException>(() => HsmPublicKey.ToDer([]));
    }
}
