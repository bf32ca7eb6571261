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
}

/// <summary>What algorithms are called on the command line and in files.</summary>
public static class KeyAlgorithms
{
    public static IReadOnlyList<KeyAlgorithm> All { get; } = [KeyAlgorithm.EcdsaP256, KeyAlgorithm.EcdsaP384, KeyAlgorithm.Ed25519, KeyAlgorithm.Rsa];

    /// <summary><c>ecdsa-p256</c>, <c>ecdsa-p384</c>, <c>ed25519</c>, <c>rsa</c>.</summary>
    public static string Word(this KeyAlgorithm algorithm) => algorithm switch
    {
        KeyAlgorithm.EcdsaP256 => "ecdsa-p256",
        KeyAlgorithm.EcdsaP384 => "ecdsa-p384",
        KeyAlgorithm.Ed25519 => "ed25519",
        KeyAlgorithm.Rsa => "rsa",
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

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

    /// <summary>The SubjectPublicKeyInfo, DER. Source: RFC 5280, 4.1.2.7.</summary>
    public ReadOnlyMemory<byte> Spki { get; }

    /// <summary>SHA-256 of <see cref="Spki"/>, 64 lower-case hex digits: what a key is called wherever one is named.</summary>
    public string Id { get; }

    /// <summary>Whether the signature is this key's over these bytes. Never throws for what the bytes of a signature are.</summary>
    public abstract bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature);

    /// <summary><c>-----BEGIN PUBLIC KEY-----</c>, one line end at its end.</summary>
    /// <remarks>As PemEncoding writes it, whose code is compiled at every start.</remarks>
    public string ToPem()
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
