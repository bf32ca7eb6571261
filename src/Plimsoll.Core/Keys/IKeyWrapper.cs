namespace Plimsoll.Keys;

/// <summary>Hides data keys behind a key that somebody or something else keeps. Its methods may be called from several threads.</summary>
public interface IKeyWrapper : IDisposable
{
    /// <summary>How it is done, as files record it: whoever unwraps must do it the same way.</summary>
    string Method { get; }

    /// <param name="dataKey">16, 24 or 32 bytes.</param>
    /// <returns>Bytes that say nothing of the key without the other half of this.</returns>
    /// <exception cref="KeyException">The wrapping key cannot be reached or refuses.</exception>
    byte[] Wrap(ReadOnlySpan<byte> dataKey);

    /// <returns>The data key; whoever asked overwrites it after use.</returns>
    /// <exception cref="KeyException">As <see cref="Wrap"/>, or these bytes were not wrapped so.</exception>
    byte[] Unwrap(ReadOnlySpan<byte> wrapped);
}
