using System.Text;

namespace Plimsoll.TestKit;

/// <summary>An rpm database made by the host's rpm out of packages that rpmbuild made; call only in tests with the trait <c>needs=host</c>.</summary>
public sealed class RpmRoot : IDisposable
{
    /// <summary>One package to build.</summary>
    /// <param name="Version"><c>[epoch:]version-release</c>.</param>
    public sealed record Spec(string Name, string Version, string? Module = null, string Architecture = "noarch", string? Sub = null, int Files = 0);

    private const string Dump = """
        import sqlite3, struct, sys
        source, big = sys.argv[1], sys.argv[2] == "big"
        print("VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096")
        print("db_lorder=4321" if big else "db_lorder=1234")
        print("HEADER=END")
        number = lambda n: struct.pack(">I" if big else "<I", n).hex()
        rows = list(sqlite3.connect(source).execute("select hnum, blob from Packages"))
        print(" " + number(0) + "\n " + number(len(rows)))
        for row, blob in rows:
            print(" " + number(row) + "\n " + blob.hex())
        print("DATA=END")
        """;

    private readonly TempFolder _folder = new();

    public RpmRoot(params IReadOnlyList<Spec> specs)
    {
        List<string> files = [];
        foreach (Spec spec in specs)
            files.Add(_folder.Write($"specs/{files.Count}.spec", Encoding.UTF8.GetBytes(Text(spec))));
        string top = _folder["top"];
        foreach (IGrouping<string, (Spec Spec, string File)> target in specs.Zip(files).GroupBy(p => p.First.Architecture, p => (p.First, p.Second)))
            Tool.Run("rpmbuild", ["-bb", "--target", target.Key, "--define", $"_topdir {top}", "--define", "_build_id_links none", "--define", "debug_package %{nil}", .. target.Select(t => t.File)]);
        Directory.CreateDirectory(Path.Combine(Root, "var/lib/rpm"));
        Rpm("--initdb");
        Rpm(["-i", "--justdb", "--nodeps", "--force", "--ignoreos", "--ignorearch", .. Directory.GetFiles(Path.Combine(top, "RPMS"), "*.rpm", SearchOption.AllDirectories).Order(StringComparer.Ordinal)]);
    }

    public string Root => _folder["root"];

    /// <summary>The file that rpm wrote.</summary>
    public string Database => Path.Combine(Root, "var/lib/rpm/rpmdb.sqlite");

    public string Rpm(params IEnumerable<string> arguments) => Tool.Run("rpm", ["--dbpath", Path.Combine(Root, "var/lib/rpm"), .. arguments]);

    /// <summary>The same headers in a Berkeley DB hash, made by <c>db5.3_load</c>.</summary>
    /// <returns>The folder of its <c>Packages</c>.</returns>
    public string ToBerkeley(bool bigEndian)
    {
        string folder = _folder[bigEndian ? "big" : "little"];
        Directory.CreateDirectory(folder);
        Tool.Run("db5.3_load", [Path.Combine(folder, "Packages")], Tool.Run("python3", ["-c", Dump, Database, bigEndian ? "big" : "little"]));
        return folder;
    }

    public void Dispose() => _folder.Dispose();

    private static string Text(Spec spec)
    {
        string version = spec.Version[(spec.Version.IndexOf(':', StringComparison.Ordinal) + 1)..];
        int hyphen = version.LastIndexOf('-');
        StringBuilder text = new($"Name: {spec.Name}\nVersion: {version[..hyphen]}\nRelease: {version[(hyphen + 1)..]}\nSummary: x\nLicense: MIT and BSD\nVendor: Someone\n");
        if (version.Length < spec.Version.Length)
            text.Append("Epoch: ").Append(spec.Version.AsSpan(0, spec.Version.Length - version.Length - 1)).Append('\n');
        if (spec.Module is not null)
            text.Append("ModularityLabel: ").Append(spec.Module).Append('\n');
        text.Append("%description\nx\n");
        if (spec.Sub is not null)
            text.Append($"%package -n {spec.Sub}\nSummary: x\n%description -n {spec.Sub}\nx\n%files -n {spec.Sub}\n");
        text.Append($"%install\nmkdir -p %{{buildroot}}/usr/share/java %{{buildroot}}/etc/{spec.Name}.d\n");
        if (spec.Files > 0)
            text.Append($"echo jar > %{{buildroot}}/usr/share/java/{spec.Name}.jar\nfor i in $(seq {spec.Files}); do echo $i > %{{buildroot}}/etc/{spec.Name}.d/$i; done\n");
        text.Append("%files\n");
        if (spec.Files > 0)
            text.Append($"/usr/share/java/{spec.Name}.jar\n/etc/{spec.Name}.d/*\n");
        return text.ToString();
    }
}
