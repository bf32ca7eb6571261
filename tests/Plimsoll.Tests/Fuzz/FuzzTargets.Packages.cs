using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Apk;
using Plimsoll.Inspect.Packages.Distributions;
using Plimsoll.Inspect.Packages.Dpkg;
using Plimsoll.Inspect.Packages.Versions;

namespace Plimsoll.Tests.Fuzz;

/// <content>Package databases, releases, versions and purls.</content>
internal static partial class FuzzTargets
{
    private const string DpkgText = """
        Package: bash
        Status: install ok installed
        Maintainer: Matthias <m@example.org>
        Architecture: amd64
        Version: 5.1-2+deb11u1
        Depends: base-files (>= 2.1.12)
        Description: shell
         more

        Package: libssl1.1
        Status: deinstall ok config-files
        Source: openssl (1.1.1n-0+deb11u3)
        Architecture: amd64
        Version: 1:1.1.1n-0+deb11u3~x

        """;

    private const string CopyrightText = """
        Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
        Upstream-Name: bash

        Files: *
        Copyright: 1987 FSF
        License: GPL-3+ or Expat

        License: BSD-3-clause
         Redistribution and use
        """;

    private const string ApkText = "C:Q1abc=\nP:musl\nV:1.2.4-r1\nA:x86_64\nS:1\nT:libc\nU:https://musl.libc.org/\nL:MIT\no:musl\nm:T <t@example.org>\nF:lib\nR:ld-musl-x86_64.so.1\n\nP:busybox\nV:1.36.1-r2_git20200101~ab\nA:x86_64\nL:GPL-2.0-only AND MIT\n\n";

    private static readonly string[] VersionWords = ["~", "+deb11u1", "-r1", "_alpha", "_git", "_p1", ":", "1:", "-", ".0", "rc1", "00", "99999999999999999999"];

    private static FuzzTarget DpkgStatus => OfAnalyser("dpkg-status", new DpkgStatusAnalyser(), ["var/lib/dpkg/status"], DpkgText);

    private static FuzzTarget DpkgStatusFolder => OfAnalyser("dpkg-status-d", new DpkgStatusAnalyser(), ["var/lib/dpkg/status.d/base"], "Package: base-files\nVersion: 11\nArchitecture: amd64\nSource: base\n", DpkgText);

    private static FuzzTarget DpkgCopyright => OfAnalyser("dpkg-copyright", new DpkgCopyrightAnalyser(), ["usr/share/doc/bash/copyright"], CopyrightText, "This is in /usr/share/common-licenses/GPL-2, and /usr/share/common-licenses/Artistic.\n");

    private static FuzzTarget ApkInstalled => OfAnalyser("apk-installed", new ApkInstalledAnalyser(), ["lib/apk/db/installed"], ApkText);

    private static FuzzTarget OsRelease => OfAnalyser("os-release", new OsReleaseAnalyser(), OsReleaseAnalyser.Files,
        "PRETTY_NAME=\"Debian GNU/Linux 11 (bullseye)\"\nID=debian\nVERSION_ID='11'\nID_LIKE=\"a b\"\n# c\n", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\n", "3.18.4\n", "trixie/sid\n", "CentOS Linux release 7.9.2009 (Core)\n");

    private static readonly string[] OrderedTypes = ["deb", "apk", "rpm", "npm", "pub", "nuget", "pypi", "maven", "gem", "composer", "cran", "conda"];

    private static FuzzTarget Versions => new()
    {
        Name = "versions",
        Seeds = () => Utf8("1:1.2.3-4+deb11u1\n1.2.3-4\n1.2~rc1\n0:0", "1.36.1-r2\n1.36.1_alpha2-r0\n1.2.3a_p1~abc-r3\n2", "5.10.0-8-amd64\n5.10\n5.10.\n-\n:",
            "1!2.0rc1.post2.dev3+loc.1\n2.0-1\nv2.0c1\n2.0.0\n2.x", "1.0-alpha-1\n1.0.0.RC8-beta\n1.Final\n1-0.1\n1.sp", "1.0.a.9\n1.0-b\n1.00\n1.0.pl1#\n1.0-dev"),
        Words = VersionWords,
        Refusal = Never,
        Run = bytes =>
        {
            string[] versions = [.. Encoding.UTF8.GetString(bytes).Split('\n').Take(7).Select(v => v[..Math.Min(v.Length, 1024)])];
            foreach (string type in OrderedTypes)
                CheckOrder(VersionOrders.For(type)!, versions);
        },
    };

    private static FuzzTarget PurlOfPackage => new()
    {
        Name = "purl",
        Seeds = () => Utf8("deb\nlibstdc++6\n1:10.2.1-6+b1~x\namd64\ngcc-10\n1:10.2.1-6\ndebian\n11", "apk\nmusl\n1.2-r1\nx86_64\nmusl\n1.2-r1\n\n"),
        Refusal = Never,
        Run = bytes =>
        {
            string[] p = [.. OddText(bytes).Split('\n').Concat(Enumerable.Repeat("", 8)).Take(8)];
            Package package = new() { Type = "deb", Name = p[1], Version = p[2], Architecture = p[3], SourceName = p[4], SourceVersion = p[5] };
            CheckPurl(Purl.Of(package, p[0].Length == 0 ? null : new Distribution { Id = p[6], Version = p[7], Source = "x" }));
        },
    };

    private static FuzzTarget OfAnalyser(string name, IAnalyser analyser, IReadOnlyList<string> paths, params string[] seeds) => new()
    {
        Name = name,
        Seeds = () => Utf8(seeds),
        Words = [.. VersionWords, "Package: ", "Version: ", "Status: install ok ", "Source: a (", "License: ", "P:", "V:", "L:", "ID=", "VERSION_ID=", "\\\"", "'", "\r\n"],
        Refusal = Never,
        Run = bytes =>
        {
            foreach (string path in paths)
            {
                WrongAnswerException.Unless(analyser.Wants(Encoding.UTF8.GetBytes(path)), $"{path} is not wanted");
                if (analyser.Analyse(path, bytes) is { } facts)
                    CheckFacts(facts, path, analyser.Id);
            }
        },
    };

    private static void CheckFacts(FileFacts facts, string path, string analyser)
    {
        WrongAnswerException.Unless(facts.Path == path && facts.Analyser == analyser && facts.Gaps.Count <= GapList.MaxShown + 1, "facts of another file, or too many gaps");
        foreach (Package package in facts.Packages)
        {
            WrongAnswerException.Unless(IsWord(package.Name) && IsWord(package.Version) && IsWord(package.SourceName) && IsWord(package.SourceVersion), $"a package named \"{package.Name}\" of version \"{package.Version}\"");
            WrongAnswerException.Unless(package.Maintainer is null or { Length: <= Fields.MaxShownLength } && package.Licences.All(l => l.Length <= Fields.MaxShownLength), "a shown value is too long");
            CheckPurl(Purl.Of(package, facts.Distribution));
        }
        LayerFacts layer = new() { Files = [facts] };
        LayerFacts? again = LayerFactsCodec.Decode(LayerFactsCodec.Encode(layer));
        WrongAnswerException.Unless(again is { Files: [{ } file] } && file.Packages.Count == facts.Packages.Count && file.Packages.Zip(facts.Packages).All(p => p.First.Name == p.Second.Name && p.First.Maintainer == p.Second.Maintainer)
            && file.Distribution?.PrettyName == facts.Distribution?.PrettyName, "the facts are others after a time in the cache");
    }

    private static bool IsWord(string text) => text.Length is > 0 and <= Fields.MaxNameLength && text.All(c => c is > ' ' and < '\x7f');

    private static void CheckPurl(string purl) =>
        WrongAnswerException.Unless(purl.StartsWith("pkg:", StringComparison.Ordinal) && purl.All(c => char.IsAsciiLetterOrDigit(c) || ".-_~:/@%?&=".Contains(c, StringComparison.Ordinal))
            && purl.Count(c => c == '@') == 1, $"no purl: {purl}");

    private static void CheckOrder(IVersionOrder order, string[] versions)
    {
        foreach (string a in versions)
        {
            _ = order.IsValid(a);
            WrongAnswerException.Unless(order.Compare(a, a) == 0, $"{a} is not equal to itself");
            foreach (string b in versions)
            {
                int ab = Math.Sign(order.Compare(a, b));
                WrongAnswerException.Unless(ab == -Math.Sign(order.Compare(b, a)), $"\"{a}\" and \"{b}\" are each above the other");
                foreach (string c in versions)
                    WrongAnswerException.Unless(ab > 0 || order.Compare(b, c) > 0 || order.Compare(a, c) <= 0, $"\"{a}\" <= \"{b}\" <= \"{c}\" < \"{a}\"");
            }
        }
    }

    /// <summary>Text of any kind: bytes that are no UTF-8 become lone surrogates, which JSON and YAML escapes can bring in.</summary>
    private static string OddText(byte[] bytes) => Encoding.UTF8.GetString(bytes).Replace('\ufffd', '\ud83d');
}
