using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>A gated host beside a registry, which both see by the same address.</summary>
public sealed class RegistryHost : IDisposable
{
    private readonly TempFolder _storage = new();
    private readonly TestRegistry _registry;

    public RegistryHost()
    {
        _registry = new TestRegistry(_storage[""], "", "", Host.Daemon.Beside);
        Host.Policy($$"""
            policy: 1
            name: host
            trust:
              keys: {release: {file: policy.pub} }
              images:
              - {names: ["{{Registry}}/prod/**"], signatures: {keys: [release], match: any}, inspection: none, measurement: required}
            start:
              engine: {allow: [attach, load, manage, network, pull, push, read, remove, tag]}
              rules:
              - names: ["{{Registry}}/prod/**"]
            """);
    }

    public GatedHost Host { get; } = new([], ownNetwork: true);

    public string Registry => _registry.Host;

    public void Dispose()
    {
        _registry.Dispose();
        Host.Dispose();
        _storage.Dispose();
    }
}

/// <summary>Images asked for by the digest that a registry knows them by.</summary>
[Trait("needs", "host")]
public sealed class GateDigestTests(RegistryHost registry) : IClassFixture<RegistryHost>
{
    private GatedHost Host => registry.Host;

    /// <summary>Without the network, which the host has.</summary>
    private static string[] Limits { get; } = GatedHost.Limits[2..];

    private static void Refused(Outcome outcome, params string[] parts)
    {
        Assert.True(outcome.Code != 0, $"it started: {outcome.Out}");
        foreach (string part in parts)
            Assert.True(outcome.Error.Contains(part, StringComparison.Ordinal), $"wanted {part} in: {outcome.Error}");
    }

    private static void Runs(Outcome outcome) => Assert.Equal("it runs\n", outcome.Expect(0).Out);

    private Outcome Run(string name) => Host.Docker(["run", "--rm", .. Limits, name]);

    /// <summary>Puts an image into the registry under a repository's name; the host has none of it afterwards.</summary>
    /// <returns>Its name by digest there.</returns>
    private string Pushed(SavedImage image, string repository)
    {
        string name = $"{registry.Registry}/{repository}:1";
        Host.Daemon.Load(image.Build());
        Host.Docker("tag", image.Tag, name).Expect(0);
        Host.Docker("push", name).Expect(0);
        string digest = Host.Docker("inspect", "--format", "{{index .RepoDigests 0}}", name).Expect(0).Out.Trim();
        Host.Docker("rmi", name, image.Tag).Expect(0);
        Assert.NotEqual(0, Host.Docker("inspect", image.Id.ToString()).Code);
        return digest;
    }

    [Theory]
    [InlineData("run-pulls")]
    [InlineData("pulled-by-digest")]
    [InlineData("pulled-by-tag")]
    public void Run_UnsignedImageByItsDigest_IsRefused(string how)
    {
        SavedImage bad = Host.Image($"digest-{how}"), good = Host.Image($"digest-{how}-twin");
        Host.Sign(good, $"digest-{how}-twin");
        foreach ((SavedImage image, bool signed) in (ReadOnlySpan<(SavedImage, bool)>)[(bad, false), (good, true)])
        {
            string digest = Pushed(image, $"prod/{how}-{(signed ? "good" : "bad")}");
            if (how != "run-pulls")
                Host.Docker("pull", how == "pulled-by-digest" ? digest : $"{digest.Split('@')[0]}:1").Expect(0);
            if (signed)
                Runs(Run(digest));
            else
                Refused(Run(digest), "signature/unsigned", image.Id.ToString());
        }
    }

    [Fact]
    public void Run_SignedImageByItsDigestInAnotherRepository_IsRefused()
    {
        SavedImage image = Host.Image("digest-other");
        Host.Sign(image, "digest-other");
        string good = Pushed(image, "prod/there"), other = Pushed(image, "elsewhere/there");
        Assert.Equal(good.Split('@')[1], other.Split('@')[1]);

        // A name that no rule is for is not pulled at all.
        Refused(Run(other), "rule/no-start-rule", "elsewhere/there");
        Host.Docker("pull", other).Expect(0);
        Refused(Run(other), "rule/no-rule", "elsewhere/there");
        // Its id is no way around the name that it came under.
        Refused(Run(image.Id.ToString()), "rule/no-rule", "elsewhere/there");
        Refused(Run(image.Id.Hex[..12]), "rule/no-rule", "elsewhere/there");
        Host.Docker("rmi", other).Expect(0);
        Runs(Run(good));
    }

    [Fact]
    public void Run_DigestOfASignedImageInTheNameOfAnUnsignedOne_StartsOnlyTheSigned()
    {
        SavedImage bad = Host.Image("digest-mixed"), good = Host.Image("digest-mixed-good");
        Host.Sign(good, "digest-mixed-good");
        // One repository holds both; a tag beside a digest says nothing.
        string signed = Pushed(good, "prod/mixed"), unsigned = Pushed(bad, "prod/mixed");
        Host.Docker("pull", signed).Expect(0);
        Host.Docker("pull", unsigned).Expect(0);

        string[] parts = signed.Split('@'), others = unsigned.Split('@');
        Refused(Run($"{parts[0]}:1@{others[1]}"), "signature/unsigned");
        Runs(Run($"{parts[0]}:1@{parts[1]}"));
    }
}
