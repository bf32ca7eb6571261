using System.Text;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages;

/// <summary>All readers of languages behind one question, which is asked for every entry of an image.</summary>
/// <remarks>Facts carry the id of the reader that made them.</remarks>
public sealed class LanguageFiles : IAnalyser
{
    private readonly LanguageAnalyser[][] _byLastByte = new LanguageAnalyser[256][];

    public LanguageFiles(IReadOnlyList<LanguageAnalyser> readers)
    {
        ArgumentNullException.ThrowIfNull(readers);
        for (int i = 0; i < _byLastByte.Length; i++)
            _byLastByte[i] = [.. readers.Where(r => r.LastBytes.Contains((char)i, StringComparison.Ordinal))];
        Version = readers.Sum(r => r.Version);
    }

    public string Id => "languages";

    /// <summary>The sum of the readers' versions, so that it rises when one of them does or one comes along.</summary>
    public int Version { get; }

    public long MaxFileBytes => LanguageAnalyser.MaxBytes;

    public bool Wants(ReadOnlySpan<byte> path) => ReaderOf(path) is not null;

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content) => ReaderOf(Encoding.UTF8.GetBytes(path))?.Analyse(path, content);

    private LanguageAnalyser? ReaderOf(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty)
            return null;
        foreach (LanguageAnalyser reader in _byLastByte[path[^1]])
            if (reader.Wants(path))
                return reader;
        return null;
    }
}
