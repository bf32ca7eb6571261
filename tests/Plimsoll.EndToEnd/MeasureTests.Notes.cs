using System.Text.Json.Nodes;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <content>Attacks that change no layer: Docker's own notes of which folder a layer has and which layers lie upon which.</content>
public sealed partial class MeasureTests
{
    private string Overlay(SavedImage image, int layer, string file) => Path.Combine(Path.GetDirectoryName(Unpacked(image, layer))!, file);

    private string Place(SavedImage image, int layer, string file) => Path.GetRelativePath(docker.Docker.DataRoot, Overlay(image, layer, file));

    [Fact]
    public void Check_LayerLeftOutOfTheStack_IsNamed()
    {
        SavedImage image = Load("stack-less");
        string lower = Overlay(image, 3, "lower");
        // The layer with the whiteout: what it removed comes back.
        string[] below = File.ReadAllText(lower).Split(':');
        File.WriteAllText(lower, string.Join(':', below[0], below[2]));

        Assert.Equal([$"4 stack {Place(image, 3, "lower")}"], Refused(image));
    }

    [Fact]
    public void Check_OrderOfTheStackChanged_IsNamed()
    {
        SavedImage image = Load("stack-order");
        string lower = Overlay(image, 3, "lower");
        string[] below = File.ReadAllText(lower).Split(':');
        File.WriteAllText(lower, string.Join(':', below[0], below[2], below[1]));

        Assert.Equal([$"4 stack {Place(image, 3, "lower")}"], Refused(image));
    }

    [Fact]
    public void Check_LinkOfALayerLedElsewhere_IsNamedAndContainersWouldSeeIt()
    {
        SavedImage image = Load("stack-link");
        string link = Path.Combine(docker.Docker.DataRoot, "overlay2/l", File.ReadAllText(Overlay(image, 0, "link")));
        string evil = Path.Combine(docker.Docker.DataRoot, "overlay2/evil-stack-link/diff");
        Tool.Run("cp", ["-a", Path.GetDirectoryName(Unpacked(image, 0))!, Path.GetDirectoryName(evil)!]);
        File.WriteAllText(Path.Combine(evil, "etc/passwd"), "evil::0:0::/:/bin/sh\n");
        File.Delete(link);
        File.CreateSymbolicLink(link, "../evil-stack-link/diff");

        Assert.Equal([$"1 stack {Path.GetRelativePath(docker.Docker.DataRoot, link)}"], Refused(image));
        // What is at stake: Docker itself makes a container of it without a word.
        Assert.Contains("evil::0:0", docker.Docker.ReadInContainer(image.Tag, "/etc/passwd"), StringComparison.Ordinal);
    }

    [Fact]
    public void Check_NameOfALayersLinkExchanged_IsNamed()
    {
        SavedImage image = Load("stack-name");
        File.WriteAllText(Overlay(image, 3, "link"), File.ReadAllText(Overlay(image, 0, "link")));

        Assert.Equal([$"4 stack overlay2/l/{File.ReadAllText(Overlay(image, 0, "link"))}"], Refused(image));
    }

    [Fact]
    public void Check_ParentOfALayerExchanged_IsNamed()
    {
        SavedImage image = Load("stack-parent");
        File.WriteAllText(LayerDb(image, 3, "parent"), Oci.ChainId.Of(image.DiffIds)[0].ToString());

        Assert.Equal([$"4 stack {Path.GetRelativePath(docker.Docker.DataRoot, LayerDb(image, 3, "parent"))}"], Refused(image));
    }

    [Fact]
    public void Measure_OneLayersFolderGivenToAnother_IsRefused()
    {
        SavedImage image = Load("one-folder");
        // Both are then the lower one: what the upper one has is gone, and each reads as it should where layers are told apart by folder.
        foreach (string note in (string[])["cache-id", "tar-split.json.gz", "size"])
            File.Copy(LayerDb(image, 2, note), LayerDb(image, 3, note), overwrite: true);

        JsonNode seen = Measured(Call("measure", "--no-store", "--json", image.Tag).Run().Expect(1));

        Assert.Equal("diff-id-mismatch", (string)seen["error"]!["code"]!);
        Assert.Contains("layer 4 of 4 and one below it have the same folder", (string)seen["error"]!["message"]!, StringComparison.Ordinal);
    }

    [Fact]
    public void Measure_NoteRemovedSoThatFilesAreNotLookedAt_IsNotAnsweredByAnExport()
    {
        SavedImage image = Load("no-note");
        File.WriteAllText(Unpacked(image, 2, "srv/implied/backdoor"), "#!/bin/sh\n");
        File.Delete(LayerDb(image, 2, "cache-id"));

        Outcome outcome = Call("measure", "--check", "--json", image.Tag).Run().Expect(3);

        Assert.Equal("blob-missing", (string)Measured(outcome)["error"]!["code"]!);
        outcome.ExpectError("lacks what belongs to its layer 3 of 4");
    }

    [Fact]
    public void Check_OpaqueFolderMarkedForAnotherKindOfMount_IsNamed()
    {
        SavedImage image = Load("opaque-user");
        Tool.Run("python3", ["-c", "import os,sys;os.removexattr(sys.argv[1],'trusted.overlay.opaque');os.setxattr(sys.argv[1],'user.overlay.opaque',b'y')", Unpacked(image, 3, "srv/implied")]);

        Assert.Contains("4 whiteout srv/implied", Refused(image));
    }

    [Fact]
    public void Check_OlderImageThatWasMeasuredTooPutUnderTheName_IsNamed()
    {
        SavedImage image = Load("moved-back"), newer = Image("moved-back", command: "newer");
        docker.Docker.Load(newer.Build());
        Call("measure", image.Tag).Run().Expect(0);
        Call("measure", "--check", image.Tag).Run().Expect(0);
        docker.Docker.Load(image.Build());

        JsonNode seen = Measured(Call("measure", "--check", "--json", image.Tag).Run().Expect(1));

        Assert.Equal("config", (string)Assert.Single(seen["differences"]!.AsArray())!["kind"]!);
    }

    [Fact]
    public void Verify_PartOfAnId_IsJudgedByTheImagesNamesAndNotAsOne()
    {
        SavedImage image = Image("short-id");
        docker.Docker.Load(image.Build());
        string key = _folder["key.pem"], policy = _folder["policy.yaml"];
        Tool.Run("openssl", ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", _folder["private.pem"]]);
        Tool.Run("openssl", ["ec", "-in", _folder["private.pem"], "-pubout", "-out", key]);
        File.WriteAllText(policy, $"policy: 1\nname: test\ntrust:\n  keys: {{release: {{file: key.pem}}}}\n  images:\n  - names: [\"docker.io/library/**\"]\n    signatures: {{keys: [release]}}\n");

        foreach (string id in (string[])[image.Id.Hex[..7], image.Id.Hex[..12], image.Id.ToString(), image.Tag])
        {
            JsonNode verdict = Call("verify", "--policy", policy, "--json", id).Run().Expect(1).Document["images"]![0]!;
            Assert.Contains(verdict["reasons"]!.AsArray(), r => (string)r!["code"]! == "no-rule" && ((string)r["message"]!).Contains("plimsoll/measure-short-id:1", StringComparison.Ordinal));
        }
    }
}
