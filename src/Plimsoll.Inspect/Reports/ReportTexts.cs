using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports;

/// <summary>Notes, gaps and the database as sentences. Untrusted text comes out escaped for a terminal.</summary>
public static class ReportTexts
{
    // The longest sentence has this many arguments; missing ones are shown as "?", so that a note is never lost.
    private const int MostArguments = 4;

    public static string Of(Note note, Language language)
    {
        ArgumentNullException.ThrowIfNull(note);
        if (Catalogue.FindNote(note.Code) is not { } text)
            return note.Arguments.Count == 0
                ? Escape.ForTerminal(note.Code)
                : Catalogue.NoteOther.In(language, Escape.ForTerminal(note.Code), string.Join(", ", note.Arguments.Select(Shown)));
        object?[] arguments = new object?[Math.Max(MostArguments, note.Arguments.Count)];
        Array.Fill(arguments, "?");
        for (int i = 0; i < note.Arguments.Count; i++)
            arguments[i] = Shown(note.Arguments[i]);
        string said = text.In(language, arguments);
        if (note is not { Code: MatchNotes.NoAdvisoriesForRelease, Arguments.Count: 4 })
            return said;
        string name = Shown(note.Arguments[3]);
        return said + (language == Language.Chinese ? "" : " ") + Catalogue.UpdateEcosystem.In(language, name.Contains(' ', StringComparison.Ordinal) ? $"'{name}'" : name);
    }

    public static string Of(Gap gap, Language language)
    {
        ArgumentNullException.ThrowIfNull(gap);
        string what = Catalogue.FindGap(gap.Code)?.In(language) ?? Catalogue.GapOther.In(language, Escape.ForTerminal(gap.Code));
        string colon = language == Language.Chinese ? "：" : ": ";
        return string.Join(colon, new[] { what, Shown(gap.Where), Shown(gap.Detail) }.Where(part => part.Length > 0));
    }

    /// <summary>Counter, day, size and age of the database, or that there is none.</summary>
    public static string Of(DatabaseInfo database, DateTimeOffset now, Language language)
    {
        ArgumentNullException.ThrowIfNull(database);
        if (!database.IsDatabase)
            return Catalogue.NoDatabaseLine.In(language, database.Records);
        int days = (int)Math.Clamp((now - database.Created).TotalDays, 0, int.MaxValue);
        string age = days switch
        {
            0 => Catalogue.DatabaseToday.In(language),
            1 => Catalogue.DatabaseOneDay.In(language),
            _ => Catalogue.DatabaseDays.In(language, days),
        };
        string line = Catalogue.DatabaseLine.In(language, database.Counter, DatabaseNotes.Day(database.Created), database.Records, age);
        return database.KevVersion is { } kev ? $"{line}{(language == Language.Chinese ? "；" : "; ")}{Catalogue.KnownExploitedCatalogue.In(language, Shown(kev))}" : line;
    }

    private static string Shown(string text) =>
        Escape.ForTerminal(text.Length <= 2 * Escape.MaxShown ? text : text[..(2 * Escape.MaxShown)] + "…");
}
