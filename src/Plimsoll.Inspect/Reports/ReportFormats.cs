using System.Text;
using Plimsoll.Inspect.Policies;
using Plimsoll.Inspect.Reports.Html;

namespace Plimsoll.Inspect.Reports;

/// <summary>The one list of what a report can be written as, but for the table and templates.</summary>
public static class ReportFormats
{
    /// <param name="Name">As the user writes it.</param>
    /// <param name="OneImage">Why a document describes one image, or null where it holds all of a call.</param>
    /// <param name="IsBom">Whether it tells what is in an image without any advisory.</param>
    /// <param name="ShowsHistory">Whether a line of the image's history may stand in it.</param>
    public sealed record Format(string Name, string? OneImage, bool IsBom, bool ShowsHistory);

    public static IReadOnlyList<Format> All { get; } =
    [
        new("json", null, true, true), new("cyclonedx", "a CycloneDX document", true, false), new("spdx-json", "an SPDX document", true, false), new("spdx", "an SPDX document", true, false),
        new("html", null, false, true), new("sarif", null, false, true), new("junit", null, false, true), new("gitlab", "a GitLab report", false, false), new("openvex", "an OpenVEX document", false, false),
        new("inspection", "an inspection statement", false, false),
    ];

    public static Format? Find(string name) => All.FirstOrDefault(f => f.Name == name);

    /// <summary>One document for all results, or for the first where it describes one image.</summary>
    /// <returns>Null when there is nothing to say in this format: a bill of materials of an image that could not be read.</returns>
    /// <param name="page">Language and the like of formats that people read; null: English.</param>
    public static byte[]? Render(Format format, IReadOnlyList<ScanResult> results, ReportFilter filter, string toolVersion, HtmlOptions? page = null)
    {
        ArgumentNullException.ThrowIfNull(format);
        ArgumentNullException.ThrowIfNull(results);
        Report? one = results.Count > 0 ? results[0].Report : null;
        if (format.OneImage is not null && one is null)
            return null;
        using MemoryStream buffer = new();
        switch (format.Name)
        {
            case "json":
                JsonReport.Write(buffer, results, filter, toolVersion);
                break;
            case "cyclonedx":
                CycloneDxReport.Write(buffer, one!, filter);
                break;
            case "spdx-json":
                SpdxJsonReport.Write(buffer, one!);
                break;
            case "spdx":
                SpdxTagReport.Write(buffer, one!);
                break;
            case "html":
                HtmlReport.Write(buffer, results, toolVersion, (page ?? new HtmlOptions()) with { Filter = filter });
                break;
            case "sarif":
                SarifReport.Write(buffer, results, toolVersion);
                break;
            case "junit":
                JunitReport.Write(buffer, results);
                break;
            case "gitlab":
                GitLabReport.Write(buffer, one!);
                break;
            case "inspection":
                buffer.Write(PolicyJudge.PredicateOf(one!, one!.Policy).ToStatement().ToJson());
                buffer.WriteByte((byte)'\n');
                break;
            case "openvex":
                OpenVexReport.Write(buffer, one!);
                break;
            default:
                throw new ArgumentException($"no format {format.Name}", nameof(format));
        }
        return buffer.ToArray();
    }

    /// <summary>The JSON report, filled into a template.</summary>
    /// <exception cref="TemplateException">The output is too long.</exception>
    public static byte[] Render(Template template, IReadOnlyList<ScanResult> results, ReportFilter filter, string toolVersion)
    {
        ArgumentNullException.ThrowIfNull(template);
        using MemoryStream json = new();
        JsonReport.Write(json, results, filter, toolVersion);
        return new UTF8Encoding(false).GetBytes(template.Render(json.GetBuffer().AsMemory(0, (int)json.Length)));
    }
}
