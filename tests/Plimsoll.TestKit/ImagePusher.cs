using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Oci;
using Plimsoll.Sign;

namespace Plimsoll.TestKit;

/// <summary>An image that was put into a store.</summary>
/// <param name="Subject">Its manifest, or the index.</param>
/// <param name="Config">Of an index: of its first platform.</param>
/// <param name="Platforms">Empty for a single image.</param>
public sealed record PushedImage(SubjectDescriptor Subject, Digest Config, IReadOnlyList<PushedImage> Platforms)
{
    public Digest Digest => Subject.Digest;

    /// <summary>How statements name it.</summary>
    public ImageDigests Digests => new(null, Digest, Config);
}

/// <summary>Puts small images into stores of any kind, and signs them there.</summary>
public static class ImagePusher
{
    public static PushedImage Push(IArtifactTarget target, ImageBuilder image, string? tag)
    {
        Dictionary<string, byte[]> files = image.LayoutFiles();
        JsonNode entry = JsonNode.Parse(files["index.json"])!["manifests"]![0]!;
        Digest digest = Digest.Parse((string)entry["digest"]!);
        byte[] manifest = files[$"blobs/sha256/{digest.Hex}"];
        foreach ((string name, byte[] bytes) in files)
            if (name.StartsWith("blobs/sha256/", StringComparison.Ordinal) && !name.EndsWith(digest.Hex, StringComparison.Ordinal))
                target.PutBlob(Digest.Of(bytes), bytes.Length, new MemoryStream(bytes), CancellationToken.None);
        target.PutManifest(new StoredManifest(digest, MediaTypes.OciManifest, manifest), tag, CancellationToken.None);
        return new PushedImage(new SubjectDescriptor(MediaTypes.OciManifest, digest, manifest.Length), Digest.Of(image.Config()), []);
    }

    /// <summary>An index of these images, each under its architecture.</summary>
    public static PushedImage PushIndex(IArtifactTarget target, string tag, params (string Architecture, ImageBuilder Image)[] images)
    {
        List<PushedImage> platforms = [.. images.Select(i => Push(target, i.Image.For(i.Architecture), null))];
        byte[] index = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = MediaTypes.OciIndex,
            ["manifests"] = new JsonArray([.. platforms.Select((p, i) => (JsonNode)new JsonObject
            {
                ["mediaType"] = p.Subject.MediaType,
                ["digest"] = p.Digest.ToString(),
                ["size"] = p.Subject.Size,
                ["platform"] = new JsonObject { ["os"] = "linux", ["architecture"] = images[i].Architecture },
            })]),
        }.ToJsonString());
        target.PutManifest(new StoredManifest(Digest.Of(index), MediaTypes.OciIndex, index), tag, CancellationToken.None);
        return new PushedImage(new SubjectDescriptor(MediaTypes.OciIndex, Digest.Of(index), index.Length), platforms[0].Config, platforms);
    }

    /// <summary>Signs the image, or the index and each of its platforms, as <c>plimsoll sign</c> does.</summary>
    public static void Sign(IArtifactTarget target, PushedImage image, string repository, params Keys.ISigner[] signers)
    {
        ImageSigner signer = new(target, signers, repository, null, TimeProvider.System);
        foreach (PushedImage one in (IEnumerable<PushedImage>)[.. image.Platforms, image])
            signer.Sign(one.Subject, one.Platforms.Count > 0 ? [new Subject("index", one.Digest)] : [new Subject("manifest", one.Digest), new Subject("config", one.Config)], new Evidence(), CancellationToken.None);
    }
}
