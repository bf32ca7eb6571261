using System.Buffers.Binary;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Rpm;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Packages.Rpm;

public sealed class RpmDatabaseAnalyserTests
{
    private static readonly string[] Forms = ["rpmdb.sqlite", "Packages.db", "Packages", "Packages big-endian"];

    public static TheoryData<string> EveryForm => [.. Forms];

    private static byte[] Make(string form, params byte[][] headers) => form switch
    {
        "rpmdb.sqlite" => RpmDatabases.Sqlite(headers),
        "Packages.db" => RpmDatabases.Ndb(headers),
        _ => RpmDatabases.Hash(form.Contains(' '), headers),
    };

    private static FileFacts? Read(string form, byte[] content) => new RpmDatabaseAnalyser().Analyse($"var/lib/rpm/{form.Split(' ')[0]}", content);

    [Theory]
    [MemberData(nameof(EveryForm))]
    public void Analyse_PackagesOfEachForm_AreRead(string form)
    {
        FileFacts facts = Read(form, Make(form, RpmDatabases.Package("alpha", epoch: 2), RpmDatabases.Package("beta", padding: 5000), RpmDatabases.Package("gpg-pubkey"),
            RpmDatabases.Package("nodejs", release: "1.module_el8", module: "nodejs:18:806:ad")))!;

        Assert.Empty(facts.Gaps);
        Assert.Equal(["alpha 2:1.2-3.el8 src-alpha 2:1.2-3.el8 ", "beta 1.2-3.el8 src-beta 1.2-3.el8 ", "nodejs 1.2-1.module_el8 src-nodejs 1.2-1.module_el8 nodejs:18"],
            facts.Packages.Select(p => $"{p.Name} {p.Version} {p.SourceName} {p.SourceVersion} {p.Module}"));
        Assert.All(facts.Packages, p => Assert.Equal(("rpm", "x86_64", "Vendor", "MIT"), (p.Type, p.Architecture, p.Maintainer, p.Licences.Single())));
        Assert.Equal(facts.Packages.Select(p => new OwnedFile("usr/share/java/a.jar", new string('a', 64), p.Name)), facts.Owned);
    }

    [Theory]
    [MemberData(nameof(EveryForm))]
    public void Analyse_CutShortAnywhere_IsAGapOrNothing(string form)
    {
        byte[] file = Make(form, RpmDatabases.Package("alpha"), RpmDatabases.Package("beta", padding: 3000));
        for (int length = 0; length < file.Length; length += length < 600 ? 1 : 37)
        {
            FileFacts? facts = Read(form, file[..length]);
            Assert.NotEmpty(facts!.Gaps);
            Assert.All(facts.Gaps, g => Assert.Equal("package-database-corrupt", g.Code));
        }
    }

    [Theory]
    [MemberData(nameof(EveryForm))]
    public void Analyse_AnyByteChanged_NeverThrows(string form)
    {
        byte[] file = Make(form, RpmDatabases.Package("alpha"), RpmDatabases.Package("beta", padding: 700));
        for (int at = 0; at < file.Length; at++)
            foreach (byte value in (byte[])[0, 0x7f, 0x80, 0xff, (byte)(file[at] ^ 1)])
            {
                byte[] changed = [.. file];
                changed[at] = value;
                Read(form, changed);
            }
    }

    [Fact]
    public void Analyse_SqlitePagesInACircle_EndWithAGap()
    {
        byte[] file = RpmDatabases.Sqlite(RpmDatabases.Package("alpha", padding: 9000));
        // The first overflow page goes on at itself.
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(2 * RpmDatabases.SqlitePage), 3);
        Assert.Contains("page 3, which was read before", Assert.Single(Read("rpmdb.sqlite", file)!.Gaps).Detail);

        file = RpmDatabases.Sqlite(RpmDatabases.Package("alpha", padding: 9000));
        // The table's page becomes one whose only child is itself.
        Span<byte> page = file.AsSpan(RpmDatabases.SqlitePage);
        (page[0], page[3], page[4]) = (5, 0, 0);
        BinaryPrimitives.WriteInt32BigEndian(page[8..], 2);
        Assert.Contains("page 2, which was read before", Assert.Single(Read("rpmdb.sqlite", file)!.Gaps).Detail);
    }

    [Fact]
    public void Analyse_SqliteCellsThatAreOneCell_StopAtTheLengthOfTheFile()
    {
        byte[] file = RpmDatabases.Sqlite(RpmDatabases.Header((1000, "a"), (1001, "1"), (1002, "1")));
        Span<byte> page = file.AsSpan(RpmDatabases.SqlitePage);
        for (int cell = 1; cell < 150; cell++)
            page.Slice(8, 2).CopyTo(page[(8 + 2 * cell)..]);
        page[4] = 150;

        FileFacts facts = Read("rpmdb.sqlite", file)!;

        Assert.Contains(facts.Gaps, g => g.Detail.Contains("come to more than"));
        Assert.True(facts.Packages.Count is > 50 and < 150, $"{facts.Packages.Count}");
    }

    [Fact]
    public void Analyse_NdbSlotsOverOneBlob_AreGaps()
    {
        byte[] file = RpmDatabases.Ndb(RpmDatabases.Package("alpha"), RpmDatabases.Package("beta"));
        file.AsSpan(40, 8).CopyTo(file.AsSpan(56));

        FileFacts facts = Read("Packages.db", file)!;

        Assert.Equal("alpha", Assert.Single(facts.Packages).Name);
        Assert.Contains("no blob of it", Assert.Single(facts.Gaps).Detail);
    }

    [Fact]
    public void Analyse_NdbWithOneFlippedBit_TellsAndKeepsThePackage()
    {
        byte[] file = RpmDatabases.Ndb(RpmDatabases.Package("alpha"));
        file[^20] ^= 1;

        FileFacts facts = Read("Packages.db", file)!;

        Assert.Single(facts.Packages);
        Assert.Contains("checksum", Assert.Single(facts.Gaps).Detail);
    }

    [Fact]
    public void Analyse_NdbMadeByRpm_AgreesWithRpm()
    {
        string folder = Path.Combine(Repository.Root, "tests", "vectors", "rpm");

        FileFacts facts = Read("Packages.db", File.ReadAllBytes(Path.Combine(folder, "Packages.db")))!;

        Assert.Empty(facts.Gaps);
        Assert.Equal(File.ReadAllLines(Path.Combine(folder, "Packages.db.expected")).Select(line => line.Split('\t')).Select(c =>
            $"{c[0]} {c[1]} {c[2]} {c[3]} {(c[4] == "(none)" ? "" : string.Join(':', c[4].Split(':')[..2]))}"),
            facts.Packages.OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => $"{p.Name} {p.Version} {p.Architecture} {p.SourceName}-{p.SourceVersion[(p.SourceVersion.IndexOf(':') + 1)..]}.src.rpm {p.Module}"));
    }

    [Fact]
    public void Analyse_HashChainInACircle_EndsWithAGap()
    {
        byte[] file = RpmDatabases.Hash(false, RpmDatabases.Package("alpha", padding: 2000));
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2 * RpmDatabases.HashPage + 16), 2);
        Assert.Contains("goes on at page 2", Assert.Single(Read("Packages", file)!.Gaps).Detail);
    }

    [Theory]
    [InlineData(0x40000000, 16)]
    [InlineData(3, 0x7fffffff)]
    [InlineData(-1, -1)]
    [InlineData(0, 0)]
    public void Analyse_HeaderCountsBeyondTheBlob_AreAGap(int entries, int dataBytes)
    {
        byte[] header = RpmDatabases.Package("alpha");
        BinaryPrimitives.WriteInt32BigEndian(header, entries);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), dataBytes);

        FileFacts facts = Read("Packages.db", RpmDatabases.Ndb(header, RpmDatabases.Package("beta")))!;

        Assert.Equal("beta", Assert.Single(facts.Packages).Name);
        Assert.Contains("package 1", Assert.Single(facts.Gaps).Detail);
    }

    [Fact]
    public void Analyse_TagWithABillionElements_IsAGap()
    {
        byte[] header = RpmDatabases.Header((1000, "a"), (1001, "1"), (1002, "1"), (1116, new int[1]), (1117, Forms), (1118, Forms));
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(8 + 4 * 16 + 12), 1_000_000_000);

        Assert.Contains("1000000000 elements", Assert.Single(Read("Packages.db", RpmDatabases.Ndb(header))!.Gaps).Detail);
    }

    [Fact]
    public void Analyse_HeaderWithoutVersion_IsAGap()
    {
        FileFacts facts = Read("Packages.db", RpmDatabases.Ndb(RpmDatabases.Header((1000, "a"), (1002, "1"))))!;

        Assert.Empty(facts.Packages);
        Assert.Contains("no usable VERSION", Assert.Single(facts.Gaps).Detail);
    }

    [Theory]
    [InlineData(1022, true)]
    [InlineData(1023, false)]
    public void Analyse_VersionOfSuchALength_IsTakenUpToTheLimit(int length, bool taken)
    {
        FileFacts facts = Read("Packages.db", RpmDatabases.Ndb(RpmDatabases.Header((1000, "a"), (1001, new string('1', length)), (1002, "2"))))!;

        Assert.Equal(taken ? 1 : 0, facts.Packages.Count);
        Assert.Equal(taken ? 0 : 1, facts.Gaps.Count);
    }

    [Fact]
    public void Analyse_FilesOfOneLongFolder_TakeBoundedWork()
    {
        int count = 60_000;
        byte[] header = RpmDatabases.Header((1000, "a"), (1001, "1"), (1002, "1"), (1035, Enumerable.Repeat(new string('a', 64), count).ToArray()),
            (1116, new int[count]), (1117, Enumerable.Repeat("x", count).ToArray()), (1118, new[] { "/usr/lib/" + new string('x', 4000) + "/bin/" }));
        long before = GC.GetAllocatedBytesForCurrentThread();

        FileFacts facts = Read("Packages.db", RpmDatabases.Ndb(header))!;

        Assert.Single(facts.Packages);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 256L << 20, $"{GC.GetAllocatedBytesForCurrentThread() - before}");
        Assert.True(facts.Owned.Sum(o => (long)o.Path.Length) < 64L << 20, $"{facts.Owned.Count}");
        Assert.Contains(facts.Gaps, g => g.Code == "too-many-files");
    }

    [Theory]
    [InlineData("rpmdb.sqlite-wal", 0, false)]
    [InlineData("rpmdb.sqlite-wal", 32, false)]
    [InlineData("rpmdb.sqlite-wal", 4152, true)]
    [InlineData("rpmdb.sqlite-journal", 512, true)]
    public void Analyse_JournalWithContent_IsAGap(string name, int length, bool gap)
    {
        byte[] content = new byte[length];
        if (length > 4)
            BinaryPrimitives.WriteInt32BigEndian(content, 0x377f0682);

        FileFacts? facts = Read(name, content);

        Assert.Equal(gap ? ["package-database-journal"] : [], (facts?.Gaps ?? []).Select(g => g.Code));
    }

    [Theory]
    [InlineData("var/lib/rpm/rpmdb.sqlite", true)]
    [InlineData("usr/lib/sysimage/rpm/Packages.db", true)]
    [InlineData("usr/lib/sysimage/rpm/rpmdb.sqlite-wal", true)]
    [InlineData("var/lib/rpm/Packages", true)]
    [InlineData("var/lib/rpm/rpmdb.sqlite-shm", false)]
    [InlineData("var/lib/rpm/Index.db", false)]
    [InlineData("opt/var/lib/rpm/Packages", false)]
    public void Wants_Path_IsADatabase(string path, bool wanted) =>
        Assert.Equal(wanted, new RpmDatabaseAnalyser().Wants(System.Text.Encoding.UTF8.GetBytes(path)));

    [Theory]
    [InlineData("openssl-1.1.1k-7.el8.src.rpm", "openssl", "1.1.1k-7.el8")]
    [InlineData("a-b-1-2.nosrc.rpm", "a-b", "1-2")]
    [InlineData("(none)", null, null)]
    [InlineData("a-1.src.rpm", null, null)]
    [InlineData("-1-2.src.rpm", null, null)]
    [InlineData("a--2.src.rpm", null, null)]
    [InlineData("a-1-.src.rpm", null, null)]
    public void SourceOf_FileName_IsNameAndVersion(string file, string? name, string? version) =>
        Assert.Equal((name, version), (RpmPackage.SourceOf(file)?.Name, RpmPackage.SourceOf(file)?.Version));

    [Fact]
    public void Manifest_OfAzureLinux_IsRead()
    {
        const string text = "bash\t5.1.8-1.cm2\t1653816591\t1653753130\tMicrosoft Corporation\t(none)\t7736\tx86_64\t0\tbash-5.1.8-1.cm2.src.rpm\n"
            + "bind-libs\t9.16-1.cm2\t1\t1\tMicrosoft Corporation\t(none)\t1\tnoarch\t32\tbind-9.16-1.cm2.src.rpm\nbroken\tline\n";

        FileFacts facts = new RpmManifestAnalyser().Analyse("var/lib/rpmmanifest/container-manifest-2", System.Text.Encoding.UTF8.GetBytes(text))!;

        Assert.Equal(["bash 5.1.8-1.cm2 bash x86_64", "bind-libs 32:9.16-1.cm2 bind noarch"], facts.Packages.Select(p => $"{p.Name} {p.Version} {p.SourceName} {p.Architecture}"));
        Assert.Contains("line 3", Assert.Single(facts.Gaps).Detail);
    }
}
