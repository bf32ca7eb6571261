using System.Diagnostics.CodeAnalysis;

namespace Plimsoll.Agent.Plugin;

/// <summary>The query of a request, read as Go's net/url reads it.</summary>
/// <remarks>Names are compared as they are written, casing and all: so does Go.</remarks>
internal sealed class RequestQuery
{
    private const int MaxParameters = 1000;

    private readonly List<(string Name, string Value)> _parameters = [];

    private RequestQuery()
    {
    }

    public static RequestQuery Empty { get; } = new();

    /// <param name="raw">What follows the question mark.</param>
    /// <returns>False: a bad escape, or a semicolon, which separates parameters for older versions of Go and is an error for newer ones.</returns>
    public static bool TryParse(string raw, [NotNullWhen(true)] out RequestQuery? query, [NotNullWhen(false)] out Denial? denial)
    {
        (query, denial) = (null, null);
        if (raw.Contains(';', StringComparison.Ordinal))
        {
            denial = new Denial("bad-query", "the query holds a semicolon, which not every version of dockerd reads alike");
            return false;
        }
        RequestQuery read = new();
        foreach (Range range in raw.AsSpan().Split('&'))
        {
            ReadOnlySpan<char> pair = raw.AsSpan()[range];
            if (pair.IsEmpty)
                continue;
            int equals = pair.IndexOf('=');
            if (read._parameters.Count == MaxParameters)
            {
                denial = new Denial("bad-query", $"the query has more than {MaxParameters} parameters");
                return false;
            }
            if (PercentCode.Decode(equals < 0 ? pair : pair[..equals], isQuery: true) is not { } name
                || PercentCode.Decode(equals < 0 ? [] : pair[(equals + 1)..], isQuery: true) is not { } value)
            {
                denial = new Denial("bad-query", "the query holds a percent sign without two hex digits, or escapes that are no UTF-8");
                return false;
            }
            read._parameters.Add((name, value));
        }
        query = read;
        return true;
    }

    /// <summary>The parameter's one value; empty when it is not there, which is the same to dockerd.</summary>
    /// <returns>False when it is there more than once: dockerd takes one, and a reader of its log another.</returns>
    public bool TryGet(string name, out string value, [NotNullWhen(false)] out Denial? denial)
    {
        (value, denial) = ("", null);
        int found = 0;
        foreach ((string parameter, string said) in _parameters)
            if (parameter == name && found++ == 0)
                value = said;
        if (found > 1)
            denial = new Denial("bad-query", $"the parameter {name} stands in the query {found} times");
        return denial is null;
    }
}
