using System.Text;

namespace Plimsoll.Registry;

/// <summary>One way in that a server offers with status 401.</summary>
/// <param name="Scheme">Lower case: <c>basic</c>, <c>bearer</c>.</param>
/// <param name="Parameters">By name in lower case; of two with one name the first.</param>
/// <remarks>Source: RFC 9110, 11.6.1 (WWW-Authenticate).</remarks>
internal sealed record Challenge(string Scheme, IReadOnlyDictionary<string, string> Parameters)
{
    /// <summary>Characters of all header lines together, and challenges and parameters in them. Real ones have two hundred and one or two.</summary>
    public const int MaxChars = 8192, MaxChallenges = 16, MaxParameters = 32;

    /// <summary>Reads header lines; what has not the form is left out, and nothing throws.</summary>
    public static IReadOnlyList<Challenge> Parse(IEnumerable<string> lines)
    {
        List<Challenge> found = [];
        int chars = 0;
        foreach (string line in lines)
        {
            if ((chars += line.Length) > MaxChars)
                break;
            new Reader(line).Read(found);
        }
        return found;
    }

    private ref struct Reader(ReadOnlySpan<char> text)
    {
        private ReadOnlySpan<char> _rest = text;

        public void Read(List<Challenge> found)
        {
            Dictionary<string, string>? parameters = null;
            for (int count = 0; found.Count < MaxChallenges && count < MaxChallenges * MaxParameters; count++)
            {
                SkipSpaceAndCommas();
                string word = Token();
                if (word.Length == 0)
                    return;
                bool spaced = SkipSpace();
                if (parameters is not null && _rest is ['=', ..] && TryValue(out string value))
                {
                    if (parameters.Count < MaxParameters)
                        parameters.TryAdd(word.ToLowerInvariant(), value);
                    continue;
                }
                // No "=" behind it: the name of a scheme. One form of challenge has a bare token there (Negotiate), which is skipped.
                parameters = new Dictionary<string, string>(StringComparer.Ordinal);
                found.Add(new Challenge(word.ToLowerInvariant(), parameters));
                if (!spaced && !_rest.IsEmpty && _rest[0] != ',')
                    return;
            }
        }

        private bool TryValue(out string value)
        {
            value = "";
            _rest = _rest[1..];
            SkipSpace();
            if (_rest is not ['"', ..])
            {
                value = Token();
                return true;
            }
            StringBuilder unquoted = new();
            for (int i = 1; i < _rest.Length; i++)
            {
                if (_rest[i] == '"')
                {
                    _rest = _rest[(i + 1)..];
                    value = unquoted.ToString();
                    return true;
                }
                if (_rest[i] == '\\' && i + 1 < _rest.Length)
                    i++;
                unquoted.Append(_rest[i]);
            }
            // The quotation mark never ends: nothing behind it can be told apart.
            _rest = default;
            return true;
        }

        private string Token()
        {
            int length = 0;
            while (length < _rest.Length && (char.IsAsciiLetterOrDigit(_rest[length]) || "!#$%&'*+-.^_`|~/:".Contains(_rest[length], StringComparison.Ordinal)))
                length++;
            string token = _rest[..length].ToString();
            _rest = _rest[length..];
            return token;
        }

        private bool SkipSpace()
        {
            int before = _rest.Length;
            _rest = _rest.TrimStart(" \t");
            return _rest.Length < before;
        }

        private void SkipSpaceAndCommas() => _rest = _rest.TrimStart(" \t,");
    }
}
