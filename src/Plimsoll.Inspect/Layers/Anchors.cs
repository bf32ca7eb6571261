using System.Text;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Layers;

/// <summary>Notes which of the places that analysers look at, and the folders above them, are folders or symbolic links in a layer.</summary>
internal sealed class AnchorPaths
{
    private readonly (string Text, byte[] Bytes)[] _paths;
    private readonly bool[] _known;
    private readonly string?[] _targets;

    public AnchorPaths(IReadOnlyList<IAnalyser> analysers)
    {
        SortedSet<string> all = new(StringComparer.Ordinal);
        foreach (string anchor in analysers.SelectMany(a => a.Anchors))
            for (int end = anchor.Length; end > 0; end = anchor.LastIndexOf('/', end - 1))
                all.Add(anchor[..end]);
        _paths = [.. all.Select(path => (path, Encoding.UTF8.GetBytes(path)))];
        (_known, _targets) = (new bool[_paths.Length], new string?[_paths.Length]);
    }

    public void Take(EntryReader entry)
    {
        ReadOnlySpan<byte> path = entry.PathBytes;
        for (int i = 0; i < _paths.Length; i++)
        {
            byte[] bytes = _paths[i].Bytes;
            if (!path.StartsWith(bytes) || path.Length > bytes.Length && path[bytes.Length] != (byte)'/')
                continue;
            if (path.Length == bytes.Length)
            {
                _known[i] = entry.Type is EntryType.Directory or EntryType.Symlink;
                _targets[i] = entry.Type == EntryType.Symlink ? EntryPath.Decode(entry.LinkTarget) : null;
            }
            // What lies below a link of the same layer leaves it a link; elsewhere it makes a folder.
            else
                _known[i] = true;
        }
    }

    /// <summary>By path: a symbolic link's target, or null for a folder.</summary>
    public IReadOnlyDictionary<string, string?> ToDictionary() =>
        new SortedDictionary<string, string?>(Enumerable.Range(0, _paths.Length).Where(i => _known[i]).ToDictionary(i => _paths[i].Text, i => _targets[i]), StringComparer.Ordinal);
}

/// <summary>Where places lead in a composed image, followed through its symbolic links.</summary>
internal static class Anchors
{
    private const int MaxHops = 40;

    /// <summary>A gap for each link that leads a package database to where nobody looks.</summary>
    /// <param name="links">By path; folders are null.</param>
    /// <param name="places">Paths that analysers read.</param>
    public static IEnumerable<Gap> LedAstray(IReadOnlyDictionary<string, string?> links, IReadOnlyCollection<string> places)
    {
        SortedDictionary<string, Gap> gaps = new(StringComparer.Ordinal);
        foreach (string place in places)
        {
            (string? end, string? first) = Follow(links, place);
            if (first is not null && (end is null || !places.Contains(end)))
                gaps.TryAdd(first, new Gap("database-behind-link", first,
                    $"it is a symbolic link to {Texts.Escape.Quote(links[first])}, so that {place} {(end is null ? "leads in a circle" : $"would be {Texts.Escape.Quote(end)}")}, which is not read"));
        }
        return gaps.Values;
    }

    /// <returns>The path without links, null for a circle; and the first link on the way.</returns>
    private static (string? End, string? First) Follow(IReadOnlyDictionary<string, string?> links, string place)
    {
        string? first = null;
        List<string> done = [];
        Stack<string> todo = new(place.Split('/').Reverse());
        for (int hops = 0; todo.TryPop(out string? part);)
        {
            if (part is "" or ".")
                continue;
            if (part == "..")
            {
                if (done.Count > 0)
                    done.RemoveAt(done.Count - 1);
                continue;
            }
            done.Add(part);
            if (!links.TryGetValue(string.Join('/', done), out string? target) || target is null)
                continue;
            first ??= string.Join('/', done);
            if (++hops > MaxHops)
                return (null, first);
            done.RemoveAt(done.Count - 1);
            if (target.StartsWith('/'))
                done.Clear();
            foreach (string next in target.Split('/').Reverse())
                todo.Push(next);
        }
        return (string.Join('/', done), first);
    }
}

/// <summary>Knows the symbolic links of one layer and tells which later entries lie below one.</summary>
internal sealed class LinkedFolders
{
    private readonly HashSet<PathHash> _links = [];
    private byte[] _clean = new byte[256];
    private int _cleanLength;

    public void Take(ReadOnlySpan<byte> path, PathHash hash, bool isLink)
    {
        if (!isLink)
        {
            if (_links.Count > 0)
                _links.Remove(hash);
            return;
        }
        _links.Add(hash);
        if (_clean.AsSpan(0, _cleanLength).StartsWith(path))
            _cleanLength = 0;
    }

    public bool IsBelowLink(ReadOnlySpan<byte> path)
    {
        int end = path.LastIndexOf((byte)'/');
        if (_links.Count == 0 || end <= 0)
            return false;
        ReadOnlySpan<byte> folder = path[..end];
        // Entries come folder by folder: what this one has in common with the last one was found to be no link.
        int common = folder.CommonPrefixLength(_clean.AsSpan(0, _cleanLength));
        if (common == folder.Length && (common == _cleanLength || _clean[common] == (byte)'/'))
            return false;
        for (int at = 0; at <= folder.Length; at++)
        {
            if (at < folder.Length && folder[at] != (byte)'/' || at < common)
                continue;
            if (_links.Contains(PathHash.Of(folder[..at])))
                return true;
        }
        if (_clean.Length < folder.Length)
            _clean = new byte[folder.Length * 2];
        folder.CopyTo(_clean);
        _cleanLength = folder.Length;
        return false;
    }
}
