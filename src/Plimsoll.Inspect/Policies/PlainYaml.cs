using System.Globalization;
using System.Text;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Policies;

/// <summary>Reads the part of YAML that nearly all policies are written in, and leaves everything else to <see cref="YamlDocument"/>.</summary>
/// <remarks>
/// A whole parser of YAML is some 250 methods and two regular expressions that the runtime has to load first: more time than all that
/// judging an image takes. What is read here has one meaning in every version of YAML: plain ASCII, block mappings and sequences, flow
/// ones on one line, plain scalars of one line, and double quotes without escapes. At the first thing that could be anything else the
/// answer is "not here", so that no document is refused or understood differently; a test compares both on made-up documents.
/// </remarks>
internal ref struct PlainYaml
{
    /// <summary>Structures within structures; deeper ones, and the error about too deep ones, are the other parser's.</summary>
    private const int MaxDepth = DocumentLimits.MaxDepth - 2;

    /// <summary>Keys of one mapping; no mapping of a policy has half as many.</summary>
    private const int MaxMembers = 100;

    /// <summary>Characters of a line; YAML bounds the length of a key that stands before its value.</summary>
    private const int MaxLineCharacters = 1000;

    private readonly ReadOnlySpan<byte> _text;
    private readonly string _name;

    // The line that is being read: its number, from 1, where it begins and ends, and where its first character stands.
    private int _line, _next, _end, _at, _indent;
    private bool _done, _elsewhere;

    private PlainYaml(ReadOnlySpan<byte> text, string name)
    {
        _text = text;
        _name = name;
    }

    /// <param name="name">As for <see cref="YamlDocument.Parse"/>.</param>
    /// <returns>Exactly what the whole parser makes of it; null when this one does not read it, whether it is right or wrong.</returns>
    public static DocumentNode? TryParse(ReadOnlySpan<byte> utf8, string name)
    {
        foreach (byte b in utf8)
            if (b is not ((>= 0x20 and < 0x7f) or (byte)'\n'))
                return null;
        PlainYaml yaml = new(utf8, name);
        yaml.NextLine();
        if (yaml._done || yaml._elsewhere || yaml._indent != 0)
            return null;
        DocumentNode? root = yaml.Mapping(0, 0);
        return yaml._done && !yaml._elsewhere ? root : null;
    }

    private readonly string Where => string.Concat(_name, ":", _line.ToString(CultureInfo.InvariantCulture));

    /// <summary>Goes to the next line that holds something. Columns are counted from its begin.</summary>
    private void NextLine()
    {
        while (true)
        {
            if (_next >= _text.Length)
            {
                _done = true;
                _indent = -1;
                return;
            }
            int start = _next, length = _text[start..].IndexOf((byte)'\n');
            _end = length < 0 ? _text.Length : start + length;
            _next = _end + 1;
            _line++;
            _at = start;
            while (_at < _end && _text[_at] == ' ')
                _at++;
            _indent = _at - start;
            if (_at == _end || _text[_at] == '#')
                continue;
            // Marks of documents and directives, and lines that are long.
            if (_end - start > MaxLineCharacters || _text[_at..].StartsWith("---"u8) || _text[_at..].StartsWith("..."u8) || _text[_at] == '%')
                _elsewhere = true;
            return;
        }
    }

    private DocumentNode? Elsewhere()
    {
        _elsewhere = true;
        return null;
    }

    /// <summary>Stands on the first key. Ends on the first line that is none of it.</summary>
    private DocumentNode? Mapping(int indent, int depth)
    {
        if (depth > MaxDepth)
            return Elsewhere();
        string where = Where;
        List<DocumentMember> members = [];
        while (true)
        {
            string keyWhere = Where;
            if (Key() is not { } key)
                return Elsewhere();
            if (IsTooMuch(members, key))
                return Elsewhere();
            SkipSpaces();
            DocumentNode? value;
            if (AtEndOfLine())
            {
                NextLine();
                // What stands at the key's own column is a sequence or the next key; a key without a value is left to the other parser.
                bool sequence = !_done && !_elsewhere && AtEntry();
                value = _done || _elsewhere || _indent < indent || (_indent == indent && !sequence) ? Elsewhere()
                    : sequence ? Sequence(_indent, depth + 1, indentless: _indent == indent) : Mapping(_indent, depth + 1);
            }
            else
                value = LineValue(depth + 1, indent);
            if (value is null)
                return Elsewhere();
            members.Add(new DocumentMember(key, keyWhere, value));
            if (_elsewhere || _indent > indent)
                return Elsewhere();
            if (_indent < indent)
                return new DocumentNode { Where = where, Members = members };
            if (AtEntry())
                return indent == 0 ? Elsewhere() : new DocumentNode { Where = where, Members = members };
        }
    }

    /// <summary>Stands on the first dash.</summary>
    /// <param name="indentless">Its dashes stand at the column of the key that it is the value of, so that another key ends it.</param>
    private DocumentNode? Sequence(int indent, int depth, bool indentless)
    {
        if (depth > MaxDepth)
            return Elsewhere();
        string where = Where;
        List<DocumentNode> items = [];
        while (true)
        {
            int start = _at;
            _at++;
            SkipSpaces();
            // A dash alone, and a sequence that begins on the line of another one.
            if (AtEndOfLine() || AtEntry())
                return Elsewhere();
            int column = indent + (_at - start);
            DocumentNode? item = AtKey() ? Mapping(column, depth + 1) : LineValue(depth + 1, indent);
            if (item is null)
                return Elsewhere();
            items.Add(item);
            if (_elsewhere || _indent > indent)
                return Elsewhere();
            if (_indent < indent)
                break;
            if (!AtEntry())
            {
                if (!indentless)
                    return Elsewhere();
                break;
            }
        }
        return new DocumentNode { Where = where, Items = items };
    }

    /// <summary>A value that ends on this line; goes on to the next one, which must not be further in than <paramref name="indent"/>.</summary>
    private DocumentNode? LineValue(int depth, int indent)
    {
        DocumentNode? value = Value(depth, flow: false);
        if (value is null)
            return null;
        int end = _at;
        SkipSpaces();
        // A comment has a space before it.
        if (_at < _end && (_text[_at] != '#' || _at == end))
            return Elsewhere();
        NextLine();
        return _elsewhere || _indent > indent ? Elsewhere() : value;
    }

    private DocumentNode? Value(int depth, bool flow)
    {
        if (_at == _end || depth > MaxDepth)
            return Elsewhere();
        return _text[_at] switch
        {
            (byte)'[' => FlowSequence(depth),
            (byte)'{' => FlowMapping(depth),
            (byte)'"' => Quoted(),
            _ => Plain(flow),
        };
    }

    private DocumentNode? FlowSequence(int depth)
    {
        List<DocumentNode> items = [];
        _at++;
        SkipSpaces();
        if (Take(']'))
            return new DocumentNode { Where = Where, Items = items };
        do
        {
            SkipSpaces();
            if (Value(depth + 1, flow: true) is not { } item)
                return Elsewhere();
            items.Add(item);
            SkipSpaces();
        }
        while (Take(','));
        return Take(']') ? new DocumentNode { Where = Where, Items = items } : Elsewhere();
    }

    private DocumentNode? FlowMapping(int depth)
    {
        List<DocumentMember> members = [];
        _at++;
        SkipSpaces();
        if (Take('}'))
            return new DocumentNode { Where = Where, Members = members };
        do
        {
            SkipSpaces();
            if (Key() is not { } key)
                return Elsewhere();
            if (IsTooMuch(members, key))
                return Elsewhere();
            SkipSpaces();
            if (Value(depth + 1, flow: true) is not { } value)
                return Elsewhere();
            members.Add(new DocumentMember(key, Where, value));
            SkipSpaces();
        }
        while (Take(','));
        return Take('}') ? new DocumentNode { Where = Where, Members = members } : Elsewhere();
    }

    private DocumentNode? Quoted()
    {
        int start = ++_at;
        while (_at < _end && _text[_at] is not ((byte)'"' or (byte)'\\'))
            _at++;
        string text = Encoding.ASCII.GetString(_text[start.._at]);
        return Take('"') ? new DocumentNode { Where = Where, Text = text } : Elsewhere();
    }

    /// <summary>Begins with a letter, a digit, a slash or a dot; in a flow it has no spaces and no colons.</summary>
    private DocumentNode? Plain(bool flow)
    {
        int start = _at;
        if (!IsLetterOrDigit(_text[_at]) && _text[_at] is not ((byte)'/' or (byte)'.'))
            return Elsewhere();
        while (_at < _end)
        {
            byte c = _text[_at];
            if (IsLetterOrDigit(c) || c is (byte)'.' or (byte)'/' or (byte)'_' or (byte)'-' or (byte)'+' or (byte)'@' or (byte)'*' or (byte)'=' or (byte)'~' or (byte)'(' or (byte)')' or (byte)';')
                _at++;
            else if (!flow && c == ':' && _at + 1 < _end && (IsLetterOrDigit(_text[_at + 1]) || _text[_at + 1] == '/'))
                _at++;
            else if (!flow && c == ',' && _at + 1 < _end && _text[_at + 1] == ' ')
                _at++;
            else if (!flow && c == ' ')
            {
                int next = _at;
                while (next < _end && _text[next] == ' ')
                    next++;
                if (next == _end || _text[next] == '#')
                    break;
                _at = next;
            }
            else if (flow && c is (byte)' ' or (byte)',' or (byte)']' or (byte)'}')
                break;
            else
                return Elsewhere();
        }
        string text = Encoding.ASCII.GetString(_text[start.._at]);
        return new DocumentNode { Where = Where, Text = text == "null" ? null : text };
    }

    /// <summary>Whether a key of letters, digits, dots, dashes and underscores stands here.</summary>
    private readonly bool AtKey()
    {
        int at = _at;
        while (at < _end && IsOfKey(_text[at]))
            at++;
        return at > _at && at < _end && _text[at] == ':' && (at + 1 == _end || _text[at + 1] == ' ');
    }

    /// <summary>Steps over the key and its colon; null when none of the plain kind stands here.</summary>
    private string? Key()
    {
        if (!AtKey() || !IsLetterOrDigit(_text[_at]))
            return null;
        int start = _at;
        while (_text[_at] != ':')
            _at++;
        string key = Encoding.ASCII.GetString(_text[start.._at]);
        _at++;
        return key == "null" ? null : key;
    }

    /// <summary>A key that stands twice, or more keys than are compared one by one.</summary>
    private static bool IsTooMuch(List<DocumentMember> members, string key)
    {
        foreach (DocumentMember member in members)
            if (member.Name == key)
                return true;
        return members.Count == MaxMembers;
    }

    /// <summary>Whether the dash of a sequence's entry stands here.</summary>
    private readonly bool AtEntry() => _text[_at] == '-' && (_at + 1 == _end || _text[_at + 1] == ' ');

    /// <summary>Whether nothing but a comment follows; what stands here comes after a space.</summary>
    private readonly bool AtEndOfLine() => _at == _end || (_text[_at] == '#' && _text[_at - 1] == ' ');

    private void SkipSpaces()
    {
        while (_at < _end && _text[_at] == ' ')
            _at++;
    }

    private bool Take(char wanted)
    {
        if (_at == _end || _text[_at] != wanted)
            return false;
        _at++;
        return true;
    }

    private static bool IsOfKey(byte c) => IsLetterOrDigit(c) || c is (byte)'.' or (byte)'-' or (byte)'_';

    private static bool IsLetterOrDigit(byte c) => c is (>= (byte)'a' and <= (byte)'z') or (>= (byte)'A' and <= (byte)'Z') or (>= (byte)'0' and <= (byte)'9');
}
