namespace Plimsoll.Verify.Start;

/// <summary>The names of what is judged by itself, in the order in which it is told.</summary>
public static class StartComponents
{
    public const string Rule = "rule", Request = "request", Process = "process", Namespaces = "namespaces", Network = "network", Mounts = "mounts", Devices = "devices", Sysctls = "sysctls", MaskedPaths = "masked-paths",
        Cgroup = "cgroup", Logging = "logging", Resources = "resources", Runtime = "runtime", Image = "image";
}

/// <summary>Policy, request and image in, verdict out: may this start, as it is asked for? That the image's bytes are right, others prove.</summary>
public static class StartJudge
{
    /// <summary>Names of one image that are judged.</summary>
    public const int MaxNames = 16;

    /// <param name="image">Each of its names must be allowed by the rule that covers it.</param>
    /// <param name="client">
    /// Who asks. A spec (<see cref="StartSource.Spec"/>) does not say who asked: for it a rule for certain users may or may not be the one that
    /// decided, so that the start passes when that rule or the next that covers it lets it pass.
    /// </param>
    /// <param name="now">Decides windows, first and last days, and whether the policy is learning.</param>
    /// <param name="host">Where paths lead; null: they are judged as written.</param>
    public static Verdict Of(Policy policy, StartRequest request, StartImage image, StartClient client, DateTimeOffset now, StartHost? host = null)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(client);
        return OfNames(policy, request, () => image.Signed, image.Names.Count > 0 ? [.. image.Names.Distinct()] : [ImageName.None], client, now, host);
    }

    private static Verdict OfNames(Policy policy, StartRequest request, Func<SignedConfig> signed, IReadOnlyList<ImageName> names, StartClient client, DateTimeOffset now, StartHost? host)
    {
        TrustReasons reasons = new();
        if (policy.Start is not { } start)
            reasons.Say(StartComponents.Rule, "no-start-rules", Outcome.Refused, "start", policy.Name);
        else
            try
            {
                SignedConfig config = signed();
                SecureRuntime(policy, names, request.Runtime, reasons);
                foreach (ImageName name in names.Take(MaxNames))
                    Take(reasons, OfName(start, request, config, name, client, now, host ?? StartHost.None, reasons), start, now);
                if (names.Count > MaxNames)
                    reasons.Say(StartComponents.Rule, "too-many-names", Outcome.Refused, "start.rules", $"{names.Count}", $"{MaxNames}");
            }
            catch (StartRequestException e)
            {
                reasons.Say(StartComponents.Image, "config-unreadable", Outcome.Refused, null, e.Message);
            }
        return Verdict(policy, reasons);
    }

    /// <summary>Of a running container: whether the runtime that it runs under may have an image of these names, as far as nobody is asked to vouch for it.</summary>
    /// <param name="runtime">The launcher that started it; null: not known, which no untrusted image may have.</param>
    public static Verdict OfRuntime(Policy policy, IReadOnlyList<ImageName> names, string? runtime)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(names);
        TrustReasons reasons = new();
        SecureRuntime(policy, names.Count > 0 ? names : [ImageName.None], runtime, reasons);
        return Verdict(policy, reasons);
    }

    /// <summary>
    /// Of a running container: whether policy lets an executable be at a path of its own layer. Who asked for the start is not known any more, so that a rule for certain users, or the next, may have
    /// been the one that decided.
    /// </summary>
    /// <param name="path">Absolute, in the container.</param>
    public static bool AllowsOwn(Policy policy, StartImage image, string path, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(image);
        // Most policies list none: nothing more is asked then.
        if (policy.Start is not { } start || image.Names.Count > MaxNames || !start.Rules.Any(r => r[StartList.OwnExecutables].Count > 0))
            return false;
        try
        {
            SignedConfig config = image.Signed;
            return (image.Names.Count > 0 ? image.Names : [ImageName.None]).All(n => AllowsOwn(start, n, config, path, now));
        }
        catch (StartRequestException)
        {
            return false;
        }
    }

    private static bool AllowsOwn(StartRules start, ImageName name, SignedConfig config, string path, DateTimeOffset now)
    {
        foreach (StartRule rule in start.Rules)
            if (StartScope.Covers(rule, name, config) && StartScope.Covers(rule, now))
            {
                if (rule.Deny.Length == 0 && rule[StartList.OwnExecutables].Any(p => Glob.Matches(p, path)))
                    return true;
                if (rule.Users.Count == 0)
                    return false;
            }
        return false;
    }

    /// <summary>What nobody vouches for runs in a sandbox. No rule softens it, and neither does a policy that learns.</summary>
    private static void SecureRuntime(Policy policy, IReadOnlyList<ImageName> names, string? runtime, TrustReasons reasons)
    {
        IReadOnlyList<string> secure = policy.Start?.SecureRuntimes ?? [];
        if (policy.Trust is { } trust && names.Any(n => trust.Find(n.Repository) is >= 0 and var place && trust.Images[place].Untrusted) && (runtime is null || !secure.Contains(runtime, StringComparer.Ordinal)))
            reasons.Say(StartComponents.Runtime, "runtime-not-secure", Outcome.Refused, "start.untrusted.runtimes", runtime switch { null => "?", "" => "default", _ => runtime }, secure.Count > 0 ? string.Join(", ", secure) : "-");
    }

    /// <summary>Whether a volume may be made: as it can be mounted by name into any container later, each rule must allow it.</summary>
    /// <param name="request">Of <see cref="StartRequest.FromVolume"/>.</param>
    public static Verdict OfVolume(Policy policy, StartRequest request, DateTimeOffset now, StartHost? host = null)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(request);
        TrustReasons reasons = new();
        if (policy.Start is { } start)
            for (int i = 0; i < start.Rules.Count; i++)
            {
                // Nothing starts under such a rule, so that nothing mounts the volume.
                if (start.Rules[i].Deny.Length > 0)
                    continue;
                StartRun run = new(start.Rules[i], $"start.rules[{i}]", request, SignedConfig.Nothing, host ?? StartHost.None);
                StartMounts.Judge(run);
                run.Unknown();
                Take(reasons, run.Reasons(), start, now);
            }
        else
            reasons.Say(StartComponents.Rule, "no-start-rules", Outcome.Refused, "start", policy.Name);
        return Verdict(policy, reasons);
    }

    /// <summary>
    /// Of a create whose image is not there: by the rule for the name that is asked for, in all that needs no image. A rule for certain labels may or may not be the one that will decide, so that the
    /// request passes when that rule or the next that covers it lets it pass.
    /// </summary>
    public static Verdict OfNoImage(Policy policy, StartRequest request, StartClient client, DateTimeOffset now, StartHost? host = null)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(client);
        return OfNames(policy, request, () => SignedConfig.Unknown, [ImageName.Parse(request.Image)], client, now, host);
    }

    /// <summary>The verdict on what could not be read.</summary>
    public static Verdict Of(Policy policy, StartRequestException unreadable)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(unreadable);
        TrustReasons reasons = new();
        reasons.Say(StartComponents.Request, unreadable.Code, Outcome.Refused, null, unreadable.Message);
        return Verdict(policy, reasons);
    }

    private static Verdict Verdict(Policy policy, TrustReasons reasons)
    {
        IReadOnlyList<Reason> ordered = reasons.Ordered();
        return new Verdict { Outcome = ordered.Count > 0 ? ordered[0].Outcome : Outcome.Passed, Policy = policy.Name, PolicyDigest = PolicyJson.DigestOf(policy), Reasons = ordered, Dated = reasons.Dated };
    }

    private static IReadOnlyList<Reason> OfName(StartRules start, StartRequest request, SignedConfig config, ImageName name, StartClient client, DateTimeOffset now, StartHost host, TrustReasons dated)
    {
        IReadOnlyList<Reason>? first = null;
        for (int i = 0; i < start.Rules.Count; i++)
        {
            StartRule rule = start.Rules[i];
            if (!StartScope.Covers(rule, name, config))
                continue;
            dated.Dated |= StartScope.IsDated(rule);
            if (!StartScope.Covers(rule, now))
                continue;
            // Who asked is not known any more when the runtime is called.
            bool anyone = rule.Users.Count > 0 && request.Source == StartSource.Spec && client.User.Length == 0, maybe = anyone || (rule.Labels.Count > 0 && !config.IsKnown);
            if (!anyone && !StartScope.Covers(rule, client))
                continue;
            IReadOnlyList<Reason> said = OfRule(rule, $"start.rules[{i}]", request, config, host);
            if (!maybe)
                return first is null || !said.Any(r => r.Outcome == Outcome.Refused) ? said : first;
            if (!said.Any(r => r.Outcome == Outcome.Refused))
                return said;
            first ??= said;
        }
        if (first is not null)
            return first;
        TrustReasons none = new();
        none.Say(StartComponents.Rule, "no-start-rule", Outcome.Refused, "start.rules", name == ImageName.None ? "-" : name.ToString(), client.User.Length > 0 ? client.User : "-");
        return none.Ordered();
    }

    private static IReadOnlyList<Reason> OfRule(StartRule rule, string place, StartRequest request, SignedConfig config, StartHost host)
    {
        if (rule.Deny.Length > 0)
        {
            TrustReasons denied = new();
            denied.Say(StartComponents.Rule, "start-denied", Outcome.Refused, $"{place}.deny", rule.Deny);
            return denied.Ordered();
        }
        StartRun run = new(rule, place, request, config, host);
        run.Unknown();
        StartProcesses.Judge(run);
        StartSurroundings.Judge(run);
        StartMounts.Judge(run);
        StartMeans.Judge(run);
        return run.Reasons();
    }

    /// <summary>While a policy learns, refusals are warnings; but not those after which nothing would be left to learn from.</summary>
    private static void Take(TrustReasons reasons, IReadOnlyList<Reason> said, StartRules start, DateTimeOffset now)
    {
        bool refused = said.Any(r => r.Outcome == Outcome.Refused), learning = start.LearningUntil is { } until && DateOnly.FromDateTime(now.UtcDateTime) <= until;
        foreach (Reason reason in said)
            reasons.Add(learning && reason.Outcome == Outcome.Refused && reason.Code is not ("privileged" or "engine-socket" or "own-executable") ? reason with { Outcome = Outcome.Warned } : reason);
        reasons.Dated |= refused && start.LearningUntil is not null;
        if (learning && refused)
            reasons.Say(StartComponents.Rule, "learning", Outcome.Warned, "start.learning", start.LearningUntil!.Value.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture));
    }
}

/// <summary>Which starts a rule is for.</summary>
internal static class StartScope
{
    public static bool Covers(StartRule rule, ImageName name, SignedConfig config) =>
        rule.Names.Any(n => Glob.Matches(n, name.Repository)) && rule.Labels.All(l => !config.IsKnown || config.Labels.TryGetValue(l.Key, out string? value) && Glob.Matches(l.Value, value));

    /// <summary>Whether it is for certain times alone.</summary>
    public static bool IsDated(StartRule rule) => rule.Windows.Count > 0 || rule.NotBefore is not null || rule.NotAfter is not null;

    public static bool Covers(StartRule rule, DateTimeOffset now)
    {
        DateOnly today = DateOnly.FromDateTime(now.UtcDateTime);
        return (rule.Windows.Count == 0 || rule.Windows.Any(w => w.Holds(now)))
            && (rule.NotBefore is not { } first || today >= first) && (rule.NotAfter is not { } last || today <= last);
    }

    public static bool Covers(StartRule rule, StartClient client) => rule.Users.Count == 0 || (client.User.Length > 0 && rule.Users.Any(u => Glob.Matches(u, client.User)));
}
