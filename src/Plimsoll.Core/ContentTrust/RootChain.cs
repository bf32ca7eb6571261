using System.Security.Cryptography.X509Certificates;
using Plimsoll.Texts;

namespace Plimsoll.ContentTrust;

/// <summary>Leads from a pinned root to the newest one, version by version.</summary>
/// <remarks>
/// A root of version N+1 counts when the threshold of keys of N signed it and the threshold of its own. notary accepts a new root that the
/// old one's keys signed whatever is between; here no version may be left out.
/// </remarks>
internal sealed class RootChain(string gun, MetadataReader reader, ContentTrustLimits limits, DateTimeOffset now) : IDisposable
{
    private readonly List<RootMetadata> _opened = [];

    /// <summary>The newest root, once it is proved. Lives as long as this.</summary>
    /// <exception cref="ContentTrustException">It is not proved.</exception>
    public RootMetadata Find(IReadOnlyList<RootPin> pins, Action<RootMetadata> seen)
    {
        if (pins.Count == 0)
            throw new ContentTrustException(ContentTrustError.RootNotPinned, "root", $"no root of {gun} is pinned", PinHint);
        RootMetadata newest = Keep(reader.Get("root", null, null, limits.MaxRootBytes, bytes => new RootMetadata(bytes, limits)));
        CheckSelf(newest);
        List<RootMetadata> chain = AnchoredByFile(pins, newest) ?? AnchoredByKey(pins, newest)
            ?? throw new ContentTrustException(ContentTrustError.RootNotPinned, "root", $"the root {newest.Version} of {gun} is none that is pinned; its keys are {string.Join(", ", KeyIdsOf(newest))}", PinHint);
        foreach (RootMetadata root in chain)
            seen(root);
        // A key whose certificate has ended may still hand over to the next, and signs nothing else.
        CheckNames(newest, now);
        return newest;
    }

    private const string PinHint = "get the root from whoever made it, not from the server, and pin it: a root.json, the id of its root key, or the authority of its certificate";

    private RootMetadata Keep(RootMetadata root)
    {
        _opened.Add(root);
        return root;
    }

    /// <summary>From the newest pinned file of this collection; null when no file is pinned for it.</summary>
    private List<RootMetadata>? AnchoredByFile(IReadOnlyList<RootPin> pins, RootMetadata newest)
    {
        List<RootMetadata> files = [.. pins.Where(p => !p.Root.IsEmpty).Select(p => Keep(p.OpenRoot("the pinned root"))).Where(r => NameProblem(r, null) is null).OrderByDescending(r => r.Version)];
        if (files.Count == 0)
            return null;
        RootMetadata anchor = files[0];
        CheckSelf(anchor);
        if (anchor.Version > newest.Version)
            throw new ContentTrustException(ContentTrustError.RolledBack, "root", $"version {newest.Version}; the pinned root has {anchor.Version}");
        if (anchor.Version == newest.Version)
            return anchor.Digest == newest.Digest ? [newest]
                : throw new ContentTrustException(ContentTrustError.RootNotPinned, "root", $"the root {newest.Version} of {gun} is another than the pinned one of that version; its keys are {string.Join(", ", KeyIdsOf(newest))}", PinHint);
        return Between(anchor, newest);
    }

    /// <summary>From the newest root that pinned keys signed, walking back from the newest; null when there is none.</summary>
    private List<RootMetadata>? AnchoredByKey(IReadOnlyList<RootPin> pins, RootMetadata newest)
    {
        if (pins.All(p => !p.Root.IsEmpty))
            return null;
        HashSet<string> ids = [.. pins.SelectMany(p => p.KeyIds)];
        X509Certificate2Collection authorities = [.. pins.Where(p => p.Authorities.Length > 0).SelectMany(p => p.OpenAuthorities("the pinned authority"))];
        try
        {
            List<RootMetadata> chain = [newest];
            for (RootMetadata at = newest; !IsPinned(at, ids, authorities);)
            {
                if (at.Version == 1 || chain.Count > limits.MaxRoots || FindVersion(at.Version - 1) is not { } before)
                    return null;
                CheckLink(before, at);
                chain.Insert(0, at = before);
            }
            return chain;
        }
        finally
        {
            foreach (X509Certificate2 authority in authorities)
                authority.Dispose();
        }
    }

    private List<RootMetadata> Between(RootMetadata anchor, RootMetadata newest)
    {
        if (newest.Version - anchor.Version > limits.MaxRoots)
            throw new ContentTrustException(ContentTrustError.Malformed, "root", $"version {newest.Version} is more than {limits.MaxRoots} after the pinned {anchor.Version} (MaxRoots)", "pin a newer root");
        List<RootMetadata> chain = [anchor];
        for (long version = anchor.Version + 1; version <= newest.Version; version++)
        {
            RootMetadata next = version == newest.Version ? newest : FindVersion(version)
                ?? throw new ContentTrustException(ContentTrustError.RootSkipped, "root", $"version {version} is not there; it stands between the trusted {anchor.Version} and the newest {newest.Version}",
                    $"a server has it as {version}.root.json; Docker's own folder keeps only the newest: pin that one, or ask the server");
            CheckLink(chain[^1], next);
            chain.Add(next);
        }
        return chain;
    }

    private RootMetadata? FindVersion(long version)
    {
        RootMetadata? found = reader.Find("root", version, null, limits.MaxRootBytes, bytes => new RootMetadata(bytes, limits));
        if (found is null)
            return null;
        Keep(found);
        CheckSelf(found);
        return found.Version == version ? found
            : throw new ContentTrustException(ContentTrustError.RootSkipped, "root", $"{version}.root.json holds version {found.Version}");
    }

    private void CheckLink(RootMetadata before, RootMetadata next)
    {
        if (NameProblem(before, null) is { } problem)
            throw new ContentTrustException(ContentTrustError.RootNotPinned, "root", $"version {before.Version}: {problem}");
        if (TufProof.Count(next, before.Keys, before.Roles["root"].KeyIds) is var signers && signers.Count < before.Roles["root"].Threshold)
            throw new ContentTrustException(ContentTrustError.RootRotation, "root", $"version {next.Version} is signed by {signers.Count} keys of version {before.Version}; wanted {before.Roles["root"].Threshold}",
                "a new root counts only when the keys of the one before signed it");
    }

    /// <summary>Signed by its own keys, as many as it wants itself.</summary>
    private static void CheckSelf(RootMetadata root) => TufProof.Check(root, root.Keys, root.Roles["root"]);

    private void CheckNames(RootMetadata root, DateTimeOffset? at)
    {
        if (NameProblem(root, at) is { } problem)
            throw new ContentTrustException(ContentTrustError.RootNotPinned, "root", $"version {root.Version}: {problem}");
    }

    /// <summary>What keeps enough of the keys that signed a root from speaking for this collection; null when nothing does.</summary>
    private string? NameProblem(RootMetadata root, DateTimeOffset? at)
    {
        List<string> good = [.. root.Roles["root"].KeyIds.Where(id => root.Keys[id].ProblemFor(gun, at) is null)];
        return TufProof.Count(root, root.Keys, good).Count >= root.Roles["root"].Threshold ? null
            : root.Roles["root"].KeyIds.Select(id => root.Keys[id].ProblemFor(gun, at)).FirstOrDefault(p => p is not null) ?? "too few of its keys signed it";
    }

    /// <summary>Whether pinned keys alone reach the threshold.</summary>
    private bool IsPinned(RootMetadata root, HashSet<string> ids, X509Certificate2Collection authorities)
    {
        List<string> pinned = [];
        foreach (string id in root.Roles["root"].KeyIds.Distinct(StringComparer.Ordinal))
        {
            TufKey key = root.Keys[id];
            if ((ids.Contains(key.Id) || ids.Contains(key.CanonicalId) || (authorities.Count > 0 && key.IsIssuedBelow(authorities, now))) && key.ProblemFor(gun, null) is null)
                pinned.Add(id);
        }
        return TufProof.Count(root, root.Keys, pinned).Count >= root.Roles["root"].Threshold;
    }

    private static IEnumerable<string> KeyIdsOf(RootMetadata root) => root.Roles["root"].KeyIds.Take(8);

    public void Dispose()
    {
        foreach (RootMetadata root in _opened)
            root.Dispose();
    }
}

/// <summary>Counts who signed.</summary>
internal static class TufProof
{
    /// <summary>The different keys among these that signed, by <see cref="TufKey.SignerId"/>, with the id that each signed under.</summary>
    public static IReadOnlyDictionary<string, string> Count(TufMetadata metadata, IReadOnlyDictionary<string, TufKey> keys, IReadOnlyList<string> allowed)
    {
        Dictionary<string, string> signers = new(StringComparer.Ordinal);
        foreach (TufSignature signature in metadata.Signatures)
            if (allowed.Contains(signature.KeyId, StringComparer.Ordinal) && keys.TryGetValue(signature.KeyId, out TufKey? key) && !signers.ContainsKey(key.SignerId)
                && key.Verify(signature.Method, metadata.SignedBytes, signature.Signature.Span))
                signers.Add(key.SignerId, key.Id);
        return signers;
    }

    /// <exception cref="ContentTrustException">Threshold.</exception>
    public static IReadOnlyDictionary<string, string> Check(TufMetadata metadata, IReadOnlyDictionary<string, TufKey> keys, RoleKeys role)
    {
        IReadOnlyDictionary<string, string> signers = Count(metadata, keys, role.KeyIds);
        return signers.Count >= role.Threshold ? signers
            : throw new ContentTrustException(ContentTrustError.Threshold, metadata.Role, $"version {metadata.Version} is signed by {signers.Count} different keys of its role; wanted {role.Threshold}");
    }

    /// <exception cref="ContentTrustException">Expired.</exception>
    public static void CheckExpiry(TufMetadata metadata, DateTimeOffset now)
    {
        if (metadata.Expires <= now)
            throw new ContentTrustException(ContentTrustError.Expired, metadata.Role, $"version {metadata.Version} ended on {Written(metadata.Expires)}; it is {Written(now)} now");
    }

    public static string Written(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
