using System.Text;
using Plimsoll.Inspect.Policies;
using Plimsoll.Inspect.Reports;
using Plimsoll.Keys;
using Plimsoll.Tests.Verify.Start;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;
using static Plimsoll.Tests.Verify.TrustBuilder;

namespace Plimsoll.Tests.Verify;

/// <summary>Images that nobody is asked to vouch for (<c>signed: none</c>): never passed, and started in a sandbox alone.</summary>
public sealed class UntrustedTests
{
    private const string Secure = "start: {untrusted: {runtimes: [plimsoll-runsc]}, rules: [{runtime: {names: [default, plimsoll, plimsoll-runsc]}}]}";

    [Theory]
    [InlineData("signatures: {keys: [release]}", "asks for signatures all the same")]
    [InlineData("attestations: [{type: spdx, keys: [ci]}]", "asks for attestations all the same")]
    [InlineData("inspection: {keys: [ci]}", "asks for inspection all the same")]
    [InlineData("inspection: required", "asks for inspection all the same")]
    [InlineData("measurement: required", "asks for measurement all the same")]
    [InlineData("content-trust: {roots: [root]}", "asks for content-trust all the same")]
    [InlineData("repositories: [registry.example/a]", "repositories is about what somebody signed")]
    [InlineData("platforms: index", "platforms is about what somebody signed")]
    [InlineData("minimum: {not-before: 2026-01-01}", "minimum.not-before is about what somebody signed")]
    [InlineData("minimum: {counter: 1}", "minimum.counter is about what somebody signed")]
    [InlineData("overridden: warn", "overridden is about what somebody signed")]
    [InlineData("unreadable: ignore", "unreadable is about what somebody signed")]
    public void Read_SomethingSignedIsAskedForBeside_IsRefused(string beside, string message)
    {
        Assert.Contains(message, Assert.Throws<DocumentException>(() => Policy($"signed: none\n{beside}", Secure)).Message, StringComparison.Ordinal);
        // The twin says the same words for what is left out anyway.
        Assert.True(Policy("signed: none\nsignatures: none\ninspection: none\nmeasurement: none\nattestations: []\nminimum: {created-after: 2026-01-01}\nrevocations: {keys: [ops]}", Secure).Trust!.Images[0].Untrusted);
    }

    [Theory]
    [InlineData("")]
    [InlineData("start: default")]
    [InlineData("start: {untrusted: none}")]
    public void Read_NoSecureRuntimeIsNamed_IsRefused(string start) =>
        Assert.Contains("trust.images[0] says signed: none, and no secure runtime is named", Assert.Throws<DocumentException>(() => Policy("signed: none", start)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("default")]
    [InlineData("plimsoll")]
    [InlineData("plimsoll*")]
    [InlineData("'**'")]
    public void Read_RuntimeThatIsNoSandboxByName_IsRefused(string runtime) =>
        Assert.Contains("wanted the whole name of a launcher", Assert.Throws<DocumentException>(() => Policy("signed: none", $"start: {{untrusted: {{runtimes: [{runtime}]}}}}")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("signed: required", "wanted none")]
    [InlineData("signed: release", "wanted none")]
    [InlineData("signatures: none", "or signed: none, by which")]
    public void Read_OtherWord_IsRefused(string rule, string message) =>
        Assert.Contains(message, Assert.Throws<DocumentException>(() => Policy(rule, Secure)).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_EmptyListOfRuntimes_IsRefused() =>
        Assert.Contains("start.untrusted names no runtimes", Assert.Throws<DocumentException>(() => Policy("signed: none", "start: {untrusted: {runtimes: []}}")).Message, StringComparison.Ordinal);

    [Fact]
    public void Write_IsOneForm_AndPoliciesWithoutTheWordKeepTheirs()
    {
        byte[] json = PolicyJson.Write(Policy("signed: none", Secure)), other = PolicyJson.Write(Policy("signatures: {keys: [release]}", "start: default"));

        Assert.Equal(json, PolicyJson.Write(PolicyJson.Read(json, "j", canonical: true)));
        Assert.Contains("\"signed\":\"none\"", Encoding.UTF8.GetString(json), StringComparison.Ordinal);
        Assert.Contains("\"untrusted\":{\"runtimes\":[\"plimsoll-runsc\"]}", Encoding.UTF8.GetString(json), StringComparison.Ordinal);
        Assert.DoesNotContain("\"signed\"", Encoding.UTF8.GetString(other), StringComparison.Ordinal);
        Assert.DoesNotContain("untrusted", Encoding.UTF8.GetString(other), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_UntrustedImage_IsUndecidedByItsOwnNameAndNeverCalledSigned()
    {
        TrustBuilder image = new TrustBuilder().Signed(Release).Measurement(Release);
        image.Gaps.Add(new("too-many-signatures", "more than anybody reads"));
        Verdict verdict = image.Judge("signed: none", Secure);

        // Neither what lies beside it nor what is wrong there counts.
        Reason reason = Assert.Single(verdict.Reasons);
        Assert.Equal((Outcome.Undecided, "rule", "untrusted", "trust.images[0].signed"), (verdict.Outcome, reason.Component, reason.Code, reason.Rule));
        Assert.Equal($"nothing signed is asked for: {Repository}:1.4 is untrusted, and starts under a secure runtime alone (plimsoll-runsc)", reason.Message);
        Assert.Contains("不受信任", VerdictText.Of(reason, Language.Chinese), StringComparison.Ordinal);
        Assert.True(verdict.Untrusted);
        Verdict forStart = verdict.ForStart();
        Assert.Equal((Outcome.Warned, true, "untrusted"), (forStart.Outcome, forStart.Untrusted, Assert.Single(forStart.Warnings).Code));
        // The twin: what is signed is no other for a start.
        Verdict signed = image.Judge("signatures: {keys: [release]}\nunreadable: ignore");
        Assert.False(signed.Untrusted);
        Assert.Same(signed, signed.ForStart());
    }

    [Fact]
    public void Of_UntrustedImageThatIsRevokedOrTooOld_IsRefusedForAStartToo()
    {
        TrustBuilder image = new();
        image.Revoking(Ops, images: [new RevokedImage(Config, Now.AddDays(-1), "bad")]);
        const string Rule = "signed: none\nrevocations: {keys: [ops]}";
        image.Judge(Rule, Secure).ForStart().Refuses("revocations/image-revoked");
        new TrustBuilder().Judge(Rule, Secure).ForStart().Refuses("revocations/revocations-missing");
        new TrustBuilder().Judge($"signed: none\nminimum: {{created-after: {Now:yyyy-MM-dd}}}", Secure).ForStart().Refuses("minimum/image-before-minimum");
        Assert.Equal(Outcome.Warned, new TrustBuilder().Revoking(Ops).Judge(Rule, Secure).ForStart().Outcome);
    }

    [Fact]
    public void Of_OneNameUntrustedAndOneSigned_IsBoth()
    {
        Policy policy = PolicyOf("  - {names: [registry.example/guest/*], signed: none}\n  - {names: ['**'], signatures: {keys: [release]}}\n", Secure);
        TrustBuilder image = new TrustBuilder().Signed(Release);
        image.Image = image.Image with { Names = [.. image.Image.Names, ImageName.Parse("registry.example/guest/app:1")] };

        Assert.True(image.Judge(policy).Untrusted);
        image.Signatures.Clear();
        image.Judge(policy).ForStart().Refuses("signature/unsigned");
        Assert.Equal(["runtime-not-secure"], Codes(policy, "plimsoll", [.. image.Image.Names.Select(n => n.ToString())]));
        Assert.Empty(Codes(policy, "plimsoll-runsc", [.. image.Image.Names.Select(n => n.ToString())]));
        Assert.Empty(Codes(policy, "plimsoll", "registry.example/team/app:1"));
    }

    [Theory]
    [InlineData("plimsoll-runsc", false)]
    [InlineData("plimsoll", true)]
    [InlineData("", true)]
    [InlineData("default", true)]
    [InlineData("PLIMSOLL-RUNSC", true)]
    [InlineData("plimsoll-runsc2", true)]
    public void OfStart_Runtime_MustBeASecureOne(string runtime, bool refused) =>
        Assert.Equal(refused, Codes(Policy("signed: none", Secure), runtime, Repository).Contains("runtime-not-secure"));

    [Theory]
    [InlineData("rules: [{runtime: {other-runtime: ignore}}]")]
    [InlineData("rules: [{runtime: {names: ['**']}}]")]
    [InlineData("learning: {until: 2099-01-01}")]
    public void OfStart_NoRuleAndNoLearning_SoftensIt(string start)
    {
        Policy policy = Policy("signed: none", $"start: {{untrusted: {{runtimes: [plimsoll-runsc]}}, {start}}}");
        Assert.Contains("runtime-not-secure", Codes(policy, "plimsoll", Repository));
        Assert.DoesNotContain("runtime-not-secure", Codes(policy, "plimsoll-runsc", Repository));
    }

    [Fact]
    public void OfRuntime_ContainerThatRuns_NeedsAKnownSecureOne()
    {
        Policy policy = Policy("signed: none", Secure);
        IReadOnlyList<ImageName> names = [ImageName.Parse(Repository)], others = [ImageName.Parse("registry.other/app")];
        Assert.Equal(Outcome.Passed, StartJudge.OfRuntime(policy, names, "plimsoll-runsc").Outcome);
        StartJudge.OfRuntime(policy, names, "plimsoll").Refuses("runtime/runtime-not-secure");
        StartJudge.OfRuntime(policy, names, null).Refuses("runtime/runtime-not-secure");
        Assert.Equal(Outcome.Passed, StartJudge.OfRuntime(policy, others, null).Outcome);
    }

    [Fact]
    public void Explain_SaysThatNobodyIsAsked()
    {
        Policy policy = Policy("signed: none", Secure);
        Assert.Contains("  nothing signed is asked for: its images are untrusted, and start under a secure runtime alone: plimsoll-runsc", TrustText.Of(policy, Repository, Language.English));
        Assert.DoesNotContain(TrustText.Of(policy, Repository, Language.English), l => l.Contains("signed although", StringComparison.Ordinal));
        Assert.Contains(PolicyText.Of(policy, Language.Chinese), l => l.Contains("无人担保", StringComparison.Ordinal) && l.Contains("plimsoll-runsc", StringComparison.Ordinal));
        Assert.Contains(PolicyCheck.Of(policy, Now), r => r.Where == "trust.images[0].signed");
    }

    [Theory]
    [InlineData("signed: none", "start: {untrusted: {runtimes: [plimsoll-runsc]}}", "start.untrusted.runtimes")]
    [InlineData("signatures: {keys: [release]}", Secure, "start.untrusted")]
    public void Check_WhatDoesNothing_IsRemarked(string rule, string start, string where)
    {
        Assert.Contains(PolicyCheck.Of(Policy(rule, start), Now), r => r.Where == where);
        Assert.DoesNotContain(PolicyCheck.Of(Policy("signed: none", Secure), Now), r => r.Where == where);
    }

    [Fact]
    public void Cases_StartOfAnUntrustedImage_IsRefusedOutsideTheSandbox()
    {
        const string Start = """
            tests: 1
            cases:
            - name: a guest
              start: {names: ["registry.example/team/app:1"], body: '{"HostConfig": {"Runtime": "RUNTIME", "Memory": 536870912, "NanoCpus": 1000000000, "PidsLimit": 200}}'}
              expect: EXPECT
            """;
        Policy policy = Policy("signed: none", Secure);
        Assert.Null(Run("plimsoll-runsc", "{outcome: passed}"));
        Assert.Null(Run("plimsoll", "{outcome: refused, reasons: [runtime-not-secure]}"));

        string? Run(string runtime, string expect) => PolicyCases.Run(PolicyCases.Parse(
            Encoding.UTF8.GetBytes(Start.Replace("RUNTIME", runtime, StringComparison.Ordinal).Replace("EXPECT", expect, StringComparison.Ordinal)), "c.yaml", "/")[0], policy, Now).Failure;
    }

    private static string[] Codes(Policy policy, string runtime, params string[] names) =>
        StartKit.Codes(StartKit.Judge(StartKit.With($"HostConfig.Runtime=\"{runtime}\""), policy, image: StartKit.Image(StartKit.Config, names)));
}
