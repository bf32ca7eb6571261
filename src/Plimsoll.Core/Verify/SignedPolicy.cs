using System.Globalization;
using Plimsoll.Keys;
using Plimsoll.Sign;
using Plimsoll.Texts;

namespace Plimsoll.Verify;

/// <summary>Why a signed policy is not used.</summary>
public enum SignedPolicyError
{
    /// <summary>No envelope, another payload, or one that was changed around its signed content.</summary>
    Malformed = 0,
    BadSignature,
}

/// <summary>A signed policy is not used; the message says what was seen and what was wanted.</summary>
public sealed class SignedPolicyException(SignedPolicyError error, string message, string? hint = null) : Exception(message)
{
    public SignedPolicyError Error { get; } = error;
    public string? Hint { get; } = hint;
}

/// <summary>A policy as hosts load it: canonical JSON in a DSSE envelope, with a counter. Source: docs/formats/policy.md, "Signed policy".</summary>
/// <param name="Counter">1 and up; who remembers a higher one for the same key and name refuses this.</param>
/// <param name="KeyId">Of the key that signed it; see <see cref="PublicKey.Id"/>.</param>
public sealed record SignedPolicy(Policy Policy, long Counter, DateTimeOffset Signed, string KeyId)
{
    public const string PayloadType = "application/vnd.plimsoll.policy.v1+json";

    /// <summary>Bytes of the envelope: the policy in base64 and little else.</summary>
    public const int MaxBytes = 2 * DocumentLimits.MaxPolicyBytes;

    private const string TimeForm = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    /// <summary>The file's content, one line.</summary>
    public static byte[] Sign(Policy policy, long counter, DateTimeOffset now, ISigner key)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfLessThan(counter, 1);
        return [.. DsseSigning.Sign(PayloadType, Payload(policy, counter, now), key).ToJson(), (byte)'\n'];
    }

    /// <summary>Whether a file begins as an envelope does; it may still be none.</summary>
    public static bool IsEnvelope(ReadOnlySpan<byte> content) => content.StartsWith("{\"payloadType\":"u8);

    /// <summary>Signature first, then the form of the envelope, then its content.</summary>
    /// <param name="name">What the file is called in errors.</param>
    /// <param name="keyName">What the key is called in errors.</param>
    /// <exception cref="SignedPolicyException">It is not used; see <see cref="SignedPolicyError"/>.</exception>
    /// <exception cref="DocumentException">The signature is right and the policy cannot be used.</exception>
    /// <exception cref="KeyUnsupportedException">It is signed by a hybrid key, which cannot be checked here.</exception>
    public static SignedPolicy Open(ReadOnlyMemory<byte> content, string name, PublicKey key, string keyName) => Open(content, name, [key], keyName);

    /// <summary>The same, signed by any of several keys: the versions of one.</summary>
    /// <param name="keys">At least one, the newest first.</param>
    public static SignedPolicy Open(ReadOnlyMemory<byte> content, string name, IReadOnlyList<PublicKey> keys, string keyName)
    {
        ArgumentNullException.ThrowIfNull(keys);
        if (content.Length > MaxBytes)
            throw new SignedPolicyException(SignedPolicyError.Malformed, $"{name} is longer than {MaxBytes} bytes (MaxBytes)");
        ReadOnlyMemory<byte> line = content.Span.EndsWith("\n"u8) ? content[..^1] : content;
        if (!DsseEnvelope.TryParse(line, out DsseEnvelope? envelope))
            throw new SignedPolicyException(SignedPolicyError.Malformed, $"{name} is no DSSE envelope");
        if (DsseSigning.FindSigner(envelope, keys) is not { } key)
            throw new SignedPolicyException(SignedPolicyError.BadSignature, $"{name} is not signed by {keyName} (key {keys[0].Id[..16]}…){DsseSigning.Incomplete(envelope, keys)}",
                "use the public key of who signed it; if that is this one, the file was changed");
        // One form only: bytes that no signature covers cannot be varied either.
        if (!DsseSigning.Names(envelope, key) || !line.Span.SequenceEqual(envelope.ToJson()))
            throw new SignedPolicyException(SignedPolicyError.Malformed, $"{name}: the envelope was changed around its signed content");
        if (envelope.PayloadType != PayloadType)
            throw new SignedPolicyException(SignedPolicyError.Malformed, $"{name} holds {Escape.Quote(envelope.PayloadType)}; wanted {PayloadType}");
        return ReadPayload(envelope.Payload, name, key.Id);
    }

    private static byte[] Payload(Policy policy, long counter, DateTimeOffset signed) => new CanonicalJson().BeginObject()
        .Number("counter", counter)
        .Text("signed", signed.UtcDateTime.ToString(TimeForm, CultureInfo.InvariantCulture))
        .Raw("policy", PolicyJson.Write(policy)).EndObject().ToBytes();

    private static SignedPolicy ReadPayload(ReadOnlyMemory<byte> payload, string name, string keyId)
    {
        MapReader map = new(DocumentJson.Read(payload, name), "the signed policy");
        string counterText = map.GetText("counter"), signedText = map.GetText("signed");
        if (!long.TryParse(counterText, NumberStyles.None, CultureInfo.InvariantCulture, out long counter) || counter < 1)
            throw new DocumentException(map.Get("counter").Where, $"counter is {Escape.Quote(counterText)}; wanted a number from 1");
        if (!DateTimeOffset.TryParseExact(signedText, TimeForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset signed))
            throw new DocumentException(map.Get("signed").Where, $"signed is {Escape.Quote(signedText)}; wanted a time such as 2026-11-21T08:00:00Z");
        Policy policy = PolicyReader.Read(map.Get("policy"));
        map.Done();
        if (!payload.Span.SequenceEqual(Payload(policy, counter, signed)))
            throw new DocumentException(name, "the signed policy is not in its canonical form");
        return new SignedPolicy(policy, counter, signed, keyId);
    }
}
