namespace Plimsoll.TestKit;

/// <summary>Debian root file systems made by debootstrap (minbase, main only), built once and kept; need root and a mirror.</summary>
public static class DebianRoots
{
    // A root takes half a minute from a near mirror, and some minutes from a slow one.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15), Step = TimeSpan.FromMilliseconds(200);

    /// <summary>The root of a suite.</summary>
    /// <param name="suite"><c>bullseye</c>, <c>bookworm</c>, <c>trixie</c>.</param>
    /// <param name="packages">What it has beyond the least; a root of its own for each set.</param>
    /// <remarks>
    /// Kept in <c>PLIMSOLL_TEST_CACHE</c>, else <c>~/.cache/plimsoll-tests</c>. Built aside and renamed, so that a root that is
    /// there is whole; of two that ask at once the second waits. Treat it as read-only.
    /// </remarks>
    public static string Get(string suite, params ReadOnlySpan<string> packages)
    {
        string cache = Environment.GetEnvironmentVariable("PLIMSOLL_TEST_CACHE") is { Length: > 0 } folder
            ? folder
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "plimsoll-tests");
        string root = Path.Combine(cache, $"debian-{suite}{(packages.IsEmpty ? "" : "-" + packages[0])}");
        if (Directory.Exists(root))
            return root;
        Directory.CreateDirectory(cache);
        using FileStream held = Lock(Path.Combine(cache, $".{Path.GetFileName(root)}.lock"));
        if (Directory.Exists(root))
            return root;
        string aside = Path.Combine(cache, $".{suite}-{Guid.NewGuid():n}");
        Tool.Run("debootstrap", ["--variant=minbase", "--components=main", .. packages.IsEmpty ? Array.Empty<string>() : [$"--include={string.Join(',', packages)}"], suite, aside]);
        Directory.Move(aside, root);
        return root;
    }

    /// <summary>Waits for whoever is building the same root, in this process or another; the kernel lets go of it when that one ends.</summary>
    private static FileStream Lock(string path)
    {
        using ManualResetEventSlim pause = new();
        for (TimeSpan waited = TimeSpan.Zero; ; waited += Step)
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (waited < Patience)
            {
                pause.Wait(Step);
            }
    }
}
