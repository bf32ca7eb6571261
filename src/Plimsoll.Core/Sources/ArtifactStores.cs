using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Registry;
using Plimsoll.Texts;

namespace Plimsoll.Sources;

/// <summary>A store, and what of it was meant.</summary>
/// <param name="Store">The caller disposes it.</param>
/// <param name="Reference">Tag or digest; null for a layout or archive when none was written.</param>
public sealed record OpenedSource(IArtifactSource Store, string? Reference) : IDisposable
{
    /// <summary>The source keeps no manifest, and this one was made of what it keeps.</summary>
    public bool IsMade => Store is SavedArchive;

    /// <summary>The manifest that was meant: what the reference names, else the only image of a layout.</summary>
    /// <exception cref="ImageException">NotFound, Ambiguous and others.</exception>
    public StoredManifest GetManifest(CancellationToken cancellationToken) => ArtifactStores.GetManifest(Store, Reference, cancellationToken);

    public void Dispose() => Store.Dispose();
}

/// <summary>As <see cref="OpenedSource"/>, to be written.</summary>
public sealed record OpenedTarget(IArtifactTarget Store, string? Reference) : IDisposable
{
    /// <summary>As <see cref="OpenedSource.GetManifest"/>.</summary>
    public StoredManifest GetManifest(CancellationToken cancellationToken) => ArtifactStores.GetManifest(Store, Reference, cancellationToken);

    /// <summary>
    /// Several manifests are to come: an archive is written once, when the returned is completed, and not for each. Other stores take
    /// everything at once and have nothing to complete.
    /// </summary>
    public Action<CancellationToken> Batch()
    {
        if (Store is not LayoutFile file)
            return _ => { };
        file.Defer();
        return file.Complete;
    }

    public void Dispose() => Store.Dispose();
}

/// <summary>Opens stores of manifests and blobs by the names that users write.</summary>
/// <remarks>
/// Names are those of images (<see cref="ImageReference"/>), but for one thing: an image without a prefix that is no path is one in a
/// registry, since the local daemon keeps no manifests. See docs/decisions/0002.
/// </remarks>
public static class ArtifactStores
{
    /// <summary><c>[registry:]HOST/NAME[:TAG][@DIGEST]</c>, <c>oci:FOLDER[:TAG]</c>, <c>oci-archive:FILE[:TAG]</c>, or a path of the last two. Reads only.</summary>
    /// <exception cref="ImageException">Unsupported: a place without manifests; NotFound, Malformed and others.</exception>
    public static OpenedSource OpenSource(string text, ImageOptions options, CancellationToken cancellationToken)
    {
        (ImageScheme scheme, string location, string? choice) = Parse(text, mayBeNew: false);
        if (scheme != ImageScheme.Registry && !File.Exists(location) && !Directory.Exists(location))
            throw new ImageException(ImageError.NotFound, $"{Escape.Quote(location)} does not exist");
        (IArtifactTarget store, string? reference) = Open(text, scheme, location, choice, push: false, options, cancellationToken);
        return new OpenedSource(store, reference);
    }

    /// <summary>As <see cref="OpenSource"/>, to be read and written; a layout or archive that is not there yet is made by the first thing that is put.</summary>
    public static OpenedTarget OpenTarget(string text, ImageOptions options, CancellationToken cancellationToken)
    {
        (ImageScheme scheme, string location, string? choice) = Parse(text, mayBeNew: true);
        (IArtifactTarget store, string? reference) = Open(text, scheme, location, choice, push: true, options, cancellationToken);
        return new OpenedTarget(store, reference);
    }

    /// <summary>
    /// As <see cref="OpenSource"/>, and also <c>docker-archive:FILE[:TAG]</c>, for which a manifest is made: layers and config are the
    /// archive's bytes, and nothing can be attached to it there.
    /// </summary>
    public static OpenedSource OpenForCopy(string text, ImageOptions options, CancellationToken cancellationToken)
    {
        if (text != "-" && !text.StartsWith("oci", StringComparison.Ordinal) && !text.StartsWith("registry:", StringComparison.Ordinal))
        {
            ImageReference reference = ImageReference.Parse(text);
            if (reference.Scheme == ImageScheme.DockerArchive || reference.Scheme == ImageScheme.Archive && reference.Location != "-" && IsSaved(reference.Location))
                return Told(text, () => new OpenedSource(SavedArchive.Open(reference.Location, reference.Choice, options, cancellationToken), null));
            if (reference.Scheme == ImageScheme.Docker && (reference.Location != reference.Text || !RegistryName.HasHost(reference.Text)))
                throw new ImageException(ImageError.Unsupported, $"{Escape.Quote(text)} is an image of the local daemon, which keeps no manifest that could be copied byte for byte",
                    $"docker save -o image.tar {Escape.ForTerminal(reference.Location)}, then copy docker-archive:image.tar; for a registry's image say registry:{Escape.ForTerminal(reference.Location)}");
        }
        return OpenSource(text, options, cancellationToken);
    }

    /// <summary>Whether a file is what docker save wrote and not a layout as well.</summary>
    private static bool IsSaved(string path) => Unprivileged.Run(() =>
    {
        try
        {
            using TarStore tar = new(path, StoreFiles.Open(path), TimeProvider.System, CancellationToken.None);
            return tar.Names.Contains("manifest.json") && !tar.Names.Contains("index.json");
        }
        catch (ImageException)
        {
            // Opening it says what is wrong.
            return false;
        }
    });

    internal static StoredManifest GetManifest(IArtifactSource store, string? reference, CancellationToken cancellationToken)
    {
        if (store is SavedArchive saved)
            return saved.Manifest;
        if (reference is not null)
            return store.FindManifest(reference, cancellationToken)
                ?? throw new ImageException(ImageError.NotFound, $"{store.Name}: nothing is called {Escape.Quote(reference)}");
        return store is LayoutArtifacts layout ? layout.GetOnlyImage()
            : throw new ImageException(ImageError.Malformed, $"{store.Name}: no tag and no digest is named");
    }

    private static (IArtifactTarget Store, string? Reference) Open(string text, ImageScheme scheme, string location, string? choice, bool push, ImageOptions options, CancellationToken cancellationToken) => Told<(IArtifactTarget, string?)>(text, () =>
    {
        if (scheme == ImageScheme.Oci)
            return (new LayoutStore(location, options.Limits, options.Time), choice);
        if (scheme == ImageScheme.OciArchive)
            return (new LayoutFile(location, options.Limits, options.Time, cancellationToken), choice);
        RegistryName name = RegistryName.Parse(location);
        return (new RegistryStore(name, options.Registry, options.Environment, options.Time, push), name.Reference);
    });

    private static T Told<T>(string text, Func<T> open)
    {
        try
        {
            return open();
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ImageException(ImageError.AccessDenied, $"{Escape.Quote(text)}: {e.Message}", inner: e);
        }
        catch (IOException e)
        {
            throw new ImageException(ImageError.PeerFailed, $"{Escape.Quote(text)}: {e.Message}", inner: e);
        }
    }

    private static (ImageScheme Scheme, string Location, string? Choice) Parse(string text, bool mayBeNew)
    {
        // A path that is to be made is not there to be told from the tag behind it.
        foreach ((string prefix, ImageScheme scheme) in ((string, ImageScheme)[])[("oci:", ImageScheme.Oci), ("oci-archive:", ImageScheme.OciArchive)])
            if (mayBeNew && text.StartsWith(prefix, StringComparison.Ordinal) && text.Length > prefix.Length)
                return SplitNew(scheme, text[prefix.Length..]);
        ImageReference reference = ImageReference.Parse(text);
        switch (reference.Scheme)
        {
            case ImageScheme.Oci or ImageScheme.OciArchive when reference.Location != "-":
                return (reference.Scheme, reference.Location, reference.Choice);
            case ImageScheme.Archive when reference.Location != "-":
                return (ImageScheme.OciArchive, reference.Location, reference.Choice);
            case ImageScheme.Registry:
            case ImageScheme.Docker when reference.Location == reference.Text && RegistryName.HasHost(reference.Text):
                return (ImageScheme.Registry, reference.Location, null);
            case ImageScheme.Docker when reference.Location == reference.Text:
                throw new ImageException(ImageError.Unsupported, $"{Escape.Quote(text)} names no host, so it is an image of the local daemon, which keeps no manifests",
                    $"for Docker Hub say registry:{Escape.ForTerminal(text)}");
            default:
                throw new ImageException(ImageError.Unsupported, $"{Escape.Quote(text)}: there are no manifests there, and so nothing to sign or copy byte for byte",
                    "wanted registry:HOST/NAME[:TAG], oci:FOLDER or oci-archive:FILE");
        }
    }

    /// <summary>As ImageReference splits what exists; of what does not, a last part without a slash after a colon is the tag.</summary>
    private static (ImageScheme Scheme, string Location, string? Choice) SplitNew(ImageScheme scheme, string rest)
    {
        for (int colon = rest.Length; colon > 0; colon = rest.LastIndexOf(':', colon - 1))
            if (File.Exists(rest[..colon]) || Directory.Exists(rest[..colon]))
                return (scheme, rest[..colon], colon < rest.Length ? rest[(colon + 1)..] : null);
        int last = rest.LastIndexOf(':');
        return last > 0 && RegistryName.IsTag(rest[(last + 1)..]) ? (scheme, rest[..last], rest[(last + 1)..]) : (scheme, rest, null);
    }
}
