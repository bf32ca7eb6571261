namespace Plimsoll.Tpm;

/// <summary>An endorsement key that TPMs are delivered with: which template makes it and where its certificate lies.</summary>
/// <param name="CertificateIndex">NV index of the certificate, DER.</param>
/// <remarks>Source: TCG EK Credential Profile 2.4, 2.2.1.4 and B.3 to B.4.</remarks>
public sealed record EndorsementTemplate(string Name, uint CertificateIndex, ReadOnlyMemory<byte> Public)
{
    /// <summary>In the order in which they are looked for.</summary>
    public static IReadOnlyList<EndorsementTemplate> All { get; } =
    [
        new("ecc-p256", 0x01C0000A, TpmTemplates.EccEndorsement256),
        new("ecc-p384", 0x01C00016, TpmTemplates.EccEndorsement384),
        new("rsa-2048", 0x01C00002, TpmTemplates.RsaEndorsement2048),
    ];

    public static EndorsementTemplate? Find(string name) => All.FirstOrDefault(t => t.Name == name);
}

/// <summary>Public areas that keys are made from. Each gives the same primary key on the same TPM until its seed changes.</summary>
internal static class TpmTemplates
{
    private const TpmObjectAttributes Kept = TpmObjectAttributes.FixedTpm | TpmObjectAttributes.FixedParent | TpmObjectAttributes.SensitiveDataOrigin;
    private const TpmObjectAttributes Storage = Kept | TpmObjectAttributes.Restricted | TpmObjectAttributes.Decrypt;

    /// <summary>PolicyA: who knows the endorsement hierarchy's authorisation. Source: EK Credential Profile, B.6.2.</summary>
    private static readonly byte[] PolicyA256 = Convert.FromHexString("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa");

    /// <summary>PolicyB with SHA-384: PolicyA, or what an NV index says. Source: EK Credential Profile, B.6.5.</summary>
    private static readonly byte[] PolicyB384 = Convert.FromHexString("b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12");

    /// <summary>Template L-1.</summary>
    public static byte[] RsaEndorsement2048 { get; } = Start(TpmAlgorithm.Rsa, TpmAlgorithm.Sha256, Storage | TpmObjectAttributes.AdminWithPolicy, PolicyA256)
        .U16(TpmAlgorithm.Aes).U16(128).U16(TpmAlgorithm.Cfb).U16(TpmAlgorithm.Null).U16(2048).U32(0).Sized(new byte[256]).ToArray();

    /// <summary>Template L-2.</summary>
    public static byte[] EccEndorsement256 { get; } = Start(TpmAlgorithm.Ecc, TpmAlgorithm.Sha256, Storage | TpmObjectAttributes.AdminWithPolicy, PolicyA256)
        .U16(TpmAlgorithm.Aes).U16(128).U16(TpmAlgorithm.Cfb).U16(TpmAlgorithm.Null).U16(3).U16(TpmAlgorithm.Null).Sized(new byte[32]).Sized(new byte[32]).ToArray();

    /// <summary>Template H-3.</summary>
    public static byte[] EccEndorsement384 { get; } = Start(TpmAlgorithm.Ecc, TpmAlgorithm.Sha384, Storage | TpmObjectAttributes.AdminWithPolicy | TpmObjectAttributes.UserWithAuth, PolicyB384)
        .U16(TpmAlgorithm.Aes).U16(256).U16(TpmAlgorithm.Cfb).U16(TpmAlgorithm.Null).U16(4).U16(TpmAlgorithm.Null).Sized([]).Sized([]).ToArray();

    /// <summary>The storage root key. Source: TCG TPM v2.0 Provisioning Guidance, 7.5.1, with template H-2's sizes.</summary>
    public static byte[] StorageRoot { get; } = Start(TpmAlgorithm.Ecc, TpmAlgorithm.Sha256, Storage | TpmObjectAttributes.UserWithAuth | TpmObjectAttributes.NoDictionaryAttack, [])
        .U16(TpmAlgorithm.Aes).U16(128).U16(TpmAlgorithm.Cfb).U16(TpmAlgorithm.Null).U16(3).U16(TpmAlgorithm.Null).Sized(new byte[32]).Sized(new byte[32]).ToArray();

    /// <summary>
    /// Our attestation key: restricted, so that it signs what the TPM itself made and nothing that claims to be. It is a primary key of the
    /// endorsement hierarchy, so that no file of it is needed; the text in its unique field sets it apart from other programs' keys.
    /// </summary>
    public static byte[] Attestation(AttestationAlgorithm algorithm)
    {
        const TpmObjectAttributes Attributes = Kept | TpmObjectAttributes.UserWithAuth | TpmObjectAttributes.Restricted | TpmObjectAttributes.Sign | TpmObjectAttributes.NoDictionaryAttack;
        return algorithm switch
        {
            AttestationAlgorithm.EcdsaP256 => Start(TpmAlgorithm.Ecc, TpmAlgorithm.Sha256, Attributes, []).U16(TpmAlgorithm.Null)
                .U16(TpmAlgorithm.EcDsa).U16(TpmAlgorithm.Sha256).U16(3).U16(TpmAlgorithm.Null).Sized("plimsoll attestation key 1"u8).Sized([]).ToArray(),
            AttestationAlgorithm.EcdsaP384 => Start(TpmAlgorithm.Ecc, TpmAlgorithm.Sha384, Attributes, []).U16(TpmAlgorithm.Null)
                .U16(TpmAlgorithm.EcDsa).U16(TpmAlgorithm.Sha384).U16(4).U16(TpmAlgorithm.Null).Sized("plimsoll attestation key 1"u8).Sized([]).ToArray(),
            _ => Start(TpmAlgorithm.Rsa, TpmAlgorithm.Sha256, Attributes, []).U16(TpmAlgorithm.Null)
                .U16(algorithm == AttestationAlgorithm.RsaPss ? TpmAlgorithm.RsaPss : TpmAlgorithm.RsaSsa).U16(TpmAlgorithm.Sha256).U16(2048).U32(0)
                .Sized("plimsoll attestation key 1"u8).ToArray(),
        };
    }

    /// <summary>A key that signs anything, under a policy alone: no password opens it, and nobody can take it elsewhere.</summary>
    public static byte[] Signing(ReadOnlySpan<byte> policy) =>
        Start(TpmAlgorithm.Ecc, TpmAlgorithm.Sha256, SigningAttributes, policy).U16(TpmAlgorithm.Null).U16(TpmAlgorithm.EcDsa).U16(TpmAlgorithm.Sha256).U16(3).U16(TpmAlgorithm.Null).Sized([]).Sized([]).ToArray();

    public const TpmObjectAttributes SigningAttributes = Kept | TpmObjectAttributes.AdminWithPolicy | TpmObjectAttributes.NoDictionaryAttack | TpmObjectAttributes.Sign;

    /// <summary>Data, not a key, that comes out under a policy alone.</summary>
    public static byte[] Sealed(ReadOnlySpan<byte> policy, bool withAuth) =>
        Start(TpmAlgorithm.KeyedHash, TpmAlgorithm.Sha256, TpmObjectAttributes.FixedTpm | TpmObjectAttributes.FixedParent | (withAuth ? TpmObjectAttributes.UserWithAuth : TpmObjectAttributes.None), policy)
            .U16(TpmAlgorithm.Null).Sized([]).ToArray();

    private static TpmWriter Start(TpmAlgorithm type, TpmAlgorithm name, TpmObjectAttributes attributes, ReadOnlySpan<byte> policy) =>
        new TpmWriter().U16(type).U16(name).U32((uint)attributes).Sized(policy);
}

/// <summary>What an attestation key signs with.</summary>
public enum AttestationAlgorithm
{
    /// <summary>Default: ECDSA over P-256 with SHA-256.</summary>
    EcdsaP256 = 0,
    EcdsaP384,
    RsaSsa,
    RsaPss,
}
