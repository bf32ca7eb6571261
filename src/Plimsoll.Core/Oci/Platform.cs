namespace Plimsoll.Oci;

/// <summary>Operating system and processor that an image is for, written <c>linux/arm64/v8</c>.</summary>
/// <remarks>Source: OCI image specification 1.1, image-index.md, "platform".</remarks>
public sealed record Platform(string Os, string Architecture, string? Variant = null)
{
    /// <summary>The platform of this machine in Go's words (amd64, arm64 …).</summary>
    public static Platform Host { get; } = new("linux", System.Runtime.InteropServices.RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "amd64",
        System.Runtime.InteropServices.Architecture.Arm64 => "arm64",
        System.Runtime.InteropServices.Architecture.X86 => "386",
        var other => other.ToString().ToLowerInvariant(),
    });

    /// <summary>Reads <c>os/arch[/variant]</c>; false for any other form.</summary>
    public static bool TryParse(string text, out Platform? platform)
    {
        string[] parts = text.Split('/');
        platform = parts.Length is 2 or 3 && Array.TrueForAll(parts, p => p.Length > 0)
            ? new Platform(parts[0], parts[1], parts.Length == 3 ? parts[2] : null)
            : null;
        return platform is not null;
    }

    /// <summary>True when an image for this platform is an answer to a wish for <paramref name="wanted"/>.</summary>
    /// <remarks>A wish without a variant takes any; arm64 and arm64/v8 are the same.</remarks>
    public bool Satisfies(Platform wanted) =>
        Os == wanted.Os && Architecture == wanted.Architecture
        && (wanted.Variant is null || Normal(Variant) == Normal(wanted.Variant));

    private string? Normal(string? variant) => Architecture == "arm64" && variant == "v8" ? null : variant;

    public override string ToString() => Variant is null ? $"{Os}/{Architecture}" : $"{Os}/{Architecture}/{Variant}";
}
