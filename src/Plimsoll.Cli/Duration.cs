using System.Globalization;

namespace Plimsoll.Cli;

/// <summary>Lengths of time as people type them: <c>30s</c>, <c>5m</c>, <c>1h</c>, <c>1h30m</c>.</summary>
public static class Duration
{
    /// <summary>The longest that a timer takes is some 49 days.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromDays(30);

    /// <summary>False for anything else, for zero and for more than <see cref="Longest"/>.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        ArgumentNullException.ThrowIfNull(text);
        duration = TimeSpan.Zero;
        long total = 0;
        ReadOnlySpan<char> rest = text;
        while (!rest.IsEmpty)
        {
            int digits = 0;
            while (digits < rest.Length && char.IsAsciiDigit(rest[digits]))
                digits++;
            if (digits is 0 or > 9 || digits == rest.Length)
                return false;
            long seconds = rest[digits] switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 0 };
            if (seconds == 0)
                return false;
            total += seconds * long.Parse(rest[..digits], CultureInfo.InvariantCulture);
            // Within the loop: a TimeSpan cannot hold what nine digits of hours come to.
            if (total > (long)Longest.TotalSeconds)
                return false;
            rest = rest[(digits + 1)..];
        }
        duration = TimeSpan.FromSeconds(total);
        return total > 0;
    }
}
