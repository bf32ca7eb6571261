using System.Text;

namespace Plimsoll.Inspect.Packages;

/// <summary>Package URLs: one name for a package that every tool of the field reads.</summary>
/// <remarks>Source: package-url/purl-spec, PURL-SPECIFICATION and the types <c>deb</c> and <c>apk</c>.</remarks>
public static class Purl
{
    /// <summary>
    /// <c>pkg:deb/debian/libssl1.1@1.1.1n-0%2Bdeb11u4?arch=amd64&amp;distro=debian-11&amp;upstream=openssl</c>.
    /// </summary>
    /// <param name="distribution">Its id is the namespace; without one the purl has none.</param>
    /// <remarks>
    /// The epoch stays in the version and its colon is not encoded (the specification forbids it). <c>upstream</c> is the
    /// source package where it differs, with <c>@version</c> where that differs too, as Syft writes it.
    /// </remarks>
    public static string Of(Package package, Distribution? distribution)
    {
        ArgumentNullException.ThrowIfNull(package);
        StringBuilder purl = new("pkg:", 128);
        purl.Append(package.Type).Append('/');
        if (distribution is { Id.Length: > 0 })
            Encode(purl, distribution.Id).Append('/');
        Encode(purl, package.Name.ToLowerInvariant()).Append('@');
        Encode(purl, package.Version);
        // Qualifiers stand in the order of their keys.
        char separator = '?';
        Qualify(purl, ref separator, "arch", package.Architecture);
        if (distribution is { Id.Length: > 0 })
            Qualify(purl, ref separator, "distro", distribution.Version.Length == 0 ? distribution.Id : $"{distribution.Id}-{distribution.Version}");
        if (package.SourceVersion != package.Version)
            Qualify(purl, ref separator, "upstream", $"{package.SourceName}@{package.SourceVersion}");
        else if (package.SourceName != package.Name)
            Qualify(purl, ref separator, "upstream", package.SourceName);
        return purl.ToString();
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
