namespace Plimsoll.EvidenceLog;

/// <summary>Reads the lines of a log for people, oldest first. It proves nothing: <see cref="EvidenceLogVerifier"/> does.</summary>
public static class EvidenceLogReader
{
    /// <summary>Every line that can be read; what is no line is passed over.</summary>
    /// <exception cref="EvidenceLogException">The folder cannot be read, or holds no log.</exception>
    public static IEnumerable<LogLine> Read(string folder, CancellationToken cancellationToken)
    {
        List<long> numbers = LogFiles.Numbers(folder);
        if (numbers.Count == 0)
            throw new EvidenceLogException(EvidenceLogFault.Unreadable, $"{folder} holds no file of an evidence log");
        return Lines(folder, numbers, cancellationToken);
    }

    /// <summary>As <see cref="Read"/>, of the newest file alone.</summary>
    public static IEnumerable<LogLine> ReadNewest(string folder, CancellationToken cancellationToken)
    {
        List<long> numbers = LogFiles.Numbers(folder);
        return numbers.Count > 0 ? Lines(folder, numbers[^1..], cancellationToken) : throw new EvidenceLogException(EvidenceLogFault.Unreadable, $"{folder} holds no file of an evidence log");
    }

    private static IEnumerable<LogLine> Lines(string folder, List<long> numbers, CancellationToken cancellationToken)
    {
        foreach (long number in numbers)
        {
            using FileStream file = LogFiles.Open(Path.Combine(folder, LogFiles.Name(number)));
            LogLineReader reader = new(file);
            while (reader.Read())
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (reader.IsWhole && !reader.IsTooLong && TryParse(reader.Line.Span) is { } line)
                    yield return line;
            }
        }
    }

    private static LogLine? TryParse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return LogLine.Parse(bytes);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
