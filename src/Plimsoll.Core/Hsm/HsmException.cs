using Plimsoll.Keys;

namespace Plimsoll.Hsm;

/// <summary>Why a token did not do what was asked of it.</summary>
public enum HsmError
{
    /// <summary>Default: the module's answer is not what the specification says.</summary>
    Malformed = 0,

    /// <summary>The <c>pkcs11:</c> URI is not written as RFC 7512 has it, or names what is not understood here.</summary>
    BadUri,

    /// <summary>There is no module to load, or it does not load.</summary>
    NoModule,

    /// <summary>Others than root and the user could have written the module.</summary>
    UntrustedModule,

    /// <summary>No token is as the URI says.</summary>
    NoToken,

    /// <summary>More than one token is.</summary>
    AmbiguousToken,

    /// <summary>The token shows no such object; private ones show after a login only.</summary>
    NoObject,

    /// <summary>More than one object is as the URI says.</summary>
    AmbiguousObject,

    /// <summary>A key of that name is there already.</summary>
    Exists,

    /// <summary>The token wants a PIN and none was given.</summary>
    PinNeeded,

    /// <summary>The PIN is not right. It was tried once.</summary>
    WrongPin,

    /// <summary>Too many wrong PINs: the token takes none until its officer sets a new one.</summary>
    PinLocked,

    /// <summary>One wrong PIN more would lock the token, so that only one that a person types is tried.</summary>
    LastTry,

    /// <summary>The PIN has to be changed, or was never set, before the token can be used.</summary>
    PinNotSet,

    /// <summary>The token is not there any more.</summary>
    TokenRemoved,

    /// <summary>The key is not there any more.</summary>
    ObjectGone,

    /// <summary>The public and the private half do not belong together: the signature is thrown away.</summary>
    HalvesDiffer,

    /// <summary>What was unwrapped was not wrapped with this key.</summary>
    NotWrapped,

    /// <summary>The token or this program does not have what was asked for.</summary>
    Unsupported,

    /// <summary>The token said no for another reason; <see cref="HsmException.Code"/> holds it.</summary>
    Refused,
}

/// <summary>A token cannot do what it was asked for. No PIN and no byte of a key stands in the message.</summary>
public sealed class HsmException(HsmError error, string message, string? hint = null, Exception? inner = null) : KeyException(message, hint, inner)
{
    public HsmError Error { get; } = error;

    /// <summary>The CK_RV behind it; 0 when there is none.</summary>
    public ulong Code { get; init; }

    /// <summary>What the error is called in the catalogue of texts: <c>wrong-pin</c>.</summary>
    public string Word => Error switch
    {
        HsmError.BadUri => "bad-uri",
        HsmError.NoModule => "no-module",
        HsmError.UntrustedModule => "untrusted-module",
        HsmError.NoToken => "no-token",
        HsmError.AmbiguousToken => "ambiguous-token",
        HsmError.NoObject => "no-object",
        HsmError.AmbiguousObject => "ambiguous-object",
        HsmError.Exists => "exists",
        HsmError.PinNeeded => "pin-needed",
        HsmError.WrongPin => "wrong-pin",
        HsmError.PinLocked => "pin-locked",
        HsmError.LastTry => "last-try",
        HsmError.PinNotSet => "pin-not-set",
        HsmError.TokenRemoved => "token-removed",
        HsmError.ObjectGone => "object-gone",
        HsmError.HalvesDiffer => "halves-differ",
        HsmError.NotWrapped => "not-wrapped",
        HsmError.Unsupported => "unsupported",
        HsmError.Refused => "refused",
        _ => "malformed",
    };

    internal static HsmException Malformed(string message) => new(HsmError.Malformed, message);
}
