using System.Globalization;
using System.Runtime.InteropServices;

namespace Plimsoll.Hsm;

/// <summary>The numbers of PKCS#11 that are used, under the specification's own names. Source: PKCS#11 v2.40, pkcs11t.h.</summary>
internal static class Ck
{
    public const ulong OK = 0, HOST_MEMORY = 2, SLOT_ID_INVALID = 3, GENERAL_ERROR = 5, FUNCTION_FAILED = 6, ARGUMENTS_BAD = 7,
        ATTRIBUTE_SENSITIVE = 0x11, ATTRIBUTE_TYPE_INVALID = 0x12, DATA_INVALID = 0x20, DEVICE_ERROR = 0x30, DEVICE_MEMORY = 0x31, DEVICE_REMOVED = 0x32,
        ENCRYPTED_DATA_INVALID = 0x40, ENCRYPTED_DATA_LEN_RANGE = 0x41, FUNCTION_NOT_SUPPORTED = 0x54, KEY_HANDLE_INVALID = 0x60, KEY_TYPE_INCONSISTENT = 0x63,
        KEY_FUNCTION_NOT_PERMITTED = 0x68, MECHANISM_INVALID = 0x70, MECHANISM_PARAM_INVALID = 0x71, OBJECT_HANDLE_INVALID = 0x82,
        PIN_INCORRECT = 0xa0, PIN_INVALID = 0xa1, PIN_LEN_RANGE = 0xa2, PIN_EXPIRED = 0xa3, PIN_LOCKED = 0xa4,
        SESSION_CLOSED = 0xb0, SESSION_COUNT = 0xb1, SESSION_HANDLE_INVALID = 0xb3, SESSION_READ_ONLY = 0xb5,
        TEMPLATE_INCONSISTENT = 0xd1, TOKEN_NOT_PRESENT = 0xe0, TOKEN_NOT_RECOGNIZED = 0xe1, TOKEN_WRITE_PROTECTED = 0xe2,
        USER_ALREADY_LOGGED_IN = 0x100, USER_NOT_LOGGED_IN = 0x101, USER_PIN_NOT_INITIALIZED = 0x102,
        WRAPPED_KEY_INVALID = 0x110, WRAPPED_KEY_LEN_RANGE = 0x112, BUFFER_TOO_SMALL = 0x150, CRYPTOKI_NOT_INITIALIZED = 0x190, CRYPTOKI_ALREADY_INITIALIZED = 0x191;

    public const ulong CKF_OS_LOCKING_OK = 2, CKF_RW_SESSION = 2, CKF_SERIAL_SESSION = 4;

    /// <summary>Of CK_TOKEN_INFO.</summary>
    public const ulong CKF_LOGIN_REQUIRED = 0x4, CKF_USER_PIN_INITIALIZED = 0x8, CKF_PROTECTED_AUTHENTICATION_PATH = 0x100, CKF_TOKEN_INITIALIZED = 0x400,
        CKF_USER_PIN_COUNT_LOW = 0x10000, CKF_USER_PIN_FINAL_TRY = 0x20000, CKF_USER_PIN_LOCKED = 0x40000, CKF_USER_PIN_TO_BE_CHANGED = 0x80000;

    /// <summary>Of CK_MECHANISM_INFO.</summary>
    public const ulong CKF_DECRYPT = 0x200, CKF_SIGN = 0x800, CKF_GENERATE = 0x8000, CKF_GENERATE_KEY_PAIR = 0x10000, CKF_WRAP = 0x20000, CKF_UNWRAP = 0x40000;

    public const ulong CKU_USER = 1, CKU_CONTEXT_SPECIFIC = 2;

    public const ulong CKO_CERTIFICATE = 1, CKO_PUBLIC_KEY = 2, CKO_PRIVATE_KEY = 3, CKO_SECRET_KEY = 4;

    public const ulong CKK_RSA = 0, CKK_EC = 3, CKK_GENERIC_SECRET = 0x10, CKK_AES = 0x1f;

    public const ulong CKA_CLASS = 0, CKA_TOKEN = 1, CKA_PRIVATE = 2, CKA_LABEL = 3, CKA_VALUE = 0x11, CKA_KEY_TYPE = 0x100, CKA_ID = 0x102, CKA_SENSITIVE = 0x103,
        CKA_ENCRYPT = 0x104, CKA_DECRYPT = 0x105, CKA_WRAP = 0x106, CKA_UNWRAP = 0x107, CKA_SIGN = 0x108, CKA_VERIFY = 0x10a,
        CKA_MODULUS = 0x120, CKA_MODULUS_BITS = 0x121, CKA_PUBLIC_EXPONENT = 0x122, CKA_PUBLIC_KEY_INFO = 0x129, CKA_VALUE_LEN = 0x161, CKA_EXTRACTABLE = 0x162,
        CKA_LOCAL = 0x163, CKA_EC_PARAMS = 0x180, CKA_EC_POINT = 0x181, CKA_ALWAYS_AUTHENTICATE = 0x202;

    public const ulong CKM_RSA_PKCS_KEY_PAIR_GEN = 0, CKM_RSA_PKCS = 1, CKM_RSA_PKCS_OAEP = 9, CKM_SHA256_RSA_PKCS = 0x40, CKM_SHA_1 = 0x220, CKM_SHA256 = 0x250,
        CKM_EC_KEY_PAIR_GEN = 0x1040, CKM_ECDSA = 0x1041, CKM_ECDSA_SHA256 = 0x1044, CKM_AES_KEY_GEN = 0x1080, CKM_AES_KEY_WRAP = 0x2109;

    public const ulong CKG_MGF1_SHA1 = 1, CKG_MGF1_SHA256 = 2, CKZ_DATA_SPECIFIED = 1;

    /// <summary>CK_UNAVAILABLE_INFORMATION: every bit is set.</summary>
    public const ulong Unavailable = ulong.MaxValue;

    /// <summary><c>CKR_PIN_INCORRECT</c>; the number of one that is not used here.</summary>
    public static string NameOf(ulong code) => code switch
    {
        HOST_MEMORY => "CKR_HOST_MEMORY",
        SLOT_ID_INVALID => "CKR_SLOT_ID_INVALID",
        GENERAL_ERROR => "CKR_GENERAL_ERROR",
        FUNCTION_FAILED => "CKR_FUNCTION_FAILED",
        ARGUMENTS_BAD => "CKR_ARGUMENTS_BAD",
        ATTRIBUTE_SENSITIVE => "CKR_ATTRIBUTE_SENSITIVE",
        ATTRIBUTE_TYPE_INVALID => "CKR_ATTRIBUTE_TYPE_INVALID",
        DATA_INVALID => "CKR_DATA_INVALID",
        DEVICE_ERROR => "CKR_DEVICE_ERROR",
        DEVICE_MEMORY => "CKR_DEVICE_MEMORY",
        DEVICE_REMOVED => "CKR_DEVICE_REMOVED",
        ENCRYPTED_DATA_INVALID => "CKR_ENCRYPTED_DATA_INVALID",
        ENCRYPTED_DATA_LEN_RANGE => "CKR_ENCRYPTED_DATA_LEN_RANGE",
        FUNCTION_NOT_SUPPORTED => "CKR_FUNCTION_NOT_SUPPORTED",
        KEY_HANDLE_INVALID => "CKR_KEY_HANDLE_INVALID",
        KEY_TYPE_INCONSISTENT => "CKR_KEY_TYPE_INCONSISTENT",
        KEY_FUNCTION_NOT_PERMITTED => "CKR_KEY_FUNCTION_NOT_PERMITTED",
        MECHANISM_INVALID => "CKR_MECHANISM_INVALID",
        MECHANISM_PARAM_INVALID => "CKR_MECHANISM_PARAM_INVALID",
        OBJECT_HANDLE_INVALID => "CKR_OBJECT_HANDLE_INVALID",
        PIN_INCORRECT => "CKR_PIN_INCORRECT",
        PIN_INVALID => "CKR_PIN_INVALID",
        PIN_LEN_RANGE => "CKR_PIN_LEN_RANGE",
        PIN_EXPIRED => "CKR_PIN_EXPIRED",
        PIN_LOCKED => "CKR_PIN_LOCKED",
        SESSION_CLOSED => "CKR_SESSION_CLOSED",
        SESSION_COUNT => "CKR_SESSION_COUNT",
        SESSION_HANDLE_INVALID => "CKR_SESSION_HANDLE_INVALID",
        SESSION_READ_ONLY => "CKR_SESSION_READ_ONLY",
        TEMPLATE_INCONSISTENT => "CKR_TEMPLATE_INCONSISTENT",
        TOKEN_NOT_PRESENT => "CKR_TOKEN_NOT_PRESENT",
        TOKEN_NOT_RECOGNIZED => "CKR_TOKEN_NOT_RECOGNIZED",
        TOKEN_WRITE_PROTECTED => "CKR_TOKEN_WRITE_PROTECTED",
        USER_NOT_LOGGED_IN => "CKR_USER_NOT_LOGGED_IN",
        USER_PIN_NOT_INITIALIZED => "CKR_USER_PIN_NOT_INITIALIZED",
        WRAPPED_KEY_INVALID => "CKR_WRAPPED_KEY_INVALID",
        WRAPPED_KEY_LEN_RANGE => "CKR_WRAPPED_KEY_LEN_RANGE",
        BUFFER_TOO_SMALL => "CKR_BUFFER_TOO_SMALL",
        CRYPTOKI_NOT_INITIALIZED => "CKR_CRYPTOKI_NOT_INITIALIZED",
        _ => "0x" + code.ToString("x8", CultureInfo.InvariantCulture),
    };

    /// <summary>The right error for a CK_RV that is not <see cref="OK"/>.</summary>
    /// <param name="where">What the token is called in messages, escaped.</param>
    public static HsmException Error(ulong code, string call, string where)
    {
        (HsmError error, string text, string? hint) = code switch
        {
            PIN_INCORRECT => (HsmError.WrongPin, "the PIN is not right", "it was tried once; a token locks itself after a few wrong ones"),
            PIN_INVALID or PIN_LEN_RANGE => (HsmError.WrongPin, "the PIN has a form or a length that the token does not take", null),
            PIN_LOCKED => (HsmError.PinLocked, "after too many wrong PINs the token takes none any more", OfficerHint),
            PIN_EXPIRED or USER_PIN_NOT_INITIALIZED => (HsmError.PinNotSet, "the PIN has to be set or changed first", "pkcs11-tool --init-pin or --change-pin does that"),
            USER_NOT_LOGGED_IN => (HsmError.PinNeeded, "the token wants a login for this", null),
            DEVICE_REMOVED or TOKEN_NOT_PRESENT or TOKEN_NOT_RECOGNIZED or SESSION_CLOSED or SESSION_HANDLE_INVALID or SLOT_ID_INVALID =>
                (HsmError.TokenRemoved, "the token is not there any more", "put it back and run the command again"),
            KEY_HANDLE_INVALID or OBJECT_HANDLE_INVALID => (HsmError.ObjectGone, "the key is not there any more", null),
            FUNCTION_NOT_SUPPORTED or KEY_TYPE_INCONSISTENT or KEY_FUNCTION_NOT_PERMITTED or MECHANISM_INVALID or MECHANISM_PARAM_INVALID =>
                (HsmError.Unsupported, "the token, or the key in it, does not do this", null),
            _ => (HsmError.Refused, "the token refuses", (string?)null),
        };
        return new HsmException(error, $"{where}: {text} ({call}: {NameOf(code)})", hint) { Code = code };
    }

    public const string OfficerHint = "the token's security officer can set a new one: pkcs11-tool --login --login-type so --init-pin";
}

/// <summary>CK_ATTRIBUTE, as every 64-bit Linux lays it out.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CkAttribute
{
    public ulong Type;
    public byte* Value;
    public ulong Length;
}

/// <summary>CK_MECHANISM.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CkMechanism
{
    public ulong Type;
    public void* Parameter;
    public ulong ParameterLength;
}

/// <summary>CK_RSA_PKCS_OAEP_PARAMS.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CkOaep
{
    public ulong Hash;
    public ulong Mask;
    public ulong Source;
    public void* Data;
    public ulong DataLength;
}

/// <summary>CK_MECHANISM_INFO.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CkMechanismInfo
{
    public ulong MinKeySize;
    public ulong MaxKeySize;
    public ulong Flags;
}
