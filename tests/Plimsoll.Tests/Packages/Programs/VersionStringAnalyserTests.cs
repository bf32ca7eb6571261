using System.Text;
using System.Text.RegularExpressions;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Packages.Programs;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Packages.Programs;

public sealed class VersionStringAnalyserTests
{
    private static readonly VersionStringAnalyser Analyser = new();

    private static string? Found(string path, string text)
    {
        byte[] program = new ElfBuilder().Add(new byte[3000]).Add(text).Add(new byte[100]).Build();
        if (!Analyser.WantsContent(Encoding.UTF8.GetBytes(path), 0b111_101_101, program.AsSpan(0, 512)))
            return null;
        return Analyser.Analyse(path, program) is { } facts ? $"{facts.Packages.Single().Name} {facts.Packages.Single().Version}" : "";
    }

    // The texts are those of real programs: Debian 11 and 12, and of the official images of Python and Node.
    [Theory]
    [InlineData("usr/local/bin/node", "node.js/v20.20.2\0", "node 20.20.2")]
    [InlineData("usr/lib/libnode.so.108", "node.js/v18.20.4\0", null)]
    [InlineData("usr/local/bin/python3.11", "\0pymalloc_debug\03.11.2\0strict\0", "python 3.11.2")]
    [InlineData("usr/local/lib/libpython3.13.so.1.0", "\03.13.0rc1+\0", "python 3.13.0rc1")]
    [InlineData("usr/local/bin/python3.11", "\03.12.1\0", "")]
    [InlineData("usr/bin/redis-check-rdb", "err\07.0.15\0c11-builtin\0A7.0.151790282056000000000\0%llx", "redis 7.0.15")]
    [InlineData("usr/local/bin/redis-server", "\07.2.4\0x\07.2.4b5f0e2a9c1d3-1706000000000000000\0", "redis 7.2.4")]
    [InlineData("usr/local/bin/redis-server", "\07.2.3\0x\07.2.43a5f0e2a9c1d-1706000000000000000\0", "")]
    [InlineData("usr/sbin/nginx", "\0nginx version: nginx/1.22.1\0", "nginx 1.22.1")]
    [InlineData("usr/local/openresty/nginx/sbin/nginx", "\0nginx version: openresty/1.21.4.1\0", "openresty 1.21.4.1")]
    [InlineData("usr/lib/libcrypto.so.3", "\0OpenSSL 3.0.22 25 Aug 2026\0", "openssl 3.0.22")]
    [InlineData("usr/bin/openssl", "\0OpenSSL 1.1.1n  15 Mar 2022\0", "openssl 1.1.1n")]
    [InlineData("bin/busybox", "BusyBox v1.35.0 (Debian 1:1.35.0-4)", "busybox 1.35.0")]
    [InlineData("usr/local/bin/postgres", "upgrading to PostgreSQL 9.1.\0x\0PostgreSQL 15.18 (Debian 15.18-0)\0", "postgresql 15.18")]
    [InlineData("usr/local/bin/postgres", "\0PostgreSQL 17beta1 on x86_64-pc-linux-musl", "postgresql 17beta1")]
    [InlineData("usr/bin/php8.2", "X-Powered-By: PHP/8.2.35\0", "php 8.2.35")]
    [InlineData("usr/local/sbin/php-fpm", "X-Powered-By: PHP/8.3.0RC6\0", "php 8.3.0RC6")]
    [InlineData("usr/bin/perl", "\0/usr/share/perl/5.36\0/usr/local/share/perl/5.36.0\0", "perl 5.36.0")]
    [InlineData("usr/lib/libruby-3.1.so.3.1.2", "\0ruby 3.1.2p20 (2022-04-12 revision 4491bb740a) [x86_64-linux-gnu]\0", "ruby 3.1.2")]
    [InlineData("usr/sbin/haproxy", "\0 version 2.6.12-1+deb12u4, released 2026/10/17\0", "haproxy 2.6.12")]
    [InlineData("usr/local/apache2/bin/httpd", "\0Apache/2.4.71 (Debian)\0", "httpd 2.4.71")]
    [InlineData("usr/sbin/mariadbd", "-0+deb12u1\010.11.19-MariaDB\0", "mariadb 10.11.19")]
    [InlineData("usr/sbin/mysqld", "/usr/src/mysql-8.0.35/sql/x.cc\0", "mysql 8.0.35")]
    [InlineData("bin/bash", "@(#)Bash version 5.2.15(1) release GNU\0", "bash 5.2.15")]
    [InlineData("usr/lib/libcurl.so.4.8.0", "\0libcurl/7.88.1\0", "curl 7.88.1")]
    [InlineData("usr/bin/other", "\0libcurl/7.88.1\0", null)]
    [InlineData("usr/bin/nginx", "nothing", "")]
    public void Analyse_TextOfTheProgram_GivesItsVersion(string path, string text, string? wanted) => Assert.Equal(wanted, Found(path, text));

    [Fact]
    public void Analyse_Evidence_IsAVersionString()
    {
        Package package = Assert.Single(Analyser.Analyse("opt/nginx", new ElfBuilder().Add("nginx version: nginx/1.22.1").Build())!.Packages);

        Assert.Equal(("generic", PackageEvidence.VersionString), (package.Type, package.Evidence));
    }

    [Fact]
    public void Wants_Script_IsNotRead() => Assert.False(Analyser.WantsContent("usr/bin/node"u8, 0b111_101_101, Encoding.ASCII.GetBytes("#!/bin/sh\n" + new string('x', 200))));

    [Fact]
    public void Analyse_AnchorAcrossTwoWindows_IsFound()
    {
        byte[] program = new byte[(8 << 20) + 4096];
        new ElfBuilder().Add("x").Build().CopyTo(program, 0);
        "nginx version: nginx/1.22.1"u8.CopyTo(program.AsSpan((8 << 20) - 7));

        Assert.Equal("1.22.1", Analyser.Analyse("opt/nginx", program)!.Packages[0].Version);
    }

    [Theory, Trait("needs", "host")]
    [InlineData("/usr/bin/bash", "bash", "--version", "version ([0-9.]+)")]
    [InlineData("/usr/bin/perl", "perl", "-v", "\\(v([0-9.]+)\\)")]
    [InlineData("/usr/bin/openssl", "openssl", "version", "OpenSSL ([0-9a-z.]+)")]
    public void Analyse_ProgramsOfThisMachine_SayWhatTheyPrint(string path, string name, string argument, string pattern)
    {
        FileFacts? facts = Analyser.Analyse(path[1..], File.ReadAllBytes(path));
        if (name == "openssl" && facts is null)
            facts = Analyser.Analyse("usr/lib/libcrypto.so.3", File.ReadAllBytes(Directory.GetFiles("/usr/lib", "libcrypto.so.3", SearchOption.AllDirectories)[0]));

        string printed = Tool.Run(path, [argument]);
        Assert.Equal(Regex.Match(printed, pattern, RegexOptions.None, TimeSpan.FromSeconds(5)).Groups[1].Value, facts!.Packages.Single(p => p.Name == name).Version);
    }
}
