using System.Text.Json;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Boms;

/// <summary>Reads SPDX 2.2 and 2.3 JSON. Source: SPDX specification 2.3, clauses 6, 7 and 11.</summary>
internal static class SpdxJsonReader
{
    /// <exception cref="ImageException">Unsupported or LimitExceeded.</exception>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static BomContent Read(ReadOnlySpan<byte> content, string name)
    {
        SpdxDraft draft = new(name);
        Utf8JsonReader json = new(content, BomLimits.JsonOptions);
        json.Read();
        string? version = null;
        while (json.NextMember(out string member))
            switch (member)
            {
                case "spdxVersion":
                    version = json.Text();
                    break;
                case "creationInfo":
                    if (json.IsObject())
                        while (json.NextMember(out string part))
                            if (part == "creators")
                                json.Texts().ForEach(draft.Creator);
                            else
                                json.Skip();
                    break;
                case "packages":
                    if (json.IsArray())
                        while (json.NextObject())
                            ReadPackage(ref json, draft);
                    break;
                case "documentDescribes":
                    json.Texts().ForEach(draft.Describes);
                    break;
                case "relationships":
                    if (json.IsArray())
                        while (json.NextObject())
                            ReadRelationship(ref json, draft);
                    break;
                default:
                    json.Skip();
                    break;
            }
        return draft.Done(version);
    }

    private static void ReadPackage(ref Utf8JsonReader json, SpdxDraft draft)
    {
        BomComponent package = draft.Package();
        while (json.NextMember(out string member))
            switch (member)
            {
                case "SPDXID":
                    package.Reference = json.Text();
                    break;
                case "name":
                    package.Name = json.Text() ?? "";
                    break;
                case "versionInfo":
                    package.Version = json.Text();
                    break;
                case "supplier":
                    package.Supplier = SpdxDraft.Party(json.Text());
                    break;
                case "licenseDeclared":
                    SpdxDraft.Licence(package, json.Text());
                    break;
                case "sourceInfo":
                    package.SourceInfo = json.Text();
                    break;
                case "primaryPackagePurpose":
                    package.Kind = SpdxDraft.Kind(json.Text());
                    break;
                case "attributionTexts":
                    foreach (string text in json.Texts())
                        SpdxDraft.Attribution(package, text);
                    break;
                case "externalRefs":
                    if (json.IsArray())
                        while (json.NextObject())
                            ReadReference(ref json, package);
                    break;
                default:
                    json.Skip();
                    break;
            }
    }

    private static void ReadReference(ref Utf8JsonReader json, BomComponent package)
    {
        string? type = null, locator = null;
        while (json.NextMember(out string member))
            if (member == "referenceType")
                type = json.Text();
            else if (member == "referenceLocator")
                locator = json.Text();
            else
                json.Skip();
        if (type is "purl" or "http://spdx.org/rdf/references/purl")
            package.Purl ??= locator;
    }

    private static void ReadRelationship(ref Utf8JsonReader json, SpdxDraft draft)
    {
        string? type = null, to = null;
        while (json.NextMember(out string member))
            if (member == "relationshipType")
                type = json.Text();
            else if (member == "relatedSpdxElement")
                to = json.Text();
            else
                json.Skip();
        if (type == "DESCRIBES" && to is not null)
            draft.Describes(to);
    }
}
