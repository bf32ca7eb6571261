using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Plimsoll.Docker;

/// <summary>What <c>GET /images/NAME/json</c> says of an image; said by the daemon, proved by nothing.</summary>
/// <param name="Id">Digest of the config; with containerd's image store, of the manifest or index.</param>
internal sealed record ImageInspect(string? Id, IReadOnlyList<string>? RepoTags, IReadOnlyList<string>? RepoDigests)
{
    public EngineGraphDriver? GraphDriver { get; init; }
}

/// <summary>Where the storage driver has an image's top layer.</summary>
/// <param name="Data">Of overlay2: <c>UpperDir</c>, <c>LowerDir</c> and others.</param>
internal sealed record EngineGraphDriver(IReadOnlyDictionary<string, string?>? Data);

/// <summary>The part of <c>GET /info</c> that says where and how images are stored.</summary>
internal sealed record EngineInfo(string? DockerRootDir, string? Driver, IReadOnlyList<IReadOnlyList<string>>? DriverStatus, IReadOnlyList<string>? SecurityOptions)
{
    /// <summary>Images are in containerd's store (Docker 25 and later, when switched on): their ids are not config digests.</summary>
    [JsonIgnore]
    public bool UsesContainerd => DriverStatus?.Any(line => line is [_, string value, ..] && value.StartsWith("io.containerd.snapshotter", StringComparison.Ordinal)) == true;

    /// <summary>Files in the store belong to shifted users, or to a user's own daemon.</summary>
    [JsonIgnore]
    public bool ShiftsUsers => SecurityOptions?.Any(option => option is "name=userns" or "name=rootless") == true;

    /// <summary>Where unpacked files' owners were moved to; null when it cannot be told.</summary>
    /// <remarks>A daemon with <c>userns-remap</c> keeps its data below <c>UID.GID</c>, the first ids of its range (moby/moby, daemon/daemon_unix.go, setupDaemonRoot).</remarks>
    [JsonIgnore]
    public Oci.IdShift? Ids
    {
        get
        {
            if (!ShiftsUsers)
                return Oci.IdShift.None;
            if (SecurityOptions!.Contains("name=rootless"))
                return null;
            string[] first = (DockerRootDir ?? "").TrimEnd('/').Split('/')[^1].Split('.');
            return first.Length == 2 && uint.TryParse(first[0], NumberStyles.None, CultureInfo.InvariantCulture, out uint user) && uint.TryParse(first[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint group)
                ? new Oci.IdShift(user, group, (1L << 32) - Math.Max(user, group)) : null;
        }
    }
}

/// <summary>One of <c>GET /images/json</c>.</summary>
internal sealed record EngineImage(string? Id, IReadOnlyList<string?>? RepoTags);

/// <summary>One line of <c>GET /events</c>.</summary>
/// <param name="Actor">For a pull the name that was pulled, else the image's id.</param>
internal sealed record EngineEvent(string? Type, string? Action, EngineActor? Actor);

internal sealed record EngineActor([property: JsonPropertyName("ID")] string? Id);

/// <summary>The store's repositories.json: names, each with the ids of its tags.</summary>
internal sealed record StoreRepositories(IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>?>? Repositories);

/// <summary>How the daemon words an error.</summary>
internal sealed record EngineMessage([property: JsonPropertyName("message")] string? Message);

/// <summary>The client's config.json, as far as it matters here.</summary>
internal sealed record ClientConfig([property: JsonPropertyName("currentContext")] string? CurrentContext);

/// <summary>A context's meta.json.</summary>
internal sealed record ContextMeta(string? Name, IReadOnlyDictionary<string, ContextEndpoint>? Endpoints);

/// <summary>Where a context's daemon is.</summary>
internal sealed record ContextEndpoint(string? Host, bool SkipTLSVerify);

[JsonSourceGenerationOptions(MaxDepth = 32, RespectNullableAnnotations = false)]
[JsonSerializable(typeof(ImageInspect))]
[JsonSerializable(typeof(EngineInfo))]
[JsonSerializable(typeof(IReadOnlyList<EngineImage>))]
[JsonSerializable(typeof(EngineEvent))]
[JsonSerializable(typeof(StoreRepositories))]
[JsonSerializable(typeof(EngineMessage))]
[JsonSerializable(typeof(ClientConfig))]
[JsonSerializable(typeof(ContextMeta))]
internal sealed partial class DockerJson : JsonSerializerContext;
