using Plimsoll.Agent.Gate;
using Plimsoll.Agent.Plugin;
using Plimsoll.Tests.Agent.Plugin;

namespace Plimsoll.Tests.Agent.Gate;

public sealed class DaemonEventsTests
{
    [Fact]
    public async Task Events_OfADaemonThatTells_AreToldWhenItComesUpAndForEach()
    {
        const string filters = """{"event":["start"]}""";
        using FakeDockerd dockerd = new();
        dockerd.Answers[$"/events?filters={Uri.EscapeDataString(filters)}"] = "{}";
        using DaemonClient client = new(dockerd.SocketPath, TimeSpan.FromSeconds(5));
        using SemaphoreSlim told = new(0);
        using DaemonEvents events = new(client, filters, _ =>
        {
            told.Release();
            return Task.CompletedTask;
        });
        // The stream ends behind its one event: it came up, one event, and it came up again.
        for (int i = 0; i < 3; i++)
            Assert.True(await told.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.Contains($"/events?filters={Uri.EscapeDataString(filters)}", dockerd.Requests);
    }
}
