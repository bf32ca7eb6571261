using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Inspect.Policies;
using Plimsoll.Oci;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Verify.Start;

/// <summary>An ordinary web service as the engine is asked for it, and what changes one thing of it.</summary>
internal static class StartKit
{
    public static DateTimeOffset Now { get; } = new(2026, 3, 2, 10, 30, 0, TimeSpan.Zero); // a Monday

    public const string Config = """
        {"architecture":"amd64","os":"linux","config":{"User":"","Env":["PATH=/usr/local/bin:/usr/bin:/bin","NGINX_VERSION=1.27","LD_PRELOAD=/usr/lib/libjemalloc.so"],
        "Entrypoint":["/docker-entrypoint.sh"],"Cmd":["nginx","-g","daemon off;"],"WorkingDir":"/srv/app","Labels":{"tier":"web"},
        "Healthcheck":{"Test":["CMD","curl","localhost"],"Interval":30000000000},"ExposedPorts":{"80/tcp":{}}},"rootfs":{"type":"layers","diff_ids":[]}}
        """;

    /// <summary>As docker 20.10 sends it for <c>docker run -m 256m --cpus 1 --pids-limit 100 -p 8080:80 -v data:/var/lib/app</c>.</summary>
    public const string Body = """
        {"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":true,"AttachStderr":true,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":["MODE=production"],
        "Cmd":null,"Image":"registry.example/team/web:1","Volumes":{},"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":{"com.example.a":"b"},
        "HostConfig":{"Binds":["data:/var/lib/app"],"ContainerIDFile":"","LogConfig":{"Type":"","Config":{}},"NetworkMode":"default","PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]},
        "RestartPolicy":{"Name":"no","MaximumRetryCount":0},"AutoRemove":false,"VolumeDriver":"","VolumesFrom":null,"CapAdd":null,"CapDrop":null,"CgroupnsMode":"","Dns":[],"DnsOptions":[],"DnsSearch":[],
        "ExtraHosts":null,"GroupAdd":null,"IpcMode":"","Cgroup":"","Links":null,"OomScoreAdj":0,"PidMode":"","Privileged":false,"PublishAllPorts":false,"ReadonlyRootfs":false,"SecurityOpt":null,"UTSMode":"",
        "UsernsMode":"","ShmSize":0,"ConsoleSize":[0,0],"Isolation":"","CpuShares":0,"Memory":268435456,"NanoCpus":1000000000,"CgroupParent":"","BlkioWeight":0,"BlkioWeightDevice":[],
        "BlkioDeviceReadBps":null,"BlkioDeviceWriteBps":null,"BlkioDeviceReadIOps":null,"BlkioDeviceWriteIOps":null,"CpuPeriod":0,"CpuQuota":0,"CpuRealtimePeriod":0,"CpuRealtimeRuntime":0,"CpusetCpus":"",
        "CpusetMems":"","Devices":[],"DeviceCgroupRules":null,"DeviceRequests":null,"KernelMemory":0,"KernelMemoryTCP":0,"MemoryReservation":0,"MemorySwap":0,"MemorySwappiness":-1,"OomKillDisable":false,
        "PidsLimit":100,"Ulimits":null,"CpuCount":0,"CpuPercent":0,"IOMaximumIOps":0,"IOMaximumBandwidth":0,"MaskedPaths":null,"ReadonlyPaths":null},
        "NetworkingConfig":{"EndpointsConfig":{}}}
        """;

    public static Policy Default { get; } = PolicyOf("start: default\n");

    public static Policy PolicyOf(string start) => PolicyFile.Parse(Encoding.UTF8.GetBytes("policy: 1\nname: t\n" + start), "p.yaml");

    public static StartImage Image(string config = Config, params string[] names) => new()
    {
        Config = Digest.Of(Encoding.UTF8.GetBytes(config)),
        ConfigJson = Encoding.UTF8.GetBytes(config),
        Names = [.. (names.Length > 0 ? names : ["registry.example/team/web:1"]).Select(ImageName.Parse)],
    };

    /// <summary>The body with values set: <c>HostConfig.Privileged=true</c>, in JSON.</summary>
    public static byte[] With(params ReadOnlySpan<string> changes) => Changed(Body, changes);

    public static byte[] Changed(string json, params ReadOnlySpan<string> changes)
    {
        JsonNode root = JsonNode.Parse(json)!;
        foreach (string change in changes)
        {
            int at = change.IndexOf('=', StringComparison.Ordinal);
            string[] path = change[..at].Split('.');
            JsonNode here = root;
            foreach (string name in path[..^1])
                here = here[name] ?? (here[name] = new JsonObject());
            here[path[^1]] = change[(at + 1)..] == "-" ? null : JsonNode.Parse(change[(at + 1)..]);
            if (change[(at + 1)..] == "-")
                here.AsObject().Remove(path[^1]);
        }
        return Encoding.UTF8.GetBytes(root.ToJsonString());
    }

    public static Verdict Judge(byte[] body, Policy? policy = null, StartClient? client = null, DateTimeOffset? now = null, StartHost? host = null, StartImage? image = null) =>
        StartJudge.Of(policy ?? Default, StartRequest.FromCreate(body), image ?? Image(), client ?? StartClient.Unknown, now ?? Now, host);

    public static string[] Codes(Verdict verdict) => [.. verdict.Reasons.Where(r => r.Outcome == Outcome.Refused).Select(r => r.Code)];
}
