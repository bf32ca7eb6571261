using System.Text.Json.Nodes;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>
/// Where scanners of today answer "clean" although they did not look. Altered diffIDs and swapped blobs are in
/// <see cref="TamperTests"/>.
/// </summary>
public sealed class BlindSpotTests(SmallDatabase database) : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("same layer")]
    [InlineData("link before its target's change")]
    [InlineData("link that a file replaced")]
    [InlineData("link to a link")]
    [InlineData("lower layer")]
    public void HardLink_PackageDatabaseReachedThroughOne_IsRead(string form)
    {
        ImageBuilder image = new ImageBuilder().Layer(tar => tar.Folder("etc").File("etc/os-release", "ID=debian\nVERSION_ID=\"11\"\n"));
        image = form switch
        {
            "same layer" => image.Layer(tar => tar.File("opt/elsewhere", SmallDatabase.Status()).HardLink("var/lib/dpkg/status", "opt/elsewhere")),
            // On disk it is this file; the link before it is gone.
            "link that a file replaced" => image.Layer(tar => tar.File("opt/elsewhere", "").HardLink("var/lib/dpkg/status", "opt/elsewhere").File("var/lib/dpkg/status", SmallDatabase.Status())),
            "link to a link" => image.Layer(tar => tar.File("opt/a", SmallDatabase.Status()).HardLink("opt/b", "opt/a").HardLink("var/lib/dpkg/status", "opt/b").File("opt/b", "")),
            // The name keeps the content that a later entry of the other name no longer has.
            "link before its target's change" => image.Layer(tar => tar.File("opt/elsewhere", SmallDatabase.Status()).HardLink("var/lib/dpkg/status", "opt/elsewhere").File("opt/elsewhere", "nothing")),
            _ => image.Layer(tar => tar.File("opt/elsewhere", SmallDatabase.Status())).Layer(tar => tar.HardLink("var/lib/dpkg/status", "opt/elsewhere")),
        };

        JsonNode report = Scan(image, form == "lower layer" ? null : 0);

        // A link into a lower layer is outside of what the image format promises: found, or said to be not looked at.
        if (form != "lower layer" || (bool)report["complete"]!)
            Assert.Equal([SmallDatabase.Flaw], report.Flaws());
        else
            Assert.NotEmpty(report["gaps"]!.AsArray());
    }

    [Theory]
    [InlineData("etc/os-release")]
    [InlineData("usr/lib/os-release")]
    public void Debian_WithOnlyOsRelease_IsRecognised(string path)
    {
        ImageBuilder image = new ImageBuilder().Layer(tar => tar
            .File(path, "PRETTY_NAME=\"Debian GNU/Linux 11 (bullseye)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"11\"\nVERSION=\"11 (bullseye)\"\nVERSION_CODENAME=bullseye\nID=debian\n")
            .File("var/lib/dpkg/status", SmallDatabase.Status()));

        JsonNode report = Scan(image, 0);

        Assert.Equal("debian", (string)report["distribution"]!["id"]!);
        Assert.Equal(path, (string)report["distribution"]!["claimedBy"]!);
        Assert.Equal([SmallDatabase.Flaw], report.Flaws());
    }

    [Theory]
    [InlineData("debian", "99", "no-advisories-for-release")]
    [InlineData("debian", "7", "no-advisories-for-release")]
    [InlineData("ubuntu", "22.04", "no-advisories-for-release")]
    [InlineData("someones-own", "1", "no-advisories-for-release")]
    [InlineData(null, null, "no-distribution")]
    public void Release_ThatNoFeedCovers_IsUndecidedAndNotClean(string? id, string? version, string note)
    {
        ImageBuilder image = new ImageBuilder().Layer(tar =>
        {
            if (id is not null)
                tar.File("etc/os-release", $"ID={id}\nVERSION_ID=\"{version}\"\n");
            tar.File("var/lib/dpkg/status", SmallDatabase.Status());
        });

        JsonNode report = Scan(image, 3);
        Outcome table = database.Call(_folder, "scan", _folder["image.tar"]).Run().Expect(3).ExpectNoCleanBill();

        Assert.False((bool)report["complete"]!);
        Assert.Contains(note, report.Notes());
        Assert.Contains("libssl1.1 ", Assert.Single(report.Packages()), StringComparison.Ordinal);
        Assert.NotEmpty(table.Out);
    }

    [Fact]
    public void Image_WithNothingInIt_IsUndecidedAndNotClean()
    {
        JsonNode report = Scan(new ImageBuilder().Layer(tar => tar.File("app", "\x7fELF")), 3);
        Outcome table = database.Call(_folder, "scan", _folder["image.tar"]).Run().Expect(3).ExpectNoCleanBill();

        Assert.Contains("nothing-found", report.Notes());
        Assert.NotEmpty(table.Out);
    }

    private JsonNode Scan(ImageBuilder image, int? code)
    {
        string path = _folder.Write("image.tar", ImageBuilder.Tar(image.ArchiveFiles()));
        Outcome outcome = database.Call(_folder, "scan", "--json", path).Run();
        return outcome.Expect(code ?? outcome.Code).Report;
    }
}
