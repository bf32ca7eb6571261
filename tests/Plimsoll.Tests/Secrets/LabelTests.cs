using System.Text;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.Secrets;

/// <summary>Keeps recall and precision on other authors' labels from falling; <c>./bench secrets</c> prints them with every error.</summary>
public sealed class LabelTests
{
    private static readonly UTF8Encoding Utf8 = new();

    /// <param name="least">Secrets that must be found.</param>
    /// <param name="most">Labels of no secret that may be reported.</param>
    [Theory]
    [InlineData("detect-secrets", 46, 2)]
    [InlineData("gitleaks", 59, 0)]
    [InlineData("horusec", 20, 0)]
    [InlineData("kingfisher", 50, 0)]
    [InlineData("noseyparker", 169, 2)]
    [InlineData("trivy", 0, 1)]
    public void Labels_OfOtherAuthors_NoFewerFoundAndNoMoreFalseThanMeasured(string set, int least, int most)
    {
        int found = 0, wrong = 0;
        foreach (string line in File.ReadLines(Repository.At("tests", "vectors", "secrets", $"labels-{set}.tsv")).Skip(1))
        {
            string[] columns = line.Split('\t');
            bool reported = Samples.Scan($"srv/app/{columns[2]}", Utf8.GetString(Convert.FromBase64String(columns[3]))).Count > 0;
            if (reported && columns[1] == "true")
                found++;
            else if (reported)
                wrong++;
        }

        Assert.True(found >= least, $"{set}: {found} secrets are found, fewer than {least}");
        Assert.True(wrong <= most, $"{set}: {wrong} that are no secrets are reported, more than {most}");
    }
}
