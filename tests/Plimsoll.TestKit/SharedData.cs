namespace Plimsoll.TestKit;

/// <summary>The data folder that stands beside the checkout in CI; an outsider's clone has none.</summary>
public static class SharedData
{
    /// <summary>Its path, or null when it is absent.</summary>
    public static string? Folder { get; } = Find();

    /// <summary>A file or folder below it; call only in tests with the trait <c>needs=shared</c>.</summary>
    public static string At(params ReadOnlySpan<string> parts) =>
        Path.Combine([Folder ?? throw new InvalidOperationException("the shared data folder is absent; run with the filter that leaves needs=shared out"), .. parts]);

    private static string? Find()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
            if (Directory.Exists(Path.Combine(at.FullName, "shared", "data", "osv")))
                return Path.Combine(at.FullName, "shared", "data");
        return Environment.GetEnvironmentVariable("PLIMSOLL_SHARED_DATA") is { Length: > 0 } folder ? folder : null;
    }
}
