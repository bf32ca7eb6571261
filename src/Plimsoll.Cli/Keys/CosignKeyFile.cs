using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Plimsoll.Keys;
using Plimsoll.Texts;

namespace Plimsoll.Cli;

/// <summary>
/// cosign's file of a private key: PKCS#8 in NaCl's secretbox under a key from scrypt, as JSON in PEM. Source: docs/formats/keys.md, "cosign".
/// </summary>
internal static class CosignKeyFile
{
    private const string Label = "ENCRYPTED SIGSTORE PRIVATE KEY", OldLabel = "ENCRYPTED COSIGN PRIVATE KEY";
    private const string Kdf = "scrypt", Cipher = "nacl/secretbox";
    private const int SaltBytes = 32;

    // What cosign 2 writes, and the only cost that it reads beside an older one.
    private const long N = 65536, R = 8, P = 1;

    public static bool IsOne(string pem) =>
        pem.Contains($"-----BEGIN {Label}-----", StringComparison.Ordinal) || pem.Contains($"-----BEGIN {OldLabel}-----", StringComparison.Ordinal);

    /// <param name="passphrase">Asked only when the file's parameters are ones that are used here.</param>
    /// <exception cref="KeyException">Not in that form, over a limit, the wrong passphrase, or libsodium is not installed.</exception>
    public static ISigner Read(string pem, string name, Func<string> passphrase)
    {
        Sealed box = Parse(pem, name);
        LibSodium.Need();
        byte[] key = new byte[LibSodium.KeyBytes], secret = Encoding.UTF8.GetBytes(passphrase());
        byte[]? pkcs8 = null;
        try
        {
            Scrypt.Derive(secret, box.Salt, box.N, box.R, box.P, key, name);
            pkcs8 = LibSodium.Open(box.Ciphertext, box.Nonce, key) ?? throw new KeyException($"{name}: the passphrase is not right, or the file is damaged");
            return KeyFile.ReadPkcs8(pkcs8, name);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(secret);
            CryptographicOperations.ZeroMemory(pkcs8);
        }
    }

    /// <summary>As cosign 2 writes it, one line end at its end.</summary>
    /// <exception cref="KeyException">The key is in a device that keeps it, or a hybrid one, which cosign has not, or libsodium is not installed.</exception>
    public static string Write(ISigner signer, string passphrase)
    {
        ArgumentNullException.ThrowIfNull(signer);
        if (signer.PublicKey.Parts.Count > 1)
            throw new KeyException($"cosign has no {signer.PublicKey.Algorithm.Word()} keys", "cosign checks what such a key signs by its classical part; --public writes that one first");
        LibSodium.Need();
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes), nonce = RandomNumberGenerator.GetBytes(LibSodium.NonceBytes);
        byte[] key = new byte[LibSodium.KeyBytes], secret = Encoding.UTF8.GetBytes(passphrase), pkcs8 = KeyFile.ExportPkcs8(signer);
        try
        {
            Scrypt.Derive(secret, salt, N, R, P, key, "the key");
            return PemEncoding.WriteString(Label, Json(salt, nonce, LibSodium.Seal(pkcs8, nonce, key))) + "\n";
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(secret);
            CryptographicOperations.ZeroMemory(pkcs8);
        }
    }

    /// <summary>Whether the file is one, as far as that can be told without its passphrase.</summary>
    /// <exception cref="KeyException">It is not.</exception>
    public static void Check(string pem, string name) => Parse(pem, name);

    private sealed record Sealed(long N, long R, long P, byte[] Salt, byte[] Nonce, byte[] Ciphertext);

    private static Sealed Parse(string pem, string name)
    {
        if (pem.Length > PublicKey.MaxPemBytes || !PemEncoding.TryFind(pem, out PemFields fields) || pem[fields.Label] is not (Label or OldLabel))
            throw new KeyException($"{name} is no key file of cosign");
        try
        {
            using JsonDocument document = JsonDocument.Parse(Convert.FromBase64String(pem[fields.Base64Data]), new JsonDocumentOptions { MaxDepth = 8 });
            JsonElement kdf = document.RootElement.GetProperty("kdf"), cipher = document.RootElement.GetProperty("cipher"), cost = kdf.GetProperty("params");
            if ((kdf.GetProperty("name").GetString(), cipher.GetProperty("name").GetString()) is var (by, with) && (by != Kdf || with != Cipher))
                throw new KeyException($"{name} is encrypted by {Escape.Quote(by)} and {Escape.Quote(with)}; wanted {Kdf} and {Cipher}");
            Sealed box = new(cost.GetProperty("N").GetInt64(), cost.GetProperty("r").GetInt64(), cost.GetProperty("p").GetInt64(),
                kdf.GetProperty("salt").GetBytesFromBase64(), cipher.GetProperty("nonce").GetBytesFromBase64(), document.RootElement.GetProperty("ciphertext").GetBytesFromBase64());
            return box.Nonce.Length == LibSodium.NonceBytes ? box : throw new KeyException($"{name}: a nonce of {box.Nonce.Length} bytes; wanted {LibSodium.NonceBytes}");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new KeyException($"{name} is no key file of cosign: {Escape.ForTerminal(e.Message)}", inner: e);
        }
    }

    private static byte[] Json(byte[] salt, byte[] nonce, byte[] ciphertext)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("kdf");
            json.WriteString("name", Kdf);
            json.WriteStartObject("params");
            json.WriteNumber("N", N);
            json.WriteNumber("r", R);
            json.WriteNumber("p", P);
            json.WriteEndObject();
            json.WriteBase64String("salt", salt);
            json.WriteEndObject();
            json.WriteStartObject("cipher");
            json.WriteString("name", Cipher);
            json.WriteBase64String("nonce", nonce);
            json.WriteEndObject();
            json.WriteBase64String("ciphertext", ciphertext);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
