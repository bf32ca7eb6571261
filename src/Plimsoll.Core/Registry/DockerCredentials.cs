using System.Text;
using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Registry;

/// <summary>Looks up credentials where <c>docker login</c> and <c>podman login</c> put them.</summary>
/// <remarks>
/// DOCKER_AUTH_CONFIG (the content of such a file), else the file that REGISTRY_AUTH_FILE names, else
/// <c>config.json</c> in DOCKER_CONFIG or <c>~/.docker</c>, else <c>containers/auth.json</c> in XDG_RUNTIME_DIR. A helper is asked before
/// what stands in the file. Source: docker/cli, cli/config; containers-auth.json(5).
/// </remarks>
/// <param name="helpers">Whether programs that such a file names are run.</param>
internal sealed class DockerCredentials(Func<string, string?> environment, RegistryLimits limits, bool helpers = true)
{
    private const int MaxFileBytes = 4 * 1024 * 1024;

    /// <summary>Under this name Docker keeps what belongs to Docker Hub.</summary>
    private const string HubKey = "https://index.docker.io/v1/";

    /// <param name="host">As in names of images: <c>HOST[:PORT]</c>.</param>
    /// <returns>Null when nothing is known of it.</returns>
    /// <exception cref="ImageException">Malformed or AccessDenied: a file that is there cannot be used; PeerFailed: a helper failed.</exception>
    public RegistryCredential? Find(string host, string repository)
    {
        foreach ((string where, byte[] json) in Files())
            if (FindIn(where, json, host, repository) is { } found)
                return found;
        return null;
    }

    private IEnumerable<(string Where, byte[] Json)> Files()
    {
        if (environment("DOCKER_AUTH_CONFIG") is { Length: > 0 } content)
        {
            yield return ("DOCKER_AUTH_CONFIG", Encoding.UTF8.GetBytes(content));
            yield break;
        }
        if (environment("REGISTRY_AUTH_FILE") is { Length: > 0 } named)
        {
            yield return (named, Read(named) ?? throw new ImageException(ImageError.NotFound, $"REGISTRY_AUTH_FILE names {Escape.Quote(named)}, which does not exist"));
            yield break;
        }
        string folder = environment("DOCKER_CONFIG") is { Length: > 0 } config ? config
            : Path.Combine(environment("HOME") is { Length: > 0 } home ? home : "/", ".docker");
        if (Path.Combine(folder, "config.json") is var docker && Read(docker) is { } own)
            yield return (docker, own);
        if (environment("XDG_RUNTIME_DIR") is { Length: > 0 } run && Path.Combine(run, "containers", "auth.json") is var podman && Read(podman) is { } podmans)
            yield return (podman, podmans);
    }

    private RegistryCredential? FindIn(string where, byte[] json, string host, string repository)
    {
        AuthFile file;
        try
        {
            file = JsonSerializer.Deserialize(json, RegistryJson.Default.AuthFile) ?? new AuthFile();
        }
        catch (JsonException e)
        {
            throw new ImageException(ImageError.Malformed, $"{Escape.ForTerminal(where)}: no valid JSON of the expected form at line {e.LineNumber + 1}");
        }
        string server = host == RegistryName.DockerHub ? HubKey : host;
        string? helper = file.CredHelpers?.FirstOrDefault(h => HostOf(h.Key) == host).Value ?? file.CredsStore;
        if (!string.IsNullOrEmpty(helper) && !helpers)
            throw new ImageException(ImageError.Unsupported, $"{Escape.ForTerminal(where)} names a credential helper, and none is run here", "write user and password into the file, as docker login does where there is no helper");
        if (!string.IsNullOrEmpty(helper) && CredentialHelper.Ask(helper, server, where, environment, limits.HelperTimeout) is { } told)
            return told;
        if (file.Auths is not { } auths)
            return null;
        // podman keeps credentials for parts of a registry as well; the longest name counts.
        for (string? name = $"{host}/{repository}"; name is not null; name = name.Contains('/', StringComparison.Ordinal) ? name[..name.LastIndexOf('/')] : null)
            if (auths.GetValueOrDefault(name) is { } entry && Of(entry, where, name) is { } exact)
                return exact;
        foreach ((string key, AuthEntry? entry) in auths)
            if (entry is not null && (key == server || HostOf(key) == host) && Of(entry, where, key) is { } found)
                return found;
        return null;
    }

    /// <summary>Old versions of Docker wrote whole addresses: <c>https://host/v1/</c>.</summary>
    private static string HostOf(string key)
    {
        string rest = key.StartsWith("https://", StringComparison.Ordinal) ? key[8..] : key.StartsWith("http://", StringComparison.Ordinal) ? key[7..] : key;
        // A key with a path and no scheme is podman's, for that path only.
        if (rest.Length == key.Length && rest.Contains('/', StringComparison.Ordinal))
            return "";
        string host = RegistryName.LowerCase(rest.Split('/')[0]);
        return host is "index.docker.io" or "registry-1.docker.io" ? RegistryName.DockerHub : host;
    }

    private static RegistryCredential? Of(AuthEntry entry, string where, string key)
    {
        if (!string.IsNullOrEmpty(entry.IdentityToken))
            return new RegistryCredential(entry.Username ?? "", entry.IdentityToken, isIdentityToken: true);
        if (!string.IsNullOrEmpty(entry.Username) && entry.Password is not null)
            return new RegistryCredential(entry.Username, entry.Password, isIdentityToken: false);
        if (string.IsNullOrEmpty(entry.Auth))
            return null;
        byte[] bytes = new byte[entry.Auth.Length];
        if (!Convert.TryFromBase64String(entry.Auth, bytes, out int length) || Encoding.UTF8.GetString(bytes, 0, length) is not { } pair || !pair.Contains(':', StringComparison.Ordinal))
            throw new ImageException(ImageError.Malformed, $"{Escape.ForTerminal(where)}: auth of {Escape.Quote(key)} is not the base64 of USER:PASSWORD");
        int colon = pair.IndexOf(':', StringComparison.Ordinal);
        return new RegistryCredential(pair[..colon], pair[(colon + 1)..].TrimEnd('\0'), isIdentityToken: false);
    }

    private static byte[]? Read(string path)
    {
        try
        {
            return SmallFile.Read(path, MaxFileBytes) ?? throw new ImageException(ImageError.LimitExceeded, $"{Escape.ForTerminal(path)} is longer than {MaxFileBytes} bytes");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new ImageException(ImageError.AccessDenied, $"the credentials in {Escape.ForTerminal(path)} cannot be read: {e.Message}", inner: e);
        }
    }
}
