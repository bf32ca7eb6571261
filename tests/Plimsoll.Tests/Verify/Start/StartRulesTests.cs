using System.Text;
using Plimsoll.Inspect.Policies;
using Plimsoll.TestKit;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Verify.Start;

/// <summary>Scopes, the form of the section, learning, and what a rule lets through that the default does not.</summary>
public sealed class StartRulesTests
{
    private static Policy Rule(string keys) => StartKit.PolicyOf($"start:\n  rules:\n  - {keys}\n");

    private static string[] Codes(string keys, params ReadOnlySpan<string> changes) => StartKit.Codes(StartKit.Judge(StartKit.With(changes), Rule(keys)));

    [Fact]
    public void Default_WrittenOut_IsTheDefault()
    {
        Policy written = PolicyFile.Read(Repository.At("docs", "policy-start.yaml")), word = StartKit.PolicyOf("start: default\n") with { Name = written.Name };
        Assert.Equal(Encoding.UTF8.GetString(PolicyJson.Write(word)), Encoding.UTF8.GetString(PolicyJson.Write(written)));
        Assert.Equal(PolicyJson.DigestOf(word), PolicyJson.DigestOf(StartKit.PolicyOf("start: {}\n") with { Name = written.Name }));
        Assert.Equal(PolicyJson.DigestOf(word), PolicyJson.DigestOf(StartKit.PolicyOf("start: {rules: [{}]}\n") with { Name = written.Name }));
    }

    [Fact]
    public void Default_Text_HasEveryKey()
    {
        string yaml = File.ReadAllText(Repository.At("docs", "policy-start.yaml")), page = File.ReadAllText(Repository.At("docs", "formats", "policy.md"));
        foreach (StartKey key in StartKeys.All)
        {
            Assert.Contains($"      {key.Name}:", yaml, StringComparison.Ordinal);
            Assert.Contains($"`{key.Name}`", page, StringComparison.Ordinal);
        }
        Assert.Equal(StartKeys.Sections, StartKeys.All.Select(k => k.Section).Distinct());
        foreach (StartCheck check in Enum.GetValues<StartCheck>())
            Assert.Equal(check, StartKeys.Of(check).Check);
        foreach (StartList list in Enum.GetValues<StartList>())
            Assert.Equal(list, StartKeys.Of(list).List);
    }

    [Fact]
    public void Read_PolicyWithoutTheSection_KeepsItsFormAndDigest() =>
        Assert.DoesNotContain("start", Encoding.UTF8.GetString(PolicyJson.Write(StartKit.PolicyOf(""))), StringComparison.Ordinal);

    [Fact]
    public void Write_EveryKeySet_SurvivesItsCanonicalForm()
    {
        Policy policy = StartKit.PolicyOf("""
            start:
              learning: {until: 2026-12-31}
              engine: {allow: [exec, build, read], builders: [CN=ci]}
              running: {trouble: stop}
              rules:
              - names: [b/**, a/**]
                labels: {tier: "web*", a: b}
                users: ["CN=*"]
                windows: [{days: [sun, mon], from: "22:00", to: "06:30"}, {}]
                not-before: 2026-01-01
                not-after: 2026-12-31
                deny: because
                process: {privileged: warn, capabilities: [SYS_TIME, ALL], command: cmd-free, environment: [APP_*]}
                network: {ports: ["80", "8000-8999"], addresses: ["127.0.0.1"]}
                mounts: {binds: [/srv/b, /srv/a], sensitive-paths: [/etc/ssl/certs]}
                resources: {max-memory: 512m, max-cpus: 1.5, max-pids: 100}
                request: {fields: [HostConfig.New]}
            """);
        byte[] json = PolicyJson.Write(policy);

        Assert.Equal(json, PolicyJson.Write(PolicyJson.Read(json, "j", canonical: true)));
        Assert.Equal(json, PolicyJson.Write(PolicyFile.Parse(json, "j")));
        string text = Encoding.UTF8.GetString(json);
        Assert.Contains("\"max-memory\":\"536870912\",\"max-cpus\":\"1.5\",\"max-pids\":\"100\"", text, StringComparison.Ordinal);
        Assert.Contains("\"windows\":[{\"days\":[\"mon\",\"sun\"],\"from\":\"22:00\",\"to\":\"06:30\"}", text, StringComparison.Ordinal);
        Assert.Equal([EngineOperation.Exec, EngineOperation.Build, EngineOperation.Read], policy.Start!.Engine.Allow.Order());
        Assert.Equal(new DateOnly(2026, 12, 31), policy.Start.LearningUntil);
        Assert.Equal(["CN=ci"], policy.Start.Engine.Builders);
        Assert.Equal(RunningAction.Stop, policy.Start.Running);
    }

    [Fact]
    public void RunningOn_WhileThePolicyLearns_OnlyReports()
    {
        StartRules start = StartKit.PolicyOf("start: {learning: {until: 2026-03-02}, running: {trouble: pause}}\n").Start!;

        Assert.Equal(RunningAction.Report, start.RunningOn(new DateTimeOffset(2026, 3, 2, 23, 59, 59, TimeSpan.Zero)));
        Assert.Equal(RunningAction.Pause, start.RunningOn(new DateTimeOffset(2026, 3, 3, 0, 0, 0, TimeSpan.Zero)));
    }

    [Fact]
    public void Write_RunningThatIsOnlyReported_HasTheFormOfAPolicyWithoutIt() =>
        Assert.Equal(PolicyJson.Write(StartKit.PolicyOf("start: default\n")), PolicyJson.Write(StartKit.PolicyOf("start: {running: {trouble: report}}\n")));

    [Theory]
    [InlineData("start: ignore", "p.yaml:3: start is \"ignore\"; wanted its keys, or the word default")]
    [InlineData("start: {rules: []}", "p.yaml:3: start.rules is empty")]
    [InlineData("start: {running: {trouble: kill}}", "one of report, pause, stop")]
    [InlineData("start: {running: {after: 1}}", "unknown key \"after\" in start.running")]
    [InlineData("start: {rule: {}}", "p.yaml:3: unknown key \"rule\" in start")]
    [InlineData("start: {rules: [{names: []}]}", "start.rules.names is empty")]
    [InlineData("start: {rules: [{process: {priviliged: fail}}]}", "unknown key \"priviliged\" in start.rules.process")]
    [InlineData("start: {rules: [{process: {privileged: undecided}}]}", "wanted fail, warn, ignore")]
    [InlineData("start: {rules: [{process: {capabilities: [CAP_CHOWN]}}]}", "wanted a capability in capitals without CAP_")]
    [InlineData("start: {rules: [{process: {command: any}}]}", "one of same, cmd-free, free")]
    [InlineData("start: {rules: [{network: {ports: [http]}}]}", "wanted a port or a range")]
    [InlineData("start: {rules: [{network: {ports: ['9-8']}}]}", "wanted a port or a range")]
    [InlineData("start: {rules: [{network: {ports: ['65536']}}]}", "wanted a port or a range")]
    [InlineData("start: {rules: [{mounts: {binds: [srv]}}]}", "wanted an absolute path")]
    [InlineData("start: {rules: [{mounts: {binds: [/srv/../etc]}}]}", "wanted an absolute path")]
    [InlineData("start: {rules: [{mounts: {binds: [/srv/]}}]}", "wanted an absolute path")]
    [InlineData("start: {rules: [{resources: {max-memory: 1t}}]}", "wanted bytes such as 512m")]
    [InlineData("start: {rules: [{resources: {max-cpus: 0}}]}", "wanted processors")]
    [InlineData("start: {rules: [{resources: {max-pids: 1.5}}]}", "wanted a number")]
    [InlineData("start: {rules: [{windows: [{days: [monday]}]}]}", "wanted some of mon, tue")]
    [InlineData("start: {rules: [{windows: [{from: '24:00'}]}]}", "wanted a time of the day")]
    [InlineData("start: {rules: [{not-before: 2026-02-01, not-after: 2026-01-01}]}", "would never hold")]
    [InlineData("start: {learning: {}}", "has no last day")]
    [InlineData("start: {learning: yes}", "stands where a mapping was wanted")]
    [InlineData("start: {engine: {allow: [fly]}}", "wanted some of exec, exec-privileged")]
    public void Read_WhatIsWrong_IsSaidWithItsPlace(string yaml, string message) =>
        Assert.Contains(message, Assert.Throws<DocumentException>(() => StartKit.PolicyOf(yaml + "\n")).Message, StringComparison.Ordinal);

    [Fact]
    public void EngineWords_EachOperation_HasAWordOfItsOwn()
    {
        Assert.Equal(EngineWords.All, EngineWords.All.Select(o => EngineWords.Find(EngineWords.Word(o))!.Value));
        Assert.Null(EngineWords.Find("Exec"));
    }

    [Theory]
    [InlineData("names: [registry.example/team/*]", true)]
    [InlineData("names: [registry.example/*]", false)]
    [InlineData("labels: {tier: w*}", true)]
    [InlineData("labels: {tier: db}", false)]
    [InlineData("labels: {com.example.a: b}", false)] // The container's own label, which the client chose.
    [InlineData("users: [\"CN=*,OU=ops\"]", true)]
    [InlineData("users: [\"CN=bob\"]", false)]
    [InlineData("windows: [{days: [mon], from: \"10:00\", to: \"11:00\"}]", true)]
    [InlineData("windows: [{days: [tue]}]", false)]
    [InlineData("windows: [{from: \"10:31\", to: \"10:30\"}]", false)]
    [InlineData("windows: [{days: [sun], from: \"22:00\", to: \"10:31\"}]", true)]
    [InlineData("windows: [{days: [sun], from: \"22:00\", to: \"10:30\"}]", false)]
    [InlineData("not-before: 2026-03-02", true)]
    [InlineData("not-before: 2026-03-03", false)]
    [InlineData("not-after: 2026-03-02", true)]
    [InlineData("not-after: 2026-03-01", false)]
    public void Of_Scope_DecidesWhetherARuleIsAsked(string scope, bool covers)
    {
        StartClient ann = new("CN=ann,OU=ops", "TLS");
        Assert.Equal(covers ? [] : ["no-start-rule"], StartKit.Codes(StartKit.Judge(StartKit.With(), Rule(scope), ann)));
    }

    [Theory]
    [InlineData("rules: [{not-after: 2026-03-02}]", true)]
    [InlineData("rules: [{not-before: 2026-03-03}, {}]", true)]
    [InlineData("rules: [{windows: [{days: [tue]}]}, {}]", true)]
    [InlineData("rules: [{}, {not-after: 2026-03-02}]", false)] // The first that covers decides.
    [InlineData("rules: [{names: [other.example/**], not-after: 2026-03-02}, {}]", false)]
    [InlineData("learning: {until: 2026-03-02}", false)] // Nothing had to be learnt.
    [InlineData("{learning: {until: 2026-03-02}, rules: [{network: {networks: [none]}}]}", true)]
    [InlineData("{learning: {until: 2026-03-01}, rules: [{network: {networks: [none]}}]}", true)]
    [InlineData("rules: [{network: {networks: [none]}}]", false)]
    public void Of_WhatRestsOnTheTime_IsDated(string start, bool dated) =>
        Assert.Equal(dated, StartKit.Judge(StartKit.With("HostConfig.NetworkMode=\"team\""), StartKit.PolicyOf($"start: {(start[0] == '{' ? start : $"{{{start}}}")}\n")).Dated);

    [Fact]
    public void Of_ClientThatIsNotKnown_IsNoneOfARulesUsers() =>
        Assert.Equal(["no-start-rule"], StartKit.Codes(StartKit.Judge(StartKit.With(), Rule("users: [\"**\"]"))));

    [Fact]
    public void Of_FirstRuleThatCovers_DecidesAlone()
    {
        Policy policy = StartKit.PolicyOf("start:\n  rules:\n  - names: [registry.example/**]\n    deny: not here\n  - {}\n");
        Assert.Equal(["start-denied"], StartKit.Codes(StartKit.Judge(StartKit.With(), policy)));
        Assert.Empty(StartKit.Codes(StartKit.Judge(StartKit.With(), policy, image: StartKit.Image(StartKit.Config, "docker.io/library/web"))));
    }

    [Fact]
    public void Of_ImageWithSecondName_NeedsItsRuleToo()
    {
        Policy policy = Rule("names: [registry.example/**]");
        Assert.Empty(StartKit.Codes(StartKit.Judge(StartKit.With(), policy)));
        Assert.Equal(["no-start-rule"], StartKit.Codes(StartKit.Judge(StartKit.With(), policy, image: StartKit.Image(StartKit.Config, "registry.example/team/web", "evil/web"))));
        Assert.Contains("too-many-names", StartKit.Codes(StartKit.Judge(StartKit.With(), image: StartKit.Image(StartKit.Config, [.. Enumerable.Range(0, StartJudge.MaxNames + 1).Select(i => $"a/{i}")]))));
    }

    [Fact]
    public void Of_ImageWithoutAName_IsCoveredByRulesForAllOnly()
    {
        StartImage named = StartKit.Image(), nameless = new() { Config = named.Config, ConfigJson = named.ConfigJson };
        Assert.Empty(StartKit.Codes(StartKit.Judge(StartKit.With(), image: nameless)));
        Assert.Equal(["no-start-rule"], StartKit.Codes(StartKit.Judge(StartKit.With(), Rule("names: [\"*/**\"]"), image: nameless)));
    }

    [Fact]
    public void Of_LearningPolicy_WarnsUntilItsDayAndRefusesAfter()
    {
        Policy policy = StartKit.PolicyOf("start: {learning: {until: 2026-03-02}}\n");
        byte[] body = StartKit.With("HostConfig.Memory=0", "HostConfig.Binds=[\"/etc:/e\"]");

        Verdict learning = StartKit.Judge(body, policy);
        Assert.Equal(Outcome.Warned, learning.Outcome);
        Assert.Superset(new HashSet<string> { "learning", "no-memory-limit", "sensitive-path" }, learning.Reasons.Select(r => r.Code).ToHashSet());
        Assert.Contains("no-memory-limit", StartKit.Codes(StartKit.Judge(body, policy, now: StartKit.Now.AddDays(1))));
        Assert.Empty(StartKit.Judge(StartKit.With(), policy).Reasons);
        Assert.Equal(["privileged"], StartKit.Codes(StartKit.Judge(StartKit.With("HostConfig.Privileged=true", "HostConfig.Memory=0"), policy)));
        Assert.Equal(["engine-socket"], StartKit.Codes(StartKit.Judge(StartKit.With("HostConfig.Binds=[\"/run/docker.sock:/s\"]"), policy)));
    }

    [Theory]
    [InlineData("process: {command: cmd-free}", "Cmd=[\"nginx\",\"-v\"]", "")]
    [InlineData("process: {command: cmd-free}", "Cmd=[\"sh\"]", "")]
    [InlineData("process: {command: cmd-free}", "Entrypoint=[\"sh\"]", "entrypoint-changed")]
    [InlineData("process: {command: free}", "Entrypoint=[\"sh\"]", "")]
    [InlineData("process: {environment: [MODE]}", "Env=[\"MODE=a\"]", "")]
    [InlineData("process: {environment: [MODE]}", "Env=[\"OTHER=a\"]", "environment-changed")]
    [InlineData("process: {environment: [LD_PRELOAD]}", "Env=[\"LD_PRELOAD=a\"]", "environment-dangerous")]
    [InlineData("process: {other-environment: ignore}", "Env=[\"LD_PRELOAD=a\"]", "")]
    [InlineData("process: {capabilities: [NET_ADMIN]}", "HostConfig.CapAdd=[\"NET_ADMIN\"]", "")]
    [InlineData("process: {capabilities: [NET_ADMIN]}", "HostConfig.CapAdd=[\"CHOWN\"]", "capability-added")]
    [InlineData("process: {root: fail}", "User=\"\"", "runs-as-root")]
    [InlineData("process: {root: fail}", "User=\"00:5\"", "runs-as-root")]
    [InlineData("process: {root: fail}", "User=\"1000\"", "")]
    [InlineData("process: {new-privileges: fail}", "HostConfig.SecurityOpt=null", "new-privileges")]
    [InlineData("process: {new-privileges: fail}", "HostConfig.SecurityOpt=[\"no-new-privileges\"]", "")]
    [InlineData("process: {working-dir: fail}", "WorkingDir=\"/tmp\"", "working-dir-changed")]
    [InlineData("process: {working-dir: fail}", "WorkingDir=\"/srv/./app/\"", "")]
    [InlineData("network: {ports: [\"8080\"]}", "User=\"\"", "")]
    [InlineData("network: {ports: [\"8080-8089\", \"8090\"]}", "HostConfig.PortBindings={\"1/tcp\":[{\"HostPort\":\"8085-8090\"}]}", "")]
    [InlineData("network: {ports: [\"8080-8089\"]}", "HostConfig.PortBindings={\"1/tcp\":[{\"HostPort\":\"8085-8090\"}]}", "port-not-allowed")]
    [InlineData("network: {ports: [\"1024-65535\"]}", "HostConfig.PortBindings={\"1/tcp\":[{\"HostPort\":\"22\"}]}", "port-not-allowed")]
    [InlineData("network: {addresses: [127.0.0.1]}", "User=\"\"", "address-not-allowed")]
    [InlineData("network: {addresses: [127.0.0.1]}", "HostConfig.PortBindings={\"1/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"22\"}]}", "")]
    [InlineData("network: {networks: [front]}", "HostConfig.NetworkMode=\"front\"", "")]
    [InlineData("network: {networks: [front]}", "HostConfig.NetworkMode=\"back\"", "network-not-allowed")]
    [InlineData("network: {publish-all: fail}", "HostConfig.PublishAllPorts=true", "publish-all")]
    [InlineData("network: {links: fail}", "HostConfig.Links=[\"a:b\"]", "link")]
    [InlineData("network: {dns: fail}", "HostConfig.Dns=[\"192.0.2.1\"]", "dns")]
    [InlineData("network: {extra-hosts: fail}", "HostConfig.ExtraHosts=[\"a:192.0.2.1\"]", "extra-hosts")]
    [InlineData("mounts: {binds: [/srv/a]}", "HostConfig.Binds=[\"/srv/a/b:/x\"]", "")]
    [InlineData("mounts: {binds: [/srv/a]}", "HostConfig.Binds=[\"/srv/ab:/x\"]", "bind-not-allowed")]
    [InlineData("mounts: {read-only-binds: [/srv/a]}", "HostConfig.Binds=[\"/srv/a:/x:ro\"]", "")]
    [InlineData("mounts: {read-only-binds: [/srv/a]}", "HostConfig.Binds=[\"/srv/a:/x\"]", "bind-not-allowed")]
    [InlineData("mounts: {read-only-binds: [/etc/ssl]}", "HostConfig.Binds=[\"/etc/ssl:/x:ro\"]", "sensitive-path")]
    [InlineData("mounts: {read-only-binds: [/etc/ssl], sensitive-paths: [/etc/ssl]}", "HostConfig.Binds=[\"/etc/ssl/certs:/x:ro\"]", "")]
    [InlineData("mounts: {read-only-binds: [/etc/ssl], sensitive-paths: [/etc/ssl]}", "HostConfig.Binds=[\"/etc/ssl/../passwd:/x:ro\"]", "bind-not-allowed sensitive-path")]
    [InlineData("devices: {devices: [/dev/fuse]}", "HostConfig.Devices=[{\"PathOnHost\":\"/dev/../dev/fuse\"}]", "")]
    [InlineData("sysctls: {allow: [net.*]}", "HostConfig.Sysctls={\"net.ipv4.conf.all.x\":\"1\"}", "")]
    [InlineData("cgroup: {parents: [/team]}", "HostConfig.CgroupParent=\"/team\"", "")]
    [InlineData("logging: {drivers: [syslog], addresses: [\"tcp://log.example:*\"]}", "HostConfig.LogConfig={\"Type\":\"syslog\",\"Config\":{\"syslog-address\":\"tcp://log.example:514\"}}", "")]
    [InlineData("logging: {drivers: [syslog], addresses: [\"tcp://log.example:*\"]}", "HostConfig.LogConfig={\"Type\":\"syslog\",\"Config\":{\"syslog-address\":\"tcp://evil.example:514\"}}", "log-address")]
    [InlineData("logging: {drivers: [fluentd]}", "HostConfig.LogConfig={\"Type\":\"fluentd\",\"Config\":{\"fluentd-address\":\"evil:24224\"}}", "log-address")]
    [InlineData("resources: {max-memory: 256m}", "HostConfig.Memory=268435456", "")]
    [InlineData("resources: {max-memory: 256m}", "HostConfig.Memory=268435457", "limit-above")]
    [InlineData("resources: {max-memory: 256m}", "HostConfig.MemorySwap=-1", "limit-above")]
    [InlineData("resources: {max-memory: 256m}", "HostConfig.MemorySwap=536870913", "limit-above")]
    [InlineData("resources: {max-memory: 256m}", "HostConfig.MemorySwap=536870912", "")]
    [InlineData("{}", "HostConfig.MemorySwap=-1", "")]
    [InlineData("network: {networks: [neta]}", "NetworkingConfig.EndpointsConfig={\"neta\":{\"NetworkID\":\"0b0b\"}}", "network-not-allowed")]
    [InlineData("network: {networks: [neta]}", "NetworkingConfig.EndpointsConfig={\"neta\":{\"networkid\":\"0b0b\"}}", "network-not-allowed")]
    [InlineData("network: {networks: [neta]}", "NetworkingConfig.EndpointsConfig={\"neta\":{\"NetworkID\":\"\"}}", "")]
    [InlineData("network: {networks: [neta, 0b0b]}", "NetworkingConfig.EndpointsConfig={\"neta\":{\"NetworkID\":\"0b0b\"}}", "")]
    [InlineData("resources: {max-cpus: 1}", "HostConfig.NanoCpus=1000000001", "limit-above")]
    [InlineData("resources: {max-cpus: 2}", "HostConfig.CpusetCpus=\"0-3\"", "")] // Both are set, and the smaller one of them holds.
    [InlineData("resources: {max-pids: 100}", "HostConfig.PidsLimit=101", "limit-above")]
    [InlineData("resources: {ulimits: fail}", "HostConfig.Ulimits=[{\"Name\":\"nofile\",\"Soft\":1,\"Hard\":1}]", "ulimit")]
    [InlineData("runtime: {names: [plimsoll-runsc]}", "HostConfig.Runtime=\"plimsoll-runsc\"", "")]
    [InlineData("runtime: {names: [plimsoll-runsc]}", "HostConfig.Runtime=\"\"", "runtime-not-allowed")]
    [InlineData("runtime: {writable-root: fail}", "HostConfig.ReadonlyRootfs=false", "root-writable")]
    [InlineData("runtime: {writable-root: fail}", "HostConfig.ReadonlyRootfs=true", "")]
    [InlineData("runtime: {restart: fail}", "HostConfig.RestartPolicy={\"Name\":\"always\"}", "restart-policy")]
    [InlineData("image: {by-name: fail}", "Image=\"registry.example/team/web:1\"", "image-by-name")]
    [InlineData("image: {by-name: fail}", "Image=\"registry.example/team/web@sha256:0000000000000000000000000000000000000000000000000000000000000000\"", "")]
    public void Of_RuleThatSaysOtherwise_IsHeard(string rule, string change, string codes) =>
        Assert.Equal(codes.Split(' ', StringSplitOptions.RemoveEmptyEntries), Codes(rule, change).Order(StringComparer.Ordinal));

    [Fact]
    public void Of_SetOfProcessorsAlone_IsALimitOfThatMany()
    {
        Assert.Empty(Codes("resources: {max-cpus: 4}", "HostConfig.NanoCpus=0", "HostConfig.CpusetCpus=\"0-2,5\""));
        Assert.Equal(["limit-above"], Codes("resources: {max-cpus: 3}", "HostConfig.NanoCpus=0", "HostConfig.CpusetCpus=\"0-2,5\""));
        Assert.Equal(["limit-above"], Codes("resources: {max-cpus: 3}", "HostConfig.NanoCpus=0", "HostConfig.CpusetCpus=\"x\""));
        Assert.Equal(["no-cpu-limit"], Codes("{}", "HostConfig.NanoCpus=0", "HostConfig.CpuShares=512"));
    }

    [Fact]
    public void Of_Warning_PassesAndIsSaid()
    {
        Verdict verdict = StartKit.Judge(StartKit.With("HostConfig.Memory=0"), Rule("resources: {no-memory-limit: warn}"));
        Assert.Equal((Outcome.Warned, "start.rules[0].resources.no-memory-limit"), (verdict.Outcome, verdict.Reasons[0].Rule));
        Assert.Equal(Outcome.Warned, StartKit.Judge(StartKit.With("HostConfig.CgroupnsMode=\"host\"")).Outcome);
    }

    [Fact]
    public void Of_ImageThatSaysAUser_KeepsIt()
    {
        string config = StartKit.Config.Replace("\"User\":\"\"", "\"User\":\"1000\"", StringComparison.Ordinal);
        Assert.Empty(StartKit.Codes(StartKit.Judge(StartKit.With(), image: StartKit.Image(config))));
        Assert.Empty(StartKit.Codes(StartKit.Judge(StartKit.With("User=\"1000\""), image: StartKit.Image(config))));
        Assert.Equal(["user-changed"], StartKit.Codes(StartKit.Judge(StartKit.With("User=\"0\""), image: StartKit.Image(config))));
        Assert.Equal(["user-changed"], StartKit.Codes(StartKit.Judge(StartKit.With("User=\"1001\""), image: StartKit.Image(config))));
        Assert.Empty(StartKit.Codes(StartKit.Judge(StartKit.With("User=\"1001\""))));
    }

    [Fact]
    public void Of_ImageWithoutEntrypoint_CmdFreeKeepsTheFirstWord()
    {
        StartImage image = StartKit.Image("{\"config\":{\"Cmd\":[\"/app\",\"-a\"]}}");
        Policy policy = Rule("process: {command: cmd-free}");
        Assert.Empty(StartKit.Codes(StartKit.Judge(StartKit.With("Cmd=[\"/app\",\"-b\"]"), policy, image: image)));
        Assert.Equal(["command-changed"], StartKit.Codes(StartKit.Judge(StartKit.With("Cmd=[\"sh\"]"), policy, image: image)));
    }

    [Theory]
    // The command, where it runs, and where a volume lies.
    [InlineData("[\"/bin/sh\",\"app.sh\"]", "/app", "/app", true)]
    [InlineData("[\"/bin/sh\",\"app.sh\"]", "/app", "/app/data", false)]
    [InlineData("[\"/bin/sh\",\"./bin/../app.sh\"]", "/app", "/app/app.sh", true)]
    [InlineData("[\"sh\",\"-e\",\"--\",\"app.sh\"]", "/app", "/app", true)]
    [InlineData("[\"bash\",\"-o\",\"pipefail\",\"/entry.sh\",\"redis-server\"]", "/data", "/data", false)]
    [InlineData("[\"bash\",\"-eo\",\"pipefail\",\"-c\",\"exec redis-server\"]", "/data", "/data", false)]
    [InlineData("[\"sh\",\"-c\",\"exec redis-server\",\"x\"]", "/data", "/data", false)]
    [InlineData("[\"sh\",\"/entry.sh\",\"redis-server\"]", "/data", "/data", false)]
    [InlineData("[\"sh\",\"-e\",\"/entry.sh\",\"redis-server\"]", "/data", "/data", false)]
    [InlineData("[\"sh\",\"/data/entry.sh\"]", "/", "/data", true)]
    [InlineData("[\"sh\",\"data/entry.sh\"]", "/", "/data", true)]
    [InlineData("[\"/usr/bin/python3.11\",\"/data/app.py\"]", "/", "/data", true)]
    [InlineData("[\"python3\",\"app.py\"]", "/data", "/data", true)]
    [InlineData("[\"python\",\"-W\",\"/ignored\",\"app.py\"]", "/data", "/data", true)]
    [InlineData("[\"lua5.4\",\"app.lua\"]", "/data", "/data", true)]
    [InlineData("[\"python3-config\",\"app.py\"]", "/data", "/data", false)]
    [InlineData("[\"java\",\"-Xmx1g\",\"-jar\",\"app.jar\"]", "/data", "/data", true)]
    [InlineData("[\"java\",\"-cp\",\"/app/lib/*\",\"com.example.Main\"]", "/data", "/data", false)]
    [InlineData("[\"env\",\"A=/bin/sh\",\"sh\",\"app.sh\"]", "/data", "/data", true)]
    [InlineData("[\"env\",\"-i\",\"A=b/c\",\"./app\"]", "/data", "/data", true)]
    [InlineData("[\"env\",\"A=b/c\",\"redis-server\"]", "/data", "/data", false)]
    [InlineData("[\"busybox\",\"sh\",\"app.sh\"]", "/data", "/data", true)]
    [InlineData("[\"busybox\",\"httpd\",\"-f\",\"-p\",\"80\"]", "/data", "/data", false)]
    [InlineData("[\"busybox\",\"httpd\",\"-h\",\"/data\"]", "/", "/data", true)]
    public void Of_ScriptOfAnInterpreter_IsLookedForWhereItRuns(string command, string folder, string volume, bool comesFromIt)
    {
        StartImage image = StartKit.Image($"{{\"config\":{{\"Env\":[\"PATH=/usr/bin:/bin\"],\"Cmd\":{command},\"WorkingDir\":\"{folder}\"}}}}");
        string[] codes = comesFromIt ? ["executable-from-volume"] : [];

        Assert.Equal(codes, StartKit.Codes(StartKit.Judge(StartKit.With($"HostConfig.Binds=[\"v:{volume}\"]"), image: image)));
        // -w in the place of the image's own.
        StartImage elsewhere = StartKit.Image($"{{\"config\":{{\"Env\":[\"PATH=/usr/bin:/bin\"],\"Cmd\":{command},\"WorkingDir\":\"/srv\"}}}}");
        Assert.Equal(codes, StartKit.Codes(StartKit.Judge(StartKit.With($"HostConfig.Binds=[\"v:{volume}\"]", $"WorkingDir=\"{folder}\""), image: elsewhere)));
    }

    [Fact]
    public void Of_ShellOfHealthChecks_IsTheImagesOwn()
    {
        StartImage image = StartKit.Image(StartKit.Config.Replace("\"User\":\"\"", "\"User\":\"\",\"Shell\":[\"/bin/bash\",\"-c\"]", StringComparison.Ordinal));
        Assert.Empty(StartKit.Codes(StartKit.Judge(StartKit.With("Shell=[\"/bin/bash\",\"-c\"]"), image: image)));
        Assert.Empty(StartKit.Codes(StartKit.Judge(StartKit.With(), image: image)));
        Assert.Equal(["shell"], StartKit.Codes(StartKit.Judge(StartKit.With("Shell=[\"/bin/sh\",\"-c\"]"), image: image)));
        Assert.Empty(StartKit.Codes(StartKit.Judge(StartKit.With("Shell=[\"/bin/sh\",\"-c\"]"), Rule("process: {health-check: ignore}"), image: image)));
    }

    [Fact]
    public void Of_ConfigThatReadsInTwoWays_IsRefused() =>
        Assert.Equal(["config-unreadable"], StartKit.Codes(StartKit.Judge(StartKit.With(), image: StartKit.Image("{\"config\":{\"User\":\"1\",\"user\":\"0\"}}"))));

    [Fact]
    public void Of_TwentyThingsOfOneKind_AreOneReasonWithTenExamples()
    {
        string caps = string.Join(',', Enumerable.Range(0, 20).Select(i => $"\"CAP{i:00}\""));
        Reason reason = Assert.Single(StartKit.Judge(StartKit.With($"HostConfig.CapAdd=[{caps}]")).Reasons);
        Assert.Equal((20, 10, "capabilities that are not allowed: CAP00, CAP01, CAP02 (+17)"), (reason.Count, reason.Examples.Count, reason.Message));
    }

    [Fact]
    public void Reasons_EveryCodeThatCanCome_HasATextInBothLanguagesAndStandsInThePage()
    {
        string page = File.ReadAllText(Repository.At("docs", "formats", "policy.md"));
        HashSet<string> codes = [];
        foreach (string path in Repository.Files("*.cs", "src", "Plimsoll.Core", "Verify", "Start"))
            foreach (System.Text.RegularExpressions.Match match in System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(path),
                @"(?:Flag\(StartCheck\.\w+, (?:[^""\n]*\? )?""(?<c>[a-z-]+)""|Flag\(StartCheck\.\w+, [^""\n]*""unconfined"" \? ""(?<c>[a-z-]+)"" : ""(?<c>[a-z-]+)""|Refuse\(StartList\.\w+, ""(?<c>[a-z-]+)""|(?:Say|StartRequestException)\((?:[^""\n]*, )?""(?<c>[a-z-]+)"")",
                System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5)))
                foreach (System.Text.RegularExpressions.Capture capture in match.Groups["c"].Captures)
                    codes.Add(capture.Value);
        foreach (string kind in (string[])["pid", "ipc", "uts", "user-namespace", "cgroup-namespace"])
            codes.UnionWith([$"{kind}-host", $"{kind}-container"]);

        Assert.Superset(new HashSet<string> { "privileged", "seccomp-unconfined", "apparmor-profile", "duplicate-key", "no-start-rule", "learning", "unknown-field", "executable-from-volume", "own-executable", "runtime-not-secure" }, codes);
        Assert.All(codes, code => Assert.True(Catalogue.FindReason(code) is { English.Length: > 0, Chinese.Length: > 0 }, code));
        Assert.All(codes, code => Assert.True(page.Contains($"`{code}`", StringComparison.Ordinal), code));
    }
}
