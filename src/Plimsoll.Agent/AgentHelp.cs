using Plimsoll.Agent.Install;
using Plimsoll.Texts;

namespace Plimsoll.Agent;

/// <summary>A line of help.</summary>
/// <param name="Default">A <see cref="Text"/>, or what is the same in every language; null for none.</param>
internal sealed record HelpRow(string Left, Text Help, object? Default = null)
{
    public string In(Language language) => Default is null ? Help.In(language) : Catalogue.AgentDefault.In(language, Help.In(language), Default is Text text ? text.In(language) : Default);
}

/// <summary><c>plimsoll-agent --help</c>, of all commands or of one.</summary>
internal static class AgentHelp
{
    private const int Margin = 2, LeastColumns = 60;

    private static IReadOnlyList<HelpRow> Commands =>
    [
        new("run", Catalogue.AgentRunSummary), new("install", Catalogue.AgentInstallSummary), new("uninstall", Catalogue.AgentUninstallSummary),
        new("status", Catalogue.AgentStatusSummary), new("doctor", Catalogue.AgentDoctorSummary),
        new("clock", Catalogue.AgentClockSummary), new("counter", Catalogue.AgentCounterSummary),
    ];

    private static HelpRow Lang => new("--lang LANG", Catalogue.HelpLang);

    public static bool IsCommand(string word) => CommandNames.Contains(word, StringComparer.Ordinal);

    public static IEnumerable<string> CommandNames => Commands.Select(c => c.Left);

    /// <param name="command">Null for all of them.</param>
    public static void Write(TextWriter output, string? command, Language language, int columns)
    {
        columns = Math.Max(columns, LeastColumns);
        Lines(command is null ? Catalogue.AgentSummary : Commands.Single(c => c.Left == command).Help);
        output.WriteLine();
        output.WriteLine($"{Catalogue.Usage.In(language)}: plimsoll-agent {command ?? "COMMAND"} [OPTIONS]");
        if (command is null)
            Section(Catalogue.Commands.In(language), Commands);
        if (command is null or "run")
            Section(command is null ? Catalogue.AgentOptionsOf.In(language, "run") : Catalogue.Options.In(language), [.. AgentOptions.Help, Lang]);
        if (command is null || AcceptCommand.IsVerb(command))
            Section(command is null ? Catalogue.AgentOptionsOf.In(language, "clock, counter") : Catalogue.Options.In(language), [.. AcceptCommand.Help, Lang]);
        if (command is null || InstallCommand.IsVerb(command))
            Section(command is null ? Catalogue.AgentOptionsOf.In(language, "install, uninstall, status, doctor") : Catalogue.Options.In(language), [.. InstallOptions.Help, Lang]);
        if (command is not null)
            return;
        output.WriteLine();
        Lines(Catalogue.AgentMoreHelp);

        void Section(string title, IReadOnlyList<HelpRow> rows)
        {
            output.WriteLine();
            output.WriteLine($"{title}:");
            int width = rows.Max(r => DisplayWidth.Of(r.Left)) + 2 * Margin;
            foreach (HelpRow row in rows)
            {
                string lead = new string(' ', Margin) + DisplayWidth.Fit(row.Left, width - Margin);
                foreach (string line in DisplayWidth.Wrap(row.In(language), columns - width))
                {
                    output.WriteLine(lead + line);
                    lead = new string(' ', width);
                }
            }
        }

        void Lines(Text text)
        {
            foreach (string line in DisplayWidth.Wrap(text.In(language), columns))
                output.WriteLine(line);
        }
    }
}
