namespace Plimsoll.Oci;

/// <summary>Why an image could not be read. The names are part of the JSON output and stay as they are.</summary>
public enum ImageError
{
    /// <summary>Default: the bytes do not have the form that their place asks for.</summary>
    Malformed = 0,
    /// <summary>Nothing of that name: no file, no image, no tag.</summary>
    NotFound,
    /// <summary>The image has no manifest for the platform asked for.</summary>
    NoSuchPlatform,
    /// <summary>A blob's bytes do not have the digest that its descriptor or name states.</summary>
    DigestMismatch,
    /// <summary>A blob's length differs from its descriptor's size.</summary>
    SizeMismatch,
    /// <summary>A layer's uncompressed bytes do not have the diffID of the image config.</summary>
    DiffIdMismatch,
    /// <summary>A blob that a manifest names is not there.</summary>
    BlobMissing,
    /// <summary>The bytes end before they should.</summary>
    Truncated,
    /// <summary>A named limit (<see cref="OciLimits"/>) was passed.</summary>
    LimitExceeded,
    /// <summary>A form that is known and not read here, e.g. an encrypted layer.</summary>
    Unsupported,
    /// <summary>The operating system refused.</summary>
    AccessDenied,
    /// <summary>The daemon or another peer did not answer as it should.</summary>
    PeerFailed,
    /// <summary>What a name means is not certain: both forms exist.</summary>
    Ambiguous,
}

/// <summary>An image could not be read; <see cref="Error"/> says why by name, the message where and with which values.</summary>
public sealed class ImageException : Exception
{
    public ImageException(ImageError error, string message, string? hint = null, Exception? inner = null)
        : base(message, inner) => (Error, Hint) = (error, hint);

    public ImageError Error { get; }

    /// <summary>How to go on, or null.</summary>
    public string? Hint { get; }
}
