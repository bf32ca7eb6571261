namespace Plimsoll.Agent;

/// <summary>Where the agent keeps and finds things. Folders belong to root and nobody else writes there.</summary>
/// <param name="State">What lasts: policy, statements, revocations, the evidence log; 0700.</param>
/// <param name="Run">Sockets; 0700.</param>
/// <param name="DataRoot">Docker's data root, whose store is read in place.</param>
/// <param name="DockerSocket">The daemon's unix socket, for call-backs.</param>
public sealed record AgentPaths(string State, string Run, string DataRoot, string DockerSocket)
{
    public static AgentPaths Default { get; } = new("/var/lib/plimsoll", "/run/plimsoll", "/var/lib/docker", "/run/docker.sock");

    /// <summary>The signed policy, and the public keys any of which may have signed it.</summary>
    public string Policy => Path.Combine(State, "policy.json");
    public string PolicyKey => Path.Combine(State, "policy.pub");

    /// <summary>Ids of the keys whose policies this host takes, since its first policy.</summary>
    public string PolicyKeysKnown => Path.Combine(State, "policy-keys");
    public string Revocations => Path.Combine(State, "revocations.json");

    /// <summary>The digest of the record of what was installed, as long as something is.</summary>
    public string Installed => Path.Combine(State, "installed");

    /// <summary>The drop folder: bundle files, layouts and sigstore bundles that speak for images.</summary>
    public string Evidence => Path.Combine(State, "evidence");

    /// <summary>Statements that were fetched of registries; the agent's own.</summary>
    public string Fetched => Path.Combine(State, "fetched");

    /// <summary>How registries are reached: <c>config.json</c> with credentials as <c>docker login</c> writes them, <c>certs.d</c> with authorities.</summary>
    public string Registry => Path.Combine(State, "registry");

    /// <summary>One line of when a registry was asked last, and what came of it.</summary>
    public string LastFetch => Path.Combine(State, "registry.last");

    public string Log => Path.Combine(State, "log");

    /// <summary>The public half of the log's first key: what a verifier of the log is given. Kept on another machine as well, or it proves little.</summary>
    public string LogPublicKey => Path.Combine(State, "log.pub");

    /// <summary>Lists of what was extended into a TPM.</summary>
    public string Measured => Path.Combine(State, "measured");

    /// <summary>The private half of the log's present key; it changes with every checkpoint.</summary>
    public string LogKey => Path.Combine(State, "log.key");

    /// <summary>What is wrong between the log and the TPM's counter, while something is.</summary>
    public string CounterTrouble => Path.Combine(State, "counter.trouble");

    /// <summary>Where the front process hands dockerd's questions to the agent.</summary>
    public string PluginSocket => Path.Combine(Run, "plugin.sock");

    /// <summary>Where the launcher asks.</summary>
    public string GateSocket => Path.Combine(Run, "gate.sock");

    /// <summary>Where numbers for Prometheus are read.</summary>
    public string MetricsSocket => Path.Combine(Run, "metrics.sock");

    /// <summary>Tokens that let a start through which policy refuses.</summary>
    public string BreakGlass => Path.Combine(State, "break-glass");

    /// <summary>The latest time that this host has seen.</summary>
    public string Clock => Path.Combine(State, "clock");

    /// <summary>How often each of these tokens was used; outlives the tokens.</summary>
    public string BreakGlassUses => Path.Combine(State, "break-glass-uses");
}
