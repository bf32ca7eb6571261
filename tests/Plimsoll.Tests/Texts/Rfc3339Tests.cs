using System.Globalization;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Texts;

public sealed class Rfc3339Tests
{
    [Theory]
    [InlineData("2026-11-21T17:06:54.9999999Z")]
    [InlineData("2024-02-29T00:30:00+01:30")]
    [InlineData("0001-01-01T00:00:00Z")]
    [InlineData("9999-12-31T23:59:59Z")]
    [InlineData("0987-06-05T04:03:02Z")]
    public void ToSeconds_AnyTime_IsWhatTheBaseLibraryWrites(string text)
    {
        DateTimeOffset time = DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);

        Assert.Equal(time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture), Rfc3339.ToSeconds(time));
    }

    [Theory]
    [InlineData("2026-11-21T17:06:54Z")]
    [InlineData("2026-11-21T17:06:54.1Z")]
    [InlineData("2026-11-21T17:06:54.123456789Z")]
    [InlineData("2026-11-21T17:06:54.12345678Z")]
    [InlineData("2024-02-29T23:59:59.9999999+01:30")]
    [InlineData("2024-02-29T00:00:00-13:59")]
    [InlineData("2024-02-29T00:00:00+14:00")]
    [InlineData("0001-01-01T00:00:00Z")]
    [InlineData("9999-12-31T23:59:59Z")]
    [InlineData("2023-02-29T00:00:00Z")]
    [InlineData("2023-13-01T00:00:00Z")]
    [InlineData("2023-01-01T24:00:00Z")]
    [InlineData("2023-01-01T00:00:60Z")]
    [InlineData("2023-01-01T00:00:00.Z")]
    [InlineData("2023-01-01T00:00:00")]
    [InlineData("2023-01-01T00:00:00ZZ")]
    [InlineData("2023-01-01T00:00:00+0100")]
    [InlineData("2023-01-01 00:00:00Z")]
    [InlineData("2023-01-01")]
    [InlineData("+023-01-01T00:00:00Z")]
    [InlineData("yesterday")]
    [InlineData("")]
    [InlineData(null)]
    public void TryParse_AnyText_AnswersAsTheBaseLibrary(string? text)
    {
        bool wanted = DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time);

        Assert.Equal(wanted, Rfc3339.TryParse(text, out DateTimeOffset seen));
        Assert.Equal(time, seen);
        Assert.Equal(time.Offset, seen.Offset);
    }

    [Fact]
    public void TryParse_GeneratedTimes_AnswersAsTheBaseLibrary()
    {
        Random chance = new(1);
        for (int i = 0; i < 2000; i++)
        {
            DateTimeOffset time = new(chance.NextInt64(TimeSpan.TicksPerDay * 1000, TimeSpan.TicksPerDay * 3_000_000), TimeSpan.FromMinutes(chance.Next(-800, 800)));
            string text = time.ToString(chance.Next(3) switch { 0 => "yyyy-MM-ddTHH:mm:ss.fffffffzzz", 1 => "yyyy-MM-ddTHH:mm:sszzz", _ => "yyyy-MM-ddTHH:mm:ss.ffzzz" }, CultureInfo.InvariantCulture);

            Assert.True(Rfc3339.TryParse(text, out DateTimeOffset seen));
            Assert.Equal(DateTimeOffset.Parse(text, CultureInfo.InvariantCulture), seen);
        }
    }
}
