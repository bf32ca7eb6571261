namespace Plimsoll.Inspect.Packages;

/// <summary>Which files a distribution's packages may own, so far as it matters for what languages and programs say.</summary>
/// <remarks>
/// A file list lies in the image and is only a claim. It counts where three things agree: the path is one that distributions
/// alone write to, the content has the checksum that the list gives, and the package is in the database (docs/checks/languages.md).
/// </remarks>
public static class Ownership
{
    /// <summary>Whether the path lies where only distributions put files. Never usr/local, opt, srv, home, root or a folder of an application.</summary>
    public static bool IsSystemPath(ReadOnlySpan<byte> path)
    {
        if (path.StartsWith("usr/"u8))
            path = path[4..];
        return path.StartsWith("lib"u8) && (path[3..].StartsWith("/"u8) || path[3..].StartsWith("64/"u8) || path[3..].StartsWith("exec/"u8))
            || path.StartsWith("bin/"u8) || path.StartsWith("sbin/"u8) || path.StartsWith("share/"u8);
    }

    /// <summary>
    /// Whether a file that a package claims is worth keeping: it lies on a system path, and an analyser of languages or
    /// programs may read packages out of it (lists of packages, archives, programs and libraries). Allocates nothing.
    /// </summary>
    public static bool MayMatter(ReadOnlySpan<byte> path)
    {
        // Whoever asks what runs by itself, or as whom, has to know which of it the distribution brought.
        if (path.StartsWith("etc/cron"u8) || path.StartsWith("etc/sudoers"u8))
            return true;
        if (!IsSystemPath(path))
            return false;
        if (LanguageAnalysers.Files.Wants(path))
            return true;
        ReadOnlySpan<byte> name = path[(path.LastIndexOf((byte)'/') + 1)..];
        if (name.EndsWith("ar"u8) && (name.EndsWith(".jar"u8) || name.EndsWith(".war"u8) || name.EndsWith(".ear"u8)))
            return true;
        if (name.EndsWith(".json"u8))
            return name.EndsWith(".deps.json"u8);
        if (path.IndexOf("bin/"u8) is 0 or 1 or 4 or 5)
            return true;
        // Programs beside libraries have no ending; libraries have versions behind theirs, and .NET's end as on Windows.
        bool isShare = path.StartsWith("usr/share/"u8) || path.StartsWith("share/"u8);
        return !isShare && (name.IndexOf((byte)'.') < 0 || name.EndsWith(".so"u8) || name.IndexOf(".so."u8) >= 0 || name.EndsWith(".dll"u8));
    }
}
