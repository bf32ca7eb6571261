using System.Buffers;
using System.Text;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages.Distributions;

/// <summary>What an image says it is: os-release and the older files that say the same.</summary>
/// <remarks>Source: os-release(5) for the form and its quoting; lsb_release's <c>etc/lsb-release</c> has the same form.</remarks>
public sealed class OsReleaseAnalyser : IAnalyser
{
    /// <summary>Every file that is read, best first (<see cref="DistributionChoice"/> goes by this order).</summary>
    public static IReadOnlyList<string> Files { get; } =
    [
        "etc/os-release", "usr/lib/os-release", "etc/lsb-release", "etc/alpine-release", "etc/debian_version", "etc/centos-release",
        "etc/rocky-release", "etc/almalinux-release", "etc/oracle-release", "etc/fedora-release", "etc/redhat-release",
        "etc/openEuler-release", "etc/anolis-release", "etc/kylin-release", "etc/mageia-release", "etc/photon-release", "etc/mariner-release",
        "etc/azurelinux-release", "etc/SuSE-release", "etc/gentoo-release", "etc/system-release",
    ];

    private static readonly byte[][] FileBytes = [.. Files.Select(f => Encoding.ASCII.GetBytes(f))];

    private static readonly (string Start, string Id)[] ReleaseLines =
    [
        ("Red Hat Enterprise Linux", "rhel"), ("CentOS", "centos"), ("Rocky Linux", "rocky"), ("AlmaLinux", "almalinux"),
        ("Oracle Linux", "ol"), ("Fedora", "fedora"), ("Amazon Linux", "amzn"), ("openEuler", "openeuler"), ("Anolis OS", "anolis"),
        ("Kylin Linux", "kylin"), ("Mageia", "mageia"), ("VMware Photon", "photon"), ("CBL-Mariner", "mariner"), ("Azure Linux", "azurelinux"),
        ("Microsoft Azure Linux", "azurelinux"), ("SUSE Linux Enterprise Server", "sles"), ("openSUSE Leap", "opensuse-leap"),
        ("openSUSE", "opensuse"), ("Gentoo", "gentoo"),
    ];

    private static readonly SearchValues<char> VersionChars = SearchValues.Create("0123456789.");

    public string Id => "os-release";

    public int Version => 2;

    /// <summary>1 MiB; real ones have under 1 kB.</summary>
    public long MaxFileBytes => 1L << 20;

    public bool Wants(ReadOnlySpan<byte> path)
    {
        if (path.Length is < 14 or > 22 || path[0] is not ((byte)'e' or (byte)'u'))
            return false;
        foreach (byte[] file in FileBytes)
            if (path.SequenceEqual(file))
                return true;
        return false;
    }

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        Distribution? distribution = path switch
        {
            "etc/os-release" or "usr/lib/os-release" => FromVariables(path, content.Span, "ID", "VERSION_ID", "PRETTY_NAME"),
            "etc/lsb-release" => FromVariables(path, content.Span, "DISTRIB_ID", "DISTRIB_RELEASE", "DISTRIB_DESCRIPTION"),
            "etc/alpine-release" => FromVersion(path, content.Span, "alpine", "Alpine Linux"),
            "etc/debian_version" => FromVersion(path, content.Span, "debian", "Debian GNU/Linux"),
            "etc/SuSE-release" => FromSuse(path, content.Span),
            _ => FromSentence(path, content.Span),
        };
        // A file that is there and says nothing usable would otherwise look like one that is not there.
        IReadOnlyList<Gap> gaps = distribution is null && content.Length > 0
            ? [new Gap("distribution-unreadable", path, $"no distribution in {Fields.Quote(content.Span)}")]
            : [];
        return distribution is null && gaps.Count == 0 ? null : new FileFacts { Path = path, Analyser = Id, Distribution = distribution, Gaps = gaps };
    }

    private static Distribution? FromVariables(string path, ReadOnlySpan<byte> rest, string idName, string versionName, string prettyName)
    {
        string? id = null, version = null, pretty = null, like = null;
        if (rest.StartsWith("\uFEFF"u8))
            rest = rest[3..];
        while (rest.Length > 0)
        {
            ReadOnlySpan<byte> line = Fields.Trim(Fields.NextLine(ref rest));
            int equals = line.IndexOf((byte)'=');
            if (equals <= 0 || line[0] == (byte)'#')
                continue;
            string name = Fields.Shown(line[..equals]);
            // As a shell would, the last assignment wins.
            if (name == idName)
                id = ShellWord.Read(line[(equals + 1)..]);
            else if (name == versionName)
                version = ShellWord.Read(line[(equals + 1)..]);
            else if (name == prettyName)
                pretty = ShellWord.Read(line[(equals + 1)..]);
            else if (name == "ID_LIKE")
                like = ShellWord.Read(line[(equals + 1)..]);
        }
        return string.IsNullOrWhiteSpace(id) ? null : new Distribution
        {
            Id = id.Trim().ToLowerInvariant(),
            Version = version?.Trim() ?? "",
            PrettyName = string.IsNullOrEmpty(pretty) ? null : pretty,
            Like = like is null ? [] : like.ToLowerInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries),
            Source = path,
        };
    }

    /// <summary>A file whose first line is the version alone: <c>11.7</c>, or <c>trixie/sid</c> between two releases.</summary>
    private static Distribution? FromVersion(string path, ReadOnlySpan<byte> rest, string id, string name)
    {
        string? version = Fields.Word(Fields.NextLine(ref rest));
        if (version is null)
            return null;
        return new Distribution
        {
            Id = id,
            // Debian's testing and unstable name no number, and are no release that advisories are made for.
            Version = char.IsAsciiDigit(version[0]) ? version : "",
            PrettyName = $"{name} {version}",
            Source = path,
        };
    }

    /// <summary>A sentence, and behind it <c>VERSION = 12</c> and <c>PATCHLEVEL = 5</c>.</summary>
    private static Distribution? FromSuse(string path, ReadOnlySpan<byte> content)
    {
        Distribution? distribution = FromSentence(path, content);
        string? version = null, patch = null;
        while (content.Length > 0)
        {
            ReadOnlySpan<byte> line = Fields.NextLine(ref content);
            int equals = line.IndexOf((byte)'=');
            if (equals < 0)
                continue;
            ReadOnlySpan<byte> name = Fields.Trim(line[..equals]);
            if (name.SequenceEqual("VERSION"u8))
                version = Fields.Word(line[(equals + 1)..]);
            else if (name.SequenceEqual("PATCHLEVEL"u8))
                patch = Fields.Word(line[(equals + 1)..]);
        }
        return distribution is null || version is null || version.AsSpan().ContainsAnyExcept(VersionChars) ? distribution
            : distribution with { Version = patch is null or "0" || patch.AsSpan().ContainsAnyExcept(VersionChars) ? version : $"{version}.{patch}" };
    }

    /// <summary><c>CentOS Linux release 7.9.2009 (Core)</c>.</summary>
    private static Distribution? FromSentence(string path, ReadOnlySpan<byte> rest)
    {
        string line = Fields.Shown(Fields.NextLine(ref rest));
        foreach ((string start, string id) in ReleaseLines)
            if (line.StartsWith(start, StringComparison.OrdinalIgnoreCase))
            {
                int digit = line.AsSpan().IndexOfAnyInRange('0', '9');
                ReadOnlySpan<char> version = digit < 0 ? default : line.AsSpan(digit);
                int end = version.IndexOfAnyExcept(VersionChars);
                return new Distribution
                {
                    Id = id,
                    Version = (end < 0 ? version : version[..end]).ToString(),
                    PrettyName = line,
                    Source = path,
                };
            }
        return null;
    }
}
