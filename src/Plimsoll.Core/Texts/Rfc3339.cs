using System.Globalization;

namespace Plimsoll.Texts;

/// <summary>Times as programs write them: <c>2026-11-21T17:06:54.123456789Z</c>.</summary>
/// <remarks>The base library's parser first learns the names of months and days in every form, which costs a short command milliseconds.</remarks>
public static class Rfc3339
{
    private const int FractionDigits = 7;

    /// <summary>Any time that the base library understands; without an offset it is UTC. What RFC 3339 allows is read here.</summary>
    public static bool TryParse(string? text, out DateTimeOffset time) =>
        TryRead(text, out time) || DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);

    private static bool TryRead(ReadOnlySpan<char> text, out DateTimeOffset time)
    {
        time = default;
        if (text.Length < "2026-11-21T17:06:54Z".Length || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':')
            return false;
        int year = Number(text[..4]), month = Number(text[5..7]), day = Number(text[8..10]), hour = Number(text[11..13]), minute = Number(text[14..16]), second = Number(text[17..19]);
        // A leap second and the ends of the calendar are left to the base library.
        if (year is < 2 or > 9998 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour is < 0 or > 23 || minute is < 0 or > 59 || second is < 0 or > 59)
            return false;
        text = text[19..];
        long ticks = 0;
        if (text[0] == '.')
        {
            int digits = 0;
            for (text = text[1..]; text.Length > 0 && char.IsAsciiDigit(text[0]); text = text[1..], digits++)
                if (digits < FractionDigits)
                    ticks = (ticks * 10) + (text[0] - '0');
                else if (digits == FractionDigits && text[0] >= '5')
                    ticks++;
            if (digits == 0)
                return false;
            for (; digits < FractionDigits; digits++)
                ticks *= 10;
        }
        TimeSpan offset = TimeSpan.Zero;
        if (text.Length == "+01:00".Length && text[0] is '+' or '-' && text[3] == ':')
        {
            int hours = Number(text[1..3]), minutes = Number(text[4..6]);
            if (hours is < 0 or > 13 || minutes is < 0 or > 59)
                return false;
            offset = (text[0] == '-' ? -1 : 1) * new TimeSpan(hours, minutes, 0);
        }
        else if (text is not ['Z'])
            return false;
        time = new DateTimeOffset(new DateTime(year, month, day, hour, minute, second).AddTicks(ticks), offset);
        return true;
    }

    /// <summary><c>2026-11-21T17:06:54Z</c>: in UTC, what is less than a second left out.</summary>
    public static string ToSeconds(DateTimeOffset time) => string.Create("2026-11-21T17:06:54Z".Length, time.UtcDateTime, static (text, utc) =>
    {
        "0000-00-00T00:00:00Z".CopyTo(text);
        Put(text[..4], utc.Year);
        Put(text[5..7], utc.Month);
        Put(text[8..10], utc.Day);
        Put(text[11..13], utc.Hour);
        Put(text[14..16], utc.Minute);
        Put(text[17..19], utc.Second);
    });

    private static void Put(Span<char> digits, int number)
    {
        for (int i = digits.Length - 1; i >= 0; i--, number /= 10)
            digits[i] = (char)('0' + (number % 10));
    }

    /// <summary>-1 when it is not digits alone.</summary>
    private static int Number(ReadOnlySpan<char> digits)
    {
        int number = 0;
        foreach (char digit in digits)
        {
            if (!char.IsAsciiDigit(digit))
                return -1;
            number = (number * 10) + (digit - '0');
        }
        return number;
    }
}
