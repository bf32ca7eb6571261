using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages.Arch;
using Plimsoll.Inspect.Packages.Gentoo;
using Plimsoll.Inspect.Packages.Rpm;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Fuzz;

/// <content>rpm's databases and headers, and the inventories of Arch and Gentoo.</content>
internal static partial class FuzzTargets
{
    private static FuzzTarget RpmSqlite => OfRpm("rpm-sqlite", "rpmdb.sqlite", RpmDatabases.Sqlite);

    private static FuzzTarget RpmNdb => OfRpm("rpm-ndb", "Packages.db", RpmDatabases.Ndb);

    private static FuzzTarget RpmBerkeley => OfRpm("rpm-berkeley", "Packages", headers => RpmDatabases.Hash(headers.Length % 2 == 0, headers));

    private static FuzzTarget RpmHeaderBlob => new()
    {
        Name = "rpm-header",
        Seeds = () => [RpmDatabases.Package("alpha", epoch: 3, module: "a:1:2:3"), RpmDatabases.Header((1000, "a"), (1001, "1"), (1002, "1"))],
        Refusal = Never,
        Run = bytes => CheckRpm("var/lib/rpm/Packages.db", RpmDatabases.Ndb(bytes)),
    };

    private static FuzzTarget RpmManifest => OfAnalyser("rpm-manifest", new RpmManifestAnalyser(), ["var/lib/rpmmanifest/container-manifest-2"],
        "bash\t5.1.8-1.cm2\t1\t2\tMicrosoft\t(none)\t7\tx86_64\t0\tbash-5.1.8-1.cm2.src.rpm\nb\t1-1\t1\t2\t(none)\t(none)\t7\tnoarch\t7\t(none)\n");

    private static FuzzTarget Pacman => OfAnalyser("pacman", new PacmanAnalyser(), ["var/lib/pacman/local/a-1-1/desc"], "%NAME%\na\n\n%VERSION%\n1:1-1\n\n%LICENSE%\nMIT\nGPL\n\n");

    private static FuzzTarget Portage => OfAnalyser("portage", new PortageAnalyser(), ["var/db/pkg/a/b-1/PF", "var/db/pkg/a/b-1-r1/LICENSE", "var/db/pkg/a/b/PF"], "b-1\n", "GPL-2 || ( MIT BSD )\n");

    private static FuzzTarget OfRpm(string name, string file, Func<byte[][], byte[]> make) => new()
    {
        Name = name,
        Seeds = () => [make([RpmDatabases.Package("alpha", epoch: 3), RpmDatabases.Package("beta", padding: 6000)]), make([RpmDatabases.Package("gpg-pubkey")])],
        Refusal = Never,
        Run = bytes => CheckRpm($"var/lib/rpm/{file}", bytes),
    };

    private static void CheckRpm(string path, byte[] bytes)
    {
        RpmDatabaseAnalyser analyser = new();
        if (analyser.Analyse(path, bytes) is not { } facts)
            return;
        CheckFacts(facts, path, analyser.Id);
        foreach (Plimsoll.Inspect.Packages.OwnedFile file in facts.Owned)
            WrongAnswerException.Unless(file.Checksum.All(char.IsAsciiHexDigitLower) && Encoding.UTF8.GetByteCount(file.Path) <= 3 * RpmFiles.MaxPathBytes, $"a file with the checksum {file.Checksum}");
    }
}
