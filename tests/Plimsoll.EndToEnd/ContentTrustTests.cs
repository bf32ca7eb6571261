using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>Docker Content Trust as Debian's docker and notary clients make it, against Debian's notary-server and docker-registry.</summary>
[Trait("needs", "host")]
public sealed class ContentTrustTests : IDisposable
{
    /// <summary>Debian's; another docker on the path may be newer and lack the feature.</summary>
    private const string Docker = "/usr/bin/docker", Notary = "/usr/bin/notary";

    private readonly SharedDocker _docker;
    private readonly TempFolder _folder = new();
    private readonly TestRegistry _registry;
    private readonly TestNotary _notary = new();
    private readonly string _gun;

    public ContentTrustTests(SharedDocker docker)
    {
        _docker = docker;
        _registry = new TestRegistry(_folder["storage"]);
        _gun = $"{_registry.Host}/team/app";
        Directory.CreateDirectory(_folder[$"docker/tls/{_notary.Host}"]);
        File.Copy(_notary.Authority, _folder[$"docker/tls/{_notary.Host}/ca.crt"]);
    }

    public void Dispose()
    {
        foreach (string tag in (string[])["v1", "v2"])
            _docker.Docker.Remove($"{_gun}:{tag}");
        _notary.Dispose();
        _registry.Dispose();
        _folder.Dispose();
    }

    private string Metadata => _folder[$"docker/trust/tuf/{_gun}/metadata"];

    private string Run(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder.Path };
        foreach ((string name, string value) in ((string, string)[])
        [
            ("HOME", _folder.Path), ("DOCKER_CONFIG", _folder["docker"]), ("DOCKER_HOST", _docker.Host), ("DOCKER_CONTENT_TRUST", "1"), ("DOCKER_CONTENT_TRUST_SERVER", _notary.Address),
            ("DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE", "root passphrase"), ("DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE", "repository passphrase"),
            ("NOTARY_ROOT_PASSPHRASE", "root passphrase"), ("NOTARY_TARGETS_PASSPHRASE", "repository passphrase"), ("NOTARY_SNAPSHOT_PASSPHRASE", "repository passphrase"), ("NOTARY_DELEGATION_PASSPHRASE", "repository passphrase"),
        ])
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        process.WaitForExit();
        string said = output.GetAwaiter().GetResult() + errors.GetAwaiter().GetResult();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {process.ExitCode}: {said}");
        return said;
    }

    private string RunNotary(params string[] arguments) => Run(Notary, ["-s", _notary.Address, "--tlscacert", _notary.Authority, "-d", _folder["docker/trust"], .. arguments]);

    private void Push(string tag, string content)
    {
        ImageBuilder image = new ImageBuilder().Layer(tar => tar.Folder("etc").File("etc/motd", $"{content} {_gun}"));
        _docker.Docker.Load(ImageBuilder.Tar(image.ArchiveFiles($"{_gun}:{tag}")));
        Run(Docker, "push", $"{_gun}:{tag}");
    }

    private Outcome Ours(params string[] arguments) => new Call(_folder["home"], [.. arguments, "--registry-http", _registry.Host, "--registry-ca", _notary.Authority])
        .With("DOCKER_CONFIG", _folder["docker"]).With("PLIMSOLL_PASSPHRASE", "ours").Run();

    private void Policy(string rule, string head = "") => File.WriteAllText(_folder["policy.yaml"], $"policy: 1\nname: dct\ntrust:\n{head}  images:\n  - names: [\"{_registry.Host}/**\"]\n    {rule}\n");

    private void PolicyOfContentTrust(string more = "", string? server = null) =>
        Policy($"content-trust: {{roots: [app], server: {server ?? _notary.Address}{more}}}", "  roots: {app: {file: root.json}}\n");

    private Outcome Verify(string tag = "v1", params string[] more) => Ours(["verify", $"{_gun}:{tag}", "--policy", _folder["policy.yaml"], .. more]);

    [Fact]
    public void Docker_PushedWithContentTrust_IsVerifiedShownAndImported()
    {
        Push("v1", "one");
        File.Copy(Path.Combine(Metadata, "root.json"), _folder["root.json"]);
        PolicyOfContentTrust();
        string rootKey = (string)JsonNode.Parse(File.ReadAllText(_folder["root.json"]))!["signed"]!["roles"]!["root"]!["keyids"]![0]!;

        Verify().Expect(0);
        // Without network: Docker's own folder, which has a timestamp once Docker has read, and not only pushed.
        Run(Docker, "trust", "inspect", $"{_gun}:v1");
        PolicyOfContentTrust(server: "none");
        Verify("v1", "--content-trust", _folder["docker/trust"]).Expect(0);
        Verify().Expect(3);

        // What a tag means in the registry is nobody's word: another image under it is refused.
        PolicyOfContentTrust();
        ImageOptions options = new() { Registry = RegistryOptions.Default with { PlainHttp = [_registry.Host] }, Environment = _ => null };
        byte[] trusted;
        using (OpenedTarget target = ArtifactStores.OpenTarget($"registry:{_gun}", options, TestContext.Current.CancellationToken))
        {
            trusted = target.Store.FindManifest("v1", TestContext.Current.CancellationToken)!.Bytes.ToArray();
            ImagePusher.Push(target.Store, new ImageBuilder().Layer(tar => tar.File("evil", "evil")), "v1");
        }
        Outcome refused = Verify();
        refused.Expect(1);
        Assert.Contains("another image", refused.Out, StringComparison.Ordinal);

        // Its own tag is signed for the digest that was trusted, not for what the tag is by now.
        new Call(_folder["home"], "key", "generate", "release").With("PLIMSOLL_PASSPHRASE", "ours").Run().Expect(0);
        new Call(_folder["home"], "key", "export", "release", "--public", "--output", _folder["release.pub"]).Run().Expect(0);
        Ours("trust", "import", _gun, "--server", _notary.Address, "--root", rootKey, "--key", "release").Expect(0);
        Policy("signatures: {keys: [release], match: exact}", "  keys: {release: {file: release.pub}}\n");
        Verify().Expect(1);
        using (OpenedTarget target = ArtifactStores.OpenTarget($"registry:{_gun}", options, TestContext.Current.CancellationToken))
            target.Store.PutManifest(new StoredManifest(Digest.Of(trusted), MediaTypes.DockerManifest, trusted), "v1", TestContext.Current.CancellationToken);
        Verify().Expect(0);
        // Said by the statement that was made: from which collection, by whose word.
        Policy("attestations: [{type: 'urn:plimsoll:content-trust:1', keys: [release]}]", "  keys: {release: {file: release.pub}}\n");
        Verify().Expect(0);
        // The same again writes nothing.
        Outcome again = Ours("trust", "import", _gun, "--server", _notary.Address, "--root", _folder["root.json"], "--key", "release");
        again.Expect(0);
        Assert.Contains("was signed", again.Out, StringComparison.Ordinal);

        // Nothing is believed on first sight.
        Ours("trust", "show", _gun, "--server", _notary.Address).Expect(2);
        Ours("trust", "show", _gun, "--server", _notary.Address, "--root", new string('0', 64)).Expect(1);
        JsonNode shown = JsonNode.Parse(Ours("trust", "show", _gun, "--server", _notary.Address, "--root", rootKey, "--json", "--save", _folder["saved"]).Expect(0).Out)!;
        Assert.Equal(("v1", "targets"), ((string)shown["targets"]![0]!["name"]!, (string)shown["targets"]![0]!["role"]!));
        new Call(_folder["home"], "trust", "show", _folder["saved"], "--root", rootKey).Run().Expect(0);
    }

    [Fact]
    public void Docker_SignerOfADelegation_IsWhoseWordCounts()
    {
        Push("v1", "one");
        File.Copy(Path.Combine(Metadata, "root.json"), _folder["root.json"]);
        Run(Docker, "trust", "key", "generate", "alice", "--dir", _folder.Path);
        Run(Docker, "trust", "signer", "add", "--key", _folder["alice.pub"], "alice", _gun);
        PolicyOfContentTrust(", roles: [targets/alice]");
        Verify().Expect(1);

        Run(Docker, "trust", "sign", $"{_gun}:v1");

        Verify().Expect(0);
        PolicyOfContentTrust(", roles: [targets/releases]");
        Verify().Expect(0);
        PolicyOfContentTrust(", roles: [targets/bob]");
        Verify().Expect(1);
        // Docker reads what we read, still.
        Assert.Contains("alice", Run(Docker, "trust", "inspect", "--pretty", _gun), StringComparison.Ordinal);
    }

    [Fact]
    public void Notary_RootRotatedAndTagMoved_IsFollowedFromThePinnedRootAndNotBack()
    {
        Push("v1", "one");
        File.Copy(Path.Combine(Metadata, "root.json"), _folder["root.json"]);
        PolicyOfContentTrust();
        Verify().Expect(0);
        Run(Docker, "trust", "inspect", $"{_gun}:v1");
        Copy(Metadata, _folder["old"]);
        RunNotary("key", "rotate", _gun, "root");
        RunNotary("key", "rotate", _gun, "snapshot", "-r");

        JsonNode shown = JsonNode.Parse(Ours("trust", "show", _gun, "--server", _notary.Address, "--root", _folder["root.json"], "--json").Expect(0).Out)!;
        Assert.True((long)shown["roles"]![0]!["version"]! >= 2, shown.ToJsonString());
        Verify().Expect(0);
        // What was right yesterday is a rollback today, whoever serves it.
        Outcome back = Verify("v1", "--content-trust", _folder["old"]);
        back.Expect(1);
        Assert.Contains("older than what was seen", back.Out, StringComparison.Ordinal);
        // To who never saw anything newer it is whole until it ends.
        new Call(_folder["other"], "trust", "show", _folder["old"], "--root", _folder["root.json"]).Run().Expect(0);
    }

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
