using System.Globalization;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Inspect.Policies;

/// <summary>A policy's rules of trust in words.</summary>
public static class TrustText
{
    /// <summary>The rule for a name and what it wants, or that there is none. Lines that begin with two spaces belong to the one before them.</summary>
    public static IReadOnlyList<string> Of(Policy policy, string name, Language language)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ImageName image = ImageName.Parse(name);
        string shown = Escape.ForTerminal(image.ToString());
        if (policy.Trust is not { } trust)
            return [Catalogue.ReasonText("no-trust", [policy.Name], language)!];
        int place = trust.Find(image.Repository);
        return place < 0 ? [Catalogue.ReasonText("no-rule", [shown], language)!] : [Catalogue.TrustRuleFor.In(language, shown, $"trust.images[{place}]"), .. Wants(policy, trust.Images[place], language)];
    }

    /// <summary>Every rule, in the order in which they are tried; nothing for a policy without them.</summary>
    public static IEnumerable<string> All(Policy policy, Language language)
    {
        ArgumentNullException.ThrowIfNull(policy);
        for (int i = 0; i < (policy.Trust?.Images.Count ?? 0); i++)
        {
            yield return Catalogue.TrustRuleFor.In(language, List(policy.Trust!.Images[i].Names), $"trust.images[{i}]");
            foreach (string line in Wants(policy, policy.Trust.Images[i], language))
                yield return line;
        }
    }

    private static IEnumerable<string> Wants(Policy policy, ImageTrust rule, Language language)
    {
        if (rule.Untrusted)
            yield return "  " + Catalogue.TrustUntrusted.In(language, List(policy.Start?.SecureRuntimes ?? []));
        if (rule.Signatures is { } signatures)
        {
            yield return "  " + Catalogue.TrustSignatures.In(language, Quorum(signatures, language));
            yield return "  " + (rule.Match switch
            {
                SignedName.Any => Catalogue.TrustAnyName,
                SignedName.Exact => Catalogue.TrustExactName,
                _ => Catalogue.TrustRepository,
            }).In(language, rule.Repositories.Count > 0 ? List(rule.Repositories) : Catalogue.TrustOwnName.In(language));
            yield return "  " + (rule.Platforms == SignedPlatforms.Each ? Catalogue.TrustEach : Catalogue.TrustIndex).In(language);
        }
        if (rule.ContentTrust is { } content)
            yield return "  " + Catalogue.TrustContentTrust.In(language, content.Threshold, List(content.Roles), List(content.Roots), content.Server is { } server ? Escape.ForTerminal(server) : Catalogue.TrustNoServer.In(language))
                + (content.Match == TargetMatch.Any ? Catalogue.TrustAnyTarget.In(language) : "");
        foreach (AttestationTrust wanted in rule.Attestations)
            yield return "  " + Catalogue.TrustAttestation.In(language, Escape.ForTerminal(wanted.Type), Quorum(wanted.Quorum, language)) + string.Concat(Details(wanted, language));
        if (rule.Inspection is { } inspection)
            yield return "  " + Catalogue.TrustInspection.In(language, Quorum(inspection, language)) + (rule.DatabaseCounter > 0 ? Catalogue.TrustCounter.In(language, rule.DatabaseCounter) : "");
        if (rule.Measurement is { } measurement)
            yield return "  " + Catalogue.TrustMeasurement.In(language, Quorum(measurement, language));
        if (rule.Revocations is { } revocations)
            yield return "  " + Catalogue.TrustRevocations.In(language, List(revocations.Keys)) + (revocations.MaxAgeDays is { } days ? Catalogue.TrustWithin.In(language, days) : "")
                + (revocations.Counter > 0 ? Catalogue.TrustCounter.In(language, revocations.Counter) : "");
        if (rule.Minimum.CreatedAfter is { } created)
            yield return "  " + Catalogue.TrustCreated.In(language, Day(created));
        if (rule.Minimum.NotBefore is { } first)
            yield return "  " + Catalogue.TrustNotBefore.In(language, Day(first));
        if (rule.Minimum.Counter > 0)
            yield return "  " + Catalogue.TrustSignedCounter.In(language, rule.Minimum.Counter);
        if (rule.Untrusted)
            yield break;
        yield return "  " + Catalogue.TrustOverridden.In(language, PolicyText.WordOf(rule.Overridden, language));
        yield return "  " + Catalogue.TrustUnreadable.In(language, PolicyText.WordOf(rule.Unreadable, language));
    }

    private static IEnumerable<string> Details(AttestationTrust wanted, Language language)
    {
        if (wanted.MaxAgeDays is { } days)
            yield return Catalogue.TrustWithin.In(language, days);
        if (wanted.Builder is { } builder)
            yield return Catalogue.TrustBuilder.In(language, Escape.ForTerminal(builder));
        if (wanted.Source is { } source)
            yield return Catalogue.TrustSource.In(language, Escape.ForTerminal(source));
        if (wanted.Materials.Count > 0)
            yield return Catalogue.TrustMaterials.In(language, List(wanted.Materials));
    }

    private static string Quorum(KeyQuorum quorum, Language language) =>
        Catalogue.TrustQuorum.In(language, quorum.Threshold, List(quorum.Keys));

    private static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string List(IEnumerable<string> items) => string.Join(", ", items.Select(Escape.ForTerminal));
}
