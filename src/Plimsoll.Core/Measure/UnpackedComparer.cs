using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Measure;

/// <summary>Compares what lies unpacked of one layer with what the layer's entries say: everything but content and mtime.</summary>
/// <param name="unpacked">Stays the caller's.</param>
/// <param name="layer">1 for the base layer.</param>
internal sealed class UnpackedComparer(IUnpackedLayer unpacked, LayerContents contents, int layer, Digest? diffId, DifferenceLog log)
{
    /// <summary>Modes of folders that an engine makes because something lies in them: Docker 0755 or 0600, containerd 0711, podman 0700.</summary>
    private static readonly int[] ImpliedModes = [0x1ed, 0x180, 0x1c9, 0x1c0];

    /// <summary>Of the daemon's own mounts; <c>user.overlay.</c> means something to mounts of a user's namespace alone, whose stores are not read in place.</summary>
    private const string OverlayPrefix = "trusted.overlay.";

    private readonly Dictionary<string, FileEntry>.AlternateLookup<ReadOnlySpan<char>> _entries = contents.Entries.GetAlternateLookup<ReadOnlySpan<char>>();
    private readonly Dictionary<FileEntry, List<(FileEntry Entry, (ulong Device, ulong Inode) File)>> _linked = [];
    private readonly List<KeyValuePair<string, byte[]>> _attributes = [];
    private byte[] _buffer = new byte[4096];
    private bool _opaque;

    public void Compare(CancellationToken cancellationToken)
    {
        foreach (FileEntry entry in contents.Entries.Values)
            entry.Met = false;
        foreach (FileEntry entry in contents.Opaque.Values)
            entry.Met = false;
        new UnpackedTree(unpacked.Folder, unpacked.Where, Look).Walk(cancellationToken);
        CompareHardLinks();
        foreach (FileEntry entry in contents.Entries.Values)
            if (!entry.Met)
            {
                if (entry.Type == FileType.Whiteout)
                    Add(DifferenceKind.Whiteout, entry.Path, "", "a whiteout");
                // A hard link to a file that the layer does not have was never unpacked.
                else if (entry is not { Type: FileType.HardLink, Target: null })
                    Add(DifferenceKind.Missing, entry.Path, "", Describe(entry));
            }
        foreach (FileEntry folder in contents.Opaque.Values)
            if (!folder.Met)
                Add(DifferenceKind.Whiteout, folder.Path, "", "an opaque folder");
    }

    private void Look(in UnpackedFile file)
    {
        if (!_entries.TryGetValue(file.Path, out FileEntry? entry))
        {
            Unlisted(file);
            return;
        }
        entry.Met = true;
        if (file.IsMount)
        {
            Add(DifferenceKind.Changed, entry.Path, "a mount", Describe(entry));
            return;
        }
        // A tar may name the device 0:0 itself, which is what a whiteout is on disk.
        bool isWhiteout = IsWhiteout(file.Stat) && entry is not { Type: FileType.CharDevice, Device: (0, 0) };
        if (isWhiteout != (entry.Type == FileType.Whiteout))
        {
            Add(DifferenceKind.Whiteout, entry.Path, Describe(file.Stat), Describe(entry));
            return;
        }
        // A whiteout's owner, mode and attributes mean nothing to overlayfs.
        if (entry.Type == FileType.Whiteout)
            return;
        // Its content is that of a file which the layer has under another name, and nothing else proves it.
        if (entry is { Type: FileType.HardLink, Target: null })
        {
            Add(DifferenceKind.Link, entry.Path, Describe(file.Stat), $"a hard link to {entry.Link}, which the layer does not have");
            return;
        }
        FileEntry wanted = entry.Target ?? entry;
        if (KindOf(wanted.Type) != file.Stat.Kind)
        {
            Add(DifferenceKind.Changed, entry.Path, Describe(file.Stat), Describe(entry));
            return;
        }
        if (wanted.Type == FileType.File && file.Stat.Size != wanted.Size)
            Add(DifferenceKind.Changed, entry.Path, $"{file.Stat.Size} bytes", $"{wanted.Size} bytes");
        if (wanted.Type != FileType.Symlink)
            CompareMode(file, entry.Path, wanted.Mode);
        CompareOwner(file, entry.Path, wanted.Uid, wanted.Gid);
        if (wanted.Type == FileType.Symlink)
            CompareLink(file, entry.Path, wanted.Link);
        if (wanted.Type is FileType.CharDevice or FileType.BlockDevice && (file.Stat.NodeMajor, file.Stat.NodeMinor) is var seen && (seen.NodeMajor != wanted.Device.Major || seen.NodeMinor != wanted.Device.Minor))
            Add(DifferenceKind.Device, entry.Path, $"{seen.NodeMajor}:{seen.NodeMinor}", $"{wanted.Device.Major}:{wanted.Device.Minor}");
        if (wanted.IsLinked)
        {
            if (!_linked.TryGetValue(wanted, out List<(FileEntry, (ulong, ulong))>? names))
                _linked[wanted] = names = [];
            // btrfs numbers the files of each of its subvolumes by itself.
            names.Add((entry, (file.Stat.Device, file.Stat.Inode)));
        }
        CompareAttributes(file, entry.Path, entry.Target is null ? entry.Attributes : Joined(entry.Target.Attributes, entry.Attributes), entry.Type == FileType.Directory);
    }

    private void Unlisted(in UnpackedFile file)
    {
        string path = file.Path.ToString();
        bool isImplied = file.Stat.IsFolder && !file.IsMount && (path.Length == 0 || contents.Implied.Contains(path) || contents.Opaque.ContainsKey(path));
        if (!isImplied)
        {
            Add(IsWhiteout(file.Stat) && !file.IsMount ? DifferenceKind.Whiteout : DifferenceKind.Planted, path, file.IsMount ? "a mount" : Describe(file.Stat), "");
            return;
        }
        // No entry says what it should be like, but no engine makes it writable to others or somebody else's.
        if (!ImpliedModes.Contains(file.Stat.Permissions))
            Add(DifferenceKind.Mode, path, FileList.Octal(file.Stat.Permissions), FileList.Octal(ImpliedModes[0]));
        CompareOwner(file, path, 0, 0);
        CompareAttributes(file, path, [], isFolder: true);
    }

    private void CompareMode(in UnpackedFile file, string path, int wanted)
    {
        if (file.Stat.Permissions != wanted)
            Add(DifferenceKind.Mode, path, FileList.Octal(file.Stat.Permissions), FileList.Octal(wanted));
    }

    private void CompareOwner(in UnpackedFile file, string path, long uid, long gid)
    {
        long? user = unpacked.Ids.User(file.Stat.Uid), group = unpacked.Ids.Group(file.Stat.Gid);
        if (user != uid || group != gid)
            Add(DifferenceKind.Owner, path, $"{Id(user, file.Stat.Uid)}:{Id(group, file.Stat.Gid)}", $"{uid}:{gid}");

        static string Id(long? shifted, long onDisk) => shifted?.ToString(CultureInfo.InvariantCulture) ?? $"{onDisk} (not shifted)";
    }

    private void CompareLink(in UnpackedFile file, string path, string wanted)
    {
        int length = Native.ReadLink(file.Parent, file.Name, _buffer);
        if (length < 0)
            throw FileError.Of(-length, $"{unpacked.Where}: {Escape.Quote(path)}");
        string seen = EntryPath.Decode(_buffer.AsSpan(0, length));
        if (seen != wanted)
            Add(DifferenceKind.Link, path, seen, wanted);
    }

    /// <summary>All names of one file must have one inode: that of the name which came first, so that the answer does not depend on the walk.</summary>
    private void CompareHardLinks()
    {
        foreach ((FileEntry root, List<(FileEntry Entry, (ulong, ulong) File)> names) in _linked)
        {
            int first = names.FindIndex(n => n.Entry == root);
            // Where the name that came first is another file by now, none of these has a content that the layer states.
            (ulong, ulong)? wanted = first < 0 ? null : names[first].File;
            foreach ((FileEntry entry, (ulong, ulong) seen) in names)
                if (seen != wanted)
                    Add(DifferenceKind.Link, entry.Path, "a file of its own", $"a hard link to {entry.Link}");
        }
    }

    private void CompareAttributes(in UnpackedFile file, string path, IReadOnlyList<KeyValuePair<string, byte[]>> wanted, bool isFolder)
    {
        bool isOpaque = isFolder && contents.Opaque.Count > 0 && contents.Opaque.ContainsKey(path);
        if (file.AttributeNames.IsEmpty && wanted.Count == 0 && !isOpaque)
            return;
        _attributes.Clear();
        _opaque = false;
        ReadOnlySpan<byte> names = file.AttributeNames;
        while (names.Length > 0)
        {
            ReadOnlySpan<byte> name = names[..(names.IndexOf((byte)0) + 1)];
            names = names[name.Length..];
            string text = EntryPath.Decode(name[..^1]);
            if (!IsLabel(text) && ReadAttribute(file, name, path) is { } value && !IsOverlays(text, value, isFolder))
                _attributes.Add(new(text, value));
        }
        if (_opaque != isOpaque)
            Add(DifferenceKind.Whiteout, path, _opaque ? "an opaque folder" : "a folder", isOpaque ? "an opaque folder" : "a folder");
        if (isOpaque)
            contents.Opaque[path].Met = true;
        foreach ((string name, byte[] value) in wanted)
        {
            // An empty value in a PAX record takes the attribute away, and engines differ in what they make of that.
            if (value.Length == 0 || IsLabel(name) || name.StartsWith(OverlayPrefix, StringComparison.Ordinal))
                continue;
            int at = _attributes.FindIndex(a => a.Key == name);
            if (at < 0)
                Add(DifferenceKind.Xattr, path, "", Describe(name, value));
            else if (!_attributes[at].Value.AsSpan().SequenceEqual(value))
                Add(DifferenceKind.Xattr, path, Describe(name, _attributes[at].Value), Describe(name, value));
            if (at >= 0)
                _attributes.RemoveAt(at);
        }
        foreach ((string name, byte[] value) in _attributes)
            if (!wanted.Any(w => w.Key == name && w.Value.Length == 0 && value.Length == 0))
                Add(DifferenceKind.Xattr, path, Describe(name, value), "");
    }

    private byte[]? ReadAttribute(in UnpackedFile file, ReadOnlySpan<byte> name, string path)
    {
        while (true)
        {
            int length = Native.GetAttribute(file.ProcPath, name, _buffer);
            if (length >= 0)
                return _buffer[..length];
            if (length == -Errno.ERANGE && _buffer.Length < 64 * 1024)
                _buffer = new byte[64 * 1024];
            else if (length == -Errno.ENODATA)
                return null;
            else
                throw FileError.Of(-length, $"{unpacked.Where}: {Escape.Quote(path)}: {Escape.Quote(EntryPath.Decode(name[..^1]))}");
        }
    }

    /// <summary>Labels that the host itself puts on every file, not the image.</summary>
    private static bool IsLabel(string name) => name is "security.selinux" or "security.ima" or "security.evm" or "security.SMACK64";

    /// <summary>What overlayfs notes for itself. Whether a folder is opaque is kept; what sends a reader elsewhere stays a difference.</summary>
    private bool IsOverlays(string name, byte[] value, bool isFolder)
    {
        switch (name.StartsWith(OverlayPrefix, StringComparison.Ordinal) ? name[OverlayPrefix.Length..] : null)
        {
            case "opaque" when isFolder && value is [(byte)'y']:
                _opaque = true;
                return true;
            // Found in layers that were containers before they were committed; they change nothing that a reader sees.
            case "origin" or "impure" or "nlink" or "upper" or "uuid" or "protattr":
                return true;
            // redirect and metacopy make a path show what lies elsewhere; no layer that an engine unpacks has them.
            default:
                return false;
        }
    }

    private static IReadOnlyList<KeyValuePair<string, byte[]>> Joined(IReadOnlyList<KeyValuePair<string, byte[]>> first, IReadOnlyList<KeyValuePair<string, byte[]>> then) =>
        then.Count == 0 ? first : [.. first.Where(a => !then.Any(b => b.Key == a.Key)), .. then];

    private static bool IsWhiteout(in Stat stat) => stat.Kind == 2 && stat.NodeMajor == 0 && stat.NodeMinor == 0;

    private static int KindOf(FileType type) => type switch
    {
        FileType.Fifo => 1,
        FileType.CharDevice => 2,
        FileType.Directory => 4,
        FileType.BlockDevice => 6,
        FileType.Symlink => 10,
        _ => 8,
    };

    private static string Describe(in Stat stat) => stat.Kind switch
    {
        1 => "a FIFO",
        2 => stat.NodeMajor == 0 && stat.NodeMinor == 0 ? "a whiteout" : "a character device",
        4 => "a folder",
        6 => "a block device",
        8 => $"a file of {stat.Size} bytes, mode {FileList.Octal(stat.Permissions)}",
        10 => "a symbolic link",
        12 => "a socket",
        _ => "something unknown",
    };

    private static string Describe(FileEntry entry) => entry.Type switch
    {
        FileType.File => $"a file of {entry.Size} bytes, mode {FileList.Octal(entry.Mode)}",
        FileType.Directory => "a folder",
        FileType.Symlink => $"a symbolic link to {entry.Link}",
        FileType.HardLink => $"a hard link to {entry.Link}",
        FileType.CharDevice => "a character device",
        FileType.BlockDevice => "a block device",
        FileType.Fifo => "a FIFO",
        FileType.Whiteout => "a whiteout",
        _ => "an opaque folder",
    };

    private static string Describe(string name, byte[] value)
    {
        const int maxShownBytes = 32;
        if (name == "security.capability" && FileCapabilities.TryDecode(value, out FileCapabilities? capabilities))
            return $"{name}: {capabilities}";
        if (value.Length <= maxShownBytes && value.All(b => b is >= 0x20 and < 0x7f))
            return $"{name}: {Encoding.ASCII.GetString(value)}";
        return value.Length <= maxShownBytes ? $"{name}: 0x{Convert.ToHexStringLower(value)}" : $"{name}: {value.Length} bytes, sha256 {Convert.ToHexStringLower(SHA256.HashData(value))[..12]}…";
    }

    /// <summary>Compares the content of every file whose SHA-384 is known; for when tar-split cannot be believed.</summary>
    public void CompareContents(CancellationToken cancellationToken)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA384);
        byte[] buffer = new byte[256 * 1024];
        foreach (FileEntry entry in contents.Entries.Values)
        {
            if (entry.Content is not { } wanted || !entry.Met)
                continue;
            byte[] path = EntryPath.Encode(entry.Path);
            int file = Native.Open((int)unpacked.Folder.DangerousGetHandle(), path, Native.ReadOnly | Native.NonBlock | Native.NoFollow | Native.NoCtty, Native.ResolveInRoot | Native.ResolveNoMagicLinks | Native.ResolveNoXdev);
            if (file < 0)
                throw FileError.Of(-file, $"{unpacked.Where}: {Escape.Quote(entry.Path)}");
            using SafeFileHandle owned = Native.Own(file);
            if (Native.GetStat(file, out Stat stat) < 0 || !stat.IsFile || stat.Size != entry.Size)
                continue;
            int got;
            while ((got = Native.ReadFile(file, buffer)) > 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                hash.AppendData(buffer, 0, got);
            }
            if (got < 0)
                throw FileError.Of(-got, $"{unpacked.Where}: {Escape.Quote(entry.Path)}");
            byte[] seen = hash.GetHashAndReset();
            if (!seen.AsSpan().SequenceEqual(wanted))
                Add(DifferenceKind.Changed, entry.Path, $"sha384:{Convert.ToHexStringLower(seen)}", $"sha384:{Convert.ToHexStringLower(wanted)}");
        }
    }

    private void Add(DifferenceKind kind, string path, string seen, string wanted) => log.Add(new Difference(kind, layer, diffId, path, seen, wanted));
}
