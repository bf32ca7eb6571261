using System.Text.Json;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages;

/// <summary>What the readers of a language's text files have in common: the limit, what a malformed file becomes, checksums.</summary>
public abstract class LanguageAnalyser : IAnalyser
{
    /// <summary>Code of the gap for a file that its tool could not have written.</summary>
    internal const string Malformed = "package-file-malformed";

    public abstract string Id { get; }

    public virtual int Version => 1;

    /// <summary>16 MiB; the lock files of the largest projects have about 5.</summary>
    public const long MaxBytes = 16L << 20;

    public long MaxFileBytes => MaxBytes;

    /// <summary>The last bytes of all paths it may want, by which most paths of an image are told apart from them.</summary>
    public abstract string LastBytes { get; }

    public abstract bool Wants(ReadOnlySpan<byte> path);

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        PackageList packages = new(path);
        // Editors of another world put a mark before UTF-8 text.
        ReadOnlyMemory<byte> text = content.Span.StartsWith("\uFEFF"u8) ? content[3..] : content;
        try
        {
            Read(path, text, packages);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException is how System.Text.Json says that a string is no UTF-8. What was read before it stays.
            packages.Malformed(e.Message);
        }
        return packages.ToFacts(Id, content);
    }

    /// <summary>Reads the file into the list.</summary>
    /// <exception cref="JsonException">The content is no JSON; becomes a gap, as <see cref="InvalidOperationException"/> does.</exception>
    private protected abstract void Read(string path, ReadOnlyMemory<byte> content, PackageList packages);

    /// <summary>Whether the path's last part is this name.</summary>
    private protected static bool IsNamed(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name) =>
        path.EndsWith(name) && (path.Length == name.Length || path[^(name.Length + 1)] == (byte)'/');

    private protected static bool IsNamed(string path, string name) =>
        path.EndsWith(name, StringComparison.Ordinal) && (path.Length == name.Length || path[^(name.Length + 1)] == '/');

    /// <summary>Whether a folder of this name lies above the path's last part.</summary>
    /// <param name="folder">With a slash at both ends.</param>
    private protected static bool IsBelow(ReadOnlySpan<byte> path, ReadOnlySpan<byte> folder) =>
        path.StartsWith(folder[1..]) || path.IndexOf(folder) >= 0;
}
