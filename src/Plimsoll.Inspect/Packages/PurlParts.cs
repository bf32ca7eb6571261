namespace Plimsoll.Inspect.Packages;

/// <summary>What a package URL says, decoded; empty texts for what it does not say.</summary>
public sealed record PurlParts
{
    /// <summary>Lower case; not only the types of <see cref="Package.Type"/>.</summary>
    public required string Type { get; init; }

    /// <summary>Segments joined by slashes: a distribution's id, an npm scope with its <c>@</c>, a Maven group.</summary>
    public required string Namespace { get; init; }
    public required string Name { get; init; }
    public required string Version { get; init; }

    /// <summary>Keys in lower case.</summary>
    public required IReadOnlyDictionary<string, string> Qualifiers { get; init; }
    public required string Subpath { get; init; }

    /// <summary>As <see cref="Package.Name"/> has it: <c>@scope/name</c>, <c>group:artifact</c>, a module's whole path.</summary>
    public string PackageName => Type switch
    {
        "deb" or "apk" or "rpm" or "alpm" => Name,
        "pypi" => PackageNames.Pypi(Name),
        "maven" => Namespace.Length == 0 ? Name : $"{Namespace}:{Name}",
        "npm" when Namespace.Length > 0 && Namespace[0] != '@' => $"@{Namespace}/{Name}",
        _ => Namespace.Length == 0 ? Name : $"{Namespace}/{Name}",
    };

    /// <summary>As <see cref="Package.Version"/> has it: an rpm's epoch stands before it.</summary>
    public string PackageVersion =>
        Type == "rpm" && Qualifiers.TryGetValue("epoch", out string? epoch) && epoch is not ("" or "0") ? $"{epoch}:{Version}" : Version;
}
