using Plimsoll.Keys;

namespace Plimsoll.EvidenceLog;

/// <summary>What the first line of a file says of keys; it is signed by the key that the file before announced.</summary>
/// <param name="File">1 for the first.</param>
/// <param name="Key">Signed this line: SubjectPublicKeyInfo, DER.</param>
/// <param name="NextKey">Signs the first line of the next file.</param>
/// <param name="Epoch">Of the first checkpoint in this file.</param>
/// <param name="EpochKey">Signs that checkpoint.</param>
internal sealed record LogHead(LogLine Line, string Origin, long File, byte[] Key, byte[] NextKey, long Epoch, byte[] EpochKey)
{
    public static IReadOnlyList<LogField> Fields(string origin, long file, string? former, PublicKey key, PublicKey next, long epoch, PublicKey epochKey, long? counter) =>
    [
        LogField.Text("origin", origin), LogField.Number("file", file), .. former is null ? (LogField[])[] : [LogField.Text("former-file", former)],
        Spki("key", key), Spki("next-key", next), LogField.Number("epoch", epoch), Spki("epoch-key", epochKey), .. counter is { } stated ? (LogField[])[LogField.Number(LogCheckpoint.CounterField, stated)] : [],
    ];

    /// <summary>Null when the line is no first line of a file.</summary>
    public static LogHead? Of(LogLine line) =>
        line.Kind is LogKinds.Started or LogKinds.Rotated && line.Text("origin") is { } origin && line.Number("file") is { } file && line.Bytes("key") is { } key
        && line.Bytes("next-key") is { } next && line.Number("epoch") is { } epoch && line.Bytes("epoch-key") is { } epochKey && file == 1 == (line.Kind == LogKinds.Started)
            ? new LogHead(line, origin, file, key, next, epoch, epochKey) : null;

    internal static LogField Spki(string name, PublicKey key) => LogField.Raw(name, Convert.ToBase64String(key.Spki.Span), null, null);
}
