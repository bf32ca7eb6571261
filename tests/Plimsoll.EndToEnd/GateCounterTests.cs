using System.Buffers.Binary;
using System.Text.Json.Nodes;
using Plimsoll.Keys;
using Plimsoll.Sign;
using Plimsoll.TestKit;
using Plimsoll.Verify.Start;

namespace Plimsoll.EndToEnd;

/// <summary>The evidence log and a TPM's counter: an older copy of a host's state that is put back is behind it.</summary>
[Trait("needs", "host")]
public sealed class GateCounterTests : IDisposable
{
    private const string Index = "0x01805101";

    private readonly TestTpm _tpm = new();
    private readonly TempFolder _folder = new();
    private readonly GatedHost _host;

    public GateCounterTests() => _host = new GatedHost("--tpm", _tpm.Address, "--tpm-count-every", "0", "--look-every", "3600");

    public void Dispose()
    {
        _tpm.Thaw();
        _host.Dispose();
        _tpm.Dispose();
        _folder.Dispose();
    }

    private Outcome Verify(string folder, params string[] more) => new Call(_folder["home"], ["log", "verify", folder, "--key", Path.Combine(_host.State, "log.pub"), "--json", .. more]).Run();

    private Outcome WithTpm(string folder) => Verify(folder, "--tpm", _tpm.Address);

    private static IEnumerable<string> Kinds(Outcome verdict) => verdict.Document["findings"]!.AsArray().Where(f => (bool)f!["fault"]!).Select(f => (string)f!["kind"]!);

    private string Folder => Path.Combine(_host.State, "log");

    private Outcome Counter(params string[] more) => new Call(null, ["counter", "--state", _host.State, .. more]) { Program = Path.Combine(AppContext.BaseDirectory, "plimsoll-agent") }.Run();

    private void Runs(SavedImage image) => Assert.Equal("it runs\n", _host.Start(image).Expect(0).Out);

    private void Restart()
    {
        _host.StopAgent();
        _host.StartAgentAgain();
    }

    /// <summary>What another program reads out of the TPM.</summary>
    private long Held()
    {
        _tpm.Tool("tpm2_nvread", Index, "-o", "counter");
        return BinaryPrimitives.ReadInt64BigEndian(File.ReadAllBytes(_tpm["counter"]));
    }

    private long Stated() => _host.Log("checkpoint").Select(l => (long)l["fields"]!["counter"]!).Last();

    private string[] Told() => [.. _host.Log().Select(l => (string)l["kind"]!).Where(k => k.StartsWith("log-", StringComparison.Ordinal) && k != "log-started")];

    [Fact]
    public void OlderCopyOfLogAndState_PutBack_IsFoundAndNothingStartsUntilItIsAccepted()
    {
        SavedImage image = _host.Signed("counted");
        Runs(image);
        _host.StopAgent();
        Tool.Run("cp", ["-a", _host.State, _folder["older"]]);
        string log = Path.Combine(_folder["older"], "log");
        WithTpm(log).Expect(0);
        // The twin: nobody put anything back.
        _host.StartAgentAgain();
        Runs(image);
        Restart();
        Runs(image);
        Assert.Equal(["log-counter-begun"], Told());
        WithTpm(Folder).Expect(0);
        Assert.Equal("nothing is wrong\n", Counter("--accept").Expect(0).Out);
        _host.StopAgent();
        Assert.Equal(Stated(), (long)WithTpm(Folder).Expect(0).Document["checkpoint"]!["counter"]!);

        Verify(log).Expect(0);
        Assert.Equal(["rolled-back"], Kinds(WithTpm(log).Expect(1)));
        Directory.Delete(_host.State, recursive: true);
        Tool.Run("cp", ["-a", _folder["older"], _host.State]);
        _host.StartAgentAgain();

        JsonNode told = _host.AwaitLine("what was put back", l => (string)l["kind"]! == "log-rolled-back");
        Assert.True((long)told["fields"]!["stated"]! < (long)told["fields"]!["held"]!, told.ToJsonString());
        _host.Start(image).ExpectRefused("log-rolled-back", "an older copy of the log was put back", "plimsoll-agent counter --accept");
        // A restart makes nothing good.
        Restart();
        _host.Start(image).ExpectRefused("log-rolled-back");
        Assert.Contains("rolled-back", Kinds(WithTpm(Folder).Expect(1)));
        Assert.Contains("log-rolled-back: ", Counter().Expect(1).Out, StringComparison.Ordinal);
        using (Nobody nobody = new())
            Assert.Contains("only root may say so", nobody.Agent("counter", "--accept", "--state", _host.State).Run().Expect(1).Error, StringComparison.Ordinal);

        Assert.Equal("accepted, and a line of the evidence log\n", Counter("--accept").Expect(0).Out);
        Runs(image);
        Assert.Equal("root", GatedHost.Field(Assert.Single(_host.Log("log-counter-accepted")), "by"));
        Restart();
        Runs(image);
        // What was there in between is gone for good.
        Assert.Equal(["rolled-back"], Kinds(WithTpm(Folder).Expect(1)));
        Assert.Equal(["rolled-back"], Kinds(Verify(Folder).Expect(1)));
    }

    [Fact]
    public void Tpm_ThatAnswersNobody_HoldsNoStartUpAndLeavesTheLogOneAhead()
    {
        SavedImage image = _host.Signed("counted-dark");
        Runs(image);
        long held = Held();
        _tpm.Freeze();
        // It is in the TPM already, and the checkpoints of these are not on the path.
        Runs(image);
        // The last checkpoint is written, and cannot be counted.
        _host.StopAgent();
        Assert.Equal(held + 1, Stated());
        _tpm.Thaw();
        GatedHost.Await(() => Held() == held, () => $"the counter stands at {Held()}");

        _host.StartAgentAgain();
        Runs(image);
        GatedHost.Await(() => Held() > held, () => $"the counter stands at {Held()}");
        Assert.Equal(["log-counter-begun"], Told());
        WithTpm(Folder).Expect(0);

        // Nobody knows what it stands at: that is a line, and with the word for it no refusal.
        _host.StopAgent();
        _tpm.Freeze();
        _host.StartAgentAgain("--tpm-failure", "report");
        Runs(image);
        _host.AwaitLine("the TPM's silence", l => (string)l["kind"]! == "log-counter-unavailable");
        _tpm.Thaw();
        _host.AwaitLine("the TPM's voice", l => (string)l["kind"]! == "log-counter-restored");
        _host.StopAgent();
        WithTpm(Folder).Expect(0);
    }

    [Fact]
    public void Log_BegunAnewBesideItsCounter_IsFoundAndOnlyItsOwnAcceptanceHelps()
    {
        SavedImage image = _host.Signed("counted-anew");
        Runs(image);
        _host.StopAgent();
        Directory.Delete(Folder, recursive: true);
        File.Delete(Path.Combine(_host.State, "log.key"));
        _host.StartAgentAgain();
        _host.AwaitLine("the log that was begun anew", l => (string)l["kind"]! == "log-rolled-back");
        _host.Start(image).ExpectRefused("log-rolled-back", "the log was begun anew");

        string accepted = Path.Combine(_host.State, "accept-counter"), trouble = Path.Combine(_host.State, "counter.trouble"), of = File.ReadAllLines(trouble)[1];
        File.WriteAllText(accepted, "root\nstated 1, held 1");
        GatedHost.Await(() => !File.Exists(accepted), () => "an acceptance of something else is still there");
        _host.Start(image).ExpectRefused("log-rolled-back");
        // It came with the copy.
        _host.StopAgent();
        File.WriteAllText(accepted, $"root\n{of}");
        _host.StartAgentAgain();
        _host.Start(image).ExpectRefused("log-rolled-back");
        using (Nobody nobody = new())
            foreach (string verb in (string[])["counter", "clock"])
                Assert.Contains("only root can read", nobody.Agent(verb, "--state", _host.State).Run().Expect(3).Out, StringComparison.Ordinal);

        Counter("--accept").Expect(0);
        Runs(image);
        // What is not counted has no trouble with a counter.
        _host.StopAgent();
        File.WriteAllText(trouble, $"log-rolled-back: old\n{of}\n");
        File.WriteAllText(accepted, $"root\n{of}");
        _host.StartAgentAgain("--tpm-counter", "none");
        Assert.Equal("nothing is wrong\n", Counter().Expect(0).Out);
        Assert.False(File.Exists(accepted));
    }

    [Fact]
    public void Tpm_ThatAnswersAndDoesNotCount_IsToldAndRefuses()
    {
        SavedImage image = _host.Signed("counted-not");
        Runs(image);
        // The checkpoint of the end is not counted.
        _tpm.Tool("tpm2_changeauth", "-c", "owner", "secret");
        Restart();
        _host.AwaitLine("the TPM's refusal", l => (string)l["kind"]! == "log-counter-refused");
        _host.Start(image).ExpectRefused("log-counter-refused", "TPM2_NvIncrement was refused", "--tpm-auth");
        Assert.Contains("log-counter-refused: ", Counter().Expect(1).Out, StringComparison.Ordinal);
        Assert.Contains("log-counter-refused: ", Counter("--accept").Expect(1).Out, StringComparison.Ordinal);
        Assert.Equal(0, _host.Metric("plimsoll_log_counter_right"));
        Assert.Single(_host.Log("log-counter-refused"));

        _host.StopAgent();
        _host.StartAgentAgain("--tpm-failure", "report");
        Runs(image);
        GatedHost.Await(() => _host.Metric("plimsoll_log_counter_right") == 0, () => "the counter is said to be right");

        _host.StopAgent();
        _host.StartAgentAgain("--tpm-auth", _folder.Write("auth", "owner=secret\n"u8.ToArray()));
        Runs(image);
        Assert.Equal("nothing is wrong\n", Counter().Expect(0).Out);
        Assert.Equal(1, _host.Metric("plimsoll_log_counter_right"));
    }

    [Fact]
    public void Token_WhileTheCounterIsNotKnown_CountsOnlyWhereItNamesThat()
    {
        using ISigner alice = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
        File.WriteAllText(Path.Combine(_host.State, "alice.pub"), alice.PublicKey.ToPem());
        _host.Policy(GatedHost.Open.Replace("keys: {release: {file: policy.pub}}", "keys: {release: {file: policy.pub}, alice: {file: alice.pub}}", StringComparison.Ordinal)
            .Replace("start: default", "start: {break-glass: {keys: [alice], threshold: 1}}", StringComparison.Ordinal));
        SavedImage image = _host.Signed("counted-glass");
        Token("any");
        _host.StopAgent();
        _tpm.Freeze();
        _host.StartAgentAgain();
        _host.Start(image).ExpectRefused("tpm-unavailable");
        string named = Token("named", "tpm-unavailable");
        Runs(image);
        Assert.Equal(named, GatedHost.Field(Assert.Single(_host.Log("start-overridden")), "token"));

        string Token(string name, params string[] codes)
        {
            using PublicKey log = KeyFile.ReadPublic(File.ReadAllText(Path.Combine(_host.State, "log.pub")), "log.pub");
            DateTimeOffset now = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());
            BreakGlassToken token = new(log.Id, BreakGlassToken.NewNonce(), now, now.AddHours(1), 9, "the TPM is broken", new BreakGlassScope([], [], codes));
            GatedHost.Put(Path.Combine(_folder.Path, name), BreakGlassToken.AddSignature(BreakGlassToken.Read(token.ToFile(), name).Envelope, alice));
            File.Move(Path.Combine(_folder.Path, name), Path.Combine(_host.State, "break-glass", name));
            return token.Nonce;
        }
    }

    [Fact]
    public void Counter_Removed_IsFoundAndAnotherGoesOnAboveIt()
    {
        SavedImage image = _host.Signed("counted-removed");
        Runs(image);
        _host.StopAgent();
        long held = Held();
        _tpm.Tool("tpm2_nvundefine", Index, "-C", "o");
        Assert.Equal(["counter-set-back"], Kinds(WithTpm(Folder).Expect(1)));

        _host.StartAgentAgain("--tpm-failure", "report");
        _host.AwaitLine("what was removed", l => (string)l["kind"]! == "log-counter-lost");
        Runs(image);
        _host.StopAgent();
        Assert.True(Held() > held, $"{Held()} after {held}");
        Assert.Equal(Held(), Stated());

        // The same without that word.
        _tpm.Tool("tpm2_nvundefine", Index, "-C", "o");
        _host.StartAgentAgain();
        _host.AwaitLine("what was removed again", l => (string)l["kind"]! == "log-counter-lost" && (long)l["fields"]!["stated"]! > held + 1);
        _host.Start(image).ExpectRefused("log-counter-lost", "there is no counter 0x01805101 of the TPM");
        Counter("--accept").Expect(0);
        Runs(image);
    }
}
