using System.Text;
using System.Text.Json.Nodes;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.DotNet;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Packages.DotNet;

public sealed class DotNetAnalyserTests
{
    private const string Deps = """
        {"runtimeTarget":{"name":".NETCoreApp,Version=v8.0/linux-x64"},"libraries":{
        "App/1.0.0":{"type":"project"},
        "Newtonsoft.Json/13.0.1":{"type":"package","serviceable":true},
        "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1":{"type":"runtimepack"},
        "Other/2.0.0.0":{"type":"reference"}}}
        """;

    private static readonly string[] Wanted = ["Microsoft.NETCore.App.Runtime.linux-x64@8.0.1", "Newtonsoft.Json@13.0.1"];

    private static string[] Names(FileFacts? facts) => [.. (facts?.Packages ?? []).Select(p => $"{p.Name}@{p.Version}").Order(StringComparer.Ordinal)];

    private static FileFacts? OfDeps(string json) => new DotNetDepsAnalyser().Analyse("srv/app.deps.json", Encoding.UTF8.GetBytes(json));

    [Fact]
    public void DepsJson_OfAProgram_GivesPackagesAndLeavesProjectsOut()
    {
        FileFacts facts = OfDeps(Deps)!;

        Assert.Equal(Wanted, Names(facts));
        Assert.All(facts.Packages, p => Assert.Equal(("nuget", PackageEvidence.Program), (p.Type, p.Evidence)));
    }

    [Theory]
    [InlineData("{\"libraries\":[1]}")]
    [InlineData("{\"libraries\":{\"A\":{\"type\":\"package\"}}}")]
    [InlineData("{\"libraries\":{\"A/\":{\"type\":\"package\"}}}")]
    [InlineData("{\"libraries\"")]
    [InlineData("")]
    public void DepsJson_Broken_IsAGap(string json) => Assert.Equal("package-list-corrupt", Assert.Single(OfDeps(json)!.Gaps).Code);

    [Fact]
    public void DepsJson_OfTheSharedFrameworkThatRunsThis_NamesItsRuntimePackage()
    {
        string folder = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        string[] files = Directory.GetFiles(folder, "Microsoft.NETCore.App.deps.json");

        FileFacts facts = new DotNetDepsAnalyser().Analyse("usr/share/dotnet/x.deps.json", File.ReadAllBytes(Assert.Single(files)))!;

        Assert.StartsWith("Microsoft.NETCore.App.Runtime.linux-", Assert.Single(facts.Packages).Name, StringComparison.Ordinal);
        Assert.Equal(Path.GetFileName(folder), facts.Packages[0].Version);
        Assert.Equal(3, facts.Checksums.Count);
    }

    [Fact]
    public void Bundle_OfASingleFile_GivesItsDeps()
    {
        byte[] program = SmallPrograms.Bundle(Deps);

        Assert.True(new DotNetBundleAnalyser().WantsContent("opt/app"u8, 0b111_101_101, program.AsSpan(0, 512)));
        Assert.Equal(Wanted, Names(new DotNetBundleAnalyser().Analyse("opt/app", program)));
    }

    [Fact]
    public void Bundle_HostWithoutABundle_GivesNothing() =>
        Assert.Null(new DotNetBundleAnalyser().Analyse("opt/host", new ElfBuilder().Add("x").Writable().Word(0).Add(SmallPrograms.BundleMark).Build()));

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(0x7fff_ffff)]
    [InlineData(700)]
    public void Bundle_OffsetOutsideOfTheFile_IsAGap(long offset) =>
        Assert.Equal("program-metadata-corrupt", Assert.Single(new DotNetBundleAnalyser().Analyse("opt/app", new ElfBuilder().Add("x").Writable().Word((ulong)offset).Add(SmallPrograms.BundleMark).Build())!.Gaps).Code);

    [Fact]
    public void Libraries_OfOurOwnDepsJson_AreThoseThatAJsonReaderFinds()
    {
        string path = Directory.GetFiles(AppContext.BaseDirectory, "*.deps.json").First();
        JsonObject libraries = JsonNode.Parse(File.ReadAllText(path))!["libraries"]!.AsObject();

        string[] wanted = [.. libraries.Where(l => (string?)l.Value!["type"] == "package").Select(l => l.Key.Replace('/', '@')).Order(StringComparer.Ordinal)];

        Assert.NotEmpty(wanted);
        Assert.Equal(wanted, Names(new DotNetDepsAnalyser().Analyse("a.deps.json", File.ReadAllBytes(path))));
    }
}
