using Plimsoll.Texts;

namespace Plimsoll.Tests.Texts;

public sealed class DisplayWidthTests
{
    [Theory]
    [InlineData("", 0)]
    [InlineData("abc", 3)]
    [InlineData("漏洞", 4)]
    [InlineData("（，）", 6)]
    [InlineData("e\u0301", 1)]
    [InlineData("ｶ", 1)]
    [InlineData("カ한", 4)]
    [InlineData("\U0001F600", 2)]
    [InlineData("\U00020000", 2)]
    [InlineData("…–é", 3)]
    [InlineData("⠋", 1)]
    public void Of_Text_IsItsColumns(string text, int columns) => Assert.Equal(columns, DisplayWidth.Of(text));

    [Fact]
    public void Cut_WideCharacterAtTheEdge_NeverRunsOver()
    {
        Assert.Equal("漏…", DisplayWidth.Cut("漏洞库", 4));
        Assert.Equal("漏洞…", DisplayWidth.Cut("漏洞库", 5));
        Assert.Equal("漏洞库", DisplayWidth.Cut("漏洞库", 6));
        Assert.Equal("…", DisplayWidth.Cut("漏洞库", 1));
        Assert.Equal("", DisplayWidth.Cut("漏洞库", 0));
    }

    [Fact]
    public void Fit_AnyWidth_IsExact()
    {
        foreach (string text in (string[])["", "a", "漏洞库", "a漏b洞", "\ud800x"])
            for (int columns = 1; columns < 9; columns++)
                Assert.Equal(columns, DisplayWidth.Of(DisplayWidth.Fit(text, columns)));
    }

    [Theory]
    [InlineData("Get one with: plimsoll db update", "Get one with:|plimsoll db update")]
    [InlineData("获取漏洞库：plimsoll db update", "获取漏洞库：|plimsoll db update")]
    [InlineData("run plimsoll db update, then scan again", "run|plimsoll db update,|then scan again")]
    [InlineData("plimsoll has many many words that no line of this width has room for", "plimsoll has many many|words that no line of|this width has room|for")]
    public void Wrap_CommandOfOurs_StaysOnOneLineWhereItFits(string text, string lines) =>
        Assert.Equal(lines, string.Join('|', DisplayWidth.Wrap(text, 22)));

    [Theory]
    [InlineData("opt/jars/x.jar", 14, "opt/jars/x.jar")]
    [InlineData("opt/jars/x.jar", 6, "…x.jar")]
    [InlineData("漏洞库/甲乙", 6, "…/甲乙")]
    [InlineData("漏洞库/甲乙", 5, "…甲乙")]
    [InlineData("abc", 0, "")]
    public void CutStart_LongText_KeepsItsEnd(string text, int columns, string shown)
    {
        Assert.Equal(shown, DisplayWidth.CutStart(text, columns));
        Assert.True(DisplayWidth.Of(shown) <= columns);
    }

    [Fact]
    public void Wrap_Text_BreaksAtSpacesOrBetweenWideCharactersAndLosesNothing()
    {
        foreach (string text in (string[])["one two three", "漏洞库第十二版，日期", "averyveryverylongword x", "mixed 漏洞 text 漏洞库 end"])
            for (int columns = 4; columns < 20; columns++)
            {
                List<string> lines = [.. DisplayWidth.Wrap(text, columns)];
                Assert.All(lines, line => Assert.True(DisplayWidth.Of(line) <= columns, line));
                Assert.Equal(text.Replace(" ", "", StringComparison.Ordinal), string.Concat(lines).Replace(" ", "", StringComparison.Ordinal));
            }
    }

    [Theory]
    [InlineData("zh_CN.UTF-8", Language.Chinese)]
    [InlineData("zh", Language.Chinese)]
    [InlineData("zhx", Language.English)]
    [InlineData("C", Language.English)]
    public void FromEnvironment_Locale_ChoosesTheLanguage(string locale, Language language)
    {
        Assert.Equal(language, Languages.FromEnvironment(n => n == "LANG" ? locale : null));
        Assert.Equal(Language.English, Languages.FromEnvironment(n => n == "LC_ALL" ? "en_US" : locale));
    }
}
