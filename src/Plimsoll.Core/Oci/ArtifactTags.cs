namespace Plimsoll.Oci;

/// <summary>Tags that stand for what is attached to a manifest.</summary>
/// <remarks>Source: OCI distribution specification 1.1, "Referrers Tag Schema"; sigstore/cosign, pkg/oci/remote, tag names.</remarks>
public static class ArtifactTags
{
    public const string Signature = "sig", Attestation = "att", Bom = "sbom";

    /// <summary>What cosign attaches by a tag of its own.</summary>
    public static IReadOnlyList<string> CosignSuffixes { get; } = [Signature, Attestation, Bom];

    /// <summary><c>sha256-HEX</c>: the index of referrers where a registry keeps none itself.</summary>
    public static string Fallback(Digest subject)
    {
        ArgumentNullException.ThrowIfNull(subject);
        return $"{subject.Algorithm}-{subject.Hex}";
    }

    /// <summary><c>sha256-HEX.sig</c> and its kin.</summary>
    public static string Cosign(Digest subject, string suffix) => $"{Fallback(subject)}.{suffix}";

    /// <summary>Reads either form.</summary>
    /// <param name="suffix">One of <see cref="CosignSuffixes"/>; empty for the fallback tag.</param>
    public static bool TryParse(string? tag, out Digest? subject, out string suffix)
    {
        string[] parts = (tag ?? "").Split('.');
        suffix = parts.Length == 2 ? parts[1] : "";
        subject = null;
        return (parts.Length == 1 || parts.Length == 2 && CosignSuffixes.Contains(suffix))
            && parts[0].IndexOf('-', StringComparison.Ordinal) is > 0 and var dash && Digest.TryParse($"{parts[0][..dash]}:{parts[0][(dash + 1)..]}", out subject);
    }
}
