using System.Text.Json;

namespace Plimsoll.Inspect.Reports;

/// <summary>The bill of materials as SPDX 2.3 JSON.</summary>
public static class SpdxJsonReport
{
    /// <summary>Writes one document, UTF-8. Its namespace is made from the content without the time.</summary>
    public static void Write(Stream output, Report report)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(report);
        Write(output, SpdxDocument.Of(report));
        output.WriteByte((byte)'\n');
    }

    internal static void Write(Stream output, SpdxDocument document)
    {
        using Utf8JsonWriter json = new(output, ReportJson.Options);
        json.WriteStartObject();
        json.WriteString("spdxVersion", "SPDX-2.3");
        json.WriteString("dataLicense", "CC0-1.0");
        json.WriteString("SPDXID", SpdxDocument.DocumentId);
        json.WriteString("name", document.Name);
        json.WriteString("documentNamespace", document.Namespace);
        json.WriteOptional("comment", document.Comment);
        json.WriteStartObject("creationInfo");
        json.WriteString("created", document.Created);
        json.WriteList("creators", [document.Creator]);
        json.WriteEndObject();
        json.WriteStartArray("packages");
        foreach (SpdxPackage package in document.Packages)
            WritePackage(json, package);
        json.WriteEndArray();
        json.WriteStartArray("relationships");
        WriteRelationship(json, SpdxDocument.DocumentId, "DESCRIBES", SpdxDocument.ImageId);
        foreach (SpdxPackage package in document.Packages.Skip(1))
        {
            WriteRelationship(json, SpdxDocument.ImageId, "CONTAINS", package.Id);
            if (package.Development)
                WriteRelationship(json, package.Id, "DEV_DEPENDENCY_OF", SpdxDocument.ImageId);
        }
        json.WriteEndArray();
        if (document.Licences.Count > 0)
        {
            json.WriteStartArray("hasExtractedLicensingInfos");
            foreach ((string id, string name) in document.Licences)
            {
                json.WriteStartObject();
                json.WriteString("licenseId", id);
                json.WriteString("extractedText", name);
                json.WriteString("name", name);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    private static void WritePackage(Utf8JsonWriter json, SpdxPackage package)
    {
        json.WriteStartObject();
        json.WriteString("SPDXID", package.Id);
        json.WriteString("name", package.Name);
        json.WriteOptional("versionInfo", package.Version);
        json.WriteOptional("supplier", package.Supplier);
        json.WriteString("downloadLocation", SpdxDocument.Nothing);
        json.WriteBoolean("filesAnalyzed", false);
        if (package.Checksum is { } checksum)
        {
            json.WriteStartArray("checksums");
            json.WriteStartObject();
            json.WriteString("algorithm", checksum.Algorithm);
            json.WriteString("checksumValue", checksum.Hex);
            json.WriteEndObject();
            json.WriteEndArray();
        }
        json.WriteOptional("sourceInfo", package.SourceInfo);
        json.WriteString("licenseConcluded", SpdxDocument.Nothing);
        json.WriteString("licenseDeclared", package.Licence);
        json.WriteString("copyrightText", SpdxDocument.Nothing);
        if (package.Purl is { } purl)
        {
            json.WriteStartArray("externalRefs");
            json.WriteStartObject();
            json.WriteString("referenceCategory", "PACKAGE-MANAGER");
            json.WriteString("referenceType", "purl");
            json.WriteString("referenceLocator", purl);
            json.WriteEndObject();
            json.WriteEndArray();
        }
        if (package.Properties.Count > 0)
            json.WriteList("attributionTexts", package.Properties);
        json.WriteString("primaryPackagePurpose", package.Purpose);
        json.WriteEndObject();
    }

    private static void WriteRelationship(Utf8JsonWriter json, string from, string type, string to)
    {
        json.WriteStartObject();
        json.WriteString("spdxElementId", from);
        json.WriteString("relationshipType", type);
        json.WriteString("relatedSpdxElement", to);
        json.WriteEndObject();
    }
}
