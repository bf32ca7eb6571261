using System.Text.Json.Nodes;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>Exit codes, errors and what goes where, as a script or a person at a prompt meets them.</summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly SmallDatabase _database;
    private readonly TempFolder _folder = new();
    private readonly string _image;

    public CommandLineTests(SmallDatabase database)
    {
        _database = database;
        _image = _folder.Write("image.tar", ImageBuilder.Tar(SmallDatabase.Image().ArchiveFiles()));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Scan_WithoutDatabase_Exits3AndNamesTheStarterSetInEveryFormat()
    {
        Outcome table = new Call(_folder.Path, "scan", _image).Run().Expect(3).ExpectNoCleanBill();
        Outcome json = new Call(_folder.Path, "scan", "--json", _image).Run().Expect(3);
        Outcome cyclonedx = new Call(_folder.Path, "scan", "--output", "cyclonedx", _image).Run().Expect(3);

        Assert.Contains("starter set", table.Out, StringComparison.Ordinal);
        Assert.Contains("plimsoll db update", table.Out.Replace("\n  ", " ", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.False((bool)json.Report["database"]!["isDatabase"]!);
        Assert.False((bool)json.Report["complete"]!);
        Assert.Contains("no-database", json.Report.Notes());
        Assert.Contains("no-database", cyclonedx.Out, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["data"]), "a scan makes no database");
    }

    [Theory]
    [InlineData("none", 0)]
    [InlineData("any", 1)]
    [InlineData("unknown", 1)]
    [InlineData("negligible", 0)]
    [InlineData("critical", 0)]
    [InlineData("high,unknown", 1)]
    [InlineData("kev", 0)]
    [InlineData("any,kev", 1)]
    public void FailOn_OnOneFindingOfUnknownSeverity_ExitsAsDocumented(string words, int code)
    {
        Outcome outcome = Scan("--checks", "vulnerability", "--fail-on", words, _image).Run().Expect(code);

        Assert.Contains("CVE-2025-0001", outcome.Out, StringComparison.Ordinal);
        Assert.Equal(code == 1, outcome.Error.Contains("threshold crossed", StringComparison.Ordinal));
    }

    [Fact]
    public void FailOn_FindingSuppressed_Exits0AndTheJsonKeepsIt()
    {
        string file = _folder.Write("suppress.yaml", "- id: CVE-2025-0001\n  reason: not reachable\n"u8.ToArray());

        Scan("--checks", "vulnerability", "--fail-on", "any", "--suppress", file, _image).Run().Expect(0);
        JsonNode report = Scan("--json", "--checks", "vulnerability", "--fail-on", "any", "--suppress", file, _image).Run().Expect(0).Report;

        Assert.Equal("not reachable", (string)Assert.Single(report["findings"]!.AsArray())!["suppressed"]!["reason"]!);
    }

    [Theory]
    [InlineData("scan")]
    [InlineData("scan", "--no-such-option", "IMAGE")]
    [InlineData("scan", "IMAGE", "--fail-on", "hihg")]
    [InlineData("scan", "IMAGE", "--severity", "worse")]
    [InlineData("scan", "IMAGE", "--output", "xml")]
    [InlineData("scan", "IMAGE", "--output", "json=")]
    [InlineData("scan", "IMAGE", "--output", "json=/no/such/folder/x")]
    [InlineData("scan", "IMAGE", "--timeout", "soon")]
    [InlineData("scan", "IMAGE", "--timeout", "0s")]
    [InlineData("scan", "IMAGE", "--platform", "amiga")]
    [InlineData("scan", "IMAGE", "--parallel", "0")]
    [InlineData("scan", "IMAGE", "--lang", "tlh")]
    [InlineData("scan", "IMAGE", "--group", "colour")]
    [InlineData("scan", "IMAGE", "--color", "blue")]
    [InlineData("scan", "IMAGE", "--db", "/no/such.db")]
    [InlineData("scan", "IMAGE", "--suppress", "/no/such.yaml")]
    [InlineData("scan", "IMAGE", "--config", "/no/such.yaml")]
    [InlineData("scan", "IMAGE", "--output")]
    [InlineData("scan", "IMAGE", "--json", "--output", "table")]
    [InlineData("scan", "IMAGE", "IMAGE", "--output", "cyclonedx")]
    [InlineData("scna", "IMAGE")]
    [InlineData("db", "updaet")]
    [InlineData("db", "import", "FILE")]
    [InlineData("db", "update", "--ecosystem", "../..")]
    [InlineData("cache", "burn")]
    [InlineData("demo", "extra")]
    public void Arguments_Wrong_Exit2WithOneErrorAndAtMostOneHint(params string[] arguments)
    {
        Outcome outcome = Call([.. arguments.Select(a => a == "IMAGE" ? _image : a)]).Run().Expect(2);

        Assert.Empty(outcome.Out);
        string error = outcome.ExpectError();
        Assert.False(error.EndsWith('.'), error);
        string[] lines = outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        // An error that lists what is known, or names the file that is not there, needs no hint.
        if (lines.Length == 1)
            Assert.Matches("wanted|known|there is no", error);
        else
            Assert.StartsWith("plimsoll: hint: ", Assert.Single(lines.Skip(1)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no-such.tar", "does not exist")]
    [InlineData("/no/such/folder", "does not exist")]
    [InlineData("oci:/no/such/folder", "does not exist")]
    [InlineData("dir:/no/such/folder", "no/such/folder")]
    [InlineData("docker-archive:/dev/null", "/dev/null")]
    [InlineData("docker:debian:11", "docker.sock")]
    [InlineData("debian:11", "docker.sock")]
    [InlineData("registry:registry.invalid/debian:11", "registry.invalid")]
    [InlineData("", "empty")]
    public void Image_ThatIsNotThere_Exits3AndSaysWhat(string name, string said)
    {
        Outcome outcome = Scan("--json", name).With("DOCKER_HOST", "unix:///no/such/docker.sock").Run().Expect(3);

        outcome.ExpectError(said);
        Assert.False((bool)outcome.Report["complete"]!);
        Assert.NotEqual("internal", (string)outcome.Report["error"]!["code"]!);
    }

    [Fact]
    public void Image_NameThatIsAlsoAPath_IsAnErrorThatSaysBothForms()
    {
        Directory.CreateDirectory(_folder["here/debian"]);
        Call call = new(_folder.Path, "scan", "debian") { Folder = _folder["here"] };

        Outcome outcome = call.Run().Expect(3);

        outcome.ExpectError("\"debian\"");
        Assert.Contains("./debian", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("docker:debian", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Output_ToFilesAndStandardOutput_AllAreWhole()
    {
        Outcome outcome = Scan("--output", "table", "--output", $"json={_folder["r.json"]}", "--output", $"cyclonedx={_folder["r.cdx"]}", _image).Run().Expect(0);

        Assert.Contains("CVE-2025-0001", outcome.Out, StringComparison.Ordinal);
        Assert.Equal(1, (int)JsonNode.Parse(File.ReadAllText(_folder["r.json"]))!["schemaVersion"]!);
        Assert.Equal("1.6", (string)JsonNode.Parse(File.ReadAllText(_folder["r.cdx"]))!["specVersion"]!);
        Assert.DoesNotContain('\e', outcome.Out);
    }

    [Fact]
    public void Output_FullDisk_Exits3AndKeepsNoPart()
    {
        Scan("--output", "json=/dev/full", _image).Run().Expect(3).ExpectError("/dev/full");
        Outcome full = new Call(_folder.Path, "-c", $"exec '{EndToEnd.Call.Executable}' scan --json '{_image}' >/dev/full") { Program = "/bin/sh" }.With("PLIMSOLL_SCAN_DB", _database.Path).Run().Expect(3);
        full.ExpectError("standard output");
    }

    /// <summary>A reader that has had enough, as head does, is no failure; and 1 for a finding stays 1.</summary>
    [Theory]
    [InlineData("none", "0")]
    [InlineData("any", "1")]
    public void Output_PipeClosedByItsReader_KeepsTheExitCode(string failOn, string code)
    {
        string shell = $"{{ '{EndToEnd.Call.Executable}' scan --json --fail-on {failOn} '{_image}'; echo $? >'{_folder["code"]}'; }} | head -n 0";

        Outcome outcome = new Call(_folder.Path, "-c", shell) { Program = "/bin/sh" }.With("PLIMSOLL_SCAN_DB", _database.Path).Run().Expect(0);

        Assert.Equal(code, File.ReadAllText(_folder["code"]).Trim());
        Assert.DoesNotContain("error", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Timeout_OnAStreamThatStalls_Exits3InTime()
    {
        using Running running = Scan("--json", "--timeout", "1s", "-").Start(keepInputOpen: true);

        Outcome outcome = running.End().Expect(3);

        outcome.ExpectError("timed out after 1 s");
        Assert.Equal("timeout", (string)outcome.Report["error"]!["code"]!);
        Assert.True(outcome.Took < TimeSpan.FromSeconds(10), $"it took {outcome.Took}");
    }

    [Fact]
    public void Language_ByOptionAndLocale_IsChinese()
    {
        string byOption = Scan("--lang", "zh", _image).Run().Expect(0).Out;
        string byLocale = Scan(_image).With("LANG", "zh_CN.UTF-8").Run().Expect(0).Out;

        Assert.Equal(byOption, byLocale);
        Assert.Matches(@"\p{IsCJKUnifiedIdeographs}", byOption);
        Assert.Contains("CVE-2025-0001", byOption, StringComparison.Ordinal);
        Assert.Contains("--fail-on", Call("scan", "--help").With("LANG", "zh_CN.UTF-8").Run().Expect(0).Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Home_ByVariableOrXdg_IsWhereStateGoes()
    {
        Call("db", "update", "--source", _database.Source).Run().Expect(0);
        Assert.True(File.Exists(_folder["data/advisories.db"]));

        Call xdg = new(null, "db", "update", "--source", _database.Source);
        xdg.With("HOME", _folder["me"]).Run().Expect(0);
        Assert.True(File.Exists(_folder["me/.local/share/plimsoll/advisories.db"]));
        new Call(null, "scan", _image).With("HOME", _folder["me"]).Run().Expect(0);
        Assert.True(Directory.Exists(_folder["me/.cache/plimsoll/layers"]));
    }

    [Fact]
    public void Database_OfANewerSchema_IsLeftAloneAndNamed()
    {
        Call("db", "update", "--source", _database.Source).Run().Expect(0);
        string path = _folder["data/advisories.db"];
        byte[] bytes = File.ReadAllBytes(path);
        // SQLite keeps user_version, big-endian, at byte 60 of its header.
        bytes[63] = 99;
        File.WriteAllBytes(path, bytes);

        Call("scan", _image).Run().Expect(3).ExpectNoCleanBill().ExpectError("schema 99");
        Call("db", "status").Run().Expect(3).ExpectError("schema 99");
        Call("db", "update", "--source", _database.Source).Run().Expect(3).ExpectError("schema 99");
        Assert.Equal(bytes, File.ReadAllBytes(path));
    }

    [Fact]
    public void Database_CutShortOrOneByteChanged_IsNeverASmallerTruth()
    {
        Call("db", "update", "--source", _database.Source).Run().Expect(0);
        string path = _folder["data/advisories.db"];
        byte[] bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, bytes[..(bytes.Length / 2)]);
        Call("scan", "--fail-on", "any", _image).Run().Expect(3).ExpectNoCleanBill().ExpectError("advisories.db");

        byte[] changed = [.. bytes];
        changed[changed.AsSpan().LastIndexOf("2025-0001"u8) + 3] ^= 1;
        File.WriteAllBytes(path, changed);
        Outcome outcome = Call("scan", "--fail-on", "any", _image).Run().ExpectNoCleanBill();
        Assert.True(outcome.Code is 1 or 3, $"exit code {outcome.Code}: {outcome.Out}{outcome.Error}");
        Call("db", "status", "--verify").Run().Expect(3);
    }

    private Call Call(params string[] arguments) => new(_folder.Path, arguments);

    private Call Scan(params string[] arguments) => _database.Call(_folder, ["scan", .. arguments]);
}
