using System.Reflection;

namespace Plimsoll.Inspect.Reports;

/// <summary>Tells SPDX licence ids and expressions from the free names that distributions use.</summary>
/// <remarks>Source of the ids: SPDX licence list, as CycloneDX 1.6 allows them. Grammar: SPDX 2.3, annex D.</remarks>
internal static class SpdxLicences
{
    // Parentheses of an expression from outside; real ones nest two or three deep.
    private const int MaxDepth = 32;
    private const int MaxCharacters = 2000;

    private static readonly Lazy<Dictionary<string, string>> Ids = new(Read);

    /// <summary>The id in its official spelling, or null.</summary>
    public static string? FindId(string text) => Ids.Value.GetValueOrDefault(text);

    /// <summary>Whether the text is an expression of known ids with at least one operator.</summary>
    public static bool IsExpression(string text)
    {
        if (text.Length > MaxCharacters || !text.Contains(' ', StringComparison.Ordinal))
            return false;
        string[] tokens = text.Replace("(", " ( ", StringComparison.Ordinal).Replace(")", " ) ", StringComparison.Ordinal)
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int at = 0;
        return Alternatives(tokens, ref at, 0) && at == tokens.Length && tokens.Length > 1;
    }

    // AND binds closer than OR; for "is it well formed" the difference does not matter.
    private static bool Alternatives(string[] tokens, ref int at, int depth)
    {
        if (!Term(tokens, ref at, depth))
            return false;
        while (at < tokens.Length && tokens[at] is "AND" or "OR")
        {
            at++;
            if (!Term(tokens, ref at, depth))
                return false;
        }
        return true;
    }

    private static bool Term(string[] tokens, ref int at, int depth)
    {
        if (at >= tokens.Length || depth > MaxDepth)
            return false;
        if (tokens[at] == "(")
        {
            at++;
            if (!Alternatives(tokens, ref at, depth + 1) || at >= tokens.Length || tokens[at] != ")")
                return false;
            at++;
            return true;
        }
        string id = tokens[at++];
        if (FindId(id) is null && !(id.EndsWith('+') && FindId(id[..^1]) is not null))
            return false;
        if (at < tokens.Length && tokens[at] == "WITH")
        {
            at++;
            return at < tokens.Length && FindId(tokens[at++]) is not null;
        }
        return true;
    }

    private static Dictionary<string, string> Read()
    {
        Dictionary<string, string> ids = new(StringComparer.OrdinalIgnoreCase);
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("spdx-ids.txt")
            ?? throw new InvalidOperationException("the list of SPDX ids is not part of the assembly");
        using StreamReader reader = new(stream);
        while (reader.ReadLine() is { } line)
            if (line.Length > 0)
                ids.TryAdd(line, line);
        return ids;
    }
}
