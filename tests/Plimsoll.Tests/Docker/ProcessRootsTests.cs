using System.Globalization;
using Plimsoll.Docker;

namespace Plimsoll.Tests.Docker;

public sealed class ProcessRootsTests
{
    [Fact]
    public void Find_OfEveryProcess_IsWhatItsOwnMountsSay()
    {
        const string dataRoot = "/var/lib/docker";
        ProcessRoots roots = new(dataRoot);
        int seen = 0;
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && MountedRoot.FindRoot(pid, dataRoot) is var expected && Directory.Exists(folder))
            {
                seen++;
                Assert.Equal(expected?.Upper, roots.Find(pid)?.Upper);
            }
        Assert.True(seen > 1);
        Assert.Null(roots.Find(int.MaxValue));
    }
}
