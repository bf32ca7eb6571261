using System.Text;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages.Dpkg;

/// <summary>Licences of Debian packages, from <c>usr/share/doc/*/copyright</c>.</summary>
/// <remarks>
/// Source: Debian's machine-readable copyright format 1.0 (DEP-5), its <c>License:</c> fields. Of files in free text only the
/// references to <c>/usr/share/common-licenses/</c> are taken. A licence file that says nothing usable is no gap: nothing
/// is decided by it.
/// </remarks>
public sealed class DpkgCopyrightAnalyser : IAnalyser
{
    /// <summary>Bytes read of one file; what stands further down repeats what stood before.</summary>
    private const int MaxReadBytes = 512 * 1024;

    private const int MaxLicences = 32;

    private const int MaxLicenceBytes = 120;

    public string Id => "dpkg-copyright";

    public int Version => 1;

    /// <summary>32 MiB, though only the start is read: a long licence must not make a report partial.</summary>
    public long MaxFileBytes => 32L << 20;

    public bool Wants(ReadOnlySpan<byte> path)
    {
        if (!path.EndsWith("/copyright"u8) || !path.StartsWith("usr/share/doc/"u8))
            return false;
        int start = "usr/share/doc/"u8.Length, end = path.Length - "/copyright"u8.Length;
        return end > start && path[start..end].IndexOf((byte)'/') < 0;
    }

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        ReadOnlySpan<byte> text = content.Span[..Math.Min(content.Length, MaxReadBytes)];
        SortedSet<string> licences = new(StringComparer.Ordinal);
        if (text.StartsWith("Format"u8))
            ReadFields(text, licences);
        if (licences.Count == 0)
            ReadReferences(text, licences);
        string package = path["usr/share/doc/".Length..^"/copyright".Length];
        return licences.Count == 0 ? null : new FileFacts
        {
            Path = path,
            Analyser = Id,
            LicencesOf = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal) { [package] = [.. licences] },
        };
    }

    private static void ReadFields(ReadOnlySpan<byte> text, SortedSet<string> licences)
    {
        while (licences.Count < MaxLicences)
        {
            int at = text.IndexOf("\nLicense:"u8);
            if (at < 0)
                return;
            text = text[(at + "\nLicense:"u8.Length)..];
            // The line's end stays, because the next field is found by the end before it.
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> name = Fields.Trim(end < 0 ? text : text[..end]);
            text = end < 0 ? default : text[end..];
            if (!name.IsEmpty && name.Length <= MaxLicenceBytes && !name.ContainsAnyExceptInRange((byte)' ', (byte)'~'))
                licences.Add(LicenceNames.ToSpdx(Encoding.ASCII.GetString(name)));
        }
    }

    private static void ReadReferences(ReadOnlySpan<byte> text, SortedSet<string> licences)
    {
        while (licences.Count < MaxLicences)
        {
            int at = text.IndexOf("/usr/share/common-licenses/"u8);
            if (at < 0)
                return;
            text = text[(at + "/usr/share/common-licenses/"u8.Length)..];
            int length = 0;
            while (length < text.Length && length < MaxLicenceBytes && (char.IsAsciiLetterOrDigit((char)text[length]) || text[length] is (byte)'-' or (byte)'.'))
                length++;
            string name = Encoding.ASCII.GetString(text[..length]).TrimEnd('.', '-');
            if (name.Length > 0)
                licences.Add(LicenceNames.ToSpdx(name));
        }
    }
}
