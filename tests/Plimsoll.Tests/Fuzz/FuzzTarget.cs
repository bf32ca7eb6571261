namespace Plimsoll.Tests.Fuzz;

/// <summary>One parser of bytes from outside, and what it promises of any bytes at all.</summary>
internal sealed record FuzzTarget
{
    /// <summary>Kebab-case; also the folder of its inputs below artifacts/fuzz and tests/vectors/fuzz.</summary>
    public required string Name { get; init; }

    /// <summary>Inputs that are right; each must be accepted.</summary>
    public required Func<IReadOnlyList<byte[]>> Seeds { get; init; }

    /// <summary>Gives the bytes to the parser and asserts what must hold of its answer.</summary>
    public required Action<byte[]> Run { get; init; }

    /// <summary>What the parser's documentation says it throws; anything else is a finding.</summary>
    public required Func<Exception, bool> Refusal { get; init; }

    /// <summary>Bytes that all threads together may allocate for one input.</summary>
    public long MaxAllocatedBytes { get; init; } = 64L << 20;

    /// <summary>Texts of the format.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>Makes the next input; the default changes the seeds.</summary>
    public Func<Mutator, IReadOnlyList<byte[]>, FuzzTarget, byte[]> Make { get; init; } = (mutator, seeds, target) => mutator.Mutate(seeds, target.Words);

    public override string ToString() => Name;
}

/// <summary>A parser answered, and the answer cannot be true.</summary>
internal sealed class WrongAnswerException(string message) : Exception(message)
{
    public static void Unless(bool holds, string message)
    {
        if (!holds)
            throw new WrongAnswerException(message);
    }
}
