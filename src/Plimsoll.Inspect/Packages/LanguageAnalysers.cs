using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Beam;
using Plimsoll.Inspect.Packages.Cargo;
using Plimsoll.Inspect.Packages.Conda;
using Plimsoll.Inspect.Packages.Dart;
using Plimsoll.Inspect.Packages.Dpkg;
using Plimsoll.Inspect.Packages.Gradle;
using Plimsoll.Inspect.Packages.Npm;
using Plimsoll.Inspect.Packages.NuGet;
using Plimsoll.Inspect.Packages.Php;
using Plimsoll.Inspect.Packages.Python;
using Plimsoll.Inspect.Packages.Ruby;
using Plimsoll.Inspect.Packages.Swift;

namespace Plimsoll.Inspect.Packages;

/// <summary>What reads the text files of languages, and who owns them.</summary>
public static class LanguageAnalysers
{
    /// <summary>One for each language; see docs/checks/languages.md.</summary>
    public static IReadOnlyList<LanguageAnalyser> Readers { get; } =
    [
        new BeamAnalyser(), new CargoLockAnalyser(), new CondaAnalyser(), new DartAnalyser(), new GradleLockAnalyser(), new NpmAnalyser(),
        new NuGetLockAnalyser(), new PhpAnalyser(), new PythonAnalyser(), new RubyAnalyser(), new SwiftAnalyser(),
    ];

    /// <summary>The readers as one.</summary>
    public static LanguageFiles Files { get; } = new(Readers);

    public static IReadOnlyList<IAnalyser> All { get; } = [new DpkgOwnedAnalyser(), Files];
}
