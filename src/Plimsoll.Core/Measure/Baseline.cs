using System.Globalization;
using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Measure;

/// <summary>Why a baseline is believed.</summary>
public enum BaselineOrigin
{
    /// <summary>Default: taken from what this host had when it first looked. Says that nothing changed since, not that it was right.</summary>
    FirstUse = 0,
    /// <summary>A person said so.</summary>
    Operator,
    /// <summary>Equal to a signed statement.</summary>
    Signed,
}

/// <summary>What an image measured, kept on a host under its seal.</summary>
/// <param name="Counter">Of the store when it was written; a later one is higher.</param>
/// <param name="Names">What the image was called then, for people.</param>
/// <param name="Files">SHA-384 of the file list that is kept beside it, or null.</param>
public sealed record Baseline(long Counter, DateTimeOffset Taken, BaselineOrigin Origin, IReadOnlyList<string> Names, Measurement Measurement, Digest? Files)
{
    public const string PayloadType = "application/vnd.plimsoll.baseline.v1+json";

    /// <summary>Bytes of a baseline's file; the measurement is base64 in it.</summary>
    public const int MaxBytes = 2 * MeasurementJson.MaxBytes;

    public string OriginName => NameOf(Origin);

    public static string NameOf(BaselineOrigin origin) => origin switch
    {
        BaselineOrigin.FirstUse => "first-use",
        BaselineOrigin.Operator => "operator",
        _ => "signed",
    };

    /// <summary>Canonical JSON: <c>counter</c>, <c>taken</c>, <c>origin</c>, <c>names</c>, <c>measurement</c>, <c>files</c> where there are.</summary>
    public byte[] ToJson() => new CanonicalJson().BeginObject().Number("counter", Counter)
        .Text("taken", Taken.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)).Text("origin", OriginName).Texts("names", Names)
        .Raw("measurement", MeasurementJson.Write(Measurement)).Optional("files", Files?.ToString()).EndObject().ToBytes();

    /// <exception cref="FormatException">It is none.</exception>
    public static Baseline Parse(ReadOnlyMemory<byte> json, string name)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
            JsonElement root = document.RootElement;
            return new Baseline(
                root.GetProperty("counter").GetInt64(),
                DateTimeOffset.Parse(root.GetProperty("taken").GetString() ?? "", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal),
                root.GetProperty("origin").GetString() switch
                {
                    "first-use" => BaselineOrigin.FirstUse,
                    "operator" => BaselineOrigin.Operator,
                    "signed" => BaselineOrigin.Signed,
                    var other => throw new FormatException($"unknown origin {Escape.Quote(other)}"),
                },
                [.. root.GetProperty("names").EnumerateArray().Select(n => n.GetString() ?? "")],
                MeasurementJson.Parse(root.GetProperty("measurement"), name),
                root.TryGetProperty("files", out JsonElement files) ? Digest.Parse(files.GetString() ?? "") : null);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new FormatException($"{name}: no baseline: {Escape.ForTerminal(e.Message)}", e);
        }
    }
}

/// <summary>In what a baseline, or the record of them, is not as this host sealed it.</summary>
public enum BaselineFault
{
    /// <summary>Default: the seal is not this host's, or does not fit what it is on.</summary>
    Edited = 0,
    /// <summary>Another image's baseline under this image's name.</summary>
    Swapped,
    /// <summary>The record names it, and its file is gone.</summary>
    Deleted,
    /// <summary>Older than what this host last wrote.</summary>
    RolledBack,
    /// <summary>Sealed by this host, and the record does not name it.</summary>
    Unlisted,
    /// <summary>The host's key, or the record of all baselines, is gone while there are baselines.</summary>
    SealMissing,
}

/// <summary>What the store has of an image.</summary>
/// <param name="Baseline">Null when there is none, or it is not to be believed.</param>
/// <param name="Fault">Null when all is as it was sealed.</param>
/// <param name="Detail">What was seen and what was wanted.</param>
public sealed record BaselineAnswer(Baseline? Baseline, BaselineFault? Fault, string Detail)
{
    public static BaselineAnswer None { get; } = new(null, null, "");

    public string? FaultName => Fault switch
    {
        null => null,
        BaselineFault.Edited => "edited",
        BaselineFault.Swapped => "swapped",
        BaselineFault.Deleted => "deleted",
        BaselineFault.RolledBack => "rolled-back",
        BaselineFault.Unlisted => "unlisted",
        _ => "seal-missing",
    };
}
