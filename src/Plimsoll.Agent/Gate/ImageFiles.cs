using Plimsoll.Docker;
using Plimsoll.Measure;
using Plimsoll.Oci;

namespace Plimsoll.Agent.Gate;

/// <summary>What an image's layers are, once they were proved.</summary>
internal static class ImageFiles
{
    /// <summary>SHA-384 of every file of every layer, hex. Reads them all.</summary>
    /// <exception cref="ImageException">They changed since they were proved.</exception>
    public static HashSet<string> Contents(UnpackedImage image, CancellationToken cancellationToken) => Read(image, cancellationToken).Contents;

    /// <summary>As <see cref="Contents"/>, and the paths of the links of every layer.</summary>
    public static (HashSet<string> Contents, IReadOnlyList<string> Links) Read(UnpackedImage image, CancellationToken cancellationToken)
    {
        FileList files = Measurer.Measure(image.Image, new MeasureOptions { Files = true }, cancellationToken).Files
            ?? throw new ImageException(ImageError.DiffIdMismatch, "the image changed while its files were listed");
        return (new(files.Layers.SelectMany(l => l.Entries).Where(e => e.Content is not null).Select(e => Convert.ToHexStringLower(e.Content!)), StringComparer.Ordinal),
            [.. files.Layers.SelectMany(l => l.Entries).Where(e => e.Type == FileType.Symlink).Select(e => e.Path).Distinct(StringComparer.Ordinal)]);
    }
}
