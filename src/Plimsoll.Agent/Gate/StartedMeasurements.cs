using Plimsoll.Measure;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Tpm;

namespace Plimsoll.Agent.Gate;

/// <summary>How started containers are measured into a TPM.</summary>
/// <param name="Address">As <see cref="TpmTransport.Open"/> takes it.</param>
/// <param name="AuthFile">File of the hierarchies' passwords, or null.</param>
/// <param name="Refuse">A start that cannot be extended is refused; false: it is written down.</param>
internal sealed record TpmSettings(string Address, ExtendTarget Target, string? AuthFile, bool Refuse)
{
    /// <summary>NV index in which checkpoints of the evidence log are counted; null: in none.</summary>
    public uint? Counter { get; init; } = NvCounter.LogIndex;

    /// <summary>Between two counts at least: a TPM's memory wears out by being written.</summary>
    public TimeSpan CountEvery { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Opened for each use anew: a TPM behind a socket serves one client at a time.</summary>
    /// <exception cref="TpmException">It does not answer.</exception>
    /// <exception cref="IOException">The passwords cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">As above.</exception>
    /// <exception cref="FormatException">They are none.</exception>
    public TpmClient Open(TimeSpan patience, CancellationToken cancellationToken) => TpmClient.Open(Address, new TpmOptions { Patience = patience, Passwords = Passwords() }, cancellationToken);

    private TpmPasswords Passwords() => AuthFile is null ? new TpmPasswords()
        : TpmPasswords.Parse(SmallFile.Read(AuthFile, TpmPasswords.MaxFileBytes) ?? throw new FormatException($"{AuthFile}: more than {TpmPasswords.MaxFileBytes} bytes (MaxFileBytes)"));
}

/// <summary>
/// Extends what the image of each started container measures to, before its first process. An image stands in the list once in the life of the index, or
/// since the boot for a PCR: its further starts add nothing that the TPM did not say before, and cost nothing. Which container it was is in the evidence log.
/// </summary>
/// <param name="folder">Of the lists, as <c>plimsoll measure --tpm</c> keeps them.</param>
/// <param name="extended">Told of each image that was extended now.</param>
/// <param name="failed">Told of each start that was not, with a code and a text.</param>
internal sealed class StartedMeasurements(string folder, TpmSettings settings, Action<Extension, Measurement> extended, Action<Measurement, string, string> failed)
{
    /// <summary>For a TPM's answer, and for the starts before this one; far above what any TPM takes to extend, and below the launcher's deadline.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>One start at a time, so that the list's order is the TPM's.</summary>
    private readonly Lock _gate = new();
    private readonly HashSet<(Digest Image, Digest Value)> _done = [];

    /// <summary>Allows when the image's measurement is in the TPM now, or when policy's word is only to report that it is not.</summary>
    public Answer Extend(Measurement measurement, CancellationToken cancellationToken)
    {
        (string Code, string Text) trouble;
        if (!_gate.TryEnter(Patience))
            trouble = ("tpm-unavailable", $"other starts waited for the TPM for {Patience.TotalSeconds:0} s");
        else
            try
            {
                if (_done.Contains((measurement.Config, measurement.Value)))
                    return Answer.Allow;
                using TpmClient tpm = settings.Open(Patience, cancellationToken);
                Extension made = new MeasuredStore(folder).Extend(tpm, settings.Target, measurement, cancellationToken);
                _done.Add((measurement.Config, measurement.Value));
                if (made.Extended > 0)
                    extended(made, measurement);
                return Answer.Allow;
            }
            catch (TpmException e)
            {
                trouble = (e.Error == TpmError.Malformed ? "tpm-refused" : "tpm-unavailable", e.Message);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
            {
                trouble = ("tpm-unavailable", Escape.ForTerminal(e.Message));
            }
            finally
            {
                _gate.Exit();
            }
        failed(measurement, trouble.Code, trouble.Text);
        return settings.Refuse ? Answer.Deny(trouble.Code, $"what the image measures to cannot be extended into {settings.Target}: {trouble.Text}") : Answer.Allow;
    }
}
