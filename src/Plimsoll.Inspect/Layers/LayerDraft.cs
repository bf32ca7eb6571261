using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Layers;

/// <summary>The facts of one layer while it is walked.</summary>
internal sealed class LayerDraft(IReadOnlyList<IAnalyser> analysers)
{
    /// <summary>Gaps kept of one layer; more say nothing new and a hostile layer could make millions.</summary>
    private const int MaxGaps = 100;

    private readonly Dictionary<(string Path, string Analyser), FileFacts> _files = [];
    private readonly List<string> _whiteouts = [];
    private readonly List<string> _opaque = [];
    private readonly HashSet<string> _displaced = [];
    private readonly List<UInt128> _nonFolders = [];
    private readonly List<Gap> _gaps = [];
    private readonly Dictionary<string, List<(string Path, IAnalyser Analyser)>> _links = [];
    private readonly List<IAnalyser> _wanting = [];
    private long _entries;

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
        Dictionary<string, List<(string, IAnalyser)>> open = new(_links);
        while (entries.MoveNext(cancellationToken))
        {
            if (entries.Type is not (EntryType.File or EntryType.HardLink) || !open.TryGetValue(entries.Path, out List<(string Path, IAnalyser Analyser)>? wanted))
                continue;
            string target = entries.Path;
            _links.Remove(target);
            if (entries.Type == EntryType.HardLink)
            {
                string further = EntryPath.Decode(entries.LinkTarget);
                // A link to itself leads nowhere; it is a gap once the passes are over.
                if (!_links.TryGetValue(further, out List<(string, IAnalyser)>? list))
                    _links[further] = list = [];
                list.AddRange(wanted);
                continue;
            }
            foreach (IGrouping<string, (string Path, IAnalyser Analyser)> byPath in wanted.GroupBy(w => w.Path))
                Analyse(entries, byPath.Key, [.. byPath.Select(w => w.Analyser)]);
        }
    }

    public LayerFacts ToFacts()
    {
        foreach ((string target, List<(string Path, IAnalyser Analyser)> wanted) in _links)
            foreach ((string path, _) in wanted)
                AddGap(new Gap("hard-link-target-missing", path, $"it is a hard link to {Escape.Quote(target)}, which this layer does not hold"));
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
            _files.Remove((text, analyser.Id));
        _displaced.Remove(text);
        switch (entries.Type)
        {
            case EntryType.File:
                Analyse(entries, text, _wanting);
                break;
            case EntryType.HardLink:
                string target = EntryPath.Decode(entries.LinkTarget);
                if (!_links.TryGetValue(target, out List<(string, IAnalyser)>? list))
                    _links[target] = list = [];
                foreach (IAnalyser analyser in _wanting)
                    list.Add((text, analyser));
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
