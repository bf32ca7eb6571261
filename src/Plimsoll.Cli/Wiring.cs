using Plimsoll.Inspect;

namespace Plimsoll.Cli;

/// <summary>The real stages behind the verbs.</summary>
internal static class Wiring
{
    public static ScanServices Services() => new()
    {
        Scan = Scanner.Scan,
        OpenDatabase = _ => throw new CommandException(ExitCode.Undecided, "this build reads no advisory database"),
        OpenStarterSet = () => throw new CommandException(ExitCode.Undecided, "this build has no starter set"),
        UpdateDatabase = (_, _) => throw new CommandException(ExitCode.Undecided, "this build does not update databases"),
        ReadSuppressions = _ => throw new CommandException(ExitCode.Undecided, "this build reads no suppression files"),
    };
}
