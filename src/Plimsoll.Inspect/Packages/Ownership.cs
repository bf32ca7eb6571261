namespace Plimsoll.Inspect.Packages;

/// <summary>Which of a distribution's files an analyser of languages or programs may want.</summary>
static class Ownership
{
    /// <param name="path">Bytes, relative to the image's root, no leading slash.</param>
    public static bool MayMatter(ReadOnlySpan<byte> path)
    {
        if (path.StartsWith("usr/"u8))
            path = path[4..];
        int slash = path.IndexOf((byte)'/');
        if (slash <= 0)
            return false;
        ReadOnlySpan<byte> top = path[..slash];
        if (top.SequenceEqual("bin"u8) || top.SequenceEqual("sbin"u8))
            return true;
        if (!top.StartsWith("lib"u8) && !top.SequenceEqual("share"u8))
            return false;
        ReadOnlySpan<byte> name = path[(path.LastIndexOf((byte)'/') + 1)..], folder = path[..path.LastIndexOf((byte)'/')];
        return name.SequenceEqual("METADATA"u8) || name.SequenceEqual("PKG-INFO"u8) || name.SequenceEqual("package.json"u8)
            || name.EndsWith(".jar"u8) || name.EndsWith(".war"u8) || name.EndsWith(".ear"u8) || name.EndsWith(".gemspec"u8)
            || name.EndsWith(".egg-info"u8) || name.EndsWith(".deps.json"u8) || name.SequenceEqual("installed.json"u8)
            || folder.EndsWith("/bin"u8) || top.SequenceEqual("libexec"u8);
    }
}
