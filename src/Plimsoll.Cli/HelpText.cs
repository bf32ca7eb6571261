using System.CommandLine;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>Help that fits a screen: one line for each option, and examples.</summary>
internal static class HelpText
{
    private static readonly Dictionary<string, string[]> Examples = new(StringComparer.Ordinal)
    {
        [""] = ["plimsoll scan debian:12", "plimsoll scan image.tar --fail-on high"],
        ["scan"] =
        [
            "plimsoll scan debian:12",
            "plimsoll scan image.tar --fail-on high,kev --only-fixed",
            "plimsoll scan ./layout --output table --output json=report.json --output cyclonedx=bom.json",
            "plimsoll scan debian:12 --output html=report.html --checks vulnerability,secret",
            "plimsoll scan sbom:bom.json --vex app.vex.json --output sarif=plimsoll.sarif",
            "plimsoll scan debian:12 --policy policy.yaml --output inspection=inspection.json",
            "plimsoll scan dir:/srv/rootfs --suppress accepted.yaml --group layer",
        ],
        ["sbom"] = ["plimsoll sbom debian:12", "plimsoll sbom image.tar --format spdx-json -o bom.spdx.json"],
        ["diff"] = ["plimsoll diff app:1.4 app:1.5", "plimsoll diff yesterday.json app:1.5 --fail-on high,kev"],
        ["policy check"] = ["plimsoll policy check policy.yaml"],
        ["policy explain"] = ["plimsoll policy explain default", "plimsoll policy explain default --as yaml > policy.yaml", "plimsoll policy explain policy.yaml report.json"],
        ["policy test"] = ["plimsoll policy test policy.yaml cases.yaml"],
        ["policy sign"] = ["plimsoll policy sign policy.yaml --key ops --output policy.signed"],
        ["policy verify"] = ["plimsoll policy verify policy.signed --key ops.pub.pem"],
        ["key generate"] = ["plimsoll key generate ops", "plimsoll key generate release --algorithm ed25519 --rotate-after 30"],
        ["key list"] = ["plimsoll key list", "plimsoll key list --json"],
        ["key show"] = ["plimsoll key show ops", "plimsoll key show cosign.pub"],
        ["key import"] = ["plimsoll key import cosign.key --name release", "plimsoll key import vendor.pub.pem --name vendor"],
        ["key export"] = ["plimsoll key export ops --public > ops.pub.pem", "plimsoll key export ops --cosign --output cosign.key"],
        ["key rotate"] = ["plimsoll key rotate ops"],
        ["key revoke"] = ["plimsoll key revoke release@v1 --reason \"laptop stolen\" --list revoked.json --key ops", "plimsoll key revoke --list revoked.json --key ops"],
        ["key revoke image"] = ["plimsoll key revoke image sha256:0123… --reason \"bad build\" --list revoked.json --key ops"],
        ["explain"] = ["plimsoll explain CVE-2023-0286", "plimsoll explain CVE-2023-0286 image.tar", "plimsoll explain DL3008 image.tar"],
        ["lint"] = ["plimsoll lint Dockerfile", "plimsoll lint Dockerfile --fail-on error --output sarif=lint.sarif", "plimsoll lint --image app:1.4"],
        ["db update"] = ["plimsoll db update", "plimsoll db update --source /media/usb/osv --ecosystem Debian", "plimsoll db update --source https://mirror.example/osv --kev kev.json"],
        ["db status"] = ["plimsoll db status", "plimsoll db status --json --verify"],
        ["db export"] = ["plimsoll key generate ops", "plimsoll key export ops --public > ops.pub.pem", "plimsoll db export advisories.plimsoll --key ops"],
        ["db import"] = ["plimsoll db import advisories.plimsoll --key ops.pub.pem"],
    };

    /// <summary>Command lines to start from; empty when there are none.</summary>
    /// <param name="path">Of the command, without the program's name.</param>
    public static IReadOnlyList<string> ExamplesOf(string path) => Examples.GetValueOrDefault(path) ?? [];

    public static void Write(TextWriter output, Command command, CliContext context)
    {
        Language language = context.Language;
        bool root = IsRoot(command);
        int columns = Math.Max(context.Columns, 60);
        foreach (string line in DisplayWidth.Wrap(command.Description ?? "", columns))
            output.WriteLine(line);
        output.WriteLine();
        string path = root ? "plimsoll" : $"plimsoll {string.Join(' ', Path(command))}";
        string arguments = string.Concat(command.Arguments.Select(a => " " + Shape(a)));
        string sub = command.Subcommands.Count > 0 ? " COMMAND" : "";
        output.WriteLine($"{Catalogue.Usage.In(language)}: {path}{sub}{arguments} [OPTIONS]");
        Section(output, Catalogue.Commands.In(language), command.Subcommands.Where(c => !c.Hidden).Select(c => (c.Name, c.Description ?? "")), columns);
        Section(output, Catalogue.Arguments.In(language), command.Arguments.Select(a => (a.Name, a.Description ?? "")), columns);
        Section(output, Catalogue.Options.In(language), command.Options.Where(o => !o.Hidden).Select(o => (Spelling(o), o.Description ?? "")), columns);
        if (Examples.TryGetValue(root ? "" : string.Join(' ', Path(command)), out string[]? examples))
        {
            output.WriteLine();
            output.WriteLine($"{Catalogue.Examples.In(language)}:");
            foreach (string example in examples)
                output.WriteLine("  " + example);
        }
        string? footer = root ? Catalogue.MoreHelp.In(language) : command.Name == "scan" ? Catalogue.ScanFooter.In(language) : null;
        if (footer is null)
            return;
        output.WriteLine();
        foreach (string line in DisplayWidth.Wrap(footer, columns))
            output.WriteLine(line);
    }

    /// <summary><c>IMAGE</c>, <c>IMAGE...</c> for several, <c>[IMAGE]</c> for one that may be left out.</summary>
    public static string Shape(Argument argument)
    {
        ArgumentNullException.ThrowIfNull(argument);
        string name = argument.Arity.MaximumNumberOfValues > 1 ? argument.Name + "..." : argument.Name;
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
    }

    /// <summary>The program itself, which no command holds.</summary>
    internal static bool IsRoot(Command command) => !command.Parents.Any();

    private static IEnumerable<string> Path(Command command)
    {
        List<string> names = [];
        for (Command? at = command; at is not null && !IsRoot(at); at = at.Parents.OfType<Command>().FirstOrDefault())
            names.Insert(0, at.Name);
        return names;
    }

    private static string Spelling(Option option)
    {
        string shortName = option.Aliases.FirstOrDefault(a => a.Length == 2) is { } alias ? alias + ", " : "    ";
        return shortName + option.Name + (option is Option<bool> ? "" : $" {option.HelpName}");
    }

    private static void Section(TextWriter output, string title, IEnumerable<(string Left, string Right)> rows, int columns)
    {
        List<(string Left, string Right)> all = [.. rows];
        if (all.Count == 0)
            return;
        output.WriteLine();
        output.WriteLine($"{title}:");
        int width = all.Max(r => DisplayWidth.Of(r.Left));
        foreach ((string left, string right) in all)
        {
            string lead = $"  {DisplayWidth.Fit(left, width)}  ";
            foreach (string line in DisplayWidth.Wrap(right, columns - width - 4))
            {
                output.WriteLine(lead + line);
                lead = new string(' ', width + 4);
            }
        }
    }
}
