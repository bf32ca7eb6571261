using System.Text;

namespace Plimsoll.Inspect.Dockerfiles.Shell;

/// <summary>
/// Splits a POSIX or bash text into simple commands: quotes, pipes, lists, groups, substitutions, loops, functions and heredocs are
/// understood as far as needed to tell which words are a command's. No syntax error exists: any text gives commands.
/// </summary>
internal sealed class ShellParser
{
    /// <summary>Substitutions inside of substitutions.</summary>
    private const int MaxDepth = 24;

    private static readonly string[] Reserved = ["if", "then", "else", "elif", "fi", "while", "until", "do", "done", "esac", "!", "{", "}", "time", "coproc"];

    private readonly string _text;
    private readonly int _end;
    private readonly int _depth;
    private readonly State _state;
    private int _at;
    private Draft? _draft;
    private int _pipeline;
    private int _inPipeline;

    /// <summary>How many <c>case … esac</c> are open: a closing bracket there ends a pattern.</summary>
    private int _cases;
    private bool _patternNext;

    /// <summary>A pipe stands at the end of the line: what follows on the next one belongs to it.</summary>
    private bool _joined;

    private ShellParser(string text, int start, int end, int depth, State state)
    {
        (_text, _at, _end, _depth, _state) = (text, start, end, depth, state);
        _pipeline = state.NextPipeline++;
    }

    public static ShellScript Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        State state = new();
        int end = Math.Min(text.Length, ShellScript.MaxChars);
        new ShellParser(text, 0, end, 0, state).Run();
        return new ShellScript
        {
            Text = text,
            Commands = [.. state.Commands.OrderBy(c => c.Offset)],
            HasPipe = state.HasPipe,
            Cut = end < text.Length || state.Full,
        };
    }

    /// <summary>What the parsers of nested texts share.</summary>
    private sealed class State
    {
        public List<ShellCommand> Commands { get; } = [];
        public bool HasPipe { get; set; }
        public int NextPipeline { get; set; }
        public bool Full => Commands.Count >= ShellScript.MaxCommands;
    }

    private sealed class Draft
    {
        public string? Name { get; set; }
        public int Offset { get; set; }
        public List<ShellWord> Words { get; } = [];
        public List<KeyValuePair<string, string>> Assignments { get; } = [];
        public List<ShellRedirection> Redirections { get; } = [];

        /// <summary>Heredocs whose lines come behind the next line feed, by their place in <see cref="Redirections"/>.</summary>
        public List<(int Index, string Name, bool Strip)> Heredocs { get; } = [];
    }

    private void Run()
    {
        while (_at < _end && !_state.Full)
            Step();
        EndCommand();
    }

    private void Step()
    {
        char c = _text[_at];
        switch (c)
        {
            case ' ' or '\t' or '\r' or '\v' or '\f':
                _at++;
                break;
            case '\\' when _at + 1 < _end && _text[_at + 1] == '\n':
                _at += 2;
                break;
            case '\n':
                _at++;
                ReadHeredocs();
                EndCommand();
                if (!_joined)
                    NewPipeline();
                break;
            case '#':
                while (_at < _end && _text[_at] != '\n')
                    _at++;
                break;
            case ';':
                _at++;
                EndCommand();
                NewPipeline();
                if (_at < _end && _text[_at] == ';')
                {
                    _at++;
                    _patternNext = _cases > 0;
                }
                break;
            case '&':
                StepAmpersand();
                break;
            case '|':
                StepPipe();
                break;
            case '(':
                StepOpen();
                break;
            case ')':
                _at++;
                EndCommand();
                NewPipeline();
                _patternNext = false;
                break;
            case '<' or '>':
                Redirect("");
                break;
            default:
                StepWord();
                break;
        }
    }

    private void StepAmpersand()
    {
        if (At("&>>") || At("&>"))
        {
            Redirect("&");
            return;
        }
        _at += At("&&") ? 2 : 1;
        EndCommand();
        NewPipeline();
    }

    private void StepPipe()
    {
        if (_patternNext)
        {
            // An alternative of a case pattern.
            _at++;
            return;
        }
        bool or = At("||");
        _at += or || At("|&") ? 2 : 1;
        EndCommand();
        if (or)
            NewPipeline();
        else
        {
            _inPipeline++;
            _state.HasPipe = true;
            _joined = true;
        }
    }

    private void StepOpen()
    {
        _at++;
        if (_draft is { Name: not null } && _draft.Words.Count == 0 && At(")"))
        {
            // A function's head: its body's commands count, its name is none.
            _at++;
            _draft = null;
            return;
        }
        if (At("(") && _draft is null)
        {
            // (( … )) is arithmetic.
            int depth = 1;
            for (_at++; _at < _end && depth > 0; _at++)
                depth += _text[_at] == '(' ? 1 : _text[_at] == ')' ? -1 : 0;
            if (At(")"))
                _at++;
            return;
        }
        EndCommand();
    }

    private void StepWord()
    {
        _joined = false;
        int start = _at;
        string word = ReadWord(out bool quoted);
        if (_at == start)
        {
            // Nothing that any rule above took: one character further, or the loop would stand.
            _at++;
            return;
        }
        if (_patternNext)
        {
            if (word == "esac" && !quoted)
            {
                _cases--;
                _patternNext = false;
            }
            return;
        }
        // A number right before < or > belongs to the redirection.
        if (!quoted && _at < _end && _text[_at] is '<' or '>' && word.Length > 0 && word.All(char.IsAsciiDigit))
        {
            Redirect(word);
            return;
        }
        if (_draft?.Name is null && !quoted)
        {
            if (StepReserved(word))
                return;
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            if (IsAssignment(word, equals))
            {
                _draft ??= new Draft { Offset = start };
                _draft.Assignments.Add(new(word[..equals].TrimEnd('+'), word[(equals + 1)..]));
                return;
            }
        }
        else if (_draft?.Name is null)
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            // A="b c": the quotes stand behind the sign.
            if (IsAssignment(word, equals) && _text.AsSpan(start, Math.Min(equals + 1, _at - start)).SequenceEqual(word.AsSpan(0, equals + 1)))
            {
                _draft ??= new Draft { Offset = start };
                _draft.Assignments.Add(new(word[..equals].TrimEnd('+'), word[(equals + 1)..]));
                return;
            }
        }
        _draft ??= new Draft();
        if (_draft.Name is null)
            (_draft.Name, _draft.Offset) = (word, start);
        else
            _draft.Words.Add(new ShellWord(word, start, quoted));
    }

    private bool StepReserved(string word)
    {
        if (_draft is not null)
            return false;
        switch (word)
        {
            case "case":
                SkipWords(untilIn: true);
                _cases++;
                _patternNext = true;
                return true;
            case "for" or "select":
                SkipWords(untilIn: false);
                return true;
            case "function":
                SkipBlanks();
                _ = ReadWord(out _);
                if (At("()"))
                    _at += 2;
                return true;
            case "esac":
                _cases = Math.Max(0, _cases - 1);
                return true;
            case "[[":
                // A test of bash: what stands inside are no commands, and its && and || no lists.
                int close = _text.IndexOf("]]", _at, _end - _at, StringComparison.Ordinal);
                _at = close < 0 ? _end : close + 2;
                return true;
            default:
                return Array.IndexOf(Reserved, word) >= 0;
        }
    }

    /// <summary>The head of a loop or a case: up to <c>in</c> for a case, to the end of the list for a loop.</summary>
    private void SkipWords(bool untilIn)
    {
        while (_at < _end)
        {
            SkipBlanks();
            if (_at >= _end || _text[_at] is ';' or '\n' or '&' or '|' or ')' or '<' or '>')
                return;
            if (_text[_at] == '(')
            {
                _at++;
                continue;
            }
            int start = _at;
            string word = ReadWord(out _);
            if (_at == start)
                _at++;
            if (untilIn && word == "in")
                return;
        }
    }

    private void SkipBlanks()
    {
        while (_at < _end && (_text[_at] is ' ' or '\t' || _text[_at] == '\\' && _at + 1 < _end && _text[_at + 1] == '\n'))
            _at += _text[_at] == '\\' ? 2 : 1;
    }

    private static bool IsAssignment(string word, int equals)
    {
        if (equals <= 0 || char.IsAsciiDigit(word[0]))
            return false;
        ReadOnlySpan<char> name = word.AsSpan(0, equals);
        if (name[^1] == '+')
            name = name[..^1];
        foreach (char c in name)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '[' or ']'))
                return false;
        return !name.IsEmpty;
    }

    /// <summary>A word with its quotes taken away; commands inside of substitutions are read on the way.</summary>
    private string ReadWord(out bool quoted)
    {
        StringBuilder word = new();
        quoted = false;
        while (_at < _end)
        {
            char c = _text[_at];
            if (c is ' ' or '\t' or '\n' or '\r' or '\v' or '\f' or ';' or '&' or '|' or '(' or ')' or '<' or '>')
                break;
            switch (c)
            {
                case '\\':
                    _at++;
                    if (_at < _end)
                    {
                        if (_text[_at] != '\n')
                            word.Append(_text[_at]);
                        quoted = true;
                        _at++;
                    }
                    break;
                case '\'':
                    quoted = true;
                    int close = _text.IndexOf('\'', _at + 1, _end - _at - 1);
                    int end = close < 0 ? _end : close;
                    word.Append(_text, _at + 1, end - _at - 1);
                    _at = Math.Min(end + 1, _end);
                    break;
                case '"':
                    quoted = true;
                    ReadDoubleQuoted(word);
                    break;
                case '$' when _at + 1 < _end && _text[_at + 1] is '(' or '{':
                    ReadDollar(word);
                    break;
                case '`':
                    ReadBackticks(word);
                    break;
                default:
                    word.Append(c);
                    _at++;
                    break;
            }
        }
        return word.ToString();
    }

    private void ReadDoubleQuoted(StringBuilder word)
    {
        for (_at++; _at < _end && _text[_at] != '"';)
        {
            char c = _text[_at];
            if (c == '\\' && _at + 1 < _end)
            {
                if (_text[_at + 1] is not ('"' or '\\' or '$' or '`' or '\n'))
                    word.Append(c);
                if (_text[_at + 1] != '\n')
                    word.Append(_text[_at + 1]);
                _at += 2;
            }
            else if (c == '$' && _at + 1 < _end && _text[_at + 1] is '(' or '{')
                ReadDollar(word);
            else if (c == '`')
                ReadBackticks(word);
            else
            {
                word.Append(c);
                _at++;
            }
        }
        _at = Math.Min(_at + 1, _end);
    }

    /// <summary><c>$(…)</c>, <c>$((…))</c> or <c>${…}</c>; the word keeps it as it is written.</summary>
    private void ReadDollar(StringBuilder word)
    {
        int start = _at, end = Closing(_at + 1);
        int inner = _at + 2, innerEnd = Math.Max(inner, Math.Min(end - 1, _end));
        bool arithmetic = _text[_at + 1] == '(' && inner < _end && _text[inner] == '(';
        if (_text[_at + 1] == '(' && !arithmetic)
        {
            Nested(_text, inner, innerEnd);
        }
        _at = end;
        word.Append(_text, start, Math.Min(end, _end) - start);
    }

    private void ReadBackticks(StringBuilder word)
    {
        int start = _at, close = _at + 1;
        while (close < _end && _text[close] != '`')
            close += _text[close] == '\\' && close + 1 < _end ? 2 : 1;
        close = Math.Min(close, _end);
        Nested(_text, start + 1, Math.Max(start + 1, close));
        _at = Math.Min(close + 1, _end);
        word.Append(_text, start, _at - start);
    }

    private void Nested(string text, int start, int end)
    {
        if (_depth < MaxDepth && start < end && !_state.Full)
            new ShellParser(text, start, end, _depth + 1, _state).Run();
    }

    /// <summary>Index behind the bracket that closes the one at <paramref name="open"/>; quotes inside are skipped.</summary>
    private int Closing(int open)
    {
        char left = _text[open], right = left == '(' ? ')' : '}';
        int depth = 0, at = open;
        while (at < _end)
        {
            char c = _text[at];
            if (c == '\\')
                at++;
            else if (c == '\'')
            {
                int close = at + 1 < _end ? _text.IndexOf('\'', at + 1, _end - at - 1) : -1;
                at = close < 0 ? _end : close;
            }
            else if (c == '"')
            {
                for (at++; at < _end && _text[at] != '"'; at++)
                    if (_text[at] == '\\')
                        at++;
            }
            else if (c == left)
                depth++;
            else if (c == right && --depth == 0)
                return at + 1;
            at++;
        }
        return _end;
    }

    private void Redirect(string descriptor)
    {
        int start = _at;
        while (_at < _end && _at - start < 3 && (_text[_at] is '<' or '>' || _text[_at] == '&' || _text[_at] == '|' && _at > start))
            _at++;
        string sign = _text[start.._at];
        // <(…) and >(…) are words: processes whose output is read like a file.
        if (sign is "<" or ">" && At("("))
        {
            int end = Closing(_at);
            Nested(_text, _at + 1, Math.Max(_at + 1, end - 1));
            _draft ??= new Draft { Offset = start };
            _draft.Words.Add(new ShellWord(_text[start..end], start, false));
            _at = end;
            return;
        }
        bool strip = sign == "<<" && At("-");
        if (strip)
            _at++;
        SkipBlanks();
        string target = ReadWord(out _);
        _draft ??= new Draft { Offset = start };
        if (sign == "<<" && target.Length > 0)
            _draft.Heredocs.Add((_draft.Redirections.Count, target, strip));
        _draft.Redirections.Add(new ShellRedirection(descriptor is "" or "&" ? sign : descriptor + sign, target));
    }

    /// <summary>The lines behind a line with <c>&lt;&lt;WORD</c> belong to it and hold no commands.</summary>
    private void ReadHeredocs()
    {
        if (_draft is null)
        {
            foreach ((ShellCommand command, int index, string name, bool strip) in _waiting)
                Put(command, index, TakeLines(name, strip));
            _waiting.Clear();
            return;
        }
        EndCommand();
        ReadHeredocs();
    }

    private readonly List<(ShellCommand Command, int Index, string Name, bool Strip)> _waiting = [];

    private static void Put(ShellCommand command, int index, string content)
    {
        if (command.Redirections is List<ShellRedirection> list && index < list.Count)
            list[index] = list[index] with { Target = content };
    }

    private string TakeLines(string name, bool strip)
    {
        StringBuilder content = new();
        while (_at < _end)
        {
            int feed = _text.IndexOf('\n', _at, _end - _at), end = feed < 0 ? _end : feed;
            ReadOnlySpan<char> line = _text.AsSpan(_at, end - _at);
            if (strip)
                line = line.TrimStart('\t');
            _at = feed < 0 ? _end : feed + 1;
            if (line.TrimEnd('\r').SequenceEqual(name))
                break;
            content.Append(line).Append('\n');
        }
        return content.ToString();
    }

    private void EndCommand()
    {
        if (_draft is not { } draft)
            return;
        _draft = null;
        if (_state.Full)
            return;
        ShellCommand command = new()
        {
            Name = draft.Name ?? "",
            Words = draft.Words,
            Assignments = draft.Assignments,
            Redirections = draft.Redirections,
            Offset = draft.Offset,
            Pipeline = _pipeline,
            InPipeline = _inPipeline,
        };
        _state.Commands.Add(command);
        foreach ((int index, string name, bool strip) in draft.Heredocs)
            _waiting.Add((command, index, name, strip));
    }

    private void NewPipeline()
    {
        _pipeline = _state.NextPipeline++;
        _inPipeline = 0;
    }

    private bool At(string text) => _end - _at >= text.Length && _text.AsSpan(_at, text.Length).SequenceEqual(text);
}
