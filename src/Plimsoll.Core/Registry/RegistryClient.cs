using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Registry;

/// <summary>A manifest as a registry sent it.</summary>
/// <param name="Digest">SHA-256 of <paramref name="Bytes"/>; with <see cref="Verification.None"/>, the digest that was asked for when one was.</param>
/// <param name="MediaType">As the registry states it; null when it states none that says anything.</param>
public sealed record RegistryManifest(Digest Digest, string? MediaType, ReadOnlyMemory<byte> Bytes);

/// <summary>Reads one repository of a registry: manifests, blobs, tags, and what refers to an image.</summary>
/// <remarks>
/// To be made by a thread with its own rights; may then be used from several threads, those of <see cref="Unprivileged"/>
/// included. Whoever calls parses what comes there. Source: OCI distribution specification 1.1.
/// </remarks>
public sealed class RegistryClient : IDisposable
{
    /// <summary>A fresh token that is refused is refused for good.</summary>
    private const int MaxAnswersToRefusal = 2;

    private static readonly string[] ManifestTypes = [MediaTypes.OciIndex, MediaTypes.OciManifest, MediaTypes.DockerIndex, MediaTypes.DockerManifest];

    private readonly RegistryOptions _options;
    private readonly TimeProvider _time;
    private readonly OwnRights _rights = new();
    private readonly RegistryTransport _transport;
    private readonly IReadOnlyList<RegistryEndpoint> _endpoints;

    /// <exception cref="ImageException">A setting or a variable of the environment makes no sense.</exception>
    public RegistryClient(RegistryName name, RegistryOptions options, Func<string, string?> environment, TimeProvider time)
        : this(name, options, environment, time, push: false)
    {
    }

    /// <param name="push">The registry itself is asked, with rights to write; mirrors are not.</param>
    internal RegistryClient(RegistryName name, RegistryOptions options, Func<string, string?> environment, TimeProvider time, bool push)
    {
        (Name, _options, _time) = (name, options, time);
        try
        {
            _transport = new RegistryTransport(options, environment, _rights);
            DockerCredentials credentials = new(environment, options.Limits, options.CredentialHelpers);
            // Helpers are the user's own programs and run as the user.
            _endpoints = RegistryEndpoint.For(name, _transport, (host, repository) => _rights.Run(() => credentials.Find(host, repository)), options, time, push);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public RegistryName Name { get; }

    /// <summary>Bytes of bodies that came in so far, errors and repeats included.</summary>
    public long BytesFetched => _transport.BytesFetched;

    internal RegistryLimits Limits => _options.Limits;

    internal RegistryTransport Transport => _transport;

    /// <summary>A manifest or index by tag or digest.</summary>
    /// <param name="verification">With <see cref="Verification.None"/> its digest is believed.</param>
    /// <exception cref="ImageException">
    /// NotFound, AccessDenied, PeerFailed, Truncated, LimitExceeded; DigestMismatch: it has not the digest that was asked for, or
    /// not the one that the registry states beside it; Unsupported: the form of Docker before 1.10.
    /// </exception>
    public RegistryManifest GetManifest(string reference, Verification verification, CancellationToken cancellationToken) =>
        Try(endpoint => FetchManifest(endpoint, reference, verification, cancellationToken), cancellationToken);

    /// <summary>
    /// A blob's bytes from the first, none of them held. Where a connection breaks, the next begins where it broke. The stream checks
    /// the length; the digest is the reader's to check. It throws what <see cref="GetManifest"/> does, and BlobMissing.
    /// </summary>
    /// <param name="size">As its descriptor states it.</param>
    public Stream OpenBlob(Digest digest, long size, CancellationToken cancellationToken) => new BlobStream(this, digest, size, NewAttempts(cancellationToken), cancellationToken);

    /// <summary>The repository's tags in the order of the registry.</summary>
    /// <exception cref="ImageException">As <see cref="GetManifest"/>; LimitExceeded: too many pages or tags.</exception>
    public IReadOnlyList<string> ListTags(CancellationToken cancellationToken) => Unprivileged.Run(() =>
    {
        List<string> tags = [];
        ReadPages("tags/list?n=1000", "application/json", (body, where) =>
        {
            TagPage? page;
            try
            {
                page = JsonSerializer.Deserialize(body, RegistryJson.Default.TagPage);
            }
            catch (JsonException e)
            {
                throw new ImageException(ImageError.PeerFailed, $"{where}: the list of tags is no JSON of that form", inner: e);
            }
            tags.AddRange(page?.Tags?.Where(RegistryName.IsTag) ?? []);
            if (tags.Count > Limits.MaxTags)
                throw new ImageException(ImageError.LimitExceeded, $"{where}: more than {Limits.MaxTags} tags (MaxTags)");
        }, notFoundIsEmpty: false, cancellationToken);
        return tags;
    });

    /// <summary>What states that it refers to this manifest: signatures, statements, bills of materials.</summary>
    /// <param name="artifactType">Only those of this type; null: all.</param>
    /// <remarks>
    /// The registry's word, which may leave some out; each is proved by fetching it by its digest and looking at its subject. A
    /// registry without the referrers API is asked for the tag <c>sha256-HEX</c>, as the specification says.
    /// </remarks>
    /// <exception cref="ImageException">As <see cref="GetManifest"/>; LimitExceeded: too many pages or referrers.</exception>
    public IReadOnlyList<Descriptor> ListReferrers(Digest subject, string? artifactType, CancellationToken cancellationToken) => Unprivileged.Run<IReadOnlyList<Descriptor>>(() => List(subject, artifactType, out _, cancellationToken));

    /// <summary>As <see cref="ListReferrers"/>, by both ways: what was there before a registry learned the API may stand under the tag only.</summary>
    internal IReadOnlyList<Descriptor> ListAllReferrers(Digest subject, CancellationToken cancellationToken) => Unprivileged.Run<IReadOnlyList<Descriptor>>(() =>
    {
        List<Descriptor> found = List(subject, null, out bool byApi, cancellationToken);
        if (byApi)
            found.AddRange(ListTagged(subject, cancellationToken));
        found = [.. found.DistinctBy(d => d.Digest, StringComparer.Ordinal)];
        return found.Count <= Limits.MaxReferrers ? found
            : throw new ImageException(ImageError.LimitExceeded, $"{Name}: more than {Limits.MaxReferrers} referrers (MaxReferrers)");
    });

    private List<Descriptor> List(Digest subject, string? artifactType, out bool byApi, CancellationToken cancellationToken)
    {
        List<Descriptor> found = [];
        string filter = artifactType is null ? "" : $"?artifactType={Uri.EscapeDataString(artifactType)}";
        byApi = ReadPages($"referrers/{subject}{filter}", MediaTypes.OciIndex, (body, where) => Add(found, body, where, artifactType), notFoundIsEmpty: true, cancellationToken);
        if (!byApi)
            found.AddRange(ListTagged(subject, cancellationToken).Where(m => artifactType is null || m.ArtifactType == artifactType));
        return found;
    }

    private List<Descriptor> ListTagged(Digest subject, CancellationToken cancellationToken)
    {
        List<Descriptor> found = [];
        string tag = ArtifactTags.Fallback(subject);
        try
        {
            Add(found, GetManifest(tag, Verification.Full, cancellationToken).Bytes.ToArray(), $"{Name}: {tag}", null);
        }
        catch (ImageException e) when (e.Error == ImageError.NotFound)
        {
            // Neither API nor tag: nothing refers to it.
        }
        return found;
    }

    private void Add(List<Descriptor> found, byte[] body, string where, string? artifactType)
    {
        ImageIndex index = ImageConfigs.Parse(body, where, ManifestJson.Index);
        found.AddRange(ImageConfigs.Manifests(index, where).Where(m => artifactType is null || m.ArtifactType == artifactType));
        if (found.Count > Limits.MaxReferrers)
            throw new ImageException(ImageError.LimitExceeded, $"{where}: more than {Limits.MaxReferrers} referrers (MaxReferrers)");
    }

    /// <summary>The registry itself, which comes after all mirrors.</summary>
    internal RegistryEndpoint Registry => _endpoints[^1];

    /// <summary>Does the work at each server in turn, as often as <see cref="Attempts"/> says.</summary>
    internal T Try<T>(Func<RegistryEndpoint, T> work, CancellationToken cancellationToken)
    {
        Attempts attempts = NewAttempts(cancellationToken);
        while (true)
        {
            try
            {
                return work(attempts.Endpoint);
            }
            catch (Exception e) when (e is ImageException or TransientException)
            {
                attempts.After(e);
            }
        }
    }

    private Attempts NewAttempts(CancellationToken cancellationToken) => new(_endpoints, Limits, cancellationToken);

    private RegistryManifest FetchManifest(RegistryEndpoint endpoint, string reference, Verification verification, CancellationToken cancellationToken)
    {
        string where = $"{endpoint.Host}/{endpoint.Repository}: {reference}";
        HttpResponseMessage response = Ask(endpoint, endpoint.At($"manifests/{reference}"), request =>
        {
            foreach (string type in ManifestTypes)
                request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(type));
        }, where, cancellationToken);
        using BodyStream body = new(response, _transport, where, cancellationToken);
        Check(response, where, ImageError.NotFound, endpoint, cancellationToken);
        string? mediaType = MediaTypeOf(response);
        if (mediaType is "application/vnd.docker.distribution.manifest.v1+json" or "application/vnd.docker.distribution.manifest.v1+prettyjws")
            throw new ImageException(ImageError.Unsupported, $"{where}: an image in the form of Docker before 1.10 (schema 1), which has no diffIDs", "pull and push it with a newer Docker");
        byte[] bytes = body.ReadAll(Limits.MaxManifestBytes, nameof(RegistryLimits.MaxManifestBytes));
        Digest seen = Digest.Of(bytes);
        if (Digest.TryParse(reference, out Digest? wanted))
        {
            if (verification == Verification.Full && seen != wanted)
                throw new ImageException(ImageError.DigestMismatch, $"{where}: the digest of its bytes is {seen}");
            return new RegistryManifest(wanted, mediaType, bytes);
        }
        // What a tag means is the registry's word, which it gives twice.
        if (verification == Verification.Full && response.Headers.TryGetValues("Docker-Content-Digest", out IEnumerable<string>? stated)
            && Digest.TryParse(stated.First(), out Digest? said) && said.Algorithm == "sha256" && said != seen)
            throw new ImageException(ImageError.DigestMismatch, $"{where}: the registry states {said} for it, the digest of its bytes is {seen}");
        return new RegistryManifest(seen, mediaType, bytes);
    }

    /// <returns>False when the first page was not found and that is no error.</returns>
    private bool ReadPages(string path, string accept, Action<byte[], string> read, bool notFoundIsEmpty, CancellationToken cancellationToken)
    {
        Uri? next = null;
        RegistryEndpoint? from = null;
        HashSet<string> seen = new(StringComparer.Ordinal);
        for (int page = 0; page == 0 || next is not null; page++)
        {
            string where = $"{Name}: {path.Split('?')[0]}";
            if (page == Limits.MaxPages)
                throw new ImageException(ImageError.LimitExceeded, $"{where}: more than {Limits.MaxPages} pages (MaxPages)");
            if (next is not null && !seen.Add(next.AbsoluteUri))
                throw new ImageException(ImageError.PeerFailed, $"{where}: page {page + 1} is one that was read before");
            (byte[]? body, Uri? following, from) = Try<(byte[]?, Uri?, RegistryEndpoint)>(endpoint =>
            {
                // The pages of one list come from one server.
                RegistryEndpoint asked = from ?? endpoint;
                Uri uri = next ?? asked.At(path);
                HttpResponseMessage response = Ask(asked, uri, request => request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(accept)), where, cancellationToken);
                using BodyStream stream = new(response, _transport, where, cancellationToken);
                if (page == 0 && notFoundIsEmpty && response.StatusCode == HttpStatusCode.NotFound)
                    return (null, null, asked);
                Check(response, where, ImageError.NotFound, asked, cancellationToken);
                return (stream.ReadAll(Limits.MaxManifestBytes, nameof(RegistryLimits.MaxManifestBytes)), NextOf(response, uri, where), asked);
            }, cancellationToken);
            if (body is null)
                return false;
            read(body, where);
            next = following;
        }
        return true;
    }

    /// <summary>The page after this one, as the Link header states it; on the same server only.</summary>
    private static Uri? NextOf(HttpResponseMessage response, Uri at, string where)
    {
        if (!response.Headers.NonValidated.TryGetValues("Link", out HeaderStringValues links))
            return null;
        foreach (string link in links)
        {
            int end = link.IndexOf('>', StringComparison.Ordinal);
            if (link is not ['<', ..] || end < 0 || !link[end..].Contains("rel=\"next\"", StringComparison.OrdinalIgnoreCase) && !link[end..].Contains("rel=next", StringComparison.OrdinalIgnoreCase))
                continue;
            if (!Uri.TryCreate(at, link[1..end], out Uri? next) || RegistryTransport.OriginOf(next) != RegistryTransport.OriginOf(at) || next.UserInfo.Length > 0)
                throw new ImageException(ImageError.PeerFailed, $"{where}: the next page would be {Escape.Quote(link[1..end])}, which is not on the same server");
            return next;
        }
        return null;
    }

    /// <summary>Sends a GET, answers refusals, follows redirects.</summary>
    /// <returns>Any status but 401, redirects, and those that may pass.</returns>
    internal HttpResponseMessage Ask(RegistryEndpoint endpoint, Uri uri, Action<HttpRequestMessage> prepare, string where, CancellationToken cancellationToken) =>
        Ask(endpoint, HttpMethod.Get, uri, prepare, where, cancellationToken);

    /// <param name="prepare">Called for each sending; a body is made anew each time.</param>
    internal HttpResponseMessage Ask(RegistryEndpoint endpoint, HttpMethod method, Uri uri, Action<HttpRequestMessage> prepare, string where, CancellationToken cancellationToken)
    {
        for (int refusals = 0; ; refusals++)
        {
            string? header = endpoint.Auth.Header;
            HttpResponseMessage response = Follow(endpoint, method, uri, prepare, header, where, out bool elsewhere, cancellationToken);
            try
            {
                endpoint.Answered = true;
                RegistryStatus.ThrowIfTransient(response, where, Limits, _time);
                if (response.StatusCode != HttpStatusCode.Unauthorized)
                    return response;
                if (elsewhere)
                    throw new ImageException(ImageError.AccessDenied, $"{where}: the host that {endpoint.Host} redirects to asks for credentials ({RegistryTransport.OriginOf(response.RequestMessage!.RequestUri!)}); it gets none");
                if (refusals == MaxAnswersToRefusal)
                    throw new ImageException(ImageError.AccessDenied, $"{where}: {endpoint.Host} refuses the token that it asked for (status 401): there is no such repository, or it may not be {(endpoint.Auth.Push ? "written" : "read")}", endpoint.Auth.LoginHint);
                endpoint.Auth.Renew(response, endpoint.Base, header, cancellationToken);
            }
            catch
            {
                response.Dispose();
                throw;
            }
            response.Dispose();
        }
    }

    /// <param name="elsewhere">The answer comes from another host, port or scheme than the registry's.</param>
    private HttpResponseMessage Follow(RegistryEndpoint endpoint, HttpMethod method, Uri uri, Action<HttpRequestMessage> prepare, string? header, string where, out bool elsewhere, CancellationToken cancellationToken)
    {
        elsewhere = false;
        Uri at = uri;
        for (int redirects = 0; ; redirects++)
        {
            using HttpRequestMessage request = new(method, at);
            prepare(request);
            // Once a redirect has left the registry, nothing on the way gets credentials, not even the registry.
            elsewhere |= RegistryTransport.OriginOf(at) != RegistryTransport.OriginOf(endpoint.Base);
            if (header is not null && !elsewhere)
                request.Headers.TryAddWithoutValidation("Authorization", header);
            HttpResponseMessage response = _transport.Send(request, elsewhere ? at.Authority : endpoint.Host, cancellationToken);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308))
                return response;
            using (response)
            {
                // The other three make a GET of what was to write something.
                if (method != HttpMethod.Get && method != HttpMethod.Head && (int)response.StatusCode is not (307 or 308))
                    throw new ImageException(ImageError.PeerFailed, $"{where}: a {method} is answered with a redirect of status {(int)response.StatusCode}, which would change what it means");
                string? location = response.Headers.NonValidated.TryGetValues("Location", out HeaderStringValues values) ? values.ToString() : null;
                if (values.Count > 1)
                    throw new ImageException(ImageError.PeerFailed, $"{where}: redirected to {values.Count} places at once");
                if (redirects == Limits.MaxRedirects)
                    throw new ImageException(ImageError.PeerFailed, $"{where}: redirected more than {Limits.MaxRedirects} times (MaxRedirects)");
                if (string.IsNullOrEmpty(location) || !Uri.TryCreate(at, location, out Uri? to) || to.Scheme is not ("http" or "https") || to.Host.Length == 0 || to.UserInfo.Length > 0)
                    throw new ImageException(ImageError.PeerFailed, $"{where}: redirected to {Escape.Quote(location)}, which is no address");
                if (to.Scheme == Uri.UriSchemeHttp && at.Scheme == Uri.UriSchemeHttps)
                    throw new ImageException(ImageError.PeerFailed, $"{where}: redirected to {Escape.Quote(RegistryTransport.OriginOf(to))}, which has no TLS");
                at = to;
            }
        }
    }

    /// <exception cref="ImageException">The status is not 200, nor 206 where a part was asked for.</exception>
    internal void Check(HttpResponseMessage response, string where, ImageError notFound, RegistryEndpoint endpoint, CancellationToken cancellationToken)
    {
        if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.PartialContent)
            return;
        string status = ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture);
        string words = RegistryStatus.Words(response, _transport, cancellationToken);
        throw response.StatusCode switch
        {
            HttpStatusCode.NotFound => new ImageException(notFound, $"{where}: {endpoint.Host} does not have it{words}"),
            HttpStatusCode.Forbidden => new ImageException(ImageError.AccessDenied, $"{where}: {endpoint.Host} refuses (status 403){words}", endpoint.Auth.LoginHint),
            _ => new ImageException(ImageError.PeerFailed, $"{where}: {endpoint.Host} answered with status {status}{words}"),
        };
    }

    /// <summary>What a refusal of something that was to be written means.</summary>
    internal ImageException Refused(HttpResponseMessage response, string where, RegistryEndpoint endpoint, CancellationToken cancellationToken)
    {
        string status = ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture);
        string words = RegistryStatus.Words(response, _transport, cancellationToken);
        return response.StatusCode switch
        {
            HttpStatusCode.NotFound => new ImageException(ImageError.NotFound, $"{where}: {endpoint.Host} has no such repository and makes none (status 404){words}"),
            HttpStatusCode.Forbidden => new ImageException(ImageError.AccessDenied, $"{where}: {endpoint.Host} refuses (status 403){words}", endpoint.Auth.LoginHint),
            HttpStatusCode.MethodNotAllowed => new ImageException(ImageError.AccessDenied, $"{where}: {endpoint.Host} takes nothing (status 405){words}", "it is a mirror, or set to be read only"),
            HttpStatusCode.RequestEntityTooLarge => new ImageException(ImageError.LimitExceeded, $"{where}: {endpoint.Host} takes no request of that length (status 413){words}",
                "a proxy before the registry limits requests (nginx: client_max_body_size)"),
            _ => new ImageException(ImageError.PeerFailed, $"{where}: {endpoint.Host} answered with status {status}{words}"),
        };
    }

    /// <exception cref="ImageException">DigestMismatch: the registry states another digest than the one that the bytes have.</exception>
    internal static void CheckStated(HttpResponseMessage response, Digest digest, string where)
    {
        if (response.Headers.NonValidated.TryGetValues("Docker-Content-Digest", out HeaderStringValues values)
            && (!Digest.TryParse(values.ToString(), out Digest? stated) || stated.Algorithm == digest.Algorithm && stated != digest))
            throw new ImageException(ImageError.DigestMismatch, $"{where}: the registry states {Escape.Quote(values.ToString())} for it, the digest of its bytes is {digest}");
    }

    private static string? MediaTypeOf(HttpResponseMessage response)
    {
        string? type = response.Content.Headers.ContentType?.MediaType;
        // What a server says of any file says nothing of a manifest.
        return type is null or "application/json" or "application/octet-stream" or "text/plain" or "binary/octet-stream" ? null : type;
    }

    public void Dispose()
    {
        _transport?.Dispose();
        _rights.Dispose();
    }
}
