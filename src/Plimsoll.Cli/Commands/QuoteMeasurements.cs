using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Sign;
using Plimsoll.Sources;
using Plimsoll.Texts;
using Plimsoll.Tpm;
using Plimsoll.Verify;

namespace Plimsoll.Cli.Commands;

/// <summary>What the images in a quote should measure: what files state, and what statements in bundles say that trusted keys signed.</summary>
internal static class QuoteMeasurements
{
    /// <param name="stated">Measurements that the user vouches for.</param>
    /// <param name="bundles">Files that <c>plimsoll sign --output</c> or <c>copy</c> wrote, layouts, or statements in JSON.</param>
    /// <param name="keys">Whose statements count.</param>
    /// <returns>Null when none were asked for.</returns>
    public static IReadOnlyList<Measurement>? Read(CliContext context, QuoteFile file, string[] stated, string[] bundles, string[] keys, CancellationToken cancellationToken)
    {
        if (bundles.Length > 0 != keys.Length > 0)
            throw CommandException.Usage("--bundle and --key go together", "a bundle counts for what the given keys signed");
        if (stated.Length == 0 && bundles.Length == 0)
            return null;
        List<Measurement> known = [.. stated.SelectMany(Stated)];
        if (bundles.Length == 0)
            return known;
        List<KeyRing> rings = [];
        try
        {
            KeyStore store = new(context);
            foreach (string key in keys)
                rings.Add(store.OpenPublic(key));
            PublicKey[] trusted = [.. rings.SelectMany(r => r.Keys)];
            foreach (Digest config in file.Measured.SelectMany(m => m.List.Entries).Select(e => e.Image).Distinct())
                known.AddRange(Signed(context, config, bundles, trusted, cancellationToken));
            return known;
        }
        finally
        {
            foreach (KeyRing ring in rings)
                ring.Dispose();
        }
    }

    private static IEnumerable<Measurement> Signed(CliContext context, Digest config, string[] bundles, PublicKey[] trusted, CancellationToken cancellationToken)
    {
        ImageOptions options = new() { Environment = context.Environment, Time = context.Time };
        (Evidence evidence, _) = new EvidenceCollector(options, bundles).Collect(null, new JudgedImage { Config = config }, cancellationToken);
        foreach (Sign.Attestation attestation in evidence.Attestations.Where(a => DsseSigning.FindSigner(a.Envelope, trusted) is not null))
        {
            Measurement? measured = null;
            try
            {
                if (Statement.Parse(attestation.Envelope.Payload, attestation.Where) is { PredicateType: MeasurementPredicate.Type } statement)
                    measured = MeasurementPredicate.From(statement, attestation.Where).Measurement;
            }
            catch (Exception e) when (e is FormatException or DocumentException)
            {
                // It is signed, and it is no measurement: what it says of the image is not known.
                context.Error.WriteLine($"plimsoll: note: {Escape.ForTerminal(e.Message)}");
            }
            if (measured?.Config == config)
                yield return measured;
        }
        foreach (EvidenceGap gap in evidence.Gaps)
            context.Error.WriteLine($"plimsoll: note: {gap.Message}");
    }

    /// <summary>What <c>measure --json</c> wrote, or one measurement.</summary>
    private static List<Measurement> Stated(string path)
    {
        try
        {
            byte[] bytes = SmallFile.Read(path, FileList.MaxBytes) ?? throw CommandException.Usage($"--measurement: {Escape.Quote(path)} is longer than {FileList.MaxBytes} bytes");
            using JsonDocument document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 16 });
            JsonElement root = document.RootElement;
            string name = Escape.ForTerminal(path);
            return root.TryGetProperty("images", out JsonElement images)
                ? [.. images.EnumerateArray().Select(i => MeasurementJson.Parse(i.GetProperty("measurement"), name))]
                : [MeasurementJson.Parse(root, name)];
        }
        catch (Exception e) when (e is JsonException or FormatException or KeyNotFoundException or InvalidOperationException)
        {
            throw CommandException.Usage($"--measurement: {Escape.Quote(path)} holds no measurement: {Escape.ForTerminal(e.Message)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"--measurement: {Escape.ForTerminal(e.Message)}");
        }
    }
}
