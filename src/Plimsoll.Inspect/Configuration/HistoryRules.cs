using System.Globalization;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Configuration;

/// <summary>The CIS items that only the history answers: 4.7 update alone, 4.9 ADD for COPY, 4.11 packages that nobody verified.</summary>
internal static class HistoryRules
{
    private static readonly string[] Unverified =
    [
        "--allow-unauthenticated", "--force-yes", "--allow-insecure-repositories", "--allow-untrusted", "--nogpgcheck", "--no-gpg-checks", "--no-gpg-check",
        "trusted=yes", "gpgcheck=0", "AllowUnauthenticated", "AllowInsecureRepositories",
    ];

    private static readonly string[] Updates = ["apt-get update", "apt-get -y update", "apt-get -q update", "apt-get -qq update", "apt update", "aptitude update", "apk update"];

    private static readonly string[] Installing = ["install", "apk add", "upgrade", "build-dep"];

    private const int MaxExcerpt = 80;

    private static readonly string[] Archives = [".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst"];

    public static void Judge(ImageFacts facts, ProblemDraft draft)
    {
        IReadOnlyList<HistoryEntry> history = facts.Input.Config?.History ?? [];
        bool counts = history.Count(h => !h.EmptyLayer) == facts.Input.Inventory.Layers.Count;
        int layer = -1;
        for (int i = 0; i < history.Count; i++)
        {
            if (!history[i].EmptyLayer)
                layer++;
            if (history[i].CreatedBy is not { } line)
                continue;
            Origin? origin = counts && !history[i].EmptyLayer ? facts.OriginOf(layer) : null;
            if (UpdateAlone(line) is >= 0 and var update)
                Add("CIS-4.7", Severity.Low, "4.7", update);
            if (AddOf(line, first: i == 0) is { } severity)
                Add("CIS-4.9", severity, "4.9", line.IndexOf("ADD ", StringComparison.Ordinal));
            if (Array.Find(Unverified, u => line.Contains(u, StringComparison.OrdinalIgnoreCase)) is { } word)
                Add("CIS-4.11", Severity.Medium, "4.11", line.IndexOf(word, StringComparison.OrdinalIgnoreCase), word);

            void Add(string rule, Severity of, string cis, int at, params ReadOnlySpan<string> parts) => draft.Add(rule, of, null,
                string.Create(CultureInfo.InvariantCulture, $"history {i + 1}"), 0, Excerpt(line, at), origin, cis, null, [], line, parts);
        }
    }

    /// <summary>What the rule is about and little more: before it may stand build arguments, behind it a password for some address.</summary>
    private static string Excerpt(string line, int at)
    {
        string shown = line.Substring(at, Math.Min(MaxExcerpt, line.Length - at));
        for (int scheme = shown.IndexOf("://", StringComparison.Ordinal); scheme >= 0; scheme = shown.IndexOf("://", scheme + 3, StringComparison.Ordinal))
        {
            int end = shown.IndexOfAny([' ', '/', '"', '\''], scheme + 3), user = shown.LastIndexOf('@', end < 0 ? shown.Length - 1 : end);
            if (user > scheme)
                shown = $"{shown[..(scheme + 3)]}***{shown[user..]}";
        }
        return shown;
    }

    /// <summary>Where a line updates lists and installs nothing; -1 for all others.</summary>
    private static int UpdateAlone(string line)
    {
        if (Array.Exists(Installing, i => line.Contains(i, StringComparison.Ordinal)))
            return -1;
        foreach (string update in Updates)
            if (line.IndexOf(update, StringComparison.Ordinal) is >= 0 and var at)
                return at;
        return -1;
    }

    /// <summary>How bad an ADD is that could be a COPY; null for other lines, for unpacking an archive, and for the root file system itself.</summary>
    private static Severity? AddOf(string line, bool first)
    {
        string text = line.StartsWith("/bin/sh -c #(nop)", StringComparison.Ordinal) ? line["/bin/sh -c #(nop)".Length..].TrimStart() : line;
        if (first || !text.StartsWith("ADD ", StringComparison.Ordinal))
            return null;
        string[] words = [.. text.Replace("# buildkit", "", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Where(w => !w.StartsWith("--", StringComparison.Ordinal) && w != "in")];
        if (words.Length < 2 || words[..^1].All(w => Array.Exists(Archives, a => w.EndsWith(a, StringComparison.OrdinalIgnoreCase)) && !w.Contains("://", StringComparison.Ordinal)))
            return null;
        // The classic builder wrote a checksum instead of the name, so that an archive cannot be told from a file.
        if (Array.TrueForAll(words[..^1], w => w.StartsWith("file:", StringComparison.Ordinal) && words[^1] == "/"))
            return null;
        return Array.Exists(words, w => w.StartsWith("http://", StringComparison.Ordinal) || w.StartsWith("https://", StringComparison.Ordinal)) ? Severity.Low : Severity.Negligible;
    }
}
