using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;

namespace Plimsoll.Measure;

/// <summary>Where a path leads in a root that nothing runs in yet.</summary>
internal enum Led
{
    /// <summary>Default: nobody can say, as it goes through what is mounted only when the container runs, or is no text.</summary>
    Unknown = 0,

    /// <summary>To nothing.</summary>
    Nowhere,

    /// <summary>To a file or folder.</summary>
    There,
}

/// <summary>What following links may cost in all, about one for each character of each path that is looked at.</summary>
internal sealed class LinkBudget(CancellationToken cancellationToken)
{
    /// <summary>Some two seconds at the worst.</summary>
    public const long MaxSteps = 64 * 1024 * 1024;

    private long _left = MaxSteps;

    /// <exception cref="ImageException">Nothing is left.</exception>
    public void Spend(int steps)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if ((_left -= steps) < 0)
            throw new ImageException(ImageError.LimitExceeded, $"links of the container's own take more than {MaxSteps} steps to follow (MaxSteps)");
    }
}

/// <summary>Follows paths in a root one link after the other, as the kernel would once the mounts are there.</summary>
/// <param name="mounts">Absolute, without links on the way; empty for the root itself.</param>
internal sealed class RootPaths(SafeFileHandle root, IReadOnlyList<string> mounts, LinkBudget budget)
{
    public const int MaxPathBytes = 4096;

    /// <summary>Links on the way; the kernel follows no more.</summary>
    private const int MaxLinks = 40;

    /// <summary>About what a call costs beside the path's length.</summary>
    private const int CallSteps = 64;

    private readonly byte[] _target = new byte[MaxPathBytes];

    /// <summary>Follows a path, its last part too.</summary>
    /// <param name="real">The path without links, empty for the root itself; of what is missing its place, where that is certain, else null.</param>
    /// <param name="passed">Takes each link on the way, absolute, without links on the way.</param>
    public Led Follow(string path, out string? real, ICollection<string>? passed = null)
    {
        real = null;
        string at = "";
        Stack<string> rest = new();
        if (!Push(rest, path))
            return Led.Unknown;
        for (int links = 0; rest.TryPop(out string? part);)
        {
            if (part == "..")
            {
                at = at[..Math.Max(at.LastIndexOf('/'), 0)];
                continue;
            }
            List<string> run = [part];
            while (rest.TryPeek(out string? next) && next != "..")
                run.Add(rest.Pop());
            string whole = Join(at, run, run.Count);
            int error = Try(whole);
            if (error is -Errno.ENOENT or -Errno.ENOTDIR)
            {
                // Mounting makes the folders that are missing on the way to the mount.
                if (mounts.Any(m => IsBelow(whole, m) || IsBelow(m, whole)))
                    return Led.Unknown;
                real = rest.Count == 0 ? whole : null;
                return Led.Nowhere;
            }
            if (error >= 0)
            {
                if (mounts.Any(m => IsBelow(whole, m)))
                    return Led.Unknown;
                at = whole;
                continue;
            }
            if (error != -Errno.ELOOP)
                return Led.Unknown;
            int first = 1;
            for (int end = run.Count; first < end;)
                if ((first + end) / 2 is var middle && Try(Join(at, run, middle)) == -Errno.ELOOP)
                    end = middle;
                else
                    first = middle + 1;
            string link = Join(at, run, first);
            if (mounts.Any(m => IsBelow(link, m)) || ReadLink(link) is not { } target)
                return Led.Unknown;
            if (++links > MaxLinks)
                return Led.Nowhere;
            passed?.Add(link);
            for (int i = run.Count; i > first; i--)
                rest.Push(run[i - 1]);
            if (!Push(rest, target))
                return Led.Unknown;
            at = target.StartsWith('/') ? "" : Join(at, run, first - 1);
        }
        real = at;
        return Led.There;
    }

    /// <summary>Whether a path is a folder or lies below it; both without links.</summary>
    public static bool IsBelow(string path, string folder) => path.StartsWith(folder, StringComparison.Ordinal) && (path.Length == folder.Length || path[folder.Length] == '/');

    /// <summary>Whether no link is on the way, as far as there is one; what is missing is none.</summary>
    public bool IsPlain(string path) => Try(path) is >= 0 or -Errno.ENOENT;

    /// <summary>What a link holds; null for what is none, and for one that is no text.</summary>
    /// <param name="path">Absolute, without links on the way.</param>
    public string? ReadLink(string path)
    {
        budget.Spend(path.Length + CallSteps);
        if (path.Contains('\0', StringComparison.Ordinal) || Native.ReadLink((int)root.DangerousGetHandle(), Bytes(path[1..]), _target) is not (> 0 and < MaxPathBytes and var length))
            return null;
        string text = EntryPath.Decode(_target.AsSpan(0, length));
        return text.Contains('\0', StringComparison.Ordinal) ? null : text;
    }

    /// <returns>0, or minus the error number; -ELOOP where a link comes before anything else that is wrong.</returns>
    private int Try(string path)
    {
        budget.Spend(path.Length + CallSteps);
        int file = Native.Open((int)root.DangerousGetHandle(), Bytes(path), Native.PathOnly, Native.ResolveInRoot | Native.ResolveNoSymlinks);
        if (file < 0)
            return file;
        Native.CloseFile(file);
        return 0;
    }

    private static string Join(string at, List<string> parts, int count) => count == 0 ? at : $"{at}/{string.Join('/', parts.Take(count))}";

    private static bool Push(Stack<string> rest, string path)
    {
        string[] parts = path.Split('/');
        for (int i = parts.Length; i > 0; i--)
            if (parts[i - 1] is not ("" or "."))
                rest.Push(parts[i - 1]);
        return path.Length > 0 && !path.Contains('\0', StringComparison.Ordinal);
    }

    private static byte[] Bytes(string path) => Encoding.UTF8.GetBytes(path + '\0');
}
