using Plimsoll.Inspect;
using Plimsoll.Inspect.Boms;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary>What <c>diff</c> and <c>explain</c> take: an image, a bill of materials, or a report of an earlier scan.</summary>
internal static class Subject
{
    /// <summary>The database of a call, or the starter set. Throws <see cref="CommandException"/>.</summary>
    public static IAdvisoryStore OpenStore(CliContext context, ScanServices services, string? database)
    {
        string path = database ?? context.Home.Database;
        if (File.Exists(path))
            return services.OpenDatabase(path);
        return database is null ? services.OpenStarterSet()
            : throw CommandException.Usage($"there is no database {Escape.Quote(path)}", "make it with: plimsoll db update");
    }

    /// <summary>The report on a subject; a file that holds JSON is a report or a bill of materials, all else is an image.</summary>
    /// <exception cref="CommandException">It cannot be read; exit code 3.</exception>
    public static Report Read(string subject, IAdvisoryStore store, CliContext context, ScanServices services, Platform? platform, CancellationToken cancellationToken)
    {
        try
        {
            string image = subject;
            if (!subject.StartsWith(Scanner.BomPrefix, StringComparison.Ordinal) && IsDocument(subject))
            {
                byte[] content = BomLimits.Read(subject);
                if (ReportReader.IsReport(content))
                    return Unprivileged.Run(() => ReportReader.Read(content, subject));
                image = Scanner.BomPrefix + subject;
            }
            using ProgressLine? progress = ProgressLine.Start(context, subject, quiet: false);
            return DatabaseNotes.AddTo(services.Scan(image, store, Options(context, platform, progress), cancellationToken), context.Time.GetUtcNow());
        }
        catch (ImageException e)
        {
            throw new CommandException(ExitCode.Undecided, ImageFailure.Named(subject, Escape.ForTerminal(e.Message)), ImageFailure.HintOf(subject, e), e);
        }
    }

    public static ScanOptions Options(CliContext context, Platform? platform, IProgress<ScanProgress>? progress) => new()
    {
        Platform = platform,
        CacheFolder = context.Home.Cache,
        Time = context.Time,
        Progress = progress,
        ToolVersion = AppVersion.Full,
    };

    /// <exception cref="CommandException">The text is no platform.</exception>
    public static Platform? PlatformOf(string? text) => text is null ? null
        : Platform.TryParse(text, out Platform? platform) ? platform
        : throw CommandException.Usage($"--platform: {Escape.Quote(text)} is not understood; wanted os/arch or os/arch/variant, for example linux/arm64");

    /// <summary>A regular file that begins as JSON or SPDX tags do.</summary>
    private static bool IsDocument(string path)
    {
        if (!File.Exists(path))
            return false;
        try
        {
            using FileStream file = File.OpenRead(path);
            if (!file.CanSeek)
                return false;
            Span<byte> start = stackalloc byte[512];
            ReadOnlySpan<byte> read = start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
            if (read.StartsWith("\uFEFF"u8))
                read = read[3..];
            read = read.TrimStart(" \t\r\n"u8);
            return read.StartsWith("{"u8) || read.StartsWith("SPDXVersion:"u8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Opening it as an image says what is wrong.
            return false;
        }
    }

    /// <summary>Writes what a verb says, to a file or standard output.</summary>
    public static void Write(CliContext context, byte[] content, OutputTarget target)
    {
        if (target.File is not null)
        {
            target.WriteFile(content);
            return;
        }
        try
        {
            context.Out.Write(System.Text.Encoding.UTF8.GetString(content));
            context.Out.Flush();
        }
        catch (IOException e) when (PlimsollApp.IsBrokenPipe(e))
        {
        }
    }

    /// <summary>Colours and width of a table for standard output.</summary>
    public static TableOptions TableFor(CliContext context, ScanServices services) => new()
    {
        Columns = context.Columns,
        Language = context.Language,
        Colour = context.OutIsTerminal && string.IsNullOrEmpty(context.Environment("NO_COLOR")) && context.Environment("TERM") is not ("dumb" or null or ""),
        Now = context.Time.GetUtcNow(),
        VersionOrder = services.VersionOrder,
    };
}
