using System.Globalization;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Licences;

/// <summary>Judges licences by what they ask: one problem for each category and layer, and one for each licence that restricts or reaches over the network.</summary>
/// <remarks>What is permissive or in the public domain is no problem and stays in the inventory. Allow and deny lists are the policy's.</remarks>
internal sealed class LicenceCheck : ICheck
{
    /// <summary>Packages and licences named in a problem; the inventory has them all.</summary>
    private const int MaxNamed = 10, MaxEvidence = 300, MaxLicence = 60;

    public ProblemKind Kind => ProblemKind.Licence;

    public IReadOnlyList<IAnalyser> Analysers { get; } = [new LicenceFileAnalyser()];

    public string Rules => "";

    public string? Judgement => "";

    /// <summary>A package with what it is under.</summary>
    /// <param name="FromText">Recognised in a licence file, because the package declares nothing.</param>
    internal sealed record Licensed(InstalledPackage Package, LicenceExpression? Expression, bool FromText);

    public CheckResult Judge(CheckInput input, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(input);
        List<Licensed> all = [.. Of(input.Inventory, input.Hits)];
        cancellationToken.ThrowIfCancellationRequested();
        List<Problem> problems = [];
        foreach (IGrouping<int, Licensed> layer in all.GroupBy(l => l.Package.Origin.Layer).OrderBy(g => g.Key))
        {
            foreach (LicenceCategory category in (ReadOnlySpan<LicenceCategory>)[LicenceCategory.Restricted, LicenceCategory.NetworkCopyleft])
                foreach (IGrouping<string, Licensed> licence in layer.Where(l => l.Expression?.Category == category).GroupBy(l => Deciding(l.Expression!, category), StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
                    Add(problems, category.Word(), Severity.Medium, licence.Key, [.. licence], [.. licence.Select(l => l.Package.Package.Name)]);
            AddCategory(LicenceCategory.StrongCopyleft, Severity.Low);
            AddCategory(LicenceCategory.WeakCopyleft, Severity.Negligible);
            List<Licensed> unknown = [.. layer.Where(l => l.Expression is { Category: LicenceCategory.Unknown })];
            Add(problems, "unknown-licence", Severity.Low, "", unknown, Counted(unknown, LicenceCategory.Unknown));
            List<Licensed> silent = [.. layer.Where(l => l.Expression is null)];
            Add(problems, "no-licence", Severity.Low, "", silent, [.. silent.Select(l => l.Package.Package.Name)]);

            void AddCategory(LicenceCategory category, Severity severity)
            {
                List<Licensed> of = [.. layer.Where(l => l.Expression?.Category == category)];
                Add(problems, category.Word(), severity, "", of, Counted(of, category));
            }
        }
        return new CheckResult { Problems = problems };
    }

    /// <summary>Every installed package that can say what it is under, with its licence as an expression.</summary>
    internal static IEnumerable<Licensed> Of(Inventory inventory, IReadOnlyList<FileHit> hits)
    {
        Dictionary<string, LicenceExpression> texts = new(StringComparer.Ordinal);
        foreach (FileHit hit in hits.Where(h => h.RemovedBy is null))
            if (LicenceExpression.TryParse(hit.Hit.Evidence, out LicenceExpression? text))
            {
                string folder = Places.FolderOf(hit.Path);
                if (folder.EndsWith("/licenses", StringComparison.Ordinal))
                    folder = folder[..^"/licenses".Length];
                // Beside a text that is known, one that is not (a NOTICE, a list of others' licences) says nothing against it.
                if (!texts.TryGetValue(folder, out LicenceExpression? before) || IsUnrecognised(before))
                    texts[folder] = text;
                else if (!IsUnrecognised(text) && Parts(text).Where(p => !Parts(before).Contains(p)).ToList() is { Count: > 0 } more)
                    texts[folder] = LicenceExpression.All([.. Parts(before), .. more]);
            }
        // Packages of one source have one copyright file, which the others' folders are links to.
        Dictionary<string, LicenceExpression> sources = new(StringComparer.Ordinal);
        foreach (InstalledPackage package in inventory.Packages)
            if (package.Package.IsOfDistribution && LicenceNormaliser.Of(package.Package.Licences) is { } licence)
                sources.TryAdd($"{package.Package.Type} {package.Package.SourceName}", licence);
        foreach (InstalledPackage package in inventory.Packages)
        {
            // What a lock file names may not be there, and what a compiler noted has no licence in it.
            if (package.Package.Evidence != PackageEvidence.Installed || package.Package.Development || package.Package.Type is "generic" or "golang" or "cargo" or "nuget" or "maven")
                continue;
            if (LicenceNormaliser.Of(package.Package.Licences) is { } declared)
                yield return new Licensed(package, declared, false);
            else if (texts.TryGetValue(FolderOf(package), out LicenceExpression? text))
                yield return new Licensed(package, text, true);
            else
                yield return new Licensed(package, package.Package.IsOfDistribution ? sources.GetValueOrDefault($"{package.Package.Type} {package.Package.SourceName}") : null, false);
        }
    }

    private static bool IsUnrecognised(LicenceExpression expression) => expression is LicenceTerm { Id: LicenceFileAnalyser.Unrecognised };

    private static IReadOnlyList<LicenceExpression> Parts(LicenceExpression expression) => expression is LicenceAnd and ? and.Parts : [expression];

    /// <summary>Where a package's licence file lies: beside its metadata, for gems in the folder of their files.</summary>
    private static string FolderOf(InstalledPackage package) => package.Package.Type switch
    {
        "gem" when package.Path.Contains("specifications/", StringComparison.Ordinal) => $"{package.Path[..package.Path.LastIndexOf("specifications/", StringComparison.Ordinal)]}gems/{package.Package.Name}-{package.Package.Version}",
        "rpm" or "alpm" or "apk" => $"usr/share/licenses/{package.Package.Name}",
        "deb" => $"usr/share/doc/{package.Package.Name}",
        _ => Places.FolderOf(package.Path),
    };

    /// <summary>The licences that put the expression into its category.</summary>
    private static string Deciding(LicenceExpression expression, LicenceCategory category) =>
        string.Join(", ", expression.Terms.Where(t => t.Category == category).Select(t => Short(t.ToString(), MaxLicence)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));

    /// <summary>The licences of a category with the number of packages, most first: <c>GPL-2.0-or-later (37)</c>.</summary>
    private static List<string> Counted(List<Licensed> packages, LicenceCategory category) =>
    [
        .. packages.SelectMany(p => p.Expression!.Terms.Where(t => t.Category == category).Select(t => Short(t.ToString(), MaxLicence)).Distinct(StringComparer.Ordinal))
            .GroupBy(t => t, StringComparer.Ordinal).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Key} ({g.Count()})")),
    ];

    private static void Add(List<Problem> problems, string rule, Severity severity, string licence, List<Licensed> packages, List<string> named)
    {
        if (packages.Count == 0)
            return;
        (Text title, Text advice) = Catalogue.FindLicenceRule(rule) ?? throw new InvalidOperationException($"the rule {rule} has no text");
        List<string> names = [.. packages.Select(p => p.Package.Package.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        SortedDictionary<string, string> details = new(StringComparer.Ordinal)
        {
            ["packages"] = packages.Count.ToString(CultureInfo.InvariantCulture),
            ["names"] = Short(string.Join(", ", names), 2000),
        };
        if (licence.Length > 0)
            details["licence"] = licence;
        string count = packages.Count.ToString(CultureInfo.InvariantCulture);
        string print = Problem.FingerprintOf(ProblemKind.Licence, rule, licence);
        for (int nth = 1; problems.Exists(p => p.Fingerprint == print); nth++)
            print = Problem.FingerprintOf(ProblemKind.Licence, rule, licence, nth);
        problems.Add(new Problem
        {
            Kind = ProblemKind.Licence,
            Rule = rule,
            Severity = severity,
            Title = new Text(title.In(Language.English, count, licence), title.In(Language.Chinese, count, licence)),
            Advice = advice,
            Evidence = Short(string.Join(", ", named.Distinct(StringComparer.Ordinal).Take(MaxNamed)) + (named.Count > MaxNamed ? ", …" : ""), MaxEvidence),
            Origin = packages[0].Package.Origin,
            Package = packages.Count == 1 ? packages[0].Package.Purl : null,
            Path = packages.Count == 1 ? packages[0].Package.Path : null,
            Details = details,
            Fingerprint = print,
        });
    }

    private static string Short(string text, int max) => Configuration.ProblemDraft.Short(text, max);

    public void Dispose()
    {
    }
}
