using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Arch;
using Plimsoll.Inspect.Packages.Gentoo;

namespace Plimsoll.Inspect.Packages.Rpm;

/// <summary>Readers of the package databases that are neither dpkg's nor apk's.</summary>
static class RpmAnalysers
{
    public static IReadOnlyList<IAnalyser> All { get; } =
        [new RpmDatabaseAnalyser(), new RpmManifestAnalyser(), new PacmanAnalyser(), new PortageAnalyser()];
}
