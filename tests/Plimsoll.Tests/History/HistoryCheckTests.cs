using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Tests.History;

public sealed class HistoryCheckTests
{
    [Theory]
    [InlineData("curl -fsSL https://x/y | sh", "pipe-to-shell high")]
    [InlineData("wget -qO- https://x/y | sudo -E bash -s -- --arg", "DL3004 medium|pipe-to-shell high")]
    [InlineData("curl https://x/y | tee log | python3 -", "pipe-to-shell high")]
    [InlineData("bash -c \"$(curl -fsSL https://x/y)\"", "pipe-to-shell high")]
    [InlineData("sh <(wget -O- https://x/y)", "pipe-to-shell high")]
    [InlineData("sh -c 'curl https://x/y | bash'", "pipe-to-shell high")]
    [InlineData("eval \"$(curl https://x/y)\"", "pipe-to-shell high")]
    [InlineData("curl https://x/y | python3 -m json.tool", "")]
    [InlineData("curl https://x/y | jq . | sh -c 'cat'", "")]
    [InlineData("curl https://x/y | grep bash", "")]
    [InlineData("echo curl https://x/y '|' sh", "")]
    [InlineData("echo eA== | base64 -d | sh", "encoded-command high")]
    [InlineData("echo eA== | base64 -d > x", "")]
    [InlineData("curl -fsSLo /tmp/i.sh https://x/i.sh && sh /tmp/i.sh", "download-and-run high")]
    [InlineData("wget https://x/i.sh && chmod +x i.sh && ./i.sh", "unchecked-binary medium|download-and-run high")]
    [InlineData("curl https://x/i > i && . ./i", "download-and-run high")]
    [InlineData("wget -O i.sh https://x/i.sh && echo '00 i.sh' | sha256sum -c - && sh i.sh", "")]
    [InlineData("curl -o /usr/bin/g https://x/g && curl -o g.asc https://x/g.asc && gpg --batch --verify g.asc /usr/bin/g && chmod +x /usr/bin/g && /usr/bin/g", "")]
    [InlineData("curl -Lo /usr/local/bin/k https://x/k; chmod 755 /usr/local/bin/k", "unchecked-binary medium")]
    [InlineData("curl -L https://x/a.tgz | tar xz -C /opt", "unchecked-binary low")]
    [InlineData("wget https://x/a.deb && dpkg -i a.deb", "unchecked-binary medium")]
    [InlineData("curl -f http://localhost/ | tar x", "")]
    [InlineData("chmod 777 /srv", "world-writable medium")]
    [InlineData("chmod -R a+rwX /srv", "world-writable medium")]
    [InlineData("mkdir -m 0777 /srv", "world-writable medium")]
    [InlineData("chmod 1777 /tmp && chmod 3777 /run/x && chmod 755 x && chmod +w y && chmod o-w z", "")]
    [InlineData("chmod u+s /bin/x", "setuid high")]
    [InlineData("chmod 4755 /bin/x", "setuid high")]
    [InlineData("install -m 4755 a /bin/x", "setuid high")]
    [InlineData("chmod 2755 /bin/x", "setuid low")]
    [InlineData("chmod a-s /bin/x && find / -perm /6000 -exec chmod a-s {} +", "")]
    [InlineData("setcap cap_net_raw+ep /bin/ping", "file-capability low")]
    [InlineData("usermod -aG sudo app", "root-group medium")]
    [InlineData("useradd -m -G users,docker app", "root-group medium")]
    [InlineData("adduser app wheel", "root-group medium")]
    [InlineData("gpasswd -a app docker", "root-group medium")]
    [InlineData("useradd -u 1001 -g 0 app", "root-group low")]
    [InlineData("useradd -m -G users,audio app && groupadd docker && adduser -D -g '' -h /x app", "")]
    [InlineData("useradd -o -u 0 toor", "root-user high")]
    [InlineData("echo 'app ALL=(ALL) NOPASSWD:ALL' >> /etc/sudoers", "sudo-nopasswd medium")]
    [InlineData("echo 'root:toor' | chpasswd", "password-set high")]
    [InlineData("passwd -d root", "password-set high")]
    [InlineData("passwd -l root", "")]
    [InlineData("curl -k https://x/y -o z", "tls-off medium")]
    [InlineData("wget --no-check-certificate https://x/y", "tls-off medium")]
    [InlineData("git config --global http.sslVerify false", "tls-off medium")]
    [InlineData("git -c http.sslVerify=false clone -b v1 https://x/y", "tls-off medium")]
    [InlineData("npm config set strict-ssl false", "tls-off medium")]
    [InlineData("pip install --trusted-host x y==1", "tls-off medium")]
    [InlineData("export NODE_TLS_REJECT_UNAUTHORIZED=0 && x", "tls-off medium")]
    [InlineData("GIT_SSL_NO_VERIFY=true git fetch", "tls-off medium")]
    [InlineData("echo 'Acquire::https::Verify-Peer \"false\";' > /etc/apt/apt.conf.d/x", "tls-off medium")]
    [InlineData("apt-get -o Acquire::https::Verify-Peer=false update", "tls-off medium")]
    [InlineData("echo 'Acquire::https::x::Verify-Peer \"true\";' > /etc/apt/apt.conf.d/x && curl -fsS https://x/y -o z", "")]
    [InlineData("apt-get install -y --allow-unauthenticated x", "signature-off medium")]
    [InlineData("apt-get install --force-yes x", "signature-off medium")]
    [InlineData("apk add --allow-untrusted x.apk", "signature-off medium")]
    [InlineData("rpm -i --nosignature x.rpm", "signature-off medium")]
    [InlineData("dnf install -y --nogpgcheck x", "signature-off medium")]
    [InlineData("printf '[x]\\ngpgcheck=0\\n' > /etc/yum.repos.d/x.repo", "signature-off medium")]
    [InlineData("echo 'deb [trusted=yes] https://x ./' > /etc/apt/sources.list.d/x.list", "signature-off medium")]
    [InlineData("echo 'deb [ trusted=yes ] file:///tmp/x ./' > /etc/apt/sources.list.d/x.list", "")]
    [InlineData("curl -O http://x/y", "plain-http medium")]
    [InlineData("pip install --index-url http://x/simple y==1", "plain-http medium")]
    [InlineData("wget http://x/y && echo 00 y | sha256sum -c", "")]
    [InlineData("pip install django", "unpinned low")]
    [InlineData("npm install -g yarn", "unpinned low")]
    [InlineData("git clone https://x/y", "unpinned low")]
    [InlineData("git clone https://x/y && cd y && git checkout 00ab", "")]
    [InlineData("echo x:x:0:0::/:/bin/sh >> /etc/passwd", "account-file medium")]
    [InlineData("sed -i s/a/b/ /etc/shadow", "account-file medium")]
    [InlineData("chmod g=u /etc/passwd", "account-file medium")]
    [InlineData("cat /etc/passwd > /x", "")]
    [InlineData("echo /x.so > /etc/ld.so.preload", "preload high")]
    [InlineData("echo '* * * * * root x' > /etc/cron.d/x", "cron low")]
    [InlineData("echo '* * * * * root curl x | sh' > /etc/cron.d/x", "cron high")]
    [InlineData("crontab /x", "cron low")]
    [InlineData("sed -i 's/#PermitRootLogin no/PermitRootLogin yes/' /etc/ssh/sshd_config", "ssh-root-login medium")]
    [InlineData("sed -i 's/PermitRootLogin yes/PermitRootLogin no/' /etc/ssh/x || echo PermitRootLogin no", "ssh-root-login medium")]
    [InlineData("echo PermitRootLogin prohibit-password >> /etc/ssh/sshd_config", "")]
    [InlineData("echo ssh-rsa x > /root/.ssh/authorized_keys", "authorized-keys medium")]
    [InlineData("sudo make", "DL3004 medium")]
    [InlineData("useradd -u 1000000 x", "DL3046 low")]
    public void Run_Commands_GiveWhatTheyMean(string script, string expected) =>
        Assert.Equal(expected.Split('|', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal), HistoryKit.Run(script).Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("ADD https://x/y /z # buildkit", "add-unchecked low")]
    [InlineData("ADD --checksum=sha256:00 https://x/y /z # buildkit", "")]
    [InlineData("ADD http://x/y /z # buildkit", "plain-http medium")]
    [InlineData("COPY --chmod=777 a /b # buildkit", "world-writable medium")]
    [InlineData("COPY a /root/.ssh/authorized_keys # buildkit", "authorized-keys medium")]
    [InlineData("-ENV NODE_TLS_REJECT_UNAUTHORIZED=0", "tls-off medium")]
    [InlineData("-ENV PATH=/x NODE_VERSION=1", "")]
    [InlineData("RUN |1 NPM_TOKEN=abc /bin/sh -c make # buildkit", "secret-build-arg medium")]
    [InlineData("RUN |1 VERSION=abc /bin/sh -c make # buildkit", "")]
    [InlineData("RUN |1 NPM_TOKEN= /bin/sh -c make # buildkit", "")]
    [InlineData("bash", "committed medium")]
    [InlineData("python3 app.py", "committed medium")]
    [InlineData("", "no-command medium")]
    [InlineData("bazel build //x", "")]
    [InlineData("# debian.sh --arch amd64", "")]
    public void Line_OfEachForm_GivesWhatItMeans(string line, string expected) =>
        Assert.Equal(expected.Length == 0 ? [] : [expected], HistoryKit.Lines(line));

    [Fact]
    public void Add_ThenRunInALaterStep_IsFound() =>
        Assert.Contains("download-and-run high", HistoryKit.Lines("ADD https://x/i.sh /tmp/i.sh # buildkit", "RUN /bin/sh -c sh /tmp/i.sh # buildkit"));

    [Fact]
    public void Problem_OfARun_NamesLineLayerAndPlaceAndMasks()
    {
        CheckResult result = HistoryKit.Judge(HistoryKit.Entries("/bin/sh -c #(nop) ADD file:1 in / ", "RUN /bin/sh -c a; \tcurl -k -u me:pw --token=hunter22 https://x/y # buildkit"));

        Problem problem = Assert.Single(result.Problems);
        Assert.Equal(("tls-off", 5, "history 1", 1, "sha256:1"), (problem.Rule, problem.Line, problem.Place, problem.Origin!.Layer, problem.Origin.DiffId));
        Assert.Contains("curl -k", result.Dockerfile[problem.Line - 1].Text, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter22", problem.Evidence, StringComparison.Ordinal);
        Assert.Equal("curl is told not to check certificates", problem.Title.English);
    }

    [Fact]
    public void Fingerprint_AfterALineWasAddedAbove_StaysTheSame()
    {
        Problem before = HistoryKit.Judge(HistoryKit.Entries("RUN chmod 777 /x")).Problems[0], after = HistoryKit.Judge(HistoryKit.Entries("RUN true", "-ENV A=1", "RUN chmod 777 /x")).Problems[0];

        Assert.Equal(before.Fingerprint, after.Fingerprint);
    }

    [Fact]
    public void Base_ItsSteps_AreLowAndSaidToBeTheBases()
    {
        CheckResult result = HistoryKit.Judge(HistoryKit.Entries("ADD rootfs.tar / # buildkit", "RUN curl https://x | sh", "-CMD [\"sh\"]", "RUN chmod u+s /x"));

        Assert.Equal([("setuid", Severity.High, false), ("pipe-to-shell", Severity.Low, true)], result.Problems.OrderByDescending(p => p.Severity).Select(p => (p.Rule, p.Severity, p.Details.ContainsKey("base"))));
        Assert.Contains("base image", result.Problems.Single(p => p.Rule == "pipe-to-shell").Title.English, StringComparison.Ordinal);
        Assert.Contains(result.Dockerfile, l => l.Text.StartsWith("# here the base image ends (2 layers)", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0, 1, "no-history")]
    [InlineData(2, 3, "history-mismatch")]
    [InlineData(2, 2, "")]
    [InlineData(0, 0, "")]
    public void Whole_HistoryAndLayers_MustAgree(int lines, int layers, string expected) =>
        Assert.Equal(expected, string.Join(' ', HistoryKit.Judge(HistoryKit.Entries(Enumerable.Repeat("RUN true", lines)), layers).Problems.Select(p => p.Rule)));

    [Theory]
    [InlineData("2026-01-01T00:00:00Z 2026-01-02T00:00:00Z 2026-01-03T00:00:00Z", "")]
    [InlineData("2026-01-01T00:00:00Z 2026-01-03T00:00:00Z 2026-01-02T00:00:00Z", "time-order")]
    [InlineData("2026-01-03T00:00:00Z 2026-01-02T00:00:00Z 2026-01-02T00:00:00Z", "")]
    [InlineData("2026-01-03T00:00:00Z 1970-01-01T00:00:00Z", "")]
    [InlineData("2026-01-03T00:00:00Z nonsense", "")]
    public void Times_OutOfOrder_AreSaid(string times, string expected) =>
        Assert.Equal(expected, string.Join(' ', HistoryKit.Judge([.. times.Split(' ').Select(t => new HistoryEntry { CreatedBy = "RUN true", Created = t })]).Problems.Select(p => p.Rule)));

    [Fact]
    public void Imported_IsSaid() =>
        Assert.Equal("imported", Assert.Single(HistoryKit.Judge([new HistoryEntry { Comment = "Imported from -" }]).Problems).Rule);

    [Fact]
    public void Config_Absent_SaysNothing()
    {
        using Inspect.History.HistoryCheck check = new();

        Assert.Empty(check.Judge(new CheckInput { Image = "dir:x", Inventory = new Inspect.Layers.Inventory(), Now = default }, TestContext.Current.CancellationToken).Problems);
    }

    [Fact]
    public void CheckList_AskedForHistory_HasTheCheck() =>
        Assert.Equal(ProblemKind.History, Assert.Single(CheckList.Create(new CheckOptions { Kinds = new HashSet<ProblemKind> { ProblemKind.History } })).Kind);

    [Fact]
    public void Problems_OfANoisyHistory_AreBounded()
    {
        CheckResult result = HistoryKit.Judge(HistoryKit.Entries(Enumerable.Range(0, 1500).Select(i => $"RUN chmod 777 /{i}; chmod 777 /a{i}; chmod 777 /b{i}; chmod 777 /c{i}")));

        Assert.Equal(Inspect.History.HistoryCheck.MaxProblems, result.Problems.Count);
    }

    [Fact]
    public void Catalogue_EveryRule_HasTextsInBothLanguages()
    {
        string page = File.ReadAllText(TestKit.Repository.At("docs", "checks", "history.md"));
        string[] rules =
        [
            "pipe-to-shell", "download-and-run", "unchecked-binary", "world-writable", "setuid", "file-capability", "root-group", "root-user", "sudo-nopasswd", "password-set", "tls-off", "signature-off",
            "plain-http", "add-unchecked", "unpinned", "account-file", "preload", "cron", "ssh-root-login", "authorized-keys", "no-command", "committed", "imported", "history-mismatch", "no-history", "time-order",
            "secret-build-arg", "encoded-command",
        ];
        foreach (string rule in rules)
        {
            RuleText text = Catalogue.HistoryRule(rule);
            Assert.NotEqual(rule, text.Title.English);
            Assert.NotEqual(text.Title.English, text.Title.Chinese);
            Assert.NotEqual(text.Advice.English, text.Advice.Chinese);
            Assert.Contains($"| `{rule}` |", page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void NoiseInFrontOfWhatCounts_IsAGap()
    {
        CheckResult many = HistoryKit.Judge(HistoryKit.Entries(Enumerable.Range(0, 600).Select(i => $"RUN /bin/sh -c chmod 777 /{i} # buildkit")));
        CheckResult lines = HistoryKit.Judge(HistoryKit.Entries([.. Enumerable.Repeat("-ENV A=1", 2000), "RUN /bin/sh -c chmod 4755 /bin/x # buildkit"]));
        CheckResult longLine = HistoryKit.Judge(HistoryKit.Entries($"RUN /bin/sh -c true {new string('x', 256 << 10)} && chmod 4755 /bin/x # buildkit"));

        Assert.All([many, lines, longLine], r => Assert.Contains(r.Gaps, g => g is { Code: "history-cut-short", Where: "history" }));
        Assert.Empty(HistoryKit.Judge(HistoryKit.Entries("RUN /bin/sh -c chmod 777 /x # buildkit")).Gaps);
    }
}
