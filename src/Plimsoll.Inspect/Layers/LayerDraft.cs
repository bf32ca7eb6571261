using System.Text;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Layers;

/// <summary>The facts of one layer while it is walked.</summary>
/// <remarks>
/// A file is handed to the analysers that want its name, and to those that want what it starts with. What the latter made of it stands
/// for its later hard links as well, as they are at that moment: no second walk is needed, and nothing that happens to the first name matters.
/// </remarks>
/// <param name="budget">Shared by all layers of an image.</param>
internal sealed class LayerDraft(IReadOnlyList<IAnalyser> analysers, FactBudget budget)
{
    /// <summary>Gaps kept of one layer and analyser; more say nothing new and a hostile layer could make millions.</summary>
    private const int MaxGaps = 100;

    /// <summary>Contents read for hard links of one layer: many links to many files of one name would multiply. Real layers have a few hundred.</summary>
    private const int MaxLinkReads = 100_000;

    private const int AnyExecute = 0b001_001_001;

    private readonly Dictionary<(string Path, string Analyser), FileFacts> _files = [];
    private readonly List<string> _whiteouts = [];
    private readonly List<string> _opaque = [];
    private readonly HashSet<string> _displaced = [];
    private readonly List<PathHash> _nonFolders = [];
    private readonly HashSet<PathHash> _folders = [];
    private readonly List<(string? Analyser, Gap Gap)> _gaps = [];
    private readonly Dictionary<string, int> _gapsOf = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Path, string Analyser), Want> _links = [];
    private readonly AnchorPaths _anchorPaths = new(analysers);
    private readonly LinkedFolders _linked = new();
    private readonly List<IAnalyser> _wanting = [];
    private readonly IAnalyser[] _ofContent = [.. analysers.Where(a => a.LooksAtContent || a.LooksEverywhere)];
    private readonly IAnalyser[] _ofEntries = [.. analysers.Where(a => a.LooksAtEntries)];

    /// <summary>A bit for each analyser of content that also looks into what <see cref="HarmlessNames"/> leaves out.</summary>
    private readonly ulong _everywhere = BitsOf([.. analysers.Where(a => a.LooksAtContent || a.LooksEverywhere)], a => a.LooksEverywhere);

    /// <summary>Entries of one layer whose header may say something; a whole tree with odd rights says as much with its first ten thousands.</summary>
    private const int MaxSaid = 20_000;

    /// <summary>Paths of entries whose header said something.</summary>
    private readonly HashSet<PathHash> _said = [];

    /// <summary>By path: which analysers of content looked at the file, a bit for each in the order of <see cref="_ofContent"/>.</summary>
    private readonly Dictionary<PathHash, ulong> _looked = [];
    private long _entries;
    private int _linkReads;
    private bool _saidTooMuch;

    /// <summary>A wanted hard link, whose content is that of the last file of the target's name before it.</summary>
    /// <param name="Before">Number of the link's entry.</param>
    private sealed record Want(string Path, IAnalyser Analyser, string Target, long Before);

    public long TarBytes { get; set; } = -1;
    public Digest? DiffId { get; set; }

    /// <summary>Whether the layer must be walked again for the content behind hard links.</summary>
    public bool HasOpenLinks => _links.Values.Any(w => w.Before > 1);

    /// <summary>Whether the layer could not be walked again for them: what was seen of it is less than what another reading sees.</summary>
    public bool HasUnreadLinks { get; private set; }

    /// <param name="buffer">For one content after the other.</param>
    public void Walk(EntryReader entries, ContentBuffer buffer, CancellationToken cancellationToken)
    {
        while (entries.MoveNext(cancellationToken))
        {
            _entries++;
            if (_linked.IsBelowLink(entries.PathBytes))
                AddGap(new Gap("entry-below-link", entries.Path, "it lies below a symbolic link of its own layer, so that unpacking puts it elsewhere"));
            if (!TakeWhiteout(entries.PathBytes))
                Take(entries, buffer);
        }
        foreach (Oddity oddity in entries.Oddities)
            AddGap(new Gap(oddity.Code, oddity.Where, "the entry was passed over"));
    }

    /// <summary>Further walk: reads the files that wanted hard links point to.</summary>
    public void FollowLinks(EntryReader entries, ContentBuffer buffer, CancellationToken cancellationToken)
    {
        ILookup<string, Want> open = _links.Values.ToLookup(w => w.Target, StringComparer.Ordinal);
        long at = 0;
        while (entries.MoveNext(cancellationToken))
        {
            at++;
            List<Want> wanted = [.. open[entries.Path].Where(w => at < w.Before)];
            // One file under very many names is read so often and no more; the other names stay open and become gaps.
            if (wanted.Count == 0 || entries.Type == EntryType.File && (_linkReads += wanted.Count) > MaxLinkReads)
                continue;
            // Of several entries of this name before the link the last one counts, so what an earlier one gave is dropped.
            foreach (Want want in wanted)
            {
                _links.Remove((want.Path, want.Analyser.Id));
                _files.Remove((want.Path, want.Analyser.Id));
                if (entries.Type == EntryType.HardLink)
                    _links[(want.Path, want.Analyser.Id)] = want with { Target = EntryPath.Decode(entries.LinkTarget), Before = at };
                else if (entries.Type != EntryType.File)
                    // No file any more, and nothing before it counts: a gap, unless another file of the name follows.
                    _links[(want.Path, want.Analyser.Id)] = want with { Before = 0 };
            }
            if (entries.Type != EntryType.File)
                continue;
            wanted.RemoveAll(w => !IsStillWanted(w, entries));
            if (wanted.Count > 0)
                Analyse(entries, buffer, [.. wanted.Select(w => (w.Path, w.Analyser))]);
        }
    }

    /// <summary>Instead of a further walk: each link whose content passed before anybody wanted it is a gap.</summary>
    public void LeaveLinksUnread()
    {
        foreach (Want want in _links.Values.Where(w => w.Before > 1).OrderBy(w => w.Path, StringComparer.Ordinal).ThenBy(w => w.Analyser.Id, StringComparer.Ordinal).ToArray())
        {
            HasUnreadLinks = true;
            AddGap(want.Analyser, new Gap("hard-link-unread", want.Path, $"its content passed as {Escape.Quote(want.Target)} before {want.Analyser.Id} wanted it, and standard input passes once; scan the image from a file"));
            _links.Remove((want.Path, want.Analyser.Id));
        }
    }

    /// <summary>By its name, or now that the content is there, by what it starts with.</summary>
    private static bool IsStillWanted(Want want, EntryReader entries)
    {
        byte[] path = Encoding.UTF8.GetBytes(want.Path);
        return want.Analyser.Wants(path) || (want.Analyser.LooksAtContent || want.Analyser.LooksEverywhere) && entries.Peek() is { IsEmpty: false } start && want.Analyser.WantsContent(path, entries.Mode, start);
    }

    /// <summary>The facts of one group of the analysers; the group of packages has what is said of the layer as a whole as well.</summary>
    public LayerFacts ToFacts(FactGroup group)
    {
        GiveUpLinks();
        HashSet<string> ids = [.. group.Analysers.Select(a => a.Id)];
        bool isPackages = group.Name == FactGroup.Packages;
        LayerFacts own = new()
        {
            // Facts name who made them, which of an analyser that hands on to others is one of those.
            Files = [.. _files.Where(f => ids.Contains(f.Key.Analyser)).Select(f => f.Value).OrderBy(f => f.Path, StringComparer.Ordinal).ThenBy(f => f.Analyser, StringComparer.Ordinal)],
            Displaced = [.. _displaced.Order(StringComparer.Ordinal)],
            Gaps = [.. _gaps.Where(g => g.Analyser is null ? isPackages : ids.Contains(g.Analyser)).Select(g => g.Gap)],
            TarBytes = TarBytes,
            Entries = _entries,
        };
        if (!isPackages)
            return own;
        PathHash[] nonFolders = [.. _nonFolders];
        Array.Sort(nonFolders);
        PathHash[] folders = [.. _folders];
        Array.Sort(folders);
        return own with
        {
            Whiteouts = [.. _whiteouts.Order(StringComparer.Ordinal)],
            OpaqueFolders = [.. _opaque.Order(StringComparer.Ordinal)],
            NonFolders = nonFolders,
            Folders = folders,
            Anchors = _anchorPaths.ToDictionary(),
        };
    }

    /// <summary>What no walk found is a gap.</summary>
    private void GiveUpLinks()
    {
        foreach (Want want in _links.Values.OrderBy(w => w.Path, StringComparer.Ordinal).ThenBy(w => w.Analyser.Id, StringComparer.Ordinal))
            AddGap(want.Analyser, new Gap("hard-link-target-missing", want.Path, $"it is a hard link to {Escape.Quote(want.Target)}, which this layer does not hold before it"));
        _links.Clear();
    }

    private static ulong BitsOf(IAnalyser[] analysers, Func<IAnalyser, bool> has)
    {
        ulong bits = 0;
        for (int i = 0; i < analysers.Length; i++)
            bits |= has(analysers[i]) ? 1UL << i : 0;
        return bits;
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
        {
            // overlayfs, on which Docker and containerd run, does not look at this mark on the root; other stores empty the root.
            if (folder.IsEmpty)
                AddGap(new Gap("opaque-root", ".wh..wh..opq", "it asks to hide all lower layers, which overlayfs does not do for the root; they are counted as visible"));
            else
                _opaque.Add(budget.Keep(EntryPath.Decode(folder)));
        }
        else if (!name.StartsWith(".wh..wh."u8) && name.Length > 4)
            _whiteouts.Add(budget.Keep(EntryPath.Decode(folder.IsEmpty ? name[4..] : [.. folder, (byte)'/', .. name[4..]])));
        return true;
    }

    private void Take(EntryReader entries, ContentBuffer buffer)
    {
        ReadOnlySpan<byte> path = entries.PathBytes;
        PathHash hash = PathHash.Of(path);
        if (entries.Type != EntryType.Directory)
        {
            budget.Take(2 * 16);
            _nonFolders.Add(hash);
            if (_folders.Count > 0)
                _folders.Remove(hash);
            if (entries.Type == EntryType.Symlink)
                budget.Take(48);
            _linked.Take(path, hash, entries.Type == EntryType.Symlink);
        }
        else if (_folders.Add(hash))
            budget.Take(4 * 16);
        _anchorPaths.Take(entries);
        // A later entry of the same name replaces an earlier one.
        if (_looked.Remove(hash, out ulong before))
            for (int i = 0; i < _ofContent.Length; i++)
                if ((before & (1UL << i)) != 0)
                {
                    _files.Remove((entries.Path, _ofContent[i].Id));
                    _links.Remove((entries.Path, _ofContent[i].Id));
                }
        Look(entries, hash);
        _wanting.Clear();
        foreach (IAnalyser analyser in analysers)
            if (analyser.Wants(path))
                _wanting.Add(analyser);
        int byName = _wanting.Count;
        ulong looked = entries.Type switch
        {
            EntryType.File => AddThoseOfContent(entries),
            EntryType.HardLink => _looked.GetValueOrDefault(PathHash.Of(entries.LinkTarget)),
            _ => 0,
        };
        // Content that came first under a name nobody looks into is looked into under this one.
        ulong unread = entries.Type == EntryType.HardLink && _ofContent.Length > 0 && HarmlessNames.Holds(entries.LinkTarget) && !HarmlessNames.Holds(path)
            ? ~looked & ~_everywhere & ((1UL << _ofContent.Length) - 1)
            : 0;
        if (entries.Type == EntryType.HardLink)
            for (int i = 0; i < _ofContent.Length; i++)
                if ((_everywhere & (1UL << i)) != 0 && _ofContent[i].LooksAnew(entries.LinkTarget, path))
                    unread |= 1UL << i;
        looked |= unread;
        if (looked == 0 && _wanting.Count == 0)
            return;
        string text = entries.Path;
        foreach (IAnalyser analyser in _wanting.Take(byName))
        {
            _files.Remove((text, analyser.Id));
            _links.Remove((text, analyser.Id));
        }
        if (byName > 0)
            _displaced.Remove(text);
        switch (entries.Type)
        {
            case EntryType.File:
                Analyse(entries, buffer, [.. _wanting.Select(analyser => (text, analyser))]);
                break;
            case EntryType.HardLink:
                string target = EntryPath.Decode(entries.LinkTarget);
                for (int i = 0; i < _ofContent.Length; i++)
                    if ((looked & (1UL << i)) != 0)
                    {
                        _wanting.Remove(_ofContent[i]);
                        if ((unread & (1UL << i)) != 0 || _links.ContainsKey((target, _ofContent[i].Id)))
                        {
                            _wanting.Add(_ofContent[i]);
                            continue;
                        }
                        if (_files.TryGetValue((target, _ofContent[i].Id), out FileFacts? facts))
                            _files[(text, _ofContent[i].Id)] = budget.Keep(Renamed(facts, text));
                    }
                foreach (IAnalyser analyser in _wanting)
                    _links[(text, analyser.Id)] = new Want(text, analyser, budget.Keep(target), _entries);
                break;
            default:
                if (byName > 0)
                    _displaced.Add(budget.Keep(text));
                break;
        }
        // What looks everywhere found nothing in nearly all files, and remembering each would cost more than all the rest.
        if (entries.Type == EntryType.File)
            for (int i = 0; i < _ofContent.Length; i++)
                if ((looked & _everywhere & (1UL << i)) != 0 && !_files.ContainsKey((text, _ofContent[i].Id)))
                    looked &= ~(1UL << i);
        if (looked != 0)
        {
            budget.Take(64);
            _looked[hash] = looked;
        }
    }

    /// <summary>Hears what the entry's header says; a later entry of the same name takes the place of an earlier one.</summary>
    private void Look(EntryReader entries, PathHash hash)
    {
        if (_ofEntries.Length == 0)
            return;
        if (_said.Remove(hash))
            foreach (IAnalyser analyser in _ofEntries)
                _files.Remove((entries.Path, analyser.Id));
        foreach (IAnalyser analyser in _ofEntries)
            if (analyser.Look(entries) is { } hit)
            {
                if (_said.Count >= MaxSaid && !_said.Contains(hash))
                {
                    if (!_saidTooMuch)
                        _gaps.Add((analyser.Id, new Gap("too-many-hits", entries.Path, $"more than {MaxSaid} entries of the layer have something to say; those from here on were not looked at")));
                    _saidTooMuch = true;
                    continue;
                }
                _said.Add(hash);
                _files[(entries.Path, analyser.Id)] = budget.Keep(new FileFacts { Path = entries.Path, Analyser = analyser.Id, Hits = [hit] });
            }
    }

    /// <summary>Adds the analysers that want the file for its content, and answers with all analysers of content that will see it.</summary>
    private ulong AddThoseOfContent(EntryReader entries)
    {
        ulong looked = 0;
        for (int i = 0; i < _ofContent.Length; i++)
            if (_wanting.Contains(_ofContent[i]))
                looked |= 1UL << i;
        ReadOnlySpan<byte> path = entries.PathBytes;
        ulong asked = HarmlessNames.Holds(path) || entries.Size < HarmlessNames.MinBytes && (entries.Mode & AnyExecute) == 0 ? _everywhere : ~0UL;
        if (_ofContent.Length == 0 || asked == 0)
            return looked;
        ReadOnlySpan<byte> start = entries.Peek();
        for (int i = 0; i < _ofContent.Length && !start.IsEmpty; i++)
            if ((asked & ~looked & (1UL << i)) != 0 && _ofContent[i].WantsContent(path, entries.Mode, start))
            {
                looked |= 1UL << i;
                _wanting.Add(_ofContent[i]);
            }
        return looked;
    }

    private static FileFacts Renamed(FileFacts facts, string path) => facts with
    {
        Path = path,
        Gaps = [.. facts.Gaps.Select(g => g with { Where = g.Where.StartsWith(facts.Path, StringComparison.Ordinal) ? path + g.Where[facts.Path.Length..] : g.Where })],
    };

    /// <summary>Reads the current file once and shows it to each analyser under the name that it is wanted by.</summary>
    private void Analyse(EntryReader entries, ContentBuffer buffer, IReadOnlyList<(string Path, IAnalyser Analyser)> wanted)
    {
        try
        {
            bool whole = entries.TryReadContent(wanted.Max(w => w.Analyser.MaxFileBytes), buffer, out ReadOnlyMemory<byte> content);
            Analyse(entries, whole, content, wanted, buffer.Failure);
        }
        finally
        {
            buffer.Release();
        }
    }

    private void Analyse(EntryReader entries, bool whole, ReadOnlyMemory<byte> content, IReadOnlyList<(string Path, IAnalyser Analyser)> wanted, string? failure)
    {
        foreach ((string path, IAnalyser analyser) in wanted)
        {
            if (failure is not null)
            {
                AddGap(analyser, new Gap("no-room-for-file", path, $"{entries.Size} bytes; {failure}"));
                continue;
            }
            // What the system refused to open is small enough and still came without its content.
            if (!whole && entries.Size <= analyser.MaxFileBytes)
            {
                AddGap(analyser, new Gap("file-unreadable", path, $"its {entries.Size} bytes could not be read for {analyser.Id}"));
                continue;
            }
            if (!whole || content.Length > analyser.MaxFileBytes)
            {
                AddGap(analyser, new Gap("file-too-large", path, $"{entries.Size} bytes; {analyser.Id} reads at most {analyser.MaxFileBytes}"));
                continue;
            }
            try
            {
                if (analyser.Analyse(path, content) is { } facts)
                    _files[(path, analyser.Id)] = budget.Keep(facts);
            }
            catch (Exception e) when (e is not (OperationCanceledException or ImageException))
            {
                // One analyser that stumbles over one file must not take the rest of the report along.
                AddGap(analyser, new Gap("analyser-failed", path, $"{analyser.Id}: {e.GetType().Name}: {Escape.Quote(e.Message)}"));
            }
        }
    }

    private void AddGap(Gap gap) => AddGap(null, gap);

    private void AddGap(IAnalyser? analyser, Gap gap)
    {
        // Counted by analyser: facts are kept by analysers, and those of one must not look whole because another filled the list.
        string id = analyser?.Id ?? "";
        int before = _gapsOf.GetValueOrDefault(id);
        if (before >= MaxGaps)
            return;
        _gapsOf[id] = before + 1;
        _gaps.Add((analyser?.Id, gap));
    }
}
