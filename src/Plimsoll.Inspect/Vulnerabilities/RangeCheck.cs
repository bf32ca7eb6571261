using System.Text;
using Plimsoll.Inspect.Packages.Versions;

namespace Plimsoll.Inspect.Vulnerabilities;

/// <summary>What one record says of one version.</summary>
/// <param name="Affected">Null when the record holds a version that cannot be read.</param>
/// <param name="Fixed">The version that ends the affected range, or null when none is known.</param>
/// <param name="Range">In words, for the report.</param>
readonly record struct RangeAnswer(bool? Affected, string? Fixed, string Range);

/// <summary>Decides whether an OSV record affects a version.</summary>
/// <remarks>Source: OSV schema 1.7, "Evaluation".</remarks>
static class RangeCheck
{
    /// <summary>Events told in words; a record with more has the rest counted.</summary>
    private const int MaxEventsShown = 12;

    public static RangeAnswer Ask(Affected record, string version, IVersionOrder order)
    {
        bool unreadable = false;
        string? fix = null, words = null;
        bool open = false;
        for (int i = 0; i < record.Ranges.Count; i++)
        {
            AffectedRange range = record.Ranges[i];
            bool? affected = Ask(range, version, order, out string? end);
            unreadable |= affected is null;
            if (affected != true)
                continue;
            words ??= InWords(range);
            open |= end is null;
            fix = Later(fix, end, order);
        }
        if (words is not null)
            return new RangeAnswer(true, open ? null : fix, words);
        for (int i = 0; i < record.Versions.Count; i++)
            if (record.Versions[i] is var listed && (listed == version || (MayBeEqual(listed, version) && order.IsValid(listed) && order.Compare(listed, version) == 0)))
                return new RangeAnswer(true, FirstFixAbove(record, version, order), "listed");
        // A record that lists its versions one by one is decided by them, even where its range cannot be read.
        if (unreadable && record.Versions.Count == 0)
            return new RangeAnswer(null, null, "");
        // A record that limits itself in no way speaks of every version.
        return record.Ranges.Count == 0 && record.Versions.Count == 0
            ? new RangeAnswer(true, null, "every version")
            : new RangeAnswer(false, null, "");
    }

    /// <summary>The later of two versions, either of which may be absent.</summary>
    public static string? Later(string? first, string? second, IVersionOrder order) =>
        first is null ? second : second is null || order.Compare(first, second) >= 0 ? first : second;

    /// <summary>
    /// False when no order would take the two for the same: their first numbers differ. Records list hundreds of versions,
    /// and comparing each by its rules would take most of a scan's matching.
    /// </summary>
    private static bool MayBeEqual(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        // An epoch of 0 may be written or not.
        if (a.ContainsAny('!', ':') || b.ContainsAny('!', ':'))
            return true;
        ReadOnlySpan<char> first = FirstNumber(a), second = FirstNumber(b);
        return first.SequenceEqual(second);

        static ReadOnlySpan<char> FirstNumber(ReadOnlySpan<char> text)
        {
            int start = text.IndexOfAnyInRange('0', '9');
            if (start < 0)
                return default;
            int end = start;
            while (end < text.Length && char.IsAsciiDigit(text[end]))
                end++;
            return text[start..end].TrimStart('0');
        }
    }

    private static bool? Ask(AffectedRange range, string version, IVersionOrder order, out string? end)
    {
        end = null;
        // An array sorted by hand: records have few events, and generic code over value types is compiled anew at each start.
        RangeEvent[] events = new RangeEvent[range.Events.Count];
        int count = 0;
        bool limited = false, within = false;
        for (int i = 0; i < events.Length; i++)
        {
            RangeEvent e = range.Events[i];
            if (!IsZero(e) && !(e.Kind == "limit" && e.Version == "*") && !order.IsValid(e.Version))
                return null;
            if (e.Kind == "limit")
            {
                limited = true;
                within |= e.Version == "*" || order.Compare(version, e.Version) < 0;
                continue;
            }
            int at = count++;
            for (; at > 0 && Compare(events[at - 1], e, order) > 0; at--)
                events[at] = events[at - 1];
            events[at] = e;
        }
        if (limited && !within)
            return false;
        bool affected = false;
        for (int i = 0; i < count; i++)
        {
            RangeEvent e = events[i];
            int place = IsZero(e) ? 1 : order.Compare(version, e.Version);
            if (e.Kind == "introduced" && place >= 0)
                affected = true;
            else if ((e.Kind == "fixed" && place >= 0) || (e.Kind == "last_affected" && place > 0))
                affected = false;
            else if (affected && e.Kind is "fixed" or "last_affected")
            {
                // The first event above the version that ends the range; after last_affected nobody knows what fixes it.
                end = e.Kind == "fixed" ? e.Version : null;
                break;
            }
        }
        return affected;
    }

    /// <summary>By version, "introduced 0" first; at one version a fix comes before what begins anew there.</summary>
    private static int Compare(RangeEvent a, RangeEvent b, IVersionOrder order)
    {
        if (IsZero(a) || IsZero(b))
            return IsZero(b).CompareTo(IsZero(a));
        int place = order.Compare(a.Version, b.Version);
        return place != 0 ? place : Rank(a.Kind).CompareTo(Rank(b.Kind));

        static int Rank(string kind) => kind switch { "fixed" => 0, "introduced" => 1, _ => 2 };
    }

    private static bool IsZero(RangeEvent e) => e.Kind == "introduced" && e.Version == "0";

    private static string? FirstFixAbove(Affected record, string version, IVersionOrder order)
    {
        string? first = null;
        for (int r = 0; r < record.Ranges.Count; r++)
            for (int i = 0; i < record.Ranges[r].Events.Count; i++)
                if (record.Ranges[r].Events[i] is { Kind: "fixed" } e && order.Compare(e.Version, version) > 0 && (first is null || order.Compare(e.Version, first) < 0))
                    first = e.Version;
        return first;
    }

    private static string InWords(AffectedRange range)
    {
        StringBuilder words = new();
        int shown = Math.Min(range.Events.Count, MaxEventsShown);
        for (int i = 0; i < shown; i++)
        {
            RangeEvent e = range.Events[i];
            words.Append(i == 0 ? "" : ", ").Append(e.Kind == "last_affected" ? "last affected" : e.Kind).Append(' ').Append(e.Version);
        }
        return shown == range.Events.Count ? words.ToString() : words.Append(" and ").Append(range.Events.Count - shown).Append(" more").ToString();
    }
}
