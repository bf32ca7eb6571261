using System.Diagnostics;
using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;

namespace Plimsoll.Tests.Packages;

/// <summary>What holds for every analyser of the list.</summary>
public sealed class AnalyserTests
{
    private static readonly (string Path, string Text)[] Samples =
    [
        ("var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nVersion: 1:2-3\nSource: b (1)\nDescription: x\n y\n\nPackage: c\nStatus: deinstall ok config-files\nVersion: 1\n\n"),
        ("usr/share/doc/a/copyright", "Format: 1\nFiles: *\nLicense: GPL-2+ or MIT\n text /usr/share/common-licenses/GPL-2\n"),
        ("lib/apk/db/installed", "P:a\nV:1-r0\no:b\nL:MIT\nF:usr\n\nP:c\nV:2\n\n"),
        ("etc/os-release", "ID=\"debian\"\nVERSION_ID='11'\nPRETTY_NAME=\"Debian \\\"x\\\"\"\n"),
        ("etc/lsb-release", "DISTRIB_ID=Ubuntu\n"),
        ("etc/debian_version", "11.7\n"),
        ("etc/redhat-release", "CentOS release 6\n"),
    ];

    [Fact]
    public void All_IdsAndCacheVersion_AreUniqueAndStable()
    {
        Assert.Equal(Analysers.All.Count, Analysers.All.Select(a => a.Id).Distinct().Count());
        Assert.Equal("packages,walk:5,apk-installed:2,dpkg-copyright:1,dpkg-status:2,os-release:2,rpm-database:1,rpm-manifest:1,pacman-local:1,portage:1,dotnet-bundle:1,dotnet-deps:1,go-binary:1,java-archive:1,java-release:1,rust-audit:1,version-string:1,dpkg-owned:1,languages:11,", Analysers.Group.Key);
    }

    [Fact]
    public void Wants_AnyPath_AllocatesNothing()
    {
        byte[][] paths = [.. Samples.Select(s => Encoding.UTF8.GetBytes(s.Path)), [], [0xFF], "usr/share/doc/"u8.ToArray()];
        foreach (IAnalyser analyser in Analysers.All)
        {
            int wanted = 0;
            long least = Allocation.Least(() =>
            {
                wanted = 0;
                foreach (byte[] path in paths)
                    wanted += analyser.Wants(path) ? 1 : 0;
            });
            Assert.Equal((0, paths.Count(p => analyser.Wants(p))), (least, wanted));
        }
    }

    [Fact]
    public void Analyse_MutatedInput_NeverThrowsAndIsNeverSilent()
    {
        Random random = new(4711);
        foreach ((string path, string text) in Samples)
        {
            IAnalyser analyser = Analysers.All.Single(a => a.Wants(Encoding.UTF8.GetBytes(path)));
            for (int i = 0; i < 4000; i++)
            {
                List<byte> bytes = [.. Encoding.UTF8.GetBytes(text)];
                for (int change = random.Next(1, 6); change > 0 && bytes.Count > 0; change--)
                {
                    int at = random.Next(bytes.Count);
                    switch (random.Next(5))
                    {
                        case 0: bytes[at] = (byte)random.Next(256); break;
                        case 1: bytes.RemoveRange(at, random.Next(bytes.Count - at + 1)); break;
                        case 2: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(20, bytes.Count - at))); break;
                        case 3: bytes.Insert(at, (byte)"\n\r\0 :(\"'\\"[random.Next(9)]); break;
                        default: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                    }
                }
                FileFacts? facts = analyser.Analyse(path, bytes.ToArray());
                foreach (Package package in facts?.Packages ?? [])
                {
                    Assert.NotEmpty(package.Name);
                    Assert.NotEmpty(package.Version);
                    Assert.NotEmpty(package.SourceName);
                    Assert.StartsWith("pkg:", Purl.Of(package, facts!.Distribution));
                }
                Assert.True(facts is null || facts.Gaps.Count <= 17);
            }
        }
    }

    [Fact]
    public void Analyse_LargeHostileInput_TakesBoundedTime()
    {
        byte[][] inputs =
        [
            new byte[8 << 20],
            [.. Enumerable.Repeat((byte)'\n', 8 << 20)],
            [.. Enumerable.Repeat((byte)'a', 8 << 20)],
            Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("Format: \nLicense: a\n", 400_000))),
            Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("a:\n", 2_000_000))),
        ];
        foreach ((string path, _) in Samples)
            foreach (byte[] input in inputs)
            {
                IAnalyser analyser = Analysers.All.Single(a => a.Wants(Encoding.UTF8.GetBytes(path)));
                long start = Stopwatch.GetTimestamp();
                analyser.Analyse(path, input);
                Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(5), $"{path} took {Stopwatch.GetElapsedTime(start)}");
            }
    }
}
