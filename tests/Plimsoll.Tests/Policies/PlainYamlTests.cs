using System.Text;
using Plimsoll.Inspect.Policies;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Policies;

/// <summary>What the small reader takes, it must take exactly as the parser of all of YAML does; what it leaves is not lost.</summary>
public sealed class PlainYamlTests
{
    private const string Policy = """
        policy: 1
        name: bench   # a comment

        trust:
          keys: {release: {file: release.pub}, "other": 1}
          images:
          - names: ["registry.example/**", 'x']
        """;

    [Theory]
    [InlineData("a: 1\n")]
    [InlineData("a: 1")]
    [InlineData("# comment\n\na: b c, d (e); f=g/h:i   # comment\nb: \"x # y: z\" # comment\n")]
    [InlineData("a:\n  b:\n    c: 1\n  d: 2\ne: 3\n")]
    [InlineData("a:\n- b\n- c: 1\n  d: 2\n- e: [f, \"g\", {h: i}, []]\n    # comment\nj: {}\n")]
    [InlineData("a:\n  - b\n  -   c: 1\n      d:\n      - e\n      - f\n      g: h\n  - i\nj: null\n")]
    [InlineData("a: {b: {c: d}, e: [ f , g ], h: \"\"}\n")]
    [InlineData("a: http://x/y\nb: c:d\ne: 30d\nf: .5\ng: /h\n")]
    public void TryParse_PlainDocument_IsWhatTheWholeParserMakesOfIt(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        DocumentNode? plain = PlainYaml.TryParse(utf8, "p");

        Assert.NotNull(plain);
        Assert.Equal(Told(YamlDocument.ParseWhole(utf8, "p")), Told(plain));
    }

    [Theory]
    [InlineData("")]
    [InlineData("# only\n")]
    [InlineData(" a: 1\n")]
    [InlineData("- a\n")]
    [InlineData("a\n")]
    [InlineData("--- \na: 1\n")]
    [InlineData("a: 1\n...\n")]
    [InlineData("a: 1\n---\nb: 2\n")]
    [InlineData("%YAML 1.2\n---\na: 1\n")]
    [InlineData("a: &x 1\n")]
    [InlineData("a: *x\n")]
    [InlineData("a: !!str 1\n")]
    [InlineData("a: |\n  x\n")]
    [InlineData("a: >\n  x\n")]
    [InlineData("a: 'x'\n")]
    [InlineData("a: \"x\\ny\"\n")]
    [InlineData("a: \"x\n  y\"\n")]
    [InlineData("a: \"x\"y\n")]
    [InlineData("a: \"x\": y\n")]
    [InlineData("a: b\n  c\n")]
    [InlineData("a: b: c\n")]
    [InlineData("a: b#c\n")]
    [InlineData("a: [b\n, c]\n")]
    [InlineData("a: [b: c]\n")]
    [InlineData("a: [b,]\n")]
    [InlineData("a: [b c]\n")]
    [InlineData("a: {b}\n")]
    [InlineData("a: {b: c, b: d}\n")]
    [InlineData("a: 1\na: 2\n")]
    [InlineData("a:\n")]
    [InlineData("a:\nb: 1\n")]
    [InlineData("a: ~\n")]
    [InlineData("null: 1\n")]
    [InlineData("? a\n: b\n")]
    [InlineData("a : 1\n")]
    [InlineData("a:\n  - b\n  c: 1\n")]
    [InlineData("a:\n  b: 1\n - c\n")]
    [InlineData("a:\n    b: 1\n  c: 2\n")]
    [InlineData("a:\n- - b\n")]
    [InlineData("a:\n-\n  b\n")]
    [InlineData("a: 1\r\nb: 2\r\n")]
    [InlineData("a:\tb\n")]
    [InlineData("a: ü\n")]
    [InlineData("# ü\u2028b: 1\na: 1\n")]
    [InlineData("a: -1\n")]
    [InlineData("a: @x\n")]
    public void TryParse_AnythingElse_IsLeftToTheWholeParser(string text) => Assert.Null(PlainYaml.TryParse(Encoding.UTF8.GetBytes(text), "p"));

    [Fact]
    public void TryParse_DeepOrWide_IsLeftToTheWholeParser()
    {
        string deep = "a: " + string.Concat(Enumerable.Repeat("[", 200)) + string.Concat(Enumerable.Repeat("]", 200));
        string wide = string.Concat(Enumerable.Range(0, 200).Select(i => $"k{i}: 1\n"));
        string blocks = string.Concat(Enumerable.Range(0, 200).Select(i => $"{new string(' ', i)}k:\n")) + new string(' ', 200) + "k: 1\n";

        foreach (string text in new[] { deep, wide, blocks, $"a: {new string('x', 1000)}\n" })
            Assert.Null(PlainYaml.TryParse(Encoding.UTF8.GetBytes(text), "p"));
    }

    [Fact]
    public void Parse_BuiltInPolicy_IsPlain() => Assert.NotNull(PlainYaml.TryParse(PolicyFile.BuiltInText(), "default"));

    /// <summary>Documents made of the pieces at which YAML turns, most of them wrong; a seed gives the same ones every time.</summary>
    [Fact]
    public void TryParse_MadeUpDocuments_NeverDifferFromTheWholeParser()
    {
        string[] pieces =
        [
            "a", "b", "key", "null", "1", ":", ": ", " :", "- ", "-", "--", " ", "  ", "    ", "\n", "\n", "\n  ", "\n- ", "\n    ", "[", "]", "{", "}", ", ", ",", "\"", "\"x y\"", "#", " # c", "'", "~", "|", "a: b",
            "\nb: c", "\n  d: e", "\n- f: g", "\n  - h", "...", "---", "*", "&", "!", "?", "@", "/", "x:y", "x: [y, z]", "x: {y: z}", ".", "=", "(", ";", "\\", "%", "\n\n", "\n#z\n",
        ];
        Random random = new(20261121);
        int taken = 0;
        for (int i = 0; i < 60_000; i++)
        {
            StringBuilder text = new(random.Next(2) == 0 ? Lines(random) : random.Next(3) == 0 ? Policy[..random.Next(Policy.Length)] : "a: 1\n");
            for (int n = random.Next(0, 6); n > 0; n--)
                if (random.Next(4) == 0)
                    text.Insert(random.Next(text.Length + 1), pieces[random.Next(pieces.Length)]);
                else
                    text.Append(pieces[random.Next(pieces.Length)]);
            byte[] utf8 = Encoding.UTF8.GetBytes(text.ToString());
            if (PlainYaml.TryParse(utf8, "p") is not { } plain)
                continue;
            taken++;
            string whole;
            try
            {
                whole = Told(YamlDocument.ParseWhole(utf8, "p"));
            }
            catch (DocumentException e)
            {
                whole = e.Message;
            }
            Assert.True(Told(plain) == whole, $"{text}\n=> {Told(plain)}\nnot {whole}");
        }
        // Else the pieces make nothing that it reads, and nothing was compared.
        Assert.InRange(taken, 5000, 60_000);
    }

    /// <summary>Lines that each could stand in a policy, at columns that often fit.</summary>
    private static string Lines(Random random)
    {
        string[] values = ["", "v", "a b", "\"q: #\"", "[x, y]", "[]", "{k: v, l: [m]}", "30d", "x # c", "null", "r/e:f"];
        StringBuilder text = new();
        int indent = 0;
        for (int n = random.Next(1, 9); n > 0; n--)
        {
            string key = "abcdefgh"[random.Next(8)].ToString(), value = values[random.Next(values.Length)];
            text.Append(' ', indent).Append(random.Next(5) switch { 0 => $"- {value}", 1 => $"- {key}: {value}", _ => $"{key}: {value}" }).Append('\n');
            indent = Math.Max(0, indent + (2 * random.Next(-2, 3)));
            if (value.Length > 0 && random.Next(3) > 0)
                indent = Math.Min(indent, 2 * random.Next(3));
        }
        return text.ToString();
    }

    private static string Told(DocumentNode node) => node.Where + "=" + (node.Text is { } text ? $"'{text}'"
        : node.Items is { } items ? "[" + string.Join(',', items.Select(Told)) + "]"
        : node.Members is { } members ? "{" + string.Join(',', members.Select(m => $"{m.Name}@{m.Where}:{Told(m.Value)}")) + "}" : "nothing");
}
