using Plimsoll.Inspect.Packages;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Layers;

/// <summary>Bounds the memory of what is kept of one image: a layer of gigabytes of whiteouts packs into megabytes. Thread safe.</summary>
internal sealed class FactBudget(long maxBytes = FactBudget.MaxFactBytes)
{
    /// <summary>Bytes of facts of one image, as estimated here: all of Debian installed comes to a tenth, 3 million files to a fifth.</summary>
    public const long MaxFactBytes = 512L << 20;

    private const int StringBytes = 64, FileBytes = 256, PackageBytes = 256, OwnedBytes = 128;
    private long _taken;

    /// <exception cref="ImageException">LimitExceeded.</exception>
    public void Take(long bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) > maxBytes)
            throw new ImageException(ImageError.LimitExceeded, $"what is to be remembered of this image comes to more than {maxBytes} bytes (MaxFactBytes)");
    }

    public string Keep(string text)
    {
        Take(Of(text));
        return text;
    }

    public FileFacts Keep(FileFacts facts)
    {
        long bytes = FileBytes + Of(facts.Path);
        foreach (Package package in facts.Packages)
            bytes += PackageBytes + 2 * (package.Name.Length + package.Version.Length + package.SourceName.Length + package.SourceVersion.Length
                + (package.Maintainer?.Length ?? 0) + (package.Inner?.Length ?? 0) + (package.Module?.Length ?? 0)) + package.Licences.Sum(Of);
        foreach (OwnedFile owned in facts.Owned)
            bytes += OwnedBytes + 2 * (owned.Path.Length + owned.Checksum.Length);
        foreach (string checksum in facts.Checksums)
            bytes += Of(checksum);
        foreach (Hit hit in facts.Hits)
            bytes += FileBytes + 2 * (hit.Evidence.Length + hit.Detail.Length);
        foreach (Gap gap in facts.Gaps)
            bytes += Of(gap.Detail);
        if (facts.LicencesOf is not null)
            foreach ((string package, IReadOnlyList<string> licences) in facts.LicencesOf)
                bytes += Of(package) + licences.Sum(Of);
        Take(bytes);
        return facts;
    }

    private static long Of(string text) => StringBytes + 2L * text.Length;
}
