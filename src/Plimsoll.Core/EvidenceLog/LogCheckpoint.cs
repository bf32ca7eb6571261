using System.Text;
using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.EvidenceLog;

/// <summary>A signed line that stands for every line before it, and the form in which it goes to another machine.</summary>
/// <param name="Line">The checkpoint itself.</param>
/// <param name="Digest">SHA-256 of the line.</param>
/// <param name="Key">What it is signed with: SubjectPublicKeyInfo, DER.</param>
public sealed record LogCheckpoint(LogLine Line, string Digest, ReadOnlyMemory<byte> Key)
{
    /// <summary>Of an exported checkpoint.</summary>
    public const int MaxBytes = 32 * 1024;

    private const int Version = 1;

    internal const string OriginField = "origin", EpochField = "epoch", NextKeyField = "next-key", CounterField = "counter", ClosesField = "closes", ClosesFile = "file";

    public long Sequence => Line.Sequence;
    public DateTimeOffset Time => Line.Time;
    public string Origin => Line.Text(OriginField) ?? "";
    public long Epoch => Line.Number(EpochField) ?? -1;

    /// <summary>What a counter outside of the host's files said; null when there is none.</summary>
    public long? Counter => Line.Number(CounterField);

    /// <summary>Whether a checkpoint of this form closes a file, after which another one must follow.</summary>
    internal static bool Closes(LogLine line) => line.Kind == LogKinds.Checkpoint && line.Text(ClosesField) == ClosesFile;

    /// <summary>Canonical JSON with a line end. Source: docs/formats/evidence-log.md, "An exported checkpoint".</summary>
    public byte[] ToJson()
    {
        byte[] line = Line.ToBytes();
        CanonicalJson json = new CanonicalJson().BeginObject().Number("checkpoint", Version).Text("origin", Origin).Number("sequence", Sequence).Text("digest", Digest)
            .Text("time", LogLine.Written(Time)).Text("publicKey", Convert.ToBase64String(Key.Span)).Text("signature", Line.Text(LogLine.SignatureField) ?? "").Text("line", Encoding.UTF8.GetString(line));
        return [.. json.EndObject().ToBytes(), (byte)'\n'];
    }

    /// <param name="name">What it is called in errors.</param>
    /// <exception cref="FormatException">Something else, its parts contradict each other, or its signature is not its key's.</exception>
    public static LogCheckpoint Parse(ReadOnlyMemory<byte> json, string name) => ForeignJson.Read(json, MaxBytes, 2, name, root =>
    {
        ForeignJson.Only(root, "an exported checkpoint", "checkpoint", "origin", "sequence", "digest", "time", "publicKey", "signature", "line");
        if (ForeignJson.Get(root, "checkpoint", "it") is not { ValueKind: JsonValueKind.Number } version || !version.TryGetInt32(out int number) || number != Version)
            throw new ForeignJsonException($"its version is not {Version}");
        byte[] line = Encoding.UTF8.GetBytes(ForeignJson.Text(ForeignJson.Get(root, "line", "it"), "line", MaxBytes));
        LogLine parsed;
        try
        {
            parsed = LogLine.Parse(line);
        }
        catch (FormatException e)
        {
            throw new ForeignJsonException($"line: {e.Message}");
        }
        LogCheckpoint read = new(parsed, LogLine.DigestOf(line), ForeignJson.Bytes(ForeignJson.Get(root, "publicKey", "it"), "publicKey", 1024));
        if (parsed.Kind != LogKinds.Checkpoint || !TextIs(root, "origin", read.Origin) || !TextIs(root, "digest", read.Digest) || !TextIs(root, "time", LogLine.Written(read.Time))
            || !TextIs(root, "signature", parsed.Text(LogLine.SignatureField)) || !ForeignJson.Get(root, "sequence", "it").TryGetInt64(out long sequence) || sequence != read.Sequence)
            throw new ForeignJsonException("its members say something else than its line");
        try
        {
            using PublicKey key = KeyFile.ReadSpki(read.Key, "publicKey");
            return parsed.IsSignedBy(key) ? read : throw new ForeignJsonException("its signature is not its key's");
        }
        catch (KeyException e)
        {
            throw new ForeignJsonException(Escape.ForTerminal(e.Message));
        }
    });

    private static bool TextIs(JsonElement root, string name, string? value) => root.TryGetProperty(name, out JsonElement member) && member.ValueKind == JsonValueKind.String && member.GetString() == value;
}
