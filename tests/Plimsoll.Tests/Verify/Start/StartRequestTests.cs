using System.Text;
using Plimsoll.TestKit;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Verify.Start;

/// <summary>What a real engine answered and handed its runtime; updates; volumes; where paths lead.</summary>
public sealed class StartRequestTests
{
    private const string Id = "738764d44002609f062a88d83b4ddc58f16804279a790c179ecf1fdf8f570324";
    private static readonly StartImage Image = StartKit.Image("""{"config":{"User":"1000","Env":["X=1"],"Entrypoint":["/bin/true"],"Cmd":["a"]}}""", "t/web:1");

    private static string Vector(string name) => File.ReadAllText(Repository.At("tests", "vectors", "start", name + ".json"));

    private static Verdict Spec(string json, Policy? policy = null, string? runtime = "plimsoll", StartHost? host = null, StartImage? image = null) =>
        StartJudge.Of(policy ?? StartKit.Default, StartRequest.FromSpec(Encoding.UTF8.GetBytes(json)) with { Runtime = runtime }, image ?? Image, StartClient.Unknown, StartKit.Now, host);

    private static Verdict Inspect(string json, Policy? policy = null) =>
        StartJudge.Of(policy ?? StartKit.Default, StartRequest.FromInspect(Encoding.UTF8.GetBytes(json)), Image, StartClient.Unknown, StartKit.Now);

    [Fact]
    public void FromSpec_OrdinaryContainerOfARealEngine_Passes()
    {
        Verdict verdict = Spec(Vector("spec-plain"));
        Assert.Equal((Outcome.Passed, ""), (verdict.Outcome, string.Join(' ', verdict.Reasons.Select(r => r.Message))));
    }

    [Fact]
    public void FromInspect_OrdinaryContainerOfARealEngine_Passes()
    {
        Verdict verdict = Inspect(Vector("inspect-plain"));
        Assert.Equal((Outcome.Passed, ""), (verdict.Outcome, string.Join(' ', verdict.Reasons.Select(r => r.Message))));
    }

    [Theory]
    [InlineData("spec-privileged", "privileged")]
    [InlineData("inspect-privileged", "privileged")]
    [InlineData("spec-many", "capability-added user-changed seccomp-unconfined pid-host ipc-host uts-host network-host sensitive-path bind-not-allowed device device-rule sysctl cgroup-parent")]
    [InlineData("inspect-many", "capability-added user-changed seccomp-unconfined init-added pid-host ipc-host uts-host network-host sensitive-path bind-not-allowed device device-rule sysctl cgroup-parent")]
    public void From_AttacksOfARealEngine_AreEachNamed(string name, string codes)
    {
        Verdict verdict = name.StartsWith("spec", StringComparison.Ordinal) ? Spec(Vector(name)) : Inspect(Vector(name));
        Assert.Superset(codes.Split(' ').ToHashSet(), StartKit.Codes(verdict).ToHashSet());
        if (name.EndsWith("many", StringComparison.Ordinal))
            Assert.Equal(codes.Split(' ').Order(StringComparer.Ordinal), StartKit.Codes(verdict).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("process.args=[\"/bin/sh\"]", "process.args=[\"/bin/true\",\"a\"]", "command-changed")]
    [InlineData("process.args=[\"/sbin/docker-init\",\"--\",\"/bin/true\",\"a\"]", "process.args=[\"/bin/true\",\"a\"]", "init-added")]
    [InlineData("process.env=[\"X=1\",\"LD_PRELOAD=/x\"]", "process.env=[\"X=1\",\"TERM=xterm\",\"HOSTNAME=a\"]", "environment-dangerous")]
    [InlineData("process.user={\"uid\":0,\"gid\":0}", "process.user={\"uid\":1000,\"gid\":7}", "user-changed")]
    [InlineData("process.capabilities={\"ambient\":[\"CAP_SYS_ADMIN\"]}", "process.capabilities={}", "capability-added")]
    [InlineData("process.apparmorProfile=\"unconfined\"", "process.apparmorProfile=\"docker-default\"", "apparmor-unconfined")]
    [InlineData("linux.seccomp=null", "linux.seccomp={\"defaultAction\":\"SCMP_ACT_ERRNO\"}", "seccomp-unconfined")]
    [InlineData("linux.seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}", "linux.seccomp={\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\",\"ptrace\"],\"action\":\"SCMP_ACT_ALLOW\"}]}", "seccomp-profile")]
    [InlineData("linux.seccomp={\"defaultAction\":\"SCMP_ACT_LOG\"}", "linux.seccomp={\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\"}", "seccomp-profile")]
    [InlineData("linux.seccomp={}", "linux.seccomp={\"defaultAction\":\"SCMP_ACT_ERRNO\"}", "seccomp-profile")]
    [InlineData("linux.seccomp={\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\",\"mount\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
        "linux.seccomp={\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ERRNO\"}]}", "seccomp-profile")]
    [InlineData("linux.seccomp={\"defaultAction\":\"SCMP_ACT_ERRNO\",\"listenerPath\":\"/run/x\"}", "linux.seccomp={\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X86_64\"]}", "seccomp-profile")]
    [InlineData("linux.maskedPaths=[]", "linux.rootfsPropagation=\"\"", "paths-unmasked")]
    [InlineData("linux.readonlyPaths=-", "linux.rootfsPropagation=\"\"", "paths-unmasked")]
    [InlineData("linux.sysctl={\"net.ipv4.ping_group_range\":\"0 1\"}", "linux.sysctl={\"net.ipv4.ping_group_range\":\"0 2147483647\"}", "sysctl", "sysctls: {allow: []}")]
    [InlineData("linux.cgroupsPath=\"/evil/x\"", "linux.cgroupsPath=\"system.slice:docker:x\"", "cgroup-parent")]
    [InlineData("linux.cgroupsPath=\"evil.slice:docker:x\"", "linux.cgroupsPath=\"/docker/x\"", "cgroup-parent")]
    [InlineData("linux.resources.memory={}", "linux.resources.memory={\"limit\":1}", "no-memory-limit")]
    [InlineData("linux.resources.cpu={\"shares\":10}", "linux.resources.cpu={\"cpus\":\"0\"}", "no-cpu-limit")]
    [InlineData("linux.resources.pids=null", "linux.resources.pids={\"limit\":1}", "no-pids-limit")]
    [InlineData("linux.resources.devices=[{\"allow\":true,\"access\":\"rwm\"}]", "linux.resources.devices=[{\"allow\":true,\"type\":\"c\",\"major\":136,\"minor\":-1,\"access\":\"rwm\"}]", "privileged")]
    [InlineData("linux.resources.devices=[{\"allow\":true,\"type\":\"b\",\"major\":8,\"minor\":0,\"access\":\"r\"}]", "linux.resources.devices=[{\"allow\":false,\"type\":\"b\",\"major\":8,\"minor\":0}]", "device-rule")]
    [InlineData("linux.namespaces=[{\"type\":\"pid\"},{\"type\":\"uts\"},{\"type\":\"ipc\"},{\"type\":\"mount\"}]", "linux.namespaces=[{\"type\":\"pid\"},{\"type\":\"uts\"},{\"type\":\"ipc\"},{\"type\":\"network\"}]", "network-host")]
    [InlineData("linux.namespaces=[{\"type\":\"pid\",\"path\":\"/proc/9/ns/pid\"},{\"type\":\"uts\"},{\"type\":\"ipc\"},{\"type\":\"network\"}]",
        "linux.namespaces=[{\"type\":\"pid\"},{\"type\":\"uts\"},{\"type\":\"ipc\"},{\"type\":\"network\"},{\"type\":\"user\"},{\"type\":\"cgroup\"}]", "pid-container")]
    [InlineData("linux.namespaces=[{\"type\":\"pid\"},{\"type\":\"uts\"},{\"type\":\"ipc\"},{\"type\":\"network\",\"path\":\"/proc/9/ns/net\"}]",
        "linux.namespaces=[{\"type\":\"pid\"},{\"type\":\"uts\"},{\"type\":\"ipc\"},{\"type\":\"network\",\"path\":\"\"}]", "network-container")]
    [InlineData("hooks={\"prestart\":[{\"path\":\"/bin/sh\",\"args\":[\"libnetwork-setkey\"]}]}", "hooks={\"prestart\":[{\"path\":\"/proc/812/exe\",\"args\":[\"libnetwork-setkey\",\"-exec-root=/run/docker\"]}]}", "hook")]
    [InlineData("hooks={\"prestart\":[{\"path\":\"/proc/exe\",\"args\":[\"libnetwork-setkey\"]}]}", "hooks={}", "hook")]
    [InlineData("hooks={\"poststop\":[{\"path\":\"/proc/812/exe\",\"args\":[\"libnetwork-setkey\"]}]}", "hooks=null", "hook")]
    [InlineData("annotations={\"dev.gvisor.x\":\"y\"}", "annotations={}", "annotation")]
    [InlineData("linux.New=1", "linux.New=0", "unknown-field")]
    [InlineData("New=1", "New=0", "unknown-field")]
    [InlineData("mounts=[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"/var/lib/docker/volumes/a/../../overlay2\",\"options\":[\"rbind\"]}]",
        "mounts=[{\"destination\":\"/x\",\"type\":\"bind\",\"source\":\"/var/lib/docker/volumes/a/_data\",\"options\":[\"rbind\"]}]", "sensitive-path")]
    [InlineData("mounts=[{\"destination\":\"/etc/hosts\",\"type\":\"bind\",\"source\":\"/var/lib/docker/containers/x/hosts\",\"options\":[\"rbind\"]}]",
        "mounts=[{\"destination\":\"/etc/hosts\",\"type\":\"bind\",\"source\":\"/var/lib/docker/containers/" + Id + "/hosts\",\"options\":[\"rbind\",\"rprivate\"]}]", "sensitive-path")]
    [InlineData("mounts=[{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"/var/lib/docker/containers/" + Id + "/hosts\",\"options\":[\"rbind\"]}]",
        "mounts=[{\"destination\":\"/dev/shm\",\"type\":\"bind\",\"source\":\"/var/lib/docker/100000.100000/containers/" + Id + "/mounts/shm\",\"options\":[\"rbind\"]}]", "sensitive-path")]
    [InlineData("mounts=[{\"destination\":\"/data\",\"type\":\"none\",\"source\":\"/etc\",\"options\":[\"bind\"]}]", "mounts=[{\"destination\":\"/sbin/docker-init\",\"type\":\"bind\",\"source\":\"/usr/bin/docker-init\",\"options\":[\"bind\",\"ro\"]}]", "sensitive-path")]
    [InlineData("mounts=[{\"destination\":\"/data\",\"type\":\"proc\",\"source\":\"proc\"}]", "mounts=[{\"destination\":\"/proc/\",\"type\":\"proc\",\"source\":\"proc\"}]", "mount-type")]
    [InlineData("mounts=[{\"destination\":\"/bin\",\"type\":\"bind\",\"source\":\"/var/lib/docker/volumes/a/_data\",\"options\":[\"rbind\"]}]",
        "mounts=[{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"/var/lib/docker/volumes/a/_data\",\"options\":[\"rbind\"]}]", "executable-from-volume")]
    public void FromSpec_OneThingThatTheDefaultForbids_IsRefused(string attack, string twin, string code, string rule = "{}")
    {
        Policy policy = StartKit.PolicyOf($"start:\n  rules:\n  - {rule}\n");
        string plain = Vector("spec-plain");

        Assert.Contains(code, StartKit.Codes(Spec(Encoding.UTF8.GetString(StartKit.Changed(plain, attack)), policy)));
        Assert.Empty(StartKit.Codes(Spec(Encoding.UTF8.GetString(StartKit.Changed(plain, twin)), policy)));
    }

    /// <summary>The runtime follows a link that stands in the engine's own folder as any other.</summary>
    [Fact]
    public void FromSpec_VolumeThatIsALink_IsJudgedByWhereItLeads()
    {
        using TempFolder folder = new();
        foreach (string below in (string[])["root/volumes/good/_data", "root/volumes/evil", $"root/containers/{Id}", "elsewhere/good/_data", "elsewhere/evil", "other"])
            Directory.CreateDirectory(folder[below]);
        foreach (string link in (string[])["root/volumes/evil/_data", $"root/containers/{Id}/hosts", "elsewhere/evil/_data"])
            File.CreateSymbolicLink(folder[link], "/etc");
        folder.Write($"root/containers/{Id}/hostname", []);
        // Where an administrator put the volumes.
        File.CreateSymbolicLink(folder["other/volumes"], folder["elsewhere"]);

        Assert.Empty(Judge("root", "volumes/good/_data", "/data"));
        Assert.Empty(Judge("other", "volumes/good/_data", "/data"));
        Assert.Empty(Judge("root", $"containers/{Id}/hostname", "/etc/hostname"));
        Assert.Contains("sensitive-path", Judge("root", "volumes/evil/_data", "/data"));
        Assert.Contains("sensitive-path", Judge("other", "volumes/evil/_data", "/data"));
        Assert.Contains("sensitive-path", Judge("root", $"containers/{Id}/hosts", "/etc/hosts"));

        IReadOnlyList<string> Judge(string root, string source, string target) => StartKit.Codes(Spec(Encoding.UTF8.GetString(StartKit.Changed(Vector("spec-plain"),
            $"mounts=[{{\"destination\":\"{target}\",\"type\":\"bind\",\"source\":\"{folder[$"{root}/{source}"]}\",\"options\":[\"rbind\",\"rprivate\"]}}]")), StartKit.PolicyOf("start:\n  rules:\n  - {}\n"),
            host: new StartHost(StartPaths.Resolve, folder[root])));
    }

    /// <summary>A capability that policy allows brings the system calls along that the engine lets pass with it.</summary>
    [Fact]
    public void FromSpec_FilterThatFitsTheCapabilities_IsTheEngines()
    {
        const string filter = "linux.seccomp={\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"settimeofday\"],\"action\":\"SCMP_ACT_ALLOW\"}]}";
        Policy policy = StartKit.PolicyOf("start:\n  rules:\n  - process: {capabilities: [SYS_TIME]}\n");

        Assert.Equal(["seccomp-profile"], Judge("process.capabilities={}"));
        Assert.Empty(Judge("process.capabilities={\"bounding\":[\"CAP_SYS_TIME\"]}"));

        IReadOnlyList<string> Judge(string capabilities) => StartKit.Codes(Spec(Encoding.UTF8.GetString(StartKit.Changed(Vector("spec-plain"), filter, capabilities)), policy));
    }

    /// <summary>The path in a spec is only what the container calls a device.</summary>
    [Fact]
    public void FromSpec_AnotherDeviceByAnAllowedName_IsRefused()
    {
        Policy policy = StartKit.PolicyOf("start:\n  rules:\n  - devices: {devices: [/dev/fuse, /dev/none]}\n");
        StartHost host = StartHost.None with { DeviceAt = path => path == "/dev/fuse" ? "c 10:229" : null };

        Assert.Empty(Judge("/dev/fuse", "c", 10, 229));
        Assert.Equal(["device"], Judge("/dev/fuse", "b", 7, 0));
        Assert.Equal(["device"], Judge("/dev/fuse", "b", 10, 229));
        Assert.Equal(["device"], Judge("/dev/none", "c", 10, 229));

        IReadOnlyList<string> Judge(string path, string type, int major, int minor) => StartKit.Codes(Spec(Encoding.UTF8.GetString(StartKit.Changed(Vector("spec-plain"),
            $"linux.devices=[{{\"path\":\"{path}\",\"type\":\"{type}\",\"major\":{major},\"minor\":{minor}}}]")), policy, host: host));
    }

    /// <summary>A volume whose folder has something mounted is that, and a target with a link on its way lies elsewhere.</summary>
    [Theory]
    [InlineData("/etc", null, "sensitive-path")]
    [InlineData("/srv/data", null, "bind-not-allowed")]
    [InlineData("", null, "volume-options")]
    [InlineData(null, "/usr/lib", "system-target")]
    [InlineData(null, "", "system-target")]
    [InlineData(null, "/data/true", "executable-from-volume")]
    [InlineData("/srv/own/x", "/srv/elsewhere", "")]
    public void FromSpec_WhatTheGateSawOfAMount_Counts(string? origin, string? place, string code)
    {
        Policy policy = StartKit.PolicyOf("start:\n  rules:\n  - {mounts: {binds: [/srv/own]}, process: {command: free}}\n");
        StartRequest request = StartRequest.FromSpec(StartKit.Changed(Vector("spec-plain"), "process.args=[\"/data/true/x\"]",
            "mounts=[{\"destination\":\"/srv/v\",\"type\":\"bind\",\"source\":\"/var/lib/docker/volumes/a/_data\",\"options\":[\"rbind\",\"rprivate\"]}]")) with
        { Runtime = "plimsoll" };
        StartMount seen = request.Mounts[0] with { Place = place, Origins = origin is null ? [] : [new StartOrigin("/var/lib/docker/volumes/a/_data", origin.Length > 0 ? origin : null, false, "nfs server:/x")] };

        Assert.Empty(StartKit.Codes(StartJudge.Of(policy, request, Image, StartClient.Unknown, StartKit.Now)));
        Assert.Equal(code.Length > 0 ? [code] : [], StartKit.Codes(StartJudge.Of(policy, request with { Mounts = [seen] }, Image, StartClient.Unknown, StartKit.Now)).Where(c => c != "bind-not-allowed" || code == c));
    }

    [Fact]
    public void FromSpec_NobodySaysWhichLauncher_IsRefused()
    {
        Assert.Equal(["runtime-not-allowed"], StartKit.Codes(Spec(Vector("spec-plain"), runtime: null)));
        Assert.Equal(["runtime-not-allowed"], StartKit.Codes(Spec(Vector("spec-plain"), runtime: "plimsoll-runsc")));
    }

    [Fact]
    public void FromSpec_RuleForUsers_MayBeTheOneThatDecided()
    {
        Policy policy = StartKit.PolicyOf("start:\n  rules:\n  - users: [\"CN=ann\"]\n    process: {command: free}\n  - names: [\"docker.io/t/*\"]\n");
        string other = Encoding.UTF8.GetString(StartKit.Changed(Vector("spec-plain"), "process.args=[\"/bin/sh\"]"));
        Assert.Empty(StartKit.Codes(Spec(other, policy)));
        Assert.Equal(["no-memory-limit"], StartKit.Codes(Spec(Encoding.UTF8.GetString(StartKit.Changed(Vector("spec-plain"), "linux.resources.memory={}")), policy)));
        // Asked of the engine itself, nobody is ann.
        Assert.Equal(["entrypoint-changed", "command-changed"], StartKit.Codes(Inspect(Vector("inspect-plain").Replace("\"Entrypoint\":[\"/bin/true\"]", "\"Entrypoint\":[\"/bin/sh\"]", StringComparison.Ordinal)
            .Replace("\"Cmd\":[\"a\"]", "\"Cmd\":null", StringComparison.Ordinal), policy)));
    }

    [Theory]
    [InlineData("Config.Entrypoint=null", "entrypoint-changed")]
    [InlineData("Config.Cmd=[\"b\"]", "command-changed")]
    [InlineData("Config.User=\"0\"", "user-changed")]
    [InlineData("Config.Shell=[\"/data/x\"]", "shell")]
    [InlineData("AppArmorProfile=\"unconfined\"", "apparmor-unconfined")]
    [InlineData("HostConfig.Runtime=\"runc\"", "runtime-not-allowed")]
    [InlineData("NetworkSettings.Networks={\"host\":{}}", "network-host")]
    [InlineData("Mounts=[{\"Type\":\"bind\",\"Source\":\"/etc\",\"Destination\":\"/x\",\"RW\":true,\"Propagation\":\"rprivate\"}]", "sensitive-path")]
    [InlineData("Mounts=[{\"Type\":\"bind\",\"Source\":\"/srv\",\"Destination\":\"/x\",\"RW\":true,\"Propagation\":\"rshared\"}]", "propagation")]
    [InlineData("Mounts=[{\"Type\":\"volume\",\"Name\":\"a\",\"Source\":\"/x\",\"Destination\":\"/x\",\"Driver\":\"nfs\",\"RW\":true}]", "volume-driver")]
    [InlineData("HostConfig.New=1", "unknown-field")]
    [InlineData("Config.New=1", "unknown-field")]
    public void FromInspect_OneThingThatTheDefaultForbids_IsRefused(string attack, string code)
    {
        Assert.Contains(code, StartKit.Codes(Inspect(Encoding.UTF8.GetString(StartKit.Changed(Vector("inspect-plain"), attack)))));
        Assert.Empty(StartKit.Codes(Inspect(Encoding.UTF8.GetString(StartKit.Changed(Vector("inspect-plain"), "New=1")))));
    }

    [Theory]
    [InlineData("{\"Memory\":134217728,\"PidsLimit\":60,\"RestartPolicy\":{\"Name\":\"always\"}}", "")]
    [InlineData("{}", "")]
    [InlineData("{\"Memory\":0,\"NanoCpus\":0,\"PidsLimit\":null,\"CpuShares\":512}", "")]
    [InlineData("{\"Memory\":-1}", "no-memory-limit")]
    [InlineData("{\"PidsLimit\":0}", "no-pids-limit")]
    [InlineData("{\"PidsLimit\":-1}", "no-pids-limit")]
    [InlineData("{\"CpuQuota\":-1}", "no-cpu-limit")]
    [InlineData("{\"cpuPeriod\":1000}", "no-cpu-limit")]
    [InlineData("{\"CpuRealtimeRuntime\":5}", "real-time")]
    [InlineData("{\"DeviceCgroupRules\":[\"a *:* rwm\"]}", "device-rule")]
    [InlineData("{\"CgroupParent\":\"/\"}", "cgroup-parent")]
    [InlineData("{\"Privileged\":true}", "unknown-field")]
    public void WithUpdate_LaysLimitsOver(string update, string codes)
    {
        StartRequest updated = StartRequest.FromInspect(Encoding.UTF8.GetBytes(Vector("inspect-plain"))).WithUpdate(Encoding.UTF8.GetBytes(update));
        Assert.Equal(codes.Split(' ', StringSplitOptions.RemoveEmptyEntries), StartKit.Codes(StartJudge.Of(StartKit.Default, updated, Image, StartClient.Unknown, StartKit.Now)));
    }

    [Fact]
    public void MemorySwap_OfTheEnginesOwnAnswer_IsAnybodysDoingOnlyWhereItIsANumber()
    {
        Policy policy = StartKit.PolicyOf("start: {rules: [{resources: {max-memory: 1g}}]}\n");
        StartRequest Said(long swap) => StartRequest.FromInspect(StartKit.Changed(Vector("inspect-plain"), $"HostConfig.MemorySwap={swap}"));
        string[] Codes(StartRequest request) => StartKit.Codes(StartJudge.Of(policy, request, Image, StartClient.Unknown, StartKit.Now));

        // Kernels that cannot limit swap.
        Assert.Empty(Codes(Said(-1)));
        Assert.Empty(Codes(Said(2L << 30)));
        Assert.Equal(["limit-above"], Codes(Said((2L << 30) + 1)));
        Assert.Equal(["limit-above"], Codes(Said(-1).WithUpdate("{\"MemorySwap\":-1}"u8.ToArray())));
        Assert.Empty(Codes(Said(1L << 30).WithUpdate("{\"Memory\":67108864,\"MemorySwap\":0}"u8.ToArray())));
    }

    [Theory]
    [InlineData("{\"Name\":\"a\"}", "")]
    [InlineData("{\"Name\":\"a\",\"Driver\":\"local\",\"Labels\":{\"x\":\"y\"}}", "")]
    [InlineData("{\"DriverOpts\":{\"type\":\"none\",\"o\":\"bind\",\"device\":\"/\"}}", "engine-socket sensitive-path bind-not-allowed")]
    [InlineData("{\"driveropts\":{\"type\":\"none\",\"o\":\"rw,rbind\",\"device\":\"/srv/x\"}}", "bind-not-allowed")]
    [InlineData("{\"DriverOpts\":{\"type\":\"none\",\"o\":\"bind\"}}", "path-unresolved")]
    [InlineData("{\"DriverOpts\":{\"type\":\"overlay\",\"o\":\"lowerdir=/etc,bind\",\"device\":\"/srv\"}}", "volume-options bind-not-allowed")]
    [InlineData("{\"DriverOpts\":{\"type\":\"nfs\",\"o\":\"addr=192.0.2.1\",\"device\":\":/x\"}}", "volume-options")]
    [InlineData("{\"Driver\":\"x\"}", "volume-driver")]
    [InlineData("{\"New\":1}", "unknown-field")]
    public void OfVolume_IsJudgedAsWhatItMounts(string body, string codes) =>
        Assert.Equal(codes.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal),
            StartKit.Codes(StartJudge.OfVolume(StartKit.Default, StartRequest.FromVolume(Encoding.UTF8.GetBytes(body)), StartKit.Now)).Order(StringComparer.Ordinal));

    [Fact]
    public void OfVolume_AllowedByOneRuleOfTwo_IsRefused()
    {
        const string body = "{\"DriverOpts\":{\"type\":\"none\",\"o\":\"bind\",\"device\":\"/srv/x\"}}";
        StartRequest volume = StartRequest.FromVolume(Encoding.UTF8.GetBytes(body));
        Assert.Empty(StartKit.Codes(StartJudge.OfVolume(StartKit.PolicyOf("start: {rules: [{mounts: {binds: [/srv]}}]}\n"), volume, StartKit.Now)));
        Assert.Equal(["bind-not-allowed"], StartKit.Codes(StartJudge.OfVolume(StartKit.PolicyOf("start: {rules: [{mounts: {binds: [/srv]}}, {}]}\n"), volume, StartKit.Now)));
        Assert.Equal(["no-start-rules"], StartKit.Codes(StartJudge.OfVolume(StartKit.PolicyOf(""), volume, StartKit.Now)));
    }

    [Fact]
    public void Resolve_LinksOnTheWay_AreFollowedAndWhatCannotBeToldIsNull()
    {
        using TempFolder folder = new();
        string root = StartPaths.Resolve(folder.Path)!;
        Directory.CreateDirectory(Path.Combine(root, "a/b"));
        File.CreateSymbolicLink(Path.Combine(root, "up"), "a/b/../..");
        File.CreateSymbolicLink(Path.Combine(root, "out"), "/etc");
        File.CreateSymbolicLink(Path.Combine(root, "a/dangling"), "/nonexistent-plimsoll/x");
        File.CreateSymbolicLink(Path.Combine(root, "loop"), "loop");

        Assert.Equal($"{root}/a/b", StartPaths.Resolve($"{root}//up/./a/b/"));
        Assert.Equal("/etc/new/file", StartPaths.Resolve($"{root}/out/new/file"));
        Assert.Equal("/nonexistent-plimsoll/x/y", StartPaths.Resolve($"{root}/a/dangling/y"));
        Assert.Null(StartPaths.Resolve($"{root}/loop/x"));
        Assert.Null(StartPaths.Resolve($"{root}/missing/../x"));
        Assert.Null(StartPaths.Resolve("relative"));
        Assert.Null(StartPaths.Resolve("/a\0b"));
    }

    [Fact]
    public void Of_BindThroughALink_IsJudgedByWhereItLeads()
    {
        using TempFolder folder = new();
        string root = StartPaths.Resolve(folder.Path)!;
        Directory.CreateDirectory(Path.Combine(root, "own"));
        File.CreateSymbolicLink(Path.Combine(root, "own/link"), "/etc");
        File.CreateSymbolicLink(Path.Combine(root, "own/loop"), "loop");
        Policy policy = StartKit.PolicyOf($"start: {{rules: [{{mounts: {{binds: [{root}]}}}}]}}\n");
        string[] Codes(string path, StartHost? host) => StartKit.Codes(StartKit.Judge(StartKit.With($"HostConfig.Binds=[\"{root}/{path}:/data\"]"), policy, host: host));

        StartHost here = new(StartPaths.Resolve);
        Assert.Empty(Codes("own", here));
        Assert.Equal(["sensitive-path", "bind-not-allowed"], Codes("own/link", here));
        Assert.Equal(["path-unresolved"], Codes("own/loop", here));
        Assert.Empty(Codes("own/link", null));
        Assert.Equal(["sensitive-path"], StartKit.Codes(StartKit.Judge(StartKit.With($"HostConfig.Binds=[\"{root}/own:/data\"]"), policy, host: here with { DataRoot = $"{root}/own/docker" })));
    }

    [Theory]
    [InlineData("/a/./b//c/../d/", "/a/b/d")]
    [InlineData("/../../x", "/x")]
    [InlineData("/", "/")]
    [InlineData("a", null)]
    [InlineData("", null)]
    [InlineData("/a\0", null)]
    public void Fold_Path_IsAsTheKernelReadsIt(string path, string? folded) => Assert.Equal(folded, StartPaths.Fold(path));
}
