using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Secrets;

/// <summary>Looks for secrets in every text of an image, and in the binary files that are one.</summary>
internal sealed class SecretAnalyser(SecretScanner scanner) : IAnalyser
{
    public const string AnalyserId = "secrets";

    /// <summary>A text of UTF-16 or UTF-32 is turned into UTF-8 in parts of this size.</summary>
    private const int WidePartBytes = 16 << 20;

    public string Id => AnalyserId;

    public int Version => 2;

    /// <summary>1 GiB: logs of that size are read in parts, of which one is in memory; what is larger is a gap.</summary>
    public long MaxFileBytes => 1L << 30;

    public bool LooksEverywhere => true;

    public bool Wants(ReadOnlySpan<byte> path) => NamedFiles.KindOf(path) != NamedFiles.Kind.None;

    public bool WantsContent(ReadOnlySpan<byte> path, int mode, ReadOnlySpan<byte> start) =>
        TextForm.MayBeText(start) && scanner.MayFindIn(path) || KeyStores.MayBe(path, start) || scanner.IsFoundByPath(path);

    /// <summary>Who wrote a file, and what for, is judged by its name.</summary>
    public bool LooksAnew(ReadOnlySpan<byte> target, ReadOnlySpan<byte> path) =>
        scanner.Rules.AskMoreOf(Encoding.UTF8.GetString(path), Encoding.UTF8.GetString(target));

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        byte[] pathBytes = Encoding.UTF8.GetBytes(path);
        List<Hit> hits = [];
        bool isCutShort = false;
        NamedFiles.Kind kind = NamedFiles.KindOf(pathBytes);
        List<SecretMatch> special = kind == NamedFiles.Kind.None ? [] : [.. NamedFiles.Read(kind, content)];
        if (KeyStores.MayBe(pathBytes, content.Span[..Math.Min(content.Length, 512)]) && KeyStores.Judge(content.Span) is { } store && !IsPublicExample(path))
            special.Add(store);
        if (TextForm.WideOf(content.Span[..Math.Min(content.Length, EntryReader.MaxPeekBytes)]) is { } wide)
            isCutShort = ScanWide(path, content, wide, special, hits);
        else
        {
            List<SecretMatch> found = scanner.Scan(path, content, null, out isCutShort);
            Report(content.Span, Merge(special, found), 0, hits);
        }
        if (hits.Count == 0 && !isCutShort)
            return null;
        IReadOnlyList<string> sums = hits.Count > 0 ? FileChecksums.Of(path, content) : [];
        if (sums.Count > 0)
        {
            string line = "sums=" + string.Join(',', sums.Select(s => s[..12]));
            hits = [.. hits.Select(h => h with { Detail = h.Detail.Length == 0 ? line : $"{h.Detail}\n{line}" })];
        }
        return new FileFacts
        {
            Path = path,
            Analyser = Id,
            Hits = hits,
            Gaps = isCutShort ? [new Gap("secret-scan-cut-short", path, "it asks for more work than a file may (MaxWork) or holds more secrets than are kept (MaxMatches); part of it was not looked at")] : [],
        };
    }

    private static bool IsPublicExample(string path)
    {
        FileClass of = FileClasses.Of(path);
        return of.IsPublic() && (of & (FileClass.Documentation | FileClass.Test)) != FileClass.None;
    }

    /// <summary>Parts of it as UTF-8, each up to a line's end; lines are counted over all.</summary>
    private bool ScanWide(string path, ReadOnlyMemory<byte> content, TextForm.Wide form, List<SecretMatch> special, List<Hit> hits)
    {
        int lines = 0;
        bool isCutShort = false;
        for (int at = form.Mark, length; at < content.Length; at += length)
        {
            if (hits.Count >= SecretScanner.MaxMatches)
                return true;
            length = PartLength(content.Span[at..], form);
            byte[] text = Encoding.UTF8.GetBytes(form.Encoding.GetString(content.Span.Slice(at, length)));
            List<SecretMatch> found = scanner.Scan(path, text, null, out bool cut);
            isCutShort |= cut;
            Report(text, Merge(special, found), lines, hits);
            special = [];
            lines += text.AsSpan().Count((byte)'\n');
        }
        return isCutShort;
    }

    /// <summary>Up to the last line's end in a part; a line that is longer than a part is cut where the part ends.</summary>
    private static int PartLength(ReadOnlySpan<byte> rest, TextForm.Wide form)
    {
        if (rest.Length <= WidePartBytes)
            return rest.Length;
        Span<byte> lineEnd = stackalloc byte[form.Unit];
        lineEnd.Clear();
        lineEnd[form.Low] = (byte)'\n';
        for (int at = WidePartBytes - form.Unit; at > 0; at -= form.Unit)
            if (rest.Slice(at, form.Unit).SequenceEqual(lineEnd))
                return at + form.Unit;
        return WidePartBytes;
    }

    /// <summary>What is known of the file's own form counts more than what an expression found in the same place.</summary>
    internal static List<SecretMatch> Merge(List<SecretMatch> special, List<SecretMatch> found)
    {
        if (special.Count == 0)
            return found;
        List<SecretMatch> all = [.. special.Take(SecretScanner.MaxMatches)];
        foreach (SecretMatch match in found)
            if (!special.Exists(s => match.Start < s.Start + Math.Max(1, s.Length) && s.Start < match.Start + match.Length || s.Length == 0 && s.Rule == match.Rule))
                all.Add(match);
        return [.. all.OrderBy(m => m.Start).ThenBy(m => m.Rule, StringComparer.Ordinal)];
    }

    /// <summary>Turns places into hits that hold nothing of the secrets.</summary>
    internal static void Report(ReadOnlySpan<byte> text, List<SecretMatch> matches, int linesBefore, List<Hit> hits)
    {
        int line = linesBefore + 1, counted = 0;
        HashSet<(string, int, string)> known = [];
        foreach (SecretMatch match in matches)
        {
            if (match.Start > counted)
            {
                line += text[counted..match.Start].Count((byte)'\n');
                counted = match.Start;
            }
            string evidence = Evidence(text, match, matches);
            string severity = match.Severity.ToString().ToLowerInvariant();
            string detail = string.Join('\n', match.Details.Select(d => $"{d.Key}={Clean(d.Value)}").Prepend($"severity={severity}"));
            int at = match.Length == 0 && match.Start == 0 ? 0 : line;
            if (known.Add((match.Rule, at, evidence + detail)))
                hits.Add(new Hit(match.Rule, at, evidence, detail));
        }
    }

    internal static string Evidence(ReadOnlySpan<byte> text, SecretMatch match, List<SecretMatch> all)
    {
        if (match.Shown is { } shown)
            return shown;
        if (match.Length == 0)
            return "";
        string excerpt = Mask.Excerpt(text, match.Start, Math.Min(match.Length, text.Length - match.Start), (from, to) => all.Exists(m => from < m.Start + m.Length && m.Start < to));
        // A name that is another secret of the file, or a part of one, goes as well.
        foreach (SecretMatch other in all)
            if (other.Length is >= 4 and < 400 && other.Start + other.Length <= text.Length && excerpt.Contains(Encoding.Latin1.GetString(text.Slice(other.Start, other.Length)), StringComparison.OrdinalIgnoreCase))
                return Mask.Of(text.Slice(match.Start, match.Length));
        return excerpt;
    }

    private static string Clean(string value) => value.ReplaceLineEndings(" ").Replace('\n', ' ');
}
