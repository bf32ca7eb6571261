using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Suppressions;

public sealed class ProblemSuppressionTests
{
    private static Problem Problem { get; } = new()
    {
        Kind = ProblemKind.Secret,
        Rule = "private-key",
        Severity = Severity.High,
        Title = new Text("t", "t"),
        Path = "etc/ssl/private/key.pem",
        Package = "pkg:deb/debian/ssl-cert@1",
        OwnedBy = "deb/ssl-certificates",
        Fingerprint = "00ff",
    };

    private static Suppression Entry(string id) => new() { Id = id, Reason = "r", Source = "s.yaml:1" };

    [Theory]
    [InlineData("private-key", null, null, true)]
    [InlineData("PRIVATE-KEY", null, null, true)]
    [InlineData("00FF", null, null, true)]
    [InlineData("public-key", null, null, false)]
    [InlineData("private-key", "etc/ssl/**", null, true)]
    [InlineData("private-key", "etc/ssl/*", null, false)]
    [InlineData("private-key", null, "ssl-cert", true)]
    [InlineData("private-key", null, "ssl-certificates", true)]
    [InlineData("private-key", null, "openssl", false)]
    public void Apply_RuleFingerprintPathAndPackage_Decide(string id, string? path, string? package, bool suppressed)
    {
        Suppression entry = Entry(id) with { Path = path, Package = package };

        ProblemSuppressionResult result = Suppressor.Apply([Problem], [entry], DateTimeOffset.UnixEpoch);

        Assert.Equal(suppressed ? entry : null, Assert.Single(result.Problems).Suppressed);
        Assert.Equal(suppressed ? [] : ["suppression-unused"], Suppressor.NotesOn([entry], result.Used, DateTimeOffset.UnixEpoch).Select(n => n.Code));
    }

    [Fact]
    public void Apply_PlaceInsteadOfAPath_IsReachedByNoPath()
    {
        Problem config = Problem with { Path = null, Place = "env TOKEN" };
        Assert.Null(Suppressor.Apply([config], [Entry("private-key") with { Path = "**" }], DateTimeOffset.UnixEpoch).Problems[0].Suppressed);
        Assert.NotNull(Suppressor.Apply([config], [Entry("private-key")], DateTimeOffset.UnixEpoch).Problems[0].Suppressed);
    }

    [Fact]
    public void Apply_Expired_SuppressesNothing()
    {
        Suppression entry = Entry("private-key") with { Expires = new DateOnly(2026, 8, 31) };
        ProblemSuppressionResult result = Suppressor.Apply([Problem], [entry], new(2026, 9, 1, 0, 0, 0, TimeSpan.Zero));
        Assert.Null(result.Problems[0].Suppressed);
        Assert.Equal(["suppression-expired"], Suppressor.NotesOn([entry], result.Used, new(2026, 9, 1, 0, 0, 0, TimeSpan.Zero)).Select(n => n.Code));
    }

    [Fact]
    public void Parse_Path_IsReadAndTellsEntriesApart()
    {
        IReadOnlyList<Suppression> entries = SuppressionFile.Parse("- {id: a, path: x/**, reason: r}\n- {id: a, path: y, reason: r}\n", "s.yaml");
        Assert.Equal(["x/**", "y"], entries.Select(e => e.Path));
        Assert.Contains("\"a\" for every package in \"y\" stands already at s.yaml:1",
            Assert.Throws<SuppressionException>(() => SuppressionFile.Parse("- {id: a, path: y, reason: r}\n- {id: a, path: y, reason: s}\n", "s.yaml")).Message, StringComparison.Ordinal);
    }
}
