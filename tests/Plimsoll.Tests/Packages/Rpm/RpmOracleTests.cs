using System.Security.Cryptography;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Rpm;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Packages.Rpm;

/// <summary>What rpm itself says of databases that rpm and Berkeley DB wrote.</summary>
[Trait("needs", "host")]
public sealed class RpmOracleTests(RpmOracleTests.Roots roots) : IClassFixture<RpmOracleTests.Roots>
{
    private const string Form = "%{NAME}\\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{SOURCERPM}\\t%{LICENSE}\\t%{VENDOR}\\t%{MODULARITYLABEL}\\n";

    public sealed class Roots : IDisposable
    {
        public RpmRoot Value { get; } = new(
            [
                new("alpha", "1.2-3.el8"), new("beta-tools", "7:1.0~rc1^git20230101-0.1.fc40", Files: 900, Sub: "libbeta"), new("gamma", "2-1", Architecture: "x86_64"),
                new("nodejs", "1:18.9.1-1.module_el8.6.0+2904+1b3ee9a1", "nodejs:18:8060020220523160029:ad008a3a"), new("big", "1-1", Files: 3000),
                .. Enumerable.Range(0, 60).Select(i => new RpmRoot.Spec($"many{i}", $"{i}.0-{i}")),
            ]);

        public void Dispose() => Value.Dispose();
    }

    [Fact]
    public void Analyse_SqliteWrittenByRpm_IsWhatRpmSees() =>
        Compare(roots.Value.Database, roots.Value.Rpm("-qa", "--qf", Form));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Analyse_BerkeleyHash_IsWhatRpmSees(bool bigEndian)
    {
        string folder = roots.Value.ToBerkeley(bigEndian);
        // rpm's reader of the old form knows the order of the machine that wrote it by the magic alone.
        Compare(Path.Combine(folder, "Packages"), Tool.Run("rpm", ["--define", "_db_backend bdb_ro", "--dbpath", folder, "-qa", "--qf", Form]));
    }

    [Fact]
    public void Analyse_SqliteAfterErasing_IsWhatRpmSees()
    {
        using RpmRoot root = new(new RpmRoot.Spec("one", "1-1", Files: 500), new RpmRoot.Spec("two", "2-1", Files: 500), new RpmRoot.Spec("three", "3-1"));
        root.Rpm("-e", "--justdb", "one");
        Compare(root.Database, root.Rpm("-qa", "--qf", Form));
    }

    [Fact]
    public void Analyse_FilesOfPackages_AreWhatRpmSees()
    {
        FileFacts facts = new RpmDatabaseAnalyser().Analyse("var/lib/rpm/rpmdb.sqlite", File.ReadAllBytes(roots.Value.Database))!;
        string checksum = Convert.ToHexStringLower(SHA256.HashData("jar\n"u8));
        string[] claimed = [.. roots.Value.Rpm("-qa", "--qf", "[%{=NAME}\\t%{FILENAMES}\\t%{FILEDIGESTS}\\n]").Split('\n').Where(l => l.Contains("/usr/share/java/")).Order(StringComparer.Ordinal)];

        Assert.Equal([$"beta-tools\t/usr/share/java/beta-tools.jar\t{checksum}", $"big\t/usr/share/java/big.jar\t{checksum}"], claimed);
        Assert.Equal(claimed, facts.Owned.Select(o => $"{o.Package}\t/{o.Path}\t{o.Checksum}").Order(StringComparer.Ordinal));
    }

    private static void Compare(string file, string said)
    {
        FileFacts facts = new RpmDatabaseAnalyser().Analyse($"var/lib/rpm/{Path.GetFileName(file)}", File.ReadAllBytes(file))!;
        Assert.Empty(facts.Gaps);
        string[] wanted = [.. said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')).Where(c => c[0] != "gpg-pubkey")
            .Select(c => string.Join('\t', [.. c[..6], c[6] == "(none)" ? "" : string.Join(':', c[6].Split(':')[..2])])).Order(StringComparer.Ordinal)];
        Assert.NotEmpty(wanted);
        Assert.Equal(wanted, facts.Packages.Select(p => string.Join('\t', p.Name, p.Version, p.Architecture,
            $"{p.SourceName}-{p.SourceVersion[(p.SourceVersion.IndexOf(':') + 1)..]}.src.rpm", string.Join(", ", p.Licences), p.Maintainer, p.Module)).Order(StringComparer.Ordinal));
        Assert.All(facts.Packages, p => Assert.Equal(p.Version.Contains(':'), p.SourceVersion.Contains(':')));
    }
}
