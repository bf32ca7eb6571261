using System.Globalization;
using System.Text;
using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.Sign;

namespace Plimsoll.Cli;

/// <summary>One version of a stored key.</summary>
/// <param name="Number">1 and up.</param>
/// <param name="Id">Of its public key; see <see cref="PublicKey.Id"/>.</param>
/// <param name="Revoked">When it was revoked; null when it was not.</param>
internal sealed record StoredVersion(int Number, DateTimeOffset Created, KeyAlgorithm Algorithm, string Id, DateTimeOffset? Revoked = null, string? Reason = null);

/// <summary>What <c>key.json</c> holds of a stored key. Source: docs/formats/keys.md, "Key store".</summary>
/// <param name="RotationDays">Age at which a version is due for rotation.</param>
/// <param name="Versions">At least one, ascending.</param>
internal sealed record StoredKey(string Name, int RotationDays, IReadOnlyList<StoredVersion> Versions)
{
    public const int DefaultRotationDays = 90;
    public const int MaxRotationDays = 3660;

    /// <summary>Versions of one key: as many as <see cref="KeyFile.MaxKeys"/>, so that all fit into one file of public keys.</summary>
    public const int MaxVersions = KeyFile.MaxKeys;

    private const int Schema = 1;
    private const string TimeForm = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    /// <summary>The version that signs; null when every one was revoked.</summary>
    public StoredVersion? Current => Versions.LastOrDefault(v => v.Revoked is null);

    public bool IsDue(DateTimeOffset now) => Current is { } current && now - current.Created >= TimeSpan.FromDays(RotationDays);

    public byte[] ToJson()
    {
        CanonicalJson json = new();
        json.BeginObject().Number("schema", Schema).Number("rotationDays", RotationDays).BeginArray("versions");
        foreach (StoredVersion version in Versions)
            json.BeginObject().Number("version", version.Number).Text("created", Written(version.Created)).Text("algorithm", version.Algorithm.Word()).Text("id", version.Id)
                .Optional("revoked", version.Revoked is { } revoked ? Written(revoked) : null).Optional("reason", version.Reason).EndObject();
        return [.. json.EndArray().EndObject().ToBytes(), (byte)'\n'];
    }

    /// <exception cref="FormatException">It is none; the message says what was wanted.</exception>
    public static StoredKey Parse(ReadOnlyMemory<byte> content, string name)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(content, new JsonDocumentOptions { MaxDepth = 8 });
            JsonElement root = document.RootElement;
            if (root.GetProperty("schema").GetInt32() is var schema && schema != Schema)
                throw new FormatException($"schema {schema}; this Plimsoll reads {Schema}");
            List<StoredVersion> versions = [];
            foreach (JsonElement one in root.GetProperty("versions").EnumerateArray())
            {
                int number = one.GetProperty("version").GetInt32();
                string id = one.GetProperty("id").GetString() ?? "";
                if (number <= (versions.Count == 0 ? 0 : versions[^1].Number) || versions.Count == MaxVersions)
                    throw new FormatException($"version {number} is out of order, or one of more than {MaxVersions}");
                if (id.Length != 64 || !id.All(char.IsAsciiHexDigitLower))
                    throw new FormatException($"version {number} has no key id");
                if (!KeyAlgorithms.TryParse(one.GetProperty("algorithm").GetString(), out KeyAlgorithm algorithm))
                    throw new FormatException($"version {number} has an unknown algorithm");
                versions.Add(new StoredVersion(number, Read(one.GetProperty("created")), algorithm, id,
                    one.TryGetProperty("revoked", out JsonElement revoked) ? Read(revoked) : null, one.TryGetProperty("reason", out JsonElement reason) ? reason.GetString() : null));
            }
            int days = root.GetProperty("rotationDays").GetInt32();
            return versions.Count > 0 && days is >= 1 and <= MaxRotationDays ? new StoredKey(name, days, versions)
                : throw new FormatException($"no version, or a rotation age that is not 1 to {MaxRotationDays} days");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new FormatException(e.Message, e);
        }
    }

    internal static string Written(DateTimeOffset time) => time.UtcDateTime.ToString(TimeForm, CultureInfo.InvariantCulture);

    private static DateTimeOffset Read(JsonElement time) =>
        DateTimeOffset.ParseExact(time.GetString() ?? "", TimeForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
}
