using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Plimsoll.Measure;
using Plimsoll.Texts;

namespace Plimsoll.Tpm;

/// <summary>Why evidence is refused.</summary>
public enum QuoteReason
{
    /// <summary>Default: something that is needed for an answer was not given.</summary>
    Undecided = 0,

    /// <summary>Something in it is not what a TPM, a firmware or a kernel writes.</summary>
    Malformed,

    /// <summary>The signature is not the attestation key's.</summary>
    WrongSignature,

    /// <summary>The nonce is another: an old quote, or one made for somebody else.</summary>
    WrongNonce,

    /// <summary>The challenge was issued too long ago.</summary>
    Expired,

    /// <summary>The TPM's clock or count of boots is before that of a quote seen earlier.</summary>
    RolledBack,

    /// <summary>The key can sign what no TPM made.</summary>
    WeakKey,

    /// <summary>It is not the key that was enrolled.</summary>
    OtherKey,

    /// <summary>Nothing shows that the attestation key is in the TPM of the endorsement key.</summary>
    NotBound,

    /// <summary>The endorsement key is of no trusted maker.</summary>
    UntrustedMaker,

    /// <summary>It rests on a PCR that software can set back.</summary>
    ResettablePcr,

    /// <summary>The values beside the quote are not those that were signed.</summary>
    PcrsDiffer,

    /// <summary>The boot log does not lead to the PCRs.</summary>
    BootLogDiffers,

    /// <summary>The list of measured files does not lead to the PCR.</summary>
    ImaLogDiffers,

    /// <summary>A PCR does not hold what was asked for, or is not in the quote.</summary>
    PcrRefused,

    /// <summary>It rests on an NV index that can be written, or starts anew.</summary>
    ResettableIndex,

    /// <summary>The list of measured images does not lead to the index or PCR, or there is none.</summary>
    MeasuredDiffers,

    /// <summary>An image was measured that is among none of those that are known.</summary>
    ImageUnknown,

    /// <summary>An image was measured and is not what its known measurement says.</summary>
    ImageDiffers,
}

/// <summary>One reason, with what was seen and what was wanted.</summary>
public sealed record QuoteFault(QuoteReason Reason, string Detail)
{
    /// <summary><c>wrong-nonce</c>.</summary>
    public string Word => string.Concat(Reason.ToString().Select((c, i) => char.IsAsciiLetterUpper(c) ? (i > 0 ? "-" : "") + char.ToLowerInvariant(c) : c.ToString()));
}

/// <summary>What one PCR must hold.</summary>
/// <param name="Values">Any of them will do.</param>
public sealed record PcrRule(TpmAlgorithm Bank, int Index, IReadOnlyList<ReadOnlyMemory<byte>> Values)
{
    /// <summary>Reads <c>sha256:7=HEX,HEX</c>.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static PcrRule Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int colon = text.IndexOf(':', StringComparison.Ordinal), equals = text.IndexOf('=', StringComparison.Ordinal);
        if (colon < 0 || equals < colon || !TpmHashes.TryParse(text[..colon], out TpmAlgorithm bank)
            || !int.TryParse(text.AsSpan(colon + 1, equals - colon - 1), NumberStyles.None, CultureInfo.InvariantCulture, out int index) || index >= PcrSelection.PcrCount)
            throw new FormatException($"{Escape.Quote(text)} is no rule for a PCR; write sha256:7=HEX");
        List<ReadOnlyMemory<byte>> values = [];
        foreach (string hex in text[(equals + 1)..].Split(','))
        {
            if (hex.Length != 2 * bank.Size() || !hex.All(char.IsAsciiHexDigit))
                throw new FormatException($"{Escape.Quote(hex)} is no value of a {bank.Word()} PCR; wanted {2 * bank.Size()} hex digits");
            values.Add(Convert.FromHexString(hex));
        }
        return new PcrRule(bank, index, values);
    }
}

/// <summary>What evidence is judged by.</summary>
public sealed record QuoteDemand
{
    /// <summary>The nonce that was sent; a challenge brings its own.</summary>
    public ReadOnlyMemory<byte>? Nonce { get; init; }

    /// <summary>With its secret.</summary>
    public QuoteChallenge? Challenge { get; init; }

    /// <summary>Since the challenge was issued.</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Keys that were bound to a TPM earlier; with none the challenge must bind the key now.</summary>
    public IReadOnlyList<TpmPublic> KnownKeys { get; init; } = [];

    /// <summary>Of makers; needed where no key is known.</summary>
    public X509Certificate2Collection Roots { get; init; } = [];

    public IReadOnlyList<PcrRule> Rules { get; init; } = [];

    /// <summary>A quote of the same key that was accepted before.</summary>
    public QuoteFile? Previous { get; init; }

    /// <summary>What images should measure, from signed statements; only these may then be in a list of measured images. Null: whatever they are.</summary>
    public IReadOnlyList<Measurement>? Measurements { get; init; }

    /// <summary>Where lists of measured images must lead to. Without it a host could show the list of another index, made for the purpose.</summary>
    public IReadOnlyList<ExtendTarget> NeedsMeasured { get; init; } = [];

    /// <summary>Whether a boot log must be there and lead to each PCR that is selected of 0 to 7.</summary>
    public bool NeedsBootLog { get; init; }
}

/// <summary>What a check found.</summary>
/// <param name="Faults">None when the evidence is good.</param>
/// <param name="Statement">Null when it could not be read.</param>
/// <param name="Explained">PCRs that a log leads to.</param>
/// <param name="ImaLines">Lines of the list of measured files that the quote covers; null without a list that does.</param>
public sealed record QuoteVerdict(IReadOnlyList<QuoteFault> Faults, Attestation? Statement, IReadOnlyList<(TpmAlgorithm Bank, int Index)> Explained, int? ImaLines)
{
    /// <summary>Lists of measured images that lead to what the TPM signed.</summary>
    public IReadOnlyList<MeasuredList> Measured { get; init; } = [];

    public bool IsGood => Faults.Count == 0;
}

/// <summary>Judges evidence without a TPM.</summary>
public static class QuoteCheck
{
    public const int ImaPcr = 10;

    /// <summary>The longest wait that a host's clock may be before this one's.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(2);

    /// <summary>Says everything that is wrong, not the first thing only.</summary>
    public static QuoteVerdict Judge(QuoteFile file, QuoteDemand demand, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(demand);
        List<QuoteFault> faults = [];
        Attestation statement;
        try
        {
            statement = Attestation.Parse(file.Attest.Span);
            if (statement.Kind != AttestationKind.Quote)
                return Malformed("the TPM's statement is no quote");
            if (!TpmSignature.Parse(file.Signature.Span).Verify(Known(file.AttestationKey, demand), file.Attest.Span))
                faults.Add(new(QuoteReason.WrongSignature, "the signature is not the attestation key's over this quote"));
        }
        catch (TpmException e)
        {
            return Malformed(e.Message);
        }
        const TpmObjectAttributes Wanted = TpmObjectAttributes.FixedTpm | TpmObjectAttributes.Restricted | TpmObjectAttributes.Sign;
        if ((file.AttestationKey.Attributes & (Wanted | TpmObjectAttributes.Decrypt)) != Wanted)
            faults.Add(new(QuoteReason.WeakKey, $"the key's attributes are {file.AttestationKey.Attributes}; wanted {Wanted} and no Decrypt"));
        Fresh(file.AttestationKey, statement, demand, now, faults);
        Bound(file, demand, now, faults);
        (IReadOnlyList<(TpmAlgorithm, int)> explained, int? lines, IReadOnlyList<MeasuredList> measured) = Values(file, statement, demand, faults);
        return new QuoteVerdict(faults, statement, explained, lines) { Measured = measured };

        static QuoteVerdict Malformed(string detail) => new([new QuoteFault(QuoteReason.Malformed, detail)], null, [], null);
    }

    /// <summary>The same key, as the caller has it, who may have checked signatures of it before.</summary>
    private static TpmPublic Known(TpmPublic key, QuoteDemand demand)
    {
        foreach (TpmPublic known in demand.KnownKeys)
            if (known.Bytes.Span.SequenceEqual(key.Bytes.Span))
                return known;
        return key;
    }

    private static void Fresh(TpmPublic key, Attestation statement, QuoteDemand demand, DateTimeOffset now, List<QuoteFault> faults)
    {
        if ((demand.Challenge?.Nonce ?? demand.Nonce) is not { IsEmpty: false } nonce)
            faults.Add(new(QuoteReason.Undecided, "no nonce to compare with: without one any old quote would do"));
        else if (!CryptographicOperations.FixedTimeEquals(nonce.Span, statement.ExtraData.Span))
            faults.Add(new(QuoteReason.WrongNonce, $"the quote's nonce is {Shown(statement.ExtraData)}; wanted {Shown(nonce)}"));
        if (demand.Challenge is { } challenge && (now - challenge.Issued > demand.MaxAge || challenge.Issued - now > Skew))
            faults.Add(new(QuoteReason.Expired, $"the challenge is of {challenge.Issued:yyyy-MM-dd HH:mm:ss}Z; it holds for {demand.MaxAge}"));
        if (demand.Previous is not { } previous)
            return;
        if (!previous.AttestationKey.Name.AsSpan().SequenceEqual(key.Name))
            faults.Add(new(QuoteReason.OtherKey, $"the attestation key is {Shown(key.Name)}; that of the evidence seen before is {Shown(previous.AttestationKey.Name)}"));
        Attestation before = Attestation.Parse(previous.Attest.Span);
        if (statement.ResetCount < before.ResetCount
            || (statement.ResetCount == before.ResetCount && (statement.RestartCount < before.RestartCount || (statement.RestartCount == before.RestartCount && statement.Clock < before.Clock))))
            faults.Add(new(QuoteReason.RolledBack, $"boot {statement.ResetCount}, clock {statement.Clock} ms; seen before: boot {before.ResetCount}, clock {before.Clock} ms"));
    }

    private static void Bound(QuoteFile file, QuoteDemand demand, DateTimeOffset now, List<QuoteFault> faults)
    {
        byte[] name = file.AttestationKey.Name;
        if (demand.KnownKeys.Count > 0 && !demand.KnownKeys.Any(k => k.Name.AsSpan().SequenceEqual(name)))
            faults.Add(new(QuoteReason.OtherKey, $"the attestation key is {Shown(name)}; known: {string.Join(", ", demand.KnownKeys.Select(k => Shown(k.Name)))}"));
        if (demand.Challenge is { } challenge)
        {
            if (challenge.Secret is not { } secret)
                faults.Add(new(QuoteReason.Undecided, "the challenge is the host's copy, without its secret"));
            else if (!challenge.KeyName.Span.SequenceEqual(name))
                faults.Add(new(QuoteReason.NotBound, $"the challenge was made for the attestation key {Shown(challenge.KeyName)}; the quote is by {Shown(name)}"));
            else if (file.Endorsement is null || !challenge.EndorsementName.Span.SequenceEqual(file.Endorsement.Key.Name))
                faults.Add(new(QuoteReason.NotBound, $"the challenge was made for the endorsement key {Shown(challenge.EndorsementName)}; the quote comes with {(file.Endorsement is null ? "none" : Shown(file.Endorsement.Key.Name))}"));
            else if (file.Answer is not { } answer || !CryptographicOperations.FixedTimeEquals(answer.Span, HMACSHA256.HashData(secret.Span, file.Attest.Span)))
                faults.Add(new(QuoteReason.NotBound, file.Answer is null ? "the challenge was not answered" : "the answer is not made with the challenge's secret"));
        }
        else if (demand.KnownKeys.Count == 0)
            faults.Add(new(QuoteReason.NotBound, "nothing shows that the attestation key is in a TPM: there is neither a challenge nor a known key"));
        // A known key was bound before; roots that are given all the same are meant.
        if (demand.KnownKeys.Count > 0 && demand.Roots.Count == 0)
            return;
        if (demand.Roots.Count == 0)
            faults.Add(new(QuoteReason.Undecided, "no certificates of trusted makers were given"));
        else if (EndorsementCheck.Fault(file.Endorsement, demand.Roots, now) is { } fault)
            faults.Add(new(QuoteReason.UntrustedMaker, fault));
    }

    private static (IReadOnlyList<(TpmAlgorithm, int)> Explained, int? ImaLines, IReadOnlyList<MeasuredList> Measured) Values(QuoteFile file, Attestation statement, QuoteDemand demand, List<QuoteFault> faults)
    {
        PcrSelection selection = statement.Selection!;
        List<(TpmAlgorithm Bank, int Index)> explained = [];
        foreach ((TpmAlgorithm bank, int index) in selection.Resettable())
            faults.Add(new(QuoteReason.ResettablePcr, $"{bank.Word()} PCR {index} can be set back by software"));
        byte[]? digest = file.Signature.Length > 0 ? file.Pcrs.Digest(selection, TpmSignature.Parse(file.Signature.Span).Hash) : null;
        if (digest is null || !digest.AsSpan().SequenceEqual(statement.PcrDigest.Span))
        {
            faults.Add(new(QuoteReason.PcrsDiffer, digest is null ? "a PCR that was signed is not in the file" : $"the values come to {Shown(digest)}; signed is {Shown(statement.PcrDigest)}"));
            // Whatever else they say stands for nothing.
            return ([], null, []);
        }
        foreach (PcrRule rule in demand.Rules)
        {
            byte[]? value = selection.Contains(rule.Bank, rule.Index) ? file.Pcrs.Find(rule.Bank, rule.Index) : null;
            if ((PcrSelection.ResettableMask >> rule.Index & 1) == 1)
                faults.Add(new(QuoteReason.ResettablePcr, $"a rule rests on {rule.Bank.Word()} PCR {rule.Index}, which software can set back"));
            else if (value is null || !rule.Values.Any(v => v.Span.SequenceEqual(value)))
                faults.Add(new(QuoteReason.PcrRefused, $"{rule.Bank.Word()} PCR {rule.Index} is {(value is null ? "not in the quote" : Convert.ToHexStringLower(value))}; wanted {string.Join(" or ", rule.Values.Select(v => Convert.ToHexStringLower(v.Span)))}"));
        }
        try
        {
            Boot(file, selection, demand, explained, faults);
        }
        catch (TpmException e)
        {
            faults.Add(new(QuoteReason.BootLogDiffers, e.Message));
        }
        int? lines = null;
        try
        {
            lines = Ima(file, selection, explained, faults);
        }
        catch (TpmException e)
        {
            faults.Add(new(QuoteReason.ImaLogDiffers, e.Message));
        }
        IReadOnlyList<MeasuredList> measured = MeasuredCheck.Judge(file, statement, demand, faults);
        explained.AddRange(selection.Pcrs().Where(p => measured.Any(m => !m.Target.IsNv && m.Target.Number == p.Index) && !explained.Contains(p)));
        return (explained, lines, measured);
    }

    private static void Boot(QuoteFile file, PcrSelection selection, QuoteDemand demand, List<(TpmAlgorithm, int)> explained, List<QuoteFault> faults)
    {
        if (file.BootLog is not { } bytes)
        {
            if (demand.NeedsBootLog)
                faults.Add(new(QuoteReason.BootLogDiffers, "there is no boot log"));
            return;
        }
        BootLog log = BootLog.Parse(bytes.Span);
        int before = explained.Count;
        foreach ((TpmAlgorithm bank, _) in selection.Banks)
        {
            if (!log.Banks.Contains(bank))
            {
                if (demand.NeedsBootLog)
                    faults.Add(new(QuoteReason.BootLogDiffers, $"the boot log has no digests of {bank.Word()}"));
                continue;
            }
            PcrValues replayed = log.Replay(bank);
            foreach ((TpmAlgorithm of, int index) in selection.Pcrs().Where(p => p.Bank == bank))
            {
                byte[]? value = replayed.Find(of, index);
                // What runs after the firmware extends PCRs from 8 on and writes no events here; below 8 the log must tell all.
                if (value is null && (index >= 8 || !demand.NeedsBootLog))
                    continue;
                if (value is not null && value.AsSpan().SequenceEqual(file.Pcrs.Find(of, index)))
                    explained.Add((of, index));
                else if (index < 8)
                    faults.Add(new(QuoteReason.BootLogDiffers, $"{of.Word()} PCR {index}: the boot log leads to {(value is null ? "nothing" : Convert.ToHexStringLower(value))}; quoted is {Convert.ToHexStringLower(file.Pcrs.Find(of, index)!)}"));
            }
        }
        if (explained.Count == before && !faults.Exists(f => f.Reason == QuoteReason.BootLogDiffers))
            faults.Add(new(QuoteReason.BootLogDiffers, "the boot log leads to none of the PCRs in the quote"));
    }

    private static int? Ima(QuoteFile file, PcrSelection selection, List<(TpmAlgorithm, int)> explained, List<QuoteFault> faults)
    {
        if (file.ImaLog is not { } text)
            return null;
        ImaLog log = ImaLog.Parse(text);
        int? covered = null;
        foreach ((TpmAlgorithm bank, int index) in selection.Pcrs().Where(p => p.Index == ImaPcr))
        {
            byte[] value = file.Pcrs.Find(bank, index)!;
            if ((log.Replay(bank, index, padded: false, value) ?? log.Replay(bank, index, padded: true, value)) is { } found)
            {
                explained.Add((bank, index));
                covered = Math.Min(covered ?? int.MaxValue, found.Lines);
            }
            else
                faults.Add(new(QuoteReason.ImaLogDiffers, $"{bank.Word()} PCR {index}: no line of the list of measured files leads to {Convert.ToHexStringLower(value)}"));
        }
        if (!selection.Pcrs().Any(p => p.Index == ImaPcr))
            faults.Add(new(QuoteReason.ImaLogDiffers, $"there is a list of measured files, and PCR {ImaPcr} is not in the quote"));
        return covered;
    }

    private static string Shown(ReadOnlyMemory<byte> bytes) => bytes.IsEmpty ? "empty" : Convert.ToHexStringLower(bytes.Span);

    private static string Shown(byte[] bytes) => Shown(bytes.AsMemory());
}
