using System.Text;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Gate;

/// <summary>
/// What an administrator accepts although the agent holds it for wrong: a small file in the state folder, which is root's, with the name of who said so. The agent takes it away once
/// its evidence log has the line.
/// </summary>
/// <param name="By">Who said so.</param>
/// <param name="Of">What exactly was seen to be wrong; empty for the clock.</param>
internal sealed record Acceptance(string By, string Of)
{
    /// <summary>The clock, though it is behind; the log, though it is not level with its counter.</summary>
    public const string Clock = "clock", Counter = "counter";

    private const int MaxBytes = 256, MaxTroubleBytes = 4096;

    public static string PathOf(AgentPaths paths, string what) => Path.Combine(paths.State, $"accept-{what}");

    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public void Leave(AgentPaths paths, string what) => DurableFile.Write(PathOf(paths, what), Encoding.UTF8.GetBytes($"{By}\n{Of}"), DurableFile.OwnerOnly);

    /// <summary>What the agent says is wrong between the log and its counter, and the numbers that an acceptance of it names.</summary>
    /// <returns>Null: nothing, as far as the file tells.</returns>
    public static (string Text, string Of)? TroubleOf(string path)
    {
        try
        {
            if (!File.Exists(path))
                return null;
            string[] lines = SmallFile.ReadRegular(path, MaxTroubleBytes) is { } text ? Encoding.UTF8.GetString(text).Split('\n') : [$"{path}: no regular file, or longer than {MaxTroubleBytes} bytes"];
            return (Escape.ForTerminal(lines[0]), lines.Length > 1 ? lines[1] : "");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (Escape.ForTerminal(e.Message), "");
        }
    }

    /// <summary>Null when nobody accepted it.</summary>
    public static Acceptance? Find(AgentPaths paths, string what)
    {
        try
        {
            return File.Exists(PathOf(paths, what)) && SmallFile.ReadRegular(PathOf(paths, what), MaxBytes) is { } text && Encoding.UTF8.GetString(text).Split('\n') is var lines
                ? new Acceptance(lines[0], lines.Length > 1 ? lines[1] : "") : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public static void Remove(AgentPaths paths, string what)
    {
        try
        {
            File.Delete(PathOf(paths, what));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is seen again, and does no harm: there is nothing to accept any more.
        }
    }
}
