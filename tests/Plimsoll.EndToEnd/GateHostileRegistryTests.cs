using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>A registry that policy names and that wants the agent no good: the start is refused by name, soon and for little memory, and others start meanwhile.</summary>
[Trait("needs", "host")]
[Collection(nameof(AloneCollection))]
public sealed class GateHostileRegistryTests(RegistryGate gate) : IClassFixture<RegistryGate>
{
    private const string Ok = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/vnd.oci.image.index.v1+json\r\n";

    /// <summary>A registry in front of another, which answers the agent as a test says once it is armed.</summary>
    private sealed class Hostile : IDisposable
    {
        private readonly FakeRegistry _server;
        private readonly HttpClient _right = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
        private long _sent;
        private volatile bool _armed;

        /// <param name="answer">Says whether it answered; else the other registry does.</param>
        public Hostile(TestRegistry right, Func<Hostile, FakeRequest, Stream, CancellationToken, Task<bool>> answer) => _server = new FakeRegistry(async (request, stream, stop) =>
        {
            if (!(_armed && request.Header("user-agent")?.StartsWith("plimsoll/", StringComparison.Ordinal) == true && await answer(this, request, stream, stop)))
                await stream.WriteAsync(await ForwardAsync(right.Host, request, stop), stop);
        });

        public string Host => _server.Host;

        /// <summary>Bytes that somebody took of what never ends.</summary>
        public long Sent => Interlocked.Read(ref _sent);

        public void Arm(bool armed)
        {
            lock (_server.Requests)
                _server.Requests.Clear();
            _armed = armed;
        }

        public IReadOnlyList<FakeRequest> Asked => _server.Of("");

        /// <summary>Writes until nobody reads any more.</summary>
        public async Task<bool> PourAsync(string head, bool chunked, Stream stream, CancellationToken stop)
        {
            byte[] blanks = Encoding.ASCII.GetBytes(new string(' ', 64 * 1024)), chunk = chunked ? [.. "10000\r\n"u8, .. blanks, .. "\r\n"u8] : blanks;
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head + "\r\n"), stop);
            while (true)
            {
                await stream.WriteAsync(chunk, stop);
                Interlocked.Add(ref _sent, chunk.Length);
            }
        }

        private async Task<byte[]> ForwardAsync(string host, FakeRequest request, CancellationToken stop)
        {
            using HttpRequestMessage asked = new(new HttpMethod(request.Method), $"http://{host}{request.Target}");
            if (request.Bytes.Length > 0 || request.Method is "POST" or "PUT" or "PATCH")
                asked.Content = new ByteArrayContent(request.Bytes);
            // With its own host: the registry names places of uploads by it.
            foreach ((string name, string value) in request.Headers)
                if (name is not ("connection" or "transfer-encoding" or "content-length" or "accept") && !asked.Headers.TryAddWithoutValidation(name, value))
                    asked.Content?.Headers.TryAddWithoutValidation(name, value);
            // Each in a line of its own, of which the last is known here.
            asked.Headers.TryAddWithoutValidation("Accept", "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json");
            using HttpResponseMessage answer = await _right.SendAsync(asked, stop);
            byte[] body = await answer.Content.ReadAsByteArrayAsync(stop);
            StringBuilder head = new($"HTTP/1.1 {(int)answer.StatusCode} X\r\nConnection: close\r\n");
            foreach (HttpHeaders headers in (HttpHeaders[])[answer.Headers, answer.Content.Headers])
                foreach ((string name, IEnumerable<string> values) in headers)
                    if (name is not ("Connection" or "Transfer-Encoding" or "Content-Length"))
                        head.Append(CultureInfo.InvariantCulture, $"{name}: {string.Join(", ", values)}\r\n");
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {(request.Method == "HEAD" ? answer.Content.Headers.ContentLength ?? 0 : body.Length)}\r\n\r\n");
            return [.. Encoding.ASCII.GetBytes(head.ToString()), .. body];
        }

        public void Dispose()
        {
            _server.Dispose();
            _right.Dispose();
        }
    }

    private static async Task<bool> SayAsync(Stream stream, byte[] answer, CancellationToken stop)
    {
        await stream.WriteAsync(answer, stop);
        return true;
    }

    private static byte[] Referrers(int count, string? next) => FakeRegistry.Answer(200,
        $$"""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{string.Join(',', Enumerable.Range(0, count).Select(i => $$"""{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:{{i:x64}}","size":500,"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"}"""))}}]}""",
        [.. (string[])["Content-Type: application/vnd.oci.image.index.v1+json"], .. next is null ? (string[])[] : [$"Link: <{next}>; rel=\"next\""]]);

    /// <summary>What the kernel knows of the agent's memory at its most.</summary>
    private long PeakMebibytes() =>
        long.Parse(File.ReadLines($"/proc/{gate.Host.AgentId}/status").Single(l => l.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) >> 10;

    /// <summary>Puts a policy into force that takes images of that registry, of the right one, and of none.</summary>
    private void Policy(Hostile hostile) => gate.Host.Policy($$"""
        policy: 1
        name: host
        trust:
          keys: {release: {file: release.pub}, host: {file: policy.pub} }
          images:
          - names: ["{{hostile.Host}}/**", "{{gate.Registry.Host}}/**", "registry.example/**"]
            signatures: {keys: [release, host], match: any}
            inspection: none
            measurement: required
        start:
          evidence: {registries: ["{{hostile.Host}}/prod/**", "{{gate.Registry.Host}}/prod/**"], plain-http: ["{{hostile.Host}}"]}
        """);

    private SavedImage Push(Hostile hostile, string name)
    {
        SavedImage image = gate.Host.Image(name);
        image.Tag = $"{hostile.Host}/prod/{name}:1";
        Tool.Run("skopeo", ["copy", "--quiet", "--dest-tls-verify=false", $"docker-archive:{gate.Folder.Write($"{name}.tar", image.Build())}", $"docker://{image.Tag}"]);
        return image;
    }

    [Theory]
    [InlineData("endless", "signature/", "MaxManifestBytes")]
    [InlineData("gigantic", "signature/", "MaxManifestBytes")]
    [InlineData("elsewhere", "signature/", "MaxRedirects")]
    [InlineData("referrers", "plimsoll: ", "MaxManifestBytes")]
    [InlineData("pages", "plimsoll: ", "MaxPages")]
    [InlineData("thousands", "plimsoll: ", "MaxReferrers")]
    [InlineData("hangs", "signature/", "did not answer")]
    public async Task Run_RegistryThat_IsRefusedByNameAndOthersStartMeanwhileAsync(string what, string code, string reason)
    {
        using TestRegistry registry = new(gate.Folder[$"storage-hostile-{what}"]);
        using FakeRegistry other = new((request, stream, stop) => stream.WriteAsync(FakeRegistry.Answer(307, "", $"Location: {request.Query("back")}"), stop).AsTask());
        int pages = 0;
        using Hostile hostile = new(registry, (self, request, stream, stop) => what switch
        {
            "endless" => self.PourAsync(Ok + "Transfer-Encoding: chunked\r\n", true, stream, stop),
            "gigantic" => self.PourAsync(Ok + "Content-Length: 1099511627776\r\n", false, stream, stop),
            "elsewhere" => SayAsync(stream, FakeRegistry.Answer(307, "", $"Location: http://{other.Host}/?back={Uri.EscapeDataString($"http://{self.Host}{request.Target}")}"), stop),
            "hangs" => Task.Delay(Timeout.Infinite, stop).ContinueWith(_ => true, TaskScheduler.Default),
            _ when !request.Path.Contains("/referrers/", StringComparison.Ordinal) => Task.FromResult(false),
            "referrers" => SayAsync(stream, Referrers(100_000, null), stop),
            "pages" => SayAsync(stream, Referrers(1, $"{request.Path}?page={Interlocked.Increment(ref pages)}"), stop),
            _ => SayAsync(stream, Referrers(10_000, null), stop),
        });
        Policy(hostile);
        SavedImage image = Push(hostile, $"hostile-{what}"), neighbour = gate.Host.Signed($"neighbour-{what}");
        gate.Sign(image.Tag);
        // Before the image arrives, which is when the agent asks first.
        Assert.Equal("it runs\n", gate.Host.Start(neighbour).Expect(0).Out);
        long peak = PeakMebibytes();
        hostile.Arm(true);
        gate.Pull(image.Tag);

        Task<Outcome> refused = Task.Run(() => gate.Run(image.Tag));
        GatedHost.Await(() => hostile.Asked.Count > 0, () => "the agent asks nobody");
        Assert.Equal("it runs\n", gate.Host.Start(neighbour).Expect(0).Out);
        (await refused).ExpectRefused(code, hostile.Host, reason);
        Assert.InRange(hostile.Sent, 0, 256L << 20);
        // The kernel counts by processor and sums up now and then: its most may be less a moment later.
        Assert.InRange(PeakMebibytes() - peak, -64, 256);
        Assert.All(other.Of(""), r => Assert.Null(r.Header("authorization")));

        // The twin: the same registry once it answers as it should.
        hostile.Arm(false);
        GatedHost.Await(() => gate.Run(image.Tag).Code == 0, () => gate.Run(image.Tag).Error);
    }

    [Fact]
    public async Task Run_ManyImagesOfARegistryThatHangs_LeaveAnotherRegistryItsTurnAsync()
    {
        using TestRegistry registry = new(gate.Folder["storage-hostile-many"]);
        using Hostile hostile = new(registry, (_, _, _, stop) => Task.Delay(Timeout.Infinite, stop).ContinueWith(_ => true, TaskScheduler.Default));
        Policy(hostile);
        SavedImage[] many = [.. Enumerable.Range(0, 6).Select(i => Push(hostile, $"hostile-many-{i}"))];
        SavedImage image = gate.Push("hostile-other");
        gate.Sign(image.Tag);
        gate.Pull(image.Tag);
        GatedHost.Await(() => gate.Run(image.Tag).Code == 0, () => gate.Run(image.Tag).Error);
        // As if it had never been fetched.
        gate.Host.StopAgent();
        Directory.Delete(Path.Combine(gate.Host.State, "fetched"), recursive: true);
        gate.Host.StartAgentAgain();
        hostile.Arm(true);
        foreach (SavedImage one in many)
            gate.Pull(one.Tag);

        Task<Outcome>[] refused = [.. many.Select(one => Task.Run(() => gate.Run(one.Tag)))];
        GatedHost.Await(() => hostile.Asked.Count(r => r.Header("user-agent")?.StartsWith("plimsoll/", StringComparison.Ordinal) == true) >= 4, () => "the agent asks nobody");
        Assert.Equal("it runs\n", gate.Run(image.Tag).Expect(0).Out);
        foreach (Outcome outcome in await Task.WhenAll(refused))
            outcome.ExpectRefused("signature/", hostile.Host, "did not answer");
    }
}
