using System.Text;
using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <summary>npm's own view of installed packages as the oracle.</summary>
[Trait("needs", "host")]
public sealed class NpmTests(SmallDatabase database) : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private void Package(string folder, string name, string version, string dependencies = "") =>
        _folder.Write($"root/app/{folder}package.json", Encoding.UTF8.GetBytes($"{{\"name\":\"{name}\",\"version\":\"{version}\",\"dependencies\":{{{dependencies.Replace('\'', '"')}}}}}"));

    [Fact]
    public void Scan_NestedScopedAndDoublePackages_AreThoseOfNpmLs()
    {
        Package("", "app", "9.9.9", "'a':'^1.0.0','b':'2.0.0-rc.1','@s/c':'3.x','d':'*'");
        Package("node_modules/a/", "a", "1.4.0", "'b':'1','@s/c':'^3'");
        Package("node_modules/a/node_modules/b/", "b", "1.0.0");
        Package("node_modules/b/", "b", "2.0.0-rc.1");
        Package("node_modules/b/test/fixture/", "no-package", "1.0.0");
        Package("node_modules/@s/c/", "@s/c", "3.1.0", "'b':'1'");
        Package("node_modules/@s/c/node_modules/b/", "b", "1.0.1");
        Package("node_modules/d/", "d", "0.0.1+build");

        // PATH:NAME@VERSION, the project itself first; npm writes a log into its user's home.
        string app = _folder["root/app"];
        string listed = Tool.Run("env", ["-C", app, $"HOME={_folder.Path}", "npm", "ls", "--all", "--parseable", "--long", "--offline"]);
        IEnumerable<string> expected = listed.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l.StartsWith(app + "/node_modules/", StringComparison.Ordinal))
            .Select(l => l[(app.Length + 1)..]).Order(StringComparer.Ordinal);

        Outcome outcome = database.Call(_folder, "scan", "--json", $"dir:{_folder["root"]}").Run();

        string[] seen = [.. outcome.Report["packages"]!.AsArray().Select(p => $"{((string)p!["path"]!)["app/".Length..^"/package.json".Length]}:{p["name"]}@{p["version"]}").Order(StringComparer.Ordinal)];
        Assert.Equal(6, seen.Length);
        Assert.Equal(expected, seen);
    }
}
