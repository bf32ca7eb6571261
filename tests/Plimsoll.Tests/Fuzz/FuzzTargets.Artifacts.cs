using System.Text;
using Plimsoll.Oci;
using Plimsoll.Registry;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Fuzz;

/// <content>Manifests of artifacts, the list of a layout that is written, and what registries answer to who pushes.</content>
internal static partial class FuzzTargets
{
    private static readonly string Zeros = new('0', 64);

    private static readonly string[] ArtifactWords =
    [
        "\"subject\":", "\"artifactType\":", "\"manifests\":[", "\"layers\":null", "\"config\":{}", "\"size\":-1", "\"size\":9223372036854775807", "sha512:", "\"mediaType\":\"x\"",
        "org.opencontainers.image.ref.name", "\"kind\":\"dev.cosignproject.cosign/sigs\"", "\"annotations\":{\"a\":null}", $"sha256-{Zeros}.sig", "\"Subject\":",
    ];

    private static byte[] SomeReferrer { get; } = ArtifactBuilder.Referrer($"sha256:{Zeros}", 3, "layer"u8.ToArray());

    /// <summary>One manifest: what it names, and the same bytes as an index that gets one more entry.</summary>
    private static FuzzTarget ArtifactManifest => new()
    {
        Name = "artifact-manifest",
        Seeds = () =>
        [
            SomeReferrer, ArtifactBuilder.CosignImage("{}"u8.ToArray(), "application/vnd.dev.cosign.simplesigning.v1+json", "a"u8.ToArray()),
            Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","artifactType":"x","manifests":[{"mediaType":"{{MediaTypes.OciManifest}}","digest":"sha256:{{Zeros}}","size":1,"data":"e30="}],"later":[1,{"a":"\u00e9"}]}"""),
        ],
        Words = ArtifactWords,
        Refusal = IsImageError,
        Run = bytes =>
        {
            ManifestLinks links = ManifestLinks.Read(bytes, null, "input");
            WrongAnswerException.Unless(links.Blobs.Concat(links.Manifests).All(d => Digest.TryParse(d.Digest, out _) && d.Size >= 0), "a part without digest or size was let through");
            WrongAnswerException.Unless(links.Subject is null || Digest.TryParse(links.Subject.Digest, out _), "a subject without a digest was let through");
            if (!links.IsIndex)
                return;
            Descriptor entry = links.AsReferrer(Digest.Of(bytes), bytes.Length);
            byte[] more = IndexEdit.Add(bytes, entry, _ => false, "input");
            ManifestLinks after = ManifestLinks.Read(more, null, "changed");
            WrongAnswerException.Unless(after.Manifests.Count == links.Manifests.Count + 1 && after.Manifests[^1].Digest == entry.Digest, "the entry was not added");
            WrongAnswerException.Unless(after.Subject?.Digest == links.Subject?.Digest && after.ArtifactType == links.ArtifactType, "something else changed");
            byte[] back = IndexEdit.Add(more, null, d => d.Digest == entry.Digest, "changed");
            WrongAnswerException.Unless(ManifestLinks.Read(back, null, "back").Manifests.All(m => m.Digest != entry.Digest), "the entry was not removed");
        },
    };

    /// <summary>index.json of a layout that holds an image and a referrer.</summary>
    private static FuzzTarget ArtifactLayout
    {
        get
        {
            InputFile? file = null;
            string Entry(byte[] manifest, string more = "") => $$"""{"mediaType":"{{MediaTypes.OciManifest}}","digest":"sha256:{{ImageBuilder.Hex(manifest)}}","size":{{manifest.Length}}{{more}}}""";
            return new FuzzTarget
            {
                Name = "artifact-layout",
                Seeds = () =>
                [
                    Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"manifests":[{{Entry(SomeReferrer)}}]}"""),
                    Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"manifests":[{{Entry(SomeReferrer, ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"1\"}")}},{{Entry(SomeReferrer, ",\"annotations\":{\"kind\":\"dev.cosignproject.cosign/image\"}")}}]}"""),
                ],
                Words = ArtifactWords,
                Refusal = e => e is ImageException,
                Run = bytes =>
                {
                    if (file is null)
                    {
                        file = new InputFile("index.json");
                        File.WriteAllText(Path.Combine(file.Folder, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
                        Directory.CreateDirectory(Path.Combine(file.Folder, "blobs/sha256"));
                        File.WriteAllBytes(Path.Combine(file.Folder, "blobs/sha256", ImageBuilder.Hex(SomeReferrer)), SomeReferrer);
                    }
                    file.Write(bytes);
                    using LayoutStore store = new(file.Folder, OciLimits.Default, TimeProvider.System);
                    IReadOnlyList<string> tags = store.ListTags(CancellationToken.None);
                    foreach (string tag in tags.Take(10))
                        Named(() => WrongAnswerException.Unless(store.FindManifest(tag, CancellationToken.None) is not null, $"the tag {tag} is listed and not found"));
                    Named(() => store.GetOnlyImage());
                    foreach (Descriptor referrer in store.ListReferrers(Digest.Parse($"sha256:{Zeros}"), CancellationToken.None))
                        WrongAnswerException.Unless(Digest.TryParse(referrer.Digest, out _), "a referrer without a digest");
                },
            };
        }
    }

    /// <summary>Every answer of a registry to who pushes.</summary>
    private static FuzzTarget RegistryPush
    {
        get
        {
            byte[] answer = [];
            FakeRegistry? registry = null;
            byte[] blob = new byte[300];
            return new FuzzTarget
            {
                Name = "registry-push",
                Seeds = () =>
                [
                    FakeRegistry.Answer(202, "", "Location: /v2/a/b/blobs/uploads/1?x=y", "Range: 0-99", "OCI-Chunk-Min-Length: 10"),
                    FakeRegistry.Answer(201, "", "Location: /v2/a/b/manifests/x", "Docker-Content-Digest: sha256:00", "OCI-Subject: sha256:00"),
                    FakeRegistry.Answer(404, """{"errors":[{"code":"BLOB_UNKNOWN","message":"no"}]}"""),
                    FakeRegistry.Answer(413), FakeRegistry.Answer(307, "", "Location: /v2/x"), FakeRegistry.Answer(412, "", "ETag: \"x\""),
                ],
                Words = ["Range: 0-0\r\n", "Range: bytes=0-18446744073709551615\r\n", "Range: 5\r\n", "Location: http://[\r\n", "Location: ftp://x/\r\n", "Location: \r\n", "HTTP/1.1 416 X\r\n", "HTTP/1.1 202 X\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "OCI-Chunk-Min-Length: -1\r\n", "OCI-Chunk-Min-Length: 99999999999\r\n", "Docker-Content-Digest: \r\n"],
                Refusal = IsImageError,
                Run = bytes =>
                {
                    if (registry is null)
                    {
                        registry = new FakeRegistry(async (request, stream, stop) => await stream.WriteAsync(request.Method == "HEAD" ? "HTTP/1.1 404 X\r\nConnection: close\r\n\r\n"u8.ToArray() : answer, stop));
                        AppDomain.CurrentDomain.ProcessExit += (_, _) => registry.Dispose();
                    }
                    lock (registry.Requests)
                        registry.Requests.Clear();
                    answer = bytes;
                    RegistryLimits limits = Hasty with { UploadPartBytes = 100, MinUploadPartBytes = 20, MaxListRewrites = 1 };
                    using RegistryStore store = new(RegistryName.Parse($"{registry.Host}/a/b:1"), new RegistryOptions { PlainHttp = [registry.Host], Limits = limits, CertificateFolders = [] }, _ => null, TimeProvider.System, push: true);
                    foreach (Action operation in (Action[])
                    [
                        () => store.PutBlob(Digest.Of(blob), blob.Length, new MemoryStream(blob), CancellationToken.None),
                        () => store.TryMount(Digest.Of(blob), "c/d", CancellationToken.None),
                        () => store.PutManifest(new StoredManifest(Digest.Of(SomeReferrer), null, SomeReferrer), "1", CancellationToken.None),
                    ])
                        Named(operation);
                    WrongAnswerException.Unless(registry.Requests.Count < 200, "more requests than the limits allow");
                },
            };
        }
    }

    private static void Named(Action operation)
    {
        try
        {
            operation();
        }
        catch (ImageException)
        {
            // Refused by name.
        }
    }
}
