namespace Plimsoll.Verify.Start;

/// <summary>Where a host asks for statements about images that its drop folder lacks.</summary>
public sealed record EvidenceSources
{
    private const int MaxHostCharacters = 255;

    /// <summary>Nowhere: a host without this asks no registry for anything.</summary>
    public static EvidenceSources None { get; } = new();

    /// <summary><see cref="Glob"/>s of repositories, each with its host written out before the first slash. Ordinal order.</summary>
    public IReadOnlyList<string> Registries { get; init; } = [];

    /// <summary>Hosts of <see cref="Registries"/> that are spoken to without TLS. Ordinal order.</summary>
    public IReadOnlyList<string> PlainHttp { get; init; } = [];

    /// <param name="repository"><c>registry.example/team/app</c>.</param>
    public bool Covers(string repository) => Registries.Any(r => Glob.Matches(r, repository));

    /// <summary>The host of a pattern; null where it is none or could be several: whoever may pull would else choose where root connects to.</summary>
    internal static string? HostOf(string pattern) =>
        pattern.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash && slash < pattern.Length - 1 && IsHost(pattern[..slash]) ? pattern[..slash] : null;

    /// <summary>As names of images have it: lower case, with a dot or a port, or <c>localhost</c>.</summary>
    internal static bool IsHost(string text)
    {
        string host = text;
        if (text.LastIndexOf(':') is >= 0 and var colon && colon > text.LastIndexOf(']'))
        {
            if (!ushort.TryParse(text.AsSpan(colon + 1), System.Globalization.NumberStyles.None, null, out ushort port) || port == 0)
                return false;
            host = text[..colon];
        }
        else if (!text.Contains('.', StringComparison.Ordinal) && text != "localhost" && text[0] != '[')
            return false;
        return text.Length <= MaxHostCharacters && host.Length > 0 && (host is ['[', .., ']'] ? host[1..^1].All(c => char.IsAsciiHexDigitLower(c) || c is ':' or '.')
            : host[0] is not ('-' or '.') && host[^1] is not ('-' or '.') && !host.Contains("..", StringComparison.Ordinal) && host.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.'));
    }
}
