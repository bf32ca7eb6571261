using Plimsoll.Oci;

namespace Plimsoll.Measure;

/// <summary>How a measured image stands to its baseline.</summary>
public enum BaselineState
{
    /// <summary>Default: there is none, or none was asked for.</summary>
    None = 0,
    /// <summary>There was none; it was stored now.</summary>
    Stored,
    Same,
    Different,
    /// <summary>The baseline itself is not as it was sealed.</summary>
    Fault,
}

/// <summary>What is to be done with baselines.</summary>
public enum BaselineUse
{
    /// <summary>Default: compare, and store where there is none.</summary>
    Keep = 0,
    /// <summary>Compare alone.</summary>
    Check,
    /// <summary>Store in place of what is there, vouched for by a person.</summary>
    Accept,
    /// <summary>Neither look nor store.</summary>
    Off,
}

/// <summary>An image, measured and compared.</summary>
/// <param name="Result">What was measured.</param>
/// <param name="Differences">Of the files, of the image to its baseline, and of the baseline to its seal.</param>
/// <param name="Baseline">What it was compared with, or what was stored; null when there is none to be believed.</param>
/// <param name="Fault">What is wrong with the baseline, or empty.</param>
public sealed record CheckedImage(string Name, Digest Config, IReadOnlyList<string> Names, MeasureResult Result, IReadOnlyList<Difference> Differences, BaselineState State, Baseline? Baseline, string Fault)
{
    /// <summary>Whether there is anything that should not be so.</summary>
    public bool Differs => Differences.Count > 0;
}

/// <summary>Measures an image and holds it against what this host knows of it.</summary>
public static class ImageCheck
{
    /// <param name="store">Null when no baseline is kept.</param>
    /// <exception cref="ImageException">As <see cref="Measurer.Measure"/>.</exception>
    /// <exception cref="IOException">Baselines could not be read or written.</exception>
    public static CheckedImage Run(Image image, BaselineStore? store, BaselineUse use, MeasureOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(options);
        if (use == BaselineUse.Off)
            store = null;
        // Where the config is known before the layers are read, the list that was kept helps to name files.
        BaselineAnswer early = image.ConfigDigest is { } known && store is not null ? store.Find(known) : BaselineAnswer.None;
        if (options.Known is null && early.Baseline is { Files: not null } kept)
            options = options with { Known = store!.FindFiles(kept) };
        MeasureResult result = Measurer.Measure(image, options, cancellationToken);
        Digest config = image.ConfigDigest ?? throw new ImageException(ImageError.Unsupported, $"{image.Name}: it has no config");
        string[] names = [.. image.Tags.Append(image.Name).Distinct(StringComparer.Ordinal)];
        List<Difference> differences = [.. result.Differences];
        if (store is null)
            return new CheckedImage(image.Name, config, names, result, differences, BaselineState.None, null, "");

        BaselineAnswer answer = store.Find(config);
        if (answer.Fault is not null)
        {
            differences.Add(new Difference(DifferenceKind.Baseline, 0, null, "", $"{answer.FaultName}: {answer.Detail}", "the baseline that this host sealed"));
            return new CheckedImage(image.Name, config, names, result, differences, BaselineState.Fault, null, $"{answer.FaultName}: {answer.Detail}");
        }
        if (answer.Baseline is { } baseline && use != BaselineUse.Accept)
        {
            if (result.Measurement is not null)
                differences.AddRange(Compare(result.Measurement, baseline.Measurement));
            // An image that was good once may have been put under the name again.
            if (use == BaselineUse.Check && FindMoved(store, names, config) is { } moved)
                differences.Add(moved);
            bool equal = differences.Count == 0;
            // What was seen first may have got another name, or a list of its files, since.
            if (use == BaselineUse.Keep && equal && (result.Files is not null || names.Any(n => store.FindName(n).Config != config)))
                baseline = store.Save(result.Measurement!, [.. baseline.Names.Union(names, StringComparer.Ordinal)], baseline.Origin, result.Files);
            return new CheckedImage(image.Name, config, names, result, differences, equal ? BaselineState.Same : BaselineState.Different, baseline, "");
        }
        if (use == BaselineUse.Check)
        {
            // Nothing is known of these bytes; but a name that meant another image says that this one took its place.
            if (FindMoved(store, names, config) is { } moved)
                differences.Add(moved);
            return new CheckedImage(image.Name, config, names, result, differences, differences.Count > result.Differences.Count ? BaselineState.Different : BaselineState.None, null, "");
        }
        if (!result.Intact)
            return new CheckedImage(image.Name, config, names, result, differences, BaselineState.None, null, "");
        Baseline saved = store.Save(result.Measurement!, names, use == BaselineUse.Accept ? BaselineOrigin.Operator : BaselineOrigin.FirstUse, result.Files);
        return new CheckedImage(image.Name, config, names, result, differences, BaselineState.Stored, saved, "");
    }

    /// <summary>The first name that meant another image when it was last stored.</summary>
    private static Difference? FindMoved(BaselineStore store, IReadOnlyList<string> names, Digest config)
    {
        foreach (string name in names)
            if (store.FindName(name).Config is { } before && before != config)
                return new Difference(DifferenceKind.Config, 0, null, name, config.ToString(), before.ToString());
        return null;
    }

    /// <summary>In what one measurement is not the other; empty when they are equal.</summary>
    public static IReadOnlyList<Difference> Compare(Measurement seen, Measurement wanted)
    {
        ArgumentNullException.ThrowIfNull(seen);
        ArgumentNullException.ThrowIfNull(wanted);
        if (seen.Value == wanted.Value)
            return [];
        List<Difference> differences = [];
        if (seen.Config != wanted.Config)
            differences.Add(new Difference(DifferenceKind.Config, 0, null, "", seen.Config.ToString(), wanted.Config.ToString()));
        for (int i = 0; i < Math.Max(seen.Layers.Count, wanted.Layers.Count); i++)
        {
            LayerMeasurement? now = i < seen.Layers.Count ? seen.Layers[i] : null, should = i < wanted.Layers.Count ? wanted.Layers[i] : null;
            if (now?.Value != should?.Value)
                differences.Add(new Difference(DifferenceKind.Layer, i + 1, now?.DiffId, "", now?.Value.ToString() ?? "", should?.Value.ToString() ?? ""));
        }
        if (differences.Count == 0)
            differences.Add(new Difference(DifferenceKind.Measurement, 0, null, "", seen.Value.ToString(), wanted.Value.ToString()));
        return differences;
    }
}
