namespace Plimsoll.Agent.Gate;

/// <summary>Which containers the plugin let start just now, by their whole ids, for the runtime gate. In memory alone: after the agent was started anew nobody was asked.</summary>
internal sealed class AskedStarts(TimeProvider time)
{
    /// <summary>From the plugin's answer to the runtime's question lie dockerd's mounts, networks and containerd, which on a busy host may take a while.</summary>
    public static readonly TimeSpan Counts = TimeSpan.FromMinutes(2);

    public const int Most = 4096;

    private readonly Dictionary<string, long> _when = new(StringComparer.Ordinal);
    private readonly Lock _changing = new();

    public void Note(string container)
    {
        lock (_changing)
        {
            if (_when.Count >= Most && !_when.ContainsKey(container))
            {
                foreach (string over in _when.Where(w => IsOver(w.Value)).Select(w => w.Key).ToArray())
                    _when.Remove(over);
                if (_when.Count >= Most)
                    _when.Remove(_when.MinBy(w => w.Value).Key);
            }
            _when[container] = time.GetTimestamp();
        }
    }

    public bool Contains(string container)
    {
        lock (_changing)
            return _when.TryGetValue(container, out long when) && !IsOver(when);
    }

    private bool IsOver(long when) => time.GetElapsedTime(when) > Counts;
}
