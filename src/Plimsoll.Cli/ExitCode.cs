namespace Plimsoll.Cli;

/// <summary>What the process says to its caller; 1 wins over 3.</summary>
public static class ExitCode
{
    public const int Done = 0;

    /// <summary>Refused, or a threshold crossed (<c>--fail-on</c>).</summary>
    public const int Refused = 1;

    /// <summary>Wrong arguments or configuration; nothing was done.</summary>
    public const int Usage = 2;

    /// <summary>Could not decide, or the answer is incomplete.</summary>
    public const int Undecided = 3;
}
