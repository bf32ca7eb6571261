using System.Text;
using System.Text.RegularExpressions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Match = System.Text.RegularExpressions.Match;

namespace Plimsoll.Inspect.Secrets;

/// <summary>Looks for the secrets of a set of rules in one text. Thread safe.</summary>
/// <remarks>
/// One vectorised pass finds the rules' keywords; an expression is then matched in the bytes around its keyword that a match can reach, and nowhere else.
/// The expressions run in linear time. What a text may cost beyond that is bounded by <see cref="MaxWork"/>.
/// </remarks>
internal sealed class SecretScanner(RuleSet rules)
{
    /// <summary>More of one file say nothing new.</summary>
    public const int MaxMatches = 100;

    /// <summary>Bytes in which keywords are looked for before their rules are asked.</summary>
    private const int PartBytes = 256 << 10;

    /// <summary>An expression is matched in at most so many bytes at once.</summary>
    private const int MaxWindowBytes = 64 << 10;

    /// <summary>Rules whose keyword need not be in the match look at the first bytes of a file only.</summary>
    private const int MaxWideBytes = 1 << 20;

    /// <summary>Characters that expressions are given of one file, beside eight times its length; some ten seconds at the worst.</summary>
    private const long MaxWork = 64 << 20;

    private const int MaxLineBytes = 1000;

    [ThreadStatic]
    private static Work? _kept;

    public RuleSet Rules => rules;

    /// <summary>What one scan needs, kept from file to file.</summary>
    private sealed class Work(RuleSet of)
    {
        public readonly RuleSet Of = of;
        public readonly List<KeywordHit> Hits = [];

        /// <summary>By rule: the window that waits to be matched; end 0 for none.</summary>
        public readonly (int Start, int End)[] Windows = new (int, int)[of.Rules.Count];

        /// <summary>By rule: 0 not yet asked, 1 applies to the file, 2 does not.</summary>
        public readonly byte[] Applies = new byte[of.Rules.Count];
        public readonly bool[] Wide = new bool[of.Rules.Count];
        public readonly List<int> Touched = [];
        public readonly char[] Chars = new char[MaxWindowBytes];
        public readonly List<SecretMatch> Matches = [];
        public readonly HashSet<(string, ulong)> Known = [];
        public string Path = "";
        public FileClass? Class;
        public long Left;

        public void Begin(string path, FileClass? fileClass, int length)
        {
            foreach (int rule in Touched)
                (Windows[rule], Applies[rule], Wide[rule]) = (default, 0, false);
            Touched.Clear();
            Matches.Clear();
            Known.Clear();
            (Path, Class, Left) = (path, fileClass, MaxWork + 8L * length);
        }
    }

    /// <param name="path">As hits name it; decides which rules apply.</param>
    /// <param name="fileClass">Null: what the path says.</param>
    /// <param name="isCutShort">Whether the text asked for more than <see cref="MaxWork"/>, or has <see cref="MaxMatches"/> or more, so that not all of it was looked at.</param>
    /// <returns>By place; at most <see cref="MaxMatches"/>.</returns>
    public List<SecretMatch> Scan(string path, ReadOnlyMemory<byte> content, FileClass? fileClass, out bool isCutShort)
    {
        Work work = _kept is { } kept && kept.Of == rules ? kept : _kept = new Work(rules);
        ReadOnlySpan<byte> text = content.Span;
        work.Begin(path, fileClass, text.Length);
        work.Class ??= FileClasses.Of(path);
        if (rules.HasOnlyBuiltIn && work.Class.Value.IsBeyondRules())
        {
            isCutShort = false;
            return [];
        }
        KeywordFinder finder = work.Class.Value.IsPublic() ? rules.FinderOfPublic : rules.Finder;
        for (int from = 0; from < text.Length && work.Left > 0; from += PartBytes)
        {
            int to = Math.Min(text.Length, from + PartBytes);
            work.Hits.Clear();
            finder.Find(text, from, to, work.Hits, isBrief: fileClass == FileClass.Image);
            foreach (KeywordHit hit in work.Hits)
                foreach (int rule in rules.RulesOf[hit.Keyword])
                    if (Applies(work, rule))
                        Take(work, text, rule, hit);
            // Of a large file only the part in hand stays in memory.
            if (text.Length > ContentBuffer.BigBytes)
                ContentBuffer.Forget(content[from..to]);
        }
        foreach (int rule in rules.WithoutKeyword)
            if (Applies(work, rule))
            {
                if (rules.Rules[rule].HasRegex)
                    work.Wide[rule] = true;
                else if (rules.Rules[rule].Path is not null)
                    work.Matches.Add(new SecretMatch(rules.Rules[rule].Id, rules.Rules[rule].Severity, 0, 0, []));
            }
        for (int i = 0; i < work.Touched.Count; i++)
        {
            int rule = work.Touched[i];
            if (work.Windows[rule].End > 0)
                Match(work, text, rule, work.Windows[rule]);
            if (work.Wide[rule])
                MatchWide(work, text, rule);
        }
        isCutShort = work.Left <= 0 || work.Matches.Count >= MaxMatches;
        if (work.Matches.Count == 0)
            return [];
        return [.. work.Matches.OrderBy(m => m.Start).ThenBy(m => m.Rule, StringComparer.Ordinal)];
    }

    /// <summary>Whether any rule says something of a text in this place. No allocation.</summary>
    public bool MayFindIn(ReadOnlySpan<byte> path) => !rules.HasOnlyBuiltIn || !FileClasses.Of(path).IsBeyondRules();

    /// <summary>Whether a file is one that a rule without expression finds by its path. No allocation.</summary>
    public bool IsFoundByPath(ReadOnlySpan<byte> path)
    {
        Span<char> text = stackalloc char[512];
        if (!rules.HasPathRules || path.Length > text.Length)
            return false;
        int length = Encoding.UTF8.GetChars(path, text);
        foreach (int rule in rules.WithoutKeyword)
            if (rules.Rules[rule].Path is { } expression && expression.Regex.IsMatch(text[..length]))
                return true;
        return false;
    }

    private static bool Applies(Work work, int index)
    {
        if (work.Applies[index] == 0)
        {
            work.Touched.Add(index);
            SecretRule rule = work.Of.Rules[index];
            work.Applies[index] = (byte)(IsInScope(rule, work.Class ?? default) && rule.Path?.Regex.IsMatch(work.Path) != false ? 1 : 2);
        }
        return work.Applies[index] == 1;
    }

    /// <summary>Tests, documents and what programs made of other people's packages is public, whatever stands there.</summary>
    private static bool IsInScope(SecretRule rule, FileClass of)
    {
        if (!rule.IsBuiltIn)
            return true;
        if (rule.Scope == RuleScope.Own)
            return !of.IsPublic() && (of & (FileClass.Documentation | FileClass.Generated)) == FileClass.None;
        return !of.IsBeyondRules();
    }

    private void Take(Work work, ReadOnlySpan<byte> text, int index, KeywordHit hit)
    {
        SecretRule rule = rules.Rules[index];
        switch (rule.Check)
        {
            case RuleCheck.PrivateKey:
                Add(work, text, rule, PrivateKeys.At(text, hit.At, work.Class ?? default));
                return;
            case RuleCheck.Assignment:
                Add(work, text, rule, Assignments.At(text, hit.At, rules.Keywords[hit.Keyword].Length, work.Class ?? default, rule));
                return;
            case RuleCheck.Url:
                Add(work, text, rule, UrlPasswords.At(text, hit.At, rule));
                return;
        }
        if (rule.Regex is not { } regex)
            return;
        if (!regex.IsNear)
        {
            work.Wide[index] = true;
            return;
        }
        // One byte more on either side, so that a word's bounds are seen.
        int start = Math.Max(0, hit.At - regex.Before - 1), end = (int)Math.Min(text.Length, (long)hit.At + regex.Longest + 1);
        (int waitingStart, int waitingEnd) = work.Windows[index];
        if (waitingEnd == 0)
            work.Windows[index] = (start, end);
        else if (start <= waitingEnd && Math.Max(end, waitingEnd) - Math.Min(start, waitingStart) <= MaxWindowBytes)
            work.Windows[index] = (Math.Min(start, waitingStart), Math.Max(end, waitingEnd));
        else
        {
            Match(work, text, index, (waitingStart, waitingEnd));
            work.Windows[index] = (start, end);
        }
    }

    private void MatchWide(Work work, ReadOnlySpan<byte> text, int index)
    {
        const int overlap = 4096;
        int length = Math.Min(text.Length, MaxWideBytes);
        for (int from = 0; ; from += MaxWindowBytes - overlap)
        {
            int to = Math.Min(length, from + MaxWindowBytes);
            Match(work, text, index, (from, to));
            if (to == length)
                return;
        }
    }

    private void Match(Work work, ReadOnlySpan<byte> text, int index, (int Start, int End) window)
    {
        SecretRule rule = rules.Rules[index];
        int length = Math.Min(window.End - window.Start, MaxWindowBytes);
        work.Left -= length;
        if (length <= 0 || work.Left <= 0 || work.Matches.Count >= MaxMatches || rule.Regex is null || !rule.Regex.Run.MayBeIn(text.Slice(window.Start, length)))
            return;
        Span<char> chars = work.Chars.AsSpan(0, length);
        TranslatedRegex.Widen(text.Slice(window.Start, length), chars);
        Regex regex = rule.Regex.Regex;
        if (!regex.IsMatch(chars))
            return;
        string around = new(chars);
        for (Match match = regex.Match(around); match.Success && work.Matches.Count < MaxMatches; match = match.NextMatch())
        {
            // A match at the window's very edge may have begun before it.
            if (match.Length == 0 || match.Index == 0 && window.Start > 0)
                continue;
            if (Judge(work, text, rule, WithGroups(rule.Regex, around, match), window.Start) is { } found)
                Add(work, text, rule, found);
        }
    }

    /// <summary>The match with its groups; as it is when they cannot be had in time.</summary>
    private static Match WithGroups(TranslatedRegex regex, string text, Match match)
    {
        if (match.Groups.Count == 1)
            return match;
        try
        {
            Match again = regex.WithGroups.Match(text, match.Index);
            return again.Success && again.Index == match.Index && again.Length == match.Length ? again : match;
        }
        catch (RegexMatchTimeoutException)
        {
            return match;
        }
    }

    private static Group SecretOf(SecretRule rule, Match match)
    {
        if (rule.SecretGroup > 0)
            return match.Groups[rule.SecretGroup];
        for (int i = 1; i < match.Groups.Count; i++)
            if (match.Groups[i].Length > 0)
                return match.Groups[i];
        return match;
    }

    private static SecretMatch? Judge(Work work, ReadOnlySpan<byte> text, SecretRule rule, Match match, int offset)
    {
        Group group = SecretOf(rule, match);
        string secret = group.Value;
        if (secret.Length == 0 || rule.Entropy > 0 && Placeholders.Entropy(secret) <= rule.Entropy || rule.IsBuiltIn && Placeholders.Holds(secret))
            return null;
        int start = offset + group.Index;
        if (rule.Allowlists.Count > 0)
        {
            string line = Line(text, start);
            foreach (Allowlist list in rule.Allowlists)
                if (list.Allows(work.Path, secret, match.Value, line))
                    return null;
        }
        SecretMatch found = new(rule.Id, rule.Severity, start, group.Length, []);
        return rule.Check == RuleCheck.Jwt ? JsonWebTokens.Judge(found, secret) : found;
    }

    private static string Line(ReadOnlySpan<byte> text, int at)
    {
        int from = Math.Max(0, at - MaxLineBytes), to = Math.Min(text.Length, at + MaxLineBytes);
        int before = text[from..at].LastIndexOf((byte)'\n'), after = text[at..to].IndexOf((byte)'\n');
        ReadOnlySpan<byte> line = text[(before < 0 ? from : from + before + 1)..(after < 0 ? to : at + after)];
        return string.Create(line.Length, line, static (chars, bytes) => TranslatedRegex.Widen(bytes, chars));
    }

    private static void Add(Work work, ReadOnlySpan<byte> text, SecretRule rule, SecretMatch? found)
    {
        if (found is null || work.Matches.Count >= MaxMatches)
            return;
        if (found is { Length: > 0 } && rule.Check is RuleCheck.PrivateKey or RuleCheck.Assignment or RuleCheck.Url && rule.Allowlists.Count > 0)
        {
            ReadOnlySpan<byte> bytes = text.Slice(found.Start, Math.Min(found.Length, MaxLineBytes));
            string secret = string.Create(bytes.Length, bytes, static (chars, b) => TranslatedRegex.Widen(b, chars)), line = Line(text, found.Start);
            foreach (Allowlist list in rule.Allowlists)
                if (list.Allows(work.Path, secret, secret, line))
                    return;
        }
        // Tests of one's own have real secrets in them, though seldom.
        if (((work.Class ?? default) & FileClass.Test) != FileClass.None && rule.IsBuiltIn && found.Severity > Severity.Low)
            found = found with { Severity = Severity.Low, Details = [.. found.Details, new("context", "test")] };
        for (int i = 0; i < work.Matches.Count; i++)
        {
            SecretMatch other = work.Matches[i];
            if (found.Start >= other.Start + other.Length || other.Start >= found.Start + found.Length)
                continue;
            if ((found.Rank, (int)found.Severity).CompareTo((other.Rank, (int)other.Severity)) > 0)
                work.Matches[i] = found;
            return;
        }
        if (found.Length > 0 && !work.Known.Add((found.Rule, Fingerprint(text.Slice(found.Start, found.Length)))))
            return;
        work.Matches.Add(found);
    }

    private static ulong Fingerprint(ReadOnlySpan<byte> secret) => BitConverter.ToUInt64(System.Security.Cryptography.SHA256.HashData(secret));
}
