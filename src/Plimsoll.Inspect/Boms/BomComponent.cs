namespace Plimsoll.Inspect.Boms;

/// <summary>A component as any bill of materials lists it, before it is a package.</summary>
internal sealed class BomComponent
{
    /// <summary>CycloneDX's type or SPDX's purpose, lower case with hyphens: <c>library</c>, <c>operating-system</c>; empty when not said.</summary>
    public string Kind { get; set; } = "";
    public string? Reference { get; set; }
    public string? Group { get; set; }
    public string Name { get; set; } = "";
    public string? Version { get; set; }
    public string? Purl { get; set; }
    public string? Supplier { get; set; }
    public List<string> Licences { get; } = [];

    /// <summary>CycloneDX's properties, and what SPDX documents carry as attribution texts; first value wins.</summary>
    public Dictionary<string, string> Properties { get; } = new(StringComparer.Ordinal);

    /// <summary>SPDX's text <c>built package from: openssl 1.1.1n-0+deb11u3</c>.</summary>
    public string? SourceInfo { get; set; }
}

/// <summary>What a bill of materials says, before it is an inventory.</summary>
internal sealed class BomContent
{
    /// <summary><c>CycloneDX 1.5</c> or <c>SPDX 2.3</c>.</summary>
    public string Format { get; set; } = "";

    /// <summary>Program that made it; null when it does not say.</summary>
    public string? Tool { get; set; }

    /// <summary>What it describes.</summary>
    public BomComponent? Subject { get; set; }
    public List<BomComponent> Components { get; } = [];
    public List<Layers.Gap> Gaps { get; } = [];
    public List<Suppressions.VexStatement> Vex { get; } = [];
}
