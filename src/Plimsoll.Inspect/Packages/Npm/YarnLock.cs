using System.Text;

namespace Plimsoll.Inspect.Packages.Npm;

/// <summary>yarn.lock of both forms: Yarn 1's own, and the YAML that later ones write.</summary>
/// <remarks>
/// An entry starts with its descriptors in the first column, <c>"@a/b@^1.0.0", "@a/b@^1.1.0":</c>; its fields are indented by two.
/// Neither form says what is for development only.
/// </remarks>
internal static class YarnLock
{
    public static void Read(ReadOnlySpan<byte> rest, PackageList packages)
    {
        string? name = null, resolution = null, version = null;
        for (long number = 1; rest.Length > 0; number++)
        {
            ReadOnlySpan<byte> line = Fields.NextLine(ref rest);
            if (line.IsEmpty || line[0] == (byte)'#' || Fields.Trim(line).IsEmpty)
                continue;
            if (line[0] != (byte)' ')
            {
                Finish(ref name, ref resolution, ref version, packages);
                if (line[^1] != (byte)':')
                    packages.Malformed($"line {number} is no entry: {Fields.Quote(line)}");
                else if (line.Length <= MaxLineBytes)
                    name = NameOf(Encoding.UTF8.GetString(line[..^1]));
                else
                    packages.Malformed($"line {number} is longer than {MaxLineBytes} bytes");
            }
            else if (line.Length < MaxLineBytes && line.Length > 3 && line[2] != (byte)' ')
            {
                if (Value(line, "version"u8) is { } v)
                    version = v;
                else if (Value(line, "resolution"u8) is { } r)
                    resolution = r;
            }
        }
        Finish(ref name, ref resolution, ref version, packages);
    }

    /// <summary>Bytes of one line; an entry of hundreds of descriptors has some thousands.</summary>
    private const int MaxLineBytes = 256 * 1024;

    private static void Finish(ref string? name, ref string? resolution, ref string? version, PackageList packages)
    {
        if (name is not null && version is not null && name != "__metadata")
        {
            // The resolution names what was really installed; a workspace is the project itself.
            string? real = resolution is null ? name : NameOf(resolution);
            bool isLocal = resolution is not null && (resolution.Contains("@workspace:", StringComparison.Ordinal) || resolution.Contains("@link:", StringComparison.Ordinal) || resolution.Contains("@portal:", StringComparison.Ordinal));
            if (!isLocal && NpmAnalyser.IsVersion(version))
                packages.Add("npm", real, version, PackageEvidence.LockFile);
        }
        name = resolution = version = null;
    }

    /// <summary>The name of the first descriptor; of an alias, <c>a@npm:b@^1</c>, that of what it stands for.</summary>
    private static string NameOf(string descriptors)
    {
        string first = descriptors.Trim().TrimStart('"').Split('"', 2)[0];
        int comma = first.IndexOf(", ", StringComparison.Ordinal);
        if (comma > 0)
            first = first[..comma];
        int at = first.IndexOf('@', first.Length > 0 ? 1 : 0);
        if (at < 0)
            return first;
        string range = first[(at + 1)..];
        if (range.StartsWith("npm:", StringComparison.Ordinal) && range.LastIndexOf('@') is > 4 and int alias)
            return range[4..alias];
        return first[..at];
    }

    /// <summary>Of <c>  key "value"</c> (Yarn 1) or <c>  key: value</c>.</summary>
    private static string? Value(ReadOnlySpan<byte> line, ReadOnlySpan<byte> key)
    {
        ReadOnlySpan<byte> rest = line[2..];
        if (!rest.StartsWith(key) || rest.Length == key.Length)
            return null;
        rest = rest[key.Length..];
        if (rest[0] == (byte)':')
            rest = rest[1..];
        return rest.IsEmpty || rest[0] != (byte)' ' ? null : Encoding.UTF8.GetString(Fields.Trim(rest).Trim("\"'"u8));
    }
}
