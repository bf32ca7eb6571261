using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>Images measured into a TPM, keys and baselines that live by one: each with a TPM of its own, because what is extended stays.</summary>
[Trait("needs", "host")]
public sealed class QuoteMeasuredTests : IDisposable
{
    private const string Index = "nv:0x01805001";

    private readonly TempFolder _folder = new();
    private readonly TestTpm _tpm = new();

    public void Dispose()
    {
        _tpm.Dispose();
        _folder.Dispose();
    }

    private Call Host(params string[] arguments) => new Call(_folder["host"], arguments).With("PLIMSOLL_TPM", _tpm.Address);

    private string Archive(string name, params string[] contents)
    {
        ImageBuilder image = new();
        foreach (string content in contents)
            image.Layer(t => t.File("etc/motd", System.Text.Encoding.UTF8.GetBytes(content)));
        return _folder.Write($"{name}.tar", ImageBuilder.Tar(image.ArchiveFiles($"test/{name}:1")));
    }

    private string Quote(string nonce, params string[] more)
    {
        if (!File.Exists(_folder["host.json"]))
            Host("quote", "identity", "-o", _folder["host.json"]).Run().Expect(0);
        Host(["quote", "--nonce", nonce, "--boot-log", "none", "--ima-log", "none", "-o", _folder["quote.json"], .. more]).Run().Expect(0);
        return _folder["quote.json"];
    }

    /// <summary>Without a TPM, and in another home.</summary>
    private Outcome Verify(string file, string nonce, params string[] more) =>
        new Call(_folder["verifier"], ["quote", "verify", file, "--nonce", nonce, "--known", _folder["host.json"], "--json", .. more]).With("PLIMSOLL_TPM", "swtpm:port=1").Run();

    private static string Nonce() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    private static void Reason(string reason, string says, Outcome outcome)
    {
        outcome.Expect(1);
        JsonArray faults = outcome.Document["faults"]!.AsArray();
        Assert.Equal(reason, Assert.Single(faults.Select(f => (string)f!["reason"]!).Distinct()));
        Assert.Contains(says, (string)faults[0]!["detail"]!, StringComparison.Ordinal);
    }

    [Fact]
    public void Measure_IntoTheTpm_IsCoveredByTheQuoteAndEachChangeOfTheListIsNamed()
    {
        string app = Archive("app", "one", "two", "three"), other = Archive("other", "four"), nonce = Nonce();
        JsonNode measured = Host("measure", "--json", "--tpm", app).Run().Expect(0).Document["images"]![0]!;
        Assert.Equal((Index, 3, 3), ((string)measured["tpm"]!["target"]!, (int)measured["tpm"]!["extended"]!, (int)measured["tpm"]!["entries"]!));
        Host("measure", "--json", "--tpm", "--pcr", "14", app).Run().Expect(0);
        File.WriteAllText(_folder["app.json"], new Call(_folder["signer"], "measure", "--json", app).Run().Expect(0).Out);

        string file = Quote(nonce);
        JsonNode good = Verify(file, nonce, "--need-measured", Index, "--need-measured", "pcr:14", "--measurement", _folder["app.json"]).Expect(0).Document;
        Assert.Equal([Index, "pcr:14"], good["measured"]!.AsArray().Select(m => (string)m!["target"]!));
        Assert.Equal((string)measured["measurement"]!["value"]!, (string)good["measured"]![0]!["images"]![0]!["value"]!);

        // The list in the file, changed as somebody would who has the file and not the TPM.
        Reason("measured-differs", "entry 2 ", Verify(Changed(l => l.RemoveAt(1)), nonce));
        Reason("measured-differs", "entry 1 ", Verify(Changed(l => (l[0], l[1]) = (l[1], l[0])), nonce));
        Reason("measured-differs", "entry 3 ", Verify(Changed(l => l[2] = l[2].Replace("sha384:", "sha384:00", StringComparison.Ordinal).Remove(l[2].IndexOf("sha384:", StringComparison.Ordinal) + 9 + 94, 2)), nonce));
        Reason("measured-differs", "entries behind it are missing", Verify(Changed(l => l.RemoveAt(2)), nonce));
        JsonNode without = JsonNode.Parse(File.ReadAllText(file))!;
        without.AsObject().Remove("measured");
        File.WriteAllText(_folder["without.json"], without.ToJsonString());
        Reason("measured-differs", "there is no list", Verify(_folder["without.json"], nonce, "--need-measured", Index));

        // An image that nobody vouched for was measured since.
        Host("measure", "--tpm", other).Run().Expect(0);
        Quote(nonce);
        Reason("image-unknown", "entry 4 (layer 1 of 1", Verify(file, nonce, "--measurement", _folder["app.json"]));
        Verify(file, nonce).Expect(0);

        string Changed(Action<List<string>> change)
        {
            JsonNode root = JsonNode.Parse(File.ReadAllText(file))!;
            List<string> lines = [.. System.Text.Encoding.UTF8.GetString(Convert.FromBase64String((string)root["measured"]![0]!["list"]!)).TrimEnd('\n').Split('\n')];
            List<string> entries = lines[1..];
            change(entries);
            root["measured"]![0]!["list"] = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', [lines[0], .. entries]) + "\n"));
            File.WriteAllText(_folder["changed.json"], root.ToJsonString());
            return _folder["changed.json"];
        }
    }

    [Fact]
    public void Verify_MeasurementsThatATrustedKeySigned_AreHeldAgainstTheList()
    {
        string nonce = Nonce(), layout = $"oci:{_folder["layout"]}:1";
        File.WriteAllText(_folder["open.yaml"], "policy: 1\nname: open\ninspection: {missing: ignore, incomplete: ignore, old: ignore}\ndatabase: {missing: ignore, old: ignore}\n"
            + "vulnerabilities: {severity: {critical: ignore, high: ignore, unknown: ignore}, end-of-life: ignore, known-exploited: ignore}\n");
        Signer("copy", $"docker-archive:{Archive("app", "one", "two")}", layout, "-q").Expect(0);
        foreach (string key in (string[])["release", "other"])
        {
            Signer("key", "generate", key).Expect(0);
            Signer("key", "export", key, "--public", "--output", _folder[key + ".pub"]).Expect(0);
        }
        Signer("sign", layout, "--key", "release", "--policy", _folder["open.yaml"], "--identity", "registry.example/team/app", "--output", _folder["bundle.tar"]).Expect(0);

        Host("measure", "--tpm", layout).Run().Expect(0);
        string file = Quote(nonce);
        Verify(file, nonce, "--bundle", _folder["bundle.tar"], "--key", _folder["release.pub"]).Expect(0);
        Reason("image-unknown", "entry 1 (layer 1 of 2", Verify(file, nonce, "--bundle", _folder["bundle.tar"], "--key", _folder["other.pub"]));
        Verify(file, nonce, "--bundle", _folder["bundle.tar"]).Expect(2).ExpectError("--bundle and --key go together");

        Host("measure", "--tpm", Archive("unsigned", "three")).Run().Expect(0);
        Reason("image-unknown", "entry 3 (layer 1 of 1", Verify(Quote(nonce), nonce, "--bundle", _folder["bundle.tar"], "--key", _folder["release.pub"]));

        Outcome Signer(params string[] arguments) => new Call(_folder["signer"], arguments).With("PLIMSOLL_PASSPHRASE", "of a test").Run();
    }

    [Fact]
    public void Measure_IntoWhatIsNoEvidenceOrWrongUsage_IsRefusedByName()
    {
        string app = Archive("app", "one");
        foreach (string pcr in (string[])["16", "17", "22", "23"])
            Host("measure", "--tpm", "--pcr", pcr, app).Run().Expect(2).ExpectError($"PCR {pcr} ", "a resettable PCR is no evidence");
        Host("measure", "--tpm", "--pcr", "10", app).Run().Expect(2).ExpectError("the kernel's");
        Host("measure", "--tpm", "--tpm-nv", "0x01c00002", app).Run().Expect(2).ExpectError("0x01c00002");
        Host("measure", "--pcr", "14", app).Run().Expect(2).ExpectError("--pcr is for --tpm");
        Host("measure", "--tpm", "--tpm-address", "/dev/no-such-tpm", app).Run().Expect(3).ExpectError("/dev/no-such-tpm");
        Host("measure", "--tpm", "--pcr", "14", "--tpm-nv", "0x01805001", app).Run().Expect(2);
    }

    [Fact]
    public void Measure_IndexRemovedAndMadeAnew_IsRefusedOnTheHostAndShowsToWhoSawItBefore()
    {
        string app = Archive("app", "one", "two"), nonce = Nonce();
        Host("measure", "--tpm", app).Run().Expect(0);
        File.Copy(Quote(nonce), _folder["before.json"]);
        Verify(Quote(nonce), nonce, "--previous", _folder["before.json"]).Expect(0);

        _tpm.Tool("tpm2_nvundefine", "-C", "o", "0x01805001");
        Host("measure", "--tpm", app).Run().Expect(1).ExpectError("the index was removed");
        Host("quote", "--nonce", nonce, "-o", _folder["none.json"]).Run().Expect(1).ExpectError("the index was removed");
        File.Delete(_folder["host/data/measured/nv-01805001.list"]);
        Host("measure", "--tpm", Archive("clean", "clean")).Run().Expect(0);
        Reason("rolled-back", "was seen before", Verify(Quote(nonce), nonce, "--previous", _folder["before.json"]));
    }

    [Fact]
    public void Key_InTheTpm_SignsWhilePcrsAreTheSame()
    {
        Host("key", "generate", "tpm:host", "--tpm-pcrs", "sha256:7,11").Run().Expect(0);
        Host("key", "generate", "tpm:host").Run().Expect(2).ExpectError("already");
        Host("key", "generate", "tpm:x", "--tpm-pcrs", "sha256:23").Run().Expect(2).ExpectError("a resettable PCR is no evidence");
        Host("key", "export", "tpm:host", "--pkcs8").Run().Expect(2).ExpectError("never leaves its TPM");
        string id = (string)Host("key", "show", "tpm:host", "--json").Run().Expect(0).Document["id"]!;
        Assert.Equal(id, (string)Host("key", "list", "--json").Run().Expect(0).Document["tpm"]![0]!["id"]!);
        File.WriteAllText(_folder["host.pem"], Host("key", "export", "tpm:host", "--public").Run().Expect(0).Out);
        File.WriteAllText(_folder["policy.yaml"], "policy: 1\nname: test\n");

        Host("policy", "sign", _folder["policy.yaml"], "--key", "tpm:host", "--counter", "1", "-o", _folder["policy.json"]).Run().Expect(0);
        Outcome shown = new Call(_folder["verifier"], "key", "show", _folder["host.pem"], "--json").Run().Expect(0);
        Assert.Equal(id, (string)shown.Document["id"]!);
        Assert.Contains(id, File.ReadAllText(_folder["policy.json"]), StringComparison.Ordinal);

        _tpm.Tool("tpm2_pcrextend", $"11:sha256={new string('a', 64)}");
        Host("policy", "sign", _folder["policy.yaml"], "--key", "tpm:host", "--counter", "2", "-o", _folder["policy2.json"]).Run().Expect(3).ExpectError("PCRs changed since the key was made: sha256 PCR 11");
        Assert.False(File.Exists(_folder["policy2.json"]));
    }

    [Fact]
    public void Baselines_AllSealedFilesPutBack_AreRolledBackAndTheLatestPass()
    {
        string one = Archive("one", "1"), two = Archive("two", "2");
        Host("key", "generate", "tpm:host").Run().Expect(0);
        Host("measure", one).With("PLIMSOLL_HOST_KEY", "tpm:host").Run().Expect(0);
        Tool.Run("cp", ["-a", _folder["host"], _folder["old"]]);
        // The store remembers which key seals it.
        Host("measure", two).Run().Expect(0);
        Tool.Run("cp", ["-a", _folder["host"], _folder["new"]]);

        Put("old");
        Outcome refused = Host("measure", "--check", "--json", one).Run().Expect(1);
        Assert.Contains("an old copy of the files was put back", refused.Out, StringComparison.Ordinal);
        Assert.Contains("rolled-back", refused.Out, StringComparison.Ordinal);
        Host("measure", two).Run().Expect(1);

        Put("new");
        Host("measure", "--check", one, two).Run().Expect(0);
        Host("measure", "--check", one).With("PLIMSOLL_HOST_KEY", "tpm:other").Run().Expect(2).ExpectError("tpm:other", "tpm:host");
        Host("measure", "--check", one).With("PLIMSOLL_TPM", "swtpm:port=1").Run().Expect(3);

        void Put(string copy)
        {
            Directory.Delete(_folder["host"], recursive: true);
            Tool.Run("cp", ["-a", _folder[copy], _folder["host"]]);
        }
    }

    [Fact]
    public void Passwords_FromFileOrEnvironment_OpenTheHierarchies()
    {
        Host("quote", "identity", "-o", _folder["a.json"]).Run().Expect(0);
        _tpm.Tool("tpm2_changeauth", "-c", "owner", "own");
        _tpm.Tool("tpm2_changeauth", "-c", "endorsement", "end");
        File.WriteAllText(_folder["auth"], "owner=own\nendorsement=end\n");

        Host("quote", "identity", "-o", _folder["b.json"]).Run().Expect(3).ExpectError("wrong authorisation");
        Host("quote", "identity", "-o", _folder["b.json"], "--tpm-auth", _folder["auth"]).Run().Expect(0);
        Host("quote", "identity", "-o", _folder["c.json"]).With("PLIMSOLL_TPM_ENDORSEMENT_AUTH", "end").Run().Expect(0);
        Assert.Equal(File.ReadAllText(_folder["a.json"]), File.ReadAllText(_folder["b.json"]));
        Assert.Equal(File.ReadAllText(_folder["a.json"]), File.ReadAllText(_folder["c.json"]));
        Host("measure", "--tpm", Archive("app", "one")).Run().Expect(3).ExpectError("wrong authorisation");
        Host("measure", "--tpm", "--tpm-auth", _folder["auth"], Archive("app", "one")).Run().Expect(0);
        // With an owner's password that is not on the host, the index cannot be removed there.
        Host("measure", "--tpm", Archive("more", "two")).Run().Expect(0);
        Assert.ThrowsAny<InvalidOperationException>(() => _tpm.Tool("tpm2_nvundefine", "-C", "o", "0x01805001"));
    }
}
