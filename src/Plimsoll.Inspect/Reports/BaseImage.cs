namespace Plimsoll.Inspect.Reports;

/// <summary>How it is known which layers are the base.</summary>
public enum BaseEvidence : byte
{
    /// <summary>It is not: at most a label names an image.</summary>
    Claimed = 0,
    /// <summary>The history has a CMD of an earlier image between the layers.</summary>
    Guessed,
    /// <summary>The diffIDs of a given image are the first of this one.</summary>
    Proved,
}

/// <summary>What is known of the image that another one was built on.</summary>
public sealed record BaseImage
{
    /// <summary>Label <c>org.opencontainers.image.base.name</c>: whoever built the image wrote it, nothing checks it.</summary>
    public string? ClaimedName { get; init; }

    /// <summary>Label <c>org.opencontainers.image.base.digest</c>; claimed too.</summary>
    public string? ClaimedDigest { get; init; }
    public BaseEvidence Evidence { get; init; }

    /// <summary>How many of the lowest layers are the base's; 0 when it is not known.</summary>
    public int Layers { get; init; }

    /// <summary>The given image whose layers they are, as the user wrote it; null when nothing is proved.</summary>
    public string? ProvedBy { get; init; }

    /// <summary>Given images that are not the base: what building on them instead would change.</summary>
    public IReadOnlyList<NewerBase> Newer { get; init; } = [];
}

/// <summary>What another base would change.</summary>
/// <param name="Image">As the user wrote it.</param>
/// <param name="Complete">False when the other base could not be looked at wholly: it may hold more.</param>
/// <param name="Removes">Fingerprints of open findings whose package came with a base layer and which the other base does not have.</param>
/// <param name="Brings">Fingerprints of open findings of the other base that this image does not have.</param>
public sealed record NewerBase(string Image, bool Complete, IReadOnlyList<string> Removes, IReadOnlyList<string> Brings);
