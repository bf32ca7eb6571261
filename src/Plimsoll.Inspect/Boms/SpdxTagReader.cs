using System.Text;
using Plimsoll.Inspect.Layers;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Boms;

/// <summary>Reads SPDX 2.2 and 2.3 tags and values. Source: SPDX specification 2.3, clause 5 and the examples of tag:value.</summary>
internal static class SpdxTagReader
{
    private static ReadOnlySpan<byte> Open => "<text>"u8;

    private static ReadOnlySpan<byte> Close => "</text>"u8;

    /// <exception cref="ImageException">Malformed, Unsupported or LimitExceeded.</exception>
    public static BomContent Read(ReadOnlySpan<byte> content, string name)
    {
        SpdxDraft draft = new(name);
        BomComponent? package = null;
        string? version = null;
        bool files = false;
        for (int line = 1; content.Length > 0; line++)
        {
            ReadOnlySpan<byte> text = Packages.Fields.NextLine(ref content);
            int colon = text.IndexOf((byte)':');
            if (colon <= 0 || text[0] == (byte)'#')
                continue;
            string tag = Packages.Fields.Shown(text[..colon]);
            ReadOnlySpan<byte> value = Packages.Fields.Trim(text[(colon + 1)..]);
            string shown;
            if (value.StartsWith(Open))
                shown = Block(value[Open.Length..], ref content, ref line, name);
            else
                shown = Text(value);
            switch (tag)
            {
                case "SPDXVersion":
                    version = shown;
                    break;
                case "Creator":
                    draft.Creator(shown);
                    break;
                case "PackageName":
                    package = draft.Package();
                    package.Name = shown;
                    files = false;
                    break;
                // Files and snippets have ids too, and stand behind the package they are of.
                case "FileName" or "SnippetSPDXID":
                    files = true;
                    break;
                case "SPDXID" when package is not null && !files:
                    package.Reference ??= shown;
                    break;
                case "PackageVersion" when package is not null:
                    package.Version = shown;
                    break;
                case "PackageSupplier" when package is not null:
                    package.Supplier = SpdxDraft.Party(shown);
                    break;
                case "PackageLicenseDeclared" when package is not null:
                    SpdxDraft.Licence(package, shown);
                    break;
                case "PackageSourceInfo" when package is not null:
                    package.SourceInfo = shown;
                    break;
                case "PrimaryPackagePurpose" when package is not null:
                    package.Kind = SpdxDraft.Kind(shown);
                    break;
                case "PackageAttributionText" when package is not null:
                    SpdxDraft.Attribution(package, shown);
                    break;
                case "ExternalRef" when package is not null:
                    string[] parts = shown.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                    if (parts.Length == 3 && parts[1] is "purl" or "http://spdx.org/rdf/references/purl")
                        package.Purl ??= parts[2];
                    break;
                case "Relationship":
                    if (shown.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, "DESCRIBES", var to])
                        draft.Describes(to);
                    break;
            }
        }
        return draft.Done(version);
    }

    private static string Text(ReadOnlySpan<byte> value) =>
        value.Length > BomLimits.MaxTextCharacters * 4 ? "" : Encoding.UTF8.GetString(value);

    /// <summary>A value of several lines, up to its end mark.</summary>
    private static string Block(scoped ReadOnlySpan<byte> first, ref ReadOnlySpan<byte> rest, ref int line, string name)
    {
        int end = first.IndexOf(Close);
        if (end >= 0)
            return Text(first[..end]);
        int close = rest.IndexOf(Close);
        if (close < 0)
            throw new ImageException(ImageError.Malformed, $"{name}:{line}: <text> without </text>");
        ReadOnlySpan<byte> inner = rest[..close];
        line += inner.Count((byte)'\n');
        rest = rest[(close + Close.Length)..];
        Packages.Fields.NextLine(ref rest);
        line++;
        string text = first.IsEmpty ? "" : Text(first) + "\n";
        return text + Text(inner);
    }
}
