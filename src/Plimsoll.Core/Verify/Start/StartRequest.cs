namespace Plimsoll.Verify.Start;

/// <summary>Where a request was read from; it decides what it can say.</summary>
public enum StartSource
{
    /// <summary>The body of a create: what it leaves out the engine fills in.</summary>
    Create = 0,

    /// <summary>The engine's answer about a container: everything is filled in.</summary>
    Inspect,

    /// <summary>The OCI runtime's config: what will run, without who asked and by which name.</summary>
    Spec,

    /// <summary>The body that makes a volume.</summary>
    Volume,
}

/// <summary>What a start asks for, in one form for all ways to learn of it. Texts are untrusted.</summary>
public sealed partial record StartRequest
{
    public StartSource Source { get; init; }

    /// <summary>The image as it was asked for: a name, <c>name@digest</c>, an id; empty where that cannot be told (<see cref="StartSource.Spec"/>).</summary>
    public string Image { get; init; } = "";
    public StartProcess Process { get; init; } = new();
    public StartNamespaces Namespaces { get; init; } = new();
    public StartNetwork Network { get; init; } = new();
    public IReadOnlyList<StartMount> Mounts { get; init; } = [];

    /// <summary>Containers whose volumes are taken over.</summary>
    public IReadOnlyList<string> VolumesFrom { get; init; } = [];

    /// <summary>Paths of devices on the host; for a rule of a spec that belongs to no listed device see <see cref="DeviceRules"/>.</summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    /// <summary>Of a spec: the devices that have the same place in <see cref="Devices"/>, as <c>c 10:229</c>.</summary>
    public IReadOnlyList<string> DeviceNumbers { get; init; } = [];

    /// <summary>Rules for the cgroup of devices: <c>c 10:229 rwm</c>.</summary>
    public IReadOnlyList<string> DeviceRules { get; init; } = [];

    /// <summary>Drivers asked for devices (GPUs): <c>nvidia</c>.</summary>
    public IReadOnlyList<string> DeviceRequests { get; init; } = [];
    public IReadOnlyList<KeyValuePair<string, string>> Sysctls { get; init; } = [];

    /// <summary>Null: the engine's own list.</summary>
    public IReadOnlyList<string>? MaskedPaths { get; init; }
    public IReadOnlyList<string>? ReadonlyPaths { get; init; }

    /// <summary>Empty: the engine's own.</summary>
    public string CgroupParent { get; init; } = "";
    public string LogDriver { get; init; } = "";
    public IReadOnlyList<KeyValuePair<string, string>> LogOptions { get; init; } = [];
    public StartResources Resources { get; init; } = new();

    /// <summary>Name of the runtime; empty: the engine's default. Null: not known, so in a spec until who reads it says which launcher asked.</summary>
    public string? Runtime { get; init; } = "";
    public string Isolation { get; init; } = "";
    public IReadOnlyList<KeyValuePair<string, string>> StorageOptions { get; init; } = [];
    public IReadOnlyList<KeyValuePair<string, string>> Annotations { get; init; } = [];
    public bool ReadonlyRoot { get; init; }

    /// <summary><c>always</c>, <c>unless-stopped</c>, <c>on-failure</c>, <c>no</c> or empty.</summary>
    public string RestartPolicy { get; init; } = "";
    public bool AutoRemove { get; init; }

    /// <summary>The container's own, which whoever starts it chooses.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Labels { get; init; } = [];

    /// <summary>
    /// What the gate found in the container's own layer that can be run and is no file of the image: absolute paths in the container, without links on the way; beside them those by which
    /// links of the layer's own lead there.
    /// </summary>
    public IReadOnlyList<string> OwnExecutables { get; init; } = [];

    /// <summary>Fields that say something and that are not known here: <c>HostConfig.Speed</c>.</summary>
    public IReadOnlyList<string> Unknown { get; init; } = [];

    /// <summary>Whether the image was asked for by what it is and not by a name alone.</summary>
    public bool ByDigest => Image.Contains("@sha256:", StringComparison.Ordinal) || Image.StartsWith("sha256:", StringComparison.Ordinal);
}

/// <summary>The process that starts. Null means: as the image says.</summary>
public sealed record StartProcess
{
    public bool Privileged { get; init; }

    /// <summary>Without <c>CAP_</c>, in capitals; <c>ALL</c>. Of a spec those that the engine does not give by itself.</summary>
    public IReadOnlyList<string> CapabilitiesAdded { get; init; } = [];
    public IReadOnlyList<string> CapabilitiesDropped { get; init; } = [];

    /// <summary><c>user[:group]</c>.</summary>
    public string? User { get; init; }
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>As given, <c>seccomp=unconfined</c>; of a spec in the same words.</summary>
    public IReadOnlyList<string> SecurityOptions { get; init; } = [];
    public bool NoNewPrivileges { get; init; }
    public IReadOnlyList<string>? Entrypoint { get; init; }
    public IReadOnlyList<string>? Command { get; init; }

    /// <summary>The whole argument list, of a spec only.</summary>
    public IReadOnlyList<string>? Arguments { get; init; }

    /// <summary><c>NAME=value</c>; <c>NAME</c> alone takes it away.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];
    public string? WorkingDirectory { get; init; }

    /// <summary>The test of the health check: <c>CMD</c>, <c>CMD-SHELL</c> or <c>NONE</c> first; null or empty: as the image says.</summary>
    public IReadOnlyList<string>? HealthCheck { get; init; }

    /// <summary>What runs the test of a health check of the form <c>CMD-SHELL</c>; empty: <c>/bin/sh -c</c>, whatever the image says.</summary>
    public IReadOnlyList<string> Shell { get; init; } = [];

    /// <summary>An init of the host's before the image's own process.</summary>
    public bool Init { get; init; }

    /// <summary>Programs that a spec wants run on the host around the start, but those of the engine.</summary>
    public IReadOnlyList<string> Hooks { get; init; } = [];
}

/// <summary>Modes as the engine writes them: empty, <c>host</c>, <c>container:ID</c>, <c>private</c> …</summary>
public sealed record StartNamespaces
{
    public string Pid { get; init; } = "";
    public string Ipc { get; init; } = "";
    public string Uts { get; init; } = "";
    public string User { get; init; } = "";
    public string Cgroup { get; init; } = "";
}

public sealed record StartNetwork
{
    /// <summary>Empty, <c>default</c>, <c>bridge</c>, <c>none</c>, <c>host</c>, <c>container:ID</c> or the name of a network.</summary>
    public string Mode { get; init; } = "";

    /// <summary>Further networks by name.</summary>
    public IReadOnlyList<string> Endpoints { get; init; } = [];
    public IReadOnlyList<StartPort> Published { get; init; } = [];
    public bool PublishAll { get; init; }
    public IReadOnlyList<string> Links { get; init; } = [];
    public IReadOnlyList<string> Dns { get; init; } = [];
    public IReadOnlyList<string> ExtraHosts { get; init; } = [];
}

/// <param name="Address">Of the host; empty: every one.</param>
/// <param name="Port">Of the host, <c>8080</c> or <c>8000-8010</c>; empty: one that the engine chooses.</param>
public sealed record StartPort(string Address, string Port);

public enum MountKind
{
    Bind = 0,
    Volume,
    Tmpfs,

    /// <summary>What the engine itself mounts in each container: proc, sysfs, <c>/etc/hosts</c> …</summary>
    Engine,
    Other,
}

/// <summary>One mount.</summary>
public sealed record StartMount
{
    public required MountKind Kind { get; init; }

    /// <summary>Path on the host, or name of a volume (empty: a new one).</summary>
    public string Source { get; init; } = "";

    /// <summary>Path in the container.</summary>
    public required string Target { get; init; }

    /// <summary>Where links in the container's root lead the mount; empty: nobody can tell. Null: nobody looked, or the target has no link on its way.</summary>
    public string? Place { get; init; }

    /// <summary>What the host has mounted at the source of an engine's volume: its content is that.</summary>
    public IReadOnlyList<StartOrigin> Origins { get; init; } = [];
    public bool ReadOnly { get; init; }
    public string Propagation { get; init; } = "";

    /// <summary>Driver of a volume; empty: <c>local</c>.</summary>
    public string Driver { get; init; } = "";
    public IReadOnlyList<KeyValuePair<string, string>> DriverOptions { get; init; } = [];

    /// <summary>The word for a kind that is not known here.</summary>
    public string Type { get; init; } = "";
}

/// <summary>What is mounted at a folder or below it.</summary>
/// <param name="Point">Where.</param>
/// <param name="Path">The folder of the host that is seen there; null: none, or nobody can say.</param>
/// <param name="IsReadOnly">This mount takes no writes.</param>
/// <param name="What">Type and source, as the kernel has them.</param>
public sealed record StartOrigin(string Point, string? Path, bool IsReadOnly, string What);

/// <summary>Limits; 0 and less: none.</summary>
public sealed record StartResources
{
    /// <summary>Bytes.</summary>
    public long Memory { get; init; }

    /// <summary>Memory and swap together; 0: the engine gives twice the memory. Less: any amount.</summary>
    public long MemorySwap { get; init; }

    /// <summary>Thousand-millionths of a processor.</summary>
    public long NanoCpus { get; init; }

    /// <summary>Processors by number, <c>0-2,5</c>.</summary>
    public string CpuSet { get; init; } = "";
    public long Pids { get; init; }
    public bool OomKillDisabled { get; init; }

    /// <summary>Below 0: the kernel takes other processes first.</summary>
    public long OomScore { get; init; }
    public bool RealTime { get; init; }

    /// <summary>Names of those that are set.</summary>
    public IReadOnlyList<string> Ulimits { get; init; } = [];
}
