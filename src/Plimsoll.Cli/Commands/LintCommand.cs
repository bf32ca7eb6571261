using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Dockerfiles;
using Plimsoll.Inspect.History;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Sources;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary><c>plimsoll lint</c>: Dockerfiles, or the one that an image's history tells of. Page: docs/verbs/lint.md.</summary>
internal static class LintCommand
{
    private const string Formats = "table, json, sarif";

    public static Command Create(CliContext context)
    {
        Language language = context.Language;
        Argument<string[]> files = new("DOCKERFILE") { Description = Catalogue.HelpDockerfile.In(language), Arity = ArgumentArity.ZeroOrMore };
        Option<string?> image = new("--image") { HelpName = "IMAGE", Description = Catalogue.HelpLintImage.In(language) };
        Option<string?> platform = new("--platform") { HelpName = "PLATFORM", Description = Catalogue.HelpPlatform.In(language) };
        Option<string?> output = new("--output", "-o") { HelpName = "FORMAT[=FILE]", Description = Catalogue.HelpLintOutput.In(language) };
        Option<string?> config = new("--config") { HelpName = "FILE", Description = Catalogue.HelpLintConfig.In(language) };
        Option<string[]> ignore = new("--ignore") { HelpName = "RULE", Description = Catalogue.HelpLintIgnore.In(language), AllowMultipleArgumentsPerToken = false };
        Option<string?> failOn = new("--fail-on") { HelpName = "LEVEL", Description = Catalogue.HelpLintFailOn.In(language) };
        Option<bool> noShellCheck = new("--no-shellcheck") { Description = Catalogue.HelpNoShellCheck.In(language) };
        Option<bool> quiet = new("--quiet", "-q") { Description = Catalogue.HelpQuiet.In(language) };
        Option<string?> lang = new("--lang") { HelpName = "LANG", Description = Catalogue.HelpLang.In(language) };
        Command command = new("lint", Catalogue.LintSummary.In(language)) { files, image, platform, output, config, ignore, failOn, noShellCheck, quiet, lang };
        command.SetAction((line, cancellationToken) => Task.Run(() =>
        {
            string[] names = line.GetValue(files) ?? [];
            RefuseUnknownOptions(names, line, command);
            string? imageName = line.GetValue(image);
            if ((imageName is null) == (names.Length == 0))
                throw CommandException.Usage(imageName is null ? "plimsoll lint needs DOCKERFILE, or --image IMAGE" : "--image and a Dockerfile cannot be named together", "plimsoll lint --help shows how it is used");
            OutputTarget target = TargetOf(line.GetValue(output) ?? "table");
            target.Check();
            LintOptions options = OptionsOf(context, line.GetValue(config), line.GetValue(ignore) ?? [], line.GetValue(failOn));
            if (!line.GetValue(noShellCheck))
                options = options with { ShellCheck = ShellCheck.Find(context.Environment) };
            LintRun run = new(context, options, line.GetValue(quiet));
            return imageName is null ? run.Files(names, target, cancellationToken) : run.Image(imageName, Subject.PlatformOf(line.GetValue(platform)), target, cancellationToken);
        }, cancellationToken));
        return command;
    }

    /// <summary>An option that is not known would otherwise be taken for a file.</summary>
    private static void RefuseUnknownOptions(string[] names, ParseResult line, Command command)
    {
        if (line.Tokens.Any(t => t.Type == TokenType.DoubleDash) || Array.Find(names, n => n.StartsWith('-') && n.Length > 1) is not { } unknown)
            return;
        string bare = unknown.Split('=')[0];
        throw CommandException.Usage($"unknown option {Escape.Quote(bare)}", Suggestion.ForOption(bare, [.. command.Options.Select(o => o.Name)]) ?? "plimsoll lint --help lists the options");
    }

    private static OutputTarget TargetOf(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string format = equals < 0 ? text : text[..equals];
        string? file = equals < 0 ? null : text[(equals + 1)..];
        if (format is not ("table" or "json" or "sarif"))
            throw CommandException.Usage($"--output: unknown format {Escape.Quote(format)}; known formats: {Formats}");
        return file is "" ? throw CommandException.Usage($"--output: no file name after {format}=") : new OutputTarget(format, file == "-" ? null : file);
    }

    private static LintOptions OptionsOf(CliContext context, string? named, string[] ignored, string? failOn)
    {
        LintOptions options = new();
        try
        {
            if (named is not null && !File.Exists(named))
                throw CommandException.Usage($"there is no configuration file {Escape.Quote(named)}");
            if ((named ?? Places(context).FirstOrDefault(File.Exists)) is { } path)
                options = HadolintConfig.Read(path);
        }
        catch (CheckException e)
        {
            throw CommandException.Usage(e.Message, "docs/verbs/lint.md describes the file");
        }
        if (ignored.Length > 0)
            options = options with { Ignored = new HashSet<string>(options.Ignored.Concat(ignored.SelectMany(i => i.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))), StringComparer.Ordinal) };
        if (failOn is not null)
            options = options with
            {
                NoFail = false,
                Threshold = failOn == "none" ? null : LintLevels.Parse(failOn) ?? throw CommandException.Usage($"--fail-on: {Escape.Quote(failOn)} is no level; wanted error, warning, info, style, ignore or none"),
            };
        return options;
    }

    /// <summary>Where hadolint looks, in its order.</summary>
    private static IEnumerable<string> Places(CliContext context)
    {
        string? home = context.Environment("HOME"), config = context.Environment("XDG_CONFIG_HOME");
        foreach (string name in HadolintConfig.Names)
            yield return name;
        foreach (string end in (string[])["yaml", "yml"])
        {
            if (!string.IsNullOrEmpty(config))
                yield return Path.Combine(config, $"hadolint.{end}");
            if (string.IsNullOrEmpty(home))
                continue;
            yield return Path.Combine(home, ".config", $"hadolint.{end}");
            yield return Path.Combine(home, ".hadolint", $"hadolint.{end}");
            yield return Path.Combine(home, "hadolint", $"config.{end}");
            yield return Path.Combine(home, $".hadolint.{end}");
        }
    }

    /// <summary>One call's work.</summary>
    private sealed class LintRun(CliContext context, LintOptions options, bool quiet)
    {
        public int Files(string[] names, OutputTarget target, CancellationToken cancellationToken)
        {
            List<LintedFile> files = [];
            bool unread = false;
            foreach (string name in names.Distinct(StringComparer.Ordinal))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (Read(name) is { } content)
                    files.Add(new LintedFile(name, Linter.Lint(DockerfileParser.Parse(content), options, cancellationToken)));
                else
                    unread = true;
            }
            return Finish(files, null, target, unread);
        }

        public int Image(string name, Platform? platform, OutputTarget target, CancellationToken cancellationToken)
        {
            try
            {
                using Image image = ImageSource.Open(name, new ImageOptions { Platform = platform, Environment = context.Environment, Time = context.Time }, cancellationToken);
                if (Unprivileged.Run(() => ImageHistory.Lint(image, options, context.Time.GetUtcNow(), cancellationToken)) is not { } history)
                    throw new CommandException(ExitCode.Undecided, ImageFailure.Named(name, "no config is known before its layers are read, so there is no history"), "name an image, an archive or a layout, no folder and no stream");
                return Finish([new LintedFile(name, history.Result)], history.Lines, target, unread: false);
            }
            catch (ImageException e)
            {
                throw new CommandException(ExitCode.Undecided, ImageFailure.Named(name, Escape.ForTerminal(e.Message)), ImageFailure.HintOf(name, e), e);
            }
        }

        private byte[]? Read(string name)
        {
            try
            {
                if (name == "-")
                    return Encoding.UTF8.GetBytes(ReadInput());
                if (SmallFile.Read(name, DockerfileLimits.MaxBytes) is { } content)
                    return content;
                context.WriteError($"{Escape.Quote(name)}: longer than {DockerfileLimits.MaxBytes} bytes");
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                context.WriteError($"there is no file {Escape.Quote(name)}", Directory.Exists(name) ? $"name the file in it: {Escape.ForTerminal(name.TrimEnd('/'))}/Dockerfile" : null);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                context.WriteError($"cannot read {Escape.Quote(name)}: {Escape.ForTerminal(e.Message.TrimEnd('.'))}", Directory.Exists(name) ? $"name the file in it: {Escape.ForTerminal(name.TrimEnd('/'))}/Dockerfile" : null);
            }
            return null;
        }

        private string ReadInput()
        {
            char[] buffer = new char[DockerfileLimits.MaxBytes + 1];
            int length = context.In.ReadBlock(buffer);
            // One character over the limit: the parser then says so.
            return new string(buffer, 0, length);
        }

        private int Finish(List<LintedFile> files, IReadOnlyList<DockerfileLine>? rebuilt, OutputTarget target, bool unread)
        {
            byte[] content = target.Format switch
            {
                "json" => LintReport.Json(files),
                "sarif" => LintReport.Sarif(files, AppVersion.Full),
                _ => Encoding.UTF8.GetBytes(Table(files, rebuilt)),
            };
            Subject.Write(context, content, target);
            if (!quiet)
                Remark(files);
            return files.Exists(f => f.Result.Fails(options)) ? ExitCode.Refused
                : unread || files.Exists(f => !f.Result.Complete) ? ExitCode.Undecided
                : ExitCode.Done;
        }

        private void Remark(List<LintedFile> files)
        {
            if (files.Exists(f => f.Result.ShellCheck is { Version: null }))
                context.Error.WriteLine($"plimsoll: note: {Catalogue.LintNoShellCheck.In(context.Language)}");
            foreach (LintedFile file in files)
                if (file.Result.ShellCheck?.Failure is { } failure)
                    context.Error.WriteLine($"plimsoll: {Escape.ForTerminal(file.Name)}: {Catalogue.LintShellCheckFailed.In(context.Language, Escape.ForTerminal(failure))}");
        }

        private string Table(List<LintedFile> files, IReadOnlyList<DockerfileLine>? rebuilt)
        {
            StringBuilder table = new();
            foreach (DockerfileLine line in rebuilt ?? [])
                table.Append(CultureInfo.InvariantCulture, $"{line.Line,4} {(line.Layer is { } layer ? $"[{layer}]" : ""),6}  ").Append(Escape.ForTerminal(line.Text.Replace("\t", "    ", StringComparison.Ordinal))).Append('\n');
            if (rebuilt is not null)
                table.Append('\n');
            foreach (LintedFile file in files)
            {
                if (file.Result.Findings.Count == 0 && file.Result.Complete)
                    table.Append(Catalogue.LintClean.In(context.Language, Escape.ForTerminal(file.Name))).Append('\n');
                HashSet<string> advised = [];
                foreach (LintFinding finding in file.Result.Findings)
                {
                    table.Append(CultureInfo.InvariantCulture, $"{Escape.ForTerminal(file.Name)}:{finding.Line} {finding.Rule} {Word(finding.Level).In(context.Language)}{(context.Language == Language.Chinese ? "：" : ": ")}{Escape.ForTerminal(finding.Message.In(context.Language))}\n");
                    if (finding.Advice is { } advice && advised.Add(finding.Rule))
                        table.Append("    ").Append(advice.In(context.Language)).Append('\n');
                }
            }
            return table.ToString();
        }

        private static Text Word(LintLevel level) => level switch
        {
            LintLevel.Error => Catalogue.LintError,
            LintLevel.Warning => Catalogue.LintWarning,
            LintLevel.Info => Catalogue.LintInfo,
            LintLevel.Style => Catalogue.LintStyle,
            _ => Catalogue.LintIgnore,
        };
    }
}
