using Plimsoll.Posix;

namespace Plimsoll.Oci;

/// <summary>Errors of the operating system as errors of an image.</summary>
internal static class FileError
{
    /// <summary>The error of an image whose file could not be opened.</summary>
    /// <param name="what">What was to be opened; untrusted parts already quoted.</param>
    public static ImageException Of(int errno, string what) => new(
        errno switch
        {
            Errno.ENOENT or Errno.ENOTDIR => ImageError.NotFound,
            Errno.EPERM or Errno.EACCES => ImageError.AccessDenied,
            Errno.ENOSYS => ImageError.Unsupported,
            _ => ImageError.Malformed,
        },
        $"{what}: {Errno.Describe(errno)}",
        errno switch
        {
            Errno.ENOSYS => "folders and the Docker store are read with openat2, which needs Linux 5.6 or newer",
            Errno.EPERM or Errno.EACCES => "run it as a user who may read this, e.g. with sudo",
            Errno.EMFILE or Errno.ENFILE => "raise the limit of open files (ulimit -n)",
            _ => null,
        });
}
