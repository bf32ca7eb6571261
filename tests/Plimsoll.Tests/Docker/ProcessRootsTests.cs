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
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid))
            {
                string? before = MountedRoot.FindRoot(pid, dataRoot)?.Upper, found = roots.Find(pid)?.Upper;
                // One that ended meanwhile has no mounts.
                if (MountedRoot.FindRoot(pid, dataRoot)?.Upper != before)
                    continue;
                seen++;
                Assert.Equal(before, found);
            }
        Assert.True(seen > 1);
        Assert.Null(roots.Find(int.MaxValue));
    }
}
