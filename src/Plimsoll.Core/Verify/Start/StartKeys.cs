namespace Plimsoll.Verify.Start;

/// <summary>What a rule gives an action for.</summary>
public enum StartCheck
{
    Privileged = 0,
    Capability,
    Root,
    User,
    Group,
    Seccomp,
    AppArmor,
    SeLinux,
    SecurityOption,
    NewPrivileges,
    CommandChanged,
    EnvironmentChanged,
    WorkingDirectory,
    HealthCheck,
    Init,
    Hook,
    Pid,
    Ipc,
    Uts,
    UserNamespace,
    CgroupNamespace,
    HostNetwork,
    ContainerNetwork,
    OtherNetwork,
    Port,
    Address,
    PublishAll,
    Links,
    Dns,
    ExtraHosts,
    Bind,
    SensitivePath,
    EngineSocket,
    VolumeDriver,
    VolumeOptions,
    VolumesFrom,
    Propagation,
    MountType,
    SystemTarget,
    Executable,
    Device,
    DeviceRule,
    DeviceRequest,
    Sysctl,
    Unmasked,
    CgroupParent,
    LogDriver,
    LogAddress,
    NoMemory,
    NoCpu,
    NoPids,
    Above,
    Oom,
    RealTime,
    Ulimit,
    Runtime,
    Isolation,
    StorageOption,
    Annotation,
    WritableRoot,
    Restart,
    NotByDigest,
}

/// <summary>Lists of a rule: what is allowed before its check says anything.</summary>
public enum StartList
{
    Capabilities = 0,
    Groups,
    Environment,
    Networks,
    Ports,
    Addresses,
    Binds,
    ReadOnlyBinds,
    SensitivePaths,
    OwnExecutables,
    VolumeDrivers,
    Devices,
    Sysctls,
    CgroupParents,
    LogDrivers,
    LogAddresses,
    Runtimes,
    StorageOptions,
    Annotations,
    Fields,
}

/// <summary>The most of a resource; null: any limit will do.</summary>
public enum StartLimit
{
    Memory = 0,
    Cpus,
    Pids,
}

/// <summary>How much of its command a start may choose for itself.</summary>
public enum CommandFreedom
{
    /// <summary>Nothing: entrypoint and command are those of the signed config.</summary>
    Same = 0,

    /// <summary>The entrypoint is the image's (of an image without one the first word of its command), what follows it is free.</summary>
    CommandFree,
    Free,
}

/// <summary>Where a key of a rule stands, and what a file that leaves it out means.</summary>
internal abstract record StartKey(string Section, string Name)
{
    /// <summary>As reasons name it.</summary>
    public string Path => $"{Section}.{Name}";
}

internal sealed record ActionKey(StartCheck Check, string Section, string Name, PolicyAction Default) : StartKey(Section, Name);

internal sealed record ListKey(StartList List, string Section, string Name, IReadOnlyList<string> Default) : StartKey(Section, Name)
{
    /// <summary>The canonical form leaves it out where it is empty, so that policies of before there was such a key keep theirs.</summary>
    public bool IsLeftOut { get; init; }
}

internal sealed record LimitKey(StartLimit Limit, string Section, string Name) : StartKey(Section, Name);

internal sealed record CommandKey(string Section, string Name) : StartKey(Section, Name);

/// <summary>The keys of a rule in the order of its canonical form, which is the order of docs/formats/policy.md.</summary>
internal static class StartKeys
{
    private const PolicyAction Fail = PolicyAction.Fail, Warn = PolicyAction.Warn, Ignore = PolicyAction.Ignore;

    public static IReadOnlyList<string> Sections { get; } =
        ["process", "namespaces", "network", "mounts", "devices", "sysctls", "masked-paths", "cgroup", "logging", "resources", "runtime", "image", "request"];

    public static IReadOnlyList<StartKey> All { get; } =
    [
        new ActionKey(StartCheck.Privileged, "process", "privileged", Fail),
        new ListKey(StartList.Capabilities, "process", "capabilities", StartDefaults.Capabilities),
        new ActionKey(StartCheck.Capability, "process", "other-capability", Fail),
        new ActionKey(StartCheck.Root, "process", "root", Ignore),
        new ActionKey(StartCheck.User, "process", "other-user", Fail),
        new ListKey(StartList.Groups, "process", "groups", []),
        new ActionKey(StartCheck.Group, "process", "other-group", Fail),
        new ActionKey(StartCheck.Seccomp, "process", "seccomp", Fail),
        new ActionKey(StartCheck.AppArmor, "process", "apparmor", Fail),
        new ActionKey(StartCheck.SeLinux, "process", "selinux", Fail),
        new ActionKey(StartCheck.SecurityOption, "process", "security-option", Fail),
        new ActionKey(StartCheck.NewPrivileges, "process", "new-privileges", Ignore),
        new CommandKey("process", "command"),
        new ActionKey(StartCheck.CommandChanged, "process", "other-command", Fail),
        new ListKey(StartList.Environment, "process", "environment", ["**"]),
        new ActionKey(StartCheck.EnvironmentChanged, "process", "other-environment", Fail),
        new ActionKey(StartCheck.WorkingDirectory, "process", "working-dir", Ignore),
        new ActionKey(StartCheck.HealthCheck, "process", "health-check", Fail),
        new ActionKey(StartCheck.Init, "process", "init", Fail),
        new ActionKey(StartCheck.Hook, "process", "hook", Fail),
        new ActionKey(StartCheck.Pid, "namespaces", "pid", Fail),
        new ActionKey(StartCheck.Ipc, "namespaces", "ipc", Fail),
        new ActionKey(StartCheck.Uts, "namespaces", "uts", Fail),
        new ActionKey(StartCheck.UserNamespace, "namespaces", "user", Fail),
        new ActionKey(StartCheck.CgroupNamespace, "namespaces", "cgroup", Warn),
        new ActionKey(StartCheck.HostNetwork, "network", "host", Fail),
        new ActionKey(StartCheck.ContainerNetwork, "network", "container", Fail),
        new ListKey(StartList.Networks, "network", "networks", ["**"]),
        new ActionKey(StartCheck.OtherNetwork, "network", "other-network", Fail),
        new ListKey(StartList.Ports, "network", "ports", ["1-65535"]),
        new ActionKey(StartCheck.Port, "network", "other-port", Fail),
        new ListKey(StartList.Addresses, "network", "addresses", ["**"]),
        new ActionKey(StartCheck.Address, "network", "other-address", Fail),
        new ActionKey(StartCheck.PublishAll, "network", "publish-all", Ignore),
        new ActionKey(StartCheck.Links, "network", "links", Ignore),
        new ActionKey(StartCheck.Dns, "network", "dns", Ignore),
        new ActionKey(StartCheck.ExtraHosts, "network", "extra-hosts", Ignore),
        new ListKey(StartList.Binds, "mounts", "binds", []),
        new ListKey(StartList.ReadOnlyBinds, "mounts", "read-only-binds", []),
        new ActionKey(StartCheck.Bind, "mounts", "other-bind", Fail),
        new ListKey(StartList.SensitivePaths, "mounts", "sensitive-paths", []),
        new ActionKey(StartCheck.SensitivePath, "mounts", "sensitive-path", Fail),
        new ActionKey(StartCheck.EngineSocket, "mounts", "engine-socket", Fail),
        new ListKey(StartList.VolumeDrivers, "mounts", "volume-drivers", ["local"]),
        new ActionKey(StartCheck.VolumeDriver, "mounts", "other-volume-driver", Fail),
        new ActionKey(StartCheck.VolumeOptions, "mounts", "volume-options", Fail),
        new ActionKey(StartCheck.VolumesFrom, "mounts", "volumes-from", Fail),
        new ActionKey(StartCheck.Propagation, "mounts", "propagation", Fail),
        new ActionKey(StartCheck.MountType, "mounts", "other-type", Fail),
        new ActionKey(StartCheck.SystemTarget, "mounts", "system-target", Fail),
        new ActionKey(StartCheck.Executable, "mounts", "executable", Fail),
        new ListKey(StartList.OwnExecutables, "mounts", "own-executables", []) { IsLeftOut = true },
        new ListKey(StartList.Devices, "devices", "devices", []),
        new ActionKey(StartCheck.Device, "devices", "other-device", Fail),
        new ActionKey(StartCheck.DeviceRule, "devices", "rules", Fail),
        new ActionKey(StartCheck.DeviceRequest, "devices", "requests", Fail),
        new ListKey(StartList.Sysctls, "sysctls", "allow", ["kernel.shm_rmid_forced", "net.core.somaxconn", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range", "net.ipv4.tcp_*"]),
        new ActionKey(StartCheck.Sysctl, "sysctls", "other", Fail),
        new ActionKey(StartCheck.Unmasked, "masked-paths", "unmasked", Fail),
        new ListKey(StartList.CgroupParents, "cgroup", "parents", []),
        new ActionKey(StartCheck.CgroupParent, "cgroup", "other-parent", Fail),
        new ListKey(StartList.LogDrivers, "logging", "drivers", ["journald", "json-file", "local"]),
        new ActionKey(StartCheck.LogDriver, "logging", "other-driver", Fail),
        new ListKey(StartList.LogAddresses, "logging", "addresses", []),
        new ActionKey(StartCheck.LogAddress, "logging", "other-address", Fail),
        new ActionKey(StartCheck.NoMemory, "resources", "no-memory-limit", Fail),
        new ActionKey(StartCheck.NoCpu, "resources", "no-cpu-limit", Fail),
        new ActionKey(StartCheck.NoPids, "resources", "no-pids-limit", Fail),
        new LimitKey(StartLimit.Memory, "resources", "max-memory"),
        new LimitKey(StartLimit.Cpus, "resources", "max-cpus"),
        new LimitKey(StartLimit.Pids, "resources", "max-pids"),
        new ActionKey(StartCheck.Above, "resources", "above", Fail),
        new ActionKey(StartCheck.Oom, "resources", "oom", Fail),
        new ActionKey(StartCheck.RealTime, "resources", "real-time", Fail),
        new ActionKey(StartCheck.Ulimit, "resources", "ulimits", Ignore),
        new ListKey(StartList.Runtimes, "runtime", "names", ["default", "plimsoll"]),
        new ActionKey(StartCheck.Runtime, "runtime", "other-runtime", Fail),
        new ActionKey(StartCheck.Isolation, "runtime", "isolation", Fail),
        new ListKey(StartList.StorageOptions, "runtime", "storage-options", ["size"]),
        new ActionKey(StartCheck.StorageOption, "runtime", "other-storage-option", Fail),
        new ListKey(StartList.Annotations, "runtime", "annotations", []),
        new ActionKey(StartCheck.Annotation, "runtime", "other-annotation", Fail),
        new ActionKey(StartCheck.WritableRoot, "runtime", "writable-root", Ignore),
        new ActionKey(StartCheck.Restart, "runtime", "restart", Ignore),
        new ActionKey(StartCheck.NotByDigest, "image", "by-name", Ignore),
        new ListKey(StartList.Fields, "request", "fields", []),
    ];

    private static readonly ActionKey[] Actions = [.. All.OfType<ActionKey>().OrderBy(k => (int)k.Check)];
    private static readonly ListKey[] Lists = [.. All.OfType<ListKey>().OrderBy(k => (int)k.List)];

    public static ActionKey Of(StartCheck check) => Actions[(int)check];

    public static ListKey Of(StartList list) => Lists[(int)list];

    public static string Word(this CommandFreedom freedom) => freedom switch
    {
        CommandFreedom.CommandFree => "cmd-free",
        CommandFreedom.Free => "free",
        _ => "same",
    };
}
