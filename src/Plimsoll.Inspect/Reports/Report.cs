using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Reports;

/// <summary>What an inspection of one image answers. Every output format is made from this and nothing else.</summary>
public sealed record Report
{
    public required string Image { get; init; }
    public string? IndexDigest { get; init; }
    public string? ManifestDigest { get; init; }
    public string? ConfigDigest { get; init; }
    public IReadOnlyList<string> Tags { get; init; } = [];
    public string? Platform { get; init; }

    /// <summary>When the image was made, as its config says; null when it does not.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>False after <c>--unverified</c>: no digest was checked.</summary>
    public bool Verified { get; init; } = true;

    /// <summary>When the inspection ended; the one thing that two equal inspections may differ in.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary><c>0.1.0+commit</c>.</summary>
    public required string ToolVersion { get; init; }
    public required DatabaseInfo Database { get; init; }
    public Distribution? Distribution { get; init; }
    public IReadOnlyList<LayerSummary> Layers { get; init; } = [];
    public IReadOnlyList<InstalledPackage> Packages { get; init; } = [];
    public IReadOnlyList<InstalledPackage> Removed { get; init; } = [];

    /// <summary>Worst first, then by id, package and path; suppressed ones are here too.</summary>
    public IReadOnlyList<Finding> Findings { get; init; } = [];

    /// <summary>
    /// What else is wrong, as the checks see it: worst first, then by kind, rule, path, line and fingerprint; suppressed ones are here too.
    /// </summary>
    public IReadOnlyList<Problem> Problems { get; init; } = [];

    /// <summary>The checks that judged the image; that another kind of problem is not in <see cref="Problems"/> says nothing.</summary>
    public IReadOnlyList<ProblemKind> Checks { get; init; } = [];

    /// <summary>Outside engines and rule sets that the checks asked, those that were missing too; by name.</summary>
    public IReadOnlyList<Engine> Engines { get; init; } = [];

    /// <summary>Engines that were missing or failed, but for the one that a note on the missing virus engine speaks of already.</summary>
    internal IEnumerable<Engine> EnginesToTell =>
        Engines.Where(e => e.Failure is { } failure && (e.Version is not null || !Notes.Any(n => n.Code == "malware-no-virus-engine" && n.Arguments is [var why] && why == failure)));

    /// <summary>The Dockerfile rebuilt from the image's history, line by line; empty when the check of histories did not run.</summary>
    public IReadOnlyList<History.DockerfileLine> Dockerfile { get; init; } = [];

    /// <summary>What the policy says of all this; null when none was given.</summary>
    public Verdict? Verdict { get; init; }

    /// <summary>The policy that <see cref="Verdict"/> is of, for the inspection statement; the JSON report does not hold it.</summary>
    public Policy? Policy { get; init; }

    /// <summary>What a reader must know to judge the findings.</summary>
    public IReadOnlyList<Note> Notes { get; init; } = [];

    /// <summary>What was not or not wholly looked at.</summary>
    public IReadOnlyList<Gap> Gaps { get; init; } = [];

    /// <summary>False when a gap or an undecided note stands: "no finding" does then not mean "clean". Exit code 3.</summary>
    public bool Complete => Gaps.Count == 0 && !Notes.Any(n => n.Undecided);

    /// <summary>False when no advisory was asked (<c>plimsoll sbom</c>): that there are no findings then says nothing.</summary>
    public bool Matched { get; init; } = true;

    /// <summary>The bill of materials that the packages were read from, <c>CycloneDX 1.5 by trivy dev</c>; null for an image.</summary>
    public string? Bom { get; init; }

    /// <summary>What is known of the image that this one was built on; null when nothing is.</summary>
    public BaseImage? Base { get; init; }

    /// <summary>Bytes that were hashed to verify the image.</summary>
    public long BytesHashed { get; init; }
}

/// <summary>Something said about the whole report.</summary>
/// <param name="Code">Stable, kebab-case: <c>no-database</c>, <c>no-advisories-for-release</c>, <c>end-of-life</c>, <c>no-distribution</c>, <c>unverified</c>, <c>database-old</c>, <c>starter-set</c> …</param>
/// <param name="Undecided">True when the note means that flaws may be there unseen.</param>
/// <param name="Arguments">What stands in the note's text.</param>
public sealed record Note(string Code, bool Undecided, params IReadOnlyList<string> Arguments);
