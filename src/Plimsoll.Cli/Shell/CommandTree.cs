using System.CommandLine;

namespace Plimsoll.Cli.Shell;

/// <summary>What may follow an option.</summary>
internal enum ValueKind
{
    /// <summary>Nothing: the option is a switch.</summary>
    None = 0,
    /// <summary>Text that nobody can guess.</summary>
    Text,
    File,
    Folder,
    /// <summary>One of a few words.</summary>
    Words,
}

/// <param name="Names">Long name first.</param>
/// <param name="Shape">As help shows the value: <c>LEVEL</c>.</param>
internal sealed record OptionNode(IReadOnlyList<string> Names, string Description, string Shape, ValueKind Kind, IReadOnlyList<string> Words);

/// <param name="Path">Without the program's name: <c>db update</c>; empty for the program.</param>
/// <param name="Arguments">As help shows them: <c>IMAGE...</c>.</param>
/// <param name="Words">What the argument may be, where that is known; empty when it is a file.</param>
internal sealed record CommandNode(
    string Path, string Description, IReadOnlyList<string> Arguments, IReadOnlyList<string> Words, IReadOnlyList<OptionNode> Options, IReadOnlyList<CommandNode> Subcommands)
{
    public string Name => Path[(Path.LastIndexOf(' ') + 1)..];
}

/// <summary>The commands as completion and manual show them, read from the same objects as the help text.</summary>
internal static class CommandTree
{
    public static CommandNode Of(Command command) => Of(command, "");

    /// <summary>The node and all below it, parents first.</summary>
    public static IEnumerable<CommandNode> All(CommandNode node) => [node, .. node.Subcommands.SelectMany(All)];

    private static CommandNode Of(Command command, string path) => new(
        path,
        command.Description ?? "",
        [.. command.Arguments.Select(HelpText.Shape)],
        path == "completion" ? Completion.Shells : [],
        [.. command.Options.Where(o => !o.Hidden).Select(Of)],
        [.. command.Subcommands.Where(c => !c.Hidden).Select(c => Of(c, path.Length == 0 ? c.Name : $"{path} {c.Name}"))]);

    private static OptionNode Of(Option option)
    {
        IReadOnlyList<string> words = WordsOf(option.Name);
        string shape = option.HelpName ?? "";
        ValueKind kind = option is Option<bool> ? ValueKind.None
            : words.Count > 0 ? ValueKind.Words
            : shape == "FOLDER" ? ValueKind.Folder
            : shape.Contains("FILE", StringComparison.Ordinal) || shape.Contains("FOLDER", StringComparison.Ordinal) || shape.Contains(".pem", StringComparison.Ordinal) ? ValueKind.File
            : ValueKind.Text;
        IEnumerable<string> aliases = option.Aliases.Where(a => a != option.Name).Order(StringComparer.Ordinal);
        return new OptionNode([option.Name, .. aliases], option.Description ?? "", kind == ValueKind.None ? "" : shape.Length > 0 ? shape : "VALUE", kind, words);
    }

    /// <summary>Values that an option takes from a closed list.</summary>
    private static IReadOnlyList<string> WordsOf(string option) => option switch
    {
        "--output" => OutputTarget.Formats.Split(", "),
        "--checks" => ["all", .. CheckWords.All],
        "--fail-on" => FailOn.Words.Split(", "),
        "--severity" => ["critical", "high", "medium", "low", "negligible", "unknown"],
        "--group" => ["package", "layer"],
        "--color" => ["auto", "always", "never"],
        "--lang" => ["en", "zh"],
        "--platform" => ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386", "linux/ppc64le", "linux/s390x", "linux/riscv64"],
        _ => [],
    };
}
