namespace Plimsoll.Inspect.Suppressions;

/// <summary>A suppression file cannot be used. Nothing of it counts then: half a file would suppress half of what was meant.</summary>
public sealed class SuppressionException(string where, string reason, Exception? inner = null) : Exception($"{where}: {reason}", inner)
{
    /// <summary>File and line: <c>suppressions.yaml:12</c>.</summary>
    public string Where { get; } = where;
}
