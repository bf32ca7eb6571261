using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Measure;

/// <summary>Where links lead that a container made in its own folder.</summary>
public static class OwnLinks
{
    /// <summary>Paths that links add; a container that has more is refused.</summary>
    public const int MaxPaths = 10_000;

    private const int MaxPathBytes = 4096;

    /// <summary>What is mounted over the root when the container runs, so that now nobody can say where a link into it will lead.</summary>
    private static readonly string[] MountedLater = ["/dev", "/proc", "/sys"];

    /// <summary>The paths by which files can be reached through links, each link followed as it is in the root that the container gets; what leads nowhere reaches nothing.</summary>
    /// <param name="root">The mounted root, as this process reaches it.</param>
    /// <param name="links">Within the root.</param>
    /// <param name="files">Absolute within the root, without links on the way.</param>
    /// <returns>Each further path, absolute within the root, with the file; for a link of which nobody can say where it leads, its own path and where it goes.</returns>
    /// <exception cref="ImageException">The root cannot be opened, or there are more than <see cref="MaxPaths"/>.</exception>
    public static IReadOnlyList<(string Path, string Target)> Follow(string root, IReadOnlyList<string> links, IReadOnlyList<string> files)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(links);
        ArgumentNullException.ThrowIfNull(files);
        using SafeFileHandle folder = Opened(Native.Open(Native.AtFdCwd, Bytes(root), Native.PathOnly | Native.DirectoryOnly, 0)) ?? throw new ImageException(ImageError.NotFound, $"{Escape.ForTerminal(root)}, the container's root, cannot be opened");
        int handle = (int)folder.DangerousGetHandle();
        string at = PathOf(handle);
        List<(string, string)> paths = [];
        foreach (string link in links)
            if (Find(handle, at, link) is { } target)
                Add(link, target);
            else if (FindLater(handle, at, link) is { } later)
                paths.Add(("/" + link, later));
        return paths;

        void Add(string link, string target)
        {
            foreach (string file in files)
                if (file == target || file.StartsWith(target, StringComparison.Ordinal) && file[target.Length] == '/')
                    paths.Add(paths.Count < MaxPaths ? ($"/{link}{file[target.Length..]}", file)
                        : throw new ImageException(ImageError.LimitExceeded, $"links of the container's own give its executables more than {MaxPaths} further paths (MaxPaths)"));
        }
    }

    /// <summary>Where a path leads within the root, <c>/srv/x</c>, empty for the root itself; null for nowhere.</summary>
    private static string? Find(int root, string at, string path)
    {
        // A name that is no text cannot be opened by it, and is told of as leading to itself.
        using SafeFileHandle? file = path.Contains('\0', StringComparison.Ordinal) ? null : Opened(Native.Open(root, Bytes(path), Native.PathOnly, Native.ResolveInRoot | Native.ResolveNoMagicLinks));
        if (file is null)
            return null;
        string real = PathOf((int)file.DangerousGetHandle());
        return real == at ? "" : real.StartsWith(at + "/", StringComparison.Ordinal) ? real[at.Length..] : throw new ImageException(ImageError.Malformed, $"/{Escape.ForTerminal(path)} leads out of the container's root");
    }

    /// <summary>Of a link that leads nowhere now: what it leads into, where that is mounted only when the container runs.</summary>
    private static string? FindLater(int root, string at, string link)
    {
        Span<byte> target = stackalloc byte[MaxPathBytes];
        if (link.Contains('\0', StringComparison.Ordinal) || Native.ReadLink(root, Bytes(link), target) is not (> 0 and < MaxPathBytes and var length))
            return "where nobody can tell";
        string text = EntryPath.Decode(target[..length]), whole = text.StartsWith('/') ? text : $"{(link.LastIndexOf('/') is >= 0 and var slash ? link[..slash] : "")}/{text}";
        for (string begin = whole; begin.LastIndexOf('/') is >= 0 and var end;)
        {
            begin = begin[..end];
            if (Find(root, at, begin.Length > 0 ? begin : "/") is { } real)
                return MountedLater.Any(m => real == m || real.StartsWith(m + "/", StringComparison.Ordinal)) ? text : null;
        }
        return null;
    }

    private static SafeFileHandle? Opened(int file) => file >= 0 ? Native.Own(file) : null;

    private static byte[] Bytes(string path) => Encoding.UTF8.GetBytes(path + '\0');

    private static string PathOf(int file)
    {
        Span<byte> path = stackalloc byte[MaxPathBytes];
        int length = Native.ReadLink(Native.AtFdCwd, Bytes(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{file}")), path);
        return length is > 0 and < MaxPathBytes ? EntryPath.Decode(path[..length]) : throw new ImageException(ImageError.AccessDenied, "/proc/self/fd cannot be read");
    }
}
