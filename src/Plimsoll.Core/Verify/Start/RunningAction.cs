namespace Plimsoll.Verify.Start;

/// <summary>What becomes of a running container that would not be allowed to start now.</summary>
public enum RunningAction
{
    /// <summary>Default: it is written down, and runs on. Ending a service is worse than a line where nobody said otherwise.</summary>
    Report = 0,

    /// <summary>Its processes are frozen, and stay for whoever looks into it.</summary>
    Pause,

    /// <summary>It is ended, as by <c>docker stop</c>.</summary>
    Stop,
}

/// <summary>The words of <see cref="RunningAction"/>s in policies.</summary>
public static class RunningWords
{
    public static IReadOnlyList<RunningAction> All { get; } = Enum.GetValues<RunningAction>();

    public static string Word(this RunningAction action) => action switch
    {
        RunningAction.Pause => "pause",
        RunningAction.Stop => "stop",
        _ => "report",
    };
}
