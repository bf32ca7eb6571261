using Plimsoll.Keys;

namespace Plimsoll.Cli;

/// <summary>The public keys behind what a user named: the versions of a stored key, or those of a PEM file.</summary>
/// <param name="Name">What it is called in messages, escaped.</param>
/// <param name="Keys">At least one; of a stored key the newest first, without revoked ones.</param>
internal sealed record KeyRing(string Name, IReadOnlyList<PublicKey> Keys) : IDisposable
{
    public void Dispose()
    {
        foreach (PublicKey key in Keys)
            key.Dispose();
    }
}
