using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>
/// What it costs, and what is answered, when somebody who may push attaches a hundred thousand things to an image, the right one last. Each
/// has a twin without them that passes.
/// </summary>
[Trait("needs", "host")]
public sealed class EvidenceScaleTests : IDisposable
{
    private const string Name = "team/app";
    private const int Many = 100_000, MostMegabytes = 300;

    /// <summary>Of a process that is compiled while it runs; the published one takes a fraction.</summary>
    private const double MostSeconds = 8;

    private readonly TempFolder _folder = new();
    private readonly ISigner _release = KeyFile.Generate(KeyAlgorithm.EcdsaP256), _stranger = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
    private readonly ReferrersRegistry _registry;
    private PushedImage? _image;
    private int _junk;
    private Dictionary<string, int> _generated = [];
    private string _template = "";

    public EvidenceScaleTests()
    {
        _registry = new ReferrersRegistry(first: Answer);
        File.WriteAllText(_folder["release.pub"], _release.PublicKey.ToPem());
        Policy("undecided");
    }

    public void Dispose()
    {
        _registry.Dispose();
        _release.Dispose();
        _stranger.Dispose();
        _folder.Dispose();
    }

    private string Repository => $"{_registry.Host}/{Name}";

    private void Policy(string unreadable) => File.WriteAllText(_folder["policy.yaml"],
        $"policy: 1\nname: scale\ntrust:\n  keys: {{release: {{file: release.pub}}}}\n  images:\n  - names: [\"{_registry.Host}/**\"]\n    signatures: {{keys: [release]}}\n    attestations: [{{type: \"{ImageSigner.SignedPredicate}\", keys: [release]}}]\n    unreadable: {unreadable}\n");

    private static ImageBuilder Image() => new ImageBuilder().Layer(tar => tar.File("etc/motd", "hello"));

    private T At<T>(string store, Func<IArtifactTarget, T> use)
    {
        using OpenedTarget target = ArtifactStores.OpenTarget(store, new ImageOptions { Registry = RegistryOptions.Default with { PlainHttp = [_registry.Host] }, Environment = _ => null }, CancellationToken.None);
        return use(target.Store);
    }

    private PushedImage PushAndSign(string store) => At(store, target =>
    {
        PushedImage image = ImagePusher.Push(target, Image(), "v1");
        ImagePusher.Sign(target, image, Repository, _release);
        return image;
    });

    /// <summary>The answer, what it took in seconds of processor time, and the most memory it had in MB.</summary>
    private (Outcome Outcome, double Seconds, double Megabytes) Verify(string image, params string[] more)
    {
        const string measured = "import resource,subprocess,sys\nc=subprocess.run(sys.argv[1:]).returncode\nr=resource.getrusage(resource.RUSAGE_CHILDREN)\nprint('used',r.ru_utime+r.ru_stime,r.ru_maxrss/1024,file=sys.stderr)\nsys.exit(c)";
        Outcome outcome = new Call(_folder["home"], ["verify", image, "--policy", _folder["policy.yaml"], "--registry-http", _registry.Host, "--json", .. more])
        { Through = ["python3", "-c", measured] }.With("DOCKER_CONFIG", _folder["docker"]).Run();
        string[] used = outcome.Error.TrimEnd().Split('\n')[^1].Split(' ');
        Assert.Equal("used", used[0]);
        return (outcome, double.Parse(used[1], CultureInfo.InvariantCulture), double.Parse(used[2], CultureInfo.InvariantCulture));
    }

    private string[] Bounded(int code, string image, params string[] more)
    {
        (Outcome outcome, double seconds, double megabytes) = Verify(image, more);
        outcome.Expect(code);
        Assert.True(seconds < MostSeconds, $"{seconds} s");
        Assert.True(megabytes < MostMegabytes, $"{megabytes} MB");
        TestContext.Current.SendDiagnosticMessage($"{image} {string.Join(' ', more)}: {seconds:0.00} s, {megabytes:0} MB");
        return [.. outcome.Document["images"]![0]!["reasons"]!.AsArray().Where(r => (string)r!["outcome"]! != "passed")
            .Select(r => $"{r!["component"]}/{r["code"]}{((string)r["code"]! == "evidence-gap" ? " " + ((string)r["message"]!).Split('(', ')')[1] : "")}").Order(StringComparer.Ordinal)];
    }

    /// <summary>Lists the junk before what is really there, and hands out what it lists.</summary>
    private byte[]? Answer(FakeRequest request)
    {
        if (_junk == 0 || _image is null)
            return null;
        if (request.Path.EndsWith($"/referrers/{_image.Digest}", StringComparison.Ordinal))
        {
            int from = int.TryParse(request.Query("from"), out int at) ? at : 0, to = Math.Min(from + 500, _junk);
            List<JsonNode> page = [.. _generated.Skip(from).Take(to - from).Select(g => (JsonNode)Descriptor(g.Key, Junk(g.Value).Length))];
            if (to == _junk)
                page.AddRange(JsonNode.Parse(Body(_registry.Answer(request with { Target = request.Path })))!["manifests"]!.AsArray().Select(m => m!.DeepClone()));
            byte[] index = Encoding.UTF8.GetBytes(new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = MediaTypes.OciIndex, ["manifests"] = new JsonArray([.. page]) }.ToJsonString());
            string[] headers = to == _junk ? [$"Content-Type: {MediaTypes.OciIndex}"] : [$"Content-Type: {MediaTypes.OciIndex}", $"Link: <{request.Path}?from={to}>; rel=\"next\""];
            return FakeRegistry.Answer(200, index, headers);
        }
        return request.Path.Split('/')[^1] is var digest && _generated.TryGetValue(digest, out int number)
            ? FakeRegistry.Answer(200, Junk(number), $"Content-Type: {MediaTypes.OciManifest}", $"Docker-Content-Digest: {digest}") : null;
    }

    private static byte[] Body(byte[] answer) => answer[(answer.AsSpan().IndexOf("\r\n\r\n"u8) + 4)..];

    private static JsonObject Descriptor(string digest, int size) => new() { ["mediaType"] = MediaTypes.OciManifest, ["digest"] = digest, ["size"] = size, ["artifactType"] = SigstoreBundle.MediaType };

    private byte[] Junk(int number) => Encoding.UTF8.GetBytes(_template.Replace("#", number.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));

    /// <summary>Manifests of bundles that a key nobody asked for signed: each with a digest of its own, all about the image.</summary>
    private void Generate(int count)
    {
        JsonNode bundle = At($"registry:{Repository}", target =>
        {
            ImagePusher.Sign(target, _image!, Repository, _stranger);
            return JsonNode.Parse(_registry.Manifests(Name).Values.Last(m => JsonNode.Parse(m)!["subject"] is not null))!;
        });
        bundle["annotations"] = new JsonObject { ["n"] = "#" };
        _template = bundle.ToJsonString();
        _generated = Enumerable.Range(0, count).ToDictionary(i => $"sha256:{ImageBuilder.Hex(Junk(i))}", i => i, StringComparer.Ordinal);
        _junk = count;
    }

    [Theory]
    [InlineData(900)]
    [InlineData(Many)]
    public void Verify_ReferrersWithoutEnd_AreNamedAndHideNothingWithoutAWord(int count)
    {
        string image = $"registry:{Repository}:v1", bundle = _folder["bundle.tar"];
        _image = PushAndSign($"registry:{Repository}");
        At($"oci-archive:{bundle}", target =>
        {
            ImagePusher.Sign(target, _image, Repository, _release);
            return true;
        });
        Assert.Empty(Bounded(0, image));
        Generate(count);

        // The right statement is there, last: it is not come to, and the answer says that there was more.
        string[] rejected = count < 1000 ? ["attestation/no-key-matches"] : [];
        Assert.Equal([.. rejected, "attestation/statement-missing", "evidence/evidence-gap too-many-signatures"], Bounded(1, image));
        // With what was signed in hand nothing is refused, and still nobody knows what the rest said.
        Assert.Equal(["evidence/evidence-gap too-many-signatures"], Bounded(3, image, "--bundle", bundle));
        // A policy may let that pass with a word; the bundle comes first, so that junk does not crowd it out.
        Policy("warn");
        Assert.Equal(["evidence/evidence-gap too-many-signatures"], Bounded(0, image, "--bundle", bundle));
        Assert.Equal([.. rejected, "attestation/statement-missing", "evidence/evidence-gap too-many-signatures"], Bounded(1, image));
    }

    [Theory]
    [InlineData(256)]
    [InlineData(Many)]
    public void Verify_SignatureTagFullOfOthers_IsNamed(int count)
    {
        string image = $"registry:{Repository}:v1";
        _image = PushAndSign($"registry:{Repository}");
        Assert.Empty(Bounded(0, image));
        string tag = $"sha256-{_image.Digest.Hex}.sig";
        JsonNode manifest = JsonNode.Parse(_registry.Manifests(Name)[_registry.Tags(Name)[tag]])!;
        JsonNode right = manifest["layers"]![0]!, wrong = right.DeepClone();
        wrong["annotations"]![SimpleSigning.SignatureAnnotation] = Convert.ToBase64String(_stranger.Sign(_registry.Blobs(Name)[(string)right["digest"]!]));
        string text = wrong.ToJsonString(), all = $"{string.Concat(Enumerable.Repeat(text + ",", count))}{right.ToJsonString()}";
        manifest["layers"] = new JsonArray();
        _registry.PutManifest(Name, Encoding.UTF8.GetBytes(manifest.ToJsonString().Replace("\"layers\":[]", $"\"layers\":[{all}]", StringComparison.Ordinal)), MediaTypes.OciManifest, tag);

        // A tag too long to be had costs nothing of what else is read; one that is read takes from the one bound for all.
        Assert.Equal(count == Many ? ["evidence/evidence-gap too-many-signatures", "signature/unsigned"]
            : ["attestation/statement-missing", "evidence/evidence-gap too-many-signatures", "signature/no-key-matches", "signature/unsigned"], Bounded(1, image));
    }

    [Fact]
    public void Verify_EnvelopeOfManySignatures_CostsNoMoreThanTheBound()
    {
        string image = $"registry:{Repository}:v1";
        _image = PushAndSign($"registry:{Repository}");
        Assert.Empty(Bounded(0, image));
        // As long as a signature of the key is, so that each is looked at.
        string signature = Convert.ToBase64String(_stranger.Sign("x"u8.ToArray()));
        byte[] envelope = Encoding.UTF8.GetBytes($"{{\"payloadType\":\"{Statement.PayloadType}\",\"payload\":\"{Convert.ToBase64String(new byte[1000])}\",\"signatures\":[{string.Join(',', Enumerable.Repeat($"{{\"sig\":\"{signature}\"}}", 50_000))}]}}");
        byte[] config = "{}"u8.ToArray();
        _registry.PutBlob(Name, envelope);
        _registry.PutBlob(Name, config);
        _registry.PutManifest(Name, ArtifactBuilder.CosignImage(config, EvidenceReader.EnvelopeMediaType, envelope), MediaTypes.OciManifest, $"sha256-{_image.Digest.Hex}.att");

        string[] codes = Bounded(1, image);

        Assert.Contains("evidence/too-many-signatures", codes);
        Assert.Contains("attestation/statement-missing", codes);
        // What is in hand is checked first.
        string bundle = _folder["bundle.tar"];
        At($"oci-archive:{bundle}", target =>
        {
            ImagePusher.Sign(target, _image, Repository, _release);
            return true;
        });
        Assert.Equal(["evidence/too-many-signatures"], Bounded(3, image, "--bundle", bundle));
        Policy("warn");
        Assert.Equal(["evidence/too-many-signatures"], Bounded(0, image, "--bundle", bundle));
    }

    [Fact]
    public void Verify_LayoutThatListsTooMuch_IsRefusedByTheNameOfTheBound()
    {
        string layout = _folder["layout"], index = _folder["layout/index.json"];
        _image = PushAndSign($"oci:{layout}");
        string[] image = [$"oci:{layout}:v1", "--as", $"{Repository}:v1"];
        Assert.Empty(Bounded(0, image[0], image[1..]));
        string before = File.ReadAllText(index);
        void List(int count, int size)
        {
            JsonNode json = JsonNode.Parse(before)!;
            string entries = string.Join(',', Enumerable.Range(0, count).Select(i => $"{{\"mediaType\":\"{MediaTypes.OciManifest}\",\"digest\":\"sha256:{i:x64}\",\"size\":{size}}}"));
            File.WriteAllText(index, json.ToJsonString().Replace("\"manifests\":[", $"\"manifests\":[{entries},", StringComparison.Ordinal));
        }

        // Longer than any index may be: nothing is read of it.
        List(Many, 100);
        (Outcome outcome, double seconds, double megabytes) = Verify(image[0], image[1..]);
        outcome.Expect(3).ExpectError("MaxJsonBytes");
        Assert.True(seconds < MostSeconds && megabytes < MostMegabytes, $"{seconds} s, {megabytes} MB");
        // Short enough to be read and with more entries than are looked at.
        List(20_001, 100);
        Assert.Contains("evidence/evidence-gap too-many-signatures", Bounded(1, image[0], image[1..]));
        // As many as may be, none of which is there: they are other things, and the image has what it had.
        List(19_000, 100);
        Assert.Empty(Bounded(0, image[0], image[1..]));
    }

    [Fact]
    public void Verify_BundleFileOfThousandsForAnImageWithoutManifest_IsBoundedAndNamed()
    {
        PushedImage image = PushAndSign($"oci-archive:{_folder["bundle.tar"]}");
        _image = image;
        string archive = _folder.Write("image.tar", ImageBuilder.Tar(Image().ArchiveFiles($"{Repository}:v1")));
        // Who has the config only goes through all that the bundle lists. A statement of ours about this config is needed first.
        string[] twin = Bounded(0, archive, "--bundle", _folder["bundle.tar"]);
        Assert.Empty(twin);

        Directory.CreateDirectory(_folder["unpacked"]);
        Tool.Run("tar", ["-xf", _folder["bundle.tar"], "-C", _folder["unpacked"]]);
        // As many statements about other images before the right ones as are gone through, and one more.
        PushedImage about = At($"oci:{_folder["other"]}", target =>
        {
            PushedImage pushed = ImagePusher.Push(target, new ImageBuilder().Layer(tar => tar.File("other", "x")), "v1");
            ImagePusher.Sign(target, pushed, Repository, _release);
            return pushed;
        });
        Fill("thousands.tar", about, EvidenceLimits.Default.MaxListed - 10);
        Assert.Empty(Bounded(0, archive, "--bundle", _folder["thousands.tar"]));
        Fill("many.tar", about, 15_000);

        string[] codes = Bounded(1, archive, "--bundle", _folder["many.tar"]);

        Assert.Contains("evidence/evidence-gap too-many-signatures", codes);
        Assert.Contains("signature/no-manifest", codes);
    }

    /// <summary>The bundle with statements about another image before its own, each a manifest of its own.</summary>
    private void Fill(string name, PushedImage about, int count)
    {
        Dictionary<string, byte[]> files = new(StringComparer.Ordinal);
        foreach (string folder in (string[])["other", "unpacked"])
            foreach (string file in Directory.GetFiles(_folder[folder], "*", SearchOption.AllDirectories))
                files[Path.GetRelativePath(_folder[folder], file)] = File.ReadAllBytes(file);
        JsonNode index = JsonNode.Parse(files["index.json"])!;
        JsonNode template = JsonNode.Parse(files.Values.First(f => f.AsSpan().IndexOf("\"subject\":{"u8) > 0 && f.AsSpan().IndexOf(Encoding.ASCII.GetBytes(about.Digest.Hex)) > 0 && f.AsSpan().IndexOf("\"layers\""u8) > 0))!;
        List<JsonNode> listed = [];
        for (int i = 0; i < count; i++)
        {
            template["annotations"] = new JsonObject { ["n"] = $"{i}" };
            JsonObject entry = ImageBuilder.Add(files, MediaTypes.OciManifest, Encoding.UTF8.GetBytes(template.ToJsonString()));
            entry["artifactType"] = SigstoreBundle.MediaType;
            listed.Add(entry);
        }
        index["manifests"] = new JsonArray([.. listed, .. index["manifests"]!.AsArray().Select(m => m!.DeepClone())]);
        files["index.json"] = Encoding.UTF8.GetBytes(index.ToJsonString());
        _folder.Write(name, ImageBuilder.Tar(files));
    }
}
