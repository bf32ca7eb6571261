using Plimsoll.Verify;

namespace Plimsoll.Tests.Verify;

public sealed class LicenceExpressionTests
{
    private static readonly SortedDictionary<string, string> Categories = new(StringComparer.Ordinal) { ["MIT"] = "permissive", ["GPL-3.0-only"] = "strong-copyleft" };

    [Theory]
    [InlineData("MIT", LicenceAnswer.Allowed)]
    [InlineData("mit", LicenceAnswer.Allowed)]
    [InlineData("GPL-3.0-only", LicenceAnswer.Denied)]
    [InlineData("Zlib", LicenceAnswer.Unlisted)]
    [InlineData("MIT OR GPL-3.0-only", LicenceAnswer.Allowed)]
    [InlineData("MIT AND GPL-3.0-only", LicenceAnswer.Denied)]
    [InlineData("MIT AND Zlib", LicenceAnswer.Unlisted)]
    [InlineData("Zlib OR GPL-3.0-only", LicenceAnswer.Unlisted)]
    [InlineData("(MIT OR GPL-3.0-only) AND Apache-2.0", LicenceAnswer.Allowed)]
    // AND binds closer than OR.
    [InlineData("GPL-3.0-only AND MIT OR MIT", LicenceAnswer.Allowed)]
    [InlineData("MIT AND (GPL-3.0-only OR GPL-3.0-only)", LicenceAnswer.Denied)]
    [InlineData("GPL-3.0-only WITH GCC-exception-3.1", LicenceAnswer.Denied)]
    [InlineData("Artistic or MIT", LicenceAnswer.Allowed)]
    [InlineData("MIT License", LicenceAnswer.Unlisted)]
    [InlineData("MIT OR", LicenceAnswer.Unlisted)]
    [InlineData("(MIT", LicenceAnswer.Unlisted)]
    [InlineData("MIT) OR MIT", LicenceAnswer.Unlisted)]
    [InlineData("", LicenceAnswer.Unlisted)]
    public void Judge_Expression_OrIsAChoiceAndAndIsBoth(string expression, LicenceAnswer answer) =>
        Assert.Equal(answer, LicenceExpression.Judge([expression], new LicenceRules { Allow = ["MIT", "Apache-*"], Deny = ["GPL-*"] }, Categories));

    [Fact]
    public void Judge_SeveralTerms_AllHold()
    {
        LicenceRules rules = new() { Deny = ["GPL-*"] };
        Assert.Equal(LicenceAnswer.Denied, LicenceExpression.Judge(["MIT", "GPL-3.0-only"], rules, Categories));
        Assert.Equal(LicenceAnswer.Allowed, LicenceExpression.Judge(["MIT", "Zlib"], rules, Categories));
        Assert.Equal(LicenceAnswer.Denied, LicenceExpression.Judge(["GPL-2.0+"], new LicenceRules { Deny = ["GPL-2.0-or-later"] }, Categories));
    }

    [Fact]
    public void Judge_Category_WhatNobodyHasSortedIsNotAllowedByADeniedOne()
    {
        LicenceRules rules = new() { Deny = ["category:strong-copyleft"] };
        Assert.Equal(LicenceAnswer.Denied, LicenceExpression.Judge(["GPL-3.0-only"], rules, Categories));
        Assert.Equal(LicenceAnswer.Allowed, LicenceExpression.Judge(["MIT"], rules, Categories));
        Assert.Equal(LicenceAnswer.Unlisted, LicenceExpression.Judge(["Home-made"], rules, Categories));
        Assert.Equal(LicenceAnswer.Allowed, LicenceExpression.Judge(["MIT"], new LicenceRules { Allow = ["category:permissive"] }, Categories));
        Assert.Equal(LicenceAnswer.Denied, LicenceExpression.Judge(["Home-made"], new LicenceRules { Deny = ["category:unknown"] }, Categories));
    }

    [Fact]
    public void Judge_NestedWithoutEnd_IsOneUnknownLicence()
    {
        string deep = new string('(', 500) + "MIT" + new string(')', 500);
        Assert.Equal(LicenceAnswer.Unlisted, LicenceExpression.Judge([deep], new LicenceRules { Allow = ["MIT"] }, Categories));
    }

    [Fact]
    public void Judge_DeniedLicenceInAnExpressionThatNobodyCanRead_IsDenied()
    {
        LicenceRules rules = new() { Deny = ["GPL-3.0-only"] };
        string deep = new string('(', 40) + "GPL-3.0-only" + new string(')', 40), far = string.Join(" AND ", Enumerable.Repeat("MIT", 400)) + " AND GPL-3.0-only";

        Assert.All([deep, far, "GPL-3.0-only AND"], e => Assert.Equal(LicenceAnswer.Denied, LicenceExpression.Judge([e], rules, Categories)));
    }
}
