namespace Plimsoll.Agent.Install;

/// <summary>Nothing was changed, and why.</summary>
/// <param name="code">Kebab-case.</param>
internal sealed class InstallException(string code, string message, string? hint = null, Exception? inner = null) : Exception(message, inner)
{
    public string Code { get; } = code;

    public string? Hint { get; } = hint;
}
