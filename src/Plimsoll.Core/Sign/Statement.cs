using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Sign;

/// <summary>What a statement is about: a content by its digest. The name only says which part of an image it is.</summary>
/// <param name="Name"><c>manifest</c>, <c>config</c> or <c>index</c>.</param>
public sealed record Subject(string Name, Digest Digest);

/// <summary>An in-toto Statement v1: subjects and a predicate of a type of its own.</summary>
/// <remarks>Source: in-toto attestation framework, spec/v1/statement.md and spec/v1/resource_descriptor.md.</remarks>
public sealed record Statement(IReadOnlyList<Subject> Subjects, string PredicateType, ReadOnlyMemory<byte> Predicate)
{
    public const string Type = "https://in-toto.io/Statement/v1";

    /// <summary>What DSSE calls it.</summary>
    public const string PayloadType = "application/vnd.in-toto+json";

    /// <summary>Subjects of one statement; an image has three.</summary>
    public const int MaxSubjects = 16;

    /// <summary>Bytes of a statement; an inspection of 4000 findings has some 1.5 million.</summary>
    public const int MaxBytes = 8 * 1024 * 1024;

    /// <summary>Subjects of a statement that another program made, each digest counted: a build may have made many things.</summary>
    public const int MaxForeignSubjects = 4096;

    /// <summary>Structures within structures in a statement of another program; provenance and bills of materials have some ten.</summary>
    public const int MaxForeignDepth = 64;
    private const int MaxForeignCharacters = 4096;

    /// <summary>How the versions of the form are called.</summary>
    private static readonly string[] Types = [Type, "https://in-toto.io/Statement/v0.1"];

    /// <summary>Canonical JSON: <c>_type</c>, <c>subject</c> (<c>name</c>, <c>digest</c>), <c>predicateType</c>, <c>predicate</c>.</summary>
    public byte[] ToJson()
    {
        CanonicalJson json = new();
        json.BeginObject().Text("_type", Type).BeginArray("subject");
        foreach (Subject subject in Subjects)
            json.BeginObject().Text("name", subject.Name).BeginObject("digest").Text(subject.Digest.Algorithm, subject.Digest.Hex).EndObject().EndObject();
        return json.EndArray().Text("predicateType", PredicateType).Raw("predicate", Predicate.Span).EndObject().ToBytes();
    }

    /// <summary>Reads what <see cref="ToJson"/> writes, and nothing else: another order, a space or a member more is refused.</summary>
    /// <param name="name">What it is called in errors.</param>
    /// <exception cref="FormatException">It is none, or not in that form; the message says what was wanted.</exception>
    public static Statement Parse(ReadOnlyMemory<byte> json, string name)
    {
        if (json.Length > MaxBytes)
            throw new FormatException($"{name}: longer than {MaxBytes} bytes (MaxBytes)");
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16 });
            JsonElement root = document.RootElement;
            if (root.GetProperty("_type").GetString() is var type && type != Type)
                throw new FormatException($"{name}: the statement is of type {Escape.Quote(type)}; wanted {Type}");
            JsonElement subject = root.GetProperty("subject");
            if (subject.GetArrayLength() is 0 or > MaxSubjects)
                throw new FormatException($"{name}: {subject.GetArrayLength()} subjects; wanted 1 to {MaxSubjects}");
            Statement statement = new([.. subject.EnumerateArray().Select(s => SubjectOf(s, name))],
                root.GetProperty("predicateType").GetString() ?? throw new FormatException($"{name}: predicateType is null"),
                Encoding.UTF8.GetBytes(root.GetProperty("predicate").GetRawText()));
            return json.Span.SequenceEqual(statement.ToJson()) ? statement : throw new FormatException($"{name}: the statement is not in its canonical form");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new FormatException($"{name}: no in-toto statement: {Escape.ForTerminal(e.Message)}", e);
        }
    }

    /// <summary>
    /// Reads a statement of any program, version 1 or 0.1: in any order and spacing, with members that are not known here. A subject
    /// with several digests becomes one for each; digests of algorithms that are not known are left out.
    /// </summary>
    /// <param name="name">What it is called in errors.</param>
    /// <returns>The predicate's bytes are as they stand; null and nothing are <c>{}</c>. There may be no subjects.</returns>
    /// <exception cref="FormatException">It is none, a name stands in it twice, or it is past a bound.</exception>
    public static Statement ParseForeign(ReadOnlyMemory<byte> json, string name) => ForeignJson.Read(json, MaxBytes, MaxForeignDepth, name, root =>
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new ForeignJsonException("no in-toto statement: it is no object");
        if (ForeignJson.Text(ForeignJson.Get(root, "_type", "the statement"), "_type", MaxForeignCharacters) is var type && !Types.Contains(type, StringComparer.Ordinal))
            throw new ForeignJsonException($"the statement is of type {Escape.Quote(type)}; wanted {Type}");
        List<Subject> subjects = [];
        foreach (JsonElement subject in ForeignJson.List(ForeignJson.Get(root, "subject", "the statement"), "subject", MaxForeignSubjects).EnumerateArray())
        {
            if (subject.ValueKind != JsonValueKind.Object)
                throw new ForeignJsonException("a subject is no object");
            string called = ForeignJson.Find(subject, "name") is { } text ? ForeignJson.Text(text, "a subject's name", MaxForeignCharacters) : "";
            if (ForeignJson.Find(subject, "digest") is not { ValueKind: JsonValueKind.Object } digests)
                continue;
            foreach (JsonProperty one in digests.EnumerateObject())
                if (one.Value.ValueKind == JsonValueKind.String && Digest.TryParse($"{one.Name}:{one.Value.GetString()}", out Digest? digest))
                    subjects.Add(subjects.Count < MaxForeignSubjects ? new Subject(called, digest) : throw new ForeignJsonException($"the subjects have more than {MaxForeignSubjects} digests"));
        }
        return new Statement(subjects, ForeignJson.Text(ForeignJson.Get(root, "predicateType", "the statement"), "predicateType", MaxForeignCharacters),
            ForeignJson.Find(root, "predicate") is { } predicate ? JsonMarshal.GetRawUtf8Value(predicate).ToArray() : "{}"u8.ToArray());
    });

    private static Subject SubjectOf(JsonElement subject, string name)
    {
        JsonProperty[] digests = [.. subject.GetProperty("digest").EnumerateObject()];
        if (digests.Length != 1 || !Digest.TryParse($"{digests[0].Name}:{digests[0].Value.GetString()}", out Digest? digest))
            throw new FormatException($"{name}: a subject has no digest of one known algorithm");
        return new Subject(subject.GetProperty("name").GetString() ?? throw new FormatException($"{name}: a subject's name is null"), digest);
    }
}
