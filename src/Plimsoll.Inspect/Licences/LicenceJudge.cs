namespace Plimsoll.Inspect.Licences;

/// <summary>Which licences are allowed and which are not.</summary>
public sealed record LicenceRules
{
    /// <summary>SPDX ids, ids with WITH, or categories' words. Empty: all that <see cref="Deny"/> does not name.</summary>
    public IReadOnlyList<string> Allow { get; init; } = [];

    /// <summary>In the same form.</summary>
    public IReadOnlyList<string> Deny { get; init; } = [];
}

/// <summary>What <see cref="LicenceRules"/> say of a licence.</summary>
public enum LicenceVerdict
{
    /// <summary>Default, so that a forgotten assignment allows nothing: there is a list of what is allowed, and it is not on it.</summary>
    Unlisted = 0,
    Allowed,
    Denied,
}

/// <summary>Holds licences against lists of allowed and denied ones.</summary>
/// <remarks>
/// An id says more than a category: <c>allow: [MPL-2.0], deny: [weak-copyleft]</c> allows MPL-2.0. On one level what is denied is denied.
/// An id without <c>-only</c> or <c>-or-later</c> speaks of both: <c>GPL-3.0</c>. An id without WITH speaks of the licence with and without exceptions
/// unless the exception stands in a list itself. Of alternatives (OR) one that is allowed is enough; of parts (AND) each must be.
/// </remarks>
public static class LicenceJudge
{
    public static LicenceVerdict Judge(this LicenceRules rules, LicenceExpression expression)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(expression);
        switch (expression)
        {
            case LicenceTerm term:
                return OfTerm(rules, term);
            case LicenceOr or:
                List<LicenceVerdict> any = [.. or.Parts.Select(p => rules.Judge(p))];
                return any.Contains(LicenceVerdict.Allowed) ? LicenceVerdict.Allowed : any.Contains(LicenceVerdict.Unlisted) ? LicenceVerdict.Unlisted : LicenceVerdict.Denied;
            case LicenceAnd and:
                List<LicenceVerdict> all = [.. and.Parts.Select(p => rules.Judge(p))];
                return all.Contains(LicenceVerdict.Denied) ? LicenceVerdict.Denied : all.Contains(LicenceVerdict.Unlisted) ? LicenceVerdict.Unlisted : LicenceVerdict.Allowed;
            default:
                throw new ArgumentException("an expression of another kind", nameof(expression));
        }
    }

    /// <param name="licences">As a package lists them; all of them hold.</param>
    /// <returns>For an empty list what the word <c>unknown</c> gets.</returns>
    public static LicenceVerdict Judge(this LicenceRules rules, IReadOnlyList<string> licences) =>
        rules.Judge(LicenceNormaliser.Of(licences) ?? new LicenceTerm("NOASSERTION") { IsKnown = false });

    /// <summary>The licences that decide against it: denied ones where there are such, else those that no list names; empty for what is allowed.</summary>
    public static IReadOnlyList<LicenceTerm> Against(this LicenceRules rules, LicenceExpression expression)
    {
        ArgumentNullException.ThrowIfNull(expression);
        LicenceVerdict whole = rules.Judge(expression);
        return whole == LicenceVerdict.Allowed ? [] : [.. expression.Terms.Where(t => OfTerm(rules, t) == whole)];
    }

    /// <summary>Entries that are neither an id nor a category, so that a spelling mistake is not a rule that never holds.</summary>
    public static IReadOnlyList<string> FindUnknown(this LicenceRules rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        return [.. rules.Allow.Concat(rules.Deny).Where(e => LicenceCategories.FindWord(e) is null && !(LicenceExpression.TryParse(e, out LicenceExpression? entry) && entry is LicenceTerm))];
    }

    private static LicenceVerdict OfTerm(LicenceRules rules, LicenceTerm term)
    {
        // An entry that names the exception too says more than one that does not, and that more than a category.
        for (int level = 3; level > 0; level--)
        {
            if (rules.Deny.Any(e => Level(e, term) == level))
                return LicenceVerdict.Denied;
            if (rules.Allow.Any(e => Level(e, term) == level))
                return LicenceVerdict.Allowed;
        }
        return rules.Allow.Count == 0 ? LicenceVerdict.Allowed : LicenceVerdict.Unlisted;
    }

    /// <summary>How much an entry says of the licence: 3 with its exception, 2 by its id, 1 by its category, 0 nothing.</summary>
    private static int Level(string entry, LicenceTerm term)
    {
        if (LicenceCategories.FindWord(entry) is { } category)
            return term.Category == category ? 1 : 0;
        if (!LicenceExpression.TryParse(entry, out LicenceExpression? parsed) || parsed is not LicenceTerm wanted)
            return string.Equals(entry, term.Id, StringComparison.OrdinalIgnoreCase) ? 2 : 0;
        if (!IsSame(wanted, term))
            return 0;
        return wanted.Exception is null ? 2 : wanted.Exception == term.Exception ? 3 : 0;
    }

    private static bool IsSame(LicenceTerm wanted, LicenceTerm term)
    {
        if (wanted.Id == term.Id)
            return !wanted.OrLater || term.OrLater;
        // GPL-3.0 in a list means either form; the same of a package leaves the form open, so that a list of one form means it too.
        return Bare(term.Id) == wanted.Id || Bare(wanted.Id) == term.Id;
    }

    private static string Bare(string id) =>
        id.EndsWith("-only", StringComparison.Ordinal) ? id[..^"-only".Length] : id.EndsWith("-or-later", StringComparison.Ordinal) ? id[..^"-or-later".Length] : id;
}
