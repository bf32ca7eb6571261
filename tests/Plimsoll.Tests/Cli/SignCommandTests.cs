using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Cli;
using Plimsoll.Inspect;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Keys;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.TestKit;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Cli;

/// <summary><c>plimsoll sign</c> on layouts, bundle files and archives, with an inspection that says what the test wants.</summary>
public sealed class SignCommandTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Dictionary<string, string> _environment = [];
    private readonly StringWriter _out = new(), _error = new();
    private readonly PublicKey _first, _second;
    private Report _report = Clean;

    /// <summary>Runs while the image is inspected: what others do meanwhile.</summary>
    private Action _meanwhile = () => { };

    /// <summary>What the inspection says that it saw.</summary>
    private Func<Report, Report> _seen = r => r;

    private static Report Clean { get; } = new ReportBuilder().With(ReportBuilder.Package("bash", "5.1")).Build() with { Checks = ProblemKinds.All };
    private static Report Bad { get; } = ReportBuilder.Vulnerable().Build() with { Checks = ProblemKinds.All };

    public SignCommandTests()
    {
        _environment["PLIMSOLL_HOME"] = _folder.Path;
        _folder.Write("data/advisories.db", []);
        (_first, _second) = (Key("first"), Key("second"));
    }

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
        _folder.Dispose();
    }

    private PublicKey Key(string name)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Write($"{name}.pem", key.ExportPkcs8PrivateKeyPem());
        return KeyFile.ReadPublic(key.ExportSubjectPublicKeyInfoPem(), name);
    }

    private sealed class Store : IAdvisoryStore
    {
        public DatabaseInfo Info => ReportBuilder.Database;
        public bool Covers(string ecosystem) => true;
        public IReadOnlyList<Affected> Find(string ecosystem, string package) => [];
        public IReadOnlyList<Advisory> FindById(string id) => [];
        public string? FindKnownExploited(string cve) => null;
        public void Dispose() { }
    }

    private sealed class Clock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => ReportBuilder.Now;
    }

    private string Write(string name, string content) => _folder.Write(name, Encoding.UTF8.GetBytes(content));

    private string Out => _out.ToString();

    private string Error => _error.ToString();

    private async Task<int> RunAsync(params string[] args)
    {
        _out.GetStringBuilder().Clear();
        _error.GetStringBuilder().Clear();
        CliContext context = new() { Out = _out, Error = _error, Time = new Clock(), Environment = n => _environment.GetValueOrDefault(n) };
        return await PlimsollApp.RunAsync(["sign", .. args], context, new ScanServices
        {
            Scan = Inspect,
            OpenDatabase = _ => new Store(),
            OpenStarterSet = () => new Store(),
            UpdateDatabase = (_, _) => throw new InvalidOperationException("nobody asked for an update"),
            ReadSuppressions = _ => [],
        }, TestContext.Current.CancellationToken);
    }

    private Report Inspect(string image, IAdvisoryStore store, ScanOptions options, CancellationToken cancellationToken)
    {
        using Image opened = ImageSource.Open(image, new ImageOptions { Platform = options.Platform }, cancellationToken);
        _meanwhile();
        return _seen(_report with
        {
            Image = image,
            IndexDigest = opened.IndexDigest?.ToString(),
            ManifestDigest = opened.ManifestDigest?.ToString(),
            ConfigDigest = opened.ConfigDigest?.ToString(),
            Platform = $"{opened.Config?.Os}/{opened.Config?.Architecture}",
        });
    }

    private Task<int> SignAsync(string image, params string[] more) => RunAsync([image, "--key", _folder["first.pem"], .. more]);

    private static ImageBuilder Image(string text = "hello", string architecture = "amd64") => new ImageBuilder().For(architecture)
        .Layer(tar => tar.Folder("etc").File("etc/motd", text)).Layer(tar => tar.File("etc/other", "x"));

    private string Layout(ImageBuilder? image = null, string name = "layout")
    {
        ImageBuilder.Write((image ?? Image()).LayoutFiles("v1"), _folder[name]);
        return $"oci:{_folder[name]}";
    }

    /// <summary>A layout of an index of two platforms, and what a builder lists beside them.</summary>
    private string Two()
    {
        Dictionary<string, byte[]> files = Image().LayoutFiles(), other = Image("other", "arm64").LayoutFiles();
        JsonObject First(Dictionary<string, byte[]> from, string architecture)
        {
            JsonObject descriptor = (JsonObject)JsonNode.Parse(from["index.json"])!["manifests"]![0]!.DeepClone();
            descriptor.Remove("annotations");
            descriptor["platform"] = new JsonObject { ["os"] = architecture == "unknown" ? "unknown" : "linux", ["architecture"] = architecture };
            return descriptor;
        }
        JsonArray listed = [First(files, "amd64"), First(other, "arm64"), First(files, "unknown")];
        foreach ((string name, byte[] content) in other)
            files.TryAdd(name, content);
        JsonObject index = ImageBuilder.Add(files, MediaTypes.OciIndex, Encoding.UTF8.GetBytes(new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = MediaTypes.OciIndex, ["manifests"] = listed }.ToJsonString()));
        index["annotations"] = new JsonObject { ["org.opencontainers.image.ref.name"] = "v1" };
        files["index.json"] = Encoding.UTF8.GetBytes(new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(index) }.ToJsonString());
        ImageBuilder.Write(files, _folder["two"]);
        return $"oci:{_folder["two"]}";
    }

    private static ImageDigests DigestsOf(string image, string? platform = null)
    {
        Platform? wanted = null;
        if (platform is not null)
            Assert.True(Platform.TryParse(platform, out wanted));
        using Image opened = ImageSource.Open(image, new ImageOptions { Platform = wanted }, CancellationToken.None);
        return ImageDigests.Of(opened);
    }

    private static Evidence EvidenceOf(string store, ImageDigests image)
    {
        using OpenedSource source = ArtifactStores.OpenSource(store, new ImageOptions(), CancellationToken.None);
        return EvidenceReader.Read(source.Store, image, EvidenceLimits.Default, CancellationToken.None);
    }

    private static Statement[] Statements(Evidence evidence, PublicKey key) =>
        [.. evidence.Attestations.Where(a => DsseSigning.Verify(a.Envelope, key)).Select(a => Statement.Parse(a.Envelope.Payload, "s"))];

    private static Statement One(Evidence evidence, PublicKey key, string type) => Assert.Single(Statements(evidence, key), s => s.PredicateType == type);

    private byte[] Index(string folder) => File.ReadAllBytes(Path.Combine(_folder[folder], "index.json"));

    [Fact]
    public async Task Sign_Layout_HasSignatureStatementsAndWhatTheyName()
    {
        string image = Layout();
        ImageDigests digests = DigestsOf(image);

        Assert.Equal(0, await SignAsync(image, "--identity", "registry.example/team/app"));

        Assert.Contains($"signed {digests.Manifest}  linux/amd64", Out, StringComparison.Ordinal);
        Evidence evidence = EvidenceOf(image, digests);
        Assert.Empty(evidence.Gaps);
        ImageSignature signature = Assert.Single(evidence.Signatures);
        Assert.True(_first.Verify(signature.Payload.Span, signature.Signature.Span));
        SimpleSigning payload = SimpleSigning.Parse(signature.Payload, "p");
        Assert.Equal(("registry.example/team/app", digests.Manifest, (string?)null), (payload.Reference, payload.Manifest, payload.Override));
        Assert.Equal([ImageSigner.SignedPredicate, InspectionPredicate.Type, MeasurementPredicate.Type], Statements(evidence, _first).Select(s => s.PredicateType).Order(StringComparer.Ordinal));
        Assert.Equal([new Subject("manifest", digests.Manifest!), new Subject("config", digests.Config!)], One(evidence, _first, ImageSigner.SignedPredicate).Subjects);

        MeasurementPredicate measured = MeasurementPredicate.From(One(evidence, _first, MeasurementPredicate.Type), "m");
        using Image opened = ImageSource.Open(image, new ImageOptions(), CancellationToken.None);
        Assert.Equal(Measurer.Measure(opened, new MeasureOptions(), CancellationToken.None).Measurement, measured.Measurement);
        Assert.Equal(("linux/amd64", (string?)null), (measured.Platform, measured.Override));
        using OpenedSource source = ArtifactStores.OpenSource(image, new ImageOptions(), CancellationToken.None);
        FileList files = FileList.Parse(Blob(source, measured.Files!), "files");
        Assert.Equal(["etc", "etc/motd", "etc/other"], files.Root.Select(f => f.Path.TrimStart('/')).Order(StringComparer.Ordinal));
        Assert.Equal("CycloneDX", (string?)JsonNode.Parse(Blob(source, measured.Bom!))!["bomFormat"]);

        InspectionPredicate inspected = InspectionPredicate.From(One(evidence, _first, InspectionPredicate.Type), "i");
        Assert.Equal((Outcome.Passed, image, (string?)null), (inspected.Verdict!.Outcome, inspected.Inspection.Names[0], inspected.Override));
    }

    private static byte[] Blob(OpenedSource source, MeasuredContent content)
    {
        using Stream stream = source.Store.OpenBlob(content.Digest, content.Size, CancellationToken.None);
        using MemoryStream buffer = new();
        stream.CopyTo(buffer);
        return buffer.ToArray();
    }

    [Fact]
    public async Task Sign_TwoKeysAndAgain_EachSignsOnceAndSignaturesStay()
    {
        string image = Layout();
        ImageDigests digests = DigestsOf(image);

        Assert.Equal(0, await RunAsync(image, "--key", _folder["first.pem"], "--key", _folder["second.pem"]));
        Assert.Equal(0, await SignAsync(image));

        Evidence evidence = EvidenceOf(image, digests);
        Assert.Equal(2, evidence.Signatures.Count);
        Assert.Contains(evidence.Signatures, s => _second.Verify(s.Payload.Span, s.Signature.Span));
        foreach (PublicKey key in (PublicKey[])[_first, _second])
            One(evidence, key, ImageSigner.SignedPredicate);
        Assert.Equal(2, await RunAsync(image, "--key", _folder["first.pem"], "--key", _folder["first.pem"]));
        Assert.Equal(2, await RunAsync(image));
        Assert.Contains("needs --key", Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sign_IndexOfTwoPlatforms_EachIsSignedAndNoPlatformSpeaksForTheIndex()
    {
        string image = Two();
        ImageDigests amd = DigestsOf(image, "linux/amd64"), arm = DigestsOf(image, "linux/arm64");

        Assert.Equal(0, await SignAsync(image, "--attest", Write("vex.json", "{}"), "--type", "openvex"));

        Assert.Contains($"signed {amd.Index}  index", Out, StringComparison.Ordinal);
        foreach (ImageDigests platform in (ImageDigests[])[amd, arm])
        {
            Evidence evidence = EvidenceOf(image, platform with { Index = null });
            Assert.Single(evidence.Signatures);
            Assert.DoesNotContain(One(evidence, _first, ImageSigner.SignedPredicate).Subjects, s => s.Digest == platform.Index);
            Assert.Contains(One(evidence, _first, MeasurementPredicate.Type).Subjects, s => s.Digest == platform.Index);
            Assert.Equal(platform.Config, MeasurementPredicate.From(One(evidence, _first, MeasurementPredicate.Type), "m").Measurement.Config);
            Assert.Equal(platform.Manifest!.ToString(), InspectionPredicate.From(One(evidence, _first, InspectionPredicate.Type), "i").Inspection.ManifestDigest);
        }
        Evidence index = EvidenceOf(image, new ImageDigests(amd.Index, null, null));
        Assert.Equal(amd.Index, SimpleSigning.Parse(Assert.Single(index.Signatures).Payload, "p").Manifest);
        Assert.Equal([amd.Index], One(index, _first, "https://openvex.dev/ns").Subjects.Select(s => s.Digest));
    }

    [Fact]
    public async Task Sign_OnePlatformOfTwo_LeavesTheOtherAndTheIndexUnsigned()
    {
        string image = Two();
        ImageDigests amd = DigestsOf(image, "linux/amd64"), arm = DigestsOf(image, "linux/arm64");

        Assert.Equal(0, await SignAsync(image, "--platform", "linux/arm64", "--attest", Write("vex.json", "{}"), "--type", "openvex"));

        Assert.Single(EvidenceOf(image, arm with { Index = null }).Signatures);
        Assert.Equal(["manifest", "config"], One(EvidenceOf(image, arm), _first, "https://openvex.dev/ns").Subjects.Select(s => s.Name));
        Assert.Empty(EvidenceOf(image, amd with { Config = null }).Signatures);
        Assert.Empty(EvidenceOf(image, amd with { Config = null }).Attestations);
        Assert.Equal(3, await SignAsync(image, "--platform", "linux/riscv64"));
    }

    [Fact]
    public async Task Sign_ImageThatFailsThePolicy_IsRefusedAndNothingIsWritten()
    {
        string image = Layout();
        byte[] before = Index("layout");
        _report = Bad;

        Assert.Equal(1, await SignAsync(image));

        Assert.Contains("(vulnerabilities.known-exploited)", Error, StringComparison.Ordinal);
        Assert.Contains("plimsoll: error: the image fails the policy; nothing was signed", Error, StringComparison.Ordinal);
        Assert.Equal(before, Index("layout"));
        // What could not be seen is no refusal and no signature either.
        _report = Clean with { Gaps = Bad.Gaps.Count > 0 ? Bad.Gaps : ReportBuilder.Vulnerable().WithGap("a", "b", "c").Build().Gaps };
        Assert.Equal(3, await SignAsync(image));
        Assert.Equal(before, Index("layout"));
        Assert.Equal(1, await SignAsync(Two(), "--policy", Write("p.yaml", "policy: 1\nname: strict\ndatabase: {max-age: 1d, old: fail}\nvulnerabilities: {severity: {unknown: fail}}\ninspection: {engines: [yara], missing: fail}\n")));
        Assert.Equal(1, await SignAsync(image, "--lang", "zh", "--policy", _folder["p.yaml"]));
        Assert.Contains("镜像不满足策略", Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sign_Override_IsStatedByEverySignature()
    {
        string image = Layout();
        ImageDigests digests = DigestsOf(image);
        _report = Bad;

        Assert.Equal(0, await SignAsync(image, "--override", "no fix yet"));

        Evidence evidence = EvidenceOf(image, digests);
        Assert.Equal("no fix yet", SimpleSigning.Parse(Assert.Single(evidence.Signatures).Payload, "p").Override);
        Assert.Equal("no fix yet", MeasurementPredicate.From(One(evidence, _first, MeasurementPredicate.Type), "m").Override);
        InspectionPredicate inspected = InspectionPredicate.From(One(evidence, _first, InspectionPredicate.Type), "i");
        Assert.Equal(("no fix yet", Outcome.Refused), (inspected.Override, inspected.Verdict!.Outcome));
        Assert.Equal("{\"override\":\"no fix yet\"}", Encoding.UTF8.GetString(One(evidence, _first, ImageSigner.SignedPredicate).Predicate.Span));
        // Nothing is overridden where nothing has to be.
        _report = Clean;
        string other = Layout(Image("sound"), "sound");
        Assert.Equal(0, await SignAsync(other, "--override", "just in case"));
        Assert.Contains("nothing is overridden", Error, StringComparison.Ordinal);
        Assert.All(EvidenceOf(other, DigestsOf(other)).Signatures, s => Assert.Null(SimpleSigning.Parse(s.Payload, "p").Override));
        foreach (string reason in (string[])["", " x", "a\nb", new string('x', 501)])
            Assert.Equal(2, await SignAsync(image, "--override", reason));
    }

    [Fact]
    public async Task Sign_ArchiveOfDockerSave_NeedsAFileAndIsFoundByItsConfig()
    {
        string archive = _folder.Write("image.tar", ImageBuilder.Tar(Image().ArchiveFiles()));
        ImageDigests digests = DigestsOf(archive);
        Assert.Null(digests.Manifest);

        Assert.Equal(2, await SignAsync(archive));
        Assert.Contains("--output", Error, StringComparison.Ordinal);
        Assert.Equal(0, await SignAsync(archive, "--output", _folder["app.bundle.tar"]));

        Evidence evidence = EvidenceOf($"oci-archive:{_folder["app.bundle.tar"]}", digests);
        Assert.Empty(evidence.Signatures);
        Assert.Empty(evidence.Gaps);
        Assert.Equal(3, Statements(evidence, _first).Length);
        Assert.All(Statements(evidence, _first), s => Assert.Equal(new Subject("config", digests.Config!), Assert.Single(s.Subjects)));
    }

    [Fact]
    public async Task Sign_BundleFile_HoldsTheSignaturesAndServesAHostThatKnowsTheConfigOnly()
    {
        string image = Layout();
        ImageDigests digests = DigestsOf(image);
        byte[] before = Index("layout");

        Assert.Equal(0, await SignAsync(image, "--output", _folder["b.tar"]));
        Assert.Equal(0, await RunAsync(Layout(Image("second"), "other"), "--key", _folder["second.pem"], "--output", _folder["b.tar"]));

        Assert.Equal(before, Index("layout"));
        string bundle = $"oci-archive:{_folder["b.tar"]}";
        Assert.Single(EvidenceOf(bundle, digests).Signatures);
        Evidence byConfig = EvidenceOf(bundle, new ImageDigests(null, null, digests.Config));
        Assert.Equal(3, Statements(byConfig, _first).Length);
        Assert.Empty(Statements(byConfig, _second));
        Assert.Empty(byConfig.Gaps);
        // The image is not in it.
        using OpenedSource source = ArtifactStores.OpenSource(bundle, new ImageOptions(), CancellationToken.None);
        Assert.Null(source.Store.FindManifest(digests.Manifest!.ToString(), CancellationToken.None));
    }

    [Fact]
    public async Task Sign_TruncatedBundleFile_IsNotAddedTo()
    {
        string image = Layout();
        Assert.Equal(0, await SignAsync(image, "--output", _folder["b.tar"]));
        byte[] whole = await File.ReadAllBytesAsync(_folder["b.tar"], TestContext.Current.CancellationToken);
        _folder.Write("b.tar", whole[..(whole.Length / 2)]);

        Assert.Equal(3, await SignAsync(image, "--output", _folder["b.tar"]));

        Assert.Equal(whole.Length / 2, new FileInfo(_folder["b.tar"]).Length);
    }

    [Fact]
    public async Task Sign_TagMovesWhileItIsInspected_SignsWhatWasInspected()
    {
        string image = Layout() + ":v1";
        ImageDigests digests = DigestsOf(image);
        _meanwhile = () => Layout(Image("moved"));

        Assert.Equal(0, await SignAsync(image));

        Assert.Single(EvidenceOf($"oci:{_folder["layout"]}", digests).Signatures);
        ImageDigests moved = DigestsOf(image);
        Assert.NotEqual(digests.Manifest, moved.Manifest);
        Assert.Empty(EvidenceOf($"oci:{_folder["layout"]}", moved).Signatures);
    }

    [Fact]
    public async Task Sign_InspectionOfAnotherImage_IsRefused()
    {
        string image = Layout();
        byte[] before = Index("layout");
        foreach (Func<Report, Report> seen in (Func<Report, Report>[])[r => r with { ConfigDigest = Digest.Of("x"u8).ToString() }, r => r with { ManifestDigest = Digest.Of("x"u8).ToString() }])
        {
            _seen = seen;
            Assert.Equal(3, await SignAsync(image));
            Assert.Contains("changed while it was looked at", Error, StringComparison.Ordinal);
            Assert.Equal(before, Index("layout"));
        }
    }

    [Fact]
    public async Task Sign_OneByteOfALayerChanged_IsNotSigned()
    {
        string image = Layout(Image().Stored(tar => tar));
        string layer = Path.Combine(_folder["layout"], "blobs", "sha256", ImageBuilder.Hex(Image().Tars[0]));
        byte[] bytes = await File.ReadAllBytesAsync(layer, TestContext.Current.CancellationToken);
        bytes[1540] ^= 1;
        await File.WriteAllBytesAsync(layer, bytes, TestContext.Current.CancellationToken);
        byte[] before = Index("layout");

        Assert.Equal(3, await SignAsync(image));

        Assert.Contains("sha256:", Error, StringComparison.Ordinal);
        Assert.Equal(before, Index("layout"));
    }

    [Fact]
    public async Task Sign_Attest_AttachesThePredicateAsItStands()
    {
        string image = Layout();
        string file = Write("p.json", "\n{ \"buildType\" : \"x\" }\n");

        Assert.Equal(0, await SignAsync(image, "--attest", file, "--type", "slsaprovenance1", "--attest", file, "--type", "https://example.org/mine"));

        Evidence evidence = EvidenceOf(image, DigestsOf(image));
        foreach (string type in (string[])["https://slsa.dev/provenance/v1", "https://example.org/mine"])
            Assert.Equal("{ \"buildType\" : \"x\" }", Encoding.UTF8.GetString(One(evidence, _first, type).Predicate.Span));
    }

    [Theory]
    [InlineData("{}", "mine", "not understood")]
    [InlineData("{}", "/etc/passwd", "not understood")]
    [InlineData("{}", "urn:plimsoll:measurement:1", "says itself")]
    [InlineData("{}", "https://sigstore.dev/cosign/sign/v1", "says itself")]
    [InlineData("[]", "openvex", "no JSON object")]
    [InlineData("{\"a\":1,\"a\":2}", "openvex", "no JSON that can be signed")]
    [InlineData("{", "openvex", "no JSON that can be signed")]
    [InlineData("{\"_type\":\"x\",\"predicateType\":\"y\",\"subject\":[]}", "openvex", "whole statement")]
    public async Task Sign_AttestOfWhatIsNoPredicate_IsWrongUsage(string content, string type, string message)
    {
        string image = Layout();

        Assert.Equal(2, await SignAsync(image, "--attest", Write("p.json", content), "--type", type));

        Assert.Contains(message, Error, StringComparison.Ordinal);
        Assert.Empty(EvidenceOf(image, DigestsOf(image)).Signatures);
    }

    [Fact]
    public async Task Sign_WrongUsage_SaysWhatIsWanted()
    {
        string image = Layout();
        Assert.Equal(2, await SignAsync(image, "--attest", _folder["none.json"], "--type", "openvex"));
        Assert.Equal(2, await SignAsync(image, "--attest", _folder["first.pem"]));
        Assert.Equal(2, await SignAsync(image, "--to", "oci:x", "--output", "y"));
        Assert.Equal(2, await SignAsync(image, "--identity", "no repository"));
        Assert.Equal(2, await RunAsync(image, "--key", "nobody"));
        Assert.Equal(2, await SignAsync("dir:" + _folder.Path));
        Assert.Equal(2, await SignAsync("--wrong"));
        Assert.Equal(3, await SignAsync($"oci:{_folder["nowhere"]}"));
        Assert.Equal(2, await SignAsync(image, "--output", _folder["no/such/folder.tar"]));
        Assert.Empty(EvidenceOf(image, DigestsOf(image)).Signatures);
    }
}
