namespace Plimsoll.Docker;

/// <summary>How long a daemon may take and how much it may say.</summary>
public sealed record EngineOptions
{
    public static EngineOptions Default { get; } = new();

    /// <summary>Until the connection stands. A local socket answers at once.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Until a question is answered, and longest silence within an answer.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Until an export begins: Docker's own store first copies the whole image to a temporary folder in silence.</summary>
    public TimeSpan ExportTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Bytes of one answer that is not an export. An image of 127 layers with long labels stays far below.</summary>
    public int MaxAnswerBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Bytes of one export.</summary>
    public long MaxExportBytes { get; init; } = 1L << 40;

    /// <summary>Read a local overlay2 store in place when that is possible.</summary>
    public bool ReadStoreInPlace { get; init; } = true;
}
