using System.Globalization;
using System.Text;

namespace Plimsoll.Sign;

/// <summary>
/// Writes JSON that has one form only, so that its digest names its content: no spaces, members in the order of the calls, strings
/// escaped only where RFC 8259 asks for it, numbers as plain decimals. A text that is no Unicode gets U+FFFD for each broken unit.
/// </summary>
/// <remarks>
/// Strings are written as RFC 8785, 3.2.2.2 has them. Members are not sorted: each document's page fixes its order. The writers of the
/// base library are not used, because what they escape may change between versions.
/// </remarks>
public sealed class CanonicalJson
{
    private readonly StringBuilder _text = new();
    private bool _first = true;

    public CanonicalJson BeginObject(string? name = null) => Begin(name, '{');

    public CanonicalJson EndObject() => End('}');

    public CanonicalJson BeginArray(string? name = null) => Begin(name, '[');

    public CanonicalJson EndArray() => End(']');

    public CanonicalJson Text(string name, string value)
    {
        Name(name);
        Quote(value);
        return this;
    }

    /// <summary>Nothing for null and for the empty text: a member without a value is left out.</summary>
    public CanonicalJson Optional(string name, string? value) => string.IsNullOrEmpty(value) ? this : Text(name, value);

    public CanonicalJson Number(string name, long value)
    {
        Name(name);
        _text.Append(CultureInfo.InvariantCulture, $"{value}");
        return this;
    }

    /// <summary>Without trailing zeros: <c>0.5</c>.</summary>
    public CanonicalJson Number(string name, decimal value)
    {
        Name(name);
        _text.Append(value.ToString("0.############", CultureInfo.InvariantCulture));
        return this;
    }

    public CanonicalJson Flag(string name, bool value)
    {
        Name(name);
        _text.Append(value ? "true" : "false");
        return this;
    }

    public CanonicalJson Texts(string name, IEnumerable<string> values)
    {
        BeginArray(name);
        foreach (string value in values)
        {
            Comma();
            Quote(value);
        }
        return EndArray();
    }

    /// <summary>What another writer made; it must be whole.</summary>
    /// <param name="name">Null for an entry of a list.</param>
    public CanonicalJson Raw(string? name, ReadOnlySpan<byte> json)
    {
        if (name is null)
            Comma();
        else
            Name(name);
        _text.Append(Encoding.UTF8.GetString(json));
        return this;
    }

    public byte[] ToBytes() => Encoding.UTF8.GetBytes(_text.ToString());

    private CanonicalJson Begin(string? name, char bracket)
    {
        if (name is null)
            Comma();
        else
            Name(name);
        _text.Append(bracket);
        _first = true;
        return this;
    }

    private CanonicalJson End(char bracket)
    {
        _text.Append(bracket);
        _first = false;
        return this;
    }

    private void Comma()
    {
        if (!_first)
            _text.Append(',');
        _first = false;
    }

    private void Name(string name)
    {
        Comma();
        Quote(name);
        _text.Append(':');
    }

    private void Quote(string value)
    {
        _text.Append('"');
        for (int i = 0; i < value.Length; i++)
        {
            char c = value[i];
            if (char.IsHighSurrogate(c) && i + 1 < value.Length && char.IsLowSurrogate(value[i + 1]))
                _text.Append(c).Append(value[++i]);
            else if (char.IsSurrogate(c))
                _text.Append('\uFFFD');
            else if (c is '"' or '\\')
                _text.Append('\\').Append(c);
            else if (c < 0x20)
                _text.Append(c switch
                {
                    '\b' => "\\b",
                    '\t' => "\\t",
                    '\n' => "\\n",
                    '\f' => "\\f",
                    '\r' => "\\r",
                    _ => $"\\u{(int)c:x4}",
                });
            else
                _text.Append(c);
        }
        _text.Append('"');
    }
}
