namespace Plimsoll.Inspect.Layers;

/// <summary>What one rule found in one file, or in what its layer says of it. Immutable; cached with the layer, so it never holds a secret.</summary>
/// <param name="Rule">Stable name of the rule, unique within its analyser.</param>
/// <param name="Line">1 for the first line; 0 where lines mean nothing.</param>
/// <param name="Evidence">A masked or shortened excerpt for people; untrusted text.</param>
/// <param name="Detail">What the check that judges it needs beside that, in its own form: a fuzzy hash, a score, an engine's word.</param>
public sealed record Hit(string Rule, int Line, string Evidence, string Detail = "");

/// <summary>A <see cref="Hit"/> with its place in the image.</summary>
public sealed record FileHit
{
    public required string Path { get; init; }

    /// <summary><see cref="IAnalyser.Id"/> of who made it.</summary>
    public required string Analyser { get; init; }
    public required Hit Hit { get; init; }

    /// <summary>The lowest layer since which it has been there without a break.</summary>
    public required Origin Origin { get; init; }

    /// <summary>The layer that hides or overwrites the file; who has the image can still read it out of <see cref="Origin"/>'s layer. Null while it is in sight.</summary>
    public Origin? RemovedBy { get; init; }

    /// <summary>
    /// The distribution's package whose own checksum list holds the file, <c>deb/openssl</c>; null where none does, where the
    /// analyser gave no <see cref="FileFacts.Checksums"/>, and for what is no longer in sight.
    /// </summary>
    public string? OwnedBy { get; init; }
}
