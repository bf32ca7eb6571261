namespace Plimsoll.Verify.Start;

/// <summary>What was asked of the engine cannot be read for certain, so that nobody knows what the engine would make of it. It is refused.</summary>
/// <param name="code">
/// Kebab-case: <c>malformed-json</c>, <c>trailing-bytes</c>, <c>not-unicode</c>, <c>duplicate-key</c>, <c>bad-value</c>, <c>body-absent</c>,
/// <c>body-too-long</c>, <c>body-too-deep</c>, <c>body-too-many-values</c>.
/// </param>
public sealed class StartRequestException(string code, string message, Exception? inner = null) : Exception(message, inner)
{
    public string Code { get; } = code;
}
