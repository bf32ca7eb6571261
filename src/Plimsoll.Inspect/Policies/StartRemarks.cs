using System.Globalization;
using Plimsoll.Texts;
using Plimsoll.Verify;
using Plimsoll.Verify.Start;

namespace Plimsoll.Inspect.Policies;

/// <summary>Finds what in a policy's rules for starts can do nothing, or does more than one may have meant.</summary>
internal static class StartRemarks
{
    public static IEnumerable<PolicyRemark> Of(StartRules start, DateTimeOffset now)
    {
        DateOnly today = DateOnly.FromDateTime(now.UtcDateTime);
        if (start.LearningUntil is { } until)
            yield return until < today ? new("start.learning", Filled(Catalogue.StartLearnt, Day(until))) : new("start.learning", Filled(Catalogue.StartLearning, Day(until)));
        if (start.Running != RunningAction.Report)
            yield return new("start.running.trouble", Catalogue.StartRunningActs);
        if (start.Evidence.PlainHttp.Count > 0)
            yield return new("start.evidence.plain-http", Filled(Catalogue.StartEvidencePlain, string.Join(", ", start.Evidence.PlainHttp)));
        if (start.SecureRuntimes.Count > 0 && !start.Rules.Any(r => r.Deny.Length == 0 && (r[StartCheck.Runtime] != PolicyAction.Fail || start.SecureRuntimes.Any(s => r[StartList.Runtimes].Any(p => Glob.Matches(p, s))))))
            yield return new("start.untrusted.runtimes", Catalogue.StartUntrustedNowhere);
        for (int i = 0; i < start.Rules.Count; i++)
        {
            StartRule rule = start.Rules[i];
            string place = $"start.rules[{i}]";
            if (rule.NotAfter is { } last && last < today)
                yield return new(place, Filled(Catalogue.StartRuleOver, Day(last)));
            int earlier = start.Rules.Take(i).ToList().FindIndex(e => IsWider(e, rule));
            if (earlier >= 0)
                yield return new(place, Filled(Catalogue.TrustRuleShadowed, $"start.rules[{earlier}]"));
            if (rule.Deny.Length > 0)
                continue;
            if (rule[StartCheck.Privileged] != PolicyAction.Fail)
                yield return new($"{place}.process.privileged", Catalogue.StartPrivileged);
            if (rule[StartCheck.EngineSocket] != PolicyAction.Fail)
                yield return new($"{place}.mounts.engine-socket", Catalogue.StartSockets);
            if (rule[StartList.OwnExecutables].Contains("/**", StringComparer.Ordinal))
                yield return new($"{place}.mounts.own-executables", Catalogue.StartOwnAnywhere);
            foreach (string bind in rule[StartList.Binds].Concat(rule[StartList.ReadOnlyBinds]))
                if (rule[StartCheck.SensitivePath] == PolicyAction.Fail && StartDefaults.SensitivePaths.FirstOrDefault(s => StartPaths.IsBelow(bind, s)) is { } sensitive && !rule[StartList.SensitivePaths].Any(s => StartPaths.IsBelow(bind, s)))
                    yield return new($"{place}.mounts.binds", Filled(Catalogue.StartBindSensitive, bind, sensitive));
        }
    }

    /// <summary>Whether an earlier rule takes everything that a later one is for.</summary>
    private static bool IsWider(StartRule earlier, StartRule later) =>
        earlier.Labels.Count == 0 && earlier.Users.Count == 0 && earlier.Windows.Count == 0 && earlier.NotBefore is null && earlier.NotAfter is null
        && later.Names.All(n => earlier.Names.Any(e => e == "**" || e == n || (n.AsSpan().IndexOfAny('*', '?') < 0 && Glob.Matches(e, n))));

    private static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static Text Filled(Text text, params string[] arguments)
    {
        object?[] shown = [.. arguments.Select(Escape.ForTerminal)];
        return new Text(text.In(Language.English, shown), text.In(Language.Chinese, shown));
    }
}
