using System.Security.Cryptography;
using System.Text;
using Plimsoll.Hsm;
using Plimsoll.Keys;
using Plimsoll.Tests.Hsm;

namespace Plimsoll.Tests.Fuzz;

/// <content>Names of keys in tokens, and what a token says of its keys.</content>
internal static partial class FuzzTargets
{
    private static FuzzTarget Pkcs11Uris => new()
    {
        Name = "pkcs11-uri",
        Seeds = () => Utf8("pkcs11:token=The%20Token;serial=DECC0401648;slot-id=327;object=my%2Dkey;id=%69%95%3E%00;type=private?module-path=/usr/lib/m.so&pin-source=file:/etc/pin",
            "pkcs11:", "pkcs11:object=%E9%92%A5&a", "pkcs11:?pin-source=/a"),
        Words = ["pkcs11:", ";", "?", "&", "%00", "%", "=", "token=", "object=", "id=", "type=", "serial=", "slot-id=", "pin-value=", "pin-source=", "module-path=", "file://", "|"],
        Refusal = e => e is HsmException { Error: HsmError.BadUri },
        Run = bytes =>
        {
            Pkcs11Uri uri = Pkcs11Uri.Parse(Encoding.UTF8.GetString(bytes));
            WrongAnswerException.Unless(Pkcs11Uri.Parse(uri.ToString()) == uri, "a URI does not read back");
            WrongAnswerException.Unless(uri.ModulePath is null or ['/', ..] && uri.PinSource is null or ['/', ..], "a path that is not absolute");
        },
    };

    /// <summary>A byte of length, the parameters of a curve, the point.</summary>
    private static FuzzTarget TokenPoints => new()
    {
        Name = "token-point",
        Seeds = () =>
        {
            using ECDsa small = ECDsa.Create(ECCurve.NamedCurves.nistP256), large = ECDsa.Create(ECCurve.NamedCurves.nistP384);
            return [.. ((ECDsa[])[small, large]).Select(HsmPublicKeyTests.Forms).SelectMany(f => (byte[][])[[(byte)f.Parameters.Length, .. f.Parameters, .. f.Raw], [(byte)f.Parameters.Length, .. f.Parameters, .. f.Wrapped]])];
        },
        Refusal = e => e is KeyException,
        Run = bytes =>
        {
            int length = bytes.Length == 0 ? 0 : Math.Min((int)bytes[0], bytes.Length - 1);
            using PublicKey key = HsmPublicKey.OfEc(bytes.AsMemory(Math.Min(1, bytes.Length), length), bytes.AsMemory(Math.Min(bytes.Length, 1 + length)), "k");
            using PublicKey again = KeyFile.ReadSpki(key.Spki, "k");
            WrongAnswerException.Unless(again.Id == key.Id && key.Algorithm is KeyAlgorithm.EcdsaP256 or KeyAlgorithm.EcdsaP384, "a point that is no key");
        },
    };
}
