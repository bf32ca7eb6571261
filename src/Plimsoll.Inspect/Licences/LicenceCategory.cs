namespace Plimsoll.Inspect.Licences;

/// <summary>What a licence asks of who passes the program on, from least to most.</summary>
public enum LicenceCategory
{
    /// <summary>Default, so that a forgotten assignment allows nothing: a name that nobody knows.</summary>
    Unknown = 0,
    PublicDomain,
    /// <summary>Keep the notice.</summary>
    Permissive,
    /// <summary>Changes to the files or the library stay under the licence; what uses them need not.</summary>
    WeakCopyleft,
    /// <summary>The whole work stays under the licence when it is passed on.</summary>
    StrongCopyleft,
    /// <summary>As strong copyleft, and letting people use it over a network counts as passing it on.</summary>
    NetworkCopyleft,
    /// <summary>Some uses are forbidden: commercial ones, competing services, changed copies. The source may be open to read.</summary>
    Restricted,
}

/// <summary>The words for <see cref="LicenceCategory"/> in rules and reports.</summary>
public static class LicenceCategories
{
    // Of SPDX's ids each stands in one line, or none that is certain; a star at the end stands for anything.
    private const string PublicDomain = "CC0-1.0 CC-PDDC CC-PDM-1.0 PDDL-1.0 Unlicense* ANTLR-PD* NCBI-PD NIST-PD* NTIA-PD SAX-PD* blessing libselinux-1.0 DL-DE-ZERO-2.0 SGP4";

    private const string Weak = "LGPL-* LGPLLR LLGPL MPL-* CDDL-* EPL-* CPL-1.0 IPL-1.0 APSL-* EUPL-* ErlPL-1.1 Artistic-1.0* ClArtistic CECILL-C OSET-PL-2.1 SISSL* SPL-1.0 NPL-* Interbase-1.0 "
        + "Nokia CATOSL-1.1 CUA-OPL-1.0 gSOAP-1.3b MS-RL RSCPL LPL-* wxWindows CERN-OHL-W-2.0 MMPL-1.0.1 ESA-PL-weak-copyleft-2.4 TPDL Motosoto NOSL YPL-* Zimbra-* SugarCRM-1.1.3 Condor-1.1 "
        + "OCCT-PL BitTorrent-* LiLiQ-R-1.1 LPPL-* DRL-1.* Sendmail CDLA-Sharing-1.0 ODbL-1.0 APL-1.0 OFL-* Ubuntu-font-1.0 CNRI-Jython";

    private const string Strong = "GPL-* GFDL-* Sleepycat QPL-* OSL-* RPSL-1.0 CECILL-1.* CECILL-2.* CC-BY-SA-* CC-SA-1.0 SimPL-2.0 D-FSL-1.0 NGPL SMAIL-GPL CERN-OHL-S-2.0 CERN-OHL-1.* copyleft-next-* "
        + "ESA-PL-strong-copyleft-2.4 LiLiQ-Rplus-1.1 TGPPL-1.0 VSL-1.0 eCos-2.0 RHeCos-1.1 Linux-man-pages-copyleft* BSD-Protection LAL-* TAPR-OHL-1.0 OPUBL-1.0 OGTSL";

    private const string Network = "AGPL-* SSPL-1.0 CAL-1.0* CPAL-1.0 RPL-* NPOSL-3.0 Parity-* Watcom-1.0";

    private const string Restricted = "BUSL-1.1 Elastic-2.0 FSL-1.1-* PolyForm-* CC-BY-NC* CC-BY-ND-* Hippocratic-2.1 SUL-1.0 COIL-1.0 CPOL-1.02 Aladdin UnRAR NCGL-UK-2.0 C-UDA-1.0 "
        + "MS-LPL BSD-3-Clause-No-Nuclear-License* BSD-3-Clause-No-Military-License IEC-Code-Components-EULA TMate OpenPBS-2.3 Glide TORQUE-1.1";

    private const string Permissive = "0BSD AAL AFL-* AMDPLPA AML* AMPAS APAFML Abstyles Adobe-* Afmparse Apache-* Artistic-2.0 Artistic-dist App-s2p BSD-* BSL-1.0 Barr Beerware Bitstream-* BlueOak-1.0.0 Boehm-GC* Borceux Brian-Gladman-* "
        + "CC-BY-1.0 CC-BY-2.* CC-BY-3.* CC-BY-4.0 CDLA-Permissive-* CECILL-B CERN-OHL-P-2.0 CFITSIO CMU-Mach* CNRI-Python* Catharon Clips Community-Spec-1.0 Crossword CrystalStacker Cube DEC-3-Clause DL-DE-BY-2.0 DOC DSDP DocBook-* ECL-* EFL-* "
        + "EUDatagrid Entessa FSFAP* FSFUL* FTL Fair FreeBSD-DOC Furuseth GD GL2PS Giftware HDF5 HIDAPI HP-19* HPND* HTMLTIDY HaskellReport IBM-pibs ICU IJG* IPA ISC* ImageMagick Info-ZIP Inner-Net-2.0 Intel* JPNIC JSON Jam JasPer-2.0 Kazlib "
        + "Knuth-CTAN LPD-document LZMA-SDK-* Latex2e* Leptonica Libpng LiLiQ-P-1.1 Linux-OpenIB Linux-man-pages-1-para MIT* MS-PL MTLL Mackerras-* MirOS MulanPSL-* Multics Mup NAIST-2003 NCL NCSA NICTA-1.0 NIST-Software NLOD-* NRL NTP* Naumen "
        + "Net-SNMP NetCDF Nunit ODC-By-1.0 OFFIS OGC-1.0 OGL-* OLDAP-* OML OpenMDW-1.0 OpenSSL* OpenVision PHP-3.* PADL PSF-2.0 Plexus PostgreSQL Python-2.0* Qhull RSA-MD Rdisc Ruby Ruby-pty SGI-B-* SHL-* SL SMLNJ SNIA SSH-* SSLeay-standalone "
        + "SWL Saxpath SchemeReport Soundex Spencer-* StandardML-NJ Sun-PPP* SunPro TCL TCP-wrappers TTWL TU-Berlin-* TermReadKey UCAR UCL-1.0 UMich-Merit UPL-1.0 Unicode-* UnixCrypt Vim Vixie-Cron W3C* WTFPL WTFNMFPL WordNet X11* XFree86-1.1 Xdebug-1.03 "
        + "Xerox Xnet ZPL-* Zend-2.0 Zlib Zed bcrypt-Solar-Designer bzip2-1.0.* check-cvs curl dtoa eGenix etalab-2.0 fwlw generic-xts gnuplot gtkbook hdparm libpng-* libtiff libutil-David-Nugent lsof magaz mailprio metamail mpi-permissive mpich2 "
        + "mplus pkgconf psfrag psutils python-ldap radvd snprintf softSurfer ssh-keyscan swrule ulem w3m wwl xinetd xkeyboard-config-Zinoviev xlock xpp zlib-acknowledgement any-OSI Sendmail-Open-Source-1.1 Sendmail-8.23 Lucida-Bitmap-Fonts Minpack "
        + "Martin-Birgmeier ESA-PL-permissive-2.4 FDK-AAC FBM Cornell-Lossless-JPEG Cronyx Caldera* Clips EPICS Fair Baekmuk Arphic-1999 IPA ParaType-Free-Font-1.3 Noweb NLPL man2html jove threeparttable";

    /// <summary>Exceptions that make a strong copyleft one of the library alone: what links to it is free.</summary>
    private const string Loosening = "Classpath-exception-2.0* GCC-exception-* Linux-syscall-note Font-exception-2.0 Autoconf-exception-* Bison-exception-* Libtool-exception LLVM-exception OpenJDK-assembly-exception-1.0 "
        + "GNAT-exception WxWindows-exception-3.1 Bootloader-exception u-boot-exception-2.0 eCos-exception-2.0 GPL-3.0-linking-exception GPL-3.0-linking-source-exception LGPL-3.0-linking-exception "
        + "gnu-javamail-exception Universal-FOSS-exception-1.0 GNU-compiler-exception Independent-modules-exception freertos-exception-2.0 Texinfo-exception CLISP-exception-2.0 Qt-GPL-exception-1.0 SWI-exception";

    private static readonly Lazy<((string Prefix, LicenceCategory Category)[] Prefixes, Dictionary<string, LicenceCategory> Categories)> Known = new(Read);

    private static readonly Lazy<string[]> LooseningIds = new(() => Loosening.Split(' '));

    public static string Word(this LicenceCategory category) => category switch
    {
        LicenceCategory.Unknown => "unknown",
        LicenceCategory.PublicDomain => "public-domain",
        LicenceCategory.Permissive => "permissive",
        LicenceCategory.WeakCopyleft => "weak-copyleft",
        LicenceCategory.StrongCopyleft => "strong-copyleft",
        LicenceCategory.NetworkCopyleft => "network-copyleft",
        LicenceCategory.Restricted => "restricted",
        _ => throw new ArgumentOutOfRangeException(nameof(category)),
    };

    /// <param name="id">An SPDX id in its official spelling.</param>
    /// <param name="exception">What stands behind WITH, or null.</param>
    public static LicenceCategory Of(string id, string? exception)
    {
        LicenceCategory category = OfId(id);
        // Old ids carry their exception in their name.
        bool loosened = exception is not null && Array.Exists(LooseningIds.Value, e => Is(exception, e))
            || id.Contains("-with-", StringComparison.Ordinal) || id is "GPL-3.0-linking-exception" or "GPL-3.0-linking-source-exception";
        return loosened && category == LicenceCategory.StrongCopyleft ? LicenceCategory.WeakCopyleft : category;
    }

    private static LicenceCategory OfId(string id)
    {
        if (Known.Value.Categories.TryGetValue(id, out LicenceCategory category))
            return category;
        foreach ((string prefix, LicenceCategory of) in Known.Value.Prefixes)
            if (id.StartsWith(prefix, StringComparison.Ordinal))
                return of;
        return LicenceCategory.Unknown;
    }

    private static bool Is(string id, string pattern) => pattern.EndsWith('*') ? id.StartsWith(pattern[..^1], StringComparison.Ordinal) : id == pattern;

    private static ((string, LicenceCategory)[], Dictionary<string, LicenceCategory>) Read()
    {
        Dictionary<string, LicenceCategory> ids = new(StringComparer.Ordinal);
        List<(string Prefix, LicenceCategory Category)> prefixes = [];
        foreach ((LicenceCategory category, string all) in new[]
        {
            (LicenceCategory.PublicDomain, PublicDomain), (LicenceCategory.WeakCopyleft, Weak), (LicenceCategory.StrongCopyleft, Strong),
            (LicenceCategory.NetworkCopyleft, Network), (LicenceCategory.Restricted, Restricted), (LicenceCategory.Permissive, Permissive),
        })
            foreach (string pattern in all.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                if (pattern.EndsWith('*'))
                    prefixes.Add((pattern[..^1], category));
                else
                    ids.TryAdd(pattern, category);
        // The longest prefix says most: BSD-3-Clause-No-Nuclear-License before BSD-.
        return ([.. prefixes.OrderByDescending(p => p.Prefix.Length).ThenBy(p => p.Prefix, StringComparer.Ordinal)], ids);
    }
}
