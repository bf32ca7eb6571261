using System.Globalization;
using Plimsoll.Sources;
using Plimsoll.Texts;

namespace Plimsoll.Cli.Commands;

/// <summary>One line on a terminal that says how far a copy is, and is gone before anything else is written.</summary>
internal sealed class CopyLine : IProgress<CopyProgress>, IDisposable
{
    private const string ClearLine = "\r\e[K";
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly CliContext _context;
    private readonly ITimer _timer;
    private CopyProgress? _last;
    private bool _shown, _done;

    private CopyLine(CliContext context)
    {
        _context = context;
        _timer = context.Time.CreateTimer(_ => Paint(), null, Interval, Interval);
    }

    /// <summary>Null where standard error is no terminal that can clear a line.</summary>
    public static CopyLine? Start(CliContext context) =>
        !context.ErrorIsTerminal || context.Environment("TERM") is "dumb" or null or "" ? null : new CopyLine(context);

    public void Report(CopyProgress value)
    {
        lock (_lock)
            _last = value;
    }

    private void Paint()
    {
        lock (_lock)
        {
            if (_done || _last is not { } last)
                return;
            _shown = true;
            string line = Catalogue.CopyProgress.In(_context.Language, last.BlobsDone, last.BlobsTotal, Megabytes(last.BytesDone), Megabytes(last.BytesTotal));
            _context.Error.Write(ClearLine + DisplayWidth.Cut(line, Math.Max(10, _context.Columns - 1)));
            _context.Error.Flush();
        }
    }

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString("0", CultureInfo.InvariantCulture);

    public void Dispose()
    {
        _timer.Dispose();
        lock (_lock)
        {
            _done = true;
            if (_shown)
                _context.Error.Write(ClearLine);
            _context.Error.Flush();
        }
    }
}
