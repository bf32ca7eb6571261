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
        Assert.True(typed >= 18, $"{typed} commands in\n{demo.Out}");
    }

    /// <summary>What it is there to show: packages of languages with file and layer, a bill of materials, a comparison, an explanation.</summary>
    [Fact]
    public void Demo_PackagesOfLanguages_AreFoundExplainedAndCompared()
    {
        using TempFolder home = new();

        string shown = new Call(home.Path, "demo", "--folder", home["demo"]).Run().Expect(0).Out;

        string[] lines = shown.Split('\n');
        int jar = Array.FindIndex(lines, l => l.StartsWith("org.apache.logging.log4j:log4j-core 2.14.1  layer 3", StringComparison.Ordinal));
        Assert.True(jar >= 0, shown);
        Assert.Equal("  in srv/app/app.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar", lines[jar + 1]);
        Assert.Contains("CRITICAL  CVE-2021-44228", lines[jar + 2], StringComparison.Ordinal);
        Assert.Contains(lines, l => l.StartsWith("minimist 1.2.5  layer 3  srv/app/node_modules/minimist/package.json", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("pyyaml 5.3.1  layer 3", StringComparison.Ordinal));
        Assert.Contains("introduced 2.13.0, fixed 2.15.0; compared with 2.14.1", shown.ReplaceLineEndings(" ").Replace("    ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("  ^ minimist 1.2.5 -> 1.2.8", shown, StringComparison.Ordinal);
        Assert.Contains("New findings: 0", shown, StringComparison.Ordinal);
        Assert.Contains("Findings gone: 3", shown, StringComparison.Ordinal);
        Assert.Contains("\"bomFormat\"", File.ReadAllText(home["demo/sbom.json"]), StringComparison.Ordinal);
    }

    /// <summary>It stays out of the way of a user's own settings, which may be anything.</summary>
    [Fact]
    public void Demo_WithForeignSettings_IsTheSame()
    {
        using TempFolder home = new();
        string plain = new Call(home.Path, "demo", "--folder", home["a"]).Run().Expect(0).Out;

        string set = new Call(home.Path, "demo", "--folder", home["b"]).With("PLIMSOLL_SCAN_FAIL_ON", "any").With("PLIMSOLL_SCAN_OUTPUT", "json").With("PLIMSOLL_SCAN_DB", "/nowhere").Run().Expect(0).Out;

        Assert.Equal(WithoutKeys(plain.Replace(home["a"], "F", StringComparison.Ordinal)), WithoutKeys(set.Replace(home["b"], "F", StringComparison.Ordinal)));

        // Each run makes a key, and signatures with it; their digests differ, and take as many characters.
        static string WithoutKeys(string text) => LongHex().Replace(text, "#");
    }

    [Fact]
    public void Demo_InAFolderThatHasSomething_TouchesNothing()
    {
        using TempFolder home = new();
        home.Write("mine/file", "mine"u8.ToArray());

        new Call(home.Path, "demo", "--folder", home["mine"]).Run().Expect(2).ExpectError("not empty");

        Assert.Equal(["file"], Directory.EnumerateFileSystemEntries(home["mine"]).Select(Path.GetFileName));
    }

    [GeneratedRegex("[0-9a-f]{16}[0-9a-f\\s]*…?", RegexOptions.None, 1000)]
    private static partial Regex LongHex();

    /// <summary>The line below a command's output that holds one number, in either language.</summary>
    [GeneratedRegex(@"^\D*(?:exit code|退出码)\D*(?<code>\d+)\D*$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ExitCode();
}
