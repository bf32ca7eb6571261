using System.Text.Json;
using System.Text.Json.Serialization;

namespace Plimsoll.Docker;

/// <summary>What <c>GET /images/NAME/json</c> says of an image; said by the daemon, proved by nothing.</summary>
/// <param name="Id">Digest of the config; with containerd's image store, of the manifest or index.</param>
internal sealed record ImageInspect(string? Id, IReadOnlyList<string>? RepoTags, IReadOnlyList<string>? RepoDigests);

/// <summary>The part of <c>GET /info</c> that says where and how images are stored.</summary>
internal sealed record EngineInfo(string? DockerRootDir, string? Driver, IReadOnlyList<IReadOnlyList<string>>? DriverStatus, IReadOnlyList<string>? SecurityOptions)
{
    /// <summary>Images are in containerd's store (Docker 25 and later, when switched on): their ids are not config digests.</summary>
    [JsonIgnore]
    public bool UsesContainerd => DriverStatus?.Any(line => line is [_, string value, ..] && value.StartsWith("io.containerd.snapshotter", StringComparison.Ordinal)) == true;

    /// <summary>Files in the store belong to shifted users, or to a user's own daemon.</summary>
    [JsonIgnore]
    public bool ShiftsUsers => SecurityOptions?.Any(option => option is "name=userns" or "name=rootless") == true;
}

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
[JsonSerializable(typeof(EngineMessage))]
[JsonSerializable(typeof(ClientConfig))]
[JsonSerializable(typeof(ContextMeta))]
internal sealed partial class DockerJson : JsonSerializerContext;
