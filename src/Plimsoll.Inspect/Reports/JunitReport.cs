using System.Globalization;
using System.Text;
using System.Xml;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

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
        int suppressed = findings.Count(f => f.Suppressed is not null);
        // A suite without any test looks to some systems as if nothing had run.
        bool clean = findings.Count == 0 && errors.Count == 0;
        xml.WriteStartElement("testsuite");
        Attribute(xml, "name", result.Image);
        Attribute(xml, "tests", Number(findings.Count + errors.Count + (clean ? 1 : 0)));
        Attribute(xml, "failures", Number(findings.Count - suppressed));
        Attribute(xml, "errors", Number(errors.Count));
        Attribute(xml, "skipped", Number(suppressed));
        Attribute(xml, "time", "0");
        if (result.Report is { } report)
            Attribute(xml, "timestamp", report.Time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture));
        if (clean)
        {
            Case(xml, "plimsoll", result.Report?.Packages.Count > 0 ? $"no known vulnerabilities in {result.Report.Packages.Count} packages" : "no packages, nothing to match");
            xml.WriteEndElement();
        }
        foreach (Finding finding in findings)
            WriteFinding(xml, finding);
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
    ];

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
