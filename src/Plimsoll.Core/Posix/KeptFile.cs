namespace Plimsoll.Posix;

/// <summary>The content of a small file of ours that is asked for again and again: read anew when it is another file, or was written to. May be used from any thread.</summary>
/// <remarks>
/// A file counts as the same by its <see cref="FileState"/>, and only once its last change is two seconds old: a second one within a tick of the kernel's clock
/// would not show. What somebody writes through a mapping that is there already may not show at all.
/// </remarks>
public sealed class KeptFile
{
    /// <summary>Reads the file that stands at the path; null where it is none that may be read.</summary>
    /// <param name="stat">Of the opened file, before it was read.</param>
    internal delegate byte[]? Reader(out Stat stat);

    private readonly Lock _gate = new();
    private readonly Reader _read;
    private FileState _kept;
    private byte[]? _bytes;

    public KeptFile(string path, int maxBytes) : this(path, (out Stat stat) => SmallFile.ReadRegular(path, maxBytes, out stat))
    {
    }

    internal KeptFile(string path, Reader read) => (Path, _read) = (path, read);

    public string Path { get; }

    /// <summary>As <see cref="SmallFile.ReadRegular(string, int)"/>. Nobody may write into the answer, which is the same object as long as the file is the same.</summary>
    /// <exception cref="IOException">As above.</exception>
    public byte[]? Read()
    {
        lock (_gate)
        {
            if (_bytes is not null && FileState.Of(Path) == _kept)
                return _bytes;
            _bytes = null;
            byte[]? bytes = _read(out Stat opened);
            FileState state = new(opened);
            if (bytes is not null && FileState.Of(Path) == state && state.IsSettled)
                (_bytes, _kept) = (bytes, state);
            return bytes;
        }
    }
}
