using System.Net;
using System.Net.Sockets;
using System.Text;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>No network, no rights, no room, company, a terminal, Ctrl-C: the same answer, or a clean end.</summary>
[Trait("needs", "host")]
public sealed class SurroundingsTests : IDisposable
{
    /// <summary>How long Ctrl-C may take on busy processors; people press it again after two seconds.</summary>
    private static readonly TimeSpan Quick = TimeSpan.FromSeconds(5);

    private readonly SmallDatabase _database;
    private readonly TempFolder _folder = new();
    private readonly string _image;

    public SurroundingsTests(SmallDatabase database)
    {
        _database = database;
        _image = _folder.Write("image.tar", ImageBuilder.Tar(SmallDatabase.Image().ArchiveFiles()));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Scan_WithoutNetwork_SaysTheSame()
    {
        Outcome with = Scan(_image).Run().Expect(0);
        Outcome without = Through(["unshare", "-n"], "scan", _image).Run().Expect(0);

        Assert.Equal(with.Out, without.Out);
        Assert.Equal(with.Error, without.Error);
        Assert.Contains("CVE-2025-0001", without.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Update_WithoutNetwork_Exits3AndKeepsTheDatabase()
    {
        Call("db", "update", "--source", _database.Source).Run().Expect(0);
        byte[] before = File.ReadAllBytes(_folder["data/advisories.db"]);

        Outcome outcome = Through(["unshare", "-n"], "db", "update").Run().Expect(3);

        outcome.ExpectError("osv-vulnerabilities");
        Assert.Equal(before, File.ReadAllBytes(_folder["data/advisories.db"]));
        Assert.Equal(["advisories.db", "advisories.db.lock"], Names(_folder["data"]));
    }

    [Theory]
    [InlineData("own home")]
    [InlineData("home of another")]
    [InlineData("no home")]
    public void Scan_AsNobody_SaysTheSame(string home)
    {
        using Nobody nobody = new();
        string image = nobody.Copy(_image);
        Call call = nobody.Call("scan", image).With("PLIMSOLL_SCAN_DB", nobody.Copy(_database.Path));
        if (home != "own home")
        {
            // Neither may be written in: a scan needs no cache and leaves no file.
            call.With("PLIMSOLL_HOME", home == "no home" ? null : nobody["theirs"]).With("HOME", home == "no home" ? "/nonexistent" : nobody["theirs"]).With("TMPDIR", "/nonexistent");
            Directory.CreateDirectory(nobody["theirs"]);
        }

        Outcome outcome = call.Run().Expect(0);

        Assert.Equal(Scan(_image).Run().Out.Replace(_image, image, StringComparison.Ordinal), outcome.Out);
        Assert.DoesNotContain("error", outcome.Error, StringComparison.Ordinal);
        Assert.Empty(Names(nobody["theirs"]));
    }

    [Fact]
    public void Scan_FileThatMayNotBeRead_IsAccessDenied()
    {
        using Nobody nobody = new();
        string image = nobody.Copy(_image);
        File.SetUnixFileMode(image, UnixFileMode.UserRead);

        Outcome outcome = nobody.Call("scan", "--json", image).With("PLIMSOLL_SCAN_DB", nobody.Copy(_database.Path)).Run().Expect(3);

        outcome.ExpectError(image);
        Assert.Equal("access-denied", (string)outcome.Report["error"]!["code"]!);
    }

    [Fact]
    public void Output_FolderThatMayNotBeWrittenIn_Exits3AndKeepsTheOldFile()
    {
        using Nobody nobody = new();
        string image = nobody.Copy(_image), report = nobody["report.json"];
        File.WriteAllText(report, "old");

        nobody.Call("scan", "--output", $"json={report}", image).With("PLIMSOLL_SCAN_DB", nobody.Copy(_database.Path)).Run().Expect(3).ExpectError("report.json");

        Assert.Equal("old", File.ReadAllText(report));
    }

    [Fact]
    public void FullDisk_UnderCacheDatabaseAndOutput_CostsOnlyWhatNeedsIt()
    {
        Directory.CreateDirectory(_folder["full"]);
        // A file system of 32 KiB that only this shell sees, filled to the last byte.
        string shell = $"""
            mount -t tmpfs -o size=32k none '{_folder["full"]}' && mkdir '{_folder["full"]}/data' && echo old >'{_folder["full"]}/report.json'
            cat /dev/zero >'{_folder["full"]}/filler' 2>/dev/null
            '{EndToEnd.Call.Executable}' scan '{_image}' >'{_folder["scan"]}' || exit 90
            '{EndToEnd.Call.Executable}' scan '{_image}' --output json='{_folder["full"]}/report.json'; echo $? >'{_folder["code-output"]}'
            '{EndToEnd.Call.Executable}' db update --source '{_database.Source}'; echo $? >'{_folder["code-update"]}'
            ls -A '{_folder["full"]}' '{_folder["full"]}/data' >'{_folder["left"]}'; cat '{_folder["full"]}/report.json' >'{_folder["report"]}'
            """;

        Outcome outcome = new Call(_folder["full"], "-m", "sh", "-c", shell) { Program = "/usr/bin/unshare" }.With("PLIMSOLL_SCAN_DB", _database.Path).Run().Expect(0);

        Assert.Equal(Scan(_image).Run().Out, File.ReadAllText(_folder["scan"]));
        Assert.Equal("3", File.ReadAllText(_folder["code-output"]).Trim());
        Assert.Equal("3", File.ReadAllText(_folder["code-update"]).Trim());
        Assert.Equal("old", File.ReadAllText(_folder["report"]).Trim());
        Assert.DoesNotContain("tmp", File.ReadAllText(_folder["left"]).Replace(_folder.Path, "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("No space left", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Parallel_ScansOnOneColdCacheBesideAnUpdate_AllAreRight()
    {
        Call("db", "update", "--source", _database.Source).Run().Expect(0);
        // An update replaces the database while scans read it.
        List<Running> running = [.. Enumerable.Range(0, 4).Select(_ => Call("scan", "--json", _image).Start())];
        running.Add(Call("db", "update", "--source", _database.Source).Start());
        running.AddRange(Enumerable.Range(0, 2).Select(_ => Call("scan", "--json", _image).Start()));

        List<Outcome> outcomes = [.. running.Select(r => r.End())];
        running.ForEach(r => r.Dispose());

        outcomes[4].Expect(0);
        outcomes.RemoveAt(4);
        Assert.All(outcomes, o => Assert.Equal([SmallDatabase.Flaw], o.Expect(0).Report.Flaws()));
        // Two layers, each once for the packages and for each check that reads files.
        Assert.Equal(2, Directory.EnumerateFiles(_folder["cache/layers"]).Select(f => Path.GetFileName(f).Split('-')[0]).Distinct().Count());
        Assert.Equal(["advisories.db", "advisories.db.lock"], Names(_folder["data"]));
    }

    [Fact]
    public void Update_TwoAtOnce_OneWinsAndTheOtherSaysSo()
    {
        using StallingServer server = new();
        using Running first = Call("db", "update", "--source", server.Address, "--ecosystem", "Debian").Start();
        server.WaitForRequest();

        Call("db", "update", "--source", _database.Source).Run().Expect(3).ExpectError("another update");

        first.Interrupt();
        first.End().Expect(130);
        Call("db", "update", "--source", _database.Source).Run().Expect(0);
    }

    [Fact]
    public void CtrlC_InAnUpdate_IsQuickAndChangesNothing()
    {
        Call("db", "update", "--source", _database.Source).Run().Expect(0);
        byte[] before = File.ReadAllBytes(_folder["data/advisories.db"]);
        using StallingServer server = new();
        using Running update = Call("db", "update", "--source", server.Address, "--ecosystem", "Debian").Start();
        server.WaitForRequest();

        Outcome outcome = Interrupted(update);

        outcome.ExpectError("interrupted");
        Assert.Equal(before, File.ReadAllBytes(_folder["data/advisories.db"]));
        Assert.Equal(["advisories.db", "advisories.db.lock"], Names(_folder["data"]));
        Call("db", "status", "--verify").Run().Expect(0);
    }

    [Theory]
    [InlineData("archive")]
    [InlineData("gzip on standard input")]
    [InlineData("silent standard input")]
    public void CtrlC_InABigScan_IsQuickAndLeavesNothing(string form)
    {
        string big = _folder["big.tar"];
        Directory.CreateDirectory(_folder["tmp"]);
        if (form != "silent standard input")
            WriteBig(big);
        string image = form == "archive" ? big : "-";
        Call call = form == "gzip on standard input"
            ? new(_folder["home"], "-c", $"gzip -1 <'{big}' | exec '{EndToEnd.Call.Executable}' scan --output json='{_folder["report.json"]}' -") { Program = "/bin/bash" }
            : new(_folder["home"], "scan", "--output", $"json={_folder["report.json"]}", image);
        using Running scan = call.With("TMPDIR", _folder["tmp"]).With("PLIMSOLL_SCAN_DB", _database.Path).Start(keepInputOpen: form == "silent standard input");
        WaitUntilItReads(scan, form);
        Assert.True(scan.Alive, "it ended before it could be interrupted");

        Outcome outcome = form == "gzip on standard input" ? InterruptedChild(scan) : Interrupted(scan);

        Assert.Empty(outcome.Out);
        Assert.False(File.Exists(_folder["report.json"]));
        Assert.Empty(Names(_folder["tmp"]));
        Assert.DoesNotContain(Directory.Exists(_folder["home"]) ? Directory.EnumerateFiles(_folder["home"], "*", SearchOption.AllDirectories) : [], f => f.Contains(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void Terminal_GetsColoursAndProgress_NothingElseDoes()
    {
        string big = _folder["big.tar"];
        // Some tenths of a second: the first progress is painted after one.
        WriteBig(big, 1_200_000_000);

        string onTerminal = Terminal("scan", _image), dumb = Terminal("scan", "--color", "never", _image), longOnTerminal = Terminal("scan", big);
        string noColor = Terminal(("NO_COLOR", "1"), "scan", _image), quiet = Terminal("scan", "-q", big), always = Scan("--color", "always", _image).Run().Out;
        Outcome piped = Scan(_image).Run(), longPiped = Scan(big).Run();

        Assert.Matches("\e\\[[0-9;]+m", onTerminal);
        Assert.Matches("\e\\[[0-9;]+m", always);
        Assert.DoesNotMatch("\e\\[[0-9;]+m", noColor);
        Assert.DoesNotMatch("\e\\[[0-9;]+m", dumb);
        Assert.Contains("\r\e[K", longOnTerminal, StringComparison.Ordinal);
        Assert.Contains("big.tar", longOnTerminal, StringComparison.Ordinal);
        Assert.DoesNotContain("\r\e[K", quiet, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', piped.Out + piped.Error + longPiped.Out + longPiped.Error);
        Assert.DoesNotContain('\r', piped.Out + piped.Error + longPiped.Out + longPiped.Error);
    }

    /// <summary>One layer of zeros, with no disk behind them; the layer is forged, but nobody gets to its end.</summary>
    private static void WriteBig(string path, long size = 7_000_000_000)
    {
        byte[] config = Encoding.UTF8.GetBytes($$$"""{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:{{{new string('0', 64)}}}"]}}""");
        byte[] head = new TarBuilder().File($"{ImageBuilder.Hex(config)}.json", config)
            .File("manifest.json", $$"""[{"Config":"{{ImageBuilder.Hex(config)}}.json","RepoTags":null,"Layers":["0/layer.tar"]}]""")
            .Entry("0/layer.tar", '0', [], statedSize: size).BuildOpen();
        // Inside, one file nearly as large, that no analyser wants.
        byte[] inner = new TarBuilder().Entry("zeros", '0', [], statedSize: (size - 2048) / 512 * 512).BuildOpen();
        using FileStream file = File.Create(path);
        file.Write(head);
        file.Write(inner);
        file.SetLength(head.Length + (size + 511) / 512 * 512 + 1024);
    }

    /// <summary>Reading shows in the process's own account of its processor time.</summary>
    private static void WaitUntilItReads(Running scan, string form)
    {
        using ManualResetEventSlim pause = new();
        for (int i = 0; i < 200 && scan.Alive; i++)
        {
            pause.Wait(50);
            if (form == "archive" ? scan.Process.TotalProcessorTime > TimeSpan.FromMilliseconds(400) : i > 20)
                return;
        }
    }

    private static Outcome Interrupted(Running running)
    {
        TimeSpan before = running.Elapsed;
        running.Interrupt();
        Outcome outcome = running.End().Expect(130);
        Assert.True(outcome.Took - before < Quick, $"Ctrl-C took {outcome.Took - before}");
        return outcome;
    }

    /// <summary>The last process of a pipe.</summary>
    private static Outcome InterruptedChild(Running shell)
    {
        TimeSpan before = shell.Elapsed;
        Tool.Run("pkill", ["-INT", "-P", shell.Process.Id.ToString(), "plimsoll"]);
        Outcome outcome = shell.End().Expect(130);
        Assert.True(outcome.Took - before < Quick, $"Ctrl-C took {outcome.Took - before}");
        return outcome;
    }

    private string Terminal(params string[] arguments) => Terminal(null, arguments);

    private string Terminal((string Name, string Value)? variable, params string[] arguments)
    {
        Call call = new(_folder.Path, "-qec", string.Join(' ', ((string[])[EndToEnd.Call.Executable, .. arguments]).Select(a => $"'{a}'")), "/dev/null") { Program = "/usr/bin/script" };
        call.With("TERM", "xterm-256color").With("SHELL", "/bin/sh").With("PLIMSOLL_SCAN_DB", _database.Path);
        if (variable is { } set)
            call.With(set.Name, set.Value);
        return call.Run().Out;
    }

    private static string[] Names(string folder) =>
        Directory.Exists(folder) ? [.. Directory.EnumerateFileSystemEntries(folder).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)] : [];

    private Call Call(params string[] arguments) => new(_folder.Path, arguments);

    private Call Through(string[] through, params string[] arguments) => new Call(_folder.Path, arguments) { Through = through }.With("PLIMSOLL_SCAN_DB", _database.Path);

    private Call Scan(params string[] arguments) => _database.Call(_folder, ["scan", .. arguments]);

    /// <summary>An advisory source that begins to answer and never ends.</summary>
    private sealed class StallingServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly ManualResetEventSlim _asked = new();
        private readonly List<TcpClient> _clients = [];

        public StallingServer()
        {
            _listener.Start();
            new Thread(Serve) { IsBackground = true }.Start();
        }

        public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

        public void WaitForRequest() => Assert.True(_asked.Wait(TimeSpan.FromSeconds(20)), "nobody asked");

        private void Serve()
        {
            try
            {
                while (true)
                {
                    TcpClient client = _listener.AcceptTcpClient();
                    lock (_clients)
                        _clients.Add(client);
                    NetworkStream stream = client.GetStream();
                    byte[] request = new byte[4096];
                    string asked = Encoding.ASCII.GetString(request, 0, stream.Read(request));
                    if (!asked.Contains("all.zip", StringComparison.Ordinal))
                    {
                        stream.Write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8);
                        client.Close();
                        continue;
                    }
                    stream.Write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nPK\x03\x04"u8);
                    _asked.Set();
                }
            }
            catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
            {
                // The test is over.
            }
        }

        public void Dispose()
        {
            _listener.Dispose();
            lock (_clients)
                _clients.ForEach(c => c.Dispose());
            _asked.Dispose();
        }
    }
}
