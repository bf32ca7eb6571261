using System.Globalization;
using System.Text.RegularExpressions;
using Plimsoll.Inspect.Reports;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Dockerfiles.Rules;

/// <summary>Rules on LABEL; most speak only when the configuration has a schema.</summary>
internal static partial class LabelRules
{
    public static IReadOnlyList<LintRule> All { get; } =
    [
        new("DL3048", LintLevel.Style, c => Each(c, (pair, _) => !IsKey(pair.Name))),
        new("DL3049", LintLevel.Info, Missing),
        new("DL3050", LintLevel.Info, c => { if (c.Options.StrictLabels) Each(c, (pair, form) => form is null); }),
        new("DL3051", LintLevel.Warning, c => Each(c, (pair, form) => form is not null && string.IsNullOrEmpty(pair.Value))),
        new("DL3052", LintLevel.Warning, c => OfForm(c, LabelForm.Url, v => Uri.TryCreate(v, UriKind.Absolute, out Uri? uri) && uri.Host.Length > 0)),
        new("DL3053", LintLevel.Warning, c => OfForm(c, LabelForm.Rfc3339, v => Time().IsMatch(v) && DateTimeOffset.TryParse(v, CultureInfo.InvariantCulture, DateTimeStyles.None, out _))),
        new("DL3054", LintLevel.Warning, c => OfForm(c, LabelForm.Spdx, v => SpdxLicences.FindId(v) is not null || SpdxLicences.IsExpression(v))),
        new("DL3055", LintLevel.Warning, c => OfForm(c, LabelForm.Hash, v => v.Length is >= 7 and <= 40 && v.All(char.IsAsciiHexDigitLower))),
        new("DL3056", LintLevel.Warning, c => OfForm(c, LabelForm.SemVer, v => SemVer().IsMatch(v))),
        new("DL3058", LintLevel.Warning, c => OfForm(c, LabelForm.Email, v => Email().IsMatch(v))),
    ];

    private static void Each(LintContext c, Func<Pair, LabelForm?, bool> wrong)
    {
        foreach (Instruction i in c.Flat)
            if (i.Keyword == "LABEL" && DockerWords.Pairs(i.Text, c.File.Escape, allowBare: false, out _) is { } pairs)
                foreach (Pair pair in pairs)
                    if (wrong(pair, c.Options.Labels.TryGetValue(pair.Name, out LabelForm form) ? form : null))
                    {
                        (int line, int column) = i.Map.At(pair.Offset);
                        c.Report(line, column, Escape.Quote(pair.Name));
                    }
    }

    /// <summary>An empty value is DL3051's; one with a variable cannot be judged.</summary>
    private static void OfForm(LintContext c, LabelForm wanted, Func<string, bool> right) =>
        Each(c, (pair, form) => form == wanted && pair.Value is { Length: > 0 } value && !right(value));

    /// <summary>Letters, digits, dots and dashes; a letter first; none of Docker's own name spaces. Source: docs.docker.com, "Docker object labels".</summary>
    private static bool IsKey(string key) =>
        key.Length > 0 && char.IsAsciiLetterLower(key[0]) && (char.IsAsciiLetterLower(key[^1]) || char.IsAsciiDigit(key[^1]))
        && key.All(ch => char.IsAsciiLetterLower(ch) || char.IsAsciiDigit(ch) || ch is '.' or '-')
        && !key.StartsWith("com.docker.", StringComparison.Ordinal) && !key.StartsWith("io.docker.", StringComparison.Ordinal) && !key.StartsWith("org.dockerproject.", StringComparison.Ordinal)
        && !key.Contains("..", StringComparison.Ordinal) && !key.Contains("--", StringComparison.Ordinal);

    /// <summary>A stage needs the label itself or from the stage it builds on; one that others only copy from needs none.</summary>
    private static void Missing(LintContext c)
    {
        if (c.Options.Labels.Count == 0)
            return;
        Dictionary<int, HashSet<string>> own = [];
        HashSet<string> copied = new(StringComparer.OrdinalIgnoreCase);
        foreach (Instruction i in c.File.Instructions)
        {
            if (i.Keyword == "LABEL" && DockerWords.Pairs(i.Text, c.File.Escape, allowBare: false, out _) is { } pairs)
                (own.TryGetValue(i.Stage, out HashSet<string>? set) ? set : own[i.Stage] = []).UnionWith(pairs.Select(p => p.Name));
            else if (i.Keyword == "COPY" && i.Flag("from") is { } from)
                copied.Add(from);
        }
        Dictionary<string, int> byName = new(StringComparer.OrdinalIgnoreCase);
        HashSet<string> bases = new(c.File.Stages.Select(s => s.Base.Image), StringComparer.OrdinalIgnoreCase);
        HashSet<string>[] has = new HashSet<string>[c.File.Stages.Count];
        foreach (Stage stage in c.File.Stages)
        {
            HashSet<string> labels = own.GetValueOrDefault(stage.Index) ?? [];
            if (byName.TryGetValue(stage.Base.Image, out int below))
                labels.UnionWith(has[below]);
            has[stage.Index] = labels;
            if (stage.Name is { } name)
                byName[name] = stage.Index;
            bool isSource = stage.Name is { } own1 && copied.Contains(own1) || copied.Contains(stage.Index.ToString(CultureInfo.InvariantCulture));
            if (isSource || stage.Name is { } own2 && bases.Contains(own2))
                continue;
            foreach (string label in c.Options.Labels.Keys.Order(StringComparer.Ordinal))
                if (!labels.Contains(label))
                    c.Report(stage.From, Escape.Quote(label));
        }
    }

    [GeneratedRegex(@"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Time();

    [GeneratedRegex(@"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex SemVer();

    [GeneratedRegex(@"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Email();
}
