using System.Text.Json.Nodes;
using Plimsoll.Keys;
using Plimsoll.TestKit;
using Plimsoll.Verify;

namespace Plimsoll.EndToEnd;

/// <content>Images that nobody vouches for: <c>signed: none</c>.</content>
public sealed partial class GateTests
{
    private const string Greets = """{"Cmd":["/bin/sh","-c","/bin/busybox dmesg"],"Env":["PATH=/bin"]}""";

    /// <summary>Guests run in the sandbox alone; everything else as ever.</summary>
    private const string Guests = """
        policy: 1
        name: host
        trust:
          keys: {release: {file: policy.pub}}
          images:
          - {names: ["registry.example/prod/guest-*"], signed: none}
          - {names: ["registry.example/prod/**"], signatures: {keys: [release], match: any}, inspection: none, measurement: required}
        start:
          untrusted: {runtimes: [plimsoll-runsc]}
          rules:
          - names: ["**"]
            runtime: {names: [default, plimsoll, plimsoll-runsc]}
        """;

    private SavedImage Unsigned(string name, string? run = null)
    {
        SavedImage image = Host.Image(name, run ?? Greets);
        Host.Daemon.Load(image.Build());
        return image;
    }

    private static readonly string[] Sandbox = ["--runtime", "plimsoll-runsc"];

    [Fact]
    public void Run_ImageThatNobodySigned_StartsUnderTheSecureRuntimeAlone()
    {
        SavedImage guest = Unsigned("guest-plain"), other = Unsigned("no-guest"), signed = Host.Signed("guests-twin");
        Refused(Host.Start(guest, Sandbox), "signature/unsigned");
        Under(Guests, () =>
        {
            Refused(Host.Start(guest), "runtime/runtime-not-secure", "the runtime is default; wanted a secure one: plimsoll-runsc");
            Refused(Host.Start(guest, "--runtime", "plimsoll"), "runtime/runtime-not-secure", "the runtime is plimsoll");
            Assert.Contains("Starting gVisor", Host.Start(guest, Sandbox).Expect(0).Out, StringComparison.Ordinal);
            // The sandbox makes up for a signature where the rule says so, and what is signed needs none.
            Refused(Host.Start(other, Sandbox), "signature/unsigned");
            Runs(Host.Start(signed));

            JsonNode line = Host.Log("start-allowed").Last(l => GatedHost.Field(l, "image") == guest.Id.ToString());
            Assert.Equal("plimsoll-runsc", GatedHost.Field(line, "runtime"));
            Assert.Contains("rule/untrusted: nothing signed is asked for", line["fields"]!["warnings"]!.ToJsonString(), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Run_UntrustedImageWithAChangedLayer_IsRefusedInTheSandboxToo()
    {
        SavedImage guest = Unsigned("guest-changed");
        Under(Guests, () =>
        {
            Assert.Contains("Starting gVisor", Host.Start(guest, Sandbox).Expect(0).Out, StringComparison.Ordinal);

            File.AppendAllText(Host.Unpacked(guest, 1, "srv/page"), "x");

            Refused(Host.Start(guest, Sandbox), "not-intact", "layer 2: /srv/page (changed)");
        });
    }

    /// <summary>dockerd starts it again by itself, so that the plugin is not asked.</summary>
    [Fact]
    public void Restart_OfAnImageThatBecameUntrusted_IsRefusedByTheRuntimeGate()
    {
        SavedImage guest = Host.Signed("guest-restarted", GatedHost.Serves), signed = Host.Signed("restarted-twin", GatedHost.Serves);
        string container = Host.Serve(guest, "--restart", "always"), twin = Host.Serve(signed, "--restart", "always");
        Under(Guests, () =>
        {
            foreach (string one in (ReadOnlySpan<string>)[container, twin])
                Tool.Run("kill", ["-KILL", Host.Inspect(one, "{{.State.Pid}}")]);

            JsonNode refused = Host.AwaitLine("the refusal", l => (string)l["kind"]! == "start-refused" && GatedHost.Field(l, "container") == container);
            Assert.Contains("runtime/runtime-not-secure", refused.ToJsonString(), StringComparison.Ordinal);
            Assert.Equal("plimsoll", GatedHost.Field(refused, "runtime"));
            GatedHost.Await(() => Host.Inspect(twin, "{{.RestartCount}} {{.State.Running}}") == "1 true", () => Host.Inspect(twin, "{{json .State}}"));
        });
        Host.Docker("rm", "-f", container, twin).Expect(0);
    }

    [Fact]
    public void Run_UntrustedImageThatIsRevoked_IsRefusedInTheSandboxToo()
    {
        SavedImage good = Unsigned("guest-good"), bad = Unsigned("guest-bad");
        string list = Path.Combine(Host.State, "revocations.json");
        using ISigner ops = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
        File.WriteAllText(Path.Combine(Host.State, "ops.pub"), ops.PublicKey.ToPem());
        GatedHost.Put(list, new RevocationList(1, DateTimeOffset.UtcNow, [], [new RevokedImage(bad.Id, DateTimeOffset.UtcNow, "it phones home")]).Sign(ops));
        try
        {
            Under(Guests.Replace("release: {file: policy.pub}", "release: {file: policy.pub}, ops: {file: ops.pub}", StringComparison.Ordinal).Replace("signed: none", "signed: none, revocations: {keys: [ops]}", StringComparison.Ordinal), () =>
            {
                Assert.Contains("Starting gVisor", Host.Start(good, Sandbox).Expect(0).Out, StringComparison.Ordinal);
                Refused(Host.Start(bad, Sandbox), "revocations/image-revoked", "it phones home");
            });
        }
        finally
        {
            File.Delete(list);
        }
    }
}
