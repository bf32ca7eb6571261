using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Docker;

/// <summary>Opens images of a Docker daemon: its overlay2 store in place where that is possible, else its export as a stream.</summary>
public static class DockerImage
{
    /// <param name="name">A name with tag or digest, or an image id, whole or shortened; without <c>docker:</c>.</param>
    /// <param name="shownName">What the user called it; the image's name.</param>
    /// <exception cref="ImageException">
    /// NotFound (no such image, no such socket), AccessDenied, PeerFailed and Truncated (the daemon), DigestMismatch (an edited
    /// config), Unsupported.
    /// </exception>
    /// <remarks>What a tag means is the daemon's word. What an id means is proved: the config has it as its digest, and names the diffIDs.</remarks>
    public static Image Open(string name, string shownName, DockerEndpoint endpoint, EngineOptions engine, ImageOptions options, CancellationToken cancellationToken)
    {
        EngineClient client = new(endpoint, engine);
        try
        {
            ImageInspect inspect = Inspect(client, name, engine, options, cancellationToken);
            if (!Digest.TryParse(inspect.Id, out Digest? id) || id.Algorithm != "sha256")
                throw new ImageException(ImageError.PeerFailed, $"{endpoint.Service} at {endpoint} states {Escape.Quote(inspect.Id)} as the id of {Escape.Quote(name)}, which is no sha256 digest");
            CheckId(name, id, endpoint);
            EngineInfo info = client.Info(cancellationToken);
            if (TryOpenInPlace(client, info, id, inspect, shownName, engine, options, out ImageException? lacks) is { } stored)
            {
                client.Dispose();
                return stored;
            }
            return Exported(client, info, id, name, inspect, shownName, options, lacks);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>The daemon checks configs too, and says of an image whose config was edited that it has none of that name. The store tells more.</summary>
    private static ImageInspect Inspect(EngineClient client, string name, EngineOptions engine, ImageOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return client.Inspect(name, cancellationToken);
        }
        catch (ImageException e) when (e.Error == ImageError.NotFound && engine.ReadStoreInPlace && client.Endpoint.SocketPath is not null)
        {
            EngineInfo info = client.Info(cancellationToken);
            if (info.Driver == "overlay2" && !info.UsesContainerd && info.DockerRootDir is ['/', ..] root && Overlay2Store.TryOpen(root, out Overlay2Store? store, out _))
                using (store)
                    if (store.FindEdited(name, options.Limits.MaxJsonBytes) is { } edited)
                        throw new ImageException(ImageError.DigestMismatch, edited, "somebody edited Docker's store; remove the image and pull or load it again", e);
            throw;
        }
    }

    private static Overlay2Image? TryOpenInPlace(EngineClient client, EngineInfo info, Digest id, ImageInspect inspect, string shownName, EngineOptions engine, ImageOptions options, out ImageException? lacks)
    {
        lacks = null;
        bool local = client.Endpoint.SocketPath is not null;
        if (!engine.ReadStoreInPlace || !local || info.Driver != "overlay2" || info.UsesContainerd || info.Ids is not { } ids || info.DockerRootDir is not { Length: > 0 } root || root[0] != '/')
            return null;
        if (!Overlay2Store.TryOpen(root, out Overlay2Store? store, out _))
            return null;
        try
        {
            if (Overlay2Image.TryOpen(store, id, shownName, [.. inspect.RepoTags?.OfType<string>() ?? []], inspect.GraphDriver?.Data?.GetValueOrDefault("UpperDir"), ids, options, out lacks) is { } image)
                return image;
        }
        catch
        {
            store.Dispose();
            throw;
        }
        store.Dispose();
        return null;
    }

    private static StreamImage Exported(EngineClient client, EngineInfo info, Digest id, string name, ImageInspect inspect, string shownName, ImageOptions options, ImageException? lacks)
    {
        // Exporting a bare name would give every tag it has; by its id the image comes without any.
        string asked = inspect.RepoTags?.FirstOrDefault(tag => tag == name || tag == $"{name}:latest") ?? id.ToString();
        if (info.UsesContainerd && asked == id.ToString())
            throw new ImageException(ImageError.Unsupported,
                $"{Escape.Quote(name)}: this daemon keeps images in containerd's store, where ids are not config digests; an image is read from it by name and tag only",
                "say docker:NAME:TAG, or save the image to a file (docker save -o FILE) and scan that");
        return new StreamImage(stop => client.Export(asked, stop), null, options.Platform, info.UsesContainerd ? null : id, options.Limits)
        {
            Name = shownName,
            Verification = options.Verification,
            Source = client,
            Unlooked = lacks,
        };
    }

    /// <summary>Who asks by id is told when the daemon answers with another one.</summary>
    private static void CheckId(string name, Digest id, DockerEndpoint endpoint)
    {
        if (Digest.TryParse(name, out Digest? wanted) && wanted != id)
            throw new ImageException(ImageError.DigestMismatch, $"{endpoint.Service} at {endpoint} answered with image {id}, asked for was {wanted}");
    }
}
