using System.Globalization;
using System.Text;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Agent.Gate;

/// <summary>What speaks for images on this host: bundle files, layouts and sigstore bundles that an administrator or a pipeline put into one folder.</summary>
internal sealed class DropFolder(string folder)
{
    /// <summary>Files and layouts that are looked at.</summary>
    public const int MaxBundles = 1000;

    private readonly Lock _gate = new();
    private readonly Dictionary<Digest, Evidence> _kept = [];
    private string _stamp = "";

    /// <summary>Changes whenever something in the folder is another file than before.</summary>
    public string Stamp()
    {
        StringBuilder stamp = new();
        foreach (string path in Bundles())
        {
            // A layout changes by its index. All times count: one that was copied with its times would else pass for the one before.
            stamp.Append(CultureInfo.InvariantCulture, $"{path}\n{OwnFiles.StateOf(Directory.Exists(path) ? Path.Combine(path, "index.json") : path)}\n");
        }
        return stamp.ToString();
    }

    /// <summary>All that speaks for an image, kept until the folder changes.</summary>
    public Evidence Collect(JudgedImage image, string stamp, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_stamp != stamp)
            {
                _kept.Clear();
                _stamp = stamp;
            }
            if (_kept.TryGetValue(image.Config, out Evidence? kept))
                return kept;
        }
        IReadOnlyList<string> bundles = Bundles();
        EvidenceCollector collector = new(new ImageOptions(), [.. bundles.Take(MaxBundles)]);
        Evidence evidence;
        try
        {
            evidence = collector.Collect(null, image, cancellationToken).Evidence;
        }
        catch (ImageException e)
        {
            // A file that went away while it was looked for, most likely; it is looked for again at the next start.
            return new Evidence { Gaps = [new EvidenceGap("unreadable-bundle", Escape.ForTerminal(e.Message))] };
        }
        if (bundles.Count > MaxBundles)
            evidence = EvidenceReader.Join([evidence, new Evidence { Gaps = [new EvidenceGap("too-many-bundles", $"{folder} has {bundles.Count} bundles, at most {MaxBundles} are read")] }]);
        lock (_gate)
            if (_stamp == stamp)
                _kept[image.Config] = evidence;
        return evidence;
    }

    /// <summary>A content that a statement names, from whichever bundle file or layout has it; null when none has it whole.</summary>
    /// <param name="where">Where the statements were found: their bundles are looked at first.</param>
    public byte[]? FindContent(MeasuredContent content, int maxBytes, IReadOnlyList<string> where, CancellationToken cancellationToken)
    {
        if (content.Size > maxBytes)
            return null;
        foreach (string path in Bundles().Take(MaxBundles).OrderBy(p => !where.Any(w => w.StartsWith(p, StringComparison.Ordinal))))
            try
            {
                cancellationToken.ThrowIfCancellationRequested();
                using OpenedSource source = ArtifactStores.OpenSource($"{(Directory.Exists(path) ? "oci" : "oci-archive")}:{path}", new ImageOptions(), cancellationToken);
                // Its digest is checked while it is read.
                using Stream blob = source.Store.OpenBlob(content.Digest, content.Size, cancellationToken);
                byte[] bytes = new byte[content.Size];
                blob.ReadExactly(bytes);
                if (blob.ReadByte() < 0)
                    return bytes;
            }
            catch (Exception e) when (e is ImageException or IOException or UnauthorizedAccessException)
            {
                // Another bundle may have it; most have not, and single statements are no layouts.
            }
        return null;
    }

    private string[] Bundles()
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(folder).Where(p => !Path.GetFileName(p).StartsWith('.')).Order(StringComparer.Ordinal)];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }
}
