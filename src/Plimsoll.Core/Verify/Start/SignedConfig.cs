namespace Plimsoll.Verify.Start;

/// <summary>How the image itself says that it runs.</summary>
internal sealed record SignedConfig
{
    public static SignedConfig Nothing { get; } = new();

    /// <summary>That of an image which is not there: what it alone decides is left to those who see it.</summary>
    public static SignedConfig Unknown { get; } = new() { IsKnown = false };

    public bool IsKnown { get; private init; } = true;

    public IReadOnlyList<string> Entrypoint { get; init; } = [];
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>Value by name; of several the last, as the engine takes it.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);
    public string User { get; init; } = "";
    public string WorkingDirectory { get; init; } = "";
    public IReadOnlyList<string> HealthCheck { get; init; } = [];
    public IReadOnlyList<string> Shell { get; init; } = [];

    /// <summary>Places of its volumes, which the engine makes by itself.</summary>
    public IReadOnlyList<string> Volumes { get; init; } = [];

    /// <exception cref="StartRequestException">It cannot be read for certain.</exception>
    public static SignedConfig Parse(ReadOnlyMemory<byte> json)
    {
        GoStruct config = new GoStruct(GoJson.Parse(json.Span, StartLimits.MaxBytes, "the image's config"), "").Struct("config");
        GoStruct health = config.Struct("Healthcheck");
        Dictionary<string, string> environment = new(StringComparer.Ordinal);
        foreach (string entry in config.Texts("Env"))
            if (entry.IndexOf('=', StringComparison.Ordinal) is >= 0 and var at)
                environment[entry[..at]] = entry[(at + 1)..];
        return new SignedConfig
        {
            Entrypoint = config.FindWords("Entrypoint") ?? [],
            Command = config.FindWords("Cmd") ?? [],
            Environment = environment,
            Labels = config.TextMap("Labels").ToDictionary(StringComparer.Ordinal),
            User = config.Text("User"),
            WorkingDirectory = config.Text("WorkingDir"),
            HealthCheck = health.Find("Test") is { } test ? GoStruct.TextsOf(test, "config.Healthcheck.Test") : [],
            Shell = config.FindWords("Shell") ?? [],
            Volumes = [.. config.MapOf("Volumes").Select(v => v.Key)],
        };
    }
}
