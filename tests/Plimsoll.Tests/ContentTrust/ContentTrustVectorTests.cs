using System.Globalization;
using System.Text;
using System.Text.Json;
using Plimsoll.ContentTrust;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.ContentTrust;

/// <summary>Metadata that Docker 20.10 and notary-server 0.7 made.</summary>
[Trait("needs", "shared")]
public sealed class ContentTrustVectorTests
{
    private const string Gun = "127.0.0.1:34221/dct/app", RootKeyId = "c0caa865c7c90d3356ac17d06ff2d9c4940cfb1334fdc3a691dc37213fe1af50";
    private static readonly DateTimeOffset Then = DateTimeOffset.Parse("2026-11-21T00:00:00Z", CultureInfo.InvariantCulture);
    private static readonly string[] Names = ["root", "targets", "snapshot", "timestamp"];

    private static MemoryMetadata Vectors()
    {
        MemoryMetadata metadata = new();
        foreach (string name in Names)
            metadata.Files[$"{name}.json"] = File.ReadAllBytes(SharedData.At("trust", "notary-v1", $"dct-{name}.json"));
        return metadata;
    }

    [Fact]
    public void Vectors_PinnedByKeyIdOrFile_NameTheTag()
    {
        foreach (RootPin pin in (RootPin[])[RootPin.OfKeys([RootKeyId], "pin"), RootPin.OfFile(Vectors().Files["root.json"], "pin")])
        {
            TrustedCollection read = Vectors().Read([pin], new MemoryVersions(), Then, gun: Gun);
            TrustedTarget target = Assert.Single(read.Targets);
            Assert.Equal(("v1", 527L, "ab2754a9e1b6237c9de6feb13313852e1b420d86763eed5b250f228be272f2af"), (target.Name, target.Meta.Length, Convert.ToHexStringLower(target.Meta.Sha256.Span)));
        }
    }

    [Fact]
    public void Vectors_ByAnotherPinNameOrDay_AreRefused()
    {
        Assert.Equal(ContentTrustError.RootNotPinned, Assert.Throws<ContentTrustException>(() => Vectors().Read([RootPin.OfKeys([new string('0', 64)], "pin")], null, Then, gun: Gun)).Error);
        Assert.Equal(ContentTrustError.RootNotPinned, Assert.Throws<ContentTrustException>(() => Vectors().Read([RootPin.OfKeys([RootKeyId], "pin")], null, Then, gun: Gun + "2")).Error);
        Assert.Equal(ContentTrustError.Expired, Assert.Throws<ContentTrustException>(() => Vectors().Read([RootPin.OfKeys([RootKeyId], "pin")], null, Then.AddDays(20), gun: Gun)).Error);
    }

    [Fact]
    public void Vectors_WithAnyOneByteChanged_AreRefusedOrTheSame()
    {
        RootPin pin = RootPin.OfKeys([RootKeyId], "pin");
        foreach (string name in Names)
        {
            byte[] original = Vectors().Files[$"{name}.json"];
            for (int at = 0; at < original.Length; at += 7)
            {
                byte[] changed = [.. original];
                changed[at] ^= 1;
                try
                {
                    TrustedCollection read = Vectors().With($"{name}.json", changed).Read([pin], null, Then, gun: Gun);
                    // Of the timestamp nothing states a hash: its own signature's method in another casing is still that method.
                    Assert.Equal("timestamp", name);
                    Assert.Equal("v1", Assert.Single(read.Targets).Name);
                }
                catch (ContentTrustException)
                {
                }
            }
        }
    }

    [Fact]
    public void Canonical_OfFilesAsNotaryWroteThem_IsWhatStandsThere()
    {
        foreach (string name in Names)
        {
            string text = Encoding.UTF8.GetString(Vectors().Files[$"{name}.json"]);
            using JsonDocument document = TufJson.Parse(Encoding.UTF8.GetBytes(text));
            string signed = Encoding.UTF8.GetString(TufJson.Canonical(document.RootElement.GetProperty("signed")));
            Assert.Equal(document.RootElement.GetProperty("signed").GetRawText(), signed);
        }
    }
}
