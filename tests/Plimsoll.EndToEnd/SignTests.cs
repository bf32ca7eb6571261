using System.Text.Json.Nodes;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.TestKit;
using Plimsoll.Verify;

namespace Plimsoll.EndToEnd;

/// <summary>Signatures between this program and real clients, cosign 2.5 and skopeo 1.18, both ways, through real registries.</summary>
[Trait("needs", "host")]
public sealed class SignTests : IDisposable
{
    private const string Name = "team/app", Password = "a passphrase of tests";

    /// <summary>Of the statements, how cosign calls their types.</summary>
    private static readonly string[] Types = [MeasurementPredicate.Type, InspectionPredicate.Type, ImageSigner.SignedPredicate, "openvex", "slsaprovenance1"];

    private readonly SmallDatabase _database;
    private readonly SharedDocker _docker;
    private readonly TempFolder _folder = new();

    public SignTests(SmallDatabase database, SharedDocker docker)
    {
        (_database, _docker) = (database, docker);
        ImageBuilder.Write(SmallDatabase.Image().LayoutFiles("v1"), _folder["layout"]);
        Peers.Cosign(_folder.Path, Password, ["generate-key-pair"]);
        // An empty trusted root: no authority, no log.
        _folder.Write("root.json", """{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[],"certificateAuthorities":[],"ctlogs":[],"timestampAuthorities":[]}"""u8.ToArray());
        _folder.Write("predicate.json", "{\"a\":1}"u8.ToArray());
        // What is judged here is the signature.
        _folder.Write("policy.yaml", "policy: 1\nname: open\ninspection: {missing: ignore, incomplete: ignore, old: ignore}\ndatabase: {missing: ignore, old: ignore}\nvulnerabilities: {severity: {critical: ignore, high: ignore, unknown: ignore}, end-of-life: ignore, known-exploited: ignore}\n"u8.ToArray());
    }

    public void Dispose() => _folder.Dispose();

    private Digest Push(string host, string name = Name)
    {
        Tool.Run("skopeo", ["copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false", $"oci:{_folder["layout"]}:v1", $"docker://{host}/{name}:v1"]);
        return Digest.Parse((string)JsonNode.Parse(File.ReadAllText(_folder["layout/index.json"]))!["manifests"]![0]!["digest"]!);
    }

    private Outcome Sign(string image, string host, params string[] more) =>
        _database.Call(_folder, ["sign", image, "--key", _folder["cosign.key"], "--policy", _folder["policy.yaml"], "--db", _database.Path, "--registry-http", host, .. more])
            .With("COSIGN_PASSWORD", Password).With("DOCKER_CONFIG", _folder["docker"]).Run();

    private PublicKey Public() => KeyFile.ReadPublic(File.ReadAllText(_folder["cosign.pub"]), "cosign.pub");

    private Evidence EvidenceOf(string host, Digest manifest)
    {
        ImageOptions options = new() { Registry = RegistryOptions.Default with { PlainHttp = [host] }, Environment = _ => null };
        using OpenedSource source = ArtifactStores.OpenSource($"registry:{host}/{Name}@{manifest}", options, TestContext.Current.CancellationToken);
        return EvidenceReader.Read(source.Store, new ImageDigests(null, manifest, null), EvidenceLimits.Default, TestContext.Current.CancellationToken);
    }

    private PeerResult VerifyAttestation(string image, string type) => Peers.Run(_folder.Path, "cosign",
        ["verify-attestation", "--new-bundle-format", "--insecure-ignore-tlog=true", "--trusted-root", "root.json", "--key", "cosign.pub", "--type", type, image]);

    private PeerResult Verify(string image, string key = "cosign.pub") => Peers.Run(_folder.Path, "cosign", ["verify", "--key", key, "--private-infrastructure", image]);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Sign_Image_CosignVerifiesSignatureAndEachStatement(bool referrers)
    {
        // Debian's registry has no referrers API; one of the tests' own has.
        using TestRegistry? debian = referrers ? null : new TestRegistry(_folder["storage"]);
        using ReferrersRegistry? own = referrers ? new ReferrersRegistry() : null;
        string host = debian?.Host ?? own!.Host;
        Digest manifest = Push(host);
        string image = $"{host}/{Name}@{manifest}";
        Assert.NotEqual(0, Verify(image).ExitCode);

        Sign($"{host}/{Name}:v1", host, "--attest", _folder["predicate.json"], "--type", "openvex", "--attest", _folder["predicate.json"], "--type", "slsaprovenance1").Expect(0);

        PeerResult signature = Verify(image);
        Assert.True(signature.ExitCode == 0, signature.Error);
        Assert.Equal($"{host}/{Name}", (string?)JsonNode.Parse(signature.Out)![0]!["critical"]!["identity"]!["docker-reference"]);
        foreach (string type in Types)
        {
            PeerResult attestation = VerifyAttestation(image, type);
            Assert.True(attestation.ExitCode == 0, $"{type}: {attestation.Error}");
            JsonNode statement = JsonNode.Parse(Convert.FromBase64String((string)JsonNode.Parse(attestation.Out.Split('\n')[0])!["payload"]!))!;
            Assert.Contains(manifest.Hex, statement["subject"]!.ToJsonString(), StringComparison.Ordinal);
        }
        // The twin: the same calls with what was not signed, and with another key.
        Assert.NotEqual(0, VerifyAttestation(image, "spdxjson").ExitCode);
        File.Move(_folder["cosign.pub"], _folder["right.pub"]);
        File.Delete(_folder["cosign.key"]);
        Peers.Cosign(_folder.Path, Password, ["generate-key-pair"]);
        Assert.NotEqual(0, Verify(image).ExitCode);
        Assert.NotEqual(0, VerifyAttestation(image, MeasurementPredicate.Type).ExitCode);
        Assert.Equal(0, Verify(image, "right.pub").ExitCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Read_WhatCosignSigned_IsFoundAndVerifies(bool referrers)
    {
        using TestRegistry? debian = referrers ? null : new TestRegistry(_folder["storage"]);
        using ReferrersRegistry? own = referrers ? new ReferrersRegistry() : null;
        string host = debian?.Host ?? own!.Host;
        Digest manifest = Push(host);
        string image = $"{host}/{Name}@{manifest}";
        Peers.Cosign(_folder.Path, Password, ["sign", "--key", "cosign.key", "--tlog-upload=false", "-y", "-a", "a=b", image]);
        Peers.Cosign(_folder.Path, Password, ["attest", "--key", "cosign.key", "--tlog-upload=false", "-y", "--type", "custom", "--predicate", "predicate.json", image]);
        Peers.Cosign(_folder.Path, Password, ["attest", "--key", "cosign.key", "--tlog-upload=false", "-y", "--new-bundle-format", "--type", "openvex", "--predicate", "predicate.json", image]);

        Evidence evidence = EvidenceOf(host, manifest);

        using PublicKey key = Public();
        Assert.Empty(evidence.Gaps);
        ImageSignature signature = Assert.Single(evidence.Signatures);
        Assert.True(key.Verify(signature.Payload.Span, signature.Signature.Span));
        SimpleSigning payload = SimpleSigning.Parse(signature.Payload, "p");
        Assert.Equal(($"{host}/{Name}", manifest, "b"), (payload.Reference, payload.Manifest, payload.Optional["a"]));
        Assert.Equal(2, evidence.Attestations.Count);
        foreach (Attestation attestation in evidence.Attestations)
        {
            Assert.True(DsseSigning.Verify(attestation.Envelope, key));
            Assert.Contains(Statement.ParseForeign(attestation.Envelope.Payload, "s").Subjects, s => s.Digest == manifest);
        }
    }

    [Fact]
    public void Sign_ImageThatCosignSigned_KeepsItsSignatureAndBothVerify()
    {
        using TestRegistry registry = new(_folder["storage"]);
        Digest manifest = Push(registry.Host);
        string image = $"{registry.Host}/{Name}@{manifest}";
        Peers.Cosign(_folder.Path, Password, ["sign", "--key", "cosign.key", "--tlog-upload=false", "-y", "-a", "by=cosign", image]);
        ImageSignature before = Assert.Single(EvidenceOf(registry.Host, manifest).Signatures);

        Sign(image, registry.Host).Expect(0);

        Evidence evidence = EvidenceOf(registry.Host, manifest);
        Assert.Equal(2, evidence.Signatures.Count);
        Assert.Equal(before.Signature.ToArray(), evidence.Signatures[0].Signature.ToArray());
        Assert.Equal(2, JsonNode.Parse(Verify(image).Out)!.AsArray().Count);
        // And cosign adds to ours.
        Peers.Cosign(_folder.Path, Password, ["sign", "--key", "cosign.key", "--tlog-upload=false", "-y", "-a", "by=cosign again", image]);
        Assert.Equal(3, EvidenceOf(registry.Host, manifest).Signatures.Count);
    }

    [Fact]
    public void Sign_Image_SkopeoTakesItUnderASigstorePolicyAndRefusesItUnsigned()
    {
        using TestRegistry registry = new(_folder["storage"]);
        Push(registry.Host);
        Push(registry.Host, "team/unsigned");
        _folder.Write("registries.d/all.yaml", "default-docker:\n  use-sigstore-attachments: true\n"u8.ToArray());
        File.WriteAllText(_folder["policy.json"], new JsonObject
        {
            ["default"] = new JsonArray(new JsonObject { ["type"] = "reject" }),
            ["transports"] = new JsonObject
            {
                ["docker"] = new JsonObject { [registry.Host] = new JsonArray(new JsonObject { ["type"] = "sigstoreSigned", ["keyPath"] = "/mnt/cosign.pub", ["signedIdentity"] = new JsonObject { ["type"] = "matchRepository" } }) },
            },
        }.ToJsonString());
        PeerResult Copy(string name) => Peers.Run(_folder.Path, "skopeo",
            ["--policy", "policy.json", "--registries.d", "registries.d", "copy", "--quiet", "--src-tls-verify=false", $"docker://{registry.Host}/{name}:v1", $"dir:{Guid.NewGuid():n}"]);
        Assert.Contains("signature", Copy(Name).Error, StringComparison.Ordinal);

        Sign($"{registry.Host}/{Name}:v1", registry.Host).Expect(0);

        PeerResult taken = Copy(Name);
        Assert.True(taken.ExitCode == 0, taken.Error);
        Assert.NotEqual(0, Copy("team/unsigned").ExitCode);
        // Signed, and for another repository.
        Sign($"{registry.Host}/team/unsigned:v1", registry.Host, "--identity", $"{registry.Host}/team/elsewhere").Expect(0);
        PeerResult moved = Copy("team/unsigned");
        Assert.NotEqual(0, moved.ExitCode);
        Assert.Contains("team/elsewhere", moved.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Sign_ImageOfTheDaemon_GoesIntoABundleFileAboutItsConfig()
    {
        string archive = _folder.Write("image.tar", ImageBuilder.Tar(SmallDatabase.Image().ArchiveFiles("test/signed:1")));
        _docker.Load(archive);
        string config = $"sha256:{ImageBuilder.Hex(SmallDatabase.Image().Config())}";
        Outcome Run(params string[] more) => _database.Call(_folder, ["sign", "docker:test/signed:1", "--key", _folder["cosign.key"], "--policy", _folder["policy.yaml"], "--db", _database.Path, .. more])
            .With("COSIGN_PASSWORD", Password).With("DOCKER_HOST", _docker.Host).Run();

        Run().Expect(2).ExpectError("no signature can be put beside it");
        Run("--output", _folder["app.bundle.tar"]).Expect(0);

        using OpenedSource source = ArtifactStores.OpenSource($"oci-archive:{_folder["app.bundle.tar"]}", new ImageOptions(), TestContext.Current.CancellationToken);
        Evidence evidence = EvidenceReader.Read(source.Store, new ImageDigests(null, null, Digest.Parse(config)), EvidenceLimits.Default, TestContext.Current.CancellationToken);
        using PublicKey key = Public();
        Assert.Equal(3, evidence.Attestations.Count(a => DsseSigning.Verify(a.Envelope, key)));
        Assert.Empty(evidence.Gaps);
    }

    [Fact]
    public void Sign_PolicyRefuses_NothingReachesTheRegistry()
    {
        using TestRegistry registry = new(_folder["storage"]);
        Digest manifest = Push(registry.Host);
        File.WriteAllText(_folder["policy.yaml"], File.ReadAllText(_folder["policy.yaml"]).Replace("unknown: ignore}", "unknown: fail}", StringComparison.Ordinal));

        Sign($"{registry.Host}/{Name}:v1", registry.Host).Expect(1).ExpectError("nothing was signed");

        Evidence evidence = EvidenceOf(registry.Host, manifest);
        Assert.Empty(evidence.Signatures);
        Assert.Empty(evidence.Attestations);
    }
}
