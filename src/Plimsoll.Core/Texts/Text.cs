using System.Globalization;

namespace Plimsoll.Texts;

/// <summary>Languages that reports and messages exist in.</summary>
public enum Language
{
    English = 0,
    Chinese,
}

/// <summary>One text for people in each language; arguments stand in it as <c>{0}</c>, <c>{1}</c>.</summary>
public readonly record struct Text(string English, string Chinese)
{
    public string In(Language language) => language == Language.Chinese ? Chinese : English;

    public string In(Language language, params ReadOnlySpan<object?> arguments) =>
        string.Format(CultureInfo.InvariantCulture, In(language), arguments);
}
