using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plimsoll.Cli;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.TestKit;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Cli;

/// <summary>Keys as a user meets them: arguments in, output, files and exit code out.</summary>
public sealed class KeyCommandTests : IDisposable
{
    private const string Secret = "correct horse";
    private readonly TempFolder _folder = new();
    private readonly Dictionary<string, string> _environment = [];
    private readonly StringWriter _out = new(), _error = new();
    private readonly Queue<string> _answers = [];
    private readonly List<string> _questions = [];
    private DateTimeOffset _now = new(2026, 11, 21, 8, 0, 0, TimeSpan.Zero);
    private string _input = "";
    private bool _terminal;

    public KeyCommandTests()
    {
        _environment["PLIMSOLL_HOME"] = _folder["home"];
        _environment["PLIMSOLL_PASSPHRASE"] = Secret;
    }

    public void Dispose() => _folder.Dispose();

    private sealed class Clock(KeyCommandTests tests) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => tests._now;
    }

    private string Out => _out.ToString();
    private string Error => _error.ToString();
    private string Store => Path.Combine(_folder["home"], "data", "keys");

    private async Task<int> RunAsync(params string[] args)
    {
        _out.GetStringBuilder().Clear();
        _error.GetStringBuilder().Clear();
        CliContext context = new()
        {
            Out = _out,
            Error = _error,
            In = new StringReader(_input),
            Time = new Clock(this),
            Environment = n => _environment.GetValueOrDefault(n),
            ReadSecret = _terminal ? (question, _) =>
            {
                _questions.Add(question);
                return _answers.Dequeue();
            }
            : null,
        };
        return await PlimsollApp.RunAsync(args, context, new ScanServices
        {
            Scan = (_, _, _, _) => throw new InvalidOperationException("nobody asked for a scan"),
            OpenDatabase = _ => throw new InvalidOperationException(),
            OpenStarterSet = () => throw new InvalidOperationException(),
            UpdateDatabase = (_, _) => throw new InvalidOperationException(),
            ReadSuppressions = _ => [],
        }, TestContext.Current.CancellationToken);
    }

    private async Task<string> DoneAsync(params string[] args)
    {
        int code = await RunAsync(args);
        Assert.True(code == 0, $"{string.Join(' ', args)}: {code}: {Error}");
        return Out;
    }

    private async Task<string> FailsAsync(int code, params string[] args)
    {
        Assert.Equal((code, ""), (await RunAsync(args), Out));
        return Error;
    }

    [Theory]
    [InlineData("ecdsa-p256")]
    [InlineData("ecdsa-p384")]
    [InlineData("ed25519")]
    [InlineData("rsa")]
    public async Task Generate_EachAlgorithm_IsStoredForItsOwnerOnlyAndEncrypted(string algorithm)
    {
        string told = await DoneAsync("key", "generate", "ops", "--algorithm", algorithm);

        Assert.StartsWith($"ops@v1: {algorithm}, id ", told, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Store));
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Store, "ops")))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        string pem = await File.ReadAllTextAsync(Path.Combine(Store, "ops", "v1.pem"), TestContext.Current.CancellationToken);
        Assert.Throws<KeyException>(() => KeyFile.ReadPrivate(pem, "k", () => "correct hors"));
        using ISigner signer = KeyFile.ReadPrivate(pem, "k", () => Secret);
        Assert.EndsWith(signer.PublicKey.Id + "\n", told, StringComparison.Ordinal);
        Assert.Equal(signer.PublicKey.ToPem(), await DoneAsync("key", "export", "ops", "--public"));
        Assert.Contains("there is a key ops already", await FailsAsync(2, "key", "generate", "ops"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("is no name of a key", "generate", "../ops")]
    [InlineData("is no name of a key", "generate", "ops.pem")]
    [InlineData("is no name of a key", "generate", "ops@v1")]
    [InlineData("is no name of a key", "generate", "image")]
    [InlineData("--algorithm: \"dsa\" is not understood", "generate", "ops", "--algorithm", "dsa")]
    [InlineData("--rotate-after: \"0\" is not understood", "generate", "ops", "--rotate-after", "0")]
    [InlineData("one of --public, --cosign and --pkcs8", "export", "ops")]
    [InlineData("no key \"ops\" is stored", "export", "ops", "--public")]
    [InlineData("no key \"ops\" is stored", "rotate", "ops")]
    [InlineData("there is no key \"ops\", neither stored nor as a file", "show", "ops")]
    [InlineData("is no digest", "revoke", "image", "debian:12", "--list", "/dev/null", "--key", "ops")]
    public async Task Key_ArgumentThatIsNotUsed_SaysWhy(string message, params string[] args)
    {
        Assert.Contains(message, await FailsAsync(2, ["key", .. args]), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Store));
    }

    [Fact]
    public async Task Rotate_ThenSign_NewestSignsAndEveryVersionVerifies()
    {
        await DoneAsync("key", "generate", "ops");
        string policy = _folder.Write("p.yaml", "policy: 1\nname: test\n"u8.ToArray());
        await DoneAsync("policy", "sign", policy, "--key", "ops", "-o", _folder["old.signed"]);
        Assert.StartsWith("ops@v2: ecdsa-p256, id ", await DoneAsync("key", "rotate", "ops"), StringComparison.Ordinal);
        Assert.StartsWith("ops@v3: ed25519, id ", await DoneAsync("key", "rotate", "ops", "--algorithm", "ed25519"), StringComparison.Ordinal);
        await DoneAsync("policy", "sign", policy, "--key", "ops", "-o", _folder["new.signed"]);

        await DoneAsync("policy", "verify", _folder["old.signed"], "--key", "ops");
        await DoneAsync("policy", "verify", _folder["new.signed"], "--key", "ops");
        await DoneAsync("policy", "verify", _folder["old.signed"], "--key", "ops@v1");
        await FailsAsync(1, "policy", "verify", _folder["new.signed"], "--key", "ops@v1");
        await DoneAsync("key", "export", "ops", "--public", "-o", _folder["all.pem"]);
        Assert.Equal(3, KeyFile.ReadPublicKeys(await File.ReadAllTextAsync(_folder["all.pem"], TestContext.Current.CancellationToken), "k").Count);
        await DoneAsync("policy", "verify", _folder["old.signed"], "--key", _folder["all.pem"]);
        Assert.Contains("versions of ops: v1, v2, v3", await FailsAsync(2, "policy", "verify", _folder["old.signed"], "--key", "ops@v4"), StringComparison.Ordinal);
        _environment["PLIMSOLL_PASSPHRASE"] = "wrong";
        Assert.Contains("ops@v3: the passphrase is not right", await FailsAsync(2, "key", "rotate", "ops"), StringComparison.Ordinal);
        Assert.Contains("ops@v3: the passphrase is not right", await FailsAsync(2, "policy", "sign", policy, "--key", "ops", "-o", _folder["x"]), StringComparison.Ordinal);
    }

    /// <summary>Rotating a key must not open the way back to what its older version signed.</summary>
    [Fact]
    public async Task Rotate_OldPolicyOfTheOldVersion_IsRefusedAfterTheNewOneWasSeen()
    {
        await DoneAsync("key", "generate", "ops");
        string policy = _folder.Write("p.yaml", "policy: 1\nname: test\n"u8.ToArray());
        await DoneAsync("policy", "sign", policy, "--key", "ops", "-o", _folder["old.signed"]);
        await DoneAsync("key", "rotate", "ops");
        await DoneAsync("policy", "sign", policy, "--key", "ops", "-o", _folder["new.signed"]);
        Assert.Contains("counter 2", Out, StringComparison.Ordinal);
        // A host that has signed nothing itself.
        Directory.Delete(Path.Combine(_folder["home"], "data", "policies"), recursive: true);
        KeyStore keys = new(Context);
        Counters counters = Plimsoll.Cli.Commands.PolicyCommand.CountersOf(Context);

        Assert.Equal(1, PolicySource.Open(_folder["old.signed"], "ops", counters, keys).Signed!.Counter);
        Assert.Equal(2, PolicySource.Open(_folder["new.signed"], "ops", counters, keys).Signed!.Counter);
        Assert.Contains("signed by another version of this key", Assert.Throws<CommandException>(() => PolicySource.Open(_folder["old.signed"], "ops", counters, keys)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_DueAndRevoked_AreWarnedOf()
    {
        await DoneAsync("key", "generate", "ops");
        await DoneAsync("key", "generate", "slow", "--rotate-after", "365d");
        await DoneAsync("key", "list");
        Assert.Equal("", Error);
        _now = _now.AddDays(90).AddSeconds(-1);
        await DoneAsync("key", "list");
        Assert.Equal("", Error);
        _now = _now.AddSeconds(1);

        await DoneAsync("key", "list");

        Assert.Equal("plimsoll: note: ops@v1 is 90 days old and due for rotation after 90: plimsoll key rotate ops\n", Error);
        Assert.Contains("due\n", Out, StringComparison.Ordinal);
        await DoneAsync("policy", "sign", _folder.Write("p.yaml", "policy: 1\nname: test\n"u8.ToArray()), "--key", "ops", "-o", _folder["p.signed"]);
        Assert.Contains("due for rotation", Error, StringComparison.Ordinal);
        await DoneAsync("key", "rotate", "ops");
        await DoneAsync("key", "list");
        Assert.Equal("", Error);
        await DoneAsync("key", "revoke", "ops@v1", "--reason", "stolen", "--list", _folder["r.json"], "--key", "slow");
        await DoneAsync("key", "list", "--json");
        Assert.Equal("plimsoll: note: ops@v1 was revoked on 2027-02-19T08:00:00Z: stolen\n", Error);
        using JsonDocument json = JsonDocument.Parse(Out);
        JsonElement versions = json.RootElement.GetProperty("keys")[0].GetProperty("versions");
        Assert.Equal(("stolen", JsonValueKind.Null), (versions[0].GetProperty("reason").GetString(), versions[1].GetProperty("revoked").ValueKind));
    }

    [Fact]
    public async Task Revoke_KeysAndImages_WritesTheListWithTheNextCounter()
    {
        await DoneAsync("key", "generate", "boss");
        await DoneAsync("key", "generate", "ops");
        await DoneAsync("key", "rotate", "ops");
        using ISigner foreign = KeyFile.Generate(KeyAlgorithm.EcdsaP256);
        string list = _folder["r.json"], pem = _folder.Write("foreign.pem", Encoding.ASCII.GetBytes(foreign.PublicKey.ToPem()));
        Digest image = Digest.Of("image"u8);

        await DoneAsync("key", "revoke", "ops@v1", "--list", list, "--key", "boss");
        await DoneAsync("key", "revoke", pem, "--list", list, "--key", "boss");
        await DoneAsync("key", "revoke", new string('a', 64), "--list", list, "--key", "boss");
        await DoneAsync("key", "revoke", "image", $"registry.example/app@{image}", "--list", list, "--key", "boss", "--reason", "bad build");
        _now = _now.AddDays(2);
        await DoneAsync("key", "revoke", "--list", list, "--key", "boss");

        using KeyRing ring = new KeyStore(Context).OpenPublic("boss");
        RevocationList read = RevocationSource.Open(list, ring.Keys, "boss", null);
        Assert.Equal((5, _now, 3), (read.Counter, read.Signed, read.Keys.Count));
        Assert.NotNull(read.FindKey(foreign.PublicKey.Id));
        Assert.Equal(("bad build", _now.AddDays(-2)), (read.FindImage(image)?.Reason, read.FindImage(image)?.Since));
        // Revoked here too: it neither signs nor verifies.
        Assert.Contains("ops@v1 was revoked", await FailsAsync(1, "policy", "verify", list, "--key", "ops@v1"), StringComparison.Ordinal);
        Assert.Single(new KeyStore(Context).OpenPublic("ops").Keys);
        await DoneAsync("key", "revoke", "ops", "--list", list, "--key", "boss");
        Assert.Contains("every version of ops was revoked", await FailsAsync(1, "policy", "sign", "default", "--key", "ops", "-o", _folder["x"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Revoke_WhatWouldForgetOrProveNothing_IsRefused()
    {
        await DoneAsync("key", "generate", "boss");
        await DoneAsync("key", "generate", "other");
        string list = _folder["r.json"];
        await DoneAsync("key", "revoke", new string('a', 64), "--list", list, "--key", "boss");
        byte[] first = await File.ReadAllBytesAsync(list, TestContext.Current.CancellationToken);
        await DoneAsync("key", "revoke", new string('b', 64), "--list", list, "--key", "boss");

        Assert.Contains("cannot sign the list", await FailsAsync(2, "key", "revoke", "boss", "--list", list, "--key", "boss"), StringComparison.Ordinal);
        Assert.Contains("is not signed by other", await FailsAsync(1, "key", "revoke", new string('c', 64), "--list", list, "--key", "other"), StringComparison.Ordinal);
        await File.WriteAllBytesAsync(list, first, TestContext.Current.CancellationToken);
        Assert.Contains("has counter 1; this key has signed 2", await FailsAsync(1, "key", "revoke", new string('c', 64), "--list", list, "--key", "boss"), StringComparison.Ordinal);
        Assert.Contains("a new one would forget", await FailsAsync(1, "key", "revoke", new string('c', 64), "--list", _folder["new.json"], "--key", "boss"), StringComparison.Ordinal);
        // Rotation does not make it forget either.
        await DoneAsync("key", "rotate", "boss");
        Assert.Contains("has counter 1; this key has signed 2", await FailsAsync(1, "key", "revoke", new string('c', 64), "--list", list, "--key", "boss"), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["new.json"]));
        Assert.Equal(first, await File.ReadAllBytesAsync(list, TestContext.Current.CancellationToken));
        Assert.Contains("MaxReasonLength", await FailsAsync(2, "key", "revoke", "--list", list, "--key", "boss", "--reason", new string('x', 201)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Counters_OlderOrOtherListOfOneCounter_IsRefused()
    {
        using ISigner signer = KeyFile.Generate(KeyAlgorithm.Ed25519);
        RevocationList two = new(2, _now, [], []);
        string path = _folder.Write("two.json", two.Sign(signer)), older = _folder.Write("one.json", (two with { Counter = 1 }).Sign(signer)), twin = _folder.Write("twin.json", (two with { Signed = _now.AddDays(1) }).Sign(signer));
        Counters counters = RevocationSource.CountersOf(Context);
        RevocationList Open(string file) => RevocationSource.Open(file, [signer.PublicKey], "k", counters);

        Assert.Equal(2, Open(path).Counter);
        Assert.Equal(2, Open(path).Counter);
        Assert.Contains("has counter 1; the revocation list of this key was seen with 2", Assert.Throws<CommandException>(() => Open(older)).Message, StringComparison.Ordinal);
        Assert.Contains("other content", Assert.Throws<CommandException>(() => Open(twin)).Message, StringComparison.Ordinal);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task Import_FormsOfOtherTools_AreStoredAndExportedAgain()
    {
        using ECDsa pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string id = Convert.ToHexStringLower(SHA256.HashData(pair.ExportSubjectPublicKeyInfo()));
        Dictionary<string, string> forms = new(StringComparer.Ordinal)
        {
            ["plain"] = pair.ExportPkcs8PrivateKeyPem(),
            ["sec1"] = pair.ExportECPrivateKeyPem(),
            ["encrypted"] = pair.ExportEncryptedPkcs8PrivateKeyPem(Secret, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)),
            ["public"] = pair.ExportSubjectPublicKeyInfoPem(),
        };
        foreach ((string name, string pem) in forms)
        {
            string file = _folder.Write(name + ".pem", Encoding.ASCII.GetBytes(pem));
            Assert.Equal($"{name}@v1: ecdsa-p256, id {id}\n", await DoneAsync("key", "import", file, "--name", name));
            Assert.Equal(pair.ExportSubjectPublicKeyInfoPem() + "\n", await DoneAsync("key", "export", name, "--public"));
            Assert.Contains(id, await DoneAsync("key", "show", file), StringComparison.Ordinal);
            if (name == "public")
                continue;
            await DoneAsync("key", "export", name, "--pkcs8", "-o", _folder["out.pem"]);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder["out.pem"]));
            using ISigner read = KeyFile.ReadPrivate(await File.ReadAllTextAsync(_folder["out.pem"], TestContext.Current.CancellationToken), "k", () => Secret);
            Assert.Equal(id, read.PublicKey.Id);
        }
        Assert.Contains("public half only", await FailsAsync(2, "policy", "sign", "default", "--key", "public", "-o", _folder["x"]), StringComparison.Ordinal);
        Assert.Contains("public only", await DoneAsync("key", "list"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Store_OthersMayWriteOrFilesWereSwapped_IsNotUsed()
    {
        await DoneAsync("key", "generate", "ops");
        await DoneAsync("key", "generate", "evil");
        string publicFile = Path.Combine(Store, "ops", "v1.pub.pem"), privateFile = Path.Combine(Store, "ops", "v1.pem");
        byte[] was = await File.ReadAllBytesAsync(publicFile, TestContext.Current.CancellationToken), secret = await File.ReadAllBytesAsync(privateFile, TestContext.Current.CancellationToken);

        File.Copy(Path.Combine(Store, "evil", "v1.pub.pem"), publicFile, overwrite: true);
        Assert.Contains("holds key", await FailsAsync(1, "key", "export", "ops", "--public"), StringComparison.Ordinal);
        await File.WriteAllBytesAsync(publicFile, was, TestContext.Current.CancellationToken);
        await DoneAsync("key", "export", "ops", "--public");
        File.Copy(Path.Combine(Store, "evil", "v1.pem"), privateFile, overwrite: true);
        Assert.Contains("its file holds key", await FailsAsync(1, "policy", "sign", "default", "--key", "ops", "-o", _folder["x"]), StringComparison.Ordinal);
        await File.WriteAllBytesAsync(privateFile, secret, TestContext.Current.CancellationToken);
        File.SetUnixFileMode(privateFile, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.Contains("can be read by others", await FailsAsync(2, "policy", "sign", "default", "--key", "ops", "-o", _folder["x"]), StringComparison.Ordinal);
        File.SetUnixFileMode(Store, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherWrite);
        Assert.Contains("others may write in it", await FailsAsync(2, "key", "list"), StringComparison.Ordinal);
        Assert.Contains("others may write in it", await FailsAsync(2, "key", "export", "ops", "--public"), StringComparison.Ordinal);
        Assert.Contains("others may write in it", await FailsAsync(2, "key", "generate", "more"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Passphrase_FileInputAndTerminal_ComeInThisOrder()
    {
        _environment.Remove("PLIMSOLL_PASSPHRASE");
        string error = await FailsAsync(2, "key", "generate", "ops");
        Assert.Contains("new passphrase of ops: there is no terminal to ask at", error, StringComparison.Ordinal);
        Assert.Contains("--passphrase-file FILE", error, StringComparison.Ordinal);
        _terminal = true;
        _answers.Enqueue("one");
        _answers.Enqueue("two");
        Assert.Contains("the two passphrases differ", await FailsAsync(2, "key", "generate", "ops"), StringComparison.Ordinal);
        _answers.Enqueue("");
        Assert.Contains("the passphrase is empty", await FailsAsync(2, "key", "generate", "ops"), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Store));
        _answers.Enqueue("typed");
        _answers.Enqueue("typed");
        await DoneAsync("key", "generate", "ops");
        _questions.Clear();
        _answers.Enqueue("typed");
        await DoneAsync("key", "rotate", "ops");
        Assert.Equal(["passphrase of ops@v1"], _questions);
        _questions.Clear();

        // The environment is asked before the terminal, and a file before both.
        _environment["PLIMSOLL_PASSPHRASE"] = "typed";
        await DoneAsync("key", "rotate", "ops");
        _environment["PLIMSOLL_PASSPHRASE"] = "wrong";
        await DoneAsync("key", "rotate", "ops", "--passphrase-file", _folder.Write("pass", "typed\n"u8.ToArray()));
        _input = "typed\n";
        await DoneAsync("key", "rotate", "ops", "--passphrase-file", "-");
        Assert.Empty(_questions);
        Assert.Contains("more than one line", await FailsAsync(2, "key", "rotate", "ops", "--passphrase-file", _folder.Write("two", "typed\nmore\n"u8.ToArray())), StringComparison.Ordinal);
        Assert.Contains("MaxPassphraseBytes", await FailsAsync(2, "key", "rotate", "ops", "--passphrase-file", "/dev/zero"), StringComparison.Ordinal);
        Assert.Contains("cannot read the passphrase", await FailsAsync(2, "key", "rotate", "ops", "--passphrase-file", _folder["absent"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Key_NameThatIsAlsoAFile_IsTheStoredOne()
    {
        await DoneAsync("key", "generate", "ops");
        using ISigner other = KeyFile.Generate(KeyAlgorithm.Ed25519);
        string file = _folder.Write("ops", Encoding.ASCII.GetBytes(other.PublicKey.ToPem()));

        Assert.Contains("ecdsa-p256", await DoneAsync("key", "show", "ops"), StringComparison.Ordinal);
        Assert.Contains("ed25519", await DoneAsync("key", "show", file), StringComparison.Ordinal);
    }

    private CliContext Context => new() { Out = _out, Error = _error, Time = new Clock(this), Environment = n => _environment.GetValueOrDefault(n) };
}
