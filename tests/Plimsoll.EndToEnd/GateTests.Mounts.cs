using Plimsoll.TestKit;

namespace Plimsoll.EndToEnd;

/// <content>Mounts that are not where, or not what, they are called.</content>
public sealed partial class GateTests
{
    /// <summary>What a process of the container may do: put a link where the way to a volume was, so that it covers the image's programs at the next start.</summary>
    [Fact]
    public void Start_LinkOnTheWayToAVolumeSinceTheLastStart_IsRefused()
    {
        SavedImage image = Host.Signed("way-to-volume");
        string twin = Host.Docker(["create", .. GatedHost.Limits, "-v", "way-twin:/new/data", image.Tag]).Expect(0).Out.Trim(),
            attacked = Host.Docker(["create", .. GatedHost.Limits, "-v", "way:/new/bin", image.Tag]).Expect(0).Out.Trim();
        foreach (string container in (string[])[twin, attacked])
        {
            Runs(Host.Docker("start", "-a", container));
            Directory.Delete(Host.Own(container, "new"), recursive: true);
            File.CreateSymbolicLink(Host.Own(container, "new"), "/");
        }

        Refused(Host.Docker("start", "-a", attacked), "mounts/system-target", "/new/bin -> /bin");
        Runs(Host.Docker("start", "-a", twin));
        Host.Docker("rm", attacked, twin).Expect(0);
    }

    /// <summary>A folder of the host that policy lets in comes in as a volume too; by the spec both are alike.</summary>
    [Fact]
    public void Start_VolumeOfAFolderOfTheHost_IsAllowedWherePolicyAllowsTheFolder()
    {
        SavedImage image = Host.Signed("bound-volume");
        using TempFolder folder = new();
        Directory.CreateDirectory(folder["good"]);
        string[] run = [.. GatedHost.Limits, "--mount", $"type=volume,src=bound-volume,dst=/data,volume-driver=local,volume-opt=type=none,volume-opt=o=bind,volume-opt=device={folder["good"]}"];
        Under(WithStart($"start: {{rules: [{{mounts: {{binds: [{folder["good"]}]}}}}]}}"), () =>
        {
            string container = Host.Docker(["create", .. run, image.Tag]).Expect(0).Out.Trim();
            Runs(Host.Docker("start", "-a", container));
            Runs(Host.Docker("start", "-a", container));
            Host.Docker("rm", container).Expect(0);
        });
        Host.Docker("volume", "rm", "bound-volume").Expect(0);
    }
}
