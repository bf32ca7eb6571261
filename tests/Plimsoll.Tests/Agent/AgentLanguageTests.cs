using Plimsoll.Agent;
using Plimsoll.Agent.Install;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Agent;

public sealed class AgentLanguageTests
{
    [Theory]
    [InlineData("status --lang zh --json", Language.Chinese, "status --json")]
    [InlineData("--lang=zh_CN.UTF-8 run", Language.Chinese, "run")]
    [InlineData("--lang en status", Language.English, "status")]
    [InlineData("run --state /s", Language.English, "run --state /s")]
    public void Take_Option_IsTheLanguageAndGoes(string line, Language wanted, string rest)
    {
        Language language = Language.English;
        Assert.Equal(rest.Split(' '), LanguageOption.Take(line.Split(' '), ref language));
        Assert.Equal(wanted, language);
    }

    [Theory]
    [InlineData("status --lang fr", "无法理解 \"fr\"")]
    [InlineData("status --lang", "--lang 需要一个值")]
    public void Take_NoLanguage_IsSaidInTheOneBefore(string line, string says)
    {
        Language language = Language.Chinese;
        OptionException e = Assert.Throws<OptionException>(() => LanguageOption.Take(line.Split(' '), ref language));
        Assert.Contains(says, e.Told.In(language), StringComparison.Ordinal);
    }

    [Fact]
    public void In_TextWithinAText_IsInTheSameLanguage()
    {
        FilledText text = Catalogue.AgentOther.With(Catalogue.AgentOtherProcess.With("podman", 7));
        Assert.Equal("podman (process 7) starts containers past the gate", text.ToString());
        Assert.Equal("podman（进程 7） 会绕过门控启动容器", text.In(Language.Chinese));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("run")]
    [InlineData("install")]
    [InlineData("doctor")]
    [InlineData("clock")]
    [InlineData("counter")]
    public void Help_EachLanguage_HasTheSameOptionsAndFits(string? command)
    {
        string[] english = Help(Language.English), chinese = Help(Language.Chinese);
        Assert.Equal(Options(english), Options(chinese));
        Assert.Contains("--state", Options(english));
        Assert.Contains("用法: plimsoll-agent", string.Join('\n', chinese), StringComparison.Ordinal);
        Assert.DoesNotContain(chinese, l => l.Contains("default", StringComparison.Ordinal) && !l.Contains("--replace-default", StringComparison.Ordinal));
        Assert.All(english.Concat(chinese), l => Assert.InRange(DisplayWidth.Of(l), 0, 80));

        string[] Help(Language language)
        {
            StringWriter output = new();
            AgentHelp.Write(output, command, language, 80);
            return output.ToString().Split('\n');
        }

        static string[] Options(string[] lines) => [.. lines.Where(l => l.StartsWith("  --", StringComparison.Ordinal)).Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0])];
    }

    [Fact]
    public void Parse_EveryOptionOfHelp_IsKnown()
    {
        foreach (HelpRow row in AgentOptions.Help)
            Assert.True(Said(() => AgentOptions.Parse([row.Left.Split(' ')[0], .. row.Left.Contains(' ') ? (string[])["\0"] : []])) is not { } e || !e.StartsWith("unknown", StringComparison.Ordinal), row.Left);
        // Behind -- stand options of run.
        foreach (HelpRow row in InstallOptions.Help.Where(r => !r.Left.StartsWith("-- ", StringComparison.Ordinal)))
            Assert.True(Said(() => InstallOptions.Parse([row.Left.Split(' ')[0], .. row.Left.Contains(' ') ? (string[])["\0"] : []])) is not { } e || !e.StartsWith("unknown", StringComparison.Ordinal), row.Left);

        static string? Said(Action parse)
        {
            try
            {
                parse();
                return null;
            }
            catch (FormatException e)
            {
                return e.Message;
            }
        }
    }
}
