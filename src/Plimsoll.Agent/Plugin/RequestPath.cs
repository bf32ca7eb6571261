using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Plugin;

/// <summary>Where a request goes: decoded once, its version taken off. Nothing else reads the request's target.</summary>
/// <remarks>
/// dockerd matches the decoded path, so <c>/%63ontainers/create</c> is <c>/containers/create</c> to it; it redirects double slashes and
/// dot segments before a plugin is asked. What would need a second decoding, or a rule to be read alike by both, is denied.
/// </remarks>
internal sealed record RequestPath
{
    /// <summary>1.24 is the first API whose start takes no HostConfig; 1.51 is that of Docker 28.</summary>
    public const int OldestMinor = 24;
    public const int NewestMinor = 51;

    /// <summary>Characters of a request's target; Go's server takes a megabyte.</summary>
    private const int MaxCharacters = 64 * 1024;

    private const int MaxSegments = 64;

    /// <summary>The API's version 1.N; null when the path names none, and the daemon's own newest is meant.</summary>
    public int? Minor { get; private init; }

    /// <summary>Without version; none is empty. Untrusted text.</summary>
    public required IReadOnlyList<string> Segments { get; init; }
    public required RequestQuery Query { get; init; }

    public static bool TryParse(string uri, [NotNullWhen(true)] out RequestPath? path, [NotNullWhen(false)] out Denial? denial)
    {
        path = null;
        denial = null;
        if (uri.Length > MaxCharacters)
            return Refuse("bad-path", $"the request's target has {uri.Length} characters, at most {MaxCharacters} are read", out denial);
        if (uri.AsSpan().ContainsAnyExceptInRange('!', '~') || uri.AsSpan().ContainsAny('#', '\\'))
            return Refuse("bad-path", $"{Escape.Quote(uri)} holds a character that does not belong into a request's target", out denial);
        int mark = uri.IndexOf('?', StringComparison.Ordinal);
        string raw = mark < 0 ? uri : uri[..mark];
        if (!raw.StartsWith('/'))
            return Refuse("bad-path", $"{Escape.Quote(raw)} is no path", out denial);
        if (PercentCode.Decode(raw, isQuery: false) is not { } decoded)
            return Refuse("bad-path", $"{Escape.Quote(raw)} holds a percent sign without two hex digits, or escapes that are no UTF-8", out denial);
        if (decoded.Contains('%', StringComparison.Ordinal))
            return Refuse("double-encoding", $"{Escape.Quote(raw)} is still percent-encoded after it was decoded", out denial);
        if (decoded.AsSpan().ContainsAny('\\', '?', '#') || decoded.AsSpan().ContainsAnyInRange('\0', '\x1f') || decoded.Contains('\x7f', StringComparison.Ordinal))
            return Refuse("bad-path", $"{Escape.Quote(raw)} holds a control character, or an escaped one that ends or divides paths", out denial);
        string[] segments = decoded[1..].Split('/', MaxSegments + 1);
        if (segments.Length > MaxSegments)
            return Refuse("bad-path", $"{Escape.Quote(raw)} has more than {MaxSegments} segments", out denial);
        foreach (string segment in segments)
            if (segment is "" or "." or "..")
                return Refuse("bad-path", $"{Escape.Quote(raw)} holds {(segment.Length == 0 ? "an empty segment" : $"the segment {segment}")}", out denial);
        int? minor = null;
        if (IsVersion(segments[0]))
        {
            if (MinorOf(segments[0]) is not { } named)
                return Refuse("api-version", $"{Escape.Quote(segments[0])} is no version of the API that is known; wanted v1.{OldestMinor} to v1.{NewestMinor}", out denial);
            if (named < OldestMinor)
                return Refuse("api-version", $"API 1.{named} lets a start change what was judged at create; wanted 1.{OldestMinor} or later", out denial);
            if (named > NewestMinor)
                return Refuse("api-version", $"API 1.{named} is not known here; wanted 1.{OldestMinor} to 1.{NewestMinor}", out denial);
            minor = named;
            segments = segments[1..];
        }
        if (!RequestQuery.TryParse(mark < 0 ? "" : uri[(mark + 1)..], out RequestQuery? query, out denial))
            return false;
        path = new RequestPath { Minor = minor, Segments = segments, Query = query };
        return true;
    }

    public override string ToString() => "/" + string.Join('/', Segments);

    /// <summary>What dockerd's router takes for a version: v, digits and dots.</summary>
    private static bool IsVersion(string segment) =>
        segment.Length > 1 && segment[0] == 'v' && !segment.AsSpan(1).ContainsAnyExceptInRange('.', '9') && !segment.Contains('/', StringComparison.Ordinal);

    /// <summary>Only as clients write it: dockerd takes 1.024 and 1.24.0 for 1.24 as well.</summary>
    private static int? MinorOf(string segment) =>
        segment.StartsWith("v1.", StringComparison.Ordinal) && segment.Length is 4 or 5 or 6 && (segment[3] != '0' || segment.Length == 4)
        && int.TryParse(segment.AsSpan(3), NumberStyles.None, CultureInfo.InvariantCulture, out int minor) ? minor : null;

    private static bool Refuse(string code, string text, out Denial denial)
    {
        denial = new Denial(code, text);
        return false;
    }
}
