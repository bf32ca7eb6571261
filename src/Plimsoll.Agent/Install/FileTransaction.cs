using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Plimsoll.Texts;

namespace Plimsoll.Agent.Install;

/// <summary>A file as it is to be.</summary>
/// <param name="Content">Null with no <paramref name="Source"/>: the file goes.</param>
/// <param name="Source">A file to copy in place of a content.</param>
internal sealed record FileChange(string Path, byte[]? Content, UnixFileMode Mode, string? Source = null)
{
    public const UnixFileMode Program = (UnixFileMode)0b111_101_101, Plain = (UnixFileMode)0b110_100_100, Private = (UnixFileMode)0b110_000_000;

    public static FileChange Remove(string path) => new(path, null, UnixFileMode.None);

    public bool Removes => Content is null && Source is null;
}

/// <summary>
/// Changes several files so that all are changed or none: what was there is kept first, and whoever comes after a crash finds it and puts
/// it back.
/// </summary>
/// <param name="journal">A folder that only this user can write; it is there while something is half done.</param>
internal sealed partial class FileTransaction(string journal, Action<int>? step)
{
    private const string List = "list";
    private const UnixFileMode PrivateFolder = (UnixFileMode)0b111_000_000;

    /// <summary>Makes the changes in their order.</summary>
    /// <exception cref="InstallException">The operating system refused one; all is as it was.</exception>
    public void Run(IReadOnlyList<FileChange> changes)
    {
        try
        {
            Keep(changes);
            for (int i = 0; i < changes.Count; i++)
            {
                step?.Invoke(i);
                Apply(changes[i]);
            }
            step?.Invoke(changes.Count);
            Directory.Delete(journal, recursive: true);
            SyncFolder(Path.GetDirectoryName(journal)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Recover();
            throw new InstallException("not-written", FilledText.Verbatim(Escape.ForTerminal(e.Message)), Catalogue.AgentNothingChanged, e);
        }
    }

    /// <summary>Puts back what a process that died had changed.</summary>
    /// <returns>False when there was nothing to put back.</returns>
    public bool Recover()
    {
        if (!Directory.Exists(journal))
            return false;
        // Without a list nothing was changed yet: it comes last.
        if (File.Exists(Path.Combine(journal, List)))
        {
            string[] entries = File.ReadAllLines(Path.Combine(journal, List));
            for (int i = entries.Length - 1; i >= 0; i--)
                PutBack(entries[i], Path.Combine(journal, i.ToString(CultureInfo.InvariantCulture)));
        }
        Directory.Delete(journal, recursive: true);
        return true;
    }

    /// <summary>A line is <c>absent</c>, or the mode in octal, or <c>folder</c> for one that is made, and the path behind a space.</summary>
    private void Keep(IReadOnlyList<FileChange> changes)
    {
        Directory.CreateDirectory(journal, PrivateFolder);
        List<string> list = [];
        HashSet<string> made = new(StringComparer.Ordinal);
        foreach (FileChange change in changes)
        {
            if (!change.Removes)
                foreach (string folder in MissingFolders(change.Path))
                    if (made.Add(folder))
                        list.Add("folder " + folder);
            if (!File.Exists(change.Path))
            {
                list.Add("absent " + change.Path);
                continue;
            }
            Copy(change.Path, Path.Combine(journal, list.Count.ToString(CultureInfo.InvariantCulture)), FileChange.Private);
            list.Add($"{Convert.ToString((int)File.GetUnixFileMode(change.Path), 8)} {change.Path}");
        }
        Write(Path.Combine(journal, List), Encoding.UTF8.GetBytes(string.Concat(list.Select(l => l + "\n"))), FileChange.Private);
        SyncFolder(Path.GetDirectoryName(journal)!);
    }

    private static IEnumerable<string> MissingFolders(string path)
    {
        Stack<string> missing = new();
        for (string? folder = Path.GetDirectoryName(path); folder is not null && !Directory.Exists(folder); folder = Path.GetDirectoryName(folder))
            missing.Push(folder);
        return missing;
    }

    private static void Apply(FileChange change)
    {
        if (change.Removes)
        {
            Delete(change.Path);
            return;
        }
        Directory.CreateDirectory(Path.GetDirectoryName(change.Path)!, FileChange.Program);
        if (change.Source is not null)
            Copy(change.Source, change.Path, change.Mode);
        else
            Write(change.Path, change.Content, change.Mode);
    }

    private static void PutBack(string entry, string kept)
    {
        int space = entry.IndexOf(' ', StringComparison.Ordinal);
        string what = entry[..space], path = entry[(space + 1)..];
        if (what == "absent")
            Delete(path);
        else if (what != "folder")
            Copy(kept, path, (UnixFileMode)Convert.ToInt32(what, 8));
        else if (Directory.Exists(path) && !Directory.EnumerateFileSystemEntries(path).Any())
            Directory.Delete(path);
    }

    /// <summary>Its folder may never have been made.</summary>
    private static void Delete(string path)
    {
        if (!File.Exists(path))
            return;
        File.Delete(path);
        SyncFolder(Path.GetDirectoryName(path)!);
    }

    private static void Copy(string from, string to, UnixFileMode mode)
    {
        using FileStream source = File.OpenRead(from);
        Write(to, source, mode);
    }

    private static void Write(string path, byte[]? content, UnixFileMode mode)
    {
        using MemoryStream source = new(content ?? []);
        Write(path, source, mode);
    }

    /// <summary>A reader finds the old file or the new one.</summary>
    private static void Write(string path, Stream source, UnixFileMode mode)
    {
        string temporary = Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}.plimsoll-{Guid.NewGuid():n}");
        try
        {
            using (FileStream file = new(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = FileChange.Private }))
            {
                source.CopyTo(file);
                File.SetUnixFileMode(file.SafeFileHandle, mode);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
            SyncFolder(Path.GetDirectoryName(path)!);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Brings names to the disk; where a file system cannot do that for folders, it is left to it.</summary>
    private static void SyncFolder(string folder)
    {
        const int readOnly = 0, closeOnExec = 0x80000;
        int opened = Open(folder, readOnly | closeOnExec);
        if (opened < 0)
            return;
        using SafeFileHandle handle = new(opened, ownsHandle: true);
        _ = FSync(handle);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int FSync(SafeFileHandle file);
}
