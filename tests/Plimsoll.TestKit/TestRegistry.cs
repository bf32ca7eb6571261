using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Plimsoll.TestKit;

/// <summary>A docker-registry of the tests' own on the loopback address. Tests that use it carry the trait <c>needs=host</c>.</summary>
public sealed partial class TestRegistry : IDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60), StopTimeout = TimeSpan.FromSeconds(20);

    private readonly TempFolder _folder = new();
    private readonly Process _server;
    private readonly List<string> _log = [];

    /// <param name="storage">Where blobs lie; several registries may have one folder.</param>
    /// <param name="http">Lines below <c>http:</c>, such as <c>tls:</c>, each with its indent.</param>
    /// <param name="auth">Lines below <c>auth:</c>, or empty.</param>
    /// <param name="through">What runs it, such as <c>nsenter</c> with its options; empty for none.</param>
    public TestRegistry(string storage, string http = "", string auth = "", params string[] through)
    {
        string config = _folder.Write("config.yml", System.Text.Encoding.UTF8.GetBytes(
            $"version: 0.1\nlog: {{ level: info, accesslog: {{ disabled: false }} }}\nstorage:\n  filesystem: {{ rootdirectory: {storage} }}\nhttp:\n  addr: 127.0.0.1:0\n{http}\n{(auth.Length > 0 ? "auth:\n" + auth : "")}\n"));
        string[] line = [.. through, "/usr/bin/docker-registry", "serve", config];
        ProcessStartInfo start = new(line[0], line[1..]) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["OTEL_TRACES_EXPORTER"] = "none";
        _server = new Process { StartInfo = start };
        using ManualResetEventSlim listening = new();
        _server.OutputDataReceived += (_, e) => Keep(e.Data, listening);
        _server.ErrorDataReceived += (_, e) => Keep(e.Data, listening);
        _server.Start();
        _server.BeginErrorReadLine();
        _server.BeginOutputReadLine();
        if (!listening.Wait(StartTimeout))
        {
            Dispose();
            throw new InvalidOperationException($"docker-registry did not start: {string.Join('\n', _log)}");
        }
    }

    /// <summary><c>127.0.0.1:PORT</c>.</summary>
    public string Host { get; private set; } = "";

    /// <summary>GETs that were answered with 200 or 206: path and bytes sent.</summary>
    public IReadOnlyList<(string Path, long Bytes)> Served
    {
        get
        {
            lock (_log)
                return [.. _log.Select(line => AccessLine().Match(line)).Where(m => m.Success).Select(m => (m.Groups["path"].Value, long.Parse(m.Groups["bytes"].Value)))];
        }
    }

    /// <summary>Lines of the access log with this text, such as a client's name: also of what was refused.</summary>
    public IReadOnlyList<string> Asked(string part)
    {
        lock (_log)
            return [.. _log.Where(l => l.Contains("HTTP/1.1\"", StringComparison.Ordinal) && l.Contains(part, StringComparison.Ordinal))];
    }

    public void Forget()
    {
        lock (_log)
            _log.Clear();
    }

    [GeneratedRegex("\"GET (?<path>\\S+) HTTP/[0-9.]+\" 20[06] (?<bytes>\\d+) ", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex AccessLine();

    [GeneratedRegex("listening on (?<host>127\\.0\\.0\\.1:\\d+)", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex ListenLine();

    private void Keep(string? line, ManualResetEventSlim listening)
    {
        if (line is null)
            return;
        lock (_log)
            _log.Add(line);
        if (Host.Length == 0 && ListenLine().Match(line) is { Success: true } match)
        {
            Host = match.Groups["host"].Value;
            listening.Set();
        }
    }

    /// <summary>Nobody listens any more.</summary>
    public void Stop()
    {
        if (!_server.HasExited)
        {
            _server.Kill();
            _server.WaitForExit(StopTimeout);
        }
    }

    public void Dispose()
    {
        Stop();
        _server.Dispose();
        _folder.Dispose();
    }
}
