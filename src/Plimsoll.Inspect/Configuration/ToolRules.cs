using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Configuration;

/// <summary>Servers for logging in, and the tools that CIS 4.3 calls unnecessary: one problem for each sort, however many there are.</summary>
internal static class ToolRules
{
    private static readonly (string Rule, Severity Severity)[] Servers =
        [("ssh-server", Severity.Medium), ("telnet-server", Severity.High), ("rsh-server", Severity.High), ("ftp-server", Severity.Medium), ("remote-desktop", Severity.Medium)];

    private static readonly (string Rule, Severity Severity)[] Tools =
        [("package-manager", Severity.Negligible), ("compilers", Severity.Low), ("debug-tools", Severity.Low), ("network-tools", Severity.Negligible)];

    public static bool HasServer(ImageFacts facts, string rule) =>
        facts.Entries.Any(e => KnownTools.RuleOf(e.Hit.Path) == rule) || facts.Input.Inventory.Packages.Any(p => p.Package.IsOfDistribution && KnownTools.RuleOfPackage(p.Package.Name) == rule);

    public static void Judge(ImageFacts facts, ProblemDraft draft)
    {
        ILookup<string, (FileHit Hit, EntryFact Fact)> files = facts.Entries.Where(e => KnownTools.RuleOf(e.Hit.Path) is not null).ToLookup(e => KnownTools.RuleOf(e.Hit.Path)!, StringComparer.Ordinal);
        ILookup<string, InstalledPackage> packages = facts.Input.Inventory.Packages.Where(p => p.Package.IsOfDistribution && KnownTools.RuleOfPackage(p.Package.Name) is not null)
            .ToLookup(p => KnownTools.RuleOfPackage(p.Package.Name)!, StringComparer.Ordinal);
        foreach ((string rule, Severity severity) in Servers)
        {
            List<(FileHit Hit, EntryFact Fact)> found = [.. files[rule]];
            InstalledPackage? package = packages[rule].FirstOrDefault();
            if (found.Count == 0 && package is null)
                continue;
            bool applet = package is null && found.TrueForAll(f => f.Fact.OfBusybox);
            string[] names = [.. packages[rule].Select(p => $"{p.Package.Name} {p.Package.Version}"), .. found.Select(f => f.Hit.Path)];
            draft.Add(rule, applet ? Severity.Low : IsStarted(facts, found) ? Severity.High : severity, found.Count > 0 ? found[0].Hit.Path : package!.Path, null, 0,
                string.Join(", ", names.Distinct(StringComparer.Ordinal).Take(8)), found.Count > 0 ? found[0].Hit.Origin : package!.Origin, rule == "ssh-server" ? "5.7" : null, null, [], rule, []);
        }
        foreach ((string rule, Severity severity) in Tools)
        {
            List<FileHit> found = [.. files[rule].Where(f => !f.Fact.OfBusybox).Select(f => f.Hit)];
            if (found.Count == 0)
                continue;
            string names = string.Join(", ", found.Select(f => f.Path[(f.Path.LastIndexOf('/') + 1)..]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
            FileHit first = found.MinBy(f => f.Origin.Layer)!;
            draft.Add(rule, severity, first.Path, null, 0, names, first.Origin, "4.3", null, [], rule, [names]);
        }
    }

    /// <summary>Whether the image's own command runs the server.</summary>
    private static bool IsStarted(ImageFacts facts, List<(FileHit Hit, EntryFact Fact)> found)
    {
        string command = string.Join(' ', [.. facts.Process?.Entrypoint ?? [], .. facts.Process?.Cmd ?? []]);
        return found.Exists(f => f.Hit.Path[(f.Hit.Path.LastIndexOf('/') + 1)..] is var name && (command == name || command.StartsWith($"{name} ", StringComparison.Ordinal) || command.Contains($"/{name}", StringComparison.Ordinal) || command.Contains($" {name} ", StringComparison.Ordinal)));
    }
}
