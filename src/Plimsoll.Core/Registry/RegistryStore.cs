using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Registry;

/// <summary>The artifacts of one repository of a registry.</summary>
/// <remarks>
/// To be made by a thread with its own rights. What an answer claims is looked at a second time: a blob or manifest counts as stored
/// when the registry also says so when it is asked for it. Source: OCI distribution specification 1.1.
/// </remarks>
internal sealed class RegistryStore : IArtifactTarget
{
    /// <summary>Longer than another writer takes from reading a list to writing it.</summary>
    private static readonly TimeSpan LookBack = TimeSpan.FromMilliseconds(100);

    private readonly RegistryClient _client;
    private readonly ConcurrentDictionary<Digest, Uri> _begun = new();

    /// <param name="push">It is to be written: tokens allow that, and mirrors are not asked.</param>
    public RegistryStore(RegistryName name, RegistryOptions options, Func<string, string?> environment, TimeProvider time, bool push) =>
        _client = new RegistryClient(name, options, environment, time, push);

    public string Name => _client.Name.Name;

    public RegistryName Repository => _client.Name;

    /// <summary>Bytes of bodies that came in so far.</summary>
    public long BytesFetched => _client.BytesFetched;

    public StoredManifest? FindManifest(string reference, CancellationToken cancellationToken)
    {
        try
        {
            RegistryManifest found = _client.GetManifest(reference, Verification.Full, cancellationToken);
            string? own = Unprivileged.Run(() => ImageConfigs.Parse(found.Bytes.Span, $"{Name}: {reference}", ManifestJson.Index).MediaType);
            // Where the two differ, reading it as a manifest says so.
            return new StoredManifest(found.Digest, found.MediaType ?? own, found.Bytes);
        }
        catch (ImageException e) when (e.Error == ImageError.NotFound)
        {
            return null;
        }
    }

    public Stream OpenBlob(Digest digest, long size, CancellationToken cancellationToken) =>
        new VerifiedStream(_client.OpenBlob(digest, size, cancellationToken), digest, size, $"{Name}: blob {digest}");

    public IReadOnlyList<Descriptor> ListReferrers(Digest subject, CancellationToken cancellationToken) => _client.ListAllReferrers(subject, cancellationToken);

    public IReadOnlyList<string> ListTags(CancellationToken cancellationToken)
    {
        try
        {
            return _client.ListTags(cancellationToken);
        }
        catch (ImageException e) when (e.Error == ImageError.NotFound)
        {
            // A repository comes to be with the first thing that is pushed to it.
            return [];
        }
    }

    public bool HasBlob(Digest digest, CancellationToken cancellationToken) => Has($"blobs/{digest}", $"{Name}: blob {digest}", digest, null, cancellationToken);

    /// <summary>Has the registry take the blob from another of its repositories.</summary>
    /// <returns>False when it does not, which is its right.</returns>
    public bool TryMount(Digest digest, string from, CancellationToken cancellationToken)
    {
        _client.Registry.Auth.AlsoReads = from;
        if (BlobUpload.Begin(_client, digest, from, cancellationToken) is not { } place)
            return HasBlob(digest, cancellationToken);
        _begun[digest] = place;
        return false;
    }

    public void PutBlob(Digest digest, long size, Stream content, CancellationToken cancellationToken)
    {
        if (HasBlob(digest, cancellationToken))
            return;
        _begun.TryRemove(digest, out Uri? place);
        using VerifiedStream checkedContent = new(new Borrowed(content), digest, size, $"what was to become {Name}: blob {digest}");
        new BlobUpload(_client, digest, size, checkedContent, cancellationToken).Run(place);
        if (!HasBlob(digest, cancellationToken))
            throw new ImageException(ImageError.PeerFailed, $"{Name}: blob {digest}: the registry took it and says afterwards that it does not have it");
    }

    public void PutManifest(StoredManifest manifest, string? tag, CancellationToken cancellationToken)
    {
        if (Digest.Of(manifest.Bytes.Span) != manifest.Digest)
            throw new ImageException(ImageError.DigestMismatch, $"{Name}: the manifest's bytes do not have the digest {manifest.Digest}");
        if (tag is not null && !RegistryName.IsTag(tag))
            throw new ImageException(ImageError.Malformed, $"{Escape.Quote(tag)} is no tag that a registry takes");
        string where = $"{Name}: {tag ?? manifest.Digest.ToString()}";
        ManifestLinks links = Unprivileged.Run(() => ManifestLinks.Read(manifest.Bytes.Span, manifest.MediaType, where));
        bool kept = Put(manifest.Bytes, links.MediaType, tag ?? manifest.Digest.ToString(), manifest.Digest, null, where, cancellationToken) != PutAnswer.Stored;
        if (!Has($"manifests/{tag ?? manifest.Digest.ToString()}", where, manifest.Digest, links.MediaType, cancellationToken))
            throw new ImageException(ImageError.PeerFailed, $"{where}: the registry took the manifest and says afterwards that it does not have it");
        if (links.Subject is { } subject && !kept)
            ListAt(ManifestLinks.DigestOf(subject), links.AsReferrer(manifest.Digest, manifest.Bytes.Length), cancellationToken);
    }

    private enum PutAnswer
    {
        Stored,
        /// <summary>And the registry keeps the list of referrers itself.</summary>
        StoredAndListed,
        /// <summary>What was there is not what the request was for.</summary>
        Changed,
    }

    /// <param name="expected">ETag of what this takes the place of; empty: nothing may be there; null: whatever is.</param>
    private PutAnswer Put(ReadOnlyMemory<byte> bytes, string mediaType, string reference, Digest digest, string? expected, string where, CancellationToken cancellationToken) => _client.Try(endpoint =>
    {
        using HttpResponseMessage response = _client.Ask(endpoint, HttpMethod.Put, endpoint.At($"manifests/{reference}"), request =>
        {
            request.Content = new UploadContent(bytes, null, bytes.Length, mediaType);
            if (expected is { Length: > 0 })
                request.Headers.TryAddWithoutValidation("If-Match", expected);
            else if (expected is not null)
                request.Headers.TryAddWithoutValidation("If-None-Match", "*");
        }, where, cancellationToken);
        if (expected is not null && response.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict)
            return PutAnswer.Changed;
        if (response.StatusCode is not (HttpStatusCode.Created or HttpStatusCode.OK or HttpStatusCode.Accepted))
            throw _client.Refused(response, where, endpoint, cancellationToken);
        RegistryClient.CheckStated(response, digest, where);
        return response.Headers.Contains("OCI-Subject") ? PutAnswer.StoredAndListed : PutAnswer.Stored;
    }, cancellationToken);

    /// <summary>Adds an entry to the list under the fallback tag, where the registry keeps none itself.</summary>
    /// <remarks>
    /// Two who write at once would each lose the other's entry: the write is made on the condition that nothing changed, where the
    /// registry knows conditions, and afterwards the list is read again. Source: OCI distribution specification 1.1, "Pushing Manifests with Subject".
    /// </remarks>
    private void ListAt(Digest subject, Descriptor entry, CancellationToken cancellationToken)
    {
        string tag = ArtifactTags.Fallback(subject), where = $"{Name}: {tag}";
        for (int attempt = 1; ; attempt++)
        {
            (byte[]? before, string? etag) = ReadList(tag, where, cancellationToken);
            byte[]? after = Unprivileged.Run(() => before is not null && Lists(before, entry, where) ? null : IndexEdit.Add(before, entry, _ => false, where));
            if (after is null)
                return;
            if (attempt > _client.Limits.MaxListRewrites)
                throw new ImageException(ImageError.PeerFailed, $"{where}: others changed the list of referrers {_client.Limits.MaxListRewrites} times (MaxListRewrites) while {entry.Digest} was to be added", "try again later; the artifact itself is stored");
            if (attempt > 1)
                cancellationToken.WaitHandle.WaitOne(_client.Limits.FirstBackOff * (attempt * (0.5 + Random.Shared.NextDouble())));
            cancellationToken.ThrowIfCancellationRequested();
            PutAnswer answer = Put(after, MediaTypes.OciIndex, tag, Digest.Of(after), before is null ? "" : etag, where, cancellationToken);
            // A registry that knows no conditions lets a writer who read the list before us write after us: the look back waits for that one.
            if (answer != PutAnswer.Changed)
                cancellationToken.WaitHandle.WaitOne(_client.Limits.FirstBackOff < LookBack ? _client.Limits.FirstBackOff : LookBack);
        }
    }

    private static bool Lists(byte[] index, Descriptor entry, string where) =>
        ImageConfigs.Manifests(ImageConfigs.Parse(index, where, ManifestJson.Index), where).Any(m => m.Digest == entry.Digest);

    private (byte[]? Bytes, string? ETag) ReadList(string tag, string where, CancellationToken cancellationToken) => _client.Try<(byte[]?, string?)>(endpoint =>
    {
        HttpResponseMessage response = _client.Ask(endpoint, endpoint.At($"manifests/{tag}"), request => request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(MediaTypes.OciIndex)), where, cancellationToken);
        using BodyStream body = new(response, _client.Transport, where, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return (null, null);
        _client.Check(response, where, ImageError.NotFound, endpoint, cancellationToken);
        string? etag = response.Headers.NonValidated.TryGetValues("ETag", out HeaderStringValues values) && values.Count == 1 ? values.ToString() : null;
        return (body.ReadAll(_client.Limits.MaxManifestBytes, nameof(RegistryLimits.MaxManifestBytes)), etag?.Length is > 0 and < 256 ? etag : null);
    }, cancellationToken);

    /// <summary>Asks whether something is there, without its bytes.</summary>
    private bool Has(string path, string where, Digest digest, string? accept, CancellationToken cancellationToken) => _client.Try(endpoint =>
    {
        using HttpResponseMessage response = _client.Ask(endpoint, HttpMethod.Head, endpoint.At(path), request =>
        {
            if (accept is not null)
                request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(accept));
        }, where, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return false;
        if (response.StatusCode != HttpStatusCode.OK)
            throw _client.Refused(response, where, endpoint, cancellationToken);
        RegistryClient.CheckStated(response, digest, where);
        return true;
    }, cancellationToken);

    public void Dispose() => _client.Dispose();

    /// <summary>The caller's stream, which stays open.</summary>
    private sealed class Borrowed(Stream stream) : ReadOnlyStream
    {
        public override int Read(Span<byte> buffer) => stream.Read(buffer);
    }
}
