using System.Text;
using Plimsoll.Cli;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Cli;

/// <summary>Whatever an image says of itself, nothing of it acts on the terminal, and no error shows where we stumbled.</summary>
public sealed class HostileTextTests : IDisposable
{
    private const string Evil = "\u001b[2J\u001b]0;owned\u0007\u202e\u009b31m\r\n<script>";
    private readonly TempFolder _folder = new();
    private readonly StringWriter _out = new(), _error = new();

    public void Dispose() => _folder.Dispose();

    private async Task<int> RunAsync(params string[] args)
    {
        CliContext context = new()
        {
            Out = _out,
            Error = _error,
            In = new StringReader(""),
            OutIsTerminal = true,
            ErrorIsTerminal = false,
            Environment = name => name == "PLIMSOLL_HOME" ? _folder["home"] : null,
        };
        return await PlimsollApp.RunAsync(args, context, Wiring.Services(context), TestContext.Current.CancellationToken);
    }

    private void CheckHarmless()
    {
        string all = _out.ToString() + _error;
        Assert.DoesNotContain(all, c => c < ' ' && c is not ('\n' or '\r') || c is '\u202e' or '\u009b' or '\u007f');
        Assert.DoesNotContain("\r\n<script", all);
        Assert.DoesNotContain("   at Plimsoll", all);
        Assert.DoesNotContain("internal error", all);
    }

    [Theory]
    [InlineData("table")]
    [InlineData("json")]
    [InlineData("cyclonedx")]
    public async Task ImageOfEscapeSequences_ActsOnNothing(string format)
    {
        byte[] image = ImageBuilder.Tar(new ImageBuilder().Layer(t => t
            .File("etc/os-release", $"ID=\"debian\"\nVERSION_ID=\"11{Evil.Replace("\r\n", "")}\"\nPRETTY_NAME=\"{Evil.Replace("\r\n", "")}\"\n")
            .File("var/lib/dpkg/status", $"Package: a\nStatus: {Evil}\nVersion: 1{Evil}\nMaintainer: {Evil}\n\nPackage: b\nStatus: install ok installed\nVersion: 1\n\n")
            .File($"var/lib/dpkg/status.d/{Evil}", "Package: c\nVersion: 1\n")
            .File($"../{Evil}", "").HardLink("lib/apk/db/installed", Evil), $"RUN {Evil}").ArchiveFiles($"tag{Evil}:1"));
        string path = _folder.Write("image.tar", image);

        Assert.Equal(ExitCode.Undecided, await RunAsync("scan", path, "--no-cache", "--all", "--group", "layer", "--output", format));
        CheckHarmless();
        Assert.NotEqual("", _out.ToString());
    }

    [Theory]
    [InlineData("manifest.json")]
    [InlineData("config")]
    [InlineData("layer.tar")]
    [InlineData("all")]
    public async Task DamagedImages_NeverShowATrace(string part)
    {
        Random random = new(part.Length);
        byte[] good = ImageBuilder.Tar(new ImageBuilder().Layer(t => t.File("etc/os-release", "ID=debian\nVERSION_ID=11\n").File("var/lib/dpkg/status", "Package: b\nStatus: install ok installed\nVersion: 1\n\n").HardLink("x", "y")).ArchiveFiles());
        for (int i = 0; i < 150; i++)
        {
            byte[] bad = [.. good];
            int start = part == "all" ? 0 : Math.Max(0, bad.AsSpan().IndexOf(Encoding.ASCII.GetBytes(part)));
            for (int n = random.Next(1, 8); n > 0; n--)
                bad[Math.Min(bad.Length - 1, start + random.Next(part == "all" ? bad.Length : 1500))] = (byte)random.Next(256);
            string path = _folder.Write("image.tar", bad);
            int code = await RunAsync("scan", path, "--no-cache");
            Assert.Contains(code, new[] { ExitCode.Refused, ExitCode.Undecided });
        }
        Assert.DoesNotContain("internal error", _error.ToString());
        Assert.DoesNotContain("   at Plimsoll", _error.ToString());
    }

    [Fact]
    public async Task ReportIntoASharedFolder_FollowsNoLinkLaidOutForTheDraft()
    {
        string path = _folder.Write("image.tar", ImageBuilder.Tar(new ImageBuilder().Layer(t => t.File("a", "1")).ArchiveFiles()));
        string victim = _folder.Write("victim", "mine"u8.ToArray());
        Directory.CreateDirectory(_folder["shared"]);
        File.CreateSymbolicLink(_folder[$"shared/.report.json.{Environment.ProcessId}.tmp"], victim);

        await RunAsync("scan", path, "--no-cache", "--output", $"json={_folder["shared/report.json"]}");

        Assert.Equal("mine", await File.ReadAllTextAsync(victim, TestContext.Current.CancellationToken));
        Assert.True(File.Exists(_folder["shared/report.json"]));
    }

    [Theory]
    [InlineData("scan", "--config", "/dev/zero", "x.tar")]
    [InlineData("scan", "--suppress", "/dev/zero", "x.tar")]
    [InlineData("scan", "/dev/zero")]
    [InlineData("scan", "docker-archive:/dev/zero")]
    [InlineData("scan", "--db", "/dev/zero", "x.tar")]
    [InlineData("db", "import", "/dev/zero", "--key", "/dev/zero")]
    [InlineData("db", "update", "--source", "/dev/zero")]
    public async Task DeviceInPlaceOfAFile_IsAnError(params string[] args)
    {
        Assert.Contains(await RunAsync(args), new[] { ExitCode.Usage, ExitCode.Undecided });
        CheckHarmless();
        Assert.NotEqual("", _error.ToString());
    }
}
