using System.Text;
using System.Text.Json;
using Plimsoll.Cli;
using Plimsoll.EvidenceLog;
using Plimsoll.Tests.EvidenceLog;

namespace Plimsoll.Tests.Cli;

public sealed class LogCommandTests : IDisposable
{
    private readonly LogHost _host = new();
    private readonly StringWriter _out = new(), _error = new();

    public void Dispose() => _host.Dispose();

    private async Task<(int Code, string Out, string Error)> RunAsync(params string[] args)
    {
        _out.GetStringBuilder().Clear();
        _error.GetStringBuilder().Clear();
        CliContext context = new() { Out = _out, Error = _error, Time = _host.Clock, Environment = name => name == "PLIMSOLL_HOME" ? _host["home"] : null };
        int code = await PlimsollApp.RunAsync(args, context, Wiring.Services(context), TestContext.Current.CancellationToken);
        return (code, _out.ToString(), _error.ToString());
    }

    private string Key()
    {
        File.WriteAllText(_host["first.pub"], _host.FirstKey);
        return _host["first.pub"];
    }

    [Fact]
    public async Task Verify_GoodLog_Exits0AndSaysHowFarItIsSigned()
    {
        _host.With(9);
        (int code, string text, string error) = await RunAsync("log", "verify", _host.Folder, "--key", Key());

        Assert.Equal((0, ""), (code, error));
        Assert.Contains("Good: every line is as it was written", text, StringComparison.Ordinal);
        Assert.All(text.Split('\n'), l => Assert.True(l.Length <= 80, l));
        (code, text, _) = await RunAsync("log", "verify", _host.Folder, "--key", Key(), "--lang", "zh");
        Assert.Equal(0, code);
        Assert.Contains("通过", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_ChangedLine_Exits1AndNamesItInTextAndJson()
    {
        _host.With(5);
        List<string> lines = _host.Lines(_host.FileNames[0]);
        lines[2] = lines[2].Replace("app-1", "app-9", StringComparison.Ordinal);
        _host.Write(_host.FileNames[0], lines);

        (int code, string text, _) = await RunAsync("log", "verify", _host.Folder, "--key", Key());
        Assert.Equal(1, code);
        Assert.Contains("✗ evidence-000001.jsonl:3: line changed: line 3 has the digest", text, StringComparison.Ordinal);
        (code, text, _) = await RunAsync("log", "verify", _host.Folder, "--key", Key(), "--json");
        Assert.Equal(1, code);
        using JsonDocument json = JsonDocument.Parse(text);
        Assert.False(json.RootElement.GetProperty("good").GetBoolean());
        JsonElement finding = json.RootElement.GetProperty("findings")[0];
        Assert.Equal(("line-changed", true, 3), (finding.GetProperty("kind").GetString(), finding.GetProperty("fault").GetBoolean(), finding.GetProperty("line").GetInt32()));
    }

    [Fact]
    public async Task Export_ThenCutOff_IsFoundWithTheCheckpoint()
    {
        _host.With(9);
        string checkpoint = _host["kept.json"];
        Assert.Equal(0, (await RunAsync("log", "export", _host.Folder, "--key", Key(), "--output", checkpoint)).Code);
        Assert.Equal(0, (await RunAsync("log", "verify", _host.Folder, "--key", Key(), "--checkpoint", checkpoint)).Code);
        List<string> lines = _host.Lines(_host.FileNames[0]);
        _host.Write(_host.FileNames[0], lines[..lines.FindIndex(l => LogHost.Parse(l).Kind == LogKinds.Checkpoint)]);

        Assert.Equal(0, (await RunAsync("log", "verify", _host.Folder, "--key", Key())).Code);
        (int code, string text, _) = await RunAsync("log", "verify", _host.Folder, "--key", Key(), "--checkpoint", checkpoint);
        Assert.Equal(1, code);
        Assert.Contains("cut off", text, StringComparison.Ordinal);
        Assert.Equal(3, (await RunAsync("log", "export", _host.Folder, "--key", Key(), "--output", checkpoint)).Code);
    }

    [Fact]
    public async Task Verify_WrongArguments_Exit2AndNoLogExits3()
    {
        _host.With(1);
        Assert.Equal(2, (await RunAsync("log", "verify", _host.Folder)).Code);
        Assert.Equal(2, (await RunAsync("log", "verify", _host.Folder, "--key", _host["none"])).Code);
        File.WriteAllText(_host["junk"], "junk");
        Assert.Equal(2, (await RunAsync("log", "verify", _host.Folder, "--key", _host["junk"])).Code);
        Assert.Equal(2, (await RunAsync("log", "verify", _host.Folder, "--key", Key(), "--checkpoint", _host["junk"])).Code);
        (int code, _, string error) = await RunAsync("log", "verify", _host["nowhere"], "--key", Key());
        Assert.Equal(3, code);
        Assert.StartsWith("plimsoll: error: log-unreadable: ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Show_Lines_AreFilteredCutAndHarmless()
    {
        using (EvidenceLogWriter log = _host.Open())
        {
            log.Append("start-allowed", LogField.Text("image", new string('x', 300)));
            _host.Clock.Now += TimeSpan.FromHours(2);
            log.Append("start-refused", LogField.Text("image", "evil\u001b[2J"), LogField.List("files", ["a", "b"]));
        }
        (int code, string text, string error) = await RunAsync("log", "show", _host.Folder);
        Assert.Equal(0, code);
        Assert.Equal(4, text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.All(text.Split('\n'), l => Assert.True(l.Length <= 80, l));
        Assert.Contains("not proved", error, StringComparison.Ordinal);

        (_, text, _) = await RunAsync("log", "show", _host.Folder, "--kind", "start-refused", "--since", "1h");
        Assert.Equal("       3 2026-11-21T10:00:00Z start-refused    image=evil\\x1b[2J files=a,b\n", text);
        (_, text, _) = await RunAsync("log", "show", _host.Folder, "--last", "1", "--json");
        Assert.Equal(LogKinds.Checkpoint, LogLine.Parse(Encoding.UTF8.GetBytes(text.TrimEnd('\n'))).Kind);
        Assert.Equal(2, (await RunAsync("log", "show", _host.Folder, "--since", "yesterday")).Code);
        Assert.Equal(2, (await RunAsync("log", "show", _host.Folder, "--last", "0")).Code);
    }
}
