using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Layers;

public sealed class BaseFinderTests
{
    private static ImageConfig Config(string lines, Dictionary<string, string>? labels = null) => new()
    {
        // A line in parentheses made no layer.
        History = [.. lines.Split('|').Select(l => l.Trim()).Select(l => l.StartsWith('(') ? new HistoryEntry { CreatedBy = l.Trim('(', ')'), EmptyLayer = true } : new HistoryEntry { CreatedBy = l })],
        Config = new ProcessConfig { Labels = labels },
    };

    private static List<LayerSummary> Layers(params string[] ids) => [.. ids.Select((id, i) => new LayerSummary(i, $"sha256:{new string(id[0], 64)}", null, null, 1, 1, false))];

    [Theory]
    [InlineData("ADD a / | (CMD [\"bash\"]) | RUN x | (CMD [\"app\"])", 2, 1)]
    [InlineData("ADD a / | (/bin/sh -c #[nop]  CMD [\"bash\"]) | RUN x", 2, 0)]
    [InlineData("ADD a / | (CMD [\"bash\"]) | RUN x | (CMD [\"y\"]) | RUN z | (ENTRYPOINT [\"app\"])", 3, 2)]
    [InlineData("ADD a / | RUN x | (CMD [\"app\"])", 2, 0)]
    [InlineData("ADD a / | (CMD [\"bash\"])", 1, 0)]
    // A history that does not fit the layers proves nothing.
    [InlineData("ADD a / | (CMD [\"bash\"]) | RUN x", 3, 0)]
    public void Find_History_IsGuessedByTheLastCommandOfAnEarlierImage(string history, int layers, int expected)
    {
        BaseImage? found = BaseFinder.Find(Config(history), Layers([.. Enumerable.Range(0, layers).Select(i => $"{i}")]));

        Assert.Equal(expected, found?.Layers ?? 0);
        if (expected > 0)
            Assert.Equal(BaseEvidence.Guessed, found!.Evidence);
    }

    [Fact]
    public void Find_ClassicBuildersCommand_IsSeen() =>
        Assert.Equal(1, BaseFinder.Guess([new HistoryEntry { CreatedBy = "/bin/sh -c #(nop) ADD file:x in / " }, new HistoryEntry { CreatedBy = "/bin/sh -c #(nop)  CMD [\"bash\"]", EmptyLayer = true }, new HistoryEntry { CreatedBy = "RUN x" }], 2));

    [Fact]
    public void Find_Label_IsOnlyClaimed()
    {
        BaseImage found = BaseFinder.Find(Config("RUN x", new() { [BaseFinder.NameLabel] = "debian:12" }), Layers("0"))!;

        Assert.Equal(("debian:12", BaseEvidence.Claimed, 0), (found.ClaimedName, found.Evidence, found.Layers));
        Assert.Null(BaseFinder.Find(null, Layers("0")));
    }

    [Fact]
    public void Compare_ImageWhoseLayersAreTheFirst_IsProvedAndTheLongestWins()
    {
        Report app = new ReportBuilder().Build() with { Layers = Layers("1", "2", "3") };
        Report Named(string name, params string[] ids) => new ReportBuilder().Build() with { Image = name, Layers = Layers(ids) };

        BaseImage known = BaseFinder.Compare(app, [Named("small", "1"), Named("large", "1", "2"), Named("other", "1", "9")]).Base!;

        Assert.Equal((BaseEvidence.Proved, 2, "large"), (known.Evidence, known.Layers, known.ProvedBy));
        Assert.Equal("other", Assert.Single(known.Newer).Image);
        Assert.Equal(BaseEvidence.Claimed, BaseFinder.Compare(app, [Named("longer", "1", "2", "3", "4")]).Base!.Evidence);
    }

    [Fact]
    public void Compare_NewerBase_RemovesWhatCameWithTheBaseAndIsNotInItself()
    {
        Report app = new ReportBuilder()
            .With(ReportBuilder.Package("openssl", "1"), "CVE-1", Severity.High).With(ReportBuilder.Package("zlib", "1"), "CVE-2", Severity.High)
            .With(ReportBuilder.Package("curl", "1", layer: 1), "CVE-3", Severity.High).Build();
        app = app with { Base = new BaseImage { Evidence = BaseEvidence.Guessed, Layers = 1 } };
        Report newer = new ReportBuilder().With(ReportBuilder.Package("zlib", "2"), "CVE-2", Severity.High).With(ReportBuilder.Package("new", "1"), "CVE-9", Severity.Low).Build()
            with
        { Layers = Layers("7") };

        NewerBase change = Assert.Single(BaseFinder.Compare(app, [newer]).Base!.Newer);

        Assert.Equal([app.Findings.Single(f => f.Id == "CVE-1").Fingerprint], change.Removes);
        Assert.Equal([newer.Findings.Single(f => f.Id == "CVE-9").Fingerprint], change.Brings);
    }

    [Fact]
    public void Compare_UnknownBase_RemovesNothing()
    {
        Report app = ReportBuilder.Vulnerable().Build();

        Assert.Empty(Assert.Single(BaseFinder.Compare(app, [new ReportBuilder().Build() with { Layers = Layers("7") }]).Base!.Newer).Removes);
    }
}
