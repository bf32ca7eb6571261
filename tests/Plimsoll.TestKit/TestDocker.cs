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

    private Process _daemon;
    private readonly string[] _extra;
    private readonly bool _hasNetwork;
    private readonly HttpClient _http;
    private readonly List<string> _log = [];

    public TestDocker()
        : this(NewFolder(), false, [])
    {
    }

    /// <param name="folder">An empty one, as <see cref="NewFolder"/> makes it; removed at the end.</param>
    /// <param name="extra">More arguments for the daemon.</param>
    public static TestDocker In(string folder, params string[] extra) => new(folder, false, extra);

    /// <summary>As <see cref="In"/>, with bridges and firewall rules as Docker makes them, in a network namespace where they are nobody else's.</summary>
    public static TestDocker InOwnNetwork(string folder, params string[] extra) => new(folder, true, extra);

    private TestDocker(string folder, bool hasNetwork, string[] extra)
    {
        (_extra, _hasNetwork) = (extra, hasNetwork);
        Folder = folder;
        _daemon = Begin();
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

    public static string NewFolder() => Directory.CreateTempSubdirectory("plimsoll-docker-").FullName;

    /// <summary>The temporary folder, removed at the end.</summary>
    public string Folder { get; }

    public string Socket => SocketIn(Folder);

    public string DataRoot => DataRootIn(Folder);

    /// <summary>What runs a program in the daemon's network namespace.</summary>
    public string[] Beside => ["nsenter", "--net", "--target", _daemon.Id.ToString()];

    public static string SocketIn(string folder) => Path.Combine(folder, "sock");

    public static string DataRootIn(string folder) => Path.Combine(folder, "data");

    private string ExecRoot => Path.Combine(Folder, "exec");

    private Process Begin()
    {
        // unshare and the shell become the daemon, so that its process is the one that was started.
        string[] before = _hasNetwork ? ["unshare", "--net", "sh", "-c", "busybox ip link set lo up && exec \"$@\"", "sh"] : [], line =
        [
            .. before, Dockerd, "--data-root", DataRoot, "--exec-root", ExecRoot, "--pidfile", Path.Combine(Folder, "pid"), "-H", $"unix://{Socket}",
            "--storage-driver", "overlay2", .. _hasNetwork ? (string[])[] : ["--bridge", "none", "--iptables=false", "--ip6tables=false"], .. _extra,
        ];
        ProcessStartInfo start = new(line[0], line[1..])
        { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true };
        Process daemon = new() { StartInfo = start };
        daemon.OutputDataReceived += (_, e) => Keep(e.Data);
        daemon.ErrorDataReceived += (_, e) => Keep(e.Data);
        daemon.Start();
        daemon.BeginErrorReadLine();
        daemon.BeginOutputReadLine();
        return daemon;
    }

    /// <summary>Ends the daemon and its containers, as a shutdown of the host does.</summary>
    public void Stop()
    {
        Run("kill", "-TERM", _daemon.Id.ToString());
        if (!_daemon.WaitForExit(StopTimeout))
            _daemon.Kill();
        _daemon.WaitForExit();
        _daemon.Dispose();
    }

    /// <summary>Starts it again on the same data.</summary>
    public void Start()
    {
        _daemon = Begin();
        WaitUntilReady();
    }

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
