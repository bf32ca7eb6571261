using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.EvidenceLog;

/// <summary>Kinds of lines that the log writes by itself. Nobody else writes one of them.</summary>
public static class LogKinds
{
    /// <summary>The first line of the first file.</summary>
    public const string Started = "log-started";

    /// <summary>The first line of each file after it.</summary>
    public const string Rotated = "rotated";
    public const string Checkpoint = "checkpoint";

    /// <summary>Bytes at the log's end that were no whole line were cut off.</summary>
    public const string TornLine = "torn-line";
    public const string FilesRemoved = "files-removed";

    public static bool IsReserved(string kind) => kind is Started or Rotated or Checkpoint or TornLine or FilesRemoved;
}

/// <summary>One line of the evidence log. Source: docs/formats/evidence-log.md.</summary>
/// <param name="Sequence">1 for the first line that was ever written, without a gap from there on.</param>
/// <param name="Time">UTC, whole microseconds.</param>
/// <param name="Kind">Kebab-case.</param>
/// <param name="Previous">SHA-256 of the line before without its line end, 64 lower-case hex digits; <see cref="NoLine"/> for the first.</param>
public sealed record LogLine(long Sequence, DateTimeOffset Time, string Kind, IReadOnlyList<LogField> Fields, string Previous)
{
    /// <summary>Without its line end. What a writer makes is far below.</summary>
    public const int MaxBytes = 64 * 1024;

    public const int MaxFields = 64;

    /// <summary>Of all texts of a line; more is cut.</summary>
    public const int MaxCharacters = 16 * 1024;

    /// <summary>The name under which a line is signed. Source: docs/formats/evidence-log.md.</summary>
    public const string PayloadType = "application/vnd.plimsoll.log-line.v1+json";

    internal const string SignatureField = "signature";

    public static string NoLine { get; } = new('0', 64);

    public string? Text(string name) => Find(name)?.AsText;

    public long? Number(string name) => Find(name)?.AsNumber;

    public LogField? Find(string name) => Fields.FirstOrDefault(f => f.Name == name);

    /// <summary>A field that is the base64 of a signature or a public key.</summary>
    internal byte[]? Bytes(string name)
    {
        const int most = 1024;
        if (Text(name) is not { Length: > 0 and <= 2 * most } text)
            return null;
        byte[] bytes = new byte[most];
        return Convert.TryFromBase64String(text, bytes, out int length) ? bytes[..length] : null;
    }

    /// <summary>SHA-256 of a line, as the next one has it.</summary>
    public static string DigestOf(ReadOnlySpan<byte> line)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(line, hash);
        return Convert.ToHexStringLower(hash);
    }

    /// <summary>The line in its one form, without a line end.</summary>
    public byte[] ToBytes() => ToBytes(null);

    private byte[] ToBytes(string? without)
    {
        CanonicalJson json = new CanonicalJson().BeginObject().Number("sequence", Sequence).Text("time", Written(Time)).Text("kind", Kind).BeginObject("fields");
        foreach (LogField field in Fields)
            if (field.Name == without)
                continue;
            else if (field.AsNumber is { } number)
                json.Number(field.Name, number);
            else if (field.AsList is { } list)
                json.Texts(field.Name, list);
            else
                json.Text(field.Name, field.AsText ?? "");
        return json.EndObject().Text("previous", Previous).EndObject().ToBytes();
    }

    /// <summary>The same with a signature as its last field, over the line without it.</summary>
    internal LogLine Signed(ISigner signer) =>
        this with { Fields = [.. Fields, LogField.Raw(SignatureField, Convert.ToBase64String(signer.Sign(Dsse.Pae(PayloadType, ToBytes(SignatureField)))), null, null)] };

    /// <summary>Whether the line's signature is this key's.</summary>
    public bool IsSignedBy(PublicKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Bytes(SignatureField) is { } signature && key.Verify(Dsse.Pae(PayloadType, ToBytes(SignatureField)), signature);
    }

    /// <summary>Fields in bounds, for a line to be written.</summary>
    /// <exception cref="ArgumentException">Too many of them, or one name twice: the caller's mistake, and not the text's.</exception>
    internal static IReadOnlyList<LogField> Fit(IReadOnlyList<LogField> fields)
    {
        if (fields.Count > MaxFields)
            throw new ArgumentException($"{fields.Count} fields, at most {MaxFields} (MaxFields)", nameof(fields));
        for (int i = 1; i < fields.Count; i++)
            for (int j = 0; j < i; j++)
                if (fields[i].Name == fields[j].Name)
                    throw new ArgumentException($"two fields are called {fields[i].Name}", nameof(fields));
        int budget = MaxCharacters;
        LogField[] fitted = new LogField[fields.Count];
        for (int i = 0; i < fitted.Length; i++)
            fitted[i] = fields[i].Within(ref budget);
        return fitted;
    }

    /// <summary><c>2026-11-21T20:31:14.123456Z</c>.</summary>
    public static string Written(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>Reads a line in its one form and no other.</summary>
    /// <param name="json">Without its line end.</param>
    /// <exception cref="FormatException">Something else; the message says what.</exception>
    public static LogLine Parse(ReadOnlySpan<byte> json)
    {
        if (json.Length > MaxBytes)
            throw new FormatException($"longer than {MaxBytes} bytes (MaxBytes)");
        try
        {
            Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = 3 });
            Expect(ref reader, JsonTokenType.StartObject);
            Name(ref reader, "sequence");
            Expect(ref reader, JsonTokenType.Number);
            long sequence = reader.GetInt64();
            Name(ref reader, "time");
            if (sequence < 1 || !Rfc3339.TryParse(Text(ref reader), out DateTimeOffset time))
                throw new FormatException("its sequence number or its time is none");
            Name(ref reader, "kind");
            string kind = Text(ref reader);
            if (!LogField.IsName(kind))
                throw new FormatException("its kind is not kebab-case");
            Name(ref reader, "fields");
            List<LogField> fields = ReadFields(ref reader);
            Name(ref reader, "previous");
            string previous = Text(ref reader);
            if (!IsDigest(previous))
                throw new FormatException("the digest of the line before is none");
            Expect(ref reader, JsonTokenType.EndObject);
            LogLine line = new(sequence, time, kind, fields, previous);
            return line.ToBytes().AsSpan().SequenceEqual(json) ? line : throw new FormatException("not written in the one form that a line has");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new FormatException(Escape.ForTerminal(e.Message), e);
        }
    }

    internal static bool IsDigest(string text) => text.Length == 64 && text.All(c => char.IsAsciiDigit(c) || c is >= 'a' and <= 'f');

    private static List<LogField> ReadFields(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.StartObject);
        List<LogField> fields = [];
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            if (fields.Count == MaxFields || fields.Exists(f => f.Name == name))
                throw new FormatException($"more than {MaxFields} fields, or one name twice");
            reader.Read();
            fields.Add(reader.TokenType switch
            {
                JsonTokenType.String => LogField.Raw(name, reader.GetString(), null, null),
                JsonTokenType.Number => LogField.Raw(name, null, reader.GetInt64(), null),
                JsonTokenType.StartArray => LogField.Raw(name, null, null, ReadList(ref reader)),
                _ => throw new FormatException("a field is neither text nor number nor list"),
            });
        }
        return reader.TokenType == JsonTokenType.EndObject ? fields : throw new FormatException("its fields have no end");
    }

    private static List<string> ReadList(ref Utf8JsonReader reader)
    {
        List<string> list = [];
        while (reader.Read() && reader.TokenType == JsonTokenType.String)
            list.Add(reader.GetString()!);
        return reader.TokenType == JsonTokenType.EndArray ? list : throw new FormatException("a list holds something else than texts");
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type)
    {
        if (!reader.Read() || reader.TokenType != type)
            throw new FormatException($"no line of the log: {type} is missing");
    }

    private static void Name(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.PropertyName);
        if (!reader.ValueTextEquals(name))
            throw new FormatException($"no line of the log: {name} is missing");
    }

    private static string Text(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.String);
        return reader.GetString()!;
    }
}
