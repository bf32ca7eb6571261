using System.Text;
using System.Text.Json;
using Plimsoll.Oci;

namespace Plimsoll.TestKit;

/// <summary>A repository in memory that keeps its referrers, and lies where a test says so.</summary>
public sealed class MemoryStore : IArtifactTarget, IArtifactList
{
    public string Name { get; init; } = "memory";
    public Dictionary<Digest, byte[]> Blobs { get; } = [];
    public Dictionary<Digest, byte[]> Manifests { get; } = [];
    public Dictionary<string, Digest> Tags { get; } = new(StringComparer.Ordinal);

    /// <summary>What is said to refer to a manifest in place of the truth.</summary>
    public Func<Digest, IReadOnlyList<Descriptor>>? Referrers { get; set; }

    /// <summary>Called before a blob is stored: another client may write meanwhile.</summary>
    public Action? BeforeBlob { get; set; }

    /// <summary>Manifests and blobs that were asked for.</summary>
    public int Reads { get; private set; }

    /// <summary>Stores a content under its digest.</summary>
    public Digest Blob(byte[] content)
    {
        Digest digest = Digest.Of(content);
        Blobs[digest] = content;
        return digest;
    }

    public Digest Blob(string content) => Blob(Encoding.UTF8.GetBytes(content));

    /// <summary>Stores a manifest as it is, whatever it says.</summary>
    public Digest Manifest(string json, string? tag = null)
    {
        Digest digest = Digest.Of(Encoding.UTF8.GetBytes(json));
        Manifests[digest] = Encoding.UTF8.GetBytes(json);
        if (tag is not null)
            Tags[tag] = digest;
        return digest;
    }

    public StoredManifest? FindManifest(string reference, CancellationToken cancellationToken)
    {
        Reads++;
        Digest? digest = Digest.TryParse(reference, out Digest? named) ? named : Tags.GetValueOrDefault(reference);
        return digest is not null && Manifests.TryGetValue(digest, out byte[]? bytes) ? new StoredManifest(digest, null, bytes) : null;
    }

    public Stream OpenBlob(Digest digest, long size, CancellationToken cancellationToken)
    {
        Reads++;
        return Blobs.TryGetValue(digest, out byte[]? content) ? new MemoryStream(content, writable: false) : throw new ImageException(ImageError.BlobMissing, $"{Name}: {digest} is not there");
    }

    public IReadOnlyList<Descriptor> ListReferrers(Digest subject, CancellationToken cancellationToken) =>
        Referrers?.Invoke(subject) ?? [.. Manifests.Where(m => SubjectOf(m.Value) == subject.ToString()).Select(m => DescriptorOf(m.Key))];

    public IReadOnlyList<string> ListTags(CancellationToken cancellationToken) => [.. Tags.Keys];

    public IReadOnlyList<Descriptor> ListManifests(CancellationToken cancellationToken) => [.. Manifests.Keys.Select(DescriptorOf)];

    public bool HasBlob(Digest digest, CancellationToken cancellationToken) => Blobs.ContainsKey(digest);

    public void PutBlob(Digest digest, long size, Stream content, CancellationToken cancellationToken)
    {
        BeforeBlob?.Invoke();
        using MemoryStream buffer = new();
        content.CopyTo(buffer);
        if (buffer.Length != size || Digest.Of(buffer.ToArray()) != digest)
            throw new ImageException(ImageError.DigestMismatch, $"{Name}: these are not the bytes of {digest}");
        Blobs[digest] = buffer.ToArray();
    }

    public void PutManifest(StoredManifest manifest, string? tag, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        using JsonDocument document = JsonDocument.Parse(manifest.Bytes);
        foreach (JsonElement part in document.RootElement.GetProperty("layers").EnumerateArray().Append(document.RootElement.GetProperty("config")))
            if (!Blobs.ContainsKey(Digest.Parse(part.GetProperty("digest").GetString()!)))
                throw new ImageException(ImageError.BlobMissing, $"{Name}: a blob of {manifest.Digest} is not there");
        Manifests[manifest.Digest] = manifest.Bytes.ToArray();
        if (tag is not null)
            Tags[tag] = manifest.Digest;
    }

    public Descriptor DescriptorOf(Digest manifest) => new() { MediaType = MediaTypes.OciManifest, Digest = manifest.ToString(), Size = Manifests[manifest].Length };

    public void Dispose()
    {
    }

    private static string? SubjectOf(byte[] manifest)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(manifest);
            return document.RootElement.TryGetProperty("subject", out JsonElement subject) && subject.TryGetProperty("digest", out JsonElement digest) ? digest.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
