using System.Globalization;
using System.Text;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Registry;
using Plimsoll.Texts;

namespace Plimsoll.ContentTrust;

/// <summary>Where the metadata of one collection lies. Nothing that comes out is believed.</summary>
public interface IMetadataSource : IDisposable
{
    /// <summary>For messages: the server's address, or the folder.</summary>
    string Name { get; }

    /// <summary>A file of metadata; null when there is none.</summary>
    /// <param name="role">A base role or a name that <see cref="TufRole.IsDelegation"/> takes.</param>
    /// <param name="version">The role of exactly this version; null: the newest.</param>
    /// <param name="sha256">The file of exactly this hash, lower-case hex; null: the newest. A source may give another file, whose hash is then wrong.</param>
    /// <exception cref="ContentTrustException">Unreachable; Malformed: longer than <paramref name="maxBytes"/>.</exception>
    ReadOnlyMemory<byte>? Find(string role, long? version, string? sha256, int maxBytes, CancellationToken cancellationToken);
}

/// <summary>A folder of metadata as Docker keeps it (<c>~/.docker/trust/tuf/GUN/metadata</c>), or as it was saved of a server, with <c>N.root.json</c> beside.</summary>
public sealed class FolderMetadata : IMetadataSource
{
    private readonly string _folder;

    /// <param name="folder">The folder itself, one that holds <c>metadata</c>, or a trust folder that holds <c>tuf/GUN/metadata</c>.</param>
    /// <param name="gun">The collection; null when it is not known yet, then the last form is not looked for.</param>
    /// <exception cref="ContentTrustException">Missing: there is no root.json in any of them.</exception>
    public FolderMetadata(string folder, string? gun)
    {
        ArgumentNullException.ThrowIfNull(folder);
        // The name of a collection was checked to be one of a repository, so that it leads nowhere else.
        string[] places = [folder, Path.Combine(folder, "metadata"), .. gun is null ? [] : new[] { Path.Combine(folder, "tuf", gun, "metadata"), Path.Combine(folder, gun, "metadata"), Path.Combine(folder, gun) }];
        _folder = Array.Find(places, place => File.Exists(Path.Combine(place, "root.json")))
            ?? throw new ContentTrustException(ContentTrustError.Missing, "root", $"there is no root.json in {Escape.Quote(folder)}{(gun is null ? "" : $" for {gun}")}", "Docker keeps metadata in ~/.docker/trust/tuf/NAME/metadata");
    }

    public string Name => _folder;

    public ReadOnlyMemory<byte>? Find(string role, long? version, string? sha256, int maxBytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (version is { } number)
            return Read(string.Create(CultureInfo.InvariantCulture, $"{number}.{role}"), role, maxBytes);
        return (sha256 is null ? null : Read($"{role}.{sha256}", role, maxBytes)) ?? Read(role, role, maxBytes);
    }

    private ReadOnlyMemory<byte>? Read(string name, string role, int maxBytes)
    {
        string path = Path.Combine(_folder, name + ".json");
        try
        {
            if (!File.Exists(path))
                return null;
            return SmallFile.ReadRegular(path, maxBytes)
                ?? throw new ContentTrustException(ContentTrustError.Malformed, role, $"{Escape.Quote(path)} has more than {maxBytes} bytes, or is no file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ContentTrustException(ContentTrustError.Unreachable, role, Escape.ForTerminal(e.Message.TrimEnd('.')), inner: e);
        }
    }

    public void Dispose()
    {
    }
}

/// <summary>A notary server: <c>/v2/GUN/_trust/tuf/ROLE.json</c>. Tokens, credentials and TLS are as of a registry of that host.</summary>
/// <remarks>Source: theupdateframework/notary, server/server.go and storage/httpstore.go.</remarks>
public sealed class NotaryServer : IMetadataSource
{
    /// <summary>What Docker asks for the collections of its hub.</summary>
    private const string HubServer = "notary.docker.io";

    private readonly RegistryClient _client;
    private readonly string _gun;

    /// <param name="server"><c>https://HOST[:PORT]</c>; http only where it is written.</param>
    /// <param name="environment">For credentials and proxies.</param>
    /// <exception cref="ContentTrustException">Malformed: it is no such address.</exception>
    /// <exception cref="ImageException">A setting makes no sense.</exception>
    public NotaryServer(string server, string gun, RegistryOptions options, Func<string, string?> environment, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        Uri address = Parse(server);
        (Name, _gun) = ($"{address.Scheme}://{address.Authority}", gun);
        _client = new RegistryClient(new RegistryName(address.Authority.ToLowerInvariant(), gun, null, null),
            options with { Mirrors = [], PlainHttp = address.Scheme == Uri.UriSchemeHttp ? [address.Authority] : [] }, environment, time);
    }

    public string Name { get; }

    /// <summary>The server that Docker would ask: of the registry's host, and a host of its own for Docker Hub.</summary>
    public static string DefaultFor(string gun)
    {
        ArgumentNullException.ThrowIfNull(gun);
        string host = gun.Split('/')[0];
        return $"https://{(host == RegistryName.DockerHub ? HubServer : host)}";
    }

    /// <exception cref="ContentTrustException">Malformed.</exception>
    public static Uri Parse(string server) =>
        Uri.TryCreate(server, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https" && RegistryName.IsHost(address.Authority)
        && address is { UserInfo.Length: 0, PathAndQuery: "/", Fragment.Length: 0 }
            ? address
            : throw new ContentTrustException(ContentTrustError.Malformed, "server", $"{Escape.Quote(server)} is no address of a notary server; wanted https://HOST[:PORT]");

    public ReadOnlyMemory<byte>? Find(string role, long? version, string? sha256, int maxBytes, CancellationToken cancellationToken) => version is { } number
        ? Get(string.Create(CultureInfo.InvariantCulture, $"{number}.{role}"), role, maxBytes, cancellationToken)
        : (sha256 is null ? null : Get($"{role}.{sha256}", role, maxBytes, cancellationToken)) ?? Get(role, role, maxBytes, cancellationToken);

    private ReadOnlyMemory<byte>? Get(string name, string role, int maxBytes, CancellationToken cancellationToken)
    {
        string where = $"{Name}: {_gun} {name}.json";
        try
        {
            return Unprivileged.Run<ReadOnlyMemory<byte>?>(() => _client.Try<ReadOnlyMemory<byte>?>(endpoint =>
            {
                HttpResponseMessage response = _client.Ask(endpoint, endpoint.At($"_trust/tuf/{name}.json"), _ => { }, where, cancellationToken);
                using BodyStream body = new(response, _client.Transport, where, cancellationToken);
                if (response.StatusCode == System.Net.HttpStatusCode.NotFound)
                    return null;
                _client.Check(response, where, ImageError.NotFound, endpoint, cancellationToken);
                return body.ReadAll(maxBytes, "ContentTrustLimits");
            }, cancellationToken));
        }
        catch (ImageException e)
        {
            throw new ContentTrustException(e.Error == ImageError.LimitExceeded ? ContentTrustError.Malformed : ContentTrustError.Unreachable, role, Escape.ForTerminal(e.Message), e.Hint, e);
        }
    }

    public void Dispose() => _client.Dispose();
}

/// <summary>Names of collections.</summary>
public static class CollectionName
{
    /// <summary>The name that notary knows a repository by (its GUN): with host, <c>docker.io/library/alpine</c>, without a tag.</summary>
    /// <exception cref="ImageException">Malformed: it is no name of a repository, or has a tag or digest.</exception>
    public static string Parse(string text)
    {
        RegistryName name = RegistryName.Parse(text);
        bool tagged = text.Contains('@', StringComparison.Ordinal) || text.LastIndexOf(':') > text.LastIndexOf('/');
        return !tagged ? name.Name : throw new ImageException(ImageError.Malformed, $"{Escape.Quote(text)} names one image; wanted a repository without tag, {name.Name}");
    }

    public static bool IsOne(string text)
    {
        try
        {
            return Parse(text) == text;
        }
        catch (ImageException)
        {
            return false;
        }
    }
}
