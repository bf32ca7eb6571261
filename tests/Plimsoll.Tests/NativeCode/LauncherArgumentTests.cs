using System.Diagnostics;

namespace Plimsoll.Tests.NativeCode;

/// <summary>Which calls ask the agent, and what for. BUNDLE stands for a folder that is there; the working folder is that one too.</summary>
[Trait("needs", "host")]
[Collection(nameof(NativeCollection))]
public sealed class LauncherArgumentTests(NativePrograms programs)
{
    [Theory]
    [InlineData("create abc", "create abc")]
    [InlineData("run abc", "run abc")]
    [InlineData("restore abc", "restore abc")]
    [InlineData("create --bundle BUNDLE abc", "create abc")]
    [InlineData("create --bundle=BUNDLE abc", "create abc")]
    [InlineData("create -bundle BUNDLE abc", "create abc")]
    [InlineData("create -bundle=BUNDLE abc", "create abc")]
    [InlineData("create -b BUNDLE abc", "create abc")]
    [InlineData("create -b=BUNDLE abc", "create abc")]
    [InlineData("create --b BUNDLE abc", "create abc")]
    [InlineData("create --bundle . abc", "create abc")]
    [InlineData("create --bundle BUNDLE/../bundle/ abc", "create abc")]
    [InlineData("--root /r --log LOG --log-format json --systemd-cgroup --rootless true --debug --criu /c create abc", "create abc")]
    [InlineData("--root=/r --log=LOG --log-format=json --systemd-cgroup=true --rootless=auto --debug=1 --criu=/c create abc", "create abc")]
    [InlineData("-root /r -log LOG -log-format json -systemd-cgroup -debug create abc", "create abc")]
    [InlineData("--root create run abc", "run abc")]
    [InlineData("--root --log create abc", "create abc")]
    [InlineData("--help create abc", "create abc")]
    [InlineData("create --console-socket /s --pid-file /p --no-pivot --no-new-keyring --preserve-fds 2 abc", "create abc")]
    [InlineData("create --pid-file run abc", "create abc")]
    [InlineData("run --console-socket /s --detach -d --keep --pid-file /p --no-subreaper --no-pivot --no-new-keyring --preserve-fds 2 abc", "run abc")]
    [InlineData("restore --image-path /i --work-path /w --tcp-established --ext-unix-sk --shell-job --file-locks --manage-cgroups-mode soft --detach abc", "restore abc")]
    [InlineData("restore --empty-ns network --auto-dedup --lazy-pages --lsm-profile a:b --lsm-mount-context c --no-pivot --no-subreaper abc", "restore abc")]
    [InlineData("create A-b_c.9+,", "create A-b_c.9+,")]
    public void Call_ThatMakesAContainer_AsksWithItsVerbIdAndBundle(string line, string asked)
    {
        using LauncherHost host = new(programs, "allow\n");
        string[] arguments = Words(host, line);

        Ended ended = host.Run(arguments);

        Assert.Equal((0, ""), (ended.Code, ended.Errors));
        Assert.Equal([$"plimsoll-gate 1\n{asked.Split(' ')[0]}\nplimsoll\n{asked.Split(' ')[1]}\n{host.Bundle}\n\n"], host.Requests);
        Assert.Equal(string.Concat(arguments.Select(argument => argument + "|")), host.Ran);
    }

    [Theory]
    [InlineData("create --bundle BUNDLE --new-option abc", "unknown option '--new-option'")]
    [InlineData("create --newoption=x abc", "unknown option '--newoption=x'")]
    [InlineData("create --detach abc", "unknown option '--detach'")]
    [InlineData("create -- abc", "unknown option '--'")]
    [InlineData("create - abc", "unknown option '-'")]
    [InlineData("create ---bundle BUNDLE abc", "unknown option '---bundle'")]
    [InlineData("create --=x abc", "unknown option '--=x'")]
    [InlineData("create --bundl BUNDLE abc", "unknown option '--bundl'")]
    [InlineData("create --bundle BUNDLE -b /tmp abc", "the bundle is named twice")]
    [InlineData("create --bundle /tmp --bundle BUNDLE abc", "the bundle is named twice")]
    [InlineData("create abc --bundle /tmp", "wanted one container id")]
    [InlineData("create abc def", "wanted one container id")]
    [InlineData("create", "wanted one container id")]
    [InlineData("create --bundle BUNDLE", "wanted one container id")]
    [InlineData("create --bundle", "option '--bundle' lacks its value")]
    [InlineData("create --bundle= abc", "the bundle ''")]
    [InlineData("create --bundle /none/such abc", "the bundle '/none/such': No such file")]
    [InlineData("create a/b", "'a/b' is no container id")]
    [InlineData("create a\nb", "'a?b' is no container id")]
    [InlineData("create ä", "is no container id")]
    [InlineData("--x create abc", "unknown option '--x'")]
    [InlineData("-- create abc", "unknown option '--'")]
    [InlineData("--log", "option '--log' lacks its value")]
    [InlineData("--rootless create state abc", "--rootless is 'create'")]
    [InlineData("init", "unknown verb 'init'")]
    [InlineData("do abc", "unknown verb 'do'")]
    [InlineData("Create abc", "unknown verb 'Create'")]
    [InlineData("abc create", "unknown verb 'abc'")]
    public void Call_NotUnderstood_IsRefusedUnasked(string line, string text)
    {
        using LauncherHost host = new(programs, "allow\n");

        Ended ended = host.Run([.. (string[])["--log", host.Log, "--log-format=json"], .. Words(host, line)]);

        Assert.Equal(1, ended.Code);
        Assert.StartsWith("plimsoll: launcher-arguments: ", ended.Errors, StringComparison.Ordinal);
        Assert.Contains(text, host.LoggedError() ?? "", StringComparison.Ordinal);
        Assert.Equal(ended.Errors, host.LoggedError() + "\n");
        Assert.Empty(host.Requests);
        Assert.Null(host.Ran);
    }

    [Fact]
    public void Create_IdLongerThanRuncTakes_IsRefused()
    {
        using LauncherHost host = new(programs, "allow\n");

        Assert.Equal(0, host.Run("create", new string('a', 1024)).Code);
        Assert.Equal(1, host.Run("create", new string('a', 1025)).Code);
    }

    [Theory]
    [InlineData("checkpoint abc")]
    [InlineData("--root /r --log LOG delete --force abc")]
    [InlineData("events --stats abc")]
    [InlineData("exec --process /p abc")]
    [InlineData("features")]
    [InlineData("help")]
    [InlineData("kill --all abc 9")]
    [InlineData("list")]
    [InlineData("pause abc")]
    [InlineData("ps --format json abc")]
    [InlineData("resume abc")]
    [InlineData("spec")]
    [InlineData("start abc")]
    [InlineData("state abc")]
    [InlineData("update --resources - abc")]
    [InlineData("--version")]
    [InlineData("-v")]
    [InlineData("--help")]
    [InlineData("--root /r")]
    [InlineData("")]
    public void Call_OfAnotherVerb_RunsUnasked(string line)
    {
        // No agent is there to ask.
        using LauncherHost host = new(programs, (string?)null);
        string[] arguments = Words(host, line);

        Assert.Equal((0, ""), host.Run(arguments) is { } ended ? (ended.Code, ended.Errors) : default);

        Assert.Equal(string.Concat(arguments.Select(argument => argument + "|")), host.Ran);
    }

    [Fact]
    public void Create_BundleBehindALink_TheRealPathIsAsked()
    {
        using LauncherHost host = new(programs, "allow\n");
        Directory.CreateSymbolicLink(host["link"], host.Bundle);

        host.Run("create", "--bundle", host["link"], "abc");

        Assert.Equal(host.Bundle, host.Requests.Single().Split('\n')[4]);
        Assert.Equal($"create|--bundle|{host["link"]}|abc|", host.Ran);
    }

    [Theory]
    [InlineData("with space", true)]
    [InlineData("包", true)]
    [InlineData("quote\"and\\", true)]
    [InlineData("new\nline", false)]
    [InlineData("tab\t", false)]
    [InlineData("escape\u001b[2J", false)]
    public void Create_BundleOfAnOddName_IsAskedOrRefused(string name, bool fine)
    {
        using LauncherHost host = new(programs, "allow\n");
        string bundle = Directory.CreateDirectory(host[name]).FullName;

        Ended ended = host.Run("create", "--bundle", bundle, "abc");

        Assert.Equal(fine ? 0 : 1, ended.Code);
        Assert.Equal(fine, ended.Errors.Length == 0);
        Assert.Equal(fine ? 1 : 0, host.Requests.Count);
        if (fine)
            return;
        Assert.Contains("not printable UTF-8", ended.Errors, StringComparison.Ordinal);
        // The working folder is no way around.
        Assert.Equal(1, host.Run(["create", "abc"], start => start.WorkingDirectory = bundle).Code);
        Assert.Empty(host.Requests);
    }

    [Theory]
    [InlineData("\\xff")]
    [InlineData("\\xc0\\xaf")]
    [InlineData("\\xed\\xa0\\x80")]
    [InlineData("\\xf4\\x90\\x80\\x80")]
    [InlineData("\\xc2\\x9b")]
    [InlineData("\\xe4\\xbd")]
    public void Create_BundleThatIsNoUtf8_IsRefused(string bytes)
    {
        using LauncherHost host = new(programs, "allow\n");

        Ended ended = host.Run(["-c", $"b=\"$1\"/x$'{bytes}'; mkdir \"$b\" && \"$0\" create --bundle \"$b\" abc; code=$?; rmdir \"$b\"; exit $code", host.Launcher, host.Bundle], start => start.FileName = "/bin/bash");

        Assert.Equal(1, ended.Code);
        Assert.Contains("not printable UTF-8", ended.Errors, StringComparison.Ordinal);
        Assert.Empty(host.Requests);
    }

    [Fact]
    public void Call_WithTheLauncher_TakesLittleLonger()
    {
        using LauncherHost host = new(programs, "allow\n");
        host.WriteConfiguration($"runtime /bin/true\nsocket {host.Socket}\n");
        List<double> bare = [], launched = [];
        for (int i = 0; i < 40; i++)
        {
            bare.Add(Time("/bin/true", host));
            launched.Add(Time(host.Launcher, host));
        }
        bare.Sort();
        launched.Sort();

        // Under 1 ms on a quiet machine; the bound holds on a busy one.
        Assert.InRange(launched[20] - bare[20], -5, 10);
    }

    private static double Time(string program, LauncherHost host)
    {
        long start = Stopwatch.GetTimestamp();
        using Process process = Process.Start(program, ["create", "--bundle", host.Bundle, "abc"]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static string[] Words(LauncherHost host, string line) =>
        [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word.Replace("BUNDLE", host.Bundle, StringComparison.Ordinal).Replace("LOG", host.Log, StringComparison.Ordinal))];
}
