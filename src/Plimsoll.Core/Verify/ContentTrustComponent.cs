using System.Globalization;
using Plimsoll.ContentTrust;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Verify;

/// <summary>Docker Content Trust: the repository's collection, proved from a pinned root, names this image.</summary>
internal static class ContentTrustComponent
{
    private const string Component = TrustComponents.ContentTrust;

    public static void Judge(TrustRun run)
    {
        if (run.Rule.ContentTrust is not { } rule)
            return;
        string at = run.At("content-trust");
        if (run.Name.Repository.Length == 0)
            run.Reasons.Say(Component, "content-trust-name", Outcome.Refused, at);
        else if (rule.Match == TargetMatch.Tag && run.Name.Tag is null)
            run.Reasons.Say(Component, "target-untagged", Outcome.Refused, at, run.Name.Repository);
        else if ((run.Image.Index ?? run.Image.Manifest) is null || run.Image.RootManifest is not { } manifest)
            run.Reasons.Say(Component, "content-trust-no-manifest", Outcome.Undecided, at, (run.Image.Index ?? run.Image.Manifest ?? run.Image.Config).ToString());
        else if (Digest.Of(manifest.Span) != (run.Image.Index ?? run.Image.Manifest))
            run.Reasons.Say(Component, "target-digest", Outcome.Refused, at, run.Name.ToString(), $"{Digest.Of(manifest.Span)}; wanted {run.Image.Index ?? run.Image.Manifest}");
        else if (Read(run, rule, at) is { } collection)
            new TargetSearch(run, rule, collection, manifest, at).Judge();
    }

    /// <summary>Null when a reason was told.</summary>
    private static TrustedCollection? Read(TrustRun run, ContentTrustRule rule, string at)
    {
        try
        {
            using IMetadataSource? source = run.Case.ContentTrust?.Invoke(run.Name.Repository, rule.Server);
            if (source is null)
            {
                run.Reasons.Say(Component, "content-trust-missing", Outcome.Undecided, at, run.Name.Repository);
                return null;
            }
            IReadOnlyList<RootPin> pins = [.. run.Policy.Trust!.Roots.Where(r => rule.Roots.Contains(r.Name, StringComparer.Ordinal)).Select(r => r.Pin)];
            return CollectionReader.Read(source, run.Name.Repository, pins, run.Case.ContentTrustMemory, run.AskNow(), null, run.CancellationToken);
        }
        catch (ContentTrustException e)
        {
            run.Reasons.Say(Component, CodeOf(e.Error), e.Error == ContentTrustError.Unreachable ? Outcome.Undecided : Outcome.Refused, at, run.Name.Repository, e.Message);
            return null;
        }
    }

    private static string CodeOf(ContentTrustError error) => error switch
    {
        ContentTrustError.Malformed => "content-trust-malformed",
        ContentTrustError.Missing => "content-trust-incomplete",
        ContentTrustError.RootNotPinned => "content-trust-root",
        ContentTrustError.RootSkipped => "content-trust-root-skipped",
        ContentTrustError.RootRotation => "content-trust-root-rotation",
        ContentTrustError.Threshold => "content-trust-unsigned",
        ContentTrustError.Expired => "content-trust-expired",
        ContentTrustError.RolledBack => "content-trust-rolled-back",
        ContentTrustError.Mismatch => "content-trust-mismatch",
        _ => "content-trust-unreachable",
    };

    /// <summary>Asks the wanted roles in their order.</summary>
    private sealed class TargetSearch(TrustRun run, ContentTrustRule rule, TrustedCollection collection, ReadOnlyMemory<byte> manifest, string at)
    {
        public void Judge()
        {
            List<string> agreeing = [], others = [];
            foreach (string role in WantedRoles())
            {
                // A role that nobody can read may have said anything, also that the tag is another image by now.
                if (collection.Remarks.FirstOrDefault(r => r.Role == role && r.Code != "outside-paths") is { } unread)
                {
                    run.Reasons.Say(Component, "content-trust-delegation", Outcome.Refused, at, unread.Text);
                    return;
                }
                List<TrustedTarget> named = [.. collection.Targets.Where(t => t.Role == role && (rule.Match == TargetMatch.Any || t.Name == run.Name.Tag))];
                if (named.Exists(t => t.Meta.Difference(manifest.Span) is null))
                    agreeing.Add(role);
                else if (rule.Match == TargetMatch.Tag && named.Count > 0)
                    others.Add($"{role}: {named[0].Meta.Difference(manifest.Span)}");
                else
                    continue;
                if (rule.Threshold == 1)
                    break;
            }
            TellOutside();
            int signers = CountDifferent(agreeing);
            string wanted = rule.Threshold.ToString(CultureInfo.InvariantCulture), names = string.Join(", ", agreeing);
            if (signers >= rule.Threshold)
                run.Reasons.Say(Component, "target-signed", Outcome.Passed, at, run.Name.ToString(), names, TufTime(collection.Roles.First(r => r.Name == "timestamp").Expires));
            else if (others.Count > 0)
                run.Reasons.Add(Component, "target-digest", Outcome.Refused, at, others.Count, others, [run.Name.ToString(), Escape.ForTerminal(others[0])]);
            else if (agreeing.Count > 0)
                run.Reasons.Say(Component, "target-threshold", Outcome.Refused, at, $"{signers}", wanted, names);
            else
                run.Reasons.Say(Component, "target-missing", Outcome.Refused, at, run.Name.ToString(), string.Join(", ", rule.Roles));
        }

        /// <summary>In the order of the rule's patterns, then of the collection; also roles of which there is only a remark.</summary>
        private IEnumerable<string> WantedRoles()
        {
            string[] all = [.. collection.Roles.Select(r => r.Name).Concat(collection.Remarks.Select(r => r.Role)).Where(r => r == TufRole.Targets || TufRole.IsDelegation(r)).Distinct(StringComparer.Ordinal)];
            return rule.Roles.SelectMany(pattern => all.Where(role => Glob.Matches(pattern, role))).Distinct(StringComparer.Ordinal);
        }

        /// <summary>Roles that share a key that signed them are one signer.</summary>
        private int CountDifferent(List<string> roles)
        {
            List<HashSet<string>> groups = [];
            foreach (string role in roles)
            {
                HashSet<string> mine = [.. collection.Roles.First(r => r.Name == role).SignerIds];
                foreach (HashSet<string> same in groups.Where(g => g.Overlaps(mine)).ToArray())
                {
                    mine.UnionWith(same);
                    groups.Remove(same);
                }
                groups.Add(mine);
            }
            return groups.Count;
        }

        private void TellOutside()
        {
            List<ContentTrustRemark> outside = [.. collection.Remarks.Where(r => r.Code == "outside-paths")];
            if (outside.Count > 0)
                run.Reasons.Add(Component, "target-outside-paths", Outcome.Passed, at, outside.Sum(r => r.Count), [.. outside.Select(r => r.Text)], [$"{outside.Sum(r => r.Count)}"]);
        }

        private static string TufTime(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
    }
}
