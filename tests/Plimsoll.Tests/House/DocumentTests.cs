using System.Diagnostics;
using System.Text.RegularExpressions;
using Plimsoll.TestKit;

namespace Plimsoll.Tests.House;

/// <summary>What documents point at exists, and nothing in the tree points at one person's machine.</summary>
public sealed class DocumentTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    [Fact]
    public void Links_InEveryDocument_LeadToAFile()
    {
        List<string> broken = [];
        IReadOnlyList<string> documents = Repository.Files("*.md");
        foreach (string document in documents)
            broken.AddRange(LocalLinks(File.ReadAllText(document))
                .Where(link => !Path.Exists(Path.Combine(Path.GetDirectoryName(document)!, link)))
                .Select(link => $"{Path.GetRelativePath(Repository.Root, document)}: {link}"));

        Assert.Contains(Repository.At("README.md"), documents);
        Assert.Empty(broken);
    }

    [Fact]
    public void LocalLinks_OfEachForm_AreFound()
    {
        const string Text = "[a](docs/a.md#part) ![b](b.svg \"title\") [c](https://example.org/c.md) [d](#here) `[e](e.md)`\n```\n[f](f.md)\n```\n";

        Assert.Equal(["docs/a.md", "b.svg"], LocalLinks(Text));
    }

    [Fact]
    public void Verbs_OfTheCommandLine_AreThePagesOfTheDocuments()
    {
        IEnumerable<string> pages = Repository.Files("*.md", "docs", "verbs").Select(page => Path.GetFileNameWithoutExtension(page));

        Assert.Equal(Verbs().Order(StringComparer.Ordinal), pages);
    }

    [Fact]
    public void Files_OfTheTree_NameNoPathOfOneMachine()
    {
        // In pieces, so that this file does not name them itself.
        string pattern = "/" + "work/(main|shared|steering|\\.library|\\.mirror)|/" + "farm/|/tmp/" + "w/";
        List<string> named = [];
        foreach (string path in Repository.Files("*"))
        {
            string relative = Path.GetRelativePath(Repository.Root, path);
            // Test vectors and data are bytes from elsewhere.
            if (relative.StartsWith("tests/vectors/", StringComparison.Ordinal) || relative.StartsWith("data/", StringComparison.Ordinal) || new FileInfo(path).Length > 1 << 20)
                continue;
            Match match = Regex.Match(File.ReadAllText(path), pattern, RegexOptions.ExplicitCapture, Patience);
            if (match.Success)
                named.Add($"{relative}: {match.Value}");
        }

        Assert.Empty(named);
    }

    /// <summary>Targets of links and pictures, without those in code, to other hosts, or within the page.</summary>
    private static IEnumerable<string> LocalLinks(string markdown)
    {
        string prose = Regex.Replace(markdown, @"^```.*?^```|`[^`\n]*`", "", RegexOptions.Singleline | RegexOptions.Multiline, Patience);
        return Regex.Matches(prose, @"\]\((?<target>[^)#\s]+)", RegexOptions.ExplicitCapture, Patience)
            .Select(match => match.Groups["target"].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal));
    }

    /// <summary>The verbs as the built program itself lists them in English.</summary>
    private static List<string> Verbs()
    {
        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, "plimsoll"), ["--help"]) { RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment["LC_ALL"] = "C";
        using Process process = Process.Start(start)!;
        string help = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        int at = help.IndexOf("Commands:", StringComparison.Ordinal);
        if (at < 0)
            return [];
        return [.. help[at..].Split('\n').Skip(1).TakeWhile(line => line.StartsWith("  ", StringComparison.Ordinal))
            .Where(line => line.Length > 2 && line[2] != ' ')
            .Select(line => line.Trim().Split(' ', ',')[0])];
    }
}
