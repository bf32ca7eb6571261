using Plimsoll.Oci;

namespace Plimsoll.Verify.Start;

/// <summary>The image of a start.</summary>
public sealed class StartImage
{
    /// <summary>Digest of the config, which is the image's id.</summary>
    public required Digest Config { get; init; }

    /// <summary>The config byte for byte; its digest was checked.</summary>
    public required ReadOnlyMemory<byte> ConfigJson { get; init; }

    private SignedConfig? _signed;

    /// <summary>What <see cref="ConfigJson"/> says.</summary>
    /// <exception cref="StartRequestException">It cannot be read for certain.</exception>
    internal SignedConfig Signed => _signed ??= SignedConfig.Parse(ConfigJson);

    /// <summary>Every name that it goes by on this host; empty: none.</summary>
    public IReadOnlyList<ImageName> Names { get; init; } = [];
}

/// <summary>Who asked the daemon, as far as the daemon says: the subject of the client's TLS certificate.</summary>
/// <param name="User">Empty on the unix socket.</param>
/// <param name="Method"><c>TLS</c>, or empty.</param>
public sealed record StartClient(string User, string Method)
{
    public static StartClient Unknown { get; } = new("", "");
}
