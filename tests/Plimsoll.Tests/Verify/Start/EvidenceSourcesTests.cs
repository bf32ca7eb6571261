using System.Text;
using Plimsoll.Inspect.Policies;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Tests.Verify.Start;

/// <summary>The section <c>start.evidence</c>: which registries a host asks.</summary>
public sealed class EvidenceSourcesTests
{
    private static EvidenceSources Of(string evidence) => StartKit.PolicyOf($"start: {{evidence: {evidence}}}\n").Start!.Evidence;

    [Fact]
    public void Read_Registries_AreThoseAndNoOthers()
    {
        EvidenceSources sources = Of("""{registries: ["registry.example/prod/**", "10.0.0.5:5000/*/app", "docker.io/library/nginx", "localhost/x"], plain-http: ["10.0.0.5:5000"]}""");
        Assert.True(sources.Covers("registry.example/prod/a/b") && sources.Covers("10.0.0.5:5000/team/app") && sources.Covers("docker.io/library/nginx"));
        Assert.False(sources.Covers("registry.example/production/a") || sources.Covers("registry.example.evil/prod/a") || sources.Covers("10.0.0.5:5000/a/b/app"));
        Assert.Equal(["10.0.0.5:5000"], sources.PlainHttp);
        Assert.False(Of("none").Covers("registry.example/prod/a"));
    }

    [Theory]
    [InlineData("""{registries: ["**"]}""", "wanted a host in full")]
    [InlineData("""{registries: ["*/prod/**"]}""", "wanted a host in full")]
    [InlineData("""{registries: ["*.example/prod/**"]}""", "wanted a host in full")]
    [InlineData("""{registries: ["registry.example**/prod"]}""", "wanted a host in full")]
    [InlineData("""{registries: ["registry.exampl?/prod"]}""", "wanted a host in full")]
    [InlineData("""{registries: ["registry.example"]}""", "wanted a host in full")]
    [InlineData("""{registries: ["registry.example/"]}""", "wanted a host in full")]
    [InlineData("""{registries: ["Registry.example/prod"]}""", "wanted a host in full")]
    [InlineData("""{registries: ["registry.example:99999/prod"]}""", "wanted a host in full")]
    [InlineData("""{registries: ["team/app"]}""", "wanted a host in full")]
    [InlineData("""{registries: ["registry.example/**", "registry.example/**"]}""", "stands twice")]
    [InlineData("""{registries: []}""", "names no registries")]
    [InlineData("""{plain-http: ["registry.example"]}""", "names no registries")]
    [InlineData("""{registries: ["registry.example/**"], plain-http: ["other.example"]}""", "the host of none of start.evidence.registries")]
    [InlineData("""{registries: ["registry.example/**"], mirrors: []}""", "unknown key")]
    [InlineData("all", "stands where a mapping wa")]
    public void Read_WhatIsNotUnderstood_IsSaid(string evidence, string says) =>
        Assert.Contains(says, Assert.Throws<DocumentException>(() => Of(evidence)).Message, StringComparison.Ordinal);

    [Fact]
    public void Write_Canonical_IsReadBackAndLeavesOutNone()
    {
        Policy policy = StartKit.PolicyOf("start: {evidence: {registries: [\"b.example/**\", \"a.example/**\"], plain-http: [a.example]}}\n");
        string written = Encoding.UTF8.GetString(PolicyJson.Write(policy));
        Assert.Contains("""
            "evidence":{"registries":["a.example/**","b.example/**"],"plain-http":["a.example"]}
            """.Trim(), written, StringComparison.Ordinal);
        Assert.Equal(written, Encoding.UTF8.GetString(PolicyJson.Write(PolicyFile.Parse(Encoding.UTF8.GetBytes(written), "p.json"))));
        Assert.Equal(PolicyJson.DigestOf(StartKit.Default), PolicyJson.DigestOf(StartKit.PolicyOf("start: {evidence: none}\n")));
    }

    [Fact]
    public void Explain_Registries_AreNamedInBothLanguages()
    {
        Policy policy = StartKit.PolicyOf("start: {evidence: {registries: [\"a.example/**\"], plain-http: [a.example]}}\n");
        Assert.Contains(StartText.All(policy, Language.English), l => l.EndsWith("fetched from: a.example/**", StringComparison.Ordinal));
        Assert.Contains(StartText.All(policy, Language.Chinese), l => l.EndsWith("以下仓库获取：a.example/**", StringComparison.Ordinal));
        Assert.Contains(StartRemarks.Of(policy.Start!, StartKit.Now), r => r.Where == "start.evidence.plain-http");
        Assert.DoesNotContain(StartRemarks.Of(StartKit.Default.Start!, StartKit.Now), r => r.Where.Contains("evidence", StringComparison.Ordinal));
    }
}
