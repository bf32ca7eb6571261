namespace Plimsoll.Inspect.Dockerfiles;

/// <summary>Bounds of what is read of a Dockerfile.</summary>
public static class DockerfileLimits
{
    /// <summary>Bytes of a file. The longest that we know, generated ones, have some 100 kB.</summary>
    public const int MaxBytes = 2 * 1024 * 1024;

    /// <summary>Instructions of a file.</summary>
    public const int MaxInstructions = 20_000;

    /// <summary>Errors that are kept; a file of noise has one for each line.</summary>
    public const int MaxErrors = 100;

    /// <summary>Heredocs of one instruction.</summary>
    public const int MaxHeredocs = 100;
}

/// <summary>A Dockerfile as it was written: instructions in their order, with the place of each.</summary>
public sealed record Dockerfile
{
    public IReadOnlyList<Instruction> Instructions { get; init; } = [];

    /// <summary>Comment lines, also those inside continued instructions, without the <c>#</c>; by line.</summary>
    public IReadOnlyList<Comment> Comments { get; init; } = [];

    /// <summary>Parser directives by name in lower case: <c>syntax</c>, <c>escape</c>, <c>check</c>.</summary>
    public IReadOnlyDictionary<string, string> Directives { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What a builder would refuse; by line. The rest of the file is read all the same.</summary>
    public IReadOnlyList<ParseError> Errors { get; init; } = [];

    /// <summary>In the file's order; each begins with a FROM.</summary>
    public IReadOnlyList<Stage> Stages { get; init; } = [];

    /// <summary><c>\</c>, or <c>`</c> by the directive.</summary>
    public char Escape { get; init; } = '\\';
}

/// <param name="Line">1 for the first.</param>
/// <param name="Message">English; untrusted text inside is quoted.</param>
public sealed record ParseError(int Line, int Column, string Message);

public sealed record Comment(int Line, string Text);

/// <summary>A flag of an instruction: <c>--from=build</c>.</summary>
/// <param name="Name">Without the dashes.</param>
/// <param name="Value">Null for a flag without <c>=</c>.</param>
public sealed record InstructionFlag(string Name, string? Value, int Line, int Column);

/// <summary>A here-document: <c>&lt;&lt;EOF</c> and its lines.</summary>
/// <param name="Name">The word that ends it, without quotes.</param>
/// <param name="Expand">False when the word was quoted: variables inside are no variables then.</param>
/// <param name="StripTabs">True for <c>&lt;&lt;-</c>.</param>
/// <param name="Content">With a line feed at the end of each line; tabs are stripped where asked.</param>
/// <param name="Line">Of its first line of content.</param>
public sealed record Heredoc(string Name, bool Expand, bool StripTabs, string Content, int Line);

/// <summary>One instruction.</summary>
public sealed record Instruction
{
    /// <summary>In capitals; never empty.</summary>
    public required string Keyword { get; init; }

    /// <summary>Of the keyword's first letter; 1 for the first.</summary>
    public required int Line { get; init; }
    public required int Column { get; init; }

    /// <summary>The last line that belongs to it, heredocs included.</summary>
    public required int EndLine { get; init; }
    public IReadOnlyList<InstructionFlag> Flags { get; init; } = [];

    /// <summary>All behind the flags, in one line: continuations and comments between them are gone.</summary>
    public string Text { get; init; } = "";

    /// <summary>Where <see cref="Text"/>'s characters stand in the file.</summary>
    internal SourceMap Map { get; init; } = SourceMap.None;

    /// <summary>The words of the exec (JSON) form; null for the shell form.</summary>
    public IReadOnlyList<string>? Json { get; init; }
    public IReadOnlyList<Heredoc> Heredocs { get; init; } = [];

    /// <summary>What ONBUILD wraps; else null.</summary>
    public Instruction? Inner { get; init; }

    /// <summary>Index into <see cref="Dockerfile.Stages"/>; -1 before the first FROM.</summary>
    public int Stage { get; init; } = -1;

    /// <summary>The value of a flag; null when it is not there or has none.</summary>
    public string? Flag(string name)
    {
        foreach (InstructionFlag flag in Flags)
            if (flag.Name == name)
                return flag.Value;
        return null;
    }
}

/// <summary>A stage of a build.</summary>
/// <param name="Index">0 for the first; <c>COPY --from</c> may name it so.</param>
/// <param name="Name">As written behind AS; null when it has none.</param>
public sealed record Stage(int Index, string? Name, BaseReference Base, Instruction From);

/// <summary>What stands behind FROM. Variables are not expanded.</summary>
/// <param name="Image">Without tag and digest, registry included; untrusted text.</param>
/// <param name="Registry">What stands before the first slash when it has a dot or colon, or is localhost; else null.</param>
public sealed record BaseReference(string Text, string Image, string? Registry, string? Tag, string? Digest, string? Platform)
{
    public static BaseReference Parse(string text, string? platform)
    {
        ArgumentNullException.ThrowIfNull(text);
        string rest = text;
        string? digest = null, tag = null, registry = null;
        int at = rest.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0)
            (rest, digest) = (rest[..at], rest[(at + 1)..]);
        int colon = LastColon(rest);
        if (colon >= 0)
            (rest, tag) = (rest[..colon], rest[(colon + 1)..]);
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0 && (rest.AsSpan(0, slash).ContainsAny('.', ':') || rest[..slash] == "localhost"))
            registry = rest[..slash];
        return new BaseReference(text, rest, registry, tag, digest, platform);
    }

    /// <summary>The colon before a tag: behind the last slash, and none that stands inside of <c>${…}</c>.</summary>
    private static int LastColon(string text)
    {
        int depth = 0, found = -1;
        for (int i = 0; i < text.Length; i++)
            if (text[i] == '{' && i > 0 && text[i - 1] == '$')
                depth++;
            else if (text[i] == '}' && depth > 0)
                depth--;
            else if (depth == 0 && text[i] == '/')
                found = -1;
            else if (depth == 0 && text[i] == ':')
                found = i;
        return found;
    }
}

/// <summary>Where the characters of a joined text stand in the file: pieces by their first character.</summary>
internal sealed class SourceMap(IReadOnlyList<(int Offset, int Line, int Column)> pieces)
{
    public static SourceMap None { get; } = new([]);

    public IReadOnlyList<(int Offset, int Line, int Column)> Pieces { get; } = pieces;

    /// <summary>Line and column of a character; (0, 0) when nothing is known.</summary>
    public (int Line, int Column) At(int offset)
    {
        int low = 0, high = Pieces.Count - 1, found = -1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (Pieces[middle].Offset <= offset)
                (found, low) = (middle, middle + 1);
            else
                high = middle - 1;
        }
        return found < 0 ? (0, 0) : (Pieces[found].Line, Pieces[found].Column + offset - Pieces[found].Offset);
    }

    /// <summary>The map of the text from a character on.</summary>
    public SourceMap From(int offset)
    {
        if (offset == 0 || Pieces.Count == 0)
            return this;
        List<(int, int, int)> rest = [];
        (int line, int column) = At(offset);
        rest.Add((0, line, column));
        foreach ((int start, int pieceLine, int pieceColumn) in Pieces)
            if (start > offset)
                rest.Add((start - offset, pieceLine, pieceColumn));
        return new SourceMap(rest);
    }
}
