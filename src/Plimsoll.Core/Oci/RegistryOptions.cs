namespace Plimsoll.Oci;

/// <summary>How registries are reached. A public registry needs none of it.</summary>
public sealed record RegistryOptions
{
    public static RegistryOptions Default { get; } = new();

    /// <summary>Registries, as <c>HOST[:PORT]</c>, that are spoken to without TLS. No other is, the local host included.</summary>
    public IReadOnlyList<string> PlainHttp { get; init; } = [];

    /// <summary>Mirrors of registries, tried in this order before the registry itself; what they send has to have the right digest.</summary>
    public IReadOnlyList<RegistryPair> Mirrors { get; init; } = [];

    /// <summary>Hosts that may hand out tokens for a registry beside the registry itself, and so get its credentials.</summary>
    public IReadOnlyList<RegistryPair> TokenRealms { get; init; } = [];

    /// <summary>PEM file of the authorities that count for registries without a folder of their own; null: the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>
    /// Folders that may hold one named <c>HOST[:PORT]</c> for a registry, with <c>*.crt</c> (authorities) and <c>NAME.cert</c> with
    /// <c>NAME.key</c> (this client's certificate). The first that has the registry counts.
    /// </summary>
    public IReadOnlyList<string> CertificateFolders { get; init; } = ["/etc/docker/certs.d", "/etc/containers/certs.d"];

    /// <summary>Whether programs that keep credentials are run where a file names them.</summary>
    public bool CredentialHelpers { get; init; } = true;

    public RegistryLimits Limits { get; init; } = RegistryLimits.Default;
}

/// <param name="Registry">As names of images have it: <c>HOST[:PORT]</c>.</param>
/// <param name="Other">A mirror (<c>HOST[:PORT][/PREFIX]</c>) or a host that hands out tokens (<c>HOST[:PORT]</c>).</param>
public sealed record RegistryPair(string Registry, string Other);

/// <summary>Bounds on what a registry may say and on how long it may take. Each has a test.</summary>
public sealed record RegistryLimits
{
    public static RegistryLimits Default { get; } = new();

    /// <summary>Bytes of a manifest or index. The distribution specification lets a registry refuse more.</summary>
    public int MaxManifestBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Bytes of the answer of a token server. Real ones have a few thousand.</summary>
    public int MaxTokenBytes { get; init; } = 256 * 1024;

    /// <summary>Redirects from one request. Registries send one, to where their blobs are stored.</summary>
    public int MaxRedirects { get; init; } = 5;

    /// <summary>Pages of one list.</summary>
    public int MaxPages { get; init; } = 200;

    /// <summary>Tags of one repository.</summary>
    public int MaxTags { get; init; } = 100_000;

    /// <summary>Signatures and other things that refer to one image.</summary>
    public int MaxReferrers { get; init; } = 1000;

    /// <summary>Until a connection stands.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Until a request is answered, and the time in which <see cref="MinProgressBytes"/> must come.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Fewer bytes than these in <see cref="StallTimeout"/> are a stall, so that a trickle does not hold a scan for days.</summary>
    public int MinProgressBytes { get; init; } = 16 * 1024;

    /// <summary>Attempts without any progress, the first included.</summary>
    public int MaxAttempts { get; init; } = 5;

    /// <summary>Connections for one blob, however much each brought.</summary>
    public int MaxConnectionsPerBlob { get; init; } = 64;

    /// <summary>Wait before the second attempt; each further one waits twice as long, up to <see cref="MaxBackOff"/>.</summary>
    public TimeSpan FirstBackOff { get; init; } = TimeSpan.FromMilliseconds(500);

    public TimeSpan MaxBackOff { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest wait that a registry may ask for with Retry-After; a longer one is an error that says so.</summary>
    public TimeSpan MaxRetryAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Bytes that one request of an upload carries and that are held in memory, so that they can be sent again.</summary>
    public int UploadPartBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Fewest bytes of such a part, when something on the way refuses larger ones.</summary>
    public int MinUploadPartBytes { get; init; } = 256 * 1024;

    /// <summary>Most bytes that a registry may ask each part to have.</summary>
    public int MaxUploadPartBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Times that a list of referrers is written again because somebody else wrote it too.</summary>
    public int MaxListRewrites { get; init; } = 10;

    /// <summary>Until a credential helper has answered.</summary>
    public TimeSpan HelperTimeout { get; init; } = TimeSpan.FromSeconds(20);
}
