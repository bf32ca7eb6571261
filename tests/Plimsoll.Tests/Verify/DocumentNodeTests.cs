using System.Diagnostics;
using Plimsoll.Verify;

namespace Plimsoll.Tests.Verify;

public sealed class DocumentNodeTests
{
    [Fact]
    public void TextsOf_AHundredThousandTexts_CostNoMoreThanTheirNumber()
    {
        DocumentNode list = new() { Where = "x", Items = [.. Enumerable.Range(0, 200_000).Select(i => new DocumentNode { Where = "x", Text = $"e{i}" })] };
        long start = Stopwatch.GetTimestamp();

        Assert.Equal(200_000, MapReader.TextsOf(list, "engines").Count);
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(5));
    }
}
