using System.Text;

namespace Plimsoll.Inspect.Dockerfiles.Shell;

/// <summary>The simple commands of a shell text in the order they stand, those of substitutions and functions among them.</summary>
internal sealed record ShellScript
{
    /// <summary>Commands that are kept; a text of noise has one for every two characters.</summary>
    public const int MaxCommands = 20_000;

    /// <summary>Characters of a text that are looked at.</summary>
    public const int MaxChars = 512 * 1024;

    public string Text { get; init; } = "";
    public IReadOnlyList<ShellCommand> Commands { get; init; } = [];

    /// <summary>True when one command's output goes into another's input.</summary>
    public bool HasPipe { get; init; }

    /// <summary>True when a limit ended the reading.</summary>
    public bool Cut { get; init; }
}

/// <summary>A word with quotes taken away; variables stay as they are written.</summary>
/// <param name="Offset">Of its first character in the text.</param>
/// <param name="Quoted">True when any part of it was in quotes.</param>
internal readonly record struct ShellWord(string Text, int Offset, bool Quoted);

/// <param name="Operator"><c>&gt;</c>, <c>&gt;&gt;</c>, <c>&lt;</c>, <c>&lt;&lt;</c>, <c>&lt;&lt;&lt;</c>, <c>&amp;&gt;</c> …</param>
/// <param name="Target">A file's name, a descriptor, or a heredoc's content.</param>
internal readonly record struct ShellRedirection(string Operator, string Target);

/// <summary>A simple command.</summary>
internal sealed record ShellCommand
{
    /// <summary>As written, without quotes; empty where only variables are assigned.</summary>
    public required string Name { get; init; }
    public IReadOnlyList<ShellWord> Words { get; init; } = [];

    /// <summary><c>A=1</c> in front of the name.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Assignments { get; init; } = [];
    public IReadOnlyList<ShellRedirection> Redirections { get; init; } = [];

    /// <summary>Of the name in the text.</summary>
    public int Offset { get; init; }

    /// <summary>Equal for commands of one pipeline.</summary>
    public int Pipeline { get; init; }

    /// <summary>0 for the first of a pipeline.</summary>
    public int InPipeline { get; init; }

    /// <summary>The arguments, flags among them.</summary>
    public IEnumerable<string> Arguments => Words.Select(w => w.Text);

    public bool HasArgument(string argument) => Words.Any(w => w.Text == argument);

    /// <summary>True when the command has the name and any of the arguments.</summary>
    public bool Is(string name, params ReadOnlySpan<string> anyArgument)
    {
        if (Name != name)
            return false;
        foreach (string argument in anyArgument)
            if (HasArgument(argument))
                return true;
        return false;
    }

    /// <summary>Long names without dashes, and letters of bundles such as <c>-qy</c>.</summary>
    public bool HasFlag(params ReadOnlySpan<string> names)
    {
        foreach (ShellWord word in Words)
            foreach (string name in names)
                if (IsFlag(word.Text, name))
                    return true;
        return false;
    }

    /// <summary>Arguments that are no flags.</summary>
    /// <param name="withValue">Flags whose next word is their value and no argument.</param>
    public List<string> Plain(params ReadOnlySpan<string> withValue)
    {
        List<string> plain = [];
        bool skip = false;
        foreach (ShellWord word in Words)
        {
            string text = word.Text;
            if (skip)
            {
                skip = false;
                continue;
            }
            if (text.Length > 1 && text[0] == '-' && text != "--")
            {
                if (!text.Contains('=', StringComparison.Ordinal))
                    foreach (string flag in withValue)
                        // A bundle's letter takes the next word only when it stands last.
                        if (text == "--" + flag || flag.Length == 1 && text[1] != '-' && text[^1] == flag[0] || text == "-" + flag)
                            skip = true;
                continue;
            }
            plain.Add(text);
        }
        return plain;
    }

    /// <summary>The value of a flag, <c>-u 1000</c>, <c>-u1000</c>, <c>--uid 1000</c> or <c>--uid=1000</c>; null when it is not there.</summary>
    public string? Value(params ReadOnlySpan<string> names)
    {
        for (int i = 0; i < Words.Count; i++)
            foreach (string name in names)
            {
                string text = Words[i].Text, full = (name.Length == 1 ? "-" : "--") + name;
                if (text == full)
                    return i + 1 < Words.Count ? Words[i + 1].Text : null;
                if (name.Length > 1 && text.StartsWith(full + "=", StringComparison.Ordinal))
                    return text[(full.Length + 1)..];
                if (name.Length == 1 && text.Length > 2 && text.StartsWith(full, StringComparison.Ordinal))
                    return text[2..];
            }
        return null;
    }

    private static bool IsFlag(string word, string name)
    {
        if (word.Length < 2 || word[0] != '-' || word == "--")
            return false;
        if (word[1] != '-')
            return name.Length == 1 && word.AsSpan(1).Contains(name[0]);
        int equals = word.IndexOf('=', StringComparison.Ordinal);
        return word.AsSpan(2, (equals < 0 ? word.Length : equals) - 2).SequenceEqual(name);
    }

    /// <summary>The command in one line, cut at some hundreds of characters: for evidence, not for reading again.</summary>
    public override string ToString()
    {
        const int Most = 500;
        StringBuilder text = new(Cut(Name));
        foreach (ShellWord word in Words)
        {
            if (text.Length >= Most)
                break;
            text.Append(' ').Append(Cut(word.Text));
        }
        return text.ToString();

        static string Cut(string part) => part.Length <= Most ? part : part[..Most];
    }
}
