using System.Globalization;
using Plimsoll.Sign;

namespace Plimsoll.Verify.Start;

/// <summary>The section <c>start</c> in a policy's canonical JSON: every key of a rule in full.</summary>
internal static class StartJson
{
    public static void Write(CanonicalJson json, StartRules start)
    {
        json.BeginObject("start");
        if (start.LearningUntil is { } until)
            Day(json.BeginObject("learning"), "until", until).EndObject();
        else
            json.Text("learning", "none");
        json.BeginObject("engine").Texts("allow", start.Engine.Allow.Select(EngineWords.Word).Order(StringComparer.Ordinal)).Texts("builders", start.Engine.Builders.Order(StringComparer.Ordinal)).EndObject();
        // Left out where it says nothing, so that policies of before there was such a key keep their form.
        if (start.Running != RunningAction.Report)
            json.BeginObject("running").Text("trouble", start.Running.Word()).EndObject();
        if (start.Evidence.Registries.Count > 0)
            json.BeginObject("evidence").Texts("registries", start.Evidence.Registries).Texts("plain-http", start.Evidence.PlainHttp).EndObject();
        if (start.SecureRuntimes.Count > 0)
            json.BeginObject("untrusted").Texts("runtimes", start.SecureRuntimes).EndObject();
        // Left out where there is none, so that policies keep the digest that they had before there was such a section.
        if (start.BreakGlass is { } glass)
            json.BeginObject("break-glass").Texts("keys", glass.Keys).Number("threshold", (long)glass.Threshold).Number("max-hours", (long)glass.MaxHours).EndObject();
        json.BeginArray("rules");
        foreach (StartRule rule in start.Rules)
            Write(json, rule);
        json.EndArray().EndObject();
    }

    private static void Write(CanonicalJson json, StartRule rule)
    {
        json.BeginObject().Texts("names", rule.Names).BeginObject("labels");
        foreach ((string name, string pattern) in rule.Labels)
            json.Text(name, pattern);
        json.EndObject().Texts("users", rule.Users).BeginArray("windows");
        foreach (StartWindow window in rule.Windows)
            json.BeginObject().Texts("days", StartWindow.DayWords.Where(d => window.Days.Contains(d.Day)).Select(d => d.Word))
                .Text("from", StartWindow.Text(window.From)).Text("to", StartWindow.Text(window.To)).EndObject();
        json.EndArray();
        Day(Day(json, "not-before", rule.NotBefore), "not-after", rule.NotAfter).Text("deny", rule.Deny.Length > 0 ? rule.Deny : "none");
        foreach (string section in StartKeys.Sections)
        {
            json.BeginObject(section);
            foreach (StartKey key in StartKeys.All)
                if (key.Section == section)
                    Write(json, rule, key);
            json.EndObject();
        }
        json.EndObject();
    }

    private static void Write(CanonicalJson json, StartRule rule, StartKey key)
    {
        switch (key)
        {
            case ActionKey action:
                json.Text(key.Name, rule[action.Check].Word());
                break;
            case ListKey { IsLeftOut: true } list when rule[list.List].Count == 0:
                break;
            case ListKey list:
                json.Texts(key.Name, rule[list.List].Order(StringComparer.Ordinal));
                break;
            case LimitKey limit:
                json.Text(key.Name, rule[limit.Limit] is { } value ? LimitText(limit.Limit, value) : "none");
                break;
            default:
                json.Text(key.Name, rule.Command.Word());
                break;
        }
    }

    internal static string LimitText(StartLimit limit, long value) =>
        limit == StartLimit.Cpus ? ((decimal)value / 1_000_000_000).ToString("0.#########", CultureInfo.InvariantCulture) : value.ToString(CultureInfo.InvariantCulture);

    private static CanonicalJson Day(CanonicalJson json, string name, DateOnly? day) => json.Text(name, day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "none");
}
