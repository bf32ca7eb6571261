using System.Text.Json;
using Plimsoll.Cli;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Cli;

/// <summary>The verb lint through the program's own argument line.</summary>
public sealed class LintCommandTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly StringWriter _out = new(), _error = new();

    public void Dispose() => _folder.Dispose();

    private string Write(string name, string text)
    {
        File.WriteAllText(_folder[name], text);
        return _folder[name];
    }

    private Task<int> RunAsync(string input, params string[] args)
    {
        CliContext context = new() { Out = _out, Error = _error, In = new StringReader(input), Environment = n => n == "PLIMSOLL_HOME" ? _folder.Path : null };
        return PlimsollApp.RunAsync(["lint", .. args], context, new ScanServices
        {
            Scan = (_, _, _, _) => throw new InvalidOperationException("nobody asked for a scan"),
            OpenDatabase = _ => throw new InvalidOperationException("nobody asked for a database"),
            OpenStarterSet = () => throw new InvalidOperationException("nobody asked for a database"),
            UpdateDatabase = (_, _) => throw new InvalidOperationException("nobody asked for an update"),
            ReadSuppressions = _ => [],
        }, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(1, "FROM a\n")]
    [InlineData(0, "FROM a:1\n")]
    [InlineData(0, "FROM a\n", "--fail-on", "error")]
    [InlineData(0, "FROM a\n", "--fail-on", "none")]
    [InlineData(0, "FROM a\n", "--ignore", "DL3006")]
    [InlineData(0, "FROM a:1\nLABEL X=1\n")]
    [InlineData(1, "FROM a:1\nLABEL X=1\n", "--fail-on", "style")]
    [InlineData(1, "FROM a:1\nBLA\n")]
    [InlineData(3, "FROM a:1\nBLA\n", "--fail-on", "none")]
    [InlineData(2, "FROM a:1\n", "--fail-on", "bad")]
    [InlineData(2, "FROM a:1\n", "--output", "xml")]
    [InlineData(2, "FROM a:1\n", "--image", "x")]
    [InlineData(2, "FROM a:1\n", "--config", "/no/such/file")]
    [InlineData(2, "FROM a:1\n", "--format", "json")]
    public async Task Lint_StandardInput_EndsWithTheCode(int code, string text, params string[] args) =>
        Assert.Equal(code, await RunAsync(text, ["-", "--no-shellcheck", .. args]));

    [Fact]
    public async Task Lint_WithoutAFile_SaysWhatIsWanted()
    {
        Assert.Equal(2, await RunAsync(""));
        Assert.Contains("--image IMAGE", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lint_FormatOption_IsToldItsNameHere()
    {
        await RunAsync("", "x", "--format", "json");

        Assert.Contains("here that is --output FORMAT", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lint_AFileThatIsNotThere_IsSaidAndTheOthersAreChecked()
    {
        string there = Write("Dockerfile", "FROM a:1\nUSER root\n");

        Assert.Equal(3, await RunAsync("", there, _folder["none"], "--fail-on", "none"));
        Assert.Contains("DL3002", _out.ToString(), StringComparison.Ordinal);
        Assert.Contains("there is no file", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("en", "-:2 DL3002 warning: The last USER is root\n    Switch to an ordinary user at the end\n")]
    [InlineData("zh", "-:2 DL3002 警告：最后的 USER 是 root\n    最后切换到普通用户\n")]
    public async Task Lint_Table_IsInTheLanguage(string language, string expected)
    {
        await RunAsync("FROM a:1\nUSER 0\n", "-", "--no-shellcheck", "--lang", language);

        Assert.Equal(expected, _out.ToString());
    }

    [Fact]
    public async Task Lint_Json_HasHadolintsMembers()
    {
        await RunAsync("FROM a\nRUN sudo \u001b[2J\n", "-", "-o", "json", "--no-shellcheck");

        using JsonDocument json = JsonDocument.Parse(_out.ToString());
        JsonElement first = json.RootElement[0];
        Assert.Equal(("-", 1, 1, "warning", "DL3006"), (first.GetProperty("file").GetString(), first.GetProperty("line").GetInt32(), first.GetProperty("column").GetInt32(), first.GetProperty("level").GetString(), first.GetProperty("code").GetString()));
        Assert.DoesNotContain('\u001b', _out.ToString());
    }

    [Fact]
    [Trait("needs", "shared")]
    public async Task Lint_Sarif_IsValidByItsSchema()
    {
        await RunAsync("FROM a\nUSER root\nBLA\n", "-", "-o", "sarif");

        using JsonDocument json = JsonDocument.Parse(_out.ToString());
        Assert.Empty(new JsonSchemaValidator(SharedData.At("schemas")).Validate("sarif-2.1.0.schema.json", json.RootElement));
        Assert.Equal(4, json.RootElement.GetProperty("runs")[0].GetProperty("results").GetArrayLength());
    }

    [Fact]
    public async Task Lint_OutputToAFile_LeavesStandardOutputEmpty()
    {
        await RunAsync("FROM a\n", "-", "-o", $"json={_folder["x.json"]}", "--no-shellcheck");

        Assert.Equal("", _out.ToString());
        Assert.Contains("DL3006", await File.ReadAllTextAsync(_folder["x.json"], TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lint_ConfigFile_IsUsed()
    {
        string config = Write("h.yaml", "ignored: [DL3006]\nfailure-threshold: error\n");

        Assert.Equal(0, await RunAsync("FROM a\nUSER root\n", "-", "--config", config, "--no-shellcheck"));
        Assert.DoesNotContain("DL3006", _out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lint_WithoutShellCheck_SaysSo()
    {
        await RunAsync("FROM a:1\n", "-");

        Assert.Contains(Catalogue.LintNoShellCheck.English, _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lint_TerminalEscapesInAFile_AreShownAsText()
    {
        await RunAsync("FROM a:1\nWORKDIR \u001b]0;x\u0007\n", "-", "--no-shellcheck");

        Assert.Contains("\\x1b", _out.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', _out.ToString());
    }

    [Fact]
    public async Task Lint_Image_PrintsTheRebuiltFileAndWhatIsWrong()
    {
        ImageBuilder image = new ImageBuilder().Layer(_ => { }, "ADD rootfs.tar / # buildkit").Layer(_ => { }, "RUN /bin/sh -c curl https://x | sh # buildkit");
        string path = _folder.Write("image.tar", ImageBuilder.Tar(image.ArchiveFiles()));

        Assert.Equal(1, await RunAsync("", "--image", path));
        Assert.Contains("   4    [1]  RUN curl https://x | sh\n", _out.ToString(), StringComparison.Ordinal);
        Assert.Contains(":4 pipe-to-shell error: ", _out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lint_ImageThatIsNone_IsUndecided() => Assert.Equal(3, await RunAsync("", "--image", Write("x.tar", "no image")));
}
