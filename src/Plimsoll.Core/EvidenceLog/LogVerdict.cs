using System.Text;

namespace Plimsoll.EvidenceLog;

/// <summary>What a verifier finds in a log.</summary>
public enum LogFindingKind
{
    /// <summary>Default, so that a forgotten assignment refuses: bytes that are no line of a log.</summary>
    LineBroken = 0,
    /// <summary>The line after it names another digest.</summary>
    LineChanged,
    LineMissing,
    /// <summary>It stands where another one should, and was missed there where it belongs.</summary>
    LineOutOfOrder,
    /// <summary>Its number was given to another line before.</summary>
    LineInserted,
    /// <summary>The log ends before a line that was there.</summary>
    CutOff,
    FileMissing,
    /// <summary>A checkpoint or a file's first line is not signed by the key that was announced.</summary>
    SignatureWrong,
    /// <summary>A key that was announced is not the one that goes on, or the line that announces it is not there.</summary>
    KeyChainBroken,
    /// <summary>The log does not begin with the key that the verifier was given.</summary>
    WrongKey,
    /// <summary>The line with the exported checkpoint's number is another one.</summary>
    CheckpointDiffers,
    /// <summary>The exported checkpoint or a part of the log says that it belongs to another log.</summary>
    OriginDiffers,
    /// <summary>The counter outside of the host's files is behind the log: it is another one, or was made anew.</summary>
    CounterSetBack,
    /// <summary>The counter outside of the host's files went on, and the log did not: an older copy was put back.</summary>
    RolledBack,
    /// <summary>The exported checkpoint is older than the oldest line that is kept: nothing ties the one to the other. A note where whoever asks says that it may be.</summary>
    CheckpointTooOld,

    /// <summary>Notes from here on: what happened and takes nothing from the log.</summary>
    ClockSetBack,
    /// <summary>After a crash the writer cut off what was no whole line.</summary>
    TornLine,
    /// <summary>The last line has no end: the writer died, or writes just now.</summary>
    TornEnd,
    FilesRemoved,
    /// <summary>No checkpoint covers the last lines: whoever can write the files could have made them or taken some away.</summary>
    UnsignedEnd,
}

/// <param name="File">The file's name in the folder; empty for the log as a whole.</param>
/// <param name="Line">From 1; 0 for the file as a whole.</param>
/// <param name="Detail">What was seen and what was wanted, escaped.</param>
public sealed record LogFinding(LogFindingKind Kind, string File, long Line, string Detail)
{
    public bool IsFault { get; init; } = Kind < LogFindingKind.ClockSetBack;

    /// <summary>Kebab-case: <c>line-changed</c>.</summary>
    public string Word
    {
        get
        {
            StringBuilder word = new();
            foreach (char c in Kind.ToString())
                if (char.IsAsciiLetterUpper(c))
                    word.Append(word.Length > 0 ? "-" : "").Append(char.ToLowerInvariant(c));
                else
                    word.Append(c);
            return word.ToString();
        }
    }
}

/// <summary>What was found in a log. Of very many findings of a log the first are listed and all are counted.</summary>
public sealed record LogVerdict
{
    public const int MaxFindings = 200;

    public required IReadOnlyList<LogFinding> Findings { get; init; }
    public required long Faults { get; init; }
    public required long Notes { get; init; }
    public required int Files { get; init; }
    public required long Lines { get; init; }
    public required string Origin { get; init; }

    /// <summary>Sequence number of the oldest line that is kept.</summary>
    public required long First { get; init; }
    public required long Last { get; init; }

    /// <summary>Of the last line.</summary>
    public required DateTimeOffset? LastTime { get; init; }

    /// <summary>The last one that is signed as announced and before which nothing is wrong; null when there is none.</summary>
    public required LogCheckpoint? Checkpoint { get; init; }

    /// <summary>Lines after it.</summary>
    public required long Unsigned { get; init; }

    public bool IsGood => Faults == 0;
}
