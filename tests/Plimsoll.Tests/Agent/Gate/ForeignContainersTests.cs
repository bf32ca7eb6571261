using System.Text;
using Plimsoll.Agent.Gate;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Agent.Gate;

public sealed class ForeignContainersTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Container(char digit, string runtime, bool runs, bool started)
    {
        string id = new(digit, 64), own = new(digit, 64);
        _folder.Write($"data/containers/{id}/hostconfig.json", Encoding.UTF8.GetBytes($$"""{"Runtime":"{{runtime}}","Memory":1}"""));
        _folder.Write($"data/containers/{id}/config.v2.json", Encoding.UTF8.GetBytes($$$"""{"State":{"Running":{{{(runs ? "true" : "false")}}}},"Name":"/name-{{{digit}}}"}"""));
        _folder.Write($"data/image/overlay2/layerdb/mounts/{id}/mount-id", Encoding.ASCII.GetBytes(own));
        if (started)
            new StartedContainers(_folder["state/started"]).Add(id, own, "plimsoll", Digest.Of("image"u8), []);
        return id;
    }

    private IReadOnlyList<ForeignContainer> Find() => ForeignContainers.Find(_folder["data"], ["plimsoll"], _folder["state"]);

    [Fact]
    public void Find_ContainersOfTheGate_AreNotForeign()
    {
        Container('a', "plimsoll", runs: true, started: true);
        Container('b', "plimsoll", runs: false, started: false);
        Container('c', "", runs: false, started: false);
        Assert.Empty(Find());
    }

    [Fact]
    public void Find_RuntimePastTheGateOrNeverAsked_IsNamed()
    {
        string runc = Container('d', "runc", runs: false, started: false), past = Container('e', "plimsoll", runs: true, started: false);
        IReadOnlyList<ForeignContainer> found = Find();
        Assert.Equal([(runc, "name-d", false, false), (past, "name-e", true, true)], found.Select(c => (c.Id, c.Name, c.Runs, c.Past)));
        Assert.Contains("was made for runtime \"runc\"", found[0].What.ToString(), StringComparison.Ordinal);
        Assert.Contains("past the gate", found[1].What.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Find_BrokenOrNoFiles_AreLeftOut()
    {
        Assert.Empty(Find());
        _folder.Write($"data/containers/{new string('f', 64)}/hostconfig.json", "{"u8.ToArray());
        Assert.Empty(Find());
    }
}
