using System.Text;
using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Sign;

public sealed class SimpleSigningTests
{
    private static readonly Digest Manifest = Digest.Of("m"u8);

    private static SimpleSigning Made { get; } = new() { Reference = "registry.example/team/app", Manifest = Manifest };

    [Fact]
    public void ToJson_Payload_IsWhatCosignWrites() => Assert.Equal(
        $$$"""{"critical":{"identity":{"docker-reference":"registry.example/team/app"},"image":{"docker-manifest-digest":"{{{Manifest}}}"},"type":"cosign container image signature"},"optional":null}""",
        Encoding.UTF8.GetString(Made.ToJson()));

    [Fact]
    public void Parse_WhatWasWritten_IsTheSame()
    {
        SimpleSigning made = Made with
        {
            Optional = new Dictionary<string, string> { ["b"] = "2", ["a"] = "1", [SimpleSigning.OverrideName] = "no fix yet" },
            Timestamp = DateTimeOffset.FromUnixTimeSeconds(1_795_207_577),
        };

        SimpleSigning read = SimpleSigning.Parse(made.ToJson(), "p");

        Assert.Equal(made.ToJson(), read.ToJson());
        Assert.Equal(("no fix yet", made.Timestamp, made.Manifest, made.Reference), (read.Override, read.Timestamp, read.Manifest, read.Reference));
        Assert.Null(SimpleSigning.Parse(Made.ToJson(), "p").Override);
    }

    [Theory]
    [InlineData("\"critical\":", "\"Critical\":", "\"Critical\"")]
    [InlineData("\"optional\":null", "\"optional\":null,\"more\":1", "\"more\"")]
    [InlineData("\"optional\":null", "\"optional\":null,\"optional\":null", "uplicate")]
    [InlineData("\"optional\":null", "\"optional\":null,\"optiona\\u006c\":null", "uplicate")]
    [InlineData("\"type\":", "\"new\":1,\"type\":", "\"new\"")]
    [InlineData("cosign container", "atomic container", "atomic container")]
    [InlineData("sha256:", "md5:", "docker-manifest-digest is")]
    [InlineData("\"optional\":null", "\"optional\":{\"timestamp\":-1}", "timestamp")]
    [InlineData("\"optional\":null", "\"optional\":{\"timestamp\":1e99}", "timestamp")]
    [InlineData("\"optional\":null", "\"optional\":[]", "optional")]
    [InlineData("\"optional\":null}", "\"optional\":null}}", "after")]
    [InlineData("{\"docker-reference\":", "{\"docker-reference\":{},\"x\":", "\"x\"")]
    [InlineData("\"registry.example/team/app\"", "7", "no text")]
    public void Parse_ChangedPlace_IsRefused(string from, string to, string message)
    {
        string json = Encoding.UTF8.GetString(Made.ToJson());
        Assert.Contains(from, json, StringComparison.Ordinal);
        Assert.Contains(message, Assert.Throws<FormatException>(() => SimpleSigning.Parse(Encoding.UTF8.GetBytes(json.Replace(from, to, StringComparison.Ordinal)), "p")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_OneByteTooLong_IsRefused()
    {
        byte[] json = Made.ToJson();
        Assert.Equal(Manifest, SimpleSigning.Parse((byte[])[.. json, .. Enumerable.Repeat((byte)' ', SimpleSigning.MaxBytes - json.Length)], "p").Manifest);
        Assert.Contains("MaxBytes", Assert.Throws<FormatException>(() => SimpleSigning.Parse((byte[])[.. json, .. Enumerable.Repeat((byte)' ', SimpleSigning.MaxBytes - json.Length + 1)], "p")).Message, StringComparison.Ordinal);
    }

    [Theory, Trait("needs", "shared")]
    [InlineData("dir-img-cosign-valid", "192.168.64.2:5000/cosign-signed-single-sample", true)]
    [InlineData("dir-img-cosign-valid-2", "192.168.64.2:5000/cosign-signed-single-sample", true)]
    [InlineData("dir-img-cosign-valid-with-tag", "192.168.64.2:5000/skopeo-signed:tag", true)]
    [InlineData("dir-img-cosign-modified-manifest", "192.168.64.2:5000/cosign-signed-single-sample", false)]
    public void Parse_ImagesOfContainersImage_AreWhatTheirNamesSay(string name, string reference, bool fits)
    {
        string folder = SharedData.At("trust", "sigstore", "containers-image", name);
        using PublicKey key = KeyFile.ReadPublic(File.ReadAllText(SharedData.At("trust", "sigstore", "containers-image", "cosign.pub")), "cosign.pub");
        (byte[] payload, byte[] signature) = SignatureOf(Path.Combine(folder, "signature-1"));

        SimpleSigning read = SimpleSigning.Parse(payload, name);

        Assert.True(key.Verify(payload, signature));
        Assert.Equal(reference, read.Reference);
        Assert.Equal(fits, read.Manifest == Digest.Of(Followed(Path.Combine(folder, "manifest.json"))));
        payload[40] ^= 1;
        Assert.False(key.Verify(payload, signature));
    }

    [Fact, Trait("needs", "shared")]
    public void Verify_SecondSignatureOfTheImage_IsTheSameKeysAgainAndNotTheOthers()
    {
        string folder = SharedData.At("trust", "sigstore", "containers-image");
        using PublicKey first = KeyFile.ReadPublic(File.ReadAllText(Path.Combine(folder, "cosign.pub")), "1"), second = KeyFile.ReadPublic(File.ReadAllText(Path.Combine(folder, "cosign2.pub")), "2");
        (byte[] payload, byte[] signature) = SignatureOf(Path.Combine(folder, "dir-img-cosign-valid-2", "signature-2"));

        Assert.True(first.Verify(payload, signature));
        Assert.False(second.Verify(payload, signature));
    }

    // A link of the original set came as a file that holds its target.
    private static byte[] Followed(string path) =>
        File.ReadAllText(path) is var text && text.StartsWith("../", StringComparison.Ordinal) ? File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(path)!, text.Trim())) : File.ReadAllBytes(path);

    private static (byte[] Payload, byte[] Signature) SignatureOf(string path)
    {
        string text = Encoding.UTF8.GetString(Followed(path));
        using JsonDocument document = JsonDocument.Parse(text[text.IndexOf('{', StringComparison.Ordinal)..]);
        return (document.RootElement.GetProperty("payload").GetBytesFromBase64(), document.RootElement.GetProperty("annotations").GetProperty(SimpleSigning.SignatureAnnotation).GetBytesFromBase64());
    }
}
