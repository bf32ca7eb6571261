using System.Security.Cryptography;
using Plimsoll.Keys;

namespace Plimsoll.EvidenceLog;

/// <summary>What the last file of a log holds, up to where it is no longer a chain.</summary>
internal sealed class LogScan
{
    private LogScan(LogHead head) => Head = head;

    public LogHead Head { get; }

    public long Lines { get; private set; }
    public long Sequence { get; private set; }
    public string Digest { get; private set; } = "";

    /// <summary>Of the last line that is whole.</summary>
    public DateTimeOffset Time { get; private set; }

    /// <summary>Of the lines that are whole.</summary>
    public long Bytes { get; private set; }

    /// <summary>Bytes after them.</summary>
    public long Rest { get; private set; }

    /// <summary>SHA-256 of <see cref="Rest"/>.</summary>
    public string RestDigest { get; private set; } = "";

    /// <summary>The last in this file.</summary>
    public LogLine? Checkpoint { get; private set; }
    public string CheckpointDigest { get; private set; } = "";

    /// <summary>What it is signed with, by what the line before it announced.</summary>
    public byte[] CheckpointKey { get; private set; } = [];

    /// <summary>What the last checkpoint states of a counter, or the file's first line before there is one; worth what their signatures are.</summary>
    public long? Counter => (Checkpoint ?? Head.Line).Number(LogCheckpoint.CounterField);

    /// <summary>Of the line with the number that was asked for; null when it is not in this file.</summary>
    public string? DigestAtWanted { get; private set; }

    /// <summary>A line that says that a file was removed and that no checkpoint covers, with lines after it; 0 for none. As the last line it counts to <see cref="Rest"/>: its checkpoint was torn.</summary>
    public long UnsignedRemoval { get; private set; }

    /// <summary>Whether the last line closes the file.</summary>
    public bool Closes { get; private set; }

    /// <exception cref="EvidenceLogException">It cannot be read, or does not begin as a file of a log does.</exception>
    public static LogScan Of(string path, long wanted)
    {
        using FileStream file = LogFiles.Open(path);
        LogLineReader reader = new(file);
        LogScan? scan = null;
        byte[] announced = [];
        (long Sequence, string Digest, long Bytes, long Lines)? loose = null;
        while (reader.Read())
        {
            LogLine? line = Parsed(reader);
            if (scan is null)
            {
                LogHead head = (line is null ? null : LogHead.Of(line)) ?? throw new EvidenceLogException(EvidenceLogFault.Damaged, $"{path} does not begin as a file of an evidence log does",
                    "plimsoll log verify says what is wrong; move the log's folder and its key away to begin a new one");
                scan = new LogScan(head);
                announced = head.EpochKey;
            }
            else if (line is null || scan.Closes || line.Sequence != scan.Sequence + 1 || line.Previous != scan.Digest)
                break;
            if (line!.Kind == LogKinds.FilesRemoved)
                loose ??= (scan.Sequence, scan.Digest, scan.Bytes, scan.Lines);
            (scan.Sequence, scan.Digest, scan.Time) = (line.Sequence, LogLine.DigestOf(reader.Line.Span), line.Time);
            scan.Bytes = reader.Offset + reader.Line.Length + 1;
            scan.Lines++;
            scan.Closes = LogCheckpoint.Closes(line);
            if (line.Sequence == wanted)
                scan.DigestAtWanted = scan.Digest;
            if (line.Kind != LogKinds.Checkpoint)
                continue;
            loose = null;
            (scan.Checkpoint, scan.CheckpointDigest, scan.CheckpointKey) = (line, scan.Digest, announced);
            announced = line.Bytes(LogCheckpoint.NextKeyField) ?? [];
        }
        if (scan is null)
            throw new EvidenceLogException(EvidenceLogFault.Damaged, $"{path} is empty");
        if (loose is { } before && scan.Lines == before.Lines + 1)
            (scan.Sequence, scan.Digest, scan.Bytes, scan.Lines) = before;
        else
            scan.UnsignedRemoval = loose?.Sequence + 1 ?? 0;
        scan.Rest = file.Length - scan.Bytes;
        if (scan.Rest > 0)
        {
            file.Position = scan.Bytes;
            scan.RestDigest = Convert.ToHexStringLower(SHA256.HashData(file));
        }
        return scan;
    }

    private static LogLine? Parsed(LogLineReader reader)
    {
        if (!reader.IsWhole || reader.IsTooLong)
            return null;
        try
        {
            return LogLine.Parse(reader.Line.Span);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
