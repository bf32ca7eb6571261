using Plimsoll.Oci;
using Plimsoll.Sign;

namespace Plimsoll.Verify;

/// <summary>
/// Which manifest an image belongs to that came without one. Signatures are over manifests, while an archive and a Docker host have only
/// the config. A statement of ours names both; as it decides which signatures count, as many keys must state it as must have signed.
/// </summary>
internal static class ManifestLink
{
    public static IReadOnlyList<Digest> Find(TrustRun run, KeyQuorum quorum)
    {
        Dictionary<string, string> signers = run.Proofs.KeysOf(quorum.Keys).ToDictionary(k => k.Id, k => k.Signer, StringComparer.Ordinal);
        Dictionary<Digest, HashSet<string>> stated = [];
        foreach (ProvedStatement proved in run.Statements)
            if (proved.Statement is { } statement && IsOurs(statement) && proved.IsAbout(run.Image)
                && proved.PartOf("config") == run.Image.Config)
                foreach (Digest root in Roots(run, proved))
                {
                    if (!stated.TryGetValue(root, out HashSet<string>? by))
                        stated.Add(root, by = new HashSet<string>(StringComparer.Ordinal));
                    by.UnionWith(proved.Signers.Where(s => signers.ContainsKey(s.Id) && !run.IsRevoked(s)).Select(s => signers[s.Id]));
                }
        return [.. stated.Where(s => s.Value.Count >= quorum.Threshold).Select(s => s.Key)];
    }

    /// <summary>What needs nobody's word: whoever signed these bytes signed the config that they name.</summary>
    public static IEnumerable<Digest> Proved(TrustRun run) =>
        run.Image.Linked.SelectMany(l => (IEnumerable<Digest>)(run.Rule.Platforms == SignedPlatforms.Index ? [l.Manifest, .. l.Indexes] : [l.Manifest]));

    /// <summary>Of the kinds in which <c>sign</c> names the parts of one image.</summary>
    public static bool IsOurs(Statement statement) =>
        statement.PredicateType == ImageSigner.SignedPredicate || statement.PredicateType.StartsWith("urn:plimsoll:", StringComparison.Ordinal);

    private static IEnumerable<Digest> Roots(TrustRun run, ProvedStatement proved)
    {
        if (proved.PartOf("manifest") is { } manifest)
            yield return manifest;
        if (run.Rule.Platforms == SignedPlatforms.Index && proved.PartOf("index") is { } index)
            yield return index;
    }
}
