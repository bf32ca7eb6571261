using System.Collections.Frozen;
using System.Text;

namespace Plimsoll.Inspect.Layers;

/// <summary>Names of files that need not be looked into for programs and archives: sources, texts, pictures, and what is no program by its nature.</summary>
/// <remarks>
/// In an ordinary image this leaves out two files in three, each of which would have to be opened in a folder on disk. A program that is
/// called <c>notes.txt</c> is not found; who hides one has easier ways.
/// </remarks>
internal static class HarmlessNames
{
    /// <summary>A smaller file is no program and no archive with anything in it, unless it may be executed.</summary>
    public const int MinBytes = 1024;

    private const int MaxEndingBytes = 8;

    private static readonly FrozenSet<ulong> Endings = (
        "py pyc pyo pyi js mjs cjs ts tsx jsx map json html htm css scss less md txt rst xml yml yaml toml ini cfg conf h hh hpp hxx c cc cpp cxx cs vb fs "
        + "java kt scala rb erb rake gemspec ri php phpt inc pl pm pod go rs lua tcl sh bash zsh fish awk sed svg png jpg jpeg gif bmp ico webp woff woff2 ttf otf "
        + "eot mp3 mp4 gz xz bz2 zst lzma tgz mo po pot list md5sums shlibs symbols triggers conffiles postinst prerm postrm preinst templates service socket timer "
        + "target desktop rules a o la lo pc m4 ko dll pdb nupkg whl deb rpm apk class csv tsv sql log lock diff patch tmpl tpl example sample "
        + "crt pem der cer resx targets props csproj vue dtd xsd xsl xslt tex sty afm pfb enc typed license copyright")
        .Split(' ').Select(e => Pack(Encoding.ASCII.GetBytes(e))).Where(p => p != 0).ToFrozenSet();

    /// <summary>Whether the last part of the path ends in one of the endings; capital letters count as small ones.</summary>
    public static bool Holds(ReadOnlySpan<byte> path)
    {
        int dot = path[^Math.Min(path.Length, MaxEndingBytes + 1)..].LastIndexOf((byte)'.');
        if (dot < 0)
            return false;
        ReadOnlySpan<byte> ending = path[(path.Length - Math.Min(path.Length, MaxEndingBytes + 1) + dot + 1)..];
        return Pack(ending) is not 0 and ulong packed && Endings.Contains(packed);
    }

    /// <returns>0 when it is empty, too long, or holds a slash.</returns>
    private static ulong Pack(ReadOnlySpan<byte> ending)
    {
        if (ending.Length is 0 or > MaxEndingBytes)
            return 0;
        ulong packed = 0;
        foreach (byte b in ending)
        {
            if (b == (byte)'/')
                return 0;
            packed = (packed << 8) | (b is >= (byte)'A' and <= (byte)'Z' ? b + 32u : b);
        }
        return packed;
    }
}
