using System.Buffers.Binary;
using System.Text;
using Plimsoll.Texts;

namespace Plimsoll.Hsm;

/// <summary>What a token says of itself. Texts are as the token has them: escape them before people see them.</summary>
/// <param name="MaxSessions">0: no limit is known.</param>
/// <remarks>Source: PKCS#11 v2.40, 3.2, CK_TOKEN_INFO; numbers lie as the processor has them.</remarks>
public sealed record HsmTokenInfo(ulong Slot, string Label, string Manufacturer, string Model, string Serial, ulong Flags, ulong MaxSessions)
{
    /// <summary>CK_TOKEN_INFO has 208 bytes; the rest is room for a module that has more.</summary>
    internal const int Bytes = 512;

    public bool IsInitialized => (Flags & Ck.CKF_TOKEN_INITIALIZED) != 0;
    public bool NeedsLogin => (Flags & Ck.CKF_LOGIN_REQUIRED) != 0;
    public bool HasPin => (Flags & Ck.CKF_USER_PIN_INITIALIZED) != 0;

    /// <summary>The PIN is typed at the device, and never passes through this program.</summary>
    public bool HasPinPad => (Flags & Ck.CKF_PROTECTED_AUTHENTICATION_PATH) != 0;

    /// <summary>A wrong PIN was given since the last right one.</summary>
    public bool PinCountLow => (Flags & Ck.CKF_USER_PIN_COUNT_LOW) != 0;

    /// <summary>The next wrong PIN locks the token.</summary>
    public bool PinFinalTry => (Flags & Ck.CKF_USER_PIN_FINAL_TRY) != 0;
    public bool PinLocked => (Flags & Ck.CKF_USER_PIN_LOCKED) != 0;

    /// <summary>For messages: <c>token "t1" (serial 3c0b…)</c>, escaped.</summary>
    public string Shown => $"token {Escape.Quote(Label)}{(Serial.Length > 0 ? $" (serial {Escape.ForTerminal(Serial)})" : "")}";

    public bool Matches(Pkcs11Uri uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        return (uri.Token is null || uri.Token == Label) && (uri.Manufacturer is null || uri.Manufacturer == Manufacturer) && (uri.Model is null || uri.Model == Model)
            && (uri.Serial is null || uri.Serial == Serial) && (uri.SlotId is null || uri.SlotId == Slot);
    }

    internal static HsmTokenInfo Read(ulong slot, ReadOnlySpan<byte> info)
    {
        ulong sessions = Number(info[104..]);
        return new HsmTokenInfo(slot, Text(info[..32]), Text(info[32..64]), Text(info[64..80]), Text(info[80..96]), Number(info[96..]), sessions == Ck.Unavailable ? 0 : sessions);
    }

    private static ulong Number(ReadOnlySpan<byte> bytes) => BitConverter.IsLittleEndian ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : BinaryPrimitives.ReadUInt64BigEndian(bytes);

    /// <summary>Filled up with spaces; some modules fill up with zero bytes.</summary>
    private static string Text(ReadOnlySpan<byte> padded) => Encoding.UTF8.GetString(padded.TrimEnd((ReadOnlySpan<byte>)[0, (byte)' ']));
}
