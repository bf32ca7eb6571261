using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Inspect.Configuration;

/// <summary>What settings in the image allow: accounts, sshd, keys, sudo, tasks, preloaded libraries, unverified package sources.</summary>
internal static class SettingsRules
{
    public static void Judge(ImageFacts facts, ProblemDraft draft)
    {
        foreach ((FileHit hit, uint uid) in facts.Accounts)
            if (uid == 0 && hit.Hit.Evidence != "root")
                draft.Add("second-root", Severity.High, hit.Path, null, hit.Hit.Line, $"{hit.Hit.Evidence}: uid 0", hit.Origin, null, null, [], $"{hit.Path} {hit.Hit.Evidence}", [hit.Hit.Evidence]);
        bool server = ToolRules.HasServer(facts, "ssh-server");
        foreach (FileHit hit in facts.Settings)
        {
            Severity? severity = hit.Hit.Rule switch
            {
                "sshd-root-login" => server ? Severity.Medium : Severity.Low,
                "sshd-passwords" => Severity.Low,
                "sshd-empty-passwords" => server ? Severity.High : Severity.Medium,
                "sudo-without-password" => Severity.Medium,
                "preloaded-library" => Severity.High,
                "CIS-4.11" => Severity.Medium,
                "scheduled-task" when hit.OwnedBy is null => hit.Hit.Detail.Length > 0 ? Severity.Medium : Severity.Low,
                _ => null,
            };
            if (severity is { } of && !(hit.Hit.Rule == "sudo-without-password" && hit.OwnedBy is not null))
                draft.Add(hit.Hit.Rule, of, hit.Path, null, hit.Hit.Line, hit.Hit.Evidence, hit.Origin, hit.Hit.Rule == "CIS-4.11" ? "4.11" : null, null, [],
                    $"{hit.Path} {hit.Hit.Evidence}", [hit.Hit.Rule is "preloaded-library" or "CIS-4.11" ? hit.Hit.Evidence : hit.Path]);
        }
        foreach (IGrouping<string, FileHit> keys in facts.Settings.Where(s => s.Hit.Rule == "authorized-keys").GroupBy(s => s.Path, StringComparer.Ordinal))
        {
            bool root = keys.Key.StartsWith("root/", StringComparison.Ordinal);
            draft.OfFile("authorized-keys", new PathHit(keys.Key, string.Join(", ", keys.Take(5).Select(k => k.Hit.Evidence)), root ? Severity.High : Severity.Medium, keys.First().Origin), 0, null, keys.Key);
        }
    }
}
