namespace Plimsoll.Agent;

/// <summary>What dockerd or the launcher is told.</summary>
/// <param name="Text">One line for whoever called docker: the reason's code first, then what was seen and what was wanted. Empty when allowed.</param>
public sealed record Answer(bool Allowed, string Text)
{
    public static Answer Allow { get; } = new(true, "");

    /// <param name="code">Stable, kebab-case.</param>
    public static Answer Deny(string code, string text) => new(false, $"plimsoll: {code}: {text}");
}
