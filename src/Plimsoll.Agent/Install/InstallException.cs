namespace Plimsoll.Agent.Install;

/// <summary>Nothing was changed, and why.</summary>
/// <param name="code">Kebab-case.</param>
internal sealed class InstallException(string code, FilledText told, FilledText? hint = null, Exception? inner = null) : Exception(told.ToString(), inner)
{
    public string Code { get; } = code;

    public FilledText Told { get; } = told;

    public FilledText? Hint { get; } = hint;
}
