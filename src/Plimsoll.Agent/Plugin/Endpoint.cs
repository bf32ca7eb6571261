using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Plugin;

/// <summary>How requests to an endpoint are decided.</summary>
internal enum EndpointRule
{
    /// <summary>Default: never.</summary>
    Never = 0,

    /// <summary>Whatever policy says.</summary>
    Always,

    /// <summary>As policy says of <see cref="Endpoint.Operation"/>.</summary>
    Operation,

    /// <summary>By the body and its image.</summary>
    Create,

    /// <summary>By what inspect says of the container, and its image.</summary>
    Start,

    /// <summary>The same with the body's changes laid over it.</summary>
    Update,

    /// <summary>By the body and the container's user.</summary>
    ExecCreate,

    /// <summary>By what inspect says of the exec.</summary>
    ExecStart,

    /// <summary>Pulls or imports, as its parameters say.</summary>
    ImageCreate,

    /// <summary>As policy says of builds, and of the client.</summary>
    Build,

    /// <summary>By the driver's options in the body.</summary>
    VolumeCreate,
}

/// <summary>One endpoint of the Engine API.</summary>
/// <param name="Method">In capitals; <c>*</c> stands for none.</param>
/// <param name="Pattern"><c>{name}</c> is one segment, <c>{name...}</c> one or more.</param>
/// <param name="Operation">What policy must allow, whatever else the rule asks for; null: nothing.</param>
/// <param name="Rule">How it is decided.</param>
internal sealed record Endpoint(string Method, string Pattern, EngineOperation? Operation, EndpointRule Rule)
{
    private readonly string[] _segments = Pattern[1..].Split('/');

    /// <summary>Allowed while there is no policy, so that one can see what is wrong and stop what runs.</summary>
    public bool WithoutPolicy { get; init; }

    /// <summary>Asked by the agent itself: what it reads while it decides, and what policy has it do with a running container.</summary>
    public bool CalledBack { get; init; }

    /// <summary>Also for what is no container's name: <c>docker inspect IMAGE</c> asks for a container of that name first, and goes on when dockerd knows none.</summary>
    public bool AnyName { get; init; }

    /// <summary>Whether nothing but reading what the engine tells of itself comes of it; what leaves a container or an image is more.</summary>
    public bool OnlyReads => Method is "GET" or "HEAD" && Operation is null or EngineOperation.Read;

    public string First => _segments[0];

    /// <param name="name">What stands where the pattern has a name; of several the first. Untrusted text.</param>
    public bool Matches(string method, IReadOnlyList<string> path, out string name)
    {
        name = "";
        if (method != Method)
            return false;
        int more = path.Count - _segments.Length;
        int at = 0;
        foreach (string segment in _segments)
        {
            if (segment.EndsWith("...}", StringComparison.Ordinal))
            {
                if (more < 0)
                    return false;
                name = name.Length == 0 ? string.Join('/', path.Skip(at).Take(1 + more)) : name;
                at += 1 + more;
                more = 0;
            }
            else if (at == path.Count)
                return false;
            else if (segment[0] == '{')
                name = name.Length == 0 ? path[at++] : Pass(name, ref at);
            else if (path[at++] != segment)
                return false;
        }
        return at == path.Count;
    }

    private static string Pass(string name, ref int at)
    {
        at++;
        return name;
    }

    public override string ToString() => $"{Method} {Pattern}";
}
