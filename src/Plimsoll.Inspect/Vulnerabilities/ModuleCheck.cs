using Plimsoll.Inspect.Packages;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>Keeps rpm's modules apart: a record on one stream says nothing of another, nor of what is outside modules.</summary>
static class ModuleCheck
{
    /// <summary>What the release of each modular build holds.</summary>
    private const string Mark = ".module";

    /// <summary>Whether a record on a binary package speaks of this build of it.</summary>
    /// <remarks>
    /// Versions of modular builds hold <c>.module</c>, on both sides. Which stream a record is on stands in its summary
    /// (<c>Important: nodejs:18 security update</c>); where it does not, every stream is taken.
    /// </remarks>
    public static bool Concerns(Affected record, Package package)
    {
        bool modular = IsModular(record);
        if (modular != (package.Module is not null || package.Version.Contains(Mark, StringComparison.Ordinal)))
            return false;
        return !modular || package.Module is null || StreamIn(record.Advisory.Summary, package.Module) != false;
    }

    private static bool IsModular(Affected record)
    {
        for (int r = 0; r < record.Ranges.Count; r++)
            for (int i = 0; i < record.Ranges[r].Events.Count; i++)
                if (record.Ranges[r].Events[i].Version.Contains(Mark, StringComparison.Ordinal))
                    return true;
        return false;
    }

    /// <summary>Whether a summary names this stream; null when it names no stream of that module.</summary>
    private static bool? StreamIn(string summary, string module)
    {
        int colon = module.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0)
            return null;
        bool? found = null;
        string name = module[..(colon + 1)];
        for (int at = summary.IndexOf(name, StringComparison.Ordinal); at >= 0; at = summary.IndexOf(name, at + 1, StringComparison.Ordinal))
        {
            if (at > 0 && (char.IsAsciiLetterOrDigit(summary[at - 1]) || summary[at - 1] == '-'))
                continue;
            int start = at + name.Length, end = start;
            while (end < summary.Length && (char.IsAsciiLetterOrDigit(summary[end]) || summary[end] is '.' or '-' or '_'))
                end++;
            if (end == start)
                continue;
            if (summary.AsSpan(start, end - start).SequenceEqual(module.AsSpan(colon + 1)))
                return true;
            found = false;
        }
        return found;
    }
}
