using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Plimsoll.ContentTrust;
using Plimsoll.TestKit;
using static Plimsoll.Tests.ContentTrust.CollectionBuilder;

namespace Plimsoll.Tests.ContentTrust;

public sealed class CollectionReaderTests
{
    private static RootPin Key(TestKey key) => RootPin.OfKeys([key.Id], "pin");

    [Fact]
    public void Read_WholeCollection_GivesRolesAndTargets()
    {
        TrustedCollection read = new CollectionBuilder().Delegate("targets/releases", Alice, null, null, ("1.5", Image)).Read();

        Assert.Equal(["root", "timestamp", "snapshot", "targets", "targets/releases"], read.Roles.Select(r => r.Name));
        Assert.Equal([("1.4", "targets"), ("1.5", "targets/releases")], read.Targets.Select(t => (t.Name, t.Role)));
        Assert.Null(read.Targets[0].Meta.Difference(Image));
        Assert.Equal([Alice.Id], read.Roles[4].Signers);
        Assert.Empty(read.Remarks);
    }

    [Fact]
    public void Read_EachKindOfKey_Verifies()
    {
        TrustedCollection read = new CollectionBuilder().Delegate("targets/a", TestKey.Rsa()).Delegate("targets/b", TestKey.Rsa(pss: false)).Delegate("targets/c", TestKey.Ed25519())
            .Delegate("targets/d", TestKey.Ecdsa(ECDsa.Create(ECCurve.NamedCurves.nistP384))).Delegate("targets/e", TestKey.Root("alice")).Read();

        Assert.Empty(read.Remarks);
        Assert.Equal(9, read.Roles.Count);
    }

    [Fact]
    public void Read_PinnedByEachKind_Counts()
    {
        using X509Certificate2 authority = TestKey.Authority();
        TestKey issued = TestKey.Root(Gun, issuer: authority);
        TestKey bare = TestKey.Ecdsa(RootKey.Inner);

        Assert.NotEmpty(new CollectionBuilder().Read(Key(RootKey)).Targets);
        // The id of the key itself, as its private file is called.
        Assert.NotEmpty(new CollectionBuilder().Read(RootPin.OfKeys([bare.Id], "pin")).Targets);
        Assert.NotEmpty(new CollectionBuilder { Roots = [new(1, [issued], [issued])] }.Read(RootPin.OfFile(System.Text.Encoding.ASCII.GetBytes(authority.ExportCertificatePem()), "pin")).Targets);
    }

    [Fact]
    public void Read_WithoutAPin_IsRefused()
    {
        ContentTrustException e = Assert.Throws<ContentTrustException>(() => new CollectionBuilder().Build().Read([]));

        Assert.Equal(ContentTrustError.RootNotPinned, e.Error);
        Assert.Contains("not from the server", e.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_RotatedRoots_LeadFromThePinToTheNewest()
    {
        CollectionBuilder twice = new CollectionBuilder().Rotate();
        twice.Roots.Add(new RootSpec(3, [NextRoot], [NextRoot]));

        Assert.Equal(3, twice.Read().Roles[0].Version);
        // A key of the first root only, the newest being signed by the second alone.
        Assert.Equal(3, twice.Read(Key(RootKey)).Roles[0].Version);
        Assert.Equal(3, twice.Read(Key(NextRoot)).Roles[0].Version);
    }

    [Fact]
    public void Read_WildcardOfTheCertificate_CoversWhatBeginsSo()
    {
        TestKey team = TestKey.Root("registry.example/team/*"), other = TestKey.Root("registry.example/other/*");

        Assert.NotEmpty(new CollectionBuilder { Roots = [new(1, [team], [team])] }.Read(Key(team)).Targets);
        Assert.Throws<ContentTrustException>(() => new CollectionBuilder { Roots = [new(1, [other], [other])] }.Read(Key(other)));
    }

    [Fact]
    public void Read_DelegationThatNobodySignedYet_IsNoRemark()
    {
        MemoryMetadata built = new CollectionBuilder().Delegate("targets/releases", Alice).Build();
        CollectionBuilder without = new CollectionBuilder().Delegate("targets/releases", Alice);
        without.Change["snapshot"] = s => s["meta"]!.AsObject().Remove("targets/releases");

        Assert.Equal(5, built.Read([Key(RootKey)]).Roles.Count);
        TrustedCollection read = without.Read();
        Assert.Equal(4, read.Roles.Count);
        Assert.Empty(read.Remarks);
    }

    [Theory]
    [InlineData("MaxTimestampBytes")]
    [InlineData("MaxRootBytes")]
    [InlineData("MaxSnapshotBytes")]
    [InlineData("MaxTargetsBytes")]
    [InlineData("MaxTotalBytes")]
    [InlineData("MaxTargets")]
    [InlineData("MaxKeys")]
    [InlineData("MaxDelegations")]
    [InlineData("MaxSignatures")]
    public void Read_OneStepPastALimit_IsRefused(string limit)
    {
        CollectionBuilder builder = new CollectionBuilder().Delegate("targets/a", Alice).Delegate("targets/b", Bob);
        builder.Targets["1.5"] = Image;
        MemoryMetadata built = builder.Build();
        int Length(string file) => built.Files[file].Length;
        (ContentTrustLimits exact, ContentTrustLimits below) = limit switch
        {
            "MaxTimestampBytes" => Both(l => new() { MaxTimestampBytes = l }, Length("timestamp.json")),
            "MaxRootBytes" => Both(l => new() { MaxRootBytes = l }, Length("root.json")),
            "MaxSnapshotBytes" => Both(l => new() { MaxSnapshotBytes = l }, Length("snapshot.json")),
            "MaxTargetsBytes" => Both(l => new() { MaxTargetsBytes = l }, Length("targets.json")),
            // What does not fit of a delegation is a remark on it alone.
            "MaxTotalBytes" => (new() { MaxTotalBytes = built.Files.Where(f => f.Key != "1.root.json").Sum(f => f.Value.Length) }, new() { MaxTotalBytes = built.Files.Where(f => !f.Key.Contains('/') && f.Key != "1.root.json").Sum(f => f.Value.Length) - 1 }),
            "MaxTargets" => Both(l => new() { MaxTargets = l }, 2),
            "MaxKeys" => Both(l => new() { MaxKeys = l }, 4),
            "MaxDelegations" => Both(l => new() { MaxDelegations = l }, 2),
            _ => Both(l => new() { MaxSignatures = l }, 1),
        };

        Assert.Equal(6, built.Read([Key(RootKey)], limits: exact).Roles.Count);
        Assert.Equal(ContentTrustError.Malformed, Assert.Throws<ContentTrustException>(() => built.Read([Key(RootKey)], limits: below)).Error);

        static (ContentTrustLimits, ContentTrustLimits) Both(Func<int, ContentTrustLimits> of, int limit) => (of(limit), of(limit - 1));
    }

    [Fact]
    public void Folder_AsDockerKeepsIt_IsFoundInEachForm()
    {
        using TempFolder folder = new();
        MemoryMetadata built = new CollectionBuilder().Delegate("targets/releases", Alice, null, null, ("1.5", Image)).Build();
        foreach ((string name, byte[] content) in built.Files)
            folder.Write($"tuf/{Gun}/metadata/{name}", content);

        foreach (string place in (string[])[folder.Path, folder["tuf"], folder[$"tuf/{Gun}"], folder[$"tuf/{Gun}/metadata"]])
        {
            using FolderMetadata source = new(place, Gun);
            Assert.Equal(2, CollectionReader.Read(source, Gun, [Key(RootKey)], null, Now, null, TestContext.Current.CancellationToken).Targets.Count);
            Assert.Equal(Gun, CollectionReader.FindName(source, TestContext.Current.CancellationToken));
        }
        Assert.Equal(ContentTrustError.Missing, Assert.Throws<ContentTrustException>(() => new FolderMetadata(folder.Path, "registry.example/other")).Error);
        // A file that is missing is none of no bytes.
        File.Delete(folder[$"tuf/{Gun}/metadata/targets.json"]);
        using FolderMetadata cut = new(folder.Path, Gun);
        Assert.Equal(ContentTrustError.Missing, Assert.Throws<ContentTrustException>(() => CollectionReader.Read(cut, Gun, [Key(RootKey)], null, Now, null, TestContext.Current.CancellationToken)).Error);
    }

    [Theory]
    [InlineData("alpine", "docker.io/library/alpine")]
    [InlineData("127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b")]
    public void CollectionName_Parse_IsAsNotaryNamesIt(string text, string name) => Assert.Equal(name, CollectionName.Parse(text));

    [Theory]
    [InlineData("alpine:3")]
    [InlineData("registry.example/a@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("registry.example/../../etc")]
    public void CollectionName_OfOneImageOrAPath_IsRefused(string text) => Assert.Throws<Plimsoll.Oci.ImageException>(() => CollectionName.Parse(text));

    [Theory]
    [InlineData("targets/releases", true)]
    [InlineData("targets/a/b-1_c", true)]
    [InlineData("targets", false)]
    [InlineData("targets/", false)]
    [InlineData("targets/../root", false)]
    [InlineData("targets//a", false)]
    [InlineData("targets/A", false)]
    [InlineData("root/a", false)]
    public void TufRole_IsDelegation_TakesWhatNotaryTakes(string name, bool isOne) => Assert.Equal(isOne, TufRole.IsDelegation(name));
}
