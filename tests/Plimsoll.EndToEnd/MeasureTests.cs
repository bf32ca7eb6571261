using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>
/// Attacks on the live store of a dockerd of the tests' own. Each image passes before it is attacked, and what is done to it is all
/// that differs when it does not pass afterwards.
/// </summary>
[Trait("needs", "host")]
public sealed partial class MeasureTests(SharedDocker docker) : IDisposable
{
    private const UnixFileMode Program = (UnixFileMode)0b111_101_101;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Call Call(params string[] arguments) => new Call(_folder.Path, arguments).With("DOCKER_HOST", docker.Host);

    /// <summary>Four layers that no other test's image shares.</summary>
    private static SavedImage Image(string name, string command = "true") => new SavedImage { Tag = $"plimsoll/measure-{name}:1" }
        .WithLayer(tar =>
        {
            Folder(tar, "etc/");
            Folder(tar, "usr/");
            Folder(tar, "usr/bin/");
            Text(tar, "etc/passwd", $"root:x:0:0:{name}:/root:/bin/sh\n");
            Text(tar, "etc/removed", name);
            Text(tar, "usr/bin/tool", $"#!/bin/sh\n# {name}\n{command}\n", Program);
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "usr/bin/sh") { LinkName = "tool" });
            tar.WriteEntry(new PaxTarEntry(TarEntryType.HardLink, "usr/bin/tool2") { LinkName = "usr/bin/tool", Mode = Program });
        })
        .WithLayer(tar =>
        {
            Text(tar, "etc/.wh.removed", "");
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "usr/bin/ping", new Dictionary<string, string>
            {
                // Revision 2, effective; cap_net_raw.
                ["SCHILY.xattr.security.capability"] = "\u0001\0\0\u0002\0\u0020\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                ["SCHILY.xattr.user.note"] = name,
            })
            { Mode = Program, DataStream = new MemoryStream(Encoding.UTF8.GetBytes("ping " + name)) });
            tar.WriteEntry(new PaxTarEntry(TarEntryType.CharacterDevice, "etc/null") { DeviceMajor = 1, DeviceMinor = 3 });
        })
        .WithLayer(tar => Text(tar, "srv/implied/data", $"data of {name}"))
        .WithLayer(tar =>
        {
            Folder(tar, "srv/");
            Folder(tar, "srv/implied/");
            Text(tar, "srv/implied/.wh..wh..opq", "");
            Text(tar, "srv/implied/more", $"more of {name}");
        });

    private static void Folder(TarWriter tar, string path) => tar.WriteEntry(new PaxTarEntry(TarEntryType.Directory, path) { Mode = Program });

    private static void Text(TarWriter tar, string path, string content, UnixFileMode mode = (UnixFileMode)0b110_100_100) =>
        tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, path) { Mode = mode, DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)) });

    private SavedImage Load(string name, bool files = false)
    {
        SavedImage image = Image(name);
        docker.Docker.Load(image.Build());
        JsonNode first = Measured(Call(["measure", "--json", .. files ? (string[])["--files", _folder["list"]] : [], image.Tag]).Run().Expect(0));
        Assert.Equal("stored", (string)first["baseline"]!["state"]!);
        Assert.Equal("first-use", (string)first["baseline"]!["origin"]!);
        // The twin: the same call on the same image, before the attack.
        JsonNode twin = Measured(Call("measure", "--check", "--json", image.Tag).Run().Expect(0));
        Assert.True((bool)twin["same"]!);
        Assert.Equal("same", (string)twin["unpacked"]!);
        Assert.Equal("first-use", (string)twin["baseline"]!["origin"]!);
        Assert.Empty(twin["differences"]!.AsArray());
        return image;
    }

    private static JsonNode Measured(Outcome outcome) => Assert.Single(outcome.Document["images"]!.AsArray())!;

    /// <summary>The attacked image is refused by name, in JSON and in the table, in both languages.</summary>
    private string[] Refused(SavedImage image, params string[] more)
    {
        JsonNode seen = Measured(Call(["measure", "--check", "--json", .. more, image.Tag]).Run().Expect(1));
        Assert.False((bool)seen["same"]!);
        string[] differences = [.. seen["differences"]!.AsArray().Select(d => $"{d!["layer"]} {d["kind"]} {d["path"]}")];
        Assert.NotEmpty(differences);
        Outcome table = Call(["measure", "--check", .. more, image.Tag]).Run().Expect(1);
        Outcome chinese = Call(["measure", "--check", "--lang", "zh", .. more, image.Tag]).Run().Expect(1);
        foreach (JsonNode? difference in seen["differences"]!.AsArray())
        {
            Assert.Contains((string)difference!["path"]!, table.Out, StringComparison.Ordinal);
            Assert.Contains((string)difference["path"]!, chinese.Out, StringComparison.Ordinal);
        }
        // Nor is it taken for a new baseline.
        Call(["measure", "--json", .. more.Where(m => m != "--check"), image.Tag]).Run().Expect(1);
        return differences;
    }

    private string LayerDb(SavedImage image, int layer, string file) =>
        Path.Combine(docker.Docker.DataRoot, "image/overlay2/layerdb/sha256", Oci.ChainId.Of(image.DiffIds)[layer].Hex, file);

    private string Unpacked(SavedImage image, int layer, string path = "") =>
        Path.Combine(docker.Docker.DataRoot, "overlay2", File.ReadAllText(LayerDb(image, layer, "cache-id")).Trim(), "diff", path).TrimEnd('/');

    private static void Flip(string file, int at)
    {
        using FileStream stream = new(file, FileMode.Open);
        stream.Position = at;
        int value = stream.ReadByte();
        stream.Position = at;
        stream.WriteByte((byte)(value ^ 1));
    }

    [Fact]
    public void Check_OneByteOfAFile_NamesIt()
    {
        SavedImage image = Load("byte");
        Flip(Unpacked(image, 0, "etc/passwd"), 9);

        Assert.Equal(["1 changed etc/passwd"], Refused(image));
    }

    [Fact]
    public void Check_TwoFilesInTwoLayers_NamesBoth()
    {
        SavedImage image = Load("two");
        Flip(Unpacked(image, 0, "etc/passwd"), 9);
        Flip(Unpacked(image, 3, "srv/implied/more"), 1);
        File.AppendAllText(Unpacked(image, 0, "usr/bin/tool"), "x");

        Assert.Equal(["1 changed etc/passwd", "1 changed usr/bin/tool", "1 changed usr/bin/tool2", "4 changed srv/implied/more"], Refused(image));
    }

    [Fact]
    public void Check_SetUserIdBit_IsNamed()
    {
        SavedImage image = Load("setuid");
        File.SetUnixFileMode(Unpacked(image, 1, "usr/bin/ping"), Program | UnixFileMode.SetUser);

        Assert.Equal(["2 mode usr/bin/ping"], Refused(image));
    }

    [Fact]
    public void Check_PlantedFile_IsNamed()
    {
        SavedImage image = Load("planted");
        File.WriteAllText(Unpacked(image, 2, "srv/implied/backdoor"), "#!/bin/sh\n");

        Assert.Equal(["3 planted srv/implied/backdoor"], Refused(image));
    }

    [Fact]
    public void Check_FileRemoved_IsNamed()
    {
        SavedImage image = Load("removed");
        File.Delete(Unpacked(image, 0, "etc/passwd"));

        Assert.Equal(["1 missing etc/passwd"], Refused(image));
    }

    [Fact]
    public void Check_LinkTargetSwapped_IsNamed()
    {
        SavedImage image = Load("link");
        File.Delete(Unpacked(image, 0, "usr/bin/sh"));
        File.CreateSymbolicLink(Unpacked(image, 0, "usr/bin/sh"), "/tmp/evil");

        Assert.Equal(["1 link usr/bin/sh"], Refused(image));
    }

    [Fact]
    public void Check_HardLinkMadeAFileOfItsOwn_IsNamed()
    {
        SavedImage image = Load("hardlink");
        string tool2 = Unpacked(image, 0, "usr/bin/tool2");
        byte[] content = File.ReadAllBytes(tool2);
        File.Delete(tool2);
        File.WriteAllBytes(tool2, content);
        File.SetUnixFileMode(tool2, Program);

        Assert.Equal(["1 link usr/bin/tool2"], Refused(image));
    }

    [Fact]
    public void Check_OwnerChanged_IsNamed()
    {
        SavedImage image = Load("owner");
        Tool.Run("chown", ["1000:0", Unpacked(image, 0, "etc/passwd")]);

        Assert.Equal(["1 owner etc/passwd"], Refused(image));
    }

    [Theory]
    [InlineData("user.note", "other")]
    [InlineData("security.capability", "all")]
    [InlineData("trusted.overlay.redirect", "/etc")]
    public void Check_AttributeChanged_IsNamed(string name, string value)
    {
        SavedImage image = Load("xattr-" + name.Replace('.', '-'));
        const string set = "import os,sys\nv=bytes.fromhex('0100000200ffffff00000000ff01000000000000') if sys.argv[3]=='all' else sys.argv[3].encode()\nos.setxattr(sys.argv[1],sys.argv[2],v)";
        Tool.Run("python3", ["-c", set, Unpacked(image, 1, "usr/bin/ping"), name, value]);

        Assert.Equal(["2 xattr usr/bin/ping"], Refused(image));
    }

    [Fact]
    public void Check_DeviceNumbersChanged_IsNamed()
    {
        SavedImage image = Load("device");
        string device = Unpacked(image, 1, "etc/null");
        UnixFileMode mode = File.GetUnixFileMode(device);
        File.Delete(device);
        Tool.Run("mknod", [device, "c", "1", "1"]);
        File.SetUnixFileMode(device, mode);

        Assert.Equal(["2 device etc/null"], Refused(image));
    }

    [Fact]
    public void Check_WhiteoutRemoved_IsNamed()
    {
        SavedImage image = Load("whiteout");
        File.Delete(Unpacked(image, 1, "etc/removed"));

        Assert.Equal(["2 whiteout etc/removed"], Refused(image));
    }

    [Fact]
    public void Check_WhiteoutPlanted_IsNamed()
    {
        SavedImage image = Load("whiteout-planted");
        Tool.Run("mknod", [Unpacked(image, 1, "etc/passwd"), "c", "0", "0"]);

        Assert.Equal(["2 whiteout etc/passwd"], Refused(image));
    }

    [Fact]
    public void Check_OpaqueFolderOpened_IsNamed()
    {
        SavedImage image = Load("opaque");
        Tool.Run("python3", ["-c", "import os,sys;os.removexattr(sys.argv[1],'trusted.overlay.opaque')", Unpacked(image, 3, "srv/implied")]);

        Assert.Contains("4 whiteout srv/implied", Refused(image));
    }

    [Fact]
    public void Check_CacheIdsOfTwoLayersSwapped_NamesBothLayers()
    {
        SavedImage image = Load("swapped");
        string a = LayerDb(image, 2, "cache-id"), b = LayerDb(image, 3, "cache-id"), id = File.ReadAllText(a);
        File.WriteAllText(a, File.ReadAllText(b));
        File.WriteAllText(b, id);

        string[] differences = Refused(image);

        Assert.Contains("3 missing srv/implied/data", differences);
        Assert.Contains("3 planted srv/implied/more", differences);
        Assert.Contains("4 missing srv/implied/more", differences);
        Assert.Contains("4 planted srv/implied/data", differences);
    }

    [Fact]
    public void Check_FileAndTarSplitEditedTogether_NamesTheLayerAndWithAListTheFile()
    {
        SavedImage image = Load("together");
        string file = Unpacked(image, 0, "etc/passwd");
        Flip(file, 9);
        EditTarSplit(LayerDb(image, 0, "tar-split.json.gz"), line =>
        {
            if ((string?)line["name"] == "etc/passwd")
                line["payload"] = Convert.ToBase64String(Crc(File.ReadAllBytes(file)));
        });

        Assert.Equal(["1 layer "], Refused(image));
    }

    [Fact]
    public void Check_FileAndTarSplitEditedTogetherWithAList_NamesTheFile()
    {
        SavedImage image = Load("together-list", files: true);
        string file = Unpacked(image, 0, "etc/passwd");
        Flip(file, 9);
        EditTarSplit(LayerDb(image, 0, "tar-split.json.gz"), line =>
        {
            if ((string?)line["name"] == "etc/passwd")
                line["payload"] = Convert.ToBase64String(Crc(File.ReadAllBytes(file)));
        });

        // The list that was kept with the baseline names it; so does the list alone, on a host without a baseline.
        Assert.Equal(["1 changed etc/passwd"], Refused(image));
        JsonNode against = Measured(Call("measure", "--json", "--against", _folder["list"], image.Tag).With("PLIMSOLL_HOME", _folder["elsewhere"]).Run().Expect(1));
        Assert.Equal("changed etc/passwd", string.Join(',', against["differences"]!.AsArray().Select(d => $"{d!["kind"]} {d["path"]}")));
        Assert.StartsWith("sha384:", (string)against["differences"]![0]!["seen"]!, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_ModeAndTarSplitEditedTogether_NamesTheLayer()
    {
        SavedImage image = Load("together-mode");
        File.SetUnixFileMode(Unpacked(image, 0, "usr/bin/tool"), Program | UnixFileMode.SetUser);
        EditTarSplit(LayerDb(image, 0, "tar-split.json.gz"), line =>
        {
            if ((int)line["type"]! != 2 || line["payload"] is null)
                return;
            byte[] piece = Convert.FromBase64String((string)line["payload"]!);
            for (int at = 0; at + 512 <= piece.Length; at += 512)
                if (Encoding.ASCII.GetString(piece, at, 12).StartsWith("usr/bin/tool", StringComparison.Ordinal))
                {
                    byte[] header = piece[at..(at + 512)];
                    TarBuilder.Ascii(header, 100, "0004755");
                    TarBuilder.Sum(header);
                    header.CopyTo(piece, at);
                }
            line["payload"] = Convert.ToBase64String(piece);
        });

        Assert.Equal(["1 layer "], Refused(image));
    }

    [Fact]
    public void Check_ImageConfigEdited_IsRefusedWithBothDigests()
    {
        SavedImage image = Load("config");
        string file = Path.Combine(docker.Docker.DataRoot, "image/overlay2/imagedb/content/sha256", image.Id.Hex);
        string config = File.ReadAllText(file);
        File.WriteAllText(file, config.Replace("/bin/true", "/bin/evil", StringComparison.Ordinal));
        try
        {
            Outcome outcome = Call("measure", "--check", "--json", image.Tag).Run().Expect(1);

            outcome.ExpectError(image.Id.ToString(), Oci.Digest.Of(File.ReadAllBytes(file)).ToString());
            Assert.Equal("digest-mismatch", (string)Measured(outcome)["error"]!["code"]!);
        }
        finally
        {
            File.WriteAllText(file, config);
        }
    }

    [Fact]
    public void Check_NameMeansAnotherImage_IsNamed()
    {
        SavedImage image = Load("moved"), other = Image("moved", command: "evil");
        docker.Docker.Load(other.Build());

        JsonNode seen = Measured(Call("measure", "--check", "--json", image.Tag).Run().Expect(1));

        JsonNode difference = Assert.Single(seen["differences"]!.AsArray())!;
        Assert.Equal("config", (string)difference["kind"]!);
        Assert.Equal(other.Id.ToString(), (string)difference["seen"]!);
        Assert.Equal(image.Id.ToString(), (string)difference["wanted"]!);
    }

    [Fact]
    public void Check_NoBaseline_IsUndecided()
    {
        SavedImage image = Image("unknown");
        docker.Docker.Load(image.Build());

        Assert.Equal("none", (string)Measured(Call("measure", "--check", "--json", image.Tag).Run().Expect(3))["baseline"]!["state"]!);
        Assert.False(Directory.Exists(_folder["data/baselines"]));
    }

    [Theory]
    [InlineData("edited")]
    [InlineData("swapped")]
    [InlineData("deleted")]
    [InlineData("rolled-back")]
    [InlineData("all rolled-back")]
    public void Check_BaselineAttacked_IsNamed(string attack)
    {
        SavedImage image = Load("baseline-" + attack.Replace(' ', '-'));
        string baselines = _folder["data/baselines"], file = Path.Combine(baselines, $"{image.Id.Hex}.json"), index = Path.Combine(baselines, "index.json");
        byte[] before = File.ReadAllBytes(file), indexBefore = File.ReadAllBytes(index);
        switch (attack)
        {
            case "edited":
                File.WriteAllText(file, File.ReadAllText(file).Replace("\"payload\":\"eyJ", "\"payload\":\"eyI", StringComparison.Ordinal));
                break;
            case "swapped":
                SavedImage other = Load("baseline-other-" + attack);
                File.Copy(Path.Combine(baselines, $"{other.Id.Hex}.json"), file, overwrite: true);
                break;
            case "deleted":
                File.Delete(file);
                break;
            default:
                Call("measure", "--accept", image.Tag).Run().Expect(0);
                Call("measure", "--check", image.Tag).Run().Expect(0);
                File.WriteAllBytes(file, before);
                if (attack.StartsWith("all", StringComparison.Ordinal))
                    File.WriteAllBytes(index, indexBefore);
                break;
        }

        JsonNode seen = Measured(Call("measure", "--check", "--json", image.Tag).Run().Expect(1));

        Assert.Equal("fault", (string)seen["baseline"]!["state"]!);
        Assert.StartsWith(attack.Split(' ')[^1] + ": ", (string)seen["baseline"]!["fault"]!, StringComparison.Ordinal);
        Assert.Equal("baseline", (string)Assert.Single(seen["differences"]!.AsArray())!["kind"]!);
        // Nothing new is stored over what was attacked.
        Call("measure", image.Tag).Run().Expect(1);
        if (attack == "deleted")
        {
            Call("measure", "--forget", image.Tag).Run().Expect(0);
            Call("measure", image.Tag).Run().Expect(0);
            Call("measure", "--check", image.Tag).Run().Expect(0);
        }
    }

    [Fact]
    public void Measure_EveryWayOneImageComes_GivesOneValue()
    {
        SavedImage image = Image("ways");
        byte[] archive = image.Build();
        docker.Docker.Load(archive);
        string tar = _folder.Write("image.tar", archive), gzip = _folder.Write("image.tgz", ImageBuilder.Gzip(archive));
        Tool.Run("skopeo", ["copy", "--quiet", $"docker-archive:{tar}", $"oci:{_folder["layout"]}:1"]);
        using TestRegistry registry = new(_folder["registry"]);
        // v2s2 keeps the config, and so the image's id, as docker push does.
        Tool.Run("skopeo", ["copy", "--quiet", "--dest-tls-verify=false", "--format", "v2s2", $"docker-archive:{tar}", $"docker://{registry.Host}/team/app:1"]);
        // Who may not read the store gets what the daemon exports.
        Tool.Run("chmod", ["666", docker.Docker.Socket]);
        Tool.Run("chmod", ["755", docker.Docker.Folder]);

        JsonNode[] seen =
        [
            Measured(Call("measure", "--no-store", "--json", tar).Run().Expect(0)),
            Measured(Call("measure", "--no-store", "--json", gzip).Run().Expect(0)),
            Measured(Call("measure", "--no-store", "--json", $"registry:{registry.Host}/team/app:1", "--registry-http", registry.Host).Run().Expect(0)),
            Measured(Call("measure", "--no-store", "--json", image.Tag).Run().Expect(0)),
            Measured(new Call(null, "measure", "--no-store", "--json", image.Tag) { Through = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] }.With("DOCKER_HOST", docker.Host).Run().Expect(0)),
        ];

        Assert.Single(seen.Select(s => (string)s["measurement"]!["value"]!).Distinct());
        Assert.Equal(["not-compared", "not-compared", "not-compared", "same", "not-compared"], seen.Select(s => (string)s["unpacked"]!));
        // The layout has a config of its own form; its layers are the same.
        JsonNode layout = Measured(Call("measure", "--no-store", "--json", $"oci:{_folder["layout"]}:1").Run().Expect(0));
        Assert.Equal(seen[0]["measurement"]!["layers"]!.ToJsonString(), layout["measurement"]!["layers"]!.ToJsonString());
    }

    [Fact]
    public void Files_OfEverySource_AreOneList()
    {
        SavedImage image = Image("lists");
        byte[] archive = image.Build();
        docker.Docker.Load(archive);

        Call("measure", "--no-store", "--files", _folder["a"], _folder.Write("image.tar", archive)).Run().Expect(0);
        Call("measure", "--no-store", "--files", _folder["b"], image.Tag).Run().Expect(0);
        Call("measure", "--no-store", "--files", _folder["c"], _folder.Write("image.tgz", ImageBuilder.Gzip(archive))).Run().Expect(0);

        Assert.Equal(File.ReadAllText(_folder["a"]), File.ReadAllText(_folder["b"]));
        Assert.Equal(File.ReadAllText(_folder["a"]), File.ReadAllText(_folder["c"]));
        Assert.Contains("\"path\":\"etc/removed\",\"type\":\"whiteout\"}", File.ReadAllText(_folder["a"]), StringComparison.Ordinal);
        Call("measure", "--against", _folder["a"], image.Tag).Run().Expect(0);
    }

    [Fact]
    public void Against_WhatJsonWrote_TellsOneImageFromAnother()
    {
        SavedImage one = Image("against-one"), two = Image("against-two");
        docker.Docker.Load(one.Build());
        docker.Docker.Load(two.Build());
        File.WriteAllText(_folder["one.json"], Call("measure", "--no-store", "--json", one.Tag).Run().Expect(0).Out);

        Call("measure", "--against", _folder["one.json"], one.Tag).Run().Expect(0);
        Outcome other = Call("measure", "--json", "--against", _folder["one.json"], two.Tag).Run().Expect(1);

        Assert.Equal(["config", "layer", "layer", "layer", "layer"], Measured(other)["differences"]!.AsArray().Select(d => (string)d!["kind"]!));
        Call("measure", "--against", _folder["missing.json"], one.Tag).Run().Expect(2);
    }

    [Fact]
    public void Watch_LoadTagAndAttack_AreMeasuredByThemselves()
    {
        SavedImage first = Image("watch-first"), second = Image("watch-second");
        docker.Docker.Load(first.Build());
        string Baseline(SavedImage image) => _folder[$"data/baselines/{image.Id.Hex}.json"];
        using Running running = Call("measure", "--watch", "--json", "--interval", "3s", first.Tag, second.Tag, "plimsoll/measure-watch-tagged:1").Start();

        WaitFor(() => File.Exists(Baseline(first)), running);
        docker.Docker.Load(second.Build());
        WaitFor(() => File.Exists(Baseline(second)), running);
        docker.Docker.Tag(second.Tag, "plimsoll/measure-watch-tagged", "1");
        WaitFor(() => Index().Contains("measure-watch-tagged", StringComparison.Ordinal), running);
        Flip(Unpacked(first, 0, "etc/passwd"), 9);
        using ManualResetEventSlim pause = new();
        pause.Wait(TimeSpan.FromSeconds(8), TestContext.Current.CancellationToken);
        running.Interrupt();
        Outcome outcome = running.End().Expect(1);

        JsonNode[] lines = [.. outcome.Out.TrimEnd('\n').Split('\n').Select(l => JsonNode.Parse(l)!)];
        Assert.Equal("started", (string)lines[0]["event"]!);
        Assert.Equal("stopped", (string)lines[^1]["event"]!);
        Assert.Contains(lines, l => (string)l["cause"]! == "start" && (string?)l["config"] == first.Id.ToString() && (string)l["baseline"]!["origin"]! == "first-use");
        Assert.Contains(lines, l => (string)l["cause"]! == "load" && (string?)l["config"] == second.Id.ToString());
        Assert.Contains(lines, l => (string)l["cause"]! == "tag" && (string?)l["config"] == second.Id.ToString());
        Assert.Contains(lines, l => (string)l["cause"]! == "interval" && (string?)l["config"] == first.Id.ToString() && !(bool)l["same"]! && (string)l["differences"]![0]!["path"]! == "etc/passwd");

        string Index()
        {
            JsonNode envelope = JsonNode.Parse(File.ReadAllText(_folder["data/baselines/index.json"]))!;
            return Encoding.UTF8.GetString(Convert.FromBase64String((string)envelope["payload"]!));
        }
    }

    private static void WaitFor(Func<bool> condition, Running running) =>
        Assert.True(SpinWait.SpinUntil(() => condition() || !running.Alive, TimeSpan.FromSeconds(60)) && running.Alive, "it did not come, or the watch ended");

    private static void EditTarSplit(string path, Action<JsonNode> edit)
    {
        List<string> lines = [];
        using (StreamReader reader = new(new GZipStream(File.OpenRead(path), CompressionMode.Decompress)))
            while (reader.ReadLine() is { } line)
            {
                JsonNode node = JsonNode.Parse(line)!;
                edit(node);
                lines.Add(node.ToJsonString());
            }
        using StreamWriter writer = new(new GZipStream(File.Create(path), CompressionLevel.Fastest));
        foreach (string line in lines)
            writer.Write(line + "\n");
    }

    /// <summary>CRC-64 with the ISO polynomial, as Go's hash/crc64 computes it; eight bytes, big-endian.</summary>
    private static byte[] Crc(byte[] content)
    {
        ulong crc = ~0UL;
        foreach (byte b in content)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xD800000000000000UL : crc >> 1;
        }
        byte[] bytes = BitConverter.GetBytes(~crc);
        Array.Reverse(bytes);
        return bytes;
    }
}
