using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.ContentTrust;
using Plimsoll.Inspect.Policies;
using Plimsoll.Tests.ContentTrust;
using Plimsoll.Verify;
using static Plimsoll.Tests.ContentTrust.CollectionBuilder;

namespace Plimsoll.Tests.Verify;

public sealed class ContentTrustComponentTests
{
    private static string Text(string rule, string? root = null) => $$"""
        policy: 1
        name: test
        trust:
          roots:
            estate: {{root ?? $"{{keys: [\"{RootKey.Id}\"]}}"}}
          images:
          - names: ["registry.example/**"]
            content-trust: {{rule}}
        """;

    private static Policy Policy(string rule = "{roots: [estate]}", string? root = null) => PolicyFile.Parse(Encoding.UTF8.GetBytes(Text(rule, root)), "p.yaml");

    private static TrustBuilder With(CollectionBuilder? collection, string tag = ":1.4", IContentTrustMemory? memory = null) => new TrustBuilder().With(b =>
    {
        b.Image = b.Image with { Names = [ImageName.Parse(TrustBuilder.Repository + tag)], RootManifest = Image };
        b.ContentTrust = (gun, server) =>
        {
            Assert.Equal(Gun, gun);
            return collection?.Build();
        };
        b.Memory = memory;
    });

    [Fact]
    public void Target_OfTheTag_Passes()
    {
        Verdict verdict = With(new CollectionBuilder()).Judge(Policy());

        verdict.Passes();
        verdict.Has(Outcome.Passed, "content-trust/target-signed");
    }

    [Fact]
    public void Target_OfAnotherImage_IsRefused()
    {
        With(new CollectionBuilder().With(b => b.Targets["1.4"] = "other"u8.ToArray())).Judge(Policy()).Refuses("content-trust/target-digest");
        // Each of the three that a target states must be the image's.
        foreach (Action<JsonObject> change in (Action<JsonObject>[])[t => t["length"] = 9, t => t["hashes"]!["sha512"] = Convert.ToBase64String(new byte[64]), t => t["hashes"]!["sha256"] = Convert.ToBase64String(new byte[32])])
            With(new CollectionBuilder().With(b => b.Change["targets"] = s => change(s["targets"]!["1.4"]!.AsObject()))).Judge(Policy()).Refuses("content-trust/target-digest");
        With(new CollectionBuilder().With(b => b.Change["targets"] = s => s["targets"]!["1.4"]!["hashes"]!.AsObject().Remove("sha256"))).Judge(Policy()).Passes();
    }

    [Fact]
    public void Target_OfAnotherTagOrNone_IsRefusedUnlessAnyWillDo()
    {
        With(new CollectionBuilder(), ":1.5").Judge(Policy()).Refuses("content-trust/target-missing");
        With(new CollectionBuilder(), "@sha256:x").Judge(Policy()).Refuses("content-trust/target-untagged");
        With(new CollectionBuilder(), ":1.5").Judge(Policy("{roots: [estate], match: any}")).Passes();
        With(new CollectionBuilder().With(b => b.Targets["1.4"] = "other"u8.ToArray()), ":1.4").Judge(Policy("{roots: [estate], match: any}")).Refuses("content-trust/target-missing");
    }

    [Fact]
    public void Roles_TheFirstThatNamesTheTag_Decides()
    {
        byte[] other = "other"u8.ToArray();

        With(new CollectionBuilder().With(b => b.Targets["1.4"] = other).Delegate("targets/releases", Alice, null, null, ("1.4", Image))).Judge(Policy()).Passes();
        With(new CollectionBuilder().Delegate("targets/releases", Alice, null, null, ("1.4", other))).Judge(Policy()).Refuses("content-trust/target-digest");
        With(new CollectionBuilder().Delegate("targets/releases", Alice, null, null, ("1.4", other))).Judge(Policy("{roots: [estate], roles: [targets, targets/releases]}")).Passes();
        // A delegation that nobody asks for says nothing.
        With(new CollectionBuilder().With(b => b.Targets.Remove("1.4")).Delegate("targets/alice", Alice, null, null, ("1.4", Image))).Judge(Policy()).Refuses("content-trust/target-missing");
        With(new CollectionBuilder().With(b => b.Targets.Remove("1.4")).Delegate("targets/alice", Alice, null, null, ("1.4", Image))).Judge(Policy("{roots: [estate], roles: ['targets/*']}")).Passes();
    }

    [Fact]
    public void Delegation_ThatCannotBeBelieved_HidesNothing()
    {
        // It may have said by now that the tag is another image.
        With(new CollectionBuilder().Delegate("targets/releases", Alice)).Judge(Policy()).Passes();
        With(new CollectionBuilder().Delegate("targets/releases", Alice).With(b => b.Ends["targets/releases"] = Now.AddDays(-1))).Judge(Policy()).Refuses("content-trust/content-trust-delegation");
        With(new CollectionBuilder().Delegate("targets/alice", Alice).With(b => b.Ends["targets/alice"] = Now.AddDays(-1))).Judge(Policy()).Passes();
    }

    [Fact]
    public void Delegation_OutsideItsPaths_IsNamedAndCountsForNothing()
    {
        CollectionBuilder Of(string path) => new CollectionBuilder().With(b => b.Targets.Remove("1.4")).Delegate("targets/releases", Alice, [path], null, ("1.4", Image));

        With(Of("1.")).Judge(Policy()).Passes();
        Verdict verdict = With(Of("2.")).Judge(Policy());
        verdict.Refuses("content-trust/target-missing");
        verdict.Has(Outcome.Passed, "content-trust/target-outside-paths");
    }

    [Fact]
    public void Threshold_OfTwoRoles_WantsTwoKeys()
    {
        const string two = "{roots: [estate], roles: ['targets/*'], threshold: 2}";

        With(new CollectionBuilder().Delegate("targets/alice", Alice, null, null, ("1.4", Image)).Delegate("targets/bob", Bob, null, null, ("1.4", Image))).Judge(Policy(two)).Passes();
        With(new CollectionBuilder().Delegate("targets/alice", Alice, null, null, ("1.4", Image)).Delegate("targets/bob", Alice, null, null, ("1.4", Image))).Judge(Policy(two)).Refuses("content-trust/target-threshold");
        // The same key with a certificate is the same key.
        With(new CollectionBuilder().Delegate("targets/alice", Bob, null, null, ("1.4", Image)).Delegate("targets/bob", TestKey.Root("bob", Bob.Inner), null, null, ("1.4", Image))).Judge(Policy(two)).Refuses("content-trust/target-threshold");
    }

    [Fact]
    public void Metadata_ThatIsNotThereOrOutOfReach_LeavesItUndecided()
    {
        Verdict missing = With(null).Judge(Policy());
        Assert.Equal(Outcome.Undecided, missing.Outcome);
        missing.Has(Outcome.Undecided, "content-trust/content-trust-missing");
        Verdict unreachable = With(null).With(b => b.ContentTrust = (_, _) => throw new ContentTrustException(ContentTrustError.Unreachable, "root", "nobody listens there")).Judge(Policy());
        Assert.Equal(Outcome.Undecided, unreachable.Outcome);
        unreachable.Has(Outcome.Undecided, "content-trust/content-trust-unreachable");
        Verdict archive = With(new CollectionBuilder()).With(b => b.Image = b.Image with { Manifest = null, RootManifest = null }).Judge(Policy());
        Assert.Equal(Outcome.Undecided, archive.Outcome);
        archive.Has(Outcome.Undecided, "content-trust/content-trust-no-manifest");
        // Bytes that are not the image's prove nothing of it.
        With(new CollectionBuilder()).With(b => b.Image = b.Image with { Manifest = TrustBuilder.Other }).Judge(Policy()).Refuses("content-trust/target-digest");
    }

    [Fact]
    public void Metadata_ThatIsNotBelieved_RefusesByName()
    {
        MemoryVersions memory = new();
        With(new CollectionBuilder().With(b => b.Versions["timestamp"] = 9), memory: memory).Judge(Policy()).Passes();
        With(new CollectionBuilder(), memory: memory).Judge(Policy()).Refuses("content-trust/content-trust-rolled-back");
        With(new CollectionBuilder().With(b => b.Ends["timestamp"] = Now.AddDays(-1))).Judge(Policy()).Refuses("content-trust/content-trust-expired");
        With(new CollectionBuilder { Roots = [new(1, [Stranger], [Stranger])] }).Judge(Policy()).Refuses("content-trust/content-trust-root");
        With(new CollectionBuilder { Snapshot = ([SnapshotKey], [TimestampKey], 1) }).Judge(Policy()).Refuses("content-trust/content-trust-unsigned");
        With(new CollectionBuilder().With(b => b.Written["targets"] = t => t + "x")).Judge(Policy()).Refuses("content-trust/content-trust-malformed");
        With(new CollectionBuilder().With(b => b.Change["snapshot"] = s => s["meta"]!.AsObject().Remove("targets"))).Judge(Policy()).Refuses("content-trust/content-trust-mismatch");
    }

    [Fact]
    public void Policy_WithContentTrust_HasACanonicalFormOfTheSameDigest()
    {
        string json = Encoding.UTF8.GetString(new CollectionBuilder().Build().Files["root.json"]);
        foreach (string root in (string[])[$"{{keys: [\"{RootKey.Id}\"]}}", $"{{json: '{json}'}}"])
        {
            Policy policy = Policy("{roots: [estate], server: 'https://notary.example:4443', roles: [targets/releases], threshold: 1, match: any}", root);
            byte[] canonical = PolicyJson.Write(policy);

            Assert.Equal(PolicyJson.DigestOf(policy), PolicyJson.DigestOf(PolicyFile.Parse(canonical, "p.json")));
            Assert.Contains("\"server\":\"https://notary.example:4443\"", Encoding.UTF8.GetString(canonical), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("{roots: []}", "without a pinned root nothing is believed")]
    [InlineData("{roots: [other]}", "known roots: estate")]
    [InlineData("{}", "roots")]
    [InlineData("{roots: [estate], roles: [root]}", "wanted targets")]
    [InlineData("{roots: [estate], roles: []}", "wanted targets")]
    [InlineData("{roots: [estate], server: notary.example}", "wanted https://HOST")]
    [InlineData("{roots: [estate], server: 'https://u:p@notary.example'}", "wanted https://HOST")]
    [InlineData("{roots: [estate], threshold: 0}", "threshold")]
    [InlineData("{roots: [estate], match: exact}", "wanted tag or any")]
    [InlineData("{roots: [estate], tofu: true}", "unknown key")]
    public void Policy_ThatMakesNoSense_IsRefused(string rule, string why) =>
        Assert.Contains(why, Assert.Throws<DocumentException>(() => Policy(rule)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{}", "0 of file, json, pem and keys")]
    [InlineData("{keys: [abc]}", "no id of a key")]
    [InlineData("{keys: []}", "0 certificates")]
    [InlineData("{json: '{}'}", "no root of a collection")]
    [InlineData("{pem: 'x'}", "0 certificates")]
    [InlineData("{json: 'x'}", "0 certificates")]
    public void Policy_WithARootThatIsNone_IsRefused(string root, string why) =>
        Assert.Contains(why, Assert.Throws<DocumentException>(() => Policy(root: root)).Message, StringComparison.Ordinal);
}
