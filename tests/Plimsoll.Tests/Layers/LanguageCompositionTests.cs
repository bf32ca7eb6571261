using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Oci;
using Plimsoll.Sources;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Layers;

/// <summary>Packages of languages once layers lie over each other: lock files, upgrades, and files that the distribution owns.</summary>
[SuppressMessage("Security", "CA5350", Justification = "apk's database holds SHA-1.")]
[SuppressMessage("Security", "CA5351", Justification = "dpkg's lists hold MD5.")]
public sealed class LanguageCompositionTests : IDisposable
{
    private const string Status = "Package: python3-yaml\nStatus: install ok installed\nArchitecture: amd64\nVersion: 6.0-3\nSource: pyyaml\n\n";
    private const string Yaml = "Metadata-Version: 2.1\nName: PyYAML\nVersion: 6.0\n";
    private const string YamlPath = "usr/lib/python3/dist-packages/PyYAML-6.0.egg-info/PKG-INFO";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Inventory Compose(params Action<TarBuilder>[] layers)
    {
        ImageBuilder builder = new();
        foreach (Action<TarBuilder> layer in layers)
            builder.Layer(layer);
        string path = _folder.Write("image.tar", ImageBuilder.Tar(builder.ArchiveFiles()));
        using Image image = ImageSource.Open(path, new ImageOptions { Time = TimeProvider.System }, TestContext.Current.CancellationToken);
        (IReadOnlyDictionary<string, LayerFacts> facts, IReadOnlySet<string> fromCache) =
            new LayerScanner([Analysers.Group], null, Verification.Full, null).Read(image, 2, TestContext.Current.CancellationToken);
        return Composer.Compose(image, facts, fromCache);
    }

    private static string[] Show(IEnumerable<InstalledPackage> packages) =>
        [.. packages.Select(p => $"{p.Package.Name} {p.Package.Version}{(p.Package.Development ? " dev" : "")} {p.Path}{(p.RemovedBy is { } by ? $" -{by.Layer} {p.ReplacedBy}" : "")}".TrimEnd())];

    private static string Npm(string name, string version) => $$"""{"name":"{{name}}","version":"{{version}}"}""";

    private const string Lock = """{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0"},"node_modules/b":{"version":"2.0.0","dev":true}}}""";

    private static string Md5(string text) => Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Compose_LockFileAlone_ItsPackagesArePresentAndDevelopmentIsMarked() =>
        Assert.Equal(["a 1.0.0 app/package-lock.json", "b 2.0.0 dev app/package-lock.json"], Show(Compose(t => t.File("app/package-lock.json", Lock)).Packages));

    [Fact]
    public void Compose_LockFileBesideAnInstalledTree_OnlyWhatIsInstalledIsPresent()
    {
        Inventory seen = Compose(t => t.File("app/package-lock.json", Lock), t => t.File("app/node_modules/a/package.json", Npm("a", "1.0.0")));

        Assert.Equal(["a 1.0.0 app/node_modules/a/package.json"], Show(seen.Packages));
        Assert.Equal(PackageEvidence.Installed, seen.Packages[0].Package.Evidence);
    }

    [Fact]
    public void Compose_InstalledTreeOfAnotherFolder_OvertakesNothing()
    {
        Inventory seen = Compose(t => t.File("app/package-lock.json", Lock).File("other/node_modules/c/package.json", Npm("c", "1.0.0")).File("appendix/node_modules/a/package.json", Npm("a", "1.0.0")));

        Assert.Equal(["a 1.0.0 app/package-lock.json", "a 1.0.0 appendix/node_modules/a/package.json", "b 2.0.0 dev app/package-lock.json", "c 1.0.0 other/node_modules/c/package.json"], Show(seen.Packages));
    }

    [Fact]
    public void Compose_LockFileAtTheRoot_IsOvertakenByTheTreeBesideItAlone()
    {
        Assert.Equal(["a 1.0.0 node_modules/a/package.json"],
            Show(Compose(t => t.File("package-lock.json", Lock).File("node_modules/a/package.json", Npm("a", "1.0.0"))).Packages));
        Assert.Equal(["a 1.0.0 usr/lib/node_modules/a/package.json", "b 2.0.0 dev package-lock.json", "c 1.0.0 usr/lib/node_modules/c/package.json"],
            Show(Compose(t => t.File("package-lock.json", Lock).File("usr/lib/node_modules/a/package.json", Npm("a", "1.0.0")).File("usr/lib/node_modules/c/package.json", Npm("c", "1.0.0"))).Packages));
    }

    [Fact]
    public void Compose_InstalledTreeRemovedLater_LockFileIsPresentAgainAndSaysSo()
    {
        Inventory seen = Compose(t => t.File("app/package-lock.json", Lock).File("app/node_modules/a/package.json", Npm("a", "1.0.0")), t => t.Whiteout("app/node_modules"));

        Assert.Equal(["a 1.0.0 app/package-lock.json", "b 2.0.0 dev app/package-lock.json"], Show(seen.Packages));
        Assert.Equal(["a 1.0.0 app/node_modules/a/package.json -1"], Show(seen.Removed));
    }

    [Fact]
    public void Compose_LockFileDeletedAfterInstalling_IsNotInTheRemovedList()
    {
        Inventory seen = Compose(t => t.File("app/package-lock.json", Lock), t => t.File("app/node_modules/a/package.json", Npm("a", "1.0.0")), t => t.Whiteout("app/package-lock.json"));

        Assert.Equal(["a 1.0.0 app/node_modules/a/package.json"], Show(seen.Packages));
        Assert.DoesNotContain(seen.Removed, p => p.Package.Name == "a");
    }

    [Fact]
    public void Compose_BinaryLockFile_IsAGapUnlessItsTreeIsInstalled()
    {
        Assert.Equal(["lock-file-not-read"], Compose(t => t.File("app/bun.lockb", "x")).Gaps.Select(g => g.Code));
        Assert.Empty(Compose(t => t.File("app/bun.lockb", "x").File("app/node_modules/a/package.json", Npm("a", "1.0.0"))).Gaps);
    }

    [Fact]
    public void Compose_EggReplacedByWheel_VersionInSightWinsAndRemovedListSaysByWhat()
    {
        Inventory seen = Compose(
            t => t.File("usr/local/lib/python3.11/site-packages/Foo_Bar-1.0-py3.11.egg-info/PKG-INFO", "Name: Foo_Bar\nVersion: 1.0\n"),
            t => t.Whiteout("usr/local/lib/python3.11/site-packages/Foo_Bar-1.0-py3.11.egg-info").File("usr/local/lib/python3.11/site-packages/foo_bar-2.0.dist-info/METADATA", "Name: foo.bar\nVersion: 2.0\n"));

        Assert.Equal(["foo-bar 2.0 usr/local/lib/python3.11/site-packages/foo_bar-2.0.dist-info/METADATA"], Show(seen.Packages));
        Assert.Equal(["foo-bar 1.0 usr/local/lib/python3.11/site-packages/Foo_Bar-1.0-py3.11.egg-info/PKG-INFO -1 2.0"], Show(seen.Removed));
        Assert.Equal(seen.Packages[0].Place, seen.Removed[0].Place);
    }

    [Fact]
    public void Compose_EggAndWheelOfOneVersion_AreOnePackageSinceTheFirst()
    {
        Inventory seen = Compose(
            t => t.File("x/site-packages/foo-1.0.egg-info", "Name: foo\nVersion: 1.0\n"),
            t => t.File("x/site-packages/foo-1.0.dist-info/METADATA", "Name: foo\nVersion: 1.0\n"),
            t => t.Whiteout("x/site-packages/foo-1.0.egg-info"));

        Assert.Equal(["foo 1.0 x/site-packages/foo-1.0.dist-info/METADATA"], Show(seen.Packages));
        Assert.Equal(0, seen.Packages[0].Origin.Layer);
        Assert.Empty(seen.Removed);
    }

    [Fact]
    public void Compose_FileThatDpkgsListHolds_IsOwned() =>
        Assert.Equal("deb/python3-yaml", Owner(t => t.File("var/lib/dpkg/status", Status).File(YamlPath, Yaml).File("var/lib/dpkg/info/python3-yaml.md5sums", $"{Md5(Yaml)}  {YamlPath}\n")));

    [Fact]
    public void Compose_ListWithAWrongChecksum_OwnsNothing() =>
        Assert.Null(Owner(t => t.File("var/lib/dpkg/status", Status).File(YamlPath, Yaml).File("var/lib/dpkg/info/python3-yaml.md5sums", $"{Md5(Yaml + "x")}  {YamlPath}\n")));

    [Fact]
    public void Compose_ListOfAPackageThatTheDatabaseLacks_OwnsNothing() =>
        Assert.Null(Owner(t => t.File("var/lib/dpkg/status", Status).File(YamlPath, Yaml).File("var/lib/dpkg/info/python3-other.md5sums", $"{Md5(Yaml)}  {YamlPath}\n")));

    [Fact]
    public void Compose_OwnerRemovedByALaterLayer_OwnsNothing() =>
        Assert.Null(Owner(
            t => t.File("var/lib/dpkg/status", Status).File(YamlPath, Yaml).File("var/lib/dpkg/info/python3-yaml.md5sums", $"{Md5(Yaml)}  {YamlPath}\n"),
            t => t.File("var/lib/dpkg/status", Status.Replace("python3-yaml", "other", StringComparison.Ordinal))));

    [Fact]
    public void Compose_FileReplacedInPlaceByALaterLayer_IsNotOwned() =>
        Assert.Null(Owner(
            t => t.File("var/lib/dpkg/status", Status).File(YamlPath, Yaml).File("var/lib/dpkg/info/python3-yaml.md5sums", $"{Md5(Yaml)}  {YamlPath}\n"),
            t => t.File(YamlPath, Yaml + "License: MIT\n")));

    [Theory]
    [InlineData("app/node_modules/a/package.json")]
    [InlineData("opt/app/node_modules/a/package.json")]
    [InlineData("usr/local/lib/node_modules/a/package.json")]
    [InlineData("srv/node_modules/a/package.json")]
    [InlineData("home/x/node_modules/a/package.json")]
    [InlineData("var/www/node_modules/a/package.json")]
    [InlineData("root/usr/lib/node_modules/a/package.json")]
    public void Compose_ListThatClaimsTheApplicationsFiles_OwnsNothing(string path)
    {
        string text = Npm("a", "1.0.0");
        Inventory seen = Compose(t => t.File("var/lib/dpkg/status", Status).File(path, text).File("var/lib/dpkg/info/python3-yaml.md5sums", $"{Md5(text)}  {path}\n{Md5(text)}  /{path}\n{Md5(text)}  usr/lib/../../{path}\n"));

        Assert.Null(seen.Packages.Single(p => p.Package.Type == "npm").OwnedBy);
        Assert.False(Ownership.MayMatter(Encoding.UTF8.GetBytes(path)));
    }

    [Theory]
    [InlineData(true, "deb/python3-yaml")]
    [InlineData(false, null)]
    public void Compose_ListNamesLibOfAMergedRoot_IsOwnedWhereLibIsALink(bool merged, string? owner) =>
        Assert.Equal(owner, Owner(t =>
        {
            if (merged)
                t.Symlink("lib", "usr/lib");
            t.File("var/lib/dpkg/status", Status).File(YamlPath, Yaml).File("var/lib/dpkg/info/python3-yaml:amd64.md5sums", $"{Md5(Yaml)}  {YamlPath["usr/".Length..]}\n");
        }));

    [Fact]
    public void Compose_FileInApksDatabase_IsOwned()
    {
        string z = Convert.ToBase64String(SHA1.HashData(Encoding.UTF8.GetBytes(Yaml)));
        string path = "usr/lib/python3.11/site-packages/PyYAML-6.0.dist-info/METADATA", folder = path[..path.LastIndexOf('/')];
        string Database(string checksum) => $"P:py3-yaml\nV:6.0-r0\nF:usr\nF:{folder}\nR:INSTALLER\nZ:Q1AAAA\nR:METADATA\na:0:0:644\nZ:Q1{checksum}\n\n";

        Assert.Equal("apk/py3-yaml", Owner(t => t.File("lib/apk/db/installed", Database(z)).File(path, Yaml)));
        Assert.Null(Owner(t => t.File("lib/apk/db/installed", Database(Convert.ToBase64String(new byte[20]))).File(path, Yaml)));
    }

    private string? Owner(params Action<TarBuilder>[] layers) => Compose(layers).Packages.Single(p => p.Package.Type == "pypi").OwnedBy;

    /// <summary>Real packages of Debian: every file of a language in them is owned, and importlib.metadata sees the same packages.</summary>
    [Fact]
    [Trait("needs", "host")]
    public void Compose_DebiansOwnPackages_AllAreOwnedAndAsImportlibSeesThem()
    {
        string root = _folder["root"], status = "";
        Directory.CreateDirectory(Path.Combine(root, "var/lib/dpkg/info"));
        Tool.Run("sh", ["-c", $"cd {_folder.Path} && apt-get download -q python3-yaml python3-six python3-urllib3 python3-certifi node-semver ruby-rack"]);
        foreach (string deb in Directory.GetFiles(_folder.Path, "*.deb"))
        {
            string control = _folder["control"];
            Tool.Run("dpkg-deb", ["-x", deb, root]);
            Tool.Run("dpkg-deb", ["-e", deb, control]);
            string[] fields = File.ReadAllLines(Path.Combine(control, "control"));
            string name = fields[0]["Package: ".Length..];
            File.Copy(Path.Combine(control, "md5sums"), Path.Combine(root, $"var/lib/dpkg/info/{name}.md5sums"));
            status += string.Join('\n', fields).Replace($"Package: {name}\n", $"Package: {name}\nStatus: install ok installed\n", StringComparison.Ordinal) + "\n\n";
            Directory.Delete(control, recursive: true);
        }
        File.WriteAllText(Path.Combine(root, "var/lib/dpkg/status"), status);

        Inventory seen = Compose(t =>
        {
            foreach (string file in Directory.GetFiles(root, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
                if (new FileInfo(file).LinkTarget is null)
                    t.File(Path.GetRelativePath(root, file), File.ReadAllBytes(file));
        });

        Assert.Empty(seen.Gaps);
        string[] python = [.. seen.Packages.Where(p => p.Package.Type == "pypi").Select(p => $"{p.Package.Name} {p.Package.Version}").Order(StringComparer.Ordinal)];
        string oracle = Tool.Run("/usr/bin/python3", ["-c",
            $"import importlib.metadata as m,re\nfor d in m.distributions(path=['{root}/usr/lib/python3/dist-packages']): print(re.sub(r'[-_.]+','-',d.metadata['Name']).lower(), d.version)"]);
        Assert.Equal(oracle.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal), python);
        Assert.Equal(4, python.Length);
        Assert.Equal(["gem rack deb/ruby-rack", "npm semver deb/node-semver"],
            seen.Packages.Where(p => p.Package.Type is "gem" or "npm" && p.Package.Name is "rack" or "semver").Select(p => $"{p.Package.Type} {p.Package.Name} {p.OwnedBy}").Order(StringComparer.Ordinal));
        Assert.All(seen.Packages.Where(p => !p.Package.IsOfDistribution), p => Assert.StartsWith("deb/", p.OwnedBy));
    }

    /// <summary>20 layers over 50 000 packages, the last of which removes them all: what each layer costs is what it changes.</summary>
    [Fact]
    public void Lay_TwentyLayersOverAFiftyThousandFileTree_AllocatesInProportion()
    {
        static long Cost(int packages, int layers)
        {
            Dictionary<string, LayerFacts> facts = [];
            LayerFacts Layer(IEnumerable<FileFacts> files) =>
                new() { Files = [.. files], NonFolders = files.Select(f => PathHash.Of(f.Path)).Order().ToArray() };
            FileFacts File(int i, string version) => new()
            {
                Path = $"app/node_modules/package-{i}/package.json",
                Analyser = "npm",
                Packages = [new Package { Type = "npm", Name = $"package-{i}", Version = version, SourceName = $"package-{i}", SourceVersion = version }],
            };
            PackageLedger ledger = new();
            VisibleFiles files = new();
            List<LayerFacts> all =
            [
                Layer(Enumerable.Range(0, packages).Select(i => File(i, "1.0.0"))),
                .. Enumerable.Range(0, layers - 2).Select(l => Layer([File(l, "2.0.0")])),
                new LayerFacts { Whiteouts = ["app/node_modules"] },
            ];
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int l = 0; l < all.Count; l++)
            {
                foreach (FileFacts gone in files.Hide(all[l]))
                    ledger.Drop(gone);
                foreach (FileFacts file in all[l].Files)
                {
                    files.Add(file);
                    ledger.Take(file);
                }
                ledger.Settle(new Origin(l, null, null));
            }
            Assert.Empty(ledger.Installed);
            Assert.Equal(packages + layers - 2, ledger.Removed.Count);
            Assert.Equal("2.0.0", ledger.Removed[0].ReplacedBy);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        long start = Stopwatch.GetTimestamp(), few = Cost(5_000, 20), many = Cost(50_000, 20), layered = Cost(50_000, 40);

        Assert.True(many < 14 * few, $"{many} bytes for 50 000, {few} for 5 000");
        Assert.True(layered < many * 1.1, $"{layered} bytes for 40 layers, {many} for 20");
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30), "a cliff");
    }

    [Fact]
    public void Hide_VeryDeepPaths_TakeRoomByTheirLength()
    {
        string path = string.Concat(Enumerable.Repeat("d/", 4000)) + "package.json";
        VisibleFiles files = new();
        long before = GC.GetAllocatedBytesForCurrentThread();

        files.Add(new FileFacts { Path = path, Analyser = "npm" });

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4 << 20);
        Assert.Empty(files.Hide(new LayerFacts { OpaqueFolders = ["x"] }));
        Assert.Single(files.Hide(new LayerFacts { NonFolders = new[] { PathHash.Of("d/d/d") } }));
        Assert.Empty(files.ToList());
    }

    /// <summary>The tests of a path come for every entry of an image, so they must be few and end early.</summary>
    [Fact]
    public void Wants_PathsOfAnImage_AllocateNothing()
    {
        byte[][] paths = [.. Enumerable.Range(0, 1000).Select(i => Encoding.UTF8.GetBytes($"usr/share/doc/package-{i}/file-{i}.{"abcdefghijklmnop"[i % 16]}")), "usr/lib/x.lock"u8.ToArray(), "a/node_modules/a/package.json"u8.ToArray()];
        int wanted = 0, mattering = 0;
        long least = Allocation.Least(() =>
        {
            (wanted, mattering) = (0, 0);
            foreach (byte[] path in paths)
            {
                for (int i = 0; i < LanguageAnalysers.All.Count; i++)
                    wanted += LanguageAnalysers.All[i].Wants(path) ? 1 : 0;
                mattering += Ownership.IsSystemPath(path) ? 1 : 0;
            }
        });
        Assert.Equal((0, 1, 1001), (least, wanted, mattering));
    }
}
