using System.Globalization;
using System.Text;
using System.Xml;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Reports;

/// <summary>The report as JUnit XML, which every CI system shows: a suite for each image, a failed test for each finding.</summary>
/// <remarks>There is no standard; this is the form of Apache Ant's junitreport, which Jenkins, GitLab and Azure read.</remarks>
public static class JunitReport
{
    /// <summary>Writes one document for all images of a call, UTF-8.</summary>
    public static void Write(Stream output, IReadOnlyList<ScanResult> results)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(results);
        using (XmlWriter xml = XmlWriter.Create(output, new XmlWriterSettings { Indent = true, NewLineChars = "\n", Encoding = new UTF8Encoding(false) }))
        {
            xml.WriteStartDocument();
            xml.WriteStartElement("testsuites");
            Attribute(xml, "name", "plimsoll");
            foreach (ScanResult result in results)
                WriteSuite(xml, result);
            xml.WriteEndElement();
        }
        output.WriteByte((byte)'\n');
    }

    private static void WriteSuite(XmlWriter xml, ScanResult result)
    {
        IReadOnlyList<Finding> findings = result.Report?.Findings ?? [];
        List<(string Code, string Text)> errors = Errors(result);
        IReadOnlyList<Problem> problems = result.Report?.Problems ?? [];
        Verdict? verdict = result.Report?.Verdict;
        int suppressed = findings.Count(f => f.Suppressed is not null) + problems.Count(p => p.Suppressed is not null);
        int all = findings.Count + problems.Count, refused = verdict?.Outcome == Outcome.Refused ? 1 : 0;
        // A suite without any test looks to some systems as if nothing had run.
        bool clean = all == 0 && errors.Count == 0;
        xml.WriteStartElement("testsuite");
        Attribute(xml, "name", result.Image);
        Attribute(xml, "tests", Number(all + errors.Count + (clean ? 1 : 0) + (verdict is null or { Outcome: Outcome.Undecided } ? 0 : 1)));
        Attribute(xml, "failures", Number(all - suppressed + refused));
        Attribute(xml, "errors", Number(errors.Count));
        Attribute(xml, "skipped", Number(suppressed));
        Attribute(xml, "time", "0");
        if (result.Report is { } report)
            Attribute(xml, "timestamp", report.Time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture));
        if (clean)
        {
            Case(xml, "plimsoll", Clean(result.Report!));
            xml.WriteEndElement();
        }
        foreach (Finding finding in findings)
            WriteFinding(xml, finding);
        foreach (Problem problem in problems)
            WriteProblem(xml, problem);
        if (verdict is not null and not { Outcome: Outcome.Undecided })
            WriteVerdict(xml, verdict);
        foreach ((string code, string text) in errors)
        {
            Case(xml, "plimsoll", code);
            Message(xml, "error", code, text, text);
            xml.WriteEndElement();
        }
        xml.WriteEndElement();
    }

    /// <summary>What makes the answer incomplete is an error, so that no suite is green that could not be decided.</summary>
    private static List<(string Code, string Text)> Errors(ScanResult result) =>
    [
        .. result.Failure is { } failure ? [(failure.Code, failure.Message)] : Array.Empty<(string, string)>(),
        .. (result.Report?.Notes ?? []).Where(n => n.Undecided).Select(n => (n.Code, ReportTexts.Of(n, Language.English))),
        .. (result.Report?.Gaps ?? []).Select(g => (g.Code, ReportTexts.Of(g, Language.English))),
        .. result.Report?.Verdict is { Outcome: Outcome.Undecided } verdict ? [("policy-undecided", Reasons(verdict))] : Array.Empty<(string, string)>(),
    ];

    private static string Clean(Report report) =>
        !report.Matched ? $"nothing found by the checks: {string.Join(", ", report.Checks.Select(c => c.Word()))}"
        : report.Packages.Count > 0 ? $"no known vulnerabilities in {report.Packages.Count} packages" : "no packages, nothing to match";

    private static void WriteProblem(XmlWriter xml, Problem problem)
    {
        string place = ProblemGroup.PlaceOf(problem);
        Case(xml, place.Length > 0 ? place : "image", $"[{problem.Severity.Word()}] {problem.Kind.Word()}/{problem.Rule}: {problem.Title.English}");
        if (problem.Suppressed is { } suppressed)
            Message(xml, "skipped", null, $"{suppressed.Reason} ({suppressed.Source})", null);
        else
            Message(xml, "failure", problem.Severity.Word(), problem.Title.English, Details(problem));
        xml.WriteEndElement();
    }

    private static string Details(Problem problem)
    {
        StringBuilder text = new();
        if (problem.Evidence.Length > 0)
            text.Append(problem.Evidence).Append('\n');
        if (problem.Advice is { } advice)
            text.Append(advice.English).Append('\n');
        if (problem.Origin is { } origin)
            text.Append(CultureInfo.InvariantCulture, $"Layer {origin.Layer} {origin.DiffId} {origin.CreatedBy}\n");
        if (problem is { RemovedBy: { } by, Origin: { } still })
            text.Append(CultureInfo.InvariantCulture, $"Deleted by layer {by.Layer}, still readable in layer {still.Layer}\n");
        foreach ((string name, string value) in problem.Details)
            text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\n");
        foreach (string url in ReportIds.WebAddresses(problem.References))
            text.Append(url).Append('\n');
        return text.ToString();
    }

    /// <summary>A refused image turns its suite red even where every finding of it was accepted.</summary>
    private static void WriteVerdict(XmlWriter xml, Verdict verdict)
    {
        Case(xml, "policy", $"{verdict.Policy}: {verdict.Outcome.Word()}");
        if (verdict.Outcome == Outcome.Refused)
            Message(xml, "failure", "policy", $"refused by policy {verdict.Policy}", Reasons(verdict));
        xml.WriteEndElement();
    }

    private static string Reasons(Verdict verdict) => string.Join('\n', verdict.Reasons.Select(r => $"{r.Outcome.Word()}: {r.Message}"));

    private static void WriteFinding(XmlWriter xml, Finding finding)
    {
        Case(xml, Words.PlaceOf(finding.Package), $"[{finding.Severity.Word()}] {finding.Id} in {ReportIds.Describe(finding.Package)}");
        if (finding.Suppressed is { } suppressed)
            Message(xml, "skipped", null, $"{suppressed.Reason} ({suppressed.Source})", null);
        else
            Message(xml, "failure", finding.Severity.Word(), finding.Title.Length > 0 ? finding.Title : finding.Id, Details(finding));
        xml.WriteEndElement();
    }

    private static string Details(Finding finding)
    {
        StringBuilder text = new();
        text.Append(finding.FixedVersion is { } fix ? $"Upgrade {finding.Package.Package.Name} to {fix}.\n" : "No fix is known.\n");
        if (finding.KnownExploited is { } day)
            text.Append(CultureInfo.InvariantCulture, $"Known to be exploited since {day} (CISA).\n");
        Origin origin = finding.Package.Origin;
        text.Append(CultureInfo.InvariantCulture, $"Layer {origin.Layer} {origin.DiffId} {origin.CreatedBy}\n");
        foreach (Match match in finding.Matches)
            text.Append(CultureInfo.InvariantCulture, $"{match.AdvisoryId} for {match.Package} of {match.Ecosystem}: {match.Range}; compared with {match.Version}\n");
        foreach (string url in ReportIds.WebAddresses(finding.References))
            text.Append(url).Append('\n');
        return text.ToString();
    }

    private static void Case(XmlWriter xml, string type, string name)
    {
        xml.WriteStartElement("testcase");
        Attribute(xml, "classname", type);
        Attribute(xml, "name", name);
        Attribute(xml, "time", "0");
    }

    private static void Message(XmlWriter xml, string element, string? type, string message, string? text)
    {
        xml.WriteStartElement(element);
        Attribute(xml, "message", message);
        if (type is not null)
            Attribute(xml, "type", type);
        if (text is not null)
            xml.WriteString(Safe(text));
        xml.WriteEndElement();
    }

    private static void Attribute(XmlWriter xml, string name, string value) => xml.WriteAttributeString(name, Safe(value));

    /// <summary>XML has no place for control characters, and a CI system's log no use for those that turn text around.</summary>
    private static string Safe(string text) => string.Join('\n', text.Split('\n').Select(Escape.ForTerminal))
        .Replace("\ufffe", "\\ufffe", StringComparison.Ordinal).Replace("\uffff", "\\uffff", StringComparison.Ordinal);

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
