namespace Plimsoll.Oci;

/// <summary>A store small enough to be gone through: a layout or a bundle file, whose index lists what it holds.</summary>
public interface IArtifactList : IArtifactSource
{
    /// <summary>Every manifest and index that the store's own index names, in its order.</summary>
    /// <exception cref="ImageException">LimitExceeded and others.</exception>
    IReadOnlyList<Descriptor> ListManifests(CancellationToken cancellationToken);
}
