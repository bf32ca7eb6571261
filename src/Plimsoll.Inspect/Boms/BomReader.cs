using System.Text.Json;
using Plimsoll.Inspect.Layers;
using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Suppressions;
using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Boms;

/// <summary>What a bill of materials lists, as if an image had been read.</summary>
/// <param name="Format"><c>CycloneDX 1.5</c>, with <c> by trivy 0.50</c> where it names its tool.</param>
/// <param name="Subject">What it describes, by name; null when it does not say.</param>
/// <param name="Digest">Digest of what it describes, from its version or purl; null when it does not say.</param>
/// <param name="Vex">Statements that stand in the document itself; <see cref="BomReader.Subject"/> in a product is the whole.</param>
public sealed record Bom(string Format, string? Subject, string? Digest, Inventory Inventory, IReadOnlyList<VexStatement> Vex);

/// <summary>Reads bills of materials of any tool: CycloneDX JSON 1.2 to 1.6, SPDX 2.2 and 2.3 as JSON or tags.</summary>
public static class BomReader
{
    /// <summary>Stands in a statement's product for what the document describes.</summary>
    internal const string Subject = "plimsoll:subject";

    /// <exception cref="ImageException">By name what is wrong; nothing of a broken document is used.</exception>
    public static Bom Read(string path) => Read(BomLimits.Read(path), path);

    /// <param name="name">What the document is called in errors.</param>
    /// <exception cref="ImageException">See <see cref="Read(string)"/>.</exception>
    public static Bom Read(ReadOnlyMemory<byte> content, string name)
    {
        string quoted = Escape.Quote(name);
        BomContent bom = JsonTokens.Guard(quoted, () => ReadContent(Start(content.Span), quoted));
        return new BomInventory(bom).Build();
    }

    /// <summary>Whether the document looks like a bill of materials, by its first members.</summary>
    internal static string? KindOf(ReadOnlySpan<byte> content)
    {
        if (content.StartsWith("SPDXVersion:"u8))
            return "spdx-tag";
        if (content.IsEmpty || content[0] != (byte)'{')
            return null;
        Utf8JsonReader json = new(content, BomLimits.JsonOptions);
        json.Read();
        while (json.NextMember(out string member))
        {
            switch (member)
            {
                case "bomFormat":
                    return "cyclonedx";
                case "spdxVersion":
                    return "spdx-json";
                case "schemaVersion":
                    return "report";
                default:
                    json.Skip();
                    break;
            }
        }
        return "";
    }

    internal static ReadOnlySpan<byte> Start(ReadOnlySpan<byte> content)
    {
        if (content.StartsWith("\uFEFF"u8))
            content = content[3..];
        return content.TrimStart(" \t\r\n"u8);
    }

    private static BomContent ReadContent(ReadOnlySpan<byte> content, string name)
    {
        switch (KindOf(content))
        {
            case "cyclonedx":
                return CycloneDxReader.Read(content, name);
            case "spdx-json":
                return SpdxJsonReader.Read(content, name);
            case "spdx-tag":
                return SpdxTagReader.Read(content, name);
            case "report":
                throw new ImageException(ImageError.Unsupported, $"{name} is a report, no bill of materials", "plimsoll diff and plimsoll explain take reports");
            default:
                // Comments and tags of SPDX may stand before its version.
                if (content.StartsWith("#"u8) || content[..Math.Min(content.Length, 4096)].IndexOf("\nSPDXVersion:"u8) >= 0)
                    return SpdxTagReader.Read(content, name);
                if (content.StartsWith("<"u8))
                    throw new ImageException(ImageError.Unsupported, $"{name} is XML, which is not read", "convert it: cyclonedx convert --output-format json");
                throw new ImageException(ImageError.Malformed, $"{name} is no bill of materials: neither CycloneDX nor SPDX",
                    "CycloneDX JSON 1.2 to 1.6 and SPDX 2.2 or 2.3, as JSON or tags, are read");
        }
    }
}
