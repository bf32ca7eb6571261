using System.Text;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Secrets;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Secrets;

public sealed class SecretRulesTests
{
    public static TheoryData<string> Ids => [.. Samples.Rules.Rules.Select(r => r.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public void BuiltInRule_Sample_IsFoundAndNearMissIsNot(string rule)
    {
        Assert.True(Samples.All.TryGetValue(rule, out (string Path, string Text, string Secret, string NearMiss) sample), $"the rule {rule} has no sample");

        Assert.Contains(rule, Samples.Scan(sample.Path, sample.Text).Select(m => m.Rule));
        Assert.DoesNotContain(rule, Samples.Scan(sample.Path, sample.NearMiss).Select(m => m.Rule));
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void BuiltInRule_EachRule_HasATextInBothLanguagesAndAnExpressionThatCompiles(string rule)
    {
        Text? title = Catalogue.SecretTitle(rule);

        Assert.NotNull(title);
        Assert.NotEqual(title.Value.English, title.Value.Chinese);
        _ = Samples.Rules.Rules.Single(r => r.Id == rule).Regex?.Regex;
    }

    /// <summary>An expression that needs too many states throws where it is first run, which no sample need reach: each is run as the scan runs it, on each keyword.</summary>
    [Theory]
    [MemberData(nameof(Ids))]
    public void BuiltInRule_TextAroundEachKeyword_RunsAsInAScan(string rule)
    {
        SecretRule of = Samples.Rules.Rules.Single(r => r.Id == rule);
        string path = Samples.All[rule].Path, filler = Samples.Of("0123456789abcdef", 120);

        foreach (string keyword in of.Keywords)
            foreach (string text in (string[])[$"{keyword}={filler}\n", $"{filler}{keyword}{filler}\n", $"\"{keyword}\": \"{filler}\"\n", keyword])
            {
                _ = Samples.Scan(path, text);
                char[] chars = new char[text.Length];
                TranslatedRegex.Widen(Encoding.UTF8.GetBytes(text), chars);
                foreach (TranslatedRegex expression in Expressions(of))
                {
                    _ = expression.Regex.IsMatch(chars);
                    _ = expression.Regex.Match(new string(chars));
                    _ = expression.WithGroups.IsMatch(chars);
                }
            }

        Assert.All(Expressions(of), e => Assert.True(e.Regex.Options.HasFlag(System.Text.RegularExpressions.RegexOptions.NonBacktracking)));
    }

    private static IEnumerable<TranslatedRegex> Expressions(SecretRule rule) =>
        [.. new[] { rule.Regex, rule.Path }.OfType<TranslatedRegex>(), .. rule.Allowlists.SelectMany(a => a.Regexes.Concat(a.Paths))];

    [Theory]
    [InlineData("(?:key=[a-f0-9]{200}[^;]{0,200};){0,30}x")]
    [InlineData("(?:a?b{0,500}){40}")]
    public void Create_ExpressionOfTooManyStates_IsRefusedBeforeTheScan(string expression)
    {
        CheckException refused = Assert.Throws<CheckException>(() => RuleSet.Create([("big.toml", $"[[rules]]\nid = \"big\"\nregex = '''{expression}'''\nkeywords = [\"key\"]\n")]));

        Assert.StartsWith("big.toml line 3:", refused.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, string, string> Forms => new()
    {
        { "vercel-token", "app/.env", "VERCEL_TOKEN=" + Samples.Of(Letters, 24) },
        { "salesforce-secret", "app/.env", "SFDC_SECURITY_TOKEN=" + Samples.Of(Letters, 25) },
        { "segment-key", "app/x.txt", "key: sgp_" + Samples.Of(Letters, 64) },
        { "truenas-key", "app/x.json", "{\"method\": \"auth.login_with_api_key\",\n \"params\": [\"12-" + Samples.Of(Letters, 64) + "\"]}" },
        { "newrelic-key", "app/x.yml", "license_key: " + Samples.Of("0123456789abcdef", 36) + "NRAL" },
        { "newrelic-key", "app/x.yml", "k: NRIQ-" + Samples.Of(Letters, 32) },
        { "notion-token", "app/x.yml", "k: nrt_" + Samples.Of(Letters, 47) },
        { "notion-token", "app/x.yml", "k: secret_" + Samples.Of(Letters, 43) },
        { "launchdarkly-key", "app/x.yml", "k: sdk-5c0f8e1a-91d4-4b6c-8a7e-f3b2d9c4e610" },
        { "credential-call", "app/Login.cs", "new DirectoryEntry(\"LDAP://dc\", \"svc@corp\", \"" + Samples.Of(Letters, 12) + "\");" },
        { "credential-call", "app/mail.go", "auth := smtp.PlainAuth(\"\", \"m@corp\", \"" + Samples.Of(Letters, 12) + "\", host)" },
        { "credential-call", "app/x.ps1", "$p = ConvertTo-SecureString \"" + Samples.Of(Letters, 12) + "\" -AsPlainText -Force" },
        { "connection-string-password", "app/x.txt", "Data Source=db;Initial Catalog=x;User Id=sa;Password=" + Samples.Of(Letters, 12) + ";" },
        { "connection-string-password", "app/x.txt", "Pwd=" + Samples.Of(Letters, 12) + ";Timeout=3;Server=db;" },
        { "command-line-password", "app/run.cmd.txt", "psexec \\\\host -u admin -p " + Samples.Of(Letters, 12) + " cmd" },
        { "command-line-password", "app/x.ps1", "Connect-VIServer -Server vc -User root -Password " + Samples.Of(Letters, 12) },
        { "generic-secret", "var/log/deploy.log", "2026-01-02 start db_password=" + Samples.Of(Letters, 12) },
        { "generic-secret", "srv/notes.txt", "db_password=" + Samples.Of(Letters, 12) },
        { "generic-secret", "app/run.ps1", "$token = \"" + Samples.Of(Letters, 30) + "\"" },
    };

    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    [Theory]
    [MemberData(nameof(Forms))]
    public void Scan_OtherFormsOfASecret_AreFound(string rule, string path, string text) => Assert.Contains(Samples.Scan(path, text + "\n"), m => m.Rule == rule);

    [Theory]
    [InlineData("app/lexer.js", "nextToken = \"EndOfFile123EndOfFile\";")]
    [InlineData("app/parser.py", "stop_token = '<|endoftext0000000000|>'")]
    [InlineData("srv/requirements.txt", "password=Zq8x9pLm2Wv")]
    [InlineData("srv/LICENSE.txt", "password=Zq8x9pLm2Wv")]
    [InlineData("srv/docs/a.txt", "password=Zq8x9pLm2Wv")]
    [InlineData("usr/share/x/a.txt", "password=Zq8x9pLm2Wv")]
    [InlineData("app/notes.txt", "The password: is9 long enough to be safe")]
    [InlineData("app/x.sh", "echo 'export DB_PASSWORD=\"'$OTHER_PASSWORD9'\"' >> .env")]
    [InlineData("app/x.js", "a:\"Password:\",rememberMe9Label:\"Remember me:\"")]
    [InlineData("app/x.cs", "new NetworkCredential(user, Environment.GetEnvironmentVariable(\"PASSWORD_1\"))")]
    [InlineData("app/x.config", "Server=db;User ID=u;Password={DB_PASSWORD_1};")]
    [InlineData("app/x.yml", "ibm_key: abcd1234abcd1234abcd1234ABCD1234ABCD1234ABCD")]
    public void Scan_WhatOnlyLooksLikeOne_IsNone(string path, string text) => Assert.Empty(Samples.Scan(path, text + "\n"));

    [Fact]
    public void BuiltInRules_NearlyAll_LookOnlyAroundTheirKeywords() =>
        Assert.Equal(
            ["airtable-token", "dashscope-or-deepseek-key", "dropbox-token", "infisical-token", "kubernetes-secret", "mailchimp-key", "mailgun-key", "scaleway-secret-key", "sudo-password", "twilio-key"],
            Samples.Rules.Rules.Where(r => r.Regex is { IsNear: false }).Select(r => r.Id).Order(StringComparer.Ordinal));

    [Fact]
    public void Scan_PrivateKeysOfEveryForm_ToldApartByPassphrase()
    {
        string plain = Samples.Pem(), locked = Samples.Pem("pass"), escaped = plain.Replace("\n", "\\n", StringComparison.Ordinal);
        Assert.Equal("private-key", Samples.Scan("a", plain).Single().Rule);
        Assert.Equal("private-key-encrypted", Samples.Scan("a", locked).Single().Rule);
        Assert.Equal("private-key", Samples.Scan("a.json", $"{{\"private_key\": \"{escaped}\"}}").Single().Rule);
        Assert.Equal("private-key", Samples.Scan("a.yaml", $"tls.key: {Convert.ToBase64String(Encoding.UTF8.GetBytes(plain))}\n").Single(m => m.Rule == "private-key").Rule);

        string OpenSsh(string cipher)
        {
            List<byte> body = [.. "openssh-key-v1\0"u8, 0, 0, 0, (byte)cipher.Length, .. Encoding.ASCII.GetBytes(cipher), .. new byte[100]];
            return $"-----BEGIN OPENSSH {"PRIVATE"} KEY-----\n{Convert.ToBase64String([.. body])}\n-----END OPENSSH {"PRIVATE"} KEY-----\n";
        }
        Assert.Equal("private-key", Samples.Scan("id", OpenSsh("none")).Single().Rule);
        SecretMatch aes = Samples.Scan("id", OpenSsh("aes256-ctr")).Single();
        Assert.Equal(("private-key-encrypted", "aes256-ctr"), (aes.Rule, aes.Details.Single(d => d.Key == "cipher").Value));

        string Ppk(string cipher) => $"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: {cipher}\nComment: x\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 1\nAAAA\nPrivate-MAC: 0\n";
        Assert.Equal("private-key", Samples.Scan("k.ppk", Ppk("none")).Single().Rule);
        Assert.Equal("private-key-encrypted", Samples.Scan("k.ppk", Ppk("aes256-cbc")).Single().Rule);
        string procType = $"-----BEGIN RSA {"PRIVATE"} KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0011\n\n{Convert.ToBase64String(new byte[90])}\n-----END RSA {"PRIVATE"} KEY-----\n";
        Assert.Equal("private-key-encrypted", Samples.Scan("k", procType).Single().Rule);
        Assert.Empty(Samples.Scan("ca.crt", plain.Replace("PRIVATE KEY", "CERTIFICATE", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("password = ${DB_PASSWORD}")]
    [InlineData("password: changeme")]
    [InlineData("password = <your-password>")]
    [InlineData("password: {{ .Values.password }}")]
    [InlineData("password = os.environ['DB_PASSWORD']")]
    [InlineData("password_file = /run/secrets/db1")]
    [InlineData("reset_password_token = 1")]
    [InlineData("token = xxxxxxxxxxxxxxxx1")]
    [InlineData("secret_key = get_secret_key()")]
    [InlineData("api_key: \"\"")]
    [InlineData("secret: some-config-name")]
    [InlineData("token_url = https://auth.internal/oauth2/token")]
    [InlineData("integrity sha512-secret=")]
    [InlineData("url = http://user:password@example.com/")]
    [InlineData("url = http://localhost:8080@x")]
    public void Scan_Placeholders_AreNoSecrets(string line) => Assert.Empty(Samples.Scan("app/settings.ini", line + "\n"));

    [Theory]
    [InlineData("srv/app/node_modules/x/test/keys.js")]
    [InlineData("usr/share/doc/x/README")]
    [InlineData("usr/lib/python3/dist-packages/x/tests/a.py")]
    public void Scan_PublicExamples_AreLeftOut(string path) => Assert.Empty(Samples.Scan(path, Samples.All["github-token"].Text));

    [Theory]
    [InlineData("gitleaks:allow")]
    [InlineData("trufflehog:ignore")]
    [InlineData("pragma: allowlist secret")]
    [InlineData("nosec")]
    public void Scan_CommentsThatExcuse_CountForNothing(string comment) =>
        Assert.Single(Samples.Scan("app/a.sh", $"T={Samples.All["github-token"].Secret} # {comment}\n"));

    [Fact]
    public void Scan_OneSecretTwice_IsOne() =>
        Assert.Single(Samples.Scan("app/a.sh", $"T={Samples.All["github-token"].Secret}\nU={Samples.All["github-token"].Secret}\n"));

    [Fact]
    public void Scan_SecretAcrossParts_IsFound()
    {
        string secret = Samples.All["github-token"].Secret;
        for (int shift = -50; shift < 10; shift += 7)
            Assert.Single(Samples.Scan("app/a.log", new string(' ', (256 << 10) + shift) + secret + "\n"));
    }

    [Fact]
    public void Scan_Junk_EndsAndFindsNothing()
    {
        byte[] junk = new byte[4 << 20];
        new Random(1).NextBytes(junk);

        Assert.Empty(Samples.Scanner.Scan("app/x", junk, null, out bool cut));
        Assert.False(cut);
        Assert.Empty(Samples.Scan("app/x", string.Concat(Enumerable.Repeat("eyJ-----BEGIN PRIVATE KEY-----://a:password=", 20_000))));
    }

    [Fact]
    [Trait("needs", "shared")]
    public void Create_GitleaksOwnRules_AllLoadAndCompile()
    {
        RuleSet rules = RuleSet.Create([SharedData.At("secrets", "gitleaks.toml")]);

        Assert.Equal(222, rules.Rules.Count(r => !r.IsBuiltIn));
        Assert.True(rules.Rules.Count(r => r is { IsBuiltIn: false, Regex.IsNear: true }) > 180);
    }

    [Theory]
    [InlineData("[[rules]]\nregex = 'a'", "line 1", "no id")]
    [InlineData("[[rules]]\nid = 'x'", "line 1", "neither regex nor path")]
    [InlineData("\n[[rules]]\nid = 'x'\nregex = '(?=a)'", "line 4", "ahead")]
    [InlineData("[[rules]]\nid = 'x'\nregexp = 'a'", "line 3", "unknown key")]
    [InlineData("[[rules]]\nid = 'x'\nregex = 'a'\nsecretGroup = 2", "line 4", "groups")]
    [InlineData("[[rules]]\nid = 'x'\nregex = 'a'\n[[rules]]\nid = 'x'\nregex = 'b'", "line 4", "twice")]
    [InlineData("[extend]\npath = 'x'", "line 2", "--secret-rules")]
    [InlineData("[[rules]]\nid = 'x'\nregex = 'a'\n[[rules.allowlists]]\nregexTarget = 'nowhere'\nregexes = ['a']", "line 5", "secret, match or line")]
    [InlineData("[[rules]]\nid = 'x'\nregex = 'a'\nseverity = 'awful'", "line 4", "critical")]
    [InlineData("rules = 3", "line 1", "tables")]
    public void Create_RuleFileWithAnError_NamesFileLineAndReason(string text, string line, string says)
    {
        CheckException error = Assert.Throws<CheckException>(() => RuleSet.Create([("mine.toml", text)]));

        Assert.StartsWith($"mine.toml {line}:", error.Message, StringComparison.Ordinal);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_UsersRules_ComeBesideAndReplaceAndSwitchOff()
    {
        SecretScanner scanner = new(RuleSet.Create([("a.toml", """
            [extend]
            useDefault = true
            disabledRules = ["npm-token"]
            [allowlist]
            paths = ['^public/']
            [[rules]]
            id = "github-token"
            description = "Ours"
            regex = 'ghx_([a-z]{4})'
            keywords = ["ghx_"]
            [[rules]]
            id = "vault-file"
            path = '\.vault$'
            [[rules]]
            id = "upper"
            regex = 'UP-[A-Z]+'
            [[rules.allowlists]]
            condition = "AND"
            regexes = ['UP-OK.*']
            paths = ['^a/']
            """)]));
        string[] Rules(string path, string text) => [.. scanner.Scan(path, Encoding.UTF8.GetBytes(text), null, out _).Select(m => m.Rule)];

        Assert.Equal(["github-token"], Rules("app/x", "ghx_abcd"));
        Assert.Empty(Rules("app/x", Samples.All["github-token"].Secret));
        Assert.Empty(Rules("app/x", Samples.All["npm-token"].Secret));
        Assert.Equal(["vault-file"], Rules("app/x.vault", "anything"));
        Assert.Equal(["upper"], Rules("b/x", "UP-OKAY"));
        Assert.Empty(Rules("a/x", "UP-OKAY"));
        Assert.Empty(Rules("public/x", Samples.All["gitlab-token"].Text));
        Assert.Equal(["gitlab-token"], Rules("private/x", Samples.All["gitlab-token"].Text));
    }
}
