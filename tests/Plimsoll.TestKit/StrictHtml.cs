namespace Plimsoll.TestKit;

/// <summary>What is no HTML as the report writes it; the message says where.</summary>
public sealed class StrictHtmlException(string message) : Exception(message);

/// <summary>
/// Takes a page apart by a grammar much narrower than a browser's: what passes here no browser can read otherwise. Tags and
/// attribute names in lower case, values in double quotes, no bare <c>&lt;</c>, <c>&gt;</c> or quote anywhere, five named references, every
/// element closed in order.
/// </summary>
public sealed class StrictHtml
{
    public sealed record Element(string Name, IReadOnlyDictionary<string, string> Attributes);

    private static readonly HashSet<string> Void = ["meta", "link", "input", "br"];
    private static readonly Dictionary<string, string> References = new(StringComparer.Ordinal) { ["amp"] = "&", ["lt"] = "<", ["gt"] = ">", ["quot"] = "\"", ["#39"] = "'", ["#96"] = "`", ["#xfffd"] = "\ufffd" };

    private readonly string _page;
    private readonly List<Element> _elements = [];
    private readonly Stack<string> _open = new();
    private readonly System.Text.StringBuilder _text = new();
    private int _at;

    private StrictHtml(string page) => _page = page;

    /// <summary>In the order of the page.</summary>
    public IReadOnlyList<Element> Elements => _elements;

    /// <summary>All text outside style and script, a line feed after each run.</summary>
    public string Text => _text.ToString();

    /// <summary>What stands in style and script, by element, in order.</summary>
    public List<(string Element, string Content)> Raw { get; } = [];

    /// <exception cref="StrictHtmlException">It is not of the grammar.</exception>
    public static StrictHtml Parse(string page)
    {
        const string Doctype = "<!DOCTYPE html>\n";
        StrictHtml html = new(page);
        if (!page.StartsWith(Doctype, StringComparison.Ordinal))
            throw new StrictHtmlException("no doctype");
        html._at = Doctype.Length;
        while (html._at < page.Length)
            if (page[html._at] == '<')
                html.Tag();
            else
                html._text.Append(html.Characters('<')).Append('\n');
        return html._open.Count == 0 ? html : throw html.Wrong($"{html._open.Peek()} is not closed");
    }

    private StrictHtmlException Wrong(string what) => new($"at {_at}: {what}: {_page[Math.Max(0, _at - 60)..Math.Min(_page.Length, _at + 60)]}");

    private void Tag()
    {
        bool end = _page.AsSpan(_at).StartsWith("</");
        _at += end ? 2 : 1;
        string name = Name();
        if (end)
        {
            Expect('>');
            if (_open.Count == 0 || _open.Pop() != name)
                throw Wrong($"</{name}> closes nothing");
            return;
        }
        Dictionary<string, string> attributes = new(StringComparer.Ordinal);
        while (_at < _page.Length && _page[_at] == ' ')
        {
            _at++;
            string attribute = Name();
            string value = "";
            if (_page[_at] == '=')
            {
                _at++;
                Expect('"');
                value = Characters('"');
                Expect('"');
            }
            if (!attributes.TryAdd(attribute, value))
                throw Wrong($"{attribute} twice");
        }
        Expect('>');
        _elements.Add(new Element(name, attributes));
        if (Void.Contains(name))
            return;
        if (name is not ("style" or "script"))
        {
            _open.Push(name);
            return;
        }
        int close = _page.IndexOf($"</{name}>", _at, StringComparison.Ordinal);
        if (close < 0)
            throw Wrong($"{name} is not closed");
        Raw.Add((name, _page[_at..close]));
        _at = close + name.Length + 3;
    }

    private string Name()
    {
        int start = _at;
        while (_at < _page.Length && (char.IsAsciiLetter(_page[_at]) || char.IsAsciiDigit(_page[_at]) || _page[_at] == '-'))
            _at++;
        return _at > start ? _page[start.._at] : throw Wrong("no name");
    }

    private void Expect(char wanted)
    {
        if (_at >= _page.Length || _page[_at] != wanted)
            throw Wrong($"no {wanted}");
        _at++;
    }

    private string Characters(char until)
    {
        System.Text.StringBuilder text = new();
        while (_at < _page.Length && _page[_at] != until)
        {
            char c = _page[_at];
            if (c is '<' or '>' or '"' or '\'' or '`' || c < ' ' && c is not ('\n' or '\t') || c is >= '\u007f' and <= '\u009f' || c is '\ufffe' or '\uffff')
                throw Wrong($"bare U+{(int)c:X4}");
            if (char.IsSurrogate(c) && !(char.IsHighSurrogate(c) && _at + 1 < _page.Length && char.IsLowSurrogate(_page[_at + 1])) && !(char.IsLowSurrogate(c) && char.IsHighSurrogate(_page[_at - 1])))
                throw Wrong("half a character");
            if (c != '&')
            {
                text.Append(c);
                _at++;
                continue;
            }
            int end = _page.IndexOf(';', _at);
            if (end < 0 || !References.TryGetValue(_page[(_at + 1)..end], out string? meant))
                throw Wrong("a reference that is none of ours");
            text.Append(meant);
            _at = end + 1;
        }
        return text.ToString();
    }
}
