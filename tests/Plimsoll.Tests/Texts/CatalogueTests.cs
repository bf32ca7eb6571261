using System.Reflection;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Texts;

public sealed class CatalogueTests
{
    private static IEnumerable<(string Name, Text Text)> All =>
        typeof(Catalogue).GetProperties(BindingFlags.Public | BindingFlags.Static).Where(p => p.PropertyType == typeof(Text)).Select(p => (p.Name, (Text)p.GetValue(null)!));

    private static IEnumerable<(string Name, Text Text)> Agents => All.Where(t => t.Name.StartsWith("Agent", StringComparison.Ordinal) || t.Name.StartsWith("Doctor", StringComparison.Ordinal));

    [Fact]
    public void EveryText_InBothLanguages_HasTheSameArguments()
    {
        Assert.NotEmpty(All);
        Assert.All(All, t =>
        {
            Assert.NotEqual("", t.Text.English);
            Assert.NotEqual("", t.Text.Chinese);
            Assert.True(ArgumentsOf(t.Text.English).SetEquals(ArgumentsOf(t.Text.Chinese)), t.ToString());
        });
    }

    [Fact]
    public void AgentsTexts_InChinese_AreChinese()
    {
        Assert.True(Agents.Count() > 100);
        Assert.All(Agents, t => Assert.True(t.Text.Chinese.Any(c => c is >= '\u4e00' and <= '\u9fff'), t.ToString()));
        Assert.All(Agents, t => Assert.DoesNotContain(t.Text.English, c => c >= '\u2e80'));
    }

    /// <summary>The first text that anybody asks for makes all that are kept in fields.</summary>
    [Fact]
    public void AgentsTexts_AreNotMadeAtStart() =>
        Assert.DoesNotContain(typeof(Catalogue).GetFields(BindingFlags.NonPublic | BindingFlags.Static), f => f.Name.StartsWith("<Agent", StringComparison.Ordinal) || f.Name.StartsWith("<Doctor", StringComparison.Ordinal));

    [Fact]
    public void Hints_EachLineOfStatus_HaveBothLanguages()
    {
        foreach (string label in (string[])["installed", "file", "daemon.json", "runtime", "dockerd", "front", "agent", "policy", "host", "log", "others", "container", ""])
            Assert.Contains(Catalogue.DoctorHint(label).Chinese, c => c >= '\u4e00');
        foreach (string code in (string[])["log-disk-full", "log-in-use", "log-damaged", "log-key-missing", "log-folder"])
            Assert.Contains(Catalogue.AgentLogHint(code)!.Value.Chinese, c => c >= '\u4e00');
    }

    private static HashSet<char> ArgumentsOf(string text) => [.. text.Index().Where(c => c.Index > 0 && text[c.Index - 1] == '{' && char.IsAsciiDigit(c.Item)).Select(c => c.Item)];
}
