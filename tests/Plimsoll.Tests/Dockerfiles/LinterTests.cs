using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Dockerfiles;

namespace Plimsoll.Tests.Dockerfiles;

/// <summary>Pragmas, the configuration file and ShellCheck.</summary>
public sealed class LinterTests
{
    private static string[] Rules(string file, LintOptions? options = null) =>
        [.. Linter.Lint(DockerfileParser.Parse(file), options ?? new LintOptions(), TestContext.Current.CancellationToken).Findings.Select(f => $"{f.Line} {f.Rule}")];

    [Fact]
    public void Pragma_Inline_CountsForTheNextInstructionOnly()
    {
        Assert.Equal(["5 DL3003"], Rules("FROM a:1\n# hadolint ignore=DL3004,DL3003 # why\n\nRUN sudo cd /x\nRUN cd /y && a && b && c\n"));
    }

    [Fact]
    public void Pragma_InsideOfAContinuedInstruction_CountsForIt()
    {
        Assert.Equal([], Rules("FROM a:1\nRUN a && \\\n# hadolint ignore=DL3003\n  cd /x\n"));
    }

    [Fact]
    public void Pragma_Global_CountsForTheWholeFile()
    {
        Assert.Equal(["4 DL3004"], Rules("FROM a:1\nRUN cd /x && b && c\n# hadolint global ignore = DL3003\nRUN cd /y && sudo b && c\n"));
    }

    [Theory]
    [InlineData("# hadolintignore=DL3003")]
    [InlineData("# hadolint ignore DL3003")]
    [InlineData("# hadolint ignore=DL3004")]
    public void Pragma_OfAnotherForm_CountsForNothing(string comment) => Assert.Equal(["3 DL3003"], Rules($"FROM a:1\n{comment}\nRUN cd /x\n"));

    [Fact]
    public void Config_AllMembers_AreRead()
    {
        LintOptions options = HadolintConfig.Parse("""
            # ours
            failure-threshold: warning
            format: tty
            ignored: [DL3003, SC1010]
            override:
              error:
                - DL3008
              style: DL3015
            label-schema:
              author: text
              version: semver
            strict-labels: true
            disable-ignore-pragma: true
            no-fail: false
            trustedRegistries:
              - docker.io
              - "*.example.org"
            """, ".hadolint.yaml");

        Assert.Equal(LintLevel.Warning, options.Threshold);
        Assert.Equal(["DL3003", "SC1010"], options.Ignored.Order());
        Assert.Equal((LintLevel.Error, LintLevel.Style), (options.Levels["DL3008"], options.Levels["DL3015"]));
        Assert.Equal((LabelForm.Text, LabelForm.SemVer), (options.Labels["author"], options.Labels["version"]));
        Assert.True(options.StrictLabels && options.DisableIgnorePragma && !options.NoFail);
        Assert.Equal(["docker.io", "*.example.org"], options.TrustedRegistries);
        Assert.Equal(["3 DL3004"], Rules("FROM docker.io/a:1\n# hadolint ignore=DL3004\nRUN sudo cd /x\n", options with { Labels = new Dictionary<string, LabelForm>() }));
    }

    [Theory]
    [InlineData("ignore: [DL1]", "line 1: unknown key \"ignore\"")]
    [InlineData("ignored: [DL1]\nignored: [DL2]", "line 2: \"ignored\" stands there twice")]
    [InlineData("no-fail: perhaps", "line 1: \"perhaps\" is neither")]
    [InlineData("\nfailure-threshold: bad", "line 2: \"bad\" is no level")]
    [InlineData("label-schema:\n  a: colour", "line 2: \"colour\" is no form")]
    [InlineData("- a", "line 1: wanted a mapping")]
    [InlineData("ignored: [", "not valid YAML")]
    public void Config_WhatIsNoneOfIt_IsRefusedWithItsLine(string text, string message) =>
        Assert.Contains(message, Assert.Throws<CheckException>(() => HadolintConfig.Parse(text, "c.yaml")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("ignored:\noverride:\n")]
    public void Config_Empty_ChangesNothing(string text)
    {
        LintOptions options = HadolintConfig.Parse(text, "c.yaml");

        Assert.Equal((LintLevel.Info, 0, 0), (options.Threshold, options.Ignored.Count, options.Levels.Count));
    }

    [Fact]
    public void Override_OfAnIgnoredLevel_BringsARuleBack()
    {
        LintOptions options = new() { Levels = new Dictionary<string, LintLevel> { ["DL3057"] = LintLevel.Error } };

        Assert.Equal(["1 DL3057"], Rules("FROM a:1\n", options));
        Assert.Equal([], Rules("FROM a:1\n"));
    }

    [Theory]
    [InlineData(LintLevel.Error, false, false)]
    [InlineData(LintLevel.Warning, false, true)]
    [InlineData(LintLevel.Info, true, false)]
    [InlineData(null, false, false)]
    public void Fails_ByThreshold(LintLevel? threshold, bool noFail, bool fails)
    {
        LintOptions options = new() { Threshold = threshold, NoFail = noFail };

        Assert.Equal(fails, Linter.Lint(DockerfileParser.Parse("FROM a:1\nRUN cd /x\n"), options, TestContext.Current.CancellationToken).Fails(options));
    }

    [Fact]
    public void ParseError_IsAFindingAndMakesTheAnswerIncomplete()
    {
        LintResult result = Linter.Lint(DockerfileParser.Parse("FROM a:1\nBLA\n"), new LintOptions(), TestContext.Current.CancellationToken);

        Assert.Equal(("DL1000", LintLevel.Error, 2), (result.Findings[0].Rule, result.Findings[0].Level, result.Findings[0].Line));
        Assert.False(result.Complete);
    }

    [Fact]
    public void ShellCheck_Absent_IsSaidAndNoFailure()
    {
        LintOptions options = new() { ShellCheck = ShellCheck.Find(_ => "/nowhere") };

        LintResult result = Linter.Lint(DockerfileParser.Parse("FROM a:1\nRUN echo $x\n"), options, TestContext.Current.CancellationToken);

        Assert.Equal(new Engine("shellcheck", null, null), result.ShellCheck);
        Assert.True(result.Complete);
    }

    [Theory]
    [InlineData("#!/bin/sh\nexec sleep 60\n", "no answer within")]
    [InlineData("#!/bin/sh\nexit 7\n", "exit code 7")]
    [InlineData("#!/bin/sh\necho OK\n", "--version answered")]
    [InlineData("#!/bin/sh\n[ $1 = --version ] && echo 'version: 1' || echo '{}'\n", "")]
    [InlineData("#!/bin/sh\n[ $1 = --version ] && echo 'version: 1' || cat /dev/zero\n", "")]
    public void ShellCheck_ThatFailsHangsOrLies_MakesTheAnswerIncomplete(string program, string failure)
    {
        using TestKit.TempFolder folder = new();
        string path = folder.Write("shellcheck", System.Text.Encoding.UTF8.GetBytes(program));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        LintResult result = Linter.Lint(DockerfileParser.Parse("FROM a:1\nRUN cd /x\n"), new LintOptions { ShellCheck = new ShellCheck(path, TimeSpan.FromSeconds(3)) }, TestContext.Current.CancellationToken);

        Assert.Contains(failure, result.ShellCheck?.Failure, StringComparison.Ordinal);
        Assert.False(result.Complete);
        Assert.Contains(result.Findings, f => f.Rule == "DL3003");
    }

    [Fact]
    [Trait("needs", "host")]
    public void ShellCheck_Real_FindsAtThePlacesOfTheFile()
    {
        const string File = """
            FROM a:1
            ARG known
            ENV also=1
            RUN a && \
                # a comment
                echo $known $also $HTTP_PROXY \
                $unknown
            SHELL ["/bin/bash", "-c"]
            RUN [[ -n "$also" ]] && b && c
            RUN <<EOF
            x=1
            echo "$y"
            EOF
            SHELL ["pwsh", "-c"]
            RUN echo $z
            FROM b:1
            RUN [[ -n "$also" ]]
            """;

        LintResult result = Linter.Lint(DockerfileParser.Parse(File), new LintOptions { ShellCheck = ShellCheck.Find(Environment.GetEnvironmentVariable) }, TestContext.Current.CancellationToken);

        Assert.NotNull(result.ShellCheck?.Version);
        Assert.Null(result.ShellCheck.Failure);
        string[] found = [.. result.Findings.Where(f => f.Rule.StartsWith("SC", StringComparison.Ordinal)).Select(f => $"{f.Line}:{f.Column} {f.Rule} {f.Level.Word()}")];
        Assert.Contains("7:5 SC2154 warning", found);
        Assert.Contains("7:5 SC2086 info", found);
        Assert.DoesNotContain(found, f => f.StartsWith("6:", StringComparison.Ordinal) && f.Contains("SC2154", StringComparison.Ordinal));
        Assert.Contains(found, f => f.StartsWith("11:1 SC2034", StringComparison.Ordinal));
        Assert.Contains(found, f => f.StartsWith("12:", StringComparison.Ordinal) && f.Contains("SC2154", StringComparison.Ordinal));
        Assert.DoesNotContain(found, f => f.StartsWith("9:", StringComparison.Ordinal) || f.StartsWith("15:", StringComparison.Ordinal));
        // The shell of the next stage is sh again, which has no [[.
        Assert.Contains(found, f => f.StartsWith("17:5 SC3010", StringComparison.Ordinal));
    }

    [Fact]
    public void ShellCheck_HeredocOfNothingButAnInterpreter_IsHandled()
    {
        LintResult result = Linter.Lint(DockerfileParser.Parse("FROM a:1\nRUN <<E\n#!/bin/bash\nE\n"), new LintOptions { ShellCheck = new ShellCheck("/bin/echo", TimeSpan.FromSeconds(3)) }, TestContext.Current.CancellationToken);

        Assert.NotNull(result.ShellCheck);
    }
}
