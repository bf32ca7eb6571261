using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages.Distributions;

/// <summary>Which of several claims about the distribution counts.</summary>
public static class DistributionChoice
{
    /// <summary>The claim of the best file, in the order of <see cref="OsReleaseAnalyser.Files"/>.</summary>
    /// <param name="visible">Facts of the files that the image shows, in any order.</param>
    /// <returns>
    /// Null when no file names one. Where os-release names Debian or Alpine without a version, a number in the distribution's
    /// own version file is taken over.
    /// </returns>
    public static Distribution? Choose(IEnumerable<FileFacts> visible)
    {
        ArgumentNullException.ThrowIfNull(visible);
        List<Distribution> claims = [.. visible.Where(f => f.Distribution is not null).Select(f => f.Distribution!)];
        claims.Sort((a, b) => Rank(a.Source).CompareTo(Rank(b.Source)) is var order and not 0 ? order : string.CompareOrdinal(a.Source, b.Source));
        if (claims.Count == 0)
            return null;
        Distribution best = claims[0];
        return best.Version.Length > 0
            ? best
            : best with { Version = claims.Find(c => c.Id == best.Id && c.Version.Length > 0)?.Version ?? "" };
    }

    private static int Rank(string file)
    {
        for (int i = 0; i < OsReleaseAnalyser.Files.Count; i++)
            if (OsReleaseAnalyser.Files[i] == file)
                return i;
        return int.MaxValue;
    }
}
