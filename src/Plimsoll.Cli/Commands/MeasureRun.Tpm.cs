using Plimsoll.Measure;
using Plimsoll.Sign;
using Plimsoll.Texts;
using Plimsoll.Tpm;

namespace Plimsoll.Cli.Commands;

/// <summary>Where <c>--tpm</c> extends measurements into.</summary>
/// <param name="Address">Null for the environment's or the kernel's.</param>
/// <param name="AuthFile">File of the hierarchies' passwords, or null.</param>
internal sealed record TpmTarget(ExtendTarget Target, string? Address, string? AuthFile);

/// <content>Extending measurements into the TPM.</content>
internal sealed partial class MeasureRun
{
    public TpmTarget? Tpm { get; init; }

    /// <summary>Extends what was measured, whatever it is: the TPM's list tells what was there, not what should have been.</summary>
    /// <returns>Null when nothing is to be extended, or the image has no measurement.</returns>
    /// <exception cref="TpmException">As <see cref="MeasuredStore.Extend"/>.</exception>
    private Extension? ExtendOne(CheckedImage image, CancellationToken cancellationToken)
    {
        if (Tpm is null || image.Result.Measurement is not { } measurement)
            return null;
        // Opened for each image anew: a simulator serves one client at a time, and measuring takes long.
        using TpmClient tpm = TpmAccess.Open(context, Tpm.Address, Tpm.AuthFile, cancellationToken);
        return new MeasuredStore(context.Home.Measured).Extend(tpm, Tpm.Target, measurement, cancellationToken);
    }

    /// <summary>An image that was measured and not extended.</summary>
    private void NotExtended(CanonicalJson json, string name, TpmException e)
    {
        context.WriteError($"{Escape.Quote(name)}: {e.Message}", e.Hint);
        json.BeginObject().Text("name", name).Flag("same", false).BeginObject("error").Text("code", e.Error == TpmError.Malformed ? "tpm-refused" : "tpm-unavailable").Text("message", e.Message).EndObject().EndObject();
    }
}
