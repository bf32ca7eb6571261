using Plimsoll.TestKit;

namespace Plimsoll.Tests.NativeCode;

/// <summary>The launcher's configuration names a program that runs as root.</summary>
[Trait("needs", "host")]
[Collection(nameof(NativeCollection))]
public sealed class LauncherConfigurationTests(NativePrograms programs)
{
    [Theory]
    [InlineData("", "names no runtime")]
    [InlineData("runtime /r\n", "names no socket")]
    [InlineData("socket /s\n", "names no runtime")]
    [InlineData("runtime /r\nsocket /s", "no text of whole lines")]
    [InlineData("runtime /r\0\nsocket /s\n", "no text of whole lines")]
    [InlineData("runtime r\nsocket /s\n", "line 1 is not")]
    [InlineData("runtime /r\nsocket s\n", "line 2 is not")]
    [InlineData("runtime /r\nsocket /s\nruntime /t\n", "line 3 is not")]
    [InlineData("runtime /r\nsocket /s\nsocket /t\n", "line 3 is not")]
    [InlineData("runtime /r\n\nsocket /s\n", "line 2 is not")]
    [InlineData("# comment\nruntime /r\nsocket /s\n", "line 1 is not")]
    [InlineData("runtime /r\nsocket /s\nallow all\n", "line 3 is not")]
    [InlineData("runtime /r\nsocket /s\nargument\n", "line 3 is not")]
    [InlineData("runtime /r\nsocket /s\nargument \n", "line 3 is not")]
    [InlineData("Runtime /r\nsocket /s\n", "line 1 is not")]
    [InlineData("runtime /r\nsocket /s\ndeadline 0\n", "line 3 is not")]
    [InlineData("runtime /r\nsocket /s\ndeadline 3601\n", "line 3 is not")]
    [InlineData("runtime /r\nsocket /s\ndeadline -1\n", "line 3 is not")]
    [InlineData("runtime /r\nsocket /s\ndeadline 9999999999\n", "line 3 is not")]
    [InlineData("runtime /r\nsocket /s\ndeadline 5s\n", "line 3 is not")]
    public void Configuration_NotAsDescribed_RefusesEveryVerb(string text, string error)
    {
        using LauncherHost host = new(programs, "allow\n");
        host.WriteConfiguration(text);

        Ended ended = host.Create();

        Assert.Equal(1, ended.Code);
        Assert.StartsWith("plimsoll: launcher-configuration: plimsoll.conf ", host.LoggedError(), StringComparison.Ordinal);
        Assert.Contains(error, ended.Errors, StringComparison.Ordinal);
        Assert.Equal(1, host.Run("state", "abc").Code);
        Assert.Empty(host.Requests);
    }

    [Fact]
    public void Configuration_TooLongInOneWay_IsRefused()
    {
        using LauncherHost host = new(programs, "allow\n");
        string sixty = string.Concat(Enumerable.Repeat("argument x\n", 64));
        host.Configure(sixty);
        Assert.Equal(0, host.Create().Code);

        host.Configure(sixty + "argument x\n");
        Assert.Contains("line 67", host.Create().Errors, StringComparison.Ordinal);
        host.Configure($"argument {new string('x', 16384)}\n");
        Assert.Contains("below 16384 bytes", host.Create().Errors, StringComparison.Ordinal);
        host.WriteConfiguration($"runtime /r\nsocket /{new string('s', 107)}\n");
        Assert.Contains("line 2", host.Create().Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Configuration_NotThereOrALinkOrAFolder_IsRefused()
    {
        using LauncherHost host = new(programs, "allow\n");
        string elsewhere = Path.Combine(host.Folder, "elsewhere");
        File.Move(host.Configuration, elsewhere);
        Assert.Contains("No such file", host.Create().Errors, StringComparison.Ordinal);

        File.CreateSymbolicLink(host.Configuration, elsewhere);
        Assert.Contains("ymbolic link", host.Create().Errors, StringComparison.Ordinal);
        File.Delete(host.Configuration);
        Directory.CreateDirectory(host.Configuration);
        Assert.Contains("no regular file", host.Create().Errors, StringComparison.Ordinal);
        Assert.Empty(host.Requests);
    }

    [Theory]
    [InlineData("664", "755", null)]
    [InlineData("646", "755", null)]
    [InlineData("644", "775", null)]
    [InlineData("644", "757", null)]
    [InlineData("644", "1777", null)]
    [InlineData("644", "755", "plimsoll.conf")]
    [InlineData("644", "755", "")]
    public void Configuration_ThatOthersMayChange_IsRefused(string mode, string folderMode, string? ofNobody)
    {
        using LauncherHost host = new(programs, "allow\n");
        Assert.Equal(0, host.Create().Code);
        Tool.Run("chmod", [mode, host.Configuration]);
        Tool.Run("chmod", [folderMode, host.Folder]);
        if (ofNobody is not null)
            Tool.Run("chown", ["65534", Path.Combine(host.Folder, ofNobody)]);

        Ended ended = host.Create();

        Assert.Equal(1, ended.Code);
        Assert.StartsWith("plimsoll: launcher-configuration: ", host.LoggedError(), StringComparison.Ordinal);
        Assert.Contains(ofNobody is null ? "mode " : "owner 65534", ended.Errors, StringComparison.Ordinal);
        Assert.Null(host.Ran);
    }

    [Theory]
    [InlineData("../plimsoll", 0)]
    [InlineData("", 1)]
    [InlineData(".", 1)]
    [InlineData("..", 1)]
    [InlineData("a b", 1)]
    [InlineData("/x/", 1)]
    [InlineData("other", 1)]
    public void Configuration_ByTheNameOfTheCall_IsTheOneBesideTheExecutable(string name, int code)
    {
        using LauncherHost host = new(programs, "allow\n");

        Ended ended = host.Run(["-c", "exec -a \"$0\" \"$@\"", name, host.Launcher, "state", "abc"], start => start.FileName = "/bin/bash");

        Assert.Equal(code, ended.Code);
        Assert.Equal(code == 1, ended.Errors.StartsWith("plimsoll: launcher-configuration: ", StringComparison.Ordinal));
    }
}
