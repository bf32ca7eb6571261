using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>
/// One altered byte in every kind of source. Where content can be altered so that every format is still well formed, it is the
/// byte that turns the vulnerable version into a sound one: a scanner that checks no digest calls these images clean.
/// </summary>
public sealed class TamperTests(SmallDatabase database, SharedDocker docker) : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Scan_UntouchedImages_AreVulnerable()
    {
        // The control: what the tests below alter is found as it was.
        string archive = Archive(SmallDatabase.Image().ArchiveFiles()), layout = Layout(SmallDatabase.Image().LayoutFiles());
        foreach (string image in (string[])[archive, layout])
            Assert.Equal([SmallDatabase.Flaw], Call("scan", "--json", image).Run().Expect(0).Report.Flaws());
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("gzip")]
    [InlineData("zstd")]
    [InlineData("standard input")]
    public void Archive_LayerForged_IsRefusedWithBothDigests(string form)
    {
        ImageBuilder builder = SmallDatabase.Image();
        Dictionary<string, byte[]> files = builder.ArchiveFiles();
        string name = files.Single(f => f.Value == builder.Tars[1]).Key;
        files[name] = SmallDatabase.Forge(files[name]);
        string path = Archive(files);
        if (form == "gzip")
            File.WriteAllBytes(path, ImageBuilder.Gzip(File.ReadAllBytes(path)));
        if (form == "zstd")
            File.WriteAllBytes(path, Zstd(File.ReadAllBytes(path)));

        Refused("diff-id-mismatch", form == "standard input" ? "-" : $"docker-archive:{path}", form == "standard input" ? path : null,
            $"sha256:{ImageBuilder.Hex(files[name])}", $"sha256:{ImageBuilder.Hex(builder.Tars[1])}");
    }

    [Theory]
    [InlineData(0.25)]
    [InlineData(0.5)]
    [InlineData(0.75)]
    public void Archive_OneBitOfItsGzipStreamFlipped_IsRefused(double where)
    {
        // 64 KiB that do not compress stand in the middle, so that the flipped bit falls into content.
        byte[] noise = new byte[1 << 16];
        new Random(1).NextBytes(noise);
        string path = Archive(SmallDatabase.Image().Layer(tar => tar.File("noise", noise)).ArchiveFiles());
        byte[] packed = ImageBuilder.Gzip(File.ReadAllBytes(path));
        packed[(int)(packed.Length * where)] ^= 1;
        File.WriteAllBytes(path, packed);

        Refused(null, path, null);
    }

    [Fact]
    public void Archive_DiffIdAlteredConsistently_IsRefusedWithBothDigests()
    {
        ImageBuilder builder = SmallDatabase.Image();
        string right = ImageBuilder.Hex(builder.Tars[1]), wrong = Other(right);
        byte[] config = Replace(builder.Config(), right, wrong);
        Dictionary<string, byte[]> files = builder.ArchiveFiles();
        files.Remove($"{ImageBuilder.Hex(builder.Config())}.json");
        files[$"{ImageBuilder.Hex(config)}.json"] = config;
        files["manifest.json"] = Replace(files["manifest.json"], ImageBuilder.Hex(builder.Config()), ImageBuilder.Hex(config));

        Refused("diff-id-mismatch", Archive(files), null, $"sha256:{right}", $"sha256:{wrong}");
    }

    [Fact]
    public void Archive_ConfigAlteredUnderItsOldName_IsRefused()
    {
        ImageBuilder builder = SmallDatabase.Image();
        Dictionary<string, byte[]> files = builder.ArchiveFiles();
        string name = $"{ImageBuilder.Hex(builder.Config())}.json";
        files[name] = Replace(files[name], "RUN apt-get install openssl", "RUN apt-get install openssh");

        Refused("digest-mismatch", Archive(files), null, ImageBuilder.Hex(builder.Config()), ImageBuilder.Hex(files[name]));
    }

    [Fact]
    public void Layout_BlobForgedAndPackedAgain_IsRefusedWithBothDigests()
    {
        // Layers that are not packed keep their size when a byte changes, so that only the digest tells.
        ImageBuilder builder = SmallDatabase.Image().Stored(tar => tar);
        Dictionary<string, byte[]> files = Plain(builder);
        string blob = $"blobs/sha256/{ImageBuilder.Hex(builder.Tars[1])}";
        files[blob] = SmallDatabase.Forge(files[blob]);

        Refused("digest-mismatch", Layout(files), null, $"sha256:{ImageBuilder.Hex(files[blob])}", $"sha256:{ImageBuilder.Hex(builder.Tars[1])}");
    }

    [Theory]
    [InlineData("gzip", "folder")]
    [InlineData("zstd", "folder")]
    [InlineData("gzip", "archive")]
    public void Layout_OneBitOfAPackedBlobFlipped_IsRefusedWithBothDigests(string packing, string form)
    {
        ImageBuilder builder = SmallDatabase.Image();
        if (packing == "zstd")
            builder.Stored(Zstd);
        Dictionary<string, byte[]> files = builder.LayoutFiles(editManifest: packing == "zstd" ? m => MediaTypes(m, "application/vnd.oci.image.layer.v1.tar+zstd") : null);
        string blob = LayerBlob(files, 1), digest = blob.Split('/')[^1];
        files[blob][files[blob].Length / 2] ^= 4;

        Refused("digest-mismatch", form == "folder" ? Layout(files) : Archive(files), null, $"sha256:{digest}", $"sha256:{ImageBuilder.Hex(files[blob])}");
    }

    [Fact]
    public void Layout_BlobsOfTwoLayersSwapped_IsRefused()
    {
        Dictionary<string, byte[]> files = SmallDatabase.Image().LayoutFiles();
        string first = LayerBlob(files, 0), second = LayerBlob(files, 1);
        (files[first], files[second]) = (files[second], files[first]);

        Refused(null, Layout(files), null, first.Split('/')[^1][..12]);
    }

    [Fact]
    public void Layout_LayersSwappedInAConsistentManifest_IsRefused()
    {
        ImageBuilder builder = SmallDatabase.Image();
        Dictionary<string, byte[]> files = builder.LayoutFiles(editManifest: manifest =>
        {
            JsonArray layers = manifest["layers"]!.AsArray();
            JsonNode first = layers[0]!;
            layers.RemoveAt(0);
            layers.Add(first);
        });

        Refused("diff-id-mismatch", Layout(files), null, $"sha256:{ImageBuilder.Hex(builder.Tars[0])}", $"sha256:{ImageBuilder.Hex(builder.Tars[1])}");
    }

    [Fact]
    public void Layout_DiffIdAlteredConsistently_IsRefusedWithBothDigests()
    {
        ImageBuilder builder = SmallDatabase.Image();
        string right = ImageBuilder.Hex(builder.Tars[1]), wrong = Other(right);
        byte[] config = Replace(builder.Config(), right, wrong);
        Dictionary<string, byte[]> files = [];
        files = builder.LayoutFiles(editManifest: manifest =>
            manifest["config"] = new JsonObject { ["mediaType"] = "application/vnd.oci.image.config.v1+json", ["digest"] = $"sha256:{ImageBuilder.Hex(config)}", ["size"] = config.Length });
        files[$"blobs/sha256/{ImageBuilder.Hex(config)}"] = config;

        Refused("diff-id-mismatch", Layout(files), null, $"sha256:{right}", $"sha256:{wrong}");
    }

    [Fact]
    public void Layout_OneByteOfTheManifest_IsRefusedWithBothDigests()
    {
        Dictionary<string, byte[]> files = SmallDatabase.Image().LayoutFiles();
        string digest = (string)JsonNode.Parse(files["index.json"])!["manifests"]![0]!["digest"]!, blob = $"blobs/{digest.Replace(':', '/')}";
        files[blob] = Replace(files[blob], "\"schemaVersion\":2", "\"schemaVersion\":3");

        Refused("digest-mismatch", Layout(files), null, digest, $"sha256:{ImageBuilder.Hex(files[blob])}");
    }

    [Fact]
    public void Layout_OneByteOfTheIndex_IsRefused()
    {
        Dictionary<string, byte[]> files = SmallDatabase.Image().LayoutFiles();
        string hex = ((string)JsonNode.Parse(files["index.json"])!["manifests"]![0]!["digest"]!)[7..];
        files["index.json"] = Replace(files["index.json"], hex, Other(hex));

        Refused("blob-missing", Layout(files), null, Other(hex));
    }

    [Fact]
    public void Archive_ForgedAfterItWasScanned_IsRefusedThoughTheCacheKnowsIt()
    {
        ImageBuilder builder = SmallDatabase.Image();
        string path = Archive(builder.ArchiveFiles());
        DateTime before = DateTime.UtcNow.AddDays(-1);
        File.SetLastWriteTimeUtc(path, before);
        Call("scan", path).Run().Expect(0);
        Call("scan", path).Run().Expect(0);
        File.WriteAllBytes(path, SmallDatabase.Forge(File.ReadAllBytes(path)));
        // Size and time of change are as before; only ctime, which nobody can set, has moved.
        File.SetLastWriteTimeUtc(path, before);

        Refused("diff-id-mismatch", path, null, $"sha256:{ImageBuilder.Hex(builder.Tars[1])}");
    }

    [Fact]
    public void Unverified_OnAForgedArchive_SaysSoInEveryFormatAndFillsNoCache()
    {
        string path = Archive(SmallDatabase.Image().ArchiveFiles());
        File.WriteAllBytes(path, SmallDatabase.Forge(File.ReadAllBytes(path)));

        Outcome table = Call("scan", "--unverified", path).Run();
        Outcome json = Call("scan", "--unverified", "--json", path).Run();
        Outcome cyclonedx = Call("scan", "--unverified", "--output", "cyclonedx", path).Run();

        Assert.Contains("verified", table.Out, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("not verified", table.Out.Replace("UNVERIFIED", "not verified", StringComparison.OrdinalIgnoreCase), StringComparison.OrdinalIgnoreCase);
        Assert.False((bool)json.Report["verified"]!);
        Assert.Contains("unverified", json.Report.Notes());
        Assert.Contains(cyclonedx.Document["metadata"]!["properties"]!.AsArray(), p => (string)p!["name"]! == "plimsoll:verified" && (string)p["value"]! == "false");
        Refused("diff-id-mismatch", path, null);
    }

    [Fact]
    public void SeveralImages_OneForged_OthersAreReportedAndTheExitCodeIs3()
    {
        string good = Archive(SmallDatabase.Image().ArchiveFiles());
        string bad = _folder.Write("bad.tar", SmallDatabase.Forge(File.ReadAllBytes(good)));

        Outcome json = Call("scan", "--json", bad, good).Run().Expect(3);
        Outcome table = Call("scan", bad, good).Run().Expect(3);
        Outcome threshold = Call("scan", "--fail-on", "any", bad, good).Run().Expect(1);

        Assert.Equal("diff-id-mismatch", (string)json.Reports[0]!["error"]!["code"]!);
        Assert.False((bool)json.Reports[0]!["complete"]!);
        Assert.Null(json.Reports[0]!["findings"]);
        Assert.Equal([SmallDatabase.Flaw], json.Reports[1]!.Flaws());
        Assert.Contains("CVE-2025-0001", table.Out, StringComparison.Ordinal);
        Assert.Contains("bad.tar", table.ExpectError("sha256:"), StringComparison.Ordinal);
        threshold.ExpectError("bad.tar");
    }

    [Fact]
    [Trait("needs", "host")]
    public void Docker_FileOfItsStoreForged_IsRefusedThoughDockerWouldRunIt()
    {
        const string Tag = "plimsoll/forged:1";
        docker.Docker.Load(ImageBuilder.Tar(SmallDatabase.Image().ArchiveFiles(Tag)));
        Assert.Equal([SmallDatabase.Flaw], Call("scan", "--json", $"docker:{Tag}").With("DOCKER_HOST", docker.Host).Run().Expect(0).Report.Flaws());
        string status = Directory.EnumerateFiles(Path.Combine(docker.Docker.DataRoot, "overlay2"), "status", SearchOption.AllDirectories)
            .Single(f => f.EndsWith("diff/var/lib/dpkg/status", StringComparison.Ordinal) && File.ReadAllText(f) == SmallDatabase.Status());
        File.WriteAllBytes(status, SmallDatabase.Forge(File.ReadAllBytes(status)));
        try
        {
            Outcome table = Call("scan", $"docker:{Tag}").With("DOCKER_HOST", docker.Host).Run().Expect(3).ExpectNoCleanBill();
            Outcome json = Call("scan", "--json", $"docker:{Tag}").With("DOCKER_HOST", docker.Host).Run().Expect(3);

            table.ExpectError($"sha256:{ImageBuilder.Hex(SmallDatabase.Image().Tars[1])}");
            Assert.Contains("mismatch", (string)json.Report["error"]!["code"]!, StringComparison.Ordinal);
        }
        finally
        {
            File.WriteAllText(status, SmallDatabase.Status());
            docker.Docker.Remove(Tag);
        }
    }

    private Call Call(params string[] arguments) => database.Call(_folder, arguments);

    /// <summary>Exit code 3, one named error with these values, an error in the JSON, and nothing that sounds clean in any format.</summary>
    private void Refused(string? code, string image, string? input, params string[] values)
    {
        string jsonFile = _folder["report.json"], bom = _folder["bom.json"];
        Outcome Scan(params string[] options)
        {
            Call call = new(_folder.Path, ["scan", .. options, image]) { Input = input };
            return call.With("PLIMSOLL_SCAN_DB", database.Path).Run().Expect(3).ExpectNoCleanBill();
        }

        Outcome table = Scan("--output", "table", "--output", $"json={jsonFile}", "--output", $"cyclonedx={bom}");
        Outcome threshold = Scan("--fail-on", "any", "--lang", "zh");

        Assert.Empty(table.Out);
        string error = table.ExpectError(values);
        JsonNode report = Assert.Single(JsonNode.Parse(File.ReadAllText(jsonFile))!["reports"]!.AsArray())!;
        Assert.False((bool)report["complete"]!);
        Assert.Null(report["findings"]);
        // On standard error the image is named as well; the JSON has it in a member of its own.
        Assert.EndsWith((string)report["error"]!["message"]!, error, StringComparison.Ordinal);
        // A bill of materials of what could not be read would be an empty one.
        Assert.False(File.Exists(bom));
        string named = (string)report["error"]!["code"]!;
        Assert.NotEqual("internal", named);
        Assert.NotEqual("failed", named);
        if (code is not null)
            Assert.Equal(code, named);
        Assert.Empty(threshold.Out);
        threshold.ExpectError(values);
    }

    private string Archive(Dictionary<string, byte[]> files) => _folder.Write("image.tar", ImageBuilder.Tar(files));

    private string Layout(Dictionary<string, byte[]> files)
    {
        string folder = _folder[$"layout-{files["index.json"].Length}"];
        ImageBuilder.Write(files, folder);
        return $"oci:{folder}";
    }

    private static Dictionary<string, byte[]> Plain(ImageBuilder builder) => builder.LayoutFiles(editManifest: m => MediaTypes(m, "application/vnd.oci.image.layer.v1.tar"));

    private static void MediaTypes(JsonObject manifest, string type)
    {
        foreach (JsonNode? layer in manifest["layers"]!.AsArray())
            layer!["mediaType"] = type;
    }

    private static string LayerBlob(Dictionary<string, byte[]> files, int layer)
    {
        string manifest = (string)JsonNode.Parse(files["index.json"])!["manifests"]![0]!["digest"]!;
        return $"blobs/{((string)JsonNode.Parse(files[$"blobs/{manifest.Replace(':', '/')}"])!["layers"]![layer]!["digest"]!).Replace(':', '/')}";
    }

    private static byte[] Replace(byte[] text, string old, string @new)
    {
        string before = Encoding.UTF8.GetString(text), after = before.Replace(old, @new, StringComparison.Ordinal);
        Assert.NotEqual(before, after);
        return Encoding.UTF8.GetBytes(after);
    }

    /// <summary>The same digest but for its first digit.</summary>
    private static string Other(string hex) => (hex[0] == '0' ? '1' : '0') + hex[1..];

    private byte[] Zstd(byte[] bytes)
    {
        string plain = _folder.Write("plain", bytes);
        Tool.Run("zstd", ["-q", "-f", plain, "-o", plain + ".zst"]);
        return File.ReadAllBytes(plain + ".zst");
    }
}
