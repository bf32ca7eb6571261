using Plimsoll.Oci;
using Plimsoll.Registry;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary>Options whose names begin with <c>registry-</c>, checked.</summary>
internal static class RegistrySettings
{
    /// <param name="get">The setting of a key, or null.</param>
    /// <exception cref="CommandException">A value names no host, or no pair.</exception>
    public static RegistryOptions Of(Func<string, Setting?> get) => RegistryOptions.Default with
    {
        PlainHttp = [.. Parts(get("registry-http")).Select(part => Host(part.Text, part.Where))],
        Mirrors = [.. Parts(get("registry-mirror")).Select(part => Pair(part, "HOST=MIRROR[/PREFIX]", isMirror: true))],
        TokenRealms = [.. Parts(get("registry-realm")).Select(part => Pair(part, "HOST=HOST", isMirror: false))],
        CaFile = CaOf(get("registry-ca")),
    };

    /// <summary>Values with commas between them are several, so that a variable can hold as much as repeated flags.</summary>
    private static IEnumerable<(string Text, string Where)> Parts(Setting? setting) => setting is null ? []
        : setting.Values.SelectMany(value => value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).Select(text => (text, setting.Where));

    private static string Host(string text, string where) => RegistryName.IsHost(text) ? text.ToLowerInvariant()
        : throw CommandException.Usage($"{where}: {Escape.Quote(text)} is not understood; wanted HOST[:PORT]");

    private static RegistryPair Pair((string Text, string Where) part, string wanted, bool isMirror)
    {
        string[] sides = part.Text.Split('=', 2);
        string[] other = sides.Length == 2 ? sides[1].TrimEnd('/').Split('/', 2) : [];
        if (other.Length == 0 || !RegistryName.IsHost(sides[0]) || !RegistryName.IsHost(other[0]) || other.Length == 2 && (!isMirror || !RegistryName.IsRepository(other[1])))
            throw CommandException.Usage($"{part.Where}: {Escape.Quote(part.Text)} is not understood; wanted {wanted}");
        return new RegistryPair(sides[0].ToLowerInvariant(), string.Join('/', other));
    }

    private static string? CaOf(Setting? setting)
    {
        if (setting is null)
            return null;
        string path = setting.Values[^1];
        return File.Exists(path) ? path : throw CommandException.Usage($"{setting.Where}: there is no file {Escape.Quote(path)}");
    }
}
