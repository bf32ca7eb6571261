using System.Globalization;

namespace Plimsoll.Inspect.Layers;

/// <summary>Analysers whose facts are kept together: those of another group stay valid when this one's rules change.</summary>
/// <param name="Name"><see cref="Packages"/>, or the name of the check that judges the facts.</param>
/// <param name="Rules">What decides the facts beside the analysers' versions: digests of rule files, an engine's database; empty for nothing.</param>
public sealed record FactGroup(string Name, string Rules, IReadOnlyList<IAnalyser> Analysers)
{
    /// <summary>The group that is always there and keeps what is said of the layer as a whole.</summary>
    public const string Packages = "packages";

    /// <summary>Version of the walk that hands files to the analysers; rises when it hands on others than before.</summary>
    private const int WalkVersion = 5;

    /// <summary>Asked when a layer is done: whether what was gathered may be kept. An engine that died half-way leaves facts that say too little.</summary>
    public Func<bool> MayKeep { get; init; } = () => true;

    /// <summary>Facts cached under another text are not used.</summary>
    public string Key { get; } = string.Create(CultureInfo.InvariantCulture, $"{Name},walk:{WalkVersion},{string.Join(',', Analysers.Select(a => $"{a.Id}:{a.Version}"))},{Rules}");
}
