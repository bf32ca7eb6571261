using Plimsoll.Inspect.Layers;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Configuration;

/// <summary>Hears what headers say: special rights, who may write, devices, owners of folders, servers and tools by their names.</summary>
internal sealed class EntryAnalyser : IAnalyser
{
    public const string Name = "configuration-entries", Rule = "entry";

    /// <summary>Folders this deep are asked for their owner; what lies deeper has nearly always the owner of what is above it.</summary>
    private const int MaxOwnerDepth = 4;

    public string Id => Name;

    public int Version => 1;

    public long MaxFileBytes => 0;

    public bool LooksAtEntries => true;

    public bool Wants(ReadOnlySpan<byte> path) => false;

    public FileFacts? Analyse(string path, ReadOnlyMemory<byte> content) => null;

    public Hit? Look(EntryReader entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return Says(entry) ? HitOf(entry) : null;
    }

    private static bool Says(EntryReader entry)
    {
        ReadOnlySpan<byte> path = entry.PathBytes;
        switch (entry.Type)
        {
            case EntryType.Directory:
                int folderMode = entry.Mode;
                return (folderMode & EntryFact.WritableByAll) != 0 && (folderMode & EntryFact.Sticky) == 0
                    || entry.Uid != 0 && path.Count((byte)'/') < MaxOwnerDepth;
            case EntryType.CharDevice or EntryType.BlockDevice:
                return !IsEverydayDevice(entry);
            case EntryType.File or EntryType.HardLink:
                int mode = entry.Mode;
                if ((mode & EntryFact.WritableByAll) != 0)
                    return true;
                if ((mode & EntryFact.AnyExecute) == 0)
                    return IsDockerSocket(path);
                return (mode & (EntryFact.Setuid | EntryFact.Setgid)) != 0 || !entry.Capability.IsEmpty || KnownTools.IsKnown(path) || IsDockerSocket(path);
            default:
                return entry.Type == EntryType.Symlink && KnownTools.IsKnown(path) || IsDockerSocket(path);
        }
    }

    private static Hit HitOf(EntryReader entry)
    {
        (long major, long minor) = entry.Device;
        bool isLink = entry.Type is EntryType.Symlink or EntryType.HardLink;
        bool busybox = isLink && entry.LinkTarget[(entry.LinkTarget.LastIndexOf((byte)'/') + 1)..].StartsWith("busybox"u8);
        EntryFact fact = new(entry.Type == EntryType.HardLink ? EntryType.File : entry.Type, entry.Mode, entry.Uid, entry.Gid,
            entry.Type is EntryType.File or EntryType.HardLink ? Convert.ToHexStringLower(entry.Capability[..Math.Min(entry.Capability.Length, 64)]) : "", major, minor, busybox);
        return new Hit(Rule, 0, fact.OctalMode, fact.ToString());
    }

    public static bool IsDockerSocket(ReadOnlySpan<byte> path) => path.EndsWith("run/docker.sock"u8) && path is [(byte)'r', ..] or [(byte)'v', ..];

    /// <summary>What every container gets anyway; and overlayfs's mark for a removed file.</summary>
    /// <remarks>Source: OCI runtime specification 1.1, config-linux.md, "Default Devices"; Linux, Documentation/admin-guide/devices.txt.</remarks>
    private static bool IsEverydayDevice(EntryReader entry) =>
        entry.Type == EntryType.CharDevice && entry.Device is (0, 0) or (1, 3 or 5 or 7 or 8 or 9) or (5, 0 or 1 or 2);
}
