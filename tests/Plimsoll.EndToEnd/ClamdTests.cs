using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>The program with Debian's clamd, which runs as its own user: the same report by each way, and never "clean" of what was not looked at.</summary>
[Trait("needs", "host")]
public sealed class ClamdTests : IDisposable
{
    /// <summary>More than is held in memory: such contents go through a file.</summary>
    private const int LargeBytes = 17 << 20;

    private readonly TempFolder _folder = new();
    private readonly string _image;

    public ClamdTests()
    {
        byte[] large = new byte[LargeBytes], small = [.. "\x7f\u0045LF"u8, .. Encoding.ASCII.GetBytes(TestClamd.Marker)];
        "\x7f\u0045LF"u8.CopyTo(large);
        Encoding.ASCII.GetBytes(TestClamd.Marker).CopyTo(large, large.Length - 100);
        ImageBuilder image = new ImageBuilder()
            .Layer(tar =>
            {
                for (int i = 0; i < 200; i++)
                    tar.File($"opt/clean{i}", $"\x7f\u0045LF clean {i}");
            })
            .Layer(tar => tar.File("opt/evil", small).File("opt/large", large).File("opt/largeclean", large[..^200]));
        _image = _folder.Write("image.tar", ImageBuilder.Tar(image.ArchiveFiles()));
        // Readable to the users that the program and clamd run as, who keep files here.
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)0b111_101_101);
        Directory.CreateDirectory(_folder["tmp"]);
        File.SetUnixFileMode(_folder["tmp"], (UnixFileMode)0b1_111_111_111);
    }

    public void Dispose() => _folder.Dispose();

    private Call Scan(string clamd, params string[] more) =>
        new Call(_folder.Path, ["scan", "--checks", "malware", "--json", "--no-cache", "--parallel", "2", "--clamd", clamd, .. more, _image]).With("TMPDIR", _folder["tmp"]);

    private static string[] Paths(JsonNode report) => [.. report["problems"]!.AsArray().Select(p => (string)p!["path"]!).Order(StringComparer.Ordinal)];

    private static string[] Codes(JsonNode report) => [.. report["gaps"]!.AsArray().Select(g => (string)g!["code"]!)];

    [Fact]
    public void Scan_InEachWay_FindsTheSameAndLeavesNothingBehind()
    {
        using TestClamd clamd = new("StreamMaxLength 40M\nMaxFileSize 40M\nMaxScanSize 80M", user: "clamav");
        JsonNode unsaid = Scan(clamd.Socket).Run().Expect(0).Report;
        Assert.Equal(["opt/evil", "opt/large"], Paths(unsaid));
        Assert.Empty(Codes(unsaid));

        foreach (string way in (string[])["stream:", "fildes:", "scan:"])
        {
            JsonNode report = Scan(way + clamd.Socket).Run().Expect(0).Report;
            Assert.Equal(unsaid["problems"]!.ToJsonString(), report["problems"]!.ToJsonString());
            Assert.Equal(unsaid["engines"]!.ToJsonString(), report["engines"]!.ToJsonString());
            Assert.Empty(Codes(report));
        }
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder["tmp"]));
    }

    [Fact]
    public void Scan_AsNobody_FindsTheSame()
    {
        using TestClamd clamd = new("StreamMaxLength 40M\nMaxFileSize 40M\nMaxScanSize 80M", user: "clamav");
        using Nobody nobody = new();
        string image = nobody.Copy(_image);

        foreach (string way in (string[])["fildes:", "scan:"])
        {
            JsonNode report = nobody.Call("scan", "--checks", "malware", "--json", "--clamd", way + clamd.Socket, image).With("TMPDIR", _folder["tmp"]).Run().Expect(0).Report;
            Assert.Equal(["opt/evil", "opt/large"], Paths(report));
            Assert.Empty(Codes(report));
        }
    }

    [Theory]
    [InlineData("stream:")]
    [InlineData("fildes:")]
    [InlineData("scan:")]
    public void Scan_FilesLongerThanClamdLooksAt_AreGapsAndExit3(string way)
    {
        using TestClamd clamd = new("StreamMaxLength 40M\nMaxFileSize 4M", user: "clamav");

        JsonNode report = Scan(way + clamd.Socket).Run().Expect(3).Report;

        Assert.Equal(["opt/evil"], Paths(report));
        Assert.Equal(["malware-not-scanned", "malware-not-scanned"], Codes(report));
        Assert.Equal(["opt/large", "opt/largeclean"], report["gaps"]!.AsArray().Select(g => (string)g!["where"]!).Order(StringComparer.Ordinal));
        Assert.False((bool)report["complete"]!);
    }

    [Theory]
    [InlineData("stream:")]
    [InlineData("fildes:")]
    [InlineData("scan:")]
    public void Scan_ClamdThatDiesMidway_IsAGapAndExit3(string way)
    {
        FakeClamd? clamd = null;
        clamd = new FakeClamd((number, content) =>
        {
            if (number >= 50)
                clamd!.Dispose();
            return FakeClamd.Honest(content);
        });
        File.SetUnixFileMode(Path.GetDirectoryName(clamd.Path)!, (UnixFileMode)0b111_101_101);

        JsonNode report = Scan(way + clamd.Path).Run().Expect(3).Report;

        JsonNode gap = Assert.Single(report["gaps"]!.AsArray(), g => (string?)g!["code"] == "malware-engine-failed")!;
        Assert.Contains("files were not looked at", (string)gap["detail"]!, StringComparison.Ordinal);
        Assert.NotNull(report["engines"]!.AsArray().Single(e => (string?)e!["name"] == "clamav")!["failure"]);
    }

    [Theory]
    [InlineData("stream:")]
    [InlineData("fildes:")]
    [InlineData("scan:")]
    public void Scan_ClamdReplacedByOneThatSaysOkToAll_IsAGapAndExit3(string way)
    {
        using FakeClamd clamd = new((number, content) => number >= 50 ? "OK" : FakeClamd.Honest(content));

        JsonNode report = Scan(way + clamd.Path).Run().Expect(3).Report;

        // A session that was opened meanwhile may fail the test for its file alone, before the engine as a whole does.
        Assert.Contains(report["gaps"]!.AsArray(), g => ((string)g!["detail"]!).Contains("EICAR", StringComparison.Ordinal));
    }

    [Fact]
    public void Scan_WayThatCannotBe_IsWrongUsage() => Scan("fildes:tcp:127.0.0.1:3310").Run().Expect(2).ExpectError("descriptor");
}
