using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Apk;
using Plimsoll.Inspect.Packages.Distributions;
using Plimsoll.Inspect.Packages.Dpkg;
using Plimsoll.Inspect.Packages.Programs;
using Plimsoll.Inspect.Packages.Rpm;

namespace Plimsoll.Inspect.Packages;

/// <summary>The one list of what reads files of an image.</summary>
public static class Analysers
{
    public static IReadOnlyList<IAnalyser> All { get; } =
    [
        new ApkInstalledAnalyser(), new DpkgCopyrightAnalyser(), new DpkgStatusAnalyser(), new OsReleaseAnalyser(),
        .. RpmAnalysers.All,
        .. ProgramAnalysers.All,
        .. LanguageAnalysers.All,
    ];

    /// <summary>Where package databases lie.</summary>
    public static IReadOnlyCollection<string> Anchors { get; } = [.. All.SelectMany(a => a.Anchors)];

    /// <summary>The facts that every scan gathers.</summary>
    public static FactGroup Group { get; } = new(FactGroup.Packages, "", All);
}
