using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Reports;

/// <summary>What came of verifying one image.</summary>
/// <param name="Image">As it was asked for.</param>
/// <param name="Judged">Null when it could not be opened.</param>
/// <param name="Verdict">Null when it could not be opened.</param>
/// <param name="Failure">Why it could not be opened; null when it was.</param>
public sealed record VerifyResult(string Image, JudgedImage? Judged, Verdict? Verdict, ImageException? Failure);

/// <summary>Verdicts on images' evidence for people and for programs; docs/verbs/verify.md describes both.</summary>
public static class VerifyReport
{
    public const int SchemaVersion = 1;

    /// <summary>A line for each reason, by component: what is as wanted, what is not and why.</summary>
    public static void WriteTable(TextWriter output, IReadOnlyList<VerifyResult> results, TableOptions options)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(results);
        ArgumentNullException.ThrowIfNull(options);
        bool first = true;
        foreach (VerifyResult result in results)
        {
            if (result.Verdict is null)
                continue;
            if (!first)
                output.WriteLine();
            first = false;
            Write(output, result.Image, result.Judged!, result.Verdict!, options);
        }
    }

    /// <summary>One UTF-8 object with a line feed at the end.</summary>
    public static void WriteJson(Stream output, IReadOnlyList<VerifyResult> results, Policy policy, string toolVersion)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(results);
        ArgumentNullException.ThrowIfNull(policy);
        using (Utf8JsonWriter json = new(output, ReportJson.Options))
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion", SchemaVersion);
            json.WriteStartObject("tool");
            json.WriteString("name", "plimsoll");
            json.WriteString("version", toolVersion);
            json.WriteEndObject();
            json.WriteStartObject("policy");
            json.WriteString("name", policy.Name);
            json.WriteString("digest", PolicyJson.DigestOf(policy));
            json.WriteEndObject();
            json.WriteStartArray("images");
            foreach (VerifyResult result in results)
                Write(json, result, policy);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        output.WriteByte((byte)'\n');
    }

    private static void Write(TextWriter output, string name, JudgedImage image, Verdict verdict, TableOptions options)
    {
        Ansi ansi = new(options.Colour);
        Language language = options.Language;
        output.WriteLine(ansi.Bold(Escape.ForTerminal(name)));
        List<string> all = [];
        foreach (ImageName one in image.Names)
            all.Add(Escape.ForTerminal(one.ToString()));
        string names = string.Join(", ", all);
        if (names.Length > 0 && names != name)
            output.WriteLine("  " + Catalogue.VerifyAs.In(language, names));
        output.WriteLine("  " + ansi.Dim((image.Index ?? image.Manifest ?? image.Config).ToString()));
        int width = 0;
        foreach (string component in TrustComponents.All)
            width = Math.Max(width, DisplayWidth.Of(Catalogue.ComponentName(component).In(language)));
        foreach (string component in TrustComponents.All)
            foreach (Reason reason in verdict.Reasons)
                if (reason.Component == component)
                    Write(output, reason, width, language, ansi, Math.Max(options.Columns, TableOptions.LeastColumns));
        string head = VerdictText.HeadOf(verdict, language);
        output.WriteLine(verdict.Outcome switch
        {
            Outcome.Refused => ansi.Alarm(head),
            Outcome.Passed => ansi.Good(head),
            _ => ansi.Warning(head),
        });
    }

    private static void Write(TextWriter output, Reason reason, int width, Language language, Ansi ansi, int columns)
    {
        string mark = reason.Outcome switch
        {
            Outcome.Refused => ansi.Bold("✗"),
            Outcome.Undecided => ansi.Warning("?"),
            Outcome.Warned => ansi.Warning("!"),
            // What does not count and is not needed is noted only.
            _ => reason.Count > 0 ? ansi.Dim("·") : ansi.Good("✓"),
        };
        string text = VerdictText.Of(reason, language) + (reason.Rule is { } rule && reason.Outcome != Outcome.Passed ? $" ({Escape.ForTerminal(rule)})" : "");
        string margin = new(' ', width + 6), component = DisplayWidth.Fit(Catalogue.ComponentName(reason.Component!).In(language), width);
        bool first = true;
        foreach (string line in DisplayWidth.Wrap(text, columns - width - 6))
        {
            output.WriteLine(first ? $"  {mark} {component}  {line}" : margin + line);
            first = false;
        }
        if (reason.Examples.Count > 0 && reason.Outcome != Outcome.Passed)
            foreach (string line in DisplayWidth.Wrap(string.Join("; ", reason.Examples.Select(e => Escape.ForTerminal(e.Length > 200 ? e[..200] + "…" : e))), columns - width - 6))
                output.WriteLine(margin + ansi.Dim(line));
    }

    private static void Write(Utf8JsonWriter json, VerifyResult result, Policy policy)
    {
        json.WriteStartObject();
        json.WriteString("image", result.Image);
        if (result.Failure is { } failure)
        {
            json.WriteString("outcome", Outcome.Undecided.Word());
            json.WriteString("error", failure.Message);
        }
        else
        {
            JudgedImage image = result.Judged!;
            json.WriteList("names", image.Names.Select(n => n.ToString()));
            json.WriteOptional("indexDigest", image.Index?.ToString());
            json.WriteOptional("manifestDigest", image.Manifest?.ToString());
            json.WriteString("configDigest", image.Config.ToString());
            json.WriteString("outcome", result.Verdict!.Outcome.Word());
            json.WriteList("rules", RulesOf(policy, image));
            json.WriteStartArray("components");
            foreach (string component in TrustComponents.All.Where(c => result.Verdict.Reasons.Any(r => r.Component == c)))
            {
                json.WriteStartObject();
                json.WriteString("component", component);
                json.WriteString("outcome", result.Verdict.Reasons.Where(r => r.Component == component).Max(r => r.Outcome).Word());
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteStartArray("reasons");
            foreach (Reason reason in result.Verdict.Reasons)
                Write(json, reason);
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    private static IEnumerable<string> RulesOf(Policy policy, JudgedImage image) => policy.Trust is not { } trust ? []
        : (image.Names.Count > 0 ? image.Names : [ImageName.None]).Select(n => trust.Find(n.Repository)).Where(i => i >= 0).Distinct().Select(i => $"trust.images[{i}]");

    private static void Write(Utf8JsonWriter json, Reason reason)
    {
        json.WriteStartObject();
        json.WriteOptional("component", reason.Component);
        json.WriteString("code", reason.Code);
        json.WriteString("outcome", reason.Outcome.Word());
        json.WriteOptional("rule", reason.Rule);
        json.WriteNumber("count", reason.Count);
        json.WriteList("examples", reason.Examples);
        json.WriteString("message", reason.Message);
        json.WriteEndObject();
    }
}
