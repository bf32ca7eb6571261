using Plimsoll.Inspect.Licences;

namespace Plimsoll.Tests.Licences;

public sealed class LicenceJudgeTests
{
    private static LicenceVerdict Of(string allow, string deny, string expression)
    {
        LicenceRules rules = new() { Allow = Split(allow), Deny = Split(deny) };
        Assert.Empty(rules.FindUnknown());
        return rules.Judge(LicenceNormaliser.Of(expression)!);

        static string[] Split(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    [Theory]
    [InlineData("", "", "GPL-3.0-only", LicenceVerdict.Allowed)]
    [InlineData("MIT", "", "MIT", LicenceVerdict.Allowed)]
    [InlineData("MIT", "", "ISC", LicenceVerdict.Unlisted)]
    [InlineData("", "GPL-3.0-only", "GPL-3.0-only", LicenceVerdict.Denied)]
    [InlineData("", "GPL-3.0-only", "GPL-3.0-or-later", LicenceVerdict.Allowed)]
    [InlineData("", "GPL-3.0", "GPL-3.0-or-later", LicenceVerdict.Denied)]
    [InlineData("", "GPL-3.0-only", "GPL-3.0", LicenceVerdict.Denied)]
    [InlineData("", "strong-copyleft", "GPL-2+", LicenceVerdict.Denied)]
    [InlineData("permissive, public-domain", "", "MIT AND CC0-1.0", LicenceVerdict.Allowed)]
    [InlineData("permissive", "", "MIT AND GPL-3.0-only", LicenceVerdict.Unlisted)]
    [InlineData("permissive", "", "MIT OR GPL-3.0-only", LicenceVerdict.Allowed)]
    [InlineData("permissive", "strong-copyleft", "MIT AND GPL-3.0-only", LicenceVerdict.Denied)]
    [InlineData("", "strong-copyleft", "MIT OR GPL-3.0-only", LicenceVerdict.Allowed)]
    [InlineData("", "strong-copyleft", "GPL-2.0-only OR GPL-3.0-only", LicenceVerdict.Denied)]
    [InlineData("MIT", "strong-copyleft", "ISC OR GPL-3.0-only", LicenceVerdict.Unlisted)]
    [InlineData("MPL-2.0", "weak-copyleft", "MPL-2.0", LicenceVerdict.Allowed)]
    [InlineData("MPL-2.0", "weak-copyleft", "LGPL-3.0-only", LicenceVerdict.Denied)]
    [InlineData("weak-copyleft", "MPL-2.0", "MPL-2.0", LicenceVerdict.Denied)]
    [InlineData("", "strong-copyleft", "GPL-2.0-only WITH Classpath-exception-2.0", LicenceVerdict.Allowed)]
    [InlineData("", "GPL-2.0-only", "GPL-2.0-only WITH Classpath-exception-2.0", LicenceVerdict.Denied)]
    [InlineData("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only", "GPL-2.0-only WITH Classpath-exception-2.0", LicenceVerdict.Allowed)]
    [InlineData("GPL-2.0-only WITH Classpath-exception-2.0", "", "GPL-2.0-only", LicenceVerdict.Unlisted)]
    [InlineData("", "unknown", "my own", LicenceVerdict.Denied)]
    [InlineData("LicenseRef-House", "", "LicenseRef-House", LicenceVerdict.Allowed)]
    [InlineData("MIT", "MIT", "MIT", LicenceVerdict.Denied)]
    public void Judge_AnExpression_IsHeldAgainstBothLists(string allow, string deny, string expression, LicenceVerdict expected) => Assert.Equal(expected, Of(allow, deny, expression));

    [Fact]
    public void Judge_NoLicenceAtAll_IsUnknown()
    {
        Assert.Equal(LicenceVerdict.Denied, new LicenceRules { Deny = ["unknown"] }.Judge([]));
        Assert.Equal(LicenceVerdict.Unlisted, new LicenceRules { Allow = ["MIT"] }.Judge([]));
    }

    [Fact]
    public void Judge_WhatNobodySet_AllowsNothing() => Assert.Equal(LicenceVerdict.Unlisted, default(LicenceVerdict));

    [Fact]
    public void Against_ADeniedExpression_NamesWhatDecides()
    {
        LicenceRules rules = new() { Deny = ["network-copyleft"] };

        Assert.Equal(["AGPL-3.0-only"], rules.Against(LicenceNormaliser.Of("MIT AND AGPL-3.0-only AND ISC")!).Select(t => t.ToString()));
        Assert.Empty(rules.Against(LicenceNormaliser.Of("MIT")!));
    }

    [Fact]
    public void FindUnknown_ASpellingMistake_IsNamed() =>
        Assert.Equal(["GPL-3", "permisive", "MIT OR ISC"], new LicenceRules { Allow = ["MIT", "GPL-3", "permissive"], Deny = ["permisive", "MIT OR ISC", "LicenseRef-x"] }.FindUnknown());
}
