using System.Globalization;
using Plimsoll.Inspect.Packages.Versions;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Packages.Versions;

public sealed class RpmVersionOrderTests
{
    [Fact]
    [Trait("needs", "shared")]
    public void Compare_PublishedVectors_AgreesOnEveryLine()
    {
        int lines = 0;
        foreach (string line in File.ReadLines(SharedData.At("versions", "redhat-versions.txt")).Where(l => l.Length > 0 && l[0] != '#'))
        {
            lines++;
            string[] parts = line.Split(' ');
            Assert.True(Math.Sign(VersionOrders.Rpm.Compare(parts[0], parts[2])) == parts[1] switch { "<" => -1, ">" => 1, _ => 0 }, line);
        }
        Assert.True(lines > 80, $"{lines} lines");
    }

    [Fact]
    [Trait("needs", "host")]
    public void Compare_GeneratedPairs_AgreesWithRpm()
    {
        Random random = new(20261121);
        List<(string A, string B)> pairs = [];
        while (pairs.Count < 3000)
        {
            string a = Make(random);
            pairs.Add((a, random.Next(3) == 0 ? Make(random) : Change(a, random)));
        }
        using TempFolder folder = new();
        string script = folder.Write("compare.lua", System.Text.Encoding.ASCII.GetBytes(string.Concat(pairs.Select(p => $"io.write(rpm.vercmp('{p.A}', '{p.B}'), '\\n')\n"))));
        string[] answers = Tool.Run("rpm", ["--eval", $"%{{lua:dofile('{script}')}}"]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(pairs.Count, answers.Length);
        foreach (((string a, string b), string answer) in pairs.Zip(answers))
            Assert.True(int.Parse(answer, CultureInfo.InvariantCulture) == Math.Sign(VersionOrders.Rpm.Compare(a, b)), $"{a} against {b}: rpm says {answer}");
        Assert.True(answers.Distinct().Count() == 3 && answers.Count(a => a == "0") > 50, "too few of one answer");
    }

    [Theory]
    [InlineData("1.0-1.el8", true)]
    [InlineData("1:1.0~rc1^git1-1", true)]
    [InlineData("4294967295:1", true)]
    [InlineData("4294967296:1", false)]
    [InlineData("", false)]
    [InlineData("1:", false)]
    [InlineData("1.0-", false)]
    [InlineData("-1", false)]
    [InlineData("1 2", false)]
    [InlineData("1.0-1/2", false)]
    public void IsValid_Version_IsWhatRpmbuildTakes(string version, bool valid) => Assert.Equal(valid, VersionOrders.Rpm.IsValid(version));

    private static string Make(Random random)
    {
        string[] words = ["0", "1", "01", "9", "10", "2023", "a", "rc", "beta", ".", ".", "~", "^", "+", "_", "el8", "Z"];
        string text = random.Next(4) == 0 ? $"{random.Next(3)}:" : "";
        text += random.Next(10);
        for (int part = random.Next(6); part > 0; part--)
            text += words[random.Next(words.Length)];
        if (random.Next(4) > 0)
        {
            text += "-" + random.Next(5);
            for (int part = random.Next(4); part > 0; part--)
                text += words[random.Next(words.Length)];
        }
        return text;
    }

    private static string Change(string version, Random random)
    {
        int at = random.Next(version.IndexOf(':') + 1, version.Length + 1);
        return random.Next(3) == 0 && at < version.Length && at > version.IndexOf(':') + 1 && version[at] != '-' && version[^1] != '-' && at != version.Length - 1
            ? version.Remove(at, 1)
            : version.Insert(at == version.IndexOf(':') + 1 ? version.Length : at, "0~.a^1_"[random.Next(7)].ToString());
    }
}
