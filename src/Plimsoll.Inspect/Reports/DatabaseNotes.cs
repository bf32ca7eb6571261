using System.Globalization;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Reports;

/// <summary>What the age and kind of the advisory database mean for a report.</summary>
public static class DatabaseNotes
{
    /// <summary>Days after which a database is called old: distributions publish advisories every day.</summary>
    public const int OldAfterDays = 7;

    /// <summary><c>no-database</c> or <c>database-old</c>, or none. The answer depends on the day, not on the hour's fraction.</summary>
    public static IReadOnlyList<Note> Of(DatabaseInfo database, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(database);
        if (!database.IsDatabase)
            return [new Note("no-database", true, [database.Records.ToString(CultureInfo.InvariantCulture)])];
        return now - database.Created > TimeSpan.FromDays(OldAfterDays)
            ? [new Note("database-old", false, [Day(database.Created), OldAfterDays.ToString(CultureInfo.InvariantCulture)])]
            : [];
    }

    /// <summary>The report with those notes that it does not have yet.</summary>
    public static Report AddTo(Report report, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(report);
        // Where no advisory was asked for, it does not matter which there are.
        if (!report.Matched)
            return report;
        List<Note> missing = [.. Of(report.Database, now).Where(n => !report.Notes.Any(o => o.Code == n.Code))];
        return missing.Count == 0 ? report : report with { Notes = [.. report.Notes, .. missing] };
    }

    internal static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
