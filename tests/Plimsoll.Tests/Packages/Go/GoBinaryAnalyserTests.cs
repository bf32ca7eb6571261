using System.Security.Cryptography;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Go;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Packages.Go;

public sealed class GoBinaryAnalyserTests
{
    private const string Modules = "path\texample.org/app/cmd/app\nmod\texample.org/app\tv1.2.3\th1:x=\ndep\tgolang.org/x/net\tv0.7.0\th1:y=\ndep\tgithub.com/a/b\tv1.0.0\n=>\tgithub.com/c/b\tv1.1.0\th1:z=\n"
        + "dep\tk8s.io/api\tv0.0.0\n=>\t./staging/api\t(devel)\t\nbuild\t-compiler=gc\n";

    private static readonly GoBinaryAnalyser Analyser = new();

    private static string[] Names(byte[] program, string path = "opt/app") => [.. (Analyser.Analyse(path, program)?.Packages ?? []).Select(p => $"{p.Name}@{p.Version}")];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Analyse_InlineForm_GivesModulesReplacementsAndStandardLibrary(bool withSections) =>
        Assert.Equal(["stdlib@1.21.5", "golang.org/x/net@v0.7.0", "github.com/c/b@v1.1.0", "k8s.io/api@v0.0.0", "example.org/app@v1.2.3"], Names(SmallPrograms.Go("go1.21.5", Modules, withSections)));

    [Fact]
    public void Analyse_ReplacedByAFolderWithoutVersion_KeepsTheNameThatWasReplaced() =>
        Assert.Contains("k8s.io/api@v0.0.0", Names(SmallPrograms.Go("go1.21.5", "dep\tk8s.io/api\tv0.0.0\n=>\t./staging/api\t\t\n")));

    [Fact]
    public void Analyse_PointerForm_GivesTheSame() =>
        Assert.Equal(Names(SmallPrograms.Go("go1.17.5", Modules)), Names(SmallPrograms.OldGo("go1.17.5", Modules)));

    [Fact]
    public void Analyse_EvidenceAndType_AreOfAProgram()
    {
        FileFacts facts = Analyser.Analyse("opt/app", SmallPrograms.Go("go1.21.5", Modules))!;

        Assert.All(facts.Packages, p => Assert.Equal(("golang", PackageEvidence.Program, null), (p.Type, p.Evidence, p.Inner)));
        Assert.Empty(facts.Gaps);
        Assert.Empty(facts.Checksums);
    }

    [Fact]
    public void Analyse_SystemPath_KeepsChecksums()
    {
        byte[] program = SmallPrograms.Go("go1.21.5", Modules);

        IReadOnlyList<string> sums = Analyser.Analyse("usr/bin/app", program)!.Checksums;

        Assert.Equal([32, 40, 64], sums.Select(s => s.Length));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(program)), sums[2]);
    }

    [Theory]
    [InlineData("mod\texample.org/app\t(devel)\t\n", "(devel)")]
    [InlineData("mod\texample.org/app\t(devel)\t\nbuild\t-ldflags=\"-s -X main.version=v3.4.5 -X main.commit=abc\"\n", "v3.4.5")]
    [InlineData("mod\texample.org/app\t(devel)\t\nbuild\t-ldflags=\"-X 'example.org/app/internal/version.Version=2.0.1-rc.1'\"\n", "v2.0.1-rc.1")]
    [InlineData("mod\texample.org/app\t(devel)\t\nbuild\t-ldflags=\"-X example.org/other.Version=9.9.9\"\n", "(devel)")]
    public void Analyse_WorkingCopy_TakesTheLinkersVersionOrNone(string modules, string wanted) =>
        Assert.Contains($"example.org/app@{wanted}", Names(SmallPrograms.Go("go1.21.5", modules)));

    [Theory]
    [InlineData("go1.21.5", "1.21.5")]
    [InlineData("go1.21", "1.21.0")]
    [InlineData("go1.22rc1", "1.22.0-rc.1")]
    [InlineData("go1.20.3 X:boringcrypto", "1.20.3")]
    [InlineData("devel go1.23-0a1b2c3 Mon Jan 1", "1.23.0")]
    [InlineData("devel +0a1b2c3", null)]
    [InlineData("go1.21.5evil", null)]
    public void StandardLibraryVersion_OfEachForm_IsSemantic(string text, string? wanted) => Assert.Equal(wanted, GoBinaryAnalyser.StandardLibraryVersion(text));

    [Fact]
    public void Analyse_NoModules_GivesTheStandardLibraryAlone() => Assert.Equal(["stdlib@1.19.8"], Names(SmallPrograms.Go("go1.19.8", "")));

    [Fact]
    public void Analyse_MarkInReadOnlyText_IsNoGoProgram()
    {
        byte[] inner = SmallPrograms.Go("go1.21.5", Modules);

        Assert.Null(Analyser.Analyse("opt/app", new ElfBuilder().Align(16).Add(inner).Writable().Add("data").Build()));
    }

    [Fact]
    public void Analyse_LengthInTheBillions_IsAGap()
    {
        byte[] program = SmallPrograms.Go("go1.21.5", Modules);
        int version = program.AsSpan().IndexOf("go1.21.5"u8);
        byte[] length = [0xff, 0xff, 0xff, 0xff, 0x07];
        length.CopyTo(program, version + 8);

        FileFacts facts = Analyser.Analyse("opt/app", program)!;

        Assert.Empty(facts.Packages);
        Assert.Equal("program-metadata-corrupt", Assert.Single(facts.Gaps).Code);
    }

    [Fact]
    public void Analyse_AddressOutsideOfTheFile_IsAGap()
    {
        byte[] program = SmallPrograms.OldGo("go1.17.5", Modules);
        int mark = program.AsSpan().IndexOf(" Go buildinf:"u8) - 1;
        program.AsSpan(mark + 16, 8).Fill(0xff);

        Assert.Equal("program-metadata-corrupt", Assert.Single(Analyser.Analyse("opt/app", program)!.Gaps).Code);
    }

    [Fact]
    public void Analyse_ModuleWithAControlCharacter_IsAGapAndTheOthersStand()
    {
        FileFacts facts = Analyser.Analyse("opt/app", SmallPrograms.Go("go1.21.5", "dep\ta\u0001b\tv1\ndep\tgood\tv2.0.0\n"))!;

        Assert.Contains(facts.Packages, p => p.Name == "good");
        Assert.Single(facts.Gaps);
    }

    [Theory, Trait("needs", "host")]
    [InlineData("/usr/sbin/dockerd")]
    [InlineData("/usr/bin/skopeo")]
    [InlineData("/usr/sbin/runc")]
    public void Analyse_DebiansPrograms_AgreesWithTheirTexts(string path)
    {
        FileFacts facts = Analyser.Analyse(path[1..], File.ReadAllBytes(path))!;

        // An oracle that shares nothing with us: the framed text as grep finds it in the file.
        string version = Tool.Run("sh", ["-c", $"grep -a -o -E 'buildinf:.{{0,40}}' {path} | grep -a -o -E 'go1[.0-9]+' | head -n 1"]);
        string listed = Tool.Run("sh", ["-c", $"LC_ALL=C grep -a -o -P '^(dep|mod)\\t[!-~]+\\t[!-~]+' {path} || true"]);
        Assert.Empty(facts.Gaps);
        Assert.Equal(version.Trim()[2..], facts.Packages.Single(p => p.Name == "stdlib").Version);
        Assert.Equal(listed.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')).Select(l => $"{l[1]}@{l[2]}").Order(StringComparer.Ordinal),
            facts.Packages.Where(p => p.Name != "stdlib").Select(p => $"{p.Name}@{p.Version}").Order(StringComparer.Ordinal));
        Assert.Equal(((string[])["md5sum", "sha1sum", "sha256sum"]).Select(t => Tool.Run(t, [path]).Split(' ')[0]), facts.Checksums);
    }
}
