using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Configuration;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.TestKit;
using Plimsoll.Texts;
using static Plimsoll.Tests.Configuration.Configured;

namespace Plimsoll.Tests.Configuration;

public sealed class ProcessRulesTests : IDisposable
{
    private const string Passwd = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\napp:x:1000:1000::/home/app:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n+nis::::::\n";

    private readonly Configured _image = new();

    public void Dispose() => _image.Dispose();

    private string[] Of(ProcessConfig? process) => Show(_image.Of(process));

    [Fact]
    public void Judge_AWellSetUpImage_HasNothingToSay() => Assert.Empty(Of(Good));

    [Theory]
    [InlineData("", "CIS-4.1 Medium user")]
    [InlineData("root", "CIS-4.1 Medium user root")]
    [InlineData("root:app", "CIS-4.1 Medium user root:app")]
    [InlineData("0", "CIS-4.1 Medium user 0")]
    [InlineData("0:1000", "CIS-4.1 Medium user 0:1000")]
    [InlineData("000", "CIS-4.1 Medium user 000 = uid 0")]
    [InlineData("toor", "CIS-4.1 Medium user toor = uid 0")]
    [InlineData("ghost", "user-unknown Medium user ghost")]
    [InlineData("nis", "user-unknown Medium user nis")]
    [InlineData("app", null)]
    [InlineData("app:app", null)]
    [InlineData("1000", null)]
    [InlineData("4242", null)]
    public void Judge_User_IsResolvedThroughTheImagesAccounts(string user, string? expected)
    {
        string[] seen = Show([.. _image.Of(Good with { User = user }, t => t.File("etc/passwd", Passwd)).Where(p => p.Rule != "second-root")]);

        Assert.Equal(expected is null ? [] : [expected], seen);
    }

    [Fact]
    public void Judge_UserOfAnAccountThatALaterLayerTookAway_IsUnknown() =>
        Assert.Equal(["user-unknown Medium user app"], Show(_image.Of(Good with { User = "app" }, t => t.File("etc/passwd", "app:x:5:5::/:/bin/sh\n"), t => t.Whiteout("etc/passwd"))));

    [Fact]
    public void Judge_RootWithoutAnyAccounts_IsRoot() => Assert.Equal(["CIS-4.1 Medium user root"], Of(Good with { User = "root" }));

    [Fact]
    public void Judge_Windows_AsksForItsOwnAdministrator()
    {
        CheckInput input = Input(Good with { User = "ContainerAdministrator" });
        Assert.Equal(["CIS-4.1 Medium user ContainerAdministrator"], Show(_image.Of(input with { Config = input.Config! with { Os = "windows" } })));
        Assert.Empty(_image.Of(input with { Config = input.Config with { Os = "windows", Config = Good with { User = "" } } }));
    }

    [Fact]
    public void Judge_HealthCheck_MustBeThere()
    {
        Assert.Equal(["CIS-4.6 Low healthcheck"], Of(Good with { Healthcheck = null }));
        Assert.Equal(["CIS-4.6 Low healthcheck"], Of(Good with { Healthcheck = new HealthCheckConfig { Test = [] } }));
        Assert.Equal(["CIS-4.6 Low healthcheck NONE"], Of(Good with { Healthcheck = new HealthCheckConfig { Test = ["NONE"] } }));
    }

    [Theory]
    [InlineData("22/tcp", "Medium")]
    [InlineData("22", "Medium")]
    [InlineData("23/tcp", "High")]
    [InlineData("69/udp", "Medium")]
    [InlineData("69/tcp", null)]
    [InlineData("22/udp", null)]
    [InlineData("2375", "High")]
    [InlineData("8000-8010/tcp", null)]
    [InlineData("20-25/tcp", "High")]
    [InlineData("80/tcp", null)]
    [InlineData("0-65535", "High")]
    [InlineData("99999", null)]
    [InlineData("-1", null)]
    [InlineData("ssh", null)]
    [InlineData("1-2-3", null)]
    public void Judge_ExposedPort_IsLookedUp(string port, string? severity) =>
        Assert.Equal(severity is null ? [] : [$"exposed-port {severity} exposed {port}"], Of(Good with { ExposedPorts = [port] }));

    [Theory]
    [InlineData("/etc", "Medium")]
    [InlineData("/etc/", "Medium")]
    [InlineData("//etc/.", "Medium")]
    [InlineData("/", "Medium")]
    [InlineData("/var/run/docker.sock", "High")]
    [InlineData("/proc/sys", "Medium")]
    [InlineData("/dev/shm", null)]
    [InlineData("/var/lib/postgresql/data", null)]
    public void Judge_Volume_OfTheSystem_IsNamed(string volume, string? severity) =>
        Assert.Equal(severity is null ? [] : [$"sensitive-volume {severity} volume {volume}"], Of(Good with { Volumes = [volume] }));

    [Fact]
    public void Judge_CommandTriggersSignalAndLabels_AreRules()
    {
        Assert.Equal(["no-command Low cmd"], Of(Good with { Cmd = [] }));
        Assert.Empty(Of(Good with { Cmd = null, Entrypoint = ["/x"] }));
        Assert.Equal(["onbuild Low onbuild RUN make; ENV TOKEN=…"], Of(Good with { OnBuild = ["RUN make", "ENV TOKEN=hunter2"] }));
        Assert.Equal(["stop-signal-kill Negligible stopsignal SIGKILL"], Of(Good with { StopSignal = "SIGKILL" }));
        Assert.Empty(Of(Good with { StopSignal = "SIGINT" }));
        Assert.Equal(["labels-missing Low labels org.opencontainers.image.source"],
            Of(Good with { Labels = new Dictionary<string, string> { ["org.opencontainers.image.source"] = " ", ["org.opencontainers.image.version"] = "1", ["org.opencontainers.image.revision"] = "2" } }));
    }

    [Theory]
    [InlineData("app:latest", true)]
    [InlineData("registry:5000/app", true)]
    [InlineData("latest", true)]
    [InlineData("app:1", false)]
    [InlineData("registry:5000/app:1.2", false)]
    [InlineData("app@sha256:00", false)]
    [InlineData("", false)]
    public void Judge_Tags_OfLatestAlone_AreARule(string tag, bool expected) =>
        Assert.Equal(expected ? [$"latest-tag Low tag {tag}"] : [], Show(_image.Of(Input(Good) with { Tags = tag.Length == 0 ? [] : [tag] })));

    [Fact]
    public void Judge_LatestBesideAVersion_IsFine() => Assert.Empty(_image.Of(Input(Good) with { Tags = ["app:latest", "app:1.2"] }));

    [Theory]
    [InlineData("linux", "amd64", false)]
    [InlineData("linux", "x86_64", true)]
    [InlineData(null, null, true)]
    public void Judge_Platform_MustBeKnown(string? os, string? architecture, bool expected)
    {
        CheckInput input = Input(Good);
        Assert.Equal(expected, _image.Of(input with { Config = input.Config! with { Os = os, Architecture = architecture } }).Any(p => p.Rule == "platform-unknown"));
    }

    [Fact]
    public void Judge_AFolder_AsksForNoConfig() => Assert.Empty(_image.Of(Input(null) with { Config = null, Tags = [] }));

    [Theory]
    [InlineData("PATH=/usr/bin::/bin", "search-path-relative Medium env PATH /usr/bin::/bin")]
    [InlineData("PATH=.:/bin", "search-path-relative Medium env PATH .:/bin")]
    [InlineData("PATH=/bin:/tmp/", "search-path-writable Medium env PATH /bin:/tmp/")]
    [InlineData("LD_PRELOAD=/usr/lib/x.so", "preload-variable Medium env LD_PRELOAD LD_PRELOAD=/usr/lib/x.so")]
    [InlineData("LD_PRELOAD=", null)]
    [InlineData("LD_LIBRARY_PATH=/usr/local/lib:", "library-path Low env LD_LIBRARY_PATH LD_LIBRARY_PATH=/usr/local/lib:")]
    [InlineData("LD_LIBRARY_PATH=/usr/local/lib", null)]
    [InlineData("NODE_TLS_REJECT_UNAUTHORIZED=0", "checks-disabled High env NODE_TLS_REJECT_UNAUTHORIZED NODE_TLS_REJECT_UNAUTHORIZED=0")]
    [InlineData("NODE_TLS_REJECT_UNAUTHORIZED=1", null)]
    [InlineData("PYTHONHTTPSVERIFY=0", "checks-disabled High env PYTHONHTTPSVERIFY PYTHONHTTPSVERIFY=0")]
    [InlineData("GIT_SSL_NO_VERIFY=", "checks-disabled High env GIT_SSL_NO_VERIFY GIT_SSL_NO_VERIFY=")]
    [InlineData("GOSUMDB=off", "checks-disabled High env GOSUMDB GOSUMDB=off")]
    [InlineData("NPM_CONFIG_STRICT_SSL=false", "checks-disabled High env NPM_CONFIG_STRICT_SSL NPM_CONFIG_STRICT_SSL=false")]
    [InlineData("npm_config_strict_ssl=true", null)]
    [InlineData("GIT_SSH_COMMAND=ssh -i /k -o StrictHostKeyChecking=no", "checks-disabled High env GIT_SSH_COMMAND GIT_SSH_COMMAND=… StrictHostKeyChecking=no")]
    [InlineData("POSTGRES_HOST_AUTH_METHOD=trust", "access-without-password Medium env POSTGRES_HOST_AUTH_METHOD POSTGRES_HOST_AUTH_METHOD=trust")]
    [InlineData("ALLOW_EMPTY_PASSWORD=no", null)]
    [InlineData("ALLOW_EMPTY_PASSWORD=yes", "access-without-password Medium env ALLOW_EMPTY_PASSWORD ALLOW_EMPTY_PASSWORD=yes")]
    [InlineData("JAVA_OPTS=-Dpassword=hunter2 -agentlib:jdwp=transport=dt_socket,server=y,address=*:5005", "debugger-open Medium env JAVA_OPTS JAVA_OPTS=-agentlib:jdwp=transport=dt_socket,server=y,address=*:5005")]
    [InlineData("JAVA_OPTS=-Xmx1g", null)]
    [InlineData("NODE_OPTIONS=--inspect=0.0.0.0:9229", "debugger-open Medium env NODE_OPTIONS NODE_OPTIONS=--inspect=0.0.0.0:9229")]
    [InlineData("http_proxy=http://user:hunter2@proxy:3128/", "proxy-password High env http_proxy http_proxy=http://***@proxy:3128")]
    [InlineData("HTTPS_PROXY=user:p@ss@proxy:3128", "proxy-password High env HTTPS_PROXY HTTPS_PROXY=***@proxy:3128")]
    [InlineData("HTTPS_PROXY=http://proxy:3128", null)]
    [InlineData("NO_PROXY=a:b@c", null)]
    public void Judge_Variables_AreRules(string variable, string? expected)
    {
        string[] seen = Of(Good with { Env = [variable] });

        Assert.Equal(expected is null ? [] : [expected], seen);
        Assert.DoesNotContain(seen, s => s.Contains("hunter2", StringComparison.Ordinal) || s.Contains("p@ss", StringComparison.Ordinal));
    }

    [Fact]
    public void Judge_FolderOfPathThatEverybodyMayWriteTo_IsHigh() =>
        Assert.Equal(["search-path-writable High env PATH /opt/bin (0777)", "world-writable-folder High opt/bin 0777"],
            Show(_image.Of(Good with { Env = ["PATH=/opt/bin/:/bin"] }, t => Dir(t, "opt/bin", "777"))));

    [Theory]
    [InlineData("RUN /bin/sh -c apt-get update # buildkit", "CIS-4.7 Low history 2 apt-get update # buildkit")]
    [InlineData("RUN |1 TOKEN=hunter2 /bin/sh -c apt-get update # buildkit", "CIS-4.7 Low history 2 apt-get update # buildkit")]
    [InlineData("RUN /bin/sh -c apt-get update && apt-get install -y x # buildkit", null)]
    [InlineData("/bin/sh -c apk update", "CIS-4.7 Low history 2 apk update")]
    [InlineData("ADD https://u:hunter2@example.org/x /x # buildkit", "CIS-4.9 Low history 2 ADD https://***@example.org/x /x # buildkit")]
    [InlineData("ADD app /srv # buildkit", "CIS-4.9 Negligible history 2 ADD app /srv # buildkit")]
    [InlineData("ADD app.tar.gz /srv # buildkit", null)]
    [InlineData("COPY app /srv # buildkit", null)]
    [InlineData("/bin/sh -c #(nop) ADD file:0123 in /srv/x", "CIS-4.9 Negligible history 2 ADD file:0123 in /srv/x")]
    [InlineData("/bin/sh -c #(nop) ADD file:0123 in /", null)]
    [InlineData("RUN /bin/sh -c curl -u a:hunter2 x && apt-get install --allow-unauthenticated y", "CIS-4.11 Medium history 2 --allow-unauthenticated y")]
    [InlineData("RUN /bin/sh -c apk add --allow-untrusted /x.apk", "CIS-4.11 Medium history 2 --allow-untrusted /x.apk")]
    public void Judge_History_AnswersCisItems(string line, string? expected)
    {
        IReadOnlyList<Problem> problems = _image.Of(Input(Good, "ADD rootfs.tar.xz / # buildkit", line));

        Assert.Equal(expected is null ? [] : [expected], Show(problems));
        Assert.All(problems, p => Assert.Equal(p.Rule["CIS-".Length..], p.Details["cis"]));
    }

    [Fact]
    public void Judge_EveryProblem_HasTextsAndAFingerprintOfItsOwn()
    {
        ProcessConfig bad = new() { ExposedPorts = ["22/tcp", "23/tcp"], Volumes = ["/etc"], OnBuild = ["RUN x"], StopSignal = "9", Env = ["PATH=.", "GOSUMDB=off", "A_PROXY=u:p@h"] };
        IReadOnlyList<Problem> problems = _image.Of(Input(bad, "x", "apt-get update", "apt-get update"), t => Dir(t, "tmp", "777"));

        Assert.True(problems.Count > 12);
        Assert.Equal(problems.Count, problems.Select(p => p.Fingerprint).Distinct().Count());
        Assert.All(problems, p =>
        {
            Assert.Equal(ProblemKind.Configuration, p.Kind);
            Assert.DoesNotContain("{", p.Title.English);
            Assert.NotEqual(p.Title.English, p.Title.Chinese);
            Assert.NotNull(p.Advice);
        });
    }

    [Fact]
    public void Find_EveryDocumentedRule_HasATextAndEveryTextAPage()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "checks", "configuration.md"));
        string[] source = File.ReadAllLines(Path.Combine(Repository.Root, "src", "Plimsoll.Core", "Texts", "Catalogue.Configuration.cs"));
        string[] rules = [.. source.Where(l => l.StartsWith("        \"", StringComparison.Ordinal) && l.EndsWith("\" => (", StringComparison.Ordinal)).Select(l => l.Split('"')[1])];

        Assert.True(rules.Length > 50);
        Assert.All(rules, rule => Assert.NotNull(Catalogue.FindConfigurationRule(rule)));
        // Texts that speak of many files belong to the rule of one.
        Assert.All(rules.Where(r => !r.EndsWith("-many", StringComparison.Ordinal) && r is not ("world-writable-files" or "world-writable-folders" or "device-nodes")), rule => Assert.Contains($"| `{rule}` |", page));
    }
}
