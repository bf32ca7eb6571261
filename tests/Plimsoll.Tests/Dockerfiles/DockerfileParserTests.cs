using System.Text;
using Plimsoll.Inspect.Dockerfiles;

namespace Plimsoll.Tests.Dockerfiles;

/// <summary>Dockerfiles as BuildKit reads them; the forms stand in docs.docker.com/reference/dockerfile.</summary>
public sealed class DockerfileParserTests
{
    private static Dockerfile Parse(string text)
    {
        Dockerfile file = DockerfileParser.Parse(text);
        Assert.Empty(file.Errors);
        return file;
    }

    [Fact]
    public void Run_ContinuedOverCommentsAndEmptyLines_IsOneTextWithPlacesInTheFile()
    {
        Dockerfile file = Parse("FROM a\n  RUN one \\  \n# no part of it\n\n  two \\\n  three\nCMD x\n");

        Instruction run = file.Instructions[1];
        Assert.Equal("one   two   three", run.Text);
        Assert.Equal((2, 3, 6), (run.Line, run.Column, run.EndLine));
        Assert.Equal((2, 7), run.Map.At(0));
        Assert.Equal((5, 3), run.Map.At(run.Text.IndexOf("two", StringComparison.Ordinal)));
        Assert.Equal((6, 3), run.Map.At(run.Text.IndexOf("three", StringComparison.Ordinal)));
        Assert.Equal(new Comment(3, "no part of it"), Assert.Single(file.Comments));
        Assert.Equal(7, file.Instructions[2].Line);
    }

    [Fact]
    public void Run_TwoBackslashesAtTheEnd_DoesNotGoOn()
    {
        Dockerfile file = Parse("FROM a\nRUN echo \\\\\nRUN two\n");

        Assert.Equal(3, file.Instructions.Count);
    }

    [Fact]
    public void Directives_AllThree_AreReadUpToTheFirstOtherComment()
    {
        Dockerfile file = Parse("# Syntax = docker/dockerfile:1\n#escape=`\n# check=skip=all\n# else\n# escape=\\\nFROM a\nRUN one `\n two\nCOPY a C:\\dir\\\n");

        Assert.Equal('`', file.Escape);
        Assert.Equal("docker/dockerfile:1", file.Directives["syntax"]);
        Assert.Equal("skip=all", file.Directives["check"]);
        Assert.Equal("one  two", file.Instructions[1].Text);
        Assert.Equal("a C:\\dir\\", file.Instructions[2].Text);
    }

    [Theory]
    [InlineData("#escape=x\nFROM a\n", 1, "neither")]
    [InlineData("#escape=`\n#escape=`\nFROM a\n", 2, "twice")]
    [InlineData("FROM a\nRUM x\n", 2, "unknown instruction \"RUM\"")]
    [InlineData("FROM a b\n", 1, "FROM wants")]
    [InlineData("FROM a\nCOPY x\n", 2, "at least a source")]
    [InlineData("FROM a\nCOPY --form=b x y\n", 2, "no flag \"--form\"")]
    [InlineData("FROM a\nENV A\n", 2, "has no value")]
    [InlineData("FROM a\nENV A=1 B\n", 2, "has no =")]
    [InlineData("FROM a\nLABEL =x\n", 2, "has no name")]
    [InlineData("FROM a\nSHELL bash -c\n", 2, "JSON list")]
    [InlineData("FROM a\nHEALTHCHECK curl x\n", 2, "CMD or NONE")]
    [InlineData("FROM a\nHEALTHCHECK CMD\n", 2, "wants a command")]
    [InlineData("FROM a\nSTOPSIGNAL A B\n", 2, "one signal")]
    [InlineData("FROM a\nWORKDIR\n", 2, "wants a value")]
    [InlineData("FROM a\nONBUILD\n", 2, "needs an instruction")]
    [InlineData("FROM a\nRUN\n", 2, "wants a command")]
    [InlineData("FROM a\nRUN <<EOF\nx\n", 2, "has no end")]
    [InlineData("FROM a\nRUN x \\\n", 3, "continued line")]
    [InlineData("# only this\n", 1, "no instructions")]
    public void Parse_WhatABuilderRefuses_IsAnErrorAtItsLine(string text, int line, string message)
    {
        ParseError error = Assert.Single(DockerfileParser.Parse(text).Errors);

        Assert.Equal(line, error.Line);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_AfterAnError_ReadsTheRest()
    {
        Dockerfile file = DockerfileParser.Parse("FROM a\nNONSENSE\nCMD [\"x\"]\n");

        Assert.Equal(["FROM", "CMD"], file.Instructions.Select(i => i.Keyword));
    }

    [Fact]
    public void Heredocs_SeveralInOneLine_AreReadInOrder()
    {
        Dockerfile file = Parse("FROM a\nCOPY <<ONE <<-'TWO' /to/\nfirst $x\nONE\n\tsecond\n\t\tTWO\nRUN <<EOF\necho \\\nEOF\nCMD x\n");

        IReadOnlyList<Heredoc> copied = file.Instructions[1].Heredocs;
        Assert.Equal(new Heredoc("ONE", true, false, "first $x\n", 3), copied[0]);
        Assert.Equal(new Heredoc("TWO", false, true, "second\n", 5), copied[1]);
        Assert.Equal(6, file.Instructions[1].EndLine);
        // A continuation inside of a heredoc is the shell's, not ours.
        Assert.Equal("echo \\\n", Assert.Single(file.Instructions[2].Heredocs).Content);
        Assert.Equal("CMD", file.Instructions[3].Keyword);
    }

    [Theory]
    [InlineData("RUN cat <<EOF > x", true)]
    [InlineData("RUN 3<<EOF cat", true)]
    [InlineData("RUN cat <<< EOF", false)]
    [InlineData("RUN echo a<<EOF", false)]
    [InlineData("RUN echo \"<<EOF\"", false)]
    public void Heredoc_OnlyAsAWordOfItsOwn_TakesLines(string run, bool takes)
    {
        Dockerfile file = DockerfileParser.Parse($"FROM a\n{run}\nEOF\n");

        Assert.Equal(takes, file.Instructions[1].Heredocs.Count == 1);
        Assert.Equal(takes, file.Errors.Count == 0);
    }

    [Fact]
    public void Stages_NamesNumbersAndBases_AreTold()
    {
        Dockerfile file = Parse("ARG V=1\nFROM --platform=linux/arm64 reg.example:5000/team/app:${V:-2} as Build\nRUN x\nFROM scratch\nCOPY --from=Build --chown=1:1 --link /a /b\nFROM localhost/x@sha256:00\n");

        Assert.Equal(["Build", null, null], file.Stages.Select(s => s.Name));
        Assert.Equal(new BaseReference("reg.example:5000/team/app:${V:-2}", "reg.example:5000/team/app", "reg.example:5000", "${V:-2}", null, "linux/arm64"), file.Stages[0].Base);
        Assert.Equal(("localhost/x", "localhost", null, "sha256:00"), (file.Stages[2].Base.Image, file.Stages[2].Base.Registry, file.Stages[2].Base.Tag, file.Stages[2].Base.Digest));
        Assert.Equal([-1, 0, 0, 1, 1, 2], file.Instructions.Select(i => i.Stage));
        Instruction copy = file.Instructions[4];
        Assert.Equal(("Build", "1:1", null), (copy.Flag("from"), copy.Flag("chown"), copy.Flag("link")));
        Assert.Equal("/a /b", copy.Text);
    }

    [Theory]
    [InlineData("RUN [\"a\", \"b c\"]", "a|b c")]
    [InlineData("RUN --mount=type=cache,target=/x --network=none [\"a\"]", "a")]
    [InlineData("CMD []", "")]
    [InlineData("HEALTHCHECK --interval=5s CMD [\"a\", \"\\u0041\"]", "a|A")]
    [InlineData("COPY [\"a b\", \"/c\"]", "a b|/c")]
    [InlineData("CMD ['a']", null)]
    [InlineData("CMD [\"a\"", null)]
    [InlineData("CMD [\"a\", 1]", null)]
    [InlineData("CMD [\"a\"] x", null)]
    [InlineData("CMD a", null)]
    public void Json_ListOfStrings_IsTheExecForm(string line, string? words)
    {
        Instruction instruction = Parse($"FROM a\n{line}\n").Instructions[1];

        Assert.Equal(words, instruction.Json is null ? null : string.Join('|', instruction.Json));
    }

    [Fact]
    public void Onbuild_WithHeredoc_HoldsTheInnerInstruction()
    {
        Dockerfile file = Parse("FROM a\nONBUILD RUN --network=none <<EOF\nx\nEOF\nCMD y\n");

        Instruction inner = file.Instructions[1].Inner!;
        Assert.Equal(("RUN", 2, 9, "none"), (inner.Keyword, inner.Line, inner.Column, inner.Flag("network")));
        Assert.Equal("x\n", Assert.Single(inner.Heredocs).Content);
        Assert.Equal("CMD", file.Instructions[2].Keyword);
    }

    [Theory]
    [InlineData("A=1 B=\"two words\" C='x y' D=a\\ b", "A=1|B=two words|C=x y|D=a b")]
    [InlineData("A one two", "A=one two")]
    [InlineData("\"k e y\"=v", "k e y=v")]
    public void Pairs_OldAndNewForm_AreUnquoted(string text, string expected)
    {
        List<Pair> pairs = DockerWords.Pairs(text, '\\', allowBare: false, out _)!;

        Assert.Equal(expected, string.Join('|', pairs.Select(p => $"{p.Name}={p.Value}")));
    }

    [Theory]
    [InlineData("$A/${A}/$B", "1/1/$B")]
    [InlineData("${B:-x}${A:-x}${E:-x}${E-x}", "x1x")]
    [InlineData("${A:+y}${E:+y}${B+y}", "y")]
    [InlineData("${B:-${A}}", "1")]
    [InlineData("\\$A ${A", "$A ${A")]
    [InlineData("${A%x}", "${A%x}")]
    public void Expand_FormsOfDockerfiles_GiveTheValue(string text, string expected) =>
        Assert.Equal(expected, Variables.Expand(text, new Dictionary<string, string?> { ["A"] = "1", ["E"] = "" }));

    [Fact]
    public void Parse_BytesOverTheLimit_AreRefused()
    {
        byte[] atLimit = new byte[DockerfileLimits.MaxBytes], over = new byte[DockerfileLimits.MaxBytes + 1];
        atLimit.AsSpan().Fill((byte)'\n');
        over.AsSpan().Fill((byte)'\n');
        "FROM a"u8.CopyTo(atLimit);
        "FROM a"u8.CopyTo(over);

        Assert.Empty(DockerfileParser.Parse(atLimit).Errors);
        Assert.Contains("at most", Assert.Single(DockerfileParser.Parse(over).Errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_MoreInstructionsThanTheLimit_SaysSoAndStops()
    {
        string text = string.Concat(Enumerable.Repeat("USER a\n", DockerfileLimits.MaxInstructions + 1));

        Dockerfile file = DockerfileParser.Parse(text);

        Assert.Equal(DockerfileLimits.MaxInstructions, file.Instructions.Count);
        Assert.Contains("the rest is not read", Assert.Single(file.Errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_ByteOrderMarkAndCarriageReturns_AreNoPartOfTheText()
    {
        Dockerfile file = DockerfileParser.Parse(Encoding.UTF8.GetBytes("\uFEFFFROM a\r\nRUN one \\\r\n two\r\n"));

        Assert.Empty(file.Errors);
        Assert.Equal("one  two", file.Instructions[1].Text);
    }
}
