using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Docker;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Registry;
using Plimsoll.Texts;

namespace Plimsoll.Sources;

/// <summary>Opens images from every place they are kept in.</summary>
public static class ImageSource
{
    /// <exception cref="ImageException">With the name of what is wrong.</exception>
    public static Image Open(string text, ImageOptions options, CancellationToken cancellationToken)
    {
        ImageReference reference = ImageReference.Parse(text);
        try
        {
            return reference.Scheme switch
            {
                ImageScheme.DockerArchive or ImageScheme.OciArchive or ImageScheme.Archive => Unprivileged.Run(() => OpenArchive(reference, options, cancellationToken)),
                ImageScheme.Oci => Unprivileged.Run<Image>(() => OpenLayout(reference, options)),
                ImageScheme.Docker when reference.Location == reference.Text && RegistryName.HasHost(reference.Text) => OpenNamed(reference, options, cancellationToken),
                ImageScheme.Docker when reference.Location == reference.Text => OpenBare(reference, options, cancellationToken),
                ImageScheme.Docker => OpenDocker(reference, options, cancellationToken),
                ImageScheme.Podman => DockerImage.Open(reference.Location, reference.Text, Podman.Resolve(options.Environment), EngineOptions.Default, options, cancellationToken),
                ImageScheme.ContainersStorage => ContainersImage.Open(reference.Location, reference.Text, options),
                ImageScheme.Containerd => throw new ImageException(ImageError.Unsupported, "containerd's own store is not read",
                    "ctr --namespace k8s.io images export FILE NAME (nerdctl save -o FILE NAME) makes an archive; scan oci-archive:FILE, or the same image with registry:NAME"),
                ImageScheme.Dir => FolderImage.Open(reference.Location, reference.Text, options.Limits),
                ImageScheme.Host => FolderImage.OpenHost(reference.Text, options.Limits),
                ImageScheme.Registry => RegistryImage.Open(RegistryName.Parse(reference.Location), reference.Text, options, cancellationToken),
                _ => throw new UnreachableException($"no reader for {reference.Scheme}"),
            };
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

    private static Image OpenDocker(ImageReference reference, ImageOptions options, CancellationToken cancellationToken) =>
        DockerImage.Open(reference.Location, reference.Text,
            DockerContext.Resolve(options.Environment, options.Environment("HOME") ?? "/"), EngineOptions.Default, options, cancellationToken);

    /// <summary>A name without a host means the daemon and nothing else; where that fails, it says how the registry is asked.</summary>
    private static Image OpenBare(ImageReference reference, ImageOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return OpenDocker(reference, options, cancellationToken);
        }
        catch (ImageException e) when (e.Error is ImageError.NotFound or ImageError.AccessDenied or ImageError.PeerFailed)
        {
            string registry = $"to read it from Docker Hub without a daemon say registry:{Escape.ForTerminal(reference.Text)}";
            throw new ImageException(e.Error, e.Message, e.Hint is null ? registry : $"{e.Hint}; {registry}", e);
        }
    }

    /// <summary>A name with a registry's host: the local daemon's image of that name, else the registry's.</summary>
    private static Image OpenNamed(ImageReference reference, ImageOptions options, CancellationToken cancellationToken)
    {
        ImageException local;
        try
        {
            return OpenDocker(reference, options, cancellationToken);
        }
        // It has no such image, is not there, or may not be asked: the host in the name says where else to look.
        catch (ImageException e) when (e.Error is ImageError.NotFound or ImageError.AccessDenied or ImageError.PeerFailed)
        {
            local = e;
        }
        try
        {
            return RegistryImage.Open(RegistryName.Parse(reference.Location), reference.Text, options, cancellationToken);
        }
        catch (ImageException e)
        {
            throw new ImageException(e.Error, $"{e.Message}; before, the local daemon was asked: {local.Message}", e.Hint, e);
        }
    }

    private static LayoutImage OpenLayout(ImageReference reference, ImageOptions options)
    {
        if (!Directory.Exists(reference.Location))
            throw new ImageException(ImageError.NotFound, $"{Escape.Quote(reference.Location)} does not exist or is no folder");
        FolderStore store = new(reference.Location, options.Time);
        if (store.Find("index.json") is not { } index)
            throw new ImageException(ImageError.Malformed, $"{Escape.Quote(reference.Location)} is no OCI image layout: it has no index.json",
                $"for an unpacked root file system say dir:{reference.Location}");
        index.Dispose();
        return new LayoutImage(store, reference.Choice, options.Platform, options.Verification, options.Limits) { Name = reference.Text, Proofs = options.Proofs };
    }

    private static Image OpenArchive(ImageReference reference, ImageOptions options, CancellationToken cancellationToken)
    {
        if (reference.Location == "-")
        {
            return Streamed(_ => options.OpenStandardInput(), comesOnce: true);
        }
        SafeFileHandle file = StoreFiles.Open(reference.Location);
        byte[] start = new byte[6];
        Compression form;
        try
        {
            int got = RandomAccess.Read(file, start, 0);
            if (got == 0)
                throw new ImageException(ImageError.Truncated, $"{Escape.Quote(reference.Location)} is empty");
            form = Compressions.Of(start.AsSpan(0, got));
        }
        catch
        {
            file.Dispose();
            throw;
        }
        if (form != Compression.None)
        {
            file.Dispose();
            return Streamed(_ => new FileStream(StoreFiles.Open(reference.Location), FileAccess.Read, 0), comesOnce: false);
        }
        TarStore store = OpenTar(reference.Location, file, options, cancellationToken);
        try
        {
            return FromTar(reference, store, options);
        }
        catch
        {
            store.Dispose();
            throw;
        }

        StreamImage Streamed(Func<CancellationToken, Stream> open, bool comesOnce) => new(open, reference.Choice, options.Platform, null, options.Limits)
        {
            Name = reference.Text,
            Verification = options.Verification,
            ComesOnce = comesOnce,
            Form = reference.Scheme switch
            {
                ImageScheme.DockerArchive => ArchiveForm.Docker,
                ImageScheme.OciArchive => ArchiveForm.Layout,
                _ => ArchiveForm.Either,
            },
        };
    }

    private static TarStore OpenTar(string path, SafeFileHandle file, ImageOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return new TarStore(path, file, options.Time, cancellationToken);
        }
        catch (ImageException e) when (e is { Error: ImageError.Malformed, Hint: null })
        {
            file.Dispose();
            throw new ImageException(e.Error, e.Message, "archives are what docker save and skopeo copy write; a bill of materials is read as sbom:FILE", e);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static Image FromTar(ImageReference reference, TarStore store, ImageOptions options)
    {
        bool archive = reference.Scheme != ImageScheme.OciArchive && store.Find("manifest.json") is not null;
        bool layout = reference.Scheme != ImageScheme.DockerArchive && store.Find("index.json") is not null;
        if (!archive && !layout)
            throw new ImageException(ImageError.Malformed, reference.Scheme switch
            {
                ImageScheme.DockerArchive => $"{Escape.Quote(reference.Location)} is no docker save archive: it has no manifest.json",
                ImageScheme.OciArchive => $"{Escape.Quote(reference.Location)} is no OCI image layout: it has no index.json",
                _ => $"{Escape.Quote(reference.Location)} holds no image: it has neither manifest.json nor index.json",
            }, "a tar of a root file system is read after unpacking, as dir:FOLDER");
        if (!archive)
            return new LayoutImage(store, reference.Choice, options.Platform, options.Verification, options.Limits) { Name = reference.Text, Proofs = options.Proofs };
        ArchiveImage image = new(store, reference.Choice, options.Platform, options.Verification, options.Limits) { Name = reference.Text, Proofs = options.Proofs };
        if (layout)
            OneMeaning.Check(store, image, options.Platform, options.Limits, options.Time);
        return image;
    }
}
