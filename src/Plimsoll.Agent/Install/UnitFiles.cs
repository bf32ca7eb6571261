namespace Plimsoll.Agent.Install;

/// <summary>What systemd and the launchers are told.</summary>
internal static class UnitFiles
{
    public const string Agent = "plimsoll-agent.service", Front = "plimsoll-front.service", DropIn = "docker.service.d/50-plimsoll.conf";

    /// <summary>
    /// The agent looks at what is mounted on the host and at processes of containers: it has the host's own mounts, so that nothing here makes a
    /// mount namespace. RestrictSUIDSGID= is left out, since systemd forbids openat2 with it, by which every file of a store is opened.
    /// </summary>
    public static string AgentUnit(InstallOptions options) => $"""
        [Unit]
        Description=Plimsoll agent: decides which containers start
        Documentation=man:plimsoll(1)
        After=local-fs.target
        Before=docker.service
        # It is tried for ever: while it is away nothing starts.
        StartLimitIntervalSec=0

        [Service]
        Type=notify
        ExecStart={options.Library}/plimsoll-agent run --state {options.Paths.State} --run {options.Paths.Run} --data-root {options.Paths.DataRoot} --docker {options.Paths.DockerSocket}{(options.TrustUntilWrite ? " --trust-until-write" : "")}{(options.Metrics is { } metrics ? $" --metrics {metrics}" : "")}{string.Concat(options.RunOptions.Select(o => $" {o}"))}
        Restart=always
        RestartSec=1
        UMask=0077
        # What is allocated between two collections, bytes: else the processor's last cache, on servers more than all that the agent holds.
        Environment=DOTNET_GCgen0size=0x400000
        # No socket for debuggers.
        Environment=DOTNET_EnableDiagnostics=0
        {(options.Paths.Run.StartsWith("/run/", StringComparison.Ordinal) ? $"RuntimeDirectory={options.Paths.Run["/run/".Length..]}\nRuntimeDirectoryMode=0700\nRuntimeDirectoryPreserve=yes" : "")}
        # A dump of its memory would hold the key of the evidence log.
        LimitCORE=0
        OOMScoreAdjust=-900
        NoNewPrivileges=yes
        LockPersonality=yes
        RestrictRealtime=yes
        RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
        SystemCallArchitectures=native

        [Install]
        WantedBy=multi-user.target

        """;

    /// <summary>It has sockets and nothing else; when the agent is gone it stays and answers no.</summary>
    public static string FrontUnit(InstallOptions options) => $"""
        [Unit]
        Description=Plimsoll front: answers dockerd's questions, also while the agent cannot
        Documentation=man:plimsoll(1)
        After=local-fs.target
        Before=docker.service
        StartLimitIntervalSec=0

        [Service]
        Type=notify
        ExecStartPre=/bin/mkdir -p -m 0755 /run/docker/plugins
        ExecStart={options.Library}/plimsoll-front --listen {options.PluginSocket} --agent {options.Paths.PluginSocket}
        Restart=always
        RestartSec=1
        UMask=0077
        LimitCORE=0
        OOMScoreAdjust=-950
        CapabilityBoundingSet=
        NoNewPrivileges=yes
        PrivateNetwork=yes
        PrivateDevices=yes
        PrivateTmp=yes
        ProtectHome=yes
        ProtectSystem=full
        ProtectKernelTunables=yes
        ProtectKernelModules=yes
        ProtectControlGroups=yes
        RestrictAddressFamilies=AF_UNIX
        RestrictNamespaces=yes
        RestrictRealtime=yes
        RestrictSUIDSGID=yes
        LockPersonality=yes
        MemoryDenyWriteExecute=yes
        SystemCallArchitectures=native

        [Install]
        WantedBy=multi-user.target

        """;

    public static string DockerDropIn => $"""
        # Containers that docker starts by itself ask the gate as well: it has to be there first.
        [Unit]
        Wants={Agent} {Front}
        After={Agent} {Front}

        """;

    /// <summary>Source: docs/formats/gate-protocol.md.</summary>
    public static string LauncherConfiguration(InstallOptions options, string runtime, params ReadOnlySpan<string> arguments)
    {
        System.Text.StringBuilder text = new();
        text.Append("runtime ").Append(runtime).Append('\n').Append("socket ").Append(options.Paths.GateSocket).Append('\n');
        foreach (string argument in arguments)
            text.Append("argument ").Append(argument).Append('\n');
        return text.ToString();
    }
}
