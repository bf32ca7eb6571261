using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.NativeCode;

/// <summary>An installed launcher, a runtime that writes down how it was called, and an agent that answers as a test wants.</summary>
internal sealed class LauncherHost : IDisposable
{
    private const UnixFileMode Rwxr_xr_x = (UnixFileMode)0b111_101_101;

    private readonly TempFolder _folder = new();
    private readonly FakeServer? _agent;
    private readonly List<string> _requests = [];

    /// <param name="answer">Sent to each question, which then ends; null: there is no agent.</param>
    public LauncherHost(NativePrograms programs, string? answer)
        : this(programs, answer is null ? null : stream => stream.Write(Encoding.UTF8.GetBytes(answer)))
    {
    }

    public LauncherHost(NativePrograms programs, Action<NetworkStream>? serve)
    {
        Directory.CreateDirectory(Folder);
        File.SetUnixFileMode(Folder, Rwxr_xr_x);
        File.Copy(programs.Launcher, Path.Combine(Folder, "plimsoll-launcher"));
        File.CreateSymbolicLink(Launcher, "plimsoll-launcher");
        _folder.Write("runtime", Encoding.UTF8.GetBytes($$"""
            #!/bin/sh
            for argument; do printf '%s|' "$argument"; done >'{{_folder["ran"]}}'
            printf '%s' "$MARK" >'{{_folder["environment"]}}'
            [ -z "$READ_FD3" ] || cat <&3
            [ -z "$READ_STDIN" ] || cat
            exit ${CODE:-0}

            """));
        File.SetUnixFileMode(_folder["runtime"], Rwxr_xr_x);
        Directory.CreateDirectory(Bundle);
        Configure();
        if (serve is not null)
            _agent = new FakeServer(Socket, (_, stream) =>
            {
                string request = ReadRequest(stream);
                lock (_requests)
                    _requests.Add(request);
                serve(stream);
            });
    }

    public string this[string name] => _folder[name];

    public string Folder => _folder["lib"];

    public string Launcher => Path.Combine(Folder, "plimsoll");

    public string Configuration => Path.Combine(Folder, "plimsoll.conf");

    public string Bundle => _folder["bundle"];

    public string Socket => _folder["gate.sock"];

    public string Log => _folder["log.json"];

    /// <summary>What the agent was sent, each question whole.</summary>
    public IReadOnlyList<string> Requests
    {
        get
        {
            lock (_requests)
                return [.. _requests];
        }
    }

    /// <summary>The runtime's arguments, each followed by a bar; null when it did not run.</summary>
    public string? Ran => File.Exists(_folder["ran"]) ? File.ReadAllText(_folder["ran"]) : null;

    public string Environment => File.ReadAllText(_folder["environment"]);

    public void Configure(string more = "") => WriteConfiguration($"runtime {_folder["runtime"]}\nsocket {Socket}\n{more}");

    public void WriteConfiguration(string text)
    {
        File.WriteAllText(Configuration, text);
        File.SetUnixFileMode(Configuration, (UnixFileMode)0b110_100_100);
    }

    public Ended Run(params string[] arguments) => Run(arguments, null);

    public Ended Run(string[] arguments, Action<ProcessStartInfo>? change, string? input = null)
    {
        File.Delete(_folder["ran"]);
        ProcessStartInfo start = new(Launcher, arguments) { WorkingDirectory = Bundle };
        change?.Invoke(start);
        return Ended.Of(start, input);
    }

    /// <summary>As containerd's shim calls it.</summary>
    public Ended Create() => Run("--root", "/run/runc", "--log", Log, "--log-format", "json", "create", "--bundle", Bundle, "--pid-file", _folder["pid"], "abc");

    /// <summary>The message that containerd's shim shows: that of the last line whose level is error.</summary>
    public string? LoggedError()
    {
        string? last = null;
        foreach (string line in File.ReadAllLines(Log))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            if (document.RootElement.GetProperty("level").GetString() == "error")
            {
                last = document.RootElement.GetProperty("msg").GetString();
                document.RootElement.GetProperty("time").GetDateTimeOffset();
            }
        }
        return last;
    }

    private static string ReadRequest(Stream stream)
    {
        StringBuilder request = new();
        for (int one; !request.ToString().EndsWith("\n\n", StringComparison.Ordinal) && (one = stream.ReadByte()) >= 0;)
            request.Append((char)one);
        return request.ToString();
    }

    public void Dispose()
    {
        _agent?.Dispose();
        _folder.Dispose();
    }
}
