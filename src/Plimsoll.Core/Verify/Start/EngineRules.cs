namespace Plimsoll.Verify.Start;

/// <summary>What one may ask a gated daemon for, beside starting containers.</summary>
public enum EngineOperation
{
    /// <summary>A process in a running container.</summary>
    Exec = 0,
    /// <summary>With <c>--privileged</c>.</summary>
    ExecPrivileged,
    /// <summary>As another user than the container's own.</summary>
    ExecUser,
    /// <summary><c>docker cp</c> into a container.</summary>
    CopyIn,
    CopyOut,
    Attach,
    Commit,
    Export,
    Build,
    Load,
    Import,
    Pull,
    Push,
    /// <summary>Tags, and removes images.</summary>
    Tag,
    Remove,
    /// <summary>Limits and restart policy of a container.</summary>
    Update,
    Checkpoint,
    Plugin,
    Swarm,
    Volume,
    Network,
    /// <summary>Reads logs, lists, inspects.</summary>
    Read,
    /// <summary>Stops, kills, pauses, waits, renames, removes containers.</summary>
    Manage,
}

/// <summary>Which operations are allowed.</summary>
public sealed record EngineRules
{
    /// <summary>By default: what neither starts bytes nobody signed nor changes what was judged.</summary>
    public IReadOnlySet<EngineOperation> Allow { get; init; } = new HashSet<EngineOperation>
    {
        EngineOperation.Exec, EngineOperation.CopyOut, EngineOperation.Attach, EngineOperation.Load, EngineOperation.Pull, EngineOperation.Push,
        EngineOperation.Tag, EngineOperation.Remove, EngineOperation.Update, EngineOperation.Volume, EngineOperation.Network, EngineOperation.Read, EngineOperation.Manage,
    };

    /// <summary>Clients (subjects of TLS certificates) that may build though <see cref="EngineOperation.Build"/> is not allowed.</summary>
    public IReadOnlyList<string> Builders { get; init; } = [];
}
