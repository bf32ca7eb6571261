using System.Globalization;
using Plimsoll.Docker;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Verify.Start;

namespace Plimsoll.Agent.Gate;

/// <summary>What a spec does not say of its mounts: what lies at their sources, and where their targets lead.</summary>
internal static class SpecMounts
{
    /// <param name="pid">Of the launcher, whose mounts count.</param>
    /// <param name="root">The container's root, as the agent reaches it.</param>
    /// <exception cref="ImageException">It cannot be told.</exception>
    public static IReadOnlyList<StartMount> Look(IReadOnlyList<StartMount> mounts, int pid, string root, string dataRoot, CancellationToken cancellationToken)
    {
        // Without one of its own a container has the engine's file systems, and its files in /etc.
        if (mounts.All(m => m.Kind == MountKind.Engine || IsEnginesFile(m)))
            return mounts;
        string volumes = $"{StartPaths.Resolve(dataRoot) ?? dataRoot}/volumes";
        IReadOnlyList<string?> places = MountPlaces.Follow(root, [.. mounts.Select(m => (StartPaths.Fold(m.Target) ?? "/", m.Kind == MountKind.Bind ? $"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/root{m.Source}" : null))], cancellationToken);
        List<StartMount> looked = [];
        for (int i = 0; i < mounts.Count; i++)
        {
            StartMount mount = mounts[i];
            looked.Add(mount.Kind == MountKind.Engine || IsEnginesFile(mount) ? mount : mount with
            {
                Place = places[i] is not { } place ? "" : place == StartPaths.Fold(mount.Target) ? null : place,
                Origins = IsVolume(mount) ? [.. MountTable.OriginsOf(pid, StartPaths.Resolve(mount.Source) ?? mount.Source, volumes).Select(o => new StartOrigin(o.Point, o.Path, o.IsReadOnly, o.What))] : [],
            });
        }
        return looked;
    }

    private static bool IsVolume(StartMount mount) => mount.Kind == MountKind.Bind && StartPaths.Fold(mount.Source) is { } source && source.EndsWith("/_data", StringComparison.Ordinal);

    /// <summary>A volume may have the place of one.</summary>
    private static bool IsEnginesFile(StartMount mount) => mount.Kind == MountKind.Bind && !IsVolume(mount) && mount.Target is "/etc/hosts" or "/etc/hostname" or "/etc/resolv.conf" or "/dev/shm";
}
