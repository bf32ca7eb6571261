namespace Plimsoll.TestKit;

/// <summary>The checkout that the running tests were built from.</summary>
public static class Repository
{
    /// <summary>The folder of the solution file.</summary>
    public static string Root { get; } = Find();

    /// <summary>A path below the root.</summary>
    public static string At(params ReadOnlySpan<string> parts) => Path.Combine([Root, .. parts]);

    /// <summary>Files below the root that a person wrote: nothing that a build made, nothing of git; in ordinal order.</summary>
    public static IReadOnlyList<string> Files(string pattern, params ReadOnlySpan<string> folder)
    {
        string top = At(folder);
        if (!Directory.Exists(top))
            return [];
        return [.. Directory.EnumerateFiles(top, pattern, SearchOption.AllDirectories)
            .Where(path => !Path.GetRelativePath(Root, path).Split('/').Any(part => part is "artifacts" or "bin" or "obj" or ".git" or "TestResults"))
            .Order(StringComparer.Ordinal)];
    }

    private static string Find()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
            if (File.Exists(Path.Combine(at.FullName, "Plimsoll.slnx")))
                return at.FullName;
        throw new InvalidOperationException($"no Plimsoll.slnx above {AppContext.BaseDirectory}");
    }
}
