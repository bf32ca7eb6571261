using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using Plimsoll.Keys;
using Plimsoll.Oci;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Verify.Start;

/// <summary>What a token lets through.</summary>
/// <param name="Images">Image ids (digests of configs); empty: any image.</param>
/// <param name="Containers">Whole ids; empty: any container.</param>
/// <param name="Codes">
/// Codes of refusals, <c>not-intact</c>, <c>signature/none</c>, or with <c>/*</c> at the end all of a component; empty: every one that can be overridden but
/// <see cref="HostChanged"/> and <see cref="TpmUnavailable"/>, which must be named.
/// </param>
public sealed record BreakGlassScope(IReadOnlyList<Digest> Images, IReadOnlyList<string> Containers, IReadOnlyList<string> Codes)
{
    /// <summary>The gate is not the one that was installed.</summary>
    public const string HostChanged = "host-changed";

    /// <summary>The TPM is not there, and with it nobody knows whether used-up tokens were put back.</summary>
    public const string TpmUnavailable = "tpm-unavailable";

    /// <param name="image">Null when it is not known, which only a scope for any image covers.</param>
    /// <param name="container">Null before it has an id.</param>
    /// <param name="codes">All of which must be covered.</param>
    public bool Covers(Digest? image, string? container, IEnumerable<string> codes)
    {
        ArgumentNullException.ThrowIfNull(codes);
        if (Images.Count > 0 && (image is null || !Images.Contains(image)) || Containers.Count > 0 && (container is null || !Containers.Contains(container, StringComparer.Ordinal)))
            return false;
        foreach (string code in codes)
            if (!Covers(code))
                return false;
        return true;
    }

    private bool Covers(string code)
    {
        if (Codes.Count == 0)
            return code is not (HostChanged or TpmUnavailable);
        foreach (string entry in Codes)
            if (entry == code || entry.EndsWith("/*", StringComparison.Ordinal) && code.StartsWith(entry[..^1], StringComparison.Ordinal))
                return true;
        return false;
    }

    /// <summary>
    /// The codes of all that refuses in a verdict: <c>COMPONENT/CODE</c>, or the code alone. Statements by unknown keys are none: anybody can put one beside an image, and what is
    /// missing is told by a code of its own.
    /// </summary>
    public static IReadOnlyList<string> CodesOf(Verdict verdict)
    {
        ArgumentNullException.ThrowIfNull(verdict);
        string[] codes = [.. verdict.Reasons.Where(r => r.Outcome is Outcome.Refused or Outcome.Undecided && r is not { Component: TrustComponents.Signature, Code: SignerSearch.UnknownKey }).Select(r => r.Component is { } component ? $"{component}/{r.Code}" : r.Code).Distinct(StringComparer.Ordinal)];
        return codes.Length > 0 ? codes : ["refused"];
    }
}

/// <summary>Why a token does not count.</summary>
/// <param name="Code">Kebab-case, stable.</param>
public sealed record BreakGlassRefusal(string Code, string Text);

/// <summary>
/// A token that lets a start through which policy refuses: what k of n people signed, for one host, one scope, one time and a number of uses. Source: docs/formats/break-glass.md.
/// </summary>
/// <param name="Host">The host's id: <see cref="PublicKey.Id"/> of the key that its evidence log begins with.</param>
/// <param name="Nonce">32 lower-case hex digits; uses are counted by it.</param>
/// <param name="Issued">To the second, UTC.</param>
/// <param name="NotAfter">The last second in which it counts.</param>
/// <param name="Reason">Why, for the evidence log.</param>
public sealed record BreakGlassToken(string Host, string Nonce, DateTimeOffset Issued, DateTimeOffset NotAfter, int Uses, string Reason, BreakGlassScope Scope)
{
    public const string PayloadType = "application/vnd.plimsoll.break-glass.v1+json";

    /// <summary>Bytes of the envelope: the scope's lists, and 32 signatures of which a hybrid one has some 5 KB.</summary>
    public const int MaxBytes = 256 * 1024;

    public const int MaxUses = 1000, MaxReasonCharacters = 500;

    /// <summary>Of each of the scope's lists.</summary>
    public const int MaxScope = 100;

    /// <summary>A quorum is a handful of people; each signature is checked against each of their keys.</summary>
    public const int MaxSignatures = 32;

    private const int IdDigits = 64, NonceDigits = 32;
    private const string TimeForm = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    /// <summary>How far the clocks of two machines may be apart.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    public static string NewNonce() => RandomNumberGenerator.GetHexString(NonceDigits, lowercase: true);

    /// <summary>What is signed: canonical JSON.</summary>
    public byte[] ToPayload() => new CanonicalJson().BeginObject().Text("host", Host).Text("nonce", Nonce).Text("issued", Written(Issued)).Text("not-after", Written(NotAfter)).Number("uses", (long)Uses).Text("reason", Reason)
        .BeginObject("scope").Texts("images", Scope.Images.Select(i => i.ToString())).Texts("containers", Scope.Containers).Texts("codes", Scope.Codes).EndObject().EndObject().ToBytes();

    /// <summary>A file without any signature yet, one line.</summary>
    public byte[] ToFile() => [.. new DsseEnvelope(PayloadType, ToPayload(), []).ToJson(), (byte)'\n'];

    /// <summary>The file with one more signature; one that the key made before is replaced.</summary>
    public static byte[] AddSignature(DsseEnvelope envelope, ISigner key)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        ArgumentNullException.ThrowIfNull(key);
        DsseEnvelope made = DsseSigning.Sign(PayloadType, envelope.Payload, key);
        HashSet<string> own = new(made.Signatures.Select(s => s.KeyId), StringComparer.Ordinal);
        return [.. (envelope with { Signatures = [.. envelope.Signatures.Where(s => !own.Contains(s.KeyId)), .. made.Signatures] }).ToJson(), (byte)'\n'];
    }

    /// <summary>Reads a file. Who signed it is not looked at.</summary>
    /// <param name="name">What the file is called in errors.</param>
    /// <exception cref="DocumentException">It is no token, or not in the one form that a token has.</exception>
    public static (BreakGlassToken Token, DsseEnvelope Envelope) Read(ReadOnlyMemory<byte> content, string name)
    {
        if (content.Length > MaxBytes)
            throw new DocumentException(name, $"longer than {MaxBytes} bytes (MaxBytes)");
        if (!DsseEnvelope.TryParse(content, out DsseEnvelope? envelope) || envelope.PayloadType != PayloadType)
            throw new DocumentException(name, $"no DSSE envelope of {PayloadType}");
        if (envelope.Signatures.Count > MaxSignatures)
            throw new DocumentException(name, $"{envelope.Signatures.Count} signatures; wanted at most {MaxSignatures} (MaxSignatures)");
        MapReader map = new(DocumentJson.Read(envelope.Payload, name), "the token"), scope = new(map.Get("scope"), "scope");
        BreakGlassToken token = new(
            HexOf(map, "host", IdDigits), HexOf(map, "nonce", NonceDigits), TimeOf(map, "issued"), TimeOf(map, "not-after"), UsesOf(map), map.GetText("reason", MaxReasonCharacters),
            new BreakGlassScope(
                [.. ListOf(scope, "images").Select(i => Digest.TryParse(i, out Digest? image) ? image : throw new DocumentException(scope.Get("images").Where, $"{Escape.Quote(i)} is no image's id"))],
                [.. ListOf(scope, "containers").Select(c => IsHex(c, IdDigits) ? c : throw new DocumentException(scope.Get("containers").Where, $"{Escape.Quote(c)} is no container's whole id"))],
                [.. ListOf(scope, "codes").Select(c => IsCode(c) ? c : throw new DocumentException(scope.Get("codes").Where, $"{Escape.Quote(c)} is no code of a refusal"))]));
        scope.Done();
        map.Done();
        if (token.NotAfter <= token.Issued)
            throw new DocumentException(map.Get("not-after").Where, "the token ends before it begins");
        if (token.Reason.Any(char.IsControl))
            throw new DocumentException(map.Get("reason").Where, "the reason holds control characters");
        // One form only, so that what was shown to who signed is what counts.
        return envelope.Payload.Span.SequenceEqual(token.ToPayload()) ? (token, envelope) : throw new DocumentException(name, "the token is not in its canonical form");
    }

    /// <summary>A code as <see cref="BreakGlassScope.Codes"/> has it.</summary>
    public static bool IsCode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split('/');
        return text.Length <= 100 && parts.Length <= 2 && IsWord(parts[0]) && (parts.Length == 1 || parts[1] == "*" || IsWord(parts[1]));

        static bool IsWord(string word) => word.Length > 0 && word.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
    }

    public static bool IsHostId(string text) => IsHex(text, IdDigits);

    public static bool IsContainerId(string text) => IsHex(text, IdDigits);

    /// <summary>Names of the policy's keys that signed, one for each signer, however many names and versions that has.</summary>
    /// <param name="revoked">What its keys signed counts for nothing; null: none is asked.</param>
    public static IReadOnlyList<string> SignersOf(DsseEnvelope envelope, Policy policy, RevocationList? revoked = null)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        ArgumentNullException.ThrowIfNull(policy);
        if (policy is not { Trust: { } trust, Start.BreakGlass: { } rules })
            return [];
        Signers signers = new(trust.Keys);
        SortedSet<string> signed = new(StringComparer.Ordinal);
        foreach (TrustKey key in trust.Keys)
            if (rules.Keys.Contains(key.Name, StringComparer.Ordinal) && key.Versions.Any(v => !v.Ids.Any(id => revoked?.FindKey(id) is not null) && IsSigned(envelope, v, key.Name)))
                signed.Add(signers.Of(key.Name));
        return [.. signed];
    }

    /// <summary>Whether policy, signatures and host let it count; when and how often is asked elsewhere.</summary>
    /// <param name="revoked">As in <see cref="SignersOf"/>.</param>
    /// <returns>Null: they do.</returns>
    public BreakGlassRefusal? Check(DsseEnvelope envelope, Policy policy, string host, RevocationList? revoked = null)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (policy.Start?.BreakGlass is not { } rules)
            return new("not-allowed", $"policy {policy.Name} has no start.break-glass");
        if (!envelope.Payload.Span.SequenceEqual(ToPayload()))
            return new("malformed", "the signatures are over another token");
        IReadOnlyList<string> signers = SignersOf(envelope, policy, revoked);
        if (signers.Count < rules.Threshold && revoked is not null && SignersOf(envelope, policy).Except(signers, StringComparer.Ordinal).ToArray() is { Length: > 0 } lost)
            return new("key-revoked", $"signed by {string.Join(", ", lost)} with a key that is revoked; wanted {rules.Threshold} others of {string.Join(", ", rules.Keys)}");
        if (signers.Count < rules.Threshold)
            return new("signatures", $"signed by {(signers.Count == 0 ? "none" : string.Join(", ", signers))} of {string.Join(", ", rules.Keys)}; wanted {rules.Threshold} of them");
        if (Host != host)
            return new("host", $"for host {Host[..16]}…; this is {(host.Length > 16 ? host[..16] : host)}…");
        if (NotAfter - Issued > TimeSpan.FromHours(rules.MaxHours))
            return new("too-long", $"counts for {(NotAfter - Issued).TotalHours:0.#} hours; policy {policy.Name} allows {rules.MaxHours}");
        return null;
    }

    /// <param name="now">What the clock says.</param>
    /// <param name="latest">The latest time that this host ever saw: a clock that was set back makes nothing young again.</param>
    /// <returns>Null: it counts now.</returns>
    public BreakGlassRefusal? CheckTime(DateTimeOffset now, DateTimeOffset latest) =>
        Issued > now + Skew ? new("not-yet", $"made at {Written(Issued)}, and it is {Written(now)}")
        : now > NotAfter ? new("expired", $"counted until {Written(NotAfter)}, and it is {Written(now)}")
        : latest > NotAfter ? new("expired", $"counted until {Written(NotAfter)}, and this host has seen {Written(latest)}: its clock was set back")
        : null;

    private static bool IsSigned(DsseEnvelope envelope, TrustedHalf version, string name)
    {
        foreach (PublicKey key in KeyFile.ReadPublicKeys(version.Pem, $"the key {name}"))
            using (key)
                if (DsseSigning.Prove(envelope, key) == Proof.Full)
                    return true;
        return false;
    }

    public static string Written(DateTimeOffset time) => time.UtcDateTime.ToString(TimeForm, CultureInfo.InvariantCulture);

    private static DateTimeOffset TimeOf(MapReader map, string name) =>
        DateTimeOffset.TryParseExact(map.GetText(name), TimeForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset time) ? time
            : throw new DocumentException(map.Get(name).Where, $"{name} is {Escape.Quote(map.GetText(name))}; wanted a time such as 2026-11-21T08:00:00Z");

    private static int UsesOf(MapReader map) =>
        int.TryParse(map.GetText("uses"), NumberStyles.None, CultureInfo.InvariantCulture, out int uses) && uses is >= 1 and <= MaxUses ? uses
            : throw new DocumentException(map.Get("uses").Where, $"uses is {Escape.Quote(map.GetText("uses"))}; wanted a number from 1 to {MaxUses}");

    private static string HexOf(MapReader map, string name, int digits) =>
        map.GetText(name) is var text && IsHex(text, digits) ? text : throw new DocumentException(map.Get(name).Where, $"{name} is {Escape.Quote(map.GetText(name))}; wanted {digits} lower-case hex digits");

    private static IReadOnlyList<string> ListOf(MapReader map, string name) =>
        MapReader.TextsOf(map.Get(name), $"scope.{name}") is { Count: <= MaxScope } list ? list : throw new DocumentException(map.Get(name).Where, $"more than {MaxScope} entries (MaxScope)");

    private static bool IsHex([NotNullWhen(true)] string? text, int digits) => text?.Length == digits && text.All(c => char.IsAsciiHexDigitLower(c));
}
