using System.Text;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Where records come from: one file per ecosystem, or one mix of records.</summary>
internal abstract class UpdateSource : IDisposable
{
    /// <summary>Longest list of ecosystems, and longest name in it.</summary>
    public const int MaxListBytes = 1024 * 1024, MaxNameChars = 100;

    /// <summary>Its ecosystems; null when it is a mix, or does not say.</summary>
    public abstract Task<IReadOnlyList<string>?> ListAsync(CancellationToken cancellationToken);

    /// <summary>True when the records of all ecosystems come together.</summary>
    public virtual bool IsMix => false;

    /// <summary>The records of one ecosystem, or of the mix.</summary>
    public abstract Task<IRecordFeed> OpenAsync(string? ecosystem, Action<long, long>? progress, CancellationToken cancellationToken);

    /// <summary>The source's own catalogue of known exploited vulnerabilities: a file or an address, or null.</summary>
    public virtual string? Kev => null;

    public virtual void Dispose()
    {
    }

    public static UpdateSource Of(UpdateOptions options, Download download)
    {
        string source = options.Source;
        if (IsAddress(source, out Uri? address))
            return new Bucket(address, options, download);
        if (Directory.Exists(source))
        {
            string full = Path.GetFullPath(source);
            return File.Exists(Path.Combine(full, "ecosystems.txt")) || Directory.EnumerateDirectories(full).Any(d => File.Exists(Path.Combine(d, "all.zip")))
                ? new Mirror(full, options.Limits)
                : new Mix(full, () => new FolderFeed(full, options.Limits), full);
        }
        if (File.Exists(source))
            return new Mix(source, () => new ZipFeed(source, options.Limits), Path.GetDirectoryName(Path.GetFullPath(source))!);
        throw new AdvisoryException(AdvisoryError.NotFound, $"there is no folder or zip {Escape.Quote(source)}", "an address begins with https://");
    }

    public static bool IsAddress(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Uri? address)
    {
        address = null;
        return (text.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
            && (Uri.TryCreate(text, UriKind.Absolute, out address) ? true
                : throw new AdvisoryException(AdvisoryError.Usage, $"{Escape.Quote(text)} is no address"));
    }

    /// <summary>Ecosystems of a list, those with a release left out: their records are in the file of the whole, too.</summary>
    private static List<string> Parse(string text, string from)
    {
        List<string> names = [];
        foreach (string line in text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Contains(':', StringComparison.Ordinal))
                continue;
            if (!IsName(line))
                throw new AdvisoryException(AdvisoryError.Malformed, $"{from} lists {Escape.Quote(line)}, which is no name of an ecosystem");
            if (!names.Contains(line))
                names.Add(line);
        }
        return names;
    }

    /// <summary>Names become parts of paths and addresses: letters, digits, space, dot, dash, plus, underscore.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= MaxNameChars && name[0] != '.'
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '.' or '-' or '_' or '+');

    /// <summary>A catalogue in this folder, in <c>kev/</c> in it, or in <c>kev/</c> beside it.</summary>
    private static string? KevNear(string folder) => new[] { "", "kev", Path.Combine("..", "kev") }
        .Select(place => Path.GetFullPath(Path.Combine(folder, place, KevCatalogue.FileName))).FirstOrDefault(File.Exists);

    /// <summary>A folder laid out as the public bucket is: <c>Debian/all.zip</c>.</summary>
    private sealed class Mirror(string folder, OsvLimits limits) : UpdateSource
    {
        public override string? Kev => KevNear(folder);

        public override async Task<IReadOnlyList<string>?> ListAsync(CancellationToken cancellationToken)
        {
            string list = Path.Combine(folder, "ecosystems.txt");
            if (File.Exists(list))
                return new FileInfo(list).Length <= MaxListBytes
                    ? Parse(await File.ReadAllTextAsync(list, cancellationToken).ConfigureAwait(false), list)
                    : throw new AdvisoryException(AdvisoryError.LimitExceeded, $"{list} has more than {MaxListBytes} bytes (MaxListBytes)");
            List<string> names = [.. Directory.EnumerateDirectories(folder).Where(d => File.Exists(Path.Combine(d, "all.zip"))).Select(d => Path.GetFileName(d)!).Where(IsName)];
            names.Sort(StringComparer.Ordinal);
            return names;
        }

        public override Task<IRecordFeed> OpenAsync(string? ecosystem, Action<long, long>? progress, CancellationToken cancellationToken) =>
            Task.FromResult<IRecordFeed>(new ZipFeed(Path.Combine(folder, ecosystem!, "all.zip"), limits));
    }

    /// <summary>The public bucket, or a server that is laid out like it.</summary>
    private sealed class Bucket(Uri address, UpdateOptions options, Download download) : UpdateSource
    {
        private readonly string _temporary = UpdateLock.Temporary(options.DatabasePath, "zip");

        public override string? Kev => options.Source == UpdateOptions.PublicSource ? UpdateOptions.PublicKev : null;

        public override async Task<IReadOnlyList<string>?> ListAsync(CancellationToken cancellationToken)
        {
            Uri list = At("ecosystems.txt");
            try
            {
                return Parse(Encoding.UTF8.GetString(await download.ToArrayAsync(list, MaxListBytes, cancellationToken).ConfigureAwait(false)), list.ToString());
            }
            catch (AdvisoryException e) when (e.Error == AdvisoryError.NotFound)
            {
                return null;
            }
        }

        public override async Task<IRecordFeed> OpenAsync(string? ecosystem, Action<long, long>? progress, CancellationToken cancellationToken)
        {
            await download.ToFileAsync(At($"{Uri.EscapeDataString(ecosystem!)}/all.zip"), _temporary, options.Limits.MaxZipBytes, progress, cancellationToken).ConfigureAwait(false);
            return new ZipFeed(_temporary, options.Limits);
        }

        public override void Dispose()
        {
            File.Delete(_temporary);
            base.Dispose();
        }

        private Uri At(string name) => new(address.AbsoluteUri.TrimEnd('/') + "/" + name);
    }

    /// <summary>Records of any ecosystem in one zip or folder.</summary>
    private sealed class Mix(string name, Func<IRecordFeed> open, string folder) : UpdateSource
    {
        public override bool IsMix => true;
        public override string? Kev => KevNear(folder);
        public override string ToString() => name;

        public override Task<IReadOnlyList<string>?> ListAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<string>?>(null);

        public override Task<IRecordFeed> OpenAsync(string? ecosystem, Action<long, long>? progress, CancellationToken cancellationToken) => Task.FromResult(open());
    }
}
