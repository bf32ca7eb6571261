using System.Diagnostics;
using Plimsoll.Agent.Gate;
using Plimsoll.Texts;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent;

/// <summary><c>plimsoll-agent clock</c> and <c>counter</c>: what the agent holds for wrong, and an administrator's word that it is explained.</summary>
internal static class AcceptCommand
{
    private const int Done = 0, Wrong = 1, Undecided = 3;

    /// <summary>How long the running agent is waited for, which looks each second.</summary>
    private const int PatienceSeconds = 20;

    /// <summary>For help.</summary>
    public static IReadOnlyList<HelpRow> Help => [new("--accept", Catalogue.AgentHelpAccept), new("--state DIR", Catalogue.AgentHelpState, AgentPaths.Default.State)];

    public static bool IsVerb(string word) => word is Acceptance.Clock or Acceptance.Counter;

    /// <returns>0 nothing is wrong, or it was accepted; 1 something is wrong; 3 it is accepted once the agent runs.</returns>
    /// <exception cref="OptionException">What was given, and what was wanted.</exception>
    /// <exception cref="AgentException">Somebody else than root.</exception>
    public static int Run(string verb, IReadOnlyList<string> arguments, Language language, TextWriter output)
    {
        AgentPaths paths = AgentPaths.Default;
        bool accept = false;
        for (int i = 0; i < arguments.Count; i++)
            if (arguments[i] == "--accept")
                accept = true;
            else if (arguments[i] == "--state")
                paths = paths with { State = ++i < arguments.Count ? AgentOptions.Absolute("--state", arguments[i]) : throw new OptionException(Catalogue.AgentWantsValue.With("--state")) };
            else
                throw OptionException.Unknown(Catalogue.AgentUnknownOption, arguments[i], Help.Select(h => h.Left.Split(' ')[0]).Append("--lang"));
        if (accept && !Environment.IsPrivilegedProcess)
            throw new AgentException(Catalogue.AgentAcceptRoot);
        if (TroubleOf(verb, paths, language) is not { } trouble)
            return Say(Done, Catalogue.AgentNothingWrong.In(language));
        if (!accept)
            return Say(Wrong, trouble);
        string user = Environment.GetEnvironmentVariable("SUDO_USER") is { Length: > 0 and <= 64 } sudo ? Escape.ForTerminal(sudo) : "root";
        Acceptance.Leave(paths, verb, user);
        using ManualResetEventSlim pause = new();
        for (Stopwatch waited = Stopwatch.StartNew(); File.Exists(Acceptance.PathOf(paths, verb)); pause.Wait(100))
            if (waited.Elapsed.TotalSeconds > PatienceSeconds)
                return Say(Undecided, Catalogue.AgentAcceptLeft.In(language, PatienceSeconds));
        return Say(Done, Catalogue.AgentAcceptDone.In(language));

        int Say(int code, string text)
        {
            output.WriteLine(text);
            return code;
        }
    }

    private static string? TroubleOf(string verb, AgentPaths paths, Language language) =>
        verb == Acceptance.Counter ? Acceptance.TroubleOf(paths.CounterTrouble) : HostClock.TroubleOf(paths.Clock, TimeProvider.System.GetUtcNow())?.In(language);
}
