using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Reports;

/// <summary>What became of one image of a call: a report, or the reason why there is none.</summary>
public sealed record ScanResult
{
    /// <summary>As the user wrote it.</summary>
    public required string Image { get; init; }

    /// <summary>Holds only the findings and problems that pass the filter; null exactly when <see cref="Failure"/> is not.</summary>
    public Report? Report { get; init; }

    /// <summary>Findings and problems that the filter left out.</summary>
    public int Hidden { get; init; }
    public ScanFailure? Failure { get; init; }

    /// <summary>Vulnerabilities as the table counts them (one for each source package and layer) that have a finding of this kind.</summary>
    public int Count(Func<Finding, bool> kind) =>
        Report is null ? 0 : FindingGroup.Of(Report.Findings.Where(kind)).Sum(g => g.Rows.Count);

    public static ScanResult Of(string image, Report report, ReportFilter filter)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(filter);
        List<Finding> kept = [.. report.Findings.Where(filter.Passes)];
        List<Problem> problems = [.. report.Problems.Where(filter.Passes)];
        return new ScanResult
        {
            Image = image,
            Report = kept.Count == report.Findings.Count && problems.Count == report.Problems.Count ? report : report with { Findings = kept, Problems = problems },
            Hidden = report.Findings.Count - kept.Count + report.Problems.Count - problems.Count,
        };
    }
}

/// <param name="Code">A name of <see cref="Oci.ImageError"/> in kebab-case, <c>timeout</c> or <c>internal</c>.</param>
/// <param name="Message">English; untrusted text inside is quoted.</param>
public sealed record ScanFailure(string Code, string Message, string? Hint = null);

/// <summary>Which findings are shown and counted (<c>--only-fixed</c>, <c>--severity</c>).</summary>
/// <param name="OnlyFixed">Only those with a fixed version.</param>
/// <param name="Severities">Only these; null for all.</param>
public sealed record ReportFilter(bool OnlyFixed = false, IReadOnlySet<Severity>? Severities = null)
{
    public static ReportFilter None { get; } = new();

    public bool Passes(Finding finding)
    {
        ArgumentNullException.ThrowIfNull(finding);
        return (!OnlyFixed || finding.FixedVersion is not null) && (Severities is null || Severities.Contains(finding.Severity));
    }

    /// <summary>Whether a fix exists is asked of vulnerabilities only.</summary>
    public bool Passes(Problem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return Severities is null || Severities.Contains(problem.Severity);
    }

    /// <summary>As the user would write it: <c>--only-fixed --severity high,critical</c>; empty for none.</summary>
    public override string ToString() => string.Join(' ', Words());

    private IEnumerable<string> Words()
    {
        if (OnlyFixed)
            yield return "--only-fixed";
        if (Severities is not null)
            yield return "--severity " + string.Join(',', Severities.OrderDescending().Select(s => s.Word()));
    }
}
