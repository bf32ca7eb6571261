using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.ContentTrust;
using static Plimsoll.Tests.ContentTrust.CollectionBuilder;

namespace Plimsoll.Tests.ContentTrust;

/// <summary>Attacks on a collection. Each is named in the answer, and has a twin that differs only in the attack and passes.</summary>
public sealed class CollectionAttackTests
{
    private static readonly RootPin Pin = RootPin.OfKeys([RootKey.Id], "pin");

    private static void Refused(ContentTrustError error, string role, Action read)
    {
        ContentTrustException e = Assert.Throws<ContentTrustException>(read);
        Assert.Equal((error, role), (e.Error, e.Role));
        Assert.StartsWith($"{role}: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Root_Swapped_IsRefused()
    {
        CollectionBuilder own = new(), other = new() { Roots = [new(1, [Stranger], [Stranger])] };
        RootPin file = RootPin.OfFile(own.Build().Files["root.json"], "pin");

        Assert.NotEmpty(own.Read(Pin).Targets);
        Assert.NotEmpty(own.Read(file).Targets);
        Refused(ContentTrustError.RootNotPinned, "root", () => other.Read(Pin));
        Refused(ContentTrustError.RootNotPinned, "root", () => other.Read(file));
        // A newer one of the stranger's, which nobody before it signed.
        Refused(ContentTrustError.RootRotation, "root", () => new CollectionBuilder { Roots = [new(1, [RootKey], [RootKey]), new(2, [Stranger], [Stranger])] }.Read(file));
    }

    [Fact]
    public void Root_OfAnotherCollection_IsRefused()
    {
        TestKey elsewhere = TestKey.Root("registry.example/team/other", RootKey.Inner);
        CollectionBuilder moved = new() { Roots = [new(1, [elsewhere], [elsewhere])] };

        Assert.NotEmpty(moved.Build().Read([RootPin.OfKeys([elsewhere.Id], "pin")], gun: "registry.example/team/other").Targets);
        Refused(ContentTrustError.RootNotPinned, "root", () => moved.Read(RootPin.OfKeys([elsewhere.Id], "pin")));
        Refused(ContentTrustError.RootNotPinned, "root", () => moved.Read());
    }

    [Fact]
    public void Root_CertificateEnded_IsRefused()
    {
        TestKey ended = TestKey.Root(Gun, to: Now.AddDays(-1)), good = TestKey.Root(Gun, to: Now.AddDays(1));

        Assert.NotEmpty(new CollectionBuilder { Roots = [new(1, [good], [good])] }.Read(RootPin.OfKeys([good.Id], "pin")).Targets);
        Refused(ContentTrustError.RootNotPinned, "root", () => new CollectionBuilder { Roots = [new(1, [ended], [ended])] }.Read(RootPin.OfKeys([ended.Id], "pin")));
        // It may still hand over to one that has not.
        Assert.NotEmpty(new CollectionBuilder { Roots = [new(1, [ended], [ended]), new(2, [good], [ended, good])] }.Read(RootPin.OfKeys([ended.Id], "pin")).Targets);
    }

    [Fact]
    public void Root_VersionSkipped_IsRefused()
    {
        CollectionBuilder rotated = new CollectionBuilder().Rotate();
        rotated.Roots.Add(new RootSpec(3, [NextRoot], [RootKey, NextRoot]));
        MemoryMetadata whole = rotated.Build(), cut = rotated.Build();
        RootPin first = RootPin.OfFile(whole.Files["1.root.json"], "pin");
        cut.Files.Remove("2.root.json");

        Assert.Equal(3, whole.Read([first]).Roles[0].Version);
        Refused(ContentTrustError.RootSkipped, "root", () => cut.Read([first]));
        // Another version under the name of the one that is missing.
        Refused(ContentTrustError.RootSkipped, "root", () => cut.With("2.root.json", whole.Files["1.root.json"]).Read([first]));
    }

    [Fact]
    public void Root_RotatedWithoutTheOldKey_IsRefused()
    {
        RootPin first = RootPin.OfFile(new CollectionBuilder().Build().Files["root.json"], "pin");

        Assert.Equal(2, new CollectionBuilder().Rotate(RootKey, NextRoot).Read(first).Roles[0].Version);
        Refused(ContentTrustError.RootRotation, "root", () => new CollectionBuilder().Rotate(NextRoot).Read(first));
        Refused(ContentTrustError.Threshold, "root", () => new CollectionBuilder().Rotate(RootKey).Read(first));
        Refused(ContentTrustError.RootRotation, "root", () => new CollectionBuilder().Rotate(NextRoot).Read(Pin));
    }

    [Fact]
    public void Root_OlderThanThePin_IsRefused()
    {
        MemoryMetadata rotated = new CollectionBuilder().Rotate().Build();
        RootPin second = RootPin.OfFile(rotated.Files["root.json"], "pin");

        Assert.Equal(2, rotated.Read([second]).Roles[0].Version);
        Refused(ContentTrustError.RolledBack, "root", () => new CollectionBuilder().Read(second));
    }

    [Fact]
    public void Root_PinnedOneOfTwoKeys_IsNotEnoughForAThresholdOfTwo()
    {
        CollectionBuilder both = new() { Roots = [new(1, [RootKey, NextRoot], [RootKey, NextRoot], 2)] };

        Assert.NotEmpty(both.Read(RootPin.OfKeys([RootKey.Id, NextRoot.Id], "pin")).Targets);
        Refused(ContentTrustError.RootNotPinned, "root", () => both.Read(Pin));
    }

    [Theory]
    [InlineData("timestamp")]
    [InlineData("snapshot")]
    [InlineData("targets")]
    [InlineData("root")]
    public void Metadata_Expired_IsRefused(string role)
    {
        Assert.NotEmpty(new CollectionBuilder().With(b => b.Ends[role] = Now.AddSeconds(1)).Read(Pin).Targets);
        Refused(ContentTrustError.Expired, role, () => new CollectionBuilder().With(b => b.Ends[role] = Now.AddSeconds(-1)).Read(Pin));
    }

    [Fact]
    public void Timestamp_Frozen_IsRefusedOnceItHasEnded()
    {
        MemoryMetadata frozen = new CollectionBuilder().Build();
        MemoryVersions memory = new();
        frozen.Read([Pin], memory);

        // The same again is what a server without news answers, until it ends.
        Assert.NotEmpty(frozen.Read([Pin], memory, Now.AddDays(9)).Targets);
        Refused(ContentTrustError.Expired, "timestamp", () => frozen.Read([Pin], memory, Now.AddDays(11)));
    }

    [Theory]
    [InlineData("timestamp")]
    [InlineData("snapshot")]
    [InlineData("targets")]
    [InlineData("targets/releases")]
    public void Metadata_RolledBack_IsRefused(string role)
    {
        MemoryVersions memory = new();
        MemoryMetadata first = Of(7, 1).Build();
        first.Read([Pin], memory);

        Assert.NotEmpty(first.Read([Pin], memory).Targets);
        Refused(ContentTrustError.RolledBack, role, () => Of(6, 2).Build().Read([Pin], memory));
        // Other content under the same version.
        CollectionBuilder forked = Of(7, 2);
        forked.Change[role] = s => s["x"] = 1;
        Refused(ContentTrustError.RolledBack, role, () => forked.Build().Read([Pin], memory));
        Assert.NotEmpty(Of(8, 2).Build().Read([Pin], memory).Targets);

        // What vouches for the role is newer each time, so that the role alone is what went back.
        CollectionBuilder Of(long version, int round) => new CollectionBuilder().Delegate("targets/releases", Alice).With(b =>
        {
            b.Versions["timestamp"] += round;
            if (role != "snapshot")
                b.Versions["snapshot"] += round;
            b.Versions[role] = version;
        });
    }

    [Fact]
    public void Root_RolledBack_IsRefused()
    {
        MemoryVersions memory = new();
        new CollectionBuilder().Rotate().Build().Read([Pin], memory);

        Refused(ContentTrustError.RolledBack, "root", () => new CollectionBuilder().Build().Read([Pin], memory));
        // The first root's key, stolen later, makes another second root.
        CollectionBuilder forked = new() { Roots = [new(1, [RootKey], [RootKey]), new(2, [Stranger], [RootKey, Stranger]), new(3, [Stranger], [Stranger])] };
        Assert.NotEmpty(forked.Build().Read([Pin]).Targets);
        Refused(ContentTrustError.RolledBack, "root", () => forked.Build().Read([Pin], memory));
    }

    [Fact]
    public void WhatWasRefused_IsNotRemembered()
    {
        MemoryVersions memory = new();
        MemoryMetadata newer = new CollectionBuilder().With(b => b.Versions["timestamp"] = 99).Build();
        newer.Files.Remove("targets.json");

        Assert.Throws<ContentTrustException>(() => newer.Read([Pin], memory));
        Assert.Empty(memory.Seen);
    }

    [Fact]
    public void Targets_OfAnotherRepository_AreRefused()
    {
        MemoryMetadata own = new CollectionBuilder().Build();
        // Signed by the same key: one team's key for two repositories.
        byte[] other = new CollectionBuilder().With(b => b.Targets["1.4"] = "evil"u8.ToArray()).Build().Files["targets.json"];

        Assert.NotEmpty(own.Read([Pin]).Targets);
        Refused(ContentTrustError.Mismatch, "targets", () => own.With("targets.json", other).Read([Pin]));
    }

    [Fact]
    public void SnapshotAndTargets_MixedAndMatched_AreRefused()
    {
        MemoryMetadata old = new CollectionBuilder().Build();
        MemoryMetadata New() => new CollectionBuilder().With(b => b.Targets["1.5"] = Image).With(b => b.Versions["snapshot"] = 5).With(b => b.Versions["targets"] = 4).Build();

        Assert.Equal(2, New().Read([Pin]).Targets.Count);
        Refused(ContentTrustError.Mismatch, "targets", () => New().With("targets.json", old.Files["targets.json"]).Read([Pin]));
        Refused(ContentTrustError.Mismatch, "snapshot", () => New().With("snapshot.json", old.Files["snapshot.json"]).Read([Pin]));
        Refused(ContentTrustError.Mismatch, "snapshot", () => New().With("timestamp.json", old.Files["timestamp.json"]).Read([Pin]));
        MemoryMetadata rotated = new CollectionBuilder().Rotate().Build();
        Refused(ContentTrustError.Mismatch, "root", () => rotated.With("snapshot.json", old.Files["snapshot.json"]).With("timestamp.json", old.Files["timestamp.json"]).Read([Pin]));
    }

    [Fact]
    public void Threshold_MetByOneKeyUnderTwoIds_IsRefused()
    {
        TestKey bare = TestKey.Ecdsa(), certified = TestKey.Root("snapshots", bare.Inner), second = TestKey.Ecdsa();
        Assert.NotEqual(bare.Id, certified.Id);

        Assert.NotEmpty(new CollectionBuilder { Snapshot = ([bare, second], [bare, second], 2) }.Read(Pin).Targets);
        Refused(ContentTrustError.Threshold, "snapshot", () => new CollectionBuilder { Snapshot = ([bare, certified], [bare, certified], 2) }.Read(Pin));
        Refused(ContentTrustError.Threshold, "snapshot", () => new CollectionBuilder { Snapshot = ([bare, second], [bare, bare], 2) }.Read(Pin));
    }

    [Fact]
    public void Delegation_SigningOutsideItsPaths_CountsForNothingAndIsNamed()
    {
        TrustedCollection inside = new CollectionBuilder().Delegate("targets/team", Alice, ["1."], null, ("1.9", Image)).Read(Pin);
        Assert.NotNull(inside.Find("targets/team", "1.9"));

        TrustedCollection outside = new CollectionBuilder().Delegate("targets/team", Alice, ["1."], null, ("1.9", Image), ("2.0", Image)).Read(Pin);
        Assert.NotNull(outside.Find("targets/team", "1.9"));
        Assert.Null(outside.Find("targets/team", "2.0"));
        ContentTrustRemark remark = Assert.Single(outside.Remarks);
        Assert.Equal(("outside-paths", "targets/team", 1), (remark.Code, remark.Role, remark.Count));
        Assert.Contains("2.0", remark.Text, StringComparison.Ordinal);
        // A role without paths may sign nothing.
        Assert.Null(new CollectionBuilder().Delegate("targets/team", Alice, [], null, ("1.9", Image)).Read(Pin).Find("targets/team", "1.9"));
    }

    [Fact]
    public void NestedDelegation_BeyondItsParentsPaths_CountsForNothing()
    {
        TrustedCollection read = new CollectionBuilder().Delegate("targets/team", Alice, ["1."]).Delegate("targets/team/bob", Bob, ["1.2", "2."], null, ("1.2", Image), ("1.3", Image), ("2.0", Image)).Read(Pin);

        Assert.Equal(["1.2", "1.4"], read.Targets.Select(t => t.Name).Order(StringComparer.Ordinal));
        Assert.Equal(2, Assert.Single(read.Remarks).Count);
    }

    [Fact]
    public void Delegation_SignedByAnother_CountsForNothingAndBreaksNothing()
    {
        TrustedCollection read = new CollectionBuilder().Delegate("targets/team", Alice, null, Bob, ("1.9", Image)).Read(Pin);

        Assert.Null(read.Find("targets/team", "1.9"));
        Assert.NotNull(read.Find("targets", "1.4"));
        Assert.Equal("delegation-unsigned", Assert.Single(read.Remarks).Code);
        Assert.Equal("delegation-expired", Assert.Single(new CollectionBuilder().Delegate("targets/team", Alice).With(b => b.Ends["targets/team"] = Now.AddDays(-1)).Read(Pin).Remarks).Code);
    }

    [Theory]
    [InlineData("root")]
    [InlineData("timestamp")]
    [InlineData("snapshot")]
    [InlineData("targets")]
    public void SignedBytes_ChangedByOneCharacter_AreRefused(string role)
    {
        Assert.NotEmpty(new CollectionBuilder().Read(Pin).Targets);
        // Whoever can change a file can change the hashes of it in the next, but not sign it.
        Refused(ContentTrustError.Threshold, role, () => new CollectionBuilder().With(b => b.Written[role] = text => text.Replace(".123456789Z", ".123456788Z", StringComparison.Ordinal)).Read(Pin));
    }

    [Fact]
    public void File_InAnotherFormWithTheSameCanonicalForm_Counts()
    {
        // notary signs the canonical form: spaces and the order of members are not signed, but hashed by the next file.
        Assert.NotEmpty(new CollectionBuilder().With(b => b.Written["targets"] = text => JsonNode.Parse(text)!.ToJsonString(new() { WriteIndented = true })).Read(Pin).Targets);
    }

    [Fact]
    public void Signature_OverAnotherFormThanTheCanonical_IsRefused()
    {
        Refused(ContentTrustError.Threshold, "targets", () => new CollectionBuilder().With(b => b.Written["targets"] = text =>
        {
            JsonObject file = JsonNode.Parse(text)!.AsObject();
            byte[] asWritten = Encoding.UTF8.GetBytes(file["signed"]!.ToJsonString(new() { WriteIndented = true }));
            file["signatures"] = new JsonArray(TargetsKey.Sign(asWritten));
            return file.ToJsonString();
        }).Read(Pin));
    }

    [Theory]
    [InlineData("\"version\":3", "\"version\":3,\"version\":3")]
    [InlineData("\"version\":3", "\"version\":3,\"Version\":4")]
    [InlineData("\"version\":3", "\"version\":3.0")]
    [InlineData("\"version\":3", "\"version\":3e0")]
    [InlineData("\"version\":3", "\"version\":0")]
    [InlineData("\"version\":3", "\"version\":9007199254740993")]
    [InlineData("\"1.4\":", "\"\\ud800\":")]
    [InlineData("\"_type\":\"Targets\"", "\"_type\":\"Snapshot\"")]
    [InlineData("\"length\":8", "\"length\":-8")]
    [InlineData("Z\"", "\"")]
    [InlineData("\"signatures\":", "\"signatures\":[],\"signature\\u017f\":")]
    public void File_WithTwoMeaningsOrNone_IsRefused(string from, string to)
    {
        Refused(ContentTrustError.Malformed, "targets", () => new CollectionBuilder().With(b => b.Written["targets"] = text =>
        {
            Assert.Contains(from, text, StringComparison.Ordinal);
            return text.Replace(from, to, StringComparison.Ordinal);
        }).Read(Pin));
    }

    [Fact]
    public void Key_UnderAnIdThatIsNotItsOwn_IsRefused()
    {
        void Swap(JsonObject signed)
        {
            JsonObject keys = signed["keys"]!.AsObject();
            keys[SnapshotKey.Id] = Stranger.Json;
        }
        Refused(ContentTrustError.Malformed, "root", () => new CollectionBuilder().With(b => b.Change["root"] = Swap).Read(Pin));
    }

    [Fact]
    public void Root_WithPlainKeys_SpeaksForNoCollection()
    {
        TestKey plain = TestKey.Ecdsa();
        Refused(ContentTrustError.RootNotPinned, "root", () => new CollectionBuilder { Roots = [new(1, [plain], [plain])] }.Read(RootPin.OfKeys([plain.Id], "pin")));
    }
}
