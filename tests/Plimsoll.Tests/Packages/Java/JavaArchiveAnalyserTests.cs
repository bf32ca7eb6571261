using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Java;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Packages.Java;

public sealed class JavaArchiveAnalyserTests
{
    private static FileFacts? Facts(string path, byte[] archive) => new JavaArchiveAnalyser().Analyse(path, archive);

    private static string[] Names(string path, byte[] archive) =>
        [.. (Facts(path, archive)?.Packages ?? []).Select(p => $"{p.Name}@{p.Version}{(p.Inner is null ? "" : " in " + p.Inner)}").Order(StringComparer.Ordinal)];

    private static readonly (string, byte[]) Class = ("org/example/A.class", [0xca, 0xfe, 0xba, 0xbe]);

    [Fact]
    public void Pom_OfTheArchive_CountsAlone() =>
        Assert.Equal(["commons-io:commons-io@2.8.0"], Names("opt/commons-io-2.8.0.jar",
            SmallPrograms.Zip(SmallPrograms.Manifest("Implementation-Title: Apache Commons IO\r\nImplementation-Version: 2.8.0\r\nBundle-SymbolicName: org.apache.commons.commons-io"), SmallPrograms.Pom("commons-io", "commons-io", "2.8.0"), Class)));

    [Fact]
    public void Pom_OfAFatJar_GivesEachOfThem() =>
        Assert.Equal(["a:one@1", "b:two@2", "example:app@3.0"], Names("opt/app.jar", SmallPrograms.Zip(SmallPrograms.Manifest("Implementation-Title: app"), SmallPrograms.Pom("a", "one", "1"), SmallPrograms.Pom("b", "two", "2"), SmallPrograms.Pom("example", "app", "3.0"))));

    [Fact]
    public void Pom_WithoutAGroup_TakesItFromItsPath() =>
        Assert.Equal(["org.lightcouch:lightcouch@0.0.6"], Names("x.jar", SmallPrograms.Zip(("META-INF/maven/org.lightcouch/lightcouch/pom.properties", "artifactId=lightcouch\nversion=0.0.6"u8.ToArray()))));

    [Theory]
    [InlineData("Implementation-Title: spring-core\r\nImplementation-Version: 4.3.30.RELEASE", "opt/spring3-core-3.x.jar", "org.springframework:spring-core@4.3.30.RELEASE")]
    [InlineData("Bundle-SymbolicName: com.fasterxml.jackson.core.jackson-databind;singleton:=true\r\nBundle-Version: 2.12.1", "opt/renamed.jar", "com.fasterxml.jackson.core:jackson-databind@2.12.1")]
    [InlineData("Implementation-Vendor-Id: org.slf4j\r\nImplementation-Title: slf4j-api\r\nImplementation-Version: 1.7.30", "opt/slf4j.jar", "org.slf4j:slf4j-api@1.7.30")]
    [InlineData("Implementation-Title: Some Library\r\nImplementation-Version: 1.5", "opt/some-library.jar", "some-library@1.5")]
    [InlineData("Implementation-Vendor-Id: org.apache\r\nImplementation-Version: 3.2.1", "opt/commons-collections-3.2.1.jar", "commons-collections:commons-collections@3.2.1")]
    [InlineData("Bundle-SymbolicName: very.long.name.that.is.contin\r\n ued.here\r\nBundle-Version: 1.0", "opt/x.jar", "very.long.name.that.is.continued:here@1.0")]
    [InlineData("Bundle-SymbolicName: org.mongodb.driver-core\r\nBundle-Version: 3.6.3", "opt/mongodb-driver-core-3.6.3.jar", "org.mongodb:mongodb-driver-core@3.6.3")]
    [InlineData("Bundle-SymbolicName: org.mongodb.driver-core\r\nBundle-Version: 3.6.3\r\nBundle-Name: mongodb-driver-core", "opt/x.jar", "org.mongodb:mongodb-driver-core@3.6.3")]
    [InlineData("Bundle-SymbolicName: org.other.driver-core\r\nBundle-Version: 3.6.3", "opt/mongodb-driver-core-3.6.3.jar", "mongodb-driver-core@3.6.3")]
    [InlineData("Implementation-Title: Commons Logging\r\nImplementation-Vendor-Id: org.apache\r\nImplementation-Version: 1.2\r\nBundle-SymbolicName: org.apache.commons.logging", "opt/x.jar", "commons-logging:commons-logging@1.2")]
    [InlineData("Implementation-Version: 3.11\r\nBundle-SymbolicName: org.apache.commons.lang3", "opt/x.jar", "org.apache.commons:commons-lang3@3.11")]
    [InlineData("Implementation-Vendor-Id: org.apache\r\nImplementation-Version: 1.2", "opt/commons-logging-api-1.2.jar", "commons-logging:commons-logging-api@1.2")]
    [InlineData("", "opt/guava-31.1-jre.jar", "guava@31.1-jre")]
    [InlineData("Implementation-Version: ${project.version}", "opt/log4j-api-2.17.1.jar", "log4j-api@2.17.1")]
    public void Manifest_AndName_TellTheArtifact(string manifest, string path, string wanted) => Assert.Equal([wanted], Names(path, SmallPrograms.Zip(SmallPrograms.Manifest(manifest), Class)));

    [Fact]
    public void Manifest_WithoutAnyVersion_GivesNothing() => Assert.Null(Facts("opt/app.jar", SmallPrograms.Zip(SmallPrograms.Manifest("Main-Class: A"), Class)));

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Optimal)]
    public void Nested_FiveDeep_IsFoundWithItsPath(CompressionLevel level)
    {
        byte[] archive = SmallPrograms.Zip(level, SmallPrograms.Pom("g", "deep", "1"));
        foreach (string name in (string[])["d.jar", "lib/c.jar", "WEB-INF/lib/b.jar", "a.war"])
            archive = SmallPrograms.Zip(level, (name, archive));

        Assert.Equal(["g:deep@1 in a.war!/WEB-INF/lib/b.jar!/lib/c.jar!/d.jar"], Names("opt/all.ear", archive));
    }

    [Fact]
    public void Nested_BootJar_GivesItsLibraries() =>
        Assert.Equal(["org.springframework.boot:spring-boot@2.7.0 in BOOT-INF/lib/spring-boot-2.7.0.jar", "x:app@1"], Names("opt/app.jar",
            SmallPrograms.Zip(CompressionLevel.NoCompression, SmallPrograms.Manifest("Spring-Boot-Version: 2.7.0"), SmallPrograms.Pom("x", "app", "1"), ("BOOT-INF/lib/spring-boot-2.7.0.jar", SmallPrograms.Zip(SmallPrograms.Manifest("Implementation-Title: Spring Boot"))))));

    [Fact]
    public void Nested_BesideABrokenOne_StandsAndTheOtherIsAGap()
    {
        FileFacts facts = Facts("opt/a.war", SmallPrograms.Zip(("lib/bad.jar", "PK\u0003\u0004 nothing"u8.ToArray()), ("lib/good.jar", SmallPrograms.Zip(SmallPrograms.Pom("g", "good", "1")))))!;

        Assert.Equal("g:good", Assert.Single(facts.Packages).Name);
        Assert.Equal("archive-corrupt", Assert.Single(facts.Gaps).Code);
    }

    [Fact]
    public void Nested_DeeperThanTheLimit_IsAGap()
    {
        byte[] archive = SmallPrograms.Zip(SmallPrograms.Pom("g", "deep", "1"));
        for (int i = 0; i < JavaArchiveAnalyser.MaxDepth; i++)
            archive = SmallPrograms.Zip(("n.jar", archive));

        FileFacts facts = Facts("opt/a.jar", archive)!;

        Assert.Empty(facts.Packages);
        Assert.Equal("archive-limit", Assert.Single(facts.Gaps).Code);
    }

    [Fact]
    public void OtherName_WithAManifest_IsFoundAndTheNameSaysNothing()
    {
        byte[] archive = SmallPrograms.Zip(SmallPrograms.Manifest("Implementation-Vendor-Id: g\r\nImplementation-Title: the-thing\r\nImplementation-Version: 1.0"), Class);

        Assert.True(new JavaArchiveAnalyser().WantsContent("opt/blob-9.9.bin"u8, 0b110_100_100, archive.AsSpan(0, 100)));
        Assert.Equal(["g:the-thing@1.0"], Names("opt/blob-9.9.bin", archive));
    }

    [Fact]
    public void OtherName_ZipWithoutAManifest_IsNoArchiveOfJava() => Assert.Null(Facts("opt/data.zip", SmallPrograms.Zip(("lib/a.jar", SmallPrograms.Zip(SmallPrograms.Pom("g", "a", "1"))))));

    [Fact]
    public void SelfStarting_ScriptBeforeTheArchive_IsRead() =>
        Assert.Equal(["g:a@1"], Names("opt/app.jar", [.. "#!/bin/sh\nexec java -jar \"$0\"\n"u8, .. SmallPrograms.Zip(SmallPrograms.Pom("g", "a", "1"))]));

    [Fact]
    public void Text_CalledJar_GivesNothing() => Assert.Null(Facts("opt/app.jar", "see elsewhere"u8.ToArray()));

    [Fact]
    public void CutOff_IsAGap()
    {
        byte[] archive = SmallPrograms.Zip(SmallPrograms.Pom("g", "a", "1"), ("big", new byte[5000]));

        Assert.Equal("archive-corrupt", Assert.Single(Facts("opt/a.jar", archive[..^30])!.Gaps).Code);
    }

    [Fact]
    public void Bomb_NestedThatInflatesToGigabytes_IsAGapWithinBounds()
    {
        // 300 MB of zeros as one nested archive: 300 KB packed, above what a file of that size may hold.
        byte[] archive = SmallPrograms.Zip(("n.jar", new byte[300 << 20]));
        long before = GC.GetAllocatedBytesForCurrentThread();

        FileFacts facts = Facts("opt/a.jar", archive)!;

        Assert.Equal("archive-limit", Assert.Single(facts.Gaps).Code);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 32 << 20);
    }

    [Fact]
    public void Bomb_ManyEntriesOfOneContent_StopsAtTheSum()
    {
        byte[] inner = SmallPrograms.Zip(("x", new byte[20 << 20]));
        byte[] archive = SmallPrograms.Zip([.. Enumerable.Range(0, 50).Select(i => ($"{i}.jar", (byte[])[.. new byte[10 << 20], .. inner]))]);

        Assert.Contains(Facts("opt/a.jar", archive)!.Gaps, g => g.Code == "archive-limit");
    }

    [Fact]
    public void Lie_StatedSmallerThanItIs_IsAGap()
    {
        byte[] archive = SmallPrograms.Zip(("n.jar", SmallPrograms.Zip(CompressionLevel.NoCompression, ("a", new byte[9000]))));
        int directory = archive.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        BinaryPrimitives.WriteInt32LittleEndian(archive.AsSpan(directory + 24), 100);

        Assert.Equal("archive-corrupt", Assert.Single(Facts("opt/a.jar", archive)!.Gaps).Code);
    }

    [Theory]
    [InlineData(42, 0x7fff_fff0u)]
    [InlineData(42, 0xffff_ffffu)]
    [InlineData(20, 0x7fff_ffffu)]
    public void Lie_EntryLeadsOutOfTheArchive_IsAGap(int field, uint value)
    {
        byte[] archive = SmallPrograms.Zip(SmallPrograms.Pom("g", "a", "1"));
        int directory = archive.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        BinaryPrimitives.WriteUInt32LittleEndian(archive.AsSpan(directory + field), value);

        Assert.Equal("archive-corrupt", Assert.Single(Facts("opt/a.jar", archive)!.Gaps).Code);
    }

    [Fact]
    public void Quine_ArchiveThatHoldsItself_EndsAtTheDepth()
    {
        // A directory of another archive that is the archive itself cannot be stored; the same content under many names comes near.
        byte[] archive = SmallPrograms.Zip(SmallPrograms.Pom("g", "a", "1"));
        for (int i = 0; i < 12; i++)
            archive = SmallPrograms.Zip(CompressionLevel.NoCompression, ("1.jar", archive), ("2.jar", archive));

        FileFacts facts = Facts("opt/a.jar", archive)!;

        Assert.All(facts.Gaps, g => Assert.Equal("archive-limit", g.Code));
        Assert.InRange(facts.Gaps.Count, 1, 17);
    }

    [Fact]
    public void Zip64_WithTheEndRecord_IsRead()
    {
        byte[] archive = SmallPrograms.Zip(SmallPrograms.Pom("g", "a", "1"));
        int end = archive.AsSpan().LastIndexOf("PK\u0005\u0006"u8);
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(archive.AsSpan(end + 12)), offset = BinaryPrimitives.ReadUInt32LittleEndian(archive.AsSpan(end + 16));
        byte[] record = new byte[56 + 20];
        "PK\u0006\u0006"u8.CopyTo(record);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(4), 44);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(40), size);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(48), offset);
        "PK\u0006\u0007"u8.CopyTo(record.AsSpan(56));
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(56 + 8), (ulong)end);
        byte[] tail = archive[end..];
        tail.AsSpan(8, 12).Fill(0xff);

        Assert.Equal(["g:a@1"], Names("opt/a.jar", [.. archive[..end], .. record, .. tail.AsSpan(0, 12), .. (byte[])[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], .. tail.AsSpan(20)]));
    }

    [Theory]
    [InlineData("a/b.JAR", true)]
    [InlineData("a/b.war", true)]
    [InlineData("a/b.hpi", true)]
    [InlineData("a/b.lpkg", true)]
    [InlineData("a/b.jar.txt", false)]
    [InlineData("jar", false)]
    public void Wants_ByTheEnding(string path, bool wanted) => Assert.Equal(wanted, new JavaArchiveAnalyser().Wants(Encoding.UTF8.GetBytes(path)));

    [Fact]
    public void Release_OfARuntime_NamesItsVersion()
    {
        FileFacts facts = new JavaReleaseAnalyser().Analyse("opt/java/openjdk/release", "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_VERSION=\"17.0.9\"\nMODULES=\"java.base\"\n"u8.ToArray())!;

        Assert.Equal(("openjdk", "17.0.9", "Eclipse Adoptium"), (facts.Packages[0].Name, facts.Packages[0].Version, facts.Packages[0].Maintainer));
        Assert.True(new JavaReleaseAnalyser().Wants("opt/java/openjdk/release"u8));
        Assert.False(new JavaReleaseAnalyser().Wants("etc/release"u8));
    }
}
