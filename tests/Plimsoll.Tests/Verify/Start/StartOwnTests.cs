using System.Text;
using Plimsoll.Inspect.Policies;
using Plimsoll.TestKit;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Verify.Start;

/// <summary>Executables of a container's own, which the gate finds and a rule's <c>own-executables</c> lists.</summary>
public sealed class StartOwnTests
{
    private static Policy Rules(string rules) => StartKit.PolicyOf($"start: {{rules: [{rules}]}}\n");

    private static Verdict Judge(Policy policy, params string[] own) =>
        StartJudge.Of(policy, StartRequest.FromCreate(StartKit.With()) with { OwnExecutables = own }, StartKit.Image(), StartClient.Unknown, StartKit.Now);

    [Theory]
    [InlineData("[/app/plugin.so]", "/app/plugin.so", true)]
    [InlineData("[/app/plugin.so]", "/app/plugin.so.1", false)]
    [InlineData("[/app/*.so]", "/app/plugin.so", true)]
    [InlineData("[/app/*.so]", "/app/sub/plugin.so", false)]
    [InlineData("[/app/**]", "/app/sub/plugin.so", true)]
    [InlineData("[/app/**]", "/application/plugin.so", false)]
    [InlineData("[/**/plugins/*]", "/usr/lib/plugins/a", true)]
    [InlineData("[]", "/app/plugin.so", false)]
    public void Of_OwnExecutable_MustBeListed(string list, string path, bool listed)
    {
        Verdict verdict = Judge(Rules($"{{mounts: {{own-executables: {list}}}}}"), path);
        Assert.Equal(listed ? [] : ["own-executable"], StartKit.Codes(verdict));
        Assert.True(listed || verdict.Reasons[0] is { Component: "mounts", Rule: "start.rules[0].mounts.own-executables" });
    }

    [Fact]
    public void Of_OneOfSeveralThatIsNotListed_Refuses() =>
        Assert.Equal(["/srv/b"], Assert.Single(Judge(Rules("{mounts: {own-executables: [/app/*]}}"), "/app/a", "/srv/b").Reasons).Examples);

    [Fact]
    public void Of_DefaultAndLearningPolicies_ListNone()
    {
        Assert.Equal(["own-executable"], StartKit.Codes(Judge(StartKit.Default, "/app/a")));
        Assert.Equal(["own-executable"], StartKit.Codes(Judge(StartKit.PolicyOf("start: {learning: {until: 2099-01-01}}\n"), "/app/a")));
        Assert.Empty(StartKit.Codes(Judge(StartKit.Default)));
    }

    [Theory]
    [InlineData("app/*.so")]
    [InlineData("/app/../bin/*")]
    [InlineData("/app/")]
    [InlineData("'**'")]
    public void Read_PatternThatIsNoPath_IsRefused(string pattern) =>
        Assert.Contains("mounts.own-executables holds", Assert.Throws<DocumentException>(() => Rules($"{{mounts: {{own-executables: [{pattern}]}}}}")).Message, StringComparison.Ordinal);

    [Fact]
    public void Write_ListThatIsEmpty_IsLeftOutOfTheForm()
    {
        byte[] listed = PolicyJson.Write(Rules("{mounts: {own-executables: [/b, /a/*]}}"));
        Assert.Equal(listed, PolicyJson.Write(PolicyJson.Read(listed, "j", canonical: true)));
        Assert.Contains("\"own-executables\":[\"/a/*\",\"/b\"]", Encoding.UTF8.GetString(listed), StringComparison.Ordinal);
        Assert.DoesNotContain("own-executables", Encoding.UTF8.GetString(PolicyJson.Write(StartKit.Default)), StringComparison.Ordinal);
        Assert.Equal(PolicyJson.DigestOf(Rules("{}")), PolicyJson.DigestOf(Rules("{mounts: {own-executables: []}}")));
    }

    /// <summary>A rule that lists the file and one that lets the rest pass are not together one that lets it start.</summary>
    [Theory]
    [InlineData("{users: [ci], mounts: {own-executables: [/app/*]}}, {}", false)]
    [InlineData("{users: [ci]}, {mounts: {own-executables: [/app/*]}}", false)]
    [InlineData("{users: [ci], mounts: {own-executables: [/app/*]}, resources: {max-pids: 1}}, {}", true)]
    [InlineData("{users: [ci], resources: {max-pids: 1}}, {}", true)]
    public void Of_SpecOfAnUnknownClient_NeedsOneRuleThatAllowsAll(string rules, bool refused)
    {
        StartRequest spec = StartRequest.FromCreate(StartKit.With()) with { Source = StartSource.Spec, Runtime = "plimsoll" };
        Assert.Equal(Outcome.Passed, Of(spec));
        Assert.Equal(refused ? Outcome.Refused : Outcome.Passed, Of(spec with { OwnExecutables = ["/app/a"] }));

        Outcome Of(StartRequest request) => StartJudge.Of(Rules(rules), request, StartKit.Image(), StartClient.Unknown, StartKit.Now).Outcome;
    }

    [Theory]
    [InlineData("{mounts: {own-executables: [/app/*]}}", true)]
    [InlineData("{names: [other/**], mounts: {own-executables: [/app/*]}}, {}", false)]
    [InlineData("{}, {mounts: {own-executables: [/app/*]}}", false)]
    [InlineData("{users: [ci]}, {mounts: {own-executables: [/app/*]}}", true)]
    [InlineData("{users: [ci], mounts: {own-executables: [/app/*]}}, {}", true)]
    [InlineData("{deny: no, mounts: {own-executables: [/app/*]}}", false)]
    [InlineData("{not-after: 2026-03-01, mounts: {own-executables: [/app/*]}}, {}", false)]
    public void AllowsOwn_ByTheRuleThatMayHaveLetItStart(string rules, bool allowed)
    {
        Policy policy = Rules(rules);
        Assert.Equal(allowed, StartJudge.AllowsOwn(policy, StartKit.Image(), "/app/a", StartKit.Now));
        Assert.False(StartJudge.AllowsOwn(policy, StartKit.Image(), "/srv/a", StartKit.Now));
        // Each name needs a rule that lists it.
        Assert.False(StartJudge.AllowsOwn(Rules("{names: [registry.example/**], mounts: {own-executables: [/app/*]}}, {}"), StartKit.Image(StartKit.Config, "registry.example/team/web", "evil/web"), "/app/a", StartKit.Now));
    }

    private const string Case = """
        tests: 1
        cases:
        - name: restarted
          start: {own-executables: [OWN], body: '{"HostConfig": {"Memory": 536870912, "NanoCpus": 1000000000, "PidsLimit": 200}}'}
          expect: EXPECT
        """;

    [Fact]
    public void Cases_OwnExecutablesOfAStart_AreJudged()
    {
        Policy policy = Rules("{mounts: {own-executables: [/app/*.so]}}");
        Assert.Null(Run("/app/plugin.so", "{outcome: passed}"));
        Assert.Null(Run("/srv/plugin.so", "{outcome: refused, reasons: [own-executable]}"));
        Assert.Contains("expected passed, got refused", Run("/srv/plugin.so", "{outcome: passed}")!, StringComparison.Ordinal);

        string? Run(string own, string expect) => PolicyCases.Run(PolicyCases.Parse(Encoding.UTF8.GetBytes(Case.Replace("OWN", own, StringComparison.Ordinal).Replace("EXPECT", expect, StringComparison.Ordinal)), "c.yaml", "/")[0], policy, StartKit.Now).Failure;
    }

    [Fact]
    public void Check_EverythingListed_IsRemarked()
    {
        Assert.Contains(PolicyCheck.Of(Rules("{mounts: {own-executables: [/**]}}"), StartKit.Now), r => r.Where == "start.rules[0].mounts.own-executables");
        Assert.DoesNotContain(PolicyCheck.Of(Rules("{mounts: {own-executables: [/app/**]}}"), StartKit.Now), r => r.Where == "start.rules[0].mounts.own-executables");
    }
}
