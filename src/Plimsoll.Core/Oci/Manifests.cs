namespace Plimsoll.Oci;

/// <summary>Media types of the OCI image specification 1.1 and of Docker's image manifest V2, schema 2.</summary>
public static class MediaTypes
{
    public const string OciIndex = "application/vnd.oci.image.index.v1+json";
    public const string OciManifest = "application/vnd.oci.image.manifest.v1+json";
    public const string OciConfig = "application/vnd.oci.image.config.v1+json";
    public const string OciLayer = "application/vnd.oci.image.layer.v1.tar";
    public const string OciLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
    public const string OciLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";
    public const string DockerIndex = "application/vnd.docker.distribution.manifest.list.v2+json";
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
    public const string DockerConfig = "application/vnd.docker.container.image.v1+json";
    public const string OciEmpty = "application/vnd.oci.empty.v1+json";
    public const string DockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";

    public static bool IsIndex(string? mediaType) => mediaType is OciIndex or DockerIndex;

    public static bool IsManifest(string? mediaType) => mediaType is OciManifest or DockerManifest;
}

/// <summary>A reference to content: what it is, its digest and its length in bytes.</summary>
/// <remarks>As read, nothing checked: <see cref="Digest"/> is text until <see cref="Oci.Digest.TryParse"/> accepts it.</remarks>
public sealed record Descriptor
{
    public string? MediaType { get; init; }
    public string? Digest { get; init; }
    public long Size { get; init; } = -1;
    public DescriptorPlatform? Platform { get; init; }
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
    public string? ArtifactType { get; init; }
}

public sealed record DescriptorPlatform
{
    public string? Os { get; init; }
    public string? Architecture { get; init; }
    public string? Variant { get; init; }
}

/// <summary>An OCI image index or a Docker manifest list.</summary>
public sealed record ImageIndex
{
    public int SchemaVersion { get; init; }
    public string? MediaType { get; init; }
    public IReadOnlyList<Descriptor>? Manifests { get; init; }

    /// <summary>What this refers to, for artifacts about something else.</summary>
    public Descriptor? Subject { get; init; }
    public string? ArtifactType { get; init; }
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
}

/// <summary>An OCI image manifest or a Docker image manifest V2, schema 2. Layers stand base first.</summary>
public sealed record ImageManifest
{
    public int SchemaVersion { get; init; }
    public string? MediaType { get; init; }
    public Descriptor? Config { get; init; }
    public IReadOnlyList<Descriptor>? Layers { get; init; }

    /// <summary>What this refers to, for artifacts about something else.</summary>
    public Descriptor? Subject { get; init; }
    public string? ArtifactType { get; init; }
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
}

/// <summary>One image of a <c>docker save</c> archive's <c>manifest.json</c>. Layers stand base first.</summary>
public sealed record ArchiveManifest
{
    public string? Config { get; init; }
    public IReadOnlyList<string>? RepoTags { get; init; }
    public IReadOnlyList<string>? Layers { get; init; }
}

/// <summary>The image configuration: what the process will be, and the diffIDs and history of the layers.</summary>
/// <remarks>Source: OCI image specification 1.1, config.md.</remarks>
public sealed record ImageConfig
{
    public string? Created { get; init; }
    public string? Architecture { get; init; }
    public string? Os { get; init; }
    public string? Variant { get; init; }
    public ProcessConfig? Config { get; init; }
    public RootFs? Rootfs { get; init; }
    public IReadOnlyList<HistoryEntry>? History { get; init; }
}

/// <summary>The <c>config</c> member: names are capitalised there.</summary>
public sealed record ProcessConfig
{
    public string? User { get; init; }
    public IReadOnlyList<string>? Env { get; init; }
    public IReadOnlyList<string>? Entrypoint { get; init; }
    public IReadOnlyList<string>? Cmd { get; init; }
    public string? WorkingDir { get; init; }
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>As written, in the order of the file: <c>80/tcp</c>, <c>53/udp</c>, <c>8080</c>, <c>8000-8010/tcp</c>.</summary>
    public IReadOnlyList<string>? ExposedPorts { get; init; }

    /// <summary>Folders that become volumes, in the order of the file.</summary>
    public IReadOnlyList<string>? Volumes { get; init; }
    public HealthCheckConfig? Healthcheck { get; init; }
    public string? StopSignal { get; init; }

    /// <summary>Dockerfile lines that run in images built on this one.</summary>
    public IReadOnlyList<string>? OnBuild { get; init; }
    public IReadOnlyList<string>? Shell { get; init; }

    /// <summary>Windows only: the command is one line that is escaped already.</summary>
    public bool ArgsEscaped { get; init; }
}

/// <summary>How the container is asked whether it is well; Docker's own, not part of the OCI specification.</summary>
/// <remarks>Source: moby, image/spec/specs-go/v1, HealthcheckConfig.</remarks>
public sealed record HealthCheckConfig
{
    /// <summary>Empty or null: as the base image has it; <c>NONE</c>: none; <c>CMD</c> or <c>CMD-SHELL</c> and the command.</summary>
    public IReadOnlyList<string>? Test { get; init; }
}

public sealed record RootFs
{
    public string? Type { get; init; }

    /// <summary>Digest of each uncompressed layer tar, base layer first.</summary>
    public IReadOnlyList<string>? DiffIds { get; init; }
}

/// <summary>One line of the image's history, oldest first; a line with <see cref="EmptyLayer"/> made no layer.</summary>
public sealed record HistoryEntry
{
    public string? Created { get; init; }
    public string? CreatedBy { get; init; }
    public string? Author { get; init; }
    public string? Comment { get; init; }
    public bool EmptyLayer { get; init; }
}
