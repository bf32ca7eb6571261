using System.Text.Json;
using Plimsoll.Inspect.Reports;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Dockerfiles;

/// <summary>One file of a linter call.</summary>
/// <param name="Name">As the user wrote it; <c>-</c> for standard input; an image's name.</param>
public sealed record LintedFile(string Name, LintResult Result);

/// <summary>Linter results for machines.</summary>
public static class LintReport
{
    /// <summary>Hadolint's JSON: a list of findings, each with file, line, column, level, code and message; advice besides.</summary>
    public static byte[] Json(IReadOnlyList<LintedFile> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        return Write(json =>
        {
            json.WriteStartArray();
            foreach (LintedFile file in files)
                foreach (LintFinding finding in file.Result.Findings)
                {
                    json.WriteStartObject();
                    json.WriteString("file", file.Name);
                    json.WriteNumber("line", finding.Line);
                    json.WriteNumber("column", finding.Column);
                    json.WriteString("level", finding.Level.Word());
                    json.WriteString("code", finding.Rule);
                    json.WriteString("message", finding.Message.English);
                    if (finding.Advice is { } advice)
                        json.WriteString("advice", advice.English);
                    json.WriteEndObject();
                }
            json.WriteEndArray();
        });
    }

    /// <summary>SARIF 2.1.0 with one run.</summary>
    public static byte[] Sarif(IReadOnlyList<LintedFile> files, string toolVersion)
    {
        ArgumentNullException.ThrowIfNull(files);
        LintFinding[] rules = [.. files.SelectMany(f => f.Result.Findings).GroupBy(f => f.Rule, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => g.First())];
        return Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("$schema", "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json");
            json.WriteString("version", "2.1.0");
            json.WriteStartArray("runs");
            json.WriteStartObject();
            json.WriteStartObject("tool");
            json.WriteStartObject("driver");
            json.WriteString("name", "plimsoll");
            json.WriteString("version", toolVersion);
            json.WriteStartArray("rules");
            foreach (LintFinding rule in rules)
                WriteRule(json, rule);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
            WriteInvocation(json, files);
            json.WriteStartArray("results");
            foreach (LintedFile file in files)
                foreach (LintFinding finding in file.Result.Findings)
                    WriteResult(json, file, finding, Array.FindIndex(rules, r => r.Rule == finding.Rule));
            json.WriteEndArray();
            json.WriteString("columnKind", "utf16CodeUnits");
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    /// <summary>Where a rule is explained; null for the parser's own.</summary>
    public static string? UrlOf(string rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        return rule.StartsWith("SC", StringComparison.Ordinal) ? $"https://www.shellcheck.net/wiki/{rule}"
            : rule.StartsWith("DL", StringComparison.Ordinal) && rule != Linter.ParseRule ? $"https://github.com/hadolint/hadolint/wiki/{rule}"
            : null;
    }

    private static void WriteRule(Utf8JsonWriter json, LintFinding rule)
    {
        json.WriteStartObject();
        json.WriteString("id", rule.Rule);
        Message(json, "shortDescription", rule.Message.English);
        json.WriteOptional("helpUri", UrlOf(rule.Rule));
        if (rule.Advice is { } advice)
            Message(json, "help", advice.English);
        json.WriteStartObject("defaultConfiguration");
        json.WriteString("level", Level(rule.Level));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteInvocation(Utf8JsonWriter json, IReadOnlyList<LintedFile> files)
    {
        json.WriteStartArray("invocations");
        json.WriteStartObject();
        json.WriteBoolean("executionSuccessful", files.All(f => f.Result.Complete));
        json.WriteStartArray("toolExecutionNotifications");
        foreach (LintedFile file in files)
            if (file.Result.ShellCheck is { } engine && (engine.Version is null || engine.Failure is not null))
            {
                json.WriteStartObject();
                json.WriteString("level", engine.Failure is null ? "note" : "error");
                Message(json, "message", engine.Failure is { } failure ? Catalogue.LintShellCheckFailed.In(Language.English, failure) : Catalogue.LintNoShellCheck.English);
                json.WriteEndObject();
                break;
            }
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteResult(Utf8JsonWriter json, LintedFile file, LintFinding finding, int rule)
    {
        json.WriteStartObject();
        json.WriteString("ruleId", finding.Rule);
        json.WriteNumber("ruleIndex", rule);
        json.WriteString("level", Level(finding.Level));
        Message(json, "message", finding.Message.English);
        json.WriteStartArray("locations");
        json.WriteStartObject();
        json.WriteStartObject("physicalLocation");
        json.WriteStartObject("artifactLocation");
        json.WriteString("uri", file.Name == "-" ? "stdin" : string.Join('/', file.Name.Split('/').Select(Uri.EscapeDataString)));
        json.WriteEndObject();
        json.WriteStartObject("region");
        json.WriteNumber("startLine", finding.Line);
        json.WriteNumber("startColumn", finding.Column);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Message(Utf8JsonWriter json, string name, string text)
    {
        json.WriteStartObject(name);
        json.WriteString("text", text.Length > 0 ? text : "-");
        json.WriteEndObject();
    }

    private static string Level(LintLevel level) => level switch
    {
        LintLevel.Error => "error",
        LintLevel.Warning => "warning",
        LintLevel.Ignore => "none",
        _ => "note",
    };

    private static byte[] Write(Action<Utf8JsonWriter> content)
    {
        using MemoryStream memory = new();
        using (Utf8JsonWriter json = new(memory, ReportJson.Options))
            content(json);
        memory.WriteByte((byte)'\n');
        return memory.ToArray();
    }
}
