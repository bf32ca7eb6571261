using System.Diagnostics;

namespace Plimsoll.TestKit;

/// <summary>A folder that goes with the test.</summary>
public sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("plimsoll-test-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file dated long enough ago that a cache will trust its times.</summary>
    public string Write(string name, byte[] content)
    {
        string path = this[name];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        return path;
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // .NET loses names that are no UTF-8. What a process still writes, or another user owns, stays for the system to clean.
            using Process remove = Process.Start("rm", ["-rf", "--one-file-system", "--", Path]);
            remove.WaitForExit();
        }
    }
}
