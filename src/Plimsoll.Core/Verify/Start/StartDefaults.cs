namespace Plimsoll.Verify.Start;

/// <summary>What the engine gives every container, and what no container should get.</summary>
public static class StartDefaults
{
    /// <summary>The capabilities of a container that asks for none. Source: Docker, "Runtime privilege and Linux capabilities".</summary>
    public static IReadOnlyList<string> Capabilities { get; } =
    [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    ];

    /// <summary>Paths that are hidden by every engine this is used with; newer ones hide more.</summary>
    public static IReadOnlyList<string> MaskedPaths { get; } =
        ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/scsi", "/proc/timer_list", "/sys/firmware"];

    /// <summary>Paths that the newest engine hides: a list that somebody sends in the place of the engine's own hides these, too.</summary>
    /// <remarks>Source: moby/moby, daemon/pkg/oci/defaults.go, without the paths that depend on the host's processors.</remarks>
    public static IReadOnlyList<string> NewestMaskedPaths { get; } =
    [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap",
        "/sys/firmware",
    ];

    public static IReadOnlyList<string> ReadonlyPaths { get; } = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    /// <summary>Folders of the host of which no container gets one, nor one that they lie in, nor one below them.</summary>
    public static IReadOnlyList<string> SensitivePaths { get; } =
    [
        "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run", "/sbin", "/sys", "/usr", "/var/lib/containerd", "/var/lib/containers", "/var/lib/docker", "/var/lib/kubelet",
        "/var/lib/plimsoll", "/var/run", "/var/spool/cron",
    ];

    /// <summary>Who holds one of these is root on the host.</summary>
    public static IReadOnlyList<string> EngineSockets { get; } =
    [
        "/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/docker.sock", "/run/docker/containerd/containerd.sock", "/run/docker/plugins", "/run/plimsoll", "/run/podman/podman.sock",
        "/var/run/containerd/containerd.sock", "/var/run/crio/crio.sock", "/var/run/docker.sock", "/var/run/docker/containerd/containerd.sock", "/var/run/docker/plugins", "/var/run/plimsoll", "/var/run/podman/podman.sock",
    ];

    /// <summary>Sockets by their last name, wherever they lie.</summary>
    internal static IReadOnlyList<string> SocketNames { get; } = ["buildkitd.sock", "containerd.sock", "crio.sock", "docker.sock", "dockershim.sock", "podman.sock"];

    /// <summary>Folders of a container of which the image alone decides what is in them.</summary>
    internal static IReadOnlyList<string> SystemTargets { get; } =
    [
        "/bin", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sbin", "/sys", "/usr/bin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec",
        "/usr/local/bin", "/usr/local/lib", "/usr/local/sbin", "/usr/sbin",
    ];

    /// <summary>
    /// Variables that make a program load or run something else; a <c>*</c> at the end stands for any rest. They hold only when the image itself
    /// sets the same value. Not <c>ENV</c>, which interactive shells alone read and many services use as a name of their own.
    /// </summary>
    public static IReadOnlyList<string> DangerousVariables { get; } =
    [
        "ASPNETCORE_HOSTINGSTARTUPASSEMBLIES", "BASHOPTS", "BASH_ENV", "BASH_FUNC_*", "CLASSPATH", "CORECLR_*", "COR_ENABLE_PROFILING", "COR_PROFILER*", "DOTNET_ADDITIONAL_DEPS", "DOTNET_HOSTINGSTARTUPASSEMBLIES", "DOTNET_ROOT*", "DOTNET_SHARED_STORE", "DOTNET_STARTUP_HOOKS", "ELIXIR_ERL_OPTIONS",
        "ERL_AFLAGS", "ERL_FLAGS", "ERL_LIBS", "ERL_ZFLAGS", "GCONV_PATH", "GEM_HOME", "GEM_PATH", "GETCONF_DIR", "GIO_EXTRA_MODULES", "GIT_EXEC_PATH", "GIT_SSH_COMMAND", "GLIBC_TUNABLES", "GTK_MODULES", "HOSTALIASES", "IFS",
        "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "JULIA_LOAD_PATH", "KRB5_CONFIG", "LD_*", "LOCPATH", "LUA_CPATH*", "LUA_INIT*", "LUA_PATH*", "MALLOC_*", "NIX_LD*", "NLSPATH", "NODE_OPTIONS", "NODE_PATH",
        "NODE_REPL_EXTERNAL_MODULE", "OPENSSL_CONF", "OPENSSL_ENGINES", "OPENSSL_MODULES", "PATH", "PERL5DB", "PERL5LIB", "PERL5OPT", "PERLLIB", "PHPRC", "PHP_INI_SCAN_DIR", "PROMPT_COMMAND", "PYTHONBREAKPOINT",
        "PYTHONHOME", "PYTHONINSPECT", "PYTHONPATH", "PYTHONPYCACHEPREFIX", "PYTHONSTARTUP", "PYTHONUSERBASE", "QT_PLUGIN_PATH", "RESOLV_HOST_CONF", "RES_OPTIONS", "RUBYLIB", "RUBYOPT", "RUSTC_WRAPPER", "R_PROFILE*", "SHELLOPTS",
        "TCLLIBPATH", "ZDOTDIR", "_JAVA_OPTIONS",
    ];

    /// <summary>What the engine sets where the image has no <c>PATH</c>.</summary>
    internal const string Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>Options of log drivers that say where the log goes; the rest of a name is the driver's own.</summary>
    internal static IReadOnlyList<string> LogAddresses { get; } =
        ["awslogs-endpoint", "awslogs-credentials-endpoint", "fluentd-address", "gcp-project", "gelf-address", "loki-url", "splunk-url", "syslog-address"];
}
