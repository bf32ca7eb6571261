using System.Globalization;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Inspect.Policies;

/// <summary>A policy's rules for starts in words. Keys keep the names that they have in the file.</summary>
internal static class StartText
{
    /// <summary>Every rule in the order in which they are tried; nothing for a policy without the section.</summary>
    public static IEnumerable<string> All(Policy policy, Language language)
    {
        if (policy.Start is not { } start)
            yield break;
        if (start.LearningUntil is { } until)
            yield return Catalogue.StartLearning.In(language, Day(until));
        for (int i = 0; i < start.Rules.Count; i++)
        {
            StartRule rule = start.Rules[i];
            yield return Catalogue.StartRuleFor.In(language, List(rule.Names), $"start.rules[{i}]");
            foreach (string line in Scope(rule, language).Concat(rule.Deny.Length > 0 ? [Catalogue.StartDenies.In(language, Escape.ForTerminal(rule.Deny))] : Allowed(rule, language)))
                yield return "  " + line;
        }
        yield return Catalogue.StartEngine.In(language, string.Join(", ", start.Engine.Allow.Select(EngineWords.Word).Order(StringComparer.Ordinal)));
        if (start.Engine.Builders.Count > 0)
            yield return "  " + Catalogue.StartBuilders.In(language, List(start.Engine.Builders));
        yield return Catalogue.StartRunning(start.Running.Word()).In(language);
        if (start.SecureRuntimes.Count > 0)
            yield return Catalogue.StartUntrusted.In(language, List(start.SecureRuntimes));
        if (start.Evidence.Registries.Count > 0)
            yield return Catalogue.StartEvidence.In(language, List(start.Evidence.Registries));
        if (start.BreakGlass is { } glass)
            yield return Catalogue.StartBreakGlass.In(language, glass.Threshold, List(glass.Keys), glass.MaxHours);
    }

    private static IEnumerable<string> Scope(StartRule rule, Language language)
    {
        if (rule.Labels.Count > 0)
            yield return Catalogue.StartLabels.In(language, List(rule.Labels.Select(l => $"{l.Key}={l.Value}")));
        if (rule.Users.Count > 0)
            yield return Catalogue.StartUsers.In(language, List(rule.Users));
        foreach (StartWindow window in rule.Windows)
            yield return Catalogue.StartWindowText.In(language, window.ToString());
        if (rule.NotBefore is { } first)
            yield return Catalogue.StartFirst.In(language, Day(first));
        if (rule.NotAfter is { } last)
            yield return Catalogue.StartLast.In(language, Day(last));
    }

    private static IEnumerable<string> Allowed(StartRule rule, Language language)
    {
        foreach (PolicyAction action in (PolicyAction[])[PolicyAction.Fail, PolicyAction.Warn, PolicyAction.Ignore])
            if (rule.PathsOf(action) is { Count: > 0 } paths)
                yield return $"{PolicyText.WordOf(action, language)}: {string.Join(", ", paths)}";
        foreach ((string path, string value) in rule.Values())
            yield return $"{path}: {(value.Length > 0 ? Escape.ForTerminal(value) : "-")}";
    }

    private static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string List(IEnumerable<string> items) => string.Join(", ", items.Select(Escape.ForTerminal));
}
