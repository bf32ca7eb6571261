namespace Plimsoll.ContentTrust;

/// <summary>Why a collection's metadata is not believed.</summary>
public enum ContentTrustError
{
    /// <summary>Default: the server or folder could not be read, so that nothing is known.</summary>
    Unreachable = 0,

    /// <summary>No form of metadata, more than one meaning, or past a limit.</summary>
    Malformed,

    /// <summary>A file that must be there is not.</summary>
    Missing,

    /// <summary>The root is none that was pinned, or of another collection.</summary>
    RootNotPinned,

    /// <summary>A root between the pinned one and the newest is missing.</summary>
    RootSkipped,

    /// <summary>A new root is not signed by enough keys of the one before.</summary>
    RootRotation,

    /// <summary>Fewer different keys signed than the role's threshold.</summary>
    Threshold,

    Expired,

    /// <summary>An older version than one that was seen, or another content under the same version.</summary>
    RolledBack,

    /// <summary>Length or hash is not what the file that vouches for it says.</summary>
    Mismatch,
}

/// <summary>Nothing of a collection counts; the message names the role, what was seen and what was wanted.</summary>
/// <param name="role">Of the metadata: <c>root</c>, <c>targets/releases</c>; untrusted text where a server named it.</param>
public sealed class ContentTrustException(ContentTrustError error, string role, string message, string? hint = null, Exception? inner = null) : Exception($"{role}: {message}", inner)
{
    public ContentTrustError Error { get; } = error;
    public string Role { get; } = role;
    public string? Hint { get; } = hint;
}
