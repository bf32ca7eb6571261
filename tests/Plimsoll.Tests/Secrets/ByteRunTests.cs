using System.Text;
using Plimsoll.Inspect.Secrets;

namespace Plimsoll.Tests.Secrets;

public sealed class ByteRunTests
{
    private static bool MayMatch(string expression, string text) => RegexTranslator.Translate(expression, []).Run.MayBeIn(Encoding.Latin1.GetBytes(text));

    [Theory]
    [InlineData("key[=:]([0-9a-f]{12})", "key=0123456789ab", true)]
    [InlineData("key[=:]([0-9a-f]{12})", "key=0123456789a key=0123456789a", false)]
    [InlineData("key[=:]([0-9a-f]{12})", "KEY=0123456789AB", true)]
    [InlineData("(?:[0-9]{9}|[a-z]{10})", "12345678.abcdefghi", true)]
    [InlineData("(?:[0-9]{9}|[a-z]{10})", "12345678.abcdefgh", false)]
    [InlineData("([0-9a-f]{12})?key", "key", true)]
    [InlineData("([0-9a-f]{12})*key", "key", true)]
    [InlineData("[^a]{12}", "aaa", true)]
    [InlineData(@"\S{12}", "aaa", true)]
    [InlineData(@"\w{12,}", "abc_def_ghi_", true)]
    [InlineData(@"\w{12,}", "abc-def_ghi_", false)]
    [InlineData("(?:[a-f]{4}-){3}[a-f]{4}", "no", true)]
    public void MayBeIn_Text_IsFalseOnlyWhereNothingCanMatch(string expression, string text, bool expected) => Assert.Equal(expected, MayMatch(expression, text));

    [Fact]
    public void MayBeIn_TextsOfRandomClasses_AgreesWithTheExpression()
    {
        Random random = new(5);
        TranslatedRegex regex = RegexTranslator.Translate("[a-c]{9}", []);
        for (int round = 0; round < 2000; round++)
        {
            char[] text = new char[random.Next(60)];
            for (int i = 0; i < text.Length; i++)
                text[i] = "abcabcabcabcabcabcd"[random.Next(19)];
            Assert.Equal(regex.Regex.IsMatch(text), regex.Run.MayBeIn(Encoding.ASCII.GetBytes(text)));
        }
    }
}
