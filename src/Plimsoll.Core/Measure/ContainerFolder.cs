using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Measure;

/// <summary>Something in a container's own folders that no image layer vouches for.</summary>
/// <param name="Path">Within the container's root.</param>
/// <param name="What">What it is, in English.</param>
public sealed record ForeignFile(string Path, string What)
{
    public override string ToString() => $"/{Escape.ForTerminal(Path)} ({What})";
}

/// <summary>A file in a container's own folder that can be run: an executable, a script or a library.</summary>
/// <param name="Content">SHA-384 of its bytes, 48 bytes.</param>
public sealed record OwnExecutable(string Path, long Size, byte[] Content);

/// <summary>What a container's own folder holds.</summary>
/// <param name="Foreign">What nothing may bring in, in the order of the walk; at most <see cref="ContainerFolder.MaxListed"/>.</param>
/// <param name="Executables">To be looked up among the image's files.</param>
/// <param name="Files">Everything but plain folders.</param>
public sealed record OwnContents(IReadOnlyList<ForeignFile> Foreign, IReadOnlyList<OwnExecutable> Executables, long Files, string? FirstFile)
{
    /// <summary>Paths of links; at most <see cref="ContainerFolder.MaxLinks"/>.</summary>
    public IReadOnlyList<string> Links { get; init; } = [];

    /// <summary>There are more links than are listed.</summary>
    public bool LinksBeyond { get; init; }

    /// <summary>Folders that hide what the image has below them, or would have. Only where folders were asked for.</summary>
    public IReadOnlyList<string> Opaque { get; init; } = [];

    /// <summary>All folders, the root's empty path first. Only where they were asked for.</summary>
    public IReadOnlyList<string> Folders { get; init; } = [];

    /// <summary>What tells the loader where libraries lie, runnable or not; the content is empty for what is no file.</summary>
    public IReadOnlyList<OwnExecutable> LoaderFiles { get; init; } = [];
}

/// <summary>Looks into the two folders that Docker lays over an image's layers for each container.</summary>
public static class ContainerFolder
{
    /// <summary>Files of one kind that are told of.</summary>
    public const int MaxListed = 20;

    /// <summary>Executables that are hashed; a container that has more of its own is refused.</summary>
    public const int MaxExecutables = 2000;

    /// <summary>Links that are listed.</summary>
    public const int MaxLinks = 20_000;

    private const int AnyExecute = 0b001_001_001, SetIds = 0b110_000_000_000, KindCharDevice = 2, KindBlockDevice = 6, KindFifo = 1, KindSocket = 12, KindLink = 10, InitMode = 0b111_101_101;
    private const string OverlayPrefix = "trusted.overlay.";

    /// <summary>What Docker puts into the <c>-init</c> folder, so that there is something to mount over.</summary>
    /// <remarks>Source: moby/moby, daemon/initlayer/setup_unix.go.</remarks>
    private static readonly Dictionary<string, int> InitNames = new(StringComparer.Ordinal)
    {
        [".dockerenv"] = 8,
        ["dev"] = 4,
        ["dev/console"] = 8,
        ["dev/pts"] = 4,
        ["dev/shm"] = 4,
        ["etc"] = 4,
        ["etc/hostname"] = 8,
        ["etc/hosts"] = 8,
        ["etc/mtab"] = KindLink,
        ["etc/resolv.conf"] = 8,
        ["proc"] = 4,
        ["sys"] = 4,
    };

    /// <summary>Everything in an <c>-init</c> folder that Docker does not put there; its files are empty.</summary>
    /// <exception cref="ImageException">It cannot be walked.</exception>
    public static IReadOnlyList<ForeignFile> CheckInit(SafeFileHandle folder, string where, CancellationToken cancellationToken)
    {
        List<ForeignFile> foreign = [];
        new UnpackedTree(folder, where, (in UnpackedFile file) =>
        {
            string path = file.Path.ToString();
            if (foreign.Count == MaxListed)
                return;
            if (path.Length > 0 && (!InitNames.TryGetValue(path, out int kind) || kind != file.Stat.Kind))
                foreign.Add(new ForeignFile(path, KindOf(file.Stat)));
            else if (file.Stat.IsFile && file.Stat.Size != 0)
                foreign.Add(new ForeignFile(path, $"{file.Stat.Size} bytes where Docker leaves an empty file"));
            else if (file.IsMount)
                foreign.Add(new ForeignFile(path, "a mount"));
            // The container sees these in place of the image's, under the files that Docker mounts.
            else if (file.Stat.IsFolder && (file.Stat.Permissions, file.Stat.Uid, file.Stat.Gid) != (InitMode, 0u, 0u))
                foreign.Add(new ForeignFile(path, $"mode {Convert.ToString(file.Stat.Permissions, 8)} of {file.Stat.Uid}:{file.Stat.Gid} where Docker makes {Convert.ToString(InitMode, 8)} of 0:0"));
            else if (file.Stat.IsFolder && HasAttribute(file.AttributeNames, n => n.StartsWith("system.posix_acl_", StringComparison.Ordinal)))
                foreign.Add(new ForeignFile(path, "an access control list"));
            else if (file.Stat.Kind == KindLink && LinkOf(file) != "/proc/mounts")
                foreign.Add(new ForeignFile(path, "a link to somewhere else than /proc/mounts"));
            // A folder that was made in place of something else hides nothing that the image could have below it, except these two.
            else if (Hiding(file.AttributeNames, opaqueToo: path is "" or "etc" or "dev") is { } attribute)
                foreign.Add(new ForeignFile(path, attribute));
        }).Walk(cancellationToken);
        return foreign;
    }

    /// <summary>Walks the folder that takes what a container writes.</summary>
    /// <param name="listFolders">Folders are listed as well: for a container that never ran, which has few.</param>
    /// <exception cref="ImageException">It cannot be walked, or holds more than <see cref="MaxExecutables"/> executables.</exception>
    public static OwnContents Look(SafeFileHandle folder, string where, bool listFolders, CancellationToken cancellationToken)
    {
        List<ForeignFile> foreign = [];
        List<OwnExecutable> executables = [];
        List<OwnExecutable> loader = [];
        List<string> links = [];
        List<string> opaque = [], folders = [];
        bool beyond = false;
        long files = 0;
        string? first = null;
        byte[] buffer = new byte[64 * 1024];
        new UnpackedTree(folder, where, (in UnpackedFile file) =>
        {
            string path = file.Path.ToString();
            if (!file.Stat.IsFolder)
            {
                files++;
                first ??= path;
            }
            else if (listFolders)
            {
                folders.Add(folders.Count < MaxLinks ? path : throw new ImageException(ImageError.LimitExceeded, $"{where}: more than {MaxLinks} folders of the container's own before it ever ran (MaxLinks)"));
                if (HasAttribute(file.AttributeNames, n => n == OverlayPrefix + "opaque"))
                    opaque.Add(path);
            }
            if (file.Stat.Kind == KindLink)
                if (links.Count < MaxLinks)
                    links.Add(path);
                else
                    beyond = true;
            if (Foreign(file, path) is { } what)
            {
                if (foreign.Count < MaxListed)
                    foreign.Add(new ForeignFile(path, what));
            }
            else if (IsLoaderFile(path) && !IsRemoval(file.Stat))
                // More of them than there are names of processors only somebody who attacks has.
                loader.Add(loader.Count < MaxListed ? new OwnExecutable(path, file.Stat.Size, file.Stat.IsFile ? Hash(file, path, where, buffer, cancellationToken, anyway: true)! : [])
                    : throw new ImageException(ImageError.LimitExceeded, $"{where}: more than {MaxListed} files of the container's own tell the loader where libraries lie (MaxListed)"));
            else if (file.Stat.IsFile && file.Stat.Size > 0 && Hash(file, path, where, buffer, cancellationToken) is { } content)
                executables.Add(executables.Count < MaxExecutables ? new OwnExecutable(path, file.Stat.Size, content)
                    : throw new ImageException(ImageError.LimitExceeded, $"{where}: more than {MaxExecutables} executables of the container's own (MaxExecutables)"));
        }).Walk(cancellationToken);
        return new OwnContents(foreign, executables, files, first) { Links = links, LinksBeyond = beyond, LoaderFiles = loader, Opaque = opaque, Folders = folders };
    }

    /// <summary>Opens a file of the folder that takes what a container writes, through no link.</summary>
    /// <param name="path">Within the container's root.</param>
    /// <returns>Null where there is none, or one that <see cref="Look"/> would call foreign by its rights.</returns>
    public static SafeFileHandle? OpenPlain(SafeFileHandle folder, string path)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(path);
        int opened = Native.Open((int)folder.DangerousGetHandle(), Encoding.UTF8.GetBytes(path.TrimStart('/') + '\0'), Native.ReadOnly | Native.NoFollow | Native.NonBlock | Native.NoCtty, Native.ResolveBeneath | Native.ResolveNoSymlinks);
        if (opened < 0)
            return null;
        SafeFileHandle file = Native.Own(opened);
        if (Native.GetStat(opened, out Stat stat) == 0 && stat.IsFile && (stat.Permissions & SetIds) == 0 && Native.GetAttribute(opened, "security.capability\0"u8, default) < 0)
            return file;
        file.Dispose();
        return null;
    }

    private static string? Foreign(in UnpackedFile file, string path)
    {
        if (file.IsMount)
            return "a mount";
        if (Hiding(file.AttributeNames, opaqueToo: path.Length == 0) is { } attribute)
            return attribute;
        if (file.Stat.IsFile && (file.Stat.Permissions & SetIds) != 0)
            return "setuid or setgid";
        if (file.Stat.IsFile && file.AttributeNames.IndexOf("security.capability\0"u8) >= 0)
            return "file capabilities";
        if (path == "etc/ld.so.preload" && !IsRemoval(file.Stat) && !(file.Stat.IsFile && file.Stat.Size == 0))
            return "a library for every process";
        // What lies behind it would be the preload file by another path.
        if (path == "etc" && file.Stat.Kind == KindLink)
            return "a link in the place of the folder";
        if (file.Stat.Kind is KindBlockDevice or KindCharDevice && !IsRemoval(file.Stat))
            return "a device";
        return null;
    }

    /// <summary>Major and minor 0 is how overlayfs notes that the container removed a file.</summary>
    private static bool IsRemoval(in Stat stat) => stat.Kind == KindCharDevice && (stat.NodeMajor, stat.NodeMinor) == (0, 0);

    /// <summary>Of glibc the cache, of musl the search path.</summary>
    private static bool IsLoaderFile(string path) => path == "etc/ld.so.cache"
        || path.StartsWith("etc/ld-musl-", StringComparison.Ordinal) && path.EndsWith(".path", StringComparison.Ordinal) && path.LastIndexOf('/') == 3;

    /// <summary>An attribute by which overlayfs shows something else than what lies there.</summary>
    private static string? Hiding(ReadOnlySpan<byte> names, bool opaqueToo)
    {
        foreach (Range range in names.Split((byte)0))
        {
            string name = EntryPath.Decode(names[range]);
            if (name is OverlayPrefix + "redirect" or OverlayPrefix + "metacopy" || opaqueToo && name == OverlayPrefix + "opaque")
                return $"the attribute {name}";
        }
        return null;
    }

    private static bool HasAttribute(ReadOnlySpan<byte> names, Func<string, bool> isWanted)
    {
        foreach (Range range in names.Split((byte)0))
            if (isWanted(EntryPath.Decode(names[range])))
                return true;
        return false;
    }

    /// <summary>SHA-384 of what can be run; null for what cannot, unless it is asked for anyway.</summary>
    private static byte[]? Hash(in UnpackedFile file, string path, string where, byte[] buffer, CancellationToken cancellationToken, bool anyway = false)
    {
        int opened = Native.Open(file.Parent, file.Name, Native.ReadOnly | Native.NoFollow | Native.NonBlock | Native.NoCtty, Native.ResolveBeneath | Native.ResolveNoSymlinks);
        if (opened < 0)
            throw FileError.Of(-opened, $"{where}: {Escape.Quote(path)}");
        using SafeFileHandle owned = Native.Own(opened);
        int got = Fill(opened, buffer);
        ReadOnlySpan<byte> begin = buffer.AsSpan(0, Math.Max(got, 0));
        if (!anyway && (file.Stat.Permissions & AnyExecute) == 0 && !begin.StartsWith("\x7f"u8) && !begin.StartsWith("#!"u8))
            return null;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA384);
        for (; got > 0; got = Fill(opened, buffer))
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendData(buffer, 0, got);
        }
        return got < 0 ? throw FileError.Of(-got, $"{where}: {Escape.Quote(path)}") : hash.GetHashAndReset();
    }

    private static int Fill(int file, byte[] buffer)
    {
        int filled = 0;
        for (int got; filled < buffer.Length; filled += got)
            if ((got = Native.ReadFile(file, buffer.AsSpan(filled))) <= 0)
                return got < 0 ? got : filled;
        return filled;
    }

    private static string LinkOf(in UnpackedFile file)
    {
        Span<byte> target = stackalloc byte[256];
        int length = Native.ReadLink(file.Parent, file.Name, target);
        return length < 0 ? "" : EntryPath.Decode(target[..length]);
    }

    private static string KindOf(in Stat stat) => stat.Kind switch
    {
        4 => "a folder",
        8 => "a file",
        KindLink => "a link",
        KindCharDevice or KindBlockDevice => "a device",
        KindFifo => "a named pipe",
        KindSocket => "a socket",
        _ => "a file of unknown kind",
    };
}
