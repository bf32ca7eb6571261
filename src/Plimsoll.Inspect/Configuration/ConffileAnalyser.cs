using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Configuration;

/// <summary>The settings that Debian's packages brought: <c>Conffiles:</c> in dpkg's database, as far as <see cref="SettingsAnalyser"/> reads them.</summary>
/// <remarks>dpkg's lists of checksums leave conffiles out. Source: deb-conffiles(5); dpkg, lib/dpkg/dump.c, w_conffiles: path, MD5, and perhaps a word.</remarks>
internal sealed class ConffileAnalyser : IAnalyser
{
    private const int Md5Digits = 32;

    public string Id => "configuration-conffiles";

    public int Version => 1;

    /// <summary>As for the database itself.</summary>
    public long MaxFileBytes => 64L << 20;

    public bool Wants(ReadOnlySpan<byte> path) => path.SequenceEqual("var/lib/dpkg/status"u8);

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        List<OwnedFile> owned = [];
        ReadOnlySpan<byte> rest = content.Span;
        string? package = null;
        bool within = false;
        while (rest.Length > 0)
        {
            ReadOnlySpan<byte> line = Fields.NextLine(ref rest);
            if (line is [(byte)' ', ..])
            {
                if (within && package is not null)
                    Take(line[1..], package, owned);
                continue;
            }
            within = line.SequenceEqual("Conffiles:"u8);
            if (line.StartsWith("Package:"u8))
                package = Fields.Word(line["Package:"u8.Length..]);
        }
        return owned.Count == 0 ? null : new FileFacts { Path = path, Analyser = Id, Owned = owned };
    }

    private static void Take(ReadOnlySpan<byte> line, string package, List<OwnedFile> owned)
    {
        int space = line.LastIndexOf((byte)' ');
        if (space > 0 && line.EndsWith(" obsolete"u8))
        {
            line = line[..space];
            space = line.LastIndexOf((byte)' ');
        }
        if (space < 2 || line.Length - space - 1 != Md5Digits || line[0] != (byte)'/' || line.Length > Fields.MaxNameLength)
            return;
        ReadOnlySpan<byte> file = line[1..space], checksum = line[(space + 1)..];
        if (SettingsAnalyser.IsWanted(file) && !checksum.ContainsAnyExcept(OwnedFiles.HexDigits))
            owned.Add(new OwnedFile(Encoding.UTF8.GetString(file), Encoding.ASCII.GetString(checksum).ToLowerInvariant(), package));
    }
}
