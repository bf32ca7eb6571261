using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Cli;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Keys;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.TestKit;
using Plimsoll.Tests.Verify;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Cli;

/// <summary>Verifying as a user meets it, with images and evidence in layouts and files.</summary>
public sealed class VerifyCommandTests : IDisposable
{
    private const string Repository = "registry.example/team/app", Name = Repository + ":1.4";
    private static readonly ISigner Release = TrustBuilder.Release, Ops = TrustBuilder.Ops;
    private readonly TempFolder _folder = new();
    private readonly StringWriter _out = new(), _error = new();

    public void Dispose() => _folder.Dispose();

    private string Out => _out.ToString();
    private string Error => _error.ToString();
    private string Layout => $"oci:{_folder["layout"]}:v1";
    private string Bundle => _folder["evidence.tar"];

    private static ImageBuilder Image(string content = "hello") => new ImageBuilder().Layer(tar => tar.File("etc/motd", Encoding.UTF8.GetBytes(content)));

    private string Policy(string rule, string more = "")
    {
        string text = $"policy: 1\nname: test\n{more}\ntrust:\n  keys:\n    release: {TrustBuilder.Pem(Release)}\n    ops: {TrustBuilder.Pem(Ops)}\n  images:\n  - names: [\"registry.example/**\"]\n"
            + string.Join('\n', rule.Split('\n').Select(l => "    " + l)) + "\n";
        return _folder.Write("policy.yaml", Encoding.UTF8.GetBytes(text));
    }

    private async Task<int> RunAsync(params string[] args)
    {
        _out.GetStringBuilder().Clear();
        _error.GetStringBuilder().Clear();
        CliContext context = new() { Out = _out, Error = _error, Environment = n => n switch { "PLIMSOLL_HOME" => _folder["home"], "DOCKER_HOST" => $"unix://{_folder["no.sock"]}", _ => null }, Columns = 1000 };
        return await PlimsollApp.RunAsync(["verify", .. args], context, new ScanServices
        {
            Scan = (_, _, _, _) => throw new InvalidOperationException("nobody asked for a scan"),
            OpenDatabase = _ => throw new InvalidOperationException("nobody asked for a database"),
            OpenStarterSet = () => throw new InvalidOperationException("nobody asked for a database"),
            UpdateDatabase = (_, _) => throw new InvalidOperationException("nobody asked for an update"),
            ReadSuppressions = _ => [],
        }, TestContext.Current.CancellationToken);
    }

    private static T At<T>(string store, Func<IArtifactTarget, T> put)
    {
        using OpenedTarget target = ArtifactStores.OpenTarget(store, new ImageOptions(), CancellationToken.None);
        T result = put(target.Store);
        target.Batch()(CancellationToken.None);
        return result;
    }

    private PushedImage Pushed() => At(Layout, target => ImagePusher.Push(target, Image(), "v1"));

    private static void Sign(string store, PushedImage image, params ISigner[] by) => At(store, target =>
    {
        ImagePusher.Sign(target, image, Repository, by);
        return true;
    });

    private static void Attest(string store, PushedImage image, Statement statement, params ISigner[] by) => At(store, target =>
        new ImageSigner(target, by, Repository, null, TimeProvider.System).Attest(image.Subject, statement, new Evidence(), CancellationToken.None));

    [Fact]
    public async Task Verify_SignedLayout_PassesAndTheUnsignedTwinDoesNot()
    {
        PushedImage image = Pushed();
        string policy = Policy("signatures: {keys: [release]}");

        Assert.Equal(1, await RunAsync(Layout, "--policy", policy, "--as", Name));
        Assert.Contains("✗ signature", Out, StringComparison.Ordinal);
        Assert.Contains($"no signature over {image.Digest} counts (trust.images[0].signatures)", Out, StringComparison.Ordinal);
        Assert.Contains("Refused by policy test", Out, StringComparison.Ordinal);
        Sign(Layout, image, Release);
        Assert.Equal(0, await RunAsync(Layout, "--policy", policy, "--as", Name));
        Assert.Contains("✓ signature", Out, StringComparison.Ordinal);
        Assert.Contains("signed by 1 of 1 wanted keys: release", Out, StringComparison.Ordinal);
        Assert.Contains("Passed by policy test", Out, StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync(Layout, "--policy", policy, "--as", Name, "--quiet"));
        Assert.Equal("", Out);
        // Without a name there is no rule.
        Assert.Equal(1, await RunAsync(Layout, "--policy", policy));
        Assert.Contains("no name that a rule could be for", Out, StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync(Layout, "--policy", policy, "--as", Name, "--lang", "zh"));
        Assert.Contains("签名", Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_PolicyWithoutTrust_IsRefused()
    {
        Pushed();

        Assert.Equal(1, await RunAsync(Layout, "--policy", "default", "--as", Name));
        Assert.Contains("the policy default has no section trust", Out, StringComparison.Ordinal);
        Assert.Equal(2, await RunAsync(Layout));
        Assert.Equal(2, await RunAsync(Layout, "--policy", "default", "--bundel", "x"));
        Assert.Equal(2, await RunAsync(Layout, Layout, "--policy", "default", "--as", Name));
        Assert.Equal(2, await RunAsync(Layout, "--policy", "default", "--bundle", _folder["none.tar"]));
        Assert.Equal(2, await RunAsync(Layout, "--policy", "default", "--revocations", _folder["none"]));
    }

    [Fact]
    public async Task Verify_BundleFileAlone_SufficesForALayoutAndAnArchive()
    {
        PushedImage image = Pushed();
        Sign($"oci-archive:{Bundle}", image, Release);
        string policy = Policy("signatures: {keys: [release]}");
        string archive = _folder.Write("image.tar", ImageBuilder.Tar(Image().ArchiveFiles(Name)));

        Assert.Equal(0, await RunAsync(Layout, "--policy", policy, "--as", Name, "--bundle", Bundle));
        // An archive knows its config only: what is signed says which manifest that belongs to.
        Assert.Equal(0, await RunAsync(archive, "--policy", policy, "--bundle", Bundle));
        Assert.Contains($"as {Name}", Out, StringComparison.Ordinal);
        string other = _folder.Write("other.tar", ImageBuilder.Tar(Image("other").ArchiveFiles(Name)));
        Assert.Equal(1, await RunAsync(other, "--policy", policy, "--bundle", Bundle));
        Assert.Contains("no statement that counts says which manifest", Out, StringComparison.Ordinal);
        // Half of the file is no bundle, and what was in it is missed.
        byte[] whole = File.ReadAllBytes(Bundle);
        string half = _folder.Write("half.tar", whole[..(whole.Length / 2)]);
        Assert.Equal(1, await RunAsync(Layout, "--policy", policy, "--as", Name, "--bundle", half));
        Assert.Contains("✗ signature", Out, StringComparison.Ordinal);
        Assert.Contains("? evidence", Out, StringComparison.Ordinal);
    }

    private static Measurement Measured(string image)
    {
        using Image opened = ImageSource.Open(image, new ImageOptions(), CancellationToken.None);
        return Measurer.Measure(opened, new MeasureOptions(), CancellationToken.None).Measurement!;
    }

    [Fact]
    public async Task Verify_Measurement_IsComparedWithTheBytes()
    {
        PushedImage image = Pushed();
        string policy = Policy("measurement: {keys: [release]}");
        Measurement right = Measured(Layout), wrong = right with { Layers = [right.Layers[0] with { Content = TrustBuilder.Sha384("other bytes") }] };

        Attest(Layout, image, new MeasurementPredicate(wrong, DateTimeOffset.UtcNow, "t", null, null).ToStatement(image.Digests), Release);
        Assert.Equal(1, await RunAsync(Layout, "--policy", policy, "--as", Name));
        Assert.Contains($"the image measures to {right.Value}, signed is {wrong.Value}; first difference: layer 1/1", Out, StringComparison.Ordinal);
        File.Delete(_folder["layout/index.json"]);
        image = Pushed();
        Attest(Layout, image, new MeasurementPredicate(right, DateTimeOffset.UtcNow, "t", null, null).ToStatement(image.Digests), Release);
        Assert.Equal(0, await RunAsync(Layout, "--policy", policy, "--as", Name));
    }

    [Fact]
    public async Task Verify_IndexWithOneUnsignedPlatform_IsRefused()
    {
        PushedImage index = At(Layout, target => ImagePusher.PushIndex(target, "v1", ("amd64", Image("amd")), ("arm64", Image("arm"))));
        string policy = Policy("signatures: {keys: [release]}");
        Sign(Layout, index with { Platforms = [index.Platforms[0]] }, Release);

        Assert.Equal(1, await RunAsync(Layout, "--policy", policy, "--as", Name, "--platform", "linux/amd64"));
        Assert.Contains("✓ signature", Out, StringComparison.Ordinal);
        Assert.Contains("1 of 2 platforms are not signed as wanted", Out, StringComparison.Ordinal);
        Assert.Contains($"linux/arm64 {index.Platforms[1].Digest}", Out, StringComparison.Ordinal);
        Sign(Layout, index.Platforms[1], Release);
        Assert.Equal(0, await RunAsync(Layout, "--policy", policy, "--as", Name, "--platform", "linux/amd64"));
        Assert.Contains("each of 2 platforms is signed", Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_Revocations_AreAskedForAndNotRolledBack()
    {
        PushedImage image = Pushed();
        Sign(Layout, image, Release);
        string policy = Policy("signatures: {keys: [release]}\nrevocations: {keys: [ops], max-age: 7d}");
        string List(long counter, params RevokedKey[] keys) => _folder.Write($"list-{counter}-{keys.Length}", new RevocationList(counter, DateTimeOffset.UtcNow, keys, []).Sign(Ops));
        Task<int> With(string list) => RunAsync(Layout, "--policy", policy, "--as", Name, "--revocations", list);

        Assert.Equal(1, await RunAsync(Layout, "--policy", policy, "--as", Name));
        Assert.Contains("there is no revocation list", Out, StringComparison.Ordinal);
        Assert.Equal(0, await With(List(2)));
        Assert.Equal(0, await With(List(3)));
        Assert.Equal(1, await With(List(2)));
        Assert.Contains("has counter 2; one with 3 is known or wanted", Out, StringComparison.Ordinal);
        Assert.Equal(1, await With(List(3, new RevokedKey(TrustBuilder.Stranger.PublicKey.Id, DateTimeOffset.UtcNow, "lost"))));
        Assert.Contains("another content was seen", Out, StringComparison.Ordinal);
        Assert.Equal(1, await With(List(4, new RevokedKey(Release.PublicKey.Id, DateTimeOffset.UtcNow, "lost"))));
        Assert.Contains("made by a revoked key: 1", Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_SeveralImages_TheWorstDecides()
    {
        PushedImage image = Pushed();
        Sign(Layout, image, Release);
        string policy = Policy("signatures: {keys: [release]}");
        string other = _folder.Write("other.tar", ImageBuilder.Tar(Image("other").ArchiveFiles(Name)));

        Assert.Equal(1, await RunAsync(other, _folder["gone.tar"], "--policy", policy, "--json"));
        JsonNode json = JsonNode.Parse(Out)!;
        Assert.Equal((1, "test"), ((int)json["schemaVersion"]!, (string)json["policy"]!["name"]!));
        Assert.Equal("refused", (string)json["images"]![0]!["outcome"]!);
        Assert.Equal("signature", (string)json["images"]![0]!["components"]![0]!["component"]!);
        Assert.Equal("no-manifest", (string)json["images"]![0]!["reasons"]![0]!["code"]!);
        Assert.Equal(["trust.images[0]"], json["images"]![0]!["rules"]!.AsArray().Select(r => (string)r!));
        Assert.Equal("undecided", (string)json["images"]![1]!["outcome"]!);
        Assert.Contains("does not exist", (string)json["images"]![1]!["error"]!, StringComparison.Ordinal);
        Assert.Contains("gone.tar", Error, StringComparison.Ordinal);
        Assert.Equal(3, await RunAsync(_folder["gone.tar"], "--policy", policy));
    }

    [Fact]
    public async Task Verify_StatementInAJsonFile_Counts()
    {
        PushedImage image = Pushed();
        string policy = Policy("attestations: [{type: 'https://example.org/t', keys: [ops]}]");
        DsseEnvelope envelope = DsseSigning.Sign(Statement.PayloadType, new Statement([new Subject("x", image.Digest)], "https://example.org/t", "{}"u8.ToArray()).ToJson(), Ops);
        string bundle = _folder.Write("t.sigstore.json", SigstoreBundle.Of(envelope, Ops.PublicKey).ToJson()), bare = _folder.Write("t.json", envelope.ToJson());

        Assert.Equal(0, await RunAsync(Layout, "--policy", policy, "--as", Name, "--bundle", bundle));
        Assert.Equal(0, await RunAsync(Layout, "--policy", policy, "--as", Name, "--bundle", bare));
        Assert.Equal(1, await RunAsync(Layout, "--policy", policy, "--as", Name));
        string cut = _folder.Write("cut.json", SigstoreBundle.Of(envelope, Ops.PublicKey).ToJson()[..100]);
        Assert.Equal(1, await RunAsync(Layout, "--policy", policy, "--as", Name, "--bundle", cut));
        Assert.Contains("(unreadable-bundle)", Out, StringComparison.Ordinal);
    }
}
