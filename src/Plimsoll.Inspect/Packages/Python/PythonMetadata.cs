using System.Text;

namespace Plimsoll.Inspect.Packages.Python;

/// <summary>METADATA and PKG-INFO: header fields up to the first empty line.</summary>
internal static class PythonMetadata
{
    /// <summary>A longer License field holds the licence's text.</summary>
    private const int MaxLicenceName = 100;

    public static void Read(string path, ReadOnlySpan<byte> rest, PackageList packages)
    {
        string? name = null, version = null, licence = null, expression = null;
        List<string> classifiers = [];
        while (rest.Length > 0)
        {
            ReadOnlySpan<byte> line = Fields.NextLine(ref rest);
            if (line.IsEmpty)
                break;
            int colon = line.IndexOf((byte)':');
            if (colon <= 0 || line[0] is (byte)' ' or (byte)'\t')
                continue;
            ReadOnlySpan<byte> key = line[..colon], value = Fields.Trim(line[(colon + 1)..]);
            // Field names are compared without regard to case, as in mail.
            if (Ascii.EqualsIgnoreCase(key, "Name"u8))
                name ??= Fields.Word(value);
            else if (Ascii.EqualsIgnoreCase(key, "Version"u8))
                version ??= Fields.Word(value);
            else if (Ascii.EqualsIgnoreCase(key, "License-Expression"u8))
                expression ??= Fields.Shown(value);
            else if (Ascii.EqualsIgnoreCase(key, "License"u8) && value.Length is > 0 and <= MaxLicenceName && !Ascii.EqualsIgnoreCase(value, "UNKNOWN"u8))
                licence ??= Fields.Shown(value);
            else if (Ascii.EqualsIgnoreCase(key, "Classifier"u8) && value.StartsWith("License ::"u8) && classifiers.Count < 8)
                classifiers.Add(Fields.Shown(value[(value.LastIndexOf(":: "u8) + 3)..]));
        }
        if (name is null || version is null)
        {
            // The folder or file is named for what it describes: NAME-VERSION.dist-info, NAME-VERSION-py3.11.egg-info.
            (string? folderName, string? folderVersion) = NameOf(path);
            (name, version) = (name ?? folderName, version ?? folderVersion);
        }
        if (name is null || version is null)
        {
            packages.Malformed($"it states no usable {(name is null ? "Name" : "Version")}");
            return;
        }
        packages.Add("pypi", PackageNames.Pypi(name), version, PackageEvidence.Installed,
            licences: expression is not null ? [expression] : licence is not null ? [licence] : classifiers);
    }

    private static (string? Name, string? Version) NameOf(string path)
    {
        foreach (string suffix in (ReadOnlySpan<string>)[".dist-info", ".egg-info", ".egg"])
        {
            int end = path.LastIndexOf(suffix, StringComparison.Ordinal);
            if (end < 0)
                continue;
            string[] parts = path[(path.LastIndexOf('/', end) + 1)..end].Split('-');
            if (parts.Length >= 2 && parts[0].Length > 0 && parts[1].Length > 0 && char.IsAsciiDigit(parts[1][0]))
                return (Fields.Word(Encoding.UTF8.GetBytes(parts[0])), Fields.Word(Encoding.UTF8.GetBytes(parts[1])));
        }
        return (null, null);
    }
}
