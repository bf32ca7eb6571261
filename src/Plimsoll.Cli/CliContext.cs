using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>Everything a verb touches of the outside, so that a test can call it in its own process.</summary>
public sealed class CliContext
{
    private TextReader? _in;

    /// <summary>Results.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Where <see cref="Out"/> goes in the end, for results that are bytes already; null when that is no stream.</summary>
    public Stream? OutBytes { get; init; }

    /// <summary>Progress, notes, errors.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Opens <see cref="In"/> when somebody asks for it; the base library's sets up a terminal and encodings for it, which few commands need.</summary>
    public Func<TextReader> OpenIn { get; init; } = () => TextReader.Null;

    public TextReader In
    {
        get => _in ??= OpenIn();
        init => _in = value;
    }

    public bool OutIsTerminal { get; init; }
    public bool ErrorIsTerminal { get; init; }
    public bool InIsTerminal { get; init; }

    /// <summary>Asks at the terminal for a line that is not shown: the question goes in, the line comes out. Null when there is no terminal.</summary>
    public Func<string, CancellationToken, string>? ReadSecret { get; init; }

    /// <summary>Columns of the terminal; 80 when it is none.</summary>
    public int Columns { get; init; } = 80;
    public Language Language { get; set; }
    public TimeProvider Time { get; init; } = TimeProvider.System;
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    public Home Home => new(Environment);

    /// <summary>The same with other environment variables.</summary>
    public CliContext With(Func<string, string?> environment) => new()
    {
        Out = Out,
        OutBytes = OutBytes,
        Error = Error,
        OpenIn = () => In,
        OutIsTerminal = OutIsTerminal,
        ErrorIsTerminal = ErrorIsTerminal,
        InIsTerminal = InIsTerminal,
        ReadSecret = ReadSecret,
        Columns = Columns,
        Language = Language,
        Time = Time,
        Environment = environment,
    };

    /// <summary>Writes a whole result, UTF-8.</summary>
    /// <exception cref="IOException">The operating system refused, or nobody reads it any more.</exception>
    public void WriteOut(Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        Out.Flush();
        if (OutBytes is not null)
        {
            write(OutBytes);
            return;
        }
        using MemoryStream bytes = new();
        write(bytes);
        Out.Write(System.Text.Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
        Out.Flush();
    }

    /// <summary>Writes <c>plimsoll: error: …</c> and, when given, <c>plimsoll: hint: …</c>.</summary>
    public void WriteError(string message, string? hint = null)
    {
        Error.WriteLine($"plimsoll: error: {message}");
        if (hint is not null)
            Error.WriteLine($"plimsoll: hint: {hint}");
    }
}
