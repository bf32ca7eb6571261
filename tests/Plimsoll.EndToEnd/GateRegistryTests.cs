using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>A gated host and Debian's docker-registry with TLS of its own authority and users: where the tests' images and statements lie.</summary>
public sealed class RegistryGate : IDisposable
{
    private const string User = "alice", Password = "s3cret";

    private readonly SmallDatabase _database;
    private readonly TestAuthority _authority = new();

    public RegistryGate(SmallDatabase database)
    {
        _database = database;
        using X509Certificate2 certificate = _authority.Issue("CN=server");
        File.WriteAllText(Folder["server.pem"], certificate.ExportCertificatePem());
        File.WriteAllText(Folder["server.key"], TestAuthority.KeyPem(certificate));
        File.WriteAllText(Folder["ca.pem"], _authority.Pem);
        Folder.Write("htpasswd", Encoding.ASCII.GetBytes(Tool.Run("htpasswd", ["-nbB", User, Password]).Trim() + "\n"));
        Folder.Write("open.yaml", "policy: 1\nname: open\ninspection: {missing: ignore, incomplete: ignore, old: ignore}\ndatabase: {missing: ignore, old: ignore}\nvulnerabilities: {severity: {critical: ignore, high: ignore, unknown: ignore}, end-of-life: ignore, known-exploited: ignore}\n"u8.ToArray());
        Registry = new TestRegistry(Folder["storage"], $"  tls:\n    certificate: {Folder["server.pem"]}\n    key: {Folder["server.key"]}\n", $"  htpasswd: {{ realm: test, path: {Folder["htpasswd"]} }}\n");
        Directory.CreateDirectory(Folder["docker"]);
        File.WriteAllText(Folder["docker/config.json"], $$"""{"auths":{"{{Registry.Host}}":{"auth":"{{Convert.ToBase64String(Encoding.ASCII.GetBytes($"{User}:{Password}"))}}"} } }""");
        Host = new GatedHost("--ask-every", "3");
        foreach (string name in (string[])["release", "second"])
        {
            new Call(Folder.Path, "key", "generate", name).With("PLIMSOLL_PASSPHRASE", "ours").Run().Expect(0);
            new Call(Folder.Path, "key", "export", name, "--public", "--output", Path.Combine(Host.State, $"{name}.pub")).Run().Expect(0);
        }
        Reach();
    }

    public GatedHost Host { get; }

    public TestRegistry Registry { get; }

    public TempFolder Folder { get; } = new();

    public string Authorities => Path.Combine(Host.State, "registry/certs.d", Registry.Host, "ca.crt");

    public string Credentials => Path.Combine(Host.State, "registry/config.json");

    /// <summary>Gives the agent authority and credentials of the registry.</summary>
    public void Reach()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Authorities)!);
        File.Copy(Folder["ca.pem"], Authorities, overwrite: true);
        File.Copy(Folder["docker/config.json"], Credentials, overwrite: true);
        File.SetUnixFileMode(Credentials, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>Puts a policy into force by which images of the registry need signature and measurement of its key.</summary>
    /// <param name="evidence">The section <c>start.evidence</c>.</param>
    public void Policy(string evidence, TestRegistry? registry = null, string keys = "[release]", string signatures = "") => Host.Policy($$"""
        policy: 1
        name: host
        trust:
          keys: {release: {file: release.pub}, host: {file: policy.pub} }
          images:
          - names: ["{{(registry ?? Registry).Host}}/**"]
            signatures: {keys: {{keys}}{{signatures}} }
            inspection: none
            measurement: required
        start:
          evidence: {{evidence}}
        """);

    /// <summary>The section that names a registry.</summary>
    public string Names(TestRegistry? plain = null) => plain is null ? $$"""{registries: ["{{Registry.Host}}/prod/**"]}""" : $$"""{registries: ["{{plain.Host}}/prod/**"], plain-http: ["{{plain.Host}}"]}""";

    /// <summary>Pushes an image of its own.</summary>
    /// <param name="place">Repository below <c>prod/</c> and tag; null for one of its name.</param>
    public SavedImage Push(string name, TestRegistry? registry = null, string? place = null)
    {
        string host = (registry ?? Registry).Host;
        SavedImage image = Host.Image(name);
        image.Tag = $"{host}/prod/{place ?? $"{name}:1"}";
        string archive = Folder.Write($"{name}.tar", image.Build());
        Tool.Run("skopeo", ["copy", "--quiet", "--dest-tls-verify=false", .. (registry is null ? (string[])["--dest-creds", $"{User}:{Password}"] : []), $"docker-archive:{archive}", $"docker://{image.Tag}"]);
        return image;
    }

    internal void Sign(string image, string key = "release") =>
        _database.Call(Folder, ["sign", image, "--key", key, "--policy", Folder["open.yaml"], "--db", _database.Path, "--registry-ca", Folder["ca.pem"], .. (image.StartsWith(Registry.Host, StringComparison.Ordinal) ? (string[])[] : ["--registry-http", image.Split('/')[0]])])
            .With("PLIMSOLL_PASSPHRASE", "ours").With("DOCKER_CONFIG", Folder["docker"]).Run().Expect(0);

    public void Pull(string image) => new Call(null, "-H", $"unix://{Host.Daemon.Socket}", "pull", "-q", image) { Program = "docker" }.With("DOCKER_CONFIG", Folder["docker"]).Run().Expect(0);

    internal Outcome Run(string image) => Host.Docker(["run", "--rm", .. GatedHost.Limits, image]);

    public void Dispose()
    {
        Host.Dispose();
        Registry.Dispose();
        _authority.Dispose();
        Folder.Dispose();
    }
}

/// <summary>Statements that the drop folder lacks come from the registries that policy names, and from no other.</summary>
[Trait("needs", "host")]
public sealed class GateRegistryTests(RegistryGate gate) : IClassFixture<RegistryGate>
{
    private const string Client = "plimsoll/";

    private static void Runs(Outcome outcome) => Assert.Equal("it runs\n", outcome.Expect(0).Out);

    private static void Refused(Outcome outcome, params string[] parts)
    {
        Assert.True(outcome.Code != 0, $"it started: {outcome.Out}");
        foreach (string part in parts)
            Assert.True(outcome.Error.Contains(part, StringComparison.Ordinal), $"wanted {part} in: {outcome.Error}");
    }

    private IEnumerable<JsonNode> Lines(string kind, SavedImage image) => gate.Host.Log(kind).Where(l => GatedHost.Field(l, "image") == image.Id.ToString());

    private void DropFolderIsEmpty() => Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(gate.Host.State, "evidence")));

    [Fact]
    public void Run_RightAfterPull_StartsByWhatTheRegistryHolds()
    {
        gate.Policy(gate.Names());
        SavedImage signed = gate.Push("fetched-signed"), twin = gate.Push("fetched-twin");
        gate.Sign(signed.Tag);

        gate.Pull(signed.Tag);
        Runs(gate.Run(signed.Tag));
        gate.Pull(twin.Tag);
        Refused(gate.Run(twin.Tag), "signature/", $"; {gate.Registry.Host}/prod/fetched-twin holds 0 signatures and statements");

        DropFolderIsEmpty();
        JsonNode line = Assert.Single(Lines("evidence-fetched", signed));
        Assert.Equal($"{gate.Registry.Host}/prod/fetched-signed", GatedHost.Field(line, "registry"));
        Assert.True((long)line["fields"]!["statements"]! > 1, line.ToJsonString());
        Assert.True((long)line["fields"]!["bytes"]! > 0, line.ToJsonString());
        foreach (string file in Directory.GetFiles(Path.Combine(gate.Host.State, "fetched")))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));

        // Signed later: it is asked for again when it is started again.
        gate.Sign(twin.Tag);
        GatedHost.Await(() => gate.Run(twin.Tag).Code == 0, () => gate.Run(twin.Tag).Error);
    }

    /// <summary>The registry as it was before, once the host has seen a newer inspection.</summary>
    [Fact]
    public void Refresh_RegistryThatHoldsANewerInspectionBack_StartsNothingByTheOlderOne()
    {
        gate.Host.Policy($$"""
            policy: 1
            name: host
            inspection: {missing: ignore, incomplete: ignore, old: ignore}
            database: {missing: ignore, old: ignore}
            vulnerabilities: {severity: {critical: ignore, high: ignore, unknown: ignore}, end-of-life: ignore, known-exploited: ignore}
            trust:
              keys: {release: {file: release.pub} }
              images:
              - names: ["{{gate.Registry.Host}}/**"]
                signatures: {keys: [release]}
                inspection: {keys: [release]}
                measurement: required
            start:
              evidence: {{gate.Names()}}
            """);
        SavedImage image = gate.Push("fetched-inspected");
        string held = gate.Folder["storage/docker/registry/v2/repositories/prod/fetched-inspected"], before = gate.Folder["held-before"];
        gate.Sign(image.Tag);
        gate.Pull(image.Tag);
        Runs(gate.Run(image.Tag));
        Tool.Run("cp", ["-a", held, before]);

        gate.Sign(image.Tag);
        Fetched(2);
        Runs(gate.Run(image.Tag));

        Directory.Delete(held, recursive: true);
        Tool.Run("cp", ["-a", before, held]);
        Fetched(3);
        Refused(gate.Run(image.Tag), "inspection/inspection-withheld: ");

        gate.Sign(image.Tag);
        GatedHost.Await(() => gate.Run(image.Tag).Code == 0, () => gate.Run(image.Tag).Error);

        void Fetched(int times) => GatedHost.Await(() => Lines("evidence-fetched", image).Count() >= times, () => gate.Host.AgentSaid);
    }

    /// <summary>That one of its names asks for nothing signed does not take from the other what the registry says.</summary>
    [Fact]
    public void Run_ImageThatHasAnUntrustedNameAsWell_IsAskedForToo()
    {
        gate.Host.Policy($$"""
            policy: 1
            name: host
            trust:
              keys: {release: {file: release.pub} }
              images:
              - names: ["{{gate.Registry.Host}}/**"]
                signatures: {keys: [release]}
                inspection: none
                measurement: required
              - names: ["docker.io/anybody/**"]
                signed: none
            start:
              evidence: {{gate.Names()}}
              untrusted: {runtimes: [plimsoll-runsc]}
              rules:
              - runtime: {names: [default, plimsoll, plimsoll-runsc]}
            """);
        SavedImage signed = gate.Push("two-names");
        gate.Sign(signed.Tag);
        gate.Pull(signed.Tag);
        gate.Host.Docker("tag", signed.Tag, "anybody/two-names:1").Expect(0);

        Refused(gate.Run(signed.Tag), "runtime/runtime-not-secure");
        Runs(gate.Host.Docker(["run", "--rm", "--runtime", "plimsoll-runsc", .. GatedHost.Limits, signed.Tag]));
    }

    [Fact]
    public void Run_ImageOfAnIndex_StartsByTheStatementsOfItsPlatform()
    {
        using TestRegistry registry = new(gate.Folder["storage-index"]);
        gate.Policy(gate.Names(registry), registry);
        SavedImage image = gate.Push("fetched-index", registry);
        string repository = image.Tag[..^2];
        using (OpenedTarget target = ArtifactStores.OpenTarget($"registry:{image.Tag}", new ImageOptions { Registry = RegistryOptions.Default with { PlainHttp = [registry.Host] }, Environment = _ => null }, CancellationToken.None))
        {
            StoredManifest manifest = target.GetManifest(CancellationToken.None);
            byte[] index = Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{"mediaType":"{{manifest.MediaType}}","digest":"{{manifest.Digest}}","size":{{manifest.Bytes.Length}},"platform":{"os":"linux","architecture":"{{Platform.Host.Architecture}}"} }]}""");
            target.Store.PutManifest(new StoredManifest(Digest.Of(index), MediaTypes.OciIndex, index), "multi", CancellationToken.None);
        }
        gate.Sign($"{repository}:multi");

        gate.Pull($"{repository}:multi");

        Runs(gate.Run($"{repository}:multi"));
        DropFolderIsEmpty();
    }

    [Fact]
    public void Run_RegistryStopped_WhatWasFetchedCountsAndANewImageIsRefusedWithItsError()
    {
        using TestRegistry registry = new(gate.Folder["storage-stopped"]);
        SavedImage kept = gate.Push("stopped-kept", registry), late = gate.Push("stopped-late", registry);
        gate.Sign(kept.Tag);
        gate.Sign(late.Tag);
        gate.Policy("none", registry);
        gate.Pull(kept.Tag);
        gate.Pull(late.Tag);
        Refused(gate.Run(kept.Tag), "signature/");
        gate.Policy(gate.Names(registry), registry);
        Runs(gate.Run(kept.Tag));

        registry.Stop();

        Runs(gate.Run(kept.Tag));
        Refused(gate.Run(late.Tag), "signature/", $"http://{registry.Host}:", "nobody listens there");
        Assert.Contains("nobody listens", GatedHost.Field(Lines("evidence-not-fetched", late).First(), "reason"), StringComparison.Ordinal);
        // Not only from memory.
        gate.Host.StopAgent();
        gate.Host.StartAgentAgain();
        Runs(gate.Run(kept.Tag));
        // It counts as long as policy names the repository.
        gate.Policy($$"""{registries: ["{{registry.Host}}/staging/**"], plain-http: ["{{registry.Host}}"]}""", registry);
        Refused(gate.Run(kept.Tag), "signature/");
        gate.Policy(gate.Names(registry), registry);
        Runs(gate.Run(kept.Tag));
    }

    [Fact]
    public void Run_PolicyNamesNoRegistry_NobodyIsAsked()
    {
        gate.Policy("none");
        SavedImage image = gate.Push("never-asked");
        gate.Sign(image.Tag);
        gate.Registry.Forget();
        gate.Pull(image.Tag);

        Refused(gate.Run(image.Tag), "signature/");
        Assert.NotEmpty(gate.Registry.Asked("docker/"));
        Assert.Empty(gate.Registry.Asked(Client));

        // A registry that policy names by another part of its repositories is not asked either.
        gate.Policy($$"""{registries: ["{{gate.Registry.Host}}/staging/**"]}""");
        Refused(gate.Run(image.Tag), "signature/");
        Assert.Empty(gate.Registry.Asked(Client));

        gate.Policy(gate.Names());
        Runs(gate.Run(image.Tag));
        Assert.Contains(gate.Registry.Asked("/prod/never-asked/"), l => l.Contains(Client, StringComparison.Ordinal));
    }

    [Fact]
    public void Run_DropFolderHasWhatPolicyNeeds_NobodyIsAsked()
    {
        gate.Policy(gate.Names(), keys: "[host]", signatures: ", match: any");
        SavedImage image = gate.Push("dropped");
        gate.Host.Sign(image, "dropped");
        try
        {
            gate.Registry.Forget();
            gate.Pull(image.Tag);

            Runs(gate.Run(image.Tag));
            Assert.DoesNotContain(gate.Registry.Asked("/prod/dropped/"), l => l.Contains(Client, StringComparison.Ordinal));
        }
        finally
        {
            File.Delete(Path.Combine(gate.Host.State, "evidence/dropped.json"));
        }

        // Without it the registry is asked, which has nothing.
        Refused(gate.Run(image.Tag), "signature/", "holds 0 signatures and statements");
        Assert.Contains(gate.Registry.Asked("/prod/dropped/"), l => l.Contains(Client, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("authority", "no TLS connection")]
    [InlineData("no-login", "asks for a user and password, and none is known for it")]
    [InlineData("open-login", "that nobody else may read")]
    [InlineData("helper", "names a credential helper, and none is run here")]
    public void Run_RegistryNotToBeReachedSafely_IsRefusedWithTheReason(string what, string reason)
    {
        gate.Policy("none");
        SavedImage image = gate.Push($"unsafe-{what}");
        gate.Sign(image.Tag);
        gate.Pull(image.Tag);
        try
        {
            using TestAuthority other = new("CN=another authority");
            if (what == "authority")
                File.WriteAllText(gate.Authorities, other.Pem);
            else if (what == "no-login")
                File.Delete(gate.Credentials);
            else if (what == "open-login")
                File.SetUnixFileMode(gate.Credentials, (UnixFileMode)0b110_100_000);
            else
                File.WriteAllText(gate.Credentials, """{"credsStore":"pass"}""");
            gate.Policy(gate.Names());
            Refused(gate.Run(image.Tag), "signature/", reason);
        }
        finally
        {
            gate.Reach();
        }
        GatedHost.Await(() => gate.Run(image.Tag).Code == 0, () => gate.Run(image.Tag).Error);
    }

    [Fact]
    public void Run_StatementsOfAnotherImageOfTheRepository_DoNotCount()
    {
        using TestRegistry registry = new(gate.Folder["storage-other"]);
        gate.Policy(gate.Names(registry), registry);
        SavedImage signed = gate.Push("other-signed", registry), unsigned = gate.Push("other-unsigned", registry, "other-signed:2");
        gate.Sign(signed.Tag);
        // All that hangs on the signed image, hung on the other as well: signatures by their tag, statements by the list of referrers.
        ImageOptions options = new() { Registry = RegistryOptions.Default with { PlainHttp = [registry.Host] }, Environment = _ => null };
        using (OpenedTarget target = ArtifactStores.OpenTarget($"registry:{unsigned.Tag}", options, CancellationToken.None))
        {
            Digest own = target.GetManifest(CancellationToken.None).Digest, its = target.Store.FindManifest("1", CancellationToken.None)!.Digest;
            foreach (string suffix in (string[])["", ".sig"])
                target.Store.PutManifest(target.Store.FindManifest($"sha256-{its.Hex}{suffix}", CancellationToken.None)!, $"sha256-{own.Hex}{suffix}", CancellationToken.None);
        }
        gate.Pull(unsigned.Tag);

        Refused(gate.Run(unsigned.Tag), "signature/");

        GatedHost.Await(() => Lines("evidence-fetched", unsigned).Any(), () => gate.Host.AgentSaid);
        Assert.True((long)Lines("evidence-fetched", unsigned).First()["fields"]!["statements"]! > 0);
        gate.Pull(signed.Tag);
        Runs(gate.Run(signed.Tag));
    }

    [Fact]
    public void Refresh_NewStatementInTheRegistry_IsFetchedAndWhatWentIsForgotten()
    {
        gate.Policy(gate.Names());
        SavedImage image = gate.Push("refreshed");
        gate.Sign(image.Tag);
        gate.Pull(image.Tag);
        Runs(gate.Run(image.Tag));
        long first = (long)Lines("evidence-fetched", image).First()["fields"]!["statements"]!;

        gate.Sign(image.Tag, "second");

        GatedHost.Await(() => Lines("evidence-fetched", image).Any(l => (long)l["fields"]!["statements"]! > first), () => gate.Host.AgentSaid);
        Runs(gate.Run(image.Tag));
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(gate.Host.State, "fetched"), $"{image.Id.Hex}.*"));
        gate.Host.Docker("rmi", "-f", image.Tag).Expect(0);
        GatedHost.Await(() => Directory.GetFiles(Path.Combine(gate.Host.State, "fetched"), $"{image.Id.Hex}.*").Length == 0, () => "what was fetched of the image that went");
    }
}
