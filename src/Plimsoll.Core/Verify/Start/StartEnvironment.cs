namespace Plimsoll.Verify.Start;

/// <summary>Variables that differ from the image's own.</summary>
internal static class StartEnvironment
{
    /// <summary>Names that the engine sets by itself; a spec shows them as if somebody had asked.</summary>
    private static readonly string[] OfTheEngine = ["HOSTNAME", "TERM", "HOME", "container"];

    public static void Judge(StartRun run)
    {
        foreach (string entry in run.Request.Process.Environment)
        {
            int at = entry.IndexOf('=', StringComparison.Ordinal);
            string name = at < 0 ? entry : entry[..at];
            string? value = at < 0 ? null : entry[(at + 1)..];
            bool own = run.Config.Environment.TryGetValue(name, out string? signed);
            // A name without a value takes a variable away; of one that is not there, nothing.
            if (value is null ? !own : own && signed == value)
                continue;
            if (run.Request.Source != StartSource.Create && !own && (OfTheEngine.Contains(name, StringComparer.Ordinal) || (name == "PATH" && value == StartDefaults.Path)))
                continue;
            if (IsDangerous(name))
                run.Flag(StartCheck.EnvironmentChanged, "environment-dangerous", name);
            else if (!run.Allows(StartList.Environment, name))
                run.Flag(StartCheck.EnvironmentChanged, "environment-changed", name);
        }
    }

    public static bool IsDangerous(string name) =>
        StartDefaults.DangerousVariables.Any(d => d[^1] == '*' ? name.StartsWith(d.AsSpan(0, d.Length - 1), StringComparison.Ordinal) : d == name);
}
