using System.Text;
using Plimsoll.Inspect.Secrets;

namespace Plimsoll.Tests.Secrets;

public sealed class KeywordFinderTests
{
    private static readonly (string Text, bool Exact)[] Keywords = [("ghp_", false), ("password", false), ("Q~", true), ("x", false), ("://", false), ("secret_access_key", false), ("eyJ", true), ("ghp_a", false), ("AKIA-12345", true), ("pass", false)];

    private static List<string> Found(byte[] text, int part, bool isBrief = false, Func<int, bool>? isWanted = null)
    {
        KeywordFinder finder = new([.. Keywords.Select(k => k.Text)], [.. Keywords.Select(k => k.Exact)], isWanted ?? (_ => true));
        List<KeywordHit> hits = [];
        for (int at = 0; at < text.Length; at += part)
            finder.Find(text, at, Math.Min(text.Length, at + part), hits, isBrief);
        return [.. hits.Select(h => $"{h.At}:{Keywords[h.Keyword].Text}").Order(StringComparer.Ordinal)];
    }

    private static List<string> Expected(byte[] text)
    {
        List<string> found = [];
        string exact = Encoding.Latin1.GetString(text), lower = Encoding.Latin1.GetString([.. text.Select(b => b is >= 65 and <= 90 ? (byte)(b + 32) : b)]);
        foreach ((string keyword, bool isExact) in Keywords)
            for (int at = (isExact ? exact : lower).IndexOf(keyword, StringComparison.Ordinal); at >= 0; at = (isExact ? exact : lower).IndexOf(keyword, at + 1, StringComparison.Ordinal))
                found.Add($"{at}:{keyword}");
        return [.. found.Order(StringComparer.Ordinal)];
    }

    [Theory]
    [InlineData(7)]
    [InlineData(33)]
    [InlineData(1 << 20)]
    public void Find_InAnyText_FindsWhatAPlainSearchFinds(int part)
    {
        Random random = new(part);
        for (int round = 0; round < 60; round++)
        {
            byte[] text = new byte[random.Next(0, 400)];
            random.NextBytes(text);
            for (int i = 0; i < text.Length / 12; i++)
            {
                byte[] word = Encoding.ASCII.GetBytes(random.Next(2) == 0 ? Keywords[random.Next(Keywords.Length)].Text : Keywords[random.Next(Keywords.Length)].Text.ToUpperInvariant());
                int at = random.Next(text.Length);
                word.AsSpan(0, Math.Min(word.Length, text.Length - at)).CopyTo(text.AsSpan(at));
            }
            Assert.Equal(Expected(text), Found(text, part));
            Assert.Equal(Expected(text), Found(text, part, isBrief: true));
        }
    }

    [Fact]
    public void Find_OfSomeKeywords_LeavesTheOthersOut()
    {
        byte[] text = Encoding.ASCII.GetBytes("a password of https://example.org and one more for good measure");
        Assert.Equal(["19:://"], Found(text, text.Length, isWanted: k => Keywords[k].Text == "://"));
    }
}
