using System.Text;
using Plimsoll.Agent;
using Plimsoll.Agent.Gate;
using Plimsoll.Inspect.Policies;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.TestKit;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Agent.Gate;

/// <summary>The agent's folder of tokens.</summary>
public sealed class BreakGlassFolderTests : IDisposable
{
    private static readonly ISigner Alice = KeyFile.Generate(KeyAlgorithm.EcdsaP256), Bob = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
    private static readonly string Host = new('a', 64), Container = new('c', 64);
    private static readonly Digest Image = Digest.Of("image"u8);
    private static readonly string[] Codes = ["signature/none"];

    private readonly TempFolder _folder = new();
    private readonly List<(string File, string Code)> _refused = [];
    private readonly Clock _clock = new();
    private readonly Counters _revocations;
    private long _counter;

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 11, 22, 8, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private AgentPaths Paths => new(_folder.Path, _folder["run"], _folder["data"], _folder["docker.sock"]);

    public BreakGlassFolderTests()
    {
        Directory.CreateDirectory(Paths.BreakGlass);
        _revocations = new(_folder["revocations"], _ => { });
        File.WriteAllText(Paths.PolicyKey, Alice.PublicKey.ToPem());
        Policy("{keys: [alice, bob], threshold: 2}");
    }

    public void Dispose() => _folder.Dispose();

    private void Policy(string glass, string revocations = "none")
    {
        string Pem(ISigner key) => key.PublicKey.ToPem().Replace("\n", "\\n", StringComparison.Ordinal);
        string yaml = $$"""
            policy: 1
            name: host
            trust:
              keys: {alice: {pem: "{{Pem(Alice)}}"}, bob: {pem: "{{Pem(Bob)}}"} }
              images: [{names: ["**"], signatures: {keys: [alice], match: any}, revocations: {{revocations}} }]
            start: {break-glass: {{glass}} }
            """;
        File.WriteAllBytes(Paths.Policy, SignedPolicy.Sign(PolicyFile.Parse(Encoding.UTF8.GetBytes(yaml), "p.yaml"), ++_counter, _clock.Now, Alice));
    }

    /// <summary>As after a start of the agent.</summary>
    private BreakGlass Open() => new(Paths, Host, new HeldPolicy(Paths, new Counters(_folder["counters"], _ => { }), new KnownPolicyKeys(Paths.PolicyKeysKnown, (_, _) => { }), _ => { }), new HeldRevocations(Paths, _revocations), _clock, new HostClock(Paths.Clock, _clock, (_, _) => { }), (file, refusal) => _refused.Add((file, refusal.Code)));

    private BreakGlassToken Put(string name, params ISigner[] by) => Put(name, new BreakGlassToken(Host, BreakGlassToken.NewNonce(), _clock.Now, _clock.Now.AddHours(2), 1, "why", new([Image], [], [])), by);

    private BreakGlassToken Put(string name, BreakGlassToken token, params ISigner[] by)
    {
        byte[] file = token.ToFile();
        foreach (ISigner signer in by)
            file = BreakGlassToken.AddSignature(BreakGlassToken.Read(file, name).Envelope, signer);
        File.WriteAllBytes(Path.Combine(Paths.BreakGlass, name), file);
        return token;
    }

    [Fact]
    public void TryUse_OneUse_CountsOnceAlsoAfterARestartAndWithTheTokenPutBack()
    {
        BreakGlass glass = Open();
        Assert.False(glass.Any);
        BreakGlassToken token = Put("t", Alice, Bob);
        byte[] file = File.ReadAllBytes(Path.Combine(Paths.BreakGlass, "t"));
        Assert.True(glass.Covers(Image, null, Codes));

        BreakGlassUse use = glass.TryUse(Image, Container, Codes)!;
        Assert.Equal((token.Nonce, 1), (use.Token.Nonce, use.Use));
        Assert.Equal(["alice", "bob"], use.Signers);

        Assert.Null(glass.TryUse(Image, Container, Codes));
        Assert.False(glass.Any);
        foreach (string old in Directory.EnumerateFiles(Paths.BreakGlass))
            File.Delete(old);
        Assert.Null(Open().TryUse(Image, Container, Codes));
        File.WriteAllBytes(Path.Combine(Paths.BreakGlass, "under-another-name"), file);
        Assert.Null(Open().TryUse(Image, Container, Codes));
        Assert.Contains(("under-another-name", "used-up"), _refused);
        // A new token counts.
        Put("new", Alice, Bob);
        Assert.NotNull(Open().TryUse(Image, Container, Codes));
    }

    [Fact]
    public void Covers_TokenThatDoesNotCount_IsToldOfOnceEach()
    {
        Put("one", Alice);
        Put("host", Put("x", Alice, Bob) with { Host = new string('d', 64) }, Alice, Bob);
        File.Delete(Path.Combine(Paths.BreakGlass, "x"));
        File.WriteAllText(Path.Combine(Paths.BreakGlass, "junk"), "junk");
        BreakGlass glass = Open();
        for (int i = 0; i < 3; i++)
            Assert.False(glass.Covers(Image, null, Codes));
        Assert.Equal([("host", "host"), ("junk", "malformed"), ("one", "signatures")], _refused);
        // Its second signature comes.
        Put("one", Alice, Bob);
        Assert.True(glass.Covers(Image, null, Codes));
    }

    [Fact]
    public void Covers_ScopeOfAnotherImageOrTimePast_DoesNot()
    {
        BreakGlass glass = Open();
        Put("t", Alice, Bob);
        Assert.True(glass.Covers(Image, Container, Codes));
        Assert.False(glass.Covers(Digest.Of("other"u8), Container, Codes));
        Assert.False(glass.CoversHostChanged);
        _clock.Now += TimeSpan.FromHours(2.1);
        Assert.False(glass.Covers(Image, Container, Codes));
        _clock.Now -= TimeSpan.FromHours(1);
        Assert.False(glass.Covers(Image, Container, Codes));
        Assert.False(Open().Covers(Image, Container, Codes));
        Assert.Contains(("t", "expired"), _refused);
    }

    [Fact]
    public void Covers_ClockThatIsBehind_LetsNoTokenCountThoughItsTimeIsNotOver()
    {
        BreakGlass glass = Open();
        Put("t", Alice, Bob);
        _clock.Now += TimeSpan.FromHours(1);
        Assert.True(glass.Any);

        _clock.Now -= TimeSpan.FromHours(1);
        Assert.False(glass.Any);
        Assert.Null(glass.TryUse(Image, Container, Codes));
        Assert.Equal([("t", HostClock.SetBack)], _refused);
        _clock.Now += TimeSpan.FromHours(1);
        Assert.True(glass.Any);
    }

    [Fact]
    public void Covers_PolicyThatChanges_DecidesAnew()
    {
        BreakGlass glass = Open();
        Put("t", Alice);
        Assert.False(glass.Any);
        Policy("{keys: [alice, bob], threshold: 1}");
        Assert.True(glass.Any);
        Policy("none");
        Assert.False(glass.Any);
        File.Delete(Paths.Policy);
        Assert.False(glass.Any);
    }

    private RevocationList Revoke(long counter, ISigner by, params ISigner[] keys)
    {
        RevocationList list = new(counter, _clock.Now, [.. keys.Select(k => new RevokedKey(k.PublicKey.Id, _clock.Now, "lost"))], []);
        byte[] signed = list.Sign(by);
        File.WriteAllBytes(Paths.Revocations, signed);
        return RevocationList.Open(signed, "list", [by.PublicKey], "key");
    }

    [Fact]
    public void Covers_SignerWhoseKeyIsRevoked_CountsForNothing()
    {
        Policy("{keys: [alice, bob], threshold: 2}", "{keys: [alice], max-age: 1d}");
        Revoke(1, Alice);
        BreakGlass glass = Open();
        Put("t", Alice, Bob);
        Assert.True(glass.Any);
        // While the agent runs.
        Revoke(2, Alice, Bob);
        Assert.False(glass.Any);
        Assert.Null(glass.TryUse(Image, Container, Codes));
        Assert.Equal([("t", "key-revoked")], _refused);
        // Enough others are left.
        Policy("{keys: [alice, bob], threshold: 1}", "{keys: [alice], max-age: 1d}");
        Assert.Equal(["alice"], glass.TryUse(Image, Container, Codes)!.Signers);
    }

    [Fact]
    public void Covers_ListThatPolicyAsksForAndCannotBeUsed_LetsNoTokenCount()
    {
        Policy("{keys: [alice, bob], threshold: 2}", "{keys: [alice], max-age: 1d, counter: 2}");
        BreakGlass glass = Open();
        Put("t", Alice, Bob);
        Assert.False(glass.Any);
        Assert.Equal([("t", "revocations")], _refused);
        Revoke(5, Bob);
        Assert.False(glass.Any);
        Revoke(1, Alice);
        Assert.False(glass.Any);
        _revocations.Check(Revoke(3, Alice), [Alice.PublicKey.Id], "list");
        // An old one names what it names.
        _clock.Now += TimeSpan.FromDays(3);
        Put("t", Alice, Bob);
        Assert.True(glass.Any);
        Revoke(2, Alice);
        Assert.False(glass.Any);
        Assert.False(Open().Any);
        // A policy that asks for none has nobody whose list it could be.
        Policy("{keys: [alice, bob], threshold: 2}");
        Assert.True(glass.Any);
    }

    [Fact]
    public void TryUse_UseThatCannotBeWrittenDown_IsNotGiven()
    {
        BreakGlass glass = Open();
        Put("t", Alice, Bob);
        File.WriteAllText(Paths.BreakGlassUses, "a file where the folder belongs");
        Assert.ThrowsAny<Exception>(() => glass.TryUse(Image, Container, Codes) is { } use ? use : throw new IOException("none counts"));
    }
}
