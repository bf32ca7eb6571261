using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Plimsoll.Inspect.Secrets;

/// <summary>A regular expression as rule files have it, and what it says about where it can match.</summary>
/// <param name="Pattern">For <see cref="RegexOptions.NonBacktracking"/>; it sees text as <see cref="Widen"/> gives it, a byte a character.</param>
/// <param name="IsNear">Whether every match holds one of the keywords, so that it need only be looked for around those.</param>
/// <param name="Before">Bytes of a match before its keyword, at most; with no <paramref name="IsNear"/> without meaning.</param>
/// <param name="Longest">Bytes of a match, at most; repetitions without end count as <see cref="RegexTranslator.EndlessBytes"/>.</param>
internal sealed record TranslatedRegex(string Pattern, bool IsNear, int Before, int Longest)
{
    /// <summary>What every match holds: so many bytes of one class in a row. Count 0: nothing of the kind.</summary>
    public ByteRun Run { get; init; }

    private readonly Lazy<Regex> _regex = new(() => new Regex(Pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant));

    /// <summary>Made when first needed: most rules of a scan never are.</summary>
    /// <exception cref="NotSupportedException">Too large for an automaton.</exception>
    public Regex Regex => _regex.Value;

    /// <summary>
    /// The same for the groups of a match that is known to be there: the non-backtracking engine of .NET 10 leaves out the groups of every match but its first.
    /// It may backtrack, so it has a limit in time.
    /// </summary>
    public Regex WithGroups => _withGroups.Value;

    private readonly Lazy<Regex> _withGroups = new(() => new Regex(Pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)));

    /// <summary>Bytes as the expressions see them: ASCII as it is, all others as characters that are neither letters nor blanks.</summary>
    public static void Widen(ReadOnlySpan<byte> bytes, Span<char> to)
    {
        if (Ascii.ToUtf16(bytes, to, out int done) == System.Buffers.OperationStatus.Done)
            return;
        for (int i = done; i < bytes.Length; i++)
            to[i] = RegexTranslator.CharOf(bytes[i]);
    }
}

/// <summary>An expression that is malformed, or cannot be matched in linear time here.</summary>
internal sealed class RegexSyntaxException(int at, string message) : Exception(message)
{
    /// <summary>Character of the expression, from 1.</summary>
    public int At { get; } = at + 1;
}

/// <summary>Turns Go's RE2 syntax into .NET's for its non-backtracking engine.</summary>
/// <remarks>
/// Source: github.com/google/re2/wiki/Syntax. Differences that matter: <c>\w \d \s \b</c> speak of ASCII only, <c>$</c> is the very end, named groups
/// count among the others, classes have POSIX names, a brace that is no repetition is itself. Refused by name: Unicode classes, <c>\C</c>, the flag U.
/// </remarks>
internal sealed class RegexTranslator
{
    /// <summary>How far a repetition without end is followed from a keyword: the longest private key in text has about 7 000.</summary>
    public const int EndlessBytes = 8192;

    /// <summary>As RE2 has it.</summary>
    private const int MaxRepeat = 1000;
    private const int MaxDepth = 200;
    /// <summary>The longest of gitleaks' published rules has 744; the engine's tables grow faster than the text.</summary>
    public const int MaxPatternChars = 2 << 10;

    private readonly string _text;
    private readonly IReadOnlyList<string> _keywords;
    private readonly StringBuilder _out = new();
    private int _at;
    private int _depth;

    private RegexTranslator(string text, IReadOnlyList<string> keywords) => (_text, _keywords) = (text, keywords);

    /// <summary>What a part of the expression can match.</summary>
    /// <remarks>Its run is one that every match of it holds.</remarks>
    /// <param name="Texts">All texts it matches, in small letters; null when they are more than <see cref="MaxTexts"/>.</param>
    private readonly record struct Shape(int Longest, bool HasKeyword, int Before, IReadOnlyList<string>? Texts)
    {
        public ByteRun Run { get; init; }

        public static Shape Of(int longest) => new(longest, false, 0, null);
    }

    /// <summary>So many texts of a part are followed, to see that <c>gh[pousr]_</c> is always one of five keywords.</summary>
    private const int MaxTexts = 64;
    private const int MaxClassTexts = 10;

    private static readonly SearchValues<char> NameChars = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    private static readonly string[] NoText = [""];

    private readonly record struct Flags(bool IgnoreCase, bool Lines);

    /// <param name="keywords">Small letters.</param>
    /// <exception cref="RegexSyntaxException">Malformed, or not to be translated; the message says what.</exception>
    public static TranslatedRegex Translate(string expression, IReadOnlyList<string> keywords)
    {
        ArgumentNullException.ThrowIfNull(expression);
        if (expression.Length > MaxPatternChars)
            throw new RegexSyntaxException(0, $"{expression.Length} characters; at most {MaxPatternChars} (MaxPatternChars) are read");
        RegexTranslator translator = new(expression, keywords);
        Flags flags = default;
        Shape shape = translator.Alternatives(ref flags);
        if (translator._at < expression.Length)
            throw translator.Error("a ) that closes nothing");
        return new TranslatedRegex(translator._out.ToString(), shape.HasKeyword, shape.Before, shape.Longest) { Run = shape.Run };
    }

    /// <summary>How a byte looks to the expressions.</summary>
    public static char CharOf(byte b) => b < 0x80 ? (char)b : (char)(0x2500 + b - 0x80);

    private RegexSyntaxException Error(string message) => new(_at, message);

    private char Here => _at < _text.Length ? _text[_at] : '\0';

    private bool Ends => _at >= _text.Length;

    private static int Cap(long bytes) => (int)Math.Min(bytes, EndlessBytes);

    private Shape Alternatives(ref Flags flags)
    {
        if (++_depth > MaxDepth)
            throw Error($"groups are nested more than {MaxDepth} deep");
        Shape all = Sequence(ref flags);
        while (Here == '|' && !Ends)
        {
            _at++;
            _out.Append('|');
            Shape one = Sequence(ref flags);
            all = new Shape(Math.Max(all.Longest, one.Longest), all.HasKeyword && one.HasKeyword, Math.Max(all.Before, one.Before),
                all.Texts is not null && one.Texts is not null && all.Texts.Count + one.Texts.Count <= MaxTexts ? [.. all.Texts, .. one.Texts] : null)
            {
                Run = ByteRun.Either(all.Run, one.Run),
            };
        }
        _depth--;
        return all;
    }

    private Shape Sequence(ref Flags flags)
    {
        long longest = 0;
        bool found = false;
        int before = 0;
        IReadOnlyList<string> run = NoText;
        long runStart = 0;
        bool only = true;
        ByteRun longestRun = default;

        void EndRun()
        {
            int furthest = 0;
            foreach (string text in run)
            {
                int nearest = int.MaxValue;
                foreach (string keyword in _keywords)
                    if (text.IndexOf(keyword, StringComparison.Ordinal) is >= 0 and int index)
                        nearest = Math.Min(nearest, index);
                furthest = Math.Max(furthest, nearest);
            }
            if (furthest < int.MaxValue && (!found || runStart + furthest < before))
                (found, before) = (true, Cap(runStart + furthest));
        }

        while (!Ends && Here is not ('|' or ')'))
        {
            Shape item = Repeated(ref flags);
            if (item.Run.Count > longestRun.Count)
                longestRun = item.Run;
            if (item.Texts is { } texts && texts.Count * run.Count <= MaxTexts)
                run = texts.Count == 1 && texts[0].Length == 0 ? run : [.. run.SelectMany(_ => texts, (before, behind) => before + behind)];
            else
            {
                only = false;
                EndRun();
                if (item.HasKeyword && (!found || longest + item.Before < before))
                    (found, before) = (true, Cap(longest + item.Before));
                (run, runStart) = (item.Texts ?? NoText, item.Texts is null ? longest + item.Longest : longest);
            }
            longest += item.Longest;
        }
        EndRun();
        return new Shape(Cap(longest), found, before, only ? run : null) { Run = longestRun };
    }

    private Shape Repeated(ref Flags flags)
    {
        int start = _out.Length;
        Shape item = Atom(ref flags, out bool canRepeat);
        if (Ends)
            return item;
        (int least, int most) = (1, 1);
        switch (Here)
        {
            case '*': (least, most) = (0, -1); break;
            case '+': (least, most) = (1, -1); break;
            case '?': (least, most) = (0, 1); break;
            case '{' when TryBraces(out least, out most, out int length):
                _at += length - 1;
                break;
            default: return item;
        }
        if (!canRepeat || _out.Length == start)
            throw Error("a repetition of nothing");
        _at++;
        _out.Append(most == -1 && least == 0 ? "*" : most == -1 && least == 1 ? "+" : (least, most) == (0, 1) ? "?" : most == -1 ? $"{{{least},}}" : least == most ? $"{{{least}}}" : $"{{{least},{most}}}");
        if (Here == '?' && !Ends)
        {
            _at++;
            _out.Append('?');
        }
        if (!Ends && (Here is '*' or '+' or '?' || Here == '{' && TryBraces(out _, out _, out _)))
            throw Error("a repetition of a repetition");
        return new Shape(most == -1 ? (item.Longest == 0 ? 0 : EndlessBytes) : Cap((long)item.Longest * most), item.HasKeyword && least > 0, item.Before,
            (least, most) == (1, 1) ? item.Texts : (least, most) == (0, 1) && item.Texts is { } texts ? [.. texts, ""] : null)
        {
            Run = least == 0 ? default : item.Longest == 1 && item.Run.Count == 1 ? item.Run with { Count = least } : item.Run,
        };
    }

    /// <param name="length">Of the whole, with both braces.</param>
    private bool TryBraces(out int least, out int most, out int length)
    {
        (least, most, length) = (0, 0, 0);
        int end = _text.IndexOf('}', _at);
        if (end < 0 || end - _at > 12)
            return false;
        string inner = _text[(_at + 1)..end];
        int comma = inner.IndexOf(',', StringComparison.Ordinal);
        string first = comma < 0 ? inner : inner[..comma], second = comma < 0 ? inner : inner[(comma + 1)..];
        if (!int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out least))
            return false;
        most = -1;
        if (second.Length > 0 && !int.TryParse(second, NumberStyles.None, CultureInfo.InvariantCulture, out most))
            return false;
        length = end - _at + 1;
        if (least > MaxRepeat || most > MaxRepeat || most >= 0 && most < least)
            throw Error($"the repetition {{{inner}}}; it may be at most {MaxRepeat}, and the smaller number stands first");
        return true;
    }

    private Shape Atom(ref Flags flags, out bool canRepeat)
    {
        canRepeat = true;
        char c = Here;
        switch (c)
        {
            case '(':
                return Group(ref flags, out canRepeat);
            case '[':
                return Class();
            case '.':
                _at++;
                _out.Append('.');
                return Shape.Of(1);
            case '^':
                _at++;
                _out.Append('^');
                return new Shape(0, false, 0, NoText);
            case '$':
                _at++;
                _out.Append(flags.Lines ? "$" : "\\z");
                return new Shape(0, false, 0, NoText);
            case '*' or '+' or '?':
                throw Error("a repetition of nothing");
            case '\\':
                return Escaped(flags);
            default:
                _at++;
                return Literal(char.IsHighSurrogate(c) && !Ends ? $"{c}{_text[_at++]}" : c.ToString());
        }
    }

    /// <summary>Writes a character, of which one outside ASCII is several bytes.</summary>
    private Shape Literal(string character)
    {
        if (character.Length == 1 && character[0] < 0x80)
        {
            Put(character[0]);
            return new Shape(1, false, 0, [char.ToLowerInvariant(character[0]).ToString()]);
        }
        byte[] bytes = Encoding.UTF8.GetBytes(character);
        _out.Append("(?:");
        foreach (byte b in bytes)
            Put(CharOf(b));
        _out.Append(')');
        return Shape.Of(bytes.Length);
    }

    private void Put(char c)
    {
        if (char.IsAsciiLetterOrDigit(c) || c is '_' or '"' or '\'' or '=' or ':' or ';' or ',' or '/' or '@' or '%' or '&' or '!' or '<' or '>' or '~' or '`')
            _out.Append(c);
        else
            _out.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}");
    }

    private Shape Group(ref Flags flags, out bool canRepeat)
    {
        canRepeat = true;
        _at++;
        Flags inner = flags;
        if (Here == '?' && !Ends)
        {
            _at++;
            if (Here is '=' or '!' || Here == '<' && _at + 1 < _text.Length && _text[_at + 1] is '=' or '!')
                throw Error("a look ahead or behind, which cannot be matched in linear time");
            if (Here is 'P' or '<')
            {
                int open = _text.IndexOf('<', _at), close = _text.IndexOf('>', _at);
                if (open < 0 || open > _at + 1 || close <= open + 1 || _text.AsSpan(open + 1, close - open - 1).ContainsAnyExcept(NameChars))
                    throw Error("a group's name of letters, digits and _ in angle brackets was wanted");
                _at = close + 1;
                // Names would be counted behind all others here, so the group goes without.
                _out.Append('(');
            }
            else if (!TakeFlags(ref inner, out string written))
            {
                // The flags hold for the rest of the group that they stand in.
                flags = inner;
                canRepeat = false;
                if (written.Length > 0)
                    _out.Append(CultureInfo.InvariantCulture, $"(?{written})");
                return new Shape(0, false, 0, NoText);
            }
            else
                _out.Append(CultureInfo.InvariantCulture, $"(?{written}:");
        }
        else
            _out.Append('(');
        Shape shape = Alternatives(ref inner);
        if (Ends)
            throw Error("a group that is not closed");
        _at++;
        _out.Append(')');
        return shape;
    }

    /// <returns>Whether a group follows; else they stand alone.</returns>
    private bool TakeFlags(ref Flags flags, out string written)
    {
        StringBuilder on = new(), off = new();
        bool minus = false;
        for (; ; _at++)
        {
            switch (Here)
            {
                case ':' or ')' when !Ends:
                    bool group = Here == ':';
                    _at++;
                    written = off.Length > 0 ? $"{on}-{off}" : on.ToString();
                    return group;
                case '-' when !minus:
                    minus = true;
                    break;
                case 'i':
                    flags = flags with { IgnoreCase = !minus };
                    (minus ? off : on).Append('i');
                    break;
                case 'm':
                    flags = flags with { Lines = !minus };
                    (minus ? off : on).Append('m');
                    break;
                case 's':
                    (minus ? off : on).Append('s');
                    break;
                case 'U':
                    throw Error("the flag U, which turns greedy and lazy round");
                default:
                    throw Error(Ends ? "a group that is not closed" : $"the flag {Here}; known are i, m and s");
            }
        }
    }

    private Shape Escaped(Flags flags)
    {
        _ = flags;
        if (_at + 1 >= _text.Length)
            throw Error("a \\ at the end");
        char c = _text[_at + 1];
        switch (c)
        {
            case 'A' or 'z' or 'b' or 'B':
                _at += 2;
                _out.Append('\\').Append(c);
                return new Shape(0, false, 0, NoText);
            case 'd' or 'D' or 'w' or 'W' or 's' or 'S':
                _at += 2;
                Write(Perl(c), negated: false);
                return Shape.Of(1) with { Run = ByteRun.Of(Perl(c)) };
            case 'p' or 'P':
                throw Error($"the Unicode class \\{c}; content is matched byte by byte");
            case 'C':
                throw Error("\\C");
            case 'Q':
                _at += 2;
                int end = _text.IndexOf("\\E", _at, StringComparison.Ordinal);
                string quoted = end < 0 ? _text[_at..] : _text[_at..end];
                _at = end < 0 ? _text.Length : end + 2;
                StringBuilder literal = new();
                int longest = 0;
                bool ascii = true;
                _out.Append("(?:");
                foreach (Rune rune in quoted.EnumerateRunes())
                {
                    Shape one = Literal(rune.ToString());
                    longest += one.Longest;
                    ascii &= one.Texts is not null;
                    literal.Append(one.Texts?[0]);
                }
                _out.Append(')');
                return new Shape(Cap(longest), false, 0, ascii ? [literal.ToString()] : null);
            case 'E':
                _at += 2;
                return new Shape(0, false, 0, NoText);
            default:
                return Literal(new Rune(EscapedCharacter()).ToString());
        }
    }

    /// <summary>The character that an escape stands for; <see cref="_at"/> is on its backslash.</summary>
    private int EscapedCharacter()
    {
        char c = _text[_at + 1];
        _at += 2;
        switch (c)
        {
            case 'a': return 7;
            case 'f': return '\f';
            case 't': return '\t';
            case 'n': return '\n';
            case 'r': return '\r';
            case 'v': return '\v';
            case 'x':
                bool braces = Here == '{';
                int end = braces ? _text.IndexOf('}', _at) : _at + 2;
                if (end < 0 || end > _text.Length || !int.TryParse(_text.AsSpan(braces ? _at + 1 : _at, braces ? end - _at - 1 : 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value) || !Rune.IsValid(value))
                    throw Error("\\x without two hex digits, or without a character's number in braces");
                _at = braces ? end + 1 : end;
                return value;
            case >= '0' and <= '7':
                int octal = c - '0';
                int digits = 1;
                while (digits < 3 && Here is >= '0' and <= '7')
                {
                    octal = octal * 8 + (_text[_at++] - '0');
                    digits++;
                }
                return digits == 1 && c != '0' ? throw Error($"the backreference \\{c}, which cannot be matched in linear time") : octal;
            default:
                return c < 0x80 && !char.IsAsciiLetterOrDigit(c) ? c : throw Error($"the escape \\{c}");
        }
    }

    private Shape Class()
    {
        _at++;
        bool negated = Here == '^';
        if (negated)
            _at++;
        List<(int From, int To)> ranges = [];
        for (bool first = true; first || Here != ']'; first = false)
        {
            if (Ends)
                throw Error("a [ that is not closed");
            if (Here == '[' && _at + 1 < _text.Length && _text[_at + 1] == ':')
            {
                int end = _text.IndexOf(":]", _at, StringComparison.Ordinal);
                string name = end < 0 ? "" : _text[(_at + 2)..end];
                ranges.AddRange(Posix(name));
                _at = end + 2;
                continue;
            }
            if (Here == '\\' && _at + 1 < _text.Length && _text[_at + 1] is 'd' or 'D' or 'w' or 'W' or 's' or 'S')
            {
                ranges.AddRange(Perl(_text[_at + 1]));
                _at += 2;
                continue;
            }
            int from = ClassCharacter(), to = from;
            if (Here == '-' && _at + 1 < _text.Length && _text[_at + 1] != ']')
            {
                _at++;
                to = ClassCharacter();
                if (to < from)
                    throw Error("a range from the larger to the smaller character");
            }
            ranges.Add((from, to));
        }
        _at++;
        Write(ranges, negated);
        if (negated)
            return Shape.Of(1);
        if (ranges.Sum(r => r.To - r.From + 1) > MaxClassTexts)
            return Shape.Of(1) with { Run = ByteRun.Of(ranges) };
        return new Shape(1, false, 0, [.. ranges.SelectMany(r => Enumerable.Range(r.From, r.To - r.From + 1)).Select(c => char.ToLowerInvariant((char)c).ToString()).Distinct(StringComparer.Ordinal)]) { Run = ByteRun.Of(ranges) };
    }

    private int ClassCharacter()
    {
        int c;
        if (Here == '\\' && _at + 1 < _text.Length)
        {
            if (_text[_at + 1] is 'p' or 'P')
                throw Error("a Unicode class; content is matched byte by byte");
            c = EscapedCharacter();
        }
        else
            c = _text[_at++];
        return c < 0x80 ? c : throw Error("a character outside ASCII in [ ]; content is matched byte by byte");
    }

    private void Write(List<(int From, int To)> ranges, bool negated)
    {
        _out.Append(negated ? "[^" : "[");
        foreach ((int from, int to) in ranges)
        {
            _out.Append(CultureInfo.InvariantCulture, $"\\u{from:X4}");
            if (to > from)
                _out.Append(CultureInfo.InvariantCulture, $"-\\u{to:X4}");
        }
        _out.Append(']');
    }

    private static List<(int From, int To)> Perl(char c)
    {
        List<(int From, int To)> ranges = char.ToLowerInvariant(c) switch
        {
            'd' => [('0', '9')],
            'w' => [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
            _ => [('\t', '\n'), ('\f', '\r'), (' ', ' ')],
        };
        return char.IsUpper(c) ? Others(ranges) : ranges;
    }

    /// <param name="ranges">In order, apart from each other.</param>
    private static List<(int From, int To)> Others(List<(int From, int To)> ranges)
    {
        List<(int From, int To)> others = [];
        int next = 0;
        foreach ((int from, int to) in ranges)
        {
            if (from > next)
                others.Add((next, from - 1));
            next = to + 1;
        }
        others.Add((next, char.MaxValue));
        return others;
    }

    private List<(int From, int To)> Posix(string name)
    {
        bool negated = name.StartsWith('^');
        List<(int From, int To)> ranges = (negated ? name[1..] : name) switch
        {
            "alnum" => [('0', '9'), ('A', 'Z'), ('a', 'z')],
            "alpha" => [('A', 'Z'), ('a', 'z')],
            "ascii" => [(0, 0x7F)],
            "blank" => [('\t', '\t'), (' ', ' ')],
            "cntrl" => [(0, 0x1F), (0x7F, 0x7F)],
            "digit" => [('0', '9')],
            "graph" => [('!', '~')],
            "lower" => [('a', 'z')],
            "print" => [(' ', '~')],
            "punct" => [('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
            "space" => [('\t', '\r'), (' ', ' ')],
            "upper" => [('A', 'Z')],
            "word" => [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
            "xdigit" => [('0', '9'), ('A', 'F'), ('a', 'f')],
            _ => throw Error($"the class [:{name}:]"),
        };
        return negated ? Others(ranges) : ranges;
    }
}
