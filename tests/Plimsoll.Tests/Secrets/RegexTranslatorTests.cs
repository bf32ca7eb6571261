using System.Text;
using Plimsoll.Inspect.Secrets;

namespace Plimsoll.Tests.Secrets;

public sealed class RegexTranslatorTests
{
    private static bool Matches(string expression, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        char[] chars = new char[bytes.Length];
        TranslatedRegex.Widen(bytes, chars);
        return RegexTranslator.Translate(expression, []).Regex.IsMatch(chars);
    }

    [Theory]
    [InlineData(@"(?i)aB", "xAbx", true)]
    [InlineData(@"p8(?i)[a-z]{3}", "p8QRS", true)]
    [InlineData(@"p8(?i)[a-z]{3}", "P8QRS", false)]
    [InlineData(@"(?i)x(?-i:Y)z", "XYZ", true)]
    [InlineData(@"(?i)x(?-i:Y)z", "XyZ", false)]
    [InlineData(@"^\w+$", "naïve", false)]
    [InlineData(@"^\d+$", "１２", false)]
    [InlineData(@"a$", "a\n", false)]
    [InlineData(@"(?m)a$", "a\nb", true)]
    [InlineData(@"a\z", "ba", true)]
    [InlineData(@"\Qa.b*\E+", "a.b*", true)]
    [InlineData(@"\Qa.b*\E", "axb", false)]
    [InlineData(@"[[:alnum:]]{4}", "a1B2", true)]
    [InlineData(@"^[[:^digit:]]+$", "ab1", false)]
    [InlineData(@"(?P<first>a)(b)", "ab", true)]
    [InlineData(@"^\${(?:[A-Z_]+)}$", "${HOME}", true)]
    [InlineData(@"a{,3}", "a{,3}", true)]
    [InlineData(@"[\x60'\x{22}]x", "`x", true)]
    [InlineData(@"é", "é", true)]
    [InlineData(@"(?s:.)b", "\nb", true)]
    [InlineData(@".b", "\nb", false)]
    [InlineData(@"\bfoo\b", "éfoo", true)]
    [InlineData(@"[^a]b", "éb", true)]
    [InlineData(@"[a\]]x", "]x", true)]
    [InlineData(@"[]a]x", "]x", true)]
    [InlineData(@"\012", "\n", true)]
    public void Translate_Re2Syntax_MatchesWhatGoMatches(string expression, string text, bool matches) => Assert.Equal(matches, Matches(expression, text));

    [Theory]
    [InlineData(@"a(?=b)", "ahead")]
    [InlineData(@"(?<!b)a", "ahead or behind")]
    [InlineData(@"(a)\1", "backreference")]
    [InlineData(@"\p{Greek}", "Unicode class")]
    [InlineData(@"(?U)a+", "flag U")]
    [InlineData(@"a{1001}", "1000")]
    [InlineData(@"a**", "repetition of a repetition")]
    [InlineData(@"*a", "repetition of nothing")]
    [InlineData(@"(a", "not closed")]
    [InlineData(@"a)", "closes nothing")]
    [InlineData(@"[a", "not closed")]
    [InlineData(@"[b-a]", "larger to the smaller")]
    [InlineData(@"[[:alpho:]]", "[:alpho:]")]
    [InlineData(@"\y", "escape \\y")]
    [InlineData(@"a\", "at the end")]
    [InlineData(@"(?P<>a)", "name")]
    public void Translate_WhatCannotBe_IsRefusedByName(string expression, string says) =>
        Assert.Contains(says, Assert.Throws<RegexSyntaxException>(() => RegexTranslator.Translate(expression, [])).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("ghp_[A-Z]{36}", "ghp_", true, 0, 40)]
    [InlineData(@"\b((?:AKIA|ASIA)[A-Z2-7]{16})\b", "akia asia", true, 0, 20)]
    [InlineData("[A-Z]{3}Q~x", "q~", true, 3, 6)]
    [InlineData("(?:ghp_)?[a-z]{4}", "ghp_", false, 0, 8)]
    [InlineData("ghp_a|gho_b", "ghp_", false, 0, 5)]
    [InlineData("[Jj]ira[:=]", "jira", true, 0, 5)]
    [InlineData("a(?:b)cx", "abc", true, 0, 4)]
    [InlineData("[0-9]{1,3}abc", "abc", true, 3, 6)]
    [InlineData(@"abc\S+", "abc", true, 0, RegexTranslator.EndlessBytes)]
    public void Translate_KeywordInEveryMatch_IsKnownWithItsDistance(string expression, string keywords, bool near, int before, int longest)
    {
        TranslatedRegex translated = RegexTranslator.Translate(expression, keywords.Split(' '));

        Assert.Equal((near, longest), (translated.IsNear, translated.Longest));
        Assert.Equal(near ? before : 0, translated.IsNear ? translated.Before : 0);
    }

    [Fact]
    public void Regex_ThatWouldBacktrack_EndsInLinearTime()
    {
        TranslatedRegex translated = RegexTranslator.Translate("(a+)+(a|aa)+$x", []);

        Assert.DoesNotMatch(translated.Regex, new string('a', 50_000));
    }
}
