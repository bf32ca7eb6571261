using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Layers;

/// <summary>The facts of one layer while it is walked.</summary>
internal sealed class LayerDraft(IReadOnlyList<IAnalyser> analysers)
{
    /// <summary>Gaps kept of one layer; more say nothing new and a hostile layer could make millions.</summary>
    private const int MaxGaps = 100;

    /// <summary>Contents read for hard links of one layer: many links to many files of one name would multiply. Real layers have a few hundred.</summary>
    private const int MaxLinkReads = 100_000;

    private readonly Dictionary<(string Path, string Analyser), FileFacts> _files = [];
    private readonly List<string> _whiteouts = [];
    private readonly List<string> _opaque = [];
    private readonly HashSet<string> _displaced = [];
    private readonly List<UInt128> _nonFolders = [];
    private readonly List<Gap> _gaps = [];
    private readonly Dictionary<(string Path, string Analyser), OpenLink> _links = [];
    private readonly List<IAnalyser> _wanting = [];
    private long _entries;
    private int _linkReads;

    /// <summary>A wanted name that is a hard link. It has the content that its target had when the link was made, whatever came later.</summary>
    /// <param name="Target">The name that it links to.</param>
    /// <param name="At">Which entry of the layer made the link; only earlier ones can be its target.</param>
    private sealed record OpenLink(string Path, IAnalyser Analyser, string Target, long At);

    public long TarBytes { get; set; } = -1;
    public Digest? DiffId { get; set; }

    /// <summary>Whether the layer must be walked again for the content behind hard links.</summary>
    public bool HasOpenLinks => _links.Count > 0;

    public void Walk(EntryReader entries, CancellationToken cancellationToken)
    {
        while (entries.MoveNext(cancellationToken))
        {
            _entries++;
            if (!TakeWhiteout(entries.PathBytes))
                Take(entries);
        }
        foreach (Oddity oddity in entries.Oddities)
            AddGap(new Gap(oddity.Code, oddity.Where, "the entry was passed over"));
    }

    /// <summary>Second walk: reads the files that wanted hard links point to.</summary>
    public void FollowLinks(EntryReader entries, CancellationToken cancellationToken)
    {
        ILookup<string, OpenLink> open = _links.Values.ToLookup(l => l.Target);
        for (long at = 1; entries.MoveNext(cancellationToken); at++)
        {
            if (!open.Contains(entries.Path))
                continue;
            // The last entry before the link decides: what an earlier one said of it is taken back.
            List<OpenLink> wanted = [.. open[entries.Path].Where(l => l.At > at)];
            foreach (OpenLink link in wanted)
            {
                (string, string) key = (link.Path, link.Analyser.Id);
                _files.Remove(key);
                _links[key] = entries.Type == EntryType.HardLink ? link with { Target = EntryPath.Decode(entries.LinkTarget), At = at } : link;
            }
            // Anything else has no content: a link to it stays open, and is a gap in the end.
            if (entries.Type != EntryType.File || (_linkReads += wanted.Count) > MaxLinkReads)
                continue;
            foreach (IGrouping<string, OpenLink> byPath in wanted.GroupBy(l => l.Path))
            {
                Analyse(entries, byPath.Key, [.. byPath.Select(l => l.Analyser)]);
                foreach (OpenLink link in byPath)
                    _links.Remove((link.Path, link.Analyser.Id));
            }
        }
    }

    public LayerFacts ToFacts()
    {
        foreach (OpenLink link in _links.Values.OrderBy(l => l.Path, StringComparer.Ordinal).ThenBy(l => l.Analyser.Id, StringComparer.Ordinal))
            AddGap(new Gap("hard-link-target-missing", link.Path, $"it is a hard link to {Escape.Quote(link.Target)}, which is no file that this layer holds before it"));
        _links.Clear();
        UInt128[] nonFolders = [.. _nonFolders];
        Array.Sort(nonFolders);
        return new LayerFacts
        {
            Files = [.. _files.Values.OrderBy(f => f.Path, StringComparer.Ordinal).ThenBy(f => f.Analyser, StringComparer.Ordinal)],
            Whiteouts = [.. _whiteouts.Order(StringComparer.Ordinal)],
            OpaqueFolders = [.. _opaque.Order(StringComparer.Ordinal)],
            Displaced = [.. _displaced.Order(StringComparer.Ordinal)],
            NonFolders = nonFolders,
            Gaps = _gaps,
            TarBytes = TarBytes,
            Entries = _entries,
        };
    }

    /// <remarks>Source: OCI image specification 1.1, layer.md, "Whiteouts". Other names with <c>.wh..wh.</c> are AUFS's own and mean nothing.</remarks>
    private bool TakeWhiteout(ReadOnlySpan<byte> path)
    {
        int slash = path.LastIndexOf((byte)'/');
        ReadOnlySpan<byte> name = path[(slash + 1)..];
        if (!name.StartsWith(".wh."u8))
            return false;
        ReadOnlySpan<byte> folder = slash < 0 ? default : path[..slash];
        if (name.SequenceEqual(".wh..wh..opq"u8))
            _opaque.Add(EntryPath.Decode(folder));
        else if (!name.StartsWith(".wh..wh."u8) && name.Length > 4)
            _whiteouts.Add(EntryPath.Decode(folder.IsEmpty ? name[4..] : [.. folder, (byte)'/', .. name[4..]]));
        return true;
    }

    private void Take(EntryReader entries)
    {
        ReadOnlySpan<byte> path = entries.PathBytes;
        if (entries.Type != EntryType.Directory)
            _nonFolders.Add(PathHash.Of(path));
        _wanting.Clear();
        foreach (IAnalyser analyser in analysers)
            if (analyser.Wants(path))
                _wanting.Add(analyser);
        if (_wanting.Count == 0)
            return;
        string text = entries.Path;
        // A later entry of the same name replaces an earlier one.
        foreach (IAnalyser analyser in _wanting)
        {
            _files.Remove((text, analyser.Id));
            _links.Remove((text, analyser.Id));
        }
        _displaced.Remove(text);
        switch (entries.Type)
        {
            case EntryType.File:
                Analyse(entries, text, _wanting);
                break;
            case EntryType.HardLink:
                string target = EntryPath.Decode(entries.LinkTarget);
                foreach (IAnalyser analyser in _wanting)
                    _links.Add((text, analyser.Id), new OpenLink(text, analyser, target, _entries));
                break;
            default:
                _displaced.Add(text);
                break;
        }
    }

    private void Analyse(EntryReader entries, string path, List<IAnalyser> wanting)
    {
        long limit = wanting.Max(a => a.MaxFileBytes);
        bool whole = entries.TryReadContent(limit, out byte[] content);
        foreach (IAnalyser analyser in wanting)
        {
            if (!whole || content.Length > analyser.MaxFileBytes)
            {
                AddGap(new Gap("file-too-large", path, $"{entries.Size} bytes; {analyser.Id} reads at most {analyser.MaxFileBytes}"));
                continue;
            }
            try
            {
                if (analyser.Analyse(path, content) is { } facts)
                    _files[(path, analyser.Id)] = facts;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // One analyser that stumbles over one file must not take the rest of the report along.
                AddGap(new Gap("analyser-failed", path, $"{analyser.Id}: {e.GetType().Name}: {Escape.Quote(e.Message)}"));
            }
        }
    }

    private void AddGap(Gap gap)
    {
        if (_gaps.Count < MaxGaps)
            _gaps.Add(gap);
    }
}
