using System.Globalization;
using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Verify;

/// <summary>Why a revocation list is not used.</summary>
public enum RevocationListError
{
    /// <summary>No envelope, another payload, over a limit, or not in its canonical form.</summary>
    Malformed = 0,
    BadSignature,
}

/// <summary>A revocation list is not used; the message says what was seen and what was wanted.</summary>
public sealed class RevocationListException(RevocationListError error, string message, string? hint = null, Exception? inner = null) : Exception(message, inner)
{
    public RevocationListError Error { get; } = error;
    public string? Hint { get; } = hint;
}

/// <param name="Id">See <see cref="PublicKey.Id"/>.</param>
/// <param name="Since">For people: what the key signed counts for nothing, whatever time it claims.</param>
public sealed record RevokedKey(string Id, DateTimeOffset Since, string Reason);

/// <param name="Digest">Of an index, a platform's manifest, or a config.</param>
public sealed record RevokedImage(Digest Digest, DateTimeOffset Since, string Reason);

/// <summary>Keys and images that count no longer: canonical JSON in a DSSE envelope, with a counter. Source: docs/formats/revocations.md.</summary>
/// <param name="Counter">1 and up; who remembers a higher one of the same signer refuses this.</param>
/// <param name="Signed">When it was signed, to the second: a list that is too old may be one that somebody withholds the newer ones of.</param>
/// <param name="Keys">Kept by id, each once: the earliest of several.</param>
/// <param name="Images">Kept by digest, each once: the earliest of several.</param>
public sealed record RevocationList(long Counter, DateTimeOffset Signed, IReadOnlyList<RevokedKey> Keys, IReadOnlyList<RevokedImage> Images)
{
    public const string PayloadType = "application/vnd.plimsoll.revocations.v1+json";

    /// <summary>Keys and images of one list.</summary>
    public const int MaxEntries = 20_000;

    /// <summary>Characters of a reason.</summary>
    public const int MaxReasonLength = 200;

    /// <summary>Bytes of the envelope; 20 000 entries with short reasons have some 6 million.</summary>
    public const int MaxBytes = 16 * 1024 * 1024;

    private const string TimeForm = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    public IReadOnlyList<RevokedKey> Keys { get; init => field = Sorted(value, k => k.Id, k => k.Since); } = Sorted(Keys, k => k.Id, k => k.Since);

    public IReadOnlyList<RevokedImage> Images { get; init => field = Sorted(value, i => i.Digest.ToString(), i => i.Since); } = Sorted(Images, i => i.Digest.ToString(), i => i.Since);

    /// <summary>Of the key that signed it; empty for a list that was not opened from a file.</summary>
    public string KeyId { get; init; } = "";

    /// <summary>Null when the key is not revoked.</summary>
    public RevokedKey? FindKey(string id) => Find(Keys, id, k => k.Id);

    /// <summary>Null when the image is not revoked.</summary>
    public RevokedImage? FindImage(Digest digest)
    {
        ArgumentNullException.ThrowIfNull(digest);
        return Find(Images, digest.ToString(), i => i.Digest.ToString());
    }

    /// <summary>SHA-256 of the signed content, 64 hex digits: what tells two lists of one counter apart.</summary>
    public string ContentDigest => Digest.Of(Payload()).Hex;

    /// <summary>The file's content, one line.</summary>
    /// <exception cref="RevocationListException">More than <see cref="MaxEntries"/> or <see cref="MaxBytes"/>, or a reason that is too long.</exception>
    public byte[] Sign(ISigner signer)
    {
        CheckEntries("the revocation list");
        if (Counter < 1)
            throw Malformed($"the revocation list: counter is {Counter}; wanted a number from 1");
        byte[] content = [.. DsseSigning.Sign(PayloadType, Payload(), signer).ToJson(), (byte)'\n'];
        return content.Length <= MaxBytes ? content : throw Malformed($"the revocation list has {content.Length} bytes; wanted at most {MaxBytes} (MaxBytes)");
    }

    /// <summary>Signature first, then the form of the envelope, then its content.</summary>
    /// <param name="name">What the file is called in errors.</param>
    /// <param name="keys">It must be signed by one of them: the versions of a key, the newest first; at least one.</param>
    /// <param name="keyName">What the key is called in errors.</param>
    /// <exception cref="RevocationListException">It is not used; see <see cref="RevocationListError"/>.</exception>
    /// <exception cref="KeyUnsupportedException">It is signed by a hybrid key, which cannot be checked here.</exception>
    public static RevocationList Open(ReadOnlyMemory<byte> content, string name, IReadOnlyList<PublicKey> keys, string keyName)
    {
        ArgumentNullException.ThrowIfNull(keys);
        if (content.Length > MaxBytes)
            throw Malformed($"{name} is longer than {MaxBytes} bytes (MaxBytes)");
        ReadOnlyMemory<byte> line = content.Span.EndsWith("\n"u8) ? content[..^1] : content;
        if (!DsseEnvelope.TryParse(line, out DsseEnvelope? envelope))
            throw Malformed($"{name} is no DSSE envelope");
        if (envelope.Signatures.Count is not (1 or 2))
            throw Malformed($"{name} has {envelope.Signatures.Count} signatures; wanted one, or two of a hybrid key");
        if (DsseSigning.FindSigner(envelope, keys) is not { } key)
            throw new RevocationListException(RevocationListError.BadSignature, $"{name} is not signed by {keyName} (key {keys[0].Id[..16]}…){DsseSigning.Incomplete(envelope, keys)}",
                "use the public key of who signed it; if that is this one, the file was changed");
        if (envelope.Signatures.Count != key.Parts.Count)
            throw Malformed($"{name} has {envelope.Signatures.Count} signatures; wanted {(key.Parts.Count == 1 ? "one" : "two")}");
        // One form only: bytes that no signature covers cannot be varied either.
        if (!DsseSigning.Names(envelope, key) || !line.Span.SequenceEqual(envelope.ToJson()))
            throw Malformed($"{name}: the envelope was changed around its signed content");
        if (envelope.PayloadType != PayloadType)
            throw Malformed($"{name} holds {Escape.Quote(envelope.PayloadType)}; wanted {PayloadType}");
        RevocationList list = Parse(envelope.Payload, name) with { KeyId = key.Id };
        list.CheckEntries(name);
        return envelope.Payload.Span.SequenceEqual(list.Payload()) ? list : throw Malformed($"{name}: the revocation list is not in its canonical form");
    }

    private byte[] Payload()
    {
        CanonicalJson json = new();
        json.BeginObject().Number("counter", Counter).Text("signed", Written(Signed)).BeginArray("keys");
        foreach (RevokedKey key in Keys)
            json.BeginObject().Text("id", key.Id).Text("since", Written(key.Since)).Text("reason", key.Reason).EndObject();
        json.EndArray().BeginArray("images");
        foreach (RevokedImage image in Images)
            json.BeginObject().Text("digest", image.Digest.ToString()).Text("since", Written(image.Since)).Text("reason", image.Reason).EndObject();
        return json.EndArray().EndObject().ToBytes();
    }

    private static RevocationList Parse(ReadOnlyMemory<byte> payload, string name)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(payload, new JsonDocumentOptions { MaxDepth = 4 });
            JsonElement root = document.RootElement, keys = root.GetProperty("keys"), images = root.GetProperty("images");
            // Counted before anything is made of them.
            if ((long)keys.GetArrayLength() + images.GetArrayLength() > MaxEntries)
                throw Malformed($"{name}: more than {MaxEntries} entries (MaxEntries)");
            long counter = root.GetProperty("counter").GetInt64();
            if (counter < 1)
                throw Malformed($"{name}: counter is {counter}; wanted a number from 1");
            return new RevocationList(counter, Read(root.GetProperty("signed")),
                [.. keys.EnumerateArray().Select(k => new RevokedKey(TextOf(k, "id"), Read(k.GetProperty("since")), TextOf(k, "reason")))],
                [.. images.EnumerateArray().Select(i => new RevokedImage(Digest.Parse(TextOf(i, "digest")), Read(i.GetProperty("since")), TextOf(i, "reason")))]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new RevocationListException(RevocationListError.Malformed, $"{name}: no revocation list: {Escape.ForTerminal(e.Message)}", inner: e);
        }
    }

    private void CheckEntries(string name)
    {
        if ((long)Keys.Count + Images.Count > MaxEntries)
            throw Malformed($"{name}: {Keys.Count + Images.Count} entries; wanted at most {MaxEntries} (MaxEntries)");
        foreach (RevokedKey key in Keys)
            if (key.Id.Length != 64 || !key.Id.All(char.IsAsciiHexDigitLower))
                throw Malformed($"{name}: {Escape.Quote(key.Id)} is no key id; wanted 64 lower-case hex digits");
        foreach (string reason in Keys.Select(k => k.Reason).Concat(Images.Select(i => i.Reason)))
            if (reason.Length > MaxReasonLength || reason.Any(char.IsControl))
                throw Malformed($"{name}: a reason of {reason.Length} characters, or with control characters; wanted at most {MaxReasonLength} (MaxReasonLength)");
    }

    private static RevocationListException Malformed(string message) => new(RevocationListError.Malformed, message);

    private static string TextOf(JsonElement entry, string member) => entry.GetProperty(member).GetString() ?? throw new FormatException($"{member} is null");

    private static string Written(DateTimeOffset time) => time.UtcDateTime.ToString(TimeForm, CultureInfo.InvariantCulture);

    private static DateTimeOffset Read(JsonElement time) =>
        DateTimeOffset.ParseExact(time.GetString() ?? "", TimeForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);

    private static T[] Sorted<T>(IReadOnlyList<T> entries, Func<T, string> key, Func<T, DateTimeOffset> since) =>
        [.. entries.OrderBy(key, StringComparer.Ordinal).ThenBy(since).DistinctBy(key, StringComparer.Ordinal)];

    private static T? Find<T>(IReadOnlyList<T> sorted, string wanted, Func<T, string> key) where T : class
    {
        int low = 0, high = sorted.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2, order = string.CompareOrdinal(key(sorted[middle]), wanted);
            if (order == 0)
                return sorted[middle];
            if (order < 0)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return null;
    }
}
