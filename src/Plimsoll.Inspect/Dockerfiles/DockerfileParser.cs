using System.Text;
using System.Text.Json;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Dockerfiles;

/// <summary>Reads Dockerfiles as BuildKit does, and goes on behind an error.</summary>
/// <remarks>Source: docs.docker.com/reference/dockerfile; moby/buildkit frontend/dockerfile/parser for what that leaves open.</remarks>
public sealed class DockerfileParser
{
    private static readonly Dictionary<string, string[]> FlagsOf = new(StringComparer.Ordinal)
    {
        ["FROM"] = ["platform"],
        ["RUN"] = ["mount", "network", "security", "device"],
        ["COPY"] = ["from", "chown", "chmod", "link", "parents", "exclude"],
        ["ADD"] = ["chown", "chmod", "link", "keep-git-dir", "checksum", "exclude", "unpack"],
        ["HEALTHCHECK"] = ["interval", "timeout", "start-period", "start-interval", "retries"],
    };

    private static readonly string[] Keywords =
    [
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL",
        "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    ];

    private readonly string[] _lines;
    private readonly List<Instruction> _instructions = [];
    private readonly List<Comment> _comments = [];
    private readonly List<ParseError> _errors = [];
    private readonly List<Stage> _stages = [];
    private readonly Dictionary<string, string> _directives = new(StringComparer.Ordinal);
    private char _escape = '\\';

    private DockerfileParser(string text) => _lines = LinesOf(text);

    /// <summary>Never throws: what is wrong stands in <see cref="Dockerfile.Errors"/>.</summary>
    public static Dockerfile Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new DockerfileParser(text).Parse();
    }

    /// <summary>UTF-8, with or without a byte order mark; bytes that are none become U+FFFD.</summary>
    public static Dockerfile Parse(ReadOnlySpan<byte> content)
    {
        if (content.Length > DockerfileLimits.MaxBytes)
            return new Dockerfile { Errors = [new ParseError(1, 1, $"{content.Length} bytes; at most {DockerfileLimits.MaxBytes} are read")] };
        if (content.StartsWith("\uFEFF"u8))
            content = content[3..];
        return Parse(Encoding.UTF8.GetString(content));
    }

    private static string[] LinesOf(string text)
    {
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
            if (lines[i].EndsWith('\r'))
                lines[i] = lines[i][..^1];
        return lines;
    }

    private Dockerfile Parse()
    {
        int at = ReadDirectives();
        while (at < _lines.Length)
        {
            string line = _lines[at];
            if (IsComment(line, out string comment))
                _comments.Add(new Comment(++at, comment));
            else if (string.IsNullOrWhiteSpace(line))
                at++;
            else if (_instructions.Count == DockerfileLimits.MaxInstructions)
            {
                Error(at + 1, 1, $"more than {DockerfileLimits.MaxInstructions} instructions; the rest is not read");
                break;
            }
            else
                at = ReadInstruction(at);
        }
        if (_instructions.Count == 0 && _errors.Count == 0)
            Error(1, 1, "the file has no instructions");
        return new Dockerfile
        {
            Instructions = _instructions,
            Comments = _comments,
            Directives = _directives,
            Errors = [.. _errors.OrderBy(e => e.Line).ThenBy(e => e.Column)],
            Stages = _stages,
            Escape = _escape,
        };
    }

    /// <summary>Directives stand before all else; the first line that is none ends them, another comment too.</summary>
    private int ReadDirectives()
    {
        int at = 0;
        for (; at < _lines.Length && IsComment(_lines[at], out string comment); at++)
        {
            int equals = comment.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? "" : comment[..equals].Trim().ToLowerInvariant();
            if (name is not ("syntax" or "escape" or "check"))
                break;
            string value = comment[(equals + 1)..].Trim();
            _comments.Add(new Comment(at + 1, comment));
            if (!_directives.TryAdd(name, value))
                Error(at + 1, 1, $"the directive {name} stands there twice");
            else if (name == "escape" && value is not ("\\" or "`"))
                Error(at + 1, 1, $"the escape character {Escape.Quote(value)} is neither \\ nor `");
            else if (name == "escape")
                _escape = value[0];
        }
        return at;
    }

    private static bool IsComment(string line, out string comment)
    {
        ReadOnlySpan<char> text = line.AsSpan().TrimStart();
        bool isOne = text.StartsWith("#");
        comment = isOne ? text[1..].Trim().ToString() : "";
        return isOne;
    }

    /// <summary>One instruction with its continuations and heredocs.</summary>
    /// <returns>Index of the first line behind it.</returns>
    private int ReadInstruction(int first)
    {
        StringBuilder text = new();
        List<(int Offset, int Line, int Column)> pieces = [];
        int at = first;
        bool goesOn = true;
        for (; at < _lines.Length && goesOn; at++)
        {
            string line = _lines[at];
            if (at > first)
            {
                if (IsComment(line, out string comment))
                {
                    _comments.Add(new Comment(at + 1, comment));
                    continue;
                }
                // Builders skip empty lines inside, with a warning.
                if (string.IsNullOrWhiteSpace(line))
                    continue;
            }
            int start = at == first ? line.Length - line.AsSpan().TrimStart().Length : 0;
            string content = line[start..];
            goesOn = Continues(content, out int length);
            pieces.Add((text.Length, at + 1, start + 1));
            text.Append(content, 0, length);
        }
        if (goesOn)
            Error(at, 1, "the file ends inside of a continued line");
        string joined = text.ToString().TrimEnd();
        SourceMap map = new(pieces);
        Instruction? instruction = Make(joined, map, first + 1, at, wrapped: false, ref at);
        if (instruction is not null)
            _instructions.Add(instruction with { EndLine = at });
        return at;
    }

    /// <summary>The escape character ends the line; white space may follow, another escape character before it takes its meaning away.</summary>
    private bool Continues(string line, out int length)
    {
        int end = line.AsSpan().TrimEnd(" \t").Length;
        bool continues = end > 0 && line[end - 1] == _escape && (end == 1 || line[end - 2] != _escape);
        length = continues ? end - 1 : line.Length;
        return continues;
    }

    private Instruction? Make(string joined, SourceMap map, int line, int endLine, bool wrapped, ref int next)
    {
        int space = joined.AsSpan().IndexOfAny(" \t\v\f\r");
        string word = space < 0 ? joined : joined[..space], keyword = word.ToUpperInvariant();
        (int _, int column) = map.At(0);
        if (Array.IndexOf(Keywords, keyword) < 0)
        {
            Error(line, column, $"unknown instruction {Escape.Quote(word)}");
            return null;
        }
        string rest = space < 0 ? "" : joined[space..];
        int offset = space < 0 ? joined.Length : space;
        List<InstructionFlag> flags = TakeFlags(keyword, ref rest, ref offset, map);
        int lead = rest.Length - rest.AsSpan().TrimStart().Length;
        rest = rest[lead..];
        offset += lead;
        SourceMap argumentMap = map.From(offset);
        Instruction instruction = new() { Keyword = keyword, Line = line, Column = column, EndLine = endLine, Flags = flags, Text = rest, Map = argumentMap, Stage = _stages.Count - 1 };
        if (keyword == "ONBUILD")
        {
            if (rest.Length == 0)
            {
                Error(line, column, "ONBUILD needs an instruction");
                return null;
            }
            if (wrapped)
                // DL3043 speaks of it; what it wraps in turn says no more.
                return instruction;
            (int innerLine, int _) = argumentMap.At(0);
            Instruction? inner = Make(rest, argumentMap, innerLine, endLine, wrapped: true, ref next);
            return inner is null ? null : instruction with { Inner = inner with { EndLine = next } };
        }
        if (keyword is "RUN" or "COPY" or "ADD")
            instruction = instruction with { Heredocs = TakeHeredocs(rest, ref next) };
        instruction = instruction with { Json = JsonOf(instruction) };
        Check(instruction, wrapped);
        if (keyword == "FROM" && !wrapped)
            instruction = AddStage(instruction);
        return instruction;
    }

    private List<InstructionFlag> TakeFlags(string keyword, ref string rest, ref int offset, SourceMap map)
    {
        List<InstructionFlag> flags = [];
        if (!FlagsOf.TryGetValue(keyword, out string[]? known))
            return flags;
        int end = 0;
        foreach (DockerWords.Word word in DockerWords.Split(rest, _escape))
        {
            if (!word.Text.StartsWith("--", StringComparison.Ordinal))
                break;
            end = word.Offset + word.Text.Length;
            int equals = word.Text.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? word.Text[2..] : word.Text[2..equals];
            if (name.Length == 0)
                break;
            (int line, int column) = map.At(offset + word.Offset);
            if (Array.IndexOf(known, name) < 0)
                Error(line, column, $"{keyword} has no flag {Escape.Quote("--" + name)}; it has {string.Join(", ", known.Select(k => "--" + k))}");
            flags.Add(new InstructionFlag(name, equals < 0 ? null : DockerWords.Unquote(word.Text[(equals + 1)..], _escape), line, column));
        }
        rest = rest[end..];
        offset += end;
        return flags;
    }

    /// <summary>Reads the lines of each <c>&lt;&lt;WORD</c> of the instruction, in their order.</summary>
    private List<Heredoc> TakeHeredocs(string text, ref int next)
    {
        List<Heredoc> heredocs = [];
        foreach (DockerWords.Word word in DockerWords.Split(text, _escape))
        {
            if (!IsHeredoc(word.Text, out string name, out bool expand, out bool strip))
                continue;
            if (heredocs.Count == DockerfileLimits.MaxHeredocs)
            {
                Error(next, 1, $"more than {DockerfileLimits.MaxHeredocs} heredocs in one instruction");
                break;
            }
            int start = next;
            StringBuilder content = new();
            bool ended = false;
            while (next < _lines.Length && !ended)
            {
                string line = strip ? _lines[next].TrimStart('\t') : _lines[next];
                next++;
                if (line == name)
                    ended = true;
                else
                    content.Append(line).Append('\n');
            }
            if (!ended)
                Error(start, 1, $"the heredoc {Escape.Quote(name)} has no end");
            heredocs.Add(new Heredoc(name, expand, strip, content.ToString(), start + 1));
        }
        return heredocs;
    }

    /// <summary><c>&lt;&lt;EOF</c>, <c>3&lt;&lt;-"EOF"</c>: a word of its own, as BuildKit has it.</summary>
    internal static bool IsHeredoc(string word, out string name, out bool expand, out bool strip)
    {
        (name, expand, strip) = ("", true, false);
        int at = 0;
        while (at < word.Length && char.IsAsciiDigit(word[at]))
            at++;
        if (!word.AsSpan(at).StartsWith("<<"))
            return false;
        at += 2;
        if (at < word.Length && word[at] == '-')
        {
            strip = true;
            at++;
        }
        string rest = word[at..];
        if (rest.Length == 0 || rest.Contains('<', StringComparison.Ordinal))
            return false;
        name = DockerWords.Unquote(rest, '\\');
        expand = name == rest;
        return name.Length > 0;
    }

    private static List<string>? JsonOf(Instruction instruction)
    {
        string text = instruction.Text;
        if (instruction.Keyword == "HEALTHCHECK")
        {
            int space = text.AsSpan().IndexOfAny(" \t");
            if (space < 0 || !text[..space].Equals("CMD", StringComparison.OrdinalIgnoreCase))
                return null;
            text = text[space..];
        }
        else if (instruction.Keyword is not ("RUN" or "CMD" or "ENTRYPOINT" or "SHELL" or "ADD" or "COPY" or "VOLUME"))
            return null;
        text = text.Trim();
        return text.StartsWith('[') ? Words(text) : null;
    }

    /// <summary>A JSON list of strings and nothing else; null for all else, which is then the shell form.</summary>
    private static List<string>? Words(string text)
    {
        try
        {
            Utf8JsonReader json = new(Encoding.UTF8.GetBytes(text));
            List<string> words = [];
            if (!json.Read() || json.TokenType != JsonTokenType.StartArray)
                return null;
            while (json.Read() && json.TokenType == JsonTokenType.String)
                words.Add(json.GetString()!);
            return json.TokenType == JsonTokenType.EndArray && !json.Read() ? words : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second: an escape in a string that is half a character.
            return null;
        }
    }

    private Instruction AddStage(Instruction instruction)
    {
        string[] words = [.. DockerWords.Split(instruction.Text, _escape).Select(w => DockerWords.Unquote(w.Text, _escape))];
        string? name = words.Length == 3 && words[1].Equals("AS", StringComparison.OrdinalIgnoreCase) ? words[2] : null;
        Instruction own = instruction with { Stage = _stages.Count };
        _stages.Add(new Stage(_stages.Count, name, BaseReference.Parse(words.Length > 0 ? words[0] : "", instruction.Flag("platform")), own));
        return own;
    }

    /// <summary>What a builder refuses at once.</summary>
    private void Check(Instruction i, bool wrapped)
    {
        List<DockerWords.Word> words = DockerWords.Split(i.Text, _escape);
        string? wrong = i.Keyword switch
        {
            "FROM" when !wrapped && !(words.Count == 1 || words.Count == 3 && words[1].Text.Equals("AS", StringComparison.OrdinalIgnoreCase)) => "FROM wants IMAGE, or IMAGE AS NAME",
            "COPY" or "ADD" when (i.Json?.Count ?? words.Count) < 2 => $"{i.Keyword} wants at least a source and a target",
            "RUN" when words.Count == 0 && i.Flags.Count == 0 => "RUN wants a command",
            "ENV" or "LABEL" => DockerWords.Pairs(i.Text, _escape, allowBare: false, out string error) is null ? $"{i.Keyword}: {error}" : null,
            "ARG" => DockerWords.Pairs(i.Text, _escape, allowBare: true, out string error) is null ? $"ARG: {error}" : null,
            "WORKDIR" or "USER" or "STOPSIGNAL" or "EXPOSE" or "VOLUME" or "MAINTAINER" or "HEALTHCHECK" when words.Count == 0 => $"{i.Keyword} wants a value",
            "STOPSIGNAL" when words.Count > 1 => "STOPSIGNAL wants one signal",
            "SHELL" when i.Json is not { Count: > 0 } => "SHELL wants its words as a JSON list: SHELL [\"/bin/bash\", \"-c\"]",
            "HEALTHCHECK" when words[0].Text.ToUpperInvariant() is not ("CMD" or "NONE") => $"HEALTHCHECK wants CMD or NONE, not {Escape.Quote(words[0].Text)}",
            "HEALTHCHECK" when words[0].Text.Equals("CMD", StringComparison.OrdinalIgnoreCase) && words.Count == 1 => "HEALTHCHECK CMD wants a command",
            _ => null,
        };
        if (wrong is not null)
            Error(i.Line, i.Column, wrong);
    }

    private void Error(int line, int column, string message)
    {
        if (_errors.Count < DockerfileLimits.MaxErrors)
            _errors.Add(new ParseError(Math.Max(line, 1), Math.Max(column, 1), message));
    }
}
