using Plimsoll.Inspect;
using Plimsoll.Inspect.Boms;
using Plimsoll.Inspect.Checks;
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

    /// <summary>The report that a file holds; null when the subject is anything else.</summary>
    /// <exception cref="CommandException">It cannot be read; exit code 3.</exception>
    public static Report? ReadReport(string subject)
    {
        if (subject.StartsWith(Scanner.BomPrefix, StringComparison.Ordinal) || !IsDocument(subject))
            return null;
        return Told(subject, () =>
        {
            byte[] content = BomLimits.Read(subject);
            return ReportReader.IsReport(content) ? Unprivileged.Run(() => ReportReader.Read(content, subject)) : null;
        });
    }

    /// <summary>The report on a subject that is no report itself; a file that holds JSON is a bill of materials, all else is an image.</summary>
    /// <exception cref="CommandException">It cannot be read; exit code 3.</exception>
    public static Report Scan(
        string subject, IAdvisoryStore store, CheckSet checks, CliContext context, ScanServices services, Platform? platform, CancellationToken cancellationToken) => Told(subject, () =>
    {
        string image = IsBom(subject) && !subject.StartsWith(Scanner.BomPrefix, StringComparison.Ordinal) ? Scanner.BomPrefix + subject : subject;
        using ProgressLine? progress = ProgressLine.Start(context, subject, quiet: false);
        ScanOptions options = Options(context, platform, progress) with { Checks = checks.All };
        return DatabaseNotes.AddTo(services.Scan(image, store, options, cancellationToken), context.Time.GetUtcNow());
    });

    /// <summary>Whether a subject that is no report is a bill of materials: there is nothing for checks to look at.</summary>
    public static bool IsBom(string subject) => subject.StartsWith(Scanner.BomPrefix, StringComparison.Ordinal) || IsDocument(subject);

    /// <summary>Checks as a plain <c>scan</c> has them.</summary>
    public static CheckSet Checks(CliContext context, IReadOnlySet<ProblemKind> kinds) =>
        CheckSet.Create(new CheckOptions { Kinds = kinds, KnownMalware = context.Home.KnownMalware, CacheFolder = context.Home.Cache, Environment = context.Environment });

    private static T Told<T>(string subject, Func<T> read)
    {
        try
        {
            return read();
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
            context.WriteOut(output => output.Write(content));
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
