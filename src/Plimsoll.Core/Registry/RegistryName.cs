using System.Net;
using System.Net.Sockets;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Registry;

/// <summary>An image's name in a registry: <c>HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]</c>.</summary>
/// <param name="Host">Lower case, with its port when one was written; <c>docker.io</c> for Docker Hub.</param>
/// <param name="Tag">Null when only a digest was written.</param>
/// <param name="Digest">When both stand there the digest counts and the tag is not looked up, as in Docker.</param>
/// <remarks>
/// As Docker reads names: without a host it is Docker Hub, where one part alone is <c>library/PART</c>; without tag and digest
/// it is <c>latest</c>. Source: distribution/reference, reference.go and normalize.go.
/// </remarks>
public sealed record RegistryName(string Host, string Repository, string? Tag, Digest? Digest)
{
    public const string DockerHub = "docker.io";

    /// <summary>Characters of host and repository together.</summary>
    public const int MaxNameChars = 255;

    public const int MaxTagChars = 128;

    /// <summary>What is asked for: the digest, else the tag.</summary>
    public string Reference => Digest?.ToString() ?? Tag!;

    /// <summary>Without tag and digest.</summary>
    public string Name => $"{Host}/{Repository}";

    public override string ToString() => $"{Name}{(Tag is null ? "" : ":" + Tag)}{(Digest is null ? "" : "@" + Digest)}";

    /// <summary>Whether the part before the first slash is a host: it has a dot or a port, or is <c>localhost</c>.</summary>
    public static bool HasHost(string text)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && (text.AsSpan(0, slash).ContainsAny('.', ':') || text.AsSpan(0, slash) is "localhost");
    }

    /// <exception cref="ImageException">Malformed.</exception>
    public static RegistryName Parse(string text)
    {
        string rest = text;
        Digest? digest = null;
        if (rest.IndexOf('@', StringComparison.Ordinal) is >= 0 and var at)
        {
            if (!Digest.TryParse(rest[(at + 1)..], out digest))
                throw Wrong(text, $"{Escape.Quote(rest[(at + 1)..])} is no digest (sha256: and 64 lower-case hex digits)");
            if (digest.Algorithm != "sha256")
                throw new ImageException(ImageError.Unsupported, $"{Escape.Quote(text)}: {digest.Algorithm} digests are not checked here; only sha256 is");
            rest = rest[..at];
        }
        string host = DockerHub;
        if (HasHost(rest))
        {
            int slash = rest.IndexOf('/', StringComparison.Ordinal);
            host = rest[..slash];
            rest = rest[(slash + 1)..];
            if (!IsHost(host))
                throw Wrong(text, $"{Escape.Quote(host)} is no host");
            // A host is the same in any casing; files and settings name it in one.
            host = LowerCase(host);
            if (host is "index.docker.io" or "registry-1.docker.io")
                host = DockerHub;
        }
        string? tag = null;
        if (rest.LastIndexOf(':') is > 0 and var colon && colon > rest.LastIndexOf('/'))
        {
            tag = rest[(colon + 1)..];
            rest = rest[..colon];
            if (!IsTag(tag))
                throw Wrong(text, $"{Escape.Quote(tag)} is no tag");
        }
        if (host == DockerHub && !rest.Contains('/', StringComparison.Ordinal))
            rest = "library/" + rest;
        if (!IsRepository(rest))
            throw Wrong(text, $"{Escape.Quote(rest)} is no name of a repository");
        if (host.Length + 1 + rest.Length > MaxNameChars)
            throw Wrong(text, $"host and name have more than {MaxNameChars} characters");
        return new RegistryName(host, rest, tag ?? (digest is null ? "latest" : null), digest);
    }

    /// <summary>A host name or address with or without a port.</summary>
    public static bool IsHost(string text)
    {
        if (text.Length is 0 or > MaxNameChars)
            return false;
        string host = text;
        int colon = text.LastIndexOf(':');
        if (colon > text.LastIndexOf(']'))
        {
            if (!ushort.TryParse(text.AsSpan(colon + 1), System.Globalization.NumberStyles.None, null, out ushort port) || port == 0)
                return false;
            host = text[..colon];
        }
        if (host is ['[', .., ']'])
            return !host.Contains('%', StringComparison.Ordinal) && IPAddress.TryParse(host[1..^1], out IPAddress? address) && address.AddressFamily == AddressFamily.InterNetworkV6;
        return host.Length > 0 && host[0] is not ('-' or '.') && host[^1] is not ('-' or '.') && !host.Contains("..", StringComparison.Ordinal)
            && host.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.') && Uri.CheckHostName(host) != UriHostNameType.Unknown;
    }

    /// <summary>Lower-case letters, digits, and single dots, one or two underscores or any dashes between them; parts with slashes between.</summary>
    public static bool IsRepository(string text) => text.Length is > 0 and <= MaxNameChars && text.Split('/').All(IsPart);

    public static bool IsTag(string text) => text.Length is > 0 and <= MaxTagChars && text[0] is not ('.' or '-')
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    private static bool IsPart(string part)
    {
        if (part.Length == 0 || !IsPlain(part[0]) || !IsPlain(part[^1]) || !part.All(c => IsPlain(c) || c is '.' or '_' or '-'))
            return false;
        return !part.Contains("..", StringComparison.Ordinal) && !part.Contains("___", StringComparison.Ordinal)
            && !part.Contains("._", StringComparison.Ordinal) && !part.Contains("_.", StringComparison.Ordinal)
            && !part.Contains(".-", StringComparison.Ordinal) && !part.Contains("-.", StringComparison.Ordinal)
            && !part.Contains("_-", StringComparison.Ordinal) && !part.Contains("-_", StringComparison.Ordinal);
    }

    private static bool IsPlain(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);

    internal static string LowerCase(string host) => host.ToLowerInvariant();

    private static ImageException Wrong(string text, string why) =>
        new(ImageError.Malformed, $"{Escape.Quote(text)} is no image in a registry: {why}", "wanted registry:[HOST[:PORT]/]NAME[:TAG][@sha256:…]");
}
