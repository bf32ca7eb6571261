using Plimsoll.Texts;

namespace Plimsoll.EvidenceLog;

/// <summary>One thing that a line says: a name and a text, a number or a list of texts.</summary>
/// <remarks>
/// Texts may come from anywhere: what is no secret of the caller's is masked by <see cref="SecretMask"/>, what a terminal would act on
/// is escaped, and what is too long is cut, with a sign that it was.
/// </remarks>
public sealed record LogField
{
    public const int MaxNameCharacters = 64;

    /// <summary>Of one text, in characters; a list's texts have <see cref="MaxEntryCharacters"/>.</summary>
    public const int MaxTextCharacters = 4096;
    public const int MaxEntryCharacters = 1024;
    public const int MaxEntries = 128;

    private LogField(string name, string? text, long? number, IReadOnlyList<string>? list)
    {
        if (!IsName(name))
            throw new ArgumentException($"{Escape.Quote(name)} is no name of a field: kebab-case, at most {MaxNameCharacters} characters", nameof(name));
        (Name, AsText, AsNumber, AsList) = (name, text, number, list);
    }

    /// <summary>Kebab-case.</summary>
    public string Name { get; }

    /// <summary>Null when it is no text; of the three one is not null.</summary>
    public string? AsText { get; }
    public long? AsNumber { get; }
    public IReadOnlyList<string>? AsList { get; }

    /// <summary>Null is written as the empty text.</summary>
    public static LogField Text(string name, string? value) => new(name, Clean(SecretMask.Of(Near(value, MaxTextCharacters)), MaxTextCharacters), null, null);

    /// <summary>As the other form, with no more than so many characters: of a longer text the beginning and the end stay. What is a secret is told before that.</summary>
    public static LogField Text(string name, string? value, int most)
    {
        LogField whole = Text(name, value);
        string text = whole.AsText!;
        if (text.Length <= most)
            return whole;
        int head = most / 2, tail = text.Length - (most - head - 1);
        if (char.IsHighSurrogate(text[head - 1]))
            head--;
        if (char.IsLowSurrogate(text[tail]))
            tail++;
        return new(name, $"{text[..head]}…{text[tail..]}", null, null);
    }

    public static LogField Number(string name, long value) => new(name, null, value, null);

    public static LogField List(string name, IEnumerable<string> values) => OfList(name, values, SecretMask.Of);

    /// <summary>Environment variables, <c>NAME=value</c>: the names stay and every value is masked.</summary>
    public static LogField Environment(string name, IEnumerable<string> variables) => OfList(name, variables, SecretMask.OfVariable);

    /// <summary>A command and its arguments: what follows an option whose name speaks of a secret is masked as well.</summary>
    public static LogField Command(string name, IEnumerable<string> arguments) => OfList(name, SecretMask.OfCommand(Bounded(arguments)), text => text);

    /// <summary>As a line that was read has it.</summary>
    internal static LogField Raw(string name, string? text, long? number, IReadOnlyList<string>? list) => new(name, text, number, list);

    /// <summary>Lower-case words of letters and digits, joined by single hyphens, the first beginning with a letter.</summary>
    public static bool IsName(string? text)
    {
        if (text is null || text.Length is 0 or > MaxNameCharacters || !char.IsAsciiLetterLower(text[0]))
            return false;
        for (int i = 1; i < text.Length; i++)
            if (!(char.IsAsciiLetterLower(text[i]) || char.IsAsciiDigit(text[i]) || text[i] == '-' && text[i - 1] != '-'))
                return false;
        return text[^1] != '-';
    }

    /// <summary>The same with no more than so many characters in all of its texts.</summary>
    internal LogField Within(ref int budget)
    {
        if (AsNumber is not null)
            return this;
        if (AsText is { } text)
        {
            text = Shorten(text, budget);
            budget = Math.Max(0, budget - text.Length);
            return ReferenceEquals(text, AsText) ? this : new LogField(Name, text, null, null);
        }
        List<string> kept = [];
        foreach (string entry in AsList!)
        {
            if (budget <= 0)
            {
                kept.Add(More(AsList!.Count - kept.Count));
                return new LogField(Name, null, null, kept);
            }
            kept.Add(Shorten(entry, budget));
            // Quotation marks and a comma come with each, so that many empty texts are not free.
            budget -= kept[^1].Length + 3;
        }
        return new LogField(Name, null, null, kept);
    }

    private static LogField OfList(string name, IEnumerable<string> values, Func<string, string> mask)
    {
        ArgumentNullException.ThrowIfNull(values);
        List<string> list = [];
        int more = 0;
        foreach (string value in values)
            if (list.Count < MaxEntries)
                list.Add(Clean(mask(Near(value, MaxEntryCharacters)), MaxEntryCharacters));
            else
                more++;
        if (more > 0)
            list[^1] = More(more + 1);
        return new LogField(name, null, null, list);
    }

    private static IEnumerable<string> Bounded(IEnumerable<string> values) => values.Select(v => Near(v, MaxEntryCharacters));

    private static string More(int count) => $"… and {count} more";

    /// <summary>Cuts off what cannot be shown in any case, so that a text of megabytes costs no more than one of kilobytes.</summary>
    private static string Near(string? text, int max) => text is null ? "" : text.Length <= 4 * max ? text : text[..(4 * max)];

    private static string Clean(string text, int max) => Shorten(Escape.ForTerminal(text), max);

    private static string Shorten(string text, int max)
    {
        if (text.Length <= max)
            return text;
        int end = max > 0 && char.IsHighSurrogate(text[max - 1]) ? max - 1 : max;
        return $"{text[..end]}…";
    }
}
