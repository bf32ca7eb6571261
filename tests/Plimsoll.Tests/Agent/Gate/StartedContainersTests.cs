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
