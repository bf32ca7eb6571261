using System.Text.RegularExpressions;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>The same image, database and program give the same bytes, whatever the cache, the folder or the order of threads.</summary>
[Trait("needs", "host")]
[Trait("needs", "shared")]
public sealed partial class DeterminismTests(DebianDatabase database, BullseyeImage image)
{
    [Theory]
    [InlineData("json")]
    [InlineData("cyclonedx")]
    public void Scan_ColdWarmAndElsewhere_GivesTheSameBytesButForTimes(string format)
    {
        using TempFolder first = new(), second = new(), temporary = new();
        string[] arguments = ["scan", "--output", format, $"oci:{image.Layout}"];

        string cold = database.Call(first, arguments).Run().Expect(0).Out;
        string warm = database.Call(first, arguments).Run().Expect(0).Out;
        string elsewhere = database.Call(second, arguments).With("TMPDIR", temporary.Path).With("LANG", "zh_CN.UTF-8").With("TZ", "Asia/Shanghai").Run().Expect(0).Out;
        string alone = database.Call(second, [.. arguments, "--no-cache", "--parallel", "1"]).Run().Expect(0).Out;

        Assert.True(cold.Length > 10_000, $"{cold.Length} characters");
        string wanted = Times().Replace(cold, "TIME");
        Assert.NotEqual(cold, wanted);
        Assert.Equal(wanted, Times().Replace(warm, "TIME"));
        Assert.Equal(wanted, Times().Replace(elsewhere, "TIME"));
        Assert.Equal(wanted, Times().Replace(alone, "TIME"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(temporary.Path));
    }

    /// <summary>"time" of a report and "timestamp" of a bill of materials, and nothing else.</summary>
    [GeneratedRegex("(?<=\"(time|timestamp)\": ?\")[0-9T:.Z+-]+(?=\")", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Times();
}
