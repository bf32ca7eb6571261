using System.Text;
using Plimsoll.EvidenceLog;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.TestKit;
using Plimsoll.Verify;

namespace Plimsoll.EndToEnd;

/// <summary>A start that is refused, the token that lets it through once, and tokens that do not. One host of its own, since its policy is another.</summary>
[Trait("needs", "host")]
public sealed class GateGlassTests : IDisposable
{
    private readonly GatedHost _host = new();
    private readonly TempFolder _folder = new();
    private readonly string _policy;

    public GateGlassTests()
    {
        foreach (string name in (string[])["alice", "bob", "host"])
        {
            using ISigner key = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
            File.WriteAllText(_folder[$"{name}.pem"], KeyFile.WritePrivate(key, "words"));
            File.WriteAllText(Path.Combine(_host.State, $"{name}.pub"), key.PublicKey.ToPem());
        }
        using (EvidenceLogHead head = new(_host.State))
            File.WriteAllText(_folder["log.pub"], head.Pem);
        _host.Policy(_policy = GatedHost.Open.Replace("keys: {release: {file: policy.pub}}", "keys: {release: {file: policy.pub}, alice: {file: alice.pub}, bob: {file: bob.pub}}", StringComparison.Ordinal)
            .Replace("start: default", "start: {break-glass: {keys: [alice, bob], threshold: 2}}", StringComparison.Ordinal));
    }

    public void Dispose()
    {
        _host.Dispose();
        _folder.Dispose();
    }

    /// <summary>The key that a running agent's log began with, from its first line.</summary>
    private sealed class EvidenceLogHead : IDisposable
    {
        private readonly PublicKey _key;

        public EvidenceLogHead(string state)
        {
            LogLine first = EvidenceLogReader.Read(Path.Combine(state, "log"), CancellationToken.None).First();
            _key = KeyFile.ReadSpki(Convert.FromBase64String(first.Fields.First(f => f.Name == "key").AsText!), "the log's key");
        }

        public string Pem => _key.ToPem();

        public void Dispose() => _key.Dispose();
    }

    private Outcome Glass(params string[] arguments) => new Call(_folder["home"], ["break-glass", .. arguments]).With("PLIMSOLL_PASSPHRASE", "words").Run();

    private string Token(string name, string image, string[] signers, params string[] more)
    {
        string path = Path.Combine(_host.State, "break-glass", name);
        Glass(["create", "--host", _folder["log.pub"], "--image", image, "--reason", "the signing service is down", "-o", path, .. more]).Expect(0);
        foreach (string signer in signers)
            Glass("sign", path, "--key", _folder[$"{signer}.pem"]).Expect(0);
        return path;
    }

    private void Refused(SavedImage image, params string[] parts) => _host.Start(image).ExpectRefused(parts);

    private void Runs(SavedImage image, params string[] more) => Assert.Equal("it runs\n", _host.Start(image, more).Expect(0).Out);

    private LogLine[] Lines(string kind) => [.. EvidenceLogReader.Read(Path.Combine(_host.State, "log"), TestContext.Current.CancellationToken).Where(l => l.Kind == kind)];

    private SavedImage Loaded(string name)
    {
        SavedImage image = _host.Image(name);
        _host.Daemon.Load(image.Build());
        return image;
    }

    [Fact]
    public void Token_OfTwoSigners_LetsTheStartThroughOnceAndNeverAgain()
    {
        SavedImage image = Loaded("glass"), other = Loaded("glass-other");
        Refused(image, "signature");

        // One signature, the same one again, and a token for another image.
        string token = Token("one", image.Id.ToString(), ["alice", "alice"]);
        Token("other", Digest.Of("another image"u8).ToString(), ["alice", "bob"]);
        Refused(image, "signature");
        Glass("sign", token, "--key", _folder["bob.pem"]).Expect(0);
        byte[] file = File.ReadAllBytes(token);
        Refused(other, "signature");

        Runs(image);
        LogLine use = Assert.Single(Lines("start-overridden"));
        Assert.Equal("the signing service is down", use.Text("why"));
        Assert.Contains(use.Fields, f => f.Name == "signers" && f.AsList!.SequenceEqual(["alice", "bob"]));
        Assert.Contains(use.Fields, f => f.Name == "overridden" && f.AsList!.Any(c => c.StartsWith("signature/", StringComparison.Ordinal)));

        Refused(image, "signature");
        File.Delete(token);
        _host.StopAgent();
        _host.StartAgentAgain();
        Refused(image, "signature");
        File.WriteAllBytes(token + "-again", file);
        Refused(image, "signature");
        Assert.Single(Lines("start-overridden"));
        Assert.Contains(Lines("token-refused"), l => l.Text("code") == "used-up");
    }

    [Fact]
    public void Token_OfAKeyThatIsRevoked_LetsNothingThrough()
    {
        SavedImage image = Loaded("glass-revoked");
        _host.Policy(_policy.Replace("measurement: required", "measurement: required\n    revocations: {keys: [release], max-age: 1d}", StringComparison.Ordinal));
        string list = Path.Combine(_host.State, "revocations.json");
        RevocationList none = new(1, DateTimeOffset.UtcNow, [], []);
        GatedHost.Put(list, none.Sign(_host.Key));
        Token("t", image.Id.ToString(), ["alice", "bob"], "--uses", "3");
        Runs(image);

        using PublicKey bob = KeyFile.ReadPublic(File.ReadAllText(Path.Combine(_host.State, "bob.pub")), "bob");
        GatedHost.Put(list, (none with { Counter = 2, Keys = [new RevokedKey(bob.Id, DateTimeOffset.UtcNow, "laptop stolen")] }).Sign(_host.Key));
        Refused(image, "signature");
        Assert.Equal("key-revoked", Assert.Single(Lines("token-refused")).Text("code"));
        Assert.Single(Lines("start-overridden"));
    }

    [Fact]
    public void Token_ForOneCode_OverridesNothingElse()
    {
        SavedImage image = _host.Signed("glass-codes");
        Runs(image);
        File.AppendAllText(_host.Unpacked(image, 1, "srv/page"), "x");
        Refused(image, "not-intact");

        Token("signatures", image.Id.ToString(), ["alice", "bob"], "--code", "signature/*", "--uses", "9");
        Refused(image, "not-intact");
        Token("intact", image.Id.ToString(), ["alice", "bob"], "--code", "not-intact", "--code", "measurement/*", "--uses", "2");
        // What the container asks for is judged all the same.
        Outcome privileged = _host.Start(image, "--privileged");
        Assert.NotEqual(0, privileged.Code);
        Assert.Contains("privileged", privileged.Error, StringComparison.Ordinal);
        Runs(image);
        // With the layer as it was no token is asked for.
        string page = _host.Unpacked(image, 1, "srv/page");
        File.WriteAllText(page, File.ReadAllText(page)[..^1]);
        Runs(image);
        Assert.Single(Lines("start-overridden"));
    }
}
