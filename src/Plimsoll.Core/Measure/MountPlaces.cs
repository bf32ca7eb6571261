using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Measure;

/// <summary>Where mounts come to lie in a container's root: links on the way to a target, the image's or the container's own, lead elsewhere.</summary>
public static class MountPlaces
{
    /// <summary>Follows each target as the runtime will, one mount after the other.</summary>
    /// <param name="root">The root before anything is mounted in it, as this process reaches it.</param>
    /// <param name="mounts">In their order; of each its target, absolute and folded, and the folder of the host that is seen there, null for a file system that is empty or the kernel's own.</param>
    /// <returns>For each its place, absolute within the root; null where nobody can tell.</returns>
    /// <exception cref="ImageException">The root cannot be opened, or following takes too many steps.</exception>
    /// <remarks>Somebody who may write in what another mount brings in can change a link there between this and the mount.</remarks>
    public static IReadOnlyList<string?> Follow(string root, IReadOnlyList<(string Target, string? Source)> mounts, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(mounts);
        using SafeFileHandle folder = Open(root) ?? throw new ImageException(ImageError.NotFound, $"{Escape.ForTerminal(root)}, the container's root, cannot be opened");
        LinkBudget budget = new(cancellationToken);
        RootPaths paths = new(folder, [], budget);
        List<string?> places = [];
        for (int i = 0; i < mounts.Count; i++)
            places.Add(PlaceOf(paths, mounts, i, places, budget));
        return places;
    }

    private static string? PlaceOf(RootPaths paths, IReadOnlyList<(string Target, string? Source)> mounts, int at, List<string?> before, LinkBudget budget)
    {
        string target = mounts[at].Target;
        if (IsIn(target, out string? place))
            return place;
        Led led = paths.Follow(target, out string? real);
        if (led == Led.Unknown || real is null)
            // Folders that are missing are made as they are written, where no link comes before them.
            return led == Led.Nowhere && paths.IsPlain(target) ? target : null;
        real = real.Length == 0 ? "/" : real;
        return IsIn(real, out place) ? place : real;

        // Whether it lies in a mount that is there by then. The last one is what is seen, and it must have no links of its own on the way.
        bool IsIn(string path, out string? place)
        {
            int i = before.FindLastIndex(p => p is { Length: > 1 } folder && RootPaths.IsBelow(path, folder));
            place = i >= 0 && (mounts[i].Source is not { } source || IsPlain(source, path[before[i]!.Length..], budget)) ? path : null;
            return i >= 0;
        }
    }

    /// <summary>Whether no link is on the way to what a mounted folder has at a path, or will be made to have.</summary>
    private static bool IsPlain(string source, string path, LinkBudget budget)
    {
        using SafeFileHandle? folder = Open(source);
        return folder is not null && new RootPaths(folder, [], budget).IsPlain(path);
    }

    private static SafeFileHandle? Open(string folder) =>
        Native.Open(Native.AtFdCwd, Encoding.UTF8.GetBytes(folder + '\0'), Native.PathOnly | Native.DirectoryOnly, 0) is >= 0 and var opened ? Native.Own(opened) : null;
}
