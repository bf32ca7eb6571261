using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Plimsoll.Inspect.Reports;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>One <c>--output FORMAT[=FILE]</c>.</summary>
/// <param name="Format"><c>table</c>, <c>template</c> or a name of <see cref="ReportFormats"/>.</param>
/// <param name="File">Null for standard output.</param>
/// <param name="Template">The template that <c>template:PATH</c> names; null where <c>--template</c> does.</param>
public sealed partial record OutputTarget(string Format, string? File, string? Template = null)
{
    public static string Formats { get; } = $"table, {string.Join(", ", ReportFormats.All.Select(f => f.Name))}, template";

    /// <exception cref="CommandException">Unknown format, or an empty file name.</exception>
    public static OutputTarget Parse(string text, string where)
    {
        ArgumentNullException.ThrowIfNull(text);
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string format = equals < 0 ? text : text[..equals];
        string? file = equals < 0 ? null : text[(equals + 1)..];
        string? template = null;
        if (format.StartsWith("template:", StringComparison.Ordinal))
            (format, template) = ("template", format["template:".Length..]);
        if (template is "")
            throw CommandException.Usage($"{where}: no file name after template:");
        if (format is not ("table" or "template") && ReportFormats.Find(format) is null)
            throw CommandException.Usage($"{where}: unknown format {Escape.Quote(format)}; known formats: {Formats}",
                format.AsSpan().ContainsAny('.', '/') ? $"a file stands behind its format: --output FORMAT={Escape.ForTerminal(format)}" : null);
        if (file is "")
            throw CommandException.Usage($"{where}: no file name after {format}=", $"{format} alone writes to standard output");
        return new OutputTarget(format, file == "-" ? null : file, template);
    }

    /// <summary>Finds out before the work whether the file can be written there.</summary>
    /// <exception cref="CommandException">Its folder does not exist, or it is a folder itself.</exception>
    public void Check()
    {
        if (File is null)
            return;
        string folder = Path.GetDirectoryName(Path.GetFullPath(File)) ?? "/";
        if (!Directory.Exists(folder))
            throw CommandException.Usage($"--output {Format}: there is no folder {Escape.Quote(folder)}", "make the folder first");
        if (Directory.Exists(File))
            throw CommandException.Usage($"--output {Format}: {Escape.Quote(File)} is a folder", $"name a file: --output {Format}={File.TrimEnd('/')}/report");
    }

    /// <summary>Puts the content in place of the file at once: a reader sees the old content or the new, never a part.</summary>
    /// <remarks>A device or pipe cannot be replaced and is written to; a link is followed, so that it stays one.</remarks>
    /// <exception cref="CommandException">The operating system refused; the old file is as it was.</exception>
    public void WriteFile(ReadOnlySpan<byte> content)
    {
        string path = Path.GetFullPath(File ?? throw new InvalidOperationException("this output goes to standard output"));
        string? draft = null;
        try
        {
            if (IsDeviceOrPipe(path))
            {
                using FileStream device = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
                device.Write(content);
                return;
            }
            if (new FileInfo(path).LinkTarget is not null && System.IO.File.ResolveLinkTarget(path, returnFinalTarget: true) is { } target)
                path = target.FullName;
            draft = Path.Combine(Path.GetDirectoryName(path) ?? "/", $".{Path.GetFileName(path)}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}.tmp");
            // Made anew under a name that nobody can guess: in a shared folder a link laid out there would be written through.
            FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows() && System.IO.File.Exists(path))
                options.UnixCreateMode = System.IO.File.GetUnixFileMode(path);
            using (FileStream stream = new(draft, options))
                stream.Write(content);
            System.IO.File.Move(draft, path, overwrite: true);
            draft = null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Undecided, $"cannot write {Escape.Quote(File)}: {Escape.ForTerminal(e.Message)}", inner: e);
        }
        finally
        {
            if (draft is not null)
                System.IO.File.Delete(draft);
        }
    }

    private static unsafe bool IsDeviceOrPipe(string path)
    {
        // struct statx is 256 bytes on every architecture; stx_mode is the 16-bit number at offset 28 (linux/stat.h).
        byte* status = stackalloc byte[256];
        const int CurrentFolder = -100;
        const uint TypeOnly = 1;
        if (Statx(CurrentFolder, path, 0, TypeOnly, status) != 0)
            return false;
        return (*(ushort*)(status + 28) & 0xF000) is not 0x8000 and not 0x4000;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Statx(int folder, string path, int flags, uint mask, byte* status);
}
