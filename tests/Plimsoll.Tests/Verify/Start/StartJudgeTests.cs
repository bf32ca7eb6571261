using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Verify.Start;

/// <summary>The default rule: an ordinary service starts, and each thing that is dangerous is refused by its name. Each attack differs from what starts in that alone.</summary>
public sealed class StartJudgeTests
{
    [Fact]
    public void Of_OrdinaryService_Passes()
    {
        Verdict verdict = StartKit.Judge(StartKit.With());

        Assert.Equal(Outcome.Passed, verdict.Outcome);
        Assert.Empty(verdict.Reasons);
    }

    [Fact]
    public void Of_PolicyWithoutSection_RefusesAll() =>
        Assert.Equal(["no-start-rules"], StartKit.Codes(StartKit.Judge(StartKit.With(), StartKit.PolicyOf(""))));

    [Theory]
    // What is asked, what stands there in the twin, component and code.
    [InlineData("HostConfig.Privileged=true", "HostConfig.Privileged=false", "process", "privileged")]
    [InlineData("HostConfig.CapAdd=[\"SYS_ADMIN\"]", "HostConfig.CapAdd=[\"NET_BIND_SERVICE\"]", "process", "capability-added")]
    [InlineData("HostConfig.CapAdd=\"cap_sys_ptrace\"", "HostConfig.CapAdd=\"cap_chown\"", "process", "capability-added")]
    [InlineData("HostConfig.CapAdd=[\"ALL\"]", "HostConfig.CapDrop=[\"ALL\"]", "process", "capability-added")]
    [InlineData("HostConfig.GroupAdd=[\"0\"]", "HostConfig.GroupAdd=[]", "process", "group-added")]
    [InlineData("HostConfig.SecurityOpt=[\"seccomp=unconfined\"]", "HostConfig.SecurityOpt=[\"seccomp=builtin\"]", "process", "seccomp-unconfined")]
    [InlineData("HostConfig.SecurityOpt=[\"seccomp:unconfined\"]", "HostConfig.SecurityOpt=[\"no-new-privileges\"]", "process", "seccomp-unconfined")]
    [InlineData("HostConfig.SecurityOpt=[\"seccomp={}\"]", "HostConfig.SecurityOpt=[\"no-new-privileges:true\"]", "process", "seccomp-profile")]
    [InlineData("HostConfig.SecurityOpt=[\"apparmor=unconfined\"]", "HostConfig.SecurityOpt=[\"apparmor=docker-default\"]", "process", "apparmor-unconfined")]
    [InlineData("HostConfig.SecurityOpt=[\"apparmor=mine\"]", "HostConfig.SecurityOpt=[\"apparmor:docker-default\"]", "process", "apparmor-profile")]
    [InlineData("HostConfig.SecurityOpt=[\"label=disable\"]", "HostConfig.SecurityOpt=[]", "process", "selinux-label")]
    [InlineData("HostConfig.SecurityOpt=[\"writable-cgroups=true\"]", "HostConfig.SecurityOpt=null", "process", "security-option")]
    [InlineData("HostConfig.SecurityOpt=[\"systempaths=unconfined\"]", "HostConfig.SecurityOpt=null", "masked-paths", "paths-unmasked")]
    [InlineData("Entrypoint=[\"/bin/sh\"]", "Entrypoint=null", "process", "entrypoint-changed")]
    [InlineData("Entrypoint=\"\"", "Entrypoint=null", "process", "entrypoint-changed")]
    [InlineData("Entrypoint=[]", "Entrypoint=null", "process", "entrypoint-changed")]
    [InlineData("Cmd=[\"sh\"]", "Cmd=[\"nginx\",\"-g\",\"daemon off;\"]", "process", "command-changed")]
    [InlineData("Cmd=\"sh\"", "Cmd=[]", "process", "command-changed")]
    [InlineData("Env=[\"LD_PRELOAD=/data/x.so\"]", "Env=[\"LD_PRELOAD=/usr/lib/libjemalloc.so\"]", "process", "environment-dangerous")]
    [InlineData("Env=[\"PATH=/data:/usr/bin\"]", "Env=[\"PATH=/usr/local/bin:/usr/bin:/bin\"]", "process", "environment-dangerous")]
    [InlineData("Env=[\"BASH_FUNC_ls%%=() { id; }\"]", "Env=[\"BASH=1\"]", "process", "environment-dangerous")]
    [InlineData("Env=[\"NODE_OPTIONS=--require /x.js\"]", "Env=[\"NODE_ENV=production\"]", "process", "environment-dangerous")]
    [InlineData("Env=[\"PYTHONPYCACHEPREFIX=/data\"]", "Env=[\"PYTHONUNBUFFERED=1\"]", "process", "environment-dangerous")]
    [InlineData("Env=[\"ZDOTDIR=/data\"]", "Env=[\"ZONE=/data\"]", "process", "environment-dangerous")]
    [InlineData("Env=[\"DOTNET_ROOT=/data\"]", "Env=[\"DOTNET_gcServer=1\"]", "process", "environment-dangerous")]
    [InlineData("Env=[\"ASPNETCORE_HOSTINGSTARTUPASSEMBLIES=x\"]", "Env=[\"ASPNETCORE_URLS=http://*:80\"]", "process", "environment-dangerous")]
    [InlineData("Env=[\"KRB5_CONFIG=/data/x\"]", "Env=[\"KRB5=1\"]", "process", "environment-dangerous")]
    [InlineData("Env=[\"GIT_EXEC_PATH=/data\"]", "Env=[\"GIT_DIR=/data\"]", "process", "environment-dangerous")]
    [InlineData("Env=[\"LD_PRELOAD\"]", "Env=[\"LD_AUDIT\"]", "process", "environment-dangerous")]
    [InlineData("Healthcheck={\"Test\":[\"CMD\",\"/data/x\"]}", "Healthcheck={\"Test\":[\"CMD\",\"curl\",\"localhost\"]}", "process", "health-check-changed")]
    [InlineData("Healthcheck={\"Test\":[\"NONE\"]}", "Healthcheck={\"Test\":[],\"Interval\":1}", "process", "health-check-changed")]
    [InlineData("Shell=[\"/data/x\"]", "Shell=[]", "process", "shell")]
    [InlineData("shell=\"/data/x\"", "Shell=null", "process", "shell")]
    [InlineData("HostConfig.Init=true", "HostConfig.Init=false", "process", "init-added")]
    [InlineData("HostConfig.PidMode=\"host\"", "HostConfig.PidMode=\"\"", "namespaces", "pid-host")]
    [InlineData("HostConfig.PidMode=\"container:x\"", "HostConfig.PidMode=null", "namespaces", "pid-container")]
    [InlineData("HostConfig.IpcMode=\"host\"", "HostConfig.IpcMode=\"shareable\"", "namespaces", "ipc-host")]
    [InlineData("HostConfig.IpcMode=\"container:x\"", "HostConfig.IpcMode=\"private\"", "namespaces", "ipc-container")]
    [InlineData("HostConfig.UTSMode=\"host\"", "HostConfig.UTSMode=\"\"", "namespaces", "uts-host")]
    [InlineData("HostConfig.UsernsMode=\"host\"", "HostConfig.UsernsMode=\"\"", "namespaces", "user-namespace-host")]
    [InlineData("HostConfig.NetworkMode=\"host\"", "HostConfig.NetworkMode=\"bridge\"", "network", "network-host")]
    [InlineData("HostConfig.NetworkMode=\"container:x\"", "HostConfig.NetworkMode=\"team\"", "network", "network-container")]
    [InlineData("NetworkingConfig.EndpointsConfig={\"host\":{}}", "NetworkingConfig.EndpointsConfig={\"team\":{\"Aliases\":[\"a\"]}}", "network", "network-host")]
    [InlineData("HostConfig.PortBindings={\"80/tcp\":[{\"HostPort\":\"x\"}]}", "HostConfig.PortBindings={\"80/tcp\":[{\"HostPort\":\"\"}]}", "network", "port-not-allowed")]
    [InlineData("HostConfig.Binds=[\"/srv/x:/data\"]", "HostConfig.Binds=[\"x:/data\"]", "mounts", "bind-not-allowed")]
    [InlineData("HostConfig.Binds=[\"/etc:/data\"]", "HostConfig.Binds=[\"etc:/data\"]", "mounts", "sensitive-path")]
    [InlineData("HostConfig.Binds=[\"/:/data:ro\"]", "HostConfig.Binds=[\"root:/data:ro\"]", "mounts", "sensitive-path")]
    [InlineData("HostConfig.Binds=[\"/var:/data\"]", "HostConfig.Binds=[\"var:/data\"]", "mounts", "sensitive-path")]
    [InlineData("HostConfig.Binds=[\"/srv/../etc/./shadow:/data\"]", "HostConfig.Binds=[\"shadow:/data\"]", "mounts", "sensitive-path")]
    [InlineData("HostConfig.Binds=[\"/var/run/docker.sock:/data\"]", "HostConfig.Binds=[\"docker.sock:/data\"]", "mounts", "engine-socket")]
    [InlineData("HostConfig.Binds=[\"/opt/elsewhere/docker.sock:/data\"]", "HostConfig.Binds=[]", "mounts", "engine-socket")]
    [InlineData("HostConfig.Binds=[\"/run:/data\"]", "HostConfig.Binds=null", "mounts", "engine-socket")]
    [InlineData("HostConfig.Binds=[\"./x:/data\"]", "HostConfig.Binds=[\"x:/data\"]", "mounts", "path-unresolved")]
    [InlineData("HostConfig.Mounts=[{\"Type\":\"bind\",\"Source\":\"/etc\",\"Target\":\"/data\"}]", "HostConfig.Mounts=[{\"Type\":\"volume\",\"Source\":\"etc\",\"Target\":\"/data\"}]", "mounts", "sensitive-path")]
    [InlineData("HostConfig.Mounts=[{\"Type\":\"volume\",\"Target\":\"/data\",\"VolumeOptions\":{\"DriverConfig\":{\"Name\":\"local\",\"Options\":{\"type\":\"none\",\"o\":\"bind\",\"device\":\"/etc\"}}}}]",
        "HostConfig.Mounts=[{\"Type\":\"volume\",\"Target\":\"/data\",\"VolumeOptions\":{\"DriverConfig\":{\"Name\":\"local\",\"Options\":{\"type\":\"tmpfs\",\"o\":\"size=1m\",\"device\":\"tmpfs\"}}}}]", "mounts", "sensitive-path")]
    [InlineData("HostConfig.Mounts=[{\"Type\":\"volume\",\"Target\":\"/data\",\"VolumeOptions\":{\"DriverConfig\":{\"Options\":{\"type\":\"ext4\",\"device\":\"/dev/sda1\"}}}}]",
        "HostConfig.Mounts=[{\"Type\":\"volume\",\"Target\":\"/data\",\"VolumeOptions\":{\"DriverConfig\":{\"Options\":{}}}}]", "mounts", "volume-options")]
    [InlineData("HostConfig.Mounts=[{\"Type\":\"volume\",\"Target\":\"/data\",\"VolumeOptions\":{\"DriverConfig\":{\"Name\":\"x\"}}}]",
        "HostConfig.Mounts=[{\"Type\":\"volume\",\"Target\":\"/data\",\"VolumeOptions\":{\"DriverConfig\":{\"Name\":\"local\"}}}]", "mounts", "volume-driver")]
    [InlineData("HostConfig.VolumeDriver=\"x\"", "HostConfig.VolumeDriver=\"local\"", "mounts", "volume-driver")]
    [InlineData("HostConfig.VolumesFrom=[\"x\"]", "HostConfig.VolumesFrom=[]", "mounts", "volumes-from")]
    [InlineData("HostConfig.Mounts=[{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/data\",\"BindOptions\":{\"Propagation\":\"rshared\"}}]",
        "HostConfig.Mounts=[{\"Type\":\"volume\",\"Source\":\"v\",\"Target\":\"/data\",\"BindOptions\":{\"Propagation\":\"rprivate\"}}]", "mounts", "propagation")]
    [InlineData("HostConfig.Binds=[\"v:/data:rw,rshared\"]", "HostConfig.Binds=[\"v:/data:rw,nocopy\"]", "mounts", "propagation")]
    [InlineData("HostConfig.Mounts=[{\"Type\":\"cluster\",\"Target\":\"/data\"}]", "HostConfig.Mounts=[{\"Type\":\"tmpfs\",\"Target\":\"/data\"}]", "mounts", "mount-type")]
    [InlineData("HostConfig.Binds=[\"v:/usr/lib/x86_64-linux-gnu\"]", "HostConfig.Binds=[\"v:/usr/share/app\"]", "mounts", "system-target")]
    [InlineData("HostConfig.Tmpfs={\"/etc\":\"\"}", "HostConfig.Tmpfs={\"/etc/app\":\"\"}", "mounts", "system-target")]
    [InlineData("HostConfig.Binds=[\"v:/docker-entrypoint.sh\"]", "HostConfig.Binds=[\"v:/docker-entrypoint.d\"]", "mounts", "executable-from-volume")]
    [InlineData("Volumes={\"/docker-entrypoint.sh\":{}}", "Volumes={\"/data\":{}}", "mounts", "executable-from-volume")]
    [InlineData("HostConfig.Devices=[{\"PathOnHost\":\"/dev/sda\",\"PathInContainer\":\"/dev/x\",\"CgroupPermissions\":\"rwm\"}]", "HostConfig.Devices=[]", "devices", "device")]
    [InlineData("HostConfig.DeviceCgroupRules=[\"b *:* rwm\"]", "HostConfig.DeviceCgroupRules=[]", "devices", "device-rule")]
    [InlineData("HostConfig.DeviceRequests=[{\"Driver\":\"nvidia\",\"Count\":-1}]", "HostConfig.DeviceRequests=[]", "devices", "device-request")]
    [InlineData("HostConfig.Sysctls={\"kernel.core_pattern\":\"|/x\"}", "HostConfig.Sysctls={\"net.core.somaxconn\":\"1024\"}", "sysctls", "sysctl")]
    [InlineData("HostConfig.Sysctls={\"kernel/core_pattern\":\"|/x\"}", "HostConfig.Sysctls={\"net/core/somaxconn\":\"1024\"}", "sysctls", "sysctl")]
    [InlineData("HostConfig.MaskedPaths=[]", "HostConfig.MaskedPaths=null", "masked-paths", "paths-unmasked")]
    [InlineData("HostConfig.ReadonlyPaths=[\"/proc/bus\"]", "HostConfig.ReadonlyPaths=[\"/proc/bus\",\"/proc/fs\",\"/proc/irq\",\"/proc/sys\",\"/proc/sysrq-trigger\"]", "masked-paths", "paths-unmasked")]
    [InlineData("HostConfig.MaskedPaths=[\"/proc/acpi\",\"/proc/kcore\",\"/proc/keys\",\"/proc/latency_stats\",\"/proc/scsi\",\"/proc/timer_list\",\"/sys/firmware\"]",
        "HostConfig.MaskedPaths=[\"/proc/acpi\",\"/proc/asound\",\"/proc/interrupts\",\"/proc/kcore\",\"/proc/keys\",\"/proc/latency_stats\",\"/proc/sched_debug\",\"/proc/scsi\",\"/proc/timer_list\",\"/proc/timer_stats\",\"/sys/devices/virtual/powercap\",\"/sys/firmware\"]",
        "masked-paths", "paths-unmasked")]
    [InlineData("HostConfig.CgroupParent=\"/\"", "HostConfig.CgroupParent=\"\"", "cgroup", "cgroup-parent")]
    [InlineData("HostConfig.Cgroup=\"container:x\"", "HostConfig.Cgroup=\"\"", "cgroup", "cgroup-parent")]
    [InlineData("HostConfig.LogConfig={\"Type\":\"none\"}", "HostConfig.LogConfig={\"Type\":\"local\"}", "logging", "log-driver")]
    [InlineData("HostConfig.LogConfig={\"Type\":\"journald\",\"Config\":{\"syslog-address\":\"udp://192.0.2.1\"}}", "HostConfig.LogConfig={\"Type\":\"journald\",\"Config\":{\"tag\":\"a\"}}", "logging", "log-address")]
    [InlineData("HostConfig.Memory=0", "HostConfig.Memory=6291456", "resources", "no-memory-limit")]
    [InlineData("HostConfig.Memory=-1", "HostConfig.Memory=6291456", "resources", "no-memory-limit")]
    [InlineData("HostConfig.NanoCpus=0", "HostConfig.CpuQuota=50000", "resources", "no-cpu-limit")]
    [InlineData("HostConfig.PidsLimit=null", "HostConfig.PidsLimit=1", "resources", "no-pids-limit")]
    [InlineData("HostConfig.PidsLimit=-1", "HostConfig.PidsLimit=1", "resources", "no-pids-limit")]
    [InlineData("HostConfig.OomKillDisable=true", "HostConfig.OomKillDisable=null", "resources", "oom-protected")]
    [InlineData("HostConfig.OomScoreAdj=-1000", "HostConfig.OomScoreAdj=500", "resources", "oom-protected")]
    [InlineData("HostConfig.CpuRealtimeRuntime=1000", "HostConfig.CpuRealtimeRuntime=0", "resources", "real-time")]
    [InlineData("HostConfig.Runtime=\"runc\"", "HostConfig.Runtime=\"plimsoll\"", "runtime", "runtime-not-allowed")]
    [InlineData("HostConfig.Runtime=\"io.containerd.runc.v2\"", "HostConfig.Runtime=\"\"", "runtime", "runtime-not-allowed")]
    [InlineData("HostConfig.Runtime=\"default\"", "HostConfig.Runtime=null", "runtime", "runtime-not-allowed")]
    [InlineData("HostConfig.Isolation=\"hyperv\"", "HostConfig.Isolation=\"default\"", "runtime", "isolation")]
    [InlineData("HostConfig.StorageOpt={\"x\":\"y\"}", "HostConfig.StorageOpt={\"size\":\"1G\"}", "runtime", "storage-option")]
    [InlineData("HostConfig.Annotations={\"dev.gvisor.flag.network\":\"host\"}", "HostConfig.Annotations={}", "runtime", "annotation")]
    [InlineData("HostConfig.Speed=9", "HostConfig.Speed=0", "request", "unknown-field")]
    [InlineData("Privileged=true", "Privileged=false", "request", "unknown-field")]
    public void Of_OneThingThatTheDefaultForbids_IsRefusedByItsNameAlone(string attack, string twin, string component, string code)
    {
        Verdict refused = StartKit.Judge(StartKit.With(attack)), passed = StartKit.Judge(StartKit.With(twin));

        Assert.Equal(Outcome.Refused, refused.Outcome);
        Assert.Contains(refused.Reasons, r => r.Code == code && r.Component == component && r.Outcome == Outcome.Refused && r.Message == Catalogue.ReasonText(code, r.Arguments, Language.English));
        Assert.Equal((Outcome.Passed, ""), (passed.Outcome, string.Join(" ", passed.Reasons.Select(r => r.Code))));
    }
}
