namespace Plimsoll.Posix;

/// <summary>What kind of file system a mount holds, told by statfs's <c>f_type</c>.</summary>
/// <remarks>Source: Linux, include/uapi/linux/magic.h, and the headers of the file systems that define their own number.</remarks>
internal enum FileSystemKind
{
    /// <summary>Not known here, or on another machine (NFS, CIFS, FUSE …): reading it may take for ever.</summary>
    Other = 0,
    /// <summary>A view of the kernel (proc, sysfs, cgroup …) or a trigger (autofs); its files are no content.</summary>
    Pseudo,
    /// <summary>Memory; what is there is gone at the next start.</summary>
    Memory,
    /// <summary>A local disk.</summary>
    Disk,
    /// <summary>A read-only image (squashfs, erofs, ISO 9660): a packaged application or a medium.</summary>
    Image,
    /// <summary>Folders laid over each other, as containers have them.</summary>
    Overlay,
}

internal static class FileSystems
{
    public static FileSystemKind KindOf(uint type) => type switch
    {
        // proc, sysfs, cgroup, cgroup2, devpts, debugfs, tracefs, securityfs, bpf, pstore, mqueue
        0x9fa0 or 0x62656572 or 0x27e0eb or 0x63677270 or 0x1cd1 or 0x64626720 or 0x74726163 or 0x73636673 or 0xcafe4a11 or 0x6165676c or 0x19800202
            // configfs, efivarfs, binfmt_misc, autofs, nsfs, selinuxfs, smackfs, hugetlbfs, fusectl, rpc_pipefs, nfsd, xenfs
            or 0x62656570 or 0xde5e81e4 or 0x42494e4d or 0x0187 or 0x6e736673 or 0xf97cff8c or 0x43415d53 or 0x958458f6 or 0x65735543 or 0x67596969 or 0x6e667364 or 0xabba1974
            => FileSystemKind.Pseudo,
        // tmpfs and devtmpfs, ramfs
        0x01021994 or 0x858458f6 => FileSystemKind.Memory,
        // ext2 to ext4, XFS, Btrfs, F2FS, ZFS, bcachefs, JFS, ReiserFS, FAT, exFAT, NILFS2
        0xef53 or 0x58465342 or 0x9123683e or 0xf2f52010 or 0x2fc12fc1 or 0xca451a4e or 0x3153464a or 0x52654973 or 0x4d44 or 0x2011bab0 or 0x3434
            => FileSystemKind.Disk,
        // squashfs, ISO 9660, erofs, cramfs
        0x73717368 or 0x9660 or 0xe0f5e1e2 or 0x28cd3d45 => FileSystemKind.Image,
        0x794c7630 => FileSystemKind.Overlay,
        _ => FileSystemKind.Other,
    };
}
