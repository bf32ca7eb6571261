namespace Plimsoll.Agent.Plugin;

/// <summary>Why a request does not go through.</summary>
/// <param name="Code">Stable, kebab-case.</param>
/// <param name="Text">What was seen and what was wanted; what came from outside is escaped in it.</param>
public sealed record Denial(string Code, string Text)
{
    public override string ToString() => $"{Code}: {Text}";
}
