using System.Text;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Reports.Html;
using Plimsoll.TestKit;
using Plimsoll.Texts;

namespace Plimsoll.Tests.Reports.Html;

public sealed class HtmlReportTests
{
    private static readonly VersionOrder Order = (_, a, b) => a.Length != b.Length ? a.Length.CompareTo(b.Length) : string.CompareOrdinal(a, b);

    internal static string Page(Language language, params ReadOnlySpan<ScanResult> results)
    {
        using MemoryStream stream = new();
        HtmlReport.Write(stream, [.. results], "0.1.0+abc", new HtmlOptions { Language = language, Now = ReportBuilder.Now, VersionOrder = Order });
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>What people look at in a browser: artifacts/samples, anew with each run.</summary>
    [Fact]
    public void Write_Samples_AreThereToBeLookedAt()
    {
        string folder = Directory.CreateDirectory(Repository.At("artifacts", "samples")).FullName;
        foreach (Language language in (Language[])[Language.English, Language.Chinese])
        {
            string suffix = language == Language.Chinese ? "zh" : "en";
            File.WriteAllText(Path.Combine(folder, $"full-{suffix}.html"), Page(language, Samples.Of(Samples.Full())));
            File.WriteAllText(Path.Combine(folder, $"clean-{suffix}.html"), Page(language, Samples.Of(Samples.Clean())));
            File.WriteAllText(Path.Combine(folder, $"several-{suffix}.html"), Page(language, Samples.Of(Samples.Incomplete()), Samples.Of(Samples.Clean()),
                new ScanResult { Image = "gone.tar", Failure = new ScanFailure("not-found", "there is no file \"gone.tar\"", "name an archive, a layout or a folder") }));
        }
        File.WriteAllText(Path.Combine(folder, "large-en.html"), Page(Language.English, Samples.Of(Samples.Large(20_000))));

        Assert.Equal(7, Directory.GetFiles(folder, "*.html").Length);
    }
}
