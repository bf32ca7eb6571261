namespace Plimsoll.Verify;

/// <summary>What lists of licences make of one.</summary>
public enum LicenceAnswer
{
    Denied = 0,
    Unlisted,
    Allowed,
}

/// <summary>Judges SPDX licence expressions against lists of ids. <c>OR</c> is the user's choice, <c>AND</c> asks for both.</summary>
/// <remarks>
/// Grammar: SPDX 2.3, annex D. Operators count in any case, because Debian writes <c>or</c>. What is no expression (<c>MIT License</c>)
/// is one licence of that name. <c>WITH</c> only adds a permission: the licence before it is judged.
/// </remarks>
public static class LicenceExpression
{
    // Parentheses of an expression from outside; real ones nest two or three deep.
    private const int MaxDepth = 32;
    private const int MaxCharacters = 2000;
    private const string Category = "category:";
    private const string UnknownCategory = "unknown";

    /// <summary>What may stand after <c>category:</c>.</summary>
    public static IReadOnlyList<string> Categories { get; } = ["public-domain", "permissive", "weak-copyleft", "strong-copyleft", "network-copyleft", "restricted", UnknownCategory];

    /// <param name="terms">All of them hold.</param>
    public static LicenceAnswer Judge(IReadOnlyList<string> terms, LicenceRules rules, IReadOnlyDictionary<string, string> categories)
    {
        ArgumentNullException.ThrowIfNull(terms);
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(categories);
        LicenceAnswer worst = LicenceAnswer.Allowed;
        foreach (string term in terms)
        {
            LicenceAnswer answer = Read(term, id => Of(id, rules, categories));
            worst = answer < worst ? answer : worst;
        }
        return worst;
    }

    /// <summary>The licences that an expression names.</summary>
    public static IReadOnlyList<string> IdsOf(string term)
    {
        List<string> ids = [];
        Read(term, id =>
        {
            ids.Add(id);
            return LicenceAnswer.Allowed;
        });
        return ids;
    }

    private static LicenceAnswer Of(string id, LicenceRules rules, IReadOnlyDictionary<string, string> categories)
    {
        if (IsOn(rules.Deny, id, categories))
            return LicenceAnswer.Denied;
        if (rules.Allow.Count > 0)
            return IsOn(rules.Allow, id, categories) ? LicenceAnswer.Allowed : LicenceAnswer.Unlisted;
        // A licence that nobody can sort may be one of a denied category.
        return CategoryOf(id, categories) == UnknownCategory && rules.Deny.Any(d => d.StartsWith(Category, StringComparison.Ordinal)) ? LicenceAnswer.Unlisted : LicenceAnswer.Allowed;
    }

    private static string CategoryOf(string id, IReadOnlyDictionary<string, string> categories) =>
        categories.GetValueOrDefault(id) ?? categories.GetValueOrDefault(LaterOf(id)) ?? UnknownCategory;

    /// <summary>SPDX 2 wrote GPL-2.0+ for what SPDX 3 calls GPL-2.0-or-later.</summary>
    private static string LaterOf(string id) => id.EndsWith('+') ? id[..^1] + "-or-later" : id;

    private static bool IsOn(IReadOnlyList<string> list, string id, IReadOnlyDictionary<string, string> categories)
    {
        string later = LaterOf(id), category = CategoryOf(id, categories);
        foreach (string entry in list)
            if (entry.StartsWith(Category, StringComparison.Ordinal) ? entry.AsSpan(Category.Length).SequenceEqual(category)
                : entry.EndsWith('*') ? id.StartsWith(entry.AsSpan(0, entry.Length - 1), StringComparison.OrdinalIgnoreCase)
                : entry.Equals(id, StringComparison.OrdinalIgnoreCase) || entry.Equals(later, StringComparison.OrdinalIgnoreCase))
                return true;
        return false;
    }

    private static LicenceAnswer Read(string term, Func<string, LicenceAnswer> leaf)
    {
        if (term.Length <= MaxCharacters)
        {
            string[] tokens = term.Replace("(", " ( ", StringComparison.Ordinal).Replace(")", " ) ", StringComparison.Ordinal)
                .Split(' ', StringSplitOptions.RemoveEmptyEntries);
            int at = 0;
            // First without asking, so that half an expression is never half judged.
            if (Either(tokens, ref at, 0, _ => LicenceAnswer.Allowed) is not null && at == tokens.Length)
            {
                at = 0;
                return Either(tokens, ref at, 0, leaf)!.Value;
            }
        }
        // A denied licence stays one in words that nobody can put in order; whoever writes them must not hide it so.
        LicenceAnswer answer = leaf(term);
        foreach (string word in term.Split([' ', '(', ')', ',', ';', '/', '|', '&'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            if (answer != LicenceAnswer.Denied && word.Length < term.Length && leaf(word) == LicenceAnswer.Denied)
                answer = LicenceAnswer.Denied;
        return answer;
    }

    private static LicenceAnswer? Either(string[] tokens, ref int at, int depth, Func<string, LicenceAnswer> leaf)
    {
        LicenceAnswer? best = Both(tokens, ref at, depth, leaf);
        while (best is not null && Is(tokens, at, "OR"))
        {
            at++;
            LicenceAnswer? other = Both(tokens, ref at, depth, leaf);
            best = other is null ? null : other > best ? other : best;
        }
        return best;
    }

    private static LicenceAnswer? Both(string[] tokens, ref int at, int depth, Func<string, LicenceAnswer> leaf)
    {
        LicenceAnswer? worst = One(tokens, ref at, depth, leaf);
        while (worst is not null && Is(tokens, at, "AND"))
        {
            at++;
            LicenceAnswer? other = One(tokens, ref at, depth, leaf);
            worst = other is null ? null : other < worst ? other : worst;
        }
        return worst;
    }

    private static LicenceAnswer? One(string[] tokens, ref int at, int depth, Func<string, LicenceAnswer> leaf)
    {
        if (at >= tokens.Length || depth > MaxDepth || tokens[at] == ")" || Is(tokens, at, "OR") || Is(tokens, at, "AND") || Is(tokens, at, "WITH"))
            return null;
        if (tokens[at] == "(")
        {
            at++;
            LicenceAnswer? inner = Either(tokens, ref at, depth + 1, leaf);
            if (inner is null || at >= tokens.Length || tokens[at] != ")")
                return null;
            at++;
            return inner;
        }
        string id = tokens[at++];
        if (Is(tokens, at, "WITH"))
        {
            if (at + 1 >= tokens.Length || tokens[at + 1] is "(" or ")")
                return null;
            at += 2;
        }
        return leaf(id);
    }

    private static bool Is(string[] tokens, int at, string word) => at < tokens.Length && tokens[at].Equals(word, StringComparison.OrdinalIgnoreCase);
}
