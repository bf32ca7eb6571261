using System.Text;

namespace Plimsoll.Cli.Shell;

/// <summary>Scripts that complete plimsoll's command line. They hold what they know, so pressing Tab starts no program.</summary>
internal static class Completion
{
    public static IReadOnlyList<string> Shells { get; } = ["bash", "zsh", "fish"];

    public static string For(string shell, CommandNode root) => shell switch
    {
        "bash" => Bash(root),
        "zsh" => Zsh(root),
        "fish" => Fish(root),
        _ => throw CommandException.Usage($"unknown shell {Texts.Escape.Quote(shell)}; known: {string.Join(", ", Shells)}"),
    };

    private static string Bash(CommandNode root)
    {
        List<CommandNode> all = [.. CommandTree.All(root)];
        StringBuilder paths = new(), values = new(), words = new();
        foreach (CommandNode node in all)
        {
            if (node.Path.Length > 0)
                paths.Append(paths.Length > 0 ? " | " : "").Append('\'').Append(node.Path).Append('\'');
            foreach (IGrouping<string, OptionNode> group in node.Options.Where(o => o.Kind != ValueKind.None).GroupBy(ReplyOf))
                values.Append($"        {string.Join(" | ", group.SelectMany(o => o.Names).Select(n => $"'{node.Path} {n}'"))}) {group.Key}; return ;;\n");
            IEnumerable<string> offered = node.Subcommands.Select(c => c.Name).Concat(node.Words).Concat(node.Options.SelectMany(o => o.Names));
            bool files = node.Subcommands.Count == 0 && node.Words.Count == 0 && node.Arguments.Count > 0;
            words.Append($"        '{node.Path}') words='{string.Join(' ', offered)}' files={(files ? "1" : "")} ;;\n");
        }
        return $$"""
            # bash completion for plimsoll, made by: plimsoll completion bash
            _plimsoll() {
                local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= words= files= i
                # bash takes --output=json apart at the sign.
                [ "$cur" = = ] && cur=
                [ "$prev" = = ] && prev=${COMP_WORDS[COMP_CWORD-2]}
                for ((i = 1; i < COMP_CWORD; i++)); do
                    case "${path:+$path }${COMP_WORDS[i]}" in
                    {{paths}}) path="${path:+$path }${COMP_WORDS[i]}" ;;
                    esac
                done
                case "$path $prev" in
            {{values}}    esac
                case "$path" in
            {{words}}    esac
                if [ -n "$files" ] && [[ $cur != -* ]]; then
                    compopt -o filenames
                    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
                else
                    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
                fi
            }
            complete -F _plimsoll plimsoll

            """;

        static string ReplyOf(OptionNode option) => option.Kind switch
        {
            ValueKind.File => "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")",
            ValueKind.Folder => "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")",
            ValueKind.Words => $"mapfile -t COMPREPLY < <(compgen -W '{string.Join(' ', option.Words)}' -- \"$cur\")",
            _ => ":",
        };
    }

    private static string Zsh(CommandNode root)
    {
        StringBuilder functions = new();
        foreach (CommandNode node in CommandTree.All(root))
        {
            functions.Append($"{FunctionOf(node)}() {{\n");
            List<string> specs = [];
            foreach (OptionNode option in node.Options)
            {
                string value = option.Kind switch
                {
                    ValueKind.None => "",
                    ValueKind.File => $":{Plain(option.Shape)}:_files",
                    ValueKind.Folder => $":{Plain(option.Shape)}:_files -/",
                    ValueKind.Words => $":{Plain(option.Shape)}:({string.Join(' ', option.Words)})",
                    _ => $":{Plain(option.Shape)}:",
                };
                foreach (string name in option.Names)
                    specs.Add($"'*{name}[{Plain(option.Description)}]{value}'");
            }
            if (node.Subcommands.Count > 0)
            {
                functions.Append("    local -a commands=(\n");
                foreach (CommandNode sub in node.Subcommands)
                    functions.Append($"        '{sub.Name}:{Plain(sub.Description)}'\n");
                functions.Append("    )\n    local state line\n    typeset -A opt_args\n");
                functions.Append($"    _arguments -C \\\n        {string.Join(" \\\n        ", [.. specs, "'1: :->command'", "'*:: :->rest'"])}\n");
                functions.Append("    case $state in\n    command) _describe command commands ;;\n    rest)\n        case $line[1] in\n");
                foreach (CommandNode sub in node.Subcommands)
                    functions.Append($"        {sub.Name}) {FunctionOf(sub)} ;;\n");
                functions.Append("        esac ;;\n    esac\n}\n\n");
                continue;
            }
            if (node.Words.Count > 0)
                specs.Add($"'1:{Plain(node.Arguments[0])}:({string.Join(' ', node.Words)})'");
            else if (node.Arguments.Count > 0)
                specs.Add($"'*:{Plain(node.Arguments[^1])}:_files'");
            functions.Append(specs.Count == 0 ? "    :\n}\n\n" : $"    _arguments \\\n        {string.Join(" \\\n        ", specs)}\n}}\n\n");
        }
        return $"""
            #compdef plimsoll
            # zsh completion for plimsoll, made by: plimsoll completion zsh

            {functions}if [ "$funcstack[1]" = _plimsoll ]; then
                _plimsoll "$@"
            else
                compdef _plimsoll plimsoll
            fi

            """;

        static string FunctionOf(CommandNode node) => "_plimsoll" + (node.Path.Length > 0 ? "_" + node.Path.Replace(' ', '_').Replace('-', '_') : "");
        static string Plain(string text) => text.Replace("'", "'\\''").Replace("[", "\\[").Replace("]", "\\]").Replace(":", "\\:");
    }

    private static string Fish(CommandNode root)
    {
        StringBuilder script = new("""
            # fish completion for plimsoll, made by: plimsoll completion fish
            function __plimsoll_path
                set -l path
                for word in (commandline -opc)[2..-1]
                    switch "$path $word"

            """);
        List<CommandNode> all = [.. CommandTree.All(root)];
        script.Append($"            case {string.Join(' ', all.Where(n => n.Path.Length > 0).Select(n => Quoted(n.Path.Contains(' ', StringComparison.Ordinal) ? n.Path : " " + n.Path)))}\n");
        script.Append("""
                            set path (string trim "$path $word")
                    end
                end
                test "$path" = "$argv"
            end

            complete -c plimsoll -f

            """);
        foreach (CommandNode node in all)
        {
            string when = $"complete -c plimsoll -n {Quoted(node.Path.Length > 0 ? $"__plimsoll_path {node.Path}" : "__plimsoll_path ''")}";
            foreach (CommandNode sub in node.Subcommands)
                script.Append($"{when} -a {sub.Name} -d {Quoted(sub.Description)}\n");
            if (node.Words.Count > 0)
                script.Append($"{when} -a {Quoted(string.Join(' ', node.Words))}\n");
            else if (node.Subcommands.Count == 0 && node.Arguments.Count > 0)
                script.Append($"{when} -F\n");
            foreach (OptionNode option in node.Options)
            {
                string names = string.Join(' ', option.Names.Where(n => n != "-?").Select(n => n.StartsWith("--", StringComparison.Ordinal) ? $"-l {n[2..]}" : $"-s {n[1..]}"));
                string value = option.Kind switch
                {
                    ValueKind.None => "",
                    ValueKind.File or ValueKind.Folder => " -r -F",
                    ValueKind.Words => $" -x -a {Quoted(string.Join(' ', option.Words))}",
                    _ => " -x",
                };
                script.Append($"{when} {names}{value} -d {Quoted(option.Description)}\n");
            }
        }
        return script.ToString();

        static string Quoted(string text) => "'" + text.Replace("\\", "\\\\").Replace("'", "\\'") + "'";
    }
}
