using System.Globalization;
using Plimsoll.Texts;

namespace Plimsoll.ContentTrust;

/// <summary>Proves a collection from a pinned root: root, timestamp, snapshot, targets, delegations, each by the one before.</summary>
/// <remarks>Source: TUF specification 1.0, 5; theupdateframework/notary, tuf/builder.go and client/tufclient.go. Here: docs/formats/content-trust.md.</remarks>
public static class CollectionReader
{
    /// <param name="gun">As <see cref="CollectionName.Parse"/> gives it.</param>
    /// <param name="pins">Any of them will do; without one nothing is believed.</param>
    /// <param name="memory">Null: versions are neither compared with those seen before nor remembered.</param>
    /// <param name="now">Decides what has expired.</param>
    /// <exception cref="ContentTrustException">Nothing of it counts; why.</exception>
    /// <exception cref="OperationCanceledException">Asked for.</exception>
    public static TrustedCollection Read(IMetadataSource source, string gun, IReadOnlyList<RootPin> pins, IContentTrustMemory? memory, DateTimeOffset now,
        ContentTrustLimits? limits = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(pins);
        using Walk walk = new(source, gun, memory, now, limits ?? ContentTrustLimits.Default, cancellationToken);
        return walk.Read(pins);
    }

    /// <summary>Which collection the newest root says it is of, which nobody has proved; null when it names none, or more than one.</summary>
    /// <exception cref="ContentTrustException">There is no root that could be read.</exception>
    public static string? FindName(IMetadataSource source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        ContentTrustLimits limits = ContentTrustLimits.Default;
        using RootMetadata root = new MetadataReader(source, limits, cancellationToken).Get("root", null, null, limits.MaxRootBytes, bytes => new RootMetadata(bytes, limits));
        string?[] names = [.. root.Roles["root"].KeyIds.Select(id => root.Keys[id].CommonName).Distinct(StringComparer.Ordinal)];
        return names is [{ } name] && CollectionName.IsOne(name) ? name : null;
    }

    private sealed class Walk(IMetadataSource source, string gun, IContentTrustMemory? memory, DateTimeOffset now, ContentTrustLimits limits, CancellationToken cancellationToken) : IDisposable
    {
        private readonly MetadataReader _reader = new(source, limits, cancellationToken);
        private readonly List<TrustedRole> _roles = [];
        private readonly List<TrustedTarget> _targets = [];
        private readonly List<ContentTrustRemark> _remarks = [];
        private readonly List<IDisposable> _opened = [];
        private int _delegations;

        public TrustedCollection Read(IReadOnlyList<RootPin> pins)
        {
            RootChain chain = new(gun, _reader, limits, now);
            _opened.Add(chain);
            RootMetadata root = chain.Find(pins, root => CheckSeen(root, mayBeOlder: true));
            CheckSeen(root, mayBeOlder: false);
            Take(root, root.Keys, root.Roles["root"]);
            TimestampMetadata timestamp = Open(_reader.Get("timestamp", null, null, limits.MaxTimestampBytes, bytes => new TimestampMetadata(bytes, limits)));
            Take(timestamp, root.Keys, root.Roles["timestamp"]);
            SnapshotMetadata snapshot = Open(Get("snapshot", "timestamp", timestamp.Snapshot, limits.MaxSnapshotBytes, bytes => new SnapshotMetadata(bytes, limits)));
            Take(snapshot, root.Keys, root.Roles["snapshot"]);
            if (Listed(snapshot, "root").Difference(root.Bytes.Span) is { } different)
                throw new ContentTrustException(ContentTrustError.Mismatch, "root", $"is not the one of snapshot {snapshot.Version}: {different}");
            TargetsMetadata targets = Open(Get("targets", "snapshot", Listed(snapshot, "targets"), limits.MaxTargetsBytes, bytes => new TargetsMetadata("targets", bytes, limits)));
            Take(targets, root.Keys, root.Roles["targets"]);
            Add(targets, [""]);
            Delegated(targets, [""], snapshot);
            memory?.Remember(gun, [.. _roles.Select(r => new SeenMetadata(r.Name, r.Version, r.Digest))]);
            return new TrustedCollection(gun) { Roles = _roles, Targets = _targets, Remarks = _remarks };
        }

        /// <summary>Every delegation below a role that the snapshot lists: depth first, in the order of the file.</summary>
        /// <param name="paths">What the role itself may sign; what it delegates beyond that is not delegated.</param>
        private void Delegated(TargetsMetadata parent, IReadOnlyList<string> paths, SnapshotMetadata snapshot)
        {
            foreach (DelegatedRole role in parent.Delegations)
            {
                // One that nobody has signed into yet is no failure.
                if (!snapshot.Files.TryGetValue(role.Name, out FileMeta? meta))
                    continue;
                if (TufRole.DepthOf(role.Name) > limits.MaxDelegationDepth)
                    throw new ContentTrustException(ContentTrustError.Malformed, role.Name, $"delegations nest more than {limits.MaxDelegationDepth} deep (MaxDelegationDepth)");
                if (++_delegations > limits.MaxDelegations)
                    throw new ContentTrustException(ContentTrustError.Malformed, role.Name, $"there are more than {limits.MaxDelegations} delegations (MaxDelegations)");
                string[] allowed = [.. role.Paths.Where(p => paths.Any(beginning => p.StartsWith(beginning, StringComparison.Ordinal)))];
                if (OpenDelegation(role, meta, parent) is { } opened)
                {
                    Add(opened, allowed);
                    Delegated(opened, allowed, snapshot);
                }
            }
        }

        /// <summary>Null with a remark where the delegation alone does not count: its signer can break no other's word. A wrong hash or version breaks all.</summary>
        private TargetsMetadata? OpenDelegation(DelegatedRole role, FileMeta meta, TargetsMetadata parent)
        {
            try
            {
                TargetsMetadata opened = Open(Get(role.Name, "snapshot", meta, limits.MaxTargetsBytes, bytes => new TargetsMetadata(role.Name, bytes, limits)));
                Take(opened, parent.Keys, role);
                return opened;
            }
            catch (ContentTrustException e) when (e.Error is ContentTrustError.Threshold or ContentTrustError.Expired or ContentTrustError.Missing or ContentTrustError.Malformed)
            {
                _remarks.Add(new ContentTrustRemark(e.Error switch
                {
                    ContentTrustError.Threshold => "delegation-unsigned",
                    ContentTrustError.Expired => "delegation-expired",
                    ContentTrustError.Missing => "delegation-missing",
                    _ => "delegation-malformed",
                }, role.Name, e.Message, 0));
                return null;
            }
        }

        private void Add(TargetsMetadata role, IReadOnlyList<string> paths)
        {
            List<string> outside = [];
            foreach ((string name, FileMeta meta) in role.Targets.OrderBy(t => t.Key, StringComparer.Ordinal))
                if (!paths.Any(p => name.StartsWith(p, StringComparison.Ordinal)))
                    outside.Add(name);
                else if (_targets.Count == limits.MaxTargets)
                    throw new ContentTrustException(ContentTrustError.Malformed, role.Role, $"there are more than {limits.MaxTargets} targets (MaxTargets)");
                else
                    _targets.Add(new TrustedTarget(name, meta, role.Role));
            if (outside.Count > 0)
                _remarks.Add(new ContentTrustRemark("outside-paths", role.Role, $"{role.Role}: {string.Join(", ", outside.Take(5).Select(Escape.Quote))}{(outside.Count > 5 ? ", …" : "")} {(outside.Count == 1 ? "is" : "are")} outside its paths: {(paths.Count == 0 ? "none" : string.Join(", ", paths.Take(5).Select(Escape.Quote)))}", outside.Count));
        }

        private static FileMeta Listed(SnapshotMetadata snapshot, string role) => snapshot.Files.TryGetValue(role, out FileMeta? meta) ? meta
            : throw new ContentTrustException(ContentTrustError.Mismatch, role, $"snapshot {snapshot.Version} does not list it");

        private T Get<T>(string role, string by, FileMeta meta, int maxBytes, Func<ReadOnlyMemory<byte>, T> parse) where T : TufMetadata
        {
            if (meta.Length > maxBytes)
                throw new ContentTrustException(ContentTrustError.Malformed, role, $"the {by} states {meta.Length} bytes, at most {maxBytes} are read");
            return _reader.Get(role, null, meta.Sha256.IsEmpty ? null : Convert.ToHexStringLower(meta.Sha256.Span), maxBytes, bytes =>
                meta.Difference(bytes.Span) is { } different ? throw new ContentTrustException(ContentTrustError.Mismatch, role, $"is not the one that the {by} names: {different}") : parse(bytes));
        }

        private T Open<T>(T metadata) where T : TufMetadata
        {
            _opened.Add(metadata);
            return metadata;
        }

        private void Take(TufMetadata metadata, IReadOnlyDictionary<string, TufKey> keys, RoleKeys role)
        {
            IReadOnlyDictionary<string, string> signers = TufProof.Check(metadata, keys, role);
            if (metadata is not RootMetadata)
                CheckSeen(metadata, mayBeOlder: false);
            TufProof.CheckExpiry(metadata, now);
            _roles.Add(new TrustedRole(metadata.Role, metadata.Version, metadata.Expires, metadata.Digest, role.Threshold, [.. signers.Values], [.. signers.Keys]));
        }

        /// <summary>No older version than was seen, and no other content under the same one.</summary>
        /// <param name="mayBeOlder">It is a root before the newest, which is old by right; one of the version that was seen is compared all the same.</param>
        private void CheckSeen(TufMetadata metadata, bool mayBeOlder)
        {
            if (memory?.Find(gun, metadata.Role) is not { } seen)
                return;
            if (metadata.Version < seen.Version && !mayBeOlder)
                throw new ContentTrustException(ContentTrustError.RolledBack, metadata.Role, $"version {metadata.Version}; {seen.Version.ToString(CultureInfo.InvariantCulture)} was seen before");
            if (metadata.Version == seen.Version && seen.Digest.Length > 0 && seen.Digest != metadata.Digest)
                throw new ContentTrustException(ContentTrustError.RolledBack, metadata.Role, $"version {metadata.Version} has other content than was seen under that version");
        }

        public void Dispose()
        {
            foreach (IDisposable opened in _opened)
                opened.Dispose();
        }
    }
}

/// <summary>Reads files of a source within one bound for all, and names the role in every error.</summary>
internal sealed class MetadataReader(IMetadataSource source, ContentTrustLimits limits, CancellationToken cancellationToken)
{
    private long _bytes;

    public T Get<T>(string role, long? version, string? sha256, int maxBytes, Func<ReadOnlyMemory<byte>, T> parse) where T : TufMetadata =>
        Find(role, version, sha256, maxBytes, parse) ?? throw new ContentTrustException(ContentTrustError.Missing, role, $"{Escape.ForTerminal(source.Name)} has no {role}.json");

    /// <summary>Null when the source has none.</summary>
    public T? Find<T>(string role, long? version, string? sha256, int maxBytes, Func<ReadOnlyMemory<byte>, T> parse) where T : TufMetadata
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (source.Find(role, version, sha256, maxBytes, cancellationToken) is not { } bytes)
            return null;
        if (bytes.Length > maxBytes || (_bytes += bytes.Length) > limits.MaxTotalBytes)
            throw new ContentTrustException(ContentTrustError.Malformed, role, bytes.Length > maxBytes ? $"{bytes.Length} bytes, at most {maxBytes}" : $"more than {limits.MaxTotalBytes} bytes of metadata (MaxTotalBytes)");
        try
        {
            return parse(bytes);
        }
        catch (TufFormatException e)
        {
            throw new ContentTrustException(ContentTrustError.Malformed, role, e.Message, inner: e);
        }
    }
}
