using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Dockerfiles.Rules;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Dockerfiles;

/// <summary>ShellCheck as a child process: one script for each RUN, on its standard input.</summary>
/// <remarks>Source of what is declared and left out: hadolint, which links ShellCheck as a library.</remarks>
public sealed class ShellCheck
{
    /// <summary>SC2187: a remark on ash that no Dockerfile can follow; SC1090: asks for a comment inside of the command.</summary>
    private const string Excluded = "2187,1090";

    /// <summary>Bytes of an answer; a RUN of noise may get some hundreds of remarks.</summary>
    private const int MaxAnswerBytes = 8 * 1024 * 1024;

    /// <summary>RUNs of a file that are given to it; each costs some 50 ms.</summary>
    public const int MaxRuns = 500;

    private static readonly string[] Proxies = ["FTP_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ftp_proxy", "http_proxy", "https_proxy", "no_proxy"];

    /// <param name="path">The program; null: it was not found, which the answer then says.</param>
    /// <param name="patience">For one RUN.</param>
    public ShellCheck(string? path, TimeSpan patience) => (Path, Patience) = (path, patience);

    public string? Path { get; }
    public TimeSpan Patience { get; }

    /// <summary>The program in PATH.</summary>
    public static ShellCheck Find(Func<string, string?> environment)
    {
        ArgumentNullException.ThrowIfNull(environment);
        string? path = environment("PATH")?.Split(':').Where(f => f.StartsWith('/')).Select(f => System.IO.Path.Combine(f, "shellcheck")).FirstOrDefault(File.Exists);
        return new ShellCheck(path, TimeSpan.FromSeconds(20));
    }

    internal Engine Check(LintContext context, CancellationToken cancellationToken)
    {
        if (Path is null)
            return new Engine("shellcheck", null, null);
        string? version = null;
        try
        {
            version = VersionOf(Run(["--version"], "", cancellationToken));
            CheckRuns(context, cancellationToken);
            return new Engine("shellcheck", version, context.Runs.Count > MaxRuns ? $"only the first {MaxRuns} of {context.Runs.Count} RUN lines were looked at" : null);
        }
        catch (Exception e) when (e is ShellCheckFailure or JsonException or IOException or FormatException or KeyNotFoundException or InvalidOperationException)
        {
            return new Engine("shellcheck", version ?? "unknown", e.Message);
        }
    }

    private void CheckRuns(LintContext context, CancellationToken cancellationToken)
    {
        Dictionary<Instruction, RunStep> runs = new(ReferenceEqualityComparer.Instance);
        foreach (RunStep run in context.Runs.Take(MaxRuns))
            runs[run.Instruction] = run;
        SortedSet<string> variables = [];
        string shell = "sh";
        foreach (Instruction i in context.Flat)
        {
            if (i.Keyword == "FROM")
            {
                (variables, shell) = (new SortedSet<string>(Proxies, StringComparer.Ordinal), "sh");
            }
            else if (i.Keyword is "ARG" or "ENV" && DockerWords.Pairs(i.Text, context.File.Escape, allowBare: i.Keyword == "ARG", out _) is { } pairs)
                variables.UnionWith(pairs.Select(p => p.Name).Where(IsName));
            else if (i is { Keyword: "SHELL", Json: [var first, ..] })
                shell = Files.NameOf(first);
            else if (runs.TryGetValue(i, out RunStep? run) && i.Json is null && DialectOf(run, shell) is { } dialect)
                CheckRun(context, run, dialect, variables, cancellationToken);
        }
    }

    private void CheckRun(LintContext context, RunStep run, string dialect, SortedSet<string> variables, CancellationToken cancellationToken)
    {
        StringBuilder script = new();
        foreach (string variable in variables)
            script.Append("export ").Append(variable).Append("=1\n");
        int head = variables.Count;
        script.Append(run.Script.Text);
        string answer = Run(["-s", dialect, "-f", "json1", "-e", Excluded, "-S", "style", "-"], script.ToString(), cancellationToken);
        using JsonDocument document = JsonDocument.Parse(answer);
        int[] starts = LineStarts(run.Script.Text);
        foreach (JsonElement comment in document.RootElement.GetProperty("comments").EnumerateArray())
        {
            int line = comment.GetProperty("line").GetInt32() - head, column = comment.GetProperty("column").GetInt32();
            if (line < 1 || line > starts.Length)
                continue;
            (int fileLine, int fileColumn) = LintContext.PlaceOf(run, starts[line - 1] + Math.Max(column, 1) - 1);
            LintLevel level = LintLevels.Parse(comment.GetProperty("level").GetString() ?? "") ?? LintLevel.Error;
            string message = comment.GetProperty("message").GetString() ?? "";
            message = message.TrimEnd('.');
            context.Add($"SC{comment.GetProperty("code").GetInt32()}", level, fileLine, fileColumn, new Text(message, message), null);
        }
    }

    private static int[] LineStarts(string text)
    {
        List<int> starts = [0];
        for (int i = 0; i < text.Length; i++)
            if (text[i] == '\n')
                starts.Add(i + 1);
        return [.. starts];
    }

    private static bool IsName(string name) => name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    /// <summary>The dialect by a heredoc's first line or SHELL; null for a shell that ShellCheck does not know.</summary>
    private static string? DialectOf(RunStep run, string shell)
    {
        string text = run.Script.Text;
        if (LintContext.IsBareHeredoc(run.Instruction) && text.StartsWith("#!", StringComparison.Ordinal))
            shell = Files.NameOf(text[2..].Split('\n')[0].Trim().Replace("/usr/bin/env ", "", StringComparison.Ordinal).Split(' ')[0]);
        return shell switch
        {
            "sh" or "ash" or "busybox" => "sh",
            "bash" or "dash" or "ksh" => shell,
            _ => null,
        };
    }

    private static string? VersionOf(string answer)
    {
        foreach (string line in answer.Split('\n'))
            if (line.StartsWith("version: ", StringComparison.Ordinal))
                return line["version: ".Length..].Trim();
        throw new ShellCheckFailure($"shellcheck --version answered {Escape.Quote(answer.Trim())}");
    }

    /// <summary>Standard output. 0 and 1 (remarks were made) are its good exit codes.</summary>
    /// <exception cref="ShellCheckFailure">It cannot be started, took too long, said too much, or failed.</exception>
    private string Run(string[] arguments, string input, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new(Path!, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // SHELLCHECK_OPTS and ~/.shellcheckrc would change what a finding is from host to host.
        start.Environment.Clear();
        start.Environment["PATH"] = "/usr/local/bin:/usr/bin:/bin";
        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment["HOME"] = "/nonexistent";
        start.WorkingDirectory = "/";
        using Process process = Start(start);
        using CancellationTokenRegistration cancelled = cancellationToken.Register(static p => Kill((Process)p!), process);
        using MemoryStream answer = new();
        Thread reader = new(() => Drain(process.StandardOutput.BaseStream, answer, process)) { IsBackground = true };
        Thread errors = new(() => Drain(process.StandardError.BaseStream, null, process)) { IsBackground = true };
        reader.Start();
        errors.Start();
        // A child that does not read must not keep us: the writing has a thread of its own too.
        Thread writer = new(() => Write(process, input)) { IsBackground = true };
        writer.Start();
        bool ended = process.WaitForExit(Patience);
        if (!ended)
            Kill(process);
        process.WaitForExit(TimeSpan.FromSeconds(5));
        reader.Join(TimeSpan.FromSeconds(5));
        cancellationToken.ThrowIfCancellationRequested();
        if (!ended)
            throw new ShellCheckFailure($"no answer within {Patience.TotalSeconds:0.###} s");
        lock (answer)
        {
            if (answer.Length > MaxAnswerBytes)
                throw new ShellCheckFailure($"an answer longer than {MaxAnswerBytes} bytes");
            return process.ExitCode is 0 or 1 ? Encoding.UTF8.GetString(answer.GetBuffer(), 0, (int)answer.Length) : throw new ShellCheckFailure($"exit code {process.ExitCode}");
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (ExternalException e)
        {
            throw new ShellCheckFailure($"it cannot be started: {e.Message}", e);
        }
    }

    private static void Write(Process process, string input)
    {
        try
        {
            process.StandardInput.BaseStream.Write(Encoding.UTF8.GetBytes(input));
            process.StandardInput.Close();
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // It ended without reading; its exit code says why.
        }
    }

    private static void Drain(Stream from, MemoryStream? into, Process process)
    {
        byte[] buffer = new byte[16 * 1024];
        try
        {
            for (int got; (got = from.Read(buffer)) > 0;)
            {
                if (into is null)
                    continue;
                lock (into)
                    into.Write(buffer, 0, got);
                if (into.Length > MaxAnswerBytes)
                {
                    Kill(process);
                    return;
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // It was ended; what came so far is judged.
        }
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It ended by itself in between.
        }
    }

    private sealed class ShellCheckFailure(string message, Exception? inner = null) : Exception(message, inner);
}
