namespace Plimsoll.Inspect.Suppressions;

/// <summary>A suppression file cannot be used. Nothing of it counts then: half a file would suppress half of what was meant.</summary>
/// <param name="where">File and line: <c>suppressions.yaml:12</c>.</param>
/// <param name="reason">What was seen and what was wanted.</param>
public sealed class SuppressionException(string where, string reason, Exception? inner = null) : Exception($"{where}: {reason}", inner)
{
    public string Where { get; } = where;
}
