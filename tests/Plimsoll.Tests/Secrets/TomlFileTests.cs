using Plimsoll.Inspect.Secrets;

namespace Plimsoll.Tests.Secrets;

public sealed class TomlFileTests
{
    [Fact]
    public void Parse_EveryFormOfValue_IsRead()
    {
        TomlTable root = TomlFile.Parse("""
            # a comment
            text = "a\tb\u00e9\\"
            raw = 'C:\x' # behind
            "quoted key" = '''
            two
            lines'''
            whole = 1_000
            number = 3.5
            yes = true
            list = [ "a", # one
              "b", ]
            inline = { a = 1, b.c = [[1], []] }
            [table.below]
            x = 1
            [[items]]
            id = "1"
              [items.inner]
              y = 2
            [[items]]
            id = "2"
            """);

        Assert.Equal("a\tbé\\", root["text"]);
        Assert.Equal("C:\\x", root["raw"]);
        Assert.Equal("two\nlines", root["quoted key"]);
        Assert.Equal((1000L, 3.5, true), (root["whole"], root["number"], root["yes"]));
        Assert.Equal(["a", "b"], (List<object>)root["list"]!);
        Assert.Equal(1L, ((TomlTable)root["inline"]!)["a"]);
        Assert.Equal(1L, ((TomlTable)((TomlTable)root["table"]!)["below"]!)["x"]);
        List<object> items = (List<object>)root["items"]!;
        Assert.Equal(["1", "2"], items.Select(i => ((TomlTable)i)["id"]));
        Assert.Equal(2L, ((TomlTable)((TomlTable)items[0])["inner"]!)["y"]);
    }

    [Theory]
    [InlineData("a = 1\na = 2", 2, "twice")]
    [InlineData("a = ", 1, "ends where a value")]
    [InlineData("a = \"x", 1, "no end")]
    [InlineData("x = 1\na = '''x\ny", 2, "no end")]
    [InlineData("a = \"x\ny\"", 1, "within a text")]
    [InlineData("a = 'x' y", 1, "line's end")]
    [InlineData("a = \"\\d\"", 1, "no escape of TOML")]
    [InlineData("a = 1979-05-27", 1, "was wanted")]
    [InlineData("[a]\n[a]", 2, "twice")]
    [InlineData("a = 1\n[a.b]", 2, "no table")]
    [InlineData("a = [1, 2", 1, "wanted")]
    [InlineData("[a", 1, "]")]
    [InlineData("= 1", 1, "a key")]
    [InlineData("a = \"\u0001\"", 1, "control character")]
    public void Parse_WhatIsNoToml_NamesTheLine(string text, int line, string says)
    {
        TomlException error = Assert.Throws<TomlException>(() => TomlFile.Parse(text));

        Assert.Equal(line, error.Line);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_ListsNestedTooDeep_AreRefused() =>
        Assert.Contains("nested", Assert.Throws<TomlException>(() => TomlFile.Parse("a = " + new string('[', 100_000))).Message, StringComparison.Ordinal);
}
