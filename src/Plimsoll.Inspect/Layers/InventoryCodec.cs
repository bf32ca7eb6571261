using Plimsoll.Inspect.Packages;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Layers;

/// <summary>The bytes in which the cache keeps a composed image, in the form of <see cref="FactWriter"/>.</summary>
/// <remarks>What the image itself says of its layers (digests, history) is not in them and comes from the image at hand.</remarks>
internal static class InventoryCodec
{
    private static ReadOnlySpan<byte> Magic => "PLI1"u8;

    public static byte[] Encode(Inventory inventory)
    {
        FactWriter writer = new();
        writer.Number(inventory.Layers.Count);
        foreach (LayerSummary layer in inventory.Layers)
        {
            writer.Number(layer.TarBytes + 1);
            writer.Number(layer.Entries);
        }
        LayerFactsCodec.Write(writer, inventory.Distribution);
        writer.List(inventory.Packages, Write);
        writer.List(inventory.Removed, Write);
        writer.List(inventory.Hits, Write);
        writer.List(inventory.Gaps, LayerFactsCodec.Write);
        return writer.ToArray(Magic, []);
    }

    /// <param name="image">The image that the inventory is of: every layer is known to have the bytes that it had then.</param>
    /// <returns>Null when the bytes are no whole file of this form, or of an image of other layers.</returns>
    public static Inventory? Decode(ReadOnlySpan<byte> whole, Image image)
    {
        if (!FactReader.TryOpen(whole, Magic, out ReadOnlySpan<byte> facts))
            return null;
        try
        {
            FactReader reader = new(facts);
            int count = reader.Count();
            if (count != image.Layers.Count)
                return null;
            IReadOnlyList<string?> history = Composer.HistoryOf(image);
            LayerSummary[] layers = new LayerSummary[count];
            Origin[] origins = new Origin[count];
            for (int i = 0; i < count; i++)
            {
                ImageLayer layer = image.Layers[i];
                origins[i] = new Origin(i, layer.DiffId?.ToString(), history[i]);
                layers[i] = new LayerSummary(i, origins[i].DiffId, layer.BlobDigest?.ToString(), history[i], reader.Number() - 1, reader.Number(), true);
            }
            return new Inventory
            {
                Layers = layers,
                Distribution = LayerFactsCodec.ReadDistribution(ref reader),
                Packages = ReadPackages(ref reader, origins),
                Removed = ReadPackages(ref reader, origins),
                Hits = ReadHits(ref reader, origins),
                Gaps = reader.List(LayerFactsCodec.ReadGap),
            };
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    private static void Write(FactWriter writer, InstalledPackage installed)
    {
        LayerFactsCodec.Write(writer, installed.Package);
        writer.Text(installed.Path);
        writer.Text(installed.Place);
        writer.Text(installed.Analyser);
        writer.Number(installed.Origin.Layer);
        writer.Number(installed.RemovedBy?.Layer + 1 ?? 0);
        writer.Text(installed.ReplacedBy);
        writer.Text(installed.Purl);
        writer.Text(installed.OwnedBy);
    }

    private static InstalledPackage[] ReadPackages(ref FactReader reader, Origin[] origins)
    {
        InstalledPackage[] packages = new InstalledPackage[reader.Count()];
        for (int i = 0; i < packages.Length; i++)
            packages[i] = new InstalledPackage
            {
                Package = LayerFactsCodec.ReadPackage(ref reader),
                Path = reader.Must(),
                Place = reader.Must(),
                Analyser = reader.Must(),
                Origin = origins[reader.Number()],
                RemovedBy = reader.Number() is not 0 and var layer ? origins[layer - 1] : null,
                ReplacedBy = reader.Text(),
                Purl = reader.Must(),
                OwnedBy = reader.Text(),
            };
        return packages;
    }

    private static void Write(FactWriter writer, FileHit hit)
    {
        writer.Text(hit.Path);
        writer.Text(hit.Analyser);
        LayerFactsCodec.Write(writer, hit.Hit);
        writer.Number(hit.Origin.Layer);
        writer.Number(hit.RemovedBy?.Layer + 1 ?? 0);
        writer.Text(hit.OwnedBy);
    }

    private static FileHit[] ReadHits(ref FactReader reader, Origin[] origins)
    {
        FileHit[] hits = new FileHit[reader.Count()];
        for (int i = 0; i < hits.Length; i++)
            hits[i] = new FileHit
            {
                Path = reader.Must(),
                Analyser = reader.Must(),
                Hit = LayerFactsCodec.ReadHit(ref reader),
                Origin = origins[reader.Number()],
                RemovedBy = reader.Number() is not 0 and var layer ? origins[layer - 1] : null,
                OwnedBy = reader.Text(),
            };
        return hits;
    }
}
