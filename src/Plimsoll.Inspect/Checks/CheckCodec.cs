using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Reports;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Checks;

/// <summary>The bytes in which the cache keeps what a check said of a composed image, in the form of <see cref="FactWriter"/>.</summary>
/// <remarks>Layers are numbers; what the image says of them comes from the image at hand.</remarks>
internal static class CheckCodec
{
    private static ReadOnlySpan<byte> Magic => "PLC1"u8;

    /// <param name="key">What it is kept under; a file that lies under another name is none.</param>
    /// <returns>Null for what is not kept: a result with secrets, which are never written anywhere, and one about layers that the inventory does not list.</returns>
    public static byte[]? Encode(string key, CheckResult result, Inventory inventory)
    {
        if (result.Secrets.Count > 0)
            return null;
        FactWriter writer = new();
        writer.Text(key);
        writer.Number(result.Problems.Count);
        foreach (Problem problem in result.Problems)
        {
            if (problem.Suppressed is not null || !IsListed(problem.Origin, inventory) || !IsListed(problem.RemovedBy, inventory))
                return null;
            Write(writer, problem);
        }
        writer.List(result.Notes, MatchCodec.Write);
        writer.List(result.Gaps, LayerFactsCodec.Write);
        writer.Number(result.Engines.Count);
        foreach (Engine engine in result.Engines)
        {
            writer.Text(engine.Name);
            writer.Text(engine.Version);
            writer.Text(engine.Failure);
        }
        writer.Number(result.Dockerfile.Count);
        foreach (History.DockerfileLine line in result.Dockerfile)
        {
            writer.Number(line.Line);
            writer.Text(line.Text);
            writer.Number(line.Layer + 1 ?? 0);
            writer.Number(line.History + 1 ?? 0);
        }
        return writer.ToArray(Magic, []);
    }

    /// <returns>Null when the bytes are no whole file of this form, or of another image or check.</returns>
    public static CheckResult? Decode(string key, ReadOnlySpan<byte> whole, Inventory inventory)
    {
        if (!FactReader.TryOpen(whole, Magic, out ReadOnlySpan<byte> facts))
            return null;
        try
        {
            FactReader reader = new(facts);
            if (reader.Text() != key)
                return null;
            Problem[] problems = new Problem[reader.Count()];
            for (int i = 0; i < problems.Length; i++)
                problems[i] = ReadProblem(ref reader, inventory);
            IReadOnlyList<Note> notes = reader.List(MatchCodec.ReadNote);
            IReadOnlyList<Gap> gaps = reader.List(LayerFactsCodec.ReadGap);
            Engine[] engines = new Engine[reader.Count()];
            for (int i = 0; i < engines.Length; i++)
                engines[i] = new Engine(reader.Must(), reader.Text(), reader.Text());
            History.DockerfileLine[] lines = new History.DockerfileLine[reader.Count()];
            for (int i = 0; i < lines.Length; i++)
                lines[i] = new History.DockerfileLine((int)reader.Number(), reader.Must(), ReadIndex(ref reader), ReadIndex(ref reader));
            return new CheckResult { Problems = problems, Notes = notes, Gaps = gaps, Engines = engines, Dockerfile = lines };
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    private static void Write(FactWriter writer, Problem problem)
    {
        writer.Number((int)problem.Kind);
        writer.Text(problem.Rule);
        writer.Number((int)problem.Severity);
        writer.Text(problem.Title.English);
        writer.Text(problem.Title.Chinese);
        writer.Text(problem.Advice?.English);
        writer.Text(problem.Advice?.Chinese);
        writer.Text(problem.Path);
        writer.Number(problem.Line);
        writer.Text(problem.Place);
        writer.Text(problem.Evidence);
        writer.Number(problem.Origin?.Layer + 1 ?? 0);
        writer.Number(problem.RemovedBy?.Layer + 1 ?? 0);
        writer.Text(problem.Package);
        writer.Text(problem.OwnedBy);
        writer.Number(problem.Details.Count);
        foreach ((string name, string value) in problem.Details)
        {
            writer.Text(name);
            writer.Text(value);
        }
        writer.Texts(problem.References);
        writer.Text(problem.Fingerprint);
    }

    private static Problem ReadProblem(ref FactReader reader, Inventory inventory) => new()
    {
        Kind = (ProblemKind)reader.Number(),
        Rule = reader.Must(),
        Severity = (Severity)reader.Number(),
        Title = new Text(reader.Must(), reader.Must()),
        Advice = ReadText(ref reader),
        Path = reader.Text(),
        Line = (int)reader.Number(),
        Place = reader.Text(),
        Evidence = reader.Must(),
        Origin = ReadOrigin(ref reader, inventory),
        RemovedBy = ReadOrigin(ref reader, inventory),
        Package = reader.Text(),
        OwnedBy = reader.Text(),
        Details = ReadDetails(ref reader),
        References = reader.Texts(),
        Fingerprint = reader.Must(),
    };

    private static Text? ReadText(ref FactReader reader) => (reader.Text(), reader.Text()) is ({ } english, { } chinese) ? new Text(english, chinese) : null;

    private static SortedDictionary<string, string> ReadDetails(ref FactReader reader)
    {
        SortedDictionary<string, string> details = new(StringComparer.Ordinal);
        for (int left = reader.Count(); left > 0; left--)
            details.Add(reader.Must(), reader.Must());
        return details;
    }

    private static int? ReadIndex(ref FactReader reader) => reader.Number() is not 0 and var index ? (int)index - 1 : null;

    private static Origin? ReadOrigin(ref FactReader reader, Inventory inventory) => ReadIndex(ref reader) is { } layer ? OriginOf(inventory.Layers[layer]) : null;

    private static Origin OriginOf(LayerSummary layer) => new(layer.Index, layer.DiffId, layer.CreatedBy);

    private static bool IsListed(Origin? origin, Inventory inventory) =>
        origin is null || (origin.Layer >= 0 && origin.Layer < inventory.Layers.Count && OriginOf(inventory.Layers[origin.Layer]) == origin);
}
