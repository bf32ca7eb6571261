using System.Text;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Shell;

/// <summary>The manual page plimsoll(1), in roff, made from what the help text is made from.</summary>
internal static class ManPage
{
    public static string Of(CommandNode root, CliContext context, string version)
    {
        Language language = context.Language;
        StringBuilder page = new();
        page.Append($".TH PLIMSOLL 1 \"\" {Quoted("plimsoll " + version)} {Quoted(Catalogue.ManTitle.In(language))}\n");
        Section(Catalogue.ManName);
        page.Append($"plimsoll \\- {Escaped(root.Description)}\n");
        Section(Catalogue.ManSynopsis);
        foreach (CommandNode node in CommandTree.All(root).Where(n => n.Subcommands.Count == 0))
            page.Append($"{Line(node)}\n.br\n");
        Section(Catalogue.ManCommands);
        foreach (CommandNode node in CommandTree.All(root).Where(n => n.Path.Length > 0 && (n.Subcommands.Count == 0 || n.Options.Count > 0)))
        {
            page.Append($".SS {Quoted("plimsoll " + string.Join(' ', [node.Path, .. node.Arguments]))}\n");
            Paragraphs(node.Description);
            Options(node.Options);
            if (HelpText.ExamplesOf(node.Path) is { Count: > 0 } examples)
            {
                page.Append($".PP\n{Escaped(Catalogue.Examples.In(language))}:\n.PP\n.nf\n.RS\n");
                foreach (string example in examples)
                    page.Append(Escaped(example)).Append('\n');
                page.Append(".RE\n.fi\n");
            }
        }
        Section(Catalogue.Options);
        Options(root.Options);
        Section(Catalogue.ManExit);
        foreach ((string code, Text meaning) in Catalogue.ManExitCodes)
            page.Append($".TP\n.B {code}\n{Escaped(meaning.In(language))}\n");
        Section(Catalogue.ManFiles);
        foreach ((string file, Text meaning) in Catalogue.ManFileList)
            page.Append($".TP\n.I {Escaped(file)}\n{Escaped(meaning.In(language))}\n");
        Section(Catalogue.ManEnvironment);
        foreach ((string variable, Text meaning) in Catalogue.ManVariables)
            page.Append($".TP\n.B {Escaped(variable)}\n{Escaped(meaning.In(language))}\n");
        return page.ToString();

        void Section(Text title) => page.Append($".SH {Quoted(title.In(language).ToUpperInvariant())}\n");

        void Paragraphs(string text)
        {
            foreach (string line in text.Split('\n'))
                page.Append(line.Trim().Length == 0 ? ".PP\n" : line.StartsWith("  ", StringComparison.Ordinal) ? $".br\n{Escaped(line.Trim())}\n" : Escaped(line.Trim()) + "\n");
        }

        void Options(IReadOnlyList<OptionNode> options)
        {
            foreach (OptionNode option in options)
            {
                string names = string.Join(", ", option.Names.Select(n => $"\\fB{Escaped(n)}\\fR"));
                page.Append($".TP\n{names}{(option.Shape.Length > 0 ? $" \\fI{Escaped(option.Shape)}\\fR" : "")}\n{Escaped(option.Description)}\n");
            }
        }
    }

    private static string Line(CommandNode node) =>
        $"\\fBplimsoll {Escaped(node.Path)}\\fR {string.Concat(node.Arguments.Select(a => $"\\fI{Escaped(a)}\\fR "))}[\\fIOPTIONS\\fR]";

    /// <summary>A text in which roff finds nothing to obey.</summary>
    private static string Escaped(string text)
    {
        StringBuilder safe = new(text.Length + 8);
        foreach (char c in text.ReplaceLineEndings(" "))
            safe.Append(c switch { '\\' => "\\e", '-' => "\\-", '\'' => "\\(aq", '`' => "\\(ga", '^' => "\\(ha", '~' => "\\(ti", _ => c.ToString() });
        return safe.Length > 0 && safe[0] == '.' ? "\\&" + safe : safe.ToString();
    }

    private static string Quoted(string text) => "\"" + Escaped(text).Replace("\"", "\\(dq") + "\"";
}
