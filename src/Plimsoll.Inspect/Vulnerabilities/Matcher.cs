using System.Security.Cryptography;
using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Versions;
using Plimsoll.Inspect.Reports;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>What matching answers.</summary>
/// <param name="Findings">Worst first, then by id, package, path, version and architecture; those that do not count are marked.</param>
/// <param name="Notes">What limits the answer.</param>
/// <param name="Gaps">Packages or records that could not be compared.</param>
public sealed record MatchResult(IReadOnlyList<Finding> Findings, IReadOnlyList<Note> Notes, IReadOnlyList<Gap> Gaps);

/// <summary>Finds the known vulnerabilities of an image's packages.</summary>
/// <remarks>The rules are worded for users in docs/checks/vulnerabilities.md.</remarks>
public static class Matcher
{
    /// <summary><see cref="Suppression.Source"/> of findings that the distribution's own advisories decide.</summary>
    public const string ByDistribution = "distribution";

    /// <summary><see cref="Suppression.Source"/> of findings in what only a lock file names, for development.</summary>
    public const string ByLockFile = "lock file";

    /// <param name="now">For the end of life; nothing else depends on it.</param>
    public static MatchResult Match(Inventory inventory, IAdvisoryStore store, DateTimeOffset now, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inventory);
        ArgumentNullException.ThrowIfNull(store);
        List<Note> notes = [];
        List<Finding> findings = [];
        List<Gap> gaps = [];
        Coverage coverage = new(inventory, store);
        coverage.AddNotes(inventory, now, notes);
        FlawFinder finder = new(store, gaps);
        for (int i = 0; i < inventory.Packages.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            InstalledPackage installed = inventory.Packages[i];
            IReadOnlyList<Flaw> flaws = FlawsOf(installed, coverage, finder);
            for (int f = 0; f < flaws.Count; f++)
                findings.Add(flaws[f].Of(installed, SuppressionOf(installed, flaws[f], coverage)));
        }
        findings.Sort(Compare);
        return new MatchResult(findings, notes, gaps);
    }

    /// <summary>32 hex digits over the package's type, name and database path and the flaw's id.</summary>
    public static string Fingerprint(InstalledPackage package, string flaw)
    {
        ArgumentNullException.ThrowIfNull(package);
        // The separator cannot occur in any part, so different parts never give the same text.
        string text = string.Join('\n', "plimsoll finding 1", package.Package.Type, package.Package.Name, package.Path.Replace('\n', '\0'), flaw);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));
    }

    private static IReadOnlyList<Flaw> FlawsOf(InstalledPackage installed, Coverage coverage, FlawFinder finder)
    {
        string type = installed.Package.Type;
        if (installed.Package.IsOfDistribution)
            return coverage.IsReleaseCovered && type == coverage.Release!.PackageType
                ? finder.FlawsOf(installed, coverage.Release.Ecosystems, coverage.Order!, coverage.Release.ByBinaryName)
                : [];
        return coverage.EcosystemOf(type) is { } ecosystem && VersionOrders.For(type) is { } order
            ? finder.FlawsOf(installed, [ecosystem], order, binaryNames: true)
            : [];
    }

    /// <summary>Why a finding does not count, or null.</summary>
    private static Suppression? SuppressionOf(InstalledPackage installed, Flaw flaw, Coverage coverage) =>
        installed.Package.IsOfDistribution ? null
        : coverage.IsDecidedByDistribution(installed) ? new Suppression
        {
            Id = flaw.Id,
            Package = installed.Package.Name,
            Reason = $"owned by {installed.OwnedBy}; its distribution's advisories decide",
            Source = ByDistribution,
        }
        // What was installed is there whatever a list says; and a malicious package has done its work once it was fetched.
        : installed.Package is { Development: true, Evidence: not PackageEvidence.Installed } && !flaw.Malicious ? new Suppression
        {
            Id = flaw.Id,
            Package = installed.Package.Name,
            Reason = installed.Package.Evidence == PackageEvidence.LockFile ? "development dependency named by a lock file" : "used to build the program only, as its own list says",
            Source = ByLockFile,
        }
        : null;

    private static int Compare(Finding a, Finding b)
    {
        int order = (int)b.Severity - (int)a.Severity;
        if (order == 0)
            order = string.CompareOrdinal(a.Id, b.Id);
        if (order == 0)
            order = string.CompareOrdinal(a.Package.Package.Name, b.Package.Package.Name);
        if (order == 0)
            order = string.CompareOrdinal(a.Package.Path, b.Package.Path);
        if (order == 0)
            order = string.CompareOrdinal(a.Package.Package.Version, b.Package.Package.Version);
        return order != 0 ? order : string.CompareOrdinal(a.Package.Package.Architecture, b.Package.Package.Architecture);
    }
}
