namespace Plimsoll.Verify.Start;

/// <summary>The process: its rights, and what differs from what the image's signed config says.</summary>
internal static class StartProcesses
{
    public static void Judge(StartRun run)
    {
        StartProcess process = run.Request.Process;
        if (process.Privileged)
            run.Flag(StartCheck.Privileged, "privileged", "privileged");
        Capabilities(run, process);
        User(run, process);
        Security(run, process);
        if (!process.NoNewPrivileges)
            run.Flag(StartCheck.NewPrivileges, "new-privileges", "no-new-privileges");
        if (run.Config.IsKnown)
            Changes(run, process);
        if (process.Init || IsInit(process.Arguments))
            run.Flag(StartCheck.Init, "init-added", "--init");
        foreach (string hook in process.Hooks)
            run.Flag(StartCheck.Hook, "hook", hook);
    }

    /// <summary>What differs from what the image says.</summary>
    private static void Changes(StartRun run, StartProcess process)
    {
        Command(run, process);
        StartEnvironment.Judge(run);
        if (process.WorkingDirectory is { } folder && (StartPaths.Fold(folder) ?? folder) != (StartPaths.Fold(run.Config.WorkingDirectory) ?? "/"))
            run.Flag(StartCheck.WorkingDirectory, "working-dir-changed", folder);
        if (process.HealthCheck is { Count: > 0 } test && !test.SequenceEqual(run.Config.HealthCheck, StringComparer.Ordinal))
            run.Flag(StartCheck.HealthCheck, "health-check-changed", string.Join(' ', test));
        // The engine puts it before the image's own test.
        if (process.Shell.Count > 0 && !process.Shell.SequenceEqual(run.Config.Shell, StringComparer.Ordinal))
            run.Flag(StartCheck.HealthCheck, "shell", string.Join(' ', process.Shell));
    }

    private static void Capabilities(StartRun run, StartProcess process)
    {
        // A privileged container has them all, which is said already.
        if (process.Privileged && run.Request.Source == StartSource.Spec)
            return;
        foreach (string capability in process.CapabilitiesAdded)
            if (!run.Rule[StartList.Capabilities].Contains(capability, StringComparer.Ordinal) && !run.Rule[StartList.Capabilities].Contains("ALL", StringComparer.Ordinal))
                run.Flag(StartCheck.Capability, "capability-added", capability);
    }

    private static void User(StartRun run, StartProcess process)
    {
        string own = run.Config.User, user = process.User ?? own;
        if (IsRoot(user) && (run.Config.IsKnown || process.User is not null))
            run.Flag(StartCheck.Root, "runs-as-root", user.Length > 0 ? user : "root");
        if (!IsRoot(own) && !IsSame(own, user, run.Request.Source))
            run.Flag(StartCheck.User, "user-changed", user.Length > 0 ? user : "root");
        // A spec holds those of the image's own files, too.
        if (run.Request.Source == StartSource.Spec)
            return;
        foreach (string group in process.Groups)
            if (!run.Allows(StartList.Groups, group))
                run.Flag(StartCheck.Group, "group-added", group);
    }

    /// <summary>A spec has numbers, and which they are to a name only the image's files say: there, only root can be told from another.</summary>
    private static bool IsSame(string own, string user, StartSource source) =>
        user == own || (source == StartSource.Spec && (OnlyDigits(own) ? NameOf(user) == NameOf(own) && (GroupOf(own) == GroupOf(user) || !GroupOf(own).All(char.IsAsciiDigit) || GroupOf(own).Length == 0) : !IsRoot(user)));

    private static bool IsRoot(string user) => NameOf(user) is var name && (name is "" or "root" || (OnlyDigits(name) && name.All(c => c == '0')));

    private static bool OnlyDigits(string user) => NameOf(user) is { Length: > 0 } name && name.All(char.IsAsciiDigit);

    private static string NameOf(string user) => user.IndexOf(':', StringComparison.Ordinal) is >= 0 and var colon ? user[..colon] : user;

    private static string GroupOf(string user) => user.IndexOf(':', StringComparison.Ordinal) is >= 0 and var colon ? user[(colon + 1)..] : "";

    private static void Security(StartRun run, StartProcess process)
    {
        foreach (string option in process.SecurityOptions)
        {
            int at = option.IndexOfAny(['=', ':']);
            string name = at < 0 ? option : option[..at], value = at < 0 ? "" : option[(at + 1)..];
            switch (name)
            {
                case "no-new-privileges":
                    break;
                case "seccomp":
                    if (value != "builtin")
                        run.Flag(StartCheck.Seccomp, value == "unconfined" ? "seccomp-unconfined" : "seccomp-profile", value == "unconfined" ? value : "a profile of its own");
                    break;
                case "apparmor":
                    if (value != StartRequest.DefaultAppArmor)
                        run.Flag(StartCheck.AppArmor, value == "unconfined" ? "apparmor-unconfined" : "apparmor-profile", value);
                    break;
                // The engine adds this by itself where a namespace is shared, and shows it as if it had been asked for.
                case "label" when value == "disable" && run.Request.Source == StartSource.Inspect && SharesProcesses(run.Request):
                    break;
                case "label":
                    run.Flag(StartCheck.SeLinux, "selinux-label", value);
                    break;
                case "systempaths":
                    run.Flag(StartCheck.Unmasked, "paths-unmasked", option);
                    break;
                default:
                    run.Flag(StartCheck.SecurityOption, "security-option", option);
                    break;
            }
        }
    }

    private static bool SharesProcesses(StartRequest request) => request.Process.Privileged || request.Namespaces.Pid.Length > 0 || request.Namespaces.Ipc is "host" || request.Namespaces.Ipc.StartsWith("container:", StringComparison.Ordinal);

    private static void Command(StartRun run, StartProcess process)
    {
        if (run.Rule.Command == CommandFreedom.Free)
            return;
        SignedConfig config = run.Config;
        bool free = run.Rule.Command == CommandFreedom.CommandFree;
        if (process.Arguments is { } arguments)
        {
            IReadOnlyList<string> words = IsInit(arguments) ? [.. arguments.Skip(2)] : arguments;
            if (!Fits([.. config.Entrypoint, .. config.Command], config.Entrypoint.Count > 0 ? config.Entrypoint.Count : 1, words, free))
                run.Flag(StartCheck.CommandChanged, "command-changed", string.Join(' ', words));
            return;
        }
        // One empty word takes an entrypoint away.
        IReadOnlyList<string>? asked = process.Entrypoint is [""] ? [] : process.Entrypoint ?? (run.Request.Source == StartSource.Inspect ? [] : null);
        if (asked is not null && !asked.SequenceEqual(config.Entrypoint, StringComparer.Ordinal))
            run.Flag(StartCheck.CommandChanged, "entrypoint-changed", asked.Count > 0 ? string.Join(' ', asked) : "none");
        IReadOnlyList<string> effective = process.Command is { Count: > 0 } command ? command
            // Who names an entrypoint gets no command of the image's.
            : process.Entrypoint is { Count: > 0 } && run.Request.Source == StartSource.Create ? [] : config.Command;
        if (run.Request.Source == StartSource.Inspect)
            effective = process.Command ?? [];
        if (!Fits(config.Command, config.Entrypoint.Count > 0 ? 0 : 1, effective, free))
            run.Flag(StartCheck.CommandChanged, "command-changed", effective.Count > 0 ? string.Join(' ', effective) : "none");
    }

    /// <param name="fixedWords">How many of the image's words stay, when the rest is free.</param>
    private static bool Fits(IReadOnlyList<string> own, int fixedWords, IReadOnlyList<string> words, bool free) =>
        free ? words.Count >= Math.Min(fixedWords, own.Count) && words.Take(fixedWords).SequenceEqual(own.Take(fixedWords), StringComparer.Ordinal)
        : words.SequenceEqual(own, StringComparer.Ordinal);

    /// <summary>The engine's own init, which a spec shows as the first words.</summary>
    private static bool IsInit(IReadOnlyList<string>? arguments) => arguments is ["/sbin/docker-init", "--", ..] or ["/dev/init", "--", ..];
}
