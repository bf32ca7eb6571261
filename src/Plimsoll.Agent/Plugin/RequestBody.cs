using System.Globalization;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Plugin;

/// <summary>Whether a request's body is the one that the plugin was shown.</summary>
/// <remarks>
/// dockerd drops bodies on their way to plugins (CVE-2024-41110, CVE-2026-34040), and the header that would tell is not always passed
/// on: of a chunked request neither length nor encoding is. So where a body matters it must be there, and where none may be, nothing
/// may hint at one.
/// </remarks>
internal static class RequestBody
{
    /// <summary>Bytes from which on dockerd passes no body on.</summary>
    public const int DaemonLimit = 1024 * 1024;

    private const string Length = "Content-Length";
    private const string Type = "Content-Type";

    /// <returns>Null when the whole JSON body is there.</returns>
    public static Denial? NeedJson(AuthzRequest request)
    {
        string? length = request.Header(Length), type = request.Header(Type);
        if (request.Body.IsEmpty)
            return new Denial("body-absent", "the plugin was shown no body, and this request is decided by it; " + (type is not null && !MediaType.IsJson(type)
                ? $"dockerd passes on those of Content-Type application/json, this one's is {Escape.Quote(type)}"
                : long.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) && bytes >= DaemonLimit
                    ? $"dockerd passes on those below {DaemonLimit} bytes, this one has {bytes}"
                    : "dockerd passes on those with a Content-Length, of application/json and below 1 MiB"));
        if (type is null || !MediaType.IsJson(type))
            return new Denial("content-type", $"wanted Content-Type application/json, seen {Escape.Quote(type)}");
        if (length is not null && length != request.Body.Length.ToString(CultureInfo.InvariantCulture))
            return new Denial("body-differs", $"the body has {request.Body.Length} bytes, its Content-Length says {Escape.Quote(length)}");
        return null;
    }

    /// <summary>Where parameters decide: a form in the body would come before those of the query.</summary>
    /// <param name="code">What the denial is called.</param>
    /// <returns>Null when nothing hints at a body.</returns>
    public static Denial? NeedNone(AuthzRequest request, string code)
    {
        string? length = request.Header(Length), type = request.Header(Type);
        if (!request.Body.IsEmpty)
            return new Denial(code, $"this request takes no body, it has one of {request.Body.Length} bytes");
        if (length is not null ? length != "0" : type is not null)
            return new Denial(code, $"this request takes no body; its Content-Length is {Escape.Quote(length)}, its Content-Type {Escape.Quote(type)}");
        return null;
    }

    /// <summary>A body that Go reads as parameters, and no plugin is shown.</summary>
    public static Denial? NoForm(AuthzRequest request) =>
        request.Header(Type) is { } type && MediaType.IsForm(type) && request.Header(Length) != "0"
            ? new Denial("form-body", "parameters in a form of the body are not shown to plugins; they belong into the query") : null;
}
