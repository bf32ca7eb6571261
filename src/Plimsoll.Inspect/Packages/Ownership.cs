namespace Plimsoll.Inspect.Packages;

/// <summary>Whether a file that an analyser of languages or programs found belongs to a package of the distribution.</summary>
public static class Ownership
{
    /// <summary>Whether distributions put files there; what lies elsewhere is the application's, whatever a package's list claims.</summary>
    public static bool IsSystemPath(ReadOnlySpan<byte> path) =>
        (path.StartsWith("usr/"u8) && !path.StartsWith("usr/local/"u8)) || path.StartsWith("bin/"u8) || path.StartsWith("sbin/"u8) || path.StartsWith("lib/"u8)
        || path.StartsWith("lib32/"u8) || path.StartsWith("lib64/"u8) || path.StartsWith("etc/"u8) || path.StartsWith("var/lib/"u8);
}
