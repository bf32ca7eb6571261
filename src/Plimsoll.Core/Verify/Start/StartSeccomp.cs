namespace Plimsoll.Verify.Start;

/// <summary>Whether a spec's filter of system calls may be the one that the engine has built in.</summary>
internal static class StartSeccomp
{
    /// <summary>What the engine's filter never lets pass, and what only with one of these capabilities.</summary>
    /// <remarks>Source: moby/moby, profiles/seccomp/default_linux.go, 20.10 to 28.</remarks>
    private static readonly (string Call, string[] With)[] Kept =
    [
        ("add_key", []), ("keyctl", []), ("request_key", []), ("kexec_load", []), ("kexec_file_load", []), ("pivot_root", []), ("swapon", []), ("swapoff", []), ("userfaultfd", []),
        ("bpf", ["SYS_ADMIN", "BPF"]), ("fsconfig", ["SYS_ADMIN"]), ("fsmount", ["SYS_ADMIN"]), ("fsopen", ["SYS_ADMIN"]), ("mount", ["SYS_ADMIN"]), ("mount_setattr", ["SYS_ADMIN"]), ("move_mount", ["SYS_ADMIN"]),
        ("open_tree", ["SYS_ADMIN"]), ("perf_event_open", ["SYS_ADMIN", "PERFMON"]), ("quotactl", ["SYS_ADMIN"]), ("setns", ["SYS_ADMIN"]), ("umount2", ["SYS_ADMIN"]), ("unshare", ["SYS_ADMIN"]),
        ("open_by_handle_at", ["DAC_READ_SEARCH"]), ("delete_module", ["SYS_MODULE"]), ("finit_module", ["SYS_MODULE"]), ("init_module", ["SYS_MODULE"]), ("reboot", ["SYS_BOOT"]),
        ("iopl", ["SYS_RAWIO"]), ("ioperm", ["SYS_RAWIO"]), ("clock_settime", ["SYS_TIME"]), ("settimeofday", ["SYS_TIME"]),
    ];

    /// <param name="capabilities">Those of the container, without <c>CAP_</c>.</param>
    public static bool IsEngines(GoStruct seccomp, IReadOnlySet<string> capabilities)
    {
        if (!Stops(seccomp.Text("defaultAction")) || seccomp.Text("listenerPath").Length > 0)
            return false;
        foreach (GoStruct rule in seccomp.Structs("syscalls"))
            if (!Stops(rule.Text("action")) && rule.ListOf("args").Count == 0
                && rule.Texts("names").Any(n => Kept.Any(k => k.Call == n && !k.With.Any(capabilities.Contains))))
                return false;
        return true;
    }

    private static bool Stops(string action) => action is "SCMP_ACT_ERRNO" or "SCMP_ACT_KILL" or "SCMP_ACT_KILL_THREAD" or "SCMP_ACT_KILL_PROCESS";
}
