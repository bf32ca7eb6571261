using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports.Html;

/// <summary>How the HTML report is written.</summary>
public sealed record HtmlOptions
{
    public Language Language { get; init; }

    /// <summary>For the age of the database; null: the time of each report.</summary>
    public DateTimeOffset? Now { get; init; }
    public VersionOrder? VersionOrder { get; init; }
    public ReportFilter Filter { get; init; } = ReportFilter.None;

    /// <summary>Findings with all that is known of them; those after are listed in short, so that a browser stays quick.</summary>
    public int MostInFull { get; init; } = 3000;

    /// <summary>Findings of an image in the file at all.</summary>
    public int MostRows { get; init; } = 50_000;

    /// <summary>Lines of the list of packages.</summary>
    public int MostPackages { get; init; } = 5000;
}
