using System.Diagnostics;
using System.Text;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>Keys that openssl and we hand to each other, and the question for a passphrase at a terminal.</summary>
[Trait("needs", "host")]
public sealed class KeyTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Outcome Key(params string[] arguments) =>
        new Call(_folder["home"], ["key", .. arguments]) { Folder = _folder.Path }.With("PLIMSOLL_PASSPHRASE", "ours").Run();

    private string Openssl(params string[] arguments) => Tool.Run("openssl", arguments.Select(a => a.StartsWith("./", StringComparison.Ordinal) ? _folder[a[2..]] : a));

    [Theory]
    [InlineData("EC", "ec_paramgen_curve:P-256")]
    [InlineData("EC", "ec_paramgen_curve:P-384")]
    [InlineData("ED25519", null)]
    [InlineData("RSA", "rsa_keygen_bits:2048")]
    public void Import_FormsOfOpenssl_AreTheSameKeyAndGoBack(string algorithm, string? option)
    {
        Openssl(["genpkey", "-algorithm", algorithm, .. option is null ? Array.Empty<string>() : ["-pkeyopt", option], "-out", "./plain.pem"]);
        string known = Openssl("pkey", "-in", "./plain.pem", "-pubout");
        Openssl("pkcs8", "-topk8", "-in", "./plain.pem", "-passout", "pass:ours", "-out", "./default.pem");
        Openssl("pkcs8", "-topk8", "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512", "-iter", "10000", "-in", "./plain.pem", "-passout", "pass:ours", "-out", "./sha512.pem");
        Openssl("pkcs8", "-topk8", "-scrypt", "-in", "./plain.pem", "-passout", "pass:ours", "-out", "./scrypt.pem");
        List<string> forms = ["plain", "default", "sha512", "scrypt"];
        if (algorithm != "ED25519")
        {
            Openssl("pkey", "-traditional", "-in", "./plain.pem", "-out", "./traditional.pem");
            forms.Add("traditional");
        }

        foreach (string form in forms)
        {
            Key("import", form + ".pem", "--name", form).Expect(0);
            Assert.Equal(known, Key("export", form, "--public").Expect(0).Out);
            Key("export", form, "--pkcs8", "--output", "back.pem").Expect(0);
            Assert.Equal(known, Openssl("pkey", "-in", "./back.pem", "-passin", "pass:ours", "-pubout"));
        }
    }

    [Fact]
    public void SplitAndCombine_AKey_GivesItBackFromEnoughSharesOnly()
    {
        Key("generate", "root").Expect(0);
        Assert.Contains("root@v1: 5 shares in", Key("split", "root", "--shares", "5", "--threshold", "3", "--output", "shares").Expect(0).Out, StringComparison.Ordinal);
        string[] shares = [.. Enumerable.Range(1, 5).Select(n => $"shares/share-{n}-of-5.txt")];
        Assert.All(shares, s => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder[s])));

        Key("combine", shares[4], shares[0], shares[2], "--name", "restored").Expect(0);
        Assert.Equal(Key("export", "root", "--public").Expect(0).Out, Key("export", "restored", "--public").Expect(0).Out);
        Key("combine", shares[4], shares[0], "--name", "few").Expect(2).ExpectError("2 of the 5 shares of root@v1 are here (number 1, 5); 3 are needed");
        File.WriteAllText(_folder[shares[1]], File.ReadAllText(_folder[shares[1]]).Replace("Number: 2", "Number: 4", StringComparison.Ordinal));
        Key("combine", shares[1], shares[0], shares[2], "--name", "damaged").Expect(2).ExpectError("share-2-of-5.txt is a damaged share");
        Key("split", "root", "--shares", "3", "--threshold", "2", "--output", "shares").Expect(2).ExpectError("is not empty");
        Key("split", "root", "--shares", "2", "--threshold", "3", "--output", "more").Expect(2).ExpectError("nobody could ever combine them");
        Assert.DoesNotContain("few", Key("list").Expect(0).Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_KeysThatAreNotUsed_SayWhyAndStoreNothing()
    {
        Openssl("genrsa", "-out", "./small.pem", "1024");
        Openssl("ecparam", "-name", "secp256k1", "-genkey", "-noout", "-out", "./k1.pem");
        Openssl("ecparam", "-name", "prime256v1", "-param_enc", "explicit", "-genkey", "-noout", "-out", "./explicit.pem");
        Openssl("genpkey", "-algorithm", "x25519", "-out", "./x25519.pem");
        Openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "./ec.pem");
        Openssl("ec", "-in", "./ec.pem", "-aes256", "-passout", "pass:ours", "-out", "./legacy.pem");
        Openssl("pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-in", "./ec.pem", "-passout", "pass:ours", "-out", "./pbes1.pem");
        Openssl("pkey", "-in", "./explicit.pem", "-pubout", "-ec_param_enc", "explicit", "-out", "./explicit.pub");
        Dictionary<string, string> wanted = new(StringComparer.Ordinal)
        {
            ["small.pem"] = "1024 bits",
            ["k1.pem"] = "wanted P-256 or P-384",
            ["explicit.pem"] = "wanted P-256 or P-384",
            ["explicit.pub"] = "wanted P-256 or P-384",
            ["x25519.pem"] = "is no private key of a kind that is used here",
            ["legacy.pem"] = "before PKCS#8",
            ["pbes1.pem"] = "scheme 1.2.840.113549.1.12.1.3",
        };

        foreach ((string file, string why) in wanted)
            Key("import", file, "--name", "k").Expect(2).ExpectError(why);
        Assert.Empty(Key("list").Expect(0).Out);
    }

    [Fact]
    public void Generate_AtATerminal_AsksTwiceAndShowsNothingOfTheAnswer()
    {
        string command = string.Join(' ', new[] { "env", "-u", "PLIMSOLL_PASSPHRASE", $"PLIMSOLL_HOME={_folder["home"]}", $"DOTNET_ROOT={Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../.."))}", Call.Executable, "key", "generate", "ops" }.Select(w => $"'{w}'"));
        ProcessStartInfo start = new("script", ["-qec", command, "/dev/null"]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        using CancellationTokenSource patience = new(Patience);
        using CancellationTokenRegistration end = patience.Token.Register(() => process.Kill(entireProcessTree: true));
        StringBuilder seen = new();
        void WaitFor(string question)
        {
            while (!seen.ToString().Contains(question, StringComparison.Ordinal))
                seen.Append(process.StandardOutput.Read() is var c and >= 0 ? (char)c : throw new InvalidOperationException($"it ended before {question}: {seen}"));
        }

        WaitFor("new passphrase of ops: ");
        process.StandardInput.Write("tr0mbone\n");
        process.StandardInput.Flush();
        WaitFor("the same again: ");
        process.StandardInput.Write("tr0mbone\n");
        process.StandardInput.Flush();
        seen.Append(process.StandardOutput.ReadToEnd());
        process.WaitForExit();

        Assert.Equal(0, process.ExitCode);
        Assert.Contains("ops@v1: ecdsa-p256", seen.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("tr0mbone", seen.ToString(), StringComparison.Ordinal);
        new Call(_folder["home"], "key", "rotate", "ops").With("PLIMSOLL_PASSPHRASE", "tr0mbone").Run().Expect(0);
        new Call(_folder["home"], "key", "rotate", "ops").With("PLIMSOLL_PASSPHRASE", "trombone").Run().Expect(2).ExpectError("the passphrase is not right");
    }
}
