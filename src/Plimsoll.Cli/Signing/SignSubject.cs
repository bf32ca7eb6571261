using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>One image of one platform that is to be signed.</summary>
/// <param name="Name">How it is opened: by digest, so that a tag that moves meanwhile changes nothing.</param>
/// <param name="Subject">Null where the source knows no manifest; then the config is what is signed.</param>
/// <param name="Index">The index that lists it, or null.</param>
/// <param name="Platform">As the index says, or null.</param>
internal sealed record SignImage(string Name, SubjectDescriptor? Subject, Digest? Index, string? Platform);

/// <summary>Everything that one call signs.</summary>
/// <param name="Name">As the user wrote it.</param>
/// <param name="Index">Null for a single manifest, and when one platform is asked for.</param>
/// <param name="Repository">Of a registry; empty elsewhere.</param>
internal sealed record SignSubject(string Name, SubjectDescriptor? Index, IReadOnlyList<SignImage> Images, string Repository)
{
    /// <summary>Platforms of one index.</summary>
    public const int MaxPlatforms = 64;

    /// <summary>Of a store with manifests: the manifest that is named, or an index and the platforms that it lists.</summary>
    /// <param name="pinned">How a manifest of this store is opened as an image.</param>
    /// <exception cref="ImageException">What is wrong with the index.</exception>
    public static SignSubject Of(string name, OpenedSource source, Func<Digest, string> pinned, string repository, Platform? platform, CancellationToken cancellationToken)
    {
        StoredManifest root = source.GetManifest(cancellationToken);
        string where = $"{source.Store.Name}: {root.Digest}";
        ManifestLinks links = ManifestLinks.Read(root.Bytes.Span, root.MediaType, where);
        SubjectDescriptor subject = new(links.MediaType, root.Digest, root.Bytes.Length);
        if (links.Subject is not null)
            throw new ImageException(ImageError.Unsupported, $"{where} is about another image and is none itself");
        if (!links.IsIndex)
            return new SignSubject(name, null, [new SignImage(pinned(root.Digest), subject, null, null)], repository);
        List<SignImage> images = [];
        foreach (Descriptor listed in links.Manifests)
        {
            Digest digest = ManifestLinks.DigestOf(listed);
            // Builders list attestations of their own for a platform that is none.
            if (listed.Platform is { Os: "unknown", Architecture: "unknown" })
                continue;
            if (MediaTypes.IsIndex(listed.MediaType))
                throw new ImageException(ImageError.Unsupported, $"{where} lists another index, {digest}", "sign that one by its digest");
            if (platform is not null && (listed.Platform is not { Os: { } os, Architecture: { } architecture } || !new Platform(os, architecture, listed.Platform.Variant).Satisfies(platform)))
                continue;
            if (images.Count == MaxPlatforms)
                throw new ImageException(ImageError.LimitExceeded, $"{where} lists more than {MaxPlatforms} platforms (MaxPlatforms)");
            images.Add(new SignImage(pinned(digest), new SubjectDescriptor(listed.MediaType ?? MediaTypes.OciManifest, digest, listed.Size), root.Digest,
                listed.Platform is { Os: { } o, Architecture: { } a } ? new Platform(o, a, listed.Platform.Variant).ToString() : null));
        }
        if (images.Count == 0)
            throw new ImageException(ImageError.NoSuchPlatform, platform is null ? $"{where} lists no image" : $"{where} lists no image for {platform}");
        return new SignSubject(name, platform is null ? subject : null, images, repository);
    }

    /// <summary>Of a place without manifests: the daemon, an archive of docker save.</summary>
    public static SignSubject OfConfig(string name) => new(name, null, [new SignImage(name, null, null, null)], "");

    /// <summary>Whether an image is kept where manifests are; a name without a host is the local daemon's.</summary>
    public static bool HasManifests(string text)
    {
        ImageReference reference = ImageReference.Parse(text);
        return reference.Scheme switch
        {
            ImageScheme.Registry or ImageScheme.Oci or ImageScheme.OciArchive => true,
            ImageScheme.Docker => reference.Location == reference.Text && Registry.RegistryName.HasHost(reference.Text),
            // What docker save wrote since version 25 is both; Docker itself knows the config only.
            ImageScheme.Archive => reference.Location != "-" && IsLayout(reference.Location),
            ImageScheme.Dir or ImageScheme.Host => throw CommandException.Usage($"{Escape.Quote(text)} is a folder of files, which has no digest that could be signed", "sign an image"),
            _ => false,
        };
    }

    private static bool IsLayout(string path)
    {
        try
        {
            using OpenedSource source = ArtifactStores.OpenSource("oci-archive:" + path, new ImageOptions(), CancellationToken.None);
            return source.Store is IArtifactList list && list.ListManifests(CancellationToken.None).Count > 0;
        }
        catch (ImageException)
        {
            // Opening it as an image says what is wrong.
            return false;
        }
    }
}
