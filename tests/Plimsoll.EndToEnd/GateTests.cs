using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>
/// Attacks on a gated host, through docker itself. Each container starts before the attack, and what is done to the host is all that
/// differs when it does not start afterwards.
/// </summary>
[Trait("needs", "host")]
public sealed partial class GateTests(SharedGate gate)
{
    private const UnixFileMode Program = (UnixFileMode)0b111_101_101;

    private GatedHost Host => gate.Host;

    /// <summary>What <c>docker run</c> printed of the refusal: exactly this code, and these parts of its text.</summary>
    private static void Refused(Outcome outcome, string code, params string[] parts)
    {
        Assert.True(outcome.Code != 0, $"it started: {outcome.Out}");
        Refused(outcome.Error, code, parts);
    }

    private static void Refused(string said, string code, params string[] parts)
    {
        const string voice = "plimsoll: ";
        int at = said.IndexOf(voice, StringComparison.Ordinal);
        Assert.True(at >= 0 && said[(at + voice.Length)..].Split(':')[0] == code, $"wanted {code} in: {said}");
        foreach (string part in parts)
            Assert.True(said.Contains(part, StringComparison.Ordinal), $"wanted {part} in: {said}");
    }

    private static void Runs(Outcome outcome) => Assert.Equal("it runs\n", outcome.Expect(0).Out);

    /// <summary>Another policy for the time of an action. Whatever this class does, it does one after the other.</summary>
    private void Under(string policy, Action action)
    {
        Host.Policy(policy);
        try
        {
            action();
        }
        finally
        {
            Host.Policy(GatedHost.Open);
        }
    }

    /// <summary>The host's policy with another <c>start</c> section.</summary>
    private static string WithStart(string section) => GatedHost.Open.Replace("start: default", section, StringComparison.Ordinal);

    /// <summary>The default, and these operations.</summary>
    private static string Allowing(params string[] operations) => WithStart($$"""
        start:
          engine: {allow: [attach, copy-out, exec, load, manage, network, pull, push, read, remove, tag, update, volume, {{string.Join(", ", operations)}}]}
          rules:
          - names: ["**"]
        """);

    private static void Flip(string file, int at)
    {
        using FileStream stream = new(file, FileMode.Open);
        stream.Position = at;
        int value = stream.ReadByte();
        stream.Position = at;
        stream.WriteByte((byte)(value ^ 1));
    }

    /// <summary>Every way in which the store of a host was attacked before <c>plimsoll measure</c>, now before <c>docker run</c>.</summary>
    [Theory]
    [InlineData("byte", "not-intact", "layer 2: /etc/passwd (changed)")]
    [InlineData("two", "not-intact", "layer 2: /etc/passwd (changed)", "layer 3: /srv/ping (changed)")]
    [InlineData("setuid", "not-intact", "layer 3: /srv/ping (mode)")]
    [InlineData("planted", "not-intact", "layer 2: /bin/backdoor (planted)")]
    [InlineData("missing", "not-intact", "layer 2: /etc/passwd (missing)")]
    [InlineData("link", "not-intact", "layer 2: /srv/link (link)")]
    [InlineData("hardlink", "not-intact", "layer 2: /srv/hard (link)")]
    [InlineData("owner", "not-intact", "layer 2: /etc/passwd (owner)")]
    [InlineData("xattr", "not-intact", "layer 3: /srv/ping (xattr)")]
    [InlineData("redirect", "not-intact", "layer 3: /srv (xattr)")]
    [InlineData("capability", "not-intact", "layer 5: /srv/cap (xattr)")]
    [InlineData("device", "not-intact", "layer 5: /etc/null (device)")]
    [InlineData("whiteout-removed", "not-intact", "layer 3: /etc/removed (whiteout)")]
    [InlineData("whiteout-planted", "not-intact", "layer 3: /etc/passwd (whiteout)")]
    [InlineData("opaque-removed", "not-intact", "layer 5: /opt/app (whiteout)")]
    [InlineData("opaque-user", "not-intact", "layer 5: /opt/app (whiteout)")]
    [InlineData("file-and-record", "not-intact", "layer 2: layer")]
    [InlineData("mode-and-record", "not-intact", "layer 2: layer")]
    [InlineData("content-in-record", "not-intact", "layer 2: layer")]
    [InlineData("content-of-another", "not-intact", "layer 4: layer")]
    [InlineData("layer-in-record", "not-intact", "layer 2: layer")]
    [InlineData("cache-ids", "no-image")]
    [InlineData("cache-id-removed", "no-image")]
    [InlineData("one-folder", "not-intact", "layer 2 of 3 and one below it have the same folder")]
    [InlineData("lower-less", "no-image")]
    [InlineData("lower-order", "no-image")]
    [InlineData("parent", "not-intact", "layer 3: /image/overlay2/layerdb/sha256/", "/parent (stack)")]
    [InlineData("link-note", "no-image")]
    public void Run_StoreAttacked_IsRefusedByName(string attack, string code, params string[] parts)
    {
        SavedImage image = attack is "content-of-another" or "capability" or "device" or "opaque-removed" or "opaque-user" ? SignedWithMore($"store-{attack}") : Host.Signed($"store-{attack}");
        Runs(Host.Start(image));

        Attack(image, attack);

        Refused(Host.Start(image), code, parts);
    }

    /// <summary>What Docker itself misses, or cannot mount anew: a container that was created before, it starts.</summary>
    [Theory]
    [InlineData("byte", "not-intact", "layer 2: /etc/passwd (changed)")]
    [InlineData("config", "rule/no-image", "the store has no config whose digest is")]
    [InlineData("lower-less", "not-intact", "layer 3: /overlay2/", "/lower (stack)")]
    [InlineData("link-names", "not-intact", "layer 2: /overlay2/l/", "(stack)")]
    [InlineData("own-lower", "no-image")]
    [InlineData("own-userxattr", "not-proved", "mounted with userxattr")]
    [InlineData("own-index", "not-proved", "mounted with index=on")]
    [InlineData("own-opaque", "own-layer", "hides what the image has in /srv")]
    [InlineData("own-mode", "own-layer", "gives /srv other rights")]
    [InlineData("own-owner", "own-layer", "gives /srv other rights")]
    [InlineData("own-attribute", "own-layer", "gives /srv other rights")]
    [InlineData("own-root", "own-layer", "gives / other rights")]
    [InlineData("init-mode", "init-layer", "/etc (mode 777 of 0:0 where Docker makes 755 of 0:0)")]
    public void Start_StoreAttackedSinceTheContainerWasCreated_IsRefusedByName(string attack, string code, params string[] parts)
    {
        SavedImage image = Host.Signed($"created-{attack}");
        string twin = Create(image), attacked = Create(image);
        Runs(Host.Docker("start", "-a", twin));

        if (attack is "own-userxattr" or "own-index")
        {
            // Docker looks where each name leads, and the kernel ends a name at the comma.
            string option = attack == "own-index" ? "index=on" : "userxattr", note = Path.Combine(Host.Own(attacked, ""), "../lower"), name = File.ReadAllText(note).Split(':')[^1], link = Path.Combine(Host.Daemon.DataRoot, "overlay2", name);
            File.CreateSymbolicLink($"{link},{option}", new FileInfo(link).LinkTarget!);
            File.AppendAllText(note, $",{option}");
        }
        else if (attack == "own-opaque")
        {
            // One that hides nothing is what Docker makes for a working directory.
            foreach (string folder in (string[])["new", "srv"])
            {
                Directory.CreateDirectory(Host.Own(attacked, folder));
                Attribute("os.setxattr(sys.argv[1],'trusted.overlay.opaque',b'y')", Host.Own(attacked, folder));
            }
        }
        else if (attack is "own-mode" or "own-owner" or "own-attribute")
        {
            // What the kernel makes when something comes into a folder of the image, and what Docker makes for a working directory.
            string honest = Create(image);
            Directory.CreateDirectory(Host.Own(honest, "srv"), Program);
            Directory.CreateDirectory(Host.Own(honest, "srv/work"), Program | UnixFileMode.GroupWrite);
            Runs(Host.Docker("start", "-a", honest));
            Directory.CreateDirectory(Host.Own(attacked, "srv"), Program);
            File.SetUnixFileMode(Host.Own(attacked, "srv"), attack == "own-mode" ? Program | UnixFileMode.OtherWrite : Program);
            if (attack == "own-owner")
                Tool.Run("chown", ["1000:0", Host.Own(attacked, "srv")]);
            if (attack == "own-attribute")
                Attribute("os.setxattr(sys.argv[1],'user.note',b'other')", Host.Own(attacked, "srv"));
        }
        else if (attack == "own-root")
            File.SetUnixFileMode(Host.Own(attacked, ""), Program | UnixFileMode.OtherWrite);
        else if (attack == "init-mode")
            File.SetUnixFileMode(Host.Own(attacked, "etc", "-init"), (UnixFileMode)0b111_111_111);
        else if (attack == "own-lower")
        {
            string lower = Path.Combine(Host.Own(attacked, ""), "../lower");
            string[] below = File.ReadAllText(lower).Split(':');
            // -init, layer 3, layer 2, layer 1.
            File.WriteAllText(lower, string.Join(':', below[0], below[1], below[3]));
        }
        else
            Attack(image, attack);

        Refused(Host.Docker("start", "-a", attacked), code, parts);
    }

    /// <summary>Two layers more: a file capability, a device, and a folder that hides the one below it.</summary>
    private SavedImage SignedWithMore(string name)
    {
        SavedImage image = Host.Image(name)
            .WithLayer(("opt/app/old", $"old {name}"), ("opt/one", $"same {name}"), ("opt/two", $"same {name}"))
            .WithLayer(tar =>
            {
                tar.WriteEntry(new PaxTarEntry(TarEntryType.CharacterDevice, "etc/null") { DeviceMajor = 1, DeviceMinor = 3 });
                tar.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "opt/app/") { Mode = Program });
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "opt/app/.wh..wh..opq"));
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "opt/app/new") { DataStream = new MemoryStream(Encoding.UTF8.GetBytes($"new {name}")) });
                // Revision 2, effective; cap_net_raw.
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "srv/cap", new Dictionary<string, string> { ["SCHILY.xattr.security.capability"] = "\u0001\0\0\u0002\0\u0020\0\0\0\0\0\0\0\0\0\0\0\0\0\0" })
                { Mode = Program, DataStream = new MemoryStream(Encoding.UTF8.GetBytes($"cap {name}")) });
            });
        Host.Daemon.Load(image.Build());
        Host.Sign(image, name);
        return image;
    }

    private string OverlayNote(SavedImage image, int layer, string file) => Path.Combine(Path.GetDirectoryName(Host.Unpacked(image, layer))!, file);

    private static void Attribute(string call, string path, params string[] more) => Tool.Run("python3", ["-c", $"import os,sys;{call}", path, .. more]);

    private void Attack(SavedImage image, string attack)
    {
        string passwd = Host.Unpacked(image, 1, "etc/passwd"), ping = Host.Unpacked(image, 2, "srv/ping");
        switch (attack)
        {
            case "byte":
                Flip(passwd, 9);
                break;
            case "two":
                Flip(passwd, 9);
                File.AppendAllText(ping, "x");
                break;
            case "setuid":
                File.SetUnixFileMode(ping, Program | UnixFileMode.SetUser);
                break;
            case "planted":
                File.WriteAllText(Host.Unpacked(image, 1, "bin/backdoor"), "#!/bin/sh\n");
                break;
            case "missing":
                File.Delete(passwd);
                break;
            case "link":
                File.Delete(Host.Unpacked(image, 1, "srv/link"));
                File.CreateSymbolicLink(Host.Unpacked(image, 1, "srv/link"), "/tmp/evil");
                break;
            case "hardlink":
                string hard = Host.Unpacked(image, 1, "srv/hard"), content = File.ReadAllText(hard);
                UnixFileMode mode = File.GetUnixFileMode(hard);
                File.Delete(hard);
                File.WriteAllText(hard, content);
                File.SetUnixFileMode(hard, mode);
                break;
            case "owner":
                Tool.Run("chown", ["1000:0", passwd]);
                break;
            case "xattr":
                Attribute("os.setxattr(sys.argv[1],'user.note',b'other')", ping);
                break;
            case "redirect":
                Attribute("os.setxattr(sys.argv[1],'trusted.overlay.redirect',b'/etc')", Path.GetDirectoryName(ping)!);
                break;
            case "capability":
                Attribute("os.setxattr(sys.argv[1],'security.capability',bytes.fromhex('0100000200ffffff00000000ff01000000000000'))", Host.Unpacked(image, 4, "srv/cap"));
                break;
            case "device":
                string device = Host.Unpacked(image, 4, "etc/null");
                UnixFileMode deviceMode = File.GetUnixFileMode(device);
                File.Delete(device);
                Tool.Run("mknod", [device, "c", "1", "1"]);
                File.SetUnixFileMode(device, deviceMode);
                break;
            case "opaque-removed":
                Attribute("os.removexattr(sys.argv[1],'trusted.overlay.opaque')", Host.Unpacked(image, 4, "opt/app"));
                break;
            case "opaque-user":
                Attribute("os.removexattr(sys.argv[1],'trusted.overlay.opaque');os.setxattr(sys.argv[1],'user.overlay.opaque',b'y')", Host.Unpacked(image, 4, "opt/app"));
                break;
            case "whiteout-removed":
                File.Delete(Host.Unpacked(image, 2, "etc/removed"));
                break;
            case "whiteout-planted":
                Tool.Run("mknod", [Host.Unpacked(image, 2, "etc/passwd"), "c", "0", "0"]);
                break;
            case "cache-ids":
                Exchange(Host.Note(image, 1, "cache-id"), Host.Note(image, 2, "cache-id"));
                break;
            case "cache-id-removed":
                File.Delete(Host.Note(image, 1, "cache-id"));
                break;
            case "one-folder":
                foreach (string note in (string[])["cache-id", "tar-split.json.gz", "size"])
                    File.Copy(Host.Note(image, 0, note), Host.Note(image, 1, note), overwrite: true);
                break;
            case "lower-less" or "lower-order":
                // Layer 2, layer 1.
                string lower = OverlayNote(image, 2, "lower");
                string[] below = File.ReadAllText(lower).Split(':');
                File.WriteAllText(lower, attack == "lower-less" ? below[1] : $"{below[1]}:{below[0]}");
                break;
            case "link-names":
                Exchange(OverlayNote(image, 1, "link"), OverlayNote(image, 2, "link"));
                break;
            case "parent":
                File.WriteAllText(Host.Note(image, 2, "parent"), ChainId.Of(image.DiffIds)[0].ToString());
                break;
            case "file-and-record":
                EditWithRecord(image, "srv/page");
                break;
            // The tar that comes out is the right one, and the file that the container gets was not looked at.
            case "content-in-record":
                string page = Host.Unpacked(image, 1, "srv/page"), right = File.ReadAllText(page);
                EditRecord(Host.Note(image, 1, "tar-split.json.gz"), text => string.Join('\n', text.Split('\n').Select(l => WithContent(l, "srv/page", right))));
                Flip(page, 1);
                break;
            case "content-of-another":
                EditRecord(Host.Note(image, 3, "tar-split.json.gz"), text => text.Replace("\"opt/one\",\"size\"", "\"opt/two\",\"size\"", StringComparison.Ordinal));
                Flip(Host.Unpacked(image, 3, "opt/one"), 1);
                break;
            case "layer-in-record":
                byte[] whole = Rebuilt(Host.Note(image, 1, "tar-split.json.gz"), Host.Unpacked(image, 1));
                Flip(Host.Unpacked(image, 1, "srv/page"), 1);
                EditRecord(Host.Note(image, 1, "tar-split.json.gz"), _ => new JsonObject { ["type"] = 2, ["payload"] = Convert.ToBase64String(Packed(whole)), ["position"] = 0 }.ToJsonString() + "\n");
                break;
            case "mode-and-record":
                File.SetUnixFileMode(Host.Unpacked(image, 1, "bin/tool"), Program | UnixFileMode.SetUser);
                EditRecord(Host.Note(image, 1, "tar-split.json.gz"), text => string.Join('\n', text.Split('\n').Select(l => WithMode(l, "bin/tool", "0004755"))));
                break;
            case "config":
                string config = Path.Combine(Host.Daemon.DataRoot, "image/overlay2/imagedb/content/sha256", image.Id.Hex);
                File.WriteAllText(config, File.ReadAllText(config).Replace("it runs", "it rubs", StringComparison.Ordinal));
                break;
            case "link-note":
                // The short name by which the layer is mounted leads to a copy elsewhere from now on.
                string folder = Path.Combine(Host.Daemon.DataRoot, "overlay2"), copy = Path.Combine(folder, new string('a', 64));
                Directory.CreateDirectory(copy);
                Tool.Run("cp", ["-a", Host.Unpacked(image, 1), Path.Combine(copy, "diff")]);
                string link = Path.Combine(folder, "l", File.ReadAllText(Path.Combine(folder, Host.CacheId(image, 1), "link")));
                File.Delete(link);
                File.CreateSymbolicLink(link, $"../{new string('a', 64)}/diff");
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(attack), attack, null);
        }
    }

    /// <summary>Edits a file and the checksum that tar-split keeps of it, so that the record agrees.</summary>
    private void EditWithRecord(SavedImage image, string path)
    {
        string file = Host.Unpacked(image, 1, path), record = Host.Note(image, 1, "tar-split.json.gz");
        string before = Convert.ToBase64String(Crc(File.ReadAllBytes(file)));
        Flip(file, 1);
        string after = Convert.ToBase64String(Crc(File.ReadAllBytes(file)));
        EditRecord(record, text => text.Replace(before, after, StringComparison.Ordinal));
    }

    private static void EditRecord(string record, Func<string, string> edit)
    {
        using MemoryStream plain = new();
        using (GZipStream packed = new(File.OpenRead(record), CompressionMode.Decompress))
            packed.CopyTo(plain);
        string before = Encoding.UTF8.GetString(plain.ToArray()), after = edit(before);
        Assert.NotEqual(before, after);
        using GZipStream again = new(File.Create(record), CompressionLevel.Fastest);
        again.Write(Encoding.UTF8.GetBytes(after));
    }

    /// <summary>A line of tar-split's record, with a file's content in place of the file.</summary>
    private static string WithContent(string line, string path, string content) =>
        line.Length > 0 && JsonNode.Parse(line) is { } node && (int)node["type"]! == 1 && (string?)node["name"] == path
            ? new JsonObject { ["type"] = 2, ["payload"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(content)), ["position"] = (int)node["position"]! }.ToJsonString() : line;

    /// <summary>The tar of a layer, from tar-split's record and its files.</summary>
    private static byte[] Rebuilt(string record, string folder)
    {
        using MemoryStream tar = new();
        using StreamReader lines = new(new GZipStream(File.OpenRead(record), CompressionMode.Decompress));
        while (lines.ReadLine() is { } line)
            if (JsonNode.Parse(line) is { } node)
                tar.Write((int)node["type"]! == 2 ? Convert.FromBase64String((string)node["payload"]!) : node["size"] is null ? [] : File.ReadAllBytes(Path.Combine(folder, (string)node["name"]!)));
        return tar.ToArray();
    }

    private static byte[] Packed(byte[] bytes)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return packed.ToArray();
    }

    /// <summary>A line of tar-split's record, with another mode in the header of a file.</summary>
    private static string WithMode(string line, string path, string mode)
    {
        if (line.Length == 0 || JsonNode.Parse(line) is not { } node || (int)node["type"]! != 2 || node["payload"] is not { } payload)
            return line;
        byte[] piece = Convert.FromBase64String((string)payload!), name = Encoding.ASCII.GetBytes(path + '\0');
        // What fills up the file before it comes first.
        int at = piece.AsSpan().IndexOf(name);
        if (at < 0)
            return line;
        byte[] header = piece[at..(at + 512)];
        TarBuilder.Ascii(header, 100, mode);
        TarBuilder.Sum(header);
        header.CopyTo(piece, at);
        node["payload"] = Convert.ToBase64String(piece);
        return node.ToJsonString();
    }

    private static void Exchange(string one, string other)
    {
        string content = File.ReadAllText(one);
        File.Copy(other, one, overwrite: true);
        File.WriteAllText(other, content);
    }

    [Theory]
    [InlineData("oci-archive")]
    [InlineData("oci")]
    public void Run_FileAndItsRecordEdited_TheSignedListNamesTheFile(string form)
    {
        SavedImage image = Host.SignedWithFiles($"listed-{form}", form);
        Runs(Host.Start(image));

        EditWithRecord(image, "srv/page");
        Refused(Host.Start(image), "not-intact", "layer 2: /srv/page (changed)");

        // A second file that tar-split still knows better must not draw the eye from the first.
        Flip(Host.Unpacked(image, 1, "etc/passwd"), 9);
        Refused(Host.Start(image), "not-intact", "/etc/passwd (changed)", "/srv/page (changed)");
    }

    [Fact]
    public void Run_FileRecordAndListEdited_TheLayerIsNamed()
    {
        SavedImage image = Host.SignedWithFiles("listed-edited", "oci");
        Runs(Host.Start(image));

        EditWithRecord(image, "srv/page");
        string blobs = Path.Combine(Host.State, "evidence", "listed-edited", "blobs", "sha256");
        string list = Directory.GetFiles(blobs).Single(f => File.ReadAllText(f).Contains("\"type\":\"application/vnd.plimsoll.files", StringComparison.Ordinal));
        Flip(list, 200);

        Outcome outcome = Host.Start(image);
        Refused(outcome, "not-intact", "layer 2: layer");
        Assert.DoesNotContain("/srv/page", outcome.Error, StringComparison.Ordinal);
    }

    /// <summary>CRC-64 (ISO 3309) as tar-split writes it.</summary>
    private static byte[] Crc(byte[] bytes)
    {
        ulong crc = ~0UL;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? crc >> 1 ^ 0xD800000000000000 : crc >> 1;
        }
        byte[] big = BitConverter.GetBytes(~crc);
        Array.Reverse(big);
        return big;
    }

    [Fact]
    public void Run_ImageThatNobodySigned_IsRefused()
    {
        SavedImage image = Host.Image("unsigned");
        Host.Daemon.Load(image.Build());

        Refused(Host.Start(image), "signature/unsigned", image.Id.ToString());
        // The twin: the same image with a statement.
        Host.Sign(image, "unsigned");
        Runs(Host.Start(image));
    }

    [Fact]
    public void Run_StatementOfAnotherImage_IsRefused()
    {
        SavedImage good = Host.Signed("replayed-good"), other = Host.Image("replayed");
        Host.Daemon.Load(other.Build());
        string file = Path.Combine(Host.State, "evidence", "replayed.json"), made = Path.Combine(Host.State, "made.json");
        string said = File.ReadAllText(Path.Combine(Host.State, "evidence", "replayed-good.json"));
        Replay(said);
        Refused(Host.Start(other), "signature/unsigned");

        // The same with its subject exchanged inside the envelope.
        JsonNode envelope = JsonNode.Parse(said)!;
        string statement = Encoding.UTF8.GetString(Convert.FromBase64String((string)envelope["payload"]!));
        Assert.Contains(good.Id.Hex, statement, StringComparison.Ordinal);
        envelope["payload"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(statement.Replace(good.Id.Hex, other.Id.Hex, StringComparison.Ordinal)));
        Replay(envelope.ToJsonString());
        Refused(Host.Start(other), "signature/unsigned");

        Runs(Host.Start(good));
        Host.Sign(other, "replayed");
        Runs(Host.Start(other));

        void Replay(string text)
        {
            File.WriteAllText(made, text);
            File.Move(made, file, overwrite: true);
        }
    }

    [Fact]
    public void Run_SignedByAnUnknownKey_IsRefused()
    {
        SavedImage image = Host.Image("stranger");
        Host.Daemon.Load(image.Build());
        using ISigner stranger = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
        Host.Sign(image, "stranger", stranger);

        Refused(Host.Start(image), "signature/unknown-key", $"by keys that the rule does not know: {stranger.PublicKey.Id[..16]} (1 statements); wanted: release {Host.Key.PublicKey.Id[..16]}");
        Host.Sign(image, "stranger");
        Runs(Host.Start(image));
    }

    [Fact]
    public void Start_FilePlantedInACreatedContainer_IsRefused()
    {
        SavedImage image = Host.Signed("copied");
        string twin = Create(image), attacked = Create(image);
        Runs(Host.Docker("start", "-a", twin));

        File.WriteAllText(Host.Own(attacked, "srv-page"), "planted before it ever ran");

        Refused(Host.Docker("start", "-a", attacked), "own-layer", "first /srv-page;");
    }

    [Fact]
    public void Copy_IntoACreatedContainer_IsRefusedUnlessPolicyAllowsIt()
    {
        string container = Create(OptionsImage());
        using TempFolder folder = new();
        string file = folder.Write("x", "data"u8.ToArray());

        Refused(Host.Docker("cp", file, $"{container}:/srv/x"), "operation", "copy-in is not among");
        Under(Allowing("copy-in"), () => Host.Docker("cp", file, $"{container}:/srv/x").Expect(0));
        // Who may copy no longer, may not start what was copied either.
        Refused(Host.Docker("start", "-a", container), "own-layer", "first /srv/x;");
        Under(Allowing("copy-in"), () => Runs(Host.Docker("start", "-a", container)));
    }

    [Theory]
    [InlineData("executable", "own-executable", "/bin/evil can be run")]
    [InlineData("library", "own-executable", "/srv/evil.so can be run")]
    [InlineData("preload", "own-layer", "/etc/ld.so.preload")]
    [InlineData("setuid", "own-layer", "setuid")]
    [InlineData("opaque", "own-layer", "trusted.overlay.opaque")]
    [InlineData("redirect", "own-layer", "trusted.overlay.redirect")]
    [InlineData("init", "init-layer", "/etc/ld.so.preload")]
    [InlineData("init-content", "init-layer", "/etc/hosts")]
    [InlineData("mode", "own-executable", "/srv/plain can be run")]
    [InlineData("capability", "own-layer", "/srv/copy (file capabilities)")]
    [InlineData("device", "own-layer", "/srv/null (a device)")]
    [InlineData("disk", "own-layer", "/srv/disk (a device)")]
    [InlineData("metacopy", "own-layer", "trusted.overlay.metacopy")]
    [InlineData("mount", "own-layer", "/mounted (a mount)")]
    [InlineData("init-link", "init-layer", "/etc/mtab (a link to somewhere else than /proc/mounts)")]
    [InlineData("init-kind", "init-layer", "/.dockerenv (a folder)")]
    [InlineData("init-opaque", "init-layer", "/etc (the attribute trusted.overlay.opaque)")]
    public void Start_PlantedInAStoppedContainer_IsRefused(string attack, string code, string part)
    {
        SavedImage image = Host.Signed($"stopped-{attack}", """{"Cmd":["/bin/sh","-c","echo data >> /srv/data; cp /bin/busybox /srv/copy; echo it runs"],"Env":["PATH=/bin"]}""");
        string container = Create(image);
        // The twin: data and a copy of the image's own program were written, and it starts again.
        Host.Docker("start", "-a", container).Expect(0);
        Runs(Host.Docker("start", "-a", container));

        string own = Host.Own(container, ""), init = Host.Own(container, "", "-init");
        Directory.CreateDirectory(Path.Combine(own, "bin"));
        Directory.CreateDirectory(Path.Combine(own, "etc"));
        switch (attack)
        {
            case "executable":
                File.WriteAllText(Path.Combine(own, "bin/evil"), "#!/bin/sh\n");
                break;
            case "library":
                File.WriteAllBytes(Path.Combine(own, "srv/evil.so"), [0x7f, (byte)'E', (byte)'L', (byte)'F', 2]);
                break;
            case "preload":
                File.WriteAllText(Path.Combine(own, "etc/ld.so.preload"), "/srv/x\n");
                break;
            case "setuid":
                File.SetUnixFileMode(Path.Combine(own, "srv/copy"), Program | UnixFileMode.SetUser);
                break;
            case "opaque":
                Tool.Run("python3", ["-c", "import os,sys;os.setxattr(sys.argv[1],'trusted.overlay.opaque',b'y')", own]);
                break;
            case "redirect":
                Tool.Run("python3", ["-c", "import os,sys;os.setxattr(sys.argv[1],'trusted.overlay.redirect',b'/srv')", Path.Combine(own, "etc")]);
                break;
            case "init":
                File.WriteAllText(Path.Combine(init, "etc/ld.so.preload"), "/srv/x\n");
                break;
            case "init-content":
                File.WriteAllText(Path.Combine(init, "etc/hosts"), "127.0.0.1 registry.example\n");
                break;
            case "mode":
                // Neither a script's beginning nor a program's: what a shell is given runs all the same.
                File.WriteAllText(Path.Combine(own, "srv/plain"), "echo evil\n");
                File.SetUnixFileMode(Path.Combine(own, "srv/plain"), Program);
                break;
            case "capability":
                Attribute("os.setxattr(sys.argv[1],'security.capability',bytes.fromhex('0100000200200000000000000000000000000000'))", Path.Combine(own, "srv/copy"));
                break;
            case "device":
                Tool.Run("mknod", [Path.Combine(own, "srv/null"), "c", "1", "3"]);
                break;
            case "disk":
                Tool.Run("mknod", [Path.Combine(own, "srv/disk"), "b", "7", "0"]);
                break;
            case "metacopy":
                Attribute("os.setxattr(sys.argv[1],'trusted.overlay.metacopy',b'')", Path.Combine(own, "srv/data"));
                break;
            case "mount":
                Tool.Run("mount", ["-t", "tmpfs", "tmpfs", Directory.CreateDirectory(Path.Combine(own, "mounted")).FullName]);
                break;
            case "init-link":
                File.Delete(Path.Combine(init, "etc/mtab"));
                File.CreateSymbolicLink(Path.Combine(init, "etc/mtab"), "/srv/mounts");
                break;
            case "init-kind":
                File.Delete(Path.Combine(init, ".dockerenv"));
                Directory.CreateDirectory(Path.Combine(init, ".dockerenv"));
                break;
            case "init-opaque":
                Attribute("os.setxattr(sys.argv[1],'trusted.overlay.opaque',b'y')", Path.Combine(init, "etc"));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(attack), attack, null);
        }

        try
        {
            Refused(Host.Docker("start", "-a", container), code, part);
        }
        finally
        {
            if (attack == "mount")
                Tool.Run("umount", [Path.Combine(own, "mounted")]);
        }
    }

    /// <summary>Docker calls its runtime with neither; whoever does starts a container in one step, or from memory that was written elsewhere.</summary>
    [Theory]
    [InlineData("run")]
    [InlineData("restore")]
    public void Launcher_VerbThatStartsInAnotherWay_IsRefused(string verb)
    {
        using TempFolder bundle = new();

        Refused(Called(verb), "verb", $"{verb} starts a container in a way that cannot be proved");
        // The twin comes as far as the bundle, which is empty.
        Refused(Called("create"), "not-found", "config.json");

        Outcome Called(string how) => new Call(null, how, "--bundle", bundle.Path, "container") { Program = Path.Combine(Host.Library, "plimsoll") }.Run();
    }

    [Fact]
    public void Start_TagMovedOnSinceItFirstStarted_StillStarts()
    {
        SavedImage old = Host.Signed("moved"), other = Host.Signed("moved-to");
        string container = Create(old);
        Runs(Host.Docker("start", "-a", container));

        Host.Daemon.Tag(other.Id.ToString(), "registry.example/prod/moved", "1");

        Runs(Host.Docker("start", "-a", container));
    }

    [Fact]
    public void Start_TagMovedOnBeforeItFirstStarted_IsRefused()
    {
        SavedImage old = Host.Signed("early"), other = Host.Image("early-to"), twin = Host.Signed("early-twin");
        Host.Daemon.Load(other.Build());
        string attacked = Create(old), untouched = Create(twin);

        Host.Daemon.Tag(other.Id.ToString(), "registry.example/prod/early", "1");

        Refused(Host.Docker("start", "-a", attacked), "rule/no-name");
        Runs(Host.Docker("start", "-a", untouched));
        // The tag moved back, it is what was created.
        Host.Daemon.Tag(old.Id.ToString(), "registry.example/prod/early", "1");
        Runs(Host.Docker("start", "-a", attacked));
    }

    /// <summary>By the plugin: nothing is mounted yet, and what it remembers of a name is of the image that had it.</summary>
    [Fact]
    public void Create_NameThatLedToASignedImage_IsJudgedByWhatItLeadsToNow()
    {
        SavedImage signed = Host.Signed("led"), other = Host.Image("led", """{"Cmd":["/bin/sh","-c","echo it does not run"],"Env":["PATH=/bin"]}""");
        Host.Docker("rm", Create(signed)).Expect(0);

        Host.Daemon.Load(other.Build());

        Refused(Host.Docker(["create", .. GatedHost.Limits, other.Tag]), "signature/unsigned", other.Id.ToString());
    }

    private string Create(SavedImage image, params string[] more) => Host.Docker(["create", .. GatedHost.Limits, .. more, image.Tag]).Expect(0).Out.Trim();
}
