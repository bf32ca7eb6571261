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

    /// <returns>0 nothing is wrong, or it was accepted; 1 something is wrong; 3 that cannot be read, or the agent did not take it yet.</returns>
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
        if (!MayLook(paths.State))
            return Say(Undecided, Catalogue.AgentLookRoot.In(language, Escape.ForTerminal(paths.State)));
        if (TroubleOf(verb, paths, language) is not { } trouble)
            return Say(Done, Catalogue.AgentNothingWrong.In(language));
        if (!accept)
            return Say(Wrong, trouble.Text);
        string user = Environment.GetEnvironmentVariable("SUDO_USER") is { Length: > 0 and <= 64 } sudo ? Escape.ForTerminal(sudo) : "root";
        new Acceptance(user, trouble.Of).Leave(paths, verb);
        using ManualResetEventSlim pause = new();
        for (Stopwatch waited = Stopwatch.StartNew(); File.Exists(Acceptance.PathOf(paths, verb)); pause.Wait(100))
            if (waited.Elapsed.TotalSeconds > PatienceSeconds)
                return Say(Undecided, Left());
        if (verb == Acceptance.Counter && TroubleOf(verb, paths, language) is { } still)
            return Say(Wrong, still.Text);
        return Say(Done, Catalogue.AgentAcceptDone.In(language));

        string Left()
        {
            if (verb == Acceptance.Clock)
                return Catalogue.AgentAcceptLeft.In(language, PatienceSeconds);
            // The agent throws it away when it starts: it might have come with an older state.
            Acceptance.Remove(paths, verb);
            return Catalogue.AgentAcceptNotTaken.In(language, PatienceSeconds);
        }

        int Say(int code, string text)
        {
            output.WriteLine(text);
            return code;
        }
    }

    private static (string Text, string Of)? TroubleOf(string verb, AgentPaths paths, Language language) =>
        verb == Acceptance.Counter ? Acceptance.TroubleOf(paths.CounterTrouble) : HostClock.TroubleOf(paths.Clock, TimeProvider.System.GetUtcNow()) is { } text ? (text.In(language), "") : null;

    /// <summary>A folder that is not there holds nothing wrong; of one that may not be read nobody knows.</summary>
    private static bool MayLook(string folder)
    {
        try
        {
            _ = Directory.EnumerateFileSystemEntries(folder).Any();
            return true;
        }
        catch (DirectoryNotFoundException)
        {
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }
}
