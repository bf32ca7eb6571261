using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Plimsoll.Inspect.Packages;

/// <summary>Package URLs: one name for a package that every tool of the field reads.</summary>
/// <remarks>Source: package-url/purl-spec, PURL-SPECIFICATION and the definitions of the types in <see cref="Package.Type"/>.</remarks>
public static class Purl
{
    /// <summary>Characters of a purl that is read; the longest real ones, with a download address, have some hundreds.</summary>
    public const int MaxLength = 8192;

    /// <summary>
    /// <c>pkg:deb/debian/libssl1.1@1.1.1n-0%2Bdeb11u4?arch=amd64&amp;distro=debian-11&amp;upstream=openssl</c>,
    /// <c>pkg:npm/%40babel/core@7.1.0</c>, <c>pkg:maven/org.apache/io@1.2</c>.
    /// </summary>
    /// <param name="distribution">For packages of distributions: its id is the namespace; without one the purl has none.</param>
    /// <remarks>
    /// The colon of an epoch is not encoded in the version (the specification forbids it); rpm's epoch is a qualifier.
    /// <c>upstream</c> is the source package where it differs, with <c>@version</c> where that differs too, as Syft writes it.
    /// </remarks>
    public static string Of(Package package, Distribution? distribution)
    {
        ArgumentNullException.ThrowIfNull(package);
        StringBuilder purl = new("pkg:", 128);
        purl.Append(package.Type).Append('/');
        if (!package.IsOfDistribution)
            distribution = null;
        if (package.Type == "ebuild")
            AppendPath(purl, package.Name);
        else if (package.IsOfDistribution)
        {
            if (distribution is { Id.Length: > 0 })
                Encode(purl, distribution.Id).Append('/');
            // rpm alone tells names by case.
            Encode(purl, package.Type == "rpm" ? package.Name : package.Name.ToLowerInvariant());
        }
        else
            AppendPath(purl, NormalName(package.Type, package.Name));
        (string epoch, string version) = EpochOf(package);
        Encode(purl.Append('@'), version);
        // Qualifiers stand in the order of their keys.
        char separator = '?';
        if (package.Type is not ("gem" or "conda"))
            Qualify(purl, ref separator, "arch", package.Architecture);
        if (distribution is { Id.Length: > 0 })
            Qualify(purl, ref separator, "distro", distribution.Version.Length == 0 ? distribution.Id : $"{distribution.Id}-{distribution.Version}");
        Qualify(purl, ref separator, "epoch", epoch);
        if (package.Type == "gem")
            Qualify(purl, ref separator, "platform", package.Architecture);
        Qualify(purl, ref separator, "rpmmod", package.Module ?? "");
        if (package.Type == "conda")
            Qualify(purl, ref separator, "subdir", package.Architecture);
        if (package.IsOfDistribution && package.SourceVersion != package.Version)
            Qualify(purl, ref separator, "upstream", $"{package.SourceName}@{package.SourceVersion}");
        else if (package.IsOfDistribution && package.SourceName != package.Name)
            Qualify(purl, ref separator, "upstream", package.SourceName);
        return purl.ToString();
    }

    /// <summary>Reads a package URL of any type.</summary>
    /// <param name="text">Untrusted; forms that tools write against the specification (an <c>@</c> or a slash not encoded) are taken.</param>
    /// <returns>False when it is too long, does not start with <c>pkg:</c>, has no type or no name, or a qualifier's key is none.</returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out PurlParts? parts)
    {
        parts = null;
        if (text is null || text.Length > MaxLength || !text.StartsWith("pkg:", StringComparison.OrdinalIgnoreCase))
            return false;
        string rest = text[4..].TrimStart('/');
        string? subpath = CutLast(ref rest, '#')?.Trim('/');
        string? query = CutLast(ref rest, '?');
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0)
            return false;
        string type = rest[..slash].ToLowerInvariant();
        if (!char.IsAsciiLetter(type[0]) || type.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '+')))
            return false;
        rest = rest[(slash + 1)..].Trim('/');
        string? version = null;
        int at = rest.LastIndexOf('@');
        // The @ of an npm scope that was not encoded starts a segment; a version never does.
        if (at > 0 && rest[at - 1] != '/')
            (rest, version) = (rest[..at], Uri.UnescapeDataString(rest[(at + 1)..]));
        string[] segments = [.. rest.Split('/').Where(s => s.Length > 0).Select(Uri.UnescapeDataString)];
        // "pkg:maven/@1" has a version and no name.
        if (segments.Length == 0 || segments[^1].Length == 0 || (segments.Length == 1 && at == 0))
            return false;
        if (!TryReadQualifiers(query, out SortedDictionary<string, string> qualifiers))
            return false;
        parts = new PurlParts
        {
            Type = type,
            Namespace = segments.Length == 1 ? "" : string.Join('/', segments[..^1]),
            Name = segments[^1],
            Version = version ?? "",
            Qualifiers = qualifiers,
            Subpath = subpath is null ? "" : Uri.UnescapeDataString(subpath),
        };
        return true;
    }

    private static bool TryReadQualifiers(string? query, out SortedDictionary<string, string> qualifiers)
    {
        qualifiers = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string pair in (query ?? "").Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            string key = (equals < 0 ? pair : pair[..equals]).ToLowerInvariant();
            if (key.Length == 0 || key.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '_')))
                return false;
            // A key without a value is as good as absent.
            if (equals >= 0 && equals < pair.Length - 1)
                qualifiers.TryAdd(key, Uri.UnescapeDataString(pair[(equals + 1)..]));
        }
        return true;
    }

    private static string? CutLast(ref string text, char separator)
    {
        int at = text.LastIndexOf(separator);
        if (at < 0)
            return null;
        string cut = text[(at + 1)..];
        text = text[..at];
        return cut;
    }

    /// <summary>Namespace and name joined by slashes, in the case that the type demands.</summary>
    private static string NormalName(string type, string name) => type switch
    {
        "pypi" => PackageNames.Pypi(name),
        "maven" => MavenPath(name),
        "npm" or "golang" or "composer" or "hex" or "pub" => name.ToLowerInvariant(),
        // A swift package's name is its repository, the others may hold a slash only as part of the name.
        _ => name,
    };

    private static string MavenPath(string name)
    {
        int colon = name.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? name : $"{name[..colon]}/{name[(colon + 1)..]}";
    }

    /// <summary>Of an rpm version only what stands before the first colon and is a number.</summary>
    private static (string Epoch, string Version) EpochOf(Package package)
    {
        int colon = package.Type == "rpm" ? package.Version.IndexOf(':', StringComparison.Ordinal) : -1;
        return colon > 0 && !package.Version.AsSpan(0, colon).ContainsAnyExceptInRange('0', '9')
            ? (package.Version[..colon], package.Version[(colon + 1)..])
            : ("", package.Version);
    }

    private static void AppendPath(StringBuilder purl, string path)
    {
        string[] segments = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        // A name of nothing but slashes is still a name.
        if (segments.Length == 0)
            segments = [path];
        for (int i = 0; i < segments.Length; i++)
            Encode(i == 0 ? purl : purl.Append('/'), segments[i]);
    }

    private static void Qualify(StringBuilder purl, ref char separator, string key, string value)
    {
        if (value.Length == 0)
            return;
        purl.Append(separator).Append(key).Append('=');
        Encode(purl, value);
        separator = '&';
    }

    /// <summary>Percent-encodes the UTF-8 bytes of all but letters, digits and <c>.-_~:</c>.</summary>
    private static StringBuilder Encode(StringBuilder purl, string text)
    {
        foreach (byte b in Encoding.UTF8.GetBytes(text))
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'.' or (byte)'-' or (byte)'_' or (byte)'~' or (byte)':')
                purl.Append((char)b);
            else
                purl.Append('%').Append(Convert.ToHexString([b]));
        return purl;
    }
}
