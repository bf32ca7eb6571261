using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Reports;

/// <summary>A verdict for people: what came of it, and each reason with the rule that says so.</summary>
public static class VerdictText
{
    /// <summary>An empty line before it, so that it can follow whatever else is told; nothing for null.</summary>
    public static void Write(TextWriter output, Verdict? verdict, TableOptions options)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(options);
        if (verdict is null)
            return;
        Ansi ansi = new(options.Colour);
        int columns = Math.Max(options.Columns, TableOptions.LeastColumns);
        output.WriteLine();
        string head = HeadOf(verdict, options.Language);
        output.WriteLine(verdict.Outcome switch
        {
            Outcome.Refused => ansi.Alarm(head),
            Outcome.Passed => ansi.Good(head),
            _ => ansi.Warning(head),
        });
        int width = verdict.Reasons.Count == 0 ? 0 : verdict.Reasons.Max(r => DisplayWidth.Of(WordOf(r.Outcome).In(options.Language)));
        foreach (Reason reason in verdict.Reasons)
            Write(output, reason, width, columns, options.Language, ansi);
    }

    /// <summary><c>Refused by policy default</c>, without a full stop.</summary>
    public static string HeadOf(Verdict verdict, Language language)
    {
        ArgumentNullException.ThrowIfNull(verdict);
        return (verdict.Outcome switch
        {
            Outcome.Passed => Catalogue.VerdictPassed,
            Outcome.Warned => Catalogue.VerdictWarned,
            Outcome.Undecided => Catalogue.VerdictUndecided,
            _ => Catalogue.VerdictRefused,
        }).In(language, Escape.ForTerminal(verdict.Policy));
    }

    /// <summary>The reason's sentence, escaped for a terminal; that of the file where it was read from one.</summary>
    public static string Of(Reason reason, Language language)
    {
        ArgumentNullException.ThrowIfNull(reason);
        return reason.Arguments.Count == 0 && reason.Message.Length > 0 && language == Language.English ? Escape.ForTerminal(reason.Message)
            : Catalogue.ReasonText(reason.Code, [.. (reason.Arguments.Count == 0 && reason.Count > 0 ? [$"{reason.Count}"] : reason.Arguments).Select(Escape.ForTerminal)], language)
                ?? Escape.ForTerminal(reason.Message);
    }

    private static void Write(TextWriter output, Reason reason, int width, int columns, Language language, Ansi ansi)
    {
        string word = DisplayWidth.Fit(WordOf(reason.Outcome).In(language), width);
        string margin = new(' ', width + 4);
        string text = Of(reason, language) + (reason.Rule is { } rule ? $" ({Escape.ForTerminal(rule)})" : "");
        bool first = true;
        foreach (string line in DisplayWidth.Wrap(text, columns - width - 4))
        {
            output.WriteLine(first ? $"  {(reason.Outcome == Outcome.Refused ? ansi.Bold(word) : ansi.Dim(word))}  {line}" : margin + line);
            first = false;
        }
        if (reason.Examples.Count == 0)
            return;
        string more = reason.Count > reason.Examples.Count && reason.Examples.Count == 10 ? "; " + Catalogue.VerdictMore.In(language, reason.Count - reason.Examples.Count) : "";
        foreach (string line in DisplayWidth.Wrap(string.Join("; ", reason.Examples.Select(e => Escape.ForTerminal(e.Length > 120 ? e[..120] + "…" : e))) + more, columns - width - 4))
            output.WriteLine(margin + ansi.Dim(line));
    }

    internal static Text WordOf(Outcome outcome) => outcome switch
    {
        Outcome.Refused => Catalogue.WordFail,
        Outcome.Undecided => Catalogue.WordUndecided,
        Outcome.Warned => Catalogue.WordWarn,
        _ => Catalogue.WordAccepted,
    };
}
