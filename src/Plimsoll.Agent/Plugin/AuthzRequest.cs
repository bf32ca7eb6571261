using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Plugin;

/// <summary>A request to the Docker daemon, as the daemon describes it to its authorization plugins.</summary>
/// <remarks>
/// Source: moby/moby, pkg/authorization, api.go and authz.go. The daemon passes a body on only when its Content-Type is
/// application/json, its path does not look like <c>/auth</c> and it is shorter than 1 MiB: <see cref="Body"/> is the whole body or
/// empty. Of a header that came several times only the last value is here, and bytes that are no UTF-8 came as U+FFFD.
/// </remarks>
internal sealed record AuthzRequest
{
    /// <summary>Headers of one request; Go's server takes a megabyte of them.</summary>
    private const int MaxHeaders = 10_000;

    private const int MaxDepth = 8;

    /// <summary>Common name of the client's TLS certificate; empty on the unix socket.</summary>
    public string User { get; private init; } = "";
    public string UserAuthMethod { get; private init; } = "";
    public string Method { get; private init; } = "";

    /// <summary>The request line's target, as it was sent: percent-encoded, with version and query.</summary>
    public string Uri { get; private init; } = "";
    public ReadOnlyMemory<byte> Body { get; private init; }
    public IReadOnlyDictionary<string, string> Headers { get; private init; } = NoHeaders;

    private static readonly Dictionary<string, string> NoHeaders = [];

    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>Reads the daemon's message; members that are not known are passed over.</summary>
    /// <returns>False for what is no such message: no JSON, a member twice, another kind of value, no method or no path.</returns>
    public static bool TryRead(ReadOnlySpan<byte> json, [NotNullWhen(true)] out AuthzRequest? request, [NotNullWhen(false)] out Denial? denial)
    {
        (request, denial) = (null, null);
        try
        {
            Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = MaxDepth });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return Refuse("it is no JSON object", out denial);
            AuthzRequest read = new();
            int seen = 0;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                int member = MemberOf(ref reader);
                if ((seen & (1 << member)) != 0 && member != 0)
                    return Refuse($"the member {Members[member]} stands in it twice", out denial);
                seen |= 1 << member;
                reader.Read();
                if (member == 0)
                {
                    reader.Skip();
                    continue;
                }
                if (reader.TokenType == JsonTokenType.Null)
                    continue;
                if (reader.TokenType != (member == HeadersMember ? JsonTokenType.StartObject : JsonTokenType.String))
                    return Refuse($"the member {Members[member]} is a {reader.TokenType}", out denial);
                switch (member)
                {
                    case 1: read = read with { User = reader.GetString()! }; break;
                    case 2: read = read with { UserAuthMethod = reader.GetString()! }; break;
                    case 3: read = read with { Method = reader.GetString()! }; break;
                    case 4: read = read with { Uri = reader.GetString()! }; break;
                    case 5:
                        if (!reader.TryGetBytesFromBase64(out byte[]? body))
                            return Refuse("the member RequestBody is no base64", out denial);
                        read = read with { Body = body };
                        break;
                    default:
                        if (ReadHeaders(ref reader, out Dictionary<string, string> headers) is { } problem)
                            return Refuse(problem, out denial);
                        read = read with { Headers = headers };
                        break;
                }
            }
            // A second value after the first would be seen by one reader and not by another.
            if (reader.TokenType != JsonTokenType.EndObject || reader.Read())
                return Refuse("something follows the JSON object", out denial);
            if (read.Method.Length == 0 || read.Uri.Length == 0)
                return Refuse("it names no method or no path", out denial);
            request = read;
            return true;
        }
        catch (JsonException e)
        {
            return Refuse($"it is no JSON at byte {e.BytePositionInLine}", out denial);
        }
        catch (InvalidOperationException)
        {
            // So says the reader of a string that is no Unicode text.
            return Refuse("it holds a string that is no Unicode text", out denial);
        }
    }

    private const int HeadersMember = 6;

    private static readonly string[] Members = ["", "User", "UserAuthNMethod", "RequestMethod", "RequestUri", "RequestBody", "RequestHeaders"];

    private static int MemberOf(ref Utf8JsonReader reader)
    {
        for (int i = 1; i < Members.Length; i++)
            if (reader.ValueTextEquals(Members[i]))
                return i;
        return 0;
    }

    private static string? ReadHeaders(ref Utf8JsonReader reader, out Dictionary<string, string> headers)
    {
        headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
                return $"the header {Escape.Quote(name)} is a {reader.TokenType}";
            if (headers.Count == MaxHeaders)
                return $"it has more than {MaxHeaders} headers";
            if (!headers.TryAdd(name, reader.GetString()!))
                return $"the header {Escape.Quote(name)} stands in it twice";
        }
        return null;
    }

    private static bool Refuse(string why, out Denial denial)
    {
        denial = new Denial("unreadable-message", $"dockerd's message to the plugin cannot be read: {why}");
        return false;
    }
}
