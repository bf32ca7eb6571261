using System.Security.Cryptography;
using System.Text;
using Plimsoll.Docker;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Fuzz;

/// <content>The Docker daemon's answers and the client's own files.</content>
internal static partial class FuzzTargets
{
    private static FuzzTarget DockerHttp
    {
        get
        {
            Daemon daemon = new();
            return new FuzzTarget
            {
                Name = "docker-http",
                Seeds = () =>
                [
                    FakeDaemon.Answer(200, """{"Id":"sha256:00","RepoTags":["a:1"],"RepoDigests":null,"DockerRootDir":"/d","Driver":"overlay2","DriverStatus":[["a","io.containerd.snapshotter.v1"]],"SecurityOptions":["name=userns"]}"""),
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"Id\"\r\n4;x=y\r\n:\"\"}\r\n0\r\nTrailer: x\r\n\r\n"u8.ToArray(),
                    FakeDaemon.Answer(200, "{}", "Api-Version: 1.41"),
                ],
                Words = ["Transfer-Encoding: chunked\r\n", "Content-Length: 5\r\n", "Api-Version: 1.30\r\n", "HTTP/1.1 404 X\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 302 X\r\nLocation: http://x/\r\n", "ffffffff\r\n", "\"message\":", "\"DriverStatus\":[null,[],[null,null]]", "\"SecurityOptions\":[null]", "Content-Encoding: gzip\r\n"],
                Refusal = IsImageError,
                Run = bytes =>
                {
                    using EngineClient client = new(DockerEndpoint.Unix(daemon.Say(bytes)), new EngineOptions
                    {
                        StallTimeout = TimeSpan.FromSeconds(1),
                        ExportTimeout = TimeSpan.FromSeconds(1),
                        ConnectTimeout = TimeSpan.FromSeconds(2),
                        MaxAnswerBytes = 4096,
                        MaxExportBytes = 1 << 20,
                    });
                    Span<byte> buffer = stackalloc byte[4096];
                    using (Stream export = client.Export("a:1", CancellationToken.None))
                        while (export.Read(buffer) > 0)
                            GC.KeepAlive(export);
                    EngineInfo info = client.Info(CancellationToken.None);
                    _ = info.ShiftsUsers | info.UsesContainerd;
                    client.Inspect("a:1", CancellationToken.None);
                },
            };
        }
    }

    private static FuzzTarget DockerFiles
    {
        get
        {
            InputFile config = new("config.json");
            string folder = Path.Combine(config.Folder, "contexts", "meta", Convert.ToHexStringLower(SHA256.HashData("far"u8)));
            return new FuzzTarget
            {
                Name = "docker-files",
                Seeds = () => Utf8("""{"auths":{},"currentContext":"default"}""", """{"Name":"far","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///run/x.sock","SkipTLSVerify":false}}}""", "unix:///run/docker.sock", "tcp://[::1]:2375", "https://example.org", "http://a:1"),
                Words = ["\"currentContext\":\"far\"", "\"Host\":\"tcp://a:1\"", "\"Endpoints\":{\"docker\":null}", "tcp://", "unix://", "ssh://a", "https://", "xn--", "[::1%lo]", ":65536", "@", "\\u0000"],
                Refusal = IsImageError,
                Run = bytes =>
                {
                    Directory.CreateDirectory(folder);
                    config.Write(bytes);
                    File.WriteAllBytes(Path.Combine(folder, "meta.json"), bytes);
                    string host = Encoding.UTF8.GetString(bytes).Replace("\0", "", StringComparison.Ordinal);
                    List<ImageException> refusals = [];
                    foreach ((string name, string value) in new (string, string)[] { ("", ""), ("DOCKER_CONTEXT", "far"), ("DOCKER_HOST", host) })
                        try
                        {
                            DockerEndpoint endpoint = DockerContext.Resolve(v => v == "DOCKER_CONFIG" ? config.Folder : v == name ? value : null, "/");
                            if (endpoint.Tls is null)
                                new EngineClient(endpoint, EngineOptions.Default).Dispose();
                        }
                        catch (ImageException e)
                        {
                            refusals.Add(e);
                        }
                    if (refusals.Count == 3)
                        throw refusals[0];
                },
            };
        }
    }

    /// <summary>A list of mounts, and the store that it names.</summary>
    private static FuzzTarget MountInfo
    {
        get
        {
            string[] folders = [.. "abcd".Select(c => new string(c, 64))];
            Lazy<HostStore> store = new(() =>
            {
                string root = Directory.CreateTempSubdirectory("plimsoll-fuzz-").FullName;
                AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(root, recursive: true);
                Directory.CreateDirectory($"{root}/image/overlay2");
                Directory.CreateDirectory($"{root}/overlay2/l");
                foreach (string folder in (string[])[.. folders, $"{folders[0]}-init", $"{folders[3]}-init"])
                {
                    Directory.CreateDirectory($"{root}/overlay2/{folder}/diff");
                    File.CreateSymbolicLink($"{root}/overlay2/l/{char.ToUpperInvariant(folder[0])}{folder[64..]}", $"../{folder}/diff");
                }
                return new HostStore(root, OciLimits.Default);
            });
            // %: the data root, whose name is another one in each run.
            const string place = "/d/merged", others = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n23 22 0:21 / /d\\040e rw master:3 - tmpfs tmpfs rw\n", start = $"40 22 0:45 / {place} rw,relatime - overlay overlay rw,";
            return new FuzzTarget
            {
                Name = "mountinfo",
                Seeds = () => Utf8($"{others}{start}lowerdir=l/A-init:l/C:l/B,upperdir={folders[0]}/diff,workdir={folders[0]}/work\n", $"{others}{start}lowerdir+=%/overlay2/l/A-init,lowerdir+=%/overlay2/{folders[1]}/diff,upperdir=%/overlay2/{folders[0]}/diff\n", $"{start}lowerdir=/x\\134:y\\054z:/w\\040,upperdir=/u\n"),
                Words = ["l/A", "l/D-init", "l/D", "%/overlay2/", folders[3], "-init", "/diff", "lowerdir=", ",lowerdir+=", ",upperdir=", ",datadir+=", "\\054", "\\072", "\\134", "\\012", "\\040", "\\", ":", " - ", $" {place} ", $" {place}/etc ", "tmpfs", start, "\n"],
                Refusal = IsImageError,
                Run = bytes =>
                {
                    string root = store.Value.Root, text = EntryPath.Decode(bytes).Replace("%", root, StringComparison.Ordinal);
                    MountedRoot mounted = MountedRoot.Parse(text, place, root);
                    WrongAnswerException.Unless(mounted.Lower.Prepend(mounted.Upper).All(f => f.StartsWith('/')), "a folder that is relative");
                    WrongAnswerException.Unless(!text.Contains($" {place}/", StringComparison.Ordinal) || !text.Split('\n').Any(l => l.Split(' ') is [_, _, _, _, var p, ..] && p.StartsWith($"{place}/", StringComparison.Ordinal)), "something is mounted inside");
                    foreach (string lower in (string[])[$"lowerdir={Written(string.Join(':', mounted.Lower.Select(f => f.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal))))}", string.Join(',', mounted.Lower.Select(f => $"lowerdir+={Written(f)}"))])
                    {
                        MountedRoot again = MountedRoot.Parse($"{start}{lower},upperdir={Written(mounted.Upper)}\n", place, root);
                        WrongAnswerException.Unless(again.Upper == mounted.Upper && again.Lower.SequenceEqual(mounted.Lower), $"as a kernel writes them these folders are others: {lower}");
                    }
                    StackedRoot stack;
                    try
                    {
                        stack = store.Value.Read(mounted);
                    }
                    catch (ImageException)
                    {
                        // Right as a list of mounts, and of no folders of the store.
                        return;
                    }
                    WrongAnswerException.Unless(stack.Init == $"{stack.Own}-init" && stack.Own.Length == 64 && stack.Layers.All(l => l.Length == 64 && l != stack.Own), $"{stack} {string.Join(' ', stack.Layers)}");
                },
            };

            static string Written(string name) => string.Concat(name.Select(c => c is ' ' or '\t' or '\n' or '\\' or ',' ? $"\\{Convert.ToString(c, 8).PadLeft(3, '0')}" : $"{c}"));
        }
    }

    /// <summary>Answers every request with the input; the first question now and then too.</summary>
    private sealed class Daemon : IDisposable
    {
        private volatile byte[] _answer = [];
        private FakeDaemon? _daemon;

        /// <returns>Where it listens.</returns>
        public string Say(byte[] answer)
        {
            if (_daemon is null)
            {
                _daemon = new FakeDaemon(async (path, stream, stop) =>
                    await stream.WriteAsync(path == "/_ping" && _answer.Length % 4 != 0 ? FakeDaemon.Ping : _answer, stop));
                AppDomain.CurrentDomain.ProcessExit += (_, _) => Dispose();
            }
            lock (_daemon.Requests)
                _daemon.Requests.Clear();
            _answer = answer;
            return _daemon.SocketPath;
        }

        public void Dispose() => _daemon?.Dispose();
    }
}
