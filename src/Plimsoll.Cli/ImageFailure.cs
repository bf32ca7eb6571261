using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>What a user is told when one image could not be read.</summary>
internal static class ImageFailure
{
    // A folder of more entries is not searched for a name that resembles the typed one.
    private const int MostNames = 10_000;

    /// <summary>The message with the image's name before it, where the message does not name it already.</summary>
    /// <param name="message">Escaped for a terminal.</param>
    public static string Named(string image, string message)
    {
        string shown = Escape.ForTerminal(image), place = shown[(shown.IndexOf(':', StringComparison.Ordinal) + 1)..];
        return message.Contains(shown, StringComparison.Ordinal) || (place.Contains('/', StringComparison.Ordinal) && message.Contains(place, StringComparison.Ordinal))
            ? message : $"{Escape.Quote(image)}: {message}";
    }

    /// <summary>How to go on: the reader's own hint, else a file of nearly that name.</summary>
    public static string? HintOf(string image, ImageException e)
    {
        if (e.Hint is not null || e.Error != ImageError.NotFound)
            return e.Hint;
        string path = Path.TrimEndingDirectorySeparator(image[(image.IndexOf(':', StringComparison.Ordinal) + 1)..]);
        if (path.Length == 0 || Path.GetFileName(path) is not { Length: > 0 } name)
            return null;
        try
        {
            string folder = Path.GetDirectoryName(path) is { Length: > 0 } parent ? parent : ".";
            string? near = Directory.Exists(folder)
                ? Suggestion.For(name, Directory.EnumerateFileSystemEntries(folder).Take(MostNames).Select(e => Path.GetFileName(e))) : null;
            return near is null || near == name ? null : $"did you mean {Escape.ForTerminal(image[..^name.Length] + near)}?";
        }
        catch (Exception inner) when (inner is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
