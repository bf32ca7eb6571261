using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Plimsoll.ContentTrust;
using Plimsoll.Tests.Verify;

namespace Plimsoll.Tests.ContentTrust;

/// <summary>A collection of Notary v1, as good as it can be but for what a test says.</summary>
internal sealed class CollectionBuilder
{
    public const string Gun = TrustBuilder.Repository;

    /// <summary>What the tag 1.4 is: the manifest of <see cref="TrustBuilder"/>.</summary>
    public static byte[] Image { get; } = "manifest"u8.ToArray();

    public static DateTimeOffset Now => TrustBuilder.Now;

    // Keys cost time to make; no test changes one.
    public static TestKey RootKey { get; } = TestKey.Root(Gun);
    public static TestKey NextRoot { get; } = TestKey.Root(Gun);
    public static TestKey TargetsKey { get; } = TestKey.Ecdsa();
    public static TestKey SnapshotKey { get; } = TestKey.Ed25519();
    public static TestKey TimestampKey { get; } = TestKey.Ed25519();
    public static TestKey Alice { get; } = TestKey.Rsa();
    public static TestKey Bob { get; } = TestKey.Ecdsa();
    public static TestKey Stranger { get; } = TestKey.Root(Gun);

    public sealed record RootSpec(long Version, IReadOnlyList<TestKey> Keys, IReadOnlyList<TestKey> SignedBy, int Threshold = 1);

    public sealed record Delegation(string Name, IReadOnlyList<TestKey> Keys, IReadOnlyList<TestKey> SignedBy, IReadOnlyList<string> Paths, IReadOnlyDictionary<string, byte[]> Targets, int Threshold = 1);

    public List<RootSpec> Roots { get; set; } = [new(1, [RootKey], [RootKey])];

    /// <summary>Versions that only a server would have; a saved folder has the newest alone.</summary>
    public bool KeepOldRoots { get; set; } = true;
    public Dictionary<string, byte[]> Targets { get; } = new(StringComparer.Ordinal) { ["1.4"] = Image };
    public List<Delegation> Delegations { get; } = [];
    public (IReadOnlyList<TestKey> Keys, IReadOnlyList<TestKey> SignedBy, int Threshold) Snapshot { get; set; } = ([SnapshotKey], [SnapshotKey], 1);
    public Dictionary<string, long> Versions { get; } = new(StringComparer.Ordinal) { ["timestamp"] = 5, ["snapshot"] = 4, ["targets"] = 3 };
    public Dictionary<string, DateTimeOffset> Ends { get; } = new(StringComparer.Ordinal) { ["timestamp"] = Now.AddDays(10) };

    /// <summary>By role: changes what is about to be signed.</summary>
    public Dictionary<string, Action<JsonObject>> Change { get; } = new(StringComparer.Ordinal);

    /// <summary>By role: changes the file after it was signed, before others state its hash.</summary>
    public Dictionary<string, Func<string, string>> Written { get; } = new(StringComparer.Ordinal);

    /// <summary>A rotation that is signed as it must be, or by these.</summary>
    public CollectionBuilder Rotate(params TestKey[] signedBy)
    {
        Roots.Add(new RootSpec(Roots[^1].Version + 1, [NextRoot], signedBy.Length > 0 ? signedBy : [RootKey, NextRoot]));
        return this;
    }

    public CollectionBuilder Delegate(string name, TestKey key, string[]? paths = null, TestKey? signedBy = null, params (string Name, byte[] Content)[] targets)
    {
        Delegations.Add(new Delegation(name, [key], [signedBy ?? key], paths ?? [""], targets.ToDictionary(t => t.Name, t => t.Content)));
        return this;
    }

    public CollectionBuilder With(Action<CollectionBuilder> change)
    {
        change(this);
        return this;
    }

    public MemoryMetadata Build()
    {
        MemoryMetadata built = new();
        foreach (RootSpec root in Roots)
        {
            byte[] bytes = Root(root);
            if (KeepOldRoots || root == Roots[^1])
                built.Files[$"{root.Version}.root.json"] = bytes;
            built.Files["root.json"] = bytes;
        }
        built.Files["targets.json"] = TargetsFile("targets", [TargetsKey], Targets);
        foreach (Delegation one in Delegations)
            built.Files[$"{one.Name}.json"] = TargetsFile(one.Name, one.SignedBy, one.Targets);
        JsonObject meta = [];
        foreach (string role in (string[])["root", "targets", .. Delegations.Select(d => d.Name)])
            meta[role] = Meta(built.Files[$"{role}.json"]);
        built.Files["snapshot.json"] = File("snapshot", "Snapshot", new JsonObject { ["meta"] = meta }, Snapshot.SignedBy);
        built.Files["timestamp.json"] = File("timestamp", "Timestamp", new JsonObject { ["meta"] = new JsonObject { ["snapshot"] = Meta(built.Files["snapshot.json"]) } }, [TimestampKey]);
        return built;
    }

    public static JsonObject Meta(byte[] content) => new()
    {
        ["hashes"] = new JsonObject { ["sha256"] = Convert.ToBase64String(SHA256.HashData(content)), ["sha512"] = Convert.ToBase64String(SHA512.HashData(content)) },
        ["length"] = content.Length,
    };

    private byte[] Root(RootSpec root)
    {
        JsonObject keys = [], roles = [];
        foreach (TestKey key in (TestKey[])[.. root.Keys, TargetsKey, .. Snapshot.Keys, TimestampKey])
            keys[key.Id] = key.Json;
        roles["root"] = Role(root.Keys, root.Threshold);
        roles["targets"] = Role([TargetsKey], 1);
        roles["snapshot"] = Role(Snapshot.Keys, Snapshot.Threshold);
        roles["timestamp"] = Role([TimestampKey], 1);
        Versions["root"] = root.Version;
        return File("root", "Root", new JsonObject { ["consistent_snapshot"] = false, ["keys"] = keys, ["roles"] = roles }, root.SignedBy);
    }

    private static JsonObject Role(IReadOnlyList<TestKey> keys, int threshold) => new() { ["keyids"] = new JsonArray([.. keys.Select(k => (JsonNode)k.Id)]), ["threshold"] = threshold };

    private byte[] TargetsFile(string role, IReadOnlyList<TestKey> signedBy, IReadOnlyDictionary<string, byte[]> targets)
    {
        JsonObject listed = [], keys = [];
        foreach ((string name, byte[] content) in targets)
            listed[name] = Meta(content);
        JsonArray roles = [];
        foreach (Delegation child in Delegations.Where(d => TufRole.ParentOf(d.Name) == role))
        {
            foreach (TestKey key in child.Keys)
                keys[key.Id] = key.Json;
            JsonObject one = Role(child.Keys, child.Threshold);
            one["name"] = child.Name;
            one["paths"] = new JsonArray([.. child.Paths.Select(p => (JsonNode)p)]);
            roles.Add((JsonNode)one);
        }
        return File(role, "Targets", new JsonObject { ["delegations"] = new JsonObject { ["keys"] = keys, ["roles"] = roles }, ["targets"] = listed }, signedBy);
    }

    private byte[] File(string role, string type, JsonObject signed, IReadOnlyList<TestKey> signedBy)
    {
        signed["_type"] = type;
        signed["version"] = Versions.GetValueOrDefault(role, 1);
        signed["expires"] = Ends.GetValueOrDefault(role, Now.AddYears(3)).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss") + ".123456789Z";
        Change.GetValueOrDefault(role)?.Invoke(signed);
        return Encoding.UTF8.GetBytes(Written.GetValueOrDefault(role, text => text)(Signed(signed, signedBy)));
    }

    /// <summary>The file, members in the order they were added: what is signed is the canonical form, whatever the file looks like.</summary>
    public static string Signed(JsonObject signed, IReadOnlyList<TestKey> signedBy)
    {
        using JsonDocument document = JsonDocument.Parse(signed.ToJsonString());
        byte[] canonical = TufJson.Canonical(document.RootElement);
        return new JsonObject { ["signed"] = signed, ["signatures"] = new JsonArray([.. signedBy.Select(k => (JsonNode)k.Sign(canonical))]) }.ToJsonString();
    }

    /// <summary>What the reader makes of it, the first root pinned by its file unless other pins are given.</summary>
    public TrustedCollection Read(params RootPin[] pins)
    {
        MemoryMetadata built = Build();
        return built.Read(pins.Length > 0 ? pins : [RootPin.OfFile(built.Files[$"{Roots[0].Version}.root.json"], "pin")]);
    }
}

/// <summary>Files of metadata in memory.</summary>
internal sealed class MemoryMetadata : IMetadataSource
{
    public SortedDictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);
    public string Name => "memory";

    public ReadOnlyMemory<byte>? Find(string role, long? version, string? sha256, int maxBytes, CancellationToken cancellationToken) =>
        Files.TryGetValue(version is { } number ? $"{number}.{role}.json" : $"{role}.json", out byte[]? bytes) ? new ReadOnlyMemory<byte>(bytes) : (ReadOnlyMemory<byte>?)null;

    public TrustedCollection Read(IReadOnlyList<RootPin> pins, IContentTrustMemory? memory = null, DateTimeOffset? now = null, ContentTrustLimits? limits = null, string gun = CollectionBuilder.Gun) =>
        CollectionReader.Read(this, gun, pins, memory, now ?? CollectionBuilder.Now, limits, TestContext.Current.CancellationToken);

    public MemoryMetadata With(string file, byte[] content)
    {
        Files[file] = content;
        return this;
    }

    public void Dispose()
    {
    }
}

internal sealed class MemoryVersions : IContentTrustMemory
{
    public Dictionary<string, SeenMetadata> Seen { get; } = new(StringComparer.Ordinal);

    public SeenMetadata? Find(string gun, string role) => Seen.GetValueOrDefault($"{gun} {role}");

    public void Remember(string gun, IReadOnlyList<SeenMetadata> seen)
    {
        foreach (SeenMetadata one in seen)
            Seen[$"{gun} {one.Role}"] = one;
    }
}
