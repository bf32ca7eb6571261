using System.Globalization;

namespace Plimsoll.Verify;

/// <summary>The exceptions of a policy that speak of one image, and what became of each.</summary>
internal sealed class ExemptionList
{
    private readonly ILookup<string, Exemption> _byId;
    private readonly List<Exemption> _ofImage;
    private readonly Dictionary<Exemption, int> _places = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<Exemption> _matched = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<Exemption> _missed = new(ReferenceEqualityComparer.Instance);
    private readonly DateOnly _today;

    public ExemptionList(Policy policy, Inspection inspection, DateOnly today)
    {
        _today = today;
        _ofImage = [.. policy.Exceptions.Where(e => e.Image is null || IsImage(e.Image, inspection))];
        for (int i = 0; i < _ofImage.Count; i++)
            _places.Add(_ofImage[i], i);
        _byId = _ofImage.ToLookup(e => e.Id, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Those that hold and accepted something or could have.</summary>
    public IEnumerable<Exemption> Unused => _ofImage.Where(e => !IsExpired(e) && !_matched.Contains(e));

    /// <summary>Those past their last day; the flag says whether something counts that they spoke of.</summary>
    public IEnumerable<(Exemption Exemption, bool Missed)> Expired => _ofImage.Where(IsExpired).Select(e => (e, _missed.Contains(e)));

    public static string Describe(Exemption exemption) =>
        $"{exemption.Id} ({exemption.Owner}, {exemption.Expires.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)})";

    /// <summary>The first that accepts the finding; null when none does.</summary>
    /// <param name="counts">Whether it would count without one.</param>
    public Exemption? Find(InspectedFinding finding, bool counts)
    {
        Exemption? first = null;
        if (_ofImage.Count == 0)
            return null;
        foreach (Exemption exemption in _byId[finding.Id].Concat(finding.Aliases.SelectMany(a => _byId[a])).Concat(finding.Fingerprint.Length > 0 ? _byId[finding.Fingerprint] : []))
            if ((exemption.Package is null || exemption.Package == finding.Package || exemption.Package == finding.SourcePackage)
                && (exemption.Path is null || Glob.Matches(exemption.Path, finding.Path)))
                first = Earlier(first, exemption, counts);
        return first;
    }

    public Exemption? Find(Unseen unseen) => Find(unseen.Code, unseen.Where, true);

    /// <summary>For what is said of the image, or of a place that was not seen.</summary>
    public Exemption? Find(string code, string where, bool counts)
    {
        Exemption? first = null;
        foreach (Exemption exemption in _byId[code])
            if (exemption.Package is null && (exemption.Path is null || Glob.Matches(exemption.Path, where)))
                first = Earlier(first, exemption, counts);
        return first;
    }

    private Exemption? Earlier(Exemption? first, Exemption exemption, bool counts)
    {
        if (IsExpired(exemption))
        {
            if (counts)
                _missed.Add(exemption);
            return first;
        }
        _matched.Add(exemption);
        return first is null || _places[exemption] < _places[first] ? exemption : first;
    }

    private bool IsExpired(Exemption exemption) => exemption.Expires < _today;

    private static bool IsImage(string pattern, Inspection inspection) =>
        pattern == inspection.ManifestDigest || pattern == inspection.ConfigDigest || pattern == inspection.IndexDigest
        || inspection.Names.Any(n => Glob.Matches(pattern, n));
}
