using System.Text;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Gate;

/// <summary>
/// What an administrator accepts although the agent holds it for wrong: a small file in the state folder, which is root's, with the name of who said so. The agent takes it away once
/// its evidence log has the line.
/// </summary>
internal static class Acceptance
{
    /// <summary>The clock, though it is behind; the log, though it is not level with its counter.</summary>
    public const string Clock = "clock", Counter = "counter";

    private const int MaxBytes = 256, MaxTroubleBytes = 4096;

    public static string PathOf(AgentPaths paths, string what) => Path.Combine(paths.State, $"accept-{what}");

    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public static void Leave(AgentPaths paths, string what, string by) => DurableFile.Write(PathOf(paths, what), Encoding.UTF8.GetBytes(by), DurableFile.OwnerOnly);

    /// <summary>What the agent says is wrong between the log and its counter.</summary>
    /// <returns>Null: nothing, as far as the file tells.</returns>
    public static string? TroubleOf(string path)
    {
        try
        {
            return File.Exists(path) && SmallFile.ReadRegular(path, MaxTroubleBytes) is { } text ? Escape.ForTerminal(Encoding.UTF8.GetString(text).TrimEnd('\n')) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Escape.ForTerminal(e.Message);
        }
    }

    /// <summary>Who accepted it; null when nobody did.</summary>
    public static string? Find(AgentPaths paths, string what)
    {
        try
        {
            return File.Exists(PathOf(paths, what)) && SmallFile.ReadRegular(PathOf(paths, what), MaxBytes) is { } by ? Encoding.UTF8.GetString(by) : null;
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
