using Plimsoll.Inspect.Dockerfiles.Shell;

namespace Plimsoll.Tests.Dockerfiles;

public sealed class ShellParserTests
{
    /// <summary>Commands as <c>name(word,word)</c>.</summary>
    private static string Show(string script) =>
        string.Join(' ', ShellParser.Parse(script).Commands.Select(c => $"{c.Name}({string.Join(',', c.Words.Select(w => w.Text))})"));

    [Theory]
    [InlineData("a b && c || d; e & f", "a(b) c() d() e() f()")]
    [InlineData("a 'b c' \"d $e\" f\\ g", "a(b c,d $e,f g)")]
    [InlineData("(a; b) | { c; }", "a() b() c()")]
    [InlineData("A=1 B='2 3' cmd x=y", "cmd(x=y)")]
    [InlineData("if [ -f x ]; then a; elif b; then c; else d; fi", "[(-f,x,]) a() b() c() d()")]
    [InlineData("for i in a b c; do d $i; done", "d($i)")]
    [InlineData("while read x; do y; done < z", "read(x) y() ()")]
    [InlineData("case \"$x\" in a|b) c ;; (d) e;; *) f; esac; g", "c() e() f() g()")]
    [InlineData("f() { a; }; f", "a() f()")]
    [InlineData("function g { a; }", "a()")]
    [InlineData("a $(b c $(d)) `e f`", "a($(b c $(d)),`e f`) b(c,$(d)) d() e(f)")]
    [InlineData("x=$(a b) && c", "() a(b) c()")]
    [InlineData("a > b 2>&1 < c >> d", "a()")]
    [InlineData("a # b; c\nd", "a() d()")]
    [InlineData("a <<EOF | b\nrm x\nEOF\nc", "a() b() c()")]
    [InlineData("[[ a && b ]] && c", "c()")]
    [InlineData("diff <(a b) x", "diff(<(a b),x) a(b)")]
    [InlineData("a \\\n b", "a(b)")]
    [InlineData("echo $((1 + 2)) ${x:-(}", "echo($((1 + 2)),${x:-(})")]
    [InlineData("! a; time b", "a() b()")]
    [InlineData("", "")]
    public void Commands_OfAScript_AreFoundInOrder(string script, string expected) => Assert.Equal(expected, Show(script));

    [Fact]
    public void Pipelines_MembersKnowTheirPlace()
    {
        ShellScript script = ShellParser.Parse("a | b |\n c && d");

        Assert.True(script.HasPipe);
        Assert.Equal([0, 1, 2, 0], script.Commands.Select(c => c.InPipeline));
        Assert.Single(script.Commands.Take(3).Select(c => c.Pipeline).Distinct());
        Assert.NotEqual(script.Commands[0].Pipeline, script.Commands[3].Pipeline);
    }

    [Theory]
    [InlineData("a || b", false)]
    [InlineData("echo 'a | b'", false)]
    [InlineData("[[ $a =~ b|c ]]", false)]
    [InlineData("case x in a|b) c;; esac", false)]
    [InlineData("a |& b", true)]
    [InlineData("x=$(a | b)", true)]
    public void HasPipe_OnlyOfRealPipes(string script, bool has) => Assert.Equal(has, ShellParser.Parse(script).HasPipe);

    [Fact]
    public void Redirections_AndHeredocs_HaveTheirTargets()
    {
        ShellScript script = ShellParser.Parse("cat <<-'EOF' > /etc/x\n\tone\n\tEOF\ntee /y <<< word 2>>z");

        Assert.Equal([new("<<", "one\n"), new(">", "/etc/x")], script.Commands[0].Redirections);
        Assert.Equal([new("<<<", "word"), new("2>>", "z")], script.Commands[1].Redirections);
    }

    [Fact]
    public void Flags_LongShortAndWithValues_AreTold()
    {
        ShellCommand command = ShellParser.Parse("useradd -mu 1000 --gid=5 -l --shell /bin/sh name -- -x").Commands[0];

        Assert.True(command.HasFlag("m") && command.HasFlag("u") && command.HasFlag("gid") && !command.HasFlag("g"));
        Assert.Equal("5", command.Value("g", "gid"));
        Assert.Equal(["name", "--"], command.Plain("u", "shell"));
    }

    [Fact]
    public void Parse_ManyCommandsOrDeepNesting_StopsAtItsLimits()
    {
        ShellScript many = ShellParser.Parse(string.Concat(Enumerable.Repeat("a;", ShellScript.MaxCommands + 1)));
        ShellScript deep = ShellParser.Parse(string.Concat(Enumerable.Repeat("$(a ", 2000)));

        Assert.True(many.Cut);
        Assert.Equal(ShellScript.MaxCommands, many.Commands.Count);
        Assert.InRange(deep.Commands.Count, 1, 100);
    }
}
