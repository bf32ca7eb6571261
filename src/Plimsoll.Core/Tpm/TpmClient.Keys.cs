using System.Security.Cryptography;

namespace Plimsoll.Tpm;

/// <content>Keys, sessions, quotes, credentials, and data that comes out while PCRs are as they were.</content>
public sealed partial class TpmClient
{
    private const int MaxBlobBytes = 2048, MaxAttestBytes = 2048;

    /// <summary>Bytes that one object can seal. Source: Part 2, MAX_SYM_DATA.</summary>
    public const int MaxSealedBytes = 128;

    /// <summary>Makes the primary key that belongs to a template; the same one each time.</summary>
    /// <param name="hierarchy">Owner or endorsement.</param>
    internal TpmObject CreatePrimary(uint hierarchy, ReadOnlySpan<byte> template, CancellationToken cancellationToken)
    {
        // The sensitive part: no authorisation value, no data. Then no outside data and no PCRs.
        TpmWriter parameters = new TpmWriter().Sized(new TpmWriter().Sized([]).Sized([]).Span).Sized(template).Sized([]).U32(0);
        using HierarchyAuth by = Authorise(hierarchy, cancellationToken);
        (uint handle, byte[] answer) = Execute(TpmCommand.CreatePrimary, [TpmEntity.Of(hierarchy)], [by.Auth], parameters, hasHandle: true, cancellationToken);
        return Loaded(handle, answer, "TPM2_CreatePrimary");
    }

    /// <summary>The endorsement key of a template. Creating it takes the hierarchy's authorisation, using it the policy or an empty value.</summary>
    public TpmObject CreateEndorsementKey(EndorsementTemplate template, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(template);
        return CreatePrimary(TpmHandles.Endorsement, template.Public.Span, cancellationToken);
    }

    public TpmObject CreateAttestationKey(AttestationAlgorithm algorithm, CancellationToken cancellationToken) =>
        CreatePrimary(TpmHandles.Endorsement, TpmTemplates.Attestation(algorithm), cancellationToken);

    public TpmObject CreateStorageRoot(CancellationToken cancellationToken) => CreatePrimary(TpmHandles.Owner, TpmTemplates.StorageRoot, cancellationToken);

    /// <summary>
    /// The storage key that keys of ours are below: where an administrator made one persistent in its usual place, that, so that nobody needs the
    /// owner's password to use a key; else the primary key of our template.
    /// </summary>
    /// <param name="name">Of the one that is wanted; null for any.</param>
    /// <exception cref="TpmException">Unsupported: neither has that name.</exception>
    internal TpmObject OpenStorageRoot(ReadOnlyMemory<byte>? name, CancellationToken cancellationToken)
    {
        if (FindPersistent(TpmHandles.StorageRoot, cancellationToken) is { } there && IsStorage(there) && (name is not { } asked || asked.Span.SequenceEqual(there.Name)))
            return new TpmObject(null, TpmHandles.StorageRoot, there);
        TpmObject made = CreateStorageRoot(cancellationToken);
        if (name is not { } wanted || wanted.Span.SequenceEqual(made.Public.Name))
            return made;
        made.Dispose();
        throw new TpmException(TpmError.Unsupported, "the TPM has not the storage key that this key is below: it is another TPM, or it was cleared");
    }

    /// <summary>Same shape and rights as our template, so that whatever is created below it is as well kept.</summary>
    private static bool IsStorage(TpmPublic area) => area is { Type: TpmAlgorithm.Ecc, CurveId: 3, SymmetricBits: >= 128 } && area.Attributes == TpmPublic.Parse(TpmTemplates.StorageRoot).Attributes && area.Policy.IsEmpty;

    private TpmPublic? FindPersistent(uint handle, CancellationToken cancellationToken)
    {
        try
        {
            return ReadPublic(handle, cancellationToken);
        }
        catch (TpmException e) when (e.Error is TpmError.Refused or TpmError.Unsupported)
        {
            return null;
        }
    }

    /// <summary>Makes a key for ECDSA over P-256 that signs while PCRs have these values. It is not loaded.</summary>
    internal TpmBlob CreateSigningKey(TpmObject storageRoot, PcrSelection selection, PcrValues values, CancellationToken cancellationToken) =>
        Create(storageRoot, TpmTemplates.Signing(PcrPolicy(selection, values)), [], cancellationToken);

    /// <summary>Signs a SHA-256 digest with a key of <see cref="CreateSigningKey"/>.</summary>
    /// <returns>A TPMT_SIGNATURE.</returns>
    /// <exception cref="TpmException">Refused: the PCRs are others now.</exception>
    internal byte[] Sign(TpmObject storageRoot, TpmObject key, ReadOnlySpan<byte> digest, PcrSelection selection, CancellationToken cancellationToken)
    {
        const int HashCheck = 0x8024;
        using TpmSession session = StartSession(TpmSessionType.Policy, storageRoot, cancellationToken);
        PolicyPcr(session, selection, cancellationToken);
        // No ticket is needed: the key is not restricted, and says how it signs.
        TpmWriter parameters = new TpmWriter().Sized(digest).U16(TpmAlgorithm.Null).U16(HashCheck).U32(TpmHandles.Null).Sized([]);
        return Execute(TpmCommand.Sign, [key.Entity], [new TpmAuth(session, [], TpmSession.Continue)], parameters, hasHandle: false, cancellationToken).Parameters;
    }

    private TpmObject Loaded(uint handle, byte[] answer, string what)
    {
        try
        {
            TpmReader reader = new(answer, what);
            return new TpmObject(this, handle, TpmPublic.Parse(reader.Sized(TpmPublic.MaxBytes)));
        }
        catch
        {
            FlushQuietly(handle);
            throw;
        }
    }

    /// <summary>Public area of what is at a handle, such as a persistent key.</summary>
    public TpmPublic ReadPublic(uint handle, CancellationToken cancellationToken)
    {
        TpmReader reader = new(Execute(TpmCommand.ReadPublic, [TpmEntity.Of(handle)], [], new TpmWriter(), hasHandle: false, cancellationToken).Parameters, "TPM2_ReadPublic");
        TpmPublic area = TpmPublic.Parse(reader.Sized(TpmPublic.MaxBytes));
        if (!reader.Sized(66).SequenceEqual(area.Name))
            throw TpmException.Malformed("TPM2_ReadPublic: the name is not the public area's");
        return area;
    }

    /// <summary>Makes an object below a storage key. It is not loaded.</summary>
    /// <param name="data">What it seals; empty for a key. Nobody on the bus sees it: it goes through an encrypting session.</param>
    internal TpmBlob Create(TpmObject parent, ReadOnlySpan<byte> template, ReadOnlySpan<byte> data, CancellationToken cancellationToken)
    {
        using TpmSession session = StartSession(TpmSessionType.Hmac, parent, cancellationToken);
        TpmWriter sensitive = new TpmWriter().Sized([]).Sized(data);
        TpmWriter parameters = new TpmWriter().Sized(sensitive.Span).Sized(template).Sized([]).U32(0);
        sensitive.Clear();
        byte[] answer = Execute(TpmCommand.Create, [parent.Entity], [TpmAuth.Empty, new TpmAuth(session, [], TpmSession.Continue | TpmSession.Decrypt)], parameters, hasHandle: false, cancellationToken).Parameters;
        TpmReader reader = new(answer, "TPM2_Create");
        return new TpmBlob(reader.Sized(MaxBlobBytes).ToArray(), reader.Sized(TpmPublic.MaxBytes).ToArray());
    }

    internal TpmObject Load(TpmObject parent, TpmBlob blob, CancellationToken cancellationToken)
    {
        TpmPublic area = TpmPublic.Parse(blob.Public.Span);
        (uint handle, byte[] answer) = Execute(TpmCommand.Load, [parent.Entity], [TpmAuth.Empty], new TpmWriter().Sized(blob.Private.Span).Sized(blob.Public.Span), hasHandle: true, cancellationToken);
        TpmReader reader = new(answer, "TPM2_Load");
        if (reader.Sized(66).SequenceEqual(area.Name))
            return new TpmObject(this, handle, area);
        FlushQuietly(handle);
        throw TpmException.Malformed("TPM2_Load: the name is not the public area's");
    }

    /// <summary>Starts a session with AES-128 for parameters.</summary>
    /// <param name="salt">The storage or endorsement key that only the TPM can read the salt with; null for a session that proves and hides nothing.</param>
    internal TpmSession StartSession(TpmSessionType type, TpmObject? salt, CancellationToken cancellationToken)
    {
        const TpmAlgorithm Hash = TpmAlgorithm.Sha256;
        (byte[] secret, byte[] encrypted) = salt is null ? ([], []) : TpmSecrets.Share(salt.Public, "SECRET");
        byte[] nonce = RandomNumberGenerator.GetBytes(Hash.Size());
        TpmWriter parameters = new TpmWriter().Sized(nonce).Sized(encrypted).U8((int)type);
        if (salt is null)
            parameters.U16(TpmAlgorithm.Null);
        else
            parameters.U16(TpmAlgorithm.Aes).U16(TpmSession.KeyBits).U16(TpmAlgorithm.Cfb);
        parameters.U16(Hash);
        (uint handle, byte[] answer) = Execute(TpmCommand.StartAuthSession, [salt?.Entity ?? TpmEntity.Of(TpmHandles.Null), TpmEntity.Of(TpmHandles.Null)], [], parameters, hasHandle: true, cancellationToken);
        TpmReader reader = new(answer, "TPM2_StartAuthSession");
        byte[] theirs = reader.Sized(64).ToArray();
        byte[] key = salt is null ? [] : TpmSecrets.KdfA(Hash, secret, "ATH", theirs, nonce, Hash.Size() * 8);
        CryptographicOperations.ZeroMemory(secret);
        return new TpmSession(this, handle, type, Hash, key, theirs);
    }

    /// <summary>Policy: whoever knows a hierarchy's authorisation.</summary>
    internal void PolicySecret(TpmSession session, uint hierarchy, CancellationToken cancellationToken)
    {
        using HierarchyAuth by = Authorise(hierarchy, cancellationToken);
        Execute(TpmCommand.PolicySecret, [TpmEntity.Of(hierarchy), TpmEntity.Of(session.Handle)], [by.Auth], new TpmWriter().Sized([]).Sized([]).Sized([]).U32(0), hasHandle: false, cancellationToken);
    }

    /// <summary>Policy: PCRs as they are now; where the policy was made for others, its use will fail.</summary>
    internal void PolicyPcr(TpmSession session, PcrSelection selection, CancellationToken cancellationToken)
    {
        TpmWriter parameters = new TpmWriter().Sized([]);
        selection.Write(parameters);
        Execute(TpmCommand.PolicyPcr, [TpmEntity.Of(session.Handle)], [], parameters, hasHandle: false, cancellationToken);
    }

    internal byte[] PolicyDigest(TpmSession session, CancellationToken cancellationToken)
    {
        TpmReader reader = new(Execute(TpmCommand.PolicyGetDigest, [TpmEntity.Of(session.Handle)], [], new TpmWriter(), hasHandle: false, cancellationToken).Parameters, "TPM2_PolicyGetDigest");
        return reader.Sized(64).ToArray();
    }

    /// <summary>The digest of a policy that holds while the PCRs have these values; no TPM is asked.</summary>
    /// <exception cref="ArgumentException">A selected value is missing.</exception>
    /// <remarks>Source: TPM 2.0 Library, Part 3, TPM2_PolicyPCR: <c>H(0… ‖ TPM_CC_PolicyPCR ‖ selection ‖ pcrDigest)</c>.</remarks>
    public static byte[] PcrPolicy(PcrSelection selection, PcrValues values)
    {
        ArgumentNullException.ThrowIfNull(selection);
        ArgumentNullException.ThrowIfNull(values);
        TpmWriter writer = new TpmWriter().Bytes(new byte[SHA256.HashSizeInBytes]).U32((uint)TpmCommand.PolicyPcr);
        selection.Write(writer);
        return SHA256.HashData(writer.Bytes(values.Digest(selection, TpmAlgorithm.Sha256) ?? throw new ArgumentException("a selected PCR has no value", nameof(values))).Span);
    }

    /// <summary>Seals data to PCR values: this TPM alone gives it back, and only while they are these.</summary>
    /// <param name="data">At most <see cref="MaxSealedBytes"/> bytes, such as a key.</param>
    public TpmBlob Seal(TpmObject storageRoot, ReadOnlySpan<byte> data, PcrSelection selection, PcrValues values, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(storageRoot);
        if (data.Length is 0 or > MaxSealedBytes)
            throw new ArgumentException($"{data.Length} bytes; wanted 1 to {MaxSealedBytes}", nameof(data));
        return Create(storageRoot, TpmTemplates.Sealed(PcrPolicy(selection, values), withAuth: false), data, cancellationToken);
    }

    /// <exception cref="TpmException">Refused: the PCRs are others now, or the blob is another TPM's.</exception>
    public byte[] Unseal(TpmObject storageRoot, TpmBlob blob, PcrSelection selection, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(storageRoot);
        ArgumentNullException.ThrowIfNull(blob);
        using TpmObject item = Load(storageRoot, blob, cancellationToken);
        using TpmSession session = StartSession(TpmSessionType.Policy, storageRoot, cancellationToken);
        PolicyPcr(session, selection, cancellationToken);
        byte[] answer = Execute(TpmCommand.Unseal, [item.Entity], [new TpmAuth(session, [], TpmSession.Continue | TpmSession.Encrypt)], new TpmWriter(), hasHandle: false, cancellationToken).Parameters;
        TpmReader reader = new(answer, "TPM2_Unseal");
        byte[] data = reader.Sized(MaxSealedBytes).ToArray();
        CryptographicOperations.ZeroMemory(answer);
        return data;
    }

    /// <summary>Has the key sign the PCRs' values together with a nonce.</summary>
    /// <param name="nonce">At most 32 bytes go with every TPM.</param>
    /// <returns>A TPMS_ATTEST and a TPMT_SIGNATURE.</returns>
    public (byte[] Attest, byte[] Signature) Quote(TpmObject key, ReadOnlySpan<byte> nonce, PcrSelection selection, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(selection);
        TpmWriter parameters = new TpmWriter().Sized(nonce).U16(TpmAlgorithm.Null);
        selection.Write(parameters);
        TpmReader reader = new(Execute(TpmCommand.Quote, [key.Entity], [TpmAuth.Empty], parameters, hasHandle: false, cancellationToken).Parameters, "TPM2_Quote");
        return (reader.Sized(MaxAttestBytes).ToArray(), reader.Rest().ToArray());
    }

    /// <summary>Recovers a credential's secret, which proves that both keys are in this TPM.</summary>
    /// <param name="credential">Content of a TPM2B_ID_OBJECT.</param>
    /// <param name="encrypted">Content of a TPM2B_ENCRYPTED_SECRET.</param>
    /// <exception cref="TpmException">Refused: it was made for another endorsement key, or for a key of another name.</exception>
    public byte[] ActivateCredential(TpmObject key, TpmObject endorsement, ReadOnlySpan<byte> credential, ReadOnlySpan<byte> encrypted, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(endorsement);
        TpmWriter parameters = new TpmWriter().Sized(credential).Sized(encrypted);
        using TpmSession hiding = StartSession(TpmSessionType.Hmac, endorsement, cancellationToken);
        TpmAuth hidden = new(hiding, [], TpmSession.Continue | TpmSession.Encrypt);
        byte[] answer;
        if (endorsement.Public.Attributes.HasFlag(TpmObjectAttributes.UserWithAuth))
            answer = Execute(TpmCommand.ActivateCredential, [key.Entity, endorsement.Entity], [TpmAuth.Empty, TpmAuth.Empty, hidden], parameters, hasHandle: false, cancellationToken).Parameters;
        else
        {
            using TpmSession policy = StartSession(TpmSessionType.Policy, null, cancellationToken);
            PolicySecret(policy, TpmHandles.Endorsement, cancellationToken);
            answer = Execute(TpmCommand.ActivateCredential, [key.Entity, endorsement.Entity], [TpmAuth.Empty, new TpmAuth(policy, [], TpmSession.Continue), hidden], parameters, hasHandle: false, cancellationToken).Parameters;
        }
        TpmReader reader = new(answer, "TPM2_ActivateCredential");
        return reader.Sized(64).ToArray();
    }
}

/// <summary>An object outside of its TPM: only the storage key that wrapped it can load it.</summary>
/// <param name="Private">Content of a TPM2B_PRIVATE.</param>
/// <param name="Public">A TPMT_PUBLIC.</param>
public sealed record TpmBlob(ReadOnlyMemory<byte> Private, ReadOnlyMemory<byte> Public);
