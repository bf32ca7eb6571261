using System.Text;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Reports;

/// <summary>The bill of materials as SPDX 2.3 tags and values, a line each.</summary>
public static class SpdxTagReport
{
    /// <summary>Writes one document, UTF-8.</summary>
    public static void Write(Stream output, Report report)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(report);
        SpdxDocument document = SpdxDocument.Of(report);
        using StreamWriter text = new(output, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        Tag(text, "SPDXVersion", "SPDX-2.3");
        Tag(text, "DataLicense", "CC0-1.0");
        Tag(text, "SPDXID", SpdxDocument.DocumentId);
        Tag(text, "DocumentName", document.Name);
        Tag(text, "DocumentNamespace", document.Namespace);
        if (document.Comment is { } comment)
            Block(text, "DocumentComment", comment);
        Tag(text, "Creator", document.Creator);
        Tag(text, "Created", document.Created);
        foreach (SpdxPackage package in document.Packages)
            Package(text, package);
        foreach ((string id, string name) in document.Licences)
        {
            text.WriteLine();
            Tag(text, "LicenseID", id);
            Block(text, "ExtractedText", name);
            Tag(text, "LicenseName", name);
        }
        text.WriteLine();
        Tag(text, "Relationship", $"{SpdxDocument.DocumentId} DESCRIBES {SpdxDocument.ImageId}");
        foreach (SpdxPackage package in document.Packages.Skip(1))
        {
            Tag(text, "Relationship", $"{SpdxDocument.ImageId} CONTAINS {package.Id}");
            if (package.Development)
                Tag(text, "Relationship", $"{package.Id} DEV_DEPENDENCY_OF {SpdxDocument.ImageId}");
        }
    }

    private static void Package(StreamWriter text, SpdxPackage package)
    {
        text.WriteLine();
        Tag(text, "PackageName", package.Name);
        Tag(text, "SPDXID", package.Id);
        if (package.Version.Length > 0)
            Tag(text, "PackageVersion", package.Version);
        if (package.Supplier is { } supplier)
            Tag(text, "PackageSupplier", supplier);
        Tag(text, "PackageDownloadLocation", SpdxDocument.Nothing);
        Tag(text, "PrimaryPackagePurpose", package.Purpose.Replace('_', '-'));
        Tag(text, "FilesAnalyzed", "false");
        if (package.Checksum is { } checksum)
            Tag(text, "PackageChecksum", $"{checksum.Algorithm}: {checksum.Hex}");
        if (package.SourceInfo is { } source)
            Block(text, "PackageSourceInfo", source);
        Tag(text, "PackageLicenseConcluded", SpdxDocument.Nothing);
        Tag(text, "PackageLicenseDeclared", package.Licence);
        Tag(text, "PackageCopyrightText", SpdxDocument.Nothing);
        if (package.Purl is { } purl)
            Tag(text, "ExternalRef", $"PACKAGE-MANAGER purl {purl}");
        foreach (string property in package.Properties)
            Block(text, "PackageAttributionText", property);
    }

    // A line break would begin a new tag, of whoever made the package's name.
    private static void Tag(StreamWriter text, string tag, string value) => text.WriteLine($"{tag}: {Escape.ForTerminal(value)}");

    private static void Block(StreamWriter text, string tag, string value) =>
        text.WriteLine($"{tag}: <text>{string.Join('\n', value.Split('\n').Select(Escape.ForTerminal)).Replace("</text>", "<\\/text>", StringComparison.Ordinal)}</text>");
}
