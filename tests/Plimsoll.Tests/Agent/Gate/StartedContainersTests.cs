using Plimsoll.Agent.Gate;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Agent.Gate;

public sealed class StartedContainersTests : IDisposable
{
    private static readonly string Id = new('c', 64), Own = new('d', 64);
    private static readonly Digest Image = Digest.Of("image"u8);

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>As after a start of the agent.</summary>
    private StartedContainers Open() => new(_folder["started"]);

    [Fact]
    public void Contains_OneThatWasStarted_IsItWithItsOwnFolderAlone()
    {
        Assert.False(Open().Contains(Id, Own));
        Open().Add(Id, Own, "runc", Image, ["registry.example/web:1"]);

        Assert.True(Open().Contains(Id, Own));
        Assert.False(Open().Contains(Id, new string('e', 64)));
        Assert.False(Open().Contains(new string('b', 64), Own));
        Assert.Equal(["registry.example/web:1"], Open().NamesOf(Image));
        Assert.Empty(Open().NamesOf(Digest.Of("another"u8)));
    }

    /// <summary>One that the gate started once, and that a daemon whose notes were edited starts again under another runtime.</summary>
    [Fact]
    public async Task HasAllowed_EachAnswer_IsGoodForOneFirstProcess()
    {
        StartedContainers started = Open();
        started.Add(Id, Own, "plimsoll", Image, []);
        long now = HostProcesses.Now();
        (int, long) self = (Environment.ProcessId, HostProcesses.StartOf(Environment.ProcessId)!.Value);

        // It began before the agent did; and nobody is there.
        Assert.True(started.HasAllowed(Id, Own, self));
        Assert.True(started.HasAllowed(Id, Own, null));
        Assert.False(started.HasAllowed(new string('e', 64), Own, self));
        // Later, and nobody asked.
        Assert.False(started.HasAllowed(Id, Own, (7, now + 1)));
        await Task.Delay(30, TestContext.Current.CancellationToken);
        started.Allow(Id);
        long allowed = HostProcesses.Now();
        Assert.False(started.HasAllowed(Id, Own, (7, now + 1)));
        Assert.False(started.HasAllowed(Id, Own, (7, allowed + (11 * HostProcesses.TicksPerSecond))));
        // What a runtime goes through on the way, and then another one altogether.
        const int gone = int.MaxValue;
        Assert.True(started.HasAllowed(Id, Own, (gone - 1, allowed)));
        Assert.True(started.HasAllowed(Id, Own, (gone, allowed + 2)));
        Assert.False(started.HasAllowed(Id, Own, (gone - 2, allowed + 2 + (4 * HostProcesses.TicksPerSecond))));
        started.Allow(Id);
        Assert.True(started.HasAllowed(Id, Own, (gone - 2, HostProcesses.Now())));
    }

    /// <summary>A look may miss the first process and see a later one.</summary>
    [Fact]
    public async Task HasAllowed_LaterProcessWhileTheFirstLives_IsNoStart()
    {
        StartedContainers started = Open();
        started.Add(Id, Own, "plimsoll", Image, []);
        // The kernel's ticks are longer than this takes.
        await Task.Delay(30, TestContext.Current.CancellationToken);
        started.Allow(Id);
        using System.Diagnostics.Process sleep = System.Diagnostics.Process.Start("sleep", "600");
        long begun = HostProcesses.StartOf(sleep.Id)!.Value;

        Assert.True(started.HasAllowed(Id, Own, (sleep.Id, begun)));
        Assert.True(started.HasAllowed(Id, Own, (int.MaxValue, begun + (5 * HostProcesses.TicksPerSecond))));
        sleep.Kill();
        await sleep.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.False(started.HasAllowed(Id, Own, (int.MaxValue, begun + (5 * HostProcesses.TicksPerSecond))));
    }

    [Theory]
    [InlineData("plimsoll", "plimsoll-secure")]
    [InlineData("plimsoll", "of another/form")]
    public void RuntimeOf_OneThatWasStartedUnderAnother_IsItsOwnAlone(string first, string second)
    {
        string[] ids = [Id, new string('e', 64), new string('f', 64)];
        foreach (string id in ids)
            Open().Add(id, Own, first, Image, []);
        Open().Add(ids[1], Own, second, Image, []);
        Open().Add(ids[2], Own, second, Image, []);
        Open().Add(ids[2], Own, first, Image, []);

        Assert.Equal([first, second, first], ids.Select(i => Open().RuntimeOf(i, Own)));
    }

    [Fact]
    public void NamesOf_NamesThatChangedAndCameBack_AreTheLastOnes()
    {
        StartedContainers started = Open();
        foreach (string name in (string[])["a:1", "b:1", "a:1"])
        {
            started.Add(Id, Own, "plimsoll", Image, [name]);
            Assert.Equal([name], Open().NamesOf(Image));
        }
    }

    [Theory]
    [InlineData("c", "")]
    [InlineData("../started/c", "d")]
    public void Contains_WhatDockerCallsNoContainer_IsNone(string container, string own)
    {
        Open().Add(container, own, "runc", Image, []);

        Assert.False(Open().Contains(container, own));
        Assert.False(Directory.Exists(_folder["started"]) && Directory.EnumerateFiles(_folder["started"]).Any());
    }
}
