namespace Plimsoll.ContentTrust;

/// <summary>What a collection's metadata says, all of it proved from a pinned root.</summary>
/// <param name="Gun">The collection: a repository with its host.</param>
public sealed record TrustedCollection(string Gun)
{
    /// <summary>Root, timestamp, snapshot and targets, then delegations in the order in which they were reached.</summary>
    public IReadOnlyList<TrustedRole> Roles { get; init; } = [];

    /// <summary>In the order of their roles, then by name. One name may stand there once for each role.</summary>
    public IReadOnlyList<TrustedTarget> Targets { get; init; } = [];

    /// <summary>What did not count although somebody wrote it there: delegations that cannot be believed, and targets outside their paths.</summary>
    public IReadOnlyList<ContentTrustRemark> Remarks { get; init; } = [];

    /// <summary>The targets of one name in a role, or null.</summary>
    public TrustedTarget? Find(string role, string name) => Targets.FirstOrDefault(t => t.Role == role && t.Name == name);
}

/// <summary>One role whose file was proved.</summary>
/// <param name="Digest">SHA-256 over what is signed of it.</param>
/// <param name="Signers">Ids of the keys that signed it, each different.</param>
/// <param name="SignerIds">Of the same keys what is equal for every id of one key (<see cref="TufKey.SignerId"/>).</param>
public sealed record TrustedRole(string Name, long Version, DateTimeOffset Expires, string Digest, int Threshold, IReadOnlyList<string> Signers, IReadOnlyList<string> SignerIds);

/// <param name="Name">Of an image: its tag. Untrusted text, though signed.</param>
/// <param name="Role">Who says so: <c>targets</c>, <c>targets/releases</c>.</param>
public sealed record TrustedTarget(string Name, FileMeta Meta, string Role);

/// <param name="Code"><c>outside-paths</c>, <c>delegation-unsigned</c>, <c>delegation-expired</c>, <c>delegation-missing</c>, <c>delegation-malformed</c>.</param>
/// <param name="Text">Role, what was seen and what was wanted.</param>
/// <param name="Count">Targets that are left out by it; 0 when that is not known.</param>
public sealed record ContentTrustRemark(string Code, string Role, string Text, int Count);

/// <summary>Remembers which versions were seen, so that older ones cannot come back.</summary>
public interface IContentTrustMemory
{
    /// <summary>The newest that was seen of a role; null when none was.</summary>
    SeenMetadata? Find(string gun, string role);

    /// <summary>Told of a whole collection that is right.</summary>
    void Remember(string gun, IReadOnlyList<SeenMetadata> seen);
}

/// <param name="Digest">Of what was signed; empty when it is not known.</param>
public sealed record SeenMetadata(string Role, long Version, string Digest);
