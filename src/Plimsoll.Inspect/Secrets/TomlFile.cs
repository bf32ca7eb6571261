using System.Globalization;
using System.Text;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Secrets;

/// <summary>A table of a TOML document: keys in the order they stand in, values as text, number, truth, list or table.</summary>
internal sealed class TomlTable(int line)
{
    private readonly Dictionary<string, (object Value, int Line)> _values = new(StringComparer.Ordinal);

    /// <summary>Line of its heading; 1 for the document.</summary>
    public int Line { get; } = line;

    /// <summary>Named in the document, and so not to be named again; a table that only stands above another one may be.</summary>
    public bool IsDefined { get; set; }

    public IEnumerable<string> Keys => _values.Keys;

    public object? this[string key] => _values.TryGetValue(key, out (object Value, int Line) found) ? found.Value : null;

    public int LineOf(string key) => _values.TryGetValue(key, out (object Value, int Line) found) ? found.Line : Line;

    public bool TryAdd(string key, object value, int at) => _values.TryAdd(key, (value, at));
}

/// <summary>Text is no TOML, or holds what this reader does not take.</summary>
internal sealed class TomlException(int line, string message) : Exception(message)
{
    public int Line { get; } = line;
}

/// <summary>Reads TOML 1.0 documents as people write rules in: everything but dates and times.</summary>
/// <remarks>Source: TOML 1.0.0. No package for TOML can be restored from every package source that builds use; the form is small.</remarks>
internal sealed class TomlFile
{
    public const int MaxBytes = 16 << 20;

    /// <summary>Lists in lists and tables in tables; rule files have three.</summary>
    private const int MaxDepth = 32;

    private readonly string _text;
    private int _at;
    private int _line = 1;
    private int _depth;

    private TomlFile(string text) => _text = text;

    /// <exception cref="TomlException">The line, what was seen and what was wanted.</exception>
    public static TomlTable Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new TomlFile(text.StartsWith('\uFEFF') ? text[1..] : text).Document();
    }

    private TomlTable Document()
    {
        TomlTable root = new(1), table = root;
        while (true)
        {
            SkipBlank(lines: true);
            if (_at == _text.Length)
                return root;
            if (Here != '[')
                KeyAndValue(table);
            else
                table = Heading(root);
            EndOfLine();
        }
    }

    private char Here => _at < _text.Length ? _text[_at] : '\0';

    private char Next => _at + 1 < _text.Length ? _text[_at + 1] : '\0';

    private TomlException Error(string message) => new(_line, message);

    private TomlException Unexpected(string wanted) =>
        Error(_at >= _text.Length ? $"the file ends where {wanted} was wanted" : Here == '\n' ? $"the line ends where {wanted} was wanted" : $"{Escape.Quote(Here.ToString())} where {wanted} was wanted");

    private void SkipBlank(bool lines)
    {
        while (_at < _text.Length)
        {
            char c = _text[_at];
            if (c is ' ' or '\t' || c == '\r' && Next == '\n')
                _at++;
            else if (c == '#')
                while (_at < _text.Length && _text[_at] != '\n')
                    _at++;
            else if (c == '\n' && lines)
            {
                _line++;
                _at++;
            }
            else
                return;
        }
    }

    private void EndOfLine()
    {
        SkipBlank(lines: false);
        if (_at < _text.Length && Here != '\n')
            throw Unexpected("the line's end");
    }

    private TomlTable Heading(TomlTable root)
    {
        bool isList = Next == '[';
        _at += isList ? 2 : 1;
        List<string> path = Key();
        if (Here != ']' || isList && Next != ']')
            throw Unexpected(isList ? "]]" : "]");
        _at += isList ? 2 : 1;
        TomlTable at = root;
        foreach (string part in path[..^1])
            at = Below(at, part);
        string last = path[^1];
        if (!isList)
        {
            TomlTable table = Below(at, last);
            if (table.IsDefined)
                throw Error($"the table [{string.Join('.', path)}] stands in it twice");
            table.IsDefined = true;
            return table;
        }
        TomlTable item = new(_line) { IsDefined = true };
        if (at[last] is null)
            at.TryAdd(last, new List<object>(), _line);
        if (at[last] is not List<object> list || list.Exists(i => i is not TomlTable))
            throw Error($"{Escape.Quote(last)} is no list of tables");
        list.Add(item);
        return item;
    }

    /// <summary>The table of a name, made when there is none; of a list of tables the last one.</summary>
    private TomlTable Below(TomlTable table, string key)
    {
        if (table[key] is null)
            table.TryAdd(key, new TomlTable(_line), _line);
        return table[key] switch
        {
            TomlTable below => below,
            List<object> and [.., TomlTable last] => last,
            _ => throw Error($"{Escape.Quote(key)} is no table"),
        };
    }

    private List<string> Key()
    {
        List<string> parts = [];
        while (true)
        {
            SkipBlank(lines: false);
            if (Here is '"' or '\'')
                parts.Add(Text(multiline: false));
            else
            {
                int start = _at;
                while (char.IsAsciiLetterOrDigit(Here) || Here is '_' or '-')
                    _at++;
                if (_at == start)
                    throw Unexpected("a key");
                parts.Add(_text[start.._at]);
            }
            SkipBlank(lines: false);
            if (Here != '.' || parts.Count == MaxDepth)
                return parts;
            _at++;
        }
    }

    private void KeyAndValue(TomlTable table)
    {
        int line = _line;
        List<string> path = Key();
        if (Here != '=')
            throw Unexpected("=");
        _at++;
        SkipBlank(lines: false);
        foreach (string part in path[..^1])
            table = Below(table, part);
        if (!table.TryAdd(path[^1], Value(), line))
            throw new TomlException(line, $"the key {Escape.Quote(path[^1])} stands in its table twice");
    }

    private object Value()
    {
        if (++_depth > MaxDepth)
            throw Error($"lists and tables are nested more than {MaxDepth} deep");
        object value = Here switch
        {
            '"' or '\'' => Text(multiline: true),
            '[' => List(),
            '{' => Inline(),
            _ => Word(),
        };
        _depth--;
        return value;
    }

    private List<object> List()
    {
        List<object> items = [];
        _at++;
        while (true)
        {
            SkipBlank(lines: true);
            if (Here == ']')
                break;
            items.Add(Value());
            SkipBlank(lines: true);
            if (Here == ',')
                _at++;
            else if (Here != ']')
                throw Unexpected(", or ]");
        }
        _at++;
        return items;
    }

    private TomlTable Inline()
    {
        TomlTable table = new(_line) { IsDefined = true };
        _at++;
        SkipBlank(lines: false);
        while (Here != '}')
        {
            KeyAndValue(table);
            SkipBlank(lines: false);
            if (Here == ',')
                _at++;
            else if (Here != '}')
                throw Unexpected(", or }");
            SkipBlank(lines: false);
        }
        _at++;
        return table;
    }

    private object Word()
    {
        int start = _at;
        while (char.IsAsciiLetterOrDigit(Here) || Here is '_' or '-' or '+' or '.' or ':')
            _at++;
        string word = _text[start.._at];
        string digits = word.Replace("_", "", StringComparison.Ordinal);
        return word switch
        {
            "" => throw Unexpected("a value"),
            "true" => true,
            "false" => false,
            _ when long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole) => whole,
            _ when digits.Length > 0 && char.IsAsciiLetterOrDigit(digits[^1]) && double.TryParse(digits, NumberStyles.Float & ~NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) => number,
            _ => throw Error($"{Escape.Quote(word)} where a text in quotation marks, a number, true, false, a list or a table was wanted"),
        };
    }

    private string Text(bool multiline)
    {
        char quote = Here;
        bool isLong = multiline && Next == quote && _at + 2 < _text.Length && _text[_at + 2] == quote;
        int started = _line;
        _at += isLong ? 3 : 1;
        if (isLong && Here == '\r' && Next == '\n')
            _at++;
        if (isLong && Here == '\n')
        {
            _line++;
            _at++;
        }
        StringBuilder text = new();
        while (true)
        {
            if (_at >= _text.Length)
                throw new TomlException(started, "the text that begins here has no end");
            char c = _text[_at];
            if (c == quote && (!isLong || IsLongEnd(quote)))
            {
                _at += isLong ? 3 : 1;
                // Up to two quotation marks may stand before the three that end it.
                while (isLong && Here == quote)
                {
                    text.Append(quote);
                    _at++;
                }
                return text.ToString();
            }
            if (c == '\n' && !isLong)
                throw Error("the line ends within a text");
            if (c < ' ' && c is not ('\t' or '\n' or '\r') || c == '\x7f')
                throw Error($"the control character U+{(int)c:X4} stands in a text");
            if (c == '\\' && quote == '"')
            {
                _at++;
                TakeEscape(text, isLong);
                continue;
            }
            if (c == '\n')
                _line++;
            text.Append(c);
            _at++;
        }
    }

    private bool IsLongEnd(char quote) => Next == quote && _at + 2 < _text.Length && _text[_at + 2] == quote;

    private void TakeEscape(StringBuilder text, bool isLong)
    {
        char c = Here;
        _at++;
        switch (c)
        {
            case 'b': text.Append('\b'); return;
            case 't': text.Append('\t'); return;
            case 'n': text.Append('\n'); return;
            case 'f': text.Append('\f'); return;
            case 'r': text.Append('\r'); return;
            case '"': text.Append('"'); return;
            case '\\': text.Append('\\'); return;
            case 'u' or 'U':
                int digits = c == 'u' ? 4 : 8;
                if (_at + digits > _text.Length || !int.TryParse(_text.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value) || !Rune.IsValid(value))
                    throw Error($"\\{c} without {digits} hex digits of a character");
                text.Append(new Rune(value).ToString());
                _at += digits;
                return;
            case ' ' or '\t' or '\n' or '\r' when isLong:
                _at--;
                while (Here is ' ' or '\t' or '\n' or '\r')
                {
                    if (Here == '\n')
                        _line++;
                    _at++;
                }
                return;
            default:
                throw Error($"{Escape.Quote("\\" + c)} is no escape of TOML; regular expressions stand best between three apostrophes");
        }
    }
}
