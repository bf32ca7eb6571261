using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Dpkg;
using Plimsoll.Tests.Packages;

namespace Plimsoll.Tests.Fuzz;

/// <content>What languages install and lock: the samples of the tests are the seeds; the first byte picks the file's name.</content>
internal static partial class FuzzTargets
{
    private static readonly string[] LanguageWords =
        ["{", "}", "[", "]", "\"packages\":", "\"dependencies\":", "\"version\":", "[[package]]\n", "name = ", "version = ", "packages:\n  ", "@1.0.0:\n", "GEM\n  specs:\n    ", "{:hex, :", "{pkg,<<\"", "\ud83d", "\\ud800", "\"\"\"", "NaN", "\r\n"];

    private static FuzzTarget LanguageFiles => new()
    {
        Name = "language-files",
        Seeds = () => [.. LanguageAnalyserTests.Samples.Select((s, i) => (byte[])[(byte)i, .. System.Text.Encoding.UTF8.GetBytes(s.Text)])],
        Words = LanguageWords,
        Refusal = Never,
        Run = bytes =>
        {
            if (bytes.Length == 0)
                return;
            string path = LanguageAnalyserTests.Samples[bytes[0] % LanguageAnalyserTests.Samples.Count].Path;
            LanguageAnalyser analyser = LanguageAnalysers.Readers.Single(r => r.Wants(System.Text.Encoding.UTF8.GetBytes(path)));
            if (analyser.Analyse(path, bytes.AsMemory(1)) is { } facts)
                CheckFacts(facts, path, analyser.Id);
        },
    };

    private static FuzzTarget DpkgOwned => OfAnalyser("dpkg-owned", new DpkgOwnedAnalyser(), ["var/lib/dpkg/info/a.md5sums"],
        "d41d8cd98f00b204e9800998ecf8427e  usr/lib/python3/dist-packages/six-1.16.0.egg-info\nd41d8cd98f00b204e9800998ecf8427e  usr/bin/x\n");

    private static FuzzTarget PurlText => new()
    {
        Name = "purl-text",
        Seeds = () => Utf8("pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie", "pkg:npm/%40angular/animation@12.3.1#a/b", "pkg:maven/mygroup/myartifact@1.0.0%20Final?mykey=my%20value", "pkg:npm/@a/b", "pkg:golang/a/b/c@v1#/x/"),
        Words = ["pkg:", "@", "?", "#", "/", "%2F", "%", "%FF", "=", "&", "epoch=1"],
        Refusal = Never,
        Run = bytes =>
        {
            if (!Purl.TryParse(OddText(bytes), out PurlParts? parts))
                return;
            WrongAnswerException.Unless(parts.Type.Length > 0 && parts.Name.Length > 0 && parts.PackageName.Length > 0, "parts without a type or a name");
            CheckPurl(Purl.Of(new Package { Type = "generic", Name = parts.PackageName, Version = parts.PackageVersion, SourceName = parts.PackageName, SourceVersion = parts.PackageVersion }, null));
        },
    };
}
