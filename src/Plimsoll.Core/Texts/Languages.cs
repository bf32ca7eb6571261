namespace Plimsoll.Texts;

/// <summary>Which language a person reads.</summary>
public static class Languages
{
    /// <summary>From LC_ALL, else LC_MESSAGES, else LANG: <c>zh…</c> is Chinese, all else English.</summary>
    /// <param name="environment">Value of a variable, or null.</param>
    public static Language FromEnvironment(Func<string, string?> environment)
    {
        ArgumentNullException.ThrowIfNull(environment);
        foreach (string name in (ReadOnlySpan<string>)["LC_ALL", "LC_MESSAGES", "LANG"])
            if (environment(name) is { Length: > 0 } locale)
                return IsChinese(locale) ? Language.Chinese : Language.English;
        return Language.English;
    }

    /// <summary><c>en</c> or <c>zh</c>, also with a region (<c>zh_CN.UTF-8</c>, <c>en-GB</c>).</summary>
    public static bool TryParse(string text, out Language language)
    {
        ArgumentNullException.ThrowIfNull(text);
        language = IsChinese(text) ? Language.Chinese : Language.English;
        return language == Language.Chinese || HasPrefix(text, "en");
    }

    private static bool IsChinese(string locale) => HasPrefix(locale, "zh");

    private static bool HasPrefix(string locale, string language) =>
        locale.StartsWith(language, StringComparison.OrdinalIgnoreCase)
        && (locale.Length == language.Length || locale[language.Length] is '_' or '-' or '.' or '@');
}
