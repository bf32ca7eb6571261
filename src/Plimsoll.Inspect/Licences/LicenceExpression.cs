using System.Diagnostics.CodeAnalysis;
using Plimsoll.Inspect.Reports;

namespace Plimsoll.Inspect.Licences;

/// <summary>A licence, or several of which all (<see cref="LicenceAnd"/>) or one (<see cref="LicenceOr"/>) must be kept.</summary>
/// <remarks>
/// Source: SPDX specification 2.3, annex D: ids in any casing, <c>+</c> behind an id, WITH before AND before OR, parentheses,
/// LicenseRef- and DocumentRef-. Operators are taken in lower case too, as version 3 allows.
/// </remarks>
public abstract record LicenceExpression
{
    /// <summary>Characters of an expression; the longest of real packages, of a whole distribution's kernel, have some hundreds.</summary>
    public const int MaxCharacters = 4000;

    /// <summary>Parentheses within each other.</summary>
    public const int MaxDepth = 32;

    /// <summary>What passing the work on asks for at least, if one chooses the easiest of alternatives; unknown where an unknown licence decides.</summary>
    public abstract LicenceCategory Category { get; }

    /// <summary>The licences in it, each once, in the order they stand.</summary>
    public IReadOnlyList<LicenceTerm> Terms
    {
        get
        {
            List<LicenceTerm> terms = [];
            Collect(this, terms);
            return terms;
        }
    }

    /// <summary>Reads an SPDX expression.</summary>
    /// <returns>False for anything else: an unknown id, a missing operand, too long, too deep.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out LicenceExpression? expression)
    {
        ArgumentNullException.ThrowIfNull(text);
        expression = null;
        if (text.Length > MaxCharacters)
            return false;
        Parser parser = new(Tokens(text));
        if (parser.Alternatives(0) is not { } read || !parser.AtEnd)
            return false;
        expression = read;
        return true;
    }

    /// <summary>All of them; the one itself when it is alone.</summary>
    public static LicenceExpression All(IReadOnlyList<LicenceExpression> parts) => parts.Count == 1 ? parts[0] : new LicenceAnd(parts);

    /// <summary>One of them; the one itself when it is alone.</summary>
    public static LicenceExpression Any(IReadOnlyList<LicenceExpression> parts) => parts.Count == 1 ? parts[0] : new LicenceOr(parts);

    private static void Collect(LicenceExpression expression, List<LicenceTerm> terms)
    {
        if (expression is LicenceTerm term && !terms.Contains(term))
            terms.Add(term);
        foreach (LicenceExpression part in expression switch { LicenceAnd and => and.Parts, LicenceOr or => or.Parts, _ => [] })
            Collect(part, terms);
    }

    private static List<string> Tokens(string text)
    {
        List<string> tokens = [];
        for (int at = 0; at < text.Length;)
        {
            if (text[at] is ' ' or '\t' or '\r' or '\n')
                at++;
            else if (text[at] is '(' or ')')
                tokens.Add(text[at++] == '(' ? "(" : ")");
            else
            {
                int end = at;
                while (end < text.Length && text[end] is not (' ' or '\t' or '\r' or '\n' or '(' or ')'))
                    end++;
                tokens.Add(text[at..end]);
                at = end;
            }
        }
        return tokens;
    }

    private sealed class Parser(List<string> tokens)
    {
        private int _at;

        public bool AtEnd => _at == tokens.Count;

        private bool Takes(string token, string lower = "")
        {
            if (AtEnd || tokens[_at] != token && tokens[_at] != lower)
                return false;
            _at++;
            return true;
        }

        public LicenceExpression? Alternatives(int depth)
        {
            List<LicenceExpression> parts = [];
            do
            {
                if (Together(depth) is not { } part)
                    return null;
                parts.Add(part);
            }
            while (Takes("OR", "or"));
            return Any(parts);
        }

        private LicenceExpression? Together(int depth)
        {
            List<LicenceExpression> parts = [];
            do
            {
                if (One(depth) is not { } part)
                    return null;
                parts.Add(part);
            }
            while (Takes("AND", "and"));
            return All(parts);
        }

        private LicenceExpression? One(int depth)
        {
            if (AtEnd || depth > MaxDepth)
                return null;
            if (Takes("("))
                return Alternatives(depth + 1) is { } inner && Takes(")") ? inner : null;
            if (LicenceTerm.Find(tokens[_at++]) is not { } term)
                return null;
            if (!Takes("WITH", "with"))
                return term;
            return !AtEnd && SpdxLicences.FindId(tokens[_at++]) is { } exception && LicenceTerm.IsException(exception) ? term with { Exception = exception } : null;
        }
    }
}

/// <summary>One licence.</summary>
/// <param name="Id">SPDX's id in its official spelling, a LicenseRef, or, where <see cref="IsKnown"/> is false, what the package wrote.</param>
public sealed record LicenceTerm(string Id) : LicenceExpression
{
    /// <summary>Whether a plus stood behind it: this version or a later one.</summary>
    public bool OrLater { get; init; }

    /// <summary>What is allowed beyond the licence: the id behind WITH.</summary>
    public string? Exception { get; init; }

    /// <summary>False for a text that is no id of SPDX's.</summary>
    public bool IsKnown { get; init; } = true;

    /// <summary>For a name that is no id: what its family surely has in common.</summary>
    public LicenceCategory Family { get; init; }

    public override LicenceCategory Category => IsKnown && !IsReference(Id) ? LicenceCategories.Of(Id, Exception) : Family;

    /// <summary>An id, perhaps with a plus, or a LicenseRef; else null.</summary>
    public static LicenceTerm? Find(string token)
    {
        if (IsReference(token))
            return token.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or ':') ? new LicenceTerm(token) : null;
        if (SpdxLicences.FindId(token) is { } id)
            return IsException(id) ? null : Modern(new LicenceTerm(id));
        return token.EndsWith('+') && SpdxLicences.FindId(token[..^1]) is { } base_ && !IsException(base_) ? Modern(new LicenceTerm(base_) { OrLater = true }) : null;
    }

    /// <summary>Whether an id of the list names an exception; the list has both, and some licences have the word in their names.</summary>
    public static bool IsException(string id) =>
        id is "Linux-syscall-note" or "GPL-CC-1.0"
        || id.Contains("-exception", StringComparison.Ordinal) && !id.Contains("-with-", StringComparison.Ordinal) && id != "MPL-2.0-no-copyleft-exception";

    /// <summary>The spelling that names what a plus says, where SPDX has one: GPL-2.0+ is GPL-2.0-or-later.</summary>
    private static LicenceTerm Modern(LicenceTerm term)
    {
        string id = term.Id;
        bool later = term.OrLater;
        if (id.EndsWith('+'))
            (id, later) = (id[..^1], true);
        return later && SpdxLicences.FindId($"{id}-or-later") is { } modern ? new LicenceTerm(modern) : term;
    }

    private static bool IsReference(string token) => token.StartsWith("LicenseRef-", StringComparison.Ordinal) || token.StartsWith("DocumentRef-", StringComparison.Ordinal);

    public override string ToString() => $"{Id}{(OrLater ? "+" : "")}{(Exception is null ? "" : $" WITH {Exception}")}";
}

/// <summary>All of the parts hold.</summary>
public sealed record LicenceAnd(IReadOnlyList<LicenceExpression> Parts) : LicenceExpression
{
    /// <summary>The one that asks most; unknown when one is unknown and none asks for more than permissive ones do.</summary>
    public override LicenceCategory Category
    {
        get
        {
            LicenceCategory worst = Parts.Max(p => p.Category);
            return worst <= LicenceCategory.Permissive && Parts.Any(p => p.Category == LicenceCategory.Unknown) ? LicenceCategory.Unknown : worst;
        }
    }

    public override string ToString() => string.Join(" AND ", Parts.Select(p => p is LicenceOr ? $"({p})" : p.ToString()));
}

/// <summary>The user chooses one of the parts.</summary>
public sealed record LicenceOr(IReadOnlyList<LicenceExpression> Parts) : LicenceExpression
{
    /// <summary>The easiest of those that are known.</summary>
    public override LicenceCategory Category =>
        Parts.Select(p => p.Category).Where(c => c != LicenceCategory.Unknown).DefaultIfEmpty(LicenceCategory.Unknown).Min();

    public override string ToString() => string.Join(" OR ", Parts);
}
