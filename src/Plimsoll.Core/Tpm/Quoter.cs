using System.Security.Cryptography;

namespace Plimsoll.Tpm;

/// <summary>What a host does to be believed, and how a verifier asks it.</summary>
public static class Quoter
{
    private const int MaxAttempts = 4;

    /// <summary>The host's side: its keys, and the certificate that lies in the TPM.</summary>
    /// <param name="template">Null for the first endorsement key that has a certificate.</param>
    /// <param name="chain">Certificates of authorities to send along, DER; a TPM often holds its own only.</param>
    /// <exception cref="TpmException">Unsupported: no template has a certificate and none was named; and whatever the TPM says.</exception>
    public static QuoteIdentity Identify(TpmClient tpm, AttestationAlgorithm algorithm, EndorsementTemplate? template, IReadOnlyList<ReadOnlyMemory<byte>> chain, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tpm);
        ArgumentNullException.ThrowIfNull(chain);
        using TpmObject key = tpm.CreateAttestationKey(algorithm, cancellationToken);
        (EndorsementTemplate used, byte[]? certificate) = FindEndorsement(tpm, template, cancellationToken);
        using TpmObject endorsement = tpm.CreateEndorsementKey(used, cancellationToken);
        return new QuoteIdentity(key.Public, new Endorsement(endorsement.Public, certificate is null ? [] : [certificate, .. chain]));
    }

    private static (EndorsementTemplate Template, byte[]? Certificate) FindEndorsement(TpmClient tpm, EndorsementTemplate? wanted, CancellationToken cancellationToken)
    {
        foreach (EndorsementTemplate template in wanted is null ? EndorsementTemplate.All : [wanted])
            if (tpm.FindNv(template.CertificateIndex, cancellationToken) is { } index && index.Attributes.HasFlag(NvAttributes.Written))
                return (template, Trimmed(tpm.ReadNv(index, cancellationToken)));
        return wanted is not null ? (wanted, null)
            : throw new TpmException(TpmError.Unsupported, "the TPM holds no endorsement certificate", "--ek rsa-2048 takes the key without one, for a host whose key is known otherwise");
    }

    /// <summary>Some TPMs pad the index behind the certificate: its own outer length tells where it ends.</summary>
    private static byte[] Trimmed(byte[] der)
    {
        if (der.Length < 4 || der[0] != 0x30 || der[1] != 0x82)
            return der;
        int length = 4 + (der[2] << 8 | der[3]);
        return length <= der.Length ? der[..length] : der;
    }

    /// <summary>The verifier's side: a nonce, and a secret for the TPM that has both keys. No TPM is needed.</summary>
    /// <exception cref="TpmException">There is no endorsement key.</exception>
    public static QuoteChallenge Challenge(QuoteIdentity identity, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(identity);
        if (identity.Endorsement is not { } endorsement)
            throw new TpmException(TpmError.Unsupported, "there is no endorsement key to make a challenge for");
        byte[] secret = RandomNumberGenerator.GetBytes(QuoteChallenge.SecretBytes), name = identity.AttestationKey.Name;
        (byte[] credential, byte[] encrypted) = TpmSecrets.MakeCredential(endorsement.Key, name, secret);
        return new QuoteChallenge(now, RandomNumberGenerator.GetBytes(QuoteChallenge.NonceBytes), name, endorsement.Key.Name, credential, encrypted, secret);
    }

    /// <summary>The host's side: quotes PCRs, and answers the challenge where there is one.</summary>
    /// <param name="nonce">The verifier's; a challenge brings its own.</param>
    /// <param name="measured">Lists of measured images to put in; null for none.</param>
    /// <param name="readLogs">Gives the logs, after the quote, so that no line that it covers is missing.</param>
    public static QuoteFile Quote(TpmClient tpm, AttestationAlgorithm algorithm, EndorsementTemplate? template, IReadOnlyList<ReadOnlyMemory<byte>> chain, PcrSelection selection,
        ReadOnlyMemory<byte> nonce, QuoteChallenge? challenge, Func<(ReadOnlyMemory<byte>? Boot, ReadOnlyMemory<byte>? Ima)> readLogs, MeasuredStore? measured, DateTimeOffset now, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tpm);
        ArgumentNullException.ThrowIfNull(selection);
        ArgumentNullException.ThrowIfNull(readLogs);
        using TpmObject key = tpm.CreateAttestationKey(algorithm, cancellationToken);
        if (challenge is not null && !challenge.KeyName.Span.SequenceEqual(key.Public.Name))
            throw new TpmException(TpmError.Unsupported, "the challenge was made for another attestation key", "plimsoll quote identity says which key this TPM has; --algorithm must be the same");
        Endorsement? endorsement = null;
        byte[]? secret = null;
        if (challenge is not null)
        {
            (EndorsementTemplate used, byte[]? certificate) = FindEndorsement(tpm, template, cancellationToken);
            using TpmObject ek = tpm.CreateEndorsementKey(used, cancellationToken);
            endorsement = new Endorsement(ek.Public, certificate is null ? [] : [certificate, .. chain]);
            secret = tpm.ActivateCredential(key, ek, challenge.Credential.Span, challenge.Encrypted.Span, cancellationToken);
        }
        (byte[] attest, byte[] signature, PcrValues values) = Steady(tpm, key, challenge?.Nonce ?? nonce, selection, cancellationToken);
        IReadOnlyList<MeasuredEvidence> lists = measured is null ? [] : Measured(tpm, key, challenge?.Nonce ?? nonce, measured, values, cancellationToken);
        (ReadOnlyMemory<byte>? boot, ReadOnlyMemory<byte>? ima) = readLogs();
        ReadOnlyMemory<byte>? answer = null;
        if (secret is not null)
        {
            answer = HMACSHA256.HashData(secret, attest);
            CryptographicOperations.ZeroMemory(secret);
        }
        return new QuoteFile { Made = now, AttestationKey = key.Public, Endorsement = endorsement, Attest = attest, Signature = signature, Pcrs = values, Answer = answer, BootLog = boot, ImaLog = ima, Measured = lists };
    }

    /// <summary>Each list, cut to what the quote covers: a measurement may go on meanwhile.</summary>
    private static List<MeasuredEvidence> Measured(TpmClient tpm, TpmObject key, ReadOnlyMemory<byte> nonce, MeasuredStore store, PcrValues values, CancellationToken cancellationToken)
    {
        List<MeasuredEvidence> lists = [];
        foreach (ExtendTarget target in store.Targets())
        {
            if (target.IsNv)
            {
                NvPublic? index = tpm.FindNv(target.Number, cancellationToken);
                if (index is null || !index.Attributes.HasFlag(NvAttributes.Written))
                {
                    // One entry may have been written and not extended before power was lost.
                    if (store.Read(target) is { Entries.Count: > 1 } lost)
                        throw MeasuredStore.Gone(lost);
                    continue;
                }
                (byte[] attest, byte[] signature) = tpm.CertifyNv(key, index, nonce.Span, cancellationToken);
                // A PCR may be extended meanwhile, and so may an index: the list is read last, and what is behind the signed value is left out.
                MeasuredList list = store.Read(target).UpTo(index.NameAlgorithm, Attestation.Parse(attest).NvContents.Span) ?? throw MeasuredStore.LeadsNowhere(target);
                lists.Add(new MeasuredEvidence(list, index.ToBytes(), attest, signature));
            }
            else
            {
                (TpmAlgorithm Bank, int Index, ReadOnlyMemory<byte> Value)[] quoted = [.. values.All.Where(v => v.Index == target.Number)];
                // Not quoted, or not extended since the boot: the list is of an earlier one.
                if (quoted.Length == 0 || !quoted.Any(q => q.Value.Span.ContainsAnyExcept((byte)0)))
                    continue;
                MeasuredList list = store.Read(target).UpTo(quoted[0].Bank, quoted[0].Value.Span) ?? throw MeasuredStore.LeadsNowhere(target);
                lists.Add(new MeasuredEvidence(list, default, default, default));
            }
            if (lists.Count > MeasuredEvidence.MaxLists)
                throw new TpmException(TpmError.Unsupported, $"more than {MeasuredEvidence.MaxLists} lists of measured images (MaxLists)");
        }
        return lists;
    }

    /// <summary>A quote and values that belong together: a PCR may be extended between the two commands.</summary>
    private static (byte[] Attest, byte[] Signature, PcrValues Values) Steady(TpmClient tpm, TpmObject key, ReadOnlyMemory<byte> nonce, PcrSelection selection, CancellationToken cancellationToken)
    {
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            PcrValues values = tpm.ReadPcrs(selection, cancellationToken);
            (byte[] attest, byte[] signature) = tpm.Quote(key, nonce.Span, selection, cancellationToken);
            Attestation statement = Attestation.Parse(attest);
            // A TPM leaves out of a quote what it does not have, without a word.
            if (!selection.Equals(statement.Selection) && statement.Selection?.Count != selection.Count)
                throw new TpmException(TpmError.Unsupported, $"the TPM quoted {statement.Selection}; wanted {selection}");
            if (values.Digest(statement.Selection!, TpmSignature.Parse(signature).Hash) is { } digest && digest.AsSpan().SequenceEqual(statement.PcrDigest.Span))
                return (attest, signature, values);
        }
        throw new TpmException(TpmError.Timeout, $"the PCRs changed during each of {MaxAttempts} attempts to quote them");
    }
}
