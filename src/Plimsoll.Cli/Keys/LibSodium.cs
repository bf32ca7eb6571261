using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Plimsoll.Keys;

namespace Plimsoll.Cli;

/// <summary>NaCl's secretbox (XSalsa20-Poly1305), which only key files of cosign need and neither .NET nor OpenSSL has.</summary>
internal static unsafe partial class LibSodium
{
    public const int KeyBytes = 32, NonceBytes = 24, MacBytes = 16;

    private const string Library = "libsodium.so.23";

    private static readonly Lazy<bool> Present = new(() => NativeLibrary.TryLoad(Library, out _) && sodium_init() >= 0);

    /// <summary>The tag, then the ciphertext, as NaCl has it.</summary>
    public static byte[] Seal(ReadOnlySpan<byte> message, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> key)
    {
        Need(nonce, key);
        byte[] box = new byte[message.Length + MacBytes];
        fixed (byte* to = box, from = message, once = nonce, secret = key)
            if (crypto_secretbox_easy(to, from, (ulong)message.Length, once, secret) != 0)
                throw new CryptographicException("libsodium refused to encrypt");
        return box;
    }

    /// <summary>Null when the tag is not right: another key, or changed bytes.</summary>
    public static byte[]? Open(ReadOnlySpan<byte> box, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> key)
    {
        Need(nonce, key);
        if (box.Length <= MacBytes)
            return null;
        byte[] message = new byte[box.Length - MacBytes];
        fixed (byte* to = message, from = box, once = nonce, secret = key)
            return crypto_secretbox_open_easy(to, from, (ulong)box.Length, once, secret) == 0 ? message : null;
    }

    /// <exception cref="KeyException">The library is not installed.</exception>
    public static void Need()
    {
        if (!Present.Value)
            throw new KeyException($"key files of cosign need {Library}, which is not on this system", "install it: apt-get install libsodium23");
    }

    private static void Need(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> key)
    {
        Need();
        if (nonce.Length != NonceBytes)
            throw new ArgumentException($"{nonce.Length} bytes; wanted {NonceBytes}", nameof(nonce));
        if (key.Length != KeyBytes)
            throw new ArgumentException($"{key.Length} bytes; wanted {KeyBytes}", nameof(key));
    }

    [LibraryImport(Library)]
    private static partial int sodium_init();

    [LibraryImport(Library)]
    private static partial int crypto_secretbox_easy(byte* box, byte* message, ulong length, byte* nonce, byte* key);

    [LibraryImport(Library)]
    private static partial int crypto_secretbox_open_easy(byte* message, byte* box, ulong length, byte* nonce, byte* key);
}
