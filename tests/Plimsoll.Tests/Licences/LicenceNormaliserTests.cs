using Plimsoll.Inspect.Licences;

namespace Plimsoll.Tests.Licences;

public sealed class LicenceNormaliserTests
{
    [Theory]
    [InlineData("MIT License", "MIT")]
    [InlineData("The MIT License", "MIT")]
    [InlineData("The MIT License (MIT)", "MIT")]
    [InlineData("Expat", "MIT")]
    [InlineData("MIT/X11", "MIT")]
    [InlineData("License :: OSI Approved :: MIT License", "MIT")]
    [InlineData("Apache License 2.0", "Apache-2.0")]
    [InlineData("Apache License, Version 2.0", "Apache-2.0")]
    [InlineData("Apache 2", "Apache-2.0")]
    [InlineData("ASL 2.0", "Apache-2.0")]
    [InlineData("Apache Software License", null)]
    [InlineData("BSD (3-clause)", "BSD-3-Clause")]
    [InlineData("3-Clause BSD License", "BSD-3-Clause")]
    [InlineData("BSD-3-clause", "BSD-3-Clause")]
    [InlineData("New BSD License", "BSD-3-Clause")]
    [InlineData("Simplified BSD", "BSD-2-Clause")]
    [InlineData("BSD", null)]
    [InlineData("GPL v2", "GPL-2.0")]
    [InlineData("GPLv2", "GPL-2.0")]
    [InlineData("GPL-2", "GPL-2.0")]
    [InlineData("GPL-2+", "GPL-2.0-or-later")]
    [InlineData("GPLv2+", "GPL-2.0-or-later")]
    [InlineData("GPL (>= 2)", "GPL-2.0-or-later")]
    [InlineData("GPL v2 or later", "GPL-2.0-or-later")]
    [InlineData("GPL-2.0-only", "GPL-2.0-only")]
    [InlineData("GNU General Public License v2 (GPLv2)", "GPL-2.0")]
    [InlineData("GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later")]
    [InlineData("GNU Lesser General Public License v2.1", "LGPL-2.1")]
    [InlineData("LGPLv2+", "LGPL-2.0-or-later")]
    [InlineData("LGPL", "LGPL-2.0-or-later")]
    [InlineData("GNU Affero General Public License v3", "AGPL-3.0")]
    [InlineData("AGPL-3+", "AGPL-3.0-or-later")]
    [InlineData("GPL", "GPL-1.0-or-later")]
    [InlineData("GPL+", "GPL-1.0-or-later")]
    [InlineData("GFDL-1.3", "GFDL-1.3")]
    [InlineData("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later")]
    [InlineData("GPL-3+ with autoconf exception", "GPL-3.0-or-later WITH Autoconf-exception-3.0")]
    [InlineData("GPL-2 with Linux-syscall-note exception", "GPL-2.0 WITH Linux-syscall-note")]
    [InlineData("GPL-2+ or Artistic", "GPL-2.0-or-later OR Artistic-1.0")]
    [InlineData("GPL-2+ and LGPL-2.1+", "GPL-2.0-or-later AND LGPL-2.1-or-later")]
    [InlineData("MIT/Apache-2.0", "MIT OR Apache-2.0")]
    [InlineData("(GPLv2+ or MIT) and BSD-3-Clause", "(GPL-2.0-or-later OR MIT) AND BSD-3-Clause")]
    [InlineData("GPLv2+ and LGPLv2+ and MIT", "GPL-2.0-or-later AND LGPL-2.0-or-later AND MIT")]
    [InlineData("MIT, and ISC", "MIT AND ISC")]
    [InlineData("MIT; Zlib", "MIT AND Zlib")]
    [InlineData("MPL-2.0", "MPL-2.0")]
    [InlineData("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0")]
    [InlineData("PSF", "PSF-2.0")]
    [InlineData("ISC License (ISCL)", "ISC")]
    [InlineData("GPL-2 | GPL-3", "GPL-2.0 OR GPL-3.0")]
    [InlineData("public-domain", null)]
    [InlineData("Public Domain", null)]
    [InlineData("General Electric", null)]
    [InlineData("Public", null)]
    public void Of_ANameAsItIsMet_IsAnIdOnlyWhereItIsCertain(string name, string? expected)
    {
        LicenceExpression? read = LicenceNormaliser.Of(name);

        Assert.NotNull(read);
        if (expected is null)
            Assert.Contains(read.Terms, t => !t.IsKnown);
        else
        {
            Assert.All(read.Terms, t => Assert.True(t.IsKnown));
            Assert.Equal(expected, read.ToString());
        }
    }

    [Theory]
    [InlineData("BSD", LicenceCategory.Permissive)]
    [InlineData("MIT-style", LicenceCategory.Permissive)]
    [InlineData("public-domain", LicenceCategory.PublicDomain)]
    [InlineData("GPL-2+ with OpenSSL exception", LicenceCategory.StrongCopyleft)]
    [InlineData("Commercial", LicenceCategory.Restricted)]
    [InlineData("UNLICENSED", LicenceCategory.Restricted)]
    [InlineData("other", LicenceCategory.Unknown)]
    [InlineData("my licence", LicenceCategory.Unknown)]
    public void Of_AnUnknownName_HasWhatItsFamilyHasInCommon(string name, LicenceCategory expected) => Assert.Equal(expected, LicenceNormaliser.Of(name)!.Category);

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("UNKNOWN")]
    [InlineData("NOASSERTION")]
    [InlineData("SEE LICENSE IN LICENSE.md")]
    public void Of_NothingSaid_IsNull(string name) => Assert.Null(LicenceNormaliser.Of(name));

    [Fact]
    public void Of_SeveralLicences_AllHoldAndEachStandsOnce() =>
        Assert.Equal("GPL-2.0 AND MIT AND (ISC OR Zlib)", LicenceNormaliser.Of(["GPL-2", "MIT", "Expat", "ISC or Zlib"])!.ToString());

    [Fact]
    public void Of_AWholeTextInThePlaceOfAName_IsRecognised() =>
        Assert.Equal("MIT", LicenceNormaliser.Of("Copyright 2020 X. Permission is hereby granted, free of charge, to any person obtaining a copy of this software. The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.")!.ToString());

    [Fact]
    public void Of_ExpressionTooLongOrTooDeep_KeepsEveryLicenceThatItNames()
    {
        string far = string.Join(" AND ", Enumerable.Repeat("MIT", 1000)) + " AND GPL-3.0-only", deep = new string('(', 40) + "MIT AND GPL-3.0-only" + new string(')', 40);

        Assert.All([far, deep], text => Assert.Equal("MIT AND GPL-3.0-only AND (unreadable)", LicenceNormaliser.Of(text)!.ToString()));
    }
}
