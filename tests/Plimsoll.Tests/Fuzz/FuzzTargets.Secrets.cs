using System.Text;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Secrets;

namespace Plimsoll.Tests.Fuzz;

/// <content>Rule files for secrets, and the texts that rules are applied to.</content>
internal static partial class FuzzTargets
{
    private static FuzzTarget SecretRuleFile => new()
    {
        Name = "secret-rules",
        Seeds = () => Utf8("title = \"x\"\n[[rules]]\nid = \"a\"\nregex = '''(?i)\\b(ab[a-z]{4})(?:[\\x60'\"\\s;]|$)'''\nkeywords = [\"ab\"]\nentropy = 2.5\n[[rules.allowlists]]\nregexes = ['x']\n", "[extend]\nuseDefault = true\ndisabledRules = [\"npm-token\"]\n"),
        Words = ["[[rules]]\n", "id = ", "regex = '''", "(?i)", "(?s:.)", "[[:alnum:]]", "\\Q", "\\E", "{1,1000}", "(?P<a>", "\\x{10FFFF}", "[^", "'''", "\"\"\"", "{ a = ", "[rules.allowlist]\n", "\\u0041"],
        MaxAllocatedBytes = 256L << 20,
        Refusal = e => e is CheckException,
        Run = bytes =>
        {
            RuleFile file = RuleFile.Parse(Encoding.UTF8.GetString(bytes), "x");
            WrongAnswerException.Unless(file.Rules.All(r => r.Id.Length > 0 && (r.Regex is not null || r.Path is not null || r.Check != RuleCheck.None)), "a rule that finds nothing");
        },
    };

    private static FuzzTarget SecretText
    {
        get
        {
            SecretAnalyser analyser = new(new SecretScanner(RuleSet.Create((IReadOnlyList<(string, string)>)[])));
            string[] paths = ["app/.env", "etc/shadow", "root/.netrc", "root/.pgpass", "root/.docker/config.json", "a.p12", "app/x.py"];
            return new FuzzTarget
            {
                Name = "secret-text",
                Seeds = () => Utf8("A_PASSWORD=\"Zq8x9pLm2\"\n", "root:$1$abcdefgh$0123456789012345678901:1:::::\n", "machine a login b password Zq8x9pLm2\n", "h:5432:d:u:Zq8x9pLm2\n", "{\"auths\":{\"a\":{\"auth\":\"YTpacTh4OXBMbTI=\"}}}", "-----BEGIN PRIVATE" + " KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAA\n-----END PRIVATE" + " KEY-----\n", "x: https://u:Zq8x9pLm2@h/\n"),
                Words = ["-----BEGIN ", "PRIVATE" + " KEY-----", "LS0tLS1CRUdJTi", "eyJ", "://", "password=", "\uFEFF", "AKIA", "PuTTY-User-Key-File-", "\\n", "secret: "],
                MaxAllocatedBytes = 256L << 20,
                Refusal = Never,
                Run = bytes =>
                {
                    foreach (string path in paths)
                        if (analyser.Analyse(path, bytes) is { } facts)
                            WrongAnswerException.Unless(facts.Hits.All(h => h.Line >= 0 && h.Rule.Length > 0) && facts.Hits.Count <= 3 * SecretScanner.MaxMatches, "a hit without rule or line");
                },
            };
        }
    }
}
