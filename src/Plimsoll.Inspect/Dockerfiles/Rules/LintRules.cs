namespace Plimsoll.Inspect.Dockerfiles.Rules;

/// <summary>The one list of rules.</summary>
internal static class LintRules
{
    /// <summary>By id.</summary>
    public static IReadOnlyList<LintRule> All { get; } =
        [.. StageRules.All.Concat(InstructionRules.All).Concat(LabelRules.All).Concat(CommandRules.All).Concat(PackageRules.All).OrderBy(r => r.Id, StringComparer.Ordinal)];

    public static LintRule? Find(string id) => All.FirstOrDefault(r => r.Id == id);
}
