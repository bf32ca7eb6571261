using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Plimsoll.Texts;

namespace Plimsoll.ContentTrust;

/// <summary>Length and hashes of a file, as another file states them.</summary>
/// <param name="Sha256">32 bytes, or empty; of both at least one is there.</param>
/// <param name="Sha512">64 bytes, or empty.</param>
public sealed record FileMeta(long Length, ReadOnlyMemory<byte> Sha256, ReadOnlyMemory<byte> Sha512)
{
    /// <summary>What of these bytes is other than stated; null when nothing is.</summary>
    public string? Difference(ReadOnlySpan<byte> content) =>
        content.Length != Length ? $"{content.Length} bytes; stated are {Length}"
        : !Sha256.IsEmpty && !SHA256.HashData(content).AsSpan().SequenceEqual(Sha256.Span) ? $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}; stated is {Convert.ToHexStringLower(Sha256.Span)}"
        : !Sha512.IsEmpty && !SHA512.HashData(content).AsSpan().SequenceEqual(Sha512.Span) ? $"sha512:{Convert.ToHexStringLower(SHA512.HashData(content))}; stated is {Convert.ToHexStringLower(Sha512.Span)}"
        : null;

    internal static FileMeta Parse(JsonElement element, string what)
    {
        long length = TufJson.NumberOf(TufJson.Get(element, "length", what));
        JsonElement hashes = TufJson.Get(element, "hashes", what);
        byte[] sha256 = HashOf(hashes, "sha256", 32, what), sha512 = HashOf(hashes, "sha512", 64, what);
        if (length < 0)
            throw new TufFormatException($"{what} has the length {length}");
        return sha256.Length + sha512.Length > 0 ? new FileMeta(length, sha256, sha512) : throw new TufFormatException($"{what} has neither sha256 nor sha512");
    }

    private static byte[] HashOf(JsonElement hashes, string name, int length, string what)
    {
        if (TufJson.Find(hashes, name, $"the hashes of {what}") is not { } found)
            return [];
        byte[] hash = TufJson.Bytes(found, name);
        return hash.Length == length ? hash : throw new TufFormatException($"{what} has a {name} of {hash.Length} bytes; wanted {length}");
    }
}

/// <summary>Who may sign for a role.</summary>
internal record RoleKeys(IReadOnlyList<string> KeyIds, int Threshold)
{
    public static RoleKeys Parse(JsonElement element, string what, IReadOnlyDictionary<string, TufKey> keys, ContentTrustLimits limits)
    {
        IReadOnlyList<string> ids = TufJson.Texts(TufJson.Get(element, "keyids", what), $"keyids of {what}", limits.MaxKeys);
        foreach (string id in ids)
            if (!keys.ContainsKey(id))
                throw new TufFormatException($"{what} names the key {TufKey.Short(id)}, which is not there");
        long threshold = TufJson.NumberOf(TufJson.Get(element, "threshold", what));
        return threshold is >= 1 and <= int.MaxValue ? new RoleKeys(ids, (int)threshold) : throw new TufFormatException($"{what} has the threshold {threshold}");
    }
}

/// <param name="Paths">Beginnings of the names that it may sign; empty: none.</param>
internal sealed record DelegatedRole(string Name, IReadOnlyList<string> KeyIds, int Threshold, IReadOnlyList<string> Paths) : RoleKeys(KeyIds, Threshold);

internal sealed record TufSignature(string KeyId, string Method, ReadOnlyMemory<byte> Signature);

/// <summary>One file of metadata: its role's content, what is signed of it, and by whom it claims to be.</summary>
internal abstract class TufMetadata : IDisposable
{
    private readonly JsonDocument _document;

    protected TufMetadata(string role, string type, ReadOnlyMemory<byte> bytes, ContentTrustLimits limits)
    {
        (Role, Bytes, Limits) = (role, bytes, limits);
        _document = TufJson.Parse(bytes);
        try
        {
            JsonElement root = _document.RootElement;
            Signed = TufJson.Get(root, "signed", "the file");
            SignedBytes = TufJson.Canonical(Signed);
            Digest = $"sha256:{Convert.ToHexStringLower(SHA256.HashData(SignedBytes))}";
            JsonElement signatures = TufJson.Get(root, "signatures", "the file");
            if (signatures.ValueKind != JsonValueKind.Array || signatures.GetArrayLength() > limits.MaxSignatures)
                throw new TufFormatException($"signatures are no list of at most {limits.MaxSignatures} (MaxSignatures)");
            foreach (JsonElement one in signatures.EnumerateArray())
                Signatures.Add(new TufSignature(TufJson.TextOf(TufJson.Get(one, "keyid", "a signature")), TufJson.TextOf(TufJson.Get(one, "method", "a signature")).ToLowerInvariant(),
                    TufJson.Bytes(TufJson.Get(one, "sig", "a signature"), "sig")));
            if (TufJson.TextOf(TufJson.Get(Signed, "_type", "signed")) is var stated && stated != type)
                throw new TufFormatException($"it is of type {Escape.Quote(stated)}; wanted {type}");
            Version = TufJson.NumberOf(TufJson.Get(Signed, "version", "signed"));
            if (Version < 1)
                throw new TufFormatException($"it has the version {Version}; wanted 1 or more");
            Expires = TimeOf(TufJson.Get(Signed, "expires", "signed"));
        }
        catch
        {
            _document.Dispose();
            throw;
        }
    }

    public string Role { get; }

    /// <summary>The whole file.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The canonical form of what is signed.</summary>
    public byte[] SignedBytes { get; }

    /// <summary>Of <see cref="SignedBytes"/>: the same for a file that was signed again.</summary>
    public string Digest { get; }
    public long Version { get; }
    public DateTimeOffset Expires { get; }
    public List<TufSignature> Signatures { get; } = [];
    protected JsonElement Signed { get; }
    protected ContentTrustLimits Limits { get; }

    /// <summary>The keys of a file, each under its id.</summary>
    protected static Dictionary<string, TufKey> KeysOf(JsonElement element, ContentTrustLimits limits)
    {
        if (element.ValueKind != JsonValueKind.Object || element.GetPropertyCount() > limits.MaxKeys)
            throw new TufFormatException($"keys are no object of at most {limits.MaxKeys} (MaxKeys)");
        Dictionary<string, TufKey> keys = new(StringComparer.Ordinal);
        try
        {
            foreach (JsonProperty member in element.EnumerateObject())
                keys.Add(TufJson.NameOf(member), TufKey.Parse(TufJson.NameOf(member), member.Value));
            return keys;
        }
        catch
        {
            foreach (TufKey key in keys.Values)
                key.Dispose();
            throw;
        }
    }

    /// <summary>As Go writes times, RFC 3339 with up to nine digits of a second; one without a zone is none.</summary>
    private static DateTimeOffset TimeOf(JsonElement element)
    {
        string text = TufJson.TextOf(element);
        bool zoned = text.EndsWith('Z') || (text.Length > 6 && text[^6] is '+' or '-' && text[^3] == ':');
        return zoned && text.Contains('T', StringComparison.Ordinal) && element.TryGetDateTimeOffset(out DateTimeOffset time) ? time
            : throw new TufFormatException($"expires is {Escape.Quote(text)}; wanted a time as 2027-01-31T00:00:00Z");
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) => _document.Dispose();
}

internal sealed class RootMetadata : TufMetadata
{
    public static IReadOnlyList<string> BaseRoles { get; } = ["root", "targets", "snapshot", "timestamp"];

    public RootMetadata(ReadOnlyMemory<byte> bytes, ContentTrustLimits limits) : base("root", "Root", bytes, limits)
    {
        try
        {
            Keys = KeysOf(TufJson.Get(Signed, "keys", "signed"), limits);
            JsonElement roles = TufJson.Get(Signed, "roles", "signed");
            foreach (string role in BaseRoles)
                Roles[role] = RoleKeys.Parse(TufJson.Get(roles, role, "roles"), $"the role {role}", Keys, limits);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IReadOnlyDictionary<string, TufKey> Keys { get; } = new Dictionary<string, TufKey>();
    public Dictionary<string, RoleKeys> Roles { get; } = new(StringComparer.Ordinal);

    protected override void Dispose(bool disposing)
    {
        foreach (TufKey key in Keys.Values)
            key.Dispose();
        base.Dispose(disposing);
    }
}

internal sealed class TimestampMetadata : TufMetadata
{
    public TimestampMetadata(ReadOnlyMemory<byte> bytes, ContentTrustLimits limits) : base("timestamp", "Timestamp", bytes, limits)
    {
        try
        {
            Snapshot = FileMeta.Parse(TufJson.Get(TufJson.Get(Signed, "meta", "signed"), "snapshot", "meta"), "snapshot");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public FileMeta Snapshot { get; }
}

internal sealed class SnapshotMetadata : TufMetadata
{
    public SnapshotMetadata(ReadOnlyMemory<byte> bytes, ContentTrustLimits limits) : base("snapshot", "Snapshot", bytes, limits)
    {
        try
        {
            JsonElement meta = TufJson.Get(Signed, "meta", "signed");
            if (meta.ValueKind != JsonValueKind.Object)
                throw new TufFormatException("meta is no object");
            foreach (JsonProperty member in meta.EnumerateObject())
                Files.Add(TufJson.NameOf(member), FileMeta.Parse(member.Value, $"the file {TufKey.Short(TufJson.NameOf(member))}"));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public Dictionary<string, FileMeta> Files { get; } = new(StringComparer.Ordinal);
}

internal sealed class TargetsMetadata : TufMetadata
{
    /// <summary>Characters of the name of a target. A tag has at most 128; notary's own client takes more.</summary>
    private const int MaxNameCharacters = 1024;
    private const int MaxPaths = 1024;

    public TargetsMetadata(string role, ReadOnlyMemory<byte> bytes, ContentTrustLimits limits) : base(role, "Targets", bytes, limits)
    {
        try
        {
            JsonElement targets = TufJson.Get(Signed, "targets", "signed");
            if (targets.ValueKind != JsonValueKind.Object)
                throw new TufFormatException("targets is no object");
            foreach (JsonProperty member in targets.EnumerateObject())
            {
                string name = TufJson.NameOf(member);
                if (name.Length is 0 or > MaxNameCharacters)
                    throw new TufFormatException($"a target's name has {name.Length} characters; wanted 1 to {MaxNameCharacters}");
                Targets.Add(name, FileMeta.Parse(member.Value, $"the target {Escape.Quote(name)}"));
            }
            if (TufJson.Find(Signed, "delegations", "signed") is { } delegations)
                ReadDelegations(delegations);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public Dictionary<string, FileMeta> Targets { get; } = new(StringComparer.Ordinal);
    public IReadOnlyDictionary<string, TufKey> Keys { get; private set; } = new Dictionary<string, TufKey>();
    public List<DelegatedRole> Delegations { get; } = [];

    private void ReadDelegations(JsonElement delegations)
    {
        if (TufJson.Find(delegations, "keys", "delegations") is { } keys)
            Keys = KeysOf(keys, Limits);
        if (TufJson.Find(delegations, "roles", "delegations") is not { } roles)
            return;
        if (roles.ValueKind != JsonValueKind.Array || roles.GetArrayLength() > Limits.MaxDelegations)
            throw new TufFormatException($"delegations are no list of at most {Limits.MaxDelegations} (MaxDelegations)");
        foreach (JsonElement one in roles.EnumerateArray())
        {
            string name = TufJson.TextOf(TufJson.Get(one, "name", "a delegation"));
            if (!TufRole.IsDelegation(name) || TufRole.ParentOf(name) != Role)
                throw new TufFormatException($"{Escape.Quote(name)} is no delegation of {Role}");
            if (Delegations.Exists(d => d.Name == name))
                throw new TufFormatException($"the delegation {name} stands there twice");
            RoleKeys who = RoleKeys.Parse(one, $"the delegation {name}", Keys, Limits);
            IReadOnlyList<string> paths = TufJson.Find(one, "paths", "a delegation") is { } list ? TufJson.Texts(list, $"paths of {name}", MaxPaths) : [];
            Delegations.Add(new DelegatedRole(name, who.KeyIds, who.Threshold, paths));
        }
    }

    protected override void Dispose(bool disposing)
    {
        foreach (TufKey key in Keys.Values)
            key.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Names of roles.</summary>
public static class TufRole
{
    /// <summary>What Docker signs into when a signer is a delegation, and what it looks into first.</summary>
    public const string Releases = "targets/releases";
    public const string Targets = "targets";
    private const int MaxCharacters = 255;

    /// <summary><c>targets/</c> and one or more names of lower-case letters, digits, dashes and underscores with slashes between.</summary>
    public static bool IsDelegation(string? name) => name is { Length: <= MaxCharacters } && name.StartsWith("targets/", StringComparison.Ordinal)
        && name.Split('/').All(static part => part.Length > 0 && part.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_'));

    public static string ParentOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name[..name.LastIndexOf('/')];
    }

    internal static int DepthOf(string name) => name.Count(static c => c == '/');
}
