using System.Net;
using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Registry;

/// <summary>Finds the way in to one repository on one server: none, a user and password, or a token.</summary>
/// <remarks>
/// The scope that is asked for is reading this repository, or writing it where something is to be pushed, whatever the registry says. Credentials go to the
/// registry itself and to a token server on the same host and port; to another host only when settings name it, or for the pairs below.
/// Source: distribution/distribution, docs/spec/auth/token.md and oauth.md.
/// </remarks>
internal sealed class RegistryAuth(string host, string repository, RegistryTransport transport, Func<RegistryCredential?> find, RegistryOptions options, TimeProvider time)
{
    /// <summary>Characters of a token. JWTs with many grants have some thousands.</summary>
    private const int MaxTokenChars = 64 * 1024;

    /// <summary>Registries whose token server is known to be another host of the same owner.</summary>
    private static readonly RegistryPair[] WellKnown = [new(RegistryName.DockerHub, "auth.docker.io"), new("registry.gitlab.com", "gitlab.com")];

    private readonly Lock _gate = new();
    private volatile string? _header;
    private RegistryCredential? _credential;
    private bool _looked;

    /// <summary>Tokens are asked for that also allow writing.</summary>
    public bool Push { get; init; }

    /// <summary>Another repository of the same registry that tokens are to allow reading, so that its blobs can be mounted.</summary>
    public string? AlsoReads { get; set; }

    /// <summary>Value of the Authorization header that worked last, or null.</summary>
    public string? Header => _header;

    /// <summary>Answers a 401.</summary>
    /// <param name="used">The header that was refused, or null.</param>
    /// <returns>Another header.</returns>
    /// <exception cref="ImageException">AccessDenied: there is no way in, or it leads elsewhere.</exception>
    /// <exception cref="TransientException">The token server failed.</exception>
    public string Renew(HttpResponseMessage refused, Uri registry, string? used, CancellationToken cancellationToken)
    {
        IReadOnlyList<Challenge> challenges = Challenge.Parse(refused.Headers.NonValidated.TryGetValues("WWW-Authenticate", out System.Net.Http.Headers.HeaderStringValues values) ? values : []);
        lock (_gate)
        {
            // Another layer's reader was here first.
            if (_header is { } newer && newer != used)
                return newer;
            if (challenges.FirstOrDefault(c => c.Scheme == "bearer" && c.Parameters.ContainsKey("realm")) is { } bearer)
                return _header = "Bearer " + FetchToken(bearer, registry, cancellationToken);
            if (challenges.Any(c => c.Scheme == "basic"))
            {
                if (Credential is not { } credential)
                    throw new ImageException(ImageError.AccessDenied, $"{host} asks for a user and password, and none is known for it", LoginHint);
                if (credential.IsIdentityToken)
                    throw new ImageException(ImageError.AccessDenied, $"{host} asks for a user and password; what is known for it is an identity token", LoginHint);
                if (used == credential.Basic)
                    throw new ImageException(ImageError.AccessDenied, $"{host} refuses the user {Escape.Quote(credential.User)} with the password that is known", LoginHint);
                return _header = credential.Basic;
            }
            throw new ImageException(ImageError.AccessDenied, challenges.Count == 0
                ? $"{host} refuses without saying what it wants (status 401)"
                : $"{host} offers no way in that is known here: {Escape.Quote(string.Join(", ", challenges.Select(c => c.Scheme)))}");
        }
    }

    public string LoginHint => $"docker login {host} keeps credentials in ~/.docker/config.json, where they are looked for";

    private RegistryCredential? Credential
    {
        get
        {
            if (!_looked)
                _credential = find();
            _looked = true;
            return _credential;
        }
    }

    private string FetchToken(Challenge challenge, Uri registry, CancellationToken cancellationToken)
    {
        Uri realm = RealmOf(challenge, registry);
        List<KeyValuePair<string, string>> asked = [];
        if (challenge.Parameters.GetValueOrDefault("service") is { Length: > 0 } service)
            asked.Add(new("service", service));
        string scope = $"repository:{repository}:{(Push ? "pull,push" : "pull")}", also = $"repository:{AlsoReads}:pull";
        RegistryCredential? credential = Credential;
        using HttpRequestMessage request = new();
        if (credential is { IsIdentityToken: true })
        {
            // A form has the member once, with spaces between scopes; a query has it once for each.
            asked.Add(new("scope", AlsoReads is null ? scope : $"{scope} {also}"));
            asked.AddRange([new("grant_type", "refresh_token"), new("client_id", "plimsoll"), new("refresh_token", credential.Secret)]);
            request.Method = HttpMethod.Post;
            request.RequestUri = realm;
            request.Content = new FormUrlEncodedContent(asked);
        }
        else
        {
            asked.Add(new("scope", scope));
            if (AlsoReads is not null)
                asked.Add(new("scope", also));
            if (credential is not null)
            {
                asked.Add(new("account", credential.User));
                request.Headers.TryAddWithoutValidation("Authorization", credential.Basic);
            }
            string query = string.Join('&', asked.Select(a => $"{a.Key}={Uri.EscapeDataString(a.Value)}"));
            request.RequestUri = new UriBuilder(realm) { Query = realm.Query.Length > 1 ? $"{realm.Query[1..]}&{query}" : query, Fragment = "" }.Uri;
        }
        string server = $"the token server {RegistryTransport.OriginOf(realm)}";
        using HttpResponseMessage response = transport.Send(request, realm.Authority == registry.Authority ? host : realm.Authority, cancellationToken);
        using BodyStream body = new(response, transport, server, cancellationToken);
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.BadRequest)
            throw new ImageException(ImageError.AccessDenied, credential is null
                ? $"{server} gives nobody without a name a token for {repository} (status {(int)response.StatusCode})"
                : $"{server} refuses {(credential.User.Length > 0 ? $"the user {Escape.Quote(credential.User)}" : "the identity token")} (status {(int)response.StatusCode})", LoginHint);
        RegistryStatus.ThrowIfTransient(response, server, transport.Limits, time);
        // A redirect is not followed: the one host that may have the credentials has to answer itself.
        if (response.StatusCode != HttpStatusCode.OK)
            throw new ImageException(ImageError.PeerFailed, $"{server} answered with status {(int)response.StatusCode}; a token was wanted");
        byte[] json = body.ReadAll(transport.Limits.MaxTokenBytes, "MaxTokenBytes");
        return TokenOf(json, server);
    }

    internal static string TokenOf(byte[] json, string server)
    {
        TokenAnswer? answer;
        try
        {
            answer = JsonSerializer.Deserialize(json, RegistryJson.Default.TokenAnswer);
        }
        catch (JsonException)
        {
            answer = null;
        }
        string? token = string.IsNullOrEmpty(answer?.Token) ? answer?.AccessToken : answer.Token;
        // It becomes part of a header, where nothing but visible ASCII belongs.
        return token is { Length: > 0 and <= MaxTokenChars } && token.All(c => c is > ' ' and < '\x7f')
            ? token
            : throw new ImageException(ImageError.PeerFailed, $"{server} answered without a token that could be used");
    }

    private Uri RealmOf(Challenge challenge, Uri registry)
    {
        string text = challenge.Parameters["realm"];
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? realm) || realm.Scheme is not ("http" or "https") || realm.Host.Length == 0 || realm.UserInfo.Length > 0)
            throw new ImageException(ImageError.AccessDenied, $"{host} sends to {Escape.Quote(text)} for a token, which is no address");
        if (realm.Scheme == Uri.UriSchemeHttp && registry.Scheme != Uri.UriSchemeHttp)
            throw new ImageException(ImageError.AccessDenied, $"{host} sends to {Escape.Quote(text)} for a token, which has no TLS");
        bool own = RegistryTransport.OriginOf(realm) == RegistryTransport.OriginOf(registry);
        if (!own && !options.TokenRealms.Concat(WellKnown).Any(pair =>
            RegistryName.LowerCase(pair.Registry) == host && pair.Other.Equals(realm.Authority, StringComparison.OrdinalIgnoreCase)))
            throw new ImageException(ImageError.AccessDenied, $"{host} sends to another host for a token: {Escape.Quote(text)}; nothing was sent there",
                $"if that host belongs to the registry, say --registry-realm {host}={Escape.ForTerminal(realm.Authority)}");
        return realm;
    }
}
