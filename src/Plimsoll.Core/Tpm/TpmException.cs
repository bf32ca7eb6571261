namespace Plimsoll.Tpm;

/// <summary>Why a TPM gave no answer that can be used.</summary>
public enum TpmError
{
    /// <summary>Default: the bytes are not what the specification says.</summary>
    Malformed = 0,

    /// <summary>There is no TPM at that address, or it hung up.</summary>
    Unreachable,

    /// <summary>It did not answer, or said that it is busy, for longer than the patience allows.</summary>
    Timeout,

    /// <summary>It answered with a response code; <see cref="TpmException.Code"/> holds it.</summary>
    Refused,

    /// <summary>An answer's own HMAC is wrong: something stands between this program and the TPM.</summary>
    NotAuthentic,

    /// <summary>This TPM, or this program, does not have what was asked for.</summary>
    Unsupported,
}

/// <summary>A TPM cannot do what it was asked for, or what claims to come from one is malformed. No secret stands in the message.</summary>
public sealed class TpmException(TpmError error, string message, string? hint = null, Exception? inner = null) : Exception(message, inner)
{
    public TpmError Error { get; } = error;

    /// <summary>The response code where <see cref="Error"/> is <see cref="TpmError.Refused"/>, else 0.</summary>
    public uint Code { get; init; }

    public string? Hint { get; } = hint;

    internal static TpmException Malformed(string message) => new(TpmError.Malformed, message);
}
