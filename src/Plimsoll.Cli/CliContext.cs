using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>Everything a verb touches of the outside, so that a test can call it in its own process.</summary>
public sealed class CliContext
{
    /// <summary>Results.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Progress, notes, errors.</summary>
    public required TextWriter Error { get; init; }
    public TextReader In { get; init; } = TextReader.Null;
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
        Error = Error,
        In = In,
        OutIsTerminal = OutIsTerminal,
        ErrorIsTerminal = ErrorIsTerminal,
        InIsTerminal = InIsTerminal,
        ReadSecret = ReadSecret,
        Columns = Columns,
        Language = Language,
        Time = Time,
        Environment = environment,
    };

    /// <summary>Writes <c>plimsoll: error: …</c> and, when given, <c>plimsoll: hint: …</c>.</summary>
    public void WriteError(string message, string? hint = null)
    {
        Error.WriteLine($"plimsoll: error: {message}");
        if (hint is not null)
            Error.WriteLine($"plimsoll: hint: {hint}");
    }
}
