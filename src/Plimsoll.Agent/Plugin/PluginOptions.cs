namespace Plimsoll.Agent.Plugin;

/// <summary>How the plugin decides, beside policy.</summary>
public sealed record PluginOptions
{
    /// <summary>Runtimes under whose names the daemon knows our launchers; empty is the daemon's default, which is one of them. All others are denied whatever policy says.</summary>
    public IReadOnlySet<string> Runtimes { get; init; } = new HashSet<string>(StringComparer.Ordinal) { "", "plimsoll", "plimsoll-runsc" };

    /// <summary>Told of each container whose start was allowed, by its whole id, before the answer.</summary>
    public Action<string> Started { get; init; } = _ => { };

    /// <summary>For one answer, call-backs and all; below the front process's own patience of 5 s, so that the reason gets through.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>For one call-back to the daemon.</summary>
    public TimeSpan CallDeadline { get; init; } = TimeSpan.FromSeconds(3);
}
