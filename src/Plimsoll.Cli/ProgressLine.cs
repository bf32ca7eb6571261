using System.Globalization;
using Plimsoll.Inspect;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>One line on a terminal that says how far the work is, and is gone before anything else is written.</summary>
public sealed class ProgressLine : IProgress<ScanProgress>, IDisposable
{
    private const string ClearLine = "\r\e[K";
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly string[] Spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

    private readonly Lock _lock = new();
    private readonly CliContext _context;
    private readonly string _image;
    private readonly ITimer _timer;
    private readonly long _start;
    private ScanProgress? _last;
    private int _turn;
    private bool _shown;
    private bool _done;

    private ProgressLine(CliContext context, string image)
    {
        _context = context;
        _image = Escape.ForTerminal(image);
        _start = context.Time.GetTimestamp();
        // The first paint comes after an interval: a quick scan shows none.
        _timer = context.Time.CreateTimer(_ => Paint(), null, Interval, Interval);
    }

    /// <summary>Null where standard error is no terminal that can clear a line.</summary>
    public static ProgressLine? Start(CliContext context, string image, bool quiet)
    {
        ArgumentNullException.ThrowIfNull(context);
        return quiet || !context.ErrorIsTerminal || context.Environment("TERM") is "dumb" or null or ""
            ? null
            : new ProgressLine(context, image);
    }

    public void Report(ScanProgress value)
    {
        lock (_lock)
            _last = value;
    }

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

    private void Paint()
    {
        lock (_lock)
        {
            if (_done)
                return;
            _shown = true;
            // The last column stays free: a full line would make some terminals wrap.
            string line = DisplayWidth.Cut($"{Spinner[_turn++ % Spinner.Length]} {State()}{_image}", Math.Max(10, _context.Columns - 1));
            _context.Error.Write(ClearLine + line);
            _context.Error.Flush();
        }
    }

    private string State()
    {
        if (_last is not { } last)
            return "";
        string text = Catalogue.Phase(Escape.ForTerminal(last.Phase)).In(_context.Language);
        if (last.LayersTotal > 0)
            text += "  " + Catalogue.ProgressLayers.In(_context.Language, last.LayersDone, last.LayersTotal);
        double seconds = _context.Time.GetElapsedTime(_start).TotalSeconds;
        if (last.BytesDone > 0 && seconds > 0)
        {
            string of = last.BytesTotal > 0 ? $"/{Megabytes(last.BytesTotal)}" : "";
            text += $"  {Megabytes(last.BytesDone)}{of} MB  {Megabytes((long)(last.BytesDone / seconds))} MB/s";
        }
        return text + "  ";
    }

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString("0", CultureInfo.InvariantCulture);
}
