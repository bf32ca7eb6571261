using Plimsoll.Verify;

namespace Plimsoll.Tests.Verify;

public sealed class GlobTests
{
    [Theory]
    [InlineData("a/b", "a/b", true)]
    [InlineData("a/b", "a/bc", false)]
    [InlineData("a/*", "a/b", true)]
    [InlineData("a/*", "a/b/c", false)]
    [InlineData("a/**", "a/b/c", true)]
    [InlineData("a/**", "a", false)]
    [InlineData("a/**/c", "a/c", true)]
    [InlineData("a/**/c", "a/b/b/c", true)]
    [InlineData("a/**/c", "a/bc", false)]
    [InlineData("**/c", "c", true)]
    [InlineData("**/c", "a/b/c", true)]
    [InlineData("**/c", "abc", false)]
    [InlineData("**", "", true)]
    [InlineData("**.pem", "a/b.pem", true)]
    [InlineData("*.pem", "a/b.pem", false)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "a/c", false)]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("A", "a", false)]
    [InlineData("registry.example/*:1.*", "registry.example/app:1.4", true)]
    public void Matches_PatternAndText_Agree(string pattern, string text, bool matches) => Assert.Equal(matches, Glob.Matches(pattern, text));

    [Fact]
    public void Matches_PatternMadeToBacktrack_CostsNoMoreThanBothLengths()
    {
        string pattern = string.Concat(Enumerable.Repeat("**a", 300)) + "b", text = new('a', 4000);

        Assert.InRange(Allocation.Least(() => Assert.False(Glob.Matches(pattern, text)), 64 * 1024), 0, 64 * 1024);
    }
}
