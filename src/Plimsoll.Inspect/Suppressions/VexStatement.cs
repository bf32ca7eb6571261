namespace Plimsoll.Inspect.Suppressions;

/// <summary>What somebody says of one flaw in some products. Source: OpenVEX 0.2.0, "Statement"; CycloneDX 1.6, "vulnerability.analysis".</summary>
public sealed record VexStatement
{
    /// <summary>CVE or advisory ids of the flaw, at least one.</summary>
    public required IReadOnlyList<string> Ids { get; init; }

    /// <summary>One of the four words of <see cref="VexWords"/>.</summary>
    public required string Status { get; init; }

    /// <summary>One of <see cref="VexWords.Justifications"/>, or null.</summary>
    public string? Justification { get; init; }

    /// <summary>The reason in the author's words; empty when there is none.</summary>
    public string Impact { get; init; } = "";
    public string? Author { get; init; }

    /// <summary>When it was said; the latest of several statements on a finding counts.</summary>
    public DateTimeOffset Time { get; init; }
    public required IReadOnlyList<VexProduct> Products { get; init; }

    /// <summary>File and number: <c>app.vex.json, statement 3</c>.</summary>
    public required string Source { get; init; }
}

/// <summary>What a statement speaks of.</summary>
/// <param name="Names">Any of these names it: a purl, an image digest.</param>
/// <param name="Subcomponents">Only these parts of it, by purl; empty for the whole.</param>
public sealed record VexProduct(IReadOnlyList<string> Names, IReadOnlyList<string> Subcomponents);
