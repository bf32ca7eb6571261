using System.Buffers.Binary;
using System.Security.Cryptography;
using Plimsoll.Keys;
using Plimsoll.Measure;

namespace Plimsoll.Tpm;

/// <summary>Signs with a key that never leaves its TPM, while the PCRs are as they were when it was made.</summary>
/// <param name="name">As people call it, escaped.</param>
/// <param name="open">Opens the TPM; once for each signature, because a simulator serves one client at a time.</param>
public sealed class TpmSigner(TpmKeyFile file, string name, Func<TpmClient> open) : ISigner
{
    private readonly Lock _one = new();

    public PublicKey PublicKey { get; } = file.ToPublicKey(name);

    /// <exception cref="KeyException">The PCRs changed, the key is another TPM's, or the TPM is out of reach.</exception>
    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        byte[] signed = data.ToArray();
        lock (_one)
            return Asked(name, () => Sign(signed));
    }

    private byte[] Sign(byte[] data)
    {
        using TpmClient tpm = open();
        PcrValues now = tpm.ReadPcrs(file.Selection, CancellationToken.None);
        // The TPM would refuse as well, and could not say which.
        foreach ((TpmAlgorithm bank, int index) in file.Selection.Pcrs())
            if (!now.Find(bank, index).AsSpan().SequenceEqual(file.Values.Find(bank, index)))
                throw new KeyException($"{name}: PCRs changed since the key was made: {bank.Word()} PCR {index} is {Convert.ToHexStringLower(now.Find(bank, index)!)}; wanted {Convert.ToHexStringLower(file.Values.Find(bank, index)!)}",
                    "the host booted something else, or its firmware was changed; when that is meant, make a new key");
        using TpmObject root = tpm.OpenStorageRoot(file.Parent, CancellationToken.None);
        using TpmObject key = tpm.Load(root, file.Blob, CancellationToken.None);
        byte[] answer = tpm.Sign(root, key, SHA256.HashData(data), file.Selection, CancellationToken.None);
        TpmSignature signature = TpmSignature.Parse(answer);
        return signature.Verify(file.Area, data) ? signature.ToDer() : throw TpmException.Malformed($"TPM2_{TpmCommand.Sign}: the signature is not the key's");
    }

    /// <summary>Says in words of keys what a TPM said.</summary>
    internal static T Asked<T>(string name, Func<T> ask)
    {
        try
        {
            return ask();
        }
        catch (TpmException e)
        {
            throw new KeyException(TpmResponses.Base(e.Code) switch
            {
                TpmResponses.PolicyFail or TpmResponses.PcrChanged => $"{name}: PCRs changed since the key was made: {e.Message}",
                TpmResponses.Integrity => $"{name}: the key is another TPM's, or the TPM was cleared: {e.Message}",
                _ => $"{name}: {e.Message}",
            }, e.Hint, e);
        }
    }

    public void Dispose() => PublicKey.Dispose();
}

/// <summary>The key in a TPM that seals a host's baselines, and a counter in its NV memory that nobody can set back.</summary>
/// <param name="name">As people call the key, escaped: <c>tpm:host</c>.</param>
public sealed class TpmHostSeal(TpmKeyFile file, string name, Func<TpmClient> open) : IHostSeal
{
    /// <summary>Indexes of counters; the lower 16 bits are of the key's id, so that each key finds its own.</summary>
    private const uint FirstCounter = 0x01810000;

    private const NvAttributes Counter = NvAttributes.Counter | NvAttributes.OwnerWrite | NvAttributes.AuthWrite | NvAttributes.OwnerRead | NvAttributes.AuthRead | NvAttributes.NoDictionaryAttack;

    public string Name => name;

    /// <summary>NV index of the counter.</summary>
    public uint CounterIndex { get; } = FirstCounter | BinaryPrimitives.ReadUInt16BigEndian(SHA256.HashData(file.Area.ToSpki()));

    public ISigner OpenKey() => new TpmSigner(file, name, open);

    public long? ReadCounter() => TpmSigner.Asked<long?>(name, () =>
    {
        using TpmClient tpm = open();
        return NvCounter.Find(tpm, CounterIndex, CancellationToken.None);
    });

    public long Increment() => TpmSigner.Asked(name, () =>
    {
        using TpmClient tpm = open();
        return NvCounter.Increment(tpm, CounterIndex, Counter, CancellationToken.None);
    });
}
