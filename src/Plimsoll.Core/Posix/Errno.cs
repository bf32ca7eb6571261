using Plimsoll.Oci;

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
    public const int EXDEV = 18;
    public const int ENODEV = 19;
    public const int ENOTDIR = 20;
    public const int EINVAL = 22;
    public const int ENFILE = 23;
    public const int EMFILE = 24;
    public const int ENAMETOOLONG = 36;
    public const int ENOSYS = 38;
    public const int ELOOP = 40;

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

    /// <summary>The error of an image whose file could not be opened.</summary>
    /// <param name="what">What was to be opened; untrusted parts already quoted.</param>
    public static ImageException ToException(int errno, string what) => new(
        errno switch
        {
            ENOENT or ENOTDIR => ImageError.NotFound,
            EPERM or EACCES => ImageError.AccessDenied,
            ENOSYS => ImageError.Unsupported,
            _ => ImageError.Malformed,
        },
        $"{what}: {Describe(errno)}",
        errno switch
        {
            ENOSYS => "folders and the Docker store are read with openat2, which needs Linux 5.6 or newer",
            EPERM or EACCES => "run it as a user who may read this, e.g. with sudo",
            EMFILE or ENFILE => "raise the limit of open files (ulimit -n)",
            _ => null,
        });
}
