using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Measure;
using Plimsoll.TestKit;
using Plimsoll.Tpm;

namespace Plimsoll.EndToEnd;

/// <summary>What started is in the TPM, in the order in which it started. One host and one TPM for all tests here.</summary>
[Trait("needs", "host")]
public sealed class GateTpmTests : IDisposable
{
    private readonly TestTpm _tpm = new();
    private readonly GatedHost _host;

    public GateTpmTests() => _host = new GatedHost("--tpm", _tpm.Address, "--look-every", "3600");

    public void Dispose()
    {
        _host.Dispose();
        _tpm.Dispose();
    }

    private string List => Path.Combine(_host.State, "measured", "nv-01805001.list");

    private MeasuredList Read() => new MeasuredStore(Path.Combine(_host.State, "measured")).Read(ExtendTarget.Default);

    /// <summary>What another program reads out of the TPM.</summary>
    private byte[] Held()
    {
        _tpm.Tool("tpm2_nvread", "0x01805001", "-o", "index");
        return File.ReadAllBytes(_tpm["index"]);
    }

    private void Runs(SavedImage image) => Assert.Equal("it runs\n", _host.Start(image).Expect(0).Out);

    private void Refused(SavedImage image, params string[] parts) => _host.Start(image).ExpectRefused(parts);

    [Fact]
    public void Start_EachImage_IsExtendedOnceInTheOrderOfTheListAndALineThatIsGoneIsFound()
    {
        SavedImage first = _host.Signed("tpm-first"), second = _host.Signed("tpm-second"), unsigned = _host.Image("tpm-unsigned");
        _host.Daemon.Load(unsigned.Build());
        Runs(first);
        Runs(second);
        Runs(first);
        Refused(unsigned, "signature/unsigned");

        Assert.Equal([first.Id, second.Id], Read().Images().Select(i => i.Config));
        Assert.Equal(Held(), Read().Replay(TpmAlgorithm.Sha384).Value);
        IReadOnlyList<JsonNode> lines = _host.Log("measurement-extended");
        Assert.Equal([first.Id.ToString(), second.Id.ToString()], lines.Select(l => GatedHost.Field(l, "image")));
        Assert.Equal(Read().Images().Select(i => i.Value!.ToString()), lines.Select(l => GatedHost.Field(l, "measurement")));

        // As somebody on the host asks the TPM for a quote with the agent's list, and somebody elsewhere reads it.
        Directory.CreateDirectory(_tpm["home/data"]);
        Directory.CreateSymbolicLink(_tpm["home/data/measured"], Path.Combine(_host.State, "measured"));
        string nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        foreach (string[] arguments in (string[][])[["identity", "-o", _tpm["host.json"]], ["--nonce", nonce, "--boot-log", "none", "--ima-log", "none", "-o", _tpm["quote.json"]]])
            new Call(_tpm["home"], ["quote", .. arguments]).With("PLIMSOLL_TPM", _tpm.Address).Run().Expect(0);
        JsonNode quote = new Call(_tpm["verifier"], "quote", "verify", _tpm["quote.json"], "--nonce", nonce, "--known", _tpm["host.json"], "--json", "--need-measured", "nv:0x01805001").Run().Expect(0).Document;
        Assert.Equal(lines.Select(l => GatedHost.Field(l, "measurement")), quote["measured"]![0]!["images"]!.AsArray().Select(i => (string)i!["value"]!));

        // Many at once: whichever comes first, list and TPM agree.
        SavedImage[] many = [.. Enumerable.Range(0, 4).Select(i => _host.Signed($"tpm-many-{i}"))];
        Parallel.ForEach(many, new ParallelOptions { MaxDegreeOfParallelism = many.Length }, Runs);
        Assert.Equal(6, Read().Images().Count);
        Assert.Equal(many.Select(i => i.Id).ToHashSet(), Read().Images().Skip(2).Select(i => i.Config).ToHashSet());
        (byte[] value, int wrong) = Read().Replay(TpmAlgorithm.Sha384);
        Assert.Equal(Held(), value);
        Assert.Equal(0, wrong);

        // After a restart of the agent the list goes on.
        _host.StopAgent();
        _host.StartAgent();
        _host.AwaitAnswer();
        Runs(_host.Signed("tpm-later"));
        Runs(first);
        Assert.Equal(7, Read().Images().Count);

        // Somebody takes a start out of the list: nothing new starts, since nothing could be proved any more.
        byte[] whole = File.ReadAllBytes(List);
        string[] entries = Encoding.UTF8.GetString(whole).Split('\n');
        File.WriteAllText(List, string.Join('\n', entries.Where((_, i) => i is not (4 or 5 or 6))));
        Assert.NotEqual(0, Read().Replay(TpmAlgorithm.Sha384).Wrong);
        SavedImage refused = _host.Signed("tpm-refused");
        Refused(refused, "tpm-refused", "does not hold what the list of measured images leads to");
        Assert.Contains(_host.Log("measurement-not-extended"), l => GatedHost.Field(l, "code") == "tpm-refused" && GatedHost.Field(l, "image") == refused.Id.ToString());
        Runs(first);
        File.WriteAllBytes(List, whole);
        Runs(refused);

        // No TPM answers.
        _tpm.Kill();
        SavedImage dark = _host.Signed("tpm-dark");
        Refused(dark, "tpm-unavailable");
        _host.StopAgent();
        _host.AgentOptions = [.. _host.AgentOptions, "--tpm-failure", "report"];
        _host.StartAgent();
        _host.AwaitAnswer();
        Runs(dark);
        Assert.Contains(_host.Log("measurement-not-extended"), l => GatedHost.Field(l, "code") == "tpm-unavailable" && GatedHost.Field(l, "image") == dark.Id.ToString());
    }
}
