using System.Globalization;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Verify;

/// <summary>A content that a measurement names and that is kept beside it: the list of files, the bill of materials.</summary>
public sealed record MeasuredContent(string MediaType, Digest Digest, long Size);

/// <summary>Exactly which bytes an image is, to be signed: docs/formats/measurement-statement.md.</summary>
/// <param name="Time">When it was measured; seconds.</param>
/// <param name="Tool">Version of Plimsoll, <c>0.1.0+commit</c>.</param>
/// <param name="Files">The list of files; null when none was made.</param>
/// <param name="Bom">The CycloneDX bill of materials; null when none was made.</param>
public sealed record MeasurementPredicate(Measurement Measurement, DateTimeOffset Time, string Tool, MeasuredContent? Files, MeasuredContent? Bom)
{
    /// <summary>A name; nothing is fetched from it.</summary>
    public const string Type = "urn:plimsoll:measurement:1";
    public const int Version = 1;

    /// <summary>Layers of an image, as <see cref="OciLimits.MaxLayers"/> has it.</summary>
    public const int MaxLayers = 1024;
    private const string TimeForm = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    /// <summary><c>linux/amd64</c>; null when the config does not say.</summary>
    public string? Platform { get; init; }

    /// <summary>Why the image was signed although it failed a policy; null when nothing was overridden.</summary>
    public string? Override { get; init; }

    /// <summary>The statement over this predicate: about the manifest, the config, and the index where there is one.</summary>
    /// <param name="image">Its config must be the measured one.</param>
    public Statement ToStatement(ImageDigests image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image.Config != Measurement.Config)
            throw new InvalidOperationException($"the measurement is of {Measurement.Config}, the statement of {image.Config}");
        return new Statement(SubjectsOf(image), Type, ToJson());
    }

    /// <summary>Manifest, config and index of an image, as far as there are such.</summary>
    public static IReadOnlyList<Subject> SubjectsOf(ImageDigests image)
    {
        ArgumentNullException.ThrowIfNull(image);
        List<Subject> subjects = [];
        foreach ((string name, Digest? digest) in (ReadOnlySpan<(string, Digest?)>)[("manifest", image.Manifest), ("config", image.Config), ("index", image.Index)])
            if (digest is not null)
                subjects.Add(new Subject(name, digest));
        return subjects;
    }

    /// <summary>Canonical JSON: members in the order of docs/formats/measurement-statement.md, those without a value left out.</summary>
    public byte[] ToJson()
    {
        CanonicalJson json = new();
        json.BeginObject().Number("measurement", Version).Text("time", Time.UtcDateTime.ToString(TimeForm, CultureInfo.InvariantCulture)).Text("tool", Tool)
            .Optional("platform", Platform).Text("value", Measurement.Value.ToString()).Text("config", Measurement.Config.ToString()).BeginArray("layers");
        foreach (LayerMeasurement layer in Measurement.Layers)
            json.BeginObject().Text("chain", layer.ChainId.ToString()).Text("diff", layer.DiffId.ToString()).Number("bytes", layer.TarBytes).Text("content", layer.Content.ToString()).EndObject();
        json.EndArray();
        Write(json, "files", Files);
        Write(json, "bom", Bom);
        return json.Optional("override", Override).EndObject().ToBytes();
    }

    /// <summary>The predicate of a statement whose type and subjects fit it.</summary>
    /// <exception cref="DocumentException">Another type, another form, or subjects that are not one manifest, config and index at most, the config being the measured one.</exception>
    public static MeasurementPredicate From(Statement statement, string name)
    {
        ArgumentNullException.ThrowIfNull(statement);
        if (statement.PredicateType != Type)
            throw new DocumentException(name, $"the predicate is of type {Escape.Quote(statement.PredicateType)}; wanted {Type}");
        if (statement.Subjects.Any(s => s.Name is not ("manifest" or "config" or "index")) || statement.Subjects.DistinctBy(s => s.Name).Count() != statement.Subjects.Count)
            throw new DocumentException(name, "the subjects are not one manifest, config and index at most");
        MeasurementPredicate predicate = Parse(statement.Predicate, name);
        if (statement.Subjects.SingleOrDefault(s => s.Name == "config")?.Digest is var config && config != predicate.Measurement.Config)
            throw new DocumentException(name, $"the measurement is of config {predicate.Measurement.Config}, the statement of {config?.ToString() ?? "none"}");
        return predicate;
    }

    /// <summary>Reads what <see cref="ToJson"/> writes, byte by byte, within its bounds. The value is computed anew.</summary>
    /// <param name="name">What it is called in errors.</param>
    /// <exception cref="DocumentException">An unknown member or version, a wrong value, more than a bound, another order.</exception>
    public static MeasurementPredicate Parse(ReadOnlyMemory<byte> json, string name)
    {
        if (json.Length > Statement.MaxBytes)
            throw new DocumentException(name, $"longer than {Statement.MaxBytes} bytes (MaxBytes)");
        MeasurementPredicate predicate = Read(new MapReader(DocumentJson.Read(json, name), "the predicate"));
        return json.Span.SequenceEqual(predicate.ToJson()) ? predicate : throw new DocumentException(name, "the predicate is not in its canonical form, or its value is not that of its layers");
    }

    private static MeasurementPredicate Read(MapReader map)
    {
        if (map.GetText("measurement") is var version && version != $"{Version}")
            throw new DocumentException(map.Get("measurement").Where, $"this is version {Escape.Quote(version)} of the form; this Plimsoll knows version {Version}");
        IReadOnlyList<DocumentNode> listed = map.FindItems("layers");
        if (listed.Count > MaxLayers)
            throw new DocumentException(map.Get("layers").Where, $"{listed.Count} layers, at most {MaxLayers} (MaxLayers)");
        List<LayerMeasurement> layers = [];
        foreach (DocumentNode node in listed)
            layers.Add(LayerOf(new MapReader(node, "layers"), layers.Count == 0 ? null : layers[^1].ChainId));
        DocumentNode time = map.Get("time");
        _ = DigestOf(map, "value", "sha384");
        MeasurementPredicate read = new(
            new Measurement(DigestOf(map, "config", null), layers),
            DateTimeOffset.TryParseExact(time.Text, TimeForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset at)
                ? at : throw MapReader.Wrong(time, "a time such as 2026-11-21T08:00:00Z"),
            map.GetText("tool", InspectionPredicate.MaxCharacters),
            ContentOf(map.FindMap("files")),
            ContentOf(map.FindMap("bom")))
        {
            Platform = map.FindText("platform", InspectionPredicate.MaxCharacters),
            Override = map.FindText("override", InspectionPredicate.MaxCharacters),
        };
        map.Done();
        return read;
    }

    private static LayerMeasurement LayerOf(MapReader map, Digest? parent)
    {
        LayerMeasurement layer = new(DigestOf(map, "chain", null), DigestOf(map, "diff", null), parent, NumberOf(map.Get("bytes")), DigestOf(map, "content", "sha384"));
        map.Done();
        return layer;
    }

    private static MeasuredContent? ContentOf(MapReader? map)
    {
        if (map is null)
            return null;
        MeasuredContent content = new(map.GetText("mediaType", InspectionPredicate.MaxCharacters), DigestOf(map, "digest", null), NumberOf(map.Get("size")));
        map.Done();
        return content;
    }

    private static void Write(CanonicalJson json, string name, MeasuredContent? content)
    {
        if (content is not null)
            json.BeginObject(name).Text("mediaType", content.MediaType).Text("digest", content.Digest.ToString()).Number("size", content.Size).EndObject();
    }

    private static Digest DigestOf(MapReader map, string name, string? algorithm) => Digest.TryParse(map.GetText(name), out Digest? digest) && (algorithm is null || digest.Algorithm == algorithm)
        ? digest : throw MapReader.Wrong(map.Get(name), $"a digest{(algorithm is null ? "" : $" of {algorithm}")}");

    private static long NumberOf(DocumentNode node) =>
        long.TryParse(node.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : throw MapReader.Wrong(node, "a number from 0");
}
