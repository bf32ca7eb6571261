using System.Text.Json;
using Plimsoll.Inspect.Licences;
using Plimsoll.Inspect.Reports;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Licences;

public sealed class LicenceExpressionTests
{
    [Theory]
    [InlineData("MIT", "MIT")]
    [InlineData("mit", "MIT")]
    [InlineData("GPL-2.0+", "GPL-2.0-or-later")]
    [InlineData("MPL-1.1+", "MPL-1.1+")]
    [InlineData("MIT OR Apache-2.0 AND BSD-3-Clause", "MIT OR Apache-2.0 AND BSD-3-Clause")]
    [InlineData("(MIT OR Apache-2.0) AND BSD-3-Clause", "(MIT OR Apache-2.0) AND BSD-3-Clause")]
    [InlineData("((MIT))", "MIT")]
    [InlineData("MPL-2.0-no-copyleft-exception", "MPL-2.0-no-copyleft-exception")]
    [InlineData("CAL-1.0-Combined-Work-Exception", "CAL-1.0-Combined-Work-Exception")]
    [InlineData("GPL-2.0-only WITH Classpath-exception-2.0 OR MIT", "GPL-2.0-only WITH Classpath-exception-2.0 OR MIT")]
    [InlineData("mit or apache-2.0 with llvm-exception", "MIT OR Apache-2.0 WITH LLVM-exception")]
    [InlineData("LicenseRef-Own-1 AND DocumentRef-x:LicenseRef-y", "LicenseRef-Own-1 AND DocumentRef-x:LicenseRef-y")]
    public void TryParse_AnExpression_IsReadAndWrittenAgain(string text, string expected)
    {
        Assert.True(LicenceExpression.TryParse(text, out LicenceExpression? read));
        Assert.Equal(expected, read.ToString());
        Assert.True(LicenceExpression.TryParse(read.ToString()!, out LicenceExpression? again));
        Assert.Equal(expected, again.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("Foo-1.0")]
    [InlineData("MIT OR")]
    [InlineData("OR MIT")]
    [InlineData("MIT Apache-2.0")]
    [InlineData("(MIT")]
    [InlineData("MIT)")]
    [InlineData("()")]
    [InlineData("MIT WITH")]
    [InlineData("MIT WITH MIT")]
    [InlineData("MIT WITH Nothing-exception")]
    [InlineData("(MIT OR ISC) WITH LLVM-exception")]
    [InlineData("Classpath-exception-2.0")]
    [InlineData("GPL-CC-1.0")]
    [InlineData("GPL-3.0-linking-exception")]
    [InlineData("MIT Or ISC")]
    [InlineData("LicenseRef-ä")]
    public void TryParse_AnythingElse_IsRefused(string text) => Assert.False(LicenceExpression.TryParse(text, out _));

    [Fact]
    public void TryParse_DeepAndLong_AreRefusedBeyondTheLimit()
    {
        Assert.True(LicenceExpression.TryParse(new string('(', 32) + "MIT" + new string(')', 32), out _));
        Assert.False(LicenceExpression.TryParse(new string('(', 33) + "MIT" + new string(')', 33), out _));
        Assert.True(LicenceExpression.TryParse("MIT".PadRight(LicenceExpression.MaxCharacters), out _));
        Assert.False(LicenceExpression.TryParse("MIT".PadRight(LicenceExpression.MaxCharacters + 1), out _));
    }

    [Theory]
    [InlineData("MIT OR GPL-3.0-only", LicenceCategory.Permissive)]
    [InlineData("MIT AND GPL-3.0-only", LicenceCategory.StrongCopyleft)]
    [InlineData("MIT AND LicenseRef-x", LicenceCategory.Unknown)]
    [InlineData("GPL-3.0-only AND LicenseRef-x", LicenceCategory.StrongCopyleft)]
    [InlineData("MIT OR LicenseRef-x", LicenceCategory.Permissive)]
    [InlineData("GPL-2.0-only WITH Classpath-exception-2.0", LicenceCategory.WeakCopyleft)]
    [InlineData("GPL-2.0-with-classpath-exception", LicenceCategory.WeakCopyleft)]
    [InlineData("AGPL-3.0-or-later", LicenceCategory.NetworkCopyleft)]
    [InlineData("AGPL-3.0-only OR LGPL-2.1-only", LicenceCategory.WeakCopyleft)]
    [InlineData("BUSL-1.1", LicenceCategory.Restricted)]
    [InlineData("CC-BY-NC-SA-4.0", LicenceCategory.Restricted)]
    [InlineData("CC-BY-SA-4.0", LicenceCategory.StrongCopyleft)]
    [InlineData("CC-BY-4.0", LicenceCategory.Permissive)]
    [InlineData("BSD-3-Clause-No-Nuclear-License", LicenceCategory.Restricted)]
    [InlineData("BSD-Protection", LicenceCategory.StrongCopyleft)]
    [InlineData("CC0-1.0", LicenceCategory.PublicDomain)]
    [InlineData("ADSL", LicenceCategory.Unknown)]
    public void Category_OfAnExpression_IsTheEasiestChoice(string text, LicenceCategory expected)
    {
        Assert.True(LicenceExpression.TryParse(text, out LicenceExpression? read));
        Assert.Equal(expected, read.Category);
    }

    [Fact]
    public void Words_OfCategories_AreThoseThatPoliciesKnow() =>
        Assert.Equal(Plimsoll.Verify.LicenceExpression.Categories.Order(StringComparer.Ordinal), Enum.GetValues<LicenceCategory>().Select(c => c.Word()).Order(StringComparer.Ordinal));

    [Fact, Trait("needs", "shared")]
    public void Ids_OfThePublishedList_AreAllKnown()
    {
        using JsonDocument schema = JsonDocument.Parse(File.ReadAllBytes(SharedData.At("schemas", "spdx.schema.json")));
        string[] ids = [.. schema.RootElement.GetProperty("enum").EnumerateArray().Select(e => e.GetString()!)];

        Assert.True(ids.Length > 700);
        Assert.All(ids, id => Assert.Equal(id, SpdxLicences.FindId(id)));
        string[] unsorted = [.. ids.Where(id => LicenceTerm.Find(id) is { Category: LicenceCategory.Unknown })];
        // Rare ones whose terms are not certain; a new release of the list may add some.
        Assert.InRange(unsorted.Length, 0, 100);
    }
}
