using Plimsoll.Oci;
using Plimsoll.Texts;

namespace Plimsoll.Inspect.Boms;

/// <summary>An SPDX document while it is read, whichever way it is written.</summary>
internal sealed class SpdxDraft(string name)
{
    private readonly BomContent _bom = new();
    private readonly HashSet<string> _described = new(StringComparer.Ordinal);

    public BomComponent Package()
    {
        if (_bom.Components.Count == BomLimits.MaxComponents)
            throw new ImageException(ImageError.LimitExceeded, $"{name}: more than {BomLimits.MaxComponents} packages (MaxComponents)");
        BomComponent package = new();
        _bom.Components.Add(package);
        return package;
    }

    public void Creator(string creator)
    {
        if (creator.StartsWith("Tool:", StringComparison.Ordinal))
            _bom.Tool ??= creator[5..].Trim();
    }

    public void Describes(string id)
    {
        if (_described.Count < BomLimits.MaxPerComponent)
            _described.Add(id);
    }

    /// <summary>What the document describes is the subject, unless it is a package with an address of its own kind.</summary>
    public BomContent Done(string? version)
    {
        _bom.Format = version switch
        {
            "SPDX-2.3" => "SPDX 2.3",
            "SPDX-2.2" => "SPDX 2.2",
            _ => throw new ImageException(ImageError.Unsupported, $"{name}: SPDX version {Escape.Quote(version)}; SPDX-2.2 and SPDX-2.3 are read"),
        };
        // SPDX 2.2 has no purposes; Trivy's ids of that time say the same.
        foreach (BomComponent component in _bom.Components.Where(c => c.Kind.Length == 0))
            if (component.Reference?.StartsWith("SPDXRef-OperatingSystem", StringComparison.Ordinal) == true)
                component.Kind = "operating-system";
        int at = _bom.Components.FindIndex(c => c.Reference is { } id && _described.Contains(id));
        if (at >= 0 && (_described.Count == 1 || _bom.Components[at].Kind == "container"))
        {
            _bom.Subject = _bom.Components[at];
            // A document that describes one package, say a jar, is about that package.
            if (_bom.Subject.Purl is null || _bom.Components.Count > 1)
                _bom.Components.RemoveAt(at);
        }
        return _bom;
    }

    public static string Kind(string? purpose) => purpose is null ? "" : purpose.ToLowerInvariant().Replace('_', '-');

    /// <summary><c>Organization: Debian (mail)</c> without its first word; null for NOASSERTION.</summary>
    public static string? Party(string? text)
    {
        if (text is null or "NOASSERTION" or "NONE")
            return null;
        int colon = text.IndexOf(": ", StringComparison.Ordinal);
        return colon > 0 && text[..colon] is "Organization" or "Person" ? text[(colon + 2)..] : text;
    }

    public static void Licence(BomComponent package, string? text)
    {
        if (text is { Length: > 0 } and not "NOASSERTION" and not "NONE")
            package.Licences.Add(text);
    }

    /// <summary>Trivy's and our own: <c>LayerDiffID: sha256:…</c>, <c>path: usr/lib/x</c>.</summary>
    public static void Attribution(BomComponent package, string text)
    {
        int colon = text.IndexOf(": ", StringComparison.Ordinal);
        if (colon > 0 && package.Properties.Count < BomLimits.MaxPerComponent)
            package.Properties.TryAdd(text[..colon], text[(colon + 2)..].Trim());
    }
}
