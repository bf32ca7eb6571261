using Plimsoll.Keys;

namespace Plimsoll.Measure;

/// <summary>A host key that lies in no file, with a counter that nobody on the host can set back: what a TPM is for a store of baselines.</summary>
public interface IHostSeal
{
    /// <summary><c>tpm:host</c>, kept in the store so that later calls seal with the same.</summary>
    string Name { get; }

    /// <summary>To be disposed of.</summary>
    /// <exception cref="KeyException">There is no such key.</exception>
    ISigner OpenKey();

    /// <summary>Null while it was never incremented, and where it was removed.</summary>
    /// <exception cref="KeyException">It cannot be read.</exception>
    long? ReadCounter();

    /// <summary>Counts up by one; makes the counter where there is none. Its first value may be any.</summary>
    /// <returns>The new value.</returns>
    /// <exception cref="KeyException">It cannot be.</exception>
    long Increment();
}
