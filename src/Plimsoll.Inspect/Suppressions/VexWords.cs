namespace Plimsoll.Inspect.Suppressions;

/// <summary>Words of OpenVEX. Source: OpenVEX 0.2.0, "Status Labels" and "Status Justifications".</summary>
public static class VexWords
{
    public const string NotAffected = "not_affected";
    public const string Affected = "affected";
    public const string Fixed = "fixed";
    public const string UnderInvestigation = "under_investigation";

    /// <summary>Why a product is not affected.</summary>
    public static IReadOnlyList<string> Justifications { get; } =
    [
        "component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
        "vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist",
    ];
}
