using System.Diagnostics;
using System.Formats.Tar;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Plimsoll.TestKit;

/// <summary>A Docker daemon of the tests' own: data root, socket and containerd in a temporary folder, no network. Needs root.</summary>
/// <remarks>Tests that use it carry the trait <c>needs=host</c>. One per test collection: it takes some seconds to start.</remarks>
public sealed class TestDocker : IDisposable
{
    private const string Dockerd = "/usr/sbin/dockerd";
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60), StopTimeout = TimeSpan.FromSeconds(20);

    private readonly Process _daemon;
    private readonly HttpClient _http;
    private readonly List<string> _log = [];

    public TestDocker()
    {
        Folder = Directory.CreateTempSubdirectory("plimsoll-docker-").FullName;
        ProcessStartInfo start = new(Dockerd,
        [
            "--data-root", DataRoot, "--exec-root", ExecRoot, "--pidfile", Path.Combine(Folder, "pid"), "-H", $"unix://{Socket}",
            "--storage-driver", "overlay2", "--bridge", "none", "--iptables=false", "--ip6tables=false",
        ])
        { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true };
        _daemon = new Process { StartInfo = start };
        _daemon.OutputDataReceived += (_, e) => Keep(e.Data);
        _daemon.ErrorDataReceived += (_, e) => Keep(e.Data);
        _daemon.Start();
        _daemon.BeginErrorReadLine();
        _daemon.BeginOutputReadLine();
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, stop) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), stop);
                return new NetworkStream(socket, ownsSocket: true);
            },
        })
        { BaseAddress = new Uri("http://docker/"), Timeout = TimeSpan.FromMinutes(2) };
        try
        {
            WaitUntilReady();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The temporary folder, removed at the end.</summary>
    public string Folder { get; }

    public string Socket => Path.Combine(Folder, "sock");

    public string DataRoot => Path.Combine(Folder, "data");

    private string ExecRoot => Path.Combine(Folder, "exec");

    /// <summary>What <c>docker load</c> does with an archive.</summary>
    public void Load(byte[] archive)
    {
        using ByteArrayContent body = new(archive);
        using HttpRequestMessage request = new(HttpMethod.Post, "images/load?quiet=1") { Content = body };
        using HttpResponseMessage answer = _http.Send(request);
        using StreamReader text = new(answer.Content.ReadAsStream());
        string said = text.ReadToEnd();
        if (!answer.IsSuccessStatusCode || said.Contains("errorDetail", StringComparison.Ordinal))
            throw new InvalidOperationException($"docker load: {(int)answer.StatusCode} {said}");
    }

    /// <summary>What <c>docker tag</c> does.</summary>
    public void Tag(string name, string repository, string tag)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, $"images/{name}/tag?repo={repository}&tag={tag}");
        using HttpResponseMessage answer = _http.Send(request);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>A file as a new container of the image has it.</summary>
    public string ReadInContainer(string image, string path)
    {
        using StringContent body = new($$"""{"Image":"{{image}}","Cmd":["x"]}""", Encoding.UTF8, "application/json");
        using HttpRequestMessage create = new(HttpMethod.Post, "containers/create") { Content = body };
        using HttpResponseMessage created = _http.Send(create);
        using StreamReader text = new(created.EnsureSuccessStatusCode().Content.ReadAsStream());
        string id = (string)JsonNode.Parse(text.ReadToEnd())!["Id"]!;
        using HttpRequestMessage copy = new(HttpMethod.Get, $"containers/{id}/archive?path={Uri.EscapeDataString(path)}");
        using HttpResponseMessage copied = _http.Send(copy);
        using TarReader tar = new(copied.EnsureSuccessStatusCode().Content.ReadAsStream());
        using StreamReader content = new(tar.GetNextEntry(copyData: true)!.DataStream!);
        string read = content.ReadToEnd();
        using HttpRequestMessage remove = new(HttpMethod.Delete, $"containers/{id}?force=1");
        using HttpResponseMessage removed = _http.Send(remove);
        return read;
    }

    /// <summary>Forgets an image, so that the next test starts with none of its layers.</summary>
    public void Remove(string name)
    {
        using HttpRequestMessage request = new(HttpMethod.Delete, $"images/{name}?force=1");
        using HttpResponseMessage answer = _http.Send(request);
    }

    private void WaitUntilReady()
    {
        Stopwatch waited = Stopwatch.StartNew();
        using ManualResetEventSlim pause = new();
        while (true)
        {
            if (_daemon.HasExited)
                throw new InvalidOperationException($"dockerd ended with {_daemon.ExitCode}:\n{Log}");
            try
            {
                using HttpRequestMessage ping = new(HttpMethod.Get, "_ping");
                using HttpResponseMessage answer = _http.Send(ping);
                if (answer.IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException) when (waited.Elapsed < StartTimeout)
            {
                // It does not listen yet.
            }
            if (waited.Elapsed > StartTimeout)
                throw new InvalidOperationException($"dockerd was not ready in {StartTimeout}:\n{Log}");
            pause.Wait(100);
        }
    }

    private void Keep(string? line)
    {
        lock (_log)
            if (line is not null)
                _log.Add(line);
    }

    private string Log
    {
        get
        {
            lock (_log)
                return string.Join('\n', _log.TakeLast(40));
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        if (!_daemon.HasExited)
        {
            Run("kill", "-TERM", _daemon.Id.ToString());
            if (!_daemon.WaitForExit(StopTimeout))
                _daemon.Kill();
        }
        // A daemon that was killed leaves its containerd behind.
        string containerd = Path.Combine(ExecRoot, "containerd", "containerd.pid");
        if (File.Exists(containerd))
            Run("kill", "-KILL", File.ReadAllText(containerd).Trim());
        _daemon.WaitForExit();
        _daemon.Dispose();
        foreach (string mount in File.ReadLines("/proc/self/mounts").Select(l => l.Split(' ')[1]).Where(m => m.StartsWith(Folder + "/", StringComparison.Ordinal)).Reverse().ToList())
            Run("umount", "-l", mount);
        Directory.Delete(Folder, recursive: true);
    }

    private static void Run(string command, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(command, arguments) { UseShellExecute = false, RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
    }
}
