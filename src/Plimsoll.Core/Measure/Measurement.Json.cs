using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Measure;

/// <content>As JSON, in one form only. Source: docs/formats/measurement.md.</content>
public static class MeasurementJson
{
    /// <summary>Bytes of a measurement: 1024 layers of some 600.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>Canonical JSON: <c>value</c>, <c>config</c>, <c>layers</c> (<c>value</c>, <c>chainId</c>, <c>diffId</c>, <c>parent</c> unless lowest, <c>bytes</c>, <c>content</c>).</summary>
    public static byte[] Write(Measurement measurement)
    {
        ArgumentNullException.ThrowIfNull(measurement);
        CanonicalJson json = new CanonicalJson().BeginObject().Text("value", measurement.Value.ToString()).Text("config", measurement.Config.ToString()).BeginArray("layers");
        foreach (LayerMeasurement layer in measurement.Layers)
            json.BeginObject().Text("value", layer.Value.ToString()).Text("chainId", layer.ChainId.ToString()).Text("diffId", layer.DiffId.ToString())
                .Optional("parent", layer.Parent?.ToString()).Number("bytes", layer.TarBytes).Text("content", layer.Content.ToString()).EndObject();
        return json.EndArray().EndObject().ToBytes();
    }

    /// <summary>Reads a measurement and computes its values again.</summary>
    /// <param name="name">What it is called in errors.</param>
    /// <exception cref="FormatException">It is none, or a value in it is not what the rest comes to.</exception>
    public static Measurement Parse(JsonElement json, string name)
    {
        try
        {
            JsonElement list = json.GetProperty("layers");
            if (list.GetArrayLength() > OciLimits.Default.MaxLayers)
                throw new FormatException($"{name}: more than {OciLimits.Default.MaxLayers} layers (MaxLayers)");
            List<LayerMeasurement> layers = [];
            foreach (JsonElement layer in list.EnumerateArray())
            {
                LayerMeasurement read = new(DigestOf(layer, "chainId"), DigestOf(layer, "diffId"), layer.TryGetProperty("parent", out _) ? DigestOf(layer, "parent") : null,
                    layer.GetProperty("bytes").GetInt64(), DigestOf(layer, "content"));
                if (DigestOf(layer, "value") is var stated && stated != read.Value)
                    throw new FormatException($"{name}: layer {layers.Count + 1}: its value is {read.Value}, it states {stated}");
                layers.Add(read);
            }
            Measurement measurement = new(DigestOf(json, "config"), layers);
            IReadOnlyList<Digest> chain = ChainId.Of([.. layers.Select(l => l.DiffId)]);
            for (int i = 0; i < layers.Count; i++)
                if (layers[i].ChainId != chain[i] || layers[i].Parent != (i == 0 ? null : chain[i - 1]) || layers[i].Content.Algorithm != "sha384")
                    throw new FormatException($"{name}: layer {i + 1}: its chainID, its parent or its content is not what it must be");
            return DigestOf(json, "value") is var whole && whole == measurement.Value
                ? measurement
                : throw new FormatException($"{name}: the measurement is {measurement.Value}, it states {whole}");
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException)
        {
            throw new FormatException($"{name}: no measurement: {Escape.ForTerminal(e.Message)}", e);
        }
    }

    private static Digest DigestOf(JsonElement json, string member) => Digest.Parse(json.GetProperty(member).GetString() ?? "");
}
