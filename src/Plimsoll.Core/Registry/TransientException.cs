using Plimsoll.Oci;

namespace Plimsoll.Registry;

/// <summary>Something failed that may go well a moment later.</summary>
/// <param name="named">What to say when it does not.</param>
/// <param name="after">How long the registry asked to wait, or null.</param>
internal sealed class TransientException(ImageException named, TimeSpan? after = null) : Exception(named.Message, named)
{
    public ImageException Named => named;

    public TimeSpan? After => after;

    /// <summary>Nobody listens there, which is worth a second look only when somebody did before.</summary>
    public bool NobodyListens { get; init; }
}
