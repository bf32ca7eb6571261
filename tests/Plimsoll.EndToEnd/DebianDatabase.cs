using Plimsoll.TestKit;

[assembly: AssemblyFixture(typeof(Plimsoll.EndToEnd.DebianDatabase))]

namespace Plimsoll.EndToEnd;

/// <summary>The advisory database made from the shared Debian records; made when first asked for.</summary>
public sealed class DebianDatabase : IDisposable
{
    private readonly TempFolder _home = new();
    private readonly Lazy<string> _path;

    public DebianDatabase() => _path = new(() =>
    {
        new Call(_home.Path, "db", "update", "--source", SharedData.At("osv"), "--ecosystem", "Debian").Run().Expect(0);
        return _home["data/advisories.db"];
    });

    public string Path => _path.Value;

    internal Call Call(TempFolder home, params string[] arguments) => new Call(home.Path, arguments).With("PLIMSOLL_SCAN_DB", Path);

    public void Dispose() => _home.Dispose();
}
