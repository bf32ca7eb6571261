using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Checks;

/// <summary>
/// One kind of inspection beside packages: analysers that gather facts in the one pass over the layers, and a judgement of the
/// composed image that costs little, because some run again on every warm scan.
/// </summary>
public interface ICheck : IDisposable
{
    ProblemKind Kind { get; }

    /// <summary>What gathers facts; their <see cref="FileFacts.Hits"/> come back in <see cref="CheckInput.Hits"/>. Ids are unique over all checks.</summary>
    IReadOnlyList<IAnalyser> Analysers { get; }

    /// <summary>What decides the facts beside the analysers' versions: digests of rule files, an engine's database. Facts of layers are gathered anew when it changes.</summary>
    string Rules { get; }

    /// <summary>False once something failed that another run may not meet: facts gathered since are used for this report and not kept.</summary>
    bool MayKeepFacts => true;

    /// <summary>
    /// What decides the judgement beside its input, <see cref="Rules"/> and this build of the program: it is then remembered for images whose
    /// layers are known. Null: something outside is asked each time.
    /// </summary>
    string? Judgement { get; }

    /// <summary>Called once for each image, after its layers are composed; not where the same was judged before.</summary>
    CheckResult Judge(CheckInput input, CancellationToken cancellationToken);
}

/// <summary>The composed image as a check sees it.</summary>
public sealed record CheckInput
{
    /// <summary>As the user wrote it.</summary>
    public required string Image { get; init; }

    /// <summary>Names with tags that the source gives the image.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Null for a folder and this host.</summary>
    public ImageConfig? Config { get; init; }

    /// <summary>Packages, layers with their history lines, distribution.</summary>
    public required Inventory Inventory { get; init; }

    /// <summary>Hits of the check's own analysers, in sight and removed; by path, line and rule, ordinal order.</summary>
    public IReadOnlyList<FileHit> Hits { get; init; } = [];
    public required DateTimeOffset Now { get; init; }
}

/// <summary>What a check answers.</summary>
public sealed record CheckResult
{
    public static CheckResult Nothing { get; } = new();

    public IReadOnlyList<Problem> Problems { get; init; } = [];
    public IReadOnlyList<Note> Notes { get; init; } = [];
    public IReadOnlyList<Gap> Gaps { get; init; } = [];

    /// <summary>The Dockerfile rebuilt from the image's history, of the check that does so; empty of all others.</summary>
    public IReadOnlyList<History.DockerfileLine> Dockerfile { get; init; } = [];

    /// <summary>What was asked beside our own code, there or not.</summary>
    public IReadOnlyList<Engine> Engines { get; init; } = [];

    /// <summary>Secrets found in the image's history, which no part of the report may show; never written anywhere.</summary>
    public IReadOnlyList<string> Secrets { get; init; } = [];
}

/// <summary>An outside engine or rule set that a check asked.</summary>
/// <param name="Name"><c>clamav</c>, <c>yara</c>, <c>known-malware</c>, <c>shellcheck</c>.</param>
/// <param name="Version">With its database's, as the engine says it; null when it was not there.</param>
/// <param name="Failure">Why it did not, or not wholly, answer; null when it did. English; untrusted text inside is quoted.</param>
public sealed record Engine(string Name, string? Version, string? Failure);
