namespace Plimsoll.Posix;

/// <summary>The content of a small file of ours that is asked for again and again: read anew when it is another file, or was written to. May be used from any thread.</summary>
/// <remarks>
/// A file counts as the same by device, inode, size and the times of its last change, and only once that change is two seconds old: a second one within a tick of the kernel's clock
/// would not show. What somebody writes through a mapping that is there already may not show at all.
/// </remarks>
public sealed class KeptFile(string path, int maxBytes)
{
    /// <summary>The second in which it was changed may have just begun or be over.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private State _kept;
    private byte[]? _bytes;

    private readonly record struct State(ulong Device, ulong Inode, long Size, long Modified, uint ModifiedNanoseconds, long Changed, uint ChangedNanoseconds)
    {
        public State(in Stat stat) : this(stat.Device, stat.Inode, stat.Size, stat.ModifySeconds, stat.ModifyNanoseconds, stat.ChangeSeconds, stat.ChangeNanoseconds)
        {
        }
    }

    public string Path => path;

    /// <summary>As <see cref="SmallFile.ReadRegular(string, int)"/>. Nobody may write into the answer.</summary>
    /// <exception cref="IOException">As above.</exception>
    public byte[]? Read()
    {
        lock (_gate)
        {
            if (_bytes is not null && Look() == _kept)
                return _bytes;
            _bytes = null;
            byte[]? bytes = SmallFile.ReadRegular(path, maxBytes, out Stat opened);
            State state = new(opened);
            // By the clock that the kernel writes down.
            if (bytes is not null && Look() == state && TimeProvider.System.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(state.Changed) > Settled)
                (_bytes, _kept) = (bytes, state);
            return bytes;
        }
    }

    private State? Look() => Native.GetStat(Native.AtFdCwd, [.. System.Text.Encoding.UTF8.GetBytes(path), 0], 0, out Stat stat) == 0 ? new State(stat) : null;
}
