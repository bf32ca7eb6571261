using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.DotNet;
using Plimsoll.Inspect.Packages.Go;
using Plimsoll.Inspect.Packages.Java;
using Plimsoll.Inspect.Packages.Rust;

namespace Plimsoll.Inspect.Packages.Programs;

/// <summary>What reads programs and archives.</summary>
static class ProgramAnalysers
{
    public static IReadOnlyList<IAnalyser> All { get; } =
        [new DotNetBundleAnalyser(), new DotNetDepsAnalyser(), new GoBinaryAnalyser(), new JavaArchiveAnalyser(), new JavaReleaseAnalyser(), new RustAuditAnalyser(), new VersionStringAnalyser()];
}
