using System.Text;
using Plimsoll.Agent;
using Plimsoll.Agent.Gate;
using Plimsoll.Inspect.Policies;
using Plimsoll.Keys;
using Plimsoll.TestKit;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Agent.Gate;

/// <summary>Whose policies a host takes.</summary>
public sealed class HeldPolicyTests : IDisposable
{
    private static readonly ISigner Alice = KeyFile.Generate(KeyAlgorithm.EcdsaP256), Mallory = KeyFile.Generate(KeyAlgorithm.EcdsaP256);

    private readonly TempFolder _folder = new();
    private readonly List<string> _said = [];
    private long _counter;

    private AgentPaths Paths => new(_folder.Path, _folder["run"], _folder["data"], _folder["docker.sock"]);

    public void Dispose() => _folder.Dispose();

    private void Put(ISigner by, params ISigner[] listed)
    {
        File.WriteAllText(Paths.PolicyKey, string.Concat(listed.Select(k => k.PublicKey.ToPem())));
        Put("host", ++_counter, by);
    }

    private void Put(string name, long counter, ISigner by) =>
        File.WriteAllBytes(Paths.Policy, SignedPolicy.Sign(PolicyFile.Parse(Encoding.UTF8.GetBytes($"policy: 1\nname: {name}\nstart: default\n"), "p.yaml"), counter, DateTimeOffset.UtcNow, by));

    /// <summary>As after a start of the agent.</summary>
    private HeldPolicy Open() => new(Paths, new Counters(_folder["counters"], _ => { }), new KnownPolicyKeys(Paths.PolicyKeysKnown, (ids, _) => _said.Add($"kept {ids.Count}")), s => _said.Add(s.Trouble?.Code ?? "loaded"));

    [Fact]
    public void Now_PolicyTogetherWithAnotherKey_IsRefusedAlsoAfterARestartUntilTheKnownKeysAreRemoved()
    {
        HeldPolicy held = Open();
        Put(Alice, Alice);
        Assert.NotNull(held.Now().Signed);
        Assert.Same(held.Now(), held.Now());

        Put(Mallory, Mallory);
        Assert.Equal("policy-key-changed", held.Now().Trouble?.Code);
        Assert.Equal("policy-key-changed", Open().Now().Trouble?.Code);
        // Beside the key that is known.
        Put(Mallory, Alice, Mallory);
        Assert.Equal("policy-key-changed", held.Now().Trouble?.Code);
        Assert.Null(held.Now().Signed);
        // The twin: the same key again.
        Put(Alice, Alice);
        Assert.NotNull(held.Now().Signed);

        Put(Mallory, Mallory);
        Assert.Null(held.Now().Signed);
        File.Delete(Paths.PolicyKeysKnown);
        Assert.NotNull(held.Now().Signed);
        Put(Alice, Alice);
        Assert.Equal("policy-key-changed", held.Now().Trouble?.Code);
        Assert.Equal(["kept 1", "loaded", "policy-key-changed", "policy-key-changed", "loaded", "policy-key-changed", "kept 1", "loaded", "policy-key-changed"], _said);
    }

    [Fact]
    public void Now_KeyTakenOutOfTheFile_LetsTheSamePolicyCountNoLonger()
    {
        HeldPolicy held = Open();
        Put(Alice, Alice);
        Assert.NotNull(held.Now().Signed);
        File.WriteAllText(Paths.PolicyKey, Mallory.PublicKey.ToPem());
        Assert.Equal("policy-unsigned", held.Now().Trouble?.Code);
        File.WriteAllText(Paths.PolicyKey, Alice.PublicKey.ToPem());
        Assert.NotNull(held.Now().Signed);
    }

    [Fact]
    public void Now_PolicyOlderThanWasSeen_IsRefusedAlsoAfterARestart()
    {
        HeldPolicy held = Open();
        Put(Alice, Alice);
        byte[] first = File.ReadAllBytes(Paths.Policy);
        Assert.NotNull(held.Now().Signed);
        Put(Alice, Alice);
        byte[] second = File.ReadAllBytes(Paths.Policy);
        Assert.NotNull(held.Now().Signed);

        File.WriteAllBytes(Paths.Policy, first);
        Assert.Equal("policy-rolled-back", held.Now().Trouble?.Code);
        Assert.Equal("policy-rolled-back", Open().Now().Trouble?.Code);
        File.WriteAllBytes(Paths.Policy, second);
        Assert.NotNull(held.Now().Signed);
    }

    [Fact]
    public void Now_PolicyOfAnotherName_IsRefusedUntilWhatIsKnownIsRemoved()
    {
        HeldPolicy held = Open();
        Put(Alice, Alice);
        Put("strict", 7, Alice);
        Assert.NotNull(held.Now().Signed);

        // An older one of the same key, whose counter was never seen.
        Put("pilot", 1, Alice);
        Assert.Equal("policy-renamed", held.Now().Trouble?.Code);
        Assert.Equal("policy-renamed", Open().Now().Trouble?.Code);
        Assert.Single(Directory.GetFiles(_folder["counters"]));
        Put("strict", 8, Alice);
        Assert.NotNull(held.Now().Signed);

        Put("pilot", 1, Alice);
        File.Delete(Paths.PolicyKeysKnown);
        Assert.NotNull(held.Now().Signed);
        Assert.Equal(["kept 1", "loaded", "policy-renamed", "policy-renamed", "loaded", "kept 1", "loaded"], _said);
    }

    [Fact]
    public void Now_KnownKeysWithoutAName_GetThatOfThePolicyThatHoldsAndKeepTheirKeys()
    {
        Put(Alice, Alice, Mallory);
        File.WriteAllText(Paths.PolicyKeysKnown, Alice.PublicKey.Id + "\n");
        Assert.NotNull(Open().Now().Signed);
        Assert.Equal($"{Alice.PublicKey.Id}\nname host\n", File.ReadAllText(Paths.PolicyKeysKnown));
        Put("pilot", 9, Alice);
        Assert.Equal("policy-renamed", Open().Now().Trouble?.Code);
        Put(Mallory, Alice, Mallory);
        Assert.Equal("policy-key-changed", Open().Now().Trouble?.Code);
    }

    [Fact]
    public void Now_AnyOfTheKeysOfTheFirstPolicy_IsKnown()
    {
        HeldPolicy held = Open();
        Put(Alice, Alice, Mallory);
        Assert.NotNull(held.Now().Signed);
        Put(Mallory, Mallory);
        Assert.NotNull(held.Now().Signed);
    }

    [Fact]
    public void Now_KeyThatCannotBeKept_IsRefusedUntilItCan()
    {
        HeldPolicy held = Open();
        Put(Alice, Alice);
        Directory.CreateDirectory(Paths.PolicyKeysKnown);
        Assert.Equal("policy-key-unkept", held.Now().Trouble?.Code);
        Directory.Delete(Paths.PolicyKeysKnown);
        Assert.NotNull(held.Now().Signed);
    }

    [Fact]
    public void Now_KnownKeys_AreWrittenAsEveryDurableFileIs()
    {
        // A name that somebody could foresee would be in the way.
        Directory.CreateDirectory(Paths.PolicyKeysKnown + ".new");
        Put(Alice, Alice);
        Assert.NotNull(Open().Now().Signed);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Paths.PolicyKeysKnown));
        Assert.DoesNotContain(Directory.GetFileSystemEntries(_folder.Path), f => f.Contains(".tmp-", StringComparison.Ordinal));
    }

    [Fact]
    public void Now_KnownKeysThatAreNoFile_LetNoPolicyCount()
    {
        HeldPolicy held = Open();
        Put(Alice, Alice);
        Tool.Run("mkfifo", [Paths.PolicyKeysKnown]);
        Assert.Equal("no-policy", held.Now().Trouble?.Code);
    }
}
