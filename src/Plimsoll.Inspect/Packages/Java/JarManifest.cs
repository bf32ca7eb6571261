using System.Text;

namespace Plimsoll.Inspect.Packages.Java;

/// <summary>The main section of a <c>META-INF/MANIFEST.MF</c>.</summary>
/// <remarks>A line that begins with a blank continues the one before; an empty line ends the section. Source: JAR File Specification, "Notes on Manifest and Signature Files".</remarks>
sealed class JarManifest
{
    private readonly Dictionary<string, string> _values = new(StringComparer.OrdinalIgnoreCase);

    public static JarManifest Read(ReadOnlySpan<byte> content)
    {
        JarManifest manifest = new();
        string? key = null;
        StringBuilder value = new();
        while (content.Length > 0)
        {
            ReadOnlySpan<byte> line = Fields.NextLine(ref content);
            if (line.IsEmpty)
                break;
            if (line[0] == (byte)' ')
            {
                if (value.Length < Fields.MaxNameLength * 4)
                    value.Append(Encoding.UTF8.GetString(line[1..]));
                continue;
            }
            manifest.Keep(key, value);
            int colon = line.IndexOf((byte)':');
            key = colon is > 0 and < 80 ? Encoding.UTF8.GetString(line[..colon]) : null;
            value.Clear().Append(Encoding.UTF8.GetString(line[(colon + 1)..Math.Min(line.Length, colon + 1 + (Fields.MaxNameLength * 4))]));
        }
        manifest.Keep(key, value);
        return manifest;
    }

    /// <summary>A value without blanks around it; null when it is absent, empty, or a placeholder that the build did not fill in.</summary>
    public string? this[string key] => _values.TryGetValue(key, out string? value) && value.Length > 0 && !value.Contains("${", StringComparison.Ordinal) ? value : null;

    private void Keep(string? key, StringBuilder value)
    {
        if (key is not null && _values.Count < 256)
            _values.TryAdd(key, value.ToString().Trim());
    }
}
