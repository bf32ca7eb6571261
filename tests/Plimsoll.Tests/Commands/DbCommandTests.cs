using System.CommandLine;
using Plimsoll.Cli;
using Plimsoll.Cli.Commands;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Commands;

public sealed class DbCommandTests : IDisposable
{
    private readonly OsvSource _source = new();
    private readonly StringWriter _out = new(), _error = new();

    public void Dispose() => _source.Dispose();

    private async Task<int> RunAsync(Language language, params string[] arguments)
    {
        CliContext context = new() { Out = _out, Error = _error, Language = language, Environment = name => name == "PLIMSOLL_HOME" ? _source.Root : null };
        RootCommand root = new();
        root.Subcommands.Add(DbCommand.Create(context));
        return await root.Parse(["db", .. arguments]).InvokeAsync(cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Status_WithoutDatabase_Exits3AndNamesTheStarterSet()
    {
        Assert.Equal(ExitCode.Undecided, await RunAsync(Language.English, "status"));
        Assert.Contains("does not count as a database", _out.ToString(), StringComparison.Ordinal);
        Assert.Equal(ExitCode.Undecided, await RunAsync(Language.Chinese, "status"));
        Assert.Contains("没有漏洞公告数据库", _out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Update_ThenStatus_ShowsReleases()
    {
        _source.With("Debian", "DSA-1", "bash", "1").Build();
        Assert.Equal(ExitCode.Done, await RunAsync(Language.English, "update", "--source", _source.Folder));
        Assert.DoesNotContain('\r', _error.ToString());
        Assert.Equal(ExitCode.Done, await RunAsync(Language.English, "status", "--verify"));
        Assert.Contains("Debian:11", _out.ToString(), StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, await RunAsync(Language.English, "status", "--json"));
        Assert.Contains("\"counter\": 1", _out.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Update_NoSource_SaysSoWithoutTrace()
    {
        Assert.Equal(ExitCode.Undecided, await RunAsync(Language.English, "update", "--source", "/nowhere"));
        Assert.StartsWith("plimsoll: error: there is no folder or zip", _error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_NoKeyOption_IsUsage() => Assert.NotEqual(ExitCode.Done, await RunAsync(Language.English, "import", "x"));

    [Fact]
    public async Task Update_FolderThatCannotBeMade_IsAccessDenied()
    {
        // A file stands where the data folder should be: root cannot write there either.
        await File.WriteAllTextAsync(Path.Combine(_source.Root, "data"), "", TestContext.Current.CancellationToken);
        _source.With("Debian", "DSA-1", "bash", "1").Build();
        Assert.Equal(ExitCode.Undecided, await RunAsync(Language.English, "update", "--source", _source.Folder));
        Assert.Contains("PLIMSOLL_HOME", _error.ToString(), StringComparison.Ordinal);
    }
}
