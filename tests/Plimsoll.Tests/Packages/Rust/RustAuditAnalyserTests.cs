using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Rust;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Packages.Rust;

public sealed class RustAuditAnalyserTests
{
    private static FileFacts? Analyse(byte[] program) => new RustAuditAnalyser().Analyse("opt/app", program);

    [Fact]
    public void Analyse_AuditSection_GivesCratesAndMarksThoseOfTheBuild()
    {
        FileFacts facts = Analyse(SmallPrograms.Rust("""{"packages":[{"name":"app","version":"0.1.0","source":"local","root":true,"dependencies":[1]},{"name":"serde","version":"1.0.197","source":"crates.io"},{"name":"cc","version":"1.0.90","source":"crates.io","kind":"build"}]}"""))!;

        Assert.Equal(["app@0.1.0 False", "serde@1.0.197 False", "cc@1.0.90 True"], facts.Packages.Select(p => $"{p.Name}@{p.Version} {p.Development}"));
        Assert.All(facts.Packages, p => Assert.Equal("cargo", p.Type));
        Assert.Empty(facts.Gaps);
    }

    [Fact]
    public void Analyse_NoSection_GivesNothing() => Assert.Null(Analyse(new ElfBuilder().Add("code").Section(".text", [1, 2, 3]).Build()));

    [Theory]
    [InlineData("{\"packages\":[{\"name\":\"a\"")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"packages\":[{\"name\":\"a b\",\"version\":\"1\"}]}")]
    [InlineData("{\"packages\":[1]}")]
    public void Analyse_BrokenList_IsAGap(string json) => Assert.Equal("program-metadata-corrupt", Assert.Single(Analyse(SmallPrograms.Rust(json))!.Gaps).Code);

    [Fact]
    public void Analyse_ZlibBomb_IsAGapWithinBounds()
    {
        byte[] program = SmallPrograms.Rust(new string(' ', 200 << 20));
        long before = GC.GetAllocatedBytesForCurrentThread();

        Gap gap = Assert.Single(Analyse(program)!.Gaps);

        Assert.Contains("more than 8388608", gap.Detail, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 40 << 20);
    }

    [Fact]
    public void Analyse_NoZlibData_IsAGap() => Assert.Single(Analyse(new ElfBuilder().Section(".dep-v0", [1, 2, 3, 4, 5, 6, 7, 8]).Build())!.Gaps);
}
