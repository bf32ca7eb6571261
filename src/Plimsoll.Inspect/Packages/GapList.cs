using Plimsoll.Inspect.Layers;

namespace Plimsoll.Inspect.Packages;

/// <summary>The gaps of one file, bounded: a file of nothing but faults must not fill the report.</summary>
sealed class GapList(string path)
{
    /// <summary>Gaps told one by one; the rest become one that counts them.</summary>
    public const int MaxShown = 16;

    private readonly List<Gap> _gaps = [];
    private long _more;

    public void Add(string code, string detail)
    {
        if (_gaps.Count < MaxShown)
            _gaps.Add(new Gap(code, path, detail));
        else
            _more++;
    }

    public IReadOnlyList<Gap> ToList()
    {
        if (_more > 0)
            _gaps.Add(new Gap(_gaps[0].Code, path, $"{_more} more faults in this file"));
        return _gaps;
    }
}
