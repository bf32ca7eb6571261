using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>
/// <c>plimsoll verify</c> on what cosign 2.5 wrote, and on what is left of it after an attack; <c>plimsoll copy</c> of it, judged by cosign.
/// Signature and attestation tags lie in Debian's docker-registry, which has no referrers API; new bundles in a registry of the tests' own, which has.
/// </summary>
[Trait("needs", "host")]
public sealed class CosignVerifyTests : IDisposable
{
    private const string Name = "team/app", Password = "a passphrase of tests", Custom = "https://cosign.sigstore.dev/attestation/v1";

    private readonly SmallDatabase _database;
    private readonly TempFolder _folder = new();
    private readonly TestRegistry _debian;
    private readonly ReferrersRegistry _own = new();
    private readonly Digest _image;

    public CosignVerifyTests(SmallDatabase database)
    {
        _database = database;
        _debian = new TestRegistry(_folder["storage"]);
        ImageBuilder.Write(SmallDatabase.Image().LayoutFiles("v1"), _folder["layout"]);
        _image = Digest.Parse((string)JsonNode.Parse(File.ReadAllText(_folder["layout/index.json"]))!["manifests"]![0]!["digest"]!);
        Peers.Cosign(_folder.Path, Password, ["generate-key-pair"]);
        using ISigner other = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
        File.WriteAllText(_folder["other.pub"], other.PublicKey.ToPem());
        _folder.Write("root.json", """{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[],"certificateAuthorities":[],"ctlogs":[],"timestampAuthorities":[]}"""u8.ToArray());
        _folder.Write("predicate.json", "{\"a\":1}"u8.ToArray());
        _folder.Write("open.yaml", "policy: 1\nname: open\ninspection: {missing: ignore, incomplete: ignore, old: ignore}\ndatabase: {missing: ignore, old: ignore}\nvulnerabilities: {severity: {critical: ignore, high: ignore, unknown: ignore}, end-of-life: ignore, known-exploited: ignore}\n"u8.ToArray());
        Policy();
    }

    public void Dispose()
    {
        _debian.Dispose();
        _own.Dispose();
        _folder.Dispose();
    }

    private string HostOf(bool referrers) => referrers ? _own.Host : _debian.Host;

    /// <summary>Everything that <see cref="CosignSigns"/> writes must be there.</summary>
    private void Policy(string key = "cosign.pub", string statements = $"{{type: openvex, keys: [k]}}, {{type: \"{Custom}\", keys: [k]}}", string more = "") => File.WriteAllText(_folder["policy.yaml"],
        $"policy: 1\nname: interop\ntrust:\n  keys: {{k: {{file: {key}}}}}\n  images:\n  - names: [\"{_debian.Host}/**\", \"{_own.Host}/**\"]\n    signatures: {{keys: [k]}}\n    attestations: [{statements}]\n    {more}\n");

    private void Push(string host, string name = Name) =>
        Tool.Run("skopeo", ["copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false", $"oci:{_folder["layout"]}:v1", $"docker://{host}/{name}:v1"]);

    /// <summary>A signature, an attestation under a tag, and one as a bundle.</summary>
    private void CosignSigns(string host)
    {
        string image = $"{host}/{Name}@{_image}";
        Peers.Cosign(_folder.Path, Password, ["sign", "--key", "cosign.key", "--tlog-upload=false", "-y", "-a", "a=b", image]);
        Peers.Cosign(_folder.Path, Password, ["attest", "--key", "cosign.key", "--tlog-upload=false", "-y", "--type", "custom", "--predicate", "predicate.json", image]);
        Peers.Cosign(_folder.Path, Password, ["attest", "--key", "cosign.key", "--tlog-upload=false", "-y", "--new-bundle-format", "--type", "openvex", "--predicate", "predicate.json", image]);
    }

    private PeerResult CosignVerifies(string image, string? type = null, bool bundle = false) => Peers.Run(_folder.Path, "cosign", type is null
        ? ["verify", "--key", "cosign.pub", "--private-infrastructure", image]
        : bundle ? ["verify-attestation", "--new-bundle-format", "--insecure-ignore-tlog=true", "--trusted-root", "root.json", "--key", "cosign.pub", "--type", type, image]
        : ["verify-attestation", "--insecure-ignore-tlog=true", "--key", "cosign.pub", "--type", type, image]);

    private static void Good(PeerResult result) => Assert.True(result.ExitCode == 0, result.Error);

    private Call Call(params string[] arguments) => _database.Call(_folder, [.. arguments, "--registry-http", _debian.Host, "--registry-http", _own.Host])
        .With("DOCKER_CONFIG", _folder["docker"]).With("COSIGN_PASSWORD", Password);

    private Outcome Verify(string image, params string[] more) => Call(["verify", image, "--policy", _folder["policy.yaml"], "--json", .. more]).Run();

    private static string[] Codes(Outcome outcome) =>
        [.. outcome.Document["images"]![0]!["reasons"]!.AsArray().Where(r => (string)r!["outcome"]! != "passed").Select(r => $"{r!["component"]}/{r["code"]}").Order(StringComparer.Ordinal)];

    private T At<T>(string repository, Func<IArtifactTarget, T> use)
    {
        using OpenedTarget target = ArtifactStores.OpenTarget(repository.StartsWith("oci", StringComparison.Ordinal) ? repository : $"registry:{repository}",
            new ImageOptions { Registry = RegistryOptions.Default with { PlainHttp = [_debian.Host, _own.Host] }, Environment = _ => null }, CancellationToken.None);
        return use(target.Store);
    }

    private string Tag(string suffix) => $"sha256-{_image.Hex}.{suffix}";

    private static byte[] BlobOf(IArtifactSource store, JsonNode layer)
    {
        using Stream stream = store.OpenBlob(Digest.Parse((string)layer["digest"]!), (long)layer["size"]!, CancellationToken.None);
        using MemoryStream content = new();
        stream.CopyTo(content);
        return content.ToArray();
    }

    /// <summary>The payload of an envelope, wherever it stands, with one value changed.</summary>
    private static byte[] WithOtherPayload(byte[] document)
    {
        JsonNode json = JsonNode.Parse(document)!;
        JsonNode envelope = json["dsseEnvelope"] ?? json;
        string payload = Encoding.UTF8.GetString(Convert.FromBase64String((string)envelope["payload"]!));
        Assert.Contains("_type", payload, StringComparison.Ordinal);
        envelope["payload"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(payload.Replace("\"a\":1", "\"a\":2", StringComparison.Ordinal).Replace("\\\"a\\\":1", "\\\"a\\\":2", StringComparison.Ordinal)));
        Assert.NotEqual(payload, Encoding.UTF8.GetString(Convert.FromBase64String((string)envelope["payload"]!)));
        return Encoding.UTF8.GetBytes(json.ToJsonString());
    }

    /// <summary>Writes a tag of cosign's anew with its first layer's content changed and all else as it was.</summary>
    private void Change(string suffix, Func<byte[], byte[]> change) => At($"{_debian.Host}/{Name}", store =>
    {
        JsonNode manifest = JsonNode.Parse(store.FindManifest(Tag(suffix), CancellationToken.None)!.Bytes.Span)!;
        JsonNode layer = manifest["layers"]![0]!;
        byte[] changed = change(BlobOf(store, layer));
        (layer["digest"], layer["size"]) = (Digest.Of(changed).ToString(), changed.Length);
        store.PutBlob(Digest.Of(changed), changed.Length, new MemoryStream(changed), CancellationToken.None);
        byte[] bytes = Encoding.UTF8.GetBytes(manifest.ToJsonString());
        store.PutManifest(new StoredManifest(Digest.Of(bytes), MediaTypes.OciManifest, bytes), Tag(suffix), CancellationToken.None);
        return true;
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Verify_WhatCosignSigned_PassesWithItsKeyAndNotWithAnother(bool referrers)
    {
        string host = HostOf(referrers), image = $"{host}/{Name}:v1";
        Push(host);
        Assert.Equal(["attestation/statement-missing", "attestation/statement-missing", "signature/unsigned"], Codes(Verify(image).Expect(1)));
        CosignSigns(host);

        Outcome passed = Verify(image).Expect(0);

        Assert.Empty(Codes(passed));
        Policy("other.pub");
        Assert.Equal(["attestation/no-key-matches", "attestation/no-key-matches", "attestation/statement-missing", "attestation/statement-missing", "signature/no-key-matches", "signature/unsigned"],
            Codes(Verify(image).Expect(1)));
        // What cosign keeps on a disk is judged as well.
        Policy(statements: $"{{type: \"{Custom}\", keys: [k]}}");
        Directory.CreateDirectory(_folder["saved"]);
        Peers.Cosign(_folder.Path, Password, ["save", "--dir", "saved", image]);
        Assert.Empty(Codes(Verify($"oci:{_folder["saved"]}", "--as", image).Expect(0)));
        Policy("other.pub", $"{{type: \"{Custom}\", keys: [k]}}");
        Assert.Equal(["attestation/no-key-matches", "attestation/statement-missing", "signature/no-key-matches", "signature/unsigned"], Codes(Verify($"oci:{_folder["saved"]}", "--as", image).Expect(1)));
    }

    [Fact]
    public void Verify_PayloadThatCosignSignedIsChanged_IsRefused()
    {
        string image = $"{_debian.Host}/{Name}:v1";
        Push(_debian.Host);
        CosignSigns(_debian.Host);
        Assert.Empty(Codes(Verify(image).Expect(0)));

        Change("att", WithOtherPayload);
        Assert.Equal(["attestation/no-key-matches", "attestation/statement-missing"], Codes(Verify(image).Expect(1)));
        Assert.NotEqual(0, CosignVerifies(image, "custom").ExitCode);

        Change("sig", payload =>
        {
            string text = Encoding.UTF8.GetString(payload);
            Assert.Contains("\"a\":\"b\"", text, StringComparison.Ordinal);
            return Encoding.UTF8.GetBytes(text.Replace("\"a\":\"b\"", "\"a\":\"c\"", StringComparison.Ordinal));
        });
        Assert.Equal(["attestation/no-key-matches", "attestation/statement-missing", "signature/no-key-matches", "signature/unsigned"], Codes(Verify(image).Expect(1)));
        Assert.NotEqual(0, CosignVerifies(image).ExitCode);
    }

    [Fact]
    public void Verify_BundleOfCosignIsChangedOrMoved_IsRefused()
    {
        string image = $"{_own.Host}/{Name}:v1";
        Push(_own.Host);
        CosignSigns(_own.Host);
        Policy(statements: "{type: openvex, keys: [k]}");
        Assert.Empty(Codes(Verify(image).Expect(0)));
        (string digest, byte[] bytes) = Assert.Single(_own.Manifests(Name), m => JsonNode.Parse(m.Value)!["subject"] is not null);
        JsonNode manifest = JsonNode.Parse(bytes)!, layer = manifest["layers"]![0]!;
        byte[] changed = WithOtherPayload(_own.Blobs(Name)[(string)layer["digest"]!]);

        // Moved: the same bundle refers to another image of the repository.
        Digest other = At($"{_own.Host}/{Name}", store => ImagePusher.Push(store, SmallDatabase.Image(version: "9"), "v2")).Digest;
        JsonNode moved = manifest.DeepClone();
        moved["subject"]!["digest"] = other.ToString();
        moved["subject"]!["size"] = _own.Manifests(Name)[other.ToString()].Length;
        _own.PutManifest(Name, Encoding.UTF8.GetBytes(moved.ToJsonString()), MediaTypes.OciManifest);
        Assert.Equal(["attestation/statement-missing", "attestation/statement-subject", "signature/unsigned"], Codes(Verify($"{_own.Host}/{Name}:v2").Expect(1)));

        // Changed: the bundle is there no more, and one with another payload in its place.
        _own.Remove(Name, digest);
        Assert.Equal(["attestation/statement-missing"], Codes(Verify(image).Expect(1)));
        _own.PutBlob(Name, changed);
        (layer["digest"], layer["size"]) = (Digest.Of(changed).ToString(), changed.Length);
        _own.PutManifest(Name, Encoding.UTF8.GetBytes(manifest.ToJsonString()), MediaTypes.OciManifest);
        Assert.Equal(["attestation/no-key-matches", "attestation/statement-missing"], Codes(Verify(image).Expect(1)));
        Assert.NotEqual(0, CosignVerifies(image, "openvex", bundle: true).ExitCode);
    }

    [Fact]
    public void Verify_TagsOfCosignMovedToAnotherImageOrRepository_AreRefused()
    {
        string image = $"{_debian.Host}/{Name}:v1";
        Push(_debian.Host);
        CosignSigns(_debian.Host);
        Policy(statements: $"{{type: \"{Custom}\", keys: [k]}}");
        Assert.Empty(Codes(Verify(image).Expect(0)));

        At($"{_debian.Host}/{Name}", store =>
        {
            Digest other = ImagePusher.Push(store, SmallDatabase.Image(version: "9"), "v2").Digest;
            foreach (string suffix in (string[])["sig", "att"])
                store.PutManifest(store.FindManifest(Tag(suffix), CancellationToken.None)!, $"sha256-{other.Hex}.{suffix}", CancellationToken.None);
            return true;
        });
        Assert.Equal(["attestation/statement-missing", "attestation/statement-subject", "signature/signature-digest", "signature/unsigned"], Codes(Verify($"{_debian.Host}/{Name}:v2").Expect(1)));

        // Another repository: cosign itself takes everything there. What a signature was made for stands in it.
        string moved = $"{_debian.Host}/team/elsewhere:v1";
        Peers.Cosign(_folder.Path, Password, ["copy", image, moved]);
        Good(CosignVerifies(moved));
        Assert.Equal(["signature/signature-repository", "signature/unsigned"], Codes(Verify(moved).Expect(1)));
        Policy(statements: $"{{type: \"{Custom}\", keys: [k]}}", more: $"repositories: [\"{_debian.Host}/{Name}\"]");
        Assert.Empty(Codes(Verify(moved).Expect(0)));
    }

    [Fact]
    public void Copy_ImageThatBothSigned_KeepsEveryByteAndBothVerifyAtEachPlace()
    {
        string first = $"{_debian.Host}/{Name}:v1", second = $"{_own.Host}/other/app:v1", third = $"{_debian.Host}/third/app:v1";
        Push(_debian.Host);
        CosignSigns(_debian.Host);
        Call("sign", first, "--key", _folder["cosign.key"], "--policy", _folder["open.yaml"], "--db", _database.Path).Run().Expect(0);
        Policy(statements: $"{{type: openvex, keys: [k]}}, {{type: \"{Custom}\", keys: [k]}}, {{type: measurement, keys: [k]}}", more: $"repositories: [\"{_debian.Host}/{Name}\"]");
        (string Name, byte[] Bytes)[] signed = Artifacts($"{_debian.Host}/{Name}");
        // Cosign's signature and ours in one tag; its attestation tag; its bundle, three of ours, and the contents of the measurement.
        Assert.Equal(7, signed.Count(s => s.Name.StartsWith("manifest", StringComparison.Ordinal)));

        string from = first;
        foreach (string to in (string[])[$"oci:{_folder["there"]}:v1", second, $"oci-archive:{_folder["there.tar"]}:v1", third])
        {
            Call("copy", from, to, "--quiet").Run().Expect(0);

            (string Name, byte[] Bytes)[] copied = Artifacts(to[..to.LastIndexOf(':')]);
            Assert.Equal(signed.Select(s => s.Name), copied.Select(s => s.Name));
            Assert.All(signed.Zip(copied), pair => Assert.Equal(pair.First.Bytes, pair.Second.Bytes));
            Assert.Empty(Codes(Verify(to, to.StartsWith("oci", StringComparison.Ordinal) ? ["--as", first] : []).Expect(0)));
            from = to;
        }

        foreach (string image in (string[])[second, third])
        {
            PeerResult signatures = CosignVerifies(image);
            Good(signatures);
            Assert.Equal(2, JsonNode.Parse(signatures.Out)!.AsArray().Count);
            Good(CosignVerifies(image, "custom"));
            foreach (string type in (string[])["openvex", Plimsoll.Verify.MeasurementPredicate.Type, Plimsoll.Verify.InspectionPredicate.Type, Sign.ImageSigner.SignedPredicate])
                Good(CosignVerifies(image, type, bundle: true));
            Assert.NotEqual(0, CosignVerifies(image, "spdxjson", bundle: true).ExitCode);
        }
        // The twin: without the rule for the first repository it is a signature of another.
        Policy(statements: "{type: measurement, keys: [k]}");
        Assert.Equal(["signature/signature-repository", "signature/unsigned"], Codes(Verify(third).Expect(1)));
    }

    /// <summary>Every manifest that is attached to the image, and the blobs of each, in one order.</summary>
    private (string Name, byte[] Bytes)[] Artifacts(string repository) => At(repository, store =>
    {
        SortedDictionary<string, byte[]> found = new(StringComparer.Ordinal);
        IEnumerable<string> references = [Tag("sig"), Tag("att"), .. store.ListReferrers(_image, CancellationToken.None).Select(r => r.Digest!)];
        foreach (string reference in references)
        {
            StoredManifest manifest = store.FindManifest(reference, CancellationToken.None)!;
            found[$"manifest {manifest.Digest}"] = manifest.Bytes.ToArray();
            JsonNode json = JsonNode.Parse(manifest.Bytes.Span)!;
            foreach (JsonNode? blob in (IEnumerable<JsonNode?>)[json["config"], .. json["layers"]!.AsArray()])
                found[$"of {(string)blob!["digest"]!}"] = BlobOf(store, blob);
        }
        return found.Select(f => (f.Key, f.Value)).ToArray();
    });

    [Theory]
    [InlineData("ecdsa-p256")]
    [InlineData("ecdsa-p384")]
    [InlineData("ed25519")]
    [InlineData("rsa")]
    public void Sign_WithEachKindOfKey_SkopeoAndCosignTakeItAndNothingElse(string algorithm)
    {
        string host = _debian.Host;
        Push(host);
        Push(host, "team/unsigned");
        foreach (string key in (string[])["release", "stranger"])
        {
            new Call(_folder.Path, "key", "generate", key, "--algorithm", algorithm).With("PLIMSOLL_PASSPHRASE", "ours").Run().Expect(0);
            new Call(_folder.Path, "key", "export", key, "--public", "--output", _folder[$"{key}.pub"]).Run().Expect(0);
        }
        Call("sign", $"{host}/{Name}:v1", "--key", "release", "--policy", _folder["open.yaml"], "--db", _database.Path).With("PLIMSOLL_PASSPHRASE", "ours").Run().Expect(0);
        _folder.Write("registries.d/all.yaml", "default-docker:\n  use-sigstore-attachments: true\n"u8.ToArray());
        PeerResult Copy(string name, string key)
        {
            File.WriteAllText(_folder["containers.json"], new JsonObject
            {
                ["default"] = new JsonArray(new JsonObject { ["type"] = "reject" }),
                ["transports"] = new JsonObject
                {
                    ["docker"] = new JsonObject { [host] = new JsonArray(new JsonObject { ["type"] = "sigstoreSigned", ["keyPath"] = $"/mnt/{key}", ["signedIdentity"] = new JsonObject { ["type"] = "matchRepository" } }) },
                },
            }.ToJsonString());
            return Peers.Run(_folder.Path, "skopeo", ["--policy", "containers.json", "--registries.d", "registries.d", "copy", "--quiet", "--src-tls-verify=false", $"docker://{host}/{name}:v1", $"dir:{Guid.NewGuid():n}"]);
        }

        Good(Copy(Name, "release.pub"));
        Assert.NotEqual(0, Copy(Name, "stranger.pub").ExitCode);
        Assert.Contains("signature", Copy("team/unsigned", "release.pub").Error, StringComparison.Ordinal);
        Good(Peers.Run(_folder.Path, "cosign", ["verify", "--key", "release.pub", "--private-infrastructure", $"{host}/{Name}:v1"]));
        Assert.NotEqual(0, Peers.Run(_folder.Path, "cosign", ["verify", "--key", "stranger.pub", "--private-infrastructure", $"{host}/{Name}:v1"]).ExitCode);
        Policy("release.pub", "{type: measurement, keys: [k]}");
        Assert.Empty(Codes(Verify($"{host}/{Name}:v1").Expect(0)));
    }
}
