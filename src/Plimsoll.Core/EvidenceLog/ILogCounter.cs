namespace Plimsoll.EvidenceLog;

/// <summary>
/// A number outside of the host's files that only goes up, such as a counter in a TPM's NV memory. A checkpoint states what the number is about to be, and the number
/// goes up once the checkpoint is on the disk: the log is level with it or one ahead, whenever the host dies, and behind only where an older copy was put back.
/// </summary>
public interface ILogCounter
{
    /// <summary>
    /// What the next checkpoint states: one more than the number is, or the same again while the number has not gone up since. Null while nobody knows; the checkpoint then
    /// repeats what the one before it stated.
    /// </summary>
    /// <remarks>Asked in the log's lock: it waits for nothing.</remarks>
    long? Next { get; }

    /// <summary>A checkpoint that states this is on the disk; the number may go up to it.</summary>
    /// <remarks>As <see cref="Next"/>.</remarks>
    void Written(long value);
}
