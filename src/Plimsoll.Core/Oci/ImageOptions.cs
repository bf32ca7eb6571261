namespace Plimsoll.Oci;

/// <summary>How an image is to be opened.</summary>
public sealed record ImageOptions
{
    /// <summary>Null: this host's platform, or the only one there is.</summary>
    public Platform? Platform { get; init; }
    public Verification Verification { get; init; }
    public OciLimits Limits { get; init; } = OciLimits.Default;
    public IProofs? Proofs { get; init; }
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How registries are reached.</summary>
    public RegistryOptions Registry { get; init; } = RegistryOptions.Default;

    /// <summary>Environment variables; for <c>DOCKER_HOST</c>, <c>HTTPS_PROXY</c> and their kin.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>Opens standard input; for <c>-</c>.</summary>
    public Func<Stream> OpenStandardInput { get; init; } = Console.OpenStandardInput;
}
