using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Plimsoll.TestKit;

/// <param name="Target">As in the request's first line.</param>
/// <param name="Headers">Names in lower case.</param>
public sealed record FakeRequest(string Method, string Target, IReadOnlyDictionary<string, string> Headers, string Body)
{
    /// <summary>The body as it came; <see cref="Body"/> is the same as text.</summary>
    public byte[] Bytes { get; init; } = [];

    /// <summary>A parameter of the query, decoded; null without one.</summary>
    public string? Query(string name) => Target.Contains('?', StringComparison.Ordinal)
        ? Target[(Target.IndexOf('?', StringComparison.Ordinal) + 1)..].Split('&').Select(p => p.Split('=', 2)).Where(p => p[0] == name && p.Length == 2).Select(p => Uri.UnescapeDataString(p[1])).FirstOrDefault()
        : null;

    /// <summary>The target without scheme, host and query.</summary>
    public string Path => (Target.StartsWith("http", StringComparison.Ordinal) ? new Uri(Target).AbsolutePath : Target).Split('?')[0];

    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>First byte that a Range header asks for; 0 without one.</summary>
    public int From => Header("range") is { } range ? int.Parse(range.Split('=', '-')[1], CultureInfo.InvariantCulture) : 0;
}

/// <summary>Listens on the loopback address and answers each HTTP request as the test says, however wrong that is.</summary>
public sealed class FakeRegistry : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<FakeRequest, Stream, CancellationToken, Task> _answer;
    private readonly SslServerAuthenticationOptions? _tls;

    /// <param name="answer">Writes a whole answer to the connection, which is closed afterwards.</param>
    public FakeRegistry(Func<FakeRequest, Stream, CancellationToken, Task> answer, SslServerAuthenticationOptions? tls = null)
    {
        (_answer, _tls) = (answer, tls);
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Serves an image rightly, but for requests that <paramref name="first"/> answers itself.</summary>
    public FakeRegistry(FakeRepository repository, Func<FakeRequest, byte[]?>? first = null, SslServerAuthenticationOptions? tls = null)
        : this(async (request, stream, stop) => await stream.WriteAsync(first?.Invoke(request) ?? repository.Answer(request), stop), tls)
    {
    }

    /// <summary><c>127.0.0.1:PORT</c>.</summary>
    public string Host => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public List<FakeRequest> Requests { get; } = [];

    public IReadOnlyList<FakeRequest> Of(string part)
    {
        lock (Requests)
            return [.. Requests.Where(r => r.Target.Contains(part, StringComparison.Ordinal))];
    }

    public static byte[] Answer(int status, byte[] body, params string[] headers) =>
        [.. Encoding.ASCII.GetBytes($"HTTP/1.1 {status} X\r\n{string.Concat(headers.Select(h => h + "\r\n"))}Connection: close\r\nContent-Length: {body.Length}\r\n\r\n"), .. body];

    public static byte[] Answer(int status, string body = "", params string[] headers) => Answer(status, Encoding.UTF8.GetBytes(body), headers);

    /// <summary>An answer whose length only its end tells.</summary>
    public static byte[] Chunked(byte[] body, params string[] headers) =>
        [.. Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\n{string.Concat(headers.Select(h => h + "\r\n"))}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n"), .. body, .. "\r\n0\r\n\r\n"u8];

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            Stream stream = client.GetStream();
            try
            {
                if (_tls is not null)
                {
                    SslStream secure = new(stream);
                    await secure.AuthenticateAsServerAsync(_tls, _stop.Token);
                    stream = secure;
                }
                if (await ReadRequestAsync(stream) is not { } request)
                    return;
                lock (Requests)
                    Requests.Add(request);
                await _answer(request, stream, _stop.Token);
                await stream.FlushAsync(_stop.Token);
                if (stream is SslStream ssl)
                    await ssl.ShutdownAsync();
                client.Client.Shutdown(SocketShutdown.Send);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException or SocketException or System.Security.Authentication.AuthenticationException)
            {
                // The client gave up, which is what many tests wait for.
            }
            finally
            {
                await stream.DisposeAsync();
            }
        }
    }

    private async Task<FakeRequest?> ReadRequestAsync(Stream stream)
    {
        StringBuilder head = new();
        byte[] one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0)
                return null;
            // A TLS handshake where HTTP is spoken gets what common servers say to it.
            if (head.Length == 0 && one[0] == 0x16)
            {
                await stream.WriteAsync(Answer(400, "Client sent an HTTPS request to an HTTP server."), _stop.Token);
                return null;
            }
            head.Append((char)one[0]);
        }
        string[] lines = head.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Dictionary<string, string> headers = new(StringComparer.Ordinal);
        foreach (string line in lines[1..])
            headers[line.Split(':')[0].ToLowerInvariant()] = line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        byte[] body = headers.GetValueOrDefault("transfer-encoding") == "chunked" ? await ReadChunksAsync(stream)
            : new byte[headers.TryGetValue("content-length", out string? length) ? int.Parse(length, CultureInfo.InvariantCulture) : 0];
        if (!headers.ContainsKey("transfer-encoding"))
            await stream.ReadExactlyAsync(body, _stop.Token);
        string[] parts = lines[0].Split(' ');
        return new FakeRequest(parts[0], parts[1], headers, Encoding.UTF8.GetString(body)) { Bytes = body };
    }

    private async Task<byte[]> ReadChunksAsync(Stream stream)
    {
        using MemoryStream body = new();
        while (true)
        {
            byte[] chunk = new byte[int.Parse(await ReadLineAsync(stream), NumberStyles.HexNumber, CultureInfo.InvariantCulture)];
            await stream.ReadExactlyAsync(chunk, _stop.Token);
            body.Write(chunk);
            await ReadLineAsync(stream);
            if (chunk.Length == 0)
                return body.ToArray();
        }
    }

    private async Task<string> ReadLineAsync(Stream stream)
    {
        StringBuilder line = new();
        byte[] one = new byte[1];
        while (await stream.ReadAsync(one, _stop.Token) > 0 && one[0] != '\n')
            line.Append((char)one[0]);
        return line.ToString().TrimEnd('\r');
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
    }
}

/// <summary>What a registry has of one repository <c>a/b</c>, and the right answers.</summary>
public sealed class FakeRepository
{
    public const string Name = "a/b", Tag = "1";

    private readonly Dictionary<string, (byte[] Bytes, string Type)> _manifests = new(StringComparer.Ordinal);

    public FakeRepository(ImageBuilder image)
    {
        Dictionary<string, byte[]> files = image.LayoutFiles();
        foreach ((string name, byte[] bytes) in files)
            if (name.StartsWith("blobs/sha256/", StringComparison.Ordinal))
                Blobs[$"sha256:{name[13..]}"] = bytes;
        ManifestDigest = (string)JsonNode.Parse(files["index.json"])!["manifests"]![0]!["digest"]!;
        Manifest = Blobs[ManifestDigest];
        Blobs.Remove(ManifestDigest);
        Put(Manifest, OciManifest, Tag);
        Layers = [.. JsonNode.Parse(Manifest)!["layers"]!.AsArray().Select(l => (string)l!["digest"]!)];
    }

    public const string OciManifest = "application/vnd.oci.image.manifest.v1+json", OciIndex = "application/vnd.oci.image.index.v1+json";

    public string ManifestDigest { get; }

    public byte[] Manifest { get; }

    /// <summary>Digests of the layers' blobs, base first.</summary>
    public IReadOnlyList<string> Layers { get; }

    /// <summary>Config and layers by digest.</summary>
    public Dictionary<string, byte[]> Blobs { get; } = new(StringComparer.Ordinal);

    public FakeRepository Put(byte[] manifest, string type, params string[] names)
    {
        foreach (string name in (string[])[.. names, $"sha256:{ImageBuilder.Hex(manifest)}"])
            _manifests[name] = (manifest, type);
        return this;
    }

    public byte[] Answer(FakeRequest request)
    {
        string path = request.Path;
        if (path.StartsWith($"/v2/{Name}/manifests/", StringComparison.Ordinal) && _manifests.TryGetValue(path.Split('/')[^1], out (byte[] Bytes, string Type) manifest))
            return FakeRegistry.Answer(200, manifest.Bytes, $"Content-Type: {manifest.Type}", $"Docker-Content-Digest: sha256:{ImageBuilder.Hex(manifest.Bytes)}");
        if (!path.StartsWith($"/v2/{Name}/blobs/", StringComparison.Ordinal) || !Blobs.TryGetValue(path.Split('/')[^1], out byte[]? blob))
            return FakeRegistry.Answer(404, """{"errors":[{"code":"NAME_UNKNOWN","message":"not here"}]}""");
        int from = request.From;
        return from == 0 ? FakeRegistry.Answer(200, blob)
            : FakeRegistry.Answer(206, blob[from..], $"Content-Range: bytes {from}-{blob.Length - 1}/{blob.Length}");
    }
}
