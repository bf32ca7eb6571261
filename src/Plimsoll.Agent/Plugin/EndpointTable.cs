using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Plimsoll.Texts;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Plugin;

/// <summary>Every endpoint of the Engine API 1.24 to 1.51, and how it is decided. What is not here is denied.</summary>
/// <remarks>
/// docs/formats/engine-api.md shows the same table. Source: Docker Engine API reference; moby/moby, api/server/router. Endpoints of
/// a daemon in debug mode (<c>/debug/…</c>) are left out on purpose.
/// </remarks>
internal static class EndpointTable
{
    public static IReadOnlyList<Endpoint> All { get; } =
    [
        Always("GET", "/_ping"), Always("HEAD", "/_ping"), Always("GET", "/version"),
        Read("GET", "/info") with { CalledBack = true }, Read("GET", "/events") with { CalledBack = true }, Read("GET", "/system/df"),
        Plain("POST", "/auth", EngineOperation.Pull),
        Read("GET", "/distribution/{name...}/json"),

        Read("GET", "/containers/json"),
        Read("GET", "/containers/{name...}/json") with { CalledBack = true, AnyName = true },
        Read("GET", "/containers/{name}/top"), Read("GET", "/containers/{name}/logs"), Read("GET", "/containers/{name}/changes"), Read("GET", "/containers/{name}/stats"),
        new("POST", "/containers/create", null, EndpointRule.Create),
        new("POST", "/containers/{name}/start", null, EndpointRule.Start),
        new("POST", "/containers/{name}/restart", EngineOperation.Manage, EndpointRule.Start),
        new("POST", "/containers/{name}/unpause", EngineOperation.Manage, EndpointRule.Start),
        new("POST", "/containers/{name}/update", EngineOperation.Update, EndpointRule.Update),
        Plain("POST", "/containers/{name}/stop", EngineOperation.Manage) with { WithoutPolicy = true, CalledBack = true },
        Plain("POST", "/containers/{name}/kill", EngineOperation.Manage) with { WithoutPolicy = true },
        Plain("POST", "/containers/{name}/wait", EngineOperation.Manage) with { WithoutPolicy = true },
        Plain("POST", "/containers/{name}/pause", EngineOperation.Manage) with { WithoutPolicy = true, CalledBack = true },
        Plain("POST", "/containers/{name}/rename", EngineOperation.Manage),
        Plain("POST", "/containers/{name}/resize", EngineOperation.Attach),
        Plain("POST", "/containers/{name}/attach", EngineOperation.Attach),
        Plain("GET", "/containers/{name}/attach/ws", EngineOperation.Attach),
        Plain("POST", "/containers/prune", EngineOperation.Manage),
        Plain("DELETE", "/containers/{name}", EngineOperation.Manage) with { WithoutPolicy = true },
        Plain("GET", "/containers/{name}/export", EngineOperation.Export),
        Plain("HEAD", "/containers/{name}/archive", EngineOperation.CopyOut),
        Plain("GET", "/containers/{name}/archive", EngineOperation.CopyOut),
        Plain("POST", "/containers/{name}/copy", EngineOperation.CopyOut),
        Plain("PUT", "/containers/{name}/archive", EngineOperation.CopyIn),
        Read("GET", "/containers/{name}/checkpoints"),
        Plain("POST", "/containers/{name}/checkpoints", EngineOperation.Checkpoint),
        Plain("DELETE", "/containers/{name}/checkpoints/{checkpoint}", EngineOperation.Checkpoint),

        new("POST", "/containers/{name}/exec", EngineOperation.Exec, EndpointRule.ExecCreate),
        new("POST", "/exec/{id}/start", EngineOperation.Exec, EndpointRule.ExecStart),
        Plain("POST", "/exec/{id}/resize", EngineOperation.Exec),
        Read("GET", "/exec/{id}/json") with { CalledBack = true },

        Read("GET", "/images/json"), Read("GET", "/images/search"),
        Read("GET", "/images/{name...}/json") with { CalledBack = true },
        Read("GET", "/images/{name...}/history"),
        Plain("GET", "/images/get", EngineOperation.Export),
        Plain("GET", "/images/{name...}/get", EngineOperation.Export),
        new("POST", "/images/create", null, EndpointRule.ImageCreate),
        Plain("POST", "/images/load", EngineOperation.Load),
        Plain("POST", "/images/{name...}/push", EngineOperation.Push),
        Plain("POST", "/images/{name...}/tag", EngineOperation.Tag),
        Plain("POST", "/images/prune", EngineOperation.Remove),
        Plain("DELETE", "/images/{name...}", EngineOperation.Remove),
        Plain("POST", "/commit", EngineOperation.Commit),

        Builds("/build"), Builds("/build/cancel"), Builds("/session"), Builds("/grpc"),
        Plain("POST", "/build/prune", EngineOperation.Remove),

        Read("GET", "/networks"), Read("GET", "/networks/{id...}"),
        Plain("POST", "/networks/create", EngineOperation.Network),
        Plain("POST", "/networks/{id...}/connect", EngineOperation.Network),
        Plain("POST", "/networks/{id...}/disconnect", EngineOperation.Network),
        Plain("POST", "/networks/prune", EngineOperation.Network),
        Plain("DELETE", "/networks/{id...}", EngineOperation.Network),

        Read("GET", "/volumes"),
        Read("GET", "/volumes/{name...}") with { CalledBack = true },
        new("POST", "/volumes/create", EngineOperation.Volume, EndpointRule.VolumeCreate),
        Plain("PUT", "/volumes/{name...}", EngineOperation.Volume),
        Plain("POST", "/volumes/prune", EngineOperation.Volume),
        Plain("DELETE", "/volumes/{name...}", EngineOperation.Volume),

        Read("GET", "/plugins"), Read("GET", "/plugins/{name...}/json"), Read("GET", "/plugins/privileges"),
        Plain("POST", "/plugins/pull", EngineOperation.Plugin), Plain("POST", "/plugins/create", EngineOperation.Plugin),
        Plain("POST", "/plugins/{name...}/enable", EngineOperation.Plugin), Plain("POST", "/plugins/{name...}/disable", EngineOperation.Plugin),
        Plain("POST", "/plugins/{name...}/push", EngineOperation.Plugin), Plain("POST", "/plugins/{name...}/upgrade", EngineOperation.Plugin),
        Plain("POST", "/plugins/{name...}/set", EngineOperation.Plugin), Plain("DELETE", "/plugins/{name...}", EngineOperation.Plugin),

        // What a swarm starts asks no plugin, and its tokens join other hosts to it.
        Plain("GET", "/swarm", EngineOperation.Swarm), Plain("GET", "/swarm/unlockkey", EngineOperation.Swarm),
        Plain("POST", "/swarm/init", EngineOperation.Swarm), Plain("POST", "/swarm/join", EngineOperation.Swarm), Plain("POST", "/swarm/leave", EngineOperation.Swarm),
        Plain("POST", "/swarm/update", EngineOperation.Swarm), Plain("POST", "/swarm/unlock", EngineOperation.Swarm),
        Read("GET", "/services"), Read("GET", "/services/{id}"), Read("GET", "/services/{id}/logs"),
        Plain("POST", "/services/create", EngineOperation.Swarm), Plain("POST", "/services/{id}/update", EngineOperation.Swarm), Plain("DELETE", "/services/{id}", EngineOperation.Swarm),
        Read("GET", "/nodes"), Read("GET", "/nodes/{id}"),
        Plain("POST", "/nodes/{id}/update", EngineOperation.Swarm), Plain("DELETE", "/nodes/{id}", EngineOperation.Swarm),
        Read("GET", "/tasks"), Read("GET", "/tasks/{id}"), Read("GET", "/tasks/{id}/logs"),
        Read("GET", "/secrets"), Read("GET", "/secrets/{id}"),
        Plain("POST", "/secrets/create", EngineOperation.Swarm), Plain("POST", "/secrets/{id}/update", EngineOperation.Swarm), Plain("DELETE", "/secrets/{id}", EngineOperation.Swarm),
        Read("GET", "/configs"), Read("GET", "/configs/{id}"),
        Plain("POST", "/configs/create", EngineOperation.Swarm), Plain("POST", "/configs/{id}/update", EngineOperation.Swarm), Plain("DELETE", "/configs/{id}", EngineOperation.Swarm),
    ];

    private static readonly FrozenDictionary<string, Endpoint[]> ByFirst =
        All.GroupBy(e => e.First, StringComparer.Ordinal).ToFrozenDictionary(g => g.Key, g => g.ToArray(), StringComparer.Ordinal);

    /// <summary>dockerd answers it for every path alike, with headers alone.</summary>
    private static readonly Endpoint Options = Always("OPTIONS", "/{path...}");

    /// <param name="name">The container, image or the like that the path names; empty: none. Untrusted text.</param>
    /// <returns>False: <c>unknown-endpoint</c>, or a container's name that is none.</returns>
    public static bool TryFind(string method, RequestPath path, [NotNullWhen(true)] out Endpoint? endpoint, out string name, [NotNullWhen(false)] out Denial? denial)
    {
        (endpoint, name, denial) = (null, "", null);
        if (method == "OPTIONS")
            endpoint = Options;
        else if (path.Segments.Count > 0 && ByFirst.TryGetValue(path.Segments[0], out Endpoint[]? candidates))
            foreach (Endpoint candidate in candidates)
                if (candidate.Matches(method, path.Segments, out name))
                {
                    endpoint = candidate;
                    break;
                }
        if (endpoint is null)
            denial = new Denial("unknown-endpoint", $"{Escape.Quote($"{method} {path}")} is no endpoint of the Engine API that is known here");
        else if (endpoint.First is "containers" or "exec" && !endpoint.AnyName && name.Length > 0 && !IsName(name))
            (endpoint, denial) = (null, new Denial("bad-name", $"{Escape.Quote(name)} is no name or id that dockerd gives"));
        return denial is null;
    }

    /// <summary>A name that dockerd gives to containers: letters, digits, dot, underscore and hyphen, the first a letter or digit.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= 255 && char.IsAsciiLetterOrDigit(name[0])
        && name.AsSpan().IndexOfAnyExcept(NameCharacters) < 0;

    private static readonly System.Buffers.SearchValues<char> NameCharacters =
        System.Buffers.SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-");

    private static Endpoint Always(string method, string pattern) => new(method, pattern, null, EndpointRule.Always) { WithoutPolicy = true };

    private static Endpoint Read(string method, string pattern) => new(method, pattern, EngineOperation.Read, EndpointRule.Operation) { WithoutPolicy = true };

    private static Endpoint Plain(string method, string pattern, EngineOperation operation) => new(method, pattern, operation, EndpointRule.Operation);

    private static Endpoint Builds(string pattern) => new("POST", pattern, EngineOperation.Build, EndpointRule.Build);
}
