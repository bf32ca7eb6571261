namespace Plimsoll.TestKit;

/// <summary>Debian root file systems made by debootstrap (minbase, main only), built once and kept; need root and a mirror.</summary>
public static class DebianRoots
{
    /// <summary>The root of a suite.</summary>
    /// <param name="suite"><c>bullseye</c>, <c>bookworm</c>, <c>trixie</c>.</param>
    /// <remarks>
    /// Kept in <c>PLIMSOLL_TEST_CACHE</c>, else <c>~/.cache/plimsoll-tests</c>. Built aside and renamed, so that a root that is
    /// there is whole; two processes that build at once end with the first one's. Treat it as read-only.
    /// </remarks>
    public static string Get(string suite)
    {
        string cache = Environment.GetEnvironmentVariable("PLIMSOLL_TEST_CACHE") is { Length: > 0 } folder
            ? folder
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "plimsoll-tests");
        string root = Path.Combine(cache, $"debian-{suite}");
        if (Directory.Exists(root))
            return root;
        Directory.CreateDirectory(cache);
        string aside = Path.Combine(cache, $".{suite}-{Guid.NewGuid():n}");
        Tool.Run("debootstrap", ["--variant=minbase", "--components=main", suite, aside]);
        try
        {
            Directory.Move(aside, root);
        }
        catch (IOException) when (Directory.Exists(root))
        {
            Tool.Run("rm", ["-rf", aside]);
        }
        return root;
    }
}
