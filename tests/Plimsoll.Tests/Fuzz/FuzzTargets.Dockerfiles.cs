using System.Text;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Dockerfiles;
using Plimsoll.Inspect.Dockerfiles.Shell;
using Plimsoll.Inspect.History;
using Plimsoll.Inspect.Layers;
using Plimsoll.Oci;

namespace Plimsoll.Tests.Fuzz;

/// <content>Dockerfiles, shell texts and histories.</content>
internal static partial class FuzzTargets
{
    private static readonly string[] ShellWords =
        ["$(", "`", "<<EOF\n", "EOF\n", " | ", "&&", "case x in a) b;; esac", "[[ ", "${x:-", "\\\n", "'", "\"", "<(", "((", "curl https://x | sh", "chmod 4777 ", "sh -c '", "for i in a; do b; done", "> /etc/passwd"];

    private static FuzzTarget DockerfileText => new()
    {
        Name = "dockerfile",
        Seeds = () => Utf8("# syntax=x\n# escape=`\nARG A=1\nFROM --platform=$P a:${A:-2} AS b\n# hadolint ignore=DL3008\nRUN --mount=type=cache,target=/x apt-get install `\n # c\n curl | sh\n",
            "FROM a\nCOPY <<EOF <<-'X' /y/\nz\nEOF\n\tX\nONBUILD RUN <<EOF\nx\nEOF\nENV A=1 B=\"$A\"\nLABEL a.b=c\nCMD [\"x\", \"\\u0041\"]\nHEALTHCHECK --interval=1s CMD x\nSHELL [\"bash\"]\nEXPOSE 1-70000/udp\n"),
        Words = ["FROM ", "RUN ", "COPY --from=", "ONBUILD ", "ENV ", "<<EOF", "[\"", "# hadolint ignore=", "# hadolint global ignore=", "\\\n", "\n", "`\n", "${", "\"", "ARG ", "LABEL "],
        Refusal = Never,
        Run = bytes =>
        {
            Dockerfile file = DockerfileParser.Parse(bytes);
            foreach (Instruction i in file.Instructions)
            {
                WrongAnswerException.Unless(i.Line >= 1 && i.EndLine >= i.Line && i.Keyword.Length > 0, "an instruction without a place");
                WrongAnswerException.Unless(i.Stage < file.Stages.Count, "an instruction of a stage that is none");
            }
            foreach (LintFinding finding in Linter.Lint(file, new LintOptions { TrustedRegistries = ["x"], StrictLabels = true, Labels = new Dictionary<string, LabelForm> { ["a"] = LabelForm.Spdx } }, CancellationToken.None).Findings)
                WrongAnswerException.Unless(finding.Line >= 1 && finding.Column >= 1 && finding.Message.English.Length > 0, $"a finding of {finding.Rule} without place or words");
        },
    };

    private static FuzzTarget ShellText => new()
    {
        Name = "shell",
        Seeds = () => Utf8("set -e; if [ -f x ]; then a | b && c; fi\ncat <<EOF > x\ny\nEOF\n", "for i in a b; do c \"$(d `e`)\"; done; case $x in a|b) c;; *) d;; esac; f() { g; }; f", "A=1 B='2' x <(y) 2>&1 >> z <<< w &"),
        Words = ShellWords,
        Refusal = Never,
        Run = bytes =>
        {
            string text = Encoding.UTF8.GetString(bytes);
            foreach (ShellCommand command in ShellParser.Parse(text).Commands)
            {
                WrongAnswerException.Unless(command.Offset >= 0 && command.Offset <= text.Length, "a command outside of the text");
                _ = command.Plain("x");
                _ = command.Value("u", "uid");
            }
        },
    };

    private static FuzzTarget HistoryLines => new()
    {
        Name = "history",
        Seeds = () => Utf8("/bin/sh -c #(nop) ADD file:1 in / \0-/bin/sh -c #(nop)  CMD [\"sh\"]\0RUN |2 A=1 B=x y /bin/sh -c a; \tb | c # buildkit\0RUN /bin/sh -c x\ny\n # buildkit\0COPY a b # buildkit\0-ENV A=b c\0-EXPOSE map[80/tcp:{}]\0bash",
            "|1 P=q /bin/bash -o pipefail -c curl http://x | sh\0HEALTHCHECK {Test:[CMD x]}\0-SHELL [/bin/sh -c]\0ADD https://x /y # buildkit\0"),
        Words = [.. ShellWords, "\0", "\0-", "RUN ", "/bin/sh -c ", "#(nop) ", "|1 ", " # buildkit", " in /"],
        Refusal = Never,
        Run = bytes =>
        {
            HistoryEntry[] history = [.. Encoding.UTF8.GetString(bytes).Split('\0').Select(l => new HistoryEntry { CreatedBy = l.TrimStart('-'), EmptyLayer = l.StartsWith('-') })];
            int layers = history.Count(h => !h.EmptyLayer);
            using HistoryCheck check = new();
            CheckResult result = check.Judge(new CheckInput
            {
                Image = "x",
                Config = new ImageConfig { History = history },
                Inventory = new Inventory { Layers = [.. Enumerable.Range(0, layers).Select(i => new LayerSummary(i, null, null, null, 0, 0, false))] },
                Now = default,
            }, CancellationToken.None);
            for (int i = 0; i < result.Dockerfile.Count; i++)
                WrongAnswerException.Unless(result.Dockerfile[i].Line == i + 1 && !result.Dockerfile[i].Text.Contains('\n', StringComparison.Ordinal), "a line that is none");
            foreach (Problem problem in result.Problems)
                WrongAnswerException.Unless(problem.Line <= result.Dockerfile.Count && problem.Fingerprint.Length == 32, "a problem outside of the file");
        },
    };

    private static FuzzTarget HadolintYaml => new()
    {
        Name = "hadolint-yaml",
        Seeds = () => Utf8("ignored: [DL3008]\noverride:\n  error: [DL3001]\nlabel-schema:\n  a: text\ntrustedRegistries: x\nno-fail: true\nfailure-threshold: info\n", "# nothing\n"),
        Words = [.. YamlWords, "ignored:", "override:", "label-schema:", "trustedRegistries:", "strict-labels: true"],
        Refusal = e => e is CheckException,
        Run = bytes => _ = HadolintConfig.Parse(Encoding.UTF8.GetString(bytes), "x"),
    };
}
