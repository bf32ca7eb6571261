using System.Globalization;
using System.Text;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Docker;

/// <summary>The root file system of a container as the kernel says it is mounted: overlay folders below a data root.</summary>
/// <param name="Path">Where it is mounted.</param>
/// <param name="Upper">The folder that takes what the container writes.</param>
/// <param name="Lower">What lies below, the topmost first. The first is Docker's own <c>-init</c> folder.</param>
public sealed record MountedRoot(string Path, string Upper, IReadOnlyList<string> Lower)
{
    /// <summary>Bytes of a process's list of mounts; a host with thousands of containers has some hundred bytes for each.</summary>
    public const int MaxMountInfoBytes = 16 * 1024 * 1024;

    /// <summary>Reads what a process sees mounted at a path.</summary>
    /// <param name="pid">The process whose mounts count.</param>
    /// <param name="path">Absolute, without links.</param>
    /// <param name="dataRoot">Docker's data root: what the mount names relatively is relative to its <c>overlay2</c>.</param>
    /// <exception cref="ImageException">Nothing is mounted there, it is no overlay of two folders or more or only a part of one, or something is mounted inside it or over it.</exception>
    /// <remarks>Source: proc_pid_mountinfo(5); moby/moby, daemon/graphdriver/overlay2/mount.go (relative names where the option would be too long).</remarks>
    public static MountedRoot Read(int pid, string path, string dataRoot) => Parse(ReadList(pid), path, dataRoot);

    /// <exception cref="ImageException">It cannot be read, or is too long.</exception>
    internal static string ReadList(int pid)
    {
        byte[] bytes;
        string file = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/mountinfo");
        try
        {
            bytes = SmallFile.Read(file, MaxMountInfoBytes) ?? throw new ImageException(ImageError.LimitExceeded, $"{file} has more than {MaxMountInfoBytes} bytes (MaxMountInfoBytes)");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageException(ImageError.AccessDenied, $"{file} cannot be read: {Escape.ForTerminal(e.Message)}", null, e);
        }
        return EntryPath.Decode(bytes);
    }

    /// <summary>The root of a running process where it is an overlay; null where it is something else, or the process ended.</summary>
    public static MountedRoot? FindRoot(int pid, string dataRoot) => Find(pid, "/", dataRoot);

    /// <summary>What a process sees mounted at a path where it is an overlay; null where it is something else, or the process ended.</summary>
    /// <param name="path">Absolute, without links and without characters that mountinfo escapes.</param>
    public static MountedRoot? Find(int pid, string path, string dataRoot)
    {
        try
        {
            if (SmallFile.Read(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/mountinfo"), MaxMountInfoBytes) is not { } bytes)
                return null;
            string text = EntryPath.Decode(bytes);
            foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                if (line.Split(' ') is [_, _, _, _, var point, ..] parts && point == path)
                    return line.Contains(" - overlay ", StringComparison.Ordinal) ? Of(parts[^1], path, dataRoot) : null;
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ImageException)
        {
            return null;
        }
    }

    internal static MountedRoot Parse(string mountInfo, string path, string dataRoot)
    {
        string? options = null, type = null, part = null;
        List<Mount> way = [];
        Mount? own = null;
        foreach (string line in mountInfo.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [OPTIONAL…] - TYPE SOURCE SUPEROPTIONS
            string[] parts = line.Split(' ');
            int dash = Array.IndexOf(parts, "-", Math.Min(6, parts.Length));
            if (parts.Length < 10 || dash < 0 || dash + 3 >= parts.Length)
                throw new ImageException(ImageError.Malformed, $"the list of mounts has a line of {parts.Length} words: {Escape.Quote(line)}");
            string point = Unescape(parts[4]);
            if (point == "/" || point == path || path.StartsWith(point + "/", StringComparison.Ordinal))
                way.Add(new Mount(parts[0], parts[1], point));
            if (point == path)
                // The last line of a place is what lies on top.
                (type, options, part, own) = (parts[dash + 1], parts[dash + 3], parts[3], way[^1]);
            else if (point.StartsWith(path + "/", StringComparison.Ordinal))
                throw new ImageException(ImageError.Malformed, $"{Escape.ForTerminal(point)}: something is mounted inside the container's root before it starts");
        }
        if (options is null)
            throw new ImageException(ImageError.NotFound, $"nothing is mounted at {Escape.ForTerminal(path)}");
        if (type != "overlay")
            throw new ImageException(ImageError.Unsupported, $"{Escape.ForTerminal(path)} is mounted as {Escape.ForTerminal(type!)}; only overlay can be proved", "use the storage driver overlay2");
        if (FindOver(way, own!) is { } over)
            throw new ImageException(ImageError.Malformed, $"{Escape.ForTerminal(over)}: something is mounted over the container's root, or over a folder that leads to it");
        if (part != "/")
            throw new ImageException(ImageError.Malformed, $"{Escape.ForTerminal(path)}: only {Escape.ForTerminal(Unescape(part!))} of an overlay is mounted; Docker mounts the whole");
        return Of(options, path, dataRoot);
    }

    /// <summary>A line of the list.</summary>
    /// <param name="Parent">The mount that it is mounted on.</param>
    private sealed record Mount(string Id, string Parent, string Point);

    /// <summary>Where whoever follows the path of a mount leaves the way to it; null: nowhere.</summary>
    /// <param name="way">What is mounted at the path and at the folders above it.</param>
    private static string? FindOver(List<Mount> way, Mount own)
    {
        Dictionary<string, Mount> ids = new(StringComparer.Ordinal);
        foreach (Mount mount in way)
            ids[mount.Id] = mount;
        // By the mount below, what of the way comes next.
        Dictionary<string, Mount> next = new(StringComparer.Ordinal) { [own.Id] = own };
        for (Mount? mount = own; mount is not null && next.TryAdd(mount.Parent, mount);)
            mount = ids.GetValueOrDefault(mount.Parent);
        return way.Find(m => next.TryGetValue(m.Parent, out Mount? right) && m.Id != right.Id && m.Id != m.Parent && m.Point.Length <= right.Point.Length)?.Point;
    }

    /// <summary>Options of an overlay by which no file comes to have another content; those that end in <c>=</c> with any value.</summary>
    private static readonly string[] Harmless =
    [
        "rw", "ro", "workdir=", "index=off", "nfs_export=off", "metacopy=off", "redirect_dir=off", "redirect_dir=nofollow", "verity=off", "xino=", "uuid=", "volatile", "default_permissions", "seclabel",
        "context=", "fscontext=", "defcontext=", "rootcontext=",
    ];

    /// <summary>Parts at commas, but those between the quotes that SELinux's options have.</summary>
    private static IEnumerable<string> Split(string options)
    {
        for (int at = 0, end; at <= options.Length; at = end + 1)
        {
            int quote = options.IndexOf("=\"", at, StringComparison.Ordinal);
            bool isQuoted = quote > 0 && options[at..quote] is "context" or "fscontext" or "defcontext" or "rootcontext";
            int from = isQuoted ? options.IndexOf('"', quote + 2) : at;
            end = from < 0 ? -1 : options.IndexOf(',', from);
            end = end < 0 ? options.Length : end;
            yield return options[at..end];
        }
    }

    private static MountedRoot Of(string options, string path, string dataRoot)
    {
        string? upper = null;
        List<string> lower = [];
        // A comma inside a name comes as an octal number, so that the split is right before these are read.
        foreach (string written in Split(options))
        {
            string option = Unescape(written);
            int equals = option.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? option : option[..equals], value = equals < 0 ? "" : option[(equals + 1)..];
            switch (name)
            {
                // Some kernels write a colon inside a name so; read, it would part one folder into two.
                case "lowerdir" when written.Contains("\\072", StringComparison.Ordinal):
                    throw new ImageException(ImageError.Unsupported, $"{Escape.ForTerminal(path)} has a lower folder with a colon in its name: {Escape.Quote(written)}");
                case "lowerdir":
                    lower.AddRange(SplitFolders(value).Select(Absolute));
                    break;
                // Linux 6.8 and newer name each folder by itself.
                case "lowerdir+":
                    lower.Add(Absolute(value));
                    break;
                case "upperdir":
                    upper = Absolute(value);
                    break;
                // Others change where a file's content comes from (index, metacopy, redirect_dir), or which attributes hide what lies below (userxattr).
                default:
                    if (!Harmless.Contains(option, StringComparer.Ordinal) && !Harmless.Contains(name + "=", StringComparer.Ordinal))
                        throw new ImageException(ImageError.Unsupported, $"{Escape.ForTerminal(path)} is mounted with {Escape.ForTerminal(option)}, which Docker never asks for");
                    break;
            }
        }
        if (upper is null || lower.Count == 0)
            throw new ImageException(ImageError.Malformed, $"{Escape.ForTerminal(path)}: the mount names {(upper is null ? "no upper folder" : "no lower folder")}: {Escape.Quote(options)}");
        return new MountedRoot(path, upper, lower);

        string Absolute(string name) => name.StartsWith('/') ? name : $"{dataRoot}/overlay2/{name}";
    }

    /// <summary>Names between colons that no backslash stands before; the backslashes go.</summary>
    private static List<string> SplitFolders(string text)
    {
        List<string> parts = [];
        StringBuilder part = new();
        for (int i = 0; i < text.Length; i++)
            if (text[i] == '\\' && i + 1 < text.Length)
                part.Append(text[++i]);
            else if (text[i] == ':')
            {
                parts.Add(part.ToString());
                part.Clear();
            }
            else
                part.Append(text[i]);
        parts.Add(part.ToString());
        return parts;
    }

    /// <summary>mountinfo writes space, tab, line feed and backslash as a backslash and three octal digits.</summary>
    internal static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
            return text;
        StringBuilder plain = new(text.Length);
        for (int i = 0; i < text.Length; i++)
            if (text[i] == '\\' && i + 3 < text.Length && text[i + 1] is >= '0' and <= '3' && text[i + 2] is >= '0' and <= '7' && text[i + 3] is >= '0' and <= '7')
            {
                plain.Append((char)((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
                i += 3;
            }
            else
                plain.Append(text[i]);
        return plain.ToString();
    }
}
