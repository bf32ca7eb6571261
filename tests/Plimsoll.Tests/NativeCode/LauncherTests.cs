using System.Diagnostics;
using System.Text;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.NativeCode;

/// <summary>What the launcher does with the agent's answers.</summary>
[Trait("needs", "host")]
[Collection(nameof(NativeCollection))]
public sealed class LauncherTests(NativePrograms programs)
{
    [Fact]
    public void Create_Allowed_RuntimeGetsArgumentsEnvironmentAndExitCode()
    {
        using LauncherHost host = new(programs, "allow\n");

        Ended ended = host.Run(["--log", host.Log, "create", "--bundle", host.Bundle, "abc"], start => (start.Environment["MARK"], start.Environment["CODE"]) = ("kept", "7"));

        Assert.Equal(7, ended.Code);
        Assert.Equal($"--log|{host.Log}|create|--bundle|{host.Bundle}|abc|", host.Ran);
        Assert.Equal("kept", host.Environment);
        Assert.Equal([$"plimsoll-gate 1\ncreate\nplimsoll\nabc\n{host.Bundle}\n\n"], host.Requests);
        Assert.False(File.Exists(host.Log));
    }

    [Fact]
    public void Create_ConfiguredArguments_StandBeforeTheCallers()
    {
        using LauncherHost host = new(programs, "allow\n");
        host.Configure("argument --platform=ptrace\nargument a b\n");

        host.Run("create", "abc");

        Assert.Equal("--platform=ptrace|a b|create|abc|", host.Ran);
    }

    [Fact]
    public void Create_CalledByAnotherName_ReadsItsConfigurationAndSaysTheName()
    {
        using LauncherHost host = new(programs, "allow\n");
        File.CreateSymbolicLink(Path.Combine(host.Folder, "plimsoll-runsc"), "plimsoll-launcher");
        File.Move(host.Configuration, Path.Combine(host.Folder, "plimsoll-runsc.conf"));

        Ended ended = host.Run(["create", "abc"], start => start.FileName = Path.Combine(host.Folder, "plimsoll-runsc"));

        Assert.Equal(0, ended.Code);
        Assert.Equal("plimsoll-runsc", host.Requests.Single().Split('\n')[2]);
        Assert.Contains("launcher-configuration", host.Run("create", "abc").Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_StandardInputAndFurtherDescriptors_ReachTheRuntime()
    {
        using LauncherHost host = new(programs, "allow\n");
        File.WriteAllText(host["three"], "third");

        Ended ended = host.Run(["-c", "exec 3<\"$0\"; exec \"$@\"", host["three"], host.Launcher, "create", "--preserve-fds", "1", "abc"], start =>
        {
            start.FileName = "/bin/sh";
            (start.Environment["READ_FD3"], start.Environment["READ_STDIN"]) = ("1", "1");
        }, " and stdin");

        Assert.Equal("third and stdin", ended.Output);
    }

    [Theory]
    [InlineData("plimsoll: not-signed: no trusted key signed web:1")]
    [InlineData("plimsoll: x: \"quoted\" back\\slash {\"level\":\"info\"} 未签名")]
    public void Create_Denied_TextIsLoggedAsJsonAndSaid(string text)
    {
        using LauncherHost host = new(programs, $"deny {text}\n");
        File.WriteAllText(host.Log, "{\"level\":\"error\",\"msg\":\"older\",\"time\":\"2026-01-01T00:00:00Z\"}\n");

        Ended ended = host.Create();

        Assert.Equal(1, ended.Code);
        Assert.Equal(text + "\n", ended.Errors);
        Assert.Equal(text, host.LoggedError());
        Assert.Equal(2, File.ReadAllLines(host.Log).Length);
        Assert.Null(host.Ran);
    }

    [Fact]
    public void Create_DenialOfAThousandBytes_IsSaidWholeAndALongerOneIsNoAnswer()
    {
        string text = "plimsoll: x: " + new string('\\', 987);
        using LauncherHost host = new(programs, $"deny {text}\n");
        using LauncherHost longer = new(programs, $"deny {text}x\n");

        Assert.Equal(1, host.Create().Code);
        Assert.Equal(text, host.LoggedError());
        longer.Create();
        Assert.Contains("agent-answer", longer.LoggedError(), StringComparison.Ordinal);
    }

    [Fact]
    public void Create_DeniedWithoutJson_LogIsText()
    {
        using LauncherHost host = new(programs, "deny plimsoll: x: a \"b\"\n");

        host.Run("--log", host.Log, "create", "abc");

        Assert.StartsWith("level=error msg=\"plimsoll: x: a \\\"b\\\"\" time=\"2", File.ReadAllText(host.Log), StringComparison.Ordinal);
    }

    [Fact]
    public void Create_DeniedWithALogBehindALink_FollowsItNot()
    {
        using LauncherHost host = new(programs, "deny plimsoll: x: y\n");
        File.WriteAllText(host["victim"], "");
        File.CreateSymbolicLink(host.Log, host["victim"]);

        Assert.Equal(1, host.Create().Code);

        Assert.Empty(File.ReadAllText(host["victim"]));
    }

    [Fact]
    public void Create_AgentMeasuresForLongerThanTheSilence_IsWaitedFor()
    {
        // Six seconds in all: the silence is five, and each line ends it.
        using LauncherHost host = new(programs, stream =>
        {
            for (int i = 0; i < 3; i++)
            {
                Pause(TimeSpan.FromSeconds(2));
                stream.Write("wait\n"u8);
            }
            stream.Write("allow\n"u8);
        });

        Assert.Equal(0, host.Create().Code);
        Assert.NotNull(host.Ran);
    }

    [Fact]
    public void Create_AgentAnswersByteByByte_IsUnderstood()
    {
        using LauncherHost host = new(programs, stream =>
        {
            foreach (byte one in "wait\nwait\nallow\n"u8)
            {
                stream.WriteByte(one);
                Pause(TimeSpan.FromMilliseconds(5));
            }
        });

        Assert.Equal(0, host.Create().Code);
    }

    [Theory]
    [InlineData("wait\n")]
    [InlineData("allow")]
    public void Create_AgentFrozen_IsDeniedAfterTheSilence(string before)
    {
        using LauncherHost host = new(programs, stream =>
        {
            stream.Write(Encoding.ASCII.GetBytes(before));
            stream.ReadByte();
        });
        long start = Stopwatch.GetTimestamp();

        Assert.Equal(1, host.Create().Code);

        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 4.9, 9);
        Assert.Equal("plimsoll: agent-silent: nothing heard of the agent for 5 s", host.LoggedError());
        Assert.Null(host.Ran);
    }

    [Fact]
    public void Create_AgentMeasuresForEver_IsDeniedAtTheDeadline()
    {
        using LauncherHost host = new(programs, stream =>
        {
            // A launcher without a deadline would wait as long, and be told something else.
            for (int i = 0; i < 400; i++)
            {
                stream.Write("wait\n"u8);
                Pause(TimeSpan.FromMilliseconds(50));
            }
        });
        host.Configure("deadline 2\n");
        long start = Stopwatch.GetTimestamp();

        Assert.Equal(1, host.Create().Code);

        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 1.9, 3.8);
        Assert.Equal("plimsoll: agent-deadline: the agent measured for longer than 2 s", host.LoggedError());
    }

    [Theory]
    [InlineData("yes\n")]
    [InlineData("Allow\n")]
    [InlineData("allow \n")]
    [InlineData("allow\r\n")]
    [InlineData("\n")]
    [InlineData("deny\n")]
    [InlineData("wait\0\nallow\n")]
    [InlineData("allow\0\n")]
    [InlineData("allow\nallow\n")]
    [InlineData("allow\ndeny plimsoll: x: y\n")]
    [InlineData("deny plimsoll: x: a\tb\n")]
    [InlineData("deny plimsoll: x: \u001b[2J\n")]
    [InlineData("deny plimsoll: x: a\u0085b\n")]
    public void Create_AnswerOfAnotherForm_IsDenied(string answer)
    {
        using LauncherHost host = new(programs, answer);

        Assert.Equal(1, host.Create().Code);
        Assert.Equal("plimsoll: agent-answer: the agent's answer is none of wait, allow and deny", host.LoggedError());
        Assert.Null(host.Ran);
    }

    [Theory]
    [InlineData("")]
    [InlineData("allow")]
    [InlineData("wait\nallo")]
    [InlineData("deny plimsoll: x: y")]
    public void Create_AgentHangsUp_IsDenied(string answer)
    {
        using LauncherHost host = new(programs, answer);

        Assert.Equal(1, host.Create().Code);
        Assert.Equal("plimsoll: agent-closed: the agent hung up without an answer", host.LoggedError());
        Assert.Null(host.Ran);
    }

    [Fact]
    public void Create_NoAgent_IsDenied()
    {
        using LauncherHost host = new(programs, (string?)null);

        Assert.Equal(1, host.Create().Code);
        Assert.StartsWith("plimsoll: agent-unreachable: ", host.LoggedError(), StringComparison.Ordinal);
        FakeServer.LeaveBehind(host.Socket);
        Assert.Equal(1, host.Create().Code);
        Assert.Contains("Connection refused", host.LoggedError(), StringComparison.Ordinal);
        Assert.Null(host.Ran);
    }

    [Fact]
    public void Create_AgentOfAnotherUser_IsDenied()
    {
        using LauncherHost host = new(programs, (string?)null);
        // It listens before it gives up its rights: the kernel keeps whose a socket was at listen().
        const string Impostor = """
            import os, socket, sys
            s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.setuid(65534); s.listen(1); print("ready", flush=True)
            c, _ = s.accept(); c.send(b"allow\n"); c.recv(1)
            """;
        using Process impostor = Process.Start(new ProcessStartInfo("python3", ["-c", Impostor, host.Socket]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        Assert.Equal("ready", impostor.StandardOutput.ReadLine());

        Assert.Equal(1, host.Create().Code);

        impostor.WaitForExit();
        Assert.Equal($"plimsoll: agent-unreachable: {host.Socket} is served by user 65534, wanted 0", host.LoggedError());
    }

    [Fact]
    public void Create_RuntimeThatIsNotThere_SaysSo()
    {
        using LauncherHost host = new(programs, "allow\n");
        File.Delete(host["runtime"]);

        Assert.Equal(1, host.Create().Code);
        Assert.Equal($"plimsoll: runtime-not-started: {host["runtime"]}: No such file or directory", host.LoggedError());
    }

    private static void Pause(TimeSpan time)
    {
        using ManualResetEventSlim never = new();
        never.Wait(time);
    }
}
