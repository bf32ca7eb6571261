using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Plimsoll.Cli;

/// <summary>What a stored key is called: <c>NAME</c> or <c>NAME@vN</c>. It holds neither dot nor slash, so that no file with an ending is one.</summary>
/// <param name="Version">Null when none is named.</param>
internal sealed record KeyName(string Name, int? Version)
{
    public const int MaxLength = 64;

    public static bool TryParse(string text, [NotNullWhen(true)] out KeyName? name)
    {
        name = null;
        int at = text.IndexOf("@v", StringComparison.Ordinal);
        string stem = at < 0 ? text : text[..at];
        if (stem.Length is 0 or > MaxLength || !char.IsAsciiLetterOrDigit(stem[0]) || !stem.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
            return false;
        int version = 0;
        if (at >= 0 && (!int.TryParse(text.AsSpan(at + 2), NumberStyles.None, CultureInfo.InvariantCulture, out version) || version < 1))
            return false;
        name = new KeyName(stem, at < 0 ? null : version);
        return true;
    }

    public override string ToString() => Version is { } version ? $"{Name}@v{version.ToString(CultureInfo.InvariantCulture)}" : Name;
}
