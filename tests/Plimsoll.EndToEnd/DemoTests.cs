using System.Text.RegularExpressions;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary><c>plimsoll demo</c>, and what it tells its reader to type.</summary>
public sealed partial class DemoTests
{
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(10);

    [Fact]
    [Trait("needs", "host")]
    public void Demo_OfflineAsNobody_EndsWellInTimeAndLeavesNothing()
    {
        using Nobody nobody = new();

        Outcome outcome = nobody.Call(["unshare", "-n"], "demo").Run().Expect(0);

        Assert.True(outcome.Took < Promised, $"it took {outcome.Took}");
        // The temporary folder, which is its home here, is as empty as it was; no database and no cache came of it.
        Assert.Empty(Directory.EnumerateFileSystemEntries(nobody.Home));
    }

    [Theory]
    [InlineData("en")]
    [InlineData("zh")]
    public void Demo_CommandsThatItPrints_GiveTheExitCodesThatItPrints(string language)
    {
        using TempFolder home = new();
        string locale = language == "zh" ? "zh_CN.UTF-8" : "C.UTF-8";
        Outcome demo = new Call(home.Path, "demo", "--folder", home["demo"]).With("LANG", locale).Run().Expect(0);
        string[] lines = demo.Out.Split('\n');

        int typed = 0;
        for (int i = 0; i < lines.Length; i++)
        {
            if (!lines[i].StartsWith("$ plimsoll ", StringComparison.Ordinal))
                continue;
            int printed = int.Parse(lines.Skip(i).Select(l => ExitCode().Match(l)).First(m => m.Success).Groups["code"].ValueSpan);
            // As a shell would take it, with the program on its path.
            Call call = new Call(home.Path, "-c", lines[i][2..]) { Program = "/bin/sh" }.With("PATH", Path.GetDirectoryName(EndToEnd.Call.Executable)! + ":/usr/bin:/bin").With("LANG", locale);
            Outcome outcome = call.Run();
            Assert.True(printed == outcome.Code, $"{lines[i]} ended with {outcome.Code}, the demo says {printed}\n{outcome.Error}");
            typed++;
        }
        Assert.True(typed >= 3, $"{typed} commands in\n{demo.Out}");
    }

    /// <summary>It stays out of the way of a user's own settings, which may be anything.</summary>
    [Fact]
    public void Demo_WithForeignSettings_IsTheSame()
    {
        using TempFolder home = new();
        string plain = new Call(home.Path, "demo", "--folder", home["a"]).Run().Expect(0).Out;

        string set = new Call(home.Path, "demo", "--folder", home["b"]).With("PLIMSOLL_SCAN_FAIL_ON", "any").With("PLIMSOLL_SCAN_OUTPUT", "json").With("PLIMSOLL_SCAN_DB", "/nowhere").Run().Expect(0).Out;

        Assert.Equal(plain.Replace(home["a"], "F", StringComparison.Ordinal), set.Replace(home["b"], "F", StringComparison.Ordinal));
    }

    [Fact]
    public void Demo_InAFolderThatHasSomething_TouchesNothing()
    {
        using TempFolder home = new();
        home.Write("mine/file", "mine"u8.ToArray());

        new Call(home.Path, "demo", "--folder", home["mine"]).Run().Expect(2).ExpectError("not empty");

        Assert.Equal(["file"], Directory.EnumerateFileSystemEntries(home["mine"]).Select(Path.GetFileName));
    }

    /// <summary>The line below a command's output that holds one number, in either language.</summary>
    [GeneratedRegex(@"^\D*(?:exit code|退出码)\D*(?<code>\d+)\D*$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ExitCode();
}
