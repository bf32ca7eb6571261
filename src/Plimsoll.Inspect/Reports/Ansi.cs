using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Reports;

/// <summary>Colours of a terminal, or none of them.</summary>
internal readonly record struct Ansi(bool Enabled)
{
    public string Bold(string text) => Wrap("1", text);

    public string Dim(string text) => Wrap("2", text);

    public string Good(string text) => Wrap("32", text);

    public string Warning(string text) => Wrap("33", text);

    public string Alarm(string text) => Wrap("1;97;41", text);

    public string Of(Severity severity, string text) => Wrap(severity switch
    {
        Severity.Critical => "1;31",
        Severity.High => "31",
        Severity.Medium => "33",
        Severity.Low => "36",
        Severity.Unknown => "35",
        _ => "2",
    }, text);

    // Spaces at the end stay outside, so that no background colour fills the column.
    private string Wrap(string code, string text)
    {
        if (!Enabled)
            return text;
        string inner = text.TrimEnd(' ');
        return inner.Length == 0 ? text : $"\e[{code}m{inner}\e[0m{text[inner.Length..]}";
    }
}
