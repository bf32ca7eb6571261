using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Secrets;

/// <summary>Where a secret stands in a text.</summary>
/// <param name="Rule">The rule's id, or that of a form of it: an encrypted private key has one of its own.</param>
/// <param name="Start">Offset of the secret's first byte.</param>
/// <param name="Length">0 where the whole file is the secret.</param>
/// <param name="Details">What may be told of it, without the secret: <c>alg</c>, <c>exp</c>, <c>cipher</c>.</param>
internal sealed record SecretMatch(string Rule, Severity Severity, int Start, int Length, IReadOnlyList<KeyValuePair<string, string>> Details)
{
    /// <summary>Shown in place of the masked secret where that would say less: a key's heading, an account's name.</summary>
    public string? Shown { get; init; }

    /// <summary>Higher: keeps its place when another rule finds the same.</summary>
    public int Rank { get; init; } = 1;
}
