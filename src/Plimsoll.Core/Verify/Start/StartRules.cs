using System.Globalization;

namespace Plimsoll.Verify.Start;

/// <summary>The start's half of a policy: who may start what, how. A policy without it lets nothing start.</summary>
public sealed record StartRules
{
    /// <summary>In the order of the file: the first whose scope covers a start decides, and no other is asked. At least one.</summary>
    public IReadOnlyList<StartRule> Rules { get; init; } = [StartRule.Default];

    /// <summary>Last day (UTC) on which refusals are warnings; but not privileged containers, engine sockets, untrusted images outside a sandbox and executables of the container's own. Null: refusals refuse.</summary>
    public DateOnly? LearningUntil { get; init; }
    public EngineRules Engine { get; init; } = new();

    /// <summary>What becomes of a running container that its image's trust, its layers or its programs would not let start now.</summary>
    public RunningAction Running { get; init; }

    /// <summary>The same on a day: while the policy learns nothing is paused or stopped.</summary>
    public RunningAction RunningOn(DateTimeOffset now) => LearningUntil is { } until && DateOnly.FromDateTime(now.UtcDateTime) <= until ? RunningAction.Report : Running;
    /// <summary>Registries that are asked what speaks for an image.</summary>
    public EvidenceSources Evidence { get; init; } = EvidenceSources.None;

    /// <summary>Names of launchers under which images may start that nobody vouches for (<see cref="ImageTrust.Untrusted"/>), in ordinal order; empty: none may.</summary>
    public IReadOnlyList<string> SecureRuntimes { get; init; } = [];

    /// <summary>Null: nothing overrides a refusal.</summary>
    public BreakGlassRules? BreakGlass { get; init; }

    /// <summary>What <c>start: default</c> means: one rule for every image, in which each key has its default.</summary>
    public static StartRules Default { get; } = new();
}

/// <summary>Whom and what a rule is for, and what it allows.</summary>
public sealed record StartRule
{
    private readonly PolicyAction[] _actions;
    private readonly IReadOnlyList<string>[] _lists;
    private readonly long?[] _limits;

    public StartRule()
    {
        _actions = new PolicyAction[Enum.GetValues<StartCheck>().Length];
        _lists = new IReadOnlyList<string>[Enum.GetValues<StartList>().Length];
        _limits = new long?[Enum.GetValues<StartLimit>().Length];
        foreach (StartKey key in StartKeys.All)
            if (key is ActionKey action)
                _actions[(int)action.Check] = action.Default;
            else if (key is ListKey list)
                _lists[(int)list.List] = list.Default;
    }

    private StartRule(StartRule other)
    {
        (_actions, _lists, _limits) = ([.. other._actions], [.. other._lists], [.. other._limits]);
        (Names, Labels, Users, Windows, NotBefore, NotAfter, Deny, Command) = (other.Names, other.Labels, other.Users, other.Windows, other.NotBefore, other.NotAfter, other.Deny, other.Command);
    }

    public static StartRule Default { get; } = new();

    /// <summary><see cref="Glob"/>s of repositories with host, without tag. An image with several names needs a rule that covers all of them; one without a name is the empty text.</summary>
    public IReadOnlyList<string> Names { get; init; } = ["**"];

    /// <summary>Labels that the image's signed config must have, each value a <see cref="Glob"/>. Ordinal order of names.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Labels { get; init; } = [];

    /// <summary><see cref="Glob"/>s of clients, as their TLS certificates name them; empty: anyone, also who is not known.</summary>
    public IReadOnlyList<string> Users { get; init; } = [];

    /// <summary>Times of the week (UTC) of which one must be now; empty: always.</summary>
    public IReadOnlyList<StartWindow> Windows { get; init; } = [];

    /// <summary>First and last day (UTC).</summary>
    public DateOnly? NotBefore { get; init; }
    public DateOnly? NotAfter { get; init; }

    /// <summary>Why what this rule covers may not start at all; empty: it may, as the rule says.</summary>
    public string Deny { get; init; } = "";
    public CommandFreedom Command { get; init; }

    public PolicyAction this[StartCheck check] => _actions[(int)check];

    public IReadOnlyList<string> this[StartList list] => _lists[(int)list];

    public long? this[StartLimit limit] => _limits[(int)limit];

    public StartRule With(StartCheck check, PolicyAction action)
    {
        StartRule made = new(this);
        made._actions[(int)check] = action;
        return made;
    }

    public StartRule With(StartList list, params IReadOnlyList<string> values)
    {
        StartRule made = new(this);
        made._lists[(int)list] = values;
        return made;
    }

    public StartRule With(StartLimit limit, long? value)
    {
        StartRule made = new(this);
        made._limits[(int)limit] = value;
        return made;
    }

    /// <summary>The keys that have an action, <c>process.privileged</c>, in the order of the form.</summary>
    public IReadOnlyList<string> PathsOf(PolicyAction action) => [.. StartKeys.All.OfType<ActionKey>().Where(k => this[k.Check] == action).Select(k => k.Path)];

    /// <summary>All other keys with their values.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Values() =>
    [
        .. StartKeys.All.Where(k => k is not ActionKey).Select(k => KeyValuePair.Create(k.Path, k switch
        {
            ListKey list => string.Join(", ", this[list.List]),
            LimitKey limit => this[limit.Limit] is { } value ? StartJson.LimitText(limit.Limit, value) : "none",
            _ => Command.Word(),
        })),
    ];

    public bool Equals(StartRule? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
}

/// <summary>A time of the week in UTC.</summary>
/// <param name="Days">Of the beginning; all seven for every day.</param>
/// <param name="From">Included.</param>
/// <param name="To">Not included; at or before <paramref name="From"/> it is the next day's.</param>
public sealed record StartWindow(IReadOnlyList<DayOfWeek> Days, TimeOnly From, TimeOnly To)
{
    internal static IReadOnlyList<(string Word, DayOfWeek Day)> DayWords { get; } =
    [
        ("mon", DayOfWeek.Monday), ("tue", DayOfWeek.Tuesday), ("wed", DayOfWeek.Wednesday), ("thu", DayOfWeek.Thursday), ("fri", DayOfWeek.Friday), ("sat", DayOfWeek.Saturday), ("sun", DayOfWeek.Sunday),
    ];

    public bool Holds(DateTimeOffset now)
    {
        DateTime utc = now.UtcDateTime;
        TimeOnly time = TimeOnly.FromDateTime(utc);
        DayOfWeek today = utc.DayOfWeek, yesterday = (DayOfWeek)(((int)today + 6) % 7);
        return From < To ? Days.Contains(today) && time >= From && time < To
            : (Days.Contains(today) && time >= From) || (Days.Contains(yesterday) && time < To);
    }

    /// <summary><c>mon tue 08:00-18:00 UTC</c>.</summary>
    public override string ToString() => $"{string.Join(' ', DayWords.Where(d => Days.Contains(d.Day)).Select(d => d.Word))} {Text(From)}-{Text(To)} UTC";

    internal static string Text(TimeOnly time) => time.ToString("HH:mm", CultureInfo.InvariantCulture);
}
