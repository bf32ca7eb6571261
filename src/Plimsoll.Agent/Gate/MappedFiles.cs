using System.Globalization;

namespace Plimsoll.Agent.Gate;

/// <summary>A file that a process has mapped as code.</summary>
/// <param name="Path">As the process calls it; untrusted text.</param>
/// <param name="Identity">Device and inode, as the kernel writes them.</param>
/// <param name="Open">Opens these very bytes, also when the name is gone or leads elsewhere.</param>
internal sealed record MappedFile(string Path, string Identity, string Open)
{
    /// <summary>Memory that has a name and no file system (memfd_create).</summary>
    public bool IsMemory => Path.StartsWith("/memfd:", StringComparison.Ordinal);
}

internal static class MappedFiles
{
    private const int PermissionsAt = 1, DeviceAt = 3, InodeAt = 4, PathAt = 5;

    /// <summary>Executable mappings of files; empty when the process is gone.</summary>
    /// <param name="most">So many at most; the kernel lets a process have 65 530 mappings.</param>
    /// <remarks>Source: proc_pid_maps(5), proc_pid_map_files(5).</remarks>
    public static IReadOnlyList<MappedFile> Of(int pid, int most)
    {
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}");
        List<MappedFile> files = [];
        try
        {
            foreach (string line in File.ReadLines($"{folder}/maps"))
            {
                // RANGE PERMISSIONS OFFSET DEVICE INODE PATH, where the path stands behind many spaces and may have some itself.
                string[] parts = line.Split(' ', PathAt + 1, StringSplitOptions.RemoveEmptyEntries);
                if (parts.Length > PathAt && parts[PermissionsAt].Contains('x', StringComparison.Ordinal) && parts[InodeAt] != "0" && parts[PathAt].StartsWith('/'))
                    files.Add(new MappedFile(parts[PathAt], $"{parts[DeviceAt]}:{parts[InodeAt]}", $"{folder}/map_files/{NameOf(parts[0])}"));
                if (files.Count == most)
                    break;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended; what was read until then was true.
        }
        return files;
    }

    /// <summary>The link's name of a range: maps fills small addresses, as programs at fixed places have, up with zeros, and map_files does not.</summary>
    internal static string NameOf(string range) => string.Join('-', range.Split('-').Select(a => a.TrimStart('0') is { Length: > 0 } digits ? digits : "0"));
}
