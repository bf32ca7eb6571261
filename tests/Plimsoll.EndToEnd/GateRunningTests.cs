using System.Formats.Tar;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>A gated host whose agent looks at running containers every second.</summary>
public sealed class LookingHost : IDisposable
{
    public GatedHost Host { get; } = new("--look-every", "1");

    public void Dispose() => Host.Dispose();
}

/// <summary>Attacks on containers that run. Beside each runs a twin to which nothing is done, and of which nothing is said.</summary>
[Trait("needs", "host")]
public sealed class GateRunningTests(LookingHost looking) : IClassFixture<LookingHost>
{
    private const UnixFileMode Program = (UnixFileMode)0b111_101_101;

    private GatedHost Host => looking.Host;

    private JsonNode AwaitTrouble(string container, string code, string says) => Host.AwaitLine($"trouble {code} of {container}", l =>
        (string)l["kind"]! == "running-trouble" && GatedHost.Field(l, "container") == container && GatedHost.Field(l, "code") == code && GatedHost.Field(l, "reason").Contains(says, StringComparison.Ordinal));

    private int Lines(string kind, string container) => Host.Log(kind).Count(l => GatedHost.Field(l, "container") == container);

    private void Untouched(string twin)
    {
        Assert.Equal("running", Host.Inspect(twin, "{{.State.Status}}"));
        Assert.Equal(0, Lines("running-trouble", twin) + Lines("container-paused", twin) + Lines("container-stopped", twin));
    }

    private void Remove(params string[] containers) => Host.Docker(["rm", "-f", .. containers]).Expect(0);

    [Fact]
    public void Look_LayerFileChangedUnderAContainer_IsSaidOnceByNameAndSoIsItsRepair()
    {
        Host.Policy(GatedHost.Open);
        SavedImage image = Host.Signed("run-layer", GatedHost.Serves), good = Host.Signed("run-layer-twin", GatedHost.Serves);
        string container = Host.Serve(image), twin = Host.Serve(good);
        string file = Host.Unpacked(image, 1, "srv/page"), content = File.ReadAllText(file);

        File.AppendAllText(file, "x");
        JsonNode line = AwaitTrouble(container, "not-intact", "layer 2: /srv/page (changed)");
        Assert.Equal(image.Id.ToString(), GatedHost.Field(line, "image"));
        // The next look has another thing to say, so that it came.
        string ping = Host.Unpacked(image, 2, "srv/ping");
        File.SetUnixFileMode(ping, Program | UnixFileMode.SetUser);
        AwaitTrouble(container, "not-intact", "/srv/ping (mode)");
        Assert.Equal(2, Lines("running-trouble", container));
        Assert.Equal("running", Host.Inspect(container, "{{.State.Status}}"));

        File.SetUnixFileMode(ping, Program);
        File.WriteAllText(file, content);
        Host.AwaitLine("the repair", l => (string)l["kind"]! == "running-restored" && GatedHost.Field(l, "container") == container);
        Untouched(twin);
        Remove(container, twin);
    }

    [Theory]
    [InlineData("cp /bin/busybox /srv/busybox; echo x >> /srv/busybox; exec /srv/busybox sleep 1000", "/srv/busybox, ")]
    [InlineData("cp /bin/busybox /srv/busybox; echo x >> /srv/busybox; /srv/busybox sleep 1000 & until /bin/busybox grep -q /srv/busybox /proc/$!/maps; do :; done; rm /srv/busybox; wait", "/srv/busybox (deleted), ")]
    [InlineData("mkdir /srv/r; cp /bin/busybox /srv/r/busybox; echo x >> /srv/r/busybox; exec /bin/busybox chroot /srv/r /busybox sleep 1000", "/busybox, ")]
    public void Look_ProgramOfTheContainersOwnRuns_IsSaidByItsPath(string attack, string path)
    {
        Host.Policy(GatedHost.Open);
        SavedImage image = Host.Signed($"run-program-{attack.Length}", GatedHost.Serves);
        string container = Host.Serve(image), twin = Host.Serve(image);
        // The twin runs the same program, unchanged.
        Host.Docker("exec", "-d", twin, "/bin/sh", "-c", "cp /bin/busybox /srv/busybox; exec /srv/busybox sleep 1000").Expect(0);

        Host.Docker("exec", "-d", container, "/bin/sh", "-c", attack).Expect(0);

        AwaitTrouble(container, "foreign-code", path);
        Untouched(twin);
        Remove(container, twin);
    }

    /// <summary>Runs a copy of itself out of memory that no path leads to; with <c>changed</c> one that has a byte more, and with <c>made</c> maps code that has no form of a program.</summary>
    private const string Copier = """
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <unistd.h>
        int main(int count, char **words)
        {
            if (count < 2 || strcmp(words[1], "rest") == 0)
                for (;;) pause();
            char bytes[65536], *next[] = {"copy", "rest", 0};
            int memory = memfd_create("copy", 0), own = open("/proc/self/exe", O_RDONLY);
            if (strcmp(words[1], "made") == 0) {
                write(memory, "\xc3", 1);
                mmap(0, 1, PROT_READ | PROT_EXEC, MAP_SHARED, memory, 0);
                for (;;) pause();
            }
            for (ssize_t got; (got = read(own, bytes, sizeof bytes)) > 0;)
                write(memory, bytes, (size_t)got);
            if (strcmp(words[1], "changed") == 0)
                write(memory, "x", 1);
            fexecve(memory, next, environ);
            return 1;
        }
        """;

    [Fact]
    public void Look_ProgramInMemoryThatHasNoFile_IsSaidByItsName()
    {
        Host.Policy(GatedHost.Open);
        using TempFolder folder = new();
        Tool.Run("gcc", ["-static", "-w", "-o", folder["copier"], folder.Write("copier.c", System.Text.Encoding.UTF8.GetBytes(Copier))]);
        SavedImage image = Host.Image("run-memory", GatedHost.Serves).WithLayer(tar =>
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "bin/copier") { Mode = Program, DataStream = new MemoryStream(File.ReadAllBytes(folder["copier"])) }));
        Host.Daemon.Load(image.Build());
        Host.Sign(image, "run-memory");
        string container = Host.Serve(image), twin = Host.Serve(image);
        // The twin runs a copy that is a file of the image, and code that it made itself.
        Host.Docker("exec", "-d", twin, "/bin/copier", "same").Expect(0);
        Host.Docker("exec", "-d", twin, "/bin/copier", "made").Expect(0);

        Host.Docker("exec", "-d", container, "/bin/copier", "changed").Expect(0);

        AwaitTrouble(container, "foreign-code", "/memfd:copy (deleted), ");
        Untouched(twin);
        Remove(container, twin);
    }

    [Fact]
    public void Look_ProgramThatPolicyLists_IsNoTroubleWhereItLiesInTheContainersOwnLayer()
    {
        Host.Policy(GatedHost.Open.Replace("start: default", "start: {rules: [{mounts: {own-executables: [/srv/tools/*]}}]}", StringComparison.Ordinal));
        SavedImage image = Host.Signed("run-listed", GatedHost.Serves);
        string twin = Host.Serve(image), other = Host.Serve(image), volume = Host.Serve(image, "-v", "run-listed-tools:/srv/tools");
        Run(twin, "/srv/tools");

        // Elsewhere, and at the listed path in a volume: what is there is nobody's own.
        Run(other, "/srv/others");
        Run(volume, "/srv/tools");

        AwaitTrouble(other, "foreign-code", "/srv/others/busybox, ");
        AwaitTrouble(volume, "foreign-code", "/srv/tools/busybox, ");
        Untouched(twin);
        // Once policy lists it no longer, it is.
        Host.Policy(GatedHost.Open);
        AwaitTrouble(twin, "foreign-code", "/srv/tools/busybox, ");
        Remove(twin, other, volume);

        void Run(string container, string folder) =>
            Host.Docker("exec", "-d", container, "/bin/sh", "-c", $"mkdir -p {folder}; cp /bin/busybox {folder}/busybox; echo x >> {folder}/busybox; exec {folder}/busybox sleep 1000").Expect(0);
    }

    /// <summary>A list that is not there lets nothing else pass unseen.</summary>
    [Fact]
    public void Look_ForeignCodeWhileTheRevocationListIsUnread_IsSaidByItsPath()
    {
        Host.Policy(GatedHost.Open);
        SavedImage image = Host.Signed("run-unread", GatedHost.Serves);
        string container = Host.Serve(image), twin = Host.Serve(image);
        Host.Policy(GatedHost.Open.Replace("inspection: none", "inspection: none\n    revocations: {keys: [release]}", StringComparison.Ordinal));
        foreach (string one in (ReadOnlySpan<string>)[container, twin])
            AwaitTrouble(one, "undecided", "revocations-missing");

        Host.Docker("exec", "-d", container, "/bin/sh", "-c", "cp /bin/busybox /srv/busybox; echo x >> /srv/busybox; exec /srv/busybox sleep 1000").Expect(0);

        AwaitTrouble(container, "foreign-code", "/srv/busybox, ");
        Assert.Equal(1, Lines("running-trouble", twin));
        Remove(container, twin);
        Host.Policy(GatedHost.Open);
    }

    [Fact]
    public void Look_LibraryThatTheImageHasNot_IsSaidByItsPath()
    {
        Host.Policy(GatedHost.Open);
        string[] libraries = [.. Regex.Matches(Tool.Run("ldd", ["/usr/bin/sleep"]), @"(?<path>/\S+) \(0x", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5)).Select(m => m.Groups["path"].Value)];
        string math = Path.Combine(Path.GetDirectoryName(libraries.First(l => l.Contains("libc.so", StringComparison.Ordinal)))!, "libm.so.6");
        SavedImage image = Host.Image("run-library", GatedHost.Serves).WithLayer(tar =>
        {
            foreach (string file in (string[])[.. libraries, math, "/usr/bin/sleep"])
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, file[1..]) { Mode = Program, DataStream = new MemoryStream(File.ReadAllBytes(file)) });
        });
        Host.Daemon.Load(image.Build());
        Host.Sign(image, "run-library");
        string container = Host.Serve(image), twin = Host.Serve(image);
        Host.Docker("exec", "-d", twin, "/bin/sh", "-c", $"cp {math} /srv/own.so; LD_PRELOAD=/srv/own.so exec /usr/bin/sleep 1000").Expect(0);

        Host.Docker("exec", "-d", container, "/bin/sh", "-c", $"cp {math} /srv/evil.so; echo x >> /srv/evil.so; LD_PRELOAD=/srv/evil.so exec /usr/bin/sleep 1000").Expect(0);

        AwaitTrouble(container, "foreign-code", "/srv/evil.so, ");
        Untouched(twin);
        Remove(container, twin);
    }

    [Fact]
    public void Look_PolicyThatPauses_FreezesOnceAndLeavesTheTwin()
    {
        Host.Policy(GatedHost.Open.Replace("start: default", "start: {running: {trouble: pause}}", StringComparison.Ordinal));
        SavedImage image = Host.Signed("run-pause", GatedHost.Serves), good = Host.Signed("run-pause-twin", GatedHost.Serves);
        string container = Host.Serve(image), twin = Host.Serve(good);

        File.AppendAllText(Host.Unpacked(image, 1, "srv/page"), "x");
        Host.AwaitLine("the pause", l => (string)l["kind"]! == "container-paused" && GatedHost.Field(l, "container") == container);
        Assert.Equal("paused", Host.Inspect(container, "{{.State.Status}}"));
        File.AppendAllText(Host.Unpacked(image, 1, "etc/passwd"), "x");
        AwaitTrouble(container, "not-intact", "/etc/passwd (changed)");

        Assert.Equal((1, 0), (Lines("container-paused", container), Lines("reaction-failed", container)));
        Assert.Contains(Host.Log("request-allowed"), l => GatedHost.Field(l, "endpoint") == "POST /containers/{name}/pause" && GatedHost.Field(l, "code") == "call-back");
        Untouched(twin);
        Remove(container, twin);
    }

    [Fact]
    public void Look_ImageThatBecameUntrusted_IsTroubleOutsideTheSandbox()
    {
        const string guests = """
            policy: 1
            name: host
            trust:
              keys: {release: {file: policy.pub}}
              images:
              - {names: ["registry.example/prod/run-guest"], signed: none}
              - {names: ["registry.example/prod/**"], signatures: {keys: [release], match: any}, inspection: none, measurement: required}
            start: {untrusted: {runtimes: [plimsoll-runsc]}, rules: [{runtime: {names: [default, plimsoll, plimsoll-runsc]}}]}
            """;
        Host.Policy(guests.Replace("run-guest", "nobody", StringComparison.Ordinal));
        SavedImage image = Host.Signed("run-guest", GatedHost.Serves);
        string container = Host.Serve(image), twin = Host.Serve(image, "--runtime", "plimsoll-runsc");

        Host.Policy(guests);

        AwaitTrouble(container, "refused", "the image is untrusted, as nothing signed is asked for, and the runtime is plimsoll;");
        Untouched(twin);
        Remove(container, twin);
        Host.Policy(GatedHost.Open);
    }

    /// <summary>Containers come and go while the agent looks at them every second; runtimes that begin in them are no foreign code, and those that ended no trouble.</summary>
    [Fact]
    public void Look_ContainersThatComeAndGo_AreNoTrouble()
    {
        Host.Policy(GatedHost.Open);
        SavedImage image = Host.Signed("run-load", """{"Cmd":["/bin/sleep","0.3"],"Env":["PATH=/bin"]}""");
        int before = Host.Log("running-trouble").Count;

        Parallel.For(0, 12, new ParallelOptions { MaxDegreeOfParallelism = 4 }, _ => Host.Docker(["run", "--rm", .. GatedHost.Limits, image.Tag]).Expect(0));

        Assert.Equal([], Host.Log("running-trouble").Skip(before).Select(l => l.ToJsonString()));
        // Each is forgotten with its container.
        string started = Path.Combine(Host.State, "started");
        string[] kept = [.. Host.Docker("ps", "-aq", "--no-trunc").Expect(0).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        GatedHost.Await(() => Directory.GetFiles(started).Select(f => Path.GetFileName(f)).Where(n => !n.StartsWith("image.", StringComparison.Ordinal) && !n.StartsWith("runtime.", StringComparison.Ordinal)).All(n => kept.Contains(n.Split('.')[0])), "the sweep");
    }
}
