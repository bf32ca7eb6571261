namespace Plimsoll.Posix;

/// <summary>Reads files that a user named and that cannot be large: keys, settings, catalogues.</summary>
public static class SmallFile
{
    /// <summary>The whole file, at most <paramref name="maxBytes"/> long; a pipe or device is read as far.</summary>
    /// <returns>Null when there is more: a device's length says nothing, so the limit holds for what comes out.</returns>
    /// <exception cref="IOException">As <see cref="File.OpenRead"/>.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    public static byte[]? Read(string path, int maxBytes)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        byte[] bytes = new byte[4096];
        int length = 0;
        for (int got; (got = file.Read(bytes, length, bytes.Length - length)) > 0;)
        {
            length += got;
            if (length > maxBytes)
                return null;
            if (length == bytes.Length)
                Array.Resize(ref bytes, bytes.Length * 2);
        }
        return bytes[..length];
    }
}
