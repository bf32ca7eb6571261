using System.Text;
using Plimsoll.Inspect.Policies;
using Plimsoll.TestKit;
using Plimsoll.Verify;
using static Plimsoll.Tests.Verify.TrustBuilder;

namespace Plimsoll.Tests.Verify;

public sealed class TrustReaderTests
{
    private const string Whole = """
        repositories: [registry.example/a, registry.example/b]
        signatures: {keys: [ops, release], threshold: 2, match: exact}
        platforms: index
        attestations:
        - {type: slsa-provenance, keys: [ci], max-age: 30d, builder: 'https://ci/*', source: 'git+*', materials: [b, a]}
        - {type: 'https://example.org/t'}
        inspection: {keys: [ci], counter: 9}
        measurement: required
        revocations: {keys: [ops], max-age: none, counter: 4}
        minimum: {created-after: 2026-01-31, not-before: 2026-02-01, counter: 3}
        overridden: warn
        unreadable: fail
        """;

    [Fact]
    public void Read_WholeRule_GivesEveryField()
    {
        TrustRules trust = Policy(Whole).Trust!;

        Assert.Equal(["ci", "ops", "release", "release-2"], trust.Keys.Select(k => k.Name));
        Assert.Equal(Release.PublicKey.Id, trust.Keys[2].Versions[0].Id);
        ImageTrust rule = Assert.Single(trust.Images);
        Assert.Equal((SignedName.Exact, SignedPlatforms.Index, 9L, PolicyAction.Warn, PolicyAction.Fail), (rule.Match, rule.Platforms, rule.DatabaseCounter, rule.Overridden, rule.Unreadable));
        Assert.Equal(["ops", "release"], rule.Signatures!.Keys);
        Assert.Equal(["ops", "release"], rule.Measurement!.Keys);
        Assert.Equal((2, 2, 1), (rule.Signatures.Threshold, rule.Measurement.Threshold, rule.Inspection!.Threshold));
        Assert.Equal(["ci"], rule.Inspection!.Keys);
        Assert.Equal(("slsa-provenance", 30, "https://ci/*", "git+*"), (rule.Attestations[0].Type, rule.Attestations[0].MaxAgeDays, rule.Attestations[0].Builder, rule.Attestations[0].Source));
        Assert.Equal(["a", "b"], rule.Attestations[0].Materials);
        Assert.Equal(2, rule.Attestations[1].Quorum.Threshold);
        Assert.Equal((null, 4L), (rule.Revocations!.MaxAgeDays, rule.Revocations.Counter));
        Assert.Equal(new ImageMinimum(new DateOnly(2026, 1, 31), new DateOnly(2026, 2, 1), 3), rule.Minimum);
    }

    [Fact]
    public void Write_IsOneFormThatHoldsTheKeys()
    {
        Policy policy = Policy(Whole);
        byte[] json = PolicyJson.Write(policy);

        Assert.Equal(Encoding.UTF8.GetString(json), Encoding.UTF8.GetString(PolicyJson.Write(PolicyJson.Read(json, "j", canonical: true))));
        Assert.Equal(PolicyJson.DigestOf(policy), PolicyJson.DigestOf(PolicyFile.Parse(json, "as.yaml")));
        Assert.Contains("-----BEGIN PUBLIC KEY-----\\n", Encoding.UTF8.GetString(json), StringComparison.Ordinal);
        Assert.NotEqual(PolicyJson.DigestOf(policy), PolicyJson.DigestOf(Policy(Whole.Replace("threshold: 2", "threshold: 1", StringComparison.Ordinal))));
        // A rule that says little, too.
        byte[] small = PolicyJson.Write(Policy("signatures: {keys: [ops]}"));
        Assert.Equal(small, PolicyJson.Write(PolicyJson.Read(small, "j", canonical: true)));
    }

    [Fact]
    public void Write_PolicyWithoutTrust_HasTheFormAndDigestOfBefore()
    {
        byte[] json = PolicyJson.Write(PolicyFile.BuiltIn());

        Assert.DoesNotContain("trust", Encoding.UTF8.GetString(json), StringComparison.Ordinal);
        Assert.EndsWith("\"exceptions\":[]}", Encoding.UTF8.GetString(json), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_KeyInAFile_IsTakenIntoTheSignedForm()
    {
        using TempFolder folder = new();
        folder.Write("keys/release.pub", Encoding.UTF8.GetBytes(Release.PublicKey.ToPem().Replace("\n", "\r\n", StringComparison.Ordinal)));
        const string text = "policy: 1\nname: t\ntrust:\n  keys: {release: {file: keys/release.pub}}\n  images: [{names: ['**'], signatures: {keys: [release]}}]\n";
        string path = folder.Write("p.yaml", Encoding.UTF8.GetBytes(text));

        Policy policy = PolicyFile.Read(path);

        Assert.Equal(Release.PublicKey.Id, policy.Trust!.Keys[0].Versions[0].Id);
        Assert.Equal(Release.PublicKey.ToPem(), PolicyJson.Read(PolicyJson.Write(policy), "j", canonical: true).Trust!.Keys[0].Versions[0].Pem);
        Assert.Contains("p:4: file stands where pem was wanted", Assert.Throws<DocumentException>(() => PolicyFile.Parse(Encoding.UTF8.GetBytes(text), "p")).Message, StringComparison.Ordinal);
        folder.Write("keys/release.pub", new byte[70_000]);
        Assert.Contains("is no key", Assert.Throws<DocumentException>(() => PolicyFile.Read(path)).Message, StringComparison.Ordinal);
        File.Delete(folder["keys/release.pub"]);
        Assert.Contains("p.yaml:4: cannot read the key", Assert.Throws<DocumentException>(() => PolicyFile.Read(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("signatures: {keys: [nobody]}", "\"nobody\"; known keys: release")]
    [InlineData("signatures: {keys: []}", "is empty")]
    [InlineData("signatures: {threshold: 1}", "has no keys")]
    [InlineData("signatures: {keys: [release], threshold: 0}", "wanted a number from 1")]
    [InlineData("signatures: {keys: [release], threshold: 2}", "is one key")]
    [InlineData("signatures: {keys: [release, release]}", "stands twice")]
    [InlineData("signatures: {keys: [release], match: some}", "wanted repository or exact or any")]
    [InlineData("signatures: required", "wanted its keys, or none")]
    [InlineData("measurement: required", "there are none; name its keys")]
    [InlineData("signatures: none", "asks for nothing")]
    [InlineData("minimum: {counter: 1}", "asks for nothing")]
    [InlineData("signatures: {keys: [release]}\nplatforms: some", "wanted each or index")]
    [InlineData("signatures: {keys: [release]}\noverridden: undecided", "wanted fail, warn, ignore")]
    [InlineData("signatures: {keys: [release]}\nminimum: {created-after: yesterday}", "wanted a date")]
    [InlineData("signatures: {keys: [release]}\nrevocations: {keys: [ops], max-age: soon}", "wanted days")]
    [InlineData("signatures: {keys: [release]}\nattestations: [{type: sbom}]", "wanted slsa-provenance, cyclonedx")]
    [InlineData("signatures: {keys: [release]}\nattestations: [{type: spdx, builder: x}]", "has none")]
    [InlineData("signatures: {keys: [release], key: x}", "unknown key \"key\"")]
    [InlineData("signatures: {keys: [release]}\nsignature: x", "unknown key \"signature\"")]
    [InlineData("attestations: [{type: spdx}]", "has no keys")]
    public void Read_WrongRule_IsRefusedWithItsLine(string rule, string message)
    {
        DocumentException e = Assert.Throws<DocumentException>(() => Policy(rule));

        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.StartsWith("p.yaml:", e.Where, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("  keys: {}\n  images: []", "wanted 1 to 1000")]
    [InlineData("  keys: {a: {}}\n  images: []", "has neither pem nor file")]
    [InlineData("  keys: {a: {pem: x, file: y}}\n  images: []", "has both pem and file")]
    [InlineData("  keys: {a: {pem: x}}\n  images: []", "PEM")]
    [InlineData("  keys: {'a b': {pem: x}}\n  images: []", "no name of a key")]
    [InlineData("  images: []", "trust has no keys")]
    public void Read_WrongKeys_IsRefused(string section, string message) => Assert.Contains(message,
        Assert.Throws<DocumentException>(() => PolicyFile.Parse(Encoding.UTF8.GetBytes($"policy: 1\nname: t\ntrust:\n{section}\n"), "p.yaml")).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_NoRules_IsRefused() => Assert.Contains("would refuse every image", Assert.Throws<DocumentException>(() => PolicyOf("    []")).Message, StringComparison.Ordinal);
}
