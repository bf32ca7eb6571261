using System.Globalization;

namespace Plimsoll.Verify.Start;

/// <content>What the OCI runtime is told: the last word on what runs, in which the engine's own share is known and left out.</content>
public sealed partial record StartRequest
{
    /// <summary>Devices that every container has: null, zero, full, random, urandom, tty, console, ptmx and pseudo terminals.</summary>
    /// <remarks>Source: OCI runtime specification 1.0, config-linux.md, "Default Devices".</remarks>
    private static readonly string[] OwnDevices = ["1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:1", "5:2", "136:*"];

    /// <summary>File systems that the engine mounts in each container, with their places.</summary>
    private static readonly (string Type, string Target)[] OwnMounts =
    [
        ("proc", "/proc"), ("tmpfs", "/dev"), ("devpts", "/dev/pts"), ("sysfs", "/sys"), ("cgroup", "/sys/fs/cgroup"), ("cgroup2", "/sys/fs/cgroup"), ("mqueue", "/dev/mqueue"), ("tmpfs", "/dev/shm"),
    ];

    /// <summary>Reads the <c>config.json</c> of a bundle. <see cref="Runtime"/> is null: who reads it knows which launcher was called.</summary>
    /// <exception cref="StartRequestException">It cannot be read for certain.</exception>
    public static StartRequest FromSpec(ReadOnlyMemory<byte> ociRuntimeConfigJson)
    {
        GoStruct spec = new(GoJson.Parse(ociRuntimeConfigJson.Span, StartLimits.MaxBytes, "the runtime's config"), "");
        spec.Pass("ociVersion", "hostname", "domainname");
        List<string> unknown = [];
        GoStruct process = spec.Struct("process"), root = spec.Struct("root"), linux = spec.Struct("linux");
        List<StartMount> mounts = [.. spec.Structs("mounts").Select(SpecMount)];
        GoStruct resources = linux.Struct("resources");
        (List<string> rules, bool everything) = RulesOf(resources);
        List<(string Path, string Number)> devices = DevicesOf(linux, rules);
        linux.Pass("uidMappings", "gidMappings", "rootfsPropagation", "mountLabel");
        process.Pass("terminal", "consoleSize", "selinuxLabel");
        resources.Pass("network", "hugepageLimits", "blockIO");
        root.Pass("path");
        StartRequest request = new()
        {
            Source = StartSource.Spec,
            Process = ProcessOf(process, linux, spec, everything),
            Namespaces = NamespacesOf(linux, out string network),
            Network = new StartNetwork { Mode = network },
            Mounts = mounts,
            Devices = [.. devices.Select(d => d.Path)],
            DeviceNumbers = [.. devices.Select(d => d.Number)],
            DeviceRules = everything ? [] : rules,
            // Two that the engine sets by itself for a network of its own.
            Sysctls = [.. linux.TextMap("sysctl").Where(s => (s.Key, s.Value) is not (("net.ipv4.ip_unprivileged_port_start", "0") or ("net.ipv4.ping_group_range", "0 2147483647")))],
            MaskedPaths = linux.Texts("maskedPaths"),
            ReadonlyPaths = linux.Texts("readonlyPaths"),
            CgroupParent = ParentOf(linux.Text("cgroupsPath")),
            Resources = SpecResources(resources, process),
            Runtime = null,
            Annotations = spec.TextMap("annotations"),
            ReadonlyRoot = root.Flag("readonly"),
        };
        foreach (GoStruct part in (ReadOnlySpan<GoStruct>)[process, root, resources, linux, spec])
            part.TellUnknown(unknown);
        return request with { Unknown = unknown };
    }

    private static StartProcess ProcessOf(GoStruct process, GoStruct linux, GoStruct spec, bool everyDevice)
    {
        GoStruct user = process.Struct("user"), capabilities = process.Struct("capabilities");
        HashSet<string> given = new(StringComparer.Ordinal);
        foreach (string set in (ReadOnlySpan<string>)["bounding", "effective", "inheritable", "permitted", "ambient"])
            given.UnionWith(capabilities.Texts(set).Select(CapabilityOf));
        List<string> options = [];
        if (linux.Find("seccomp") is null)
            options.Add("seccomp=unconfined");
        else if (!StartSeccomp.IsEngines(linux.Struct("seccomp"), given))
            options.Add("seccomp=profile");
        if (process.Text("apparmorProfile") is { Length: > 0 } profile && profile != DefaultAppArmor)
            options.Add($"apparmor={profile}");
        return new StartProcess
        {
            Privileged = everyDevice,
            CapabilitiesAdded = [.. given.Where(c => !StartDefaults.Capabilities.Contains(c, StringComparer.Ordinal)).Order(StringComparer.Ordinal)],
            CapabilitiesDropped = [.. StartDefaults.Capabilities.Where(c => !given.Contains(c))],
            User = $"{user.Number("uid").ToString(CultureInfo.InvariantCulture)}:{user.Number("gid").ToString(CultureInfo.InvariantCulture)}",
            Groups = [.. user.ListOf("additionalGids").Select(g => g.Text)],
            SecurityOptions = options,
            NoNewPrivileges = process.Flag("noNewPrivileges"),
            Arguments = process.Texts("args"),
            Environment = process.Texts("env"),
            WorkingDirectory = process.Text("cwd") is { Length: > 0 } folder ? folder : null,
            Hooks = HooksOf(spec.Struct("hooks")),
        };
    }

    /// <summary>The engine's own hook sets up the network: it is the daemon itself under another name.</summary>
    private static List<string> HooksOf(GoStruct hooks)
    {
        List<string> foreign = [];
        foreach (string kind in (ReadOnlySpan<string>)["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"])
            foreach (GoStruct hook in hooks.Structs(kind))
            {
                string path = hook.Text("path");
                IReadOnlyList<string> words = hook.Texts("args");
                bool own = kind is "prestart" or "createRuntime" && words.Count > 0 && words[0] == "libnetwork-setkey"
                    && (path == "/proc/self/exe" || (path.Length > 10 && path.StartsWith("/proc/", StringComparison.Ordinal) && path.EndsWith("/exe", StringComparison.Ordinal) && path[6..^4].All(char.IsAsciiDigit)));
                if (!own)
                    foreign.Add(path);
            }
        return foreign;
    }

    private static StartNamespaces NamespacesOf(GoStruct linux, out string network)
    {
        Dictionary<string, string> of = new(StringComparer.Ordinal);
        foreach (GoStruct item in linux.Structs("namespaces"))
            of[item.Text("type")] = item.Text("path");
        // A kind that is not listed is the host's; one with a path is somebody else's.
        string Mode(string type) => !of.TryGetValue(type, out string? path) ? "host" : path.Length > 0 ? $"container:{path}" : "";
        network = of.TryGetValue("network", out string? at) && at.EndsWith("/netns/default", StringComparison.Ordinal) ? "host" : Mode("network");
        return new StartNamespaces
        {
            Pid = Mode("pid"),
            Ipc = Mode("ipc"),
            Uts = Mode("uts"),
            // Most engines map no users, and version 1 of cgroups has no namespace by default: that both are missing says nothing.
            User = of.TryGetValue("user", out string? users) && users.Length > 0 ? $"container:{users}" : "",
            Cgroup = of.TryGetValue("cgroup", out string? cgroups) && cgroups.Length > 0 ? $"container:{cgroups}" : "",
        };
    }

    private static StartMount SpecMount(GoStruct mount)
    {
        string type = mount.Text("type"), source = mount.Text("source"), target = mount.Text("destination");
        mount.Pass("uidMappings", "gidMappings");
        IReadOnlyList<string> options = mount.Texts("options");
        bool bind = type == "bind" || options.Any(o => o is "bind" or "rbind");
        string folded = StartPaths.Fold(target) ?? target;
        MountKind kind = bind ? MountKind.Bind
            : OwnMounts.Any(o => o.Type == type && o.Target == folded) ? MountKind.Engine
            : type == "tmpfs" ? MountKind.Tmpfs : MountKind.Other;
        return new StartMount
        {
            Kind = kind,
            Type = type,
            Source = source,
            Target = target,
            ReadOnly = options.Contains("ro", StringComparer.Ordinal),
            Propagation = options.FirstOrDefault(o => o is "shared" or "rshared" or "slave" or "rslave" or "unbindable" or "runbindable") ?? "",
        };
    }

    /// <summary>What is allowed beyond the devices that every container has; and whether everything is, which a privileged container gets.</summary>
    private static (List<string> Rules, bool Everything) RulesOf(GoStruct resources)
    {
        List<string> rules = [];
        bool everything = false;
        foreach (GoStruct rule in resources.Structs("devices"))
        {
            if (!rule.Flag("allow"))
                continue;
            string type = rule.Text("type"), number = $"{NumberText(rule, "major")}:{NumberText(rule, "minor")}";
            if (type is "" or "a" || number == "*:*")
                everything |= rule.Text("access").Contains('w', StringComparison.Ordinal) || rule.Text("access").Contains('r', StringComparison.Ordinal);
            if (type != "c" || !OwnDevices.Contains(number, StringComparer.Ordinal))
                rules.Add($"{(type.Length > 0 ? type : "a")} {number} {rule.Text("access")}");
        }
        return (rules, everything);
    }

    /// <summary>Less than 0 stands for every number, too.</summary>
    private static string NumberText(GoStruct rule, string name) => rule.FindNumber(name) is >= 0 and var number ? number.ToString(CultureInfo.InvariantCulture) : "*";

    /// <summary>Paths of listed devices; the rule that lets one be used is not told again.</summary>
    private static List<(string Path, string Number)> DevicesOf(GoStruct linux, List<string> rules)
    {
        List<(string, string)> devices = [];
        foreach (GoStruct device in linux.Structs("devices"))
        {
            string number = $"{NumberText(device, "major")}:{NumberText(device, "minor")}", type = device.Text("type");
            if (type == "c" && OwnDevices.Contains(number, StringComparer.Ordinal))
                continue;
            devices.Add((device.Text("path"), $"{type} {number}"));
        }
        HashSet<string> listed = [.. devices.Select(d => d.Item2)];
        rules.RemoveAll(r => listed.Contains(r[..r.LastIndexOf(' ')]));
        return devices;
    }

    private static StartResources SpecResources(GoStruct resources, GoStruct process)
    {
        GoStruct memory = resources.Struct("memory"), cpu = resources.Struct("cpu"), pids = resources.Struct("pids");
        return new StartResources
        {
            Memory = memory.Number("limit"),
            NanoCpus = NanoOf(cpu.Number("quota"), cpu.Number("period")),
            CpuSet = cpu.Text("cpus"),
            Pids = pids.Number("limit"),
            OomKillDisabled = memory.Flag("disableOOMKiller"),
            OomScore = process.Number("oomScoreAdj"),
            RealTime = cpu.Number("realtimeRuntime") != 0,
            Ulimits = [.. process.Structs("rlimits").Select(r => r.Text("type"))],
        };
    }

    /// <summary>The part before the container's own id: <c>/docker/ID</c> and <c>system.slice:docker:ID</c> are the engine's own and give the empty text.</summary>
    private static string ParentOf(string path)
    {
        string parent = path.IndexOf(':', StringComparison.Ordinal) is >= 0 and var colon ? path[..colon] : path.LastIndexOf('/') is > 0 and var slash ? path[..slash] : path;
        return parent is "/docker" or "system.slice" ? "" : parent;
    }
}
