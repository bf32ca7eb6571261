using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Tests.Vulnerabilities;

namespace Plimsoll.Tests.Suppressions;

public sealed class SuppressionTests
{
    [Fact]
    public void Parse_WholeEntry_GivesEveryField()
    {
        Suppression entry = Assert.Single(SuppressionFile.Parse("""
            # why we live with it
            - id: "CVE-2023-0001"
              package: openssl
              reason: >
                not reachable,
                see ticket
              owner: 'ops'
              expires: 2027-01-31
            """, "s.yaml"));
        Assert.Equal(
            new Suppression { Id = "CVE-2023-0001", Package = "openssl", Reason = "not reachable, see ticket", Owner = "ops", Expires = new DateOnly(2027, 1, 31), Source = "s.yaml:2" },
            entry);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing yet\n")]
    [InlineData("---\n[]\n")]
    public void Parse_NoEntries_IsAnEmptyList(string text) => Assert.Empty(SuppressionFile.Parse(text, "s.yaml"));

    [Theory]
    [InlineData("- id: a\n  reason: b\n  cve: c\n", "s.yaml:3: unknown key \"cve\"; known keys: id, package, path, reason, owner, expires")]
    [InlineData("- id: a\n", "s.yaml:1: the suppression has no reason")]
    [InlineData("- reason: a\n", "s.yaml:1: the suppression has no id")]
    [InlineData("- id: a\n  reason: \"\"\n", "s.yaml:2: reason is empty")]
    [InlineData("- id: ~\n  reason: a\n", "s.yaml:1: id is empty")]
    [InlineData("- id: a\n  reason: b\n  expires: 31.1.2027\n", "s.yaml:3: expires is \"31.1.2027\"; wanted a date such as 2027-01-31")]
    [InlineData("- id: a\n  reason: b\n  expires: 2027-02-30\n", "s.yaml:3: expires is")]
    [InlineData("- id: a\n  id: b\n  reason: c\n", "s.yaml:2: key id stands already at line 1")]
    [InlineData("- id: a\n  reason: b\n- id: a\n  reason: c\n", "s.yaml:3: \"a\" for every package stands already at s.yaml:1")]
    [InlineData("id: a\nreason: b\n", "s.yaml:1: a mapping stands where a list of suppressions was wanted")]
    [InlineData("- a\n", "s.yaml:1: the text \"a\" stands where")]
    [InlineData("- id: [a]\n  reason: b\n", "s.yaml:1: a list stands where a text for id was wanted")]
    [InlineData("- &x\n  id: a\n  reason: b\n- *x\n", "s.yaml:1: an anchor (&) stands where")]
    [InlineData("- id: a\n  reason: *x\n", "s.yaml:2: ")]
    [InlineData("- id: !!str a\n  reason: b\n", "s.yaml:1: a tag (!) stands where")]
    [InlineData("- id: a\n  reason: b\n---\n- id: c\n  reason: d\n", "s.yaml:3: a second document stands where")]
    [InlineData("- id: a\n  reason: \"b\n", "s.yaml:")]
    [InlineData("- {id: a, reason: b\n", "s.yaml:")]
    public void Parse_Wrong_SaysWhereAndWhat(string text, string message)
    {
        SuppressionException error = Assert.Throws<SuppressionException>(() => SuppressionFile.Parse(text, "s.yaml"));
        Assert.StartsWith(message, error.Message);
    }

    [Fact]
    public void Parse_AliasBomb_IsRefusedAtOnce()
    {
        string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + string.Concat(Enumerable.Range(1, 30).Select(i => $"a{i}: &a{i} [*a,*a,*a,*a,*a,*a,*a,*a]\n"));
        Assert.Throws<SuppressionException>(() => SuppressionFile.Parse(bomb, "s.yaml"));
    }

    [Fact]
    public void Read_OneByteOverTheLimit_IsRefused()
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "#".PadRight(SuppressionFile.MaxBytes, '-'));
            Assert.Empty(SuppressionFile.Read(file));
            File.AppendAllText(file, "-");
            Assert.Contains("longer than 1048576 bytes", Assert.Throws<SuppressionException>(() => SuppressionFile.Read(file)).Message);
            File.WriteAllBytes(file, [0xFF, 0xFE, 0x00]);
            Assert.Contains("not UTF-8", Assert.Throws<SuppressionException>(() => SuppressionFile.Read(file)).Message);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Parse_OneEntryOverTheLimit_IsRefused()
    {
        string text = string.Concat(Enumerable.Range(0, SuppressionFile.MaxEntries).Select(i => $"- {{id: a{i}, reason: b}}\n"));
        Assert.Equal(SuppressionFile.MaxEntries, SuppressionFile.Parse(text, "s").Count);
        Assert.Throws<SuppressionException>(() => SuppressionFile.Parse(text + "- {id: b, reason: b}\n", "s"));
    }

    [Theory]
    [InlineData("CVE-2023-0001", null, true)]
    [InlineData("cve-2023-0001", null, true)]
    [InlineData("DSA-1-1", null, true)]
    [InlineData("CVE-2023-0001", "libssl1.1", true)]
    [InlineData("CVE-2023-0001", "openssl", true)]
    [InlineData("CVE-2023-0001", "libssl", false)]
    [InlineData("CVE-2023-0002", null, false)]
    public void Apply_IdAndPackage_Decide(string id, string? package, bool suppressed)
    {
        Suppression entry = Entry(id) with { Package = package };
        SuppressionResult result = Suppressor.Apply([Finding()], [entry], DateTimeOffset.UnixEpoch);
        Assert.Equal(suppressed ? entry : null, Assert.Single(result.Findings).Suppressed);
        Assert.Equal(suppressed ? [] : ["suppression-unused"], result.Notes.Select(n => n.Code));
    }

    [Fact]
    public void Apply_Expired_DoesNotSuppressAndIsSaid()
    {
        Suppression entry = Entry("CVE-2023-0001") with { Expires = new DateOnly(2026, 8, 31) };
        Assert.NotNull(Suppressor.Apply([Finding()], [entry], new(2026, 8, 31, 23, 59, 59, TimeSpan.Zero)).Findings[0].Suppressed);
        SuppressionResult result = Suppressor.Apply([Finding()], [entry], new(2026, 9, 1, 0, 0, 0, TimeSpan.Zero));
        Assert.Null(result.Findings[0].Suppressed);
        Note note = Assert.Single(result.Notes);
        Assert.Equal(("suppression-expired", false), (note.Code, note.Undecided));
        Assert.Equal(["CVE-2023-0001", "2026-08-31", "s.yaml:1"], note.Arguments);
    }

    [Fact]
    public void Apply_SeveralMatch_FirstOfTheFileCounts()
    {
        SuppressionResult result = Suppressor.Apply([Finding()], [Entry("DSA-1-1"), Entry("CVE-2023-0001")], DateTimeOffset.UnixEpoch);
        Assert.Equal("DSA-1-1", result.Findings[0].Suppressed!.Id);
        Assert.Empty(result.Notes);
    }

    private static Suppression Entry(string id) => new() { Id = id, Reason = "r", Source = "s.yaml:1" };

    private static Finding Finding() => new()
    {
        Id = "CVE-2023-0001",
        Aliases = ["DSA-1-1"],
        Package = Images.Deb("libssl1.1", "1", "openssl"),
        Status = "fixed",
        Matches = [],
        Fingerprint = "",
    };
}
