using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Suppressions;

/// <summary>Marks findings that VEX documents speak of.</summary>
public static class VexApplier
{
    /// <summary>
    /// Of the statements on a finding the latest counts, of equally old ones the last. <c>not_affected</c> and <c>fixed</c>
    /// suppress it, with the statement as source; <c>affected</c> and <c>under_investigation</c> leave it open. What is
    /// suppressed already stays as it is.
    /// </summary>
    /// <param name="report">The image the findings are of: its digests and tags are what products name.</param>
    public static SuppressionResult Apply(Report report, IReadOnlyList<Finding> findings, IReadOnlyList<VexStatement> statements)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(findings);
        ArgumentNullException.ThrowIfNull(statements);
        if (statements.Count == 0)
            return new SuppressionResult(findings, []);
        ILookup<string, int> byId = Enumerable.Range(0, statements.Count).SelectMany(i => statements[i].Ids.Select(id => (id, i)))
            .ToLookup(p => p.id, p => p.i, StringComparer.OrdinalIgnoreCase);
        HashSet<int> used = [];
        List<Finding> marked = new(findings.Count);
        foreach (Finding finding in findings)
        {
            int best = -1;
            foreach (int i in finding.Aliases.Prepend(finding.Id).SelectMany(id => byId[id]).Distinct().Order())
            {
                if (!statements[i].Products.Any(p => Names(p, report, finding.Package)))
                    continue;
                used.Add(i);
                if (best < 0 || statements[i].Time >= statements[best].Time)
                    best = i;
            }
            marked.Add(best >= 0 && finding.Suppressed is null && statements[best].Status is (VexWords.NotAffected or VexWords.Fixed)
                ? finding with { Suppressed = SuppressionOf(finding, statements[best]) }
                : finding);
        }
        List<Note> notes = [];
        // A document may speak of a hundred images; only one that says nothing of this one is worth a word.
        foreach (IGrouping<string, int> file in Enumerable.Range(0, statements.Count).GroupBy(i => FileOf(statements[i].Source), StringComparer.Ordinal))
            if (!file.Any(used.Contains))
                notes.Add(new Note("vex-unused", false, [file.Key, $"{file.Count()}"]));
        return new SuppressionResult(marked, notes);
    }

    internal static string FileOf(string source) => source.LastIndexOf(", statement ", StringComparison.Ordinal) is > 0 and var at ? source[..at] : source;

    private static Suppression SuppressionOf(Finding finding, VexStatement statement) => new()
    {
        Id = finding.Id,
        Package = finding.Package.Package.Name,
        Reason = string.Join(": ", new[] { statement.Status == VexWords.Fixed ? "fixed" : statement.Justification?.Replace('_', ' ') ?? "not affected", statement.Impact }.Where(p => p.Length > 0)),
        Owner = statement.Author,
        Source = statement.Source,
        Status = statement.Status,
        Justification = statement.Justification,
    };

    private static bool Names(VexProduct product, Report report, InstalledPackage package) =>
        product.Names.Any(n => IsImage(n, report))
            ? product.Subcomponents.Count == 0 || product.Subcomponents.Any(s => IsPackage(s, package))
            // A product that is the package itself; with parts of its own it is another thing than what stands here.
            : product.Subcomponents.Count == 0 && product.Names.Any(n => IsPackage(n, package));

    /// <summary>By digest wherever one is named; else by repository, or by the name alone where the statement gives no more.</summary>
    private static bool IsImage(string name, Report report)
    {
        string?[] digests = [report.ManifestDigest, report.ConfigDigest, report.IndexDigest];
        if (digests.Contains(name, StringComparer.Ordinal) || digests.Any(d => d is not null && name.EndsWith("@" + d, StringComparison.Ordinal) && !name.StartsWith("pkg:", StringComparison.Ordinal)))
            return true;
        if (!Purl.TryParse(name, out PurlParts? purl) || purl.Type is not ("oci" or "docker"))
            return false;
        if (purl.Version.StartsWith("sha", StringComparison.Ordinal) && purl.Version.Contains(':', StringComparison.Ordinal))
            return digests.Contains(purl.Version, StringComparer.Ordinal);
        string wantedTag = purl.Qualifiers.TryGetValue("tag", out string? tag) ? tag : purl.Version;
        return report.Tags.Any(t =>
        {
            (string repository, string own) = ReportIds.SplitTag(t);
            bool same = purl.Qualifiers.TryGetValue("repository_url", out string? url)
                // Some write the repository with the image's name, some without.
                ? repository.Equals(url, StringComparison.OrdinalIgnoreCase) || repository.Equals($"{url.TrimEnd('/')}/{purl.Name}", StringComparison.OrdinalIgnoreCase)
                : repository.Equals(purl.Namespace.Length > 0 ? $"{purl.Namespace}/{purl.Name}" : repository[..(repository.LastIndexOf('/') + 1)] + purl.Name, StringComparison.OrdinalIgnoreCase);
            return same && (wantedTag.Length == 0 || wantedTag == own);
        });
    }

    /// <summary>Every part that the statement's purl has must agree; what it leaves out may be anything.</summary>
    private static bool IsPackage(string name, InstalledPackage package)
    {
        if (name == package.Purl)
            return name.Length > 0;
        if (!Purl.TryParse(name, out PurlParts? said) || !Purl.TryParse(package.Purl, out PurlParts? own))
            return false;
        return said.Type == own.Type && said.PackageName.Equals(own.PackageName, StringComparison.OrdinalIgnoreCase)
            && (said.Namespace.Length == 0 || !package.Package.IsOfDistribution || said.Namespace == own.Namespace)
            && (said.Version.Length == 0 || said.Version == own.Version || said.PackageVersion == package.Package.Version)
            && said.Qualifiers.All(q => own.Qualifiers.TryGetValue(q.Key, out string? value) && value == q.Value);
    }
}
