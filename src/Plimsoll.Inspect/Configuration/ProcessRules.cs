using System.Globalization;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Configuration;

/// <summary>What the image's config says of the process: user, health check, ports, volumes, command, labels, tags.</summary>
internal static class ProcessRules
{
    private const int MaxOnBuild = 5;

    /// <summary>Labels of OCI's image specification without which nobody can tell what the image was made of.</summary>
    private static readonly (string Oci, string Older)[] Labels = [("source", "vcs-url"), ("version", "version"), ("revision", "vcs-ref")];

    /// <summary>Go's names of what container images are made for.</summary>
    private static readonly string[] Architectures =
        ["386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64", "s390x", "wasm"];

    public static void Judge(ImageFacts facts, ProblemDraft draft)
    {
        ProcessConfig process = facts.Process ?? new ProcessConfig();
        bool windows = facts.Input.Config?.Os == "windows";
        User(process.User ?? "", windows, facts, draft);
        if (process.Healthcheck?.Test is not { Count: > 0 } test || test[0].Length == 0)
            draft.OfConfig("CIS-4.6", Severity.Low, "healthcheck", "", "4.6");
        else if (test[0] == "NONE")
            draft.OfConfig("CIS-4.6", Severity.Low, "healthcheck", "NONE", "4.6");
        foreach (string port in process.ExposedPorts ?? [])
            Port(port, draft);
        if (!windows)
            foreach (string volume in process.Volumes ?? [])
                Volume(volume, draft);
        if (process is { Entrypoint: null or { Count: 0 }, Cmd: null or { Count: 0 } })
            draft.OfConfig("no-command", Severity.Low, "cmd", "");
        if (process.OnBuild is { Count: > 0 } triggers)
            draft.OfConfig("onbuild", Severity.Low, "onbuild", string.Join("; ", triggers.Take(MaxOnBuild).Select(Trigger)) + (triggers.Count > MaxOnBuild ? "; …" : ""), null, triggers.Count.ToString(CultureInfo.InvariantCulture));
        if (process.StopSignal is "SIGKILL" or "KILL" or "9")
            draft.OfConfig("stop-signal-kill", Severity.Negligible, "stopsignal", process.StopSignal);
        IReadOnlyDictionary<string, string> labels = process.Labels ?? new Dictionary<string, string>();
        string[] missing = [.. Labels.Where(l => !Has($"org.opencontainers.image.{l.Oci}") && !Has($"org.label-schema.{l.Older}")).Select(l => $"org.opencontainers.image.{l.Oci}")];
        if (missing.Length > 0)
            draft.OfConfig("labels-missing", Severity.Low, "labels", string.Join(", ", missing));
        Tag(facts, draft);
        if (facts.Input.Config is { } config && (string.IsNullOrEmpty(config.Os) || config.Os is not ("linux" or "windows" or "freebsd") || !Architectures.Contains(config.Architecture)))
            draft.OfConfig("platform-unknown", Severity.Low, "platform", $"{config.Os}/{config.Architecture}");

        bool Has(string label) => labels.TryGetValue(label, out string? value) && value.Trim().Length > 0;
    }

    /// <summary>Whether the first process is root, whatever name or number says so.</summary>
    /// <remarks>Source: opencontainers/runc, libcontainer/user, GetExecUser: user or number, then a group; numbers need no account.</remarks>
    private static void User(string user, bool windows, ImageFacts facts, ProblemDraft draft)
    {
        if (windows)
        {
            if (user.Equals("ContainerAdministrator", StringComparison.OrdinalIgnoreCase) || user.Equals("Administrator", StringComparison.OrdinalIgnoreCase))
                draft.OfConfig("CIS-4.1", Severity.Medium, "user", user, "4.1", user);
            return;
        }
        string name = user.Split(':')[0];
        if (name.Length == 0)
        {
            draft.OfConfig("CIS-4.1", Severity.Medium, "user", user, "4.1", "root");
            return;
        }
        uint? uid = null;
        foreach ((_, uint of) in facts.Accounts.Where(a => a.Hit.Hit.Evidence == name).Take(1))
            uid = of;
        if (uid is null && long.TryParse(name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
            uid = number is >= 0 and <= uint.MaxValue ? (uint)number : null;
        else if (uid is null && name == "root")
            uid = 0;
        else if (uid is null)
        {
            draft.OfConfig("user-unknown", Severity.Medium, "user", user, null, name);
            return;
        }
        if (uid == 0)
            draft.OfConfig("CIS-4.1", Severity.Medium, "user", name is "root" or "0" ? user : $"{user} = uid 0", "4.1", name);
    }

    /// <summary>A line for derived images, without the value of a variable.</summary>
    private static string Trigger(string line)
    {
        int equals = line.StartsWith("ENV ", StringComparison.OrdinalIgnoreCase) || line.StartsWith("ARG ", StringComparison.OrdinalIgnoreCase) ? line.IndexOf('=', StringComparison.Ordinal) : -1;
        return ProblemDraft.Short(equals < 0 ? line : $"{line[..equals]}=…", 60);
    }

    private static void Port(string text, ProblemDraft draft)
    {
        if (RiskyPorts.Find(text) is { } risky)
            draft.OfConfig("exposed-port", risky.Severity, $"exposed {text}", "", null, text, risky.Service);
    }

    private static void Volume(string volume, ProblemDraft draft)
    {
        string path = "/" + string.Join('/', volume.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(p => p != "."));
        Severity severity = path switch
        {
            "/var/run/docker.sock" or "/run/docker.sock" or "/var/run/containerd" or "/run/containerd" or "/var/lib/docker" or "/var/lib/containers" => Severity.High,
            "/" or "/etc" or "/usr" or "/bin" or "/sbin" or "/lib" or "/lib64" or "/boot" or "/dev" or "/proc" or "/sys" or "/root" or "/run" or "/var/run" or "/usr/bin" or "/usr/sbin" or "/usr/lib" or "/root/.ssh" => Severity.Medium,
            _ when path.StartsWith("/proc/", StringComparison.Ordinal) || path.StartsWith("/sys/", StringComparison.Ordinal) || path.StartsWith("/dev/", StringComparison.Ordinal) && path != "/dev/shm" => Severity.Medium,
            _ => Severity.Unknown,
        };
        if (severity != Severity.Unknown)
            draft.OfConfig("sensitive-volume", severity, $"volume {volume}", "", null, path);
    }

    private static void Tag(ImageFacts facts, ProblemDraft draft)
    {
        IReadOnlyList<string> tags = facts.Input.Tags;
        if (tags.Count > 0 && tags.All(t => TagOf(t) is "latest" or ""))
            draft.OfConfig("latest-tag", Severity.Low, "tag", tags[0]);
    }

    /// <summary>Behind the last colon that is no port's; a text without any is a bare tag, as layouts have it.</summary>
    private static string TagOf(string name)
    {
        if (name.Contains('@', StringComparison.Ordinal))
            return "@";
        int colon = name.LastIndexOf(':');
        return colon > name.LastIndexOf('/') ? name[(colon + 1)..] : name.Contains('/', StringComparison.Ordinal) ? "" : name;
    }
}
