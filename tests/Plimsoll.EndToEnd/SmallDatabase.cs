using Plimsoll.TestKit;

[assembly: AssemblyFixture(typeof(Plimsoll.EndToEnd.SmallDatabase))]

namespace Plimsoll.EndToEnd;

/// <summary>An advisory database with one record, made once by <c>plimsoll db update</c>; and the images that it judges.</summary>
public sealed class SmallDatabase : IDisposable
{
    private const string Clean = "1.1.1w-0+deb11u9";

    /// <summary>What the images here have: package, version, flaw.</summary>
    public const string Flaw = "libssl1.1\t1.1.1w-0+deb11u1\tCVE-2025-0001";

    /// <summary>Vulnerable: the record is fixed in 1.1.1w-0+deb11u2. One other character and it is not.</summary>
    public const string Version = "1.1.1w-0+deb11u1";

    private readonly OsvSource _source = new();

    public SmallDatabase()
    {
        _source.With("Debian", "2025-0001", "openssl", "1.1.1w-0+deb11u2").Build();
        new Call(_source.Root, "db", "update", "--source", _source.Folder).Run().Expect(0);
    }

    /// <summary>The OSV folder it was made from.</summary>
    public string Source => _source.Folder;

    /// <summary>The database file; read-only by agreement.</summary>
    public string Path => _source.Database;

    public void Dispose() => _source.Dispose();

    /// <summary>A call with this database and a home of its own.</summary>
    internal Call Call(TempFolder home, params string[] arguments) => new Call(home.Path, arguments).With("PLIMSOLL_SCAN_DB", Path);

    internal static ImageBuilder Image(string release = "11", string version = Version) => new ImageBuilder()
        .Layer(tar => tar.Folder("etc").File("etc/os-release", $"ID=debian\nVERSION_ID=\"{release}\"\nPRETTY_NAME=\"Debian GNU/Linux {release}\"\n").Folder("var").Folder("var/lib").Folder("var/lib/dpkg"), "ADD base")
        .Layer(tar => tar.File("var/lib/dpkg/status", Status(version)), "RUN apt-get install openssl");

    internal static string Status(string version = Version) =>
        $"Package: libssl1.1\nStatus: install ok installed\nMaintainer: A <a@example.org>\nArchitecture: amd64\nSource: openssl\nVersion: {version}\nDescription: x\n\n";

    /// <summary>Changes the one byte that turns the vulnerable version into a sound one; where that stands as plain text.</summary>
    internal static byte[] Forge(byte[] content)
    {
        byte[] changed = [.. content];
        int at = changed.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(Version));
        Assert.True(at >= 0, "the version is not there as plain text");
        changed[at + Version.Length - 1] = (byte)Clean[^1];
        return changed;
    }
}
