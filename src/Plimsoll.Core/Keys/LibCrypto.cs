using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Plimsoll.Keys;

/// <summary>The functions of OpenSSL 3 that are used and that the base library does not offer, with OpenSSL's own names.</summary>
/// <remarks>The base library loads the same file for every other primitive, so that it is there wherever this program can hash.</remarks>
internal static unsafe partial class LibCrypto
{
    private const string Library = "libcrypto.so.3";

    /// <summary>EVP_PKEY_ED25519. Source: openssl/obj_mac.h, NID_ED25519.</summary>
    private const int Ed25519 = 1087;

    private const int RawBytes = 32, SignatureBytes = 64;

    /// <summary>OPENSSL_INIT_NO_ATEXIT: cleaning up at the process's end would pull the library from under threads that still use it.</summary>
    private const ulong NoAtExit = 0x80000;

    private static readonly Lazy<bool> Present = new(() => NativeLibrary.TryLoad(Library, out _) && OPENSSL_init_crypto(NoAtExit, 0) == 1);

    /// <summary>A key as OpenSSL holds it; freed once, and never while a call uses it.</summary>
    internal sealed class PKey : SafeHandleZeroOrMinusOneIsInvalid
    {
        public PKey() : base(ownsHandle: true)
        {
        }

        public PKey(nint handle) : base(ownsHandle: true) => SetHandle(handle);

        protected override bool ReleaseHandle()
        {
            EVP_PKEY_free(handle);
            return true;
        }
    }

    /// <summary>What is installed, as <c>3.0.17</c>.</summary>
    public static string Version
    {
        get
        {
            Need();
            // 0xMNN00PP0. Source: openssl, OpenSSL_version_num(3).
            ulong number = OpenSSL_version_num();
            return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{number >> 28}.{(number >> 20) & 0xff}.{(number >> 4) & 0xff}");
        }
    }

    /// <param name="seed">32 bytes. Source: RFC 8032, 5.1.5.</param>
    public static PKey OpenPrivate(ReadOnlySpan<byte> seed)
    {
        Need();
        fixed (byte* key = Exactly(seed, RawBytes))
            return Valid(EVP_PKEY_new_raw_private_key(Ed25519, 0, key, RawBytes));
    }

    /// <param name="point">32 bytes.</param>
    public static PKey OpenPublic(ReadOnlySpan<byte> point)
    {
        Need();
        fixed (byte* key = Exactly(point, RawBytes))
            return Valid(EVP_PKEY_new_raw_public_key(Ed25519, 0, key, RawBytes));
    }

    public static byte[] PublicOf(PKey key)
    {
        byte[] raw = new byte[RawBytes];
        nuint length = RawBytes;
        fixed (byte* to = raw)
            Check(EVP_PKEY_get_raw_public_key(key, to, &length) == 1 && length == RawBytes);
        return raw;
    }

    public static byte[] SeedOf(PKey key)
    {
        byte[] raw = new byte[RawBytes];
        nuint length = RawBytes;
        fixed (byte* to = raw)
            Check(EVP_PKEY_get_raw_private_key(key, to, &length) == 1 && length == RawBytes);
        return raw;
    }

    public static byte[] Sign(PKey key, ReadOnlySpan<byte> data)
    {
        byte[] signature = new byte[SignatureBytes];
        nuint length = SignatureBytes;
        nint context = EVP_MD_CTX_new();
        try
        {
            byte none = 0;
            fixed (byte* to = signature, from = data)
                Check(context != 0 && EVP_DigestSignInit(context, 0, 0, 0, key) == 1
                    && EVP_DigestSign(context, to, &length, data.IsEmpty ? &none : from, (nuint)data.Length) == 1 && length == SignatureBytes);
            return signature;
        }
        finally
        {
            EVP_MD_CTX_free(context);
        }
    }

    public static bool Verify(PKey key, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureBytes)
            return false;
        nint context = EVP_MD_CTX_new();
        try
        {
            byte none = 0;
            Check(context != 0 && EVP_DigestVerifyInit(context, 0, 0, 0, key) == 1);
            bool verified;
            fixed (byte* from = data, signed = signature)
                // 1 is yes, 0 is no, and anything else an error, which is no as well.
                verified = EVP_DigestVerify(context, signed, SignatureBytes, data.IsEmpty ? &none : from, (nuint)data.Length) == 1;
            if (!verified)
                ERR_clear_error();
            return verified;
        }
        finally
        {
            EVP_MD_CTX_free(context);
        }
    }

    /// <summary>The caller has bounded the cost.</summary>
    public static void Scrypt(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt, ulong n, ulong r, ulong p, ulong maxMemory, Span<byte> key)
    {
        Need();
        byte none = 0;
        fixed (byte* secret = password, with = salt, to = key)
            Check(EVP_PBE_scrypt(password.IsEmpty ? &none : secret, (nuint)password.Length, salt.IsEmpty ? &none : with, (nuint)salt.Length,
                n, r, p, maxMemory, to, (nuint)key.Length) == 1);
    }

    /// <summary>RSA-OAEP with a label, which the base library has no parameter for; the mask is made with the same hash.</summary>
    /// <param name="spki">An RSA key's SubjectPublicKeyInfo, DER.</param>
    /// <param name="hash">As OpenSSL calls it: <c>sha256</c>.</param>
    public static byte[] EncryptOaep(ReadOnlySpan<byte> spki, string hash, ReadOnlySpan<byte> label, ReadOnlySpan<byte> secret)
    {
        Need();
        fixed (byte* start = spki, from = secret)
        {
            byte* at = start;
            using PKey key = Valid(d2i_PUBKEY(0, &at, spki.Length));
            nint context = EVP_PKEY_CTX_new(key, 0);
            try
            {
                Check(context != 0 && EVP_PKEY_encrypt_init(context) == 1 && EVP_PKEY_CTX_ctrl_str(context, "rsa_padding_mode", "oaep") == 1
                    && EVP_PKEY_CTX_ctrl_str(context, "rsa_oaep_md", hash) == 1 && EVP_PKEY_CTX_ctrl_str(context, "rsa_oaep_label", Convert.ToHexString(label)) == 1);
                nuint length = 0;
                Check(EVP_PKEY_encrypt(context, null, &length, from, (nuint)secret.Length) == 1);
                byte[] encrypted = new byte[length];
                fixed (byte* to = encrypted)
                    Check(EVP_PKEY_encrypt(context, to, &length, from, (nuint)secret.Length) == 1);
                return encrypted[..(int)length];
            }
            finally
            {
                EVP_PKEY_CTX_free(context);
            }
        }
    }

    private static void Need()
    {
        if (!Present.Value)
            throw new KeyException($"{Library} is not on this system", "install OpenSSL 3; Debian's package is libssl3");
    }

    private static ReadOnlySpan<byte> Exactly(ReadOnlySpan<byte> bytes, int length) =>
        bytes.Length == length ? bytes : throw new ArgumentException($"{bytes.Length} bytes; wanted {length}", nameof(bytes));

    private static PKey Valid(nint handle)
    {
        Check(handle != 0);
        return new PKey(handle);
    }

    /// <summary>The base library reads the same queue of errors, so that none may stay in it.</summary>
    private static void Check(bool done)
    {
        if (done)
            return;
        ERR_clear_error();
        throw new KeyException("OpenSSL refused the key or ran out of memory");
    }

    [LibraryImport(Library)]
    private static partial int OPENSSL_init_crypto(ulong options, nint settings);

    [LibraryImport(Library)]
    private static partial nuint OpenSSL_version_num();

    [LibraryImport(Library)]
    private static partial void ERR_clear_error();

    [LibraryImport(Library)]
    private static partial nint EVP_PKEY_new_raw_private_key(int type, nint engine, byte* key, nuint length);

    [LibraryImport(Library)]
    private static partial nint EVP_PKEY_new_raw_public_key(int type, nint engine, byte* key, nuint length);

    [LibraryImport(Library)]
    private static partial int EVP_PKEY_get_raw_public_key(PKey key, byte* to, nuint* length);

    [LibraryImport(Library)]
    private static partial int EVP_PKEY_get_raw_private_key(PKey key, byte* to, nuint* length);

    [LibraryImport(Library)]
    private static partial void EVP_PKEY_free(nint key);

    [LibraryImport(Library)]
    private static partial nint d2i_PUBKEY(nint reuse, byte** at, nint length);

    [LibraryImport(Library)]
    private static partial nint EVP_PKEY_CTX_new(PKey key, nint engine);

    [LibraryImport(Library)]
    private static partial void EVP_PKEY_CTX_free(nint context);

    [LibraryImport(Library)]
    private static partial int EVP_PKEY_encrypt_init(nint context);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int EVP_PKEY_CTX_ctrl_str(nint context, string name, string value);

    [LibraryImport(Library)]
    private static partial int EVP_PKEY_encrypt(nint context, byte* to, nuint* length, byte* from, nuint fromLength);

    [LibraryImport(Library)]
    private static partial nint EVP_MD_CTX_new();

    [LibraryImport(Library)]
    private static partial void EVP_MD_CTX_free(nint context);

    [LibraryImport(Library)]
    private static partial int EVP_DigestSignInit(nint context, nint keyContext, nint hash, nint engine, PKey key);

    [LibraryImport(Library)]
    private static partial int EVP_DigestSign(nint context, byte* signature, nuint* signatureLength, byte* data, nuint length);

    [LibraryImport(Library)]
    private static partial int EVP_DigestVerifyInit(nint context, nint keyContext, nint hash, nint engine, PKey key);

    [LibraryImport(Library)]
    private static partial int EVP_DigestVerify(nint context, byte* signature, nuint signatureLength, byte* data, nuint length);

    [LibraryImport(Library)]
    private static partial int EVP_PBE_scrypt(byte* password, nuint passwordLength, byte* salt, nuint saltLength, ulong n, ulong r, ulong p, ulong maxMemory, byte* key, nuint length);
}
