using System.Security.Cryptography;
using System.Text;

namespace Plimsoll.Keys;

/// <summary>What a key signs with.</summary>
public enum KeyAlgorithm
{
    /// <summary>ECDSA over P-256 with SHA-256, DER signatures; the default.</summary>
    EcdsaP256 = 0,

    /// <summary>ECDSA over P-384, signed with SHA-256 as cosign 2.5 has it; SHA-384 is verified too. DER signatures.</summary>
    EcdsaP384,

    /// <summary>Ed25519, signatures of 64 bytes.</summary>
    Ed25519,

    /// <summary>RSA from 2048 bits, PKCS#1 v1.5 with SHA-256, as cosign has it.</summary>
    Rsa,

    /// <summary>ML-DSA-65, signatures of 3309 bytes; never a key by itself, always the second part of one of those that follow.</summary>
    MlDsa65,

    /// <summary><see cref="EcdsaP256"/> and <see cref="MlDsa65"/>: both sign, and both must verify.</summary>
    EcdsaP256MlDsa65,

    /// <summary><see cref="EcdsaP384"/> and <see cref="MlDsa65"/>.</summary>
    EcdsaP384MlDsa65,

    /// <summary><see cref="Ed25519"/> and <see cref="MlDsa65"/>.</summary>
    Ed25519MlDsa65,

    /// <summary><see cref="Rsa"/> and <see cref="MlDsa65"/>.</summary>
    RsaMlDsa65,
}

/// <summary>What algorithms are called on the command line and in files.</summary>
public static class KeyAlgorithms
{
    /// <summary>What a key can be; ML-DSA-65 alone is none.</summary>
    public static IReadOnlyList<KeyAlgorithm> All { get; } =
    [
        KeyAlgorithm.EcdsaP256, KeyAlgorithm.EcdsaP384, KeyAlgorithm.Ed25519, KeyAlgorithm.Rsa,
        KeyAlgorithm.EcdsaP256MlDsa65, KeyAlgorithm.EcdsaP384MlDsa65, KeyAlgorithm.Ed25519MlDsa65, KeyAlgorithm.RsaMlDsa65,
    ];

    /// <summary><c>ecdsa-p256</c>, <c>ecdsa-p384</c>, <c>ed25519</c>, <c>rsa</c>; a hybrid one is <c>ecdsa-p256+ml-dsa-65</c>.</summary>
    public static string Word(this KeyAlgorithm algorithm) => algorithm switch
    {
        KeyAlgorithm.EcdsaP256 => "ecdsa-p256",
        KeyAlgorithm.EcdsaP384 => "ecdsa-p384",
        KeyAlgorithm.Ed25519 => "ed25519",
        KeyAlgorithm.Rsa => "rsa",
        KeyAlgorithm.MlDsa65 => "ml-dsa-65",
        KeyAlgorithm.EcdsaP256MlDsa65 => "ecdsa-p256+ml-dsa-65",
        KeyAlgorithm.EcdsaP384MlDsa65 => "ecdsa-p384+ml-dsa-65",
        KeyAlgorithm.Ed25519MlDsa65 => "ed25519+ml-dsa-65",
        KeyAlgorithm.RsaMlDsa65 => "rsa+ml-dsa-65",
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

    /// <summary>The classical part of a hybrid; null for one that is none.</summary>
    public static KeyAlgorithm? Classical(this KeyAlgorithm algorithm) => algorithm switch
    {
        KeyAlgorithm.EcdsaP256MlDsa65 => KeyAlgorithm.EcdsaP256,
        KeyAlgorithm.EcdsaP384MlDsa65 => KeyAlgorithm.EcdsaP384,
        KeyAlgorithm.Ed25519MlDsa65 => KeyAlgorithm.Ed25519,
        KeyAlgorithm.RsaMlDsa65 => KeyAlgorithm.Rsa,
        _ => null,
    };

    /// <summary>The hybrid of which this is the classical part.</summary>
    internal static KeyAlgorithm Hybrid(this KeyAlgorithm classical) =>
        All.FirstOrDefault(a => a.Classical() == classical, KeyAlgorithm.EcdsaP256) is var found && found.Classical() is not null ? found
            : throw new KeyException($"{classical.Word()} is no classical part of a hybrid key");

    /// <summary>Why such keys can neither sign nor be checked on this platform; null when they can.</summary>
    public static string? UnsupportedHere(this KeyAlgorithm algorithm) => algorithm.Classical() is null ? null : MlDsa65.Unsupported;

    public static bool TryParse(string? word, out KeyAlgorithm algorithm)
    {
        foreach (KeyAlgorithm one in All)
            if (one.Word() == word)
            {
                algorithm = one;
                return true;
            }
        algorithm = default;
        return false;
    }
}

/// <summary>A key cannot be used; the message says why, without a byte of the key.</summary>
public class KeyException(string message, string? hint = null, Exception? inner = null) : Exception(message, inner)
{
    public string? Hint { get; } = hint;
}

/// <summary>What signatures over the same bytes prove of a key.</summary>
public enum Proof
{
    /// <summary>None of them is the key's.</summary>
    None = 0,

    /// <summary>Of a hybrid key one part signed and the other did not: it proves nothing.</summary>
    Incomplete,

    /// <summary>Of a hybrid key the classical part signed; this platform cannot check the other. It proves nothing here.</summary>
    Unsupported,

    /// <summary>The key signed, with every part that it has.</summary>
    Full,
}

/// <summary>The half of a key that proves who signed. Its methods may be called from several threads.</summary>
public abstract class PublicKey : IDisposable
{
    public const int MinRsaBits = 2048;
    public const int MaxRsaBits = 16384;

    /// <summary>Bytes of a PEM file; a 16384-bit RSA key has some 13 000.</summary>
    public const int MaxPemBytes = 64 * 1024;

    protected PublicKey(KeyAlgorithm algorithm, ReadOnlyMemory<byte> spki)
    {
        (Algorithm, Spki) = (algorithm, spki);
        Id = Convert.ToHexStringLower(SHA256.HashData(spki.Span));
    }

    public KeyAlgorithm Algorithm { get; }

    /// <summary>The SubjectPublicKeyInfo, DER; of a hybrid key both, one after the other, the classical one first. Source: RFC 5280, 4.1.2.7.</summary>
    public ReadOnlyMemory<byte> Spki { get; }

    /// <summary>SHA-256 of <see cref="Spki"/>, 64 lower-case hex digits: what a key is called wherever one is named.</summary>
    public string Id { get; }

    /// <summary>The keys that all must have signed: of a hybrid key the classical one and the ML-DSA one, of every other itself.</summary>
    public virtual IReadOnlyList<PublicKey> Parts => [this];

    /// <summary>The key's id, and those of its parts where it has parts: what it may be called, and what revoking any of revokes it.</summary>
    public IReadOnlyList<string> Ids => Parts.Count == 1 ? [Id] : [Id, .. Parts.Select(p => p.Id)];

    /// <summary>Why this platform can check no signature of this key; null when it can.</summary>
    public virtual string? Unsupported => null;

    /// <summary>Whether the signature is this key's over these bytes. Never throws for what the bytes of a signature are.</summary>
    /// <param name="signature">In the form of <see cref="ISigner.Sign"/>.</param>
    /// <exception cref="KeyUnsupportedException">See <see cref="Unsupported"/>.</exception>
    public abstract bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature);

    /// <summary>What <see cref="ISigner.Sign"/> gave, as one signature of each of the <see cref="Parts"/>, in their order.</summary>
    public virtual IReadOnlyList<ReadOnlyMemory<byte>> Split(ReadOnlyMemory<byte> signature) => [signature];

    /// <summary>What these signatures, in any order, prove together: each part must have made one of them.</summary>
    /// <remarks>On a platform that lacks an algorithm this says so only when the rest of the key did sign; it never throws.</remarks>
    public Proof Prove(ReadOnlySpan<byte> data, IReadOnlyList<ReadOnlyMemory<byte>> signatures)
    {
        ArgumentNullException.ThrowIfNull(signatures);
        int proved = 0, unknown = 0;
        foreach (PublicKey part in Parts)
            foreach (ReadOnlyMemory<byte> signature in signatures)
                if (!part.MayBe(signature.Span))
                    continue;
                else if (part.Unsupported is not null)
                {
                    unknown++;
                    break;
                }
                else if (part.Verify(data, signature.Span))
                {
                    proved++;
                    break;
                }
        return proved == Parts.Count ? Proof.Full : proved == 0 ? Proof.None : proved + unknown == Parts.Count ? Proof.Unsupported : Proof.Incomplete;
    }

    /// <summary>Whether bytes of this length may be a signature of this key at all.</summary>
    internal virtual bool MayBe(ReadOnlySpan<byte> signature) => true;

    /// <summary><c>-----BEGIN PUBLIC KEY-----</c>, a block for each part, one line end at its end.</summary>
    public string ToPem() => Parts.Count == 1 ? ToBlock() : string.Concat(Parts.Select(p => p.ToPem()));

    /// <remarks>As PemEncoding writes it, whose code is compiled at every start.</remarks>
    private string ToBlock()
    {
        const int lineCharacters = 64;
        string content = Convert.ToBase64String(Spki.Span);
        StringBuilder pem = new("-----BEGIN PUBLIC KEY-----\n");
        for (int at = 0; at < content.Length; at += lineCharacters)
            pem.Append(content, at, Math.Min(lineCharacters, content.Length - at)).Append('\n');
        return pem.Append("-----END PUBLIC KEY-----\n").ToString();
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>Who can sign: a key in memory, or one that a device keeps. Its methods may be called from several threads.</summary>
public interface ISigner : IDisposable
{
    /// <summary>Lives as long as the signer.</summary>
    PublicKey PublicKey { get; }

    /// <summary>A signature over these bytes in the form that <see cref="KeyAlgorithm"/> states.</summary>
    /// <exception cref="KeyException">The key cannot be reached or refuses.</exception>
    byte[] Sign(ReadOnlySpan<byte> data);
}

/// <summary>A signer whose key is in memory and may be written to a file.</summary>
internal interface IExportable
{
    /// <summary>PrivateKeyInfo, DER. Whoever asked overwrites it after use. Source: RFC 5958, 2.</summary>
    byte[] ExportPkcs8();
}
