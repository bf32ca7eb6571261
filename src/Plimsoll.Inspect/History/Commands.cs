using System.Buffers;
using Plimsoll.Inspect.Dockerfiles.Shell;

namespace Plimsoll.Inspect.History;

/// <summary>A command as it really runs: without <c>sudo</c>, <c>env</c> and the like in front, and with what a shell inside of it is told.</summary>
/// <param name="Offset">Of the outermost command in the step's text.</param>
/// <param name="Nested">Index of the script inside of scripts; pipelines of different scripts never meet.</param>
internal sealed record RealCommand(ShellCommand Command, int Offset, int Nested)
{
    /// <summary>The program's name without folders.</summary>
    public string Name { get; } = Command.Name[(Command.Name.LastIndexOf('/') + 1)..];
}

/// <summary>Unwraps commands.</summary>
internal static class Commands
{
    private const int MaxDepth = 3;

    private static readonly SearchValues<char> VersionChars = SearchValues.Create("0123456789.");
    private static readonly SearchValues<char> NameChars = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    public static bool IsShell(string name) => name is "sh" or "bash" or "ash" or "dash" or "zsh" or "ksh";

    public static bool IsInterpreter(string name) =>
        IsShell(name) || name is "perl" or "ruby" or "node" or "php" or "python" || name.StartsWith("python", StringComparison.Ordinal) && name.AsSpan(6).IndexOfAnyExcept(VersionChars) < 0;

    public static List<RealCommand> Of(string script)
    {
        List<RealCommand> commands = [];
        int scripts = 0;
        Add(script, null, 0, commands, ref scripts);
        return commands;
    }

    private static void Add(string script, int? outer, int depth, List<RealCommand> commands, ref int scripts)
    {
        int nested = scripts++;
        foreach (ShellCommand written in ShellParser.Parse(script).Commands)
        {
            ShellCommand command = Unwrap(written);
            int offset = outer ?? written.Offset;
            commands.Add(new RealCommand(command, offset, nested));
            string name = command.Name[(command.Name.LastIndexOf('/') + 1)..];
            if (depth < MaxDepth && commands.Count < ShellScript.MaxCommands && ScriptOf(command, name) is { Length: > 0 } inner)
                Add(inner, offset, depth + 1, commands, ref scripts);
        }
    }

    private static string? ScriptOf(ShellCommand command, string name)
    {
        if (name == "eval")
            return string.Join(' ', command.Arguments);
        if (name == "su")
            return command.Value("c", "command");
        if (!IsShell(name))
            return null;
        for (int i = 0; i + 1 < command.Words.Count; i++)
            if (command.Words[i].Text is ['-', not '-', ..] flag && flag[^1] == 'c')
                return command.Words[i + 1].Text;
        return null;
    }

    private static ShellCommand Unwrap(ShellCommand command)
    {
        for (int turn = 0; turn < 8; turn++)
        {
            int skip = command.Name[(command.Name.LastIndexOf('/') + 1)..] switch
            {
                "sudo" or "doas" => FirstWord(command, "-u", "-g", "--user", "--group"),
                "env" => FirstWord(command, "-u", "-C"),
                "exec" or "command" or "nohup" or "builtin" or "setsid" or "busybox" or "time" => FirstWord(command, "-a", "-f", "-o"),
                "nice" or "ionice" => FirstWord(command, "-n", "-c", "-p"),
                "timeout" => FirstWord(command, "-s", "-k") is >= 0 and var at ? at + 1 : -1,
                "gosu" or "su-exec" or "chroot" => FirstWord(command) is >= 0 and var user ? user + 1 : -1,
                "xargs" => FirstWord(command, "-n", "-I", "-P", "-L", "-d", "-a"),
                _ => -1,
            };
            if (skip < 0 || skip >= command.Words.Count)
                return command;
            command = command with { Name = command.Words[skip].Text, Words = [.. command.Words.Skip(skip + 1)] };
        }
        return command;
    }

    /// <summary>Index of the first word that is neither flag, nor a flag's value, nor an assignment; -1 for none.</summary>
    private static int FirstWord(ShellCommand command, params ReadOnlySpan<string> withValue)
    {
        for (int i = 0; i < command.Words.Count; i++)
        {
            string text = command.Words[i].Text;
            if (withValue.Contains(text))
                i++;
            else if (!text.StartsWith('-') && !(text.IndexOf('=', StringComparison.Ordinal) is var equals and > 0 && text.AsSpan(0, equals).IndexOfAnyExcept(NameChars) < 0))
                return i;
        }
        return -1;
    }
}
