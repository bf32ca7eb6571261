using System.Text;

namespace Plimsoll.Posix;

/// <summary>Small files that are many and all say the same: names of one file.</summary>
public static class SharedFile
{
    /// <summary>
    /// Puts a small file, as another name of one that already holds the text where that can be. Whoever starts a container waits for it, and a new file takes several times as long, above all
    /// on ext4, which passes over what was removed a moment ago, as Docker removes much. Nobody may write into such a file, only remove its name.
    /// </summary>
    /// <param name="path">What stands there loses this name.</param>
    /// <param name="shared">Where the shared one is, or will be made: for this text only, in the same folder, which is made where it is missing.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void Put(string path, string shared, string text)
    {
        const int attempts = 3;
        for (int attempt = 0; attempt < attempts; attempt++)
        {
            int error = -Native.Link(shared, path);
            if (error == 0)
                return;
            if (error == Errno.EEXIST)
                File.Delete(path);
            else if (error == Errno.ENOENT)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(shared)!);
                DurableFile.Write(shared, Encoding.UTF8.GetBytes(text));
            }
            else
                // It has as many names as the file system lets a file have, for one.
                break;
        }
        File.Delete(path);
        File.WriteAllText(path, text);
    }
}
