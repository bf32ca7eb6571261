using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Cli;
using Plimsoll.ContentTrust;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.TestKit;
using Plimsoll.Tests.ContentTrust;
using Plimsoll.Tests.Verify;
using Plimsoll.Verify;
using static Plimsoll.Tests.ContentTrust.CollectionBuilder;

namespace Plimsoll.Tests.Cli;

/// <summary>Content trust as a user meets it, with metadata in folders and images in layouts.</summary>
public sealed class TrustCommandTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly StringWriter _out = new(), _error = new();
    private readonly Clock _clock = new();

    public TrustCommandTests() => _folder.Write("release.pem", Encoding.ASCII.GetBytes(KeyFile.WritePrivate(TrustBuilder.Release, "ours")));

    public void Dispose() => _folder.Dispose();

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = CollectionBuilder.Now;

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private string Out => _out.ToString();
    private string Error => _error.ToString();
    private string Layout => $"oci:{_folder["layout"]}";

    private async Task<int> RunAsync(params string[] args)
    {
        _out.GetStringBuilder().Clear();
        _error.GetStringBuilder().Clear();
        CliContext context = new()
        {
            Out = _out,
            Error = _error,
            Time = _clock,
            Environment = n => n switch { "PLIMSOLL_HOME" => _folder["home"], "PLIMSOLL_PASSPHRASE" => "ours", _ => null },
            Columns = 1000,
        };
        return await PlimsollApp.RunAsync(args, context, new ScanServices
        {
            Scan = (_, _, _, _) => throw new InvalidOperationException("nobody asked for a scan"),
            OpenDatabase = _ => throw new InvalidOperationException("nobody asked for a database"),
            OpenStarterSet = () => throw new InvalidOperationException("nobody asked for a database"),
            UpdateDatabase = (_, _) => throw new InvalidOperationException("nobody asked for an update"),
            ReadSuppressions = _ => [],
        }, TestContext.Current.CancellationToken);
    }

    private PushedImage Pushed(string tag, string content)
    {
        using OpenedTarget target = ArtifactStores.OpenTarget(Layout, new ImageOptions(), CancellationToken.None);
        return ImagePusher.PushIndex(target.Store, tag, ("amd64", Image(content)), ("arm64", Image(content + " arm")));
    }

    private static ImageBuilder Image(string content) => new ImageBuilder().Layer(tar => tar.File("etc/motd", Encoding.UTF8.GetBytes(content)));

    private byte[] ManifestOf(PushedImage image)
    {
        using OpenedSource source = ArtifactStores.OpenSource(Layout, new ImageOptions(), CancellationToken.None);
        return source.Store.FindManifest(image.Digest.ToString(), CancellationToken.None)!.Bytes.ToArray();
    }

    private string Saved(CollectionBuilder collection, string name = "trust")
    {
        foreach ((string file, byte[] content) in collection.Build().Files)
            _folder.Write($"{name}/{file}", content);
        return _folder[name];
    }

    private string Policy(string rule, string head) => _folder.Write("policy.yaml", Encoding.UTF8.GetBytes($"policy: 1\nname: test\ntrust:\n  {head}\n  images:\n  - names: [\"registry.example/**\"]\n    {rule}\n"));

    [Fact]
    public async Task Show_ProvedFolder_ListsRolesAndTargets()
    {
        string folder = Saved(new CollectionBuilder().Delegate("targets/releases", Alice, ["1."], null, ("1.5", CollectionBuilder.Image), ("2", CollectionBuilder.Image)));

        Assert.Equal(0, await RunAsync("trust", "show", folder, "--root", RootKey.Id));
        Assert.Contains($"Collection {Gun}", Out, StringComparison.Ordinal);
        Assert.Contains($"1.5  {Digest.Of(CollectionBuilder.Image)}  8      targets/releases", Out, StringComparison.Ordinal);
        Assert.Contains("outside its paths", Error, StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync("trust", "show", folder, "--root", Path.Combine(folder, "root.json"), "--json"));
        JsonNode json = JsonNode.Parse(Out)!;
        Assert.Equal((Gun, 5, 2, "outside-paths"), ((string)json["gun"]!, json["roles"]!.AsArray().Count, json["targets"]!.AsArray().Count, (string)json["remarks"]![0]!["code"]!));
        Assert.Equal(0, await RunAsync("trust", "show", folder, "--root", RootKey.Id, "--lang", "zh"));
        Assert.Contains("集合", Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Show_WithoutARoot_SaysHowToPinOne()
    {
        string folder = Saved(new CollectionBuilder());

        Assert.Equal(2, await RunAsync("trust", "show", folder));
        Assert.Contains("nothing is believed on first sight", Error, StringComparison.Ordinal);
        Assert.Contains("not from the server", Error, StringComparison.Ordinal);
        Assert.Equal(1, await RunAsync("trust", "show", folder, "--root", new string('0', 64)));
        Assert.Equal(2, await RunAsync("trust", "show", folder, "--root", _folder["none.json"]));
        Assert.Equal(2, await RunAsync("trust", "show", _folder["nowhere/"], "--root", RootKey.Id));
        Assert.Equal(2, await RunAsync("trust", "show", folder, "--root", RootKey.Id, "--server", "https://notary.example"));
        Assert.Equal(2, await RunAsync("trust", "import", folder, "--root", RootKey.Id));
        Assert.Equal(2, await RunAsync("trust"));
    }

    [Fact]
    public async Task Show_ExpiredOrRolledBack_IsRefused()
    {
        string older = Saved(new CollectionBuilder()), newer = Saved(new CollectionBuilder().With(b => { b.Versions["timestamp"] = 9; b.Versions["snapshot"] = 9; }), "newer");
        Assert.Equal(0, await RunAsync("trust", "show", newer, "--root", RootKey.Id));

        Assert.Equal(1, await RunAsync("trust", "show", older, "--root", RootKey.Id));
        Assert.Contains("9 was seen before", Error, StringComparison.Ordinal);
        Assert.Contains(_folder["home/data/content-trust"], Error, StringComparison.Ordinal);
        _clock.Now = CollectionBuilder.Now.AddDays(11);
        Assert.Equal(1, await RunAsync("trust", "show", newer, "--root", RootKey.Id));
        Assert.Contains("--as-of", Error, StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync("trust", "show", newer, "--root", RootKey.Id, "--as-of", CollectionBuilder.Now.ToString("yyyy-MM-dd")));
        Assert.Contains("nothing newer", Error, StringComparison.Ordinal);
        Assert.Equal(2, await RunAsync("trust", "show", newer, "--root", RootKey.Id, "--as-of", "2999-01-01"));
    }

    [Fact]
    public async Task Import_OfAnIndex_SignsTagAndPlatformsAndSatisfiesAnExactPolicy()
    {
        PushedImage image = Pushed("1.4", "one"), other = Pushed("1.5", "two");
        string folder = Saved(new CollectionBuilder().With(b => b.Targets["1.4"] = ManifestOf(image)));
        string signatures = Policy("signatures: {keys: [release], match: exact}", $"keys: {{release: {TrustBuilder.Pem(TrustBuilder.Release)}}}");
        string[] verify = ["verify", $"{Layout}:1.4", "--policy", signatures, "--platform", "linux/amd64", "--as"];
        string[] import = ["trust", "import", folder, "--root", RootKey.Id, "--store", Layout];

        Assert.Equal(0, await RunAsync([.. import, "--dry-run"]));
        Assert.Contains($"would sign 1.4  {image.Digest}", Out, StringComparison.Ordinal);
        Assert.Equal(1, await RunAsync([.. verify, $"{Gun}:1.4"]));
        Assert.Equal(0, await RunAsync([.. import, "--key", _folder["release.pem"]]));
        Assert.Contains($"signed 1.4  {image.Digest}", Out, StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync([.. verify, $"{Gun}:1.4"]));
        // The tag is bound, and another image has nothing of it.
        Assert.Equal(1, await RunAsync([.. verify, $"{Gun}:1.5"]));
        Assert.Equal(1, await RunAsync("verify", $"{Layout}:1.5", "--policy", signatures, "--platform", "linux/amd64", "--as", $"{Gun}:1.4"));
        Assert.NotEqual(image.Digest, other.Digest);
        Assert.Equal(0, await RunAsync([.. import, "--key", _folder["release.pem"]]));
        Assert.Contains("was signed", Out, StringComparison.Ordinal);
        // What content trust itself says of the two.
        string trust = Policy("content-trust: {roots: [app]}", $"roots: {{app: {{keys: [{RootKey.Id}]}}}}");
        Assert.Equal(0, await RunAsync("verify", $"{Layout}:1.4", "--policy", trust, "--platform", "linux/amd64", "--as", $"{Gun}:1.4", "--content-trust", folder));
        Assert.Contains("content trust names", Out, StringComparison.Ordinal);
        Assert.Equal(1, await RunAsync("verify", $"{Layout}:1.5", "--policy", trust, "--platform", "linux/amd64", "--as", $"{Gun}:1.4", "--content-trust", folder));
        Assert.Equal(3, await RunAsync("verify", $"{Layout}:1.4", "--policy", trust, "--platform", "linux/amd64", "--as", $"{Gun}:1.4"));
        Assert.Equal(2, await RunAsync("verify", $"{Layout}:1.4", "--policy", trust, "--content-trust", _folder["none"]));
    }

    [Fact]
    public async Task Import_StatementOfIt_SaysWhoVouched()
    {
        PushedImage image = Pushed("1.4", "one");
        string folder = Saved(new CollectionBuilder().With(b => b.Targets.Clear()).Delegate("targets/releases", Alice, null, null, ("1.4", ManifestOf(image))));
        Assert.Equal(0, await RunAsync("trust", "import", folder, "--root", RootKey.Id, "--store", Layout, "--key", _folder["release.pem"], "--output", _folder["evidence.tar"]));

        using OpenedSource source = ArtifactStores.OpenSource($"oci-archive:{_folder["evidence.tar"]}", new ImageOptions(), CancellationToken.None);
        Evidence evidence = EvidenceReader.Read(source.Store, new ImageDigests(image.Digest, null, null), EvidenceLimits.Default, CancellationToken.None);
        Statement statement = Assert.Single(evidence.Attestations.Select(a => Statement.Parse(a.Envelope.Payload, "s")), s => s.PredicateType == ContentTrustPredicate.Type);
        JsonNode predicate = JsonNode.Parse(statement.Predicate.Span)!;
        Assert.Equal((Gun, "1.4", "targets/releases", Alice.Id), ((string)predicate["gun"]!, (string)predicate["target"]!, (string)predicate["roles"]![1]!["name"]!, (string)predicate["roles"]![1]!["signers"]![0]!));
        Assert.Equal($"{Gun}:1.4", SimpleSigning.Parse(Assert.Single(evidence.Signatures).Payload, "s").Reference);
    }

    [Fact]
    public async Task Import_WhatIsNotThereOrNotTheSame_IsLeftOutByName()
    {
        PushedImage image = Pushed("1.4", "one");
        string folder = Saved(new CollectionBuilder().With(b =>
        {
            b.Targets["1.4"] = ManifestOf(image);
            b.Targets["1.6"] = "not there"u8.ToArray();
            b.Targets["no tag!"] = ManifestOf(image);
            b.Change["targets"] = s => { s["targets"]!["wrong"] = Meta(ManifestOf(image)); s["targets"]!["wrong"]!["length"] = 5; };
        }));

        Assert.Equal(3, await RunAsync("trust", "import", folder, "--root", RootKey.Id, "--store", Layout, "--key", _folder["release.pem"]));
        Assert.Contains("\"1.6\" left out", Error, StringComparison.Ordinal);
        Assert.Contains("\"no tag!\" left out", Error, StringComparison.Ordinal);
        Assert.Contains("\"wrong\" left out", Error, StringComparison.Ordinal);
        Assert.Contains("1 of 4 tags signed", Out, StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync("trust", "import", folder, "--root", RootKey.Id, "--store", Layout, "--key", _folder["release.pem"], "--tag", "1.4"));
        Assert.Equal(1, await RunAsync("trust", "import", folder, "--root", RootKey.Id, "--store", Layout, "--key", _folder["release.pem"], "--tag", "9"));
    }

    [Fact]
    public async Task Import_WantedDelegationThatCannotBeBelieved_SignsNothing()
    {
        PushedImage image = Pushed("1.4", "one");
        CollectionBuilder Of(int days) => new CollectionBuilder().With(b => b.Targets["1.4"] = ManifestOf(image)).Delegate("targets/releases", Alice).With(b => b.Ends["targets/releases"] = CollectionBuilder.Now.AddDays(days));
        string good = Saved(Of(1)), ended = Saved(Of(-1), "ended");

        Assert.Equal(0, await RunAsync("trust", "import", good, "--root", RootKey.Id, "--store", Layout, "--dry-run", "--as-of", CollectionBuilder.Now.ToString("yyyy-MM-dd")));
        Assert.Equal(1, await RunAsync("trust", "import", ended, "--root", RootKey.Id, "--store", Layout, "--dry-run", "--as-of", CollectionBuilder.Now.ToString("yyyy-MM-dd")));
        Assert.Equal(0, await RunAsync("trust", "import", ended, "--root", RootKey.Id, "--store", Layout, "--dry-run", "--role", "targets", "--as-of", CollectionBuilder.Now.ToString("yyyy-MM-dd")));
    }
}
