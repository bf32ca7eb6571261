using System.Text;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Licences;
using Plimsoll.Inspect.Packages;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Licences;

public sealed class LicenceCheckTests : IDisposable
{
    private const string Isc = "Copyright (c) 2020 X\n\nPermission to use, copy, modify, and/or distribute this software for any\npurpose with or without fee is hereby granted, provided that the above\ncopyright notice and this permission notice appear in all copies.\n";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private IReadOnlyList<Problem> Of(params Action<TarBuilder>[] layers)
    {
        ImageBuilder builder = new();
        foreach (Action<TarBuilder> layer in layers)
            builder.Layer(layer);
        using LicenceCheck check = new();
        using Image image = ImageSource.Open(_folder.Write("image.tar", ImageBuilder.Tar(builder.ArchiveFiles())), new ImageOptions(), TestContext.Current.CancellationToken);
        (IReadOnlyDictionary<string, LayerFacts> facts, IReadOnlySet<string> cached) =
            new LayerScanner([Analysers.Group, new("licence", "", check.Analysers)], null, Verification.Full, null).Read(image, 2, TestContext.Current.CancellationToken);
        Inventory inventory = Composer.Compose(image, facts, cached);
        return check.Judge(new CheckInput { Image = "x", Inventory = inventory, Hits = inventory.Hits, Now = DateTimeOffset.UnixEpoch }, TestContext.Current.CancellationToken).Problems;
    }

    private static string[] Show(IReadOnlyList<Problem> problems) => [.. problems.Select(p => $"{p.Rule} {p.Severity} +{p.Origin!.Layer} {p.Details["names"]}: {p.Evidence}")];

    private static TarBuilder Npm(TarBuilder tar, string name, string? licence) =>
        tar.File($"app/node_modules/{name}/package.json", $$"""{"name":"{{name}}","version":"1.0.0"{{(licence is null ? "" : $",\"license\":\"{licence}\"")}}}""");

    [Fact]
    public void Judge_Categories_AreGroupedByLayer()
    {
        IReadOnlyList<Problem> problems = Of(
            t => Npm(Npm(Npm(Npm(Npm(t, "a", "GPL-3.0-only"), "b", "GPLv2+"), "c", "MIT"), "d", "LGPL-2.1-only"), "e", "Own thing"),
            t => Npm(Npm(Npm(Npm(t, "f", "GPL-3.0-only"), "g", "AGPL-3.0-only"), "h", "SSPL-1.0"), "i", "BUSL-1.1"));

        Assert.Equal(
        [
            "strong-copyleft Low +0 a, b: GPL-2.0-or-later (1), GPL-3.0-only (1)",
            "weak-copyleft Negligible +0 d: LGPL-2.1-only (1)",
            "unknown-licence Low +0 e: Own thing (1)",
            "restricted Medium +1 i: i",
            "network-copyleft Medium +1 g: g",
            "network-copyleft Medium +1 h: h",
            "strong-copyleft Low +1 f: GPL-3.0-only (1)",
        ], Show(problems));
        Assert.Equal(problems.Count, problems.Select(p => p.Fingerprint).Distinct().Count());
        Assert.Equal("Packages under BUSL-1.1, which forbids some uses: 1", problems.Single(p => p.Rule == "restricted").Title.English);
        Assert.Equal("pkg:npm/i@1.0.0", problems.Single(p => p.Rule == "restricted").Package);
        Assert.All(problems, p => Assert.NotEqual(p.Title.English, p.Title.Chinese));
    }

    [Fact]
    public void Judge_AlternativesWithAPermissiveOne_AreNoProblem() => Assert.Empty(Of(t => Npm(Npm(t, "a", "(MIT OR GPL-3.0-only)"), "b", "CC0-1.0")));

    [Fact]
    public void Judge_APackageThatSaysNothing_IsAskedForItsLicenceFile()
    {
        Assert.Equal(["no-licence Low +0 a: a"], Show(Of(t => Npm(t, "a", null))));
        Assert.Empty(Of(t => Npm(t, "a", null).File("app/node_modules/a/LICENSE", Isc)));
        Assert.Empty(Of(t => Npm(t, "a", "SEE LICENSE IN licence.txt").File("app/node_modules/a/licence.txt", Isc)));
        Assert.Equal(["unknown-licence Low +0 a: LicenseRef-unrecognised-text (1)"], Show(Of(t => Npm(t, "a", null).File("app/node_modules/a/LICENSE", "All rights reserved."))));
        // What a package declares is not overruled by a text beside it.
        Assert.Equal(["strong-copyleft Low +0 a: GPL-3.0-only (1)"], Show(Of(t => Npm(t, "a", "GPL-3.0-only").File("app/node_modules/a/LICENSE", Isc))));
        Assert.Equal(["no-licence Low +0 a: a"], Show(Of(t => Npm(t, "a", null).File("app/node_modules/b/LICENSE", Isc))));
    }

    [Fact]
    public void Judge_APythonPackage_HasTheFilesOfItsMetadata() =>
        Assert.Empty(Of(t => t.File("usr/lib/python3/site-packages/a-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: a\nVersion: 1\n\n").File("usr/lib/python3/site-packages/a-1.dist-info/licenses/LICENSE", Isc)));

    [Fact]
    public void Judge_DebianPackagesOfOneSource_ShareACopyright()
    {
        const string status = "Package: a-base\nSource: a\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\nPackage: liba\nSource: a\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\nPackage: free\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n";

        Assert.Equal(["strong-copyleft Low +0 a-base, liba: GPL-3.0-or-later (2)"],
            Show(Of(t => t.File("var/lib/dpkg/status", status).File("usr/share/doc/a-base/copyright", "Format: x\n\nFiles: *\nLicense: GPL-3+\n").Symlink("usr/share/doc/liba", "a-base").File("usr/share/doc/free/copyright", Isc))));
    }

    [Fact]
    public void Judge_PackagesThatCannotSayIt_AreLeftOut() =>
        Assert.Empty(Of(t => t.File("app/package-lock.json", """{"lockfileVersion":3,"packages":{"node_modules/x":{"version":"1.0.0"}}}""")));

    [Theory]
    [InlineData("MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files. The above copyright notice\nand this permission notice shall be included in all copies or substantial portions of the Software.")]
    [InlineData("ISC", Isc)]
    [InlineData("BSD-2-Clause", "Redistribution and use in source and binary forms, with or without\n modification, are permitted provided that the following conditions are met:\n * Redistributions in binary form must reproduce the above copyright notice, this list of conditions and")]
    [InlineData("BSD-3-Clause", "Redistribution and use in source and binary forms, with or without\n modification, are permitted provided that the following conditions are met:\n * Redistributions in binary form must reproduce the above copyright notice, this list of conditions and * Neither the name of X may be used to endorse or promote products derived from this software without specific")]
    [InlineData("Unlicense", "This is free and unencumbered software released into the public domain.\n\nAnyone is free to copy, modify, publish, use, compile, sell, or\ndistribute this software, either")]
    [InlineData(null, "Permission is granted to nobody. All rights reserved.")]
    [InlineData(null, "")]
    public void Find_AText_IsRecognisedByItsPhrases(string? expected, string text) => Assert.Equal(expected, LicenceTexts.Find(Encoding.UTF8.GetBytes(text), out _)?.ToString());

    [Fact, Trait("needs", "shared")]
    public void Find_TheTextsOfRealProjects_AreRecognised()
    {
        // As their repositories hold them; one repeats the licences of what it took over.
        (string File, string Id)[] real = [("gitleaks-MIT.txt", "MIT"), ("almalinux-osv-MIT.txt", "MIT"), ("osv-scalibr-Apache-2.0.txt", "Apache-2.0 AND BSD-3-Clause AND MIT"), ("docker-bench-Apache-2.0.txt", "Apache-2.0"), ("friendsofphp-unlicense.txt", "Unlicense"), ("golang-vulndb-CC-BY-4.0.txt", "CC-BY-4.0")];
        Assert.All(real, r => Assert.Equal(r.Id, LicenceTexts.Find(File.ReadAllBytes(SharedData.At("licences", r.File)), out _)?.ToString()));
    }

    [Theory, Trait("needs", "host")]
    [InlineData("GPL-2", "GPL-2.0")]
    [InlineData("GPL-3", "GPL-3.0")]
    [InlineData("LGPL-2", "LGPL-2.0")]
    [InlineData("LGPL-2.1", "LGPL-2.1")]
    [InlineData("LGPL-3", "LGPL-3.0")]
    [InlineData("Apache-2.0", "Apache-2.0")]
    [InlineData("MPL-2.0", "MPL-2.0")]
    [InlineData("MPL-1.1", "MPL-1.1")]
    [InlineData("CC0-1.0", "CC0-1.0")]
    public void Find_TheTextsThatDebianShips_AreRecognised(string file, string id) =>
        Assert.Equal(id, LicenceTexts.Find(File.ReadAllBytes($"/usr/share/common-licenses/{file}"), out _)?.ToString());

    [Fact]
    public void Find_EveryDocumentedRule_HasAText()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "checks", "licences.md"));
        Assert.All((string[])["restricted", "network-copyleft", "strong-copyleft", "weak-copyleft", "unknown-licence", "no-licence"], rule =>
        {
            Assert.NotNull(Plimsoll.Texts.Catalogue.FindLicenceRule(rule));
            Assert.Contains($"| `{rule}` |", page);
        });
    }
}
