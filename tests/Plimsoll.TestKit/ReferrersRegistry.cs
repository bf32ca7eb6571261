using System.Net.Security;
using System.Text;
using System.Text.Json.Nodes;

namespace Plimsoll.TestKit;

/// <summary>
/// A registry in memory that takes pushes and keeps lists of referrers, as OCI distribution 1.1 has it; without them it is like
/// older registries. For real clients too: it knows chunked bodies, mounts, ranges and conditions.
/// </summary>
public sealed class ReferrersRegistry : IDisposable
{
    private readonly Lock _gate = new();
    private readonly FakeRegistry _server;
    private readonly Func<FakeRequest, byte[]?>? _first;
    private readonly Dictionary<string, Repository> _repositories = new(StringComparer.Ordinal);
    private readonly Dictionary<string, MemoryStream> _uploads = new(StringComparer.Ordinal);
    private int _nextUpload;

    /// <param name="referrers">Whether it has the API; without it clients keep lists under a tag.</param>
    /// <param name="first">Answers requests in its place, however wrong; null: it answers itself.</param>
    public ReferrersRegistry(bool referrers = true, Func<FakeRequest, byte[]?>? first = null, SslServerAuthenticationOptions? tls = null)
    {
        (Referrers, _first) = (referrers, first);
        _server = new FakeRegistry(async (request, stream, stop) =>
        {
            byte[] answer = _first?.Invoke(request) ?? Answer(request);
            // The answer to a HEAD has the head only.
            if (request.Method == "HEAD")
                answer = answer[..(answer.AsSpan().IndexOf("\r\n\r\n"u8) + 4)];
            await stream.WriteAsync(answer, stop);
        }, tls);
    }

    public bool Referrers { get; }

    /// <summary>Referrers on one page; clients follow the link to the next.</summary>
    public int PageSize { get; init; } = int.MaxValue;

    /// <summary><c>127.0.0.1:PORT</c>.</summary>
    public string Host => _server.Host;

    public List<FakeRequest> Requests => _server.Requests;

    public IReadOnlyList<FakeRequest> Of(string part) => _server.Of(part);

    /// <summary>Tags of a repository with the digests that they stand for.</summary>
    public IReadOnlyDictionary<string, string> Tags(string repository) => Look(repository, r => new Dictionary<string, string>(r.Tags, StringComparer.Ordinal));

    /// <summary>Manifests by digest.</summary>
    public IReadOnlyDictionary<string, byte[]> Manifests(string repository) => Look(repository, r => r.Manifests.ToDictionary(m => m.Key, m => m.Value.Bytes, StringComparer.Ordinal));

    /// <summary>Blobs by digest.</summary>
    public IReadOnlyDictionary<string, byte[]> Blobs(string repository) => Look(repository, r => new Dictionary<string, byte[]>(r.Blobs, StringComparer.Ordinal));

    public string PutBlob(string repository, byte[] bytes)
    {
        string digest = $"sha256:{ImageBuilder.Hex(bytes)}";
        Look(repository, r => r.Blobs[digest] = bytes);
        return digest;
    }

    /// <summary>Stores a manifest unchecked, under a tag when one is given.</summary>
    public string PutManifest(string repository, byte[] bytes, string mediaType, string? tag = null)
    {
        string digest = $"sha256:{ImageBuilder.Hex(bytes)}";
        Look(repository, r =>
        {
            r.Manifests[digest] = (bytes, mediaType);
            if (tag is not null)
                r.Tags[tag] = digest;
            return 0;
        });
        return digest;
    }

    /// <summary>Stores what a layout's files hold.</summary>
    /// <returns>The digest of the image.</returns>
    public string Put(string repository, ImageBuilder image, string tag = "1")
    {
        Dictionary<string, byte[]> files = image.LayoutFiles();
        string digest = (string)JsonNode.Parse(files["index.json"])!["manifests"]![0]!["digest"]!;
        foreach ((string name, byte[] bytes) in files)
            if (name.StartsWith("blobs/sha256/", StringComparison.Ordinal) && name[13..] != digest[7..])
                PutBlob(repository, bytes);
        return PutManifest(repository, files[$"blobs/sha256/{digest[7..]}"], FakeRepository.OciManifest, tag);
    }

    public void Remove(string repository, string digest) => Look(repository, r => r.Manifests.Remove(digest) | r.Blobs.Remove(digest));

    private T Look<T>(string repository, Func<Repository, T> look)
    {
        lock (_gate)
        {
            if (!_repositories.TryGetValue(repository, out Repository? found))
                _repositories.Add(repository, found = new Repository());
            return look(found);
        }
    }

    /// <summary>The right answer.</summary>
    public byte[] Answer(FakeRequest request)
    {
        lock (_gate)
        {
            string path = request.Path;
            if (path is "/v2/" or "/v2")
                return FakeRegistry.Answer(200, "{}");
            foreach (string part in (string[])["/blobs/uploads/", "/blobs/", "/manifests/", "/referrers/", "/tags/list"])
            {
                int at = path.LastIndexOf(part, StringComparison.Ordinal);
                if (at < 4 || !path.StartsWith("/v2/", StringComparison.Ordinal))
                    continue;
                string name = path[4..at], rest = Uri.UnescapeDataString(path[(at + part.Length)..]);
                return Look(name, repository => part switch
                {
                    "/blobs/uploads/" => Upload(request, name, repository, rest),
                    "/blobs/" => Blob(request, repository, rest),
                    "/manifests/" => request.Method == "PUT" ? TakeManifest(request, name, repository, rest) : Manifest(repository, rest),
                    "/referrers/" => Referrers ? ListReferrers(request, name, repository, rest) : FakeRegistry.Answer(404, "404 page not found"),
                    _ => repository.Tags.Count == 0 ? Missing("NAME_UNKNOWN")
                        : FakeRegistry.Answer(200, new JsonObject { ["name"] = name, ["tags"] = new JsonArray([.. repository.Tags.Keys.Order(StringComparer.Ordinal).Select(t => (JsonNode)t)]) }.ToJsonString()),
                });
            }
            return Missing("UNSUPPORTED");
        }
    }

    private static byte[] Missing(string code) => FakeRegistry.Answer(404, $$"""{"errors":[{"code":"{{code}}","message":"not here"}]}""");

    private static byte[] Manifest(Repository repository, string reference)
    {
        string digest = repository.Tags.GetValueOrDefault(reference, reference);
        return repository.Manifests.TryGetValue(digest, out (byte[] Bytes, string MediaType) manifest)
            ? FakeRegistry.Answer(200, manifest.Bytes, $"Content-Type: {manifest.MediaType}", $"Docker-Content-Digest: {digest}", $"ETag: \"{digest}\"")
            : Missing("MANIFEST_UNKNOWN");
    }

    private byte[] TakeManifest(FakeRequest request, string name, Repository repository, string reference)
    {
        string digest = $"sha256:{ImageBuilder.Hex(request.Bytes)}", type = request.Header("content-type") ?? "";
        bool byDigest = reference.Contains(':', StringComparison.Ordinal);
        if (byDigest && reference != digest)
            return FakeRegistry.Answer(400, """{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match uploaded content"}]}""");
        if (request.Header("if-match") is { } expected && expected != $"\"{repository.Tags.GetValueOrDefault(reference, "none")}\"")
            return FakeRegistry.Answer(412);
        if (request.Header("if-none-match") == "*" && repository.Tags.ContainsKey(reference))
            return FakeRegistry.Answer(412);
        JsonNode manifest = JsonNode.Parse(request.Bytes)!;
        foreach (JsonNode? part in (IEnumerable<JsonNode?>)[manifest["config"], .. manifest["layers"]?.AsArray() ?? []])
            if (part is not null && !repository.Blobs.ContainsKey((string)part["digest"]!))
                return FakeRegistry.Answer(404, """{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}""");
        // As most registries do: the parts of an index are asked for, but not those of a list of referrers.
        if (reference.IndexOf('-', StringComparison.Ordinal) < 0)
            foreach (JsonNode? part in manifest["manifests"]?.AsArray() ?? [])
                if (!repository.Manifests.ContainsKey((string)part!["digest"]!))
                    return FakeRegistry.Answer(404, """{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"manifest unknown to registry"}]}""");
        repository.Manifests[digest] = (request.Bytes, type);
        if (!byDigest)
            repository.Tags[reference] = digest;
        List<string> headers = [$"Location: /v2/{name}/manifests/{digest}", $"Docker-Content-Digest: {digest}"];
        if (Referrers && manifest["subject"] is { } subject)
            headers.Add($"OCI-Subject: {(string)subject["digest"]!}");
        return FakeRegistry.Answer(201, "", [.. headers]);
    }

    private byte[] ListReferrers(FakeRequest request, string name, Repository repository, string subject)
    {
        List<JsonNode> all = [];
        foreach ((string digest, (byte[] bytes, string mediaType)) in repository.Manifests)
        {
            JsonNode manifest = JsonNode.Parse(bytes)!;
            if ((string?)manifest["subject"]?["digest"] != subject)
                continue;
            string? type = (string?)manifest["artifactType"] ?? (string?)manifest["config"]?["mediaType"];
            if (request.Query("artifactType") is { } wanted && wanted != type)
                continue;
            JsonObject entry = new() { ["mediaType"] = mediaType, ["digest"] = digest, ["size"] = bytes.Length, ["artifactType"] = type };
            if (manifest["annotations"] is { } annotations)
                entry["annotations"] = annotations.DeepClone();
            all.Add(entry);
        }
        int from = int.TryParse(request.Query("from"), out int at) ? at : 0;
        JsonObject page = new() { ["schemaVersion"] = 2, ["mediaType"] = FakeRepository.OciIndex, ["manifests"] = new JsonArray([.. all.Skip(from).Take(PageSize)]) };
        List<string> headers = [$"Content-Type: {FakeRepository.OciIndex}"];
        if (all.Count - from > PageSize)
            headers.Add($"Link: </v2/{name}/referrers/{subject}?from={from + PageSize}>; rel=\"next\"");
        return FakeRegistry.Answer(200, page.ToJsonString(), [.. headers]);
    }

    private static byte[] Blob(FakeRequest request, Repository repository, string digest)
    {
        if (!repository.Blobs.TryGetValue(digest, out byte[]? blob))
            return Missing("BLOB_UNKNOWN");
        int from = request.From;
        return from == 0 ? FakeRegistry.Answer(200, blob, $"Docker-Content-Digest: {digest}")
            : FakeRegistry.Answer(206, blob[from..], $"Content-Range: bytes {from}-{blob.Length - 1}/{blob.Length}");
    }

    private byte[] Upload(FakeRequest request, string name, Repository repository, string id)
    {
        if (request.Method == "POST")
        {
            if (request.Query("mount") is { } mount && request.Query("from") is { } from && _repositories.GetValueOrDefault(from)?.Blobs.TryGetValue(mount, out byte[]? mounted) == true)
            {
                repository.Blobs[mount] = mounted;
                return FakeRegistry.Answer(201, "", $"Location: /v2/{name}/blobs/{mount}", $"Docker-Content-Digest: {mount}");
            }
            string begun = $"u{++_nextUpload}";
            _uploads[begun] = new MemoryStream();
            return At(202, begun);
        }
        if (!_uploads.TryGetValue(id, out MemoryStream? upload))
            return Missing("BLOB_UPLOAD_UNKNOWN");
        switch (request.Method)
        {
            case "GET":
                return At(204, id);
            case "DELETE":
                _uploads.Remove(id);
                return FakeRegistry.Answer(204);
            case "PATCH":
                if (request.Header("content-range") is { } range && range.Split('-')[0] != upload.Length.ToString())
                    return At(416, id);
                upload.Write(request.Bytes);
                return At(202, id);
            default:
                upload.Write(request.Bytes);
                byte[] blob = upload.ToArray();
                string digest = $"sha256:{ImageBuilder.Hex(blob)}";
                if (request.Query("digest") != digest)
                    return FakeRegistry.Answer(400, """{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match uploaded content"}]}""");
                _uploads.Remove(id);
                repository.Blobs[digest] = blob;
                return FakeRegistry.Answer(201, "", $"Location: /v2/{name}/blobs/{digest}", $"Docker-Content-Digest: {digest}");
        }

        byte[] At(int status, string upload) =>
            FakeRegistry.Answer(status, "", $"Location: /v2/{name}/blobs/uploads/{upload}?state=s", $"Range: 0-{Math.Max(0, _uploads[upload].Length - 1)}", "Docker-Upload-UUID: " + upload);
    }

    public void Dispose() => _server.Dispose();

    private sealed class Repository
    {
        public Dictionary<string, (byte[] Bytes, string MediaType)> Manifests { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, string> Tags { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, byte[]> Blobs { get; } = new(StringComparer.Ordinal);
    }
}

/// <summary>Artifacts about an image, as signers attach them.</summary>
public static class ArtifactBuilder
{
    public const string BundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";

    /// <summary>A referrer with one layer and an empty config.</summary>
    public static byte[] Referrer(string subject, long subjectSize, byte[] layer, string artifactType = BundleType, JsonObject? annotations = null)
    {
        JsonObject manifest = new()
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = FakeRepository.OciManifest,
            ["artifactType"] = artifactType,
            ["config"] = Part("application/vnd.oci.empty.v1+json", "{}"u8.ToArray()),
            ["layers"] = new JsonArray(Part(artifactType, layer)),
            ["subject"] = new JsonObject { ["mediaType"] = FakeRepository.OciManifest, ["digest"] = subject, ["size"] = subjectSize },
        };
        if (annotations is not null)
            manifest["annotations"] = annotations;
        return Encoding.UTF8.GetBytes(manifest.ToJsonString());
    }

    /// <summary>cosign's image of signatures.</summary>
    public static byte[] CosignImage(byte[] config, string layerType, params byte[][] layers)
    {
        JsonObject manifest = new()
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = FakeRepository.OciManifest,
            ["config"] = Part("application/vnd.oci.image.config.v1+json", config),
            ["layers"] = new JsonArray([.. layers.Select(l => (JsonNode)Part(layerType, l))]),
        };
        return Encoding.UTF8.GetBytes(manifest.ToJsonString());
    }

    public static JsonObject Part(string mediaType, byte[] bytes) => new() { ["mediaType"] = mediaType, ["digest"] = $"sha256:{ImageBuilder.Hex(bytes)}", ["size"] = bytes.Length };
}
