using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Docker;

/// <summary>Where a daemon listens and what said so.</summary>
/// <param name="SocketPath">A unix socket, or null.</param>
/// <param name="Host">Name or address for TCP, or null.</param>
/// <param name="Tls">Null for a unix socket, and for TCP without TLS as somebody typed it in DOCKER_HOST.</param>
/// <param name="From">The setting that this came from, for messages.</param>
public sealed record DockerEndpoint(string? SocketPath, string? Host, int Port, DockerTls? Tls, string From)
{
    /// <summary>What listens there, for messages.</summary>
    public string Service { get; init; } = "the Docker daemon";

    /// <summary>How to go on when nobody listens.</summary>
    public string HowToStart { get; init; } = "start Docker (systemctl start docker), or say where it listens with DOCKER_HOST or docker context use";

    /// <summary>The command that lists and pulls its images.</summary>
    public string ListAndPull { get; init; } = "docker";

    /// <summary>As Docker writes it: <c>unix:///run/docker.sock</c> or <c>tcp://host:2376</c>.</summary>
    public override string ToString() => SocketPath is null ? $"tcp://{Host}:{Port}" : $"unix://{SocketPath}";

    public static DockerEndpoint Unix(string path, string from = "the default") => new(path, null, 0, null, from);
}

/// <summary>PEM files: the authority that signed the daemon's certificate, and the client's own certificate and key.</summary>
/// <param name="Ca">Null: the system's authorities.</param>
/// <param name="Certificate">Null: no client certificate.</param>
public sealed record DockerTls(string? Ca, string? Certificate, string? Key);

/// <summary>Finds the daemon that the user's <c>docker</c> command would talk to.</summary>
/// <remarks>
/// In the order of Docker's client: DOCKER_HOST, DOCKER_CONTEXT, <c>currentContext</c> of config.json, then
/// <c>unix:///var/run/docker.sock</c>. Source: docker/cli, cli/command/cli.go and cli/context/store.
/// </remarks>
public static class DockerContext
{
    public const string DefaultSocket = "/var/run/docker.sock";
    private const int TlsPort = 2376, PlainPort = 2375;

    /// <summary>Bytes of config.json and of a context's meta.json.</summary>
    private const int MaxFileBytes = 4 * 1024 * 1024;

    /// <param name="environment">Answers null for what is not set.</param>
    /// <param name="home">The user's home folder.</param>
    /// <exception cref="ImageException">Unsupported (ssh and other ways), NotFound (no such context), or Malformed.</exception>
    public static DockerEndpoint Resolve(Func<string, string?> environment, string home)
    {
        string config = Value(environment("DOCKER_CONFIG")) ?? Path.Combine(home, ".docker");
        if (Value(environment("DOCKER_HOST")) is { } host)
        {
            DockerTls? tls = Value(environment("DOCKER_TLS_VERIFY")) is null
                ? null : TlsIn(Value(environment("DOCKER_CERT_PATH")) ?? config);
            return Parse(host, tls, "DOCKER_HOST");
        }
        string file = Path.Combine(config, "config.json");
        (string? name, string from) = Value(environment("DOCKER_CONTEXT")) is { } named ? (named, "DOCKER_CONTEXT")
            : (Value(Read(file, DockerJson.Default.ClientConfig)?.CurrentContext), file);
        return name is null or "default"
            ? DockerEndpoint.Unix(DefaultSocket)
            : OfContext(name, config, $"context {Escape.Quote(name)} ({from})");
    }

    private static DockerEndpoint OfContext(string name, string config, string from)
    {
        // A context's folder is named after the hash of its name, so no name leads out of it.
        string id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
        string file = Path.Combine(config, "contexts", "meta", id, "meta.json");
        ContextMeta meta = Read(file, DockerJson.Default.ContextMeta)
            ?? throw new ImageException(ImageError.NotFound, $"{from}: {file} does not exist", "docker context ls shows the contexts that there are");
        if (meta.Endpoints?.GetValueOrDefault("docker") is not { Host: { Length: > 0 } host } endpoint)
            throw new ImageException(ImageError.Malformed, $"{from}: {file} names no docker endpoint");
        if (endpoint.SkipTLSVerify)
            throw new ImageException(ImageError.Unsupported, $"{from} asks not to verify the daemon's certificate, which is not done here",
                "give the context the authority that signed it (docker context update --docker ca=…)");
        string tlsFolder = Path.Combine(config, "contexts", "tls", id, "docker");
        DockerTls? tls = Directory.Exists(tlsFolder) ? TlsIn(tlsFolder) : null;
        DockerEndpoint found = Parse(host, tls, from);
        if (found is { SocketPath: null, Tls: null })
            throw new ImageException(ImageError.Unsupported, $"{from}: {found} has no TLS, so anybody on the way could answer in the daemon's place",
                $"add TLS material to the context, or set DOCKER_HOST={found} if that is what you want");
        return found;
    }

    private static DockerEndpoint Parse(string text, DockerTls? tls, string from)
    {
        if (text.StartsWith("unix://", StringComparison.Ordinal) && text.Length > 7)
            return DockerEndpoint.Unix(text[7..], from);
        // Docker takes the local socket for these two as well.
        if (text is "unix://" or "unix:")
            return DockerEndpoint.Unix(DefaultSocket, from);
        if (text.StartsWith("ssh://", StringComparison.Ordinal))
            throw new ImageException(ImageError.Unsupported, $"{from}: {Escape.Quote(text)}: a daemon behind ssh is not read",
                "run this on that host, or forward its socket (ssh -L /tmp/docker.sock:/var/run/docker.sock HOST) and set DOCKER_HOST=unix:///tmp/docker.sock");
        bool https = text.StartsWith("https://", StringComparison.Ordinal);
        if (!https && !text.StartsWith("tcp://", StringComparison.Ordinal) && !text.StartsWith("http://", StringComparison.Ordinal))
            throw new ImageException(ImageError.Unsupported, $"{from}: {Escape.Quote(text)} is no address of a daemon that is known here",
                "unix:///PATH and tcp://HOST:PORT are");
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0 || uri.AbsolutePath is not ("" or "/") || HostOf(uri) is not { } host)
            throw new ImageException(ImageError.Malformed, $"{from}: {Escape.Quote(text)} is no address: wanted tcp://HOST:PORT");
        if (https)
            tls ??= new DockerTls(null, null, null);
        int port = uri.IsDefaultPort || uri.Port < 0 ? tls is null ? PlainPort : TlsPort : uri.Port;
        return new DockerEndpoint(null, host, port, tls, from);
    }

    /// <summary>Null for a host that cannot be written in ASCII, which shows only when it is asked for.</summary>
    private static string? HostOf(Uri uri)
    {
        try
        {
            return uri.IdnHost;
        }
        catch (UriFormatException)
        {
            return null;
        }
    }

    private static DockerTls TlsIn(string folder)
    {
        return new DockerTls(Existing("ca.pem"), Existing("cert.pem"), Existing("key.pem"));

        string? Existing(string name) => Path.Combine(folder, name) is var path && File.Exists(path) ? path : null;
    }

    private static string? Value(string? text) => string.IsNullOrEmpty(text) ? null : text;

    /// <returns>Null when the file does not exist.</returns>
    private static T? Read<T>(string path, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1);
            byte[] bytes = new byte[Math.Min(file.Length, MaxFileBytes + 1)];
            if (bytes.Length > MaxFileBytes)
                throw new ImageException(ImageError.LimitExceeded, $"{path} is longer than {MaxFileBytes} bytes");
            int length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return JsonSerializer.Deserialize(bytes.AsSpan(0, length), type);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new ImageException(ImageError.Malformed, $"{path}: no valid JSON of the expected form at line {e.LineNumber + 1}", inner: e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ImageException(ImageError.AccessDenied, $"{path}: {e.Message}", inner: e);
        }
    }
}
