using Plimsoll.Texts;

namespace Plimsoll.Agent;

/// <summary>A text of the catalogue with its arguments: told to a person in the language that they read, and to logs and in refusals in English.</summary>
/// <param name="Arguments">May be such texts themselves. What came from outside is escaped already.</param>
internal sealed record FilledText(Text Text, params object?[] Arguments)
{
    /// <summary>What others say, in whatever words they say it.</summary>
    public static FilledText Verbatim(string text) => new(new Text("{0}", "{0}"), text);

    public string In(Language language) => Arguments.Length == 0 ? Text.In(language) : Text.In(language, [.. Arguments.Select(a => a is FilledText inner ? inner.In(language) : a)]);

    /// <summary>In English.</summary>
    public override string ToString() => In(Language.English);

    public static implicit operator FilledText(Text text) => new(text);
}

internal static class TextFilling
{
    public static FilledText With(this Text text, params object?[] arguments) => new(text, arguments);
}

/// <summary>An option that is not understood.</summary>
/// <param name="hint">Null: help says how it is used.</param>
internal sealed class OptionException(FilledText told, FilledText? hint = null) : FormatException(told.ToString())
{
    public FilledText Told => told;

    public FilledText Hint => hint ?? Catalogue.AgentHelpHint;

    /// <summary>For an option or command that is not known, with the nearest that is.</summary>
    public static OptionException Unknown(Text told, string typed, IEnumerable<string> known) =>
        new(told.With(Escape.Quote(typed)), Nearest.Of(typed, known) is { } near ? Catalogue.AgentDidYouMean.With(near) : null);
}

/// <summary>Why the agent does not run.</summary>
internal sealed class AgentException(FilledText told, FilledText? hint = null, Exception? inner = null) : IOException(told.ToString(), inner)
{
    public FilledText Told => told;

    public FilledText? Hint => hint;
}
