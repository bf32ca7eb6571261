using System.Buffers.Binary;

namespace Plimsoll.Tpm;

/// <summary>A number in a TPM's NV memory that only goes up: an index that is removed and made anew goes on above every value that any counter of the TPM had.</summary>
public static class NvCounter
{
    /// <summary>Where the evidence log of a host is counted, unless somebody says otherwise.</summary>
    public const uint LogIndex = 0x01805101;

    /// <summary>Counted up by the TPM's owner alone, and read by whoever may use the TPM.</summary>
    public const NvAttributes ByOwner = NvAttributes.Counter | NvAttributes.OwnerWrite | NvAttributes.OwnerRead | NvAttributes.AuthRead | NvAttributes.NoDictionaryAttack;

    /// <summary>What the counter stands at; null when there is no such index, or it never counted.</summary>
    /// <exception cref="TpmException">Malformed: the index is no counter; and whatever the TPM says.</exception>
    public static long? Find(TpmClient tpm, uint index, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tpm);
        return tpm.FindNv(index, cancellationToken) is { } there && there.Attributes.HasFlag(NvAttributes.Written) ? Read(tpm, there, cancellationToken) : null;
    }

    /// <summary>Counts up by one; an index that is not there is made.</summary>
    /// <param name="attributes">Of an index that is made.</param>
    /// <returns>What the counter stands at now.</returns>
    /// <inheritdoc cref="Find"/>
    public static long Increment(TpmClient tpm, uint index, NvAttributes attributes, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tpm);
        tpm.IncrementNv(tpm.FindNv(index, cancellationToken) ?? tpm.DefineNv(index, TpmAlgorithm.Sha256, attributes, sizeof(ulong), cancellationToken), cancellationToken);
        // Its name changed with its first value.
        return Read(tpm, tpm.FindNv(index, cancellationToken) ?? throw TpmException.Malformed($"NV index 0x{index:x8} is gone"), cancellationToken);
    }

    private static long Read(TpmClient tpm, NvPublic index, CancellationToken cancellationToken) =>
        (index.Attributes & NvAttributes.TypeMask) == NvAttributes.Counter && index.Size == sizeof(ulong) ? ValueOf(tpm.ReadNv(index, cancellationToken), index.Index)
        : throw TpmException.Malformed($"NV index 0x{index.Index:x8} is no counter: somebody put another in its place");

    /// <summary>A true counter does not get so far: whoever says so is no TPM.</summary>
    internal static long ValueOf(ReadOnlySpan<byte> bytes, uint index) => BinaryPrimitives.ReadUInt64BigEndian(bytes) is <= long.MaxValue and var value ? (long)value
        : throw TpmException.Malformed($"NV index 0x{index:x8} stands above {long.MaxValue}, where no counter gets");
}
