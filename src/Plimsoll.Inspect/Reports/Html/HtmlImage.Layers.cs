using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Layers;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports.Html;

/// <content>Layers as bars that lie on each other as they do in the image.</content>
internal sealed partial class HtmlImage
{
    // Builders stop at 127.
    private const int MostLayers = 500;

    private void WriteLayers()
    {
        if (_report.Layers.Count == 0 || _report.Bom is not null)
            return;
        html.Open("section", ("class", "card"), ("aria-labelledby", Id("layers"))).Element("h3", Say(Catalogue.HtmlLayers), ("id", Id("layers")));
        html.Element("p", Say(Catalogue.HtmlLayersText), ("class", "dim"));
        html.Open("ol", ("class", "layers"), ("reversed", ""), ("start", HtmlChart.Number(_report.Layers.Count - 1)));
        long largest = _report.Layers.Max(l => l.TarBytes);
        if (_report.Layers.Count > MostLayers)
            html.Element("li", Say(Catalogue.HtmlMoreLayers, _report.Layers.Count - MostLayers), ("class", "dim"));
        foreach (LayerSummary layer in _report.Layers.Take(MostLayers).Reverse())
            WriteLayer(layer, largest);
        html.Close().Close().Line();
    }

    private void WriteLayer(LayerSummary layer, long largest)
    {
        LayerTally? tally = _tally.Layers.GetValueOrDefault(layer.Index);
        string size = HtmlChart.Size(layer.TarBytes, Language);
        html.Open("li").Open("div", ("class", "no")).Text(layer.DiffId is null ? Say(Catalogue.LayerFolder) : HtmlChart.Number(layer.Index));
        if (_report.Base is { Layers: > 0 } known && layer.Index < known.Layers)
            html.Element("span", Say(Catalogue.HtmlLayerBase), ("class", "badge"));
        html.Close();
        html.Open("div", ("class", "body"));
        HtmlChart.Layer(html, layer.TarBytes, largest, tally?.Counts.Worst, $"{Say(Catalogue.Layer, layer.Index)}: {size}");
        html.Open("div", ("class", "line")).Element("span", size, ("class", "size"));
        if (tally is { Counts.All: > 0 })
        {
            html.Open("a", ("class", "layerlink"), ("data-layer", HtmlChart.Number(layer.Index)), ("href", "#" + LayerAnchor(layer.Index)),
                ("aria-label", Say(Catalogue.HtmlLayerFindings, layer.Index)));
            HtmlChart.Chips(html, tally.Counts, Language);
            html.Close();
            foreach ((ProblemKind kind, int count) in tally.Problems.Where(p => p.Key is ProblemKind.Malware or ProblemKind.Secret))
                html.Element("span", Say(Catalogue.CountOf(kind.Word(), count), count), ("class", "badge refused"));
            if (tally.Recoverable > 0)
                html.Element("span", Say(Catalogue.HtmlLayerRemoved, tally.Recoverable), ("class", "badge warned"));
        }
        else
            html.Element("span", Say(Catalogue.HtmlLayerClean), ("class", "dim"));
        html.Close();
        if (layer.CreatedBy is { Length: > 0 } created)
            html.Element("code", HtmlText.Shown(created, HtmlText.Long), ("class", "history"), ("title", HtmlText.Shown(layer.DiffId ?? "")));
        else if (layer.DiffId is not null)
            html.Element("span", Say(Catalogue.HtmlLayerNoHistory), ("class", "dim"));
        html.Close().Close();
    }

    private string LayerAnchor(int layer) => Id("l" + HtmlChart.Number(layer));

    private readonly HashSet<int> _anchored = [];

    /// <summary>The anchor of a layer, for the first thing on the page that is of it; null for those after.</summary>
    private string? AnchorOf(Origin? origin) => origin is not null && _anchored.Add(origin.Layer) ? LayerAnchor(origin.Layer) : null;
}
