using System.Globalization;
using System.Text;
using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.Texts;
using Plimsoll.Tpm;

namespace Plimsoll.Cli.Commands;

/// <summary>What <c>--against FILE</c> named: a measurement or a list of files.</summary>
internal sealed record Reference(string File, Measurement? Measurement, FileList? Files)
{
    /// <exception cref="CommandException">It is neither.</exception>
    public static Reference Read(string path)
    {
        try
        {
            byte[] bytes = SmallFile.Read(path, FileList.MaxBytes) ?? throw CommandException.Usage($"--against: {Escape.Quote(path)} is longer than {FileList.MaxBytes} bytes");
            if (bytes.AsSpan().StartsWith("{\"type\":\"application/vnd.plimsoll.files"u8))
                return new Reference(path, null, FileList.Parse(bytes, Escape.ForTerminal(path)));
            using JsonDocument document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 16 });
            JsonElement root = document.RootElement;
            // What --json wrote holds the measurement of each image.
            if (root.TryGetProperty("images", out JsonElement images))
                root = images.GetArrayLength() == 1 ? images[0].GetProperty("measurement") : throw new FormatException($"it holds {images.GetArrayLength()} images; wanted one");
            return new Reference(path, MeasurementJson.Parse(root, Escape.ForTerminal(path)), null);
        }
        catch (Exception e) when (e is JsonException or FormatException or KeyNotFoundException or InvalidOperationException)
        {
            throw CommandException.Usage($"--against: {Escape.Quote(path)} holds neither a measurement nor a list of files: {Escape.ForTerminal(e.Message)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"--against: {Escape.ForTerminal(e.Message)}");
        }
    }

    /// <summary>In what an image is not the one that was named.</summary>
    public IReadOnlyList<Difference> Compare(CheckedImage image)
    {
        if (Measurement is not null)
            return image.Result.Measurement is { } seen ? ImageCheck.Compare(seen, Measurement) : [];
        if (Files!.Config != image.Config)
            return [new Difference(DifferenceKind.Config, 0, null, "", image.Config.ToString(), Files.Config.ToString())];
        return [];
    }
}

/// <summary>One call of <c>measure</c>.</summary>
/// <param name="seal">Seals baselines in place of the host's own key file; null for that.</param>
internal sealed partial class MeasureRun(CliContext context, ISigner? seal)
{
    public bool Json { get; init; }
    public string? Files { get; init; }
    public Reference? Against { get; init; }
    public BaselineUse Use { get; init; }
    public int Parallelism { get; init; } = 1;
    public ImageOptions Images { get; init; } = new();

    private readonly BaselineStore _store = new(context.Home.Baselines, context.Home.Host, context.Time, TpmKeys.HostSeal(context, seal), seal);

    public int Run(string[] names, CancellationToken cancellationToken)
    {
        bool differs = false, undecided = false;
        CanonicalJson json = new CanonicalJson().BeginObject().Number("schemaVersion", 1).BeginObject("tool").Text("name", "plimsoll").Text("version", AppVersion.Full).EndObject().BeginArray("images");
        foreach (string name in names)
        {
            try
            {
                CheckedImage image = MeasureOne(name, cancellationToken);
                Extension? extension = ExtendOne(image, cancellationToken);
                differs |= image.Differs;
                // Whoever asks for a comparison and has nothing to compare with knows nothing.
                undecided |= Use == BaselineUse.Check && image.State == BaselineState.None && !image.Differs;
                if (Json)
                    MeasureOutput.Json(json, image, Against is not null, extension);
                else
                    MeasureOutput.Table(context, image, Against?.File, Use, extension);
            }
            catch (TpmException e)
            {
                bool refused = TpmAccess.CodeOf(e) == ExitCode.Refused;
                differs |= refused;
                undecided |= !refused;
                NotExtended(json, name, e);
            }
            catch (ImageException e)
            {
                bool other = IsOther(e);
                differs |= other;
                undecided |= !other;
                context.WriteError(ImageFailure.Named(name, Escape.ForTerminal(e.Message)), ImageFailure.HintOf(name, e));
                MeasureOutput.Failed(json, name, e);
            }
        }
        if (Json)
        {
            context.Out.Write(Encoding.UTF8.GetString(json.EndArray().EndObject().ToBytes()));
            context.Out.WriteLine();
        }
        context.Out.Flush();
        return differs ? ExitCode.Refused : undecided ? ExitCode.Undecided : ExitCode.Done;
    }

    private CheckedImage MeasureOne(string name, CancellationToken cancellationToken)
    {
        using Image image = ImageSource.Open(name, Images, cancellationToken);
        CheckedImage measured = ImageCheck.Run(image, _store, Use, new MeasureOptions { Parallelism = Parallelism, Files = Files is not null, Known = Against?.Files }, cancellationToken);
        if (Files is not null && measured.Result.Files is { } list)
            new OutputTarget("files", Files).WriteFile(list.ToBytes());
        return Against is null ? measured : measured with { Differences = [.. measured.Differences, .. Against.Compare(measured)] };
    }

    public int Forget(string[] names)
    {
        int code = ExitCode.Done;
        foreach (string name in names)
        {
            Digest? config = Digest.TryParse(name, out Digest? digest) ? digest : _store.FindName(name).Config;
            if (config is not null && _store.Remove(config))
                context.Out.WriteLine(Catalogue.MeasureForgotten.In(context.Language, Escape.ForTerminal(name)));
            else
            {
                context.WriteError($"{Escape.Quote(name)}: there is no baseline of it", "plimsoll measure IMAGE --json shows an image's names and config");
                code = ExitCode.Undecided;
            }
        }
        return code;
    }

    /// <summary>The bytes are not the ones that something states, which is an answer; all else is the want of one.</summary>
    internal static bool IsOther(ImageException e) => e.Error is ImageError.DigestMismatch or ImageError.DiffIdMismatch or ImageError.SizeMismatch;
}

/// <summary>A measured image for people and for machines.</summary>
internal static class MeasureOutput
{
    public static void Table(CliContext context, CheckedImage image, string? against, BaselineUse use, Extension? extension)
    {
        Language language = context.Language;
        TextWriter to = context.Out;
        to.WriteLine(Escape.ForTerminal(image.Name));
        Line(Catalogue.MeasureConfig, image.Config.ToString());
        if (image.Result.Measurement is { } measurement)
        {
            Line(Catalogue.MeasureValue, measurement.Value.ToString());
            for (int i = 0; i < measurement.Layers.Count; i++)
            {
                LayerMeasurement layer = measurement.Layers[i];
                Line(new(Catalogue.MeasureLayer.In(Language.English, i + 1), Catalogue.MeasureLayer.In(Language.Chinese, i + 1)), Catalogue.MeasureLayerLine.In(language,
                    $"{layer.DiffId.Algorithm}:{layer.DiffId.Short}…", layer.TarBytes.ToString(CultureInfo.InvariantCulture), $"{layer.Value.Algorithm}:{layer.Value.Short}…"));
            }
        }
        Line(Catalogue.MeasureUnpacked, (!image.Result.ComparedUnpacked ? Catalogue.MeasureUnpackedNot : image.Result.Intact ? Catalogue.MeasureUnpackedSame : Catalogue.MeasureUnpackedDiffer).In(language));
        if (against is not null)
            Line(Catalogue.MeasureBaseline, (image.Differs ? Catalogue.MeasureAgainstDiffers : Catalogue.MeasureAgainstSame).In(language, Escape.ForTerminal(against)));
        else if (use != BaselineUse.Off)
            Line(Catalogue.MeasureBaseline, BaselineWords(image, use, language));
        if (extension is not null)
            Line(Catalogue.MeasureTpm, (extension.Extended > 0 ? Catalogue.MeasureTpmExtended : Catalogue.MeasureTpmKnown).In(language, extension.Target.ToString(), extension.Extended, extension.Entries));
        foreach (Difference difference in image.Differences)
            to.WriteLine("  ! " + Words(difference, language));
        if (image.Result.LeftOut > 0)
            to.WriteLine("  ! " + Catalogue.MeasureLeftOut.In(language, image.Result.LeftOut));

        void Line(Text head, string value)
        {
            string text = head.In(language);
            to.WriteLine($"  {text}{new string(' ', Math.Max(1, 16 - DisplayWidth.Of(text)))}{value}");
        }
    }

    public static string BaselineWords(CheckedImage image, BaselineUse use, Language language)
    {
        if (image.State == BaselineState.Fault)
            return Catalogue.MeasureBaselineFault.In(language, image.Fault);
        if (image.Baseline is not { } baseline)
            return (image.State == BaselineState.None && use != BaselineUse.Check ? Catalogue.MeasureBaselineNotStored : Catalogue.MeasureBaselineNone).In(language);
        string origin = baseline.Origin == BaselineOrigin.FirstUse ? Catalogue.MeasureFirstUse.In(language) : baseline.OriginName;
        return image.State == BaselineState.Stored ? Catalogue.MeasureBaselineStored.In(language, origin)
            : (image.State == BaselineState.Same ? Catalogue.MeasureBaselineSame : Catalogue.MeasureBaselineDiffers).In(language, origin, Time(baseline.Taken));
    }

    /// <summary>One difference in one line.</summary>
    public static string Words(Difference difference, Language language)
    {
        List<string> parts = [Catalogue.MeasureKind(difference.KindName).In(language)];
        if (difference.Layer > 0)
            parts.Insert(0, Catalogue.MeasureLayer.In(language, difference.Layer));
        if (difference.Path.Length > 0 || difference.Kind < DifferenceKind.Layer)
            parts.Add(difference.Path.Length > 0 ? Escape.ForTerminal(difference.Path) : "/");
        string nothing = Catalogue.MeasureNothing.In(language);
        parts.Add(Catalogue.MeasureSeen.In(language, difference.Seen.Length > 0 ? Escape.ForTerminal(difference.Seen) : nothing) + ", "
            + Catalogue.MeasureWanted.In(language, difference.Wanted.Length > 0 ? Escape.ForTerminal(difference.Wanted) : nothing));
        return string.Join("  ", parts);
    }

    public static void Json(CanonicalJson json, CheckedImage image, bool against, Extension? extension)
    {
        json.BeginObject();
        Members(json, image, against);
        if (extension is not null)
            json.BeginObject("tpm").Text("target", extension.Target.ToString()).Number("extended", extension.Extended).Number("entries", extension.Entries).EndObject();
        json.EndObject();
    }

    public static void Members(CanonicalJson json, CheckedImage image, bool against)
    {
        json.Text("name", image.Name).Text("config", image.Config.ToString()).Texts("names", image.Names).Flag("same", !image.Differs);
        if (image.Result.Measurement is { } measurement)
            json.Raw("measurement", MeasurementJson.Write(measurement));
        json.Text("unpacked", !image.Result.ComparedUnpacked ? "not-compared" : image.Result.Intact ? "same" : "different");
        if (!against)
        {
            json.BeginObject("baseline").Text("state", image.State switch
            {
                BaselineState.Stored => "stored",
                BaselineState.Same => "same",
                BaselineState.Different => "different",
                BaselineState.Fault => "fault",
                _ => "none",
            });
            if (image.Baseline is { } baseline)
                json.Text("origin", baseline.OriginName).Text("taken", Time(baseline.Taken)).Number("counter", baseline.Counter).Optional("files", baseline.Files?.ToString());
            json.Optional("fault", image.Fault).EndObject();
        }
        json.BeginArray("differences");
        foreach (Difference difference in image.Differences)
        {
            json.BeginObject().Text("kind", difference.KindName);
            if (difference.Layer > 0)
                json.Number("layer", difference.Layer).Optional("diffId", difference.DiffId?.ToString());
            json.Text("path", difference.Path).Text("seen", difference.Seen).Text("wanted", difference.Wanted).EndObject();
        }
        json.EndArray();
        if (image.Result.LeftOut > 0)
            json.Number("leftOut", image.Result.LeftOut);
    }

    public static void Failed(CanonicalJson json, string name, ImageException e)
    {
        json.BeginObject().Text("name", name).Flag("same", false);
        FailedMembers(json, e);
        json.EndObject();
    }

    public static void FailedMembers(CanonicalJson json, ImageException e) =>
        json.BeginObject("error").Text("code", CodeOf(e.Error)).Text("message", e.Message).EndObject();

    /// <summary>As reports have it: <c>diff-id-mismatch</c>.</summary>
    private static string CodeOf(ImageError error)
    {
        StringBuilder code = new();
        foreach (char c in error.ToString())
            code.Append(char.IsAsciiLetterUpper(c) ? (code.Length > 0 ? "-" : "") + char.ToLowerInvariant(c) : c.ToString());
        return code.ToString();
    }

    internal static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
