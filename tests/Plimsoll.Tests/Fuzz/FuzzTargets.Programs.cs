using System.IO.Compression;
using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.DotNet;
using Plimsoll.Inspect.Packages.Go;
using Plimsoll.Inspect.Packages.Java;
using Plimsoll.Inspect.Packages.Programs;
using Plimsoll.Inspect.Packages.Rust;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Fuzz;

/// <content>Programs and archives.</content>
internal static partial class FuzzTargets
{
    private const string GoModules = "path\tx/cmd\nmod\texample.org/x\t(devel)\t\ndep\tgolang.org/x/net\tv0.7.0\th1:y=\n=>\tgithub.com/c/b\tv1.1.0\t\nbuild\t-ldflags=\"-X main.version=1.2.3\"\n";
    private const string DepsText = """{"runtimeTarget":{"name":".NETCoreApp,Version=v8.0"},"libraries":{"A/1.0.0":{"type":"project"},"Newtonsoft.Json/13.0.1":{"type":"package"},"runtimepack.X/8.0.1":{"type":"runtimepack"}}}""";
    private const string CratesText = """{"packages":[{"name":"app","version":"0.1.0","root":true},{"name":"cc","version":"1.0.90","kind":"build"}]}""";

    private static FuzzTarget GoBinary => OfProgram("go-binary", new GoBinaryAnalyser(), "opt/app",
        () => [SmallPrograms.Go("go1.21.5", GoModules), SmallPrograms.Go("go1.22rc1", GoModules, withSections: false), SmallPrograms.OldGo("go1.17.5", GoModules)], "go1.21", "\tv1.0.0\t", "dep\t", "=>\t", "\u00ff\u00ff\u00ff\u00ff\u0007");

    private static FuzzTarget RustAudit => OfProgram("rust-audit", new RustAuditAnalyser(), "opt/app", () => [SmallPrograms.Rust(CratesText)]) with
    {
        Make = (mutator, seeds, target) => mutator.OneIn(2) ? SmallPrograms.Rust(mutator.MutateText([CratesText], ["\"kind\":\"build\"", "\"name\":", "\"packages\":["])) : mutator.Mutate(seeds, target.Words),
    };

    private static FuzzTarget DotNetBundle => OfProgram("dotnet-bundle", new DotNetBundleAnalyser(), "opt/app", () => [SmallPrograms.Bundle(DepsText)], "\"type\":\"package\"");

    private static FuzzTarget DotNetDeps => OfProgram("dotnet-deps", new DotNetDepsAnalyser(), "srv/a.deps.json", () => Utf8(DepsText), "\"type\":\"package\"", "\"libraries\":", "/1.0.0", "[[[[");

    private static FuzzTarget VersionStrings => OfProgram("version-string", new VersionStringAnalyser(), "usr/bin/redis-server",
        () => [new ElfBuilder().Add("\07.2.4\0x\07.2.4b5f0e2a9c1d3-1706000000000000000\0").Build()], "7.2.4", "000000000\0", "1706000000");

    private static FuzzTarget JavaRelease => OfProgram("java-release", new JavaReleaseAnalyser(), "opt/java/release", () => Utf8("IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_VERSION=\"17.0.9\"\n"), "JAVA_VERSION=", "\"");

    private static FuzzTarget JavaArchive => OfProgram("java-archive", new JavaArchiveAnalyser(), "opt/a-1.0.jar", () =>
    [
        SmallPrograms.Zip(SmallPrograms.Manifest("Implementation-Title: a-b\r\nImplementation-Version: 1.0\r\nBundle-SymbolicName: x.y.z\r\n .w"), SmallPrograms.Pom("g", "a", "1")),
        SmallPrograms.Zip(CompressionLevel.NoCompression, ("lib/b.jar", SmallPrograms.Zip(CompressionLevel.NoCompression, SmallPrograms.Pom("g", "b", "1"), ("c.war", SmallPrograms.Zip(SmallPrograms.Pom("g", "c", "1")))))),
        SmallPrograms.Zip(("lib/b.jar", SmallPrograms.Zip(SmallPrograms.Manifest("Bundle-Version: 1")))),
    ],
    "PK\u0001\u0002", "PK\u0003\u0004", "PK\u0005\u0006", "PK\u0006\u0006", "PK\u0006\u0007", ".jar", "META-INF/MANIFEST.MF", "version=", "groupId=") with
    {
        MaxAllocatedBytes = 256L << 20,
    };

    private static FuzzTarget OfProgram(string name, IAnalyser analyser, string path, Func<IReadOnlyList<byte[]>> seeds, params string[] words) => new()
    {
        Name = name,
        Seeds = seeds,
        Words = words,
        Refusal = Never,
        Run = bytes =>
        {
            if (analyser.LooksAtContent)
                _ = analyser.WantsContent(Encoding.UTF8.GetBytes(path), 0b111_101_101, bytes.AsSpan(0, Math.Min(bytes.Length, 512)));
            if (analyser.Analyse(path, bytes) is { } facts)
                CheckFacts(facts, path, analyser.Id);
        },
    };
}
