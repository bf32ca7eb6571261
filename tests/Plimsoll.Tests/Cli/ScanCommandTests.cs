using System.Text.Json;
using Plimsoll.Cli;
using Plimsoll.Inspect;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Cli;

public sealed class ScanCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("plimsoll-test-").FullName;
    private readonly Dictionary<string, string> _environment = [];
    private readonly StringWriter _out = new(), _error = new();
    private Func<string, ScanOptions, CancellationToken, Report> _scan = (_, _, _) => ReportBuilder.Vulnerable().Build();
    private Func<string, CancellationToken, Task<int>> _update = (_, _) => throw new InvalidOperationException("nobody asked for an update");
    private DateTimeOffset _created = ReportBuilder.Now.AddHours(-2);
    private string _answer = "";
    private bool _terminal;
    private Func<IAdvisoryStore>? _open;

    public ScanCommandTests()
    {
        _environment["PLIMSOLL_HOME"] = _folder;
        Directory.CreateDirectory(Path.Combine(_folder, "data"));
        File.WriteAllText(Database, "");
    }

    private string Database => Path.Combine(_folder, "data", "advisories.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private sealed class Store(DatabaseInfo info) : IAdvisoryStore
    {
        public DatabaseInfo Info => info;
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

    private Task<int> RunAsync(params string[] args) => RunAsync(TestContext.Current.CancellationToken, args);

    private Task<int> RunAsync(CancellationToken cancellationToken, params string[] args)
    {
        CliContext context = new()
        {
            Out = _out,
            Error = _error,
            In = new StringReader(_answer),
            Time = new Clock(),
            Environment = n => _environment.GetValueOrDefault(n),
            OutIsTerminal = _terminal,
            ErrorIsTerminal = _terminal,
            InIsTerminal = _terminal,
        };
        return PlimsollApp.RunAsync(args, context, new ScanServices
        {
            Scan = (image, store, options, token) => _scan(image, options, token) with { Image = image, Database = store.Info },
            OpenDatabase = _ => _open?.Invoke() ?? new Store(ReportBuilder.Database with { Created = _created }),
            OpenStarterSet = () => new Store(ReportBuilder.StarterSet),
            UpdateDatabase = _update,
            ReadSuppressions = path => throw CommandException.Usage($"{path} line 3: no id"),
        }, cancellationToken);
    }

    [Theory]
    [InlineData(0, "scan", "a")]
    [InlineData(1, "scan", "a", "--fail-on", "critical")]
    [InlineData(1, "scan", "a", "--fail-on", "kev")]
    [InlineData(1, "scan", "a", "--fail-on", "any")]
    [InlineData(1, "scan", "a", "--fail-on", "unknown")]
    [InlineData(0, "scan", "a", "--fail-on", "none")]
    [InlineData(0, "scan", "a", "--fail-on", "low", "--severity", "unknown,low", "--only-fixed")]
    [InlineData(2, "scan", "a", "--fail-on", "high", "--severity", "low,medium")]
    [InlineData(2, "scan", "a", "--fail-on", "dreadful")]
    [InlineData(2, "scan", "a", "--timeout", "5")]
    [InlineData(2, "scan", "a", "--platform", "linux")]
    [InlineData(2, "scan", "a", "--parallel", "0")]
    [InlineData(2, "scan", "a", "--json", "--output", "table")]
    [InlineData(2, "scan", "a", "--output", "xml")]
    [InlineData(2, "scan", "a", "--output", "json=/no/such/folder/x.json")]
    [InlineData(2, "scan", "a", "b", "--output", "cyclonedx")]
    [InlineData(2, "scan", "a", "--db", "/no/such/file")]
    [InlineData(2, "scan", "a", "--suppress", "s.yaml")]
    [InlineData(2, "scan", "a", "--config", "/no/such/file")]
    [InlineData(2, "scan", "a", "--fial-on", "high")]
    [InlineData(2, "scan")]
    [InlineData(2, "scna", "a")]
    [InlineData(2)]
    [InlineData(0, "--version")]
    [InlineData(0, "--help")]
    [InlineData(0, "scan", "--help")]
    [InlineData(0, "help", "scan")]
    public async Task Run_Arguments_GiveTheExitCode(int code, params string[] args)
    {
        Assert.Equal(code, await RunAsync(args));
        if (code == 2)
            Assert.Empty(_out.ToString());
        Assert.DoesNotContain("   at ", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("here that is --output FORMAT", "scan", "a", "--format")]
    [InlineData("here that is --only-fixed", "scan", "a", "--ignore-unfixed")]
    [InlineData("here that is --fail-on LEVEL", "scan", "a", "--exit-code")]
    [InlineData("did you mean --only-fixed?", "scan", "a", "--only-fixd")]
    [InlineData("here that is plimsoll scan IMAGE", "image", "a")]
    [InlineData("did you mean plimsoll scan?", "scna", "a")]
    public async Task Run_AnotherToolsOrAMistypedWord_IsToldTheOneOfHere(string hint, params string[] args)
    {
        Assert.Equal(2, await RunAsync(args));
        Assert.Contains($"plimsoll: hint: {hint}", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scan_DatabaseThatCannotBeOpened_EndsTheScanWithItsReason()
    {
        // The image is read while the database is opened, so the failure must reach a scan that runs.
        _open = () => throw new CommandException(ExitCode.Undecided, "the advisory database is corrupt: test");
        _scan = (_, store, token) =>
        {
            token.WaitHandle.WaitOne(TimeSpan.FromSeconds(30));
            token.ThrowIfCancellationRequested();
            return ReportBuilder.Vulnerable().Build();
        };

        Assert.Equal(3, await RunAsync("scan", "a"));
        Assert.Equal("plimsoll: error: the advisory database is corrupt: test\n", _error.ToString());
        Assert.Empty(_out.ToString());
    }

    [Fact]
    public async Task Scan_IncompleteReport_Exits3AndThresholdWins()
    {
        _scan = (_, _, _) => ReportBuilder.Vulnerable().WithGap("file-too-large", "x", "y").Build();

        Assert.Equal(3, await RunAsync("scan", "a"));
        Assert.Equal(1, await RunAsync("scan", "a", "--fail-on", "critical"));
    }

    [Fact]
    public async Task Scan_UnknownSeverityOnly_DoesNotMeetLow()
    {
        _scan = (_, _, _) => new ReportBuilder().With(ReportBuilder.Package("a", "1"), "CVE-2024-1", Severity.Unknown).Build();

        Assert.Equal(0, await RunAsync("scan", "a", "--fail-on", "negligible"));
        Assert.Equal(1, await RunAsync("scan", "a", "--fail-on", "high,unknown"));
    }

    [Fact]
    public async Task Scan_SuppressedFinding_DoesNotMeetAnyThreshold()
    {
        Suppression suppression = new() { Id = "CVE-2024-1", Reason = "r", Source = "s" };
        _scan = (_, _, _) => new ReportBuilder().With(ReportBuilder.Package("a", "1"), "CVE-2024-1", Severity.Critical, suppressed: suppression).Build();

        Assert.Equal(0, await RunAsync("scan", "a", "--fail-on", "any"));
    }

    [Theory]
    [InlineData("app:1", "the daemon is not there", "\"app:1\": the daemon is not there")]
    [InlineData("oci:/srv/x", "layer 1: digest x differs from y", "\"oci:/srv/x\": layer 1: digest x differs from y")]
    [InlineData("oci:/srv/x", "/srv/x: it has no index.json", "/srv/x: it has no index.json")]
    public async Task Scan_TheOnlyImageBroken_TheErrorNamesItOnce(string image, string message, string shown)
    {
        _scan = (_, _, _) => throw new ImageException(ImageError.Malformed, message);

        Assert.Equal(3, await RunAsync("scan", image));

        Assert.Equal($"plimsoll: error: {shown}\n", _error.ToString());
    }

    [Fact]
    public async Task Scan_MistypedPath_NamesTheFileThatIsThere()
    {
        using TempFolder folder = new();
        folder.Write("image.tar", "x"u8.ToArray());
        _scan = (image, _, _) => throw new ImageException(ImageError.NotFound, $"{image} does not exist");

        await RunAsync("scan", folder["imgae.tar"]);

        Assert.Contains($"hint: did you mean {folder["image.tar"]}?", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("手册", "man")]
    [InlineData("缓存", "cache", "status", "--help")]
    [InlineData("计数", "db", "status", "--help")]
    public async Task Run_AnyCommandWithLang_SpeaksIt(string word, params string[] args)
    {
        Assert.Equal(0, await RunAsync([.. args, "--lang", "zh"]));

        Assert.Contains(word, _out.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plimsoll scan needs IMAGE", "scan")]
    [InlineData("plimsoll diff needs B", "diff", "a")]
    [InlineData("plimsoll diff needs A and B", "diff")]
    [InlineData("plimsoll db needs a command: update, status, export, import, malware", "db")]
    public async Task Run_ArgumentMissing_SaysWhich(string message, params string[] args)
    {
        Assert.Equal(2, await RunAsync(args));

        Assert.StartsWith($"plimsoll: error: {message}\n", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scan_OneImageBroken_OthersAreStillReported()
    {
        _scan = (image, _, _) => image == "bad" ? throw new ImageException(ImageError.DigestMismatch, "layer 1: digest x differs from y", "pull it again") : ReportBuilder.Vulnerable().Build();

        Assert.Equal(3, await RunAsync("scan", "bad", "good", "--json"));

        Assert.Equal("plimsoll: error: \"bad\": layer 1: digest x differs from y\nplimsoll: hint: pull it again\n", _error.ToString());
        using JsonDocument document = JsonDocument.Parse(_out.ToString());
        Assert.Equal("digest-mismatch", document.RootElement.GetProperty("reports")[0].GetProperty("error").GetProperty("code").GetString());
        Assert.Equal("good", document.RootElement.GetProperty("reports")[1].GetProperty("image").GetString());
    }

    [Fact]
    public async Task Scan_FaultOfOurs_IsOneLineAndTheTraceOnlyWhenAsked()
    {
        _scan = (_, _, _) => throw new InvalidOperationException("boom\x1b[31m\nsecond line");

        Assert.Equal(3, await RunAsync("scan", "a"));
        Assert.Contains("internal error", _error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("second line", _error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain('\x1b', _error.ToString());

        _environment["PLIMSOLL_DEBUG"] = "1";
        await RunAsync("scan", "a");
        Assert.Contains("   at ", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scan_Timeout_IsAnErrorWith3AndNothingIsLost()
    {
        _scan = (image, _, token) =>
        {
            if (image == "slow")
                token.WaitHandle.WaitOne(TimeSpan.FromSeconds(30));
            token.ThrowIfCancellationRequested();
            return ReportBuilder.Vulnerable().Build();
        };

        Assert.Equal(3, await RunAsync("scan", "fast", "slow", "--timeout", "1s", "--json"));
        Assert.Contains("\"slow\": timed out after 1 s", _error.ToString(), StringComparison.Ordinal);
        Assert.Contains("\"image\": \"fast\"", _out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scan_Interrupted_Exits130AndWritesNothing()
    {
        using CancellationTokenSource stop = new();
        string file = Path.Combine(_folder, "r.json");
        _scan = (_, _, token) =>
        {
            stop.Cancel();
            token.ThrowIfCancellationRequested();
            throw new InvalidOperationException("unreachable");
        };

        Assert.Equal(130, await RunAsync(stop.Token, "scan", "a", "--output", "json=" + file, "--output", "table"));
        Assert.Empty(_out.ToString());
        Assert.Empty(_error.ToString());
        Assert.False(File.Exists(file));
    }

    [Fact]
    public async Task Scan_SeveralOutputs_AreAllWrittenAndFilesReplacedAtOnce()
    {
        string json = Path.Combine(_folder, "r.json"), bom = Path.Combine(_folder, "bom.json"), target = Path.Combine(_folder, "target");
        File.WriteAllText(target, "old");
        File.CreateSymbolicLink(bom, target);

        Assert.Equal(0, await RunAsync("scan", "a", "-o", "table", "--output", "json=" + json, "--output", "cyclonedx=" + bom));

        Assert.Contains("What to upgrade", _out.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, JsonDocument.Parse(File.ReadAllText(json)).RootElement.GetProperty("schemaVersion").GetInt32());
        Assert.Contains("CycloneDX", File.ReadAllText(target), StringComparison.Ordinal);
        Assert.NotNull(new FileInfo(bom).LinkTarget);
        Assert.Empty(Directory.GetFiles(_folder, "*.tmp"));
    }

    [Fact]
    public async Task Scan_OutputToADevice_DoesNotReplaceIt()
    {
        Assert.Equal(0, await RunAsync("scan", "a", "--output", "json=/dev/null"));
        Assert.Equal(0, new FileInfo("/dev/null").Length);
        Assert.Null(Record.Exception(() => File.WriteAllText("/dev/null", "x")));
        Assert.Equal("", File.ReadAllText("/dev/null"));
    }

    [Fact]
    public async Task Scan_Settings_FlagWinsOverVariableOverFile()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "config"));
        File.WriteAllText(Path.Combine(_folder, "config", "config.yaml"), "scan:\n  fail-on: [low]\n  only-fixed: true\n  lang: zh\n");

        Assert.Equal(1, await RunAsync("scan", "a"));
        Assert.Contains("未显示", _out.ToString(), StringComparison.Ordinal);
        _environment["PLIMSOLL_SCAN_FAIL_ON"] = "none";
        Assert.Equal(0, await RunAsync("scan", "a"));
        Assert.Equal(1, await RunAsync("scan", "a", "--fail-on", "critical"));
    }

    [Theory]
    [InlineData("scan:\n  fail-om: high\n", "line 2: unknown key \"scan.fail-om\"; known keys: all, base, checks, clamd, color")]
    [InlineData("sacn:\n", "line 1: unknown key \"sacn\"; known keys: scan")]
    [InlineData("scan:\n  fail-on: awful\n", "line 2, scan.fail-on: \"awful\" is not understood")]
    [InlineData("scan:\n  all: true\n  all: true\n", "line 3: \"scan.all\" stands there twice")]
    [InlineData("scan: [", "line 1: wanted a mapping of options below scan")]
    [InlineData("scan: \"open", "not valid YAML")]
    [InlineData("scan:\n  all: {a: b}\n", "line 2: wanted a plain value")]
    public async Task Scan_WrongConfiguration_NamesLineAndKnownKeys(string yaml, string message)
    {
        string path = Path.Combine(_folder, "c.yaml");
        File.WriteAllText(path, yaml);

        Assert.Equal(2, await RunAsync("scan", "a", "--config", path));
        Assert.Contains(message, _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scan_NoDatabase_UsesTheStarterSetAndExits3WithTheHint()
    {
        File.Delete(Database);

        Assert.Equal(3, await RunAsync("scan", "a"));
        Assert.Contains("plimsoll db update", string.Join(' ', _out.ToString().Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Contains("CVE-2022-37434", _out.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("n\n", 3)]
    [InlineData("", 3)]
    [InlineData("y\n", 0)]
    public async Task Scan_NoDatabaseOnATerminal_DownloadsOnlyAfterYes(string answer, int code)
    {
        File.Delete(Database);
        _terminal = true;
        _answer = answer;
        bool updated = false;
        _update = (path, _) =>
        {
            updated = true;
            File.WriteAllText(path, "");
            return Task.FromResult(0);
        };

        Assert.Equal(code, await RunAsync("scan", "a"));
        Assert.Equal(code == 0, updated);
        Assert.Contains("[y/N]", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, 0, false, 0)]
    [InlineData(30, 0, true, 0)]
    [InlineData(30, 3, true, 3)]
    public async Task Scan_Update_RenewsADatabaseOlderThanADay(int hours, int result, bool expected, int code)
    {
        _created = ReportBuilder.Now.AddHours(-hours);
        bool updated = false;
        _update = (_, _) =>
        {
            updated = true;
            return Task.FromResult(result);
        };

        Assert.Equal(code, await RunAsync("scan", "a", "--update"));
        Assert.Equal(expected, updated);
    }

    [Fact]
    public async Task Scan_OldDatabase_IsSaid()
    {
        _created = ReportBuilder.Now.AddDays(-8);

        Assert.Equal(0, await RunAsync("scan", "a", "--json"));
        Assert.Contains("\"database-old\"", _out.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "xterm", "", "auto", true)]
    [InlineData(true, "xterm", "1", "auto", false)]
    [InlineData(true, "dumb", "", "auto", false)]
    [InlineData(false, "xterm", "", "auto", false)]
    [InlineData(false, "dumb", "1", "always", true)]
    [InlineData(true, "xterm", "", "never", false)]
    public async Task Scan_Colours_OnlyWhereTheyAreWanted(bool terminal, string term, string noColor, string flag, bool coloured)
    {
        _terminal = terminal;
        _environment["TERM"] = term;
        _environment["NO_COLOR"] = noColor;

        await RunAsync("scan", "a", "--color", flag);

        Assert.Equal(coloured, _out.ToString().Contains("\x1b[", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Scan_Options_ReachTheScanner()
    {
        ScanOptions? seen = null;
        _scan = (_, options, _) =>
        {
            seen = options;
            return ReportBuilder.Vulnerable().Build();
        };

        await RunAsync("scan", "a", "--platform", "linux/arm64/v8", "--parallel", "3", "--unverified");

        Assert.Equal(new Platform("linux", "arm64", "v8"), seen!.Platform);
        Assert.Equal((3, Verification.None, null), (seen.Parallelism, seen.Verification, seen.CacheFolder));
    }

    [Theory]
    [InlineData("0.1.0+0123456789abcdef", "plimsoll 0.1.0 (commit 0123456), no database")]
    [InlineData("0.1.0", "plimsoll 0.1.0 (commit unknown), no database")]
    public void Version_WithAndWithoutGit_NamesTheCommit(string full, string line) => Assert.Equal(line, AppVersion.Line(full, "no database"));

    [Fact]
    public async Task Version_WithDatabase_NamesCounterAndDay()
    {
        await RunAsync("--version");

        Assert.Matches(@"^plimsoll 0\.1\.0 \(commit \w+\), database: counter 12, 2026-03-02\n$", _out.ToString());
    }
}
