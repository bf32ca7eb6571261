using Plimsoll.Texts;

namespace Plimsoll.Oci;

/// <summary>Kinds of places an image can be read from; each is also a prefix.</summary>
public enum ImageScheme
{
    /// <summary><c>docker:NAME</c>: an image of the local daemon.</summary>
    Docker,
    /// <summary><c>docker-archive:FILE[:TAG]</c>: what <c>docker save</c> wrote, plain or compressed.</summary>
    DockerArchive,
    /// <summary><c>oci-archive:FILE[:TAG]</c>: a tar of an OCI image layout.</summary>
    OciArchive,
    /// <summary><c>archive:FILE[:TAG]</c>: either of the two, told by its content.</summary>
    Archive,
    /// <summary><c>oci:FOLDER[:TAG]</c>: an OCI image layout.</summary>
    Oci,
    /// <summary><c>dir:FOLDER</c>: an unpacked root file system.</summary>
    Dir,
    /// <summary><c>host:</c>: this machine.</summary>
    Host,
    /// <summary><c>registry:[HOST[:PORT]/]NAME[:TAG][@DIGEST]</c>: an image in a registry.</summary>
    Registry,
    /// <summary><c>podman:NAME</c>: an image of podman's service.</summary>
    Podman,
    /// <summary><c>containers-storage:NAME</c>: an image in the store of podman, buildah or CRI-O, read in place.</summary>
    ContainersStorage,
    /// <summary><c>containerd:NAME</c>: refused, with how to go on.</summary>
    Containerd,
}

/// <summary>Where an image is, as a user writes it.</summary>
/// <param name="Text">As written.</param>
/// <param name="Location">A path, a name, or empty for <c>host:</c>; <c>-</c> is standard input.</param>
/// <param name="Choice">Tag or digest that chooses one image of an archive or layout, or null.</param>
public sealed record ImageReference(string Text, ImageScheme Scheme, string Location, string? Choice)
{
    private static readonly (string Prefix, ImageScheme Scheme)[] Prefixes =
    [
        ("docker-archive:", ImageScheme.DockerArchive), ("oci-archive:", ImageScheme.OciArchive), ("archive:", ImageScheme.Archive),
        ("docker:", ImageScheme.Docker), ("oci:", ImageScheme.Oci), ("dir:", ImageScheme.Dir), ("host:", ImageScheme.Host), ("registry:", ImageScheme.Registry),
        ("podman:", ImageScheme.Podman), ("containers-storage:", ImageScheme.ContainersStorage), ("containerd:", ImageScheme.Containerd),
    ];

    /// <summary>Reads a reference; looks at the file system to tell paths from names.</summary>
    /// <exception cref="ImageException">Ambiguous (a bare name that is also a path), NotFound or Malformed.</exception>
    public static ImageReference Parse(string text)
    {
        if (text == "-")
            return new ImageReference(text, ImageScheme.Archive, "-", null);
        foreach ((string prefix, ImageScheme scheme) in Prefixes)
        {
            if (!text.StartsWith(prefix, StringComparison.Ordinal))
                continue;
            string rest = text[prefix.Length..];
            // "oci:1.2" would be a daemon's image called oci; nobody names an image like a scheme and means the daemon.
            if (scheme == ImageScheme.Host && rest.Length > 0)
                throw new ImageException(ImageError.Malformed, $"{Escape.Quote(text)}: nothing follows host:", "another root folder is dir:PATH");
            if (rest.Length == 0 && scheme != ImageScheme.Host)
                throw new ImageException(ImageError.Malformed, $"{Escape.Quote(text)}: nothing follows {prefix}");
            if (scheme is ImageScheme.Docker or ImageScheme.Registry or ImageScheme.Dir or ImageScheme.Host
                or ImageScheme.Podman or ImageScheme.ContainersStorage or ImageScheme.Containerd || rest == "-")
                return new ImageReference(text, scheme, rest, null);
            (string path, string? choice) = SplitChoice(rest);
            return new ImageReference(text, scheme, path, choice);
        }
        if (text.Length == 0)
            throw new ImageException(ImageError.Malformed, "the image's name is empty");
        bool isPath = text[0] is '/' or '.' || text.StartsWith("~/", StringComparison.Ordinal);
        bool exists = File.Exists(text) || Directory.Exists(text);
        if (!isPath && exists && !LooksLikeArchive(text))
            throw new ImageException(ImageError.Ambiguous, $"{Escape.Quote(text)} is a path here and may be an image's name",
                $"say ./{text} for the path or docker:{text} for the image of the local daemon");
        if (!isPath && !exists)
            return LooksLikeArchive(text)
                ? throw new ImageException(ImageError.NotFound, $"{Escape.Quote(text)} does not exist", $"for an image of the local daemon say docker:{text}")
                : new ImageReference(text, ImageScheme.Docker, text, null);
        if (!exists)
        {
            (string path, string? choice) = SplitChoice(text);
            if (choice is null)
                throw new ImageException(ImageError.NotFound, $"{Escape.Quote(text)} does not exist");
            return new ImageReference(text, Directory.Exists(path) ? ImageScheme.Oci : ImageScheme.Archive, path, choice);
        }
        if (File.Exists(text))
            return new ImageReference(text, ImageScheme.Archive, text, null);
        if (File.Exists(Path.Combine(text, "index.json")))
            return new ImageReference(text, ImageScheme.Oci, text, null);
        throw new ImageException(ImageError.Malformed, $"{Escape.Quote(text)} is a folder and no OCI image layout (it has no index.json)",
            $"for an unpacked root file system say dir:{text}");
    }

    private static bool LooksLikeArchive(string text) =>
        text.EndsWith(".tar", StringComparison.Ordinal) || text.EndsWith(".tar.gz", StringComparison.Ordinal)
        || text.EndsWith(".tgz", StringComparison.Ordinal) || text.EndsWith(".tar.zst", StringComparison.Ordinal);

    /// <summary>The longest part before a colon that exists is the path.</summary>
    private static (string Path, string? Choice) SplitChoice(string text)
    {
        if (File.Exists(text) || Directory.Exists(text))
            return (text, null);
        for (int colon = text.Length; colon > 0 && (colon = text.LastIndexOf(':', colon - 1)) > 0;)
        {
            string path = text[..colon];
            if (File.Exists(path) || Directory.Exists(path))
                return (path, text[(colon + 1)..]);
        }
        return (text, null);
    }
}
