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

        private const string Repository = "registry.example/team/app", KeyName = "demo-release";

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

            await SignAndVerifyAsync(image, cancellationToken);

            await StartAsync(cancellationToken);

            string changed = DemoImage.CopyTampered(image, tampered);
            Say(Catalogue.DemoTamper, changed);
            await CommandAsync(ExitCode.Undecided, cancellationToken, "scan", $"oci:{tampered}");
            await CommandAsync(ExitCode.Refused, cancellationToken, "verify", $"oci:{tampered}", "--as", Repository, "--policy", Path.Combine(work, "production.yaml"));

            Say(_asExpected ? Catalogue.DemoDone : Catalogue.DemoUnexpected);
            return _asExpected ? ExitCode.Done : ExitCode.Undecided;
        }

        /// <summary>From a new key to an image that a policy lets pass, and an archive of it that carries all of that over an air gap.</summary>
        private async Task SignAndVerifyAsync(string image, CancellationToken cancellationToken)
        {
            string passphrase = Path.Combine(work, "passphrase"), key = Path.Combine(work, "release.pub"), policy = Path.Combine(work, "production.yaml");
            Say(Catalogue.DemoMeasure);
            await CommandAsync(ExitCode.Done, cancellationToken, "measure", $"oci:{image}", "--no-store");

            Say(Catalogue.DemoKey);
            await File.WriteAllTextAsync(passphrase, "a demonstration keeps no secrets\n", cancellationToken);
            await CommandAsync(ExitCode.Done, cancellationToken, "key", "generate", KeyName, "--passphrase-file", passphrase);
            await CommandAsync(ExitCode.Done, cancellationToken, "key", "export", KeyName, "--public", "--output", key);

            Say(Catalogue.DemoSign);
            string[] sign = ["sign", $"oci:{image}", "--key", KeyName, "--passphrase-file", passphrase, "--identity", Repository];
            await CommandAsync(ExitCode.Refused, cancellationToken, sign);
            Say(Catalogue.DemoOverride);
            await CommandAsync(ExitCode.Done, cancellationToken, [.. sign, "--override", "demonstration"]);

            Say(Catalogue.DemoVerify);
            await File.WriteAllTextAsync(policy, $"""
                policy: 1
                name: production
                trust:
                  keys:
                    release: {"{file: release.pub}"}
                  images:
                  - names: [{Repository}]
                    signatures: {"{keys: [release]}"}
                    measurement: required
                    overridden: warn

                """, cancellationToken);
            await CommandAsync(ExitCode.Done, cancellationToken, "verify", $"oci:{image}", "--as", Repository, "--policy", policy);
            await CommandAsync(ExitCode.Refused, cancellationToken, "verify", $"oci:{image}", "--as", "registry.example/other/app", "--policy", policy);

            Say(Catalogue.DemoCopy);
            string archive = $"oci-archive:{Path.Combine(work, "app.tar")}";
            await CommandAsync(ExitCode.Done, cancellationToken, "copy", $"oci:{image}", archive);
            await CommandAsync(ExitCode.Done, cancellationToken, "verify", archive, "--as", Repository, "--policy", policy);
        }

        /// <summary>What a gated Docker host would say to requests that reach it; the gate itself needs root and a daemon.</summary>
        private async Task StartAsync(CancellationToken cancellationToken)
        {
            string host = Path.Combine(work, "host.yaml"), starts = Path.Combine(work, "starts.yaml");
            Say(Catalogue.DemoStart);
            await File.WriteAllTextAsync(host, "policy: 1\nname: host\nstart: default\n", cancellationToken);
            const string limits = """
                "Memory": 536870912, "NanoCpus": 1000000000, "PidsLimit": 200
                """;
            await File.WriteAllTextAsync(starts, $$$"""
                tests: 1
                cases:
                - name: a web service with a published port starts
                  start:
                    names: ["{{{Repository}}}:1"]
                    body: '{"HostConfig": {"PortBindings": {"8080/tcp": [{"HostPort": "8080"}]}, {{{limits}}}}}'
                  expect: {outcome: passed}
                - name: a privileged one is refused
                  start:
                    names: ["{{{Repository}}}:1"]
                    body: '{"HostConfig": {"Privileged": true, {{{limits}}}}}'
                  expect: {outcome: refused, reasons: [privileged]}
                - name: one that mounts the engine's socket by a path that leads there is refused
                  start:
                    names: ["{{{Repository}}}:1"]
                    body: '{"HostConfig": {"Binds": ["/srv/../run/docker.sock:/s"], {{{limits}}}}}'
                  expect: {outcome: refused, reasons: [engine-socket]}

                """, cancellationToken);
            await CommandAsync(ExitCode.Done, cancellationToken, "policy", "test", host, starts);
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
