using System.Globalization;

namespace Plimsoll.Verify.Start;

/// <summary>Ports and ranges of them, <c>8080</c> and <c>8000-8010</c>.</summary>
internal static class StartPorts
{
    public static bool TryParse(string text, out int first, out int last)
    {
        int dash = text.IndexOf('-', StringComparison.Ordinal);
        last = 0;
        return TryOne(dash < 0 ? text : text.AsSpan(0, dash), out first) && TryOne(dash < 0 ? text : text.AsSpan(dash + 1), out last) && first <= last;
    }

    /// <summary>Whether each port of a range lies in some range.</summary>
    public static bool Covers(IReadOnlyList<string> ranges, int first, int last)
    {
        for (int port = first; port <= last; port++)
        {
            int reached = 0;
            foreach (string range in ranges)
                if (TryParse(range, out int from, out int to) && from <= port && port <= to)
                    reached = Math.Max(reached, to);
            if (reached == 0)
                return false;
            port = reached;
        }
        return true;
    }

    private static bool TryOne(ReadOnlySpan<char> text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 1 and <= 65535;
}
