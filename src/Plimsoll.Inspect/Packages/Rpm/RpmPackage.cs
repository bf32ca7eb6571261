namespace Plimsoll.Inspect.Packages.Rpm;

/// <summary>Makes a <see cref="Package"/> of what rpm says of one.</summary>
static class RpmPackage
{
    public static Package? Of(string name, string version, string release, RpmHeader header) => Of(
        name, $"{version}-{release}", header.Number(RpmTag.Epoch) ?? 0, header.Word(RpmTag.Arch), header.Word(RpmTag.SourceRpm),
        header.Shown(RpmTag.Vendor), header.Shown(RpmTag.License), ModuleOf(header.Word(RpmTag.ModularityLabel)));

    /// <param name="epoch">0 for none: rpm holds the two for equal, and advisories write none.</param>
    /// <param name="sourceRpm"><c>openssl-1.1.1k-7.el8.src.rpm</c>; null when not known.</param>
    /// <returns>Null when the version, put together, is longer than any that is compared.</returns>
    public static Package? Of(
        string name, string version, uint epoch, string? architecture, string? sourceRpm, string? vendor, string? licence, string? module)
    {
        string before = epoch == 0 ? "" : $"{epoch}:";
        (string Name, string Version)? source = SourceOf(sourceRpm);
        if (before.Length + Math.Max(version.Length, source?.Version.Length ?? 0) > Fields.MaxNameLength)
            return null;
        return new Package
        {
            Type = "rpm",
            Name = name,
            Version = before + version,
            Architecture = architecture ?? "",
            SourceName = source?.Name ?? name,
            // The name of a source package tells no epoch; packages of one source share theirs unless they say otherwise.
            SourceVersion = before + (source?.Version ?? version),
            Maintainer = vendor,
            Licences = string.IsNullOrEmpty(licence) ? [] : [licence],
            Module = module,
        };
    }

    /// <summary><c>openssl</c> and <c>1.1.1k-7.el8</c> of <c>openssl-1.1.1k-7.el8.src.rpm</c>; null for what is no such name.</summary>
    public static (string Name, string Version)? SourceOf(string? file)
    {
        if (file is null)
            return null;
        string? name = file.EndsWith(".src.rpm", StringComparison.Ordinal) ? file[..^8]
            : file.EndsWith(".nosrc.rpm", StringComparison.Ordinal) ? file[..^10] : null;
        int release = name?.LastIndexOf('-') ?? -1;
        int version = release > 0 ? name!.LastIndexOf('-', release - 1) : -1;
        return version > 0 && release - version > 1 && release < name!.Length - 1 ? (name[..version], name[(version + 1)..]) : null;
    }

    /// <summary><c>nodejs:18</c> of <c>nodejs:18:8060020220523160029:ad008a3a</c> (name, stream, version, context).</summary>
    public static string? ModuleOf(string? label)
    {
        string[] parts = label?.Split(':') ?? [];
        return parts.Length >= 2 && parts[0].Length > 0 && parts[1].Length > 0 ? $"{parts[0]}:{parts[1]}" : null;
    }
}
