using System.Text;
using Plimsoll.Hsm;

namespace Plimsoll.Tests.Hsm;

/// <summary>RFC 7512 as it is read here: strictly.</summary>
public sealed class Pkcs11UriTests
{
    [Fact]
    public void Parse_EveryPart_IsRead()
    {
        Pkcs11Uri uri = Pkcs11Uri.Parse("pkcs11:token=The%20Token;manufacturer=Snake%20Oil;model=1.0;serial=DECC0401648;slot-id=327;object=my%2Dkey%E9%92%A5;id=%69%95%3E%00;type=private?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/pin");

        Assert.Equal("The Token|Snake Oil|1.0|DECC0401648|327|my-key钥|private", string.Join('|', uri.Token, uri.Manufacturer, uri.Model, uri.Serial, uri.SlotId, uri.Object, uri.Type));
        Assert.Equal("69953E00", Convert.ToHexString(uri.Id!.Value.Span));
        Assert.Equal("/usr/lib/softhsm/libsofthsm2.so /etc/pin", $"{uri.ModulePath} {uri.PinSource}");
        Assert.Equal(uri, Pkcs11Uri.Parse(uri.ToString()));
        Assert.DoesNotContain("pin", uri.Shown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pkcs11:")]
    [InlineData("pkcs11:object=a")]
    [InlineData("pkcs11:object=a&b")]
    [InlineData("pkcs11:object=a%3Bb;type=public")]
    [InlineData("pkcs11:?module-path=/a")]
    [InlineData("pkcs11:?module-path=/a%26b&pin-source=/a?b|c")]
    public void Parse_WhatIsRight_ReadsBack(string text) => Assert.Equal(Pkcs11Uri.Parse(text), Pkcs11Uri.Parse(Pkcs11Uri.Parse(text).ToString()));

    [Theory]
    [InlineData("PKCS11:token=a", "does not begin")]
    [InlineData("pkcs11:token", "NAME=VALUE")]
    [InlineData("pkcs11:=a", "NAME=VALUE")]
    [InlineData("pkcs11:token=", "is empty")]
    [InlineData("pkcs11:;token=a", "empty part")]
    [InlineData("pkcs11:token=a;", "empty part")]
    [InlineData("pkcs11:token=a;token=b", "twice")]
    [InlineData("pkcs11:token=a;pin-source=/a", "question mark")]
    [InlineData("pkcs11:token=a?token=b", "twice")]
    [InlineData("pkcs11:token=a?object=b", "behind the question mark")]
    [InlineData("pkcs11:token=a?", "nothing follows")]
    [InlineData("pkcs11:token=a?module-path=/a&", "empty part")]
    [InlineData("pkcs11:token=a?module-path=/a&module-path=/b", "twice")]
    [InlineData("pkcs11:token=a?module-path=a.so", "no absolute path")]
    [InlineData("pkcs11:token=a?module-path=//host/a.so", "no absolute path")]
    [InlineData("pkcs11:token=a?module-name=a", "module-name leaves open")]
    [InlineData("pkcs11:token=a?pin-source=|/bin/pin", "a program to run")]
    [InlineData("pkcs11:token=a?pin-source=https:/x", "no absolute path")]
    [InlineData("pkcs11:token=a%", "two hex digits")]
    [InlineData("pkcs11:token=a%4", "two hex digits")]
    [InlineData("pkcs11:token=a%4g", "two hex digits")]
    [InlineData("pkcs11:token=a%00b", "control characters")]
    [InlineData("pkcs11:token=a%1b%5b2J", "control characters")]
    [InlineData("pkcs11:token=%ff%fe", "not in UTF-8")]
    [InlineData("pkcs11:token=a b", "write it as %20")]
    [InlineData("pkcs11:token=é", "write it in UTF-8")]
    [InlineData("pkcs11:token=a#b", "write it as %23")]
    [InlineData("pkcs11:token=123456789012345678901234567890123", "more than 32 bytes")]
    [InlineData("pkcs11:type=cert;object=a", "private, public or secret-key")]
    [InlineData("pkcs11:slot-id=-1", "no number")]
    [InlineData("pkcs11:slot-id=18446744073709551616", "no number")]
    [InlineData("pkcs11:slot-id=0x1", "no number")]
    [InlineData("pkcs11:library-version=3", "is not understood")]
    [InlineData("pkcs11:x-vendor=3", "is not understood")]
    public void Parse_WhatIsNotRight_SaysWhatAndIsNoUri(string text, string why)
    {
        HsmException e = Assert.Throws<HsmException>(() => Pkcs11Uri.Parse(text));

        Assert.Equal(HsmError.BadUri, e.Error);
        Assert.Contains(why, $"{e.Message}; {e.Hint}", StringComparison.Ordinal);
        Assert.False(Pkcs11Uri.TryParse(text, out _));
    }

    [Theory]
    [InlineData("pkcs11:token=a;pin-value=sesame")]
    [InlineData("pkcs11:token=a?pin-value=sesame")]
    [InlineData("pkcs11:token=a?pin-value=")]
    public void Parse_PinOnTheCommandLine_IsRefusedByNameAndNotRepeated(string text)
    {
        HsmException e = Assert.Throws<HsmException>(() => Pkcs11Uri.Parse(text));

        Assert.Contains("pin-value is not taken", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", e.Message + e.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_AtAndAboveTheLimits_IsBounded()
    {
        string id = new StringBuilder().Insert(0, "%41", Pkcs11Uri.MaxValueBytes).ToString();
        Assert.Equal(Pkcs11Uri.MaxValueBytes, Pkcs11Uri.Parse("pkcs11:id=" + id).Id!.Value.Length);
        Assert.Throws<HsmException>(() => Pkcs11Uri.Parse($"pkcs11:id={id}%41"));
        Assert.Contains("MaxLength", Assert.Throws<HsmException>(() => Pkcs11Uri.Parse("pkcs11:object=" + new string('a', Pkcs11Uri.MaxLength))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Matches_TokensThatDifferInOnePart_AreToldApart()
    {
        HsmTokenInfo token = new(7, "ops", "SoftHSM project", "SoftHSM v2", "abc", 0, 0);

        Assert.True(token.Matches(Pkcs11Uri.Parse("pkcs11:token=ops;serial=abc;slot-id=7;model=SoftHSM%20v2;manufacturer=SoftHSM%20project;object=k")));
        foreach (string other in (string[])["token=op", "token=OPS", "serial=abd", "slot-id=8", "model=SoftHSM", "manufacturer=x"])
            Assert.False(token.Matches(Pkcs11Uri.Parse("pkcs11:" + other)), other);
    }
}
