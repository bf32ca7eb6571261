using System.Globalization;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Dpkg;

namespace Plimsoll.Inspect.Licences;

/// <summary>Recognises licence files that lie beside packages, for those whose metadata declares nothing.</summary>
internal sealed class LicenceFileAnalyser : IAnalyser
{
    public const string Name = "licence-files", Rule = "licence-text";

    /// <summary>What stands for a text that is there and that nobody here knows.</summary>
    public const string Unrecognised = "LicenseRef-unrecognised-text";

    private readonly DpkgCopyrightAnalyser _copyright = new();

    public string Id => Name;

    public int Version => 1;

    /// <summary>16 MiB, of which the start is read: a long list of notices must not make a report partial.</summary>
    public long MaxFileBytes => 16L << 20;

    public bool Wants(ReadOnlySpan<byte> path)
    {
        int slash = path.LastIndexOf((byte)'/');
        if (slash < 0)
            return false;
        ReadOnlySpan<byte> name = path[(slash + 1)..], folder = path[..slash];
        if (path.StartsWith("usr/share/licenses/"u8))
            return name.Length > 0;
        if (name.SequenceEqual("copyright"u8))
            return _copyright.Wants(path);
        if (name.Length is < 7 or > 24 || !IsLicenceName(name))
            return false;
        // Beside a package's own metadata: node_modules/NAME, NAME.dist-info and its folder licenses, gems/NAME-VERSION, vendor/OWNER/NAME.
        return folder.IndexOf("node_modules/"u8) >= 0 || folder.IndexOf(".dist-info"u8) > 0 || folder.IndexOf(".egg-info"u8) > 0 || folder.IndexOf("gems/"u8) >= 0 || folder.IndexOf("vendor/"u8) >= 0;
    }

    /// <summary>LICENSE, LICENCE, COPYING, UNLICENSE, in any casing, with an ending or a licence's name behind it.</summary>
    private static bool IsLicenceName(ReadOnlySpan<byte> name) =>
        Begins(name, "licen"u8) || Begins(name, "copying"u8) || Begins(name, "unlicen"u8) || Begins(name, "mit-licen"u8);

    private static bool Begins(ReadOnlySpan<byte> name, ReadOnlySpan<byte> lower)
    {
        if (name.Length < lower.Length)
            return false;
        for (int i = 0; i < lower.Length; i++)
            if ((name[i] is >= (byte)'A' and <= (byte)'Z' ? name[i] | 0x20 : name[i]) != lower[i])
                return false;
        return true;
    }

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        // What Debian's own form says is read with the packages.
        if (path.EndsWith("/copyright", StringComparison.Ordinal) && _copyright.Analyse(path, content) is not null)
            return null;
        LicenceExpression? found = LicenceTexts.Find(content.Span, out int likeness);
        return new FileFacts { Path = path, Analyser = Id, Hits = [new Hit(Rule, 0, found?.ToString() ?? Unrecognised, likeness.ToString(CultureInfo.InvariantCulture))] };
    }
}
