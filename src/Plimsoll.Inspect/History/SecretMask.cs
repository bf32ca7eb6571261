using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace Plimsoll.Inspect.History;

/// <summary>Takes out of a command what looks like a secret, so that it may be shown. Finding secrets is another check's work.</summary>
internal static partial class SecretMask
{
    private const string Masked = "***";

    // Each expression takes milliseconds to make, and nearly no command has what it looks for: these texts stand in all that it can match.
    private static readonly SearchValues<string> NameParts = SearchValues.Create(["pass", "secret", "token", "key", "credential"], StringComparison.OrdinalIgnoreCase);
    private static readonly SearchValues<string> Schemes = SearchValues.Create(["bearer ", "basic "], StringComparison.OrdinalIgnoreCase);
    private static readonly SearchValues<string> Users = SearchValues.Create([" -u", " --user"], StringComparison.OrdinalIgnoreCase);
    private static readonly SearchValues<string> Tokens = SearchValues.Create(["ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "npm_", "xox", "AKIA", "sk-"], StringComparison.Ordinal);

    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        // Letters beyond ASCII may count as one of it for an expression (the sign for kelvin as a k), and not for the texts.
        bool isOdd = !Ascii.IsValid(text), isNamed = isOdd || text.AsSpan().ContainsAny(NameParts);
        if (isNamed)
            text = Pair().Replace(text, m => m.Groups["value"].Value.AsSpan().Trim("\"'").StartsWith("$") ? m.Value : m.Groups["name"].Value + Masked);
        if (isNamed || text.AsSpan().ContainsAny(Users))
            text = Flag().Replace(text, m => m.Groups["value"].Value.AsSpan().Trim("\"'").StartsWith("$") ? m.Value : m.Groups["name"].Value + Masked);
        if (text.Contains("://", StringComparison.Ordinal) && text.Contains('@', StringComparison.Ordinal))
            text = UserInfo().Replace(text, "://" + Masked + "@");
        if (isOdd || text.AsSpan().ContainsAny(Schemes))
            text = Scheme().Replace(text, m => m.Groups["scheme"].Value + Masked);
        return text.AsSpan().ContainsAny(Tokens) ? Token().Replace(text, Masked) : text;
    }

    /// <summary>True for a variable whose name promises a secret value.</summary>
    public static bool IsSecretName(string name) => (name.AsSpan().ContainsAny(NameParts) || !Ascii.IsValid(name)) && Name().IsMatch(name);

    // A backslash stays: it ends a line that goes on.
    [GeneratedRegex(@"(?<name>(password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)[A-Za-z0-9_-]*\s?[=:]\s?)(?<value>""[^""]*""|'[^']*'|[^\s""'\\;&|)]+)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Pair();

    // --password VALUE, -u NAME:VALUE
    [GeneratedRegex(@"(?<name>(--[a-z-]*(password|passwd|passphrase|secret|token|api-?key)[a-z-]* +| (-u|--user) ?[^\s:""'$]+:))(?<value>""[^""]*""|'[^']*'|[^\s""'\\;&|)]+)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Flag();

    [GeneratedRegex(@"://[^/\s:@""']*:[^/\s@""']+@", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex UserInfo();

    [GeneratedRegex(@"(?<scheme>(bearer|basic) )[A-Za-z0-9._~+/=-]{8,}", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Scheme();

    [GeneratedRegex(@"(ghp_|gho_|ghs_|github_pat_|glpat-|npm_|xox[abprs]-|AKIA|sk-)[A-Za-z0-9_-]{12,}", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Token();

    [GeneratedRegex(@"password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key|credential", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
