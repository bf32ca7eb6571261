using System.Text;
using Plimsoll.Agent.Gate;
using Plimsoll.Agent.Plugin;
using Plimsoll.Tests.Agent.Plugin;

namespace Plimsoll.Tests.Agent.Gate;

public sealed class DaemonViewTests : IDisposable
{
    private const string Path = "/usr/lib/plimsoll/plimsoll";
    private static readonly (string, string)[] Launchers = [("plimsoll", Path)];

    private readonly FakeDockerd _dockerd = new();
    private readonly DaemonClient _client;

    public DaemonViewTests() => _client = new DaemonClient(_dockerd.SocketPath, TimeSpan.FromSeconds(5));

    public void Dispose()
    {
        _client.Dispose();
        _dockerd.Dispose();
    }

    private static string Info(string runtime = "plimsoll", string plugins = "[\"plimsoll\"]", string path = Path) =>
        $$$"""{"DefaultRuntime":"{{{runtime}}}","Runtimes":{"plimsoll":{"path":"{{{path}}}"},"runc":{"path":"runc"}},"Plugins":{"Authorization":{{{plugins}}} }}""";

    private static string[] Differences(string json, bool? asksUs = true)
    {
        Assert.True(DaemonInfo.TryRead(Encoding.UTF8.GetBytes(json), out DaemonInfo? info));
        return [.. (info with { AsksUs = asksUs }).Differences(Launchers, "plimsoll").Select(d => d.ToString())];
    }

    [Fact]
    public void Differences_AsInstalled_AreNone() => Assert.Empty(Differences(Info()));

    [Theory]
    [InlineData("runc", "[\"plimsoll\"]", Path, "default runtime is \"runc\"")]
    [InlineData("plimsoll", "null", Path, "asks no authorization plugin plimsoll")]
    [InlineData("plimsoll", "[\"plimsoll2\"]", Path, "asks no authorization plugin plimsoll")]
    [InlineData("plimsoll", "[\"plimsoll\"]", "/tmp/evil", "launchers by their paths")]
    public void Differences_OneThingElse_IsNamed(string runtime, string plugins, string path, string wanted) => Assert.Contains(wanted, Assert.Single(Differences(Info(runtime, plugins, path), asksUs: null)), StringComparison.Ordinal);

    [Fact]
    public void Differences_DaemonThatNamesThePluginAndDoesNotAskIt_AreSeen() => Assert.Contains("asks no authorization plugin", Assert.Single(Differences(Info(), asksUs: false)), StringComparison.Ordinal);

    /// <summary>Docker 20.10 lists the plugins that it was started with, and asks those of its last reload.</summary>
    [Fact]
    public void Differences_DaemonThatAsksThePluginAndDoesNotNameIt_AreNone() => Assert.Empty(Differences(Info(plugins: "null"), asksUs: true));

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"DefaultRuntime\":1}")]
    [InlineData("{\"DefaultRuntime\":\"plimsoll\",\"Plugins\":{\"Authorization\":[1]}}")]
    public void TryRead_WhatIsNoInfo_IsNotKnown(string json) => Assert.False(DaemonInfo.TryRead(Encoding.UTF8.GetBytes(json), out _));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task View_DaemonThatAnswers_IsKnownTogetherWithWhetherItAsks(bool asks)
    {
        _dockerd.Answers["/info"] = Info();
        // What the plugin does with a header of its own process.
        _dockerd.Plugin = message => Task.FromResult(!asks || _client.IsOwn(message.Headers[DaemonClient.Header]));
        TaskCompletionSource looked = new();
        using DaemonView view = new(_client, _dockerd.SocketPath, TimeProvider.System, () => looked.TrySetResult());
        await looked.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.NotNull(view.Info);
        Assert.Equal(asks, view.Info.AsksUs);
        Assert.True(view.IsFresh);
    }

    [Fact]
    public async Task View_DaemonThatDoesNotAnswer_IsNotKnown()
    {
        TaskCompletionSource looked = new();
        using DaemonView view = new(_client, _dockerd.SocketPath, TimeProvider.System, () => looked.TrySetResult());
        await looked.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Null(view.Info);
        Assert.False(view.IsFresh);
    }
}
