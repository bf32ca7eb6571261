using System.CommandLine;
using Plimsoll.Cli.Demo;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary>Runs another command of this program; arguments in, exit code out.</summary>
public delegate Task<int> RunCommand(IReadOnlyList<string> args, CliContext context, CancellationToken cancellationToken);

/// <summary><c>plimsoll demo</c>: every stage that exists, on an image made on the spot, with no network, daemon or root.</summary>
internal static class DemoCommand
{
    public static Command Create(CliContext context, RunCommand run)
    {
        Option<string?> folder = new("--folder") { Description = Catalogue.DemoFolder.In(context.Language), HelpName = "FOLDER" };
        Command command = new("demo", Catalogue.DemoSummary.In(context.Language)) { folder };
        command.SetAction((line, cancellationToken) => RunAsync(context, run, line.GetValue(folder), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(CliContext context, RunCommand run, string? folder, CancellationToken cancellationToken)
    {
        string work = folder ?? TemporaryFolder();
        if (folder is not null && Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw CommandException.Usage($"the folder {Escape.Quote(folder)} is not empty", "name one that does not exist yet");
        try
        {
            return await new Steps(context, run, work).RunAsync(cancellationToken);
        }
        finally
        {
            if (folder is null)
                Directory.Delete(work, recursive: true);
        }
    }

    private static string TemporaryFolder()
    {
        try
        {
            return Directory.CreateTempSubdirectory("plimsoll-demo-").FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Undecided, $"cannot make a folder in {Escape.Quote(Path.GetTempPath())}: {Escape.ForTerminal(e.Message)}",
                "name one with --folder FOLDER", e);
        }
    }

    private sealed class Steps(CliContext context, RunCommand run, string work)
    {
        // The demonstration must not depend on what the user's own database says, nor touch it.
        private readonly CliContext _inner = context.With(name => name == "PLIMSOLL_HOME" ? Path.Combine(work, "home") : Foreign(name) ? null : context.Environment(name));
        private bool _asExpected = true;

        private static bool Foreign(string name) => name.StartsWith("PLIMSOLL_", StringComparison.Ordinal);

        public async Task<int> RunAsync(CancellationToken cancellationToken)
        {
            string image = Path.Combine(work, "image"), second = Path.Combine(work, "second"), tampered = Path.Combine(work, "tampered");
            string suppressions = Path.Combine(work, "suppressions.yaml"), bom = Path.Combine(work, "sbom.json"), report = Path.Combine(work, "report.json"), page = Path.Combine(work, "report.html");
            Say(Catalogue.DemoMake, image);
            DemoImage.Write(image, DemoBuild.First);

            Say(Catalogue.DemoScan);
            await CommandAsync(ExitCode.Undecided, cancellationToken, "scan", $"oci:{image}", "--output", "table", "--output", $"json={report}", "--output", $"html={page}");

            Say(Catalogue.DemoSuppress);
            await File.WriteAllTextAsync(suppressions, "- id: CVE-2023-38545\n  package: curl\n  reason: curl is only used against hosts of our own\n  owner: platform team\n", cancellationToken);
            await CommandAsync(ExitCode.Refused, cancellationToken, "scan", $"oci:{image}", "--suppress", suppressions, "--severity", "critical",
                "--fail-on", "critical");

            Say(Catalogue.DemoLint);
            await CommandAsync(ExitCode.Refused, cancellationToken, "lint", "--image", $"oci:{image}");

            Say(Catalogue.DemoPolicy);
            await CommandAsync(ExitCode.Refused, cancellationToken, "scan", $"oci:{image}", "--policy", "default", "--severity", "critical");

            Say(Catalogue.DemoExplain);
            await CommandAsync(ExitCode.Undecided, cancellationToken, "explain", "CVE-2021-44228", $"oci:{image}");

            Say(Catalogue.DemoBom);
            await CommandAsync(ExitCode.Done, cancellationToken, "sbom", $"oci:{image}", "-o", $"cyclonedx={bom}");
            await CommandAsync(ExitCode.Refused, cancellationToken, "scan", $"sbom:{bom}", "--severity", "critical", "--fail-on", "critical");

            Say(Catalogue.DemoDiff, second);
            DemoImage.Write(second, DemoBuild.Second);
            await CommandAsync(ExitCode.Undecided, cancellationToken, "diff", report, $"oci:{second}");

            string changed = DemoImage.CopyTampered(image, tampered);
            Say(Catalogue.DemoTamper, changed);
            await CommandAsync(ExitCode.Undecided, cancellationToken, "scan", $"oci:{tampered}");

            Say(_asExpected ? Catalogue.DemoDone : Catalogue.DemoUnexpected);
            return _asExpected ? ExitCode.Done : ExitCode.Undecided;
        }

        private void Say(Text text, params ReadOnlySpan<object?> arguments) => context.Out.WriteLine($"\n## {text.In(context.Language, arguments)}\n");

        private async Task CommandAsync(int expected, CancellationToken cancellationToken, params string[] args)
        {
            await context.Out.WriteLineAsync($"$ plimsoll {string.Join(' ', args)}\n");
            await context.Out.FlushAsync(cancellationToken);
            int code = await run(args, _inner, cancellationToken);
            await context.Out.WriteLineAsync($"\n{Catalogue.DemoExitCode.In(context.Language, code)}");
            _asExpected &= code == expected;
        }
    }
}
