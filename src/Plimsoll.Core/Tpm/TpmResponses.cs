namespace Plimsoll.Tpm;

/// <summary>Response codes. Source: TPM 2.0 Library, Part 2, "TPM_RC" (format 0 and format 1).</summary>
internal static class TpmResponses
{
    public const uint Success = 0, Initialize = 0x100, Yielded = 0x908, Canceled = 0x909, Testing = 0x90A, Retry = 0x922, NvRate = 0x920, Lockout = 0x921;

    private const uint FormatOne = 0x80;

    /// <summary>A code of format 1 without the number of the parameter, handle or session that it is about.</summary>
    public static uint Base(uint code) => (code & FormatOne) != 0 ? code & 0xBF : code;

    public const uint AuthFail = 0x8E, BadAuth = 0xA2, PolicyFail = 0x9D, Value = 0x84, Handle = 0x8B, Integrity = 0x9F, NvLocked = 0x148, NvUninitialized = 0x14A, NvDefined = 0x14C, PcrChanged = 0x128, Policy = 0x126;

    public static bool MeansAgain(uint code) => code is Retry or Testing or Yielded or NvRate;

    public static TpmException Of(TpmCommand command, uint code) =>
        new(TpmError.Refused, $"TPM2_{command} was refused with 0x{code:x3} ({Describe(code)})", HintOf(code)) { Code = code };

    private static string Describe(uint code) => Base(code) switch
    {
        Initialize => "the TPM was not started, or is already",
        Lockout => "locked after too many wrong authorisations",
        AuthFail or BadAuth => "wrong authorisation",
        PolicyFail => "the policy does not hold, such as PCRs that changed",
        PcrChanged => "PCRs changed since the policy was checked",
        Policy => "a policy command failed",
        Value => "a value is out of range",
        Handle => "there is no such handle",
        Integrity => "the blob is not this TPM's, or was changed",
        NvLocked => "the NV index is locked",
        NvUninitialized => "the NV index was never written",
        NvDefined => "the NV index is already there",
        0x85 => "hierarchy disabled or wrong",
        0x8F => "wrong nonce",
        0x92 => "wrong size of a scheme or hash",
        0x95 => "a size is wrong",
        0x96 => "unknown symmetric cipher",
        0x98 => "the key cannot do this",
        0x99 => "wrong scheme",
        0xA3 => "the session has expired",
        0x902 => "no room for another object",
        0x903 => "no room for another session",
        0x904 => "no memory left",
        0x143 => "the command is not implemented",
        0x101 => "the TPM is in failure mode",
        0x14B => "no room left for NV indexes",
        0x149 => "the NV index needs another authorisation",
        _ => (code & FormatOne) != 0 ? "an argument is wrong" : "TPM 2.0 Library, Part 2, TPM_RC",
    };

    private static string? HintOf(uint code) => Base(code) switch
    {
        0x902 or 0x903 or 0x904 => "use /dev/tpmrm0, whose resource manager makes room",
        AuthFail or BadAuth => "PLIMSOLL_TPM_OWNER_AUTH and PLIMSOLL_TPM_ENDORSEMENT_AUTH, or a file named by PLIMSOLL_TPM_AUTH_FILE, hold the hierarchies' passwords",
        Lockout => "PLIMSOLL_TPM_LOCKOUT_AUTH, or lockout= in the file named by PLIMSOLL_TPM_AUTH_FILE, ends it",
        Initialize => "a simulator is started with --flags startup-clear",
        _ => null,
    };
}
