using Plimsoll.Inspect.Checks;

namespace Plimsoll.Cli;

/// <summary>The words of <c>--checks</c>: the kinds of problems, and the vulnerabilities of packages.</summary>
internal static class CheckWords
{
    public const string Vulnerability = "vulnerability";

    public static IReadOnlySet<string> All { get; } = new SortedSet<string>([Vulnerability, .. ProblemKinds.All.Select(k => k.Word())], StringComparer.Ordinal);

    public static string Wanted { get; } = $"all, or some of {Vulnerability}, {string.Join(", ", ProblemKinds.All.Select(k => k.Word()))}";

    public static bool TryParse(string text, out IReadOnlySet<string> value)
    {
        value = All;
        if (text == "all")
            return true;
        value = new SortedSet<string>(text.Split(',', StringSplitOptions.TrimEntries), StringComparer.Ordinal);
        return value.IsSubsetOf(All);
    }

    public static IReadOnlySet<ProblemKind> KindsOf(IReadOnlySet<string> words) => ProblemKinds.All.Where(k => words.Contains(k.Word())).ToHashSet();
}
