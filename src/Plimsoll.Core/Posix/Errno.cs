namespace Plimsoll.Posix;

/// <summary>The error numbers that are told apart here; the same on x64 and arm64.</summary>
/// <remarks>Source: Linux, include/uapi/asm-generic/errno-base.h and errno.h.</remarks>
internal static class Errno
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int EINTR = 4;
    public const int ENXIO = 6;
    public const int EAGAIN = 11;
    public const int EACCES = 13;
    public const int EEXIST = 17;
    public const int EXDEV = 18;
    public const int ENODEV = 19;
    public const int ENOTDIR = 20;
    public const int EINVAL = 22;
    public const int ENFILE = 23;
    public const int EMFILE = 24;
    public const int ERANGE = 34;
    public const int ENAMETOOLONG = 36;
    public const int ENOSYS = 38;
    public const int ELOOP = 40;
    public const int ENODATA = 61;
    public const int EOPNOTSUPP = 95;

    /// <summary>Name and meaning, e.g. <c>ENOENT (No such file or directory)</c>.</summary>
    public static string Describe(int errno)
    {
        string name = errno switch
        {
            EPERM => nameof(EPERM),
            ENOENT => nameof(ENOENT),
            EINTR => nameof(EINTR),
            5 => "EIO",
            ENXIO => nameof(ENXIO),
            EAGAIN => nameof(EAGAIN),
            12 => "ENOMEM",
            EACCES => nameof(EACCES),
            EXDEV => nameof(EXDEV),
            ENODEV => nameof(ENODEV),
            ENOTDIR => nameof(ENOTDIR),
            21 => "EISDIR",
            EINVAL => nameof(EINVAL),
            ENFILE => nameof(ENFILE),
            EMFILE => nameof(EMFILE),
            ENAMETOOLONG => nameof(ENAMETOOLONG),
            ENOSYS => nameof(ENOSYS),
            ELOOP => nameof(ELOOP),
            116 => "ESTALE",
            _ => $"errno {errno}",
        };
        return $"{name} ({System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(errno)})";
    }
}
