using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Plimsoll.EndToEnd;

/// <summary>One call of the built executable, from a clean environment: what a shell on another machine would have.</summary>
internal sealed class Call
{
    /// <summary>No call in these tests takes this long on two busy processors; one that does hangs.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string[] _arguments;

    /// <param name="home">Becomes PLIMSOLL_HOME; null sets none.</param>
    public Call(string? home, params string[] arguments)
    {
        _arguments = arguments;
        Environment = new()
        {
            ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
            ["HOME"] = home,
            ["LANG"] = "C.UTF-8",
            ["PLIMSOLL_HOME"] = home,
            // The runtime that runs these tests; a host's own installation may be elsewhere.
            ["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "../../..")),
        };
    }

    /// <summary>The executable that the build put beside the tests.</summary>
    public static string Executable { get; } = Path.Combine(AppContext.BaseDirectory, "plimsoll");

    public string Program { get; init; } = Executable;

    /// <summary>What runs the program: <c>unshare -n</c>, <c>setpriv …</c>.</summary>
    public string[] Through { get; init; } = [];

    /// <summary>Null removes a variable.</summary>
    public Dictionary<string, string?> Environment { get; }

    public string Folder { get; init; } = "/";

    /// <summary>A file that becomes standard input; without one it is empty.</summary>
    public string? Input { get; init; }

    public Call With(string variable, string? value)
    {
        Environment[variable] = value;
        return this;
    }

    public Outcome Run()
    {
        using Running running = Start();
        return running.End();
    }

    public Running Start(bool keepInputOpen = false)
    {
        string[] line = [.. Through, Program, .. _arguments];
        ProcessStartInfo start = new(line[0], line[1..])
        {
            UseShellExecute = false,
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        start.Environment.Clear();
        foreach ((string name, string? value) in Environment)
            if (value is not null)
                start.Environment[name] = value;
        return new Running(start, Input, keepInputOpen, Patience);
    }
}

/// <summary>A call that has not ended.</summary>
internal sealed class Running : IDisposable
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly TimeSpan _patience;
    private readonly Task<string> _out, _error;
    private readonly Task _input;

    public Running(ProcessStartInfo start, string? input, bool keepInputOpen, TimeSpan patience)
    {
        _patience = patience;
        Process = Process.Start(start) ?? throw new InvalidOperationException("it did not start");
        _out = Process.StandardOutput.ReadToEndAsync();
        _error = Process.StandardError.ReadToEndAsync();
        _input = keepInputOpen ? Task.CompletedTask : Task.Run(() =>
        {
            try
            {
                if (input is not null)
                {
                    using FileStream file = File.OpenRead(input);
                    file.CopyTo(Process.StandardInput.BaseStream);
                }
                Process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It ended without reading all of it, which is its right.
            }
        });
    }

    public Process Process { get; }

    public bool Alive => !Process.HasExited;

    public TimeSpan Elapsed => _clock.Elapsed;

    /// <summary>What Ctrl-C sends.</summary>
    public void Interrupt() => TestKit.Tool.Run("kill", ["-INT", Process.Id.ToString()]);

    public Outcome End()
    {
        if (!Process.WaitForExit(_patience))
        {
            Process.Kill(entireProcessTree: true);
            throw new TimeoutException($"still running after {_patience}: {string.Join(' ', Process.StartInfo.ArgumentList)}");
        }
        _input.GetAwaiter().GetResult();
        return new Outcome(Process.ExitCode, _out.GetAwaiter().GetResult(), _error.GetAwaiter().GetResult(), _clock.Elapsed);
    }

    public void Dispose()
    {
        if (Alive)
            Process.Kill(entireProcessTree: true);
        Process.Dispose();
    }
}

/// <summary>How a call ended.</summary>
internal sealed record Outcome(int Code, string Out, string Error, TimeSpan Took)
{
    private static readonly string[] Traces = ["   at ", "Unhandled exception", "System.", "internal error"];

    /// <summary>The exit code, and what holds for every call: no stack trace, errors in our voice.</summary>
    public Outcome Expect(int code)
    {
        Assert.True(Code == code, $"exit code {Code}, expected {code}\n--- standard error\n{Error}\n--- standard output\n{Tail(Out)}");
        foreach (string trace in Traces)
        {
            Assert.DoesNotContain(trace, Error, StringComparison.Ordinal);
            Assert.DoesNotContain(trace, Out, StringComparison.Ordinal);
        }
        return this;
    }

    /// <summary>A start that docker was refused, for these reasons.</summary>
    public void ExpectRefused(params string[] parts)
    {
        Assert.True(Code != 0, $"it started: {Out}");
        foreach (string part in parts)
            Assert.True(Error.Contains(part, StringComparison.Ordinal), $"wanted {part} in: {Error}");
    }

    /// <summary>The one error, in the form that every error has, and its text.</summary>
    public string ExpectError(params string[] parts)
    {
        string[] errors = [.. Error.Split('\n').Where(l => l.StartsWith("plimsoll: error: ", StringComparison.Ordinal))];
        string error = Assert.Single(errors);
        foreach (string part in parts)
            Assert.Contains(part, error, StringComparison.Ordinal);
        return error;
    }

    /// <summary>Not one word that could be taken for a clean bill.</summary>
    public Outcome ExpectNoCleanBill()
    {
        foreach (string text in (string[])[Out, Error])
        {
            Assert.DoesNotContain("no known vulnerabilities", text, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("没有已知漏洞", text, StringComparison.Ordinal);
        }
        return this;
    }

    /// <summary>The reports of <c>--json</c>.</summary>
    public JsonArray Reports => Document["reports"]!.AsArray();

    public JsonNode Report => Assert.Single(Reports)!;

    public JsonNode Document
    {
        get
        {
            try
            {
                return JsonNode.Parse(Out)!;
            }
            catch (JsonException e)
            {
                throw new InvalidOperationException($"no JSON ({e.Message}); standard error: {Error}\nstandard output: {Tail(Out)}", e);
            }
        }
    }

    private static string Tail(string text) => text.Length > 2000 ? "…" + text[^2000..] : text;
}

/// <summary>What tests ask of a report.</summary>
internal static class ReportNode
{
    /// <summary>package, version, flaw with tabs between, as the oracle prints them: sorted, each once.</summary>
    public static string[] Flaws(this JsonNode report) =>
        [.. report["findings"]!.AsArray().Select(f => $"{f!["package"]!["name"]}\t{f["package"]!["version"]}\t{f["id"]}").Distinct().Order(StringComparer.Ordinal)];

    /// <summary>What the distribution's package manager knows, as <c>dpkg-query</c> would print it.</summary>
    public static string[] Packages(this JsonNode report) =>
        [.. report["packages"]!.AsArray().Where(p => (string?)p!["type"] is "deb" or "apk" or "rpm").Select(p => $"{p!["name"]} {p["version"]} {p["architecture"]} {p["sourceName"]} {p["sourceVersion"]}").Order(StringComparer.Ordinal)];

    public static string[] Notes(this JsonNode report) => [.. report["notes"]!.AsArray().Select(n => (string)n!["code"]!)];
}
