using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
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

    /// <summary>What <c>docker run</c> printed of the refusal.</summary>
    private static void Refused(Outcome outcome, params string[] parts) => outcome.ExpectRefused(parts);

    private static void Runs(Outcome outcome) => Assert.Equal("it runs\n", outcome.Expect(0).Out);

    private static void Flip(string file, int at)
    {
        using FileStream stream = new(file, FileMode.Open);
        stream.Position = at;
        int value = stream.ReadByte();
        stream.Position = at;
        stream.WriteByte((byte)(value ^ 1));
    }

    /// <summary>Every way in which the store of a host was attacked before <c>plimsoll measure</c>, now before <c>docker run</c>.</summary>
    public static TheoryData<string, string> StoreAttacks { get; } = new()
    {
        { "byte", "layer 2: /etc/passwd (changed)" },
        { "setuid", "layer 3: /srv/ping (mode)" },
        { "planted", "layer 2: /bin/backdoor (planted)" },
        { "missing", "layer 2: /etc/passwd (missing)" },
        { "link", "layer 2: /srv/link (link)" },
        { "hardlink", "layer 2: /srv/hard (link)" },
        { "owner", "layer 2: /etc/passwd (owner)" },
        { "xattr", "layer 3: /srv/ping (xattr)" },
        { "whiteout-removed", "layer 3: /etc/removed (whiteout)" },
        { "whiteout-planted", "layer 3: /etc/passwd (whiteout)" },
        { "cache-ids", "no-image" },
        { "file-and-record", "not-intact: layer 2" },
        { "config", "no-image" },
        { "link-note", "no-image" },
    };

    [Theory]
    [MemberData(nameof(StoreAttacks))]
    public void Run_StoreAttacked_IsRefusedByName(string attack, string reason)
    {
        SavedImage image = Host.Signed($"store-{attack}");
        Runs(Host.Start(image));

        // Docker itself misses an edited config when it creates; a container that was created before, it starts.
        string? created = attack == "config" ? Create(image) : null;

        Attack(image, attack);

        Refused(created is null ? Host.Start(image) : Host.Docker("start", "-a", created), reason);
    }

    private void Attack(SavedImage image, string attack)
    {
        string passwd = Host.Unpacked(image, 1, "etc/passwd"), ping = Host.Unpacked(image, 2, "srv/ping");
        switch (attack)
        {
            case "byte":
                Flip(passwd, 9);
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
                Tool.Run("python3", ["-c", "import os,sys;os.setxattr(sys.argv[1],'user.note',b'other')", ping]);
                break;
            case "whiteout-removed":
                File.Delete(Host.Unpacked(image, 2, "etc/removed"));
                break;
            case "whiteout-planted":
                Tool.Run("mknod", [Host.Unpacked(image, 2, "etc/passwd"), "c", "0", "0"]);
                break;
            case "cache-ids":
                string a = Host.Note(image, 1, "cache-id"), b = Host.Note(image, 2, "cache-id"), id = File.ReadAllText(a);
                File.WriteAllText(a, File.ReadAllText(b));
                File.WriteAllText(b, id);
                break;
            case "file-and-record":
                EditWithRecord(image, "srv/page");
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
        using MemoryStream plain = new();
        using (GZipStream packed = new(File.OpenRead(record), CompressionMode.Decompress))
            packed.CopyTo(plain);
        string text = Encoding.UTF8.GetString(plain.ToArray());
        Assert.Contains(before, text, StringComparison.Ordinal);
        using GZipStream again = new(File.Create(record), CompressionLevel.Fastest);
        again.Write(Encoding.UTF8.GetBytes(text.Replace(before, after, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("oci-archive")]
    [InlineData("oci")]
    public void Run_FileAndItsRecordEdited_TheSignedListNamesTheFile(string form)
    {
        SavedImage image = Host.SignedWithFiles($"listed-{form}", form);
        Runs(Host.Start(image));

        EditWithRecord(image, "srv/page");
        Refused(Host.Start(image), "not-intact: layer 2: /srv/page (changed)");

        // A second file that tar-split still knows better must not draw the eye from the first.
        Flip(Host.Unpacked(image, 1, "etc/passwd"), 9);
        Refused(Host.Start(image), "/etc/passwd (changed)", "/srv/page (changed)");
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
        Refused(outcome, "not-intact: layer 2");
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
        string evidence = Path.Combine(Host.State, "evidence");
        File.Copy(Path.Combine(evidence, "replayed-good.json"), Path.Combine(evidence, "replayed.json"));

        Refused(Host.Start(other), "signature/");
        Runs(Host.Start(good));
        File.Delete(Path.Combine(evidence, "replayed.json"));
    }

    [Fact]
    public void Run_SignedByAnUnknownKey_IsRefused()
    {
        SavedImage image = Host.Image("stranger");
        Host.Daemon.Load(image.Build());
        using ISigner stranger = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
        Host.Sign(image, "stranger", stranger);

        Refused(Host.Start(image), "signature/");
        Host.Sign(image, "stranger");
        Runs(Host.Start(image));
    }

    [Fact]
    public void Start_FileCopiedIntoACreatedContainer_IsRefused()
    {
        SavedImage image = Host.Signed("copied");
        string twin = Create(image), attacked = Create(image);
        Host.Docker("start", twin).Expect(0);

        File.WriteAllText(Host.Own(attacked, "srv-page"), "planted before it ever ran");

        Refused(Host.Docker("start", attacked), "own-layer", "/srv-page");
    }

    [Theory]
    [InlineData("executable", "own-executable: /bin/evil")]
    [InlineData("library", "own-executable: /srv/evil.so")]
    [InlineData("preload", "own-layer", "/etc/ld.so.preload")]
    [InlineData("setuid", "own-layer", "setuid")]
    [InlineData("opaque", "own-layer", "trusted.overlay.opaque")]
    [InlineData("redirect", "own-layer", "trusted.overlay.redirect")]
    [InlineData("init", "init-layer", "/etc/ld.so.preload")]
    [InlineData("init-content", "init-layer", "/etc/hosts")]
    public void Start_PlantedInAStoppedContainer_IsRefused(string attack, params string[] reason)
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
        }

        Refused(Host.Docker("start", "-a", container), reason);
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

    private string Create(SavedImage image) => Host.Docker(["create", .. GatedHost.Limits, image.Tag]).Expect(0).Out.Trim();
}
