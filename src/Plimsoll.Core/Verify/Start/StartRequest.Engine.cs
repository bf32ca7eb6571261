using Plimsoll.Texts;

namespace Plimsoll.Verify.Start;

/// <content>What the engine's API says: the body of a create, its answer to an inspect, the body of an update.</content>
public sealed partial record StartRequest
{
    /// <summary>Reads the body of <c>POST /containers/create</c>.</summary>
    /// <exception cref="StartRequestException">It cannot be read for certain.</exception>
    public static StartRequest FromCreate(ReadOnlyMemory<byte> body)
    {
        GoStruct config = new(GoJson.Parse(body.Span, StartLimits.MaxBytes, "the body"), "");
        List<string> unknown = [];
        StartRequest request = OfConfig(config, new StartRequest { Source = StartSource.Create });
        request = OfHost(config.Struct("HostConfig"), request, unknown);
        request = OfNetworking(config.Struct("NetworkingConfig"), request, unknown);
        config.TellUnknown(unknown);
        return request with { Unknown = unknown };
    }

    /// <summary>Reads the answer to <c>GET /containers/ID/json</c>.</summary>
    /// <exception cref="StartRequestException">It cannot be read for certain.</exception>
    public static StartRequest FromInspect(ReadOnlyMemory<byte> inspectJson)
    {
        GoStruct answer = new(GoJson.Parse(inspectJson.Span, StartLimits.MaxBytes, "the inspect answer"), "");
        List<string> unknown = [];
        GoStruct config = answer.Struct("Config");
        StartRequest request = OfConfig(config, new StartRequest { Source = StartSource.Inspect });
        config.TellUnknown(unknown);
        request = OfHost(answer.Struct("HostConfig"), request, unknown);
        List<StartMount> mounts = [.. request.Mounts];
        foreach (GoStruct mount in answer.Structs("Mounts"))
        {
            string type = mount.Text("Type"), source = mount.Text("Source");
            mounts.Add(new StartMount
            {
                Kind = KindOf(type),
                Type = type,
                // The source of a volume is a path of the engine's own; what counts of it is its name.
                Source = KindOf(type) == MountKind.Volume ? mount.Text("Name") : source,
                Target = mount.Text("Destination"),
                ReadOnly = !mount.Flag("RW"),
                Propagation = mount.Text("Propagation"),
                Driver = mount.Text("Driver"),
            });
        }
        List<string> options = [.. request.Process.SecurityOptions];
        // What the daemon decided on, whether it was asked for or not.
        if (answer.Text("AppArmorProfile") is { Length: > 0 } profile && profile != DefaultAppArmor && !request.Process.Privileged)
            options.Add($"apparmor={profile}");
        List<string> endpoints = [.. answer.Struct("NetworkSettings").MapOf("Networks").Select(n => n.Key)];
        return request with
        {
            Mounts = mounts,
            // The engine writes -1 by itself where the kernel does not limit swap.
            Resources = request.Resources with { MemorySwap = Math.Max(request.Resources.MemorySwap, 0) },
            Process = request.Process with { SecurityOptions = options },
            Network = request.Network with { Endpoints = endpoints },
            Unknown = unknown,
        };
    }

    /// <summary>Lays the body of <c>POST /containers/ID/update</c> over this: what it leaves out, or says as zero, stays as it is.</summary>
    /// <exception cref="StartRequestException">It cannot be read for certain.</exception>
    public StartRequest WithUpdate(ReadOnlyMemory<byte> updateBody)
    {
        GoStruct body = new(GoJson.Parse(updateBody.Span, StartLimits.MaxBytes, "the body"), "");
        List<string> unknown = [.. Unknown];
        StartRequest asked = OfResources(body, new StartRequest());
        StartResources now = Resources, with = asked.Resources;
        long quota = body.Number("CpuQuota"), period = body.Number("CpuPeriod");
        string restart = RestartOf(body);
        bool? oom = body.FindFlag("OomKillDisable");
        body.TellUnknown(unknown);
        return this with
        {
            Resources = now with
            {
                Memory = with.Memory != 0 ? with.Memory : now.Memory,
                MemorySwap = with.MemorySwap != 0 ? with.MemorySwap : now.MemorySwap,
                // A quota or a period alone changes a limit that was given as processors in a way that only the engine knows: no limit then.
                NanoCpus = with.NanoCpus != 0 ? with.NanoCpus : quota != 0 || period != 0 ? 0 : now.NanoCpus,
                CpuSet = with.CpuSet.Length > 0 ? with.CpuSet : now.CpuSet,
                Pids = body.FindNumber("PidsLimit") ?? now.Pids,
                OomKillDisabled = oom ?? now.OomKillDisabled,
                RealTime = with.RealTime || now.RealTime,
                Ulimits = [.. now.Ulimits.Union(with.Ulimits, StringComparer.Ordinal)],
            },
            Devices = [.. Devices, .. asked.Devices],
            DeviceRules = [.. DeviceRules, .. asked.DeviceRules],
            DeviceRequests = [.. DeviceRequests, .. asked.DeviceRequests],
            CgroupParent = asked.CgroupParent.Length > 0 ? asked.CgroupParent : CgroupParent,
            RestartPolicy = restart.Length > 0 ? restart : RestartPolicy,
            Unknown = unknown,
        };
    }

    /// <summary>Reads the body of <c>POST /volumes/create</c>: the volume as it would be mounted, and nothing else.</summary>
    /// <exception cref="StartRequestException">It cannot be read for certain.</exception>
    public static StartRequest FromVolume(ReadOnlyMemory<byte> body)
    {
        GoStruct volume = new(GoJson.Parse(body.Span, StartLimits.MaxBytes, "the body"), "");
        volume.Pass("Labels");
        StartMount mount = new() { Kind = MountKind.Volume, Source = volume.Text("Name"), Target = "", Driver = volume.Text("Driver"), DriverOptions = volume.TextMap("DriverOpts") };
        List<string> unknown = [];
        volume.TellUnknown(unknown);
        return new StartRequest { Source = StartSource.Volume, Mounts = [mount], Unknown = unknown };
    }

    internal const string DefaultAppArmor = "docker-default";

    private static StartRequest OfConfig(GoStruct config, StartRequest request)
    {
        config.Pass("Hostname", "Domainname", "AttachStdin", "AttachStdout", "AttachStderr", "ExposedPorts", "Tty", "OpenStdin", "StdinOnce", "ArgsEscaped", "NetworkDisabled",
            "MacAddress", "OnBuild", "StopSignal", "StopTimeout");
        GoStruct health = config.Struct("Healthcheck");
        return request with
        {
            Image = config.Text("Image"),
            Labels = config.TextMap("Labels"),
            Mounts = [.. request.Mounts, .. config.MapOf("Volumes").Select(v => new StartMount { Kind = MountKind.Volume, Target = v.Key })],
            Process = new StartProcess
            {
                User = config.Text("User") is { Length: > 0 } user ? user : null,
                Entrypoint = config.FindWords("Entrypoint"),
                Command = config.FindWords("Cmd"),
                Environment = config.Texts("Env"),
                WorkingDirectory = config.Text("WorkingDir") is { Length: > 0 } folder ? folder : null,
                HealthCheck = health.Find("Test") is { } test ? GoStruct.TextsOf(test, "Healthcheck.Test") : null,
                Shell = config.FindWords("Shell") ?? [],
            },
        };
    }

    private static StartRequest OfHost(GoStruct host, StartRequest request, List<string> unknown)
    {
        host.Pass("ContainerIDFile", "ConsoleSize", "DnsOptions", "DnsSearch", "ShmSize");
        GoStruct log = host.Struct("LogConfig");
        string volumeDriver = host.Text("VolumeDriver");
        List<StartMount> mounts = [.. request.Mounts.Select(m => m.Kind == MountKind.Volume ? m with { Driver = volumeDriver } : m)];
        foreach (string bind in host.Texts("Binds"))
            mounts.Add(BindOf(bind, volumeDriver));
        foreach (GoStruct mount in host.Structs("Mounts"))
        {
            mounts.Add(MountOf(mount, unknown));
            mount.TellUnknown(unknown);
        }
        foreach ((string target, string _) in host.TextMap("Tmpfs"))
            mounts.Add(new StartMount { Kind = MountKind.Tmpfs, Target = target });
        IReadOnlyList<string> options = host.Texts("SecurityOpt");
        request = OfResources(host, request) with
        {
            Mounts = mounts,
            VolumesFrom = host.Texts("VolumesFrom"),
            Sysctls = host.TextMap("Sysctls"),
            MaskedPaths = host.Find("MaskedPaths") is { } masked ? GoStruct.TextsOf(masked, "HostConfig.MaskedPaths") : null,
            ReadonlyPaths = host.Find("ReadonlyPaths") is { } locked ? GoStruct.TextsOf(locked, "HostConfig.ReadonlyPaths") : null,
            LogDriver = log.Text("Type"),
            LogOptions = log.TextMap("Config"),
            Runtime = host.Text("Runtime"),
            Isolation = host.Text("Isolation"),
            StorageOptions = host.TextMap("StorageOpt"),
            Annotations = host.TextMap("Annotations"),
            ReadonlyRoot = host.Flag("ReadonlyRootfs"),
            RestartPolicy = RestartOf(host),
            AutoRemove = host.Flag("AutoRemove"),
            Process = request.Process with
            {
                Privileged = host.Flag("Privileged"),
                CapabilitiesAdded = [.. (host.FindWords("CapAdd") ?? []).Select(CapabilityOf)],
                // Of 20.10 no more; older and other engines take it as the whole list.
                CapabilitiesDropped = [.. (host.FindWords("CapDrop") ?? []).Select(CapabilityOf)],
                Groups = host.Texts("GroupAdd"),
                SecurityOptions = options,
                NoNewPrivileges = options.Any(IsNoNewPrivileges),
                Init = host.FindFlag("Init") ?? false,
            },
            Namespaces = new StartNamespaces
            {
                Pid = host.Text("PidMode"),
                Ipc = host.Text("IpcMode"),
                Uts = host.Text("UTSMode"),
                User = host.Text("UsernsMode"),
                Cgroup = host.Text("CgroupnsMode"),
            },
            Network = new StartNetwork
            {
                Mode = host.Text("NetworkMode"),
                Published = PortsOf(host),
                PublishAll = host.Flag("PublishAllPorts"),
                Links = host.Texts("Links"),
                Dns = host.Texts("Dns"),
                ExtraHosts = host.Texts("ExtraHosts"),
            },
        };
        string joined = host.Text("Cgroup");
        log.TellUnknown(unknown);
        host.TellUnknown(unknown);
        return joined.Length == 0 ? request : request with { CgroupParent = joined };
    }

    private static StartRequest OfResources(GoStruct host, StartRequest request)
    {
        host.Pass("CpuShares", "BlkioWeight", "BlkioWeightDevice", "BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps", "CpusetMems", "KernelMemory", "KernelMemoryTCP",
            "MemoryReservation", "MemorySwappiness", "CpuCount", "CpuPercent", "IOMaximumIOps", "IOMaximumBandwidth");
        long quota = host.Number("CpuQuota"), period = host.Number("CpuPeriod");
        return request with
        {
            Resources = new StartResources
            {
                Memory = host.Number("Memory"),
                MemorySwap = host.Number("MemorySwap"),
                NanoCpus = host.Number("NanoCpus") is not 0 and var nano ? nano : NanoOf(quota, period),
                CpuSet = host.Text("CpusetCpus"),
                Pids = host.Number("PidsLimit"),
                OomKillDisabled = host.Flag("OomKillDisable"),
                OomScore = host.Number("OomScoreAdj"),
                RealTime = host.Number("CpuRealtimeRuntime") != 0 | host.Number("CpuRealtimePeriod") != 0,
                Ulimits = [.. host.Structs("Ulimits").Select(u => u.Text("Name"))],
            },
            CgroupParent = host.Text("CgroupParent"),
            Devices = [.. host.Structs("Devices").Select(d => d.Text("PathOnHost"))],
            DeviceRules = host.Texts("DeviceCgroupRules"),
            DeviceRequests = [.. host.Structs("DeviceRequests").Select(d => d.Text("Driver") is { Length: > 0 } driver ? driver : "any driver")],
        };
    }

    /// <summary>The kernel's period is 100 ms unless said otherwise.</summary>
    private static long NanoOf(long quota, long period) =>
        quota <= 0 ? 0 : (long)Math.Min((decimal)quota * 1_000_000_000 / (period > 0 ? period : 100_000), long.MaxValue);

    private static string RestartOf(GoStruct host)
    {
        GoStruct restart = host.Struct("RestartPolicy");
        return restart.Text("Name");
    }

    private static List<StartPort> PortsOf(GoStruct host)
    {
        List<StartPort> ports = [];
        foreach ((string port, GoValue bindings) in host.MapOf("PortBindings"))
            if (bindings.Kind == GoKind.List)
                foreach (GoValue item in bindings.Items)
                {
                    GoStruct binding = new(item, "HostConfig.PortBindings");
                    ports.Add(new StartPort(binding.Text("HostIp"), binding.Text("HostPort")));
                }
            else if (bindings.Kind != GoKind.Null)
                throw new StartRequestException("bad-value", $"HostConfig.PortBindings of {Escape.Quote(port)} is no list");
        return ports;
    }

    private static StartRequest OfNetworking(GoStruct networking, StartRequest request, List<string> unknown)
    {
        List<string> names = [], links = [.. request.Network.Links];
        foreach ((string name, GoValue value) in networking.MapOf("EndpointsConfig"))
        {
            GoStruct endpoint = new(value, "NetworkingConfig.EndpointsConfig");
            endpoint.Pass("IPAMConfig", "Aliases", "EndpointID", "Gateway", "IPAddress", "IPPrefixLen", "IPv6Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen", "MacAddress", "DNSNames", "GwPriority");
            links.AddRange(endpoint.Texts("Links"));
            string id = endpoint.Text("NetworkID");
            endpoint.TellUnknown(unknown);
            names.Add(name);
            // The engine joins this one, whatever name stands before it.
            if (id.Length > 0)
                names.Add(id);
        }
        networking.TellUnknown(unknown);
        return request with { Network = request.Network with { Endpoints = names, Links = links } };
    }

    /// <summary><c>SOURCE:TARGET[:OPTIONS]</c>, <c>TARGET</c> alone for a new volume.</summary>
    private static StartMount BindOf(string text, string volumeDriver)
    {
        string[] parts = text.Split(':');
        if (parts.Length > 3 || parts.Any(p => p.Length == 0))
            throw new StartRequestException("bad-value", $"HostConfig.Binds holds {Escape.Quote(text)}; wanted source:target[:options]");
        if (parts.Length == 1)
            return new StartMount { Kind = MountKind.Volume, Target = parts[0], Driver = volumeDriver };
        string[] options = parts.Length == 3 ? parts[2].Split(',') : [];
        // A name has no slash; everything else is meant as a path, also where the engine would refuse it.
        bool isPath = parts[0].Contains('/', StringComparison.Ordinal) || parts[0] is "." or ".." || parts[0].Contains('\\', StringComparison.Ordinal);
        return new StartMount
        {
            Kind = isPath ? MountKind.Bind : MountKind.Volume,
            Source = parts[0],
            Target = parts[1],
            ReadOnly = options.Contains("ro", StringComparer.OrdinalIgnoreCase),
            Propagation = options.FirstOrDefault(o => o.Contains("shared", StringComparison.OrdinalIgnoreCase) || o.Contains("slave", StringComparison.OrdinalIgnoreCase)) ?? "",
            Driver = isPath ? "" : volumeDriver,
        };
    }

    private static StartMount MountOf(GoStruct mount, List<string> unknown)
    {
        mount.Pass("Consistency", "TmpfsOptions");
        GoStruct bind = mount.Struct("BindOptions"), volume = mount.Struct("VolumeOptions"), driver = volume.Struct("DriverConfig");
        bind.Pass("NonRecursive", "CreateMountpoint", "ReadOnlyNonRecursive", "ReadOnlyForceRecursive");
        volume.Pass("NoCopy", "Labels");
        string type = mount.Text("Type");
        StartMount made = new()
        {
            Kind = KindOf(type),
            Type = type,
            Source = mount.Text("Source"),
            Target = mount.Text("Target"),
            ReadOnly = mount.Flag("ReadOnly"),
            Propagation = bind.Text("Propagation"),
            Driver = driver.Text("Name"),
            DriverOptions = driver.TextMap("Options"),
        };
        driver.TellUnknown(unknown);
        volume.TellUnknown(unknown);
        bind.TellUnknown(unknown);
        return made;
    }

    private static MountKind KindOf(string type) => type switch
    {
        "bind" => MountKind.Bind,
        "volume" => MountKind.Volume,
        "tmpfs" => MountKind.Tmpfs,
        _ => MountKind.Other,
    };

    internal static string CapabilityOf(string name)
    {
        string upper = name.ToUpperInvariant();
        return upper.StartsWith("CAP_", StringComparison.Ordinal) ? upper[4..] : upper;
    }

    private static bool IsNoNewPrivileges(string option) => option is "no-new-privileges" or "no-new-privileges=true" or "no-new-privileges:true";
}
