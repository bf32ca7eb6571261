using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Measure;

/// <summary>Where links lead that a container made in its own folder.</summary>
public static class OwnLinks
{
    /// <summary>Paths that links add; a container that has more is refused, as is one whose links lead in a circle around what can be run.</summary>
    public const int MaxPaths = 10_000;

    /// <summary>What is mounted over the root when any container runs.</summary>
    private static readonly string[] MountedLater = ["/dev", "/proc", "/sys"];

    /// <summary>
    /// The paths by which files and mounts can be reached through links, each link followed as it will be once the mounts are there, and links to folders with such paths in them too.
    /// What leads nowhere reaches nothing.
    /// </summary>
    /// <param name="root">The root before anything is mounted in it, as this process reaches it.</param>
    /// <param name="links">The container's own, within the root.</param>
    /// <param name="imageLinks">Those of the image, within the root; they add no path by themselves, but own links may lead to them. Some may be gone.</param>
    /// <param name="mounts">Paths in the container, as its specification has them.</param>
    /// <param name="files">Absolute within the root, without links on the way.</param>
    /// <returns>In ordinal order, each further path that goes through a link of the container's own, absolute within the root, with what it reaches; for a link of which nobody can say where it
    /// leads, its own path and where it goes.</returns>
    /// <exception cref="ImageException">The root cannot be opened, there are more than <see cref="MaxPaths"/>, or it takes too many steps to tell.</exception>
    public static IReadOnlyList<(string Path, string Target)> Follow(string root, IReadOnlyList<string> links, IReadOnlyList<string> imageLinks, IReadOnlyList<string> mounts, IReadOnlyList<string> files,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(links);
        ArgumentNullException.ThrowIfNull(imageLinks);
        ArgumentNullException.ThrowIfNull(mounts);
        ArgumentNullException.ThrowIfNull(files);
        int opened = Native.Open(Native.AtFdCwd, Encoding.UTF8.GetBytes(root + '\0'), Native.PathOnly | Native.DirectoryOnly, 0);
        if (opened < 0)
            throw new ImageException(ImageError.NotFound, $"{Escape.ForTerminal(root)}, the container's root, cannot be opened");
        using SafeFileHandle folder = Native.Own(opened);
        LinkBudget budget = new(cancellationToken);
        string[] mounted = Places(new RootPaths(folder, [], budget), mounts);
        RootPaths paths = new(folder, mounted, budget);

        List<Reached> reached = [.. files.Concat(mounted).Select(f => new Reached(f, f, false, null, null))];
        int first = reached.Count;
        Dictionary<string, List<Link>> byTarget = new(StringComparer.Ordinal);
        HashSet<string> own = [.. links.Select(l => "/" + l)];
        foreach (string link in own)
            if (paths.Follow(link, out string? real) is var led && led == Led.There)
                Lead(link, real!, isOwn: true);
            else if (led == Led.Unknown)
                Reach(new Reached(link, paths.ReadLink(link) ?? "where nobody can tell", true, null, null));
        Dictionary<string, List<Link>>.AlternateLookup<ReadOnlySpan<char>> targets = byTarget.GetAlternateLookup<ReadOnlySpan<char>>();
        if (imageLinks.Any(l => Ends("/" + l).Any(e => targets.ContainsKey(("/" + l).AsSpan(0, e)))))
            foreach (string link in imageLinks.Select(l => "/" + l).Where(l => !own.Contains(l)))
            {
                List<string> passed = [];
                if (paths.Follow(link, out string? real, passed) is var led && led == Led.There && real != link)
                    Lead(link, real!, isOwn: false);
                else if (led == Led.Unknown && passed.Exists(own.Contains))
                    Reach(new Reached(link, link, false, null, null));
            }

        for (int i = 0; i < reached.Count; i++)
            foreach (int end in Ends(reached[i].Path))
                if (targets.TryGetValue(reached[i].Path.AsSpan(0, end), out List<Link>? leading))
                    foreach (Link link in leading)
                        // What links of the image's own lead to in a circle is gone round once.
                        if (!Uses(reached[i], link))
                            Reach(new Reached(link.Path + reached[i].Path[end..], reached[i].Target, link.IsOwn, reached[i], link));
                        else if (link.IsOwn)
                            throw new ImageException(ImageError.LimitExceeded, $"{Escape.ForTerminal(link.Path)}, a link of the container's own, leads in a circle around {Escape.ForTerminal(reached[i].Target)}");
        return [.. reached.Skip(first).Where(r => r.IsOwn).OrderBy(r => r.Path, StringComparer.Ordinal).Select(r => (r.Path, r.Target))];

        void Lead(string link, string real, bool isOwn)
        {
            if (!byTarget.TryGetValue(real, out List<Link>? leading))
                byTarget.Add(real, leading = []);
            leading.Add(new Link(link, isOwn));
        }

        void Reach(Reached path) => reached.Add(reached.Count - first < MaxPaths && path.Path.Length < RootPaths.MaxPathBytes ? path
            : throw new ImageException(ImageError.LimitExceeded, $"links of the container's own give its executables more than {MaxPaths} further paths, or longer ones than {RootPaths.MaxPathBytes} bytes (MaxPaths, MaxPathBytes)"));

        bool Uses(Reached? path, Link link)
        {
            for (; path is not null; path = path.Before)
            {
                budget.Spend(1);
                if (path.Link == link)
                    return true;
            }
            return false;
        }

        // Where the folders of a path end, and the path itself.
        IEnumerable<int> Ends(string path)
        {
            for (int end = 0; end >= 0 && end < RootPaths.MaxPathBytes; end = end == path.Length ? -1 : path.IndexOf('/', end + 1) is >= 0 and var next ? next : path.Length)
            {
                budget.Spend(1 + end / 8);
                yield return end;
            }
        }
    }

    /// <summary>Where mounts come to lie; empty for the root, which stands for anywhere, where nobody can tell.</summary>
    private static string[] Places(RootPaths paths, IReadOnlyList<string> mounts)
    {
        string[] places = [.. MountedLater, .. mounts.Select(m => paths.Follow(m, out string? real) == Led.Unknown || real is null ? "" : real)];
        return [.. places.Distinct(StringComparer.Ordinal).Where(p => !places.Any(o => o != p && RootPaths.IsBelow(p, o)))];
    }

    private sealed record Link(string Path, bool IsOwn);

    /// <summary>A path by which something can be reached.</summary>
    /// <param name="before">The path that the link leads to.</param>
    private sealed class Reached(string path, string target, bool isOwn, Reached? before, Link? link)
    {
        public string Path => path;
        public string Target => target;
        public bool IsOwn => isOwn;
        public Reached? Before => before;
        public Link? Link => link;
    }
}
